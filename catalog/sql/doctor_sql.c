#include "catalog/sql/doctor_sql.h"

bool doctor_sql_settings(Ctx *ctx, PgConn *conn, StoreHealth *ret, Err *err) {
    static const PgStmt stmt = {"doctor_settings", "SELECT current_setting('max_connections')::bigint,"
                                                   " current_setting('superuser_reserved_connections')::bigint,"
                                                   " current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on'"
                                                   " AND current_setting('synchronous_commit') <> 'off'"};
    PgRows rows;
    if (!pg_exec(conn, &stmt, NULL, ctx->arena, &rows, err)) {
        return false;
    }
    ret->max_connections = pg_i64(&rows, 0, 0, 0);
    ret->reserved_connections = pg_i64(&rows, 0, 1, 0);
    ret->durable = pg_bool(&rows, 0, 2);
    return true;
}

bool doctor_sql_clock(Ctx *ctx, PgConn *conn, Micros *ret, Err *err) {
    static const PgStmt stmt = {NULL, "SELECT clock_timestamp()"};
    PgRows rows;
    if (!pg_exec(conn, &stmt, NULL, ctx->arena, &rows, err)) {
        return false;
    }
    *ret = pg_time(&rows, 0, 0);
    return true;
}

/* What the snapshot of the last numbering did not see. */
bool doctor_sql_unnumbered(Ctx *ctx, PgConn *conn, int64_t *ret, Err *err) {
    static const PgStmt stmt = {
        "doctor_unnumbered",
        "SELECT count(*) FROM (SELECT FROM change_counter k JOIN changes c ON c.xid >= pg_snapshot_xmin(k.seen)"
        " WHERE NOT pg_visible_in_snapshot(c.xid, k.seen) LIMIT $1) fresh"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, UNNUMBERED_COUNTED);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret = pg_i64(&rows, 0, 0, 0);
    return true;
}
