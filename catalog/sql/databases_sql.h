/* Statements on catalogs and databases. What locks must be called inside a transaction. */
#ifndef PROPOLIS_CATALOG_SQL_DATABASES_SQL_H
#define PROPOLIS_CATALOG_SQL_DATABASES_SQL_H

#include "catalog/databases.h"
#include "catalog/glob.h"

typedef enum RowLock {
    ROW_READ,   /* none */
    ROW_SHARE,  /* it stays as it is until the transaction ends; others may hold the same */
    ROW_UPDATE, /* ours alone */
} RowLock;

bool catalogs_sql_get(Ctx *ctx, PgConn *conn, Str name, RowLock lock, CatalogInfo *ret, Err *err) WARN_UNUSED;
bool catalogs_sql_list(Ctx *ctx, PgConn *conn, const Page *page, const Glob *glob, CatalogInfos *ret, Err *err) WARN_UNUSED;
/* Fills id, version and times. ERR_ALREADY_EXISTS when somebody was first. */
bool catalogs_sql_insert(Ctx *ctx, PgConn *conn, CatalogInfo *info, Err *err) WARN_UNUSED;
bool catalogs_sql_update(Ctx *ctx, PgConn *conn, CatalogInfo *info, Err *err) WARN_UNUSED; /* bumps version */
/* The first database that stands in the way of a drop, null when none does: all but an empty one called "default". */
bool catalogs_sql_obstacle(Ctx *ctx, PgConn *conn, int64_t id, Str *ret, Err *err) WARN_UNUSED;
bool catalogs_sql_delete(Ctx *ctx, PgConn *conn, int64_t id, Err *err) WARN_UNUSED;
bool catalogs_sql_delete_directory(Ctx *ctx, PgConn *conn, const CatalogInfo *info, Err *err) WARN_UNUSED; /* a job */

bool databases_sql_get(Ctx *ctx, PgConn *conn, Str catalog, Str name, RowLock lock, Database *ret, Err *err) WARN_UNUSED;
bool databases_sql_list(Ctx *ctx, PgConn *conn, Str catalog, const Page *page, const Glob *glob, Databases *ret,
                        Err *err) WARN_UNUSED;
bool databases_sql_insert(Ctx *ctx, PgConn *conn, int64_t catalog_id, Database *database, Err *err) WARN_UNUSED;
bool databases_sql_update(Ctx *ctx, PgConn *conn, Database *database, Err *err) WARN_UNUSED; /* bumps version */
/* To d->name; bumps version. ERR_ALREADY_EXISTS. */
bool databases_sql_rename(Ctx *ctx, PgConn *conn, Database *database, Err *err) WARN_UNUSED;
bool databases_sql_mark_dropped(Ctx *ctx, PgConn *conn, int64_t id, int64_t seq, Err *err) WARN_UNUSED;

typedef struct DatabaseContents {
    bool tables, functions;
} DatabaseContents;
bool databases_sql_contents(Ctx *ctx, PgConn *conn, int64_t id, DatabaseContents *ret, Err *err) WARN_UNUSED;
/* The whole contents in one statement a kind: rows and change rows. */
bool databases_sql_drop_functions(Ctx *ctx, PgConn *conn, const Database *database, Err *err) WARN_UNUSED;
bool databases_sql_drop_tables(Ctx *ctx, PgConn *conn, const Database *database, Err *err) WARN_UNUSED;
bool databases_sql_hold_tables(Ctx *ctx, PgConn *conn, int64_t id, Err *err) WARN_UNUSED; /* the rows of the live ones */
bool databases_sql_delete_directory(Ctx *ctx, PgConn *conn, const Database *database, Err *err) WARN_UNUSED; /* a job */

/* For whatever is created below a database: the row, locked so that it can neither be dropped nor altered until the
 * transaction ends. One round trip. A database that the server made itself counts as used from here on.
 * ERR_CATALOG_NOT_FOUND, ERR_DATABASE_NOT_FOUND. */
bool database_lock_share(Ctx *ctx, PgConn *conn, Str catalog, Str database, Database *ret, Err *err) WARN_UNUSED;

/* The database "default" of a new catalog. QUIET: without an event. Stands in databases.c. */
bool database_create_default(Ctx *ctx, PgConn *conn, const CatalogInfo *catalog, bool quiet, Err *err) WARN_UNUSED;

#endif
