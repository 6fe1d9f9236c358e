/* Statements on functions. */
#ifndef PROPOLIS_CATALOG_SQL_FUNCTIONS_SQL_H
#define PROPOLIS_CATALOG_SQL_FUNCTIONS_SQL_H

#include "catalog/functions.h"

bool functions_sql_list(Ctx *ctx, PgConn *conn, const FunctionQuery *query, Functions *ret, Err *err) WARN_UNUSED;
/* The names are folded and complete. ERR_FUNCTION_NOT_FOUND and what databases_sql_get() says. */
bool functions_sql_get(Ctx *ctx, PgConn *conn, FunctionRef ref, bool for_update, Function *ret, Err *err) WARN_UNUSED;
bool functions_sql_insert(Ctx *ctx, PgConn *conn, int64_t database_id, Function *function, Err *err) WARN_UNUSED;
/* Bumps version. ERR_ALREADY_EXISTS when the new name is taken. */
bool functions_sql_update(Ctx *ctx, PgConn *conn, int64_t database_id, Function *function, Err *err) WARN_UNUSED;
bool functions_sql_delete(Ctx *ctx, PgConn *conn, int64_t id, Err *err) WARN_UNUSED; /* with its tags */

#endif
