#include "catalog/sql/tags_sql.h"

#include "catalog/sql/connections_sql.h"
#include "catalog/sql/functions_sql.h"
#include "catalog/sql/table_ref.h"

const char *tag_kind_name(TagKind kind) {
    static const char *const names[] = {"catalog", "database", "table", "function", "connection"};
    return names[kind];
}

/* The row lock is the exclusive one: two that change tags of one thing go one after the other. */
bool tags_sql_find(Ctx *ctx, PgConn *conn, const TagTarget *t, bool lock, int64_t *ret_id, Err *err) {
    RowLock row_lock = lock ? ROW_UPDATE : ROW_READ;
    CatalogInfo catalog;
    Database database;
    TableFound table;
    Function function;
    ConnectionRow connection;
    bool ok = false;
    switch (t->kind) {
        case TAG_CATALOG:
            ok = catalogs_sql_get(ctx, conn, t->catalog, row_lock, &catalog, err);
            *ret_id = ok ? catalog.id : 0;
            break;
        case TAG_DATABASE:
            ok = databases_sql_get(ctx, conn, t->catalog, t->database, row_lock, &database, err);
            *ret_id = ok ? database.id : 0;
            break;
        case TAG_TABLE:
            ok = table_ref_find(ctx, conn, (TableRef){t->catalog, t->database, t->name}, row_lock, &table, err);
            *ret_id = ok ? table.id : 0;
            break;
        case TAG_FUNCTION:
            ok = functions_sql_get(ctx, conn, (FunctionRef){t->catalog, t->database, t->name}, lock, &function, err);
            *ret_id = ok ? function.id : 0;
            break;
        case TAG_CONNECTION:
            ok = connections_sql_get(ctx, conn, t->catalog, t->name, lock, &connection, err);
            *ret_id = ok ? connection.connection.id : 0;
            break;
    }
    return ok;
}

bool tags_sql_read(Ctx *ctx, PgConn *conn, TagKind kind, int64_t id, Params *ret, Err *err) {
    static const PgStmt stmt = {"tags_read", "SELECT key, value FROM tags WHERE kind = $1 AND object_id = $2 ORDER BY key"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_text(&args, str_from(tag_kind_name(kind)));
    pg_arg_i64(&args, id);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret = (Params){0};
    for (size_t i = 0; i < rows.count; i++) {
        params_append(ret, ctx->arena, pg_text(&rows, i, 0), pg_text(&rows, i, 1));
    }
    return true;
}

bool tags_sql_replace(Ctx *ctx, PgConn *conn, TagKind kind, int64_t id, const Params *tags, Err *err) {
    static const PgStmt remove = {"tags_remove", "DELETE FROM tags WHERE kind = $1 AND object_id = $2 AND key <> ALL ($3)"};
    static const PgStmt write = {
        "tags_write", "INSERT INTO tags (kind, object_id, key, value) SELECT $1, $2, k, v FROM unnest($3::text[], $4::text[])"
                      " AS n (k, v) ON CONFLICT (kind, object_id, key) DO UPDATE SET value = excluded.value"};
    StrList keys = {ARENA_ARRAY(ctx->arena, Str, tags->count), tags->count};
    StrList values = {ARENA_ARRAY(ctx->arena, Str, tags->count), tags->count};
    for (size_t i = 0; i < tags->count; i++) {
        keys.items[i] = tags->items[i].key;
        values.items[i] = tags->items[i].value;
    }
    PgArgs args = pg_args(ctx->arena);
    pg_arg_text(&args, str_from(tag_kind_name(kind)));
    pg_arg_i64(&args, id);
    pg_arg_texts(&args, keys);
    if (!pg_exec_later(conn, &remove, &args, err)) {
        return false;
    }
    pg_arg_texts(&args, values);
    return tags->count == 0 || pg_exec_later(conn, &write, &args, err);
}
