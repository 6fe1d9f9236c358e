#include "catalog/verify.h"

#include "catalog/sql/verify_sql.h"

bool verify_store(Ctx *ctx, VerifyReport *ret, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    VerifyReport report = {.items = ARENA_ARRAY(ctx->arena, VerifyCheck, verify_rule_count() + 2)};
    if (!ctx_authorize(ctx, ACTION_ADMIN, "server", STR_NULL, STR_NULL, STR_NULL, err) ||
        !pg_acquire(ctx->catalog->pg, PG_BULK, ctx->deadline, &conn, err)) {
        return false;
    }
    for (size_t i = 0; i < verify_rule_count(); i++) {
        if (!verify_rule(ctx, conn, i, &report.items[report.count++], err)) {
            return false;
        }
    }
    if (!verify_column_ids(ctx, conn, &report.items[report.count++], err) ||
        !verify_format_ids(ctx, conn, &report.items[report.count++], err)) {
        return false;
    }
    for (size_t i = 0; i < report.count; i++) {
        report.broken += report.items[i].broken;
    }
    *ret = report;
    return arena_check(ctx->arena, err);
}
