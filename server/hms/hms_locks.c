/* Locks. Many of these methods declare few exceptions, so what is wrong with a request comes out as the nearest of them. */
#include "catalog/locks.h"
#include "catalog/transactions.h"
#include "server/hms/convert.h"
#include "server/hms/groups.h"

/* What the lock's transaction writes; old clients do not say whether the table is transactional. Writes to partitions that nobody
 * knows yet are announced by add_dynamic_partitions(). */
static WriteOperation operation_of(const HmsLockComponent *c) {
    bool writes = c->operationType >= HMS_DATA_OPERATION_TYPE_INSERT && c->operationType <= HMS_DATA_OPERATION_TYPE_DELETE;
    bool acid = c->isTransactional || !c->has_isTransactional;
    return writes && acid && !c->isDynamicPartitionWrite ? (WriteOperation)c->operationType : WRITE_NONE;
}

/* Newer clients always send the default as catalog, also beside a name with another one in it. */
static Str catalog_beside(Str catalog, Str database) { return str_starts(database, STR("@")) ? STR_NULL : catalog; }

static bool read_component(HmsCall *call, const HmsLockComponent *c, LockComponent *ret, Err *err) {
    *ret = (LockComponent){
        .kind = (LockKind)c->type, .table = c->tablename, .partition = c->partitionname, .operation = operation_of(c)};
    return hms_database_name(call, catalog_beside(c->catName, c->dbname), c->dbname, &ret->catalog, &ret->database, err);
}

static HmsLockResponse *answer_of(HmsCall *call, const LockAnswer *answer) {
    HmsLockResponse *out = HMS_NEW(call->arena, HmsLockResponse, HMS_STRUCT_LOCK_RESPONSE);
    out->lockid = answer->id;
    out->state = (int32_t)answer->state;
    out->errorMessage = answer->why;
    return out;
}

static bool lock(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsLockRequest *rqst = ((const HmsLockArgs *)args)->rqst;
    if (!rqst) {
        return hms_throw(call, HMS_NO_SUCH_TXN, err, "A lock needs a request that says what to lock.");
    }
    LockComponent *items = ARENA_ARRAY(call->arena, LockComponent, rqst->component.count);
    for (size_t i = 0; i < rqst->component.count; i++) {
        if (!read_component(call, &rqst->component.items[i], &items[i], err)) {
            return false;
        }
    }
    const LockAsk ask = {.items = items,
                         .count = rqst->component.count,
                         .txn = rqst->txnid > 0 ? rqst->txnid : 0,
                         .user = rqst->user,
                         .host = rqst->hostname,
                         .agent = rqst->agentInfo,
                         .give_up_reads = rqst->zeroWaitReadEnabled,
                         .give_up_writes = rqst->exclusiveCTAS};
    LockAnswer answer;
    if (!lock_acquire(&call->ctx, &ask, &answer, err)) {
        return false;
    }
    ((HmsLockReply *)reply)->success = answer_of(call, &answer);
    return true;
}

static bool check_lock(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsCheckLockRequest *rqst = ((const HmsCheckLockArgs *)args)->rqst;
    LockAnswer answer;
    if (!rqst) {
        return hms_throw(call, HMS_NO_SUCH_LOCK, err, "Checking a lock needs a request with its id.");
    }
    if (!lock_check(&call->ctx, rqst->lockid, &answer, err)) {
        return false;
    }
    ((HmsCheckLockReply *)reply)->success = answer_of(call, &answer);
    return true;
}

static bool unlock(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsUnlockRequest *rqst = ((const HmsUnlockArgs *)args)->rqst;
    if (!rqst) {
        return hms_throw(call, HMS_NO_SUCH_LOCK, err, "Unlocking needs a request with the id of the lock.");
    }
    return lock_release(&call->ctx, rqst->lockid, err);
}

static bool heartbeat(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsHeartbeatRequest *ids = ((const HmsHeartbeatArgs *)args)->ids;
    if (!ids) {
        return hms_throw(call, HMS_NO_SUCH_LOCK, err, "A heartbeat needs a request with the id of a lock or a transaction.");
    }
    return (ids->lockid == 0 || lock_heartbeat(&call->ctx, ids->lockid, err)) &&
           (ids->txnid == 0 || txn_heartbeat(&call->ctx, ids->txnid, err));
}

/* ---- listing ---------------------------------------------------------------------------------------------------- */

static int64_t millis(Micros t) { return t == MICROS_NONE ? 0 : t / 1000; }

static HmsShowLocksResponseElement element_of(const LockRow *row) {
    HmsShowLocksResponseElement e = {
        .lockid = row->id,
        .dbname = row->database,
        .tablename = row->table,
        .partname = row->partition,
        .state = (int32_t)row->state,
        .type = (int32_t)row->kind,
        .lastheartbeat = millis(row->heartbeat_at),
        .user = row->user,
        .hostname = row->host,
        .agentInfo = row->agent,
        .catname = row->catalog,
    };
    THRIFT_SET(&e, txnid, row->txn);
    THRIFT_SET(&e, heartbeatCount, row->heartbeats);
    THRIFT_SET(&e, lockIdInternal, row->no);
    if (row->state == LOCK_ACQUIRED) {
        THRIFT_SET(&e, acquiredat, millis(row->acquired_at));
    }
    if (row->blocked_by) {
        THRIFT_SET(&e, blockedByExtId, row->blocked_by);
        THRIFT_SET(&e, blockedByIntId, row->blocked_by_no);
    }
    return e;
}

/* Without a database, those of all catalogs. */
static bool query_of(HmsCall *call, const HmsShowLocksRequest *rqst, LockQuery *ret, Err *err) {
    *ret = (LockQuery){.table = rqst->tablename, .partition = rqst->partname, .txn = MAX(rqst->txnid, (int64_t)0)};
    return str_is_null(rqst->dbname) ||
           hms_database_name(call, catalog_beside(rqst->catname, rqst->dbname), rqst->dbname, &ret->catalog, &ret->database, err);
}

static bool show_locks(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsShowLocksRequest none = {.isExtended = false}, *rqst = ((const HmsShowLocksArgs *)args)->rqst;
    LockQuery query;
    LockRows rows;
    if (!query_of(call, rqst ? rqst : &none, &query, err) || !lock_list(&call->ctx, &query, &rows, err)) {
        return false;
    }
    HmsShowLocksResponse *out = HMS_NEW(call->arena, HmsShowLocksResponse, HMS_STRUCT_SHOW_LOCKS_RESPONSE);
    out->locks.items = rows.count ? ARENA_ARRAY(call->arena, HmsShowLocksResponseElement, rows.count) : THRIFT_NO_ITEMS;
    for (size_t i = 0; i < rows.count; i++) {
        out->locks.items[out->locks.count++] = element_of(&rows.items[i]);
    }
    ((HmsShowLocksReply *)reply)->success = out;
    return true;
}

static const HmsRow ROWS[] = {
    {"lock", lock, HMS_WRITE, {{0}}},           {"check_lock", check_lock, HMS_WRITE, {{0}}}, {"unlock", unlock, HMS_WRITE, {{0}}},
    {"heartbeat", heartbeat, HMS_WRITE, {{0}}}, {"show_locks", show_locks, HMS_READ, {{0}}},
};
const HmsGroup hms_group_locks = HMS_GROUP("locks", ROWS);
