#include "catalog/sql/databases_sql.h"
#include "catalog/sql/row.h"

static bool catalog_not_found(Str catalog, Err *err) {
    return err_set(err, ERR_CATALOG_NOT_FOUND, "Catalog %" STR_FMT " not found.", STR_ARG(catalog));
}

#define CATALOG_COLUMNS "id, version, name, description, location, params, extra, created_at, updated_at"

static void catalog_from_row(const PgRows *rows, size_t row, Arena *arena, CatalogInfo *c) {
    *c = (CatalogInfo){
        .id = pg_i64(rows, row, 0, 0),
        .version = pg_i64(rows, row, 1, 0),
        .name = pg_text(rows, row, 2),
        .description = pg_text(rows, row, 3),
        .location = pg_text(rows, row, 4),
        .params = pg_params(rows, row, 5, arena),
        .extra = pg_text(rows, row, 6),
        .created_at = pg_time(rows, row, 7),
        .updated_at = pg_time(rows, row, 8),
    };
}

bool catalogs_sql_get(Ctx *ctx, PgConn *conn, Str name, RowLock lock, CatalogInfo *ret, Err *err) {
    static const PgStmt stmts[] = {
        [ROW_READ] = {"catalog_get", "SELECT " CATALOG_COLUMNS " FROM catalogs WHERE name = $1"},
        [ROW_SHARE] = {"catalog_get_share", "SELECT " CATALOG_COLUMNS " FROM catalogs WHERE name = $1 FOR SHARE"},
        [ROW_UPDATE] = {"catalog_get_update", "SELECT " CATALOG_COLUMNS " FROM catalogs WHERE name = $1 FOR UPDATE"},
    };
    PgArgs args = pg_args(ctx->arena);
    pg_arg_text(&args, name);
    PgRows rows;
    if (!pg_exec(conn, &stmts[lock], &args, ctx->arena, &rows, err)) {
        return false;
    }
    if (rows.count == 0) {
        return catalog_not_found(name, err);
    }
    catalog_from_row(&rows, 0, ctx->arena, ret);
    return true;
}

bool catalogs_sql_list(Ctx *ctx, PgConn *conn, const Page *page, const Glob *glob, CatalogInfos *ret, Err *err) {
    static const PgStmt stmt = {"catalog_list", "SELECT " CATALOG_COLUMNS " FROM catalogs WHERE name > $1 ORDER BY name LIMIT $2"};
    ListScan scan = list_scan(page->after, page->limit, glob);
    CatalogInfos found = {0};
    size_t capacity = 0;
    PgRows rows;
    do {
        PgArgs args = pg_args(ctx->arena);
        pg_arg_text(&args, scan.after);
        list_scan_batch(&args, &scan);
        if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
            return false;
        }
        for (size_t i = 0; i < rows.count && list_scan_take(&scan, ctx->arena, pg_text(&rows, i, 2)); i++) {
            if (scan.keep) {
                found.items = list_grow(ctx->arena, found.items, found.count, &capacity, sizeof *found.items);
                catalog_from_row(&rows, i, ctx->arena, &found.items[found.count++]);
            }
        }
    } while (list_scan_next(&scan, rows.count) && !arena_exceeded(ctx->arena));
    found.more = scan.more;
    *ret = found;
    return arena_check(ctx->arena, err);
}

bool catalogs_sql_insert(Ctx *ctx, PgConn *conn, CatalogInfo *c, Err *err) {
    static const PgStmt stmt = {"catalog_insert",
                                "INSERT INTO catalogs (name, description, location, params, extra, created_at, updated_at)"
                                " SELECT $1, $2, $3, $4, $5, now.at, now.at FROM (SELECT clock_timestamp() AS at) now"
                                " ON CONFLICT (name) DO NOTHING RETURNING id, version, created_at"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_text(&args, c->name);
    pg_arg_text(&args, c->description);
    pg_arg_text(&args, c->location);
    pg_arg_params(&args, &c->params);
    pg_arg_text(&args, c->extra);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    if (rows.count == 0) {
        return err_set(err, ERR_ALREADY_EXISTS, "Catalog %" STR_FMT " already exists.", STR_ARG(c->name));
    }
    c->id = pg_i64(&rows, 0, 0, 0);
    c->version = pg_i64(&rows, 0, 1, 0);
    c->created_at = c->updated_at = pg_time(&rows, 0, 2);
    return true;
}

bool catalogs_sql_update(Ctx *ctx, PgConn *conn, CatalogInfo *c, Err *err) {
    static const PgStmt stmt = {
        "catalog_update", "UPDATE catalogs SET description = $1, location = $2, params = $3, extra = $4, version = version + 1,"
                          " updated_at = greatest(clock_timestamp(), updated_at + interval '1 microsecond')"
                          " WHERE id = $5 RETURNING version, updated_at"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_text(&args, c->description);
    pg_arg_text(&args, c->location);
    pg_arg_params(&args, &c->params);
    pg_arg_text(&args, c->extra);
    pg_arg_i64(&args, c->id);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    c->version = pg_i64(&rows, 0, 0, 0);
    c->updated_at = pg_time(&rows, 0, 1);
    return true;
}

bool catalogs_sql_obstacle(Ctx *ctx, PgConn *conn, int64_t id, Str *ret, Err *err) {
    static const PgStmt stmt = {
        "catalog_obstacle",
        "SELECT 'database ' || d.name FROM databases d WHERE d.catalog_id = $1 AND d.dropped_at IS NULL AND (d.name <> 'default'"
        "     OR EXISTS (SELECT FROM tables t WHERE t.database_id = d.id AND t.dropped_at IS NULL)"
        "     OR EXISTS (SELECT FROM functions f WHERE f.database_id = d.id))"
        " UNION ALL SELECT 'connection ' || name FROM connections WHERE catalog_id = $1 LIMIT 1"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, id);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret = rows.count ? pg_text(&rows, 0, 0) : STR_NULL;
    return true;
}

/* Its databases go for good: what was dropped in them earlier has no name any more by which it could be asked back. */
bool catalogs_sql_delete(Ctx *ctx, PgConn *conn, int64_t id, Err *err) {
    static const PgStmt databases = {"catalog_delete_databases", "DELETE FROM databases WHERE catalog_id = $1"};
    static const PgStmt tags = {"catalog_delete_tags", "DELETE FROM tags WHERE kind = 'catalog' AND object_id = $1"};
    static const PgStmt row = {"catalog_delete", "DELETE FROM catalogs WHERE id = $1"};
    const PgStmt *const steps[] = {&databases, &tags, &row};
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        PgArgs args = pg_args(ctx->arena);
        pg_arg_i64(&args, id);
        if (!pg_exec(conn, steps[i], &args, ctx->arena, NULL, err)) {
            return false;
        }
    }
    return true;
}

bool catalogs_sql_delete_directory(Ctx *ctx, PgConn *conn, const CatalogInfo *c, Err *err) {
    static const PgStmt stmt = {
        "catalog_delete_directory",
        "INSERT INTO jobs (kind, payload) VALUES ('remove_directory', json_build_object('location', $1::text, 'catalog',"
        " $2::text)::text)"};
    if (str_is_empty(c->location)) {
        return true;
    }
    PgArgs args = pg_args(ctx->arena);
    pg_arg_text(&args, c->location);
    pg_arg_text(&args, c->name);
    return pg_exec(conn, &stmt, &args, ctx->arena, NULL, err);
}
