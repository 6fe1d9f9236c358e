/* Filters over partitions and tables: one tree for the Hive Metastore's grammar and for Glue's expressions.
 *
 * Purpose:   parse a text, bind it to partition keys (or to the fields of a table), then evaluate it against values or
 *            write it as SQL. What a door does with values that do not fit stands in a FilterPolicy, nowhere else.
 * Ownership: trees and everything in them live in the arena given; texts alias the filter text, so that must live as long.
 * Threads:   pure functions; a bound tree is only read.
 *
 * Values. A null or empty partition value is the default partition, as in its name; a literal '' equals it too. Typed keys
 * (numbers, dates, timestamps) compare as rangekey.h casts; strings compare by code point. Truth has three values, AND, OR and
 * NOT as in SQL: comparing what does not cast is UNKNOWN. Hive takes UNKNOWN for "no match"; Glue reports it (the whole
 * filter is UNKNOWN for a row only when no other part of it decides, so the order of conditions never matters). */
#ifndef PROPOLIS_CATALOG_FILTER_H
#define PROPOLIS_CATALOG_FILTER_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"

enum {
    FILTER_MAX_BYTES = 1u << 20, /* of a Hive filter */
    FILTER_GLUE_MAX_CHARS = 2048,
    FILTER_MAX_DEPTH = 200,    /* of parentheses and NOT in one another */
    FILTER_MAX_PARAMS = 30000, /* of SQL; PostgreSQL takes 65,535 */
};

typedef struct Filter Filter;

typedef struct FilterKey {
    Str name, type;
} FilterKey;

typedef struct FilterPolicy {
    Str default_partition;    /* name of the default partition */
    bool strict_literals;     /* quoted text against an integer key, a number against a text key: an error */
    bool uncastable_is_error; /* UNKNOWN is ERR_INVALID_PARTITION_VALUE instead of no match */
    bool null_is_default;     /* IS NULL is true for the default partition; AWS: never true */
    bool hive_like;           /* LIKE as wildcard_from_hive_like(), else SQL's without escape */
    bool glue_words;          /* errors in Glue's wording, else the Hive Metastore's */
} FilterPolicy;
FilterPolicy filter_policy_hive(void);
FilterPolicy filter_policy_glue(void);

/* A null or blank text is a filter that all rows pass. Errors: ERR_INVALID_FILTER with the position. */
bool filter_parse_hive(Arena *arena, Str text, Filter **ret, Err *err) WARN_UNUSED;
bool filter_parse_glue(Arena *arena, Str text, Filter **ret, Err *err) WARN_UNUSED;

/* Checks keys, types and literals, once a tree. */
bool filter_bind(Arena *arena, Filter *filter, const FilterKey *keys, size_t count, const FilterPolicy *policy,
                 Err *err) WARN_UNUSED;

typedef enum FilterTruth { FILTER_FALSE, FILTER_TRUE, FILTER_UNKNOWN } FilterTruth;

/* VALUES: one a key, null allowed. With uncastable_is_error never gives FILTER_UNKNOWN but an error naming the value. */
bool filter_eval(Arena *arena, const Filter *filter, StrList values, FilterTruth *ret, Err *err) WARN_UNUSED;

/* Parameters of a statement in the making: number i is $(first + i), sent with the type its kind says. */
typedef enum FilterParamKind {
    FILTER_PARAM_TEXT,
    FILTER_PARAM_BYTES,      /* bytea */
    FILTER_PARAM_TEXT_LIST,  /* text[] */
    FILTER_PARAM_BYTES_LIST, /* bytea[] */
} FilterParamKind;
typedef struct FilterParam {
    FilterParamKind kind;
    Str value;      /* TEXT, BYTES */
    StrList values; /* the lists */
} FilterParam;
typedef struct FilterParams {
    unsigned first; /* set by the caller: number of the first parameter to add */
    FilterParam *items;
    size_t count, capacity;
} FilterParams;

/* Appends a boolean expression over a row with columns name (text COLLATE "C", the partition's name), vals (text[]) and key1
 * (bytea, rangekey_encode() of the first value). ROW: what to put before the columns, "" or "p.". No value of any row makes the
 * expression fail. True exactly where filter_eval() is FILTER_TRUE. Leading text keys bound by equality become a range of
 * names, comparisons of the first key a range of key1. */
bool filter_sql(Arena *arena, const Filter *filter, const char *row, Buf *sql, FilterParams *params, Err *err) WARN_UNUSED;
/* For policies with uncastable_is_error: the expression is true for the rows that make filter_eval() fail; fetch one's vals and
 * let filter_eval() word the error. *RET_NEEDED false: no row can, nothing was appended. */
bool filter_sql_uncastable(Arena *arena, const Filter *filter, const char *row, Buf *sql, FilterParams *params, bool *ret_needed,
                           Err *err) WARN_UNUSED;

/* The keys of get_table_names_by_filter: hive_filter_field_owner__, _last_access__, _params__<key>, _tableName__, _tableType__.
 * LIKE is a Java regular expression here. A table without the field or parameter matches no comparison. */
bool filter_bind_table_fields(Arena *arena, Filter *filter, Err *err) WARN_UNUSED;

typedef struct FilterTableRow {
    Str name, type, owner; /* null: not given */
    bool has_last_access;
    int64_t last_access; /* seconds since 1970 */
    const Params *params;
} FilterTableRow;
bool filter_eval_table(Arena *arena, const Filter *filter, const FilterTableRow *row, FilterTruth *ret, Err *err) WARN_UNUSED;
/* Over columns name, type, owner (text), last_access (bigint or integer) and params (text[]: key, value, key, value, ...). */
bool filter_sql_table(Arena *arena, const Filter *filter, const char *row, Buf *sql, FilterParams *params, Err *err) WARN_UNUSED;

#endif
