/* Partitions: single and in bulk. */
#ifndef PROPOLIS_CATALOG_PARTITIONS_H
#define PROPOLIS_CATALOG_PARTITIONS_H

#include "catalog/ctx.h"
#include "catalog/expect.h"
#include "catalog/model.h"

typedef enum FilterGrammar { FILTER_HIVE, FILTER_GLUE } FilterGrammar;

/* Which partitions. All null / zero: all of the table. Order is always by name. */
typedef struct PartitionQuery {
    Str filter; /* text in GRAMMAR */
    FilterGrammar grammar;
    StrList names; /* these only, when with_names */
    bool with_names;
    StrList prefix;             /* leading values; a null or "" item is any value (Hive's partial specification) */
    uint32_t segment, segments; /* segments > 1: that share of them, disjoint and stable */
    Str after;                  /* name */
    int64_t limit;              /* < 0: all */
    bool without_columns;       /* storage.columns is left empty */
} PartitionQuery;

bool partition_get(Ctx *ctx, TableRef ref, StrList values, Partition *ret, Table *ret_table, Err *err) WARN_UNUSED;
/* RET_TABLE (may be NULL): the table, for doors that need its keys. */
bool partition_list(Ctx *ctx, TableRef ref, const PartitionQuery *query, Partitions *ret, bool *ret_more, Table *ret_table,
                    Err *err) WARN_UNUSED;
bool partition_names(Ctx *ctx, TableRef ref, const PartitionQuery *query, StrList *ret, bool *ret_more, Err *err) WARN_UNUSED;
bool partition_count(Ctx *ctx, TableRef ref, const PartitionQuery *query, int64_t *ret, Err *err) WARN_UNUSED;

/* Of the state it is in, for Expect: changes with its name, its place, and each change that touches it. No number to count on. */
int64_t partition_version(const Partition *partition);

/* The results of the writes below may be NULL when the caller does not want them. */

/* What became of one item of a bulk call. */
typedef struct ItemResult {
    bool ok;
    bool existed;   /* skipped because it was there (if_not_exists) */
    bool unchanged; /* skipped because it is already what it was to become */
    Err err;
} ItemResult;

typedef struct PartitionAdd {
    Partitions items; /* values given; name is made here; storage.location null: below the table */
    bool if_not_exists;
    bool per_item; /* good items are added, bad ones reported in RESULTS; otherwise all or nothing */
    bool no_directories;
    bool quick_statistics; /* count the files of those that come without numbers and whose directory is there already */
} PartitionAdd;
/* RESULTS: one per item, in order (filled also when not per_item and successful). */
bool partition_add(Ctx *ctx, TableRef ref, const PartitionAdd *add, Partitions *ret, ItemResult **ret_results,
                   Err *err) WARN_UNUSED;

typedef bool (*PartitionEdit)(Ctx *ctx, const Table *table, Partition *partition, size_t index, void *arg, Err *err);
typedef struct PartitionAlter {
    StrList *values; /* one list a partition */
    size_t count;
    PartitionEdit edit; /* may run more than once */
    void *arg;
    bool per_item;
    bool write_noop;      /* those that the edit leaves as they are get a change and an image like the others */
    bool renames;         /* edit may change values, which renames the partition and moves a managed one's directory */
    const Expect *expect; /* of each: the table's incarnation and the partition's version; NULL: any */
} PartitionAlter;
bool partition_alter(Ctx *ctx, TableRef ref, const PartitionAlter *how, Partitions *ret, ItemResult **ret_results,
                     Err *err) WARN_UNUSED;

typedef struct PartitionDrop {
    PartitionQuery which;
    bool if_exists; /* names that are missing are no error */
    bool delete_data;
    bool per_item;
    bool want_dropped;    /* return what was dropped */
    const Expect *expect; /* as of an alter */
} PartitionDrop;
bool partition_drop(Ctx *ctx, TableRef ref, const PartitionDrop *how, Partitions *ret, int64_t *ret_count, ItemResult **ret_results,
                    Err *err) WARN_UNUSED;

/* Everything that happened to one partition, newest first: who added, altered, dropped it, and what it was. */
typedef struct PartitionEvent {
    Change change;
    Str action; /* add, alter, drop, restore */
    bool has_image;
    Partition image; /* what it was before (alter, drop) */
} PartitionEvent;
/* RET_TABLE (may be NULL) as above. */
bool partition_history(Ctx *ctx, TableRef ref, StrList values, PartitionEvent **ret, size_t *ret_count, Table *ret_table,
                       Err *err) WARN_UNUSED;
/* Back to what it was before change SEQ (its newest alter or drop when 0). */
bool partition_restore(Ctx *ctx, TableRef ref, StrList values, int64_t seq, Partition *ret, Err *err) WARN_UNUSED;

#endif
