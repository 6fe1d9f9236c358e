/* Statements on what a search looks through. */
#ifndef PROPOLIS_CATALOG_SQL_SEARCH_SQL_H
#define PROPOLIS_CATALOG_SQL_SEARCH_SQL_H

#include "catalog/search.h"

/* The numbers, as text, of the databases of that name in CATALOG (null: in any). */
bool search_sql_databases(Ctx *ctx, PgConn *conn, Str catalog, Str database, StrList *ret, Err *err) WARN_UNUSED;
/* Up to LIMIT hits of CONDITION behind (NAME, ID), in that order. The last key that was looked at goes to RET_NAME, RET_ID. */
bool search_sql_page(Ctx *ctx, PgConn *conn, Str condition, Str name, int64_t id, int64_t limit, SearchHit *ret, size_t *ret_count,
                     Err *err) WARN_UNUSED;

#endif
