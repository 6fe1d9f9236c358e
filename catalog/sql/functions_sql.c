#include "catalog/sql/functions_sql.h"

#include "catalog/sql/databases_sql.h"
#include "catalog/sql/row.h"

#define FUNCTION_COLUMNS \
    "f.id, f.version, c.name, d.name, f.name, f.class_name, f.owner, f.owner_type, f.type, f.resource_types, " \
    "f.resource_uris, f.extra, f.created_at, f.updated_at"
#define FUNCTION_FROM \
    " FROM catalogs c JOIN databases d ON d.catalog_id = c.id AND d.dropped_at IS NULL JOIN functions f ON f.database_id = d.id"

static void function_from_row(const PgRows *rows, size_t row, Arena *arena, Function *f) {
    *f = (Function){
        .id = pg_i64(rows, row, 0, 0),
        .version = pg_i64(rows, row, 1, 0),
        .catalog = pg_text(rows, row, 2),
        .database = pg_text(rows, row, 3),
        .name = pg_text(rows, row, 4),
        .class_name = pg_text(rows, row, 5),
        .owner = pg_text(rows, row, 6),
        .owner_type = pg_text(rows, row, 7),
        .type = pg_text(rows, row, 8),
        .resource_types = pg_texts(rows, row, 9, arena),
        .resource_uris = pg_texts(rows, row, 10, arena),
        .extra = pg_text(rows, row, 11),
        .created_at = pg_time(rows, row, 12),
        .updated_at = pg_time(rows, row, 13),
    };
}

static bool scope_exists(Ctx *ctx, PgConn *conn, Str catalog, Str database, Err *err) {
    CatalogInfo c;
    Database d;
    return str_is_null(database) ? catalogs_sql_get(ctx, conn, catalog, ROW_READ, &c, err)
                                 : databases_sql_get(ctx, conn, catalog, database, ROW_READ, &d, err);
}

/* One batch behind (DATABASE, AFTER); with all databases of the catalog or within one. */
static bool list_batch(Ctx *ctx, PgConn *conn, const FunctionQuery *q, Str database, const ListScan *scan, PgRows *ret, Err *err) {
    static const PgStmt of_one = {"function_list",
                                  "SELECT " FUNCTION_COLUMNS FUNCTION_FROM " WHERE c.name = $1 AND d.name = $2 AND f.name > $3"
                                  " AND ($4::text IS NULL OR f.type = $4) ORDER BY f.name LIMIT $5"};
    static const PgStmt of_all = {"function_list_all",
                                  "SELECT " FUNCTION_COLUMNS FUNCTION_FROM " WHERE c.name = $1 AND (d.name, f.name) > ($2, $3)"
                                  " AND ($4::text IS NULL OR f.type = $4) ORDER BY d.name, f.name LIMIT $5"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_text(&args, q->catalog);
    pg_arg_text(&args, database);
    pg_arg_text(&args, scan->after);
    pg_arg_text(&args, q->type);
    list_scan_batch(&args, scan);
    return pg_exec(conn, str_is_null(q->database) ? &of_all : &of_one, &args, ctx->arena, ret, err);
}

bool functions_sql_list(Ctx *ctx, PgConn *conn, const FunctionQuery *q, Functions *ret, Err *err) {
    ListScan scan = list_scan(q->after, q->limit, q->glob);
    Functions found = {0};
    size_t capacity = 0;
    Str start = str_is_null(q->after_database) ? STR("") : q->after_database;
    Str database = str_is_null(q->database) ? start : q->database;
    PgRows rows;
    do {
        if (!list_batch(ctx, conn, q, database, &scan, &rows, err)) {
            return false;
        }
        for (size_t i = 0; i < rows.count && list_scan_take(&scan, ctx->arena, pg_text(&rows, i, 4)); i++) {
            database = pg_text(&rows, i, 3);
            if (scan.keep) {
                found.items = list_grow(ctx->arena, found.items, found.count, &capacity, sizeof *found.items);
                function_from_row(&rows, i, ctx->arena, &found.items[found.count++]);
            }
        }
    } while (list_scan_next(&scan, rows.count) && !arena_exceeded(ctx->arena));
    found.more = scan.more;
    *ret = found;
    return arena_check(ctx->arena, err) && (found.count || scope_exists(ctx, conn, q->catalog, q->database, err));
}

#define FUNCTION_BY_NAME "SELECT " FUNCTION_COLUMNS FUNCTION_FROM " WHERE c.name = $1 AND d.name = $2 AND f.name = $3"

bool functions_sql_get(Ctx *ctx, PgConn *conn, FunctionRef ref, bool for_update, Function *ret, Err *err) {
    static const PgStmt read = {"function_get", FUNCTION_BY_NAME};
    static const PgStmt lock = {"function_get_update", FUNCTION_BY_NAME " FOR UPDATE OF f"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_text(&args, ref.catalog);
    pg_arg_text(&args, ref.database);
    pg_arg_text(&args, ref.name);
    PgRows rows;
    if (!pg_exec(conn, for_update ? &lock : &read, &args, ctx->arena, &rows, err)) {
        return false;
    }
    if (rows.count) {
        function_from_row(&rows, 0, ctx->arena, ret);
        return true;
    }
    return scope_exists(ctx, conn, ref.catalog, ref.database, err) &&
           err_set(err, ERR_FUNCTION_NOT_FOUND, "Function %" STR_FMT " not found in database %" STR_FMT ".", STR_ARG(ref.name),
                   STR_ARG(ref.database));
}

static bool already_exists(const Function *f, Err *err) {
    return err_set(err, ERR_ALREADY_EXISTS, "Function %" STR_FMT " already exists in database %" STR_FMT ".", STR_ARG(f->name),
                   STR_ARG(f->database));
}

/* $1 to $9, shared by insert and update. */
static void function_args(PgArgs *args, int64_t database_id, const Function *f) {
    pg_arg_i64(args, database_id);
    pg_arg_text(args, f->name);
    pg_arg_text(args, f->class_name);
    pg_arg_text(args, f->owner);
    pg_arg_text(args, f->owner_type);
    pg_arg_text(args, f->type);
    pg_arg_texts(args, f->resource_types);
    pg_arg_texts(args, f->resource_uris);
    pg_arg_text(args, f->extra);
}

bool functions_sql_insert(Ctx *ctx, PgConn *conn, int64_t database_id, Function *f, Err *err) {
    static const PgStmt stmt = {
        "function_insert",
        "INSERT INTO functions (database_id, name, class_name, owner, owner_type, type, resource_types, resource_uris, extra,"
        " created_at, updated_at) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, now.at, now.at FROM (SELECT clock_timestamp() AS at) now"
        " ON CONFLICT (database_id, name) DO NOTHING RETURNING id, version, created_at"};
    PgArgs args = pg_args(ctx->arena);
    function_args(&args, database_id, f);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    if (rows.count == 0) {
        return already_exists(f, err);
    }
    f->id = pg_i64(&rows, 0, 0, 0);
    f->version = pg_i64(&rows, 0, 1, 0);
    f->created_at = f->updated_at = pg_time(&rows, 0, 2);
    return true;
}

bool functions_sql_update(Ctx *ctx, PgConn *conn, int64_t database_id, Function *f, Err *err) {
    static const PgStmt stmt = {
        "function_update",
        "UPDATE functions SET database_id = $1, name = $2, class_name = $3, owner = $4, owner_type = $5, type = $6,"
        " resource_types = $7, resource_uris = $8, extra = $9, version = version + 1,"
        " updated_at = greatest(clock_timestamp(), updated_at + interval '1 microsecond')"
        " WHERE id = $10 RETURNING version, updated_at"};
    PgArgs args = pg_args(ctx->arena);
    function_args(&args, database_id, f);
    pg_arg_i64(&args, f->id);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return err->code == ERR_CONFLICT ? already_exists(f, err) : false;
    }
    f->version = pg_i64(&rows, 0, 0, 0);
    f->updated_at = pg_time(&rows, 0, 1);
    return true;
}

bool functions_sql_delete(Ctx *ctx, PgConn *conn, int64_t id, Err *err) {
    static const PgStmt stmt = {
        "function_delete",
        "WITH untagged AS (DELETE FROM tags WHERE kind = 'function' AND object_id = $1) DELETE FROM functions WHERE id = $1"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, id);
    return pg_exec(conn, &stmt, &args, ctx->arena, NULL, err);
}
