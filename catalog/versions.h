/* Versions: what a table was, when, by whom, and back again. */
#ifndef PROPOLIS_CATALOG_VERSIONS_H
#define PROPOLIS_CATALOG_VERSIONS_H

#include "catalog/ctx.h"
#include "catalog/model.h"
#include "catalog/tables.h"

typedef struct VersionQuery {
    int64_t before; /* versions below this one; < 0: from the newest */
    int64_t limit;
    bool with_noops, with_pointer_moves;
    bool archived_only; /* as Glue lists them */
} VersionQuery;
typedef struct TableVersions {
    TableVersion *items;
    size_t count;
    bool more;
} TableVersions;

bool version_list(Ctx *ctx, TableRef ref, const VersionQuery *query, TableVersions *ret, Err *err) WARN_UNUSED; /* newest first */
bool version_get(Ctx *ctx, TableRef ref, int64_t version, TableVersion *ret, Err *err) WARN_UNUSED;
/* The table as it was at a time. A name dropped and made again since is followed through its incarnations. */
bool version_as_of(Ctx *ctx, TableRef ref, Micros at, TableVersion *ret, Err *err) WARN_UNUSED;
/* JSON of the differences, see catalog/diff.h. */
bool version_diff(Ctx *ctx, TableRef ref, int64_t from, int64_t to, Str *ret_json, Err *err) WARN_UNUSED;
typedef struct VersionRestore {
    int64_t version;
    int64_t expect_version, expect_id; /* as in TableAlter */
    bool move_pointer;                 /* also of an Iceberg, Delta or Hudi table */
} VersionRestore;
bool version_restore(Ctx *ctx, TableRef ref, const VersionRestore *how, Table *ret, StrList *ret_gone, Err *err) WARN_UNUSED;
/* The table's location and those of its partitions outside it, as far as they are known to hold nothing any more. */
bool table_locations_gone(Ctx *ctx, const Table *table, StrList *ret, Err *err) WARN_UNUSED;

#endif
