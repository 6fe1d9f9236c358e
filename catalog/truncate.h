/* Truncating: the files of a table or of some of its partitions go, the definitions stay. */
#ifndef PROPOLIS_CATALOG_TRUNCATE_H
#define PROPOLIS_CATALOG_TRUNCATE_H

#include "catalog/ctx.h"
#include "catalog/model.h"

typedef struct TableTruncate {
    StrList partitions; /* names of these only, when with_partitions */
    bool with_partitions;
    bool keep_data; /* somebody else sees to the files */
} TableTruncate;
/* All of the files or none: ERR_INVALID_ARGUMENT when the rules for data do not let this server delete them. Numbers of rows
 * and files are 0 afterwards, statistics of columns are gone. */
bool table_truncate(Ctx *ctx, TableRef ref, const TableTruncate *how, Err *err) WARN_UNUSED;

#endif
