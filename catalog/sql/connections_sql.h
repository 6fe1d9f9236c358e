/* Statements on connections. The sealed secrets go in and out as they are. */
#ifndef PROPOLIS_CATALOG_SQL_CONNECTIONS_SQL_H
#define PROPOLIS_CATALOG_SQL_CONNECTIONS_SQL_H

#include "catalog/connections.h"
#include "catalog/glob.h"

typedef struct ConnectionRow {
    Connection connection; /* without secrets */
    Str sealed;            /* null: none */
} ConnectionRow;

bool connections_sql_get(Ctx *ctx, PgConn *conn, Str catalog, Str name, bool for_update, ConnectionRow *ret, Err *err) WARN_UNUSED;
bool connections_sql_list(Ctx *ctx, PgConn *conn, Str catalog, const ConnectionQuery *query, const Glob *glob, ConnectionRow **ret,
                          size_t *ret_count, bool *ret_more, Err *err) WARN_UNUSED;
/* Fills id, version, times. Secrets follow with connections_sql_seal(), because they are bound to the id. */
bool connections_sql_insert(Ctx *ctx, PgConn *conn, Connection *connection, Err *err) WARN_UNUSED;
bool connections_sql_update(Ctx *ctx, PgConn *conn, Connection *connection, Err *err) WARN_UNUSED; /* bumps version */
bool connections_sql_seal(Ctx *ctx, PgConn *conn, int64_t id, Str sealed, Err *err) WARN_UNUSED;
/* Of one connection, locked; null when there are none or it is gone. */
bool connections_sql_sealed(Ctx *ctx, PgConn *conn, int64_t id, Str *ret_sealed, Err *err) WARN_UNUSED;
/* The first connection after AFTER whose sealed text begins with one of MARKS; 0: no more. */
bool connections_sql_sealed_under(Ctx *ctx, PgConn *conn, StrList marks, int64_t after, int64_t *ret_id, Err *err) WARN_UNUSED;
/* For each key the smallest secrets under it, and how many connections have theirs there; of so many keys at most. */
enum { SEALED_KEYS_MAX = 32 };
typedef struct SealedSample {
    int64_t id, connections;
    Str sealed;
} SealedSample;
bool connections_sql_sealed_samples(Ctx *ctx, PgConn *conn, SealedSample **ret, size_t *ret_count, Err *err) WARN_UNUSED;
bool connections_sql_status(Ctx *ctx, PgConn *conn, int64_t id, Str status, Str reason, Err *err) WARN_UNUSED;
bool connections_sql_delete(Ctx *ctx, PgConn *conn, int64_t id, Err *err) WARN_UNUSED; /* with its tags */

#endif
