/* Data connectors. */
#include "catalog/databases.h"
#include "server/hms/rare.h"

bool check_new_connector(Rare *r, Err *err) {
    HmsDataConnector *connector = r->value;
    Err why;
    if (!name_check(NAME_HIVE_OBJECT, "data connector", connector->name, &why)) {
        return hms_throw(r->call, HMS_INVALID_OBJECT, err, "%s", why.message);
    }
    if (!connector->has_createTime) {
        THRIFT_SET(connector, createTime, (int32_t)(clock_now() / 1000000));
    }
    if (!connector->has_ownerType) {
        THRIFT_SET(connector, ownerType, HMS_PRINCIPAL_TYPE_USER);
    }
    return true;
}

/* A database that is reached by it, in any catalog; null when there is none. */
static bool user_of(HmsCall *call, Str connector, Str *ret, Err *err) {
    static const Page all = {.limit = -1};
    CatalogInfos catalogs;
    if (!catalog_list(&call->ctx, &all, &catalogs, err)) {
        return false;
    }
    *ret = STR_NULL;
    for (size_t i = 0; i < catalogs.count && str_is_null(*ret); i++) {
        Databases databases;
        if (!database_list(&call->ctx, catalogs.items[i].name, &all, &databases, err)) {
            return false;
        }
        for (size_t j = 0; j < databases.count && str_is_null(*ret); j++) {
            *ret = name_same(databases.items[j].connector, connector) ? databases.items[j].name : STR_NULL;
        }
    }
    return true;
}

bool check_drop_connector(Rare *r, Err *err) {
    bool asked = false;
    if (strcmp(r->call->method->name, "drop_dataconnector") == 0) {
        asked = ((const HmsDropDataconnectorArgs *)r->args)->checkReferences;
    } else {
        asked = ((const HmsDropDataconnectorReqArgs *)r->args)->dropDcReq->checkReferences;
    }
    Str database;
    if (!asked) {
        return true;
    }
    return user_of(r->call, r->names[0], &database, err) &&
           (str_is_null(database) ||
            hms_throw(r->call, HMS_INVALID_OPERATION, err,
                      "Data connector %" STR_FMT " cannot be dropped: database %" STR_FMT " is reached by it. Drop that first.",
                      STR_ARG(r->names[0]), STR_ARG(database)));
}
