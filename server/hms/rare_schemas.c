/* Schemas of a registry and their versions. */
#include "server/hms/rare.h"

bool check_new_schema(Rare *r, Err *err) {
    const HmsISchema *schema = r->value;
    return schema->has_schemaType || hms_throw(r->call, HMS_META, err, "schemaType cannot be null.");
}

bool check_drop_schema(Rare *r, Err *err) {
    ThriftItems versions;
    if (!rare_list(r, &rare_schema_version, r->key, &versions, err)) {
        return false;
    }
    return versions.count == 0 || hms_throw(r->call, HMS_INVALID_OPERATION, err,
                                            "Schema %" STR_FMT " cannot be dropped, it has at least one valid version",
                                            STR_ARG(r->names[r->name_count - 1]));
}

bool check_map_to_serde(Rare *r, Err *err) {
    const HmsMapSchemaVersionToSerdeRequest *request = ((const HmsMapSchemaVersionToSerdeArgs *)r->args)->rqst;
    void *serde;
    if (!hms_given(r->call, request->serdeName, "serdeName", err) ||
        !rare_need(r, &rare_serde, rare_key_of(r, 1, &request->serdeName), &serde, err)) {
        return false;
    }
    ((HmsSchemaVersion *)r->value)->serDe = serde;
    return true;
}

bool check_schema_state(Rare *r, Err *err) {
    const HmsSetSchemaVersionStateRequest *request = ((const HmsSetSchemaVersionStateArgs *)r->args)->rqst;
    if (!request->has_state) {
        return hms_throw(r->call, HMS_META, err, "state cannot be null.");
    }
    THRIFT_SET((HmsSchemaVersion *)r->value, state, request->state);
    return true;
}

/* ---- several versions ------------------------------------------------------------------------------------------- */

/* By number; NoSuchObjectException when there are none. */
static bool versions_of(Rare *r, const HmsISchemaName *name, ThriftItems *ret, Err *err) {
    if (!rare_given(r->call, name, "schemaName", err) || !hms_given(r->call, name->dbName, "dbName", err) ||
        !hms_given(r->call, name->schemaName, "schemaName", err)) {
        return false;
    }
    Str names[] = {str_is_empty(name->catName) ? DEFAULT_CATALOG : name->catName, name->dbName, name->schemaName};
    if (!rare_list(r, &rare_schema_version, rare_key_of(r, ARRAY_LEN(names), names), ret, err)) {
        return false;
    }
    return ret->count ||
           hms_throw(r->call, HMS_NO_SUCH_OBJECT, err, "No versions of schema %" STR_FMT ".%" STR_FMT ".%" STR_FMT " exist",
                     STR_ARG(names[0]), STR_ARG(names[1]), STR_ARG(names[2]));
}

static bool latest_body(Rare *r, Err *err) {
    ThriftItems versions;
    if (!versions_of(r, ((const HmsGetSchemaLatestVersionArgs *)r->args)->schemaName, &versions, err)) {
        return false;
    }
    ((HmsGetSchemaLatestVersionReply *)r->reply)->success = (HmsSchemaVersion *)versions.items + versions.count - 1;
    return true;
}

bool get_schema_latest_version(HmsCall *call, const void *args, void *reply, Err *err) {
    return rare_read(call, &rare_schema_version, latest_body, args, reply, err);
}

/* Newest first, as Hive lists them. */
static bool all_body(Rare *r, Err *err) {
    ThriftItems versions;
    if (!versions_of(r, ((const HmsGetSchemaAllVersionsArgs *)r->args)->schemaName, &versions, err)) {
        return false;
    }
    HmsSchemaVersion *items = versions.items;
    for (size_t i = 0, j = versions.count - 1; i < j; i++, j--) {
        HmsSchemaVersion swap = items[i];
        items[i] = items[j];
        items[j] = swap;
    }
    ((HmsGetSchemaAllVersionsReply *)r->reply)->success = (HmsSchemaVersionList){items, versions.count};
    return true;
}

bool get_schema_all_versions(HmsCall *call, const void *args, void *reply, Err *err) {
    return rare_read(call, &rare_schema_version, all_body, args, reply, err);
}

static bool has_column(const HmsSchemaVersion *version, const HmsFindSchemasByColsRqst *wanted) {
    for (size_t i = 0; i < version->cols.count; i++) {
        const HmsFieldSchema *column = &version->cols.items[i];
        if ((str_is_null(wanted->colName) || str_eq_nocase(column->name, wanted->colName)) &&
            (str_is_null(wanted->colNamespace) || str_eq(column->comment, wanted->colNamespace)) &&
            (str_is_null(wanted->type) || str_eq(column->type, wanted->type))) {
            return true;
        }
    }
    return false;
}

static bool by_cols_body(Rare *r, Err *err) {
    const HmsFindSchemasByColsRqst *wanted = ((const HmsGetSchemasByColsArgs *)r->args)->rqst;
    HmsCall *call = r->call;
    ThriftItems versions;
    if (!rare_given(call, wanted, "rqst", err)) {
        return false;
    }
    if (str_is_null(wanted->colName) && str_is_null(wanted->colNamespace)) {
        return hms_throw(call, HMS_META, err, "You must specify column name or column namespace, else your query may be too large");
    }
    if (!rare_list(r, &rare_schema_version, STR(""), &versions, err)) {
        return false;
    }
    HmsFindSchemasByColsResp *found = HMS_NEW(call->arena, HmsFindSchemasByColsResp, HMS_STRUCT_FIND_SCHEMAS_BY_COLS_RESP);
    HmsSchemaVersionDescriptorList *list = &found->schemaVersions;
    list->items = ARENA_ARRAY(call->arena, HmsSchemaVersionDescriptor, versions.count);
    for (size_t i = 0; i < versions.count; i++) {
        const HmsSchemaVersion *version = (const HmsSchemaVersion *)versions.items + i;
        if (has_column(version, wanted)) {
            HmsSchemaVersionDescriptor *out = &list->items[list->count++];
            out->schema = version->schema;
            THRIFT_SET(out, version, version->version);
        }
    }
    ((HmsGetSchemasByColsReply *)r->reply)->success = found;
    return true;
}

bool get_schemas_by_cols(HmsCall *call, const void *args, void *reply, Err *err) {
    return rare_read(call, &rare_schema_version, by_cols_body, args, reply, err);
}
