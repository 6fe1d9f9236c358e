/* Shared by rest_partitions.c and rest_partitions_bulk.c. */
#ifndef PROPOLIS_SERVER_REST_PARTITIONS_H
#define PROPOLIS_SERVER_REST_PARTITIONS_H

#include "catalog/partitions.h"
#include "server/rest/rest.h"

bool rest_partition_grammar(Str text, FilterGrammar *ret, Err *err) WARN_UNUSED;
/* DOCUMENT becomes the whole of *partition but its identity. */
bool rest_partition_replace(Ctx *ctx, const JsonAt *document, Partition *partition, Err *err) WARN_UNUSED;
/* The values in NAME, whose keys must be those of the table in their order. */
bool rest_partition_named(Request *r, const Table *table, Str name, StrList *ret, Err *err) WARN_UNUSED;

#endif
