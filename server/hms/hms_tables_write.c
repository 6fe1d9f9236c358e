/* Tables: create, alter, drop, truncate. */
#include "catalog/hive_table.h"
#include "catalog/truncate.h"
#include "server/hms/convert.h"
#include "server/hms/convert_constraints.h"
#include "server/hms/groups.h"

/* ---- what a table must have ------------------------------------------------------------------------------------- */

static bool typed(HmsCall *call, HmsFieldSchemaList columns, Err *err) {
    for (size_t i = 0; i < columns.count; i++) {
        if (str_is_null(columns.items[i].type)) {
            return hms_throw(call, HMS_META, err, "The type of column %" STR_FMT " cannot be null.",
                             STR_ARG(str_slice(columns.items[i].name, 0, 200)));
        }
    }
    return true;
}

static bool complete(HmsCall *call, const HmsTable *t, Err *err) {
    if (!t) {
        return hms_throw(call, HMS_META, err, "The table cannot be null.");
    }
    if (str_is_null(t->dbName)) {
        return hms_throw(call, HMS_META, err, "Null database name is not allowed");
    }
    if (!hms_given(call, t->tableName, "Table name", err)) {
        return false;
    }
    if (!t->sd || !t->sd->cols.items) {
        return hms_throw(call, HMS_META, err, "The %s of table %" STR_FMT " cannot be null.",
                         t->sd ? "columns" : "storage descriptor", STR_ARG(str_slice(t->tableName, 0, 300)));
    }
    return typed(call, t->sd->cols, err) && typed(call, t->partitionKeys, err);
}

/* ---- create ----------------------------------------------------------------------------------------------------- */

static bool create(HmsCall *call, const HmsTable *table, const HmsConstraintRows *constraints, Err *err) {
    TableCreate how = {0};
    Table made;
    return complete(call, table, err) && hms_read_table(call, table, &how.table, err) &&
           hms_given(call, how.table.database, "Database name", err) &&
           hms_read_constraints(call, constraints, &how.constraints, err) && table_create(&call->ctx, &how, &made, err);
}

static bool create_table(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    HmsConstraintRows none = {0};
    return create(call, ((const HmsCreateTableArgs *)args)->tbl, &none, err);
}

static bool create_table_with_environment_context(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    HmsConstraintRows none = {0};
    return create(call, ((const HmsCreateTableWithEnvironmentContextArgs *)args)->tbl, &none, err);
}

static bool create_table_with_constraints(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsCreateTableWithConstraintsArgs *a = args;
    HmsConstraintRows rows = {a->primaryKeys,        a->foreignKeys,        a->uniqueConstraints,
                              a->notNullConstraints, a->defaultConstraints, a->checkConstraints};
    return create(call, a->tbl, &rows, err);
}

static bool create_table_req(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    static const HmsCreateTableRequest none;
    const HmsCreateTableReqArgs *a = args;
    const HmsCreateTableRequest *req = a->request ? a->request : &none;
    HmsConstraintRows rows = {req->primaryKeys,        req->foreignKeys,        req->uniqueConstraints,
                              req->notNullConstraints, req->defaultConstraints, req->checkConstraints};
    return create(call, req->table, &rows, err);
}

/* ---- alter ------------------------------------------------------------------------------------------------------ */

static bool is_accurate(const HmsEnvironmentContext *env) {
    Str who = hms_env(env, "STATS_GENERATED");
    return str_eq(who, STR("TASK")) || str_eq(who, STR("USER"));
}

static HiveAlter alter_of(HmsCall *call, const HmsAlterTableRequest *req) {
    const HmsEnvironmentContext *env = req->environmentContext;
    return (HiveAlter){
        .how = {.expect_version = -1,
                .expect_param = str_is_null(req->expectedParameterKey) ? hms_env(env, "expected_parameter_key")
                                                                       : req->expectedParameterKey,
                .expect_value = str_is_null(req->expectedParameterValue) ? hms_env(env, "expected_parameter_value")
                                                                         : req->expectedParameterValue,
                .cascade_columns = hms_env_is_true(env, "CASCADE"),
                .allow_key_change = hms_env_is_true(env, "allow_partition_key_change")},
        .keep_stats = hms_env_is_true(env, "DO_NOT_UPDATE_STATS"),
        .accurate = is_accurate(env),
        .same_types = str_eq_nocase(hms_meta_conf(call, "disallow.incompatible.col.type.changes"), STR("true")),
    };
}

static bool alter(HmsCall *call, const HmsAlterTableRequest *req, Err *err) {
    HiveAlter how = alter_of(call, req);
    TableRef ref;
    Table altered;
    if (!hms_table_ref(call, req->catName, req->dbName, req->tableName, &ref, err) || !complete(call, req->table, err)) {
        return false;
    }
    if (!req->table->sd->serdeInfo) {
        return hms_throw(call, HMS_META, err, "The SerDe of table %" STR_FMT " cannot be null.",
                         STR_ARG(str_slice(req->tableName, 0, 300)));
    }
    if (!hms_read_table(call, req->table, &how.sent, err) || !hms_given(call, how.sent.database, "Database name", err)) {
        return false;
    }
    if (str_is_empty(req->table->catName) && !str_starts(req->table->dbName, STR("@"))) {
        how.sent.catalog = ref.catalog;
    }
    return hive_table_alter(&call->ctx, ref, &how, &altered, err);
}

static bool alter_table(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsAlterTableArgs *a = args;
    HmsAlterTableRequest req = {.dbName = a->dbname, .tableName = a->tbl_name, .table = a->new_tbl};
    return alter(call, &req, err);
}

static bool alter_table_with_cascade(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsAlterTableWithCascadeArgs *a = args;
    Param cascade = {STR("CASCADE"), STR("true")};
    HmsEnvironmentContext env = {.properties = {&cascade, a->cascade, a->cascade}};
    HmsAlterTableRequest req = {.dbName = a->dbname, .tableName = a->tbl_name, .table = a->new_tbl, .environmentContext = &env};
    return alter(call, &req, err);
}

static bool alter_table_with_environment_context(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsAlterTableWithEnvironmentContextArgs *a = args;
    HmsAlterTableRequest req = {
        .dbName = a->dbname, .tableName = a->tbl_name, .table = a->new_tbl, .environmentContext = a->environment_context};
    return alter(call, &req, err);
}

static bool alter_table_req(HmsCall *call, const void *args, void *reply, Err *err) {
    static const HmsAlterTableRequest none;
    const HmsAlterTableReqArgs *a = args;
    ((HmsAlterTableReqReply *)reply)->success = HMS_NEW(call->arena, HmsAlterTableResponse, HMS_STRUCT_ALTER_TABLE_RESPONSE);
    return alter(call, a->req ? a->req : &none, err);
}

/* ---- drop ------------------------------------------------------------------------------------------------------- */

/* ifPurge asks to pass by the trash, and there is none. */
static bool drop(HmsCall *call, const HmsDropTableRequest *req, Err *err) {
    TableRef ref;
    TableDrop how = {.expect_version = -1, .delete_data = req->has_deleteData && req->deleteData};
    return hms_table_ref(call, req->catalogName, req->dbName, req->tableName, &ref, err) && table_drop(&call->ctx, ref, &how, err);
}

static bool drop_table(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsDropTableArgs *a = args;
    HmsDropTableRequest req = {.dbName = a->dbname, .tableName = a->name};
    THRIFT_SET(&req, deleteData, a->deleteData);
    return drop(call, &req, err);
}

static bool drop_table_with_environment_context(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsDropTableWithEnvironmentContextArgs *a = args;
    HmsDropTableRequest req = {.dbName = a->dbname, .tableName = a->name};
    THRIFT_SET(&req, deleteData, a->deleteData);
    return drop(call, &req, err);
}

/* Done when it answers, so there is nothing to ask for later. */
static bool drop_table_req(HmsCall *call, const void *args, void *reply, Err *err) {
    static const HmsDropTableRequest none;
    const HmsDropTableReqArgs *a = args;
    HmsAsyncOperationResp *response = HMS_NEW(call->arena, HmsAsyncOperationResp, HMS_STRUCT_ASYNC_OPERATION_RESP);
    response->id = STR("");
    THRIFT_SET(response, finished, true);
    ((HmsDropTableReqReply *)reply)->success = response;
    return drop(call, a->dropTableReq ? a->dropTableReq : &none, err);
}

/* ---- truncate --------------------------------------------------------------------------------------------------- */

static bool truncate(HmsCall *call, const HmsTruncateTableRequest *req, Err *err) {
    TableRef ref;
    TableTruncate how = {.partitions = req->partNames,
                         .with_partitions = req->partNames.items != NULL,
                         .keep_data = hms_env_is_true(req->environmentContext, "truncateSkipDataDeletion")};
    return hms_table_ref(call, STR_NULL, req->dbName, req->tableName, &ref, err) && table_truncate(&call->ctx, ref, &how, err);
}

static bool truncate_table(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsTruncateTableArgs *a = args;
    HmsTruncateTableRequest req = {.dbName = a->dbName, .tableName = a->tableName, .partNames = a->partNames};
    return truncate(call, &req, err);
}

static bool truncate_table_req(HmsCall *call, const void *args, void *reply, Err *err) {
    static const HmsTruncateTableRequest none;
    const HmsTruncateTableReqArgs *a = args;
    ((HmsTruncateTableReqReply *)reply)->success = HMS_NEW(call->arena, HmsTruncateTableResponse,
                                                           HMS_STRUCT_TRUNCATE_TABLE_RESPONSE);
    return truncate(call, a->req ? a->req : &none, err);
}

/* A database that is not there makes no table. */
#define CREATING \
    { HMS_NO_SUCH_OBJECT, HMS_INVALID_OBJECT }
/* Whatever is wrong with the old or the new name or with a column. */
#define ALTERING \
    {HMS_NO_SUCH_OBJECT, HMS_INVALID_OPERATION}, {HMS_INVALID_OBJECT, HMS_INVALID_OPERATION}, { \
        HMS_ALREADY_EXISTS, HMS_INVALID_OPERATION \
    }

static const HmsRow ROWS[] = {
    {"create_table", create_table, HMS_WRITE, {CREATING}},
    {"create_table_with_environment_context", create_table_with_environment_context, HMS_WRITE, {CREATING}},
    {"create_table_with_constraints", create_table_with_constraints, HMS_WRITE, {CREATING}},
    {"create_table_req", create_table_req, HMS_WRITE, {CREATING}},
    {"alter_table", alter_table, HMS_WRITE, {ALTERING}},
    {"alter_table_with_cascade", alter_table_with_cascade, HMS_WRITE, {ALTERING}},
    {"alter_table_with_environment_context", alter_table_with_environment_context, HMS_WRITE, {ALTERING}},
    {"alter_table_req", alter_table_req, HMS_WRITE, {ALTERING}},
    {"drop_table", drop_table, HMS_WRITE | HMS_BULK, {{0}}},
    {"drop_table_with_environment_context", drop_table_with_environment_context, HMS_WRITE | HMS_BULK, {{0}}},
    {"drop_table_req", drop_table_req, HMS_WRITE | HMS_BULK, {{0}}},
    {"truncate_table", truncate_table, HMS_WRITE | HMS_BULK, {{0}}},
    {"truncate_table_req", truncate_table_req, HMS_WRITE | HMS_BULK, {{0}}},
};
const HmsGroup hms_group_tables_write = HMS_GROUP("tables_write", ROWS);
