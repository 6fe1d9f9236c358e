#include "catalog/databases.h"

#include "catalog/changes_write.h"
#include "catalog/detail.h"
#include "catalog/discard.h"
#include "catalog/json.h"
#include "catalog/places.h"
#include "catalog/scope.h"
#include "catalog/sql/databases_sql.h"
#include "catalog/sql/discard_sql.h"
#include "catalog/sql/things_sql.h"
#include "catalog/sql/transactions_sql.h"
#include "catalog/table_check.h"
#include "config/config.h"

/* --- reading --------------------------------------------------------------------------------------------------- */

bool database_list(Ctx *ctx, Str catalog, const Page *page, Databases *ret, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    const Glob *glob;
    catalog = scope_catalog(ctx, catalog);
    return ctx_authorize(ctx, ACTION_LIST, "database", catalog, STR_NULL, STR_NULL, err) &&
           glob_parse_hive(ctx->arena, page->pattern, &glob, err) &&
           pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) &&
           databases_sql_list(ctx, conn, catalog, page, glob, ret, err);
}

bool database_get(Ctx *ctx, Str catalog, Str name, Database *ret, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    catalog = scope_catalog(ctx, catalog);
    name = scope_name(ctx, name);
    return ctx_authorize(ctx, ACTION_READ, "database", catalog, name, STR_NULL, err) &&
           pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) &&
           databases_sql_get(ctx, conn, catalog, name, ROW_READ, ret, err);
}

/* --- the change log -------------------------------------------------------------------------------------------- */

static void database_detail(JsonWriter *w, const void *object) { database_json(w, object); }

static bool log_database(Ctx *ctx, PgConn *conn, const char *action, const char *event, const Database *before,
                         const Database *after, int64_t *ret_seq, Err *err) {
    const Database *now = after ? after : before;
    ChangeRecord record = {.kind = "database",
                           .action = action,
                           .catalog = now->catalog,
                           .database = now->name,
                           .object_id = now->id,
                           .version = now->version,
                           .hms_event = event,
                           .at = after ? after->updated_at : MICROS_NONE};
    return detail_before_after(ctx, database_detail, before, after, &record.detail, err) &&
           change_write(ctx, conn, &record, ret_seq, err);
}

/* --- create ---------------------------------------------------------------------------------------------------- */

typedef struct DatabaseCreate {
    Ctx *ctx;
    const Database *wanted;
    Database made;
} DatabaseCreate;

static bool insert_database(Ctx *ctx, PgConn *conn, int64_t catalog_id, Database *database, const char *event, Err *err) {
    return databases_sql_insert(ctx, conn, catalog_id, database, err) &&
           log_database(ctx, conn, "create", event, NULL, database, NULL, err);
}

static bool create_body(PgConn *conn, void *arg, Err *err) {
    DatabaseCreate *create = arg;
    CatalogInfo catalog;
    create->made = *create->wanted;
    return catalogs_sql_get(create->ctx, conn, create->made.catalog, ROW_SHARE, &catalog, err) &&
           insert_database(create->ctx, conn, catalog.id, &create->made, "CREATE_DATABASE", err);
}

/* "default" sits at the root of its catalog, every other one in a directory of its own. */
static bool choose_locations(Ctx *ctx, const CatalogInfo *catalog, Database *d, Err *err) {
    if (!place_normalise(ctx, d->location, &d->location, err) ||
        !place_normalise(ctx, d->managed_location, &d->managed_location, err)) {
        return false;
    }
    if (str_is_null(d->location) && !str_is_null(catalog->location)) {
        d->location = str_eq(d->name, DEFAULT_DATABASE) ? catalog->location
                                                        : place_below(ctx, catalog->location, d->name, STR(".db"));
    }
    return true;
}

/* Looked up first, so that a duplicate makes no directory; the insert decides. */
static bool expect_free(Ctx *ctx, Str catalog, Str name, CatalogInfo *ret, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    Database found;
    Err missing;
    if (!pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) ||
        !catalogs_sql_get(ctx, conn, catalog, ROW_READ, ret, err)) {
        return false;
    }
    if (databases_sql_get(ctx, conn, catalog, name, ROW_READ, &found, &missing)) {
        return err_set(err, ERR_ALREADY_EXISTS, "Database %" STR_FMT " already exists in catalog %" STR_FMT ".", STR_ARG(name),
                       STR_ARG(catalog));
    }
    if (missing.code != ERR_DATABASE_NOT_FOUND) {
        *err = missing;
        return false;
    }
    return true;
}

/* BEFORE: what it was, NULL for a new one; what did not change is not checked again. */
static bool check_limits(Ctx *ctx, const Database *d, const Database *before, Err *err) {
    const Config *config = ctx->catalog->config;
    return ((before && params_equal(&before->params, &d->params)) || params_check(ctx, "the database", &d->params, err)) &&
           ((before && str_eq(before->description, d->description)) ||
            text_check("the description", d->description, config->limits.view_text, "limits.view_text", err)) &&
           ((before && str_eq(before->owner, d->owner)) ||
            text_check("the owner", d->owner, config->limits.comment, "limits.comment", err)) &&
           ((before && str_eq(before->extra, d->extra)) ||
            text_check("extra", d->extra, config->limits.view_text, "limits.view_text", err));
}

bool database_create(Ctx *ctx, const Database *database, Database *ret, Err *err) {
    Database wanted = *database;
    CatalogInfo catalog;
    wanted.catalog = scope_catalog(ctx, database->catalog);
    wanted.name = scope_name(ctx, database->name);
    wanted.bootstrap = false;
    if (!ctx_authorize(ctx, ACTION_CREATE, "database", wanted.catalog, wanted.name, STR_NULL, err) ||
        !name_check(ctx_name_rule(ctx), "database", wanted.name, err) || !check_limits(ctx, &wanted, NULL, err) ||
        !expect_free(ctx, wanted.catalog, wanted.name, &catalog, err) || !choose_locations(ctx, &catalog, &wanted, err)) {
        return false;
    }
    place_make(ctx, wanted.location);
    place_make(ctx, wanted.managed_location);
    DatabaseCreate create = {.ctx = ctx, .wanted = &wanted};
    if (!pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, create_body, &create, err)) {
        return false;
    }
    *ret = create.made;
    return true;
}

bool database_create_default(Ctx *ctx, PgConn *conn, const CatalogInfo *catalog, bool quiet, Err *err) {
    Database d = {.catalog = catalog->name,
                  .name = DEFAULT_DATABASE,
                  .description = STR("Default Hive database"),
                  .location = catalog->location,
                  .owner = STR("public"),
                  .owner_type = STR("ROLE"),
                  .type = STR("NATIVE"),
                  .bootstrap = true};
    return insert_database(ctx, conn, catalog->id, &d, quiet ? NULL : "CREATE_DATABASE", err);
}

/* --- alter ----------------------------------------------------------------------------------------------------- */

typedef struct DatabaseAlter {
    Ctx *ctx;
    Str catalog, name;
    Expect expect;
    DatabaseEdit edit;
    void *arg;
    Database result;
} DatabaseAlter;

static bool databases_equal(const Database *a, const Database *b) {
    return str_eq(a->description, b->description) && str_eq(a->location, b->location) &&
           str_eq(a->managed_location, b->managed_location) && params_equal(&a->params, &b->params) && str_eq(a->owner, b->owner) &&
           str_eq(a->owner_type, b->owner_type) && str_eq(a->type, b->type) && str_eq(a->connector, b->connector) &&
           str_eq(a->remote_name, b->remote_name) && str_eq(a->extra, b->extra) && a->bootstrap == b->bootstrap;
}

static bool expect_database(Ctx *ctx, const Database *d, Expect expect, Err *err) {
    return expect_state(expect, d->id, d->version, "Database", ARENA_CONCAT(ctx->arena, d->catalog, STR("."), d->name), err);
}

/* What an edit may not change. */
static bool keep_identity(Ctx *ctx, const Database *before, Database *after, Err *err) {
    if (!str_eq(scope_name(ctx, after->name), before->name) || !str_eq(scope_catalog(ctx, after->catalog), before->catalog)) {
        return err_set(err, ERR_INVALID_OPERATION, "Database %" STR_FMT " cannot be renamed.", STR_ARG(before->name));
    }
    after->id = before->id;
    after->version = before->version;
    after->catalog = before->catalog;
    after->name = before->name;
    after->created_at = before->created_at;
    after->updated_at = before->updated_at;
    after->dropped_at = before->dropped_at;
    after->bootstrap = false;
    return true;
}

/* A stored location stays as it is, whatever today's rules would say about it. */
static bool new_location(Ctx *ctx, Str before, Str *after, Err *err) {
    return str_eq(before, *after) || place_normalise(ctx, *after, after, err);
}

static bool edit_database(DatabaseAlter *how, const Database *before, Database *after, Err *err) {
    *after = *before;
    after->params = params_copy(&before->params, how->ctx->arena);
    return how->edit(how->ctx, after, how->arg, err) && keep_identity(how->ctx, before, after, err) &&
           check_limits(how->ctx, after, before, err) && new_location(how->ctx, before->location, &after->location, err) &&
           new_location(how->ctx, before->managed_location, &after->managed_location, err);
}

static bool alter_body(PgConn *conn, void *arg, Err *err) {
    DatabaseAlter *how = arg;
    Database before;
    if (!databases_sql_get(how->ctx, conn, how->catalog, how->name, ROW_UPDATE, &before, err) ||
        !expect_database(how->ctx, &before, how->expect, err) || !edit_database(how, &before, &how->result, err)) {
        return false;
    }
    return databases_equal(&before, &how->result) ||
           (databases_sql_update(how->ctx, conn, &how->result, err) &&
            log_database(how->ctx, conn, "alter", "ALTER_DATABASE", &before, &how->result, NULL, err));
}

bool database_alter(Ctx *ctx, Str catalog, Str name, Expect expect, DatabaseEdit edit, void *arg, Database *ret, Err *err) {
    DatabaseAlter how = {ctx, scope_catalog(ctx, catalog), scope_name(ctx, name), expect, edit, arg, {0}};
    if (!ctx_authorize(ctx, ACTION_ALTER, "database", how.catalog, how.name, STR_NULL, err) ||
        !pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, alter_body, &how, err)) {
        return false;
    }
    *ret = how.result;
    return true;
}

/* --- rename ---------------------------------------------------------------------------------------------------- */

typedef struct DatabaseRename {
    Ctx *ctx;
    Str catalog, name, new_name;
    Expect expect;
    Database result;
} DatabaseRename;

/* All that is in it hangs on its id, so one row changes, however much there is. */
static bool rename_body(PgConn *conn, void *arg, Err *err) {
    DatabaseRename *how = arg;
    Database before;
    if (!databases_sql_get(how->ctx, conn, how->catalog, how->name, ROW_UPDATE, &before, err) ||
        !expect_database(how->ctx, &before, how->expect, err)) {
        return false;
    }
    how->result = before;
    how->result.name = how->new_name;
    how->result.bootstrap = false;
    TableRef from = {before.catalog, before.name, STR_NULL}, to = {before.catalog, how->new_name, STR_NULL};
    return str_eq(before.name, how->new_name) ||
           (databases_sql_rename(how->ctx, conn, &how->result, err) && acid_sql_rename(how->ctx, conn, from, to, err) &&
            things_sql_follow_database(how->ctx, conn, how->catalog, before.name, how->new_name, err) &&
            log_database(how->ctx, conn, "rename", "ALTER_DATABASE", &before, &how->result, NULL, err));
}

bool database_rename(Ctx *ctx, Str catalog, Str name, Str new_name, Expect expect, Database *ret, Err *err) {
    DatabaseRename how = {ctx, scope_catalog(ctx, catalog), scope_name(ctx, name), scope_name(ctx, new_name), expect, {0}};
    if (!ctx_authorize(ctx, ACTION_ALTER, "database", how.catalog, how.name, STR_NULL, err) ||
        !ctx_authorize(ctx, ACTION_CREATE, "database", how.catalog, how.new_name, STR_NULL, err) ||
        !name_check(ctx_door_is(ctx, "hive") ? NAME_GLUE : ctx_name_rule(ctx), "database", how.new_name, err)) {
        return false;
    }
    if (str_eq(how.catalog, DEFAULT_CATALOG) && str_eq(how.name, DEFAULT_DATABASE)) {
        return err_set(err, ERR_INVALID_OPERATION,
                       "The default database of catalog %" STR_FMT " cannot be renamed: clients expect it under its name.",
                       STR_ARG(how.catalog));
    }
    if (!pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, rename_body, &how, err)) {
        return false;
    }
    *ret = how.result;
    return true;
}

/* --- drop ------------------------------------------------------------------------------------------------------ */

typedef struct Dropping {
    Ctx *ctx;
    Str catalog, name;
    const DatabaseDrop *how;
    int64_t id;     /* as it was read first */
    StrList places; /* of the data of its tables, as they were then */
    Discards data;  /* what of it was set aside */
    bool same;
} Dropping;

static bool expect_empty(Ctx *ctx, PgConn *conn, const Database *d, Err *err) {
    DatabaseContents contents;
    if (!databases_sql_contents(ctx, conn, d->id, &contents, err)) {
        return false;
    }
    if (contents.tables || contents.functions) {
        return err_set(err, ERR_NOT_EMPTY, "Database %" STR_FMT " is not empty. One or more %s exist.%s", STR_ARG(d->name),
                       contents.tables ? "tables" : "functions",
                       ctx_door_is(ctx, "hive") ? "" : " Drop them first, or drop with cascade.");
    }
    return true;
}

static bool deletes_contents(const DatabaseDrop *how) { return how->cascade && how->delete_data; }

/* Nothing comes any more: new tables wait for the row of the database, partitions for that of their table. */
static bool all_foreseen(PgConn *conn, Dropping *drop, const Database *d, Err *err) {
    Discards now;
    drop->same = true;
    if (!deletes_contents(drop->how)) {
        return true;
    }
    if (!databases_sql_hold_tables(drop->ctx, conn, d->id, err) || !doomed_places(drop->ctx, conn, d->id, 0, &now, err)) {
        return false;
    }
    drop->same = d->id == drop->id && discard_foresaw(drop->ctx, drop->places, &now);
    return true;
}

static bool drop_contents(Ctx *ctx, PgConn *conn, const Database *d, Err *err) {
    return databases_sql_drop_functions(ctx, conn, d, err) && databases_sql_drop_tables(ctx, conn, d, err);
}

/* The directories of the database itself, once they are empty. */
static bool drop_directories(Ctx *ctx, PgConn *conn, Database d, const DatabaseDrop *how, Err *err) {
    if (how->keep_managed_directory) {
        d.managed_location = STR_NULL;
    }
    return !how->delete_data || databases_sql_delete_directory(ctx, conn, &d, err);
}

static bool drop_body(PgConn *conn, void *arg, Err *err) {
    Dropping *drop = arg;
    Ctx *ctx = drop->ctx;
    const DatabaseDrop *how = drop->how;
    Database d;
    int64_t seq;
    if (!databases_sql_get(ctx, conn, drop->catalog, drop->name, ROW_UPDATE, &d, err) ||
        !expect_database(ctx, &d, how->expect, err) || !all_foreseen(conn, drop, &d, err)) {
        return false;
    }
    return !drop->same || ((how->cascade ? drop_contents(ctx, conn, &d, err) : expect_empty(ctx, conn, &d, err)) &&
                           log_database(ctx, conn, "drop", "DROP_DATABASE", &d, NULL, &seq, err) &&
                           databases_sql_mark_dropped(ctx, conn, d.id, seq, err) &&
                           things_sql_follow_database(ctx, conn, d.catalog, d.name, STR_NULL, err) &&
                           discard_commit(ctx, conn, &drop->data, 0, err) && drop_directories(ctx, conn, d, how, err));
}

static bool read_for_drop(Dropping *drop, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    Ctx *ctx = drop->ctx;
    Database d;
    drop->data = (Discards){0};
    if (!pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) ||
        !databases_sql_get(ctx, conn, drop->catalog, drop->name, ROW_READ, &d, err) ||
        !expect_database(ctx, &d, drop->how->expect, err)) {
        return false;
    }
    drop->id = d.id;
    return !deletes_contents(drop->how) || doomed_places(ctx, conn, d.id, 0, &drop->data, err);
}

/* The data leaves its place first; see discard.h. */
static bool drop_with_data(Dropping *drop, Err *err) {
    int64_t *tables = ARENA_ARRAY(drop->ctx->arena, int64_t, drop->data.count);
    DiscardWhat what = {.tables = tables, .version = -1, .database_id = drop->id};
    StrMap *seen = strmap_new(drop->ctx->arena, drop->data.count);
    for (size_t i = 0; i < drop->data.count; i++) {
        int64_t *id = &drop->data.items[i].table_id;
        if (!strmap_put(seen, (Str){(const char *)id, sizeof *id}, seen)) {
            tables[what.table_count++] = *id;
        }
    }
    drop->places = discard_places(drop->ctx, &drop->data);
    return arena_check(drop->ctx->arena, err) && discard_around(drop->ctx, &what, &drop->data, &drop->same, drop_body, drop, err);
}

bool database_drop(Ctx *ctx, Str catalog, Str name, const DatabaseDrop *how, Err *err) {
    enum { TRIES = 8 };
    Dropping drop = {.ctx = ctx, .catalog = scope_catalog(ctx, catalog), .name = scope_name(ctx, name), .how = how};
    if (!ctx_authorize(ctx, ACTION_DROP, "database", drop.catalog, drop.name, STR_NULL, err)) {
        return false;
    }
    if (str_eq(drop.catalog, DEFAULT_CATALOG) && str_eq(drop.name, DEFAULT_DATABASE)) {
        return err_set(err, ERR_INVALID_OPERATION, "Can not drop default database in catalog %" STR_FMT ".", STR_ARG(drop.catalog));
    }
    for (int tries = 0; tries < TRIES; tries++) {
        if (!read_for_drop(&drop, err) || !drop_with_data(&drop, err)) {
            return false;
        }
        if (drop.same) {
            return true;
        }
    }
    return err_set(err, ERR_CONFLICT, "Database %" STR_FMT " is changed by others all the time. Try again.", STR_ARG(drop.name));
}
