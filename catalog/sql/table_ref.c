#include "catalog/sql/table_ref.h"

bool table_not_found(TableRef ref, Err *err) {
    return err_set(err, ERR_TABLE_NOT_FOUND, "%" STR_FMT ".%" STR_FMT ".%" STR_FMT " table not found.", STR_ARG(ref.catalog),
                   STR_ARG(ref.database), STR_ARG(ref.name));
}

void table_ref_args(PgArgs *args, TableRef ref) {
    pg_arg_text(args, ref.catalog);
    pg_arg_text(args, ref.database);
    pg_arg_text(args, ref.name);
}

#define TABLE_REF "SELECT t.id, t.version, t.columns, t.partition_keys FROM tables t WHERE " TABLE_IS_123

bool table_ref_find(Ctx *ctx, PgConn *conn, TableRef ref, RowLock lock, TableFound *ret, Err *err) {
    static const PgStmt stmts[] = {
        [ROW_READ] = {"table_ref", TABLE_REF},
        [ROW_SHARE] = {"table_ref_share", TABLE_REF " FOR SHARE OF t"},
        [ROW_UPDATE] = {"table_ref_update", TABLE_REF " FOR UPDATE OF t"},
    };
    PgArgs args = pg_args(ctx->arena);
    table_ref_args(&args, ref);
    PgRows rows;
    if (!pg_exec(conn, &stmts[lock], &args, ctx->arena, &rows, err)) {
        return false;
    }
    if (rows.count == 0) {
        Database d;
        return databases_sql_get(ctx, conn, ref.catalog, ref.database, ROW_READ, &d, err) && table_not_found(ref, err);
    }
    *ret = (TableFound){pg_i64(&rows, 0, 0, 0), pg_i64(&rows, 0, 1, 0), pg_uuid(&rows, 0, 2), pg_uuid(&rows, 0, 3)};
    return true;
}
