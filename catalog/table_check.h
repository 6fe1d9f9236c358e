/* What a table must look like before it is stored, and what the store adds to it. */
#ifndef PROPOLIS_CATALOG_TABLE_CHECK_H
#define PROPOLIS_CATALOG_TABLE_CHECK_H

#include "catalog/ctx.h"
#include "catalog/model.h"

/* Folds column names, normalises the location, checks every rule and limit. BEFORE: what it was, NULL for a new table;
 * parts that did not change are not checked again, so an old object never blocks an unrelated change. */
bool table_check(Ctx *ctx, Table *table, const Table *before, Err *err) WARN_UNUSED;
/* A descriptor and parameters, for tables and partitions. */
bool storage_check(Ctx *ctx, Storage *storage, const Storage *before, Err *err) WARN_UNUSED;
bool params_check(Ctx *ctx, const char *what, const Params *params, Err *err) WARN_UNUSED;
/* At most LIMIT bytes of UTF-8 without NUL; LIMIT_NAME is the option that says so. */
bool text_check(const char *what, Str text, int64_t limit, const char *limit_name, Err *err) WARN_UNUSED;

/* Does a drop delete its data, does a rename move it? */
bool table_is_managed(const Table *table);
bool table_is_view(const Table *table);

#endif
