#include "catalog/sql/moves_sql.h"

/* A rename takes milliseconds; a minute is plenty for a slow disk, and short enough for whoever waits after a crash. */
#define LEASE "interval '60 seconds'"

bool intent_insert(Ctx *ctx, PgConn *conn, int64_t table_id, Str partition, Str from, Str to, int64_t *ret_id, Err *err) {
    /* A table and a partition of it do not move at the same time: one would take the other's directory along. */
    static const PgStmt lock = {"intent_lock", "SELECT pg_advisory_xact_lock(hashint8extended($1, 9083))"};
    static const PgStmt stmt = {"intent_insert",
                                "INSERT INTO directory_intents (table_id, partition, from_uri, to_uri, leased_until, leased_by)"
                                " SELECT $1::bigint, $2::text, $3::text, $4::text, clock_timestamp() + " LEASE ", $5::uuid"
                                " WHERE NOT EXISTS (SELECT FROM directory_intents WHERE table_id = $1"
                                " AND (partition IS NULL OR $2 IS NULL)) ON CONFLICT DO NOTHING RETURNING id"};
    PgArgs table = pg_args(ctx->arena);
    pg_arg_i64(&table, table_id);
    if (!pg_exec(conn, &lock, &table, ctx->arena, NULL, err)) {
        return false;
    }
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    pg_arg_i64(&args, table_id);
    pg_arg_text(&args, partition);
    pg_arg_text(&args, from);
    pg_arg_text(&args, to);
    pg_arg_uuid(&args, ctx->catalog->server_id);
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    if (rows.count == 0) {
        return err_set(err, ERR_CONFLICT, "The directory %" STR_FMT " is being moved by another request. Try again in a moment.",
                       STR_ARG(from));
    }
    *ret_id = pg_i64(&rows, 0, 0, 0);
    return true;
}

bool intent_expect_none(Ctx *ctx, PgConn *conn, Str uri, Err *err) {
    static const PgStmt stmt = {"intent_expect_none", "SELECT 1 FROM directory_intents WHERE to_uri = $1 LIMIT 1"};
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    pg_arg_text(&args, uri);
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    return rows.count == 0 ||
           err_set(err, ERR_CONFLICT, "Another request is renaming something to %" STR_FMT ". Try again in a moment.",
                   STR_ARG(uri));
}

bool intent_delete(Ctx *ctx, PgConn *conn, int64_t id, Err *err) {
    static const PgStmt stmt = {"intent_delete", "DELETE FROM directory_intents WHERE id = $1 AND leased_by = $2"};
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    pg_arg_i64(&args, id);
    pg_arg_uuid(&args, ctx->catalog->server_id);
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    /* Somebody took the lease over, and with it the decision where the directory belongs. */
    return pg_affected(&rows) == 1 ||
           err_set(err, ERR_CONFLICT, "Moving the directory took too long and was reversed by another server. Try again.");
}

bool intent_take_over(Ctx *ctx, PgConn *conn, bool alone, Intent *ret, bool *ret_found, Err *err) {
    static const PgStmt stmt = {
        "intent_take_over",
        "WITH mine AS (UPDATE directory_intents SET leased_until = clock_timestamp() + " LEASE ", leased_by = $1"
        " WHERE id = (SELECT id FROM directory_intents WHERE leased_until < clock_timestamp() OR ($2 AND leased_by <> $1) ORDER BY id"
        "     FOR UPDATE SKIP LOCKED LIMIT 1) RETURNING id, table_id, partition, from_uri, to_uri)"
        " SELECT m.id, m.table_id, m.partition, m.from_uri, m.to_uri, CASE WHEN m.partition IS NULL THEN"
        " (SELECT t.location FROM tables t WHERE t.id = m.table_id) ELSE"
        " (SELECT CASE p.base WHEN 0 THEN p.suffix ELSE b.uri || '/' || coalesce(p.suffix, p.name) END FROM partitions p"
        "     LEFT JOIN location_bases b ON b.table_id = p.table_id AND b.no = p.base"
        "     WHERE p.table_id = m.table_id AND p.name = m.partition) END FROM mine m"};
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    pg_arg_uuid(&args, ctx->catalog->server_id);
    pg_arg_bool(&args, alone);
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret_found = rows.count > 0;
    if (rows.count) {
        *ret = (Intent){pg_i64(&rows, 0, 0, 0), pg_i64(&rows, 0, 1, 0), pg_text(&rows, 0, 2),
                        pg_text(&rows, 0, 3),   pg_text(&rows, 0, 4),   pg_text(&rows, 0, 5)};
    }
    return true;
}

bool location_lock(Ctx *ctx, PgConn *conn, Str uri, bool shared, Err *err) {
    static const PgStmt share = {"location_share", "SELECT pg_advisory_xact_lock_shared(hashtextextended($1, 9083))"};
    static const PgStmt alone = {"location_alone", "SELECT pg_advisory_xact_lock(hashtextextended($1, 9083))"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_text(&args, uri);
    return pg_exec_later(conn, shared ? &share : &alone, &args, err);
}
