#include "catalog/locks.h"

#include <pthread.h>
#include <time.h>

#include "config/config.h"
#include "tests/unit/catalog_bed.h"

#define R LOCK_SHARED_READ
#define W LOCK_SHARED_WRITE
#define X LOCK_EXCLUSIVE
#define XW LOCK_EXCL_WRITE

static LockComponent on(LockKind kind, const char *database, const char *table, const char *partition) {
    return (LockComponent){
        .kind = kind, .database = str_from(database), .table = str_from(table), .partition = str_from(partition)};
}

static LockAnswer take_many(Bed *bed, const LockComponent *items, size_t count, int64_t txn) {
    Err err;
    LockAsk ask = {.items = items, .count = count, .txn = txn, .user = STR("ann"), .host = STR("h1"), .agent = STR("test-1")};
    LockAnswer answer = {0};
    assert_ok(lock_acquire(&bed->ctx, &ask, &answer, &err));
    return answer;
}

static LockAnswer take(Bed *bed, LockComponent c) { return take_many(bed, &c, 1, 0); }

static LockState check(Bed *bed, int64_t id) {
    Err err;
    LockAnswer answer = {0};
    assert_ok(lock_check(&bed->ctx, id, &answer, &err));
    assert_int_equal(answer.id, id);
    return answer.state;
}

static void release(Bed *bed, int64_t id) {
    Err err;
    assert_ok(lock_release(&bed->ctx, id, &err));
}

/* --- who waits for whom ---------------------------------------------------------------------------------------- */

/* The state of LATER behind EARLIER. Each time in databases of its own, so that nothing needs to be released. */
static LockState behind(Bed *bed, LockComponent later, LockComponent earlier) {
    static int no;
    no++;
    later.database = arena_printf(bed->arena, "%" STR_FMT "%d", STR_ARG(later.database), no);
    earlier.database = arena_printf(bed->arena, "%" STR_FMT "%d", STR_ARG(earlier.database), no);
    assert_int_equal(take(bed, earlier).state, LOCK_ACQUIRED);
    return take(bed, later).state;
}

static void test_matrix(void **state) {
    Bed *bed = *state;
    static const LockKind KINDS[] = {R, W, XW, X};
    static const char *const WAITS[] = {"...w", "..ww", ".www", "wwww"}; /* a row for the later one */
    for (size_t later = 0; later < 4; later++) {
        for (size_t earlier = 0; earlier < 4; earlier++) {
            LockState expected = WAITS[later][earlier] == 'w' ? LOCK_WAITING : LOCK_ACQUIRED;
            LockComponent a = on(KINDS[later], "d", "t", NULL), b = on(KINDS[earlier], "D", " T", NULL);
            assert_int_equal(behind(bed, a, b), expected);
            a = on(KINDS[later], "d", NULL, NULL);
            b = on(KINDS[earlier], "d", "", NULL);
            assert_int_equal(behind(bed, a, b), expected);
            assert_int_equal(behind(bed, on(KINDS[later], "d", "t", "k=1"), on(KINDS[earlier], "d", "t", "K=1")), expected);
            assert_int_equal(behind(bed, on(KINDS[later], "d", "t", "k=1"), on(KINDS[earlier], "d", "t", NULL)), expected);
            assert_int_equal(behind(bed, on(KINDS[later], "d", "t", NULL), on(KINDS[earlier], "d", "t", "k=1")), expected);
            assert_int_equal(behind(bed, on(KINDS[later], "d", "t", "k=1"), on(KINDS[earlier], "d", "t", "k=2")), LOCK_ACQUIRED);
            assert_int_equal(behind(bed, on(KINDS[later], "d", "t", NULL), on(KINDS[earlier], "d", "u", NULL)), LOCK_ACQUIRED);
            assert_int_equal(behind(bed, on(KINDS[later], "d", "t", NULL), on(KINDS[earlier], "e", "t", NULL)), LOCK_ACQUIRED);
            bool use = KINDS[later] == R && KINDS[earlier] == X; /* of a database, while a table in it goes */
            assert_int_equal(behind(bed, on(KINDS[later], "d", NULL, NULL), on(KINDS[earlier], "d", "t", NULL)),
                             use ? LOCK_ACQUIRED : expected);
            use = KINDS[later] == X && KINDS[earlier] == R;
            assert_int_equal(behind(bed, on(KINDS[later], "d", "t", NULL), on(KINDS[earlier], "d", NULL, NULL)),
                             use ? LOCK_ACQUIRED : expected);
        }
    }
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM lock_components"), bed_count(bed, "SELECT count(*) FROM locks"));
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM changes WHERE kind NOT IN ('catalog', 'database')"), 0);
}

static void test_catalogs_are_apart(void **state) {
    Bed *bed = *state;
    LockComponent a = on(X, "d", "t", NULL), b = a;
    b.catalog = STR("other");
    assert_int_equal(behind(bed, a, b), LOCK_ACQUIRED);
    b.catalog = STR("HIVE");
    assert_int_equal(behind(bed, a, b), LOCK_WAITING);
}

/* Nobody passes who waits. */
static void test_fair(void **state) {
    Bed *bed = *state;
    LockAnswer reader = take(bed, on(R, "d", "t", NULL)), writer = take(bed, on(X, "d", "t", NULL)),
               late = take(bed, on(R, "d", "t", NULL)), last = take(bed, on(X, "d", NULL, NULL));
    assert_int_equal(reader.state, LOCK_ACQUIRED);
    assert_int_equal(writer.state, LOCK_WAITING);
    assert_int_equal(late.state, LOCK_WAITING);
    assert_int_equal(last.state, LOCK_WAITING);
    assert_true(reader.id < writer.id && writer.id < late.id && late.id < last.id);
    assert_int_equal(check(bed, late.id), LOCK_WAITING);
    release(bed, reader.id);
    assert_int_equal(check(bed, last.id), LOCK_WAITING);
    assert_int_equal(check(bed, late.id), LOCK_WAITING);
    assert_int_equal(check(bed, writer.id), LOCK_ACQUIRED);
    assert_int_equal(check(bed, writer.id), LOCK_ACQUIRED);
    assert_int_equal(check(bed, late.id), LOCK_WAITING);
    release(bed, late.id); /* gives up */
    assert_int_equal(check(bed, last.id), LOCK_WAITING);
    release(bed, writer.id);
    assert_int_equal(check(bed, last.id), LOCK_ACQUIRED);
}

/* All components or none. */
static void test_together(void **state) {
    Bed *bed = *state;
    LockComponent both[] = {on(X, "d", "a", NULL), on(X, "e", "b", NULL)};
    LockAnswer b = take(bed, both[1]), two = take_many(bed, both, 2, 0), a = take(bed, both[0]);
    assert_int_equal(two.state, LOCK_WAITING);
    assert_int_equal(a.state, LOCK_WAITING); /* behind the one that waits */
    release(bed, b.id);
    assert_int_equal(check(bed, a.id), LOCK_WAITING);
    assert_int_equal(check(bed, two.id), LOCK_ACQUIRED);
}

static void test_unknown(void **state) {
    Bed *bed = *state;
    Err err;
    LockAnswer answer;
    assert_err_says(lock_check(&bed->ctx, 4711, &answer, &err), ERR_LOCK_NOT_FOUND, "No such lock lockid:4711");
    assert_err_says(lock_heartbeat(&bed->ctx, 4711, &err), ERR_LOCK_NOT_FOUND, "No such lock lockid:4711");
    assert_ok(lock_release(&bed->ctx, 4711, &err));
}

static void refused(Bed *bed, LockComponent c, size_t count, ErrCode code) {
    Err err;
    LockAnswer answer;
    LockAsk ask = {.items = &c, .count = count};
    assert_err(lock_acquire(&bed->ctx, &ask, &answer, &err), code);
}

static void test_refused(void **state) {
    Bed *bed = *state;
    char name[300];
    memset(name, 'n', sizeof name);
    name[256] = 0;
    refused(bed, on(X, "d", NULL, NULL), 0, ERR_INVALID_ARGUMENT);
    refused(bed, on(X, NULL, "t", NULL), 1, ERR_INVALID_ARGUMENT);
    refused(bed, on(0, "d", "t", NULL), 1, ERR_INVALID_ARGUMENT);
    refused(bed, on(5, "d", "t", NULL), 1, ERR_INVALID_ARGUMENT);
    refused(bed, on(X, "d", NULL, "k=1"), 1, ERR_INVALID_ARGUMENT);
    refused(bed, on(X, name, "t", NULL), 1, ERR_INVALID_NAME);
    refused(bed, on(X, "d", "\xff", NULL), 1, ERR_INVALID_NAME);
    /* the longest names that a table can have still fit into the index */
    Str one = STR("\xF0\x90\x8C\xB0");
    char wide[1024];
    for (size_t i = 0; i < 255; i++) {
        memcpy(wide + i * 4, one.ptr, 4);
    }
    wide[1020] = 0;
    assert_int_equal(take(bed, on(X, wide, wide, NULL)).state, LOCK_ACQUIRED);
    assert_int_equal(take(bed, on(X, wide, wide, NULL)).state, LOCK_WAITING);
}

/* --- listing ---------------------------------------------------------------------------------------------------- */

static LockRows list(Bed *bed, LockQuery query) {
    Err err;
    LockRows rows = {0};
    assert_ok(lock_list(&bed->ctx, &query, &rows, &err));
    return rows;
}

static void test_list(void **state) {
    Bed *bed = *state;
    LockComponent two[] = {on(R, "D", NULL, NULL), on(X, "d", "T", "K=V")};
    LockAnswer first = take_many(bed, two, 2, 0), second = take(bed, on(R, "d", "t", NULL));
    assert_int_equal(check(bed, second.id), LOCK_WAITING);
    LockRows rows = list(bed, (LockQuery){0});
    assert_int_equal(rows.count, 3);
    const LockRow *r = &rows.items[1];
    assert_true(r->id == first.id && r->no == 2 && r->txn == 0 && r->kind == X && r->state == LOCK_ACQUIRED);
    assert_str(r->catalog, "hive");
    assert_str(r->database, "d");
    assert_str(r->table, "t");
    assert_str(r->partition, "k=V");
    assert_str(r->user, "ann");
    assert_str(r->host, "h1");
    assert_str(r->agent, "test-1");
    assert_true(r->acquired_at > 0 && r->heartbeat_at > 0 && r->blocked_by == 0);
    assert_true(str_is_null(rows.items[0].table) && str_is_null(rows.items[0].partition));
    r = &rows.items[2];
    assert_true(r->id == second.id && r->state == LOCK_WAITING && r->acquired_at == MICROS_NONE);
    assert_true(r->blocked_by == first.id && r->blocked_by_no == 2 && r->heartbeats == 1);
    assert_int_equal(list(bed, (LockQuery){.database = STR("D"), .table = STR("T")}).count, 2);
    assert_int_equal(list(bed, (LockQuery){.partition = STR("k=V")}).count, 1);
    assert_int_equal(list(bed, (LockQuery){.partition = STR("k=v")}).count, 0);
    assert_int_equal(list(bed, (LockQuery){.catalog = STR("none")}).count, 0);
    assert_int_equal(list(bed, (LockQuery){.database = STR("\xff")}).count, 0);
    assert_int_equal(list(bed, (LockQuery){.txn = 1}).count, 0);
}

/* --- time ------------------------------------------------------------------------------------------------------- */

static void pause_ms(int64_t ms) {
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

static void expire(Bed *bed) {
    Err err;
    assert_ok(locks_expire(&bed->ctx, &err));
}

static Config *with_timeout(Bed *bed, int64_t ms) {
    Config *config = arena_alloc(bed->arena, sizeof *config);
    *config = *bed->catalog.config;
    config->locks.timeout = ms;
    bed->catalog.config = config;
    return config;
}

static void test_timeout(void **state) {
    Bed *bed = *state;
    Err err;
    LockAnswer answer;
    with_timeout(bed, 2000);
    int64_t began = clock_monotonic_us();
    LockAnswer beats = take(bed, on(X, "d", "t", NULL)), asks = take(bed, on(X, "d", "t", NULL)),
               silent = take(bed, on(X, "d", "u", NULL)), next = take(bed, on(R, "d", "u", NULL));
    assert_int_equal(next.state, LOCK_WAITING);
    LockState now = LOCK_WAITING;
    while (now == LOCK_WAITING && clock_monotonic_us() - began < 60 * 1000000) {
        pause_ms(100);
        expire(bed);
        assert_ok(lock_heartbeat(&bed->ctx, beats.id, &err));
        assert_int_equal(check(bed, asks.id), LOCK_WAITING);
        now = check(bed, next.id);
        assert_true(now == LOCK_WAITING || clock_monotonic_us() - began >= 2 * 1000000);
    }
    assert_err(lock_check(&bed->ctx, silent.id, &answer, &err), ERR_LOCK_NOT_FOUND);
    assert_int_equal(check(bed, next.id), LOCK_ACQUIRED);
    assert_int_equal(unit_log_count("1 locks were removed"), 1);
}

/* While nobody looks, nobody could hear heartbeats. */
static void test_outage(void **state) {
    Bed *bed = *state;
    Err err;
    LockAnswer answer;
    with_timeout(bed, 300 * 1000);
    LockAnswer lock = take(bed, on(X, "d", "t", NULL));
    bed_sql(bed, "UPDATE locks SET heartbeat_at = heartbeat_at - interval '1 hour'");
    bed_sql(bed, "UPDATE lock_watch SET seen_at = now() - interval '20 s', resumed_at = now() - interval '250 s'");
    expire(bed);
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM locks"), 1);
    bed_sql(bed, "UPDATE lock_watch SET seen_at = now() - interval '31 s', resumed_at = now() - interval '1 hour'");
    expire(bed);
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM locks"), 1);
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM lock_watch WHERE resumed_at > now() - interval '10 s'"), 1);
    bed_sql(bed, "UPDATE lock_watch SET seen_at = now(), resumed_at = now() - interval '301 s'");
    expire(bed);
    assert_err(lock_check(&bed->ctx, lock.id, &answer, &err), ERR_LOCK_NOT_FOUND);
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM lock_components"), 0);
}

/* A clock that was set back must not keep locks for ever. */
static void test_clock_set_back(void **state) {
    Bed *bed = *state;
    bed_sql(bed, "UPDATE lock_watch SET seen_at = seen_at + interval '1 day', resumed_at = resumed_at + interval '1 day'");
    expire(bed);
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM lock_watch WHERE resumed_at <= now() AND seen_at <= now()"), 1);
}

static void test_heartbeats_touch_no_index(void **state) {
    Bed *bed = *state;
    Err err;
    LockAnswer lock = take(bed, on(X, "d", "t", NULL));
    for (int i = 0; i < 200; i++) {
        assert_ok(lock_heartbeat(&bed->ctx, lock.id, &err));
    }
    bed_sql(bed, "SELECT pg_stat_force_next_flush()");
    for (int i = 0; i < 50; i++) {
        if (bed_count(bed, "SELECT coalesce(sum(n_tup_upd), 0) FROM pg_stat_user_tables WHERE relname = 'locks'") >= 201) {
            break;
        }
        pause_ms(100);
    }
    assert_int_equal(bed_count(bed, "SELECT n_tup_upd - n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'locks'"), 0);
    assert_int_equal(list(bed, (LockQuery){0}).items[0].heartbeats, 200);
}

/* --- storms ------------------------------------------------------------------------------------------------------- */

enum { LOCKERS = 16, ROUNDS = 12, COMPONENTS = 3 };

typedef struct Held {
    LockKind kind;
    int database, table; /* table 0: all */
} Held;

typedef struct Storm {
    Bed *bed;
    pthread_mutex_t mutex;
    Held held[LOCKERS][COMPONENTS];
    bool holds[LOCKERS];
    int clashes, acquired, waited;
} Storm;

typedef struct Locker {
    Storm *storm;
    int no;
    unsigned seed;
    pthread_t thread;
    bool ok;
    Err err;
} Locker;

/* Written anew, so that it does not repeat a mistake of the rules. Symmetric but for the two exceptions, where both may be. */
static bool clash(const Held *a, const Held *b) {
    if (a->database != b->database || (a->table && b->table && a->table != b->table)) {
        return false;
    }
    if ((a->kind == R && !a->table && b->kind == X && b->table) || (b->kind == R && !b->table && a->kind == X && a->table)) {
        return false;
    }
    if (a->kind == X || b->kind == X) {
        return true;
    }
    return (a->kind == XW && b->kind != R) || (b->kind == XW && a->kind != R);
}

static void note_held(Locker *l, const Held *held) {
    Storm *s = l->storm;
    pthread_mutex_lock(&s->mutex);
    for (int i = 0; i < LOCKERS; i++) {
        for (int k = 0; s->holds[i] && k < COMPONENTS * COMPONENTS; k++) {
            s->clashes += clash(&s->held[i][k / COMPONENTS], &held[k % COMPONENTS]);
        }
    }
    memcpy(s->held[l->no], held, sizeof s->held[l->no]);
    s->holds[l->no] = true;
    s->acquired++;
    pthread_mutex_unlock(&s->mutex);
}

static void note_released(Locker *l) {
    pthread_mutex_lock(&l->storm->mutex);
    l->storm->holds[l->no] = false;
    pthread_mutex_unlock(&l->storm->mutex);
}

static LockComponent component(Locker *l, Held *held) {
    static const char *const DATABASES[] = {"da", "db", "dc", "dd"}, *const TABLES[] = {NULL, "ta", "tb"};
    static const LockKind KINDS[] = {R, R, W, XW, X};
    *held = (Held){KINDS[(unsigned)rand_r(&l->seed) % 5], (int)((unsigned)rand_r(&l->seed) % 4),
                   (int)((unsigned)rand_r(&l->seed) % 8) % 3};
    return on(held->kind, DATABASES[held->database], TABLES[held->table], NULL);
}

static bool lock_once(Locker *l, Ctx *ctx) {
    Held held[COMPONENTS];
    LockComponent items[COMPONENTS];
    LockAnswer answer;
    for (int i = 0; i < COMPONENTS; i++) {
        items[i] = component(l, &held[i]);
    }
    LockAsk ask = {.items = items, .count = COMPONENTS};
    if (!lock_acquire(ctx, &ask, &answer, &l->err)) {
        return false;
    }
    bool waited = answer.state == LOCK_WAITING;
    while (answer.state == LOCK_WAITING) {
        pause_ms(1);
        if (!lock_check(ctx, answer.id, &answer, &l->err)) {
            return false;
        }
    }
    note_held(l, held);
    __atomic_add_fetch(&l->storm->waited, waited, __ATOMIC_RELAXED);
    pause_ms((unsigned)rand_r(&l->seed) % 3);
    note_released(l);
    return lock_release(ctx, answer.id, &l->err);
}

static void *run_locker(void *arg) {
    Locker *l = arg;
    l->ok = true;
    for (int i = 0; l->ok && i < ROUNDS; i++) {
        Ctx ctx = bed_ctx(l->storm->bed);
        l->ok = lock_once(l, &ctx);
        arena_free(ctx.arena);
    }
    return NULL;
}

static void test_storm(void **state) {
    Bed *bed = *state;
    Storm storm = {.bed = bed, .mutex = PTHREAD_MUTEX_INITIALIZER};
    Locker lockers[LOCKERS];
    for (int i = 0; i < LOCKERS; i++) {
        lockers[i] = (Locker){.storm = &storm, .no = i, .seed = (unsigned)unit_random()};
        assert_int_equal(pthread_create(&lockers[i].thread, NULL, run_locker, &lockers[i]), 0);
    }
    for (int i = 0; i < LOCKERS; i++) {
        Err err;
        pthread_join(lockers[i].thread, NULL);
        err = lockers[i].err;
        assert_ok(lockers[i].ok);
    }
    assert_int_equal(storm.clashes, 0);
    assert_int_equal(storm.acquired, LOCKERS * ROUNDS);
    assert_true(storm.waited > 0);
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM locks"), 0);
    assert_int_equal(bed_count(bed, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"), 0);
}

/* --- all at the same moment ---------------------------------------------------------------------------------------- */

enum { RACES = 10, CROSSING = 20 };

typedef struct Race {
    Bed *bed;
    pthread_barrier_t start;
    int acquired[RACES];
} Race;

typedef struct Racer {
    Race *race;
    int no;
    pthread_t thread;
    bool ok;
    Err err;
} Racer;

/* Lists of many databases, each in an order of its own, and one table in all of them. */
static bool race_once(Racer *r, Ctx *ctx, int round) {
    LockComponent items[CROSSING];
    LockAnswer answer;
    for (int i = 0; i < CROSSING; i++) {
        int at = r->no % 2 ? i : CROSSING - 1 - i;
        items[i] = (LockComponent){
            .kind = X, .database = arena_printf(ctx->arena, "r%d_%d", round, (at + r->no) % CROSSING), .table = STR("t")};
    }
    LockAsk ask = {.items = items, .count = CROSSING};
    if (!lock_acquire(ctx, &ask, &answer, &r->err)) {
        return false;
    }
    __atomic_add_fetch(&r->race->acquired[round], answer.state == LOCK_ACQUIRED, __ATOMIC_RELAXED);
    return true;
}

static void *run_racer(void *arg) {
    Racer *r = arg;
    r->ok = true;
    for (int round = 0; round < RACES; round++) {
        Ctx ctx = bed_ctx(r->race->bed);
        pthread_barrier_wait(&r->race->start);
        r->ok = r->ok && race_once(r, &ctx, round);
        arena_free(ctx.arena);
    }
    return NULL;
}

static void test_one_of_those_who_come_together(void **state) {
    Bed *bed = *state;
    Race race = {.bed = bed};
    Racer racers[LOCKERS];
    pthread_barrier_init(&race.start, NULL, LOCKERS);
    for (int i = 0; i < LOCKERS; i++) {
        racers[i] = (Racer){.race = &race, .no = i};
        assert_int_equal(pthread_create(&racers[i].thread, NULL, run_racer, &racers[i]), 0);
    }
    for (int i = 0; i < LOCKERS; i++) {
        pthread_join(racers[i].thread, NULL);
        Err err = racers[i].err;
        assert_ok(racers[i].ok);
    }
    pthread_barrier_destroy(&race.start);
    for (int round = 0; round < RACES; round++) {
        assert_int_equal(race.acquired[round], 1);
    }
    assert_int_equal(bed_count(bed, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        BED_TEST(test_matrix),
        BED_TEST(test_catalogs_are_apart),
        BED_TEST(test_fair),
        BED_TEST(test_together),
        BED_TEST(test_unknown),
        BED_TEST(test_refused),
        BED_TEST(test_list),
        BED_TEST(test_timeout),
        BED_TEST(test_outage),
        BED_TEST(test_clock_set_back),
        BED_TEST(test_storm),
        BED_TEST(test_one_of_those_who_come_together),
        BED_TEST(test_heartbeats_touch_no_index),
    };
    return BED_RUN("locks", tests);
}
