/* Transactions of Hive's ACID tables: who is open, what was aborted, which write ids of a table count. The data itself is the
 * clients' business, and nothing is ever compacted here. Without heartbeats an open transaction is aborted after locks.timeout
 * (locks_expire()). They make no versions and no changes. */
#ifndef PROPOLIS_CATALOG_TRANSACTIONS_H
#define PROPOLIS_CATALOG_TRANSACTIONS_H

#include "catalog/locks.h"
#include "catalog/model.h"

/* The numbers are those of Hive. */
typedef enum TxnState { ACID_COMMITTED = 1, ACID_ABORTED, ACID_OPEN } TxnState;

typedef struct TxnOpening {
    int64_t count; /* 1 to TXN_BATCH_MOST */
    int32_t type;  /* Hive's TxnType, only kept */
    Str user, host, agent;
} TxnOpening;
enum { TXN_BATCH_MOST = 1000 };

/* COUNT ids from *ret_first on. */
bool txns_open(Ctx *ctx, const TxnOpening *opening, int64_t *ret_first, Err *err) WARN_UNUSED;
/* With its locks. Fine when it is committed already. ERR_TXN_ABORTED, also when it updates or deletes what another one updated
 * or deleted after it began: then it is aborted here. ERR_TXN_NOT_FOUND. */
bool txn_commit(Ctx *ctx, int64_t id, Err *err) WARN_UNUSED;
/* With its locks. Fine when it is aborted already; ERR_TXN_NOT_FOUND, for a committed one, too. */
bool txn_abort(Ctx *ctx, int64_t id, Err *err) WARN_UNUSED;
bool txns_abort(Ctx *ctx, const int64_t *ids, size_t count, Err *err) WARN_UNUSED; /* those of them that are open */
/* ERR_TXN_NOT_FOUND, ERR_TXN_ABORTED. */
bool txn_heartbeat(Ctx *ctx, int64_t id, Err *err) WARN_UNUSED;

typedef struct TxnIds {
    int64_t *items;
    size_t count;
} TxnIds;
/* Heartbeats for the open ones from FIRST to LAST. */
bool txns_heartbeat(Ctx *ctx, int64_t first, int64_t last, TxnIds *ret_aborted, TxnIds *ret_nosuch, Err *err) WARN_UNUSED;

typedef struct Txn {
    int64_t id;
    TxnState state;
    int32_t type;
    Str user, host, agent;
    Micros started_at, heartbeat_at;
    int32_t heartbeats;
} Txn;

/* All that do not count: open and aborted ones, by id. What is not here and not above HIGH_WATER is committed. */
typedef struct TxnSnapshot {
    int64_t high_water;
    Txn *items;
    size_t count;
} TxnSnapshot;
bool txns_snapshot(Ctx *ctx, TxnSnapshot *ret, Err *err) WARN_UNUSED;

/* What the transaction writes, besides what its locks say. NAMES: of partitions. ERR_TXN_NOT_FOUND, ERR_TXN_ABORTED. */
bool txn_add_partitions(Ctx *ctx, int64_t id, TableRef table, StrList names, WriteOperation operation, Err *err) WARN_UNUSED;
/* The newest transaction that updated or deleted, after this one began, what this one updates or deletes; 0: none. */
bool txn_latest_conflict(Ctx *ctx, int64_t id, int64_t *ret, Err *err) WARN_UNUSED;
/* The next transaction gets this id. ERR_INVALID_ARGUMENT when it was given already. */
bool txn_seed(Ctx *ctx, int64_t id, Err *err) WARN_UNUSED;

/* --- write ids: each table counts its own, from 1 ------------------------------------------------------------------ */

typedef struct WriteId {
    int64_t txn, write_id;
} WriteId;
typedef struct WriteIds {
    WriteId *items;
    size_t count;
} WriteIds;

/* One each of these transactions, which must be open; the one it has already, unless AGAIN. By transaction. */
bool write_ids_allocate(Ctx *ctx, TableRef table, const int64_t *txns, size_t count, bool again, WriteIds *ret,
                        Err *err) WARN_UNUSED;
bool write_id_latest(Ctx *ctx, TableRef table, int64_t *ret, Err *err) WARN_UNUSED; /* 0: none */
/* The next one is above LAST. */
bool write_id_seed(Ctx *ctx, TableRef table, int64_t last, Err *err) WARN_UNUSED;

/* What a reader sees: every transaction up to high_water but these, which are sorted. */
typedef struct TxnView {
    int64_t high_water;
    TxnIds open, aborted;
} TxnView;
/* Hive's text form: "high:minimum open:open,open:aborted,aborted". ERR_INVALID_ARGUMENT. */
bool txn_view_parse(Arena *arena, Str text, TxnView *ret, Err *err) WARN_UNUSED;

typedef struct ValidWriteIds {
    int64_t high_water;
    int64_t min_open; /* 0: none is open */
    int64_t *invalid; /* up to high_water, in order */
    bool *aborted;    /* one each of them */
    size_t count;
} ValidWriteIds;
/* VIEW NULL: everything committed now. WRITE_ID > 0: as its transaction sees it. */
bool write_ids_valid(Ctx *ctx, TableRef table, const TxnView *view, int64_t write_id, ValidWriteIds *ret, Err *err) WARN_UNUSED;

/* A step of locks_expire(): aborts some of those whose heartbeats stopped, and tells how many. */
bool txns_expire(Ctx *ctx, int64_t timeout_ms, int64_t *ret_count, Err *err) WARN_UNUSED;
/* Forgets ended transactions that nobody can ask for any more. */
bool txns_sweep(Ctx *ctx, int64_t *ret_removed, Err *err) WARN_UNUSED;

#endif
