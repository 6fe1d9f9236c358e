/* The rare methods: rare.def says what each does, this file what kinds of things there are. */
#include "server/hms/groups.h"
#include "server/hms/rare.h"

/* ---- kinds ------------------------------------------------------------------------------------------------------ */

#define SCHEMA_KEY "schema.catName?hive schema.dbName schema.schemaName version"
static const RareKind schema = {.thing = {.name = "schema"},
                                .strukt = HMS_STRUCT_I_SCHEMA,
                                .what = "Schema",
                                .key = "catName?hive dbName name",
                                .in_database = true};
const RareKind rare_schema_version = {.thing = {.name = "schema_version"},
                                      .strukt = HMS_STRUCT_SCHEMA_VERSION,
                                      .what = "Schema version",
                                      .key = SCHEMA_KEY,
                                      .parent = &schema,
                                      .parent_names = 3};
const RareKind rare_serde = {.thing = {.name = "serde"}, .strukt = HMS_STRUCT_SER_DE_INFO, .what = "Serde", .key = "name"};

const RareKind rare_plan = {.thing = {.name = "resource_plan"},
                            .strukt = HMS_STRUCT_WM_RESOURCE_PLAN,
                            .what = "Resource plan",
                            .key = "ns?default name",
                            .shown = 1,
                            .children = {&rare_pool, &rare_trigger, &rare_mapping, &rare_pool_trigger}};
const RareKind rare_pool = {.thing = {.name = "resource_pool"},
                            .strukt = HMS_STRUCT_WM_POOL,
                            .what = "Pool",
                            .key = "ns?default resourcePlanName poolPath",
                            .shown = 1,
                            .parent = &rare_plan,
                            .parent_names = 2};
const RareKind rare_trigger = {.thing = {.name = "resource_trigger"},
                               .strukt = HMS_STRUCT_WM_TRIGGER,
                               .what = "Trigger",
                               .key = "ns?default resourcePlanName triggerName",
                               .shown = 1,
                               .parent = &rare_plan,
                               .parent_names = 2};
const RareKind rare_mapping = {.thing = {.name = "resource_mapping"},
                               .strukt = HMS_STRUCT_WM_MAPPING,
                               .what = "Mapping",
                               .key = "ns?default resourcePlanName entityType entityName!",
                               .shown = 1,
                               .parent = &rare_plan,
                               .parent_names = 2};
const RareKind rare_pool_trigger = {
    .thing = {.name = "resource_pool_trigger"}, .strukt = HMS_STRUCT_WM_POOL_TRIGGER, .what = "Pool's trigger", .shown = 1};

/* Parameters may hold a password. */
static const RareKind connector = {.thing = {.name = THING_CONNECTOR, .sealed = true},
                                   .strukt = HMS_STRUCT_DATA_CONNECTOR,
                                   .what = "Data connector",
                                   .key = "name",
                                   .name = "name"};
static const RareKind procedure = {.thing = {.name = "stored_procedure"},
                                   .strukt = HMS_STRUCT_STORED_PROCEDURE,
                                   .what = "HPL/SQL StoredProcedure",
                                   .key = "catName?hive dbName name",
                                   .name = "name",
                                   .in_database = true};
static const RareKind package = {.thing = {.name = "package"},
                                 .strukt = HMS_STRUCT_PACKAGE,
                                 .what = "HPL/SQL package",
                                 .key = "catName?hive dbName packageName",
                                 .name = "packageName",
                                 .in_database = true};

const RareKind rare_query = {.thing = {.name = "scheduled_query"},
                             .strukt = HMS_STRUCT_SCHEDULED_QUERY,
                             .what = "Scheduled query",
                             .key = "scheduleKey.clusterNamespace! scheduleKey.scheduleName!",
                             .children = {&rare_execution}};
/* The one run of a query that is under way. */
const RareKind rare_execution = {.thing = {.name = "scheduled_execution", .quiet = true},
                                 .strukt = HMS_STRUCT_SCHEDULED_QUERY_POLL_RESPONSE,
                                 .what = "Scheduled execution"};

const RareKind rare_runtime_stat = {
    .thing = {.name = "runtime_stat", .quiet = true}, .strukt = HMS_STRUCT_RUNTIME_STAT, .what = "Runtime statistics"};
const RareKind rare_replication = {.thing = {.name = "replication_metrics", .quiet = true},
                                   .strukt = HMS_STRUCT_REPLICATION_METRICS,
                                   .what = "Replication metrics"};

/* ---- delegation tokens of this server: there is no Kerberos ------------------------------------------------------ */

static bool no_delegation(HmsCall *call, Err *err) {
    return hms_throw(call, HMS_META, err, "Delegation Token can be issued only with kerberos authentication.");
}

static bool get_delegation_token(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)args, (void)reply;
    return no_delegation(call, err);
}

static bool renew_delegation_token(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)args, (void)reply;
    return no_delegation(call, err);
}

static bool cancel_delegation_token(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)args, (void)reply;
    return no_delegation(call, err);
}

/* ---- what there is nothing of ----------------------------------------------------------------------------------- */

static bool get_indexes(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)call, (void)args, (void)err;
    ((HmsGetIndexesReply *)reply)->success.items = THRIFT_NO_ITEMS;
    return true;
}

static bool get_index_names(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)call, (void)args, (void)err;
    ((HmsGetIndexNamesReply *)reply)->success.items = THRIFT_NO_ITEMS;
    return true;
}

static bool no_index(HmsCall *call, Str database, Str table, Str index, Err *err) {
    return hms_given(call, index, "Index name", err) &&
           hms_throw(call, HMS_NO_SUCH_OBJECT, err, "%" STR_FMT ".%" STR_FMT " index=%" STR_FMT " not found", STR_ARG(database),
                     STR_ARG(table), STR_ARG(index));
}

static bool get_index_by_name(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsGetIndexByNameArgs *a = args;
    return no_index(call, a->db_name, a->tbl_name, a->index_name, err);
}

static bool drop_index_by_name(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsDropIndexByNameArgs *a = args;
    return no_index(call, a->db_name, a->tbl_name, a->index_name, err);
}

static bool add_index(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)args, (void)reply;
    return hms_throw(call, HMS_META, err, "There are no indexes: Hive gave them up with release 3.0.");
}

static bool alter_index(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)args, (void)reply;
    return hms_throw(call, HMS_INVALID_OPERATION, err, "There are no indexes: Hive gave them up with release 3.0.");
}

static bool get_type(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    Str name = ((const HmsGetTypeArgs *)args)->name;
    return hms_given(call, name, "Type name", err) &&
           hms_throw(call, HMS_NO_SUCH_OBJECT, err, "Type \"%" STR_FMT "\" not found.", STR_ARG(name));
}

static bool drop_type(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    Str name = ((const HmsDropTypeArgs *)args)->type;
    return hms_given(call, name, "Type name", err) &&
           hms_throw(call, HMS_NO_SUCH_OBJECT, err, "%" STR_FMT " doesn't exist", STR_ARG(name));
}

static bool create_type(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)args, (void)reply;
    return hms_throw(call, HMS_META, err, "Types of one's own are not kept here.");
}

static bool get_type_all(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)args, (void)reply;
    return hms_throw(call, HMS_META, err, "Not yet implemented");
}

static bool get_file_metadata(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)args, (void)err;
    HmsGetFileMetadataResult *none = HMS_NEW(call->arena, HmsGetFileMetadataResult, HMS_STRUCT_GET_FILE_METADATA_RESULT);
    none->metadata.items = THRIFT_NO_ITEMS;
    ((HmsGetFileMetadataReply *)reply)->success = none;
    return true;
}

static bool get_file_metadata_by_expr(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)args, (void)err;
    HmsGetFileMetadataByExprResult *none = HMS_NEW(call->arena, HmsGetFileMetadataByExprResult,
                                                   HMS_STRUCT_GET_FILE_METADATA_BY_EXPR_RESULT);
    none->metadata.items = THRIFT_NO_ITEMS;
    ((HmsGetFileMetadataByExprReply *)reply)->success = none;
    return true;
}

static bool put_file_metadata(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)args, (void)err;
    ((HmsPutFileMetadataReply *)reply)->success = HMS_NEW(call->arena, HmsPutFileMetadataResult,
                                                          HMS_STRUCT_PUT_FILE_METADATA_RESULT);
    return true;
}

static bool clear_file_metadata(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)args, (void)err;
    ((HmsClearFileMetadataReply *)reply)->success = HMS_NEW(call->arena, HmsClearFileMetadataResult,
                                                            HMS_STRUCT_CLEAR_FILE_METADATA_RESULT);
    return true;
}

static bool cache_file_metadata(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)args, (void)err;
    ((HmsCacheFileMetadataReply *)reply)->success = HMS_NEW(call->arena, HmsCacheFileMetadataResult,
                                                            HMS_STRUCT_CACHE_FILE_METADATA_RESULT);
    return true;
}

/* ---- rows ------------------------------------------------------------------------------------------------------- */

static bool by_row(HmsCall *call, const void *args, void *reply, Err *err);

static const HmsRow ROWS[] = {
#define RARE(method, access, ...) {#method, by_row, HMS_##access, {{0}}},
#define OWN(method, flags) {#method, method, flags, {{0}}},
#include "server/hms/rare.def"
#undef RARE
#undef OWN
};

static const RareMethod METHODS[] = {
#define RARE(method, access, ...) {__VA_ARGS__},
#define OWN(method, flags) {0},
#include "server/hms/rare.def"
#undef RARE
#undef OWN
};

static bool by_row(HmsCall *call, const void *args, void *reply, Err *err) {
    return rare_do(call, &METHODS[call->row - ROWS], args, reply, err);
}

const HmsGroup hms_group_rare = HMS_GROUP("rare", ROWS);
