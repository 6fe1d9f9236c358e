/* Exchange: partitions that go from one table to another one like it, with their directories. */
#ifndef PROPOLIS_CATALOG_EXCHANGE_H
#define PROPOLIS_CATALOG_EXCHANGE_H

#include "catalog/ctx.h"
#include "catalog/model.h"

/* All partitions of FROM that have the values of SPEC, which names leading keys of the table. All or none: the tables must have
 * equal columns and keys, TO none of those partitions, and each must lie where partitions of FROM lie by default.
 * RET (may be NULL): as they are in TO. */
bool partition_exchange(Ctx *ctx, TableRef from, TableRef to, const Params *spec, Partitions *ret, Err *err) WARN_UNUSED;

#endif
