#include "catalog/sql/table_lists_sql.h"

#include "catalog/sql/row.h"

/* Most have no such parameter, and then nothing needs to be taken apart. */
#define PARAM(key) \
    "CASE WHEN '" key "' = ANY (t.params) THEN (SELECT t.params[i + 1] FROM generate_series(1, cardinality(t.params), 2) AS i" \
    " WHERE t.params[i] = '" key "' LIMIT 1) END"
/* As hive_table_type() does. */
#define TYPE \
    "coalesce(t.type, CASE WHEN t.view_original IS NOT NULL THEN 'VIRTUAL_VIEW'" \
    " WHEN lower(" PARAM("EXTERNAL") ") = 'true' THEN 'EXTERNAL_TABLE' ELSE 'MANAGED_TABLE' END)"
#define COMMENT "coalesce(" PARAM("comment") ", t.description)"

static TableMeta meta_from_row(const PgRows *rows, size_t row) {
    return (TableMeta){
        .database = pg_text(rows, row, 0),
        .name = pg_text(rows, row, 1),
        .type = pg_text(rows, row, 2),
        .comment = pg_text(rows, row, 3),
        .owner = pg_text(rows, row, 4),
        .owner_type = pg_text(rows, row, 5),
    };
}

bool table_lists_sql_metas(Ctx *ctx, PgConn *conn, const Databases *databases, const TableMetaQuery *query, const Glob *glob,
                           TableMetas *ret, Err *err) {
    static const PgStmt stmt = {
        NULL, /* planned for what is asked for */
        "SELECT d.name, t.name, " TYPE ", CASE WHEN $6 THEN " COMMENT " END, t.owner, t.owner_type"
        " FROM tables t JOIN databases d ON d.id = t.database_id"
        " WHERE t.database_id = ANY ($1::bigint[]) AND t.dropped_at IS NULL AND ($2::text[] IS NULL OR " TYPE " = ANY ($2))"
        " AND starts_with(t.name, $3) AND (NOT $4 OR (t.type = 'MATERIALIZED_VIEW' AND t.rewrite_enabled))"
        " ORDER BY d.name, t.name LIMIT $5"};
    int64_t *ids = ARENA_ARRAY(ctx->arena, int64_t, databases->count);
    for (size_t i = 0; i < databases->count; i++) {
        ids[i] = databases->items[i].id;
    }
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    pg_arg_i64s(&args, ids, databases->count);
    pg_arg_texts(&args, query->types.count ? query->types : (StrList){0});
    pg_arg_text(&args, glob_prefix(ctx->arena, glob));
    pg_arg_bool(&args, query->rewritable);
    if (query->limit < 0 || !glob_is_all(glob)) {
        pg_arg_null(&args);
    } else {
        pg_arg_i64(&args, query->limit);
    }
    pg_arg_bool(&args, query->comments);
    if (!arena_check(ctx->arena, err) || !pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    TableMetas metas = {.items = ARENA_ARRAY(ctx->arena, TableMeta, rows.count)};
    for (size_t i = 0; i < rows.count && (query->limit < 0 || (int64_t)metas.count < query->limit); i++) {
        if (glob_match(ctx->arena, glob, pg_text(&rows, i, 1))) {
            metas.items[metas.count++] = meta_from_row(&rows, i);
        }
    }
    *ret = metas;
    return arena_check(ctx->arena, err);
}

bool table_lists_sql_filtered(Ctx *ctx, PgConn *conn, int64_t database_id, const Filter *filter, int64_t limit, StrList *ret,
                              Err *err) {
    enum { WHERE_MAX_BYTES = 64 * 1024 * 1024 };
    CLEANUP(buf_free) Buf sql = BUF_INIT(WHERE_MAX_BYTES);
    FilterParams params = {.first = 3};
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    pg_arg_i64(&args, database_id);
    if (limit < 0) {
        pg_arg_null(&args);
    } else {
        pg_arg_i64(&args, limit);
    }
    /* What is the description elsewhere is the parameter "comment" to whoever filters by parameters. */
    buf_add_cstr(&sql,
                 "SELECT t.name FROM (SELECT t.name, " TYPE " AS type, t.owner,"
                 " coalesce(extract(epoch FROM t.last_access_at), 0)::bigint AS last_access,"
                 " CASE WHEN t.description IS NULL THEN t.params ELSE t.params || ARRAY['comment', t.description] END AS params"
                 " FROM tables t WHERE t.database_id = $1 AND t.dropped_at IS NULL) t WHERE ");
    if (!filter_sql_table(ctx->arena, filter, "t.", &sql, &params, err)) {
        return false;
    }
    buf_add_cstr(&sql, " ORDER BY t.name LIMIT $2::bigint");
    buf_add_char(&sql, 0);
    row_filter_args(&args, &params);
    PgStmt stmt = {NULL, sql.ptr};
    if (!buf_check(&sql, "The filter's statement", err) || !pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    StrList names = {ARENA_ARRAY(ctx->arena, Str, rows.count), rows.count};
    for (size_t i = 0; i < rows.count; i++) {
        names.items[i] = pg_text(&rows, i, 0);
    }
    *ret = names;
    return arena_check(ctx->arena, err);
}
