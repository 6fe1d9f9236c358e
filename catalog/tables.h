/* Tables: every way to read and change one. */
#ifndef PROPOLIS_CATALOG_TABLES_H
#define PROPOLIS_CATALOG_TABLES_H

#include "catalog/constraints.h"
#include "catalog/ctx.h"
#include "catalog/databases.h"
#include "catalog/model.h"

bool table_get(Ctx *ctx, TableRef ref, Table *ret, Err *err) WARN_UNUSED;
/* Many callers' reads at once: one statement for all. They live in one arena. COUNT > 0. */
typedef struct TableGet {
    Ctx *ctx;
    TableRef ref;
    Table *ret;
    Err *err;
    bool ok; /* out */
} TableGet;
void table_get_each(TableGet *reads, size_t count);

typedef struct TableSummary {
    Str name, type;
} TableSummary;
typedef struct TableSummaries {
    TableSummary *items;
    size_t count;
    bool more;
} TableSummaries;
typedef struct Tables {
    Table *items;
    size_t count;
    bool more;
} Tables;
/* TYPE null: all types. A missing database is an error here; a door that answers an empty list maps it. */
bool table_list(Ctx *ctx, Str catalog, Str database, Str type, const Page *page, TableSummaries *ret, Err *err) WARN_UNUSED;
bool table_list_full(Ctx *ctx, Str catalog, Str database, Str type, const Page *page, Tables *ret, Err *err) WARN_UNUSED;

typedef struct TableCreate {
    Table table;             /* catalog, database, name and everything given */
    bool if_not_exists;      /* an existing table is returned as it is */
    bool keep_created_at;    /* import: the time given instead of now */
    Constraints constraints; /* made with it, or neither is */
} TableCreate;
bool table_create(Ctx *ctx, const TableCreate *create, Table *ret, Err *err) WARN_UNUSED;

/* EDIT reads a copy of the current table, locked, and changes what it wants; it may run more than once and may change
 * database and name, which renames (and moves the directory of a managed table when it sits at its default place). */
typedef bool (*TableEdit)(Ctx *ctx, Table *table, void *arg, Err *err);
typedef struct TableAlter {
    TableEdit edit;
    void *arg;
    int64_t expect_version;         /* < 0: any */
    int64_t expect_id;              /* the incarnation; 0: any */
    Str expect_param, expect_value; /* compare-and-set on a parameter; null: no check */
    bool skip_archive;              /* Glue: the replaced version is not listed there */
    bool write_noop;                /* a change of nothing still makes a version (flagged) */
    bool cascade_columns;           /* every partition reads the new columns too */
    bool allow_key_change;          /* partition keys may be renamed, added, removed while there are no partitions */
    const char *action;             /* change log: "alter", "rename", "restore"; NULL: decided by what changed */
} TableAlter;
bool table_alter(Ctx *ctx, TableRef ref, const TableAlter *how, Table *ret, Err *err) WARN_UNUSED;
bool table_rename(Ctx *ctx, TableRef ref, Str new_database, Str new_name, Expect expect, Table *ret, Err *err) WARN_UNUSED;

typedef struct TableDrop {
    int64_t expect_version, expect_id; /* as in TableAlter */
    bool delete_data;                  /* of a managed table, by the rules for data */
} TableDrop;
bool table_drop(Ctx *ctx, TableRef ref, const TableDrop *how, Err *err) WARN_UNUSED;

/* Dropped incarnations that can still be restored, newest first. Pages go by incarnation: AFTER is one as text. */
bool table_dropped_list(Ctx *ctx, Str catalog, Str database, Str name, const Page *page, Tables *ret, Err *err) WARN_UNUSED;
typedef struct TableUndrop {
    int64_t incarnation; /* 0: the newest dropped one of that name */
    Str new_name;        /* null: the old one */
    bool move_pointer;   /* allow an Iceberg, Delta or Hudi table */
} TableUndrop;
/* Brings a dropped table back with its partitions. RET_GONE: locations whose data is not there any more. */
bool table_undrop(Ctx *ctx, TableRef ref, const TableUndrop *how, Table *ret, StrList *ret_gone, Err *err) WARN_UNUSED;

#endif
