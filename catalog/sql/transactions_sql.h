/* Statements on ACID transactions. In which order things are locked: locks_sql.h. */
#ifndef PROPOLIS_CATALOG_SQL_TRANSACTIONS_SQL_H
#define PROPOLIS_CATALOG_SQL_TRANSACTIONS_SQL_H

#include "catalog/transactions.h"

/* Why a transaction in STATE (0: there is none) is not the open one it should be. Always false. */
bool txn_not_open(int64_t id, TxnState state, Err *err);
bool txns_sql_open(Ctx *ctx, PgConn *conn, const TxnOpening *opening, int64_t *ret_first, Err *err) WARN_UNUSED;

/* It stays open until the end of our transaction. ERR_TXN_NOT_FOUND, ERR_TXN_ABORTED. */
bool txns_sql_hold_open(Ctx *ctx, PgConn *conn, int64_t id, Err *err) WARN_UNUSED;
/* The same for many, locked in order. */
bool txns_sql_hold_all_open(Ctx *ctx, PgConn *conn, const int64_t *ids, size_t count, Err *err) WARN_UNUSED;
/* To end it. 0 as state: there is none. */
bool txns_sql_lock(Ctx *ctx, PgConn *conn, int64_t id, TxnState *ret, bool *ret_writes, Err *err) WARN_UNUSED;
/* Those of IDS that are open, locked in order. */
bool txns_sql_lock_open(Ctx *ctx, PgConn *conn, const int64_t *ids, size_t count, TxnIds *ret, Err *err) WARN_UNUSED;
/* Locked ones only. Removes their locks. Sent with COMMIT. */
bool txns_sql_end(Ctx *ctx, PgConn *conn, TxnIds ids, TxnState state, Err *err) WARN_UNUSED;
/* No other transaction begins or commits writes until the end of ours. Sent with the next statement. */
bool txns_sql_stop_counter(Ctx *ctx, PgConn *conn, Err *err) WARN_UNUSED;
/* What was committed after ID began and collides with it; 0: nothing. Where: "db.table" or "db.table/partition". */
bool txns_sql_conflict(Ctx *ctx, PgConn *conn, int64_t id, int64_t *ret_with, Str *ret_where, Err *err) WARN_UNUSED;

bool txns_sql_heartbeat(Ctx *ctx, PgConn *conn, int64_t id, Err *err) WARN_UNUSED;
/* The others of the range; those that never were or are committed are NOSUCH. */
bool txns_sql_heartbeat_range(Ctx *ctx, PgConn *conn, int64_t first, int64_t last, TxnIds *ret_aborted, TxnIds *ret_nosuch,
                              Err *err) WARN_UNUSED;
bool txns_sql_snapshot(Ctx *ctx, PgConn *conn, TxnSnapshot *ret, Err *err) WARN_UNUSED;
bool txns_sql_seed(Ctx *ctx, PgConn *conn, int64_t id, int64_t *ret_high_water, bool *ret_done, Err *err) WARN_UNUSED;

/* Those that write; names are folded, "" for all. Sent later. */
bool txns_sql_add_components(Ctx *ctx, PgConn *conn, int64_t id, const LockComponent *items, size_t count, Err *err) WARN_UNUSED;

bool write_ids_sql_allocate(Ctx *ctx, PgConn *conn, TableRef table, const int64_t *txns, size_t count, bool again, WriteIds *ret,
                            Err *err) WARN_UNUSED;
bool write_ids_sql_latest(Ctx *ctx, PgConn *conn, TableRef table, int64_t *ret, Err *err) WARN_UNUSED;
bool write_ids_sql_seed(Ctx *ctx, PgConn *conn, TableRef table, int64_t last, Err *err) WARN_UNUSED;
/* The transaction of a write id; 0: nobody knows. */
bool write_ids_sql_txn(Ctx *ctx, PgConn *conn, TableRef table, int64_t write_id, int64_t *ret, Err *err) WARN_UNUSED;
/* The newest write id, and those of transactions that are among TXNS or above HIGH_WATER, by write id. */
bool write_ids_sql_of(Ctx *ctx, PgConn *conn, TableRef table, int64_t high_water, TxnIds txns, int64_t *ret_last, WriteIds *ret,
                      Err *err) WARN_UNUSED;

/* What is known of a table by its name follows it to the new one; of all tables of a database when the names of tables are null.
 * Sent later. */
bool acid_sql_rename(Ctx *ctx, PgConn *conn, TableRef from, TableRef to, Err *err) WARN_UNUSED;

bool txns_sql_stale(Ctx *ctx, PgConn *conn, int64_t timeout_ms, TxnIds *ret, Err *err) WARN_UNUSED; /* locks them */
bool txns_sql_sweep(Ctx *ctx, PgConn *conn, int64_t *ret_removed, Err *err) WARN_UNUSED;

#endif
