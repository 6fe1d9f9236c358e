/* Statements about partitions. Locations are split here: a base of the table and a suffix, see migrations. */
#ifndef PROPOLIS_CATALOG_SQL_PARTITIONS_SQL_H
#define PROPOLIS_CATALOG_SQL_PARTITIONS_SQL_H

#include "catalog/ctx.h"
#include "catalog/model.h"
#include "catalog/partitions.h"
#include "catalog/sql/content_sql.h"

/* The table partitions hang on, as every statement here needs it. */
typedef struct PartitionScope {
    Table table;
    StrList bases; /* by number; 0 is null */
} PartitionScope;
bool partition_scope_get(Ctx *ctx, PgConn *conn, TableRef folded, PartitionScope *ret, Err *err) WARN_UNUSED;
/* Keeps the table as SCOPE knows it until the transaction ends; *ret_same false when it changed or went meanwhile. */
bool partition_scope_hold(Ctx *ctx, PgConn *conn, const PartitionScope *scope, bool *ret_same, Err *err) WARN_UNUSED;

/* What a query adds to the WHERE of a statement over "partitions p" (" AND ..."); appends to ARGS. In partition_where.c. */
bool partition_where(Ctx *ctx, PgConn *conn, const PartitionScope *scope, const PartitionQuery *query, PgArgs *args, Str *ret,
                     Err *err) WARN_UNUSED;

bool partition_rows_get(Ctx *ctx, PgConn *conn, const PartitionScope *scope, const PartitionQuery *query, bool lock,
                        Partitions *ret, Err *err) WARN_UNUSED;
bool partition_rows_names(Ctx *ctx, PgConn *conn, const PartitionScope *scope, const PartitionQuery *query, bool lock, StrList *ret,
                          Err *err) WARN_UNUSED;
bool partition_rows_count(Ctx *ctx, PgConn *conn, const PartitionScope *scope, const PartitionQuery *query, int64_t *ret,
                          Err *err) WARN_UNUSED;
bool partition_rows_any(Ctx *ctx, PgConn *conn, int64_t table_id, bool *ret, Err *err) WARN_UNUSED;
/* Of NAMES those that exist. */
bool partition_rows_existing(Ctx *ctx, PgConn *conn, int64_t table_id, StrList names, StrList *ret, Err *err) WARN_UNUSED;

/* Somebody said of NAME that its data is there (catalog/marks.h). */
bool partition_rows_marked(Ctx *ctx, PgConn *conn, int64_t table_id, Str name, bool *ret, Err *err) WARN_UNUSED;

/* Writes new rows. ERR_RETRY when a name was taken a moment ago. */
bool partition_rows_copy(Ctx *ctx, PgConn *conn, const PartitionScope *scope, const Partition *items, size_t count,
                         Err *err) WARN_UNUSED;
/* Moves rows to the images, where they are kept as what change SEQ replaced or dropped. */
bool partition_rows_retire(Ctx *ctx, PgConn *conn, int64_t table_id, StrList names, int64_t seq, bool dropped,
                           Err *err) WARN_UNUSED;

/* Every partition's columns become the table's (alter with cascade). */
bool partition_rows_set_columns(Ctx *ctx, PgConn *conn, const Table *table, int64_t seq, Err *err) WARN_UNUSED;
/* The first key's type changed: its range keys are computed anew. */
bool partition_rows_rekey(Ctx *ctx, PgConn *conn, const Table *table, Err *err) WARN_UNUSED;

/* Images of one partition, newest first, each with the change that ended it; then the changes that added it. */
bool partition_rows_history(Ctx *ctx, PgConn *conn, const PartitionScope *scope, Str name, PartitionEvent **ret, size_t *ret_count,
                            Err *err) WARN_UNUSED;
/* Locations of a table's partitions that do not lie below DIRECTORY (null: all), some at a time: by name after AFTER ("" at
 * first), then after ret->next while that is not null. */
typedef struct PartitionPlaces {
    StrList locations;
    Str next;
} PartitionPlaces;
bool partition_rows_outside(Ctx *ctx, PgConn *conn, int64_t table_id, Str directory, Str after, PartitionPlaces *ret,
                            Err *err) WARN_UNUSED;

#endif
