/* Statements on things. */
#ifndef PROPOLIS_CATALOG_SQL_THINGS_SQL_H
#define PROPOLIS_CATALOG_SQL_THINGS_SQL_H

#include "catalog/things.h"

/* A body as it is stored. */
bool things_sql_get(Ctx *ctx, PgConn *conn, const char *kind, Str key, bool *ret_found, Thing *ret, Err *err) WARN_UNUSED;
bool things_sql_list(Ctx *ctx, PgConn *conn, const char *kind, Str prefix, ThingList *ret, Err *err) WARN_UNUSED;
bool things_sql_lock(PgConn *conn, Err *err) WARN_UNUSED; /* keeps others from changing any */
/* REPLACE: *ret_number is that of the one there was; else 0 when there was one. *ret_new: there was none. */
bool things_sql_put(Ctx *ctx, PgConn *conn, const ThingKind *kind, Str key, Str body, bool replace, int64_t *ret_number,
                    bool *ret_new, Err *err) WARN_UNUSED;
/* *ret_number: 0: there was none. */
bool things_sql_delete(Ctx *ctx, PgConn *conn, const char *kind, Str key, int64_t *ret_number, Err *err) WARN_UNUSED;
bool things_sql_delete_below(Ctx *ctx, PgConn *conn, const char *kind, Str prefix, Err *err) WARN_UNUSED;
/* The database was dropped (NEW_NAME null) or renamed. */
bool things_sql_follow_database(Ctx *ctx, PgConn *conn, Str catalog, Str name, Str new_name, Err *err) WARN_UNUSED;
bool things_sql_forget(Ctx *ctx, PgConn *conn, const char *kind, int64_t seconds, Err *err) WARN_UNUSED;
bool things_sql_number(Ctx *ctx, PgConn *conn, int64_t *ret, Err *err) WARN_UNUSED;

#endif
