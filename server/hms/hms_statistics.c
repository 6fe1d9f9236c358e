/* Column statistics of tables and partitions: read, write, add up, delete. */
#include "catalog/partitions.h"
#include "catalog/partname.h"
#include "catalog/statistics.h"
#include "catalog/tables.h"
#include "server/hms/convert.h"
#include "server/hms/groups.h"

/* ---- for answers ------------------------------------------------------------------------------------------------ */

static HmsDecimal *decimal(Arena *arena, const StatValue *v) {
    HmsDecimal *out = v->given ? HMS_NEW(arena, HmsDecimal, HMS_STRUCT_DECIMAL) : NULL;
    if (out) {
        *out = (HmsDecimal){.unscaled = v->unscaled.ptr ? v->unscaled : STR(""),
                            .scale = (int16_t)MIN(MAX(v->scale, INT16_MIN), INT16_MAX)};
    }
    return out;
}

static HmsDate *date(Arena *arena, const StatValue *v) {
    HmsDate *out = v->given ? HMS_NEW(arena, HmsDate, HMS_STRUCT_DATE) : NULL;
    if (out) {
        out->daysSinceEpoch = v->integer;
    }
    return out;
}

static HmsTimestamp *timestamp(Arena *arena, const StatValue *v) {
    HmsTimestamp *out = v->given ? HMS_NEW(arena, HmsTimestamp, HMS_STRUCT_TIMESTAMP) : NULL;
    if (out) {
        out->secondsSinceEpoch = v->integer;
    }
    return out;
}

/* A new struct of one member of the union. */
#define DATA_NEW(arena, Type, STRUCT, ...) \
    ({ \
        Type *data_ = HMS_NEW((arena), Type, STRUCT); \
        *data_ = (Type){__VA_ARGS__}; \
        data_; \
    })
/* What all kinds with bounds have. */
#define DATA_COMMON(s) .numNulls = (s)->nulls, .numDVs = (s)->distinct, .bitVectors = (s)->bit_vector, .histogram = (s)->histogram

static void put_data(Arena *arena, const ColumnStatistic *s, HmsColumnStatisticsData *out) {
    switch (s->kind) {
        case STAT_BOOLEAN:
            out->booleanStats = DATA_NEW(arena, HmsBooleanColumnStatsData, HMS_STRUCT_BOOLEAN_COLUMN_STATS_DATA,
                                         .numTrues = s->trues, .numFalses = s->falses, .numNulls = s->nulls,
                                         .bitVectors = s->bit_vector);
            break;
        case STAT_LONG:
            out->longStats = DATA_NEW(arena, HmsLongColumnStatsData, HMS_STRUCT_LONG_COLUMN_STATS_DATA, DATA_COMMON(s),
                                      .lowValue = s->low.integer, .has_lowValue = s->low.given, .highValue = s->high.integer,
                                      .has_highValue = s->high.given);
            break;
        case STAT_DOUBLE:
            out->doubleStats = DATA_NEW(arena, HmsDoubleColumnStatsData, HMS_STRUCT_DOUBLE_COLUMN_STATS_DATA, DATA_COMMON(s),
                                        .lowValue = s->low.real, .has_lowValue = s->low.given, .highValue = s->high.real,
                                        .has_highValue = s->high.given);
            break;
        case STAT_STRING:
            out->stringStats = DATA_NEW(arena, HmsStringColumnStatsData, HMS_STRUCT_STRING_COLUMN_STATS_DATA,
                                        .maxColLen = s->max_length, .avgColLen = s->average_length, .numNulls = s->nulls,
                                        .numDVs = s->distinct, .bitVectors = s->bit_vector);
            break;
        case STAT_BINARY:
            out->binaryStats = DATA_NEW(arena, HmsBinaryColumnStatsData, HMS_STRUCT_BINARY_COLUMN_STATS_DATA,
                                        .maxColLen = s->max_length, .avgColLen = s->average_length, .numNulls = s->nulls,
                                        .bitVectors = s->bit_vector);
            break;
        case STAT_DECIMAL:
            out->decimalStats = DATA_NEW(arena, HmsDecimalColumnStatsData, HMS_STRUCT_DECIMAL_COLUMN_STATS_DATA, DATA_COMMON(s),
                                         .lowValue = decimal(arena, &s->low), .highValue = decimal(arena, &s->high));
            break;
        case STAT_DATE:
            out->dateStats = DATA_NEW(arena, HmsDateColumnStatsData, HMS_STRUCT_DATE_COLUMN_STATS_DATA, DATA_COMMON(s),
                                      .lowValue = date(arena, &s->low), .highValue = date(arena, &s->high));
            break;
        case STAT_TIMESTAMP:
            out->timestampStats = DATA_NEW(arena, HmsTimestampColumnStatsData, HMS_STRUCT_TIMESTAMP_COLUMN_STATS_DATA,
                                           DATA_COMMON(s), .lowValue = timestamp(arena, &s->low),
                                           .highValue = timestamp(arena, &s->high));
            break;
    }
}

/* A type must be there. Who wrote the statistics may not have given any (other doors need none). */
static Str type_of(const ColumnStatistic *s) {
    static const char *const TYPES[] = {
        [STAT_BOOLEAN] = "boolean", [STAT_LONG] = "bigint",     [STAT_DOUBLE] = "double", [STAT_STRING] = "string",
        [STAT_BINARY] = "binary",   [STAT_DECIMAL] = "decimal", [STAT_DATE] = "date",     [STAT_TIMESTAMP] = "timestamp",
    };
    return str_is_null(s->type) ? str_from(TYPES[s->kind]) : s->type;
}

static HmsColumnStatisticsObjList objects(Arena *arena, const ColumnStatistic *items, size_t count) {
    if (count == 0) {
        return (HmsColumnStatisticsObjList){.items = THRIFT_NO_ITEMS};
    }
    HmsColumnStatisticsObjList list = {ARENA_ARRAY(arena, HmsColumnStatisticsObj, count), count};
    HmsColumnStatisticsData *data = ARENA_ARRAY(arena, HmsColumnStatisticsData, count);
    for (size_t i = 0; i < count && !arena_exceeded(arena); i++) {
        list.items[i] = (HmsColumnStatisticsObj){items[i].column, type_of(&items[i]), &data[i]};
        put_data(arena, &items[i], &data[i]);
    }
    return list;
}

/* ---- of requests ------------------------------------------------------------------------------------------------ */

static StatValue integer_value(bool given, int64_t value) { return (StatValue){.given = given, .integer = value}; }
static StatValue real_value(bool given, double value) { return (StatValue){.given = given, .real = value}; }
static StatValue decimal_value(const HmsDecimal *d) {
    return d ? (StatValue){.given = true, .unscaled = d->unscaled, .scale = d->scale} : (StatValue){0};
}
static StatValue date_value(const HmsDate *d) { return integer_value(d, d ? d->daysSinceEpoch : 0); }
static StatValue timestamp_value(const HmsTimestamp *t) { return integer_value(t, t ? t->secondsSinceEpoch : 0); }

#define READ_COMMON(s, of_kind, data, of_low, of_high) \
    do { \
        (s)->kind = (of_kind); \
        (s)->nulls = (data)->numNulls; \
        (s)->distinct = (data)->numDVs; \
        (s)->bit_vector = (data)->bitVectors; \
        (s)->histogram = (data)->histogram; \
        (s)->low = (of_low); \
        (s)->high = (of_high); \
    } while (0)

static void read_lengths(const HmsColumnStatisticsData *d, ColumnStatistic *s) {
    if (d->stringStats) {
        const HmsStringColumnStatsData *x = d->stringStats;
        s->kind = STAT_STRING;
        s->max_length = x->maxColLen;
        s->average_length = x->avgColLen;
        s->nulls = x->numNulls;
        s->distinct = x->numDVs;
        s->bit_vector = x->bitVectors;
    } else if (d->binaryStats) {
        const HmsBinaryColumnStatsData *x = d->binaryStats;
        s->kind = STAT_BINARY;
        s->max_length = x->maxColLen;
        s->average_length = x->avgColLen;
        s->nulls = x->numNulls;
        s->bit_vector = x->bitVectors;
    }
}

/* Leaves kind 0 when no member of the union is there that we know. */
static void read_data(const HmsColumnStatisticsData *d, ColumnStatistic *s) {
    if (d->booleanStats) {
        const HmsBooleanColumnStatsData *x = d->booleanStats;
        s->kind = STAT_BOOLEAN;
        s->trues = x->numTrues;
        s->falses = x->numFalses;
        s->nulls = x->numNulls;
        s->bit_vector = x->bitVectors;
    } else if (d->longStats) {
        const HmsLongColumnStatsData *x = d->longStats;
        READ_COMMON(s, STAT_LONG, x, integer_value(x->has_lowValue, x->lowValue), integer_value(x->has_highValue, x->highValue));
    } else if (d->doubleStats) {
        const HmsDoubleColumnStatsData *x = d->doubleStats;
        READ_COMMON(s, STAT_DOUBLE, x, real_value(x->has_lowValue, x->lowValue), real_value(x->has_highValue, x->highValue));
    } else if (d->decimalStats) {
        READ_COMMON(s, STAT_DECIMAL, d->decimalStats, decimal_value(d->decimalStats->lowValue),
                    decimal_value(d->decimalStats->highValue));
    } else if (d->dateStats) {
        READ_COMMON(s, STAT_DATE, d->dateStats, date_value(d->dateStats->lowValue), date_value(d->dateStats->highValue));
    } else if (d->timestampStats) {
        READ_COMMON(s, STAT_TIMESTAMP, d->timestampStats, timestamp_value(d->timestampStats->lowValue),
                    timestamp_value(d->timestampStats->highValue));
    } else {
        read_lengths(d, s);
    }
}

/* Names of keys are folded, values escaped as Hive does. What is no name of a partition stays as it is and is not found. */
static Str partition_name(Arena *arena, Str name) {
    Param *parts;
    size_t count;
    Str made;
    Err ignored;
    if (!partname_to_spec(arena, name, &parts, &count, &ignored) || count == 0) {
        return name;
    }
    StrList keys = {ARENA_ARRAY(arena, Str, count), count}, values = {ARENA_ARRAY(arena, Str, count), count};
    for (size_t i = 0; i < count; i++) {
        keys.items[i] = parts[i].key;
        values.items[i] = parts[i].value;
    }
    return partname_make(arena, keys, values, STR_NULL, &made, &ignored) ? made : name;
}

/* Without those that name nothing. */
static StrList partition_list_names(Arena *arena, StrList names) {
    StrList list = {ARENA_ARRAY(arena, Str, names.count), 0};
    for (size_t i = 0; i < names.count && !arena_exceeded(arena); i++) {
        if (names.items[i].len) {
            list.items[list.count++] = partition_name(arena, names.items[i]);
        }
    }
    return list;
}

/* 0 and what lies beyond the calendar count as not given. */
static Micros analyzed_at(const HmsColumnStatisticsDesc *desc) {
    const int64_t last_second = 253402300799; /* of the year 9999 */
    bool given = desc->has_lastAnalyzed && desc->lastAnalyzed > 0 && desc->lastAnalyzed <= last_second;
    return given ? desc->lastAnalyzed * 1000000 : MICROS_NONE;
}

/* PARTITION: what it says of a partition; otherwise of the table. */
static bool read_set(HmsCall *call, const HmsColumnStatistics *in, bool partition, StatisticSet *ret, Err *err) {
    Arena *arena = call->arena;
    if (partition && str_is_empty(in->statsDesc->partName)) {
        return hms_throw(call, HMS_META, err, "Partition name cannot be null.");
    }
    StatisticSet set = {.partition = partition ? partition_name(arena, in->statsDesc->partName) : STR_NULL,
                        .items = ARENA_ARRAY(arena, ColumnStatistic, in->statsObj.count),
                        .count = in->statsObj.count};
    for (size_t i = 0; i < set.count && !arena_exceeded(arena); i++) {
        const HmsColumnStatisticsObj *obj = &in->statsObj.items[i];
        set.items[i] = (ColumnStatistic){.column = obj->colName, .type = obj->colType, .analyzed_at = analyzed_at(in->statsDesc)};
        read_data(obj->statsData, &set.items[i]);
    }
    *ret = set;
    return arena_check(arena, err);
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

/* Whether DESC speaks of the table that FIRST, whose table is REF, speaks of. */
static bool expect_same_table(HmsCall *call, const HmsColumnStatisticsDesc *first, TableRef ref,
                              const HmsColumnStatisticsDesc *desc, Err *err) {
    TableRef own;
    if (str_eq(desc->tableName, first->tableName) && str_eq(desc->dbName, first->dbName) && str_eq(desc->catName, first->catName)) {
        return true;
    }
    if (!hms_table_ref(call, desc->catName, desc->dbName, desc->tableName, &own, err)) {
        return false;
    }
    return (name_same(own.name, ref.name) && name_same(own.database, ref.database) && name_same(own.catalog, ref.catalog)) ||
           hms_throw(call, HMS_INVALID_INPUT, err, "The statistics of one request must all be of one table.");
}

/* Clients of 2.3 and 3.1 know no engines; those that do name theirs in one place or the other. */
static Str engine_of(const HmsSetPartitionsStatsRequest *req) {
    Str engine = req->colStats.items[0].engine;
    bool unsaid = str_is_empty(engine) || str_eq(engine, DEFAULT_ENGINE);
    return unsaid && !str_is_empty(req->engine) ? req->engine : engine;
}

/* All that REQ has, of the table or of partitions as PARTITIONS says. */
static bool put(HmsCall *call, const HmsSetPartitionsStatsRequest *req, bool partitions, Err *err) {
    size_t count = req->colStats.count;
    const HmsColumnStatisticsDesc *first = req->colStats.items[0].statsDesc;
    bool merge = req->has_needMerge && req->needMerge;
    StatisticPut what = {.engine = engine_of(req), .merge = merge, .only_accurate = merge, .join = partitions};
    what.sets = (StatisticSets){ARENA_ARRAY(call->arena, StatisticSet, count), count};
    TableRef ref;
    if (!hms_table_ref(call, first->catName, first->dbName, first->tableName, &ref, err) || !arena_check(call->arena, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const HmsColumnStatistics *stats = &req->colStats.items[i];
        if (!expect_same_table(call, first, ref, stats->statsDesc, err) ||
            !read_set(call, stats, partitions, &what.sets.items[i], err)) {
            return false;
        }
    }
    return statistics_put(&call->ctx, ref, &what, err);
}

/* The calls that write one object's. */
static bool put_one(HmsCall *call, const HmsSetPartitionsStatsRequest *req, bool partition, Err *err) {
    if (!req) {
        return hms_throw(call, HMS_META, err, "The request cannot be null.");
    }
    if (req->colStats.count != 1) {
        return hms_throw(call, HMS_INVALID_INPUT, err, "Only one stats object expected");
    }
    if (req->has_needMerge && req->needMerge) {
        return hms_throw(call, HMS_INVALID_INPUT, err, "Merge is not supported for non-aggregate stats");
    }
    return put(call, req, partition, err);
}

static bool put_old(HmsCall *call, HmsColumnStatistics *stats, bool partition, Err *err) {
    const HmsSetPartitionsStatsRequest req = {.colStats = {stats, 1}};
    return stats ? put_one(call, &req, partition, err) : hms_throw(call, HMS_META, err, "The column statistics cannot be null.");
}

static bool update_table_column_statistics(HmsCall *call, const void *args, void *reply, Err *err) {
    THRIFT_SET((HmsUpdateTableColumnStatisticsReply *)reply, success, true);
    return put_old(call, ((const HmsUpdateTableColumnStatisticsArgs *)args)->stats_obj, false, err);
}

static bool update_partition_column_statistics(HmsCall *call, const void *args, void *reply, Err *err) {
    THRIFT_SET((HmsUpdatePartitionColumnStatisticsReply *)reply, success, true);
    return put_old(call, ((const HmsUpdatePartitionColumnStatisticsArgs *)args)->stats_obj, true, err);
}

static HmsSetPartitionsStatsResponse *done(HmsCall *call) {
    HmsSetPartitionsStatsResponse *out = HMS_NEW(call->arena, HmsSetPartitionsStatsResponse,
                                                 HMS_STRUCT_SET_PARTITIONS_STATS_RESPONSE);
    out->result = true;
    return out;
}

static bool update_table_column_statistics_req(HmsCall *call, const void *args, void *reply, Err *err) {
    ((HmsUpdateTableColumnStatisticsReqReply *)reply)->success = done(call);
    return put_one(call, ((const HmsUpdateTableColumnStatisticsReqArgs *)args)->req, false, err);
}

static bool update_partition_column_statistics_req(HmsCall *call, const void *args, void *reply, Err *err) {
    ((HmsUpdatePartitionColumnStatisticsReqReply *)reply)->success = done(call);
    return put_one(call, ((const HmsUpdatePartitionColumnStatisticsReqArgs *)args)->req, true, err);
}

/* The first object says whether all this is of the table or of partitions. */
static bool set_aggr_stats_for(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsSetPartitionsStatsRequest *req = ((const HmsSetAggrStatsForArgs *)args)->request;
    THRIFT_SET((HmsSetAggrStatsForReply *)reply, success, true);
    if (!req) {
        return hms_throw(call, HMS_META, err, "The request cannot be null.");
    }
    size_t count = req->colStats.count;
    if (count == 0) {
        return true;
    }
    bool of_table = req->colStats.items[0].statsDesc->isTblLevel;
    if (of_table && count != 1) {
        return hms_throw(call, HMS_META, err, "Expecting only 1 ColumnStatistics for table's column stats, but find %zu", count);
    }
    return put(call, req, !of_table, err);
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

static HmsColumnStatistics *column_statistics(HmsCall *call, TableRef ref, const StatisticSet *set, Str engine) {
    HmsColumnStatistics *out = HMS_NEW(call->arena, HmsColumnStatistics, HMS_STRUCT_COLUMN_STATISTICS);
    HmsColumnStatisticsDesc *desc = HMS_NEW(call->arena, HmsColumnStatisticsDesc, HMS_STRUCT_COLUMN_STATISTICS_DESC);
    desc->isTblLevel = str_is_null(set->partition);
    desc->catName = name_fold(call->arena, ref.catalog);
    desc->dbName = name_fold(call->arena, ref.database);
    desc->tableName = name_fold(call->arena, ref.name);
    desc->partName = set->partition;
    THRIFT_SET(desc, lastAnalyzed, hms_seconds(set->items[0].analyzed_at));
    out->statsDesc = desc;
    out->statsObj = objects(call->arena, set->items, set->count);
    out->engine = engine;
    return out;
}

static bool get_table_column_statistics(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGetTableColumnStatisticsArgs *a = args;
    Str column = a->col_name;
    const StatisticQuery query = {.columns = {&column, 1}, .with_columns = true};
    TableRef ref;
    StatisticSet set;
    if (!hms_table_ref(call, STR_NULL, a->db_name, a->tbl_name, &ref, err) || !hms_given(call, column, "Column name", err) ||
        !statistics_get(&call->ctx, ref, &query, &set, err)) {
        return false;
    }
    if (set.count == 0) {
        return hms_throw(call, HMS_NO_SUCH_OBJECT, err,
                         "Statistics for dbName=%" STR_FMT ", tableName=%" STR_FMT ", columnName=%" STR_FMT " doesn't exist",
                         STR_ARG(ref.database), STR_ARG(ref.name), STR_ARG(column));
    }
    ((HmsGetTableColumnStatisticsReply *)reply)->success = column_statistics(call, ref, &set, DEFAULT_ENGINE);
    return true;
}

static bool get_partition_column_statistics(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGetPartitionColumnStatisticsArgs *a = args;
    Str column = a->col_name, name = a->part_name;
    const StatisticQuery query = {.columns = {&column, 1}, .with_columns = true};
    TableRef ref;
    StatisticSets sets;
    if (!hms_table_ref(call, STR_NULL, a->db_name, a->tbl_name, &ref, err) || !hms_given(call, name, "Partition name", err) ||
        !hms_given(call, column, "Column name", err)) {
        return false;
    }
    StrList names = partition_list_names(call->arena, (StrList){&name, 1});
    if (!statistics_get_partitions(&call->ctx, ref, names, &query, &sets, err)) {
        return false;
    }
    if (sets.count == 0) {
        return hms_throw(call, HMS_NO_SUCH_OBJECT, err,
                         "Statistics for dbName=%" STR_FMT ", tableName=%" STR_FMT ", partName=%" STR_FMT ", columnName=%" STR_FMT
                         " doesn't exist",
                         STR_ARG(ref.database), STR_ARG(ref.name), STR_ARG(name), STR_ARG(column));
    }
    ((HmsGetPartitionColumnStatisticsReply *)reply)->success = column_statistics(call, ref, &sets.items[0], DEFAULT_ENGINE);
    return true;
}

static bool get_table_statistics_req(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsTableStatsRequest *req = ((const HmsGetTableStatisticsReqArgs *)args)->request;
    HmsTableStatsResult *out = HMS_NEW(call->arena, HmsTableStatsResult, HMS_STRUCT_TABLE_STATS_RESULT);
    TableRef ref;
    StatisticSet set;
    if (!req) {
        return hms_throw(call, HMS_META, err, "The request cannot be null.");
    }
    const StatisticQuery query = {.engine = req->engine, .columns = req->colNames, .with_columns = true};
    if (!hms_table_ref(call, req->catName, req->dbName, req->tblName, &ref, err) ||
        !statistics_get(&call->ctx, ref, &query, &set, err)) {
        return false;
    }
    out->tableStats = objects(call->arena, set.items, set.count);
    ((HmsGetTableStatisticsReqReply *)reply)->success = out;
    return true;
}

static bool get_partitions_statistics_req(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsPartitionsStatsRequest *req = ((const HmsGetPartitionsStatisticsReqArgs *)args)->request;
    HmsPartitionsStatsResult *out = HMS_NEW(call->arena, HmsPartitionsStatsResult, HMS_STRUCT_PARTITIONS_STATS_RESULT);
    TableRef ref;
    StatisticSets sets;
    if (!req) {
        return hms_throw(call, HMS_META, err, "The request cannot be null.");
    }
    const StatisticQuery query = {.engine = req->engine, .columns = req->colNames, .with_columns = true};
    StrList names = partition_list_names(call->arena, req->partNames);
    if (!hms_table_ref(call, req->catName, req->dbName, req->tblName, &ref, err) ||
        !statistics_get_partitions(&call->ctx, ref, names, &query, &sets, err)) {
        return false;
    }
    out->partStats.items = THRIFT_NO_ITEMS;
    if (sets.count) {
        out->partStats.items = ARENA_ARRAY(call->arena, HmsStrToColumnStatisticsObjListMapPair, sets.count);
        out->partStats.count = sets.count;
    }
    for (size_t i = 0; i < sets.count && !arena_exceeded(call->arena); i++) {
        const StatisticSet *set = &sets.items[i];
        out->partStats.items[i] = (HmsStrToColumnStatisticsObjListMapPair){set->partition,
                                                                           objects(call->arena, set->items, set->count)};
    }
    ((HmsGetPartitionsStatisticsReqReply *)reply)->success = out;
    return true;
}

static bool get_aggr_stats_for(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsPartitionsStatsRequest *req = ((const HmsGetAggrStatsForArgs *)args)->request;
    HmsAggrStats *out = HMS_NEW(call->arena, HmsAggrStats, HMS_STRUCT_AGGR_STATS);
    StatisticTotal total = {0};
    TableRef ref;
    if (!req) {
        return hms_throw(call, HMS_META, err, "The request cannot be null.");
    }
    const StatisticQuery query = {.engine = req->engine, .columns = req->colNames, .with_columns = true};
    StrList names = partition_list_names(call->arena, req->partNames);
    bool nothing = names.count == 0 || req->colNames.count == 0;
    if (!hms_table_ref(call, req->catName, req->dbName, req->tblName, &ref, err) ||
        (!nothing && !statistics_get_total(&call->ctx, ref, names, &query, &total, err))) {
        return false;
    }
    out->colStats = objects(call->arena, total.items, total.count);
    out->partsFound = total.complete;
    ((HmsGetAggrStatsForReply *)reply)->success = out;
    return true;
}

/* ---- deleting --------------------------------------------------------------------------------------------------- */

/* What snapshots of a transactional table saw must not change under them. */
static bool delete_from(HmsCall *call, TableRef ref, StatisticDelete *which, int64_t *ret_count, Table *ret_table, Err *err) {
    which->engine = str_is_empty(which->engine) ? STR_NULL : which->engine;
    if (!table_get(&call->ctx, ref, ret_table, err)) {
        return false;
    }
    if (params_is_true(&ret_table->params, STR("transactional"))) {
        return hms_throw(call, HMS_META, err, "Cannot delete stats via this API for a transactional table");
    }
    return statistics_delete(&call->ctx, ref, which, ret_count, err);
}

static bool none_there(HmsCall *call, TableRef ref, Str partition, Str columns, Err *err) {
    bool of_partition = !str_is_null(partition);
    return hms_throw(call, HMS_NO_SUCH_OBJECT, err,
                     "Column stats doesn't exist for db=%" STR_FMT " table=%" STR_FMT "%s%" STR_FMT " col=%" STR_FMT,
                     STR_ARG(ref.database), STR_ARG(ref.name), of_partition ? " partition=" : "", STR_ARG(partition),
                     STR_ARG(columns));
}

static bool delete_table_column_statistics(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsDeleteTableColumnStatisticsArgs *a = args;
    Str column = a->col_name;
    StatisticDelete which = {.engine = a->engine, .columns = {&column, !str_is_null(column)}, .with_columns = !str_is_null(column)};
    TableRef ref;
    Table table;
    int64_t count;
    THRIFT_SET((HmsDeleteTableColumnStatisticsReply *)reply, success, true);
    return hms_table_ref(call, STR_NULL, a->db_name, a->tbl_name, &ref, err) &&
           delete_from(call, ref, &which, &count, &table, err) &&
           (count > 0 || str_is_null(column) || none_there(call, ref, STR_NULL, column, err));
}

static bool expect_partition(HmsCall *call, TableRef ref, StrList names, Err *err) {
    const PartitionQuery query = {.names = names, .with_names = true, .limit = -1};
    StrList found;
    bool more;
    if (!partition_names(&call->ctx, ref, &query, &found, &more, err)) {
        return false;
    }
    return found.count ||
           hms_throw(call, HMS_NO_SUCH_OBJECT, err, "Partition %" STR_FMT " for which stats deletion is requested doesn't exist",
                     STR_ARG(names.items[0]));
}

static bool delete_partition_column_statistics(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsDeletePartitionColumnStatisticsArgs *a = args;
    Str column = a->col_name, name = a->part_name;
    StatisticDelete which = {.engine = a->engine,
                             .columns = {&column, !str_is_null(column)},
                             .with_columns = !str_is_null(column),
                             .with_partitions = true};
    TableRef ref;
    Table table;
    int64_t count;
    THRIFT_SET((HmsDeletePartitionColumnStatisticsReply *)reply, success, true);
    if (!hms_table_ref(call, STR_NULL, a->db_name, a->tbl_name, &ref, err)) {
        return false;
    }
    if (str_is_empty(name)) {
        return hms_throw(call, HMS_META, err, "Partition name cannot be null.");
    }
    which.partitions = partition_list_names(call->arena, (StrList){&name, 1});
    return delete_from(call, ref, &which, &count, &table, err) &&
           (count > 0 ||
            (str_is_null(column) ? expect_partition(call, ref, which.partitions, err) : none_there(call, ref, name, column, err)));
}

/* Of a partitioned table those of partitions, of all when none are named, unless it is said that the table itself is meant. */
static bool delete_column_statistics_req(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsDeleteColumnStatisticsRequest *req = ((const HmsDeleteColumnStatisticsReqArgs *)args)->req;
    TableRef ref;
    Table table;
    int64_t count;
    THRIFT_SET((HmsDeleteColumnStatisticsReqReply *)reply, success, true);
    if (!req) {
        return hms_throw(call, HMS_META, err, "The request cannot be null.");
    }
    if (!hms_table_ref(call, req->cat_name, req->db_name, req->tbl_name, &ref, err) || !table_get(&call->ctx, ref, &table, err)) {
        return false;
    }
    bool of_table = (req->has_tableLevel && req->tableLevel) || (table.partition_keys->count == 0 && req->part_names.count == 0);
    StatisticDelete which = {.engine = req->engine, .columns = req->col_names, .with_columns = req->col_names.count > 0};
    if (!of_table) {
        which.partitions = partition_list_names(call->arena, req->part_names);
        which.with_partitions = true;
        which.every_partition = req->part_names.count == 0;
    }
    return delete_from(call, ref, &which, &count, &table, err) &&
           (count > 0 || !which.with_columns || none_there(call, ref, STR_NULL, req->col_names.items[0], err));
}

static const HmsRow ROWS[] = {
    {"update_table_column_statistics", update_table_column_statistics, HMS_WRITE, {{0}}},
    {"update_partition_column_statistics", update_partition_column_statistics, HMS_WRITE, {{0}}},
    {"update_table_column_statistics_req", update_table_column_statistics_req, HMS_WRITE, {{0}}},
    {"update_partition_column_statistics_req", update_partition_column_statistics_req, HMS_WRITE, {{0}}},
    {"set_aggr_stats_for", set_aggr_stats_for, HMS_WRITE | HMS_BULK, {{0}}},
    {"get_table_column_statistics", get_table_column_statistics, HMS_READ, {{0}}},
    {"get_partition_column_statistics", get_partition_column_statistics, HMS_READ, {{0}}},
    {"get_table_statistics_req", get_table_statistics_req, HMS_READ, {{0}}},
    {"get_partitions_statistics_req", get_partitions_statistics_req, HMS_READ, {{0}}},
    {"get_aggr_stats_for", get_aggr_stats_for, HMS_READ, {{0}}},
    {"delete_table_column_statistics", delete_table_column_statistics, HMS_WRITE, {{0}}},
    {"delete_partition_column_statistics", delete_partition_column_statistics, HMS_WRITE, {{0}}},
    {"delete_column_statistics_req", delete_column_statistics_req, HMS_WRITE, {{0}}},
};
const HmsGroup hms_group_statistics = HMS_GROUP("statistics", ROWS);
