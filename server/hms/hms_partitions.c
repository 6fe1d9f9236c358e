/* Reading partitions: one, lists, names, by filters, expressions and specifications. */
#include "catalog/partitions.h"

#include "catalog/filter.h"
#include "catalog/glob.h"
#include "catalog/partname.h"
#include "catalog/tables.h"
#include "config/config.h"
#include "server/hms/convert.h"
#include "server/hms/groups.h"
#include "server/hms/partition_list.h"
#include "server/hms/partition_order.h"
#include "server/hms/partition_specs.h"

static const HmsPartitionShape WHOLE;

static bool given(HmsCall *call, const void *request, Err *err) {
    return request || hms_throw(call, HMS_META, err, "The request cannot be null.");
}

static bool is_no_table(const Err *err) {
    return err->code == ERR_TABLE_NOT_FOUND || err->code == ERR_DATABASE_NOT_FOUND || err->code == ERR_CATALOG_NOT_FOUND;
}

/* "c.d.t": as the catalog knows it. */
static Str full_name(HmsCall *call, TableRef ref) {
    return ARENA_CONCAT(call->arena, name_fold(call->arena, ref.catalog), STR("."), name_fold(call->arena, ref.database), STR("."),
                        name_fold(call->arena, ref.name));
}

/* Hive says the same of a table in a database that is not there. Always false. */
static bool refuse(HmsCall *call, TableRef ref, Err *err) {
    return is_no_table(err) &&
           hms_throw(call, HMS_NO_SUCH_OBJECT, err, "%" STR_FMT " table not found", STR_ARG(full_name(call, ref)));
}

static bool get_table(HmsCall *call, TableRef ref, Table *ret, Err *err) {
    return table_get(&call->ctx, ref, ret, err) || refuse(call, ref, err);
}

static bool list(HmsCall *call, TableRef ref, const PartitionQuery *query, Partitions *ret, Table *ret_table, Err *err) {
    bool more;
    return partition_list(&call->ctx, ref, query, ret, &more, ret_table, err) || refuse(call, ref, err);
}

static bool list_names(HmsCall *call, TableRef ref, const PartitionQuery *query, StrList *ret, Err *err) {
    bool more;
    return partition_names(&call->ctx, ref, query, ret, &more, err) || refuse(call, ref, err);
}

static bool count_all(HmsCall *call, TableRef ref, const PartitionQuery *query, int64_t *ret, Err *err) {
    return partition_count(&call->ctx, ref, query, ret, err) || refuse(call, ref, err);
}

static StrList key_names(Arena *arena, const Table *table) {
    StrList keys = {ARENA_ARRAY(arena, Str, table->partition_keys->count), table->partition_keys->count};
    for (size_t i = 0; i < keys.count; i++) {
        keys.items[i] = table->partition_keys->items[i].name;
    }
    return keys;
}

/* ---- one partition ---------------------------------------------------------------------------------------------- */

enum { LISTED_MOST = 300 }; /* bytes of a list in an error */

/* "a, b": as Java prints a list. AFTER_EACH: Hive writes some of them with a comma behind the last one, too. */
static Str printed(Arena *arena, StrList list, bool after_each) {
    CLEANUP(buf_free) Buf buf = BUF_INIT(64 * 1024);
    for (size_t i = 0; i < list.count && buf.len < LISTED_MOST; i++) {
        buf_add(&buf, i && !after_each ? STR(", ") : STR(""));
        buf_add(&buf, str_slice(list.items[i], 0, LISTED_MOST));
        buf_add(&buf, after_each ? STR(", ") : STR(""));
    }
    return arena_str(arena, buf_str(&buf));
}

static bool throw_mismatch(HmsCall *call, const Table *table, StrList values, Err *err) {
    return hms_throw(call, HMS_META, err, "Invalid partition key & values; keys [%" STR_FMT "], values [%" STR_FMT "]",
                     STR_ARG(printed(call->arena, key_names(call->arena, table), true)),
                     STR_ARG(printed(call->arena, values, true)));
}

/* What partition_get() said, in Hive's words. */
static bool explain(HmsCall *call, TableRef ref, StrList values, Err *err) {
    Table table;
    Err ignored;
    if (is_no_table(err)) {
        return hms_throw(call, HMS_NO_SUCH_OBJECT, err, "Unable to get partition because %" STR_FMT " does not exist",
                         STR_ARG(full_name(call, ref)));
    }
    if (err->code == ERR_PARTITION_NOT_FOUND) {
        return hms_throw(call, HMS_NO_SUCH_OBJECT, err, "partition values=[%" STR_FMT "]",
                         STR_ARG(printed(call->arena, values, false)));
    }
    if (err->code == ERR_INVALID_PARTITION && table_get(&call->ctx, ref, &table, &ignored) &&
        (table.partition_keys->count == 0 || table.partition_keys->count != values.count)) {
        return throw_mismatch(call, &table, values, err);
    }
    return false;
}

static bool one(HmsCall *call, TableRef ref, StrList values, HmsPartition **ret, Err *err) {
    Partition partition;
    Table table;
    HmsShared shared = {0};
    if (!partition_get(&call->ctx, ref, values, &partition, &table, err)) {
        return explain(call, ref, values, err);
    }
    *ret = HMS_NEW(call->arena, HmsPartition, HMS_STRUCT_PARTITION);
    return hms_partition_put(call, &table, &partition, &shared, *ret, err);
}

static bool get_partition_req(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGetPartitionRequest *r = ((const HmsGetPartitionReqArgs *)args)->req;
    HmsGetPartitionResponse *out = HMS_NEW(call->arena, HmsGetPartitionResponse, HMS_STRUCT_GET_PARTITION_RESPONSE);
    TableRef ref;
    ((HmsGetPartitionReqReply *)reply)->success = out;
    return given(call, r, err) && hms_table_ref(call, r->catName, r->dbName, r->tblName, &ref, err) &&
           one(call, ref, r->partVals, &out->partition, err);
}

static bool get_partition(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGetPartitionArgs *a = args;
    TableRef ref;
    return hms_table_ref(call, STR_NULL, a->db_name, a->tbl_name, &ref, err) &&
           one(call, ref, a->part_vals, &((HmsGetPartitionReply *)reply)->success, err);
}

/* No privileges are kept for partitions, so none are told. */
static bool get_partition_with_auth(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGetPartitionWithAuthArgs *a = args;
    TableRef ref;
    return hms_table_ref(call, STR_NULL, a->db_name, a->tbl_name, &ref, err) &&
           one(call, ref, a->part_vals, &((HmsGetPartitionWithAuthReply *)reply)->success, err);
}

static bool get_partition_by_name(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGetPartitionByNameArgs *a = args;
    TableRef ref;
    Table table;
    StrList values;
    if (!hms_table_ref(call, STR_NULL, a->db_name, a->tbl_name, &ref, err) ||
        !hms_given(call, a->part_name, "Partition name", err)) {
        return false;
    }
    if (str_is_empty(a->part_name)) {
        return hms_throw(call, HMS_META, err, "Partition name is invalid. It is empty.");
    }
    return get_table(call, ref, &table, err) &&
           partname_to_key_values(call->arena, a->part_name, key_names(call->arena, &table), &values, err) &&
           one(call, ref, values, &((HmsGetPartitionByNameReply *)reply)->success, err);
}

/* ---- lists ------------------------------------------------------------------------------------------------------ */

typedef struct Found {
    Table table;
    Partitions partitions;
} Found;

static PartitionQuery up_to(int64_t max) { return (PartitionQuery){.limit = max < 0 ? -1 : max}; }

/* hive.partition_limit: as Hive counts, by what is asked for when a number is given, by what is there when not. */
static bool check_limit(HmsCall *call, TableRef ref, const PartitionQuery *query, Err *err) {
    int64_t limit = call->ctx.catalog->config->hive.partition_limit, wanted = query->limit;
    if (limit == 0 || query->with_names) {
        return true;
    }
    if (wanted < 0 && !count_all(call, ref, query, &wanted, err)) {
        return false;
    }
    return wanted <= limit ||
           hms_throw(call, HMS_META, err,
                     "Number of partitions scanned (=%" PRId64 ") on table '%" STR_FMT "' exceeds limit (=%" PRId64
                     "). This is controlled on the metastore server by hive.partition_limit.",
                     wanted, STR_ARG(ref.name), limit);
}

static bool find(HmsCall *call, TableRef ref, const PartitionQuery *query, Found *ret, Err *err) {
    return check_limit(call, ref, query, err) && list(call, ref, query, &ret->partitions, &ret->table, err);
}

static bool stream(HmsCall *call, TableRef ref, const PartitionQuery *query, const HmsPartitionShape *shape,
                   const ThriftStream **ret, Err *err) {
    Found found;
    if (!find(call, ref, query, &found, err)) {
        return false;
    }
    *ret = hms_partition_stream(call, &found.table, found.partitions, shape);
    return true;
}

static bool get_partitions_req(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsPartitionsRequest *r = ((const HmsGetPartitionsReqArgs *)args)->req;
    HmsPartitionsResponse *out = HMS_NEW(call->arena, HmsPartitionsResponse, HMS_STRUCT_PARTITIONS_RESPONSE);
    TableRef ref;
    HmsPartitionShape shape;
    ((HmsGetPartitionsReqReply *)reply)->success = out;
    if (!given(call, r, err) || !hms_table_ref(call, r->catName, r->dbName, r->tblName, &ref, err) ||
        !hms_partition_shape(call, r->skipColumnSchemaForPartition, r->includeParamKeyPattern, r->excludeParamKeyPattern, &shape,
                             err)) {
        return false;
    }
    PartitionQuery query = up_to(r->maxParts);
    return stream(call, ref, &query, &shape, &out->partitions_stream, err);
}

static bool get_partitions(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGetPartitionsArgs *a = args;
    TableRef ref;
    PartitionQuery query = up_to(a->max_parts);
    return hms_table_ref(call, STR_NULL, a->db_name, a->tbl_name, &ref, err) &&
           stream(call, ref, &query, &WHOLE, &((HmsGetPartitionsReply *)reply)->success_stream, err);
}

static bool get_partitions_with_auth(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGetPartitionsWithAuthArgs *a = args;
    TableRef ref;
    PartitionQuery query = up_to(a->max_parts);
    return hms_table_ref(call, STR_NULL, a->db_name, a->tbl_name, &ref, err) &&
           stream(call, ref, &query, &WHOLE, &((HmsGetPartitionsWithAuthReply *)reply)->success_stream, err);
}

/* ---- by names --------------------------------------------------------------------------------------------------- */

/* Without those that no partition can have; a lookup would refuse them all for their sake. */
static StrList possible_names(Arena *arena, StrList names) {
    StrList possible = {ARENA_ARRAY(arena, Str, names.count + 1), 0};
    for (size_t i = 0; i < names.count; i++) {
        if (utf8_valid(names.items[i]) && !str_has_char(names.items[i], 0)) {
            possible.items[possible.count++] = names.items[i];
        }
    }
    return possible;
}

static bool by_names(HmsCall *call, TableRef ref, StrList names, const HmsPartitionShape *shape, const ThriftStream **ret,
                     Err *err) {
    PartitionQuery query = {.names = possible_names(call->arena, names), .with_names = true, .limit = -1};
    return stream(call, ref, &query, shape, ret, err);
}

static bool names_given(HmsCall *call, StrList names, Err *err) {
    return names.items || hms_throw(call, HMS_META, err, "Partition names cannot be null.");
}

static bool get_partitions_by_names_req(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGetPartitionsByNamesRequest *r = ((const HmsGetPartitionsByNamesReqArgs *)args)->req;
    HmsGetPartitionsByNamesResult *out = HMS_NEW(call->arena, HmsGetPartitionsByNamesResult,
                                                 HMS_STRUCT_GET_PARTITIONS_BY_NAMES_RESULT);
    TableRef ref;
    HmsPartitionShape shape;
    ((HmsGetPartitionsByNamesReqReply *)reply)->success = out;
    return given(call, r, err) && hms_table_ref(call, STR_NULL, r->db_name, r->tbl_name, &ref, err) &&
           names_given(call, r->names, err) &&
           hms_partition_shape(call, r->skipColumnSchemaForPartition, r->includeParamKeyPattern, r->excludeParamKeyPattern, &shape,
                               err) &&
           by_names(call, ref, r->names, &shape, &out->partitions_stream, err);
}

static bool get_partitions_by_names(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGetPartitionsByNamesArgs *a = args;
    TableRef ref;
    return hms_table_ref(call, STR_NULL, a->db_name, a->tbl_name, &ref, err) && names_given(call, a->names, err) &&
           by_names(call, ref, a->names, &WHOLE, &((HmsGetPartitionsByNamesReply *)reply)->success_stream, err);
}

/* ---- by part of their values ------------------------------------------------------------------------------------ */

static bool values_given(HmsCall *call, StrList values, Err *err) {
    return values.items || hms_throw(call, HMS_META, err, "Partition values cannot be null.");
}

static bool get_partitions_ps_with_auth_req(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGetPartitionsPsWithAuthRequest *r = ((const HmsGetPartitionsPsWithAuthReqArgs *)args)->req;
    HmsGetPartitionsPsWithAuthResponse *out = HMS_NEW(call->arena, HmsGetPartitionsPsWithAuthResponse,
                                                      HMS_STRUCT_GET_PARTITIONS_PS_WITH_AUTH_RESPONSE);
    TableRef ref;
    HmsPartitionShape shape;
    ((HmsGetPartitionsPsWithAuthReqReply *)reply)->success = out;
    if (!given(call, r, err) || !hms_table_ref(call, r->catName, r->dbName, r->tblName, &ref, err) ||
        !hms_partition_shape(call, r->skipColumnSchemaForPartition, r->includeParamKeyPattern, r->excludeParamKeyPattern, &shape,
                             err)) {
        return false;
    }
    PartitionQuery query = up_to(r->maxParts);
    query.prefix = r->partVals;
    query.names = possible_names(call->arena, r->partNames);
    query.with_names = r->partNames.items != NULL;
    return stream(call, ref, &query, &shape, &out->partitions_stream, err);
}

static bool matching(HmsCall *call, Str database, Str table, StrList values, int16_t max, const ThriftStream **ret, Err *err) {
    TableRef ref;
    PartitionQuery query = up_to(max);
    query.prefix = values;
    return hms_table_ref(call, STR_NULL, database, table, &ref, err) && values_given(call, values, err) &&
           stream(call, ref, &query, &WHOLE, ret, err);
}

static bool get_partitions_ps(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGetPartitionsPsArgs *a = args;
    return matching(call, a->db_name, a->tbl_name, a->part_vals, a->max_parts, &((HmsGetPartitionsPsReply *)reply)->success_stream,
                    err);
}

static bool get_partitions_ps_with_auth(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGetPartitionsPsWithAuthArgs *a = args;
    return matching(call, a->db_name, a->tbl_name, a->part_vals, a->max_parts,
                    &((HmsGetPartitionsPsWithAuthReply *)reply)->success_stream, err);
}

/* Unlike the lists of partitions, a list of names wants at least one value. */
static bool names_matching(HmsCall *call, TableRef ref, StrList values, int16_t max, StrList *ret, Err *err) {
    PartitionQuery query = up_to(max);
    Table table;
    query.prefix = values;
    if (values.count == 0) {
        return get_table(call, ref, &table, err) && throw_mismatch(call, &table, values, err);
    }
    if (!list_names(call, ref, &query, ret, err)) {
        return false;
    }
    *ret = hms_strs(*ret);
    return true;
}

static bool get_partition_names_ps_req(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGetPartitionNamesPsRequest *r = ((const HmsGetPartitionNamesPsReqArgs *)args)->req;
    HmsGetPartitionNamesPsResponse *out = HMS_NEW(call->arena, HmsGetPartitionNamesPsResponse,
                                                  HMS_STRUCT_GET_PARTITION_NAMES_PS_RESPONSE);
    TableRef ref;
    ((HmsGetPartitionNamesPsReqReply *)reply)->success = out;
    return given(call, r, err) && hms_table_ref(call, r->catName, r->dbName, r->tblName, &ref, err) &&
           names_matching(call, ref, r->partValues, r->maxParts, &out->names, err);
}

static bool get_partition_names_ps(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGetPartitionNamesPsArgs *a = args;
    TableRef ref;
    return hms_table_ref(call, STR_NULL, a->db_name, a->tbl_name, &ref, err) &&
           names_matching(call, ref, a->part_vals, a->max_parts, &((HmsGetPartitionNamesPsReply *)reply)->success, err);
}

/* ---- names ------------------------------------------------------------------------------------------------------ */

/* A table that is not there has none. */
static bool all_names(HmsCall *call, TableRef ref, int64_t max, StrList *ret, Err *err) {
    PartitionQuery query = up_to(max);
    bool more;
    StrList names = {0};
    if (!partition_names(&call->ctx, ref, &query, &names, &more, err) && !is_no_table(err)) {
        return false;
    }
    *ret = hms_strs(names);
    return true;
}

static bool fetch_partition_names_req(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsPartitionsRequest *r = ((const HmsFetchPartitionNamesReqArgs *)args)->partitionReq;
    TableRef ref;
    return given(call, r, err) && hms_table_ref(call, r->catName, r->dbName, r->tblName, &ref, err) &&
           all_names(call, ref, r->maxParts, &((HmsFetchPartitionNamesReqReply *)reply)->success, err);
}

static bool get_partition_names(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGetPartitionNamesArgs *a = args;
    TableRef ref;
    return hms_table_ref(call, STR_NULL, a->db_name, a->tbl_name, &ref, err) &&
           all_names(call, ref, a->max_parts, &((HmsGetPartitionNamesReply *)reply)->success, err);
}

/* ---- by a filter ------------------------------------------------------------------------------------------------ */

static bool by_filter(HmsCall *call, TableRef ref, Str filter, int16_t max, const HmsPartitionShape *shape,
                      const ThriftStream **ret, Err *err) {
    PartitionQuery query = up_to(max);
    query.filter = filter;
    return stream(call, ref, &query, shape, ret, err);
}

static bool get_partitions_by_filter_req(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGetPartitionsByFilterRequest *r = ((const HmsGetPartitionsByFilterReqArgs *)args)->req;
    TableRef ref;
    HmsPartitionShape shape;
    return given(call, r, err) && hms_table_ref(call, r->catName, r->dbName, r->tblName, &ref, err) &&
           hms_partition_shape(call, r->skipColumnSchemaForPartition, r->includeParamKeyPattern, r->excludeParamKeyPattern, &shape,
                               err) &&
           by_filter(call, ref, r->filter, r->maxParts, &shape, &((HmsGetPartitionsByFilterReqReply *)reply)->success_stream, err);
}

static bool get_partitions_by_filter(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGetPartitionsByFilterArgs *a = args;
    TableRef ref;
    return hms_table_ref(call, STR_NULL, a->db_name, a->tbl_name, &ref, err) &&
           by_filter(call, ref, a->filter, a->max_parts, &WHOLE, &((HmsGetPartitionsByFilterReply *)reply)->success_stream, err);
}

static bool get_num_partitions_by_filter(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGetNumPartitionsByFilterArgs *a = args;
    HmsGetNumPartitionsByFilterReply *out = reply;
    PartitionQuery query = {.filter = a->filter, .limit = -1};
    TableRef ref;
    int64_t count;
    if (!hms_table_ref(call, STR_NULL, a->db_name, a->tbl_name, &ref, err) || !count_all(call, ref, &query, &count, err)) {
        return false;
    }
    THRIFT_SET(out, success, (int32_t)MIN(count, (int64_t)INT32_MAX));
    return true;
}

/* ---- partition specs -------------------------------------------------------------------------------------------- */

/* The old calls group only where the table says so. */
static bool old_specs(HmsCall *call, TableRef ref, const PartitionQuery *query, HmsPartitionSpecList *ret, Err *err) {
    Found found;
    if (!find(call, ref, query, &found, err)) {
        return false;
    }
    HmsSpecsHow how = {
        .grouped = params_is_true(&found.table.params, STR("hive.hcatalog.partition.spec.grouping.enabled")),
    };
    return hms_partition_specs(call, &found.table, found.partitions, &how, ret, err);
}

static bool get_partitions_pspec(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGetPartitionsPspecArgs *a = args;
    PartitionQuery query = up_to(a->max_parts);
    TableRef ref;
    return hms_table_ref(call, STR_NULL, a->db_name, a->tbl_name, &ref, err) &&
           old_specs(call, ref, &query, &((HmsGetPartitionsPspecReply *)reply)->success, err);
}

static bool get_part_specs_by_filter(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGetPartSpecsByFilterArgs *a = args;
    PartitionQuery query = up_to(a->max_parts);
    TableRef ref;
    query.filter = a->filter;
    return hms_table_ref(call, STR_NULL, a->db_name, a->tbl_name, &ref, err) &&
           old_specs(call, ref, &query, &((HmsGetPartSpecsByFilterReply *)reply)->success, err);
}

/* The filters are conditions that all hold. */
static Str joined(Arena *arena, StrList filters) {
    CLEANUP(buf_free) Buf buf = BUF_INIT(2 * FILTER_MAX_BYTES);
    for (size_t i = 0; i < filters.count; i++) {
        if (!str_is_empty(str_trim(filters.items[i]))) {
            buf_add(&buf, buf.len ? STR(" and (") : STR("("));
            buf_add(&buf, filters.items[i]);
            buf_add(&buf, STR(")"));
        }
    }
    return arena_str(arena, buf_str(&buf));
}

static bool read_filter_spec(HmsCall *call, const HmsGetPartitionsFilterSpec *spec, PartitionQuery *query, Err *err) {
    if (!spec || spec->filters.count == 0) {
        return true;
    }
    switch (spec->has_filterMode ? spec->filterMode : -1) {
        case HMS_PARTITION_FILTER_MODE_BY_NAMES:
            query->names = possible_names(call->arena, spec->filters);
            query->with_names = true;
            return true;
        case HMS_PARTITION_FILTER_MODE_BY_VALUES: query->prefix = spec->filters; return true;
        case HMS_PARTITION_FILTER_MODE_BY_EXPR: query->filter = joined(call->arena, spec->filters); return true;
        default: return hms_throw(call, HMS_META, err, "No such partition filter mode: %d", spec->filterMode);
    }
}

static bool read_projection(HmsCall *call, const HmsGetProjectionsSpec *spec, HmsSpecsHow *how, Err *err) {
    return !spec ||
           (hms_projection_read(call, &hms_structs[HMS_STRUCT_PARTITION], spec->fieldList, &how->projection, err) &&
            hms_partition_shape(call, false, spec->includeParamKeyPattern, spec->excludeParamKeyPattern, &how->shape, err));
}

static bool get_partitions_with_specs(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGetPartitionsRequest *r = ((const HmsGetPartitionsWithSpecsArgs *)args)->request;
    HmsGetPartitionsResponse *out = HMS_NEW(call->arena, HmsGetPartitionsResponse, HMS_STRUCT_GET_PARTITIONS_RESPONSE);
    TableRef ref;
    PartitionQuery query = {.limit = -1};
    HmsSpecsHow how = {.grouped = true};
    Found found;
    ((HmsGetPartitionsWithSpecsReply *)reply)->success = out;
    return given(call, r, err) && hms_table_ref(call, r->catName, r->dbName, r->tblName, &ref, err) &&
           read_filter_spec(call, r->filterSpec, &query, err) && read_projection(call, r->projectionSpec, &how, err) &&
           find(call, ref, &query, &found, err) &&
           hms_partition_specs(call, &found.table, found.partitions, &how, &out->partitionSpec, err);
}

/* ---- by an expression ------------------------------------------------------------------------------------------- */

/* What Hive sends is an object of its own, serialised by Java (Kryo), which has bytes that no text has. Others, and Hive's own
 * repair of tables, send the text of a filter, or one byte 0xFF for none. */
static bool expression_text(Str expr, Str *ret) {
    if (expr.len == 1 && (unsigned char)expr.ptr[0] == 0xFF) {
        *ret = STR_NULL;
        return true;
    }
    for (size_t i = 0; i < expr.len; i++) {
        unsigned char c = (unsigned char)expr.ptr[i];
        if (c == 0x7F || (c < 0x20 && !strchr("\t\r\n", c)) || c == 0) {
            return false;
        }
    }
    *ret = expr;
    return utf8_valid(expr);
}

typedef struct ByExpr {
    TableRef ref;
    PartitionQuery query;
    Str order;
    bool unknown; /* the expression says nothing to us */
    HmsPartitionShape shape;
} ByExpr;

static bool read_by_expr(HmsCall *call, const HmsPartitionsByExprRequest *r, ByExpr *ret, Err *err) {
    if (!given(call, r, err) || !hms_table_ref(call, r->catName, r->dbName, r->tblName, &ret->ref, err) ||
        !hms_given(call, r->expr, "Expression", err)) {
        return false;
    }
    Str filter;
    ret->unknown = !expression_text(r->expr, &filter);
    /* The client picks from what it gets: none of those it wants may be cut off. */
    ret->query = up_to(ret->unknown ? -1 : r->maxParts);
    ret->query.filter = ret->unknown ? STR_NULL : filter;
    ret->order = r->order;
    return hms_partition_shape(call, r->skipColumnSchemaForPartition, r->includeParamKeyPattern, r->excludeParamKeyPattern,
                               &ret->shape, err);
}

static size_t cut(size_t count, int64_t limit) { return limit < 0 ? count : MIN(count, (size_t)limit); }

/* In an order that is not theirs by nature all are read before some are taken. */
static bool find_by_expr(HmsCall *call, const ByExpr *by, Found *ret, Err *err) {
    HmsPartitionOrder order;
    PartitionQuery query = by->query;
    size_t *numbers;
    if (str_is_empty(by->order)) {
        return find(call, by->ref, &query, ret, err);
    }
    query.limit = -1;
    if (!check_limit(call, by->ref, &by->query, err) || !list(call, by->ref, &query, &ret->partitions, &ret->table, err) ||
        !hms_partition_order_read(call, &ret->table, by->order, &order, err)) {
        return false;
    }
    size_t count = ret->partitions.count;
    StrList *values = ARENA_ARRAY(call->arena, StrList, count);
    Partition *sorted = ARENA_ARRAY(call->arena, Partition, count);
    for (size_t i = 0; i < count; i++) {
        values[i] = ret->partitions.items[i].values;
    }
    if (!hms_partition_order(call, &ret->table, &order, values, count, &numbers, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        sorted[i] = ret->partitions.items[numbers[i]];
    }
    ret->partitions = (Partitions){sorted, cut(count, by->query.limit)};
    return true;
}

static bool get_partitions_by_expr(HmsCall *call, const void *args, void *reply, Err *err) {
    HmsPartitionsByExprResult *out = HMS_NEW(call->arena, HmsPartitionsByExprResult, HMS_STRUCT_PARTITIONS_BY_EXPR_RESULT);
    ByExpr by;
    Found found;
    ((HmsGetPartitionsByExprReply *)reply)->success = out;
    if (!read_by_expr(call, ((const HmsGetPartitionsByExprArgs *)args)->req, &by, err) || !find_by_expr(call, &by, &found, err)) {
        return false;
    }
    out->hasUnknownPartitions = by.unknown;
    out->partitions_stream = hms_partition_stream(call, &found.table, found.partitions, &by.shape);
    return true;
}

static bool get_partitions_spec_by_expr(HmsCall *call, const void *args, void *reply, Err *err) {
    HmsPartitionsSpecByExprResult *out = HMS_NEW(call->arena, HmsPartitionsSpecByExprResult,
                                                 HMS_STRUCT_PARTITIONS_SPEC_BY_EXPR_RESULT);
    ByExpr by;
    Found found;
    ((HmsGetPartitionsSpecByExprReply *)reply)->success = out;
    if (!read_by_expr(call, ((const HmsGetPartitionsSpecByExprArgs *)args)->req, &by, err) ||
        !find_by_expr(call, &by, &found, err)) {
        return false;
    }
    HmsSpecsHow how = {.grouped = true, .shape = by.shape};
    out->hasUnknownPartitions = by.unknown;
    return hms_partition_specs(call, &found.table, found.partitions, &how, &out->partitionsSpec, err);
}

/* ---- names and values in an order ------------------------------------------------------------------------------- */

/* The values that stand in the names; a list a name. */
static bool values_of_names(HmsCall *call, const Table *table, StrList names, StrList **ret, Err *err) {
    StrList keys = key_names(call->arena, table);
    StrList *values = ARENA_ARRAY(call->arena, StrList, names.count);
    for (size_t i = 0; i < names.count; i++) {
        if (!partname_to_key_values(call->arena, names.items[i], keys, &values[i], err) || !arena_check(call->arena, err)) {
            return false;
        }
    }
    *ret = values;
    return true;
}

static bool sort_names(HmsCall *call, TableRef ref, Str order_text, StrList *names, Err *err) {
    Table table;
    HmsPartitionOrder order;
    StrList *values;
    size_t *numbers;
    if (!get_table(call, ref, &table, err) || !hms_partition_order_read(call, &table, order_text, &order, err) ||
        !values_of_names(call, &table, *names, &values, err) ||
        !hms_partition_order(call, &table, &order, values, names->count, &numbers, err)) {
        return false;
    }
    StrList sorted = {ARENA_ARRAY(call->arena, Str, names->count), names->count};
    for (size_t i = 0; i < names->count; i++) {
        sorted.items[i] = names->items[numbers[i]];
    }
    *names = sorted;
    return true;
}

static bool get_partition_names_req(HmsCall *call, const void *args, void *reply, Err *err) {
    StrList *out = &((HmsGetPartitionNamesReqReply *)reply)->success;
    ByExpr by;
    if (!read_by_expr(call, ((const HmsGetPartitionNamesReqArgs *)args)->req, &by, err)) {
        return false;
    }
    if (by.unknown) { /* names alone do not say that there are too many of them */
        return hms_throw(call, HMS_META, err,
                         "This server cannot read the expression, which Hive serialised. Send the text of a filter as UTF-8.");
    }
    PartitionQuery query = by.query;
    query.limit = str_is_empty(by.order) ? query.limit : -1;
    if (!list_names(call, by.ref, &query, out, err) || (by.order.len && !sort_names(call, by.ref, by.order, out, err))) {
        return false;
    }
    out->count = cut(out->count, by.query.limit);
    *out = hms_strs(*out);
    return true;
}

/* The number of a key; MetaException when it is none. */
static bool key_number(HmsCall *call, const Table *table, Str name, size_t *ret, Err *err) {
    for (size_t i = 0; i < table->partition_keys->count; i++) {
        if (name_same(table->partition_keys->items[i].name, name)) {
            *ret = i;
            return true;
        }
    }
    return hms_throw(call, HMS_META, err, "%" STR_FMT " is not a partitioning key for the table.", STR_ARG(name));
}

typedef struct Numbers {
    size_t *items;
    size_t count;
} Numbers;

/* The keys of a list; all of them when it is empty. */
static bool key_numbers(HmsCall *call, const Table *table, HmsFieldSchemaList fields, Numbers *ret, Err *err) {
    size_t keys = table->partition_keys->count;
    if (fields.count > keys) {
        return hms_throw(call, HMS_META, err, "The table has %zu partition keys, but %zu are asked for.", keys, fields.count);
    }
    Numbers numbers = {ARENA_ARRAY(call->arena, size_t, keys), fields.count ? fields.count : keys};
    for (size_t i = 0; i < numbers.count; i++) {
        numbers.items[i] = i;
        if (fields.count && !key_number(call, table, fields.items[i].name, &numbers.items[i], err)) {
            return false;
        }
    }
    *ret = numbers;
    return true;
}

static bool read_values_order(HmsCall *call, const HmsPartitionValuesRequest *r, const Table *table, HmsPartitionOrder *ret,
                              Err *err) {
    Numbers numbers = {0};
    if ((r->partitionOrder.count || !r->ascending) && !key_numbers(call, table, r->partitionOrder, &numbers, err)) {
        return false;
    }
    *ret = (HmsPartitionOrder){ARENA_ARRAY(call->arena, HmsOrderBy, numbers.count), numbers.count};
    for (size_t i = 0; i < numbers.count; i++) {
        ret->items[i] = (HmsOrderBy){numbers.items[i], !r->ascending};
    }
    return true;
}

static Str row_key(Arena *arena, StrList row) {
    Str key = STR("");
    for (size_t i = 0; i < row.count; i++) {
        key = ARENA_CONCAT(arena, key, row.items[i], STR("\0"));
    }
    return key;
}

static bool put_rows(HmsCall *call, const HmsPartitionValuesRequest *r, const Table *table, StrList names,
                     HmsPartitionValuesRowList *ret, Err *err) {
    Arena *arena = call->arena;
    HmsPartitionOrder order;
    StrList *values;
    size_t *sorted;
    Numbers shown;
    if (!key_numbers(call, table, r->partitionKeys, &shown, err) || !read_values_order(call, r, table, &order, err) ||
        !values_of_names(call, table, names, &values, err) ||
        !hms_partition_order(call, table, &order, values, names.count, &sorted, err)) {
        return false;
    }
    HmsPartitionValuesRowList rows = {ARENA_ARRAY(arena, HmsPartitionValuesRow, names.count + 1), 0};
    StrMap *seen = strmap_new(arena, r->applyDistinct ? names.count : 1);
    for (size_t i = 0; i < names.count && (r->maxParts < 0 || rows.count < (uint64_t)r->maxParts); i++) {
        StrList row = {ARENA_ARRAY(arena, Str, shown.count), shown.count};
        for (size_t k = 0; k < shown.count; k++) {
            row.items[k] = values[sorted[i]].items[shown.items[k]];
        }
        if (!arena_check(arena, err)) {
            return false;
        }
        if (!r->applyDistinct || !strmap_put(seen, row_key(arena, row), row.items)) {
            rows.items[rows.count++].row = row;
        }
    }
    *ret = rows;
    return true;
}

static bool get_partition_values(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsPartitionValuesRequest *r = ((const HmsGetPartitionValuesArgs *)args)->request;
    HmsPartitionValuesResponse *out = HMS_NEW(call->arena, HmsPartitionValuesResponse, HMS_STRUCT_PARTITION_VALUES_RESPONSE);
    TableRef ref;
    Table table;
    StrList names;
    ((HmsGetPartitionValuesReply *)reply)->success = out;
    if (!given(call, r, err) || !hms_table_ref(call, r->catName, r->dbName, r->tblName, &ref, err)) {
        return false;
    }
    PartitionQuery query = {.filter = r->filter, .limit = -1};
    return get_table(call, ref, &table, err) && list_names(call, ref, &query, &names, err) &&
           put_rows(call, r, &table, names, &out->partitionValues, err);
}

/* ---- names of partitions as such -------------------------------------------------------------------------------- */

static bool partition_name_to_vals(HmsCall *call, const void *args, void *reply, Err *err) {
    Str name = ((const HmsPartitionNameToValsArgs *)args)->part_name;
    StrList *out = &((HmsPartitionNameToValsReply *)reply)->success;
    return hms_given(call, name, "Partition name", err) && partname_to_values(call->arena, name, out, err);
}

static bool partition_name_to_spec(HmsCall *call, const void *args, void *reply, Err *err) {
    Str name = ((const HmsPartitionNameToSpecArgs *)args)->part_name;
    Params *out = &((HmsPartitionNameToSpecReply *)reply)->success;
    Param *parts;
    size_t count;
    if (!hms_given(call, name, "Partition name", err) || !partname_to_spec(call->arena, name, &parts, &count, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        params_append(out, call->arena, parts[i].key, parts[i].value);
    }
    params_sort(out);
    *out = hms_params(*out);
    return true;
}

static bool partition_name_has_valid_characters(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsPartitionNameHasValidCharactersArgs *a = args;
    Str pattern = hms_meta_conf(call, "partition.name.whitelist.pattern");
    const Regex *regex = NULL;
    bool valid = true;
    if (!values_given(call, a->part_vals, err) || (pattern.len && !regex_parse(call->arena, pattern, &regex, err))) {
        return false;
    }
    for (size_t i = 0; regex && i < a->part_vals.count && valid; i++) {
        valid = regex_match(call->arena, regex, a->part_vals.items[i]);
        if (!valid && a->throw_exception) {
            return hms_throw(call, HMS_META, err,
                             "Partition value '%" STR_FMT "' contains a character not matched by whitelist pattern '%" STR_FMT
                             "'.  (configure with metastore.partition.name.whitelist.pattern)",
                             STR_ARG(a->part_vals.items[i]), STR_ARG(pattern));
        }
    }
    THRIFT_SET((HmsPartitionNameHasValidCharactersReply *)reply, success, valid);
    return true;
}

static const HmsRow ROWS[] = {
    {"get_partition", get_partition, HMS_READ, {{0}}},
    {"get_partition_req", get_partition_req, HMS_READ, {{0}}},
    {"get_partition_with_auth", get_partition_with_auth, HMS_READ, {{0}}},
    {"get_partition_by_name", get_partition_by_name, HMS_READ, {{0}}},
    {"get_partitions", get_partitions, HMS_READ | HMS_BULK, {{0}}},
    {"get_partitions_req", get_partitions_req, HMS_READ | HMS_BULK, {{0}}},
    {"get_partitions_with_auth", get_partitions_with_auth, HMS_READ | HMS_BULK, {{0}}},
    {"get_partitions_by_names", get_partitions_by_names, HMS_READ, {{0}}},
    {"get_partitions_by_names_req", get_partitions_by_names_req, HMS_READ, {{0}}},
    {"get_partitions_ps", get_partitions_ps, HMS_READ | HMS_BULK, {{0}}},
    {"get_partitions_ps_with_auth", get_partitions_ps_with_auth, HMS_READ | HMS_BULK, {{0}}},
    {"get_partitions_ps_with_auth_req", get_partitions_ps_with_auth_req, HMS_READ | HMS_BULK, {{0}}},
    {"get_partition_names", get_partition_names, HMS_READ, {{0}}},
    {"fetch_partition_names_req", fetch_partition_names_req, HMS_READ, {{0}}},
    {"get_partition_names_ps", get_partition_names_ps, HMS_READ, {{0}}},
    {"get_partition_names_ps_req", get_partition_names_ps_req, HMS_READ, {{0}}},
    {"get_partition_names_req", get_partition_names_req, HMS_READ | HMS_BULK, {{0}}},
    {"get_partition_values", get_partition_values, HMS_READ | HMS_BULK, {{0}}},
    {"get_partitions_by_filter", get_partitions_by_filter, HMS_READ, {{0}}},
    {"get_partitions_by_filter_req", get_partitions_by_filter_req, HMS_READ, {{0}}},
    {"get_num_partitions_by_filter", get_num_partitions_by_filter, HMS_READ, {{0}}},
    {"get_partitions_pspec", get_partitions_pspec, HMS_READ | HMS_BULK, {{0}}},
    {"get_part_specs_by_filter", get_part_specs_by_filter, HMS_READ | HMS_BULK, {{0}}},
    {"get_partitions_with_specs", get_partitions_with_specs, HMS_READ | HMS_BULK, {{0}}},
    {"get_partitions_by_expr", get_partitions_by_expr, HMS_READ | HMS_BULK, {{0}}},
    {"get_partitions_spec_by_expr", get_partitions_spec_by_expr, HMS_READ | HMS_BULK, {{0}}},
    {"partition_name_to_vals", partition_name_to_vals, HMS_READ, {{0}}},
    {"partition_name_to_spec", partition_name_to_spec, HMS_READ, {{0}}},
    {"partition_name_has_valid_characters", partition_name_has_valid_characters, HMS_READ, {{0}}},
};
const HmsGroup hms_group_partitions = HMS_GROUP("partitions", ROWS);
