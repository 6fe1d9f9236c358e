/* Statements on directory intents. */
#ifndef PROPOLIS_CATALOG_SQL_MOVES_SQL_H
#define PROPOLIS_CATALOG_SQL_MOVES_SQL_H

#include "catalog/moves.h"

/* A rename takes milliseconds; a minute is plenty for a slow disk, and short enough for whoever waits after a crash. */
#define INTENT_LEASE "interval '60 seconds'"

typedef struct Intent {
    int64_t id, table_id;
    Str partition, from, to;
    bool aside;   /* TO is where FROM was set aside: it belongs back, whatever the metadata says */
    Str location; /* what the metadata says now: the table's, or the partition's; null when it is gone */
} Intent;

/* *ret_id 0 when the same thing, its table or a partition of it is being moved already. After table_hold(). */
bool intent_insert(Ctx *ctx, PgConn *conn, int64_t table_id, Str partition, Str from, Str to, int64_t *ret_id,
                   Err *err) WARN_UNUSED;
/* Who moves directories of a table, and who makes sure that none is moved, takes turns by its row. Fewer than given: one was
 * dropped. *ret_version: of the last. */
bool tables_hold(Ctx *ctx, PgConn *conn, const int64_t *ids, size_t count, size_t *ret_held, int64_t *ret_version,
                 Err *err) WARN_UNUSED;
/* ERR_CONFLICT when a directory is on its way to URI, or away from it because what was there is being dropped. After
 * location_lock(). */
bool intent_expect_none(Ctx *ctx, PgConn *conn, Str uri, Err *err) WARN_UNUSED;
/* Only while the lease is ours; ERR_CONFLICT otherwise. */
bool intent_delete(Ctx *ctx, PgConn *conn, int64_t id, Err *err) WARN_UNUSED;
/* Takes one intent whose lease is over, or any other server's when we are ALONE; *ret_found false when there is none. */
bool intent_take_over(Ctx *ctx, PgConn *conn, bool alone, Intent *ret, bool *ret_found, Err *err) WARN_UNUSED;

/* Until the end of the transaction: SHARED by those who make an object at URI, alone by who discards what was there. */
bool location_lock(Ctx *ctx, PgConn *conn, Str uri, bool shared, Err *err) WARN_UNUSED;
bool locations_lock(Ctx *ctx, PgConn *conn, StrList uris, Err *err) WARN_UNUSED; /* alone */

#endif
