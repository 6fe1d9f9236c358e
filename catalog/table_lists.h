/* Lists of tables that say little of each, or that are asked for by many names at once. */
#ifndef PROPOLIS_CATALOG_TABLE_LISTS_H
#define PROPOLIS_CATALOG_TABLE_LISTS_H

#include "catalog/tables.h"

typedef struct TableMeta {
    Str database, name;
    Str type;    /* never null: what Hive makes of one that is not given */
    Str comment; /* null, too, when nobody asks for it */
    Str owner, owner_type;
} TableMeta;
typedef struct TableMetas {
    TableMeta *items;
    size_t count;
} TableMetas;

typedef struct TableMetaQuery {
    Str catalog;
    Str database;         /* this one; null: those of DATABASE_PATTERN */
    Str database_pattern; /* globs of catalog/glob.h; null: all */
    Str table_pattern;
    StrList types;   /* none: all */
    bool rewritable; /* materialized views that queries may be answered from, and nothing else */
    bool comments;   /* give those, too */
    int64_t limit;   /* < 0: all */
} TableMetaQuery;
/* By database and name. Reads a few fields of each table, however large its parameters are. */
bool table_meta_list(Ctx *ctx, const TableMetaQuery *query, TableMetas *ret, Err *err) WARN_UNUSED;

/* Those of NAMES that there are, by name. */
bool table_get_named(Ctx *ctx, Str catalog, Str database, StrList names, Tables *ret, Err *err) WARN_UNUSED;

/* Names of the tables that pass FILTER, whose keys are those of filter_bind_table_fields(). LIMIT < 0: all. */
bool table_names_by_filter(Ctx *ctx, Str catalog, Str database, Str filter, int64_t limit, StrList *ret, Err *err) WARN_UNUSED;

#endif
