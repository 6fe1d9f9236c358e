#include "catalog/databases.h"

#include "catalog/changes_write.h"
#include "catalog/detail.h"
#include "catalog/json.h"
#include "catalog/places.h"
#include "catalog/scope.h"
#include "catalog/sql/databases_sql.h"
#include "catalog/table_check.h"
#include "config/config.h"

/* --- reading --------------------------------------------------------------------------------------------------- */

bool catalog_list(Ctx *ctx, const Page *page, CatalogInfos *ret, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    const Glob *glob;
    return ctx_authorize(ctx, ACTION_LIST, "catalog", STR_NULL, STR_NULL, STR_NULL, err) &&
           glob_parse_hive(ctx->arena, page->pattern, &glob, err) &&
           pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) && catalogs_sql_list(ctx, conn, page, glob, ret, err);
}

bool catalog_get(Ctx *ctx, Str name, CatalogInfo *ret, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    name = scope_catalog(ctx, name);
    return ctx_authorize(ctx, ACTION_READ, "catalog", name, STR_NULL, STR_NULL, err) &&
           pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) &&
           catalogs_sql_get(ctx, conn, name, ROW_READ, ret, err);
}

/* --- the change log -------------------------------------------------------------------------------------------- */

static void catalog_detail(JsonWriter *w, const void *object) { catalog_json(w, object); }

static bool log_catalog(Ctx *ctx, PgConn *conn, const char *action, const char *event, const CatalogInfo *before,
                        const CatalogInfo *after, Err *err) {
    const CatalogInfo *now = after ? after : before;
    ChangeRecord record = {.kind = "catalog",
                           .action = action,
                           .catalog = now->name,
                           .object_id = now->id,
                           .version = now->version,
                           .hms_event = event,
                           .at = after ? after->updated_at : MICROS_NONE};
    return detail_before_after(ctx, catalog_detail, before, after, &record.detail, err) &&
           change_write(ctx, conn, &record, NULL, err);
}

/* --- create ---------------------------------------------------------------------------------------------------- */

typedef struct CatalogCreate {
    Ctx *ctx;
    const CatalogInfo *info;
    bool quiet; /* no event: nobody asked for it */
    CatalogInfo made;
} CatalogCreate;

static bool create_body(PgConn *conn, void *arg, Err *err) {
    CatalogCreate *create = arg;
    create->made = *create->info;
    return catalogs_sql_insert(create->ctx, conn, &create->made, err) &&
           log_catalog(create->ctx, conn, "create", create->quiet ? NULL : "CREATE_CATALOG", NULL, &create->made, err) &&
           database_create_default(create->ctx, conn, &create->made, create->quiet, err);
}

static bool create_catalog(Ctx *ctx, const CatalogInfo *info, bool quiet, CatalogInfo *ret, Err *err) {
    CatalogCreate create = {.ctx = ctx, .info = info, .quiet = quiet};
    place_make(ctx, info->location);
    if (!pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, create_body, &create, err)) {
        return false;
    }
    *ret = create.made;
    return true;
}

static bool choose_location(Ctx *ctx, CatalogInfo *info, Err *err) {
    Str warehouse;
    if (!str_is_empty(info->location)) {
        return place_normalise(ctx, info->location, &info->location, err);
    }
    if (!place_warehouse(ctx, &warehouse, err)) {
        return false;
    }
    info->location = place_below(ctx, warehouse, info->name, STR_NULL);
    return true;
}

/* Looked up first, so that a duplicate makes no directory. */
static bool expect_free(Ctx *ctx, Str name, Err *err) {
    CatalogInfo found;
    Err missing;
    if (catalog_get(ctx, name, &found, &missing)) {
        return err_set(err, ERR_ALREADY_EXISTS, "Catalog %" STR_FMT " already exists.", STR_ARG(name));
    }
    if (missing.code != ERR_CATALOG_NOT_FOUND) {
        *err = missing;
        return false;
    }
    return true;
}

/* BEFORE: what it was, NULL for a new one; what did not change is not checked again. */
static bool check_limits(Ctx *ctx, const CatalogInfo *c, const CatalogInfo *before, Err *err) {
    int64_t most = ctx->catalog->config->limits.view_text;
    return ((before && params_equal(&before->params, &c->params)) || params_check(ctx, "the catalog", &c->params, err)) &&
           ((before && str_eq(before->description, c->description)) ||
            text_check("the description", c->description, most, "limits.view_text", err)) &&
           ((before && str_eq(before->extra, c->extra)) || text_check("extra", c->extra, most, "limits.view_text", err));
}

bool catalog_create(Ctx *ctx, const CatalogInfo *info, CatalogInfo *ret, Err *err) {
    CatalogInfo wanted = *info;
    wanted.name = scope_catalog(ctx, info->name);
    return ctx_authorize(ctx, ACTION_CREATE, "catalog", wanted.name, STR_NULL, STR_NULL, err) &&
           name_check(ctx_door_is(ctx, "hive") ? NAME_HIVE_STRICT : NAME_REST, "catalog", wanted.name, err) &&
           check_limits(ctx, &wanted, NULL, err) && expect_free(ctx, wanted.name, err) && choose_location(ctx, &wanted, err) &&
           create_catalog(ctx, &wanted, false, ret, err);
}

/* --- alter ----------------------------------------------------------------------------------------------------- */

typedef struct CatalogAlter {
    Ctx *ctx;
    Str name;
    Expect expect;
    CatalogEdit edit;
    void *arg;
    CatalogInfo result;
} CatalogAlter;

static bool catalogs_equal(const CatalogInfo *a, const CatalogInfo *b) {
    return str_eq(a->description, b->description) && str_eq(a->location, b->location) && params_equal(&a->params, &b->params) &&
           str_eq(a->extra, b->extra);
}

static bool edit_catalog(CatalogAlter *how, const CatalogInfo *before, CatalogInfo *after, Err *err) {
    *after = *before;
    after->params = params_copy(&before->params, how->ctx->arena);
    if (!how->edit(how->ctx, after, how->arg, err)) {
        return false;
    }
    if (!str_eq(scope_catalog(how->ctx, after->name), before->name)) {
        return err_set(err, ERR_INVALID_OPERATION, "Catalog %" STR_FMT " cannot be renamed.", STR_ARG(before->name));
    }
    after->id = before->id;
    after->name = before->name;
    after->version = before->version;
    after->created_at = before->created_at;
    after->updated_at = before->updated_at;
    if (!check_limits(how->ctx, after, before, err)) {
        return false;
    }
    return str_eq(after->location, before->location) || place_normalise(how->ctx, after->location, &after->location, err);
}

static bool alter_body(PgConn *conn, void *arg, Err *err) {
    CatalogAlter *how = arg;
    CatalogInfo before;
    if (!catalogs_sql_get(how->ctx, conn, how->name, ROW_UPDATE, &before, err) ||
        !expect_state(how->expect, before.id, before.version, "Catalog", before.name, err) ||
        !edit_catalog(how, &before, &how->result, err)) {
        return false;
    }
    return catalogs_equal(&before, &how->result) ||
           (catalogs_sql_update(how->ctx, conn, &how->result, err) &&
            log_catalog(how->ctx, conn, "alter", "ALTER_CATALOG", &before, &how->result, err));
}

bool catalog_alter(Ctx *ctx, Str name, Expect expect, CatalogEdit edit, void *arg, CatalogInfo *ret, Err *err) {
    CatalogAlter how = {ctx, scope_catalog(ctx, name), expect, edit, arg, {0}};
    if (!ctx_authorize(ctx, ACTION_ALTER, "catalog", how.name, STR_NULL, STR_NULL, err) ||
        !pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, alter_body, &how, err)) {
        return false;
    }
    *ret = how.result;
    return true;
}

/* --- drop ------------------------------------------------------------------------------------------------------ */

typedef struct CatalogDrop {
    Ctx *ctx;
    Str name;
    Expect expect;
} CatalogDrop;

static bool drop_body(PgConn *conn, void *arg, Err *err) {
    CatalogDrop *how = arg;
    CatalogInfo info;
    Str obstacle;
    if (!catalogs_sql_get(how->ctx, conn, how->name, ROW_UPDATE, &info, err) ||
        !expect_state(how->expect, info.id, info.version, "Catalog", info.name, err) ||
        !catalogs_sql_obstacle(how->ctx, conn, info.id, &obstacle, err)) {
        return false;
    }
    if (!str_is_null(obstacle)) {
        return err_set(err, ERR_NOT_EMPTY, "Catalog %" STR_FMT " is not empty: it holds the %" STR_FMT ". Drop that first.",
                       STR_ARG(info.name), STR_ARG(obstacle));
    }
    return log_catalog(how->ctx, conn, "drop", "DROP_CATALOG", &info, NULL, err) &&
           catalogs_sql_delete(how->ctx, conn, info.id, err) && catalogs_sql_delete_directory(how->ctx, conn, &info, err);
}

bool catalog_drop(Ctx *ctx, Str name, Expect expect, Err *err) {
    CatalogDrop how = {ctx, scope_catalog(ctx, name), expect};
    if (!ctx_authorize(ctx, ACTION_DROP, "catalog", how.name, STR_NULL, STR_NULL, err)) {
        return false;
    }
    if (str_eq(how.name, DEFAULT_CATALOG)) {
        return err_set(err, ERR_INVALID_OPERATION, "Catalog %" STR_FMT " is the default one and cannot be dropped.",
                       STR_ARG(how.name));
    }
    return pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, drop_body, &how, err);
}

/* --- bootstrap ------------------------------------------------------------------------------------------------- */

/* Several servers may start on one new store: all but one find the catalog there. */
bool catalog_bootstrap(Ctx *ctx, Err *err) {
    CatalogInfo info = {.name = DEFAULT_CATALOG, .description = STR("Default catalog, for Hive")};
    Err found;
    if (!expect_free(ctx, info.name, &found)) {
        if (found.code == ERR_ALREADY_EXISTS) {
            return true;
        }
        *err = found;
        return false;
    }
    CatalogInfo made;
    if (!place_warehouse(ctx, &info.location, err)) {
        return false;
    }
    return create_catalog(ctx, &info, true, &made, err) || err->code == ERR_ALREADY_EXISTS;
}
