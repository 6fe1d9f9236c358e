/* Statements about versions of tables. */
#ifndef PROPOLIS_CATALOG_SQL_VERSIONS_SQL_H
#define PROPOLIS_CATALOG_SQL_VERSIONS_SQL_H

#include "catalog/versions.h"

bool version_rows_list(Ctx *ctx, PgConn *conn, int64_t table_id, const VersionQuery *query, TableVersions *ret,
                       Err *err) WARN_UNUSED;
/* The whole version: who made it and the table as it was. TABLE gives what is not part of a version (names, creation). */
bool version_row_get(Ctx *ctx, PgConn *conn, const Table *table, int64_t version, TableVersion *ret, Err *err) WARN_UNUSED;
/* Whether the first change of OLD's location after it was a rename. */
bool version_row_moved(Ctx *ctx, PgConn *conn, const Table *old, bool *ret, Err *err) WARN_UNUSED;
/* Which incarnation of the name lived at that time, and its version then; *ret_found false when none did. */
bool version_row_as_of(Ctx *ctx, PgConn *conn, TableRef folded, Micros at, int64_t *ret_table, int64_t *ret_version,
                       bool *ret_found, Err *err) WARN_UNUSED;

#endif
