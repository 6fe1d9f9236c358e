/* Statements on locks. Order in which a transaction locks: the advisory locks of databases, rows of acid_txns by id, the
 * lock's own row, acid_counter or acid_tables. */
#ifndef PROPOLIS_CATALOG_SQL_LOCKS_SQL_H
#define PROPOLIS_CATALOG_SQL_LOCKS_SQL_H

#include "catalog/locks.h"

/* Kinds of earlier locks that a component waits for, as bits (1 << LockKind). */
typedef struct LockWaits {
    int16_t database, below; /* on the whole database; on something in it */
} LockWaits;

/* Until the end of the transaction nobody else makes locks on these databases. Sent with the next statement. */
bool locks_sql_serialize(Ctx *ctx, PgConn *conn, StrList databases, Err *err) WARN_UNUSED;
/* Names are folded, "" for all. WAITS: one a component. The lock waits until locks_sql_evaluate() says otherwise. */
bool locks_sql_insert(Ctx *ctx, PgConn *conn, const LockAsk *ask, const LockWaits *waits, int64_t *ret_id, Err *err) WARN_UNUSED;

typedef struct LockLook {
    bool found;
    LockState state;
    int64_t txn;
    int64_t blocked_by, blocked_by_no;
    LockKind blocked_kind, blocking_kind; /* of the component that waits, and of the one it waits for */
} LockLook;

/* Acquires the lock when nothing earlier stands in its way any more. BEATS: counts as a heartbeat. */
bool locks_sql_evaluate(Ctx *ctx, PgConn *conn, int64_t id, bool beats, LockLook *ret, Err *err) WARN_UNUSED;
bool locks_sql_heartbeat(Ctx *ctx, PgConn *conn, int64_t id, bool *ret_found, Err *err) WARN_UNUSED;
/* *ret_txn: the transaction that keeps it from being released, 0 for none. */
bool locks_sql_release(Ctx *ctx, PgConn *conn, int64_t id, int64_t *ret_txn, Err *err) WARN_UNUSED;
bool locks_sql_delete(Ctx *ctx, PgConn *conn, int64_t id, Err *err) WARN_UNUSED;
bool locks_sql_list(Ctx *ctx, PgConn *conn, const LockQuery *query, LockRows *ret, Err *err) WARN_UNUSED;

/* Notes that somebody looks, and tells whether heartbeats could be sent for the whole of the last timeout. */
bool locks_sql_watch(Ctx *ctx, PgConn *conn, int64_t timeout_ms, int64_t gap_ms, bool *ret_heard, Err *err) WARN_UNUSED;
bool locks_sql_expire(Ctx *ctx, PgConn *conn, int64_t timeout_ms, int64_t *ret_removed, Err *err) WARN_UNUSED;

#endif
