#include "catalog/sql/databases_sql.h"

#include "catalog/changes_write.h"
#include "catalog/sql/row.h"

/* Clients of the Metastore look for its own words. */
static bool database_not_found(const Ctx *ctx, Str catalog, Str database, Err *err) {
    if (ctx_door_is(ctx, "hive")) {
        return err_set(err, ERR_DATABASE_NOT_FOUND, "There is no database %" STR_FMT ".%" STR_FMT, STR_ARG(catalog),
                       STR_ARG(database));
    }
    return err_set(err, ERR_DATABASE_NOT_FOUND, "Database %" STR_FMT " not found in catalog %" STR_FMT ".", STR_ARG(database),
                   STR_ARG(catalog));
}

#define DATABASE_COLUMNS \
    "d.id, d.version, c.name, d.name, d.description, d.location, d.managed_location, d.params, d.owner, d.owner_type, " \
    "d.type, d.connector, d.remote_name, d.extra, d.bootstrap, d.created_at, d.updated_at, d.dropped_at"

static void database_from_row(const PgRows *rows, size_t row, Arena *arena, Database *d) {
    *d = (Database){
        .id = pg_i64(rows, row, 0, 0),
        .version = pg_i64(rows, row, 1, 0),
        .catalog = pg_text(rows, row, 2),
        .name = pg_text(rows, row, 3),
        .description = pg_text(rows, row, 4),
        .location = pg_text(rows, row, 5),
        .managed_location = pg_text(rows, row, 6),
        .params = pg_params(rows, row, 7, arena),
        .owner = pg_text(rows, row, 8),
        .owner_type = pg_text(rows, row, 9),
        .type = pg_text(rows, row, 10),
        .connector = pg_text(rows, row, 11),
        .remote_name = pg_text(rows, row, 12),
        .extra = pg_text(rows, row, 13),
        .bootstrap = pg_bool(rows, row, 14),
        .created_at = pg_time(rows, row, 15),
        .updated_at = pg_time(rows, row, 16),
        .dropped_at = pg_time(rows, row, 17),
    };
}

/* --- one row --------------------------------------------------------------------------------------------------- */

/* No row at all: which of the two is missing? */
static bool say_what_is_missing(Ctx *ctx, PgConn *conn, Str catalog, Str name, Err *err) {
    CatalogInfo ignored;
    return catalogs_sql_get(ctx, conn, catalog, ROW_READ, &ignored, err) && database_not_found(ctx, catalog, name, err);
}

#define DATABASE_BY_NAME \
    "SELECT " DATABASE_COLUMNS " FROM catalogs c JOIN databases d ON d.catalog_id = c.id" \
    " WHERE c.name = $1 AND d.name = $2 AND d.dropped_at IS NULL"

static bool find_database(Ctx *ctx, PgConn *conn, const PgStmt *stmt, Str catalog, Str name, bool *ret_found, Database *ret,
                          Err *err) {
    PgArgs args = pg_args(ctx->arena);
    pg_arg_text(&args, catalog);
    pg_arg_text(&args, name);
    PgRows rows;
    if (!pg_exec(conn, stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret_found = rows.count > 0;
    if (*ret_found) {
        database_from_row(&rows, 0, ctx->arena, ret);
    }
    return true;
}

bool databases_sql_get(Ctx *ctx, PgConn *conn, Str catalog, Str name, RowLock lock, Database *ret, Err *err) {
    static const PgStmt stmts[] = {
        [ROW_READ] = {"database_get", DATABASE_BY_NAME},
        [ROW_SHARE] = {"database_get_share", DATABASE_BY_NAME " FOR SHARE OF d"},
        [ROW_UPDATE] = {"database_get_update", DATABASE_BY_NAME " FOR UPDATE OF d"},
    };
    bool found;
    if (!find_database(ctx, conn, &stmts[lock], catalog, name, &found, ret, err)) {
        return false;
    }
    return found || say_what_is_missing(ctx, conn, catalog, name, err);
}

/* The flag is cleared by an update of its own, never on top of a shared lock: two that both share and then both want to
 * update would wait for each other. */
bool database_lock_share(Ctx *ctx, PgConn *conn, Str catalog, Str database, Database *ret, Err *err) {
    static const PgStmt share = {"database_lock_share", DATABASE_BY_NAME " AND NOT d.bootstrap FOR SHARE OF d"};
    static const PgStmt use = {
        "database_first_use",
        "UPDATE databases d SET bootstrap = false FROM catalogs c WHERE d.catalog_id = c.id AND c.name = $1 AND d.name = $2"
        " AND d.dropped_at IS NULL AND d.bootstrap RETURNING " DATABASE_COLUMNS};
    const PgStmt *const steps[] = {&share, &use, &share};
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        bool found;
        if (!find_database(ctx, conn, steps[i], catalog, database, &found, ret, err)) {
            return false;
        }
        if (found) {
            return true;
        }
    }
    return say_what_is_missing(ctx, conn, catalog, database, err);
}

/* --- lists ----------------------------------------------------------------------------------------------------- */

bool databases_sql_list(Ctx *ctx, PgConn *conn, Str catalog, const Page *page, const Glob *glob, Databases *ret, Err *err) {
    static const PgStmt stmt = {"database_list",
                                "SELECT " DATABASE_COLUMNS " FROM catalogs c JOIN databases d ON d.catalog_id = c.id"
                                " WHERE c.name = $1 AND d.dropped_at IS NULL AND d.name > $2 ORDER BY d.name LIMIT $3"};
    ListScan scan = list_scan(page->after, page->limit, glob);
    Databases found = {0};
    size_t capacity = 0;
    PgRows rows;
    do {
        PgArgs args = pg_args(ctx->arena);
        pg_arg_text(&args, catalog);
        pg_arg_text(&args, scan.after);
        list_scan_batch(&args, &scan);
        if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
            return false;
        }
        for (size_t i = 0; i < rows.count && list_scan_take(&scan, ctx->arena, pg_text(&rows, i, 3)); i++) {
            if (scan.keep) {
                found.items = list_grow(ctx->arena, found.items, found.count, &capacity, sizeof *found.items);
                database_from_row(&rows, i, ctx->arena, &found.items[found.count++]);
            }
        }
    } while (list_scan_next(&scan, rows.count) && !arena_exceeded(ctx->arena));
    found.more = scan.more;
    *ret = found;
    CatalogInfo ignored; /* an empty catalog is fine, a missing one is not */
    return arena_check(ctx->arena, err) && (found.count || catalogs_sql_get(ctx, conn, catalog, ROW_READ, &ignored, err));
}

/* --- writing --------------------------------------------------------------------------------------------------- */

/* $1 to $10, shared by insert and update. */
static void database_args(PgArgs *args, const Database *d) {
    pg_arg_text(args, d->description);
    pg_arg_text(args, d->location);
    pg_arg_text(args, d->managed_location);
    pg_arg_params(args, &d->params);
    pg_arg_text(args, d->owner);
    pg_arg_text(args, d->owner_type);
    pg_arg_text(args, d->type);
    pg_arg_text(args, d->connector);
    pg_arg_text(args, d->remote_name);
    pg_arg_text(args, d->extra);
}

bool databases_sql_insert(Ctx *ctx, PgConn *conn, int64_t catalog_id, Database *d, Err *err) {
    static const PgStmt stmt = {
        "database_insert",
        "INSERT INTO databases (description, location, managed_location, params, owner, owner_type, type, connector, remote_name,"
        " extra, catalog_id, name, bootstrap, created_at, updated_at)"
        " SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, now.at, now.at FROM (SELECT clock_timestamp() AS at) now"
        " ON CONFLICT (catalog_id, name) WHERE dropped_at IS NULL DO NOTHING RETURNING id, version, created_at"};
    PgArgs args = pg_args(ctx->arena);
    database_args(&args, d);
    pg_arg_i64(&args, catalog_id);
    pg_arg_text(&args, d->name);
    pg_arg_bool(&args, d->bootstrap);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    if (rows.count == 0) {
        return err_set(err, ERR_ALREADY_EXISTS, "Database %" STR_FMT " already exists in catalog %" STR_FMT ".", STR_ARG(d->name),
                       STR_ARG(d->catalog));
    }
    d->id = pg_i64(&rows, 0, 0, 0);
    d->version = pg_i64(&rows, 0, 1, 0);
    d->created_at = d->updated_at = pg_time(&rows, 0, 2);
    d->dropped_at = MICROS_NONE;
    return true;
}

bool databases_sql_update(Ctx *ctx, PgConn *conn, Database *d, Err *err) {
    static const PgStmt stmt = {
        "database_update",
        "UPDATE databases SET description = $1, location = $2, managed_location = $3, params = $4, owner = $5, owner_type = $6,"
        " type = $7, connector = $8, remote_name = $9, extra = $10, bootstrap = $11, version = version + 1,"
        " updated_at = greatest(clock_timestamp(), updated_at + interval '1 microsecond')"
        " WHERE id = $12 RETURNING version, updated_at"};
    PgArgs args = pg_args(ctx->arena);
    database_args(&args, d);
    pg_arg_bool(&args, d->bootstrap);
    pg_arg_i64(&args, d->id);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    d->version = pg_i64(&rows, 0, 0, 0);
    d->updated_at = pg_time(&rows, 0, 1);
    return true;
}

bool databases_sql_rename(Ctx *ctx, PgConn *conn, Database *d, Err *err) {
    static const PgStmt stmt = {"database_rename",
                                "UPDATE databases SET name = $1, bootstrap = false, version = version + 1,"
                                " updated_at = greatest(clock_timestamp(), updated_at + interval '1 microsecond')"
                                " WHERE id = $2 RETURNING version, updated_at"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_text(&args, d->name);
    pg_arg_i64(&args, d->id);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return err->code == ERR_CONFLICT
                   ? err_set(err, ERR_ALREADY_EXISTS, "Database %" STR_FMT " already exists in catalog %" STR_FMT ".",
                             STR_ARG(d->name), STR_ARG(d->catalog))
                   : false;
    }
    d->version = pg_i64(&rows, 0, 0, 0);
    d->updated_at = pg_time(&rows, 0, 1);
    return true;
}

bool databases_sql_mark_dropped(Ctx *ctx, PgConn *conn, int64_t id, int64_t seq, Err *err) {
    static const PgStmt stmt = {"database_mark_dropped",
                                "UPDATE databases SET dropped_at = clock_timestamp(), dropped_seq = $2 WHERE id = $1"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, id);
    pg_arg_i64(&args, seq);
    return pg_exec(conn, &stmt, &args, ctx->arena, NULL, err);
}

/* --- dropping what is inside ----------------------------------------------------------------------------------- */

bool databases_sql_contents(Ctx *ctx, PgConn *conn, int64_t id, DatabaseContents *ret, Err *err) {
    static const PgStmt stmt = {"database_contents",
                                "SELECT EXISTS (SELECT FROM tables WHERE database_id = $1 AND dropped_at IS NULL),"
                                " EXISTS (SELECT FROM functions WHERE database_id = $1)"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, id);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret = (DatabaseContents){pg_bool(&rows, 0, 0), pg_bool(&rows, 0, 1)};
    return true;
}

/* One change row for each row of "gone" (id, name, version), otherwise as change_args() says. */
#define CHANGES_OF_GONE \
    "INSERT INTO changes (" CHANGE_COLUMNS ") SELECT coalesce($1::timestamptz, clock_timestamp()), $2::text, $3::text, " \
    "$4::text, $5::text, $6::text, $7::uuid, $8::text, $9::text, $10::text, $11::text, coalesce(gone.name, $12::text), " \
    "coalesce(gone.id, $13::bigint), coalesce(gone.version, $14::bigint), $15::text, $16::text[], $17::text FROM gone "

static PgArgs gone_args(Ctx *ctx, const Database *d, const char *kind, const char *hms_event) {
    PgArgs args = pg_args(ctx->arena);
    const ChangeRecord record = {.kind = kind,
                                 .action = "drop",
                                 .catalog = d->catalog,
                                 .database = d->name,
                                 .version = -1,
                                 .hms_event = hms_event,
                                 .detail = STR("{\"cascade\":true}"),
                                 .at = MICROS_NONE};
    change_args(ctx, &args, &record);
    pg_arg_i64(&args, d->id);
    return args;
}

bool databases_sql_drop_functions(Ctx *ctx, PgConn *conn, const Database *d, Err *err) {
    static const PgStmt stmt = {
        "database_drop_functions",
        "WITH gone AS (DELETE FROM functions WHERE database_id = $18 RETURNING id, name, version),"
        " untagged AS (DELETE FROM tags USING gone WHERE tags.kind = 'function' AND tags.object_id = gone.id)"
        " " CHANGES_OF_GONE "ORDER BY gone.name"};
    PgArgs args = gone_args(ctx, d, "function", "DROP_FUNCTION");
    return pg_exec(conn, &stmt, &args, ctx->arena, NULL, err);
}

bool databases_sql_hold_tables(Ctx *ctx, PgConn *conn, int64_t id, Err *err) {
    static const PgStmt stmt = {"database_hold_tables",
                                "SELECT 1 FROM tables WHERE database_id = $1 AND dropped_at IS NULL ORDER BY name FOR UPDATE"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, id);
    return pg_exec(conn, &stmt, &args, ctx->arena, NULL, err);
}

/* Locks in order of the names, as everything that locks several tables does; materialised views are logged first, so
 * that a reader who replays the log never sees one whose sources are gone. */
bool databases_sql_drop_tables(Ctx *ctx, PgConn *conn, const Database *d, Err *err) {
    static const PgStmt stmt = {
        "database_drop_tables",
        "WITH gone AS MATERIALIZED (SELECT id, name, version, type FROM tables"
        "     WHERE database_id = $18 AND dropped_at IS NULL ORDER BY name FOR UPDATE),"
        " logged AS (" CHANGES_OF_GONE "ORDER BY gone.type IS DISTINCT FROM 'MATERIALIZED_VIEW', gone.name"
        "     RETURNING seq, object_id),"
        " unsearched AS (DELETE FROM table_search USING gone WHERE table_id = gone.id)"
        " UPDATE tables t SET dropped_at = greatest(clock_timestamp(), t.updated_at), dropped_seq = logged.seq"
        " FROM logged WHERE t.id = logged.object_id"};
    PgArgs args = gone_args(ctx, d, "table", "DROP_TABLE");
    return pg_exec(conn, &stmt, &args, ctx->arena, NULL, err);
}

bool databases_sql_delete_directory(Ctx *ctx, PgConn *conn, const Database *d, Err *err) {
    static const PgStmt stmt = {
        "database_delete_directory",
        "INSERT INTO jobs (kind, payload) SELECT 'remove_directory', json_build_object('database_id', $1::bigint, 'location',"
        " u.uri, 'catalog', $3::text, 'database', $4::text)::text FROM unnest($2::text[]) u(uri)"};
    Str uris[2];
    StrList list = {uris, 0};
    if (!str_is_empty(d->location)) {
        uris[list.count++] = d->location;
    }
    if (!str_is_empty(d->managed_location) && !str_eq(d->managed_location, d->location)) {
        uris[list.count++] = d->managed_location;
    }
    if (!list.count) {
        return true;
    }
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, d->id);
    pg_arg_texts(&args, list);
    pg_arg_text(&args, d->catalog);
    pg_arg_text(&args, d->name);
    return pg_exec(conn, &stmt, &args, ctx->arena, NULL, err);
}
