#include "catalog/sql/moves_sql.h"

bool tables_hold(Ctx *ctx, PgConn *conn, const int64_t *ids, size_t count, size_t *ret_held, int64_t *ret_version, Err *err) {
    static const PgStmt stmt = {
        "tables_hold", "SELECT version FROM tables WHERE id = ANY ($1) AND dropped_at IS NULL ORDER BY name, id FOR UPDATE"};
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    pg_arg_i64s(&args, ids, count);
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret_held = rows.count;
    *ret_version = rows.count ? pg_i64(&rows, rows.count - 1, 0, -1) : -1;
    return true;
}

bool intent_insert(Ctx *ctx, PgConn *conn, int64_t table_id, Str partition, Str from, Str to, int64_t *ret_id, Err *err) {
    /* A table and a partition of it do not move at the same time: one would take the other's directory along. */
    static const PgStmt stmt = {"intent_insert",
                                "INSERT INTO directory_intents (table_id, partition, from_uri, to_uri, leased_until, leased_by)"
                                " SELECT $1::bigint, $2::text, $3::text, $4::text, clock_timestamp() + " INTENT_LEASE ", $5::uuid"
                                " WHERE NOT EXISTS (SELECT FROM directory_intents WHERE table_id = $1"
                                " AND (partition IS NULL OR $2 IS NULL)) ON CONFLICT DO NOTHING RETURNING id"};
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
    *ret_id = rows.count ? pg_i64(&rows, 0, 0, 0) : 0;
    return true;
}

bool intent_expect_none(Ctx *ctx, PgConn *conn, Str uri, Err *err) {
    static const PgStmt stmt = {"intent_expect_none",
                                "SELECT 1 FROM directory_intents WHERE to_uri = $1 OR (aside AND from_uri = $1) LIMIT 1"};
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    pg_arg_text(&args, uri);
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    return rows.count == 0 ||
           err_set(err, ERR_CONFLICT, "Another request is moving a directory to or from %" STR_FMT ". Try again in a moment.",
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
        "WITH mine AS (UPDATE directory_intents SET leased_until = clock_timestamp() + " INTENT_LEASE ", leased_by = $1"
        " WHERE id = (SELECT id FROM directory_intents WHERE leased_until < clock_timestamp() OR ($2 AND leased_by <> $1) ORDER BY id"
        "     FOR UPDATE SKIP LOCKED LIMIT 1) RETURNING id, table_id, partition, from_uri, to_uri, aside)"
        " SELECT m.id, m.table_id, m.partition, m.from_uri, m.to_uri, m.aside, CASE WHEN m.partition IS NULL THEN"
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
        *ret = (Intent){pg_i64(&rows, 0, 0, 0), pg_i64(&rows, 0, 1, 0), pg_text(&rows, 0, 2), pg_text(&rows, 0, 3),
                        pg_text(&rows, 0, 4),   pg_bool(&rows, 0, 5),   pg_text(&rows, 0, 6)};
    }
    return true;
}

/* Of few places rather than of each, so that a thousand at once do not fill the table of locks. */
#define PLACE_LOCK "9083, hashtext(uri) & 255"

bool location_lock(Ctx *ctx, PgConn *conn, Str uri, bool shared, Err *err) {
    static const PgStmt share = {"location_share",
                                 "SELECT pg_advisory_xact_lock_shared(" PLACE_LOCK ") FROM (SELECT $1::text AS uri) u"};
    static const PgStmt alone = {"location_alone", "SELECT pg_advisory_xact_lock(" PLACE_LOCK ") FROM (SELECT $1::text AS uri) u"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_text(&args, uri);
    return pg_exec_later(conn, shared ? &share : &alone, &args, err);
}

bool locations_lock(Ctx *ctx, PgConn *conn, StrList uris, Err *err) {
    static const PgStmt stmt = {"locations_lock",
                                "SELECT pg_advisory_xact_lock(9083, no) FROM (SELECT DISTINCT hashtext(uri) & 255 AS no"
                                " FROM unnest($1::text[]) u (uri) ORDER BY no) n"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_texts(&args, uris);
    return pg_exec_later(conn, &stmt, &args, err);
}
