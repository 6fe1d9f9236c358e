/* The store's promises as statements. */
#ifndef PROPOLIS_CATALOG_SQL_VERIFY_SQL_H
#define PROPOLIS_CATALOG_SQL_VERIFY_SQL_H

#include "catalog/verify.h"

size_t verify_rule_count(void);
bool verify_rule(Ctx *ctx, PgConn *conn, size_t number, VerifyCheck *ret, Err *err) WARN_UNUSED;
/* Every stored definition still hashes to its id. */
bool verify_column_ids(Ctx *ctx, PgConn *conn, VerifyCheck *ret, Err *err) WARN_UNUSED;
bool verify_format_ids(Ctx *ctx, PgConn *conn, VerifyCheck *ret, Err *err) WARN_UNUSED;

#endif
