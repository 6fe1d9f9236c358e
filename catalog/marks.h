/* Marks: a job says that all data of a partition is there, and others who wait for it ask. A mark is a change of the table's
 * history and lives as long as those; the partition itself need not be in the catalog. */
#ifndef PROPOLIS_CATALOG_MARKS_H
#define PROPOLIS_CATALOG_MARKS_H

#include "catalog/ctx.h"
#include "catalog/model.h"

/* NAME: of the partition, as partname_make() writes it. */
bool partition_mark(Ctx *ctx, TableRef ref, Str name, Err *err) WARN_UNUSED;
bool partition_is_marked(Ctx *ctx, TableRef ref, Str name, bool *ret, Err *err) WARN_UNUSED;

#endif
