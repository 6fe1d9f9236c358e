/* Tables as the Hive Metastore keeps them: what it adds to and takes from what its clients send. Other doors have none of
 * these rules; what their models know and the Metastore's does not is kept. */
#ifndef PROPOLIS_CATALOG_HIVE_TABLE_H
#define PROPOLIS_CATALOG_HIVE_TABLE_H

#include "catalog/tables.h"

/* What Hive makes of a type that is not given. */
Str hive_table_type(const Table *table);

/* Settles a table that a client wants to have made: type and parameter EXTERNAL agree, a comment is the description, and what
 * was meant for the server alone is gone. *ret_count: the files in its directory may be counted. */
void hive_table_settle(Ctx *ctx, Table *table, bool *ret_count);
/* Counts what lies in the table's directory before it is made; not in a transaction. */
void hive_table_count(const Ctx *ctx, Table *table);

typedef struct HiveAlter {
    Table sent;      /* the whole table, as the client wants it; members of its extra replace those that are there */
    TableAlter how;  /* but for edit and arg */
    bool keep_stats; /* the client keeps numFiles and totalSize itself */
    bool accurate;   /* the client vouches for the statistics it sends */
    bool same_types; /* columns may only change to types that Hive calls compatible */
} HiveAlter;
/* ERR_INVALID_ARGUMENT for a table that lacks what each must have. */
bool hive_table_alter(Ctx *ctx, TableRef ref, const HiveAlter *alter, Table *ret, Err *err) WARN_UNUSED;

#endif
