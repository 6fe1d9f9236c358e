/* Statements on directory intents. */
#ifndef PROPOLIS_CATALOG_SQL_MOVES_SQL_H
#define PROPOLIS_CATALOG_SQL_MOVES_SQL_H

#include "catalog/moves.h"

typedef struct Intent {
    int64_t id, table_id;
    Str partition, from, to;
    Str location; /* what the metadata says now: the table's, or the partition's; null when it is gone */
} Intent;

/* ERR_CONFLICT when the same thing is being moved already. */
bool intent_insert(Ctx *ctx, PgConn *conn, int64_t table_id, Str partition, Str from, Str to, int64_t *ret_id,
                   Err *err) WARN_UNUSED;
/* ERR_CONFLICT when a directory is on its way to URI. After location_lock(). */
bool intent_expect_none(Ctx *ctx, PgConn *conn, Str uri, Err *err) WARN_UNUSED;
/* Only while the lease is ours; ERR_CONFLICT otherwise. */
bool intent_delete(Ctx *ctx, PgConn *conn, int64_t id, Err *err) WARN_UNUSED;
/* Takes one intent whose lease is over, or any other server's when we are ALONE; *ret_found false when there is none. */
bool intent_take_over(Ctx *ctx, PgConn *conn, bool alone, Intent *ret, bool *ret_found, Err *err) WARN_UNUSED;

/* Until the end of the transaction: SHARED by those who make an object at URI, alone by who discards what was there. */
bool location_lock(Ctx *ctx, PgConn *conn, Str uri, bool shared, Err *err) WARN_UNUSED;

#endif
