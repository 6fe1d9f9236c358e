/* Questions to the database about itself. */
#ifndef PROPOLIS_CATALOG_SQL_DOCTOR_SQL_H
#define PROPOLIS_CATALOG_SQL_DOCTOR_SQL_H

#include "catalog/doctor.h"

bool doctor_sql_settings(Ctx *ctx, PgConn *conn, StoreHealth *ret, Err *err) WARN_UNUSED; /* connections, durable */
bool doctor_sql_clock(Ctx *ctx, PgConn *conn, Micros *ret, Err *err) WARN_UNUSED;
bool doctor_sql_unnumbered(Ctx *ctx, PgConn *conn, int64_t *ret, Err *err) WARN_UNUSED;

#endif
