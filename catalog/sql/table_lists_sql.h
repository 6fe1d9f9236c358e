/* Statements that list tables without reading all of them. */
#ifndef PROPOLIS_CATALOG_SQL_TABLE_LISTS_SQL_H
#define PROPOLIS_CATALOG_SQL_TABLE_LISTS_SQL_H

#include "catalog/filter.h"
#include "catalog/glob.h"
#include "catalog/table_lists.h"

/* QUERY's types, rewritable and limit count; the rest is in DATABASES and GLOB. */
bool table_lists_sql_metas(Ctx *ctx, PgConn *conn, const Databases *databases, const TableMetaQuery *query, const Glob *glob,
                           TableMetas *ret, Err *err) WARN_UNUSED;
/* FILTER is bound to table fields. */
bool table_lists_sql_filtered(Ctx *ctx, PgConn *conn, int64_t database_id, const Filter *filter, int64_t limit, StrList *ret,
                              Err *err) WARN_UNUSED;

#endif
