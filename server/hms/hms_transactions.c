/* Transactions of ACID tables, and their write ids. */
#include "catalog/transactions.h"
#include "server/hms/convert.h"
#include "server/hms/groups.h"

/* ---- beginning and ending --------------------------------------------------------------------------------------- */

static bool not_replicated(Str policy, Err *err) {
    return str_is_empty(policy) ||
           err_set(err, ERR_NOT_SUPPORTED, "Transactions of a replication policy (%" STR_FMT ") are not kept by this server.",
                   STR_ARG(policy));
}

static bool open_txns(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsOpenTxnRequest *rqst = ((const HmsOpenTxnsArgs *)args)->rqst;
    int64_t first;
    if (!rqst) {
        return err_set(err, ERR_INVALID_ARGUMENT, "Opening transactions needs a request that says how many.");
    }
    const TxnOpening how = {
        .count = rqst->num_txns, .type = rqst->txn_type, .user = rqst->user, .host = rqst->hostname, .agent = rqst->agentInfo};
    if (!not_replicated(rqst->replPolicy, err) || !txns_open(&call->ctx, &how, &first, err)) {
        return false;
    }
    HmsOpenTxnsResponse *out = HMS_NEW(call->arena, HmsOpenTxnsResponse, HMS_STRUCT_OPEN_TXNS_RESPONSE);
    out->txn_ids.items = ARENA_ARRAY(call->arena, int64_t, (size_t)how.count);
    for (int64_t i = 0; i < how.count; i++) {
        out->txn_ids.items[out->txn_ids.count++] = first + i;
    }
    ((HmsOpenTxnsReply *)reply)->success = out;
    return true;
}

static bool abort_txn(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsAbortTxnRequest *rqst = ((const HmsAbortTxnArgs *)args)->rqst;
    if (!rqst) {
        return hms_throw(call, HMS_NO_SUCH_TXN, err, "Aborting needs a request with the id of a transaction.");
    }
    return not_replicated(rqst->replPolicy, err) && txn_abort(&call->ctx, rqst->txnid, err);
}

static bool abort_txns(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsAbortTxnsRequest *rqst = ((const HmsAbortTxnsArgs *)args)->rqst;
    if (!rqst) {
        return hms_throw(call, HMS_NO_SUCH_TXN, err, "Aborting needs a request with the ids of transactions.");
    }
    return txns_abort(&call->ctx, rqst->txn_ids.items, rqst->txn_ids.count, err);
}

/* A key to be set on a table in the same transaction is only sent by Hive's own streaming. */
static bool commit_txn(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsCommitTxnRequest *rqst = ((const HmsCommitTxnArgs *)args)->rqst;
    if (!rqst) {
        return hms_throw(call, HMS_NO_SUCH_TXN, err, "Committing needs a request with the id of a transaction.");
    }
    if (rqst->keyValue || rqst->replLastIdInfo) {
        return err_set(err, ERR_NOT_SUPPORTED,
                       "This server changes no table while it commits a transaction (keyValue, replLastIdInfo).");
    }
    return not_replicated(rqst->replPolicy, err) && txn_commit(&call->ctx, rqst->txnid, err);
}

static bool heartbeat_txn_range(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsHeartbeatTxnRangeRequest none = {1, 0}, *rqst = ((const HmsHeartbeatTxnRangeArgs *)args)->txns;
    TxnIds aborted, nosuch;
    rqst = rqst ? rqst : &none;
    if (!txns_heartbeat(&call->ctx, rqst->min, rqst->max, &aborted, &nosuch, err)) {
        return false;
    }
    HmsHeartbeatTxnRangeResponse *out = HMS_NEW(call->arena, HmsHeartbeatTxnRangeResponse, HMS_STRUCT_HEARTBEAT_TXN_RANGE_RESPONSE);
    out->aborted = (HmsI64Set){aborted.count ? aborted.items : THRIFT_NO_ITEMS, aborted.count};
    out->nosuch = (HmsI64Set){nosuch.count ? nosuch.items : THRIFT_NO_ITEMS, nosuch.count};
    ((HmsHeartbeatTxnRangeReply *)reply)->success = out;
    return true;
}

/* ---- who is there ----------------------------------------------------------------------------------------------- */

/* Java's BitSet: bit i is bit i % 8 of byte i / 8, no zero bytes at the end. */
typedef struct Bits {
    char *bytes;
    size_t len;
} Bits;

static Bits bits_new(Arena *arena, size_t count) { return (Bits){arena_zalloc(arena, count / 8 + 1), 0}; }

static void bits_set(Bits *bits, size_t i) {
    bits->bytes[i / 8] = (char)((unsigned char)bits->bytes[i / 8] | 1u << i % 8);
    bits->len = i / 8 + 1;
}

static bool is_excluded(const HmsI32List *types, const Txn *txn) {
    for (size_t i = 0; i < types->count; i++) {
        if (types->items[i] == txn->type) {
            return true;
        }
    }
    return false;
}

static bool list_open(HmsCall *call, HmsI32List excluded, HmsGetOpenTxnsResponse **ret, Err *err) {
    TxnSnapshot snapshot;
    if (!txns_snapshot(&call->ctx, &snapshot, err)) {
        return false;
    }
    HmsGetOpenTxnsResponse *out = HMS_NEW(call->arena, HmsGetOpenTxnsResponse, HMS_STRUCT_GET_OPEN_TXNS_RESPONSE);
    Bits aborted = bits_new(call->arena, snapshot.count);
    out->txn_high_water_mark = snapshot.high_water;
    out->open_txns.items = snapshot.count ? ARENA_ARRAY(call->arena, int64_t, snapshot.count) : THRIFT_NO_ITEMS;
    for (size_t i = 0; i < snapshot.count; i++) {
        const Txn *txn = &snapshot.items[i];
        if (txn->state == ACID_OPEN && !out->has_min_open_txn) {
            THRIFT_SET(out, min_open_txn, txn->id);
        }
        if (is_excluded(&excluded, txn)) {
            continue;
        }
        if (txn->state == ACID_ABORTED) {
            bits_set(&aborted, out->open_txns.count);
        }
        out->open_txns.items[out->open_txns.count++] = txn->id;
    }
    out->abortedBits = (Str){aborted.bytes, aborted.len};
    *ret = out;
    return true;
}

static bool get_open_txns(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)args;
    return list_open(call, (HmsI32List){0}, &((HmsGetOpenTxnsReply *)reply)->success, err);
}

static bool get_open_txns_req(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGetOpenTxnsRequest *rqst = ((const HmsGetOpenTxnsReqArgs *)args)->getOpenTxnsRequest;
    return list_open(call, rqst ? rqst->excludeTxnTypes : (HmsI32List){0}, &((HmsGetOpenTxnsReqReply *)reply)->success, err);
}

static HmsTxnInfo txn_info(const Txn *txn) {
    HmsTxnInfo info = {
        .id = txn->id, .state = (int32_t)txn->state, .user = txn->user, .hostname = txn->host, .agentInfo = txn->agent};
    THRIFT_SET(&info, heartbeatCount, txn->heartbeats);
    THRIFT_SET(&info, startedTime, txn->started_at / 1000);
    THRIFT_SET(&info, lastHeartbeatTime, txn->heartbeat_at / 1000);
    return info;
}

static bool get_open_txns_info(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)args;
    TxnSnapshot snapshot;
    if (!txns_snapshot(&call->ctx, &snapshot, err)) {
        return false;
    }
    HmsGetOpenTxnsInfoResponse *out = HMS_NEW(call->arena, HmsGetOpenTxnsInfoResponse, HMS_STRUCT_GET_OPEN_TXNS_INFO_RESPONSE);
    out->txn_high_water_mark = snapshot.high_water;
    out->open_txns.items = snapshot.count ? ARENA_ARRAY(call->arena, HmsTxnInfo, snapshot.count) : THRIFT_NO_ITEMS;
    for (size_t i = 0; i < snapshot.count; i++) {
        out->open_txns.items[out->open_txns.count++] = txn_info(&snapshot.items[i]);
    }
    ((HmsGetOpenTxnsInfoReply *)reply)->success = out;
    return true;
}

/* ---- what they write -------------------------------------------------------------------------------------------- */

static bool add_dynamic_partitions(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsAddDynamicPartitions *rqst = ((const HmsAddDynamicPartitionsArgs *)args)->rqst;
    TableRef table;
    if (!rqst) {
        return hms_throw(call, HMS_NO_SUCH_TXN, err, "Adding partitions needs a request with the id of a transaction.");
    }
    /* who does not say what it does may do anything */
    bool said = rqst->operationType >= HMS_DATA_OPERATION_TYPE_INSERT && rqst->operationType <= HMS_DATA_OPERATION_TYPE_DELETE;
    WriteOperation operation = said ? (WriteOperation)rqst->operationType : WRITE_UPDATE;
    return hms_table_ref(call, STR_NULL, rqst->dbname, rqst->tablename, &table, err) &&
           txn_add_partitions(&call->ctx, rqst->txnid, table, rqst->partitionnames, operation, err);
}

static bool get_latest_txnid_in_conflict(HmsCall *call, const void *args, void *reply, Err *err) {
    int64_t id;
    if (!txn_latest_conflict(&call->ctx, ((const HmsGetLatestTxnidInConflictArgs *)args)->txnId, &id, err)) {
        return false;
    }
    THRIFT_SET((HmsGetLatestTxnidInConflictReply *)reply, success, id);
    return true;
}

static bool seed_txn_id(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsSeedTxnIdRequest *rqst = ((const HmsSeedTxnIdArgs *)args)->rqst;
    if (!rqst) {
        return hms_throw(call, HMS_META, err, "Seeding needs a request with the id of a transaction.");
    }
    return txn_seed(&call->ctx, rqst->seedTxnId, err);
}

/* ---- write ids -------------------------------------------------------------------------------------------------- */

static bool allocate_table_write_ids(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsAllocateTableWriteIdsRequest *rqst = ((const HmsAllocateTableWriteIdsArgs *)args)->rqst;
    TableRef table;
    WriteIds ids;
    if (!rqst) {
        return hms_throw(call, HMS_META, err, "Write ids need a request that names a table and transactions.");
    }
    if (rqst->srcTxnToWriteIdList.count || rqst->txnIds.count == 0) {
        return hms_throw(call, HMS_META, err, "Write ids are given to transactions of this server only: name them in txnIds.");
    }
    if (!not_replicated(rqst->replPolicy, err) || !hms_table_ref(call, STR_NULL, rqst->dbName, rqst->tableName, &table, err) ||
        !write_ids_allocate(&call->ctx, table, rqst->txnIds.items, rqst->txnIds.count, rqst->reallocate, &ids, err)) {
        return false;
    }
    HmsAllocateTableWriteIdsResponse *out = HMS_NEW(call->arena, HmsAllocateTableWriteIdsResponse,
                                                    HMS_STRUCT_ALLOCATE_TABLE_WRITE_IDS_RESPONSE);
    out->txnToWriteIds.items = ARENA_ARRAY(call->arena, HmsTxnToWriteId, ids.count);
    for (size_t i = 0; i < ids.count; i++) {
        out->txnToWriteIds.items[out->txnToWriteIds.count++] = (HmsTxnToWriteId){ids.items[i].txn, ids.items[i].write_id};
    }
    ((HmsAllocateTableWriteIdsReply *)reply)->success = out;
    return true;
}

static bool get_max_allocated_table_write_id(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsMaxAllocatedTableWriteIdRequest *rqst = ((const HmsGetMaxAllocatedTableWriteIdArgs *)args)->rqst;
    TableRef table;
    int64_t latest;
    if (!rqst) {
        return hms_throw(call, HMS_META, err, "The newest write id needs a request that names a table.");
    }
    if (!hms_table_ref(call, STR_NULL, rqst->dbName, rqst->tableName, &table, err) ||
        !write_id_latest(&call->ctx, table, &latest, err)) {
        return false;
    }
    HmsMaxAllocatedTableWriteIdResponse *out = HMS_NEW(call->arena, HmsMaxAllocatedTableWriteIdResponse,
                                                       HMS_STRUCT_MAX_ALLOCATED_TABLE_WRITE_ID_RESPONSE);
    out->maxWriteId = latest;
    ((HmsGetMaxAllocatedTableWriteIdReply *)reply)->success = out;
    return true;
}

static bool seed_write_id(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsSeedTableWriteIdsRequest *rqst = ((const HmsSeedWriteIdArgs *)args)->rqst;
    TableRef table;
    if (!rqst) {
        return hms_throw(call, HMS_META, err, "Seeding needs a request that names a table and its write id.");
    }
    return hms_table_ref(call, STR_NULL, rqst->dbName, rqst->tableName, &table, err) &&
           write_id_seed(&call->ctx, table, rqst->seedWriteId, err);
}

/* FULL_NAME is "database.table". */
static bool valid_of(HmsCall *call, Str full_name, const TxnView *view, int64_t write_id, HmsTableValidWriteIds *ret, Err *err) {
    size_t dot = str_find_char(full_name, '.');
    TableRef table;
    ValidWriteIds valid;
    if (dot == SIZE_MAX) {
        return hms_throw(call, HMS_META, err, "%" STR_FMT " is no full name of a table: database.table", STR_ARG(full_name));
    }
    if (!hms_table_ref(call, STR_NULL, str_slice(full_name, 0, dot), str_skip(full_name, dot + 1), &table, err) ||
        !write_ids_valid(&call->ctx, table, view, write_id, &valid, err)) {
        return false;
    }
    Bits aborted = bits_new(call->arena, valid.count);
    for (size_t i = 0; i < valid.count; i++) {
        if (valid.aborted[i]) {
            bits_set(&aborted, i);
        }
    }
    *ret = (HmsTableValidWriteIds){.fullTableName = full_name,
                                   .writeIdHighWaterMark = valid.high_water,
                                   .invalidWriteIds = {valid.count ? valid.invalid : THRIFT_NO_ITEMS, valid.count},
                                   .abortedBits = {aborted.bytes, aborted.len}};
    if (valid.min_open) {
        THRIFT_SET(ret, minOpenWriteId, valid.min_open);
    }
    return true;
}

static bool get_valid_write_ids(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGetValidWriteIdsRequest *rqst = ((const HmsGetValidWriteIdsArgs *)args)->rqst;
    TxnView view;
    if (!rqst) {
        return hms_throw(call, HMS_META, err, "Valid write ids need a request that names tables.");
    }
    bool given = !str_is_empty(rqst->validTxnList);
    if (given && !txn_view_parse(call->arena, rqst->validTxnList, &view, err)) {
        return false;
    }
    size_t n = rqst->fullTableNames.count;
    HmsGetValidWriteIdsResponse *out = HMS_NEW(call->arena, HmsGetValidWriteIdsResponse, HMS_STRUCT_GET_VALID_WRITE_IDS_RESPONSE);
    out->tblValidWriteIds.items = n ? ARENA_ARRAY(call->arena, HmsTableValidWriteIds, n) : THRIFT_NO_ITEMS;
    for (size_t i = 0; i < n; i++) {
        if (!valid_of(call, rqst->fullTableNames.items[i], given ? &view : NULL, MAX(rqst->writeId, (int64_t)0),
                      &out->tblValidWriteIds.items[out->tblValidWriteIds.count++], err) ||
            !arena_check(call->arena, err)) {
            return false;
        }
    }
    ((HmsGetValidWriteIdsReply *)reply)->success = out;
    return true;
}

static const HmsRow ROWS[] = {
    {"open_txns", open_txns, HMS_WRITE, {{0}}},
    {"abort_txn", abort_txn, HMS_WRITE, {{0}}},
    {"abort_txns", abort_txns, HMS_WRITE, {{0}}},
    {"commit_txn", commit_txn, HMS_WRITE, {{0}}},
    {"heartbeat_txn_range", heartbeat_txn_range, HMS_WRITE, {{0}}},
    {"get_open_txns", get_open_txns, HMS_READ, {{0}}},
    {"get_open_txns_req", get_open_txns_req, HMS_READ, {{0}}},
    {"get_open_txns_info", get_open_txns_info, HMS_READ, {{0}}},
    {"add_dynamic_partitions", add_dynamic_partitions, HMS_WRITE, {{0}}},
    {"get_latest_txnid_in_conflict", get_latest_txnid_in_conflict, HMS_READ, {{0}}},
    {"seed_txn_id", seed_txn_id, HMS_WRITE, {{0}}},
    {"allocate_table_write_ids", allocate_table_write_ids, HMS_WRITE, {{0}}},
    {"get_max_allocated_table_write_id", get_max_allocated_table_write_id, HMS_READ, {{0}}},
    {"seed_write_id", seed_write_id, HMS_WRITE, {{0}}},
    {"get_valid_write_ids", get_valid_write_ids, HMS_READ, {{0}}},
};
const HmsGroup hms_group_transactions = HMS_GROUP("transactions", ROWS);
