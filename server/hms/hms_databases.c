/* Catalogs and databases: list, get, create, alter, drop. */
#include "catalog/databases.h"
#include "server/hms/convert.h"
#include "server/hms/groups.h"

/* What the catalog refused becomes an exception other than the usual one, in the same words. Always false. */
static bool refuse_as(HmsCall *call, HmsException exception) {
    call->exception = exception;
    call->has_exception = true;
    return false;
}

/* ---- reading databases ------------------------------------------------------------------------------------------ */

static bool find_database(HmsCall *call, Str catalog, Str name, HmsDatabase **ret, Err *err) {
    Database database;
    if (!hms_database_name(call, catalog, name, &catalog, &name, err) || !hms_given(call, name, "Database name", err) ||
        !database_get(&call->ctx, catalog, name, &database, err)) {
        return false;
    }
    *ret = hms_database(call->arena, &database);
    return true;
}

static bool get_database_req(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGetDatabaseRequest *r = ((const HmsGetDatabaseReqArgs *)args)->request;
    r = r ? r : &(const HmsGetDatabaseRequest){0};
    return find_database(call, r->catalogName, r->name, &((HmsGetDatabaseReqReply *)reply)->success, err);
}

static bool get_database(HmsCall *call, const void *args, void *reply, Err *err) {
    return find_database(call, STR_NULL, ((const HmsGetDatabaseArgs *)args)->name, &((HmsGetDatabaseReply *)reply)->success, err);
}

/* PATTERN may carry the catalog ("@cat#pattern"). A catalog that is not there has no databases. */
static bool list_databases(HmsCall *call, Str catalog, Str pattern, Databases *ret, Err *err) {
    Page page = {.limit = -1};
    if (!hms_database_name(call, catalog, pattern, &catalog, &page.pattern, err)) {
        return false;
    }
    if (!database_list(&call->ctx, catalog, &page, ret, err)) {
        *ret = (Databases){0};
        return err->code == ERR_CATALOG_NOT_FOUND;
    }
    return true;
}

static bool list_names(HmsCall *call, Str pattern, StrList *ret, Err *err) {
    Databases found;
    if (!list_databases(call, STR_NULL, pattern, &found, err)) {
        return false;
    }
    StrList names = {ARENA_ARRAY(call->arena, Str, found.count), found.count};
    for (size_t i = 0; i < found.count; i++) {
        names.items[i] = found.items[i].name;
    }
    *ret = found.count ? names : hms_strs((StrList){0});
    return true;
}

static bool get_databases(HmsCall *call, const void *args, void *reply, Err *err) {
    return list_names(call, ((const HmsGetDatabasesArgs *)args)->pattern, &((HmsGetDatabasesReply *)reply)->success, err);
}

static bool get_all_databases(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)args;
    return list_names(call, STR_NULL, &((HmsGetAllDatabasesReply *)reply)->success, err);
}

static bool get_databases_req(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGetDatabaseObjectsRequest *r = ((const HmsGetDatabasesReqArgs *)args)->request;
    r = r ? r : &(const HmsGetDatabaseObjectsRequest){0};
    Databases found;
    if (!list_databases(call, r->catalogName, r->pattern, &found, err)) {
        return false;
    }
    HmsGetDatabaseObjectsResponse *out = HMS_NEW(call->arena, HmsGetDatabaseObjectsResponse,
                                                 HMS_STRUCT_GET_DATABASE_OBJECTS_RESPONSE);
    out->databases.items = found.count ? ARENA_ARRAY(call->arena, HmsDatabase, found.count) : THRIFT_NO_ITEMS;
    for (size_t i = 0; i < found.count; i++) {
        out->databases.items[out->databases.count++] = *hms_database(call->arena, &found.items[i]);
    }
    ((HmsGetDatabasesReqReply *)reply)->success = out;
    return true;
}

/* ---- writing databases ------------------------------------------------------------------------------------------ */

static bool read_database(HmsCall *call, const HmsDatabase *d, Database *ret, Err *err) {
    Str owner_type = d->has_ownerType ? hms_principal_name(d->ownerType) : STR_NULL;
    bool remote = d->has_type && d->type == HMS_DATABASE_TYPE_REMOTE;
    *ret = (Database){
        .description = d->description,
        .location = d->locationUri,
        .managed_location = d->managedLocationUri,
        .params = hms_read_params(call->arena, &d->parameters),
        .owner = str_is_null(d->ownerName) ? call->caller.principal : d->ownerName,
        .owner_type = str_is_null(owner_type) ? STR("USER") : owner_type,
        .type = remote ? STR("REMOTE") : STR("NATIVE"),
        .connector = d->connector_name,
        .remote_name = d->remote_dbname,
        .created_at = MICROS_NONE,
        .updated_at = MICROS_NONE,
        .dropped_at = MICROS_NONE,
    };
    return hms_database_name(call, d->catalogName, d->name, &ret->catalog, &ret->name, err) &&
           hms_given(call, ret->name, "Database name", err);
}

/* In Hive's words. */
static bool refuse_database(HmsCall *call, const Database *d, Err *err) {
    switch (err->code) {
        case ERR_ALREADY_EXISTS:
            return hms_throw(call, HMS_ALREADY_EXISTS, err, "Database %" STR_FMT " already exists", STR_ARG(d->name));
        case ERR_INVALID_NAME:
            return hms_throw(call, HMS_INVALID_OBJECT, err, "%" STR_FMT " is not a valid database name", STR_ARG(d->name));
        case ERR_CATALOG_NOT_FOUND:
            return hms_throw(call, HMS_INVALID_OBJECT, err, "No such catalog %" STR_FMT, STR_ARG(d->catalog));
        default: return false;
    }
}

static bool add_database(HmsCall *call, const HmsDatabase *given, Err *err) {
    Database wanted, made;
    return read_database(call, given, &wanted, err) &&
           (database_create(&call->ctx, &wanted, &made, err) || refuse_database(call, &wanted, err));
}

static bool create_database(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsDatabase *given = ((const HmsCreateDatabaseArgs *)args)->database;
    return add_database(call, given ? given : &(const HmsDatabase){0}, err);
}

static bool create_database_req(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsCreateDatabaseRequest *r = ((const HmsCreateDatabaseReqArgs *)args)->createDatabaseRequest;
    r = r ? r : &(const HmsCreateDatabaseRequest){0};
    HmsDatabase given = {
        .name = r->databaseName,
        .catalogName = r->catalogName,
        .description = r->description,
        .locationUri = r->locationUri,
        .managedLocationUri = r->managedLocationUri,
        .parameters = r->parameters,
        .ownerName = r->ownerName,
        .ownerType = r->ownerType,
        .has_ownerType = r->has_ownerType,
        .type = r->type,
        .has_type = r->has_type,
        .connector_name = r->dataConnectorName,
        .remote_dbname = r->remote_dbname,
    };
    return add_database(call, &given, err);
}

static bool is_blank(Str text) { return str_is_empty(str_trim(text)); }

/* Parameters and owner are replaced, or cleared; the rest changes where something is given. The name stays. */
static bool edit_database(Ctx *ctx, Database *d, void *arg, Err *err) {
    (void)err;
    const HmsDatabase *to = arg;
    Str owner_type = to->has_ownerType ? hms_principal_name(to->ownerType) : STR_NULL;
    d->params = hms_read_params(ctx->arena, &to->parameters);
    d->owner = to->ownerName;
    d->owner_type = str_is_null(owner_type) ? d->owner_type : owner_type;
    d->description = is_blank(to->description) ? d->description : to->description;
    d->location = is_blank(to->locationUri) ? d->location : to->locationUri;
    d->managed_location = is_blank(to->managedLocationUri) ? d->managed_location : to->managedLocationUri;
    return true;
}

static bool change_database(HmsCall *call, Str name, HmsDatabase *to, Err *err) {
    Str catalog;
    Database changed;
    if (!to) {
        return hms_throw(call, HMS_META, err, "Database cannot be null.");
    }
    return hms_database_name(call, STR_NULL, name, &catalog, &name, err) && hms_given(call, name, "Database name", err) &&
           database_alter(&call->ctx, catalog, name, EXPECT_ANY, edit_database, to, &changed, err);
}

static bool alter_database_req(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsAlterDatabaseRequest *r = ((const HmsAlterDatabaseReqArgs *)args)->alterDbReq;
    r = r ? r : &(const HmsAlterDatabaseRequest){0};
    return change_database(call, r->oldDbName, r->newDb, err);
}

static bool alter_database(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsAlterDatabaseArgs *a = args;
    return change_database(call, a->dbname, a->db, err);
}

static bool remove_database(HmsCall *call, Str catalog, Str name, const DatabaseDrop *how, Err *err) {
    if (!hms_database_name(call, catalog, name, &catalog, &name, err) || !hms_given(call, name, "Database name", err)) {
        return false;
    }
    if (database_drop(&call->ctx, catalog, name, how, err)) {
        return true;
    }
    /* The default database, whatever is in it. */
    return err->code == ERR_INVALID_OPERATION ? refuse_as(call, HMS_META) : false;
}

static bool drop_database(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsDropDatabaseArgs *a = args;
    const DatabaseDrop how = {.expect = EXPECT_ANY, .cascade = a->cascade, .delete_data = a->deleteData};
    return remove_database(call, STR_NULL, a->name, &how, err);
}

/* Older clients expect no answer, and skip what is there. All is done when it comes, also for who asked for a drop that goes
 * on behind the scenes. Clients do what ignoreUnknownDb says by themselves. */
static bool drop_database_req(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsDropDatabaseRequest *r = ((const HmsDropDatabaseReqArgs *)args)->req;
    r = r ? r : &(const HmsDropDatabaseRequest){0};
    const DatabaseDrop how = {.expect = EXPECT_ANY,
                              .cascade = r->cascade,
                              .delete_data = r->deleteData,
                              .keep_managed_directory = r->has_deleteManagedDir && !r->deleteManagedDir};
    if (!remove_database(call, r->catalogName, r->name, &how, err)) {
        return false;
    }
    HmsAsyncOperationResp *done = HMS_NEW(call->arena, HmsAsyncOperationResp, HMS_STRUCT_ASYNC_OPERATION_RESP);
    done->id = str_is_null(r->id) ? STR("") : r->id;
    THRIFT_SET(done, finished, true);
    ((HmsDropDatabaseReqReply *)reply)->success = done;
    return true;
}

/* ---- catalogs --------------------------------------------------------------------------------------------------- */

static bool get_catalogs(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)args;
    const Page page = {.limit = -1};
    CatalogInfos found;
    if (!catalog_list(&call->ctx, &page, &found, err)) {
        return false;
    }
    HmsGetCatalogsResponse *out = HMS_NEW(call->arena, HmsGetCatalogsResponse, HMS_STRUCT_GET_CATALOGS_RESPONSE);
    out->names.items = ARENA_ARRAY(call->arena, Str, found.count); /* never empty: "hive" stays */
    for (size_t i = 0; i < found.count; i++) {
        out->names.items[out->names.count++] = found.items[i].name;
    }
    ((HmsGetCatalogsReply *)reply)->success = out;
    return true;
}

static bool get_catalog(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGetCatalogRequest *r = ((const HmsGetCatalogArgs *)args)->catName;
    r = r ? r : &(const HmsGetCatalogRequest){0};
    CatalogInfo catalog;
    if (!hms_given(call, r->name, "Catalog name", err) || !catalog_get(&call->ctx, r->name, &catalog, err)) {
        return false;
    }
    HmsGetCatalogResponse *out = HMS_NEW(call->arena, HmsGetCatalogResponse, HMS_STRUCT_GET_CATALOG_RESPONSE);
    out->catalog = hms_catalog(call->arena, &catalog);
    ((HmsGetCatalogReply *)reply)->success = out;
    return true;
}

static bool refuse_catalog(HmsCall *call, const CatalogInfo *c, Err *err) {
    switch (err->code) {
        case ERR_ALREADY_EXISTS:
            return hms_throw(call, HMS_ALREADY_EXISTS, err, "Catalog %" STR_FMT " already exists", STR_ARG(c->name));
        case ERR_INVALID_NAME:
            return hms_throw(call, HMS_INVALID_OBJECT, err, "%" STR_FMT " is not a valid catalog name", STR_ARG(c->name));
        default: return false;
    }
}

static bool create_catalog(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsCreateCatalogRequest *r = ((const HmsCreateCatalogArgs *)args)->catalog;
    r = r ? r : &(const HmsCreateCatalogRequest){0};
    const HmsCatalog *c = r->catalog ? r->catalog : &(const HmsCatalog){0};
    if (!hms_given(call, c->name, "Catalog name", err)) {
        return false;
    }
    if (str_is_null(c->locationUri)) {
        return hms_throw(call, HMS_INVALID_OBJECT, err, "You must specify a path for the catalog");
    }
    const CatalogInfo wanted = {
        .name = c->name,
        .description = c->description,
        .location = c->locationUri,
        .params = hms_read_params(call->arena, &c->parameters),
        .created_at = MICROS_NONE,
        .updated_at = MICROS_NONE,
    };
    CatalogInfo made;
    return catalog_create(&call->ctx, &wanted, &made, err) || refuse_catalog(call, &wanted, err);
}

/* A name that is not the catalog's own is refused by the catalog. Clients before 4.1 know no parameters. */
static bool edit_catalog(Ctx *ctx, CatalogInfo *c, void *arg, Err *err) {
    (void)err;
    const HmsCatalog *to = arg;
    c->name = str_is_null(to->name) ? c->name : to->name;
    c->description = is_blank(to->description) ? c->description : to->description;
    c->location = is_blank(to->locationUri) ? c->location : to->locationUri;
    c->params = to->parameters.items ? hms_read_params(ctx->arena, &to->parameters) : c->params;
    return true;
}

static bool alter_catalog(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsAlterCatalogRequest *r = ((const HmsAlterCatalogArgs *)args)->rqst;
    r = r ? r : &(const HmsAlterCatalogRequest){0};
    CatalogInfo changed;
    if (!hms_given(call, r->name, "Catalog name", err)) {
        return false;
    }
    if (!r->newCat) {
        return hms_throw(call, HMS_META, err, "Catalog cannot be null.");
    }
    return catalog_alter(&call->ctx, r->name, EXPECT_ANY, edit_catalog, r->newCat, &changed, err);
}

/* Only clients from 4.1 say IF EXISTS. Those before want to hear of a catalog that is not there. */
static bool drop_catalog(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsDropCatalogRequest *r = ((const HmsDropCatalogArgs *)args)->catName;
    r = r ? r : &(const HmsDropCatalogRequest){0};
    if (!hms_given(call, r->name, "Catalog name", err)) {
        return false;
    }
    if (catalog_drop(&call->ctx, r->name, EXPECT_ANY, err) ||
        (err->code == ERR_CATALOG_NOT_FOUND && r->has_ifExists && r->ifExists)) {
        return true;
    }
    return err->code == ERR_INVALID_OPERATION ? refuse_as(call, HMS_META) : false; /* the default one */
}

static const HmsRow ROWS[] = {
    {"get_catalogs", get_catalogs, HMS_READ, {{0}}},
    {"get_catalog", get_catalog, HMS_READ, {{0}}},
    {"create_catalog", create_catalog, HMS_WRITE, {{0}}},
    {"alter_catalog", alter_catalog, HMS_WRITE, {{0}}},
    {"drop_catalog", drop_catalog, HMS_WRITE, {{0}}},
    {"get_database", get_database, HMS_READ, {{0}}},
    {"get_database_req", get_database_req, HMS_READ, {{0}}},
    {"get_databases", get_databases, HMS_READ, {{0}}},
    {"get_databases_req", get_databases_req, HMS_READ, {{0}}},
    {"get_all_databases", get_all_databases, HMS_READ, {{0}}},
    {"create_database", create_database, HMS_WRITE, {{0}}},
    {"create_database_req", create_database_req, HMS_WRITE, {{0}}},
    {"alter_database", alter_database, HMS_WRITE, {{0}}},
    {"alter_database_req", alter_database_req, HMS_WRITE, {{0}}},
    {"drop_database", drop_database, HMS_WRITE | HMS_BULK, {{0}}},
    {"drop_database_req", drop_database_req, HMS_WRITE | HMS_BULK, {{0}}},
};
const HmsGroup hms_group_databases = HMS_GROUP("databases", ROWS);
