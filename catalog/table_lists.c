#include "catalog/table_lists.h"

#include "catalog/filter.h"
#include "catalog/scope.h"
#include "catalog/sql/databases_sql.h"
#include "catalog/sql/table_lists_sql.h"
#include "catalog/sql/tables_sql.h"

/* --- few fields of many tables --------------------------------------------------------------------------------- */

static bool find_databases(Ctx *ctx, PgConn *conn, const TableMetaQuery *q, Databases *ret, Err *err) {
    Str catalog = scope_catalog(ctx, q->catalog);
    if (!str_is_null(q->database)) {
        *ret = (Databases){.items = ARENA_NEW(ctx->arena, Database), .count = 1};
        return databases_sql_get(ctx, conn, catalog, scope_name(ctx, q->database), ROW_READ, ret->items, err);
    }
    const Glob *glob;
    Page all = {.limit = -1};
    return glob_parse_hive(ctx->arena, q->database_pattern, &glob, err) &&
           databases_sql_list(ctx, conn, catalog, &all, glob, ret, err);
}

bool table_meta_list(Ctx *ctx, const TableMetaQuery *query, TableMetas *ret, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    Databases databases;
    const Glob *glob;
    return ctx_authorize(ctx, ACTION_LIST, "table", query->catalog, query->database, STR_NULL, err) &&
           glob_parse_hive(ctx->arena, query->table_pattern, &glob, err) &&
           pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) &&
           find_databases(ctx, conn, query, &databases, err) && table_lists_sql_metas(ctx, conn, &databases, query, glob, ret, err);
}

/* --- by names -------------------------------------------------------------------------------------------------- */

bool table_get_named(Ctx *ctx, Str catalog, Str database, StrList names, Tables *ret, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    Database found;
    StrList folded = {ARENA_ARRAY(ctx->arena, Str, names.count), names.count};
    for (size_t i = 0; i < names.count && !arena_exceeded(ctx->arena); i++) {
        folded.items[i] = scope_name(ctx, names.items[i]);
    }
    return arena_check(ctx->arena, err) && ctx_authorize(ctx, ACTION_READ, "table", catalog, database, STR_NULL, err) &&
           pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) &&
           databases_sql_get(ctx, conn, scope_catalog(ctx, catalog), scope_name(ctx, database), ROW_READ, &found, err) &&
           table_rows_full(ctx, conn, found.id, folded, ret, err);
}

/* --- by a filter ----------------------------------------------------------------------------------------------- */

bool table_names_by_filter(Ctx *ctx, Str catalog, Str database, Str filter, int64_t limit, StrList *ret, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    Database found;
    Filter *tree;
    return ctx_authorize(ctx, ACTION_LIST, "table", catalog, database, STR_NULL, err) &&
           filter_parse_hive(ctx->arena, filter, &tree, err) && filter_bind_table_fields(ctx->arena, tree, err) &&
           pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) &&
           databases_sql_get(ctx, conn, scope_catalog(ctx, catalog), scope_name(ctx, database), ROW_READ, &found, err) &&
           table_lists_sql_filtered(ctx, conn, found.id, tree, limit, ret, err);
}
