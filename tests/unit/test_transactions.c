#include "catalog/transactions.h"

#include <pthread.h>

#include "config/config.h"
#include "tests/unit/catalog_bed.h"

static int64_t open_many(Bed *bed, int64_t count) {
    Err err;
    int64_t first = 0;
    TxnOpening how = {.count = count, .user = STR("ann"), .host = STR("h1")};
    assert_ok(txns_open(&bed->ctx, &how, &first, &err));
    return first;
}

static int64_t begin(Bed *bed) { return open_many(bed, 1); }

static void commit(Bed *bed, int64_t id) {
    Err err;
    assert_ok(txn_commit(&bed->ctx, id, &err));
}

static void roll_back(Bed *bed, int64_t id) {
    Err err;
    assert_ok(txn_abort(&bed->ctx, id, &err));
}

static Str picture(Bed *bed) {
    Err err;
    TxnSnapshot snapshot;
    assert_ok(txns_snapshot(&bed->ctx, &snapshot, &err));
    Str text = arena_printf(bed->arena, "%" PRId64 ":", snapshot.high_water);
    for (size_t i = 0; i < snapshot.count; i++) {
        text = arena_printf(bed->arena, "%" STR_FMT " %" PRId64 "%s", STR_ARG(text), snapshot.items[i].id,
                            snapshot.items[i].state == ACID_ABORTED ? "a" : "o");
    }
    return text;
}

static void test_states(void **state) {
    Bed *bed = *state;
    Err err;
    assert_str(picture(bed), "0:");
    assert_int_equal(open_many(bed, 3), 1);
    assert_int_equal(begin(bed), 4);
    assert_str(picture(bed), "4: 1o 2o 3o 4o");
    commit(bed, 2);
    commit(bed, 2);
    roll_back(bed, 3);
    roll_back(bed, 3);
    assert_str(picture(bed), "4: 1o 3a 4o");
    assert_err_says(txn_commit(&bed->ctx, 3, &err), ERR_TXN_ABORTED, "Transaction txnid:3 already aborted");
    assert_err_says(txn_commit(&bed->ctx, 9, &err), ERR_TXN_NOT_FOUND, "No such transaction txnid:9");
    assert_err_says(txn_abort(&bed->ctx, 2, &err), ERR_TXN_NOT_FOUND, "Transaction txnid:2 is already committed");
    assert_err(txn_abort(&bed->ctx, 9, &err), ERR_TXN_NOT_FOUND);
    assert_ok(txn_heartbeat(&bed->ctx, 1, &err));
    assert_err(txn_heartbeat(&bed->ctx, 3, &err), ERR_TXN_ABORTED);
    assert_err(txn_heartbeat(&bed->ctx, 9, &err), ERR_TXN_NOT_FOUND);
    TxnIds aborted, nosuch;
    assert_ok(txns_heartbeat(&bed->ctx, 1, 6, &aborted, &nosuch, &err));
    assert_true(aborted.count == 1 && aborted.items[0] == 3 && nosuch.count == 3 && nosuch.items[0] == 2 && nosuch.items[2] == 6);
    assert_err(txns_heartbeat(&bed->ctx, INT64_MIN, INT64_MAX, &aborted, &nosuch, &err), ERR_LIMIT_EXCEEDED);
    const int64_t ids[] = {4, 77, 1, 2};
    assert_ok(txns_abort(&bed->ctx, ids, 4, &err));
    assert_str(picture(bed), "4: 1a 3a 4a");
    TxnOpening none = {.count = 0}, most = {.count = TXN_BATCH_MOST + 1};
    int64_t first;
    assert_err(txns_open(&bed->ctx, &none, &first, &err), ERR_INVALID_ARGUMENT);
    assert_err(txns_open(&bed->ctx, &most, &first, &err), ERR_INVALID_ARGUMENT);
    assert_err_says(txn_seed(&bed->ctx, 4, &err), ERR_INVALID_ARGUMENT, "highWaterMark is 4");
    assert_ok(txn_seed(&bed->ctx, 100, &err));
    assert_int_equal(begin(bed), 100);
}

/* --- locks of transactions ------------------------------------------------------------------------------------- */

static LockAnswer lock(Bed *bed, int64_t txn, LockKind kind, const char *table, const char *partition, WriteOperation operation) {
    Err err;
    LockComponent c = {
        .kind = kind, .database = STR("d"), .table = str_from(table), .partition = str_from(partition), .operation = operation};
    LockAsk ask = {.items = &c, .count = 1, .txn = txn, .give_up_reads = true};
    LockAnswer answer = {0};
    assert_ok(lock_acquire(&bed->ctx, &ask, &answer, &err));
    return answer;
}

static void test_locks(void **state) {
    Bed *bed = *state;
    Err err;
    int64_t a = begin(bed), b = begin(bed);
    LockAnswer first = lock(bed, a, LOCK_EXCLUSIVE, "t", NULL, WRITE_NONE),
               own = lock(bed, a, LOCK_EXCLUSIVE, "t", NULL, WRITE_NONE),
               other = lock(bed, b, LOCK_SHARED_WRITE, "t", NULL, WRITE_NONE), answer;
    assert_int_equal(own.state, LOCK_ACQUIRED); /* the same transaction is in nobody's way */
    assert_int_equal(other.state, LOCK_WAITING);
    assert_err_says(lock_release(&bed->ctx, first.id, &err), ERR_TXN_OPEN,
                    "Unlocking locks associated with transaction not permitted.");
    LockAnswer read = lock(bed, b, LOCK_SHARED_READ, "t", NULL, WRITE_NONE);
    assert_int_equal(read.state, LOCK_NOT_ACQUIRED);
    assert_str_contains(read.why, "Unable to acquire");
    assert_err(lock_check(&bed->ctx, read.id, &answer, &err), ERR_LOCK_NOT_FOUND);
    commit(bed, a);
    assert_ok(lock_check(&bed->ctx, other.id, &answer, &err));
    assert_int_equal(answer.state, LOCK_ACQUIRED);
    roll_back(bed, b);
    assert_err(lock_check(&bed->ctx, other.id, &answer, &err), ERR_LOCK_NOT_FOUND);
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM locks"), 0);
    LockComponent c = {.kind = LOCK_EXCLUSIVE, .database = STR("d")};
    LockAsk ask = {.items = &c, .count = 1, .txn = b};
    assert_err(lock_acquire(&bed->ctx, &ask, &answer, &err), ERR_TXN_ABORTED);
    ask.txn = 99;
    assert_err(lock_acquire(&bed->ctx, &ask, &answer, &err), ERR_TXN_NOT_FOUND);
}

static void test_timeout(void **state) {
    Bed *bed = *state;
    Err err;
    int64_t quiet = begin(bed), lively = begin(bed);
    lock(bed, quiet, LOCK_EXCLUSIVE, "t", NULL, WRITE_NONE);
    bed_sql(bed, "UPDATE acid_txns SET heartbeat_at = heartbeat_at - interval '301 s'");
    bed_sql(bed, "UPDATE lock_watch SET seen_at = now(), resumed_at = now() - interval '301 s'");
    assert_ok(txn_heartbeat(&bed->ctx, lively, &err));
    assert_ok(locks_expire(&bed->ctx, &err));
    assert_str(picture(bed), "2: 1a 2o");
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM locks"), 0);
}

/* --- conflicts -------------------------------------------------------------------------------------------------- */

static void test_write_conflicts(void **state) {
    Bed *bed = *state;
    Err err;
    int64_t a = begin(bed), b = begin(bed), c = begin(bed), d = begin(bed), latest;
    lock(bed, a, LOCK_SHARED_WRITE, "t", "p=1", WRITE_UPDATE);
    lock(bed, b, LOCK_SHARED_WRITE, "t", "p=1", WRITE_DELETE);
    lock(bed, c, LOCK_SHARED_WRITE, "t", "p=2", WRITE_UPDATE);
    lock(bed, d, LOCK_SHARED_READ, "t", NULL, WRITE_INSERT);
    commit(bed, a);
    assert_ok(txn_latest_conflict(&bed->ctx, b, &latest, &err));
    assert_int_equal(latest, a);
    assert_ok(txn_latest_conflict(&bed->ctx, c, &latest, &err));
    assert_int_equal(latest, 0);
    assert_err_says(txn_commit(&bed->ctx, b, &err), ERR_TXN_ABORTED, "due to a write conflict on d.t/p=1 committed by [txnid:1]");
    assert_str(picture(bed), "4: 2a 3o 4o");
    commit(bed, c);
    commit(bed, d); /* inserts are in nobody's way */
    int64_t e = begin(bed);
    Str names[] = {STR("P=1"), STR("p=2")};
    TableRef table = {.database = STR("D"), .name = STR("T")};
    assert_ok(txn_add_partitions(&bed->ctx, e, table, (StrList){names, 2}, WRITE_DELETE, &err));
    commit(bed, e); /* began after those were committed */
    assert_err(txn_add_partitions(&bed->ctx, b, table, (StrList){names, 2}, WRITE_DELETE, &err), ERR_TXN_ABORTED);
    assert_err(txn_add_partitions(&bed->ctx, 99, table, (StrList){names, 2}, WRITE_DELETE, &err), ERR_TXN_NOT_FOUND);
}

/* --- write ids ---------------------------------------------------------------------------------------------------- */

static const TableRef T = {.database = STR_INIT("d"), .name = STR_INIT("t")};

static Str allocate(Bed *bed, const int64_t *txns, size_t count, bool again) {
    Err err;
    WriteIds ids = {0};
    Str text = STR("");
    assert_ok(write_ids_allocate(&bed->ctx, T, txns, count, again, &ids, &err));
    for (size_t i = 0; i < ids.count; i++) {
        text = arena_printf(bed->arena, "%" STR_FMT " %" PRId64 "=%" PRId64, STR_ARG(text), ids.items[i].txn,
                            ids.items[i].write_id);
    }
    return text;
}

/* "high: invalid... min" */
static Str valid(Bed *bed, const char *view_text, int64_t write_id) {
    Err err;
    TxnView view;
    ValidWriteIds v;
    if (view_text) {
        assert_ok(txn_view_parse(bed->arena, str_from(view_text), &view, &err));
    }
    assert_ok(write_ids_valid(&bed->ctx, T, view_text ? &view : NULL, write_id, &v, &err));
    Str text = arena_printf(bed->arena, "%" PRId64 ":", v.high_water);
    for (size_t i = 0; i < v.count; i++) {
        text = arena_printf(bed->arena, "%" STR_FMT " %" PRId64 "%s", STR_ARG(text), v.invalid[i], v.aborted[i] ? "a" : "o");
    }
    return arena_printf(bed->arena, "%" STR_FMT " min %" PRId64, STR_ARG(text), v.min_open);
}

static void test_write_ids(void **state) {
    Bed *bed = *state;
    Err err;
    int64_t latest;
    assert_int_equal(open_many(bed, 6), 1);
    assert_str(valid(bed, NULL, 0), "0: min 0");
    const int64_t some[] = {5, 2, 2}, all[] = {1, 2, 3, 5}, one[] = {2}, bad[] = {2, 77};
    assert_str(allocate(bed, some, 3, false), " 2=1 5=2");
    assert_str(allocate(bed, all, 4, false), " 1=3 2=1 3=4 5=2");
    assert_str(valid(bed, NULL, 0), "4: 1o 2o 3o 4o min 1");
    commit(bed, 1);
    commit(bed, 2);
    roll_back(bed, 3);
    assert_str(valid(bed, NULL, 0), "4: 2o 4a min 2");
    assert_str(valid(bed, "6:4:4,5,6:3", 0), "4: 2o 4a min 2");
    assert_str(valid(bed, "2:9223372036854775807::", 0), "3: 2o min 2"); /* 5 began later but wrote earlier */
    assert_str(valid(bed, "1:9223372036854775807::", 0), "3: 1o 2o min 1");
    assert_str(valid(bed, "0:9223372036854775807::", 0), "0: min 0");
    assert_str(valid(bed, NULL, 1), "3: 2o min 2"); /* as transaction 2 sees it */
    assert_err(write_ids_allocate(&bed->ctx, T, one, 1, false, &(WriteIds){0}, &err), ERR_TXN_NOT_FOUND);
    assert_err(write_ids_allocate(&bed->ctx, T, bad, 2, false, &(WriteIds){0}, &err), ERR_TXN_NOT_FOUND);
    assert_err(write_ids_allocate(&bed->ctx, T, (const int64_t[]){3}, 1, false, &(WriteIds){0}, &err), ERR_TXN_ABORTED);
    assert_str(allocate(bed, (const int64_t[]){5}, 1, true), " 5=5");
    assert_ok(write_id_seed(&bed->ctx, T, 3, &err));
    assert_ok(write_id_latest(&bed->ctx, T, &latest, &err));
    assert_int_equal(latest, 5);
    assert_ok(write_id_seed(&bed->ctx, T, 50, &err));
    assert_str(allocate(bed, (const int64_t[]){6}, 1, false), " 6=51");
    assert_ok(write_id_latest(&bed->ctx, (TableRef){.database = STR("d"), .name = STR("none")}, &latest, &err));
    assert_int_equal(latest, 0);
    TxnView view;
    assert_err(txn_view_parse(bed->arena, STR("x:1::"), &view, &err), ERR_INVALID_ARGUMENT);
    assert_err(txn_view_parse(bed->arena, STR("1:1:a:"), &view, &err), ERR_INVALID_ARGUMENT);
    assert_err(txn_view_parse(bed->arena, STR("1:1:::"), &view, &err), ERR_INVALID_ARGUMENT);
    assert_err(txn_view_parse(bed->arena, STR(""), &view, &err), ERR_INVALID_ARGUMENT);
}

/* What nobody can ask for any more goes, and what is left says the same. */
static void test_sweep(void **state) {
    Bed *bed = *state;
    Err err;
    int64_t removed;
    assert_int_equal(open_many(bed, 4), 1);
    const int64_t all[] = {1, 2, 3, 4};
    allocate(bed, all, 4, false);
    commit(bed, 1);
    roll_back(bed, 2);
    commit(bed, 3);
    int64_t empty = begin(bed);
    roll_back(bed, empty);
    bed_sql(bed, "UPDATE acid_txns SET heartbeat_at = heartbeat_at - interval '2 hours'");
    assert_ok(txns_sweep(&bed->ctx, &removed, &err));
    assert_int_equal(removed, 0); /* 4 was there before they ended */
    commit(bed, 4);
    int64_t late = begin(bed);
    bed_sql(bed, "UPDATE acid_txns SET heartbeat_at = heartbeat_at - interval '2 hours' WHERE state <> 3");
    assert_ok(txns_sweep(&bed->ctx, &removed, &err));
    assert_int_equal(removed, 4);
    assert_str(picture(bed), "6: 2a 6o");
    assert_str(valid(bed, NULL, 0), "4: 2a min 0");
    assert_int_equal(late, 6);
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM acid_write_ids"), 1);
}

/* --- at once ------------------------------------------------------------------------------------------------------- */

enum { WORKERS = 8, TURNS = 15 };

typedef struct Worker {
    Bed *bed;
    int no, won;
    pthread_t thread;
    bool ok;
    Err err;
} Worker;

/* Updates one of two partitions; who loses against another one tries again in the next turn. */
static bool update_once(Worker *w, Ctx *ctx, int turn) {
    int64_t id;
    TxnOpening how = {.count = 1};
    Str name = (w->no + turn) % 2 ? STR("p=1") : STR("p=2");
    WriteIds ids;
    TxnSnapshot snapshot;
    if (!txns_open(ctx, &how, &id, &w->err) || !write_ids_allocate(ctx, T, &id, 1, false, &ids, &w->err) ||
        !txn_add_partitions(ctx, id, T, (StrList){&name, 1}, WRITE_UPDATE, &w->err) || !txns_snapshot(ctx, &snapshot, &w->err)) {
        return false;
    }
    bool seen = false; /* ours is open, whoever else comes and goes */
    for (size_t i = 0; i < snapshot.count; i++) {
        seen |= snapshot.items[i].id == id && snapshot.items[i].state == ACID_OPEN;
    }
    if (!seen || snapshot.high_water < id) {
        return err_set(&w->err, ERR_INTERNAL, "The snapshot misses transaction %" PRId64, id);
    }
    bool won = txn_commit(ctx, id, &w->err);
    w->won += won;
    return won || w->err.code == ERR_TXN_ABORTED;
}

static void *work(void *arg) {
    Worker *w = arg;
    w->ok = true;
    for (int i = 0; w->ok && i < TURNS; i++) {
        Ctx ctx = bed_ctx(w->bed);
        w->ok = update_once(w, &ctx, i);
        arena_free(ctx.arena);
    }
    return NULL;
}

/* Of two committed updates of one partition, one began after the other had ended. */
static void test_storm(void **state) {
    Bed *bed = *state;
    Worker workers[WORKERS];
    int won = 0;
    for (int i = 0; i < WORKERS; i++) {
        workers[i] = (Worker){.bed = bed, .no = i};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < WORKERS; i++) {
        pthread_join(workers[i].thread, NULL);
        Err err = workers[i].err;
        assert_ok(workers[i].ok);
        won += workers[i].won;
    }
    assert_true(won > 0);
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM acid_txns WHERE state = 1"), won);
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM acid_components a JOIN acid_txns x ON x.id = a.txn_id AND x.state = 1"
                                    " JOIN acid_components b ON b.partition = a.partition AND b.txn_id > a.txn_id"
                                    " JOIN acid_txns y ON y.id = b.txn_id AND y.state = 1 AND y.id <= x.ended_after"
                                    " AND x.id <= y.ended_after"),
                     0);
    assert_int_equal(bed_count(bed, "SELECT count(*) - max(write_id) FROM acid_write_ids"), 0);
    assert_int_equal(bed_count(bed, "SELECT last_txn FROM acid_counter"), WORKERS * TURNS);
    assert_int_equal(bed_count(bed, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        BED_TEST(test_states),    BED_TEST(test_locks), BED_TEST(test_timeout), BED_TEST(test_write_conflicts),
        BED_TEST(test_write_ids), BED_TEST(test_sweep), BED_TEST(test_storm),
    };
    return BED_RUN("transactions", tests);
}
