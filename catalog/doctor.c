#include "catalog/doctor.h"

#include "catalog/sql/doctor_sql.h"

bool doctor_look(Ctx *ctx, StoreHealth *ret, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    StoreHealth health = {0};
    if (!ctx_authorize(ctx, ACTION_ADMIN, "server", STR_NULL, STR_NULL, STR_NULL, err) ||
        !pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) || !doctor_sql_settings(ctx, conn, &health, err)) {
        return false;
    }
    int64_t before = clock_monotonic_us(); /* the first statement paid for the connection */
    if (!doctor_sql_clock(ctx, conn, &health.clock, err)) {
        return false;
    }
    health.latency_us = clock_monotonic_us() - before;
    health.clock_here = clock_now() - health.latency_us / 2;
    health.server_version = pg_server_version(conn);
    if (!doctor_sql_unnumbered(ctx, conn, &health.unnumbered, err)) {
        return false;
    }
    *ret = health;
    return true;
}
