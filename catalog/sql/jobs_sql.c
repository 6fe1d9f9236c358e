#include "catalog/sql/jobs_sql.h"

#include "catalog/changes_write.h"
#include "config/config.h"

/* One thread of a server works on jobs, so one that it holds already is one it could not finish or give back, because the
 * database went away. */
bool job_take(Ctx *ctx, PgConn *conn, bool alone, Job *ret, bool *ret_found, Err *err) {
    static const PgStmt stmt = {
        "job_take", "UPDATE jobs SET leased_until = clock_timestamp() + $3::float8 * interval '1 ms', leased_by = $1,"
                    " attempts = attempts + 1 WHERE id = (SELECT id FROM jobs WHERE run_at <= clock_timestamp()"
                    " AND (leased_until IS NULL OR leased_until < clock_timestamp() OR leased_by = $1 OR $2) ORDER BY run_at"
                    " FOR UPDATE SKIP LOCKED LIMIT 1) RETURNING id, kind, payload, attempts"};
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    pg_arg_uuid(&args, ctx->catalog->server_id);
    pg_arg_bool(&args, alone);
    pg_arg_double(&args, (double)ctx->catalog->config->jobs.lease);
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret_found = rows.count > 0;
    if (rows.count) {
        *ret = (Job){pg_i64(&rows, 0, 0, 0), pg_text(&rows, 0, 1), pg_text(&rows, 0, 2), pg_i32(&rows, 0, 3, 1)};
    }
    return true;
}

bool job_done(Ctx *ctx, PgConn *conn, int64_t id, Err *err) {
    static const PgStmt stmt = {"job_done", "DELETE FROM jobs WHERE id = $1"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, id);
    return pg_exec(conn, &stmt, &args, ctx->arena, NULL, err);
}

bool job_failed(Ctx *ctx, PgConn *conn, const Job *job, Str why, Err *err) {
    static const PgStmt stmt = {"job_failed",
                                "UPDATE jobs SET leased_until = NULL, leased_by = NULL, error = $2,"
                                " run_at = clock_timestamp() + least(interval '10 seconds' * power(2, least(attempts, 10)),"
                                " interval '1 hour') WHERE id = $1"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, job->id);
    pg_arg_text(&args, why);
    return pg_exec(conn, &stmt, &args, ctx->arena, NULL, err);
}

/* --- sweeps --------------------------------------------------------------------------------------------------- */

/* A sweep holds its locks for milliseconds and comes again as long as it finds something. */
#define STEP "1000"

static bool sweep(Ctx *ctx, PgConn *conn, const PgStmt *stmt, PgArgs *args, int64_t *ret, Err *err) {
    PgRows rows;
    if (!pg_exec(conn, stmt, args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret = rows.count ? pg_i64(&rows, 0, 0, 0) : pg_affected(&rows);
    return true;
}

bool sweep_dropped_tables(Ctx *ctx, PgConn *conn, int64_t keep_seconds, int64_t *ret, Err *err) {
    /* The rows below go first, in steps; the table's own row once nothing hangs on it, so a crash in between does no harm.
     * The lock keeps away who restores one just now; the versions go in the first step, so that one cannot be restored when
     * part of it is gone (see undrop). */
    static const PgStmt stmt = {
        "sweep_dropped_tables",
        "WITH old AS MATERIALIZED (SELECT id FROM tables WHERE dropped_at < clock_timestamp() - $1::float8 * interval '1 second'"
        "     ORDER BY dropped_at LIMIT 1000 FOR UPDATE SKIP LOCKED),"
        " p AS (DELETE FROM partitions WHERE (table_id, name) IN (SELECT q.table_id, q.name FROM old JOIN partitions q"
        "     ON q.table_id = old.id LIMIT 20000) RETURNING 1),"
        " i AS (DELETE FROM partition_images WHERE (table_id, name, ended_seq) IN (SELECT q.table_id, q.name, q.ended_seq FROM old"
        "     JOIN partition_images q ON q.table_id = old.id LIMIT 20000) RETURNING 1),"
        " s AS (DELETE FROM column_statistics USING old WHERE table_id = old.id RETURNING 1),"
        " k AS (DELETE FROM constraints USING old WHERE table_id = old.id OR parent_table_id = old.id RETURNING 1),"
        " g AS (DELETE FROM tags USING old WHERE kind = 'table' AND object_id = old.id RETURNING 1),"
        " a AS (DELETE FROM privileges USING old WHERE kind IN (3, 4, 5) AND object_id = old.id RETURNING 1),"
        " v AS (DELETE FROM table_versions USING old WHERE table_id = old.id RETURNING 1),"
        " empty AS (SELECT old.id FROM old WHERE NOT EXISTS (SELECT FROM partitions WHERE table_id = old.id)"
        "     AND NOT EXISTS (SELECT FROM partition_images WHERE table_id = old.id)),"
        " b AS (DELETE FROM location_bases USING empty WHERE table_id = empty.id RETURNING 1),"
        " t AS (DELETE FROM tables USING empty WHERE tables.id = empty.id RETURNING 1)"
        " SELECT (SELECT count(*) FROM p) + (SELECT count(*) FROM i) + (SELECT count(*) FROM s) + (SELECT count(*) FROM k)"
        " + (SELECT count(*) FROM g) + (SELECT count(*) FROM v) + (SELECT count(*) FROM b) + (SELECT count(*) FROM t)"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_double(&args, (double)keep_seconds);
    return sweep(ctx, conn, &stmt, &args, ret, err);
}

bool sweep_dropped_databases(Ctx *ctx, PgConn *conn, int64_t keep_seconds, int64_t *ret, Err *err) {
    static const PgStmt stmt = {
        "sweep_dropped_databases",
        "WITH gone AS (DELETE FROM databases d WHERE NOT EXISTS (SELECT FROM tables t WHERE"
        " t.database_id = d.id) AND dropped_at < clock_timestamp() - $1::float8 * interval '1 second'"
        " RETURNING id), a AS (DELETE FROM privileges p USING gone WHERE p.kind = 2 AND p.object_id = gone.id)"
        " SELECT count(*) FROM gone"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_double(&args, (double)keep_seconds);
    return sweep(ctx, conn, &stmt, &args, ret, err);
}

bool sweep_pointer_moves(Ctx *ctx, PgConn *conn, int64_t keep_count, int64_t keep_seconds, int64_t *ret, Err *err) {
    static const PgStmt stmt = {
        "sweep_pointer_moves",
        "DELETE FROM table_versions WHERE (table_id, version) IN (SELECT v.table_id, v.version FROM table_versions v"
        " JOIN tables t ON t.id = v.table_id WHERE v.pointer IS NOT NULL AND v.at < clock_timestamp() - $2::float8 * interval '1 second'"
        " AND v.version <= t.version - $1::bigint AND v.version < t.version LIMIT " STEP ")"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, keep_count);
    pg_arg_double(&args, (double)keep_seconds);
    return sweep(ctx, conn, &stmt, &args, ret, err);
}

bool sweep_versions(Ctx *ctx, PgConn *conn, int64_t keep_seconds, int64_t *ret, Err *err) {
    /* Never the current version, nor a full body that a kept partial one still needs. */
    static const PgStmt stmt = {
        "sweep_versions",
        "DELETE FROM table_versions WHERE (table_id, version) IN (SELECT v.table_id, v.version FROM table_versions v"
        " JOIN tables t ON t.id = v.table_id WHERE v.at < clock_timestamp() - $1::float8 * interval '1 second' AND v.version < t.version"
        " AND NOT EXISTS (SELECT FROM table_versions w WHERE w.table_id = v.table_id AND w.full_version = v.version"
        " AND w.version > v.version) LIMIT " STEP ")"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_double(&args, (double)keep_seconds);
    return sweep(ctx, conn, &stmt, &args, ret, err);
}

bool sweep_partition_images(Ctx *ctx, PgConn *conn, int64_t keep_seconds, int64_t *ret, Err *err) {
    /* Images end in the order of their changes, so only the oldest need to be looked at. */
    static const PgStmt stmt = {
        "sweep_partition_images",
        "DELETE FROM partition_images WHERE ctid = ANY (ARRAY(SELECT i.ctid FROM (SELECT ctid, ended_seq FROM partition_images"
        " ORDER BY ended_seq LIMIT " STEP ") i LEFT JOIN changes c ON c.seq = i.ended_seq"
        " WHERE c.at < clock_timestamp() - $1::float8 * interval '1 second' OR c.seq IS NULL))"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_double(&args, (double)keep_seconds);
    return sweep(ctx, conn, &stmt, &args, ret, err);
}

/* A change that tells who made a version or a partition that is still kept stays, whatever its age. Partitions are found by
 * the names the change lists. A row that is full of names can be the first of several, and its number stands for all of
 * them: then the whole table is asked. What dropped something made nothing. */
#define MADE_BY_CHANGE "p.table_id = c.object_id AND c.seq IN (p.added_seq, p.altered_seq)"
#define CHANGE_NEEDED \
    "(c.kind = 'table' AND EXISTS (SELECT FROM table_versions v WHERE v.table_id = c.object_id AND v.version = c.version)" \
    " OR EXISTS (SELECT FROM partition_images i WHERE i.ended_seq = c.seq)" \
    " OR c.kind = 'partition' AND c.action <> 'drop' AND (" \
    "     EXISTS (SELECT FROM partitions p WHERE p.name = ANY (c.partitions) AND " MADE_BY_CHANGE ")" \
    "     OR EXISTS (SELECT FROM partition_images p WHERE p.name = ANY (c.partitions) AND " MADE_BY_CHANGE ")" \
    "     OR coalesce(cardinality(c.partitions), $3::int) >= $3" \
    "         AND (EXISTS (SELECT FROM partitions p WHERE " MADE_BY_CHANGE ")" \
    "             OR EXISTS (SELECT FROM partition_images p WHERE " MADE_BY_CHANGE "))))"

bool sweep_changes(Ctx *ctx, PgConn *conn, int64_t keep_seconds, int64_t *after, Err *err) {
    static const PgStmt stmt = {
        "sweep_changes",
        "WITH look AS MATERIALIZED (SELECT seq, at < clock_timestamp() - $2::float8 * interval '1 second' AS old FROM changes"
        "     WHERE seq > $1::bigint ORDER BY seq LIMIT " STEP "),"
        " gone AS (DELETE FROM changes WHERE seq IN (SELECT c.seq FROM look JOIN changes c USING (seq) JOIN change_order o USING (seq)"
        "     WHERE look.old AND NOT " CHANGE_NEEDED ") RETURNING seq),"
        " unnumbered AS (DELETE FROM change_order o USING gone WHERE o.seq = gone.seq)"
        " SELECT CASE WHEN bool_or(old) THEN max(seq) ELSE 0 END FROM look"};
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    pg_arg_i64(&args, *after);
    pg_arg_double(&args, (double)keep_seconds);
    pg_arg_i32(&args, CHANGES_PARTITIONS_PER_ROW);
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *after = pg_i64(&rows, 0, 0, 0);
    return true;
}

bool sweep_content(Ctx *ctx, PgConn *conn, int64_t *ret, Err *err) {
    /* One condition each: with an OR in it every definition would walk through all tables and versions. */
    static const PgStmt stmt = {"sweep_content",
                                "WITH c AS (DELETE FROM column_sets s WHERE touched_at < clock_timestamp() - interval '1 day'"
                                " AND NOT EXISTS (SELECT FROM tables WHERE columns = s.id)"
                                " AND NOT EXISTS (SELECT FROM tables WHERE partition_keys = s.id)"
                                " AND NOT EXISTS (SELECT FROM table_versions WHERE columns = s.id)"
                                " AND NOT EXISTS (SELECT FROM table_versions WHERE partition_keys = s.id)"
                                " AND NOT EXISTS (SELECT FROM partitions WHERE columns = s.id)"
                                " AND NOT EXISTS (SELECT FROM partition_images WHERE columns = s.id) RETURNING 1),"
                                " f AS (DELETE FROM storage_formats s WHERE touched_at < clock_timestamp() - interval '1 day'"
                                " AND NOT EXISTS (SELECT FROM tables WHERE format = s.id)"
                                " AND NOT EXISTS (SELECT FROM table_versions WHERE format = s.id)"
                                " AND NOT EXISTS (SELECT FROM partitions WHERE format = s.id)"
                                " AND NOT EXISTS (SELECT FROM partition_images WHERE format = s.id) RETURNING 1)"
                                " SELECT (SELECT count(*) FROM c) + (SELECT count(*) FROM f)"};
    PgArgs args = pg_args(ctx->arena);
    return sweep(ctx, conn, &stmt, &args, ret, err);
}
