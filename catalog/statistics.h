/* Column statistics: what engines found out about the values of a column of a table or of a partition.
 *
 * One set an object, engine and column, with exact values. They make no versions: they change with the data, not with the
 * definition. An absent minimum or maximum stays absent. Bit vectors and histograms are the engines' own bytes. */
#ifndef PROPOLIS_CATALOG_STATISTICS_H
#define PROPOLIS_CATALOG_STATISTICS_H

#include "base/buf.h"
#include "base/json_reader.h"
#include "base/json_writer.h"
#include "catalog/ctx.h"
#include "catalog/model.h"

/* Stored: never renumber. */
typedef enum StatKind {
    STAT_BOOLEAN = 1,
    STAT_LONG = 2,
    STAT_DOUBLE = 3,
    STAT_STRING = 4,
    STAT_BINARY = 5,
    STAT_DECIMAL = 6,
    STAT_DATE = 7,
    STAT_TIMESTAMP = 8,
} StatKind;

typedef struct StatValue {
    bool given;
    int64_t integer; /* long; date: days since 1970; timestamp: seconds since 1970 */
    double real;     /* double */
    Str unscaled;    /* decimal: two's complement, big endian */
    int32_t scale;   /* decimal: value = unscaled / 10^scale */
} StatValue;

/* A kind uses what the comments say and ignores the rest. */
typedef struct ColumnStatistic {
    Str column, type; /* type as the engine wrote it; null: not given */
    StatKind kind;
    int64_t nulls;             /* all */
    int64_t distinct;          /* all but boolean and binary */
    StatValue low, high;       /* long, double, decimal, date, timestamp */
    int64_t max_length;        /* string, binary */
    double average_length;     /* string, binary */
    int64_t trues, falses;     /* boolean */
    Str bit_vector, histogram; /* null: none */
    Micros analyzed_at;
} ColumnStatistic;

/* The statistics of one object. */
typedef struct StatisticSet {
    Str partition;          /* null: the table itself */
    ColumnStatistic *items; /* by column name */
    size_t count;
} StatisticSet;
typedef struct StatisticSets {
    StatisticSet *items;
    size_t count;
} StatisticSets;

#define DEFAULT_ENGINE STR("hive")

typedef struct StatisticQuery {
    Str engine;      /* null: DEFAULT_ENGINE */
    StrList columns; /* these only, when with_columns */
    bool with_columns;
    bool without_sketches; /* leave bit vectors and histograms out: they can be larger than all the rest */
} StatisticQuery;

/* Columns without statistics are just not in the answer. ERR_TABLE_NOT_FOUND. */
bool statistics_get(Ctx *ctx, TableRef ref, const StatisticQuery *query, StatisticSet *ret, Err *err) WARN_UNUSED;
/* Sets of those of PARTITIONS (names) that have any, by name. */
bool statistics_get_partitions(Ctx *ctx, TableRef ref, StrList partitions, const StatisticQuery *query, StatisticSets *ret,
                               Err *err) WARN_UNUSED;

/* What of DEFAULT_ENGINE is written here is marked as accurate in the parameters of its table or partition, as Hive does it, and
 * the mark goes when the statistics are deleted; see StatAccurate. */
typedef struct StatisticPut {
    Str engine;
    StatisticSets sets; /* of the table and of partitions, mixed as one likes; columns that are not named stay as they are */
    bool merge;         /* combine with what is there, see statistic_merge() */
    bool join;          /* what is given twice is combined first; otherwise it is an error */
    bool only_accurate; /* leave out columns of DEFAULT_ENGINE without a mark: what is there besides the new data is not known */
} StatisticPut;
/* ERR_TABLE_NOT_FOUND, ERR_PARTITION_NOT_FOUND: then nothing is written. */
bool statistics_put(Ctx *ctx, TableRef ref, const StatisticPut *put, Err *err) WARN_UNUSED;

typedef struct StatisticDelete {
    Str engine;         /* null: of every engine */
    StrList partitions; /* of these partitions, when with_partitions; otherwise of the table itself */
    bool with_partitions;
    bool every_partition; /* of all that have any */
    StrList columns;      /* these only, when with_columns */
    bool with_columns;
} StatisticDelete;
bool statistics_delete(Ctx *ctx, TableRef ref, const StatisticDelete *which, int64_t *ret_count, Err *err) WARN_UNUSED;

typedef struct StatisticTotal {
    ColumnStatistic *items; /* by column name; sketches only when there was one partition to look at */
    size_t count;
    int64_t complete; /* partitions that have statistics of every column that was asked for */
} StatisticTotal;
/* The statistics of PARTITIONS as one, with QUERY's columns (with_columns must be set); see statistics_total(). */
bool statistics_get_total(Ctx *ctx, TableRef ref, StrList partitions, const StatisticQuery *query, StatisticTotal *ret,
                          Err *err) WARN_UNUSED;

/* --- without the store ----------------------------------------------------------------------------------------- */

const char *stat_kind_name(StatKind kind); /* "long" */
bool stat_kind_by_name(Str name, StatKind *ret);
bool stat_kind_valid(int64_t kind);
bool statistics_equal(const ColumnStatistic *a, const ColumnStatistic *b); /* but for analyzed_at */

/* Adds the statistics of more data of the same column: counts are summed, bounds widened, lengths the larger,
 * distinct values the larger number (the true one lies between that and the sum; sketches cannot be joined here and are
 * dropped). ERR_INVALID_INPUT when the kinds differ. */
bool statistic_merge(ColumnStatistic *into, const ColumnStatistic *more, Err *err) WARN_UNUSED;
/* Adds up SETS of some of PARTITION_COUNT partitions by column, as statistic_merge() does. Where partitions have no statistics
 * of a column, the number of distinct values is estimated: the same density over the whole range, at least what one partition
 * has and at most what all have together. A partition whose statistics are of another kind than those before it counts as one
 * that has none. */
bool statistics_total(Arena *arena, const StatisticSets *sets, size_t partition_count, size_t column_count, StatisticTotal *ret,
                      Err *err) WARN_UNUSED;

/* Hive's parameter of tables and partitions that says which of their statistics are true of all their data:
 * {"BASIC_STATS":"true","COLUMN_STATS":{"a":"true"}}. */
#define STAT_ACCURATE_KEY "COLUMN_STATS_ACCURATE"
typedef struct StatAccurate {
    bool basic;
    Params columns; /* by name; the values do not matter */
} StatAccurate;
StatAccurate stat_accurate_read(Arena *arena, Str text); /* what cannot be read says nothing */
/* TEXT without COLUMNS, or without any when NULL; null: nothing is accurate any more. */
Str stat_accurate_without(Arena *arena, Str text, const StrList *columns);
Str stat_accurate_text(Arena *arena, const StatAccurate *accurate); /* null: nothing is accurate */

/* -1, 0, 1: exact, whatever the scales. */
int stat_decimal_compare(const StatValue *a, const StatValue *b);

/* The stored form: a version byte, then the numbers of the kind as variable-length integers. */
void statistic_pack(const ColumnStatistic *statistic, Buf *out);
/* Fills the numbers of *ret for KIND; bytes stay where they are. ERR_INTERNAL when they make no sense. */
bool statistic_unpack(Str packed, StatKind kind, ColumnStatistic *ret, Err *err) WARN_UNUSED;

/* {"column","type","kind","nulls","distinct","low","high",…}: dates and timestamps as ISO 8601 text, decimals as exact text,
 * sketches as base64. */
void statistic_json(JsonWriter *w, const ColumnStatistic *statistic);
bool statistic_from_json(const JsonAt *at, Arena *arena, ColumnStatistic *ret, Err *err) WARN_UNUSED;
void statistic_set_json(JsonWriter *w, const StatisticSet *set); /* {"partition"?,"columns":[…]} */
bool statistic_set_from_json(const JsonAt *at, Arena *arena, StatisticSet *ret, Err *err) WARN_UNUSED;
/* Exact text of a decimal ("-12.50"), and back. FALSE: not a decimal, or beyond 4,000 digits. */
bool stat_decimal_text(const StatValue *value, Buf *out);
bool stat_decimal_parse(Arena *arena, Str text, StatValue *ret);

#endif
