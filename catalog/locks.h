/* Locks that clients of the Hive Metastore take on databases, tables and partitions, which need not exist. Nothing here blocks:
 * a lock is acquired at once or waits its turn, and its owner asks again. Without heartbeats it is gone after locks.timeout.
 *
 * Fair: a lock waits for every earlier one that conflicts with it, acquired or waiting; later ones never pass it. All of a
 * lock's components are acquired together. Locks make no versions and no changes. */
#ifndef PROPOLIS_CATALOG_LOCKS_H
#define PROPOLIS_CATALOG_LOCKS_H

#include "catalog/ctx.h"

/* The numbers are those of Hive. */
typedef enum LockKind { LOCK_SHARED_READ = 1, LOCK_SHARED_WRITE, LOCK_EXCLUSIVE, LOCK_EXCL_WRITE } LockKind;
typedef enum LockState { LOCK_ACQUIRED = 1, LOCK_WAITING = 2, LOCK_NOT_ACQUIRED = 4 } LockState;
/* What the lock's transaction writes; the numbers are those of Hive. */
typedef enum WriteOperation { WRITE_NONE, WRITE_INSERT = 2, WRITE_UPDATE, WRITE_DELETE } WriteOperation;

typedef struct LockComponent {
    LockKind kind;
    Str catalog, database, table, partition; /* catalog null: the default one; table, partition null: all of it */
    WriteOperation operation;                /* of its transaction */
} LockComponent;

typedef struct LockAsk {
    const LockComponent *items;
    size_t count;
    int64_t txn; /* 0: none */
    Str user, host, agent;
    bool give_up_reads;  /* do not wait where a read meets an exclusive lock, but give up; for transactions only */
    bool give_up_writes; /* nor for what an exclusive write waits for */
} LockAsk;

typedef struct LockAnswer {
    int64_t id;
    LockState state;
    Str why; /* of LOCK_NOT_ACQUIRED: the lock is gone */
} LockAnswer;

bool lock_acquire(Ctx *ctx, const LockAsk *ask, LockAnswer *ret, Err *err) WARN_UNUSED;
/* A heartbeat, and whether the lock's turn has come. ERR_LOCK_NOT_FOUND, and for the lock of a transaction ERR_TXN_NOT_FOUND and
 * ERR_TXN_ABORTED. */
bool lock_check(Ctx *ctx, int64_t id, LockAnswer *ret, Err *err) WARN_UNUSED;
bool lock_heartbeat(Ctx *ctx, int64_t id, Err *err) WARN_UNUSED;
/* Fine when there is no such lock. ERR_TXN_OPEN for an acquired lock of a transaction, which ends with that. */
bool lock_release(Ctx *ctx, int64_t id, Err *err) WARN_UNUSED;

typedef struct LockQuery {
    Str catalog, database, table, partition; /* null: any */
    int64_t txn;                             /* 0: any */
} LockQuery;

/* One component of a lock. */
typedef struct LockRow {
    int64_t id, no;
    int64_t txn; /* 0: none */
    LockKind kind;
    LockState state;
    Str catalog, database, table, partition; /* table, partition null: all of it */
    Str user, host, agent;
    Micros heartbeat_at, acquired_at;
    int32_t heartbeats;
    int64_t blocked_by, blocked_by_no; /* 0: nobody, as of the last check */
} LockRow;

typedef struct LockRows {
    LockRow *items;
    size_t count;
} LockRows;

/* By id and number. */
bool lock_list(Ctx *ctx, const LockQuery *query, LockRows *ret, Err *err) WARN_UNUSED;

/* Removes the locks, and aborts the transactions, whose heartbeats stopped longer than locks.timeout ago. To be called much more
 * often than that: when the calls pause, nobody could be reached, and nothing times out until a timeout after their return. */
bool locks_expire(Ctx *ctx, Err *err) WARN_UNUSED;

/* The names of a component, folded; partition keys too. For what else is kept by such names. */
bool lock_names(const Ctx *ctx, LockComponent *component, Err *err) WARN_UNUSED;

#endif
