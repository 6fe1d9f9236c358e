#include "catalog/transactions.h"

#include "catalog/scope.h"
#include "catalog/sql/transactions_sql.h"

enum { RANGE_MOST = 100000 };

/* --- beginning ------------------------------------------------------------------------------------------------- */

typedef struct Opening {
    Ctx *ctx;
    TxnOpening how;
    int64_t first;
} Opening;

static bool open_body(PgConn *conn, void *arg, Err *err) {
    Opening *o = arg;
    return txns_sql_open(o->ctx, conn, &o->how, &o->first, err);
}

bool txns_open(Ctx *ctx, const TxnOpening *opening, int64_t *ret_first, Err *err) {
    Opening o = {ctx, *opening, 0};
    if (o.how.count < 1 || o.how.count > TXN_BATCH_MOST) {
        return err_set(err, ERR_INVALID_ARGUMENT, "1 to %d transactions can be opened at once, not %" PRId64 ".", TXN_BATCH_MOST,
                       o.how.count);
    }
    o.how.user = str_is_null(o.how.user) ? STR("") : o.how.user;
    o.how.host = str_is_null(o.how.host) ? STR("") : o.how.host;
    o.how.agent = str_is_null(o.how.agent) ? STR("Unknown") : o.how.agent;
    if (!pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, open_body, &o, err)) {
        return false;
    }
    *ret_first = o.first;
    return true;
}

/* --- ending ---------------------------------------------------------------------------------------------------- */

typedef struct Ending {
    Ctx *ctx;
    int64_t id;
    int64_t with; /* who was faster, 0: nobody */
    Str where;
} Ending;

static bool commit_body(PgConn *conn, void *arg, Err *err) {
    Ending *e = arg;
    Ctx *ctx = e->ctx;
    TxnState state;
    bool writes;
    e->with = 0;
    if (!txns_sql_lock(ctx, conn, e->id, &state, &writes, err)) {
        return false;
    }
    if (state != ACID_OPEN) {
        return state == ACID_COMMITTED || txn_not_open(e->id, state, err);
    }
    if (writes && (!txns_sql_stop_counter(ctx, conn, err) || !txns_sql_conflict(ctx, conn, e->id, &e->with, &e->where, err))) {
        return false;
    }
    return txns_sql_end(ctx, conn, (TxnIds){&e->id, 1}, e->with ? ACID_ABORTED : ACID_COMMITTED, err);
}

bool txn_commit(Ctx *ctx, int64_t id, Err *err) {
    Ending e = {.ctx = ctx, .id = id};
    if (!pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, commit_body, &e, err)) {
        return false;
    }
    return e.with == 0 ||
           err_set(err, ERR_TXN_ABORTED,
                   "Aborting [txnid:%" PRId64 "] due to a write conflict on %" STR_FMT " committed by [txnid:%" PRId64 "]", id,
                   STR_ARG(e.where), e.with);
}

static bool abort_body(PgConn *conn, void *arg, Err *err) {
    Ending *e = arg;
    TxnState state;
    bool writes;
    if (!txns_sql_lock(e->ctx, conn, e->id, &state, &writes, err)) {
        return false;
    }
    if (state != ACID_OPEN) {
        return state == ACID_ABORTED || txn_not_open(e->id, state, err);
    }
    return txns_sql_end(e->ctx, conn, (TxnIds){&e->id, 1}, ACID_ABORTED, err);
}

bool txn_abort(Ctx *ctx, int64_t id, Err *err) {
    Ending e = {.ctx = ctx, .id = id};
    return pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, abort_body, &e, err);
}

typedef struct Aborting {
    Ctx *ctx;
    const int64_t *ids;
    size_t count;
    int64_t timeout_ms;
    int64_t aborted;
} Aborting;

static bool abort_all_body(PgConn *conn, void *arg, Err *err) {
    Aborting *a = arg;
    TxnIds open;
    return txns_sql_lock_open(a->ctx, conn, a->ids, a->count, &open, err) && txns_sql_end(a->ctx, conn, open, ACID_ABORTED, err);
}

bool txns_abort(Ctx *ctx, const int64_t *ids, size_t count, Err *err) {
    Aborting a = {.ctx = ctx, .ids = ids, .count = count};
    return count == 0 || pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, abort_all_body, &a, err);
}

static bool expire_body(PgConn *conn, void *arg, Err *err) {
    Aborting *a = arg;
    TxnIds stale;
    if (!txns_sql_stale(a->ctx, conn, a->timeout_ms, &stale, err)) {
        return false;
    }
    a->aborted = (int64_t)stale.count;
    return txns_sql_end(a->ctx, conn, stale, ACID_ABORTED, err);
}

bool txns_expire(Ctx *ctx, int64_t timeout_ms, int64_t *ret_count, Err *err) {
    Aborting a = {.ctx = ctx, .timeout_ms = timeout_ms};
    if (!pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, expire_body, &a, err)) {
        return false;
    }
    *ret_count = a.aborted;
    return true;
}

bool txns_sweep(Ctx *ctx, int64_t *ret_removed, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    return pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) && txns_sql_sweep(ctx, conn, ret_removed, err);
}

/* --- heartbeats ------------------------------------------------------------------------------------------------ */

bool txn_heartbeat(Ctx *ctx, int64_t id, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    return pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) && txns_sql_heartbeat(ctx, conn, id, err);
}

bool txns_heartbeat(Ctx *ctx, int64_t first, int64_t last, TxnIds *ret_aborted, TxnIds *ret_nosuch, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    if (last >= first && (uint64_t)last - (uint64_t)first >= RANGE_MOST) {
        return err_set(err, ERR_LIMIT_EXCEEDED, "A heartbeat reaches at most %d transactions at once.", RANGE_MOST);
    }
    return pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) &&
           txns_sql_heartbeat_range(ctx, conn, first, last, ret_aborted, ret_nosuch, err);
}

/* --- who is there ---------------------------------------------------------------------------------------------- */

bool txns_snapshot(Ctx *ctx, TxnSnapshot *ret, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    return pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) && txns_sql_snapshot(ctx, conn, ret, err);
}

bool txn_seed(Ctx *ctx, int64_t id, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    int64_t high_water;
    bool done;
    if (!pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) ||
        !txns_sql_seed(ctx, conn, id, &high_water, &done, err)) {
        return false;
    }
    return done ||
           err_set(err, ERR_INVALID_ARGUMENT, "Invalid txnId seed %" PRId64 ", the highWaterMark is %" PRId64, id, high_water);
}

bool txn_latest_conflict(Ctx *ctx, int64_t id, int64_t *ret, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    Str where;
    return pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) && txns_sql_conflict(ctx, conn, id, ret, &where, err);
}

/* --- what they write ------------------------------------------------------------------------------------------- */

static bool fold_table(Ctx *ctx, TableRef *table, Err *err) {
    LockComponent c = {.catalog = table->catalog, .database = table->database, .table = table->name};
    if (!lock_names(ctx, &c, err)) {
        return false;
    }
    *table = (TableRef){c.catalog, c.database, c.table};
    return !str_is_empty(c.table) || err_set(err, ERR_INVALID_ARGUMENT, "Table name cannot be null.");
}

typedef struct Adding {
    Ctx *ctx;
    int64_t id;
    LockComponent *items;
    size_t count;
} Adding;

static bool add_body(PgConn *conn, void *arg, Err *err) {
    Adding *a = arg;
    return txns_sql_hold_open(a->ctx, conn, a->id, err) && txns_sql_add_components(a->ctx, conn, a->id, a->items, a->count, err);
}

bool txn_add_partitions(Ctx *ctx, int64_t id, TableRef table, StrList names, WriteOperation operation, Err *err) {
    Adding a = {ctx, id, ARENA_ARRAY(ctx->arena, LockComponent, names.count), names.count};
    for (size_t i = 0; i < names.count; i++) {
        a.items[i] = (LockComponent){.catalog = table.catalog,
                                     .database = table.database,
                                     .table = table.name,
                                     .partition = names.items[i],
                                     .operation = operation};
        if (!lock_names(ctx, &a.items[i], err) || !arena_check(ctx->arena, err)) {
            return false;
        }
    }
    return pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, add_body, &a, err);
}

/* --- write ids ------------------------------------------------------------------------------------------------- */

static int compare_ids(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* Sorted, each once. */
static TxnIds sorted(Arena *arena, const int64_t *ids, size_t count) {
    TxnIds out = {ARENA_ARRAY(arena, int64_t, MAX(count, (size_t)1)), 0};
    if (count) {
        memcpy(out.items, ids, count * sizeof *ids);
        qsort(out.items, count, sizeof *out.items, compare_ids);
    }
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || out.items[i] != out.items[out.count - 1]) {
            out.items[out.count++] = out.items[i];
        }
    }
    return out;
}

typedef struct Allocating {
    Ctx *ctx;
    TableRef table;
    TxnIds txns;
    bool again;
    WriteIds made;
} Allocating;

static bool allocate_body(PgConn *conn, void *arg, Err *err) {
    Allocating *a = arg;
    return txns_sql_hold_all_open(a->ctx, conn, a->txns.items, a->txns.count, err) &&
           write_ids_sql_allocate(a->ctx, conn, a->table, a->txns.items, a->txns.count, a->again, &a->made, err);
}

bool write_ids_allocate(Ctx *ctx, TableRef table, const int64_t *txns, size_t count, bool again, WriteIds *ret, Err *err) {
    Allocating a = {.ctx = ctx, .table = table, .txns = sorted(ctx->arena, txns, count), .again = again};
    if (!fold_table(ctx, &a.table, err) ||
        !ctx_authorize(ctx, ACTION_ALTER, "table", a.table.catalog, a.table.database, a.table.name, err) ||
        !pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, allocate_body, &a, err)) {
        return false;
    }
    *ret = a.made;
    return true;
}

bool write_id_latest(Ctx *ctx, TableRef table, int64_t *ret, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    return fold_table(ctx, &table, err) && pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) &&
           write_ids_sql_latest(ctx, conn, table, ret, err);
}

bool write_id_seed(Ctx *ctx, TableRef table, int64_t last, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    return fold_table(ctx, &table, err) &&
           ctx_authorize(ctx, ACTION_ALTER, "table", table.catalog, table.database, table.name, err) &&
           pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) && write_ids_sql_seed(ctx, conn, table, last, err);
}

/* --- views ----------------------------------------------------------------------------------------------------- */

static bool bad_view(Str text, Err *err) {
    return err_set(err, ERR_INVALID_ARGUMENT, "\"%" STR_FMT "\" is no list of transactions: high:minimum open:open,...:aborted,...",
                   STR_ARG(str_slice(text, 0, 200)));
}

static bool parse_ids(Arena *arena, Str text, TxnIds *ret) {
    size_t most = 1;
    for (size_t i = 0; i < text.len; i++) {
        most += text.ptr[i] == ',';
    }
    int64_t *ids = ARENA_ARRAY(arena, int64_t, most);
    size_t n = 0;
    Str part;
    while (text.len && str_split(&text, ',', &part)) {
        if (!str_to_i64(part, &ids[n++])) {
            return false;
        }
    }
    *ret = sorted(arena, ids, n);
    return true;
}

bool txn_view_parse(Arena *arena, Str text, TxnView *ret, Err *err) {
    Str rest = text, part[4] = {{0}};
    size_t n = 0;
    while (n < ARRAY_LEN(part) && str_split(&rest, ':', &part[n])) {
        n++;
    }
    TxnView view = {0};
    if (n < 2 || !str_is_null(rest) || !str_to_i64(part[0], &view.high_water) || !parse_ids(arena, part[2], &view.open) ||
        !parse_ids(arena, part[3], &view.aborted)) {
        return bad_view(text, err);
    }
    *ret = view;
    return true;
}

static bool among(TxnIds ids, int64_t id) {
    return ids.count && bsearch(&id, ids.items, ids.count, sizeof id, compare_ids) != NULL;
}

/* As of now, and no further than TXN when that is given; TXN itself counts. */
static bool view_now(Ctx *ctx, PgConn *conn, int64_t txn, TxnView *ret, Err *err) {
    TxnSnapshot snapshot;
    if (!txns_sql_snapshot(ctx, conn, &snapshot, err)) {
        return false;
    }
    TxnView view = {.high_water = txn ? MIN(txn, snapshot.high_water) : snapshot.high_water};
    view.open.items = ARENA_ARRAY(ctx->arena, int64_t, snapshot.count);
    view.aborted.items = ARENA_ARRAY(ctx->arena, int64_t, snapshot.count);
    for (size_t i = 0; i < snapshot.count; i++) {
        const Txn *t = &snapshot.items[i];
        TxnIds *ids = t->state == ACID_ABORTED ? &view.aborted : &view.open;
        if (t->id != txn && t->id <= view.high_water) {
            ids->items[ids->count++] = t->id;
        }
    }
    *ret = view;
    return true;
}

static TxnIds both(Arena *arena, const TxnView *view) {
    size_t n = view->open.count + view->aborted.count;
    TxnIds ids = {ARENA_ARRAY(arena, int64_t, n), 0};
    for (size_t i = 0; i < view->open.count; i++) {
        ids.items[ids.count++] = view->open.items[i];
    }
    for (size_t i = 0; i < view->aborted.count; i++) {
        ids.items[ids.count++] = view->aborted.items[i];
    }
    return ids;
}

/* HIDDEN: those of transactions that VIEW does not see, by write id. The newest ones among them that began after the view was
 * made lower the high-water mark; the rest are exceptions. */
static void judge(Arena *arena, const TxnView *view, int64_t last, const WriteIds *hidden, ValidWriteIds *ret) {
    size_t n = hidden->count;
    *ret = (ValidWriteIds){.high_water = last, .invalid = ARENA_ARRAY(arena, int64_t, n), .aborted = ARENA_ARRAY(arena, bool, n)};
    while (n > 0 && hidden->items[n - 1].write_id == ret->high_water && hidden->items[n - 1].txn > view->high_water) {
        ret->high_water--;
        n--;
    }
    for (size_t i = 0; i < n; i++) {
        WriteId w = hidden->items[i];
        bool aborted = among(view->aborted, w.txn);
        ret->invalid[ret->count] = w.write_id;
        ret->aborted[ret->count++] = aborted;
        ret->min_open = !aborted && !ret->min_open ? w.write_id : ret->min_open;
    }
}

bool write_ids_valid(Ctx *ctx, TableRef table, const TxnView *view, int64_t write_id, ValidWriteIds *ret, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    TxnView now;
    int64_t txn = 0, last;
    WriteIds hidden;
    if (!fold_table(ctx, &table, err) ||
        !ctx_authorize(ctx, ACTION_READ, "table", table.catalog, table.database, table.name, err) ||
        !pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) ||
        (!view && write_id > 0 && !write_ids_sql_txn(ctx, conn, table, write_id, &txn, err)) ||
        (!view && !view_now(ctx, conn, txn, &now, err))) {
        return false;
    }
    view = view ? view : &now;
    if (!write_ids_sql_of(ctx, conn, table, view->high_water, both(ctx->arena, view), &last, &hidden, err)) {
        return false;
    }
    judge(ctx->arena, view, last, &hidden, ret);
    return true;
}
