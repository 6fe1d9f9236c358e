/* Tables: get and list. What changes them stands in hms_tables_write.c. */
#include "catalog/hive_table.h"
#include "catalog/table_lists.h"
#include "server/hms/convert.h"
#include "server/hms/groups.h"
#include "server/hms/projection.h"

/* ---- one table -------------------------------------------------------------------------------------------------- */

/* Whoever reads the files of such a table without knowing what it is gets wrong rows. */
static bool check_capabilities(HmsCall *call, const HmsClientCapabilities *capabilities, const Table *table, Err *err) {
    bool insert_only = params_is_true(&table->params, STR("transactional")) &&
                       str_eq_nocase(params_get(&table->params, STR("transactional_properties")), STR("insert_only"));
    if (!insert_only || !str_eq_nocase(hms_meta_conf(call, "client.capability.check"), STR("true"))) {
        return true;
    }
    for (size_t i = 0; capabilities && i < capabilities->values.count; i++) {
        if (capabilities->values.items[i] == HMS_CLIENT_CAPABILITY_INSERT_ONLY_TABLES) {
            return true;
        }
    }
    return hms_throw(call, HMS_META, err,
                     "Your client does not appear to support insert-only tables. To read %" STR_FMT ".%" STR_FMT
                     " all the same, and perhaps wrongly, set metastore.client.capability.check to false (setMetaConf).",
                     STR_ARG(table->database), STR_ARG(table->name));
}

static bool read_table(HmsCall *call, const HmsGetTableRequest *req, HmsTable **ret, Err *err) {
    TableRef ref;
    Table table;
    if (!hms_table_ref(call, req->catName, req->dbName, req->tblName, &ref, err) || !table_get(&call->ctx, ref, &table, err) ||
        !check_capabilities(call, req->capabilities, &table, err)) {
        return false;
    }
    *ret = hms_table(call->arena, &table);
    return true;
}

static bool get_table(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGetTableArgs *a = args;
    HmsGetTableRequest req = {.dbName = a->dbname, .tblName = a->tbl_name};
    return read_table(call, &req, &((HmsGetTableReply *)reply)->success, err);
}

static bool get_table_req(HmsCall *call, const void *args, void *reply, Err *err) {
    static const HmsGetTableRequest none;
    const HmsGetTableReqArgs *a = args;
    HmsGetTableResult *result = HMS_NEW(call->arena, HmsGetTableResult, HMS_STRUCT_GET_TABLE_RESULT);
    ((HmsGetTableReqReply *)reply)->success = result;
    return read_table(call, a->req ? a->req : &none, &result->table, err);
}

/* ---- their columns ---------------------------------------------------------------------------------------------- */

/* "tbl.col" is the table's, too, unless a table has that name. */
static bool columns_table(HmsCall *call, Str catalog, Str database, Str name, Table *ret, Err *err) {
    TableRef ref;
    size_t dot = str_find_char(name, '.');
    if (!hms_table_ref(call, catalog, database, name, &ref, err)) {
        return false;
    }
    if (table_get(&call->ctx, ref, ret, err)) {
        return true;
    }
    ref.name = str_slice(name, 0, dot);
    return err->code == ERR_TABLE_NOT_FOUND && dot != SIZE_MAX && table_get(&call->ctx, ref, ret, err);
}

static bool fields_of(HmsCall *call, Str catalog, Str database, Str name, HmsFieldSchemaList *ret, Err *err) {
    Table table;
    if (!columns_table(call, catalog, database, name, &table, err)) {
        return false;
    }
    *ret = hms_columns(call->arena, table.storage.columns);
    return true;
}

/* Partition keys behind the columns. */
static bool schema_of(HmsCall *call, Str catalog, Str database, Str name, HmsFieldSchemaList *ret, Err *err) {
    Table table;
    if (!columns_table(call, catalog, database, name, &table, err)) {
        return false;
    }
    size_t columns = table.storage.columns->count, keys = table.partition_keys->count;
    ColumnSet all = {.items = ARENA_ARRAY(call->arena, Column, columns + keys), .count = columns + keys};
    for (size_t i = 0; i < all.count; i++) {
        all.items[i] = i < columns ? table.storage.columns->items[i] : table.partition_keys->items[i - columns];
    }
    *ret = hms_columns(call->arena, &all);
    return true;
}

static bool get_fields(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGetFieldsArgs *a = args;
    return fields_of(call, STR_NULL, a->db_name, a->table_name, &((HmsGetFieldsReply *)reply)->success, err);
}

static bool get_fields_with_environment_context(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGetFieldsWithEnvironmentContextArgs *a = args;
    return fields_of(call, STR_NULL, a->db_name, a->table_name, &((HmsGetFieldsWithEnvironmentContextReply *)reply)->success, err);
}

static bool get_fields_req(HmsCall *call, const void *args, void *reply, Err *err) {
    static const HmsGetFieldsRequest none;
    const HmsGetFieldsReqArgs *a = args;
    const HmsGetFieldsRequest *req = a->req ? a->req : &none;
    HmsGetFieldsResponse *response = HMS_NEW(call->arena, HmsGetFieldsResponse, HMS_STRUCT_GET_FIELDS_RESPONSE);
    ((HmsGetFieldsReqReply *)reply)->success = response;
    return fields_of(call, req->catName, req->dbName, req->tblName, &response->fields, err);
}

static bool get_schema(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGetSchemaArgs *a = args;
    return schema_of(call, STR_NULL, a->db_name, a->table_name, &((HmsGetSchemaReply *)reply)->success, err);
}

static bool get_schema_with_environment_context(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGetSchemaWithEnvironmentContextArgs *a = args;
    return schema_of(call, STR_NULL, a->db_name, a->table_name, &((HmsGetSchemaWithEnvironmentContextReply *)reply)->success, err);
}

static bool get_schema_req(HmsCall *call, const void *args, void *reply, Err *err) {
    static const HmsGetSchemaRequest none;
    const HmsGetSchemaReqArgs *a = args;
    const HmsGetSchemaRequest *req = a->req ? a->req : &none;
    HmsGetSchemaResponse *response = HMS_NEW(call->arena, HmsGetSchemaResponse, HMS_STRUCT_GET_SCHEMA_RESPONSE);
    ((HmsGetSchemaReqReply *)reply)->success = response;
    return schema_of(call, req->catName, req->dbName, req->tblName, &response->fields, err);
}

/* ---- names ------------------------------------------------------------------------------------------------------ */

static bool no_such_place(const Err *err) { return err->code == ERR_DATABASE_NOT_FOUND || err->code == ERR_CATALOG_NOT_FOUND; }

/* A list that must not be absent. */
static StrList names_list(Arena *arena, size_t count) {
    return (StrList){count ? ARENA_ARRAY(arena, Str, count) : THRIFT_NO_ITEMS, 0};
}

/* A database that is not there has no tables. */
static bool list_names(HmsCall *call, Str db_name, Str pattern, int64_t limit, StrList *ret, Err *err) {
    Str catalog, database;
    TableSummaries found = {0};
    Page page = {.limit = limit, .pattern = pattern};
    if (!hms_database_name(call, STR_NULL, db_name, &catalog, &database, err) || !hms_given(call, database, "Database name", err)) {
        return false;
    }
    if (!table_list(&call->ctx, catalog, database, STR_NULL, &page, &found, err) && !no_such_place(err)) {
        return false;
    }
    *ret = names_list(call->arena, found.count);
    for (size_t i = 0; i < found.count; i++) {
        ret->items[ret->count++] = found.items[i].name;
    }
    return true;
}

static bool get_all_tables(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGetAllTablesArgs *a = args;
    return list_names(call, a->db_name, STR_NULL, -1, &((HmsGetAllTablesReply *)reply)->success, err);
}

static bool get_tables(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGetTablesArgs *a = args;
    return list_names(call, a->db_name, a->pattern, -1, &((HmsGetTablesReply *)reply)->success, err);
}

static bool list_metas(HmsCall *call, TableMetaQuery *query, TableMetas *ret, Err *err) {
    *ret = (TableMetas){0};
    return table_meta_list(&call->ctx, query, ret, err) || no_such_place(err);
}

static StrList meta_names(HmsCall *call, const TableMetas *metas) {
    StrList names = names_list(call->arena, metas->count);
    for (size_t i = 0; i < metas->count; i++) {
        names.items[names.count++] = metas->items[i].name;
    }
    return names;
}

static bool check_type(HmsCall *call, Str type, Err *err) {
    static const char *const TYPES[] = {"MANAGED_TABLE", "EXTERNAL_TABLE", "VIRTUAL_VIEW", "MATERIALIZED_VIEW", "INDEX_TABLE"};
    for (size_t i = 0; i < ARRAY_LEN(TYPES); i++) {
        if (str_eq(type, str_from(TYPES[i]))) {
            return true;
        }
    }
    return hms_throw(call, HMS_META, err,
                     "There is no table type %" STR_FMT "; use MANAGED_TABLE, EXTERNAL_TABLE, VIRTUAL_VIEW or "
                     "MATERIALIZED_VIEW.",
                     STR_ARG(str_slice(str_is_null(type) ? STR("null") : type, 0, 200)));
}

static bool get_tables_by_type(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGetTablesByTypeArgs *a = args;
    Str type = a->tableType;
    TableMetaQuery query = {.table_pattern = a->pattern, .types = {&type, 1}, .limit = -1};
    TableMetas found;
    if (!hms_database_name(call, STR_NULL, a->db_name, &query.catalog, &query.database, err) ||
        !hms_given(call, query.database, "Database name", err) || !check_type(call, type, err) ||
        !list_metas(call, &query, &found, err)) {
        return false;
    }
    ((HmsGetTablesByTypeReply *)reply)->success = meta_names(call, &found);
    return true;
}

static bool get_materialized_views_for_rewriting(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGetMaterializedViewsForRewritingArgs *a = args;
    TableMetaQuery query = {.rewritable = true, .limit = -1};
    TableMetas found;
    if (!hms_database_name(call, STR_NULL, a->db_name, &query.catalog, &query.database, err) ||
        !hms_given(call, query.database, "Database name", err) || !list_metas(call, &query, &found, err)) {
        return false;
    }
    ((HmsGetMaterializedViewsForRewritingReply *)reply)->success = meta_names(call, &found);
    return true;
}

static bool get_tables_ext(HmsCall *call, const void *args, void *reply, Err *err) {
    static const HmsGetTablesExtRequest none;
    const HmsGetTablesExtArgs *a = args;
    const HmsGetTablesExtRequest *req = a->req ? a->req : &none;
    HmsExtendedTableInfoList *out = &((HmsGetTablesExtReply *)reply)->success;
    StrList names;
    Str catalog, database;
    if (!hms_database_name(call, req->catalog, req->database, &catalog, &database, err)) {
        return false;
    }
    Str db_name = str_is_null(database) ? database : ARENA_CONCAT(call->arena, STR("@"), catalog, STR("#"), database);
    if (!list_names(call, db_name, req->tableNamePattern, req->has_limit && req->limit > 0 ? req->limit : -1, &names, err)) {
        return false;
    }
    out->items = names.count ? ARENA_ARRAY(call->arena, HmsExtendedTableInfo, names.count) : THRIFT_NO_ITEMS;
    for (; out->count < names.count; out->count++) {
        out->items[out->count] = (HmsExtendedTableInfo){.tblName = names.items[out->count]};
    }
    return true;
}

static void put_meta(const TableMeta *meta, Str catalog, HmsTableMeta *ret) {
    *ret = (HmsTableMeta){.dbName = meta->database,
                          .tableName = meta->name,
                          .tableType = meta->type,
                          .comments = meta->comment,
                          .catName = catalog,
                          .ownerName = meta->owner};
    int32_t type = HMS_PRINCIPAL_TYPE_USER;
    (void)hms_principal_type(meta->owner_type, &type);
    THRIFT_SET(ret, ownerType, type);
}

static bool get_table_meta(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGetTableMetaArgs *a = args;
    HmsTableMetaList *out = &((HmsGetTableMetaReply *)reply)->success;
    TableMetaQuery query = {.table_pattern = a->tbl_patterns, .types = a->tbl_types, .comments = true, .limit = -1};
    TableMetas found;
    if (!hms_database_name(call, STR_NULL, a->db_patterns, &query.catalog, &query.database_pattern, err) ||
        !list_metas(call, &query, &found, err)) {
        return false;
    }
    Str catalog = name_fold(call->arena, query.catalog);
    out->items = found.count ? ARENA_ARRAY(call->arena, HmsTableMeta, found.count) : THRIFT_NO_ITEMS;
    for (; out->count < found.count; out->count++) {
        put_meta(&found.items[out->count], catalog, &out->items[out->count]);
    }
    return true;
}

static bool unknown_database(HmsCall *call, Str catalog, Str database, Err *err) {
    return hms_throw(call, HMS_UNKNOWN_DB, err, "Could not find database %" STR_FMT ".%" STR_FMT, STR_ARG(catalog),
                     STR_ARG(database));
}

/* A database by which tables are asked for, and which must be there. */
static bool known_name(HmsCall *call, Str in_request, Str name, Str *ret_catalog, Str *ret_database, Err *err) {
    if (!hms_database_name(call, in_request, name, ret_catalog, ret_database, err)) {
        return false;
    }
    return !str_is_empty(*ret_database) || hms_throw(call, HMS_UNKNOWN_DB, err, "DB name is null or empty");
}

static bool get_table_names_by_filter(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGetTableNamesByFilterArgs *a = args;
    StrList *out = &((HmsGetTableNamesByFilterReply *)reply)->success, names;
    Str catalog, database;
    if (!known_name(call, STR_NULL, a->dbname, &catalog, &database, err)) {
        return false;
    }
    if (str_is_null(a->filter)) {
        return hms_throw(call, HMS_INVALID_OPERATION, err, "%" STR_FMT " cannot apply null filter", STR_ARG(a->filter));
    }
    if (!table_names_by_filter(&call->ctx, catalog, database, a->filter, a->max_tables, &names, err)) {
        return no_such_place(err) ? unknown_database(call, catalog, database, err) : false;
    }
    *out = hms_strs(names.count ? names : (StrList){0});
    return true;
}

/* ---- many tables ------------------------------------------------------------------------------------------------ */

typedef struct Wanted {
    Str catalog, database;
    StrList names;
    StrList fields; /* none: all */
    const HmsProjection *projection;
    const HmsClientCapabilities *capabilities;
} Wanted;

static bool only_of(StrList fields, const char *const *of, size_t count) {
    for (size_t i = 0; i < fields.count; i++) {
        bool found = false;
        for (size_t j = 0; j < count; j++) {
            found |= str_eq_nocase(fields.items[i], str_from(of[j]));
        }
        if (!found) {
            return false;
        }
    }
    return fields.count > 0;
}

/* Hive 4 lists names this way. */
static bool list_partly(HmsCall *call, const Wanted *w, Str pattern, HmsTableList *ret, Err *err) {
    TableMetaQuery query = {.catalog = w->catalog, .database = w->database, .table_pattern = pattern, .limit = -1};
    TableMetas found;
    if (!table_meta_list(&call->ctx, &query, &found, err)) {
        return false;
    }
    Str catalog = name_fold(call->arena, w->catalog);
    HmsTableList list = {.items = found.count ? ARENA_ARRAY(call->arena, HmsTable, found.count) : THRIFT_NO_ITEMS};
    for (; list.count < found.count && !arena_exceeded(call->arena); list.count++) {
        const TableMeta *meta = &found.items[list.count];
        HmsTable *t = &list.items[list.count];
        HmsTableMeta m;
        put_meta(meta, catalog, &m);
        *t = (HmsTable){
            .catName = catalog, .dbName = m.dbName, .tableName = m.tableName, .tableType = m.tableType, .owner = m.ownerName};
        THRIFT_SET(t, ownerType, m.ownerType);
        hms_project(w->projection, t);
    }
    *ret = list;
    return arena_check(call->arena, err);
}

static bool read_named(HmsCall *call, const Wanted *w, HmsTableList *ret, Err *err) {
    Tables found;
    if (!table_get_named(&call->ctx, w->catalog, w->database, w->names, &found, err)) {
        return false;
    }
    HmsTableList list = {.items = found.count ? ARENA_ARRAY(call->arena, HmsTable, found.count) : THRIFT_NO_ITEMS};
    for (; list.count < found.count && !arena_exceeded(call->arena); list.count++) {
        HmsTable *t = &list.items[list.count];
        if (!check_capabilities(call, w->capabilities, &found.items[list.count], err)) {
            return false;
        }
        hms_table_put(call->arena, &found.items[list.count], t);
        hms_project(w->projection, t);
    }
    *ret = list;
    return arena_check(call->arena, err);
}

static bool read_matching(HmsCall *call, Wanted *w, Str pattern, HmsTableList *ret, Err *err) {
    static const char *const FEW[] = {"catName", "dbName", "tableName", "tableType", "owner", "ownerType"};
    TableSummaries found;
    Page page = {.limit = -1, .pattern = pattern};
    if (only_of(w->fields, FEW, ARRAY_LEN(FEW))) {
        return list_partly(call, w, pattern, ret, err);
    }
    if (!table_list(&call->ctx, w->catalog, w->database, STR_NULL, &page, &found, err)) {
        return false;
    }
    w->names = names_list(call->arena, found.count);
    for (size_t i = 0; i < found.count; i++) {
        w->names.items[w->names.count++] = found.items[i].name;
    }
    return read_named(call, w, ret, err);
}

static bool read_tables(HmsCall *call, const HmsGetTablesRequest *req, HmsTableList *ret, Err *err) {
    Wanted w = {.names = req->tblNames, .capabilities = req->capabilities};
    w.fields = req->projectionSpec ? req->projectionSpec->fieldList : w.fields;
    if (!known_name(call, req->catName, req->dbName, &w.catalog, &w.database, err) ||
        !hms_projection_read(call, &hms_structs[HMS_STRUCT_TABLE], w.fields, &w.projection, err)) {
        return false;
    }
    if (!req->tblNames.items && str_is_null(req->tablesPattern)) {
        return hms_throw(call, HMS_INVALID_OPERATION, err, "%" STR_FMT " cannot find null tables", STR_ARG(req->dbName));
    }
    bool ok = req->tblNames.items ? read_named(call, &w, ret, err) : read_matching(call, &w, req->tablesPattern, ret, err);
    return ok || (no_such_place(err) && unknown_database(call, w.catalog, w.database, err));
}

static bool get_table_objects_by_name(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGetTableObjectsByNameArgs *a = args;
    HmsGetTablesRequest req = {.dbName = a->dbname, .tblNames = a->tbl_names};
    return read_tables(call, &req, &((HmsGetTableObjectsByNameReply *)reply)->success, err);
}

static bool get_table_objects_by_name_req(HmsCall *call, const void *args, void *reply, Err *err) {
    static const HmsGetTablesRequest none;
    const HmsGetTableObjectsByNameReqArgs *a = args;
    HmsGetTablesResult *result = HMS_NEW(call->arena, HmsGetTablesResult, HMS_STRUCT_GET_TABLES_RESULT);
    ((HmsGetTableObjectsByNameReqReply *)reply)->success = result;
    return read_tables(call, a->req ? a->req : &none, &result->tables, err);
}

/* Of all databases, each read by itself. */
static bool get_all_materialized_view_objects_for_rewriting(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)args;
    HmsTableList *out = &((HmsGetAllMaterializedViewObjectsForRewritingReply *)reply)->success;
    TableMetaQuery query = {.catalog = DEFAULT_CATALOG, .rewritable = true, .limit = -1};
    TableMetas found;
    if (!list_metas(call, &query, &found, err)) {
        return false;
    }
    out->items = found.count ? ARENA_ARRAY(call->arena, HmsTable, found.count) : THRIFT_NO_ITEMS;
    for (size_t i = 0; i < found.count; i++) {
        Table table;
        if (table_get(&call->ctx, (TableRef){query.catalog, found.items[i].database, found.items[i].name}, &table, err)) {
            hms_table_put(call->arena, &table, &out->items[out->count++]);
        } else if (err->code != ERR_TABLE_NOT_FOUND) {
            return false;
        }
    }
    return true;
}

#define UNKNOWN_TABLE \
    { HMS_NO_SUCH_OBJECT, HMS_UNKNOWN_TABLE }

static const HmsRow ROWS[] = {
    {"get_table", get_table, HMS_READ, {{0}}},
    {"get_table_req", get_table_req, HMS_READ, {{0}}},
    {"get_table_objects_by_name", get_table_objects_by_name, HMS_READ, {{0}}},
    {"get_table_objects_by_name_req", get_table_objects_by_name_req, HMS_READ, {{0}}},
    {"get_tables_ext", get_tables_ext, HMS_READ, {{0}}},
    {"get_all_tables", get_all_tables, HMS_READ, {{0}}},
    {"get_tables", get_tables, HMS_READ, {{0}}},
    {"get_tables_by_type", get_tables_by_type, HMS_READ, {{0}}},
    {"get_table_meta", get_table_meta, HMS_READ, {{0}}},
    {"get_table_names_by_filter", get_table_names_by_filter, HMS_READ, {{0}}},
    {"get_materialized_views_for_rewriting", get_materialized_views_for_rewriting, HMS_READ, {{0}}},
    {"get_all_materialized_view_objects_for_rewriting", get_all_materialized_view_objects_for_rewriting, HMS_READ, {{0}}},
    {"get_fields", get_fields, HMS_READ, {UNKNOWN_TABLE}},
    {"get_fields_with_environment_context", get_fields_with_environment_context, HMS_READ, {UNKNOWN_TABLE}},
    {"get_fields_req", get_fields_req, HMS_READ, {UNKNOWN_TABLE}},
    {"get_schema", get_schema, HMS_READ, {UNKNOWN_TABLE}},
    {"get_schema_with_environment_context", get_schema_with_environment_context, HMS_READ, {UNKNOWN_TABLE}},
    {"get_schema_req", get_schema_req, HMS_READ, {UNKNOWN_TABLE}},
};
const HmsGroup hms_group_tables = HMS_GROUP("tables", ROWS);
