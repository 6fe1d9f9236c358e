#include "tests/unit/pg_fixture.h"

#include <pthread.h>
#include <setjmp.h>
#include <sys/socket.h>
#include <time.h>

#include <cmocka.h>

#include "pg/conn.h"

typedef struct Bed {
    char *url;
    Pg *pg;
    Arena *arena;
    /* what bodies do */
    int runs, socket;
    char kill_sql[300];
    bool use_later;
} Bed;

static const PgStmt INSERT = {"t_insert", "INSERT INTO t VALUES ($1, $2)"};
static const PgStmt COUNT = {"t_count", "SELECT count(*) FROM t"};
static const PgStmt ADD = {"t_add", "UPDATE t SET v = v + 1 WHERE k = $1 RETURNING v"};

static int setup(void **state) {
    Bed *bed = calloc(1, sizeof *bed);
    bed->url = pg_fixture_database();
    pg_fixture_sql(bed->url, "CREATE SCHEMA propolis; SET search_path = propolis; " PG_MARKS_TABLE
                             "; CREATE TABLE t (k bigint CONSTRAINT t_key PRIMARY KEY, v bigint)");
    bed->pg = pg_fixture_open(bed->url);
    bed->arena = arena_new(64 << 20);
    *state = bed;
    return 0;
}

static int teardown(void **state) {
    Bed *bed = *state;
    pg_close(bed->pg);
    arena_free(bed->arena);
    free(bed->url);
    free(bed);
    return 0;
}

static Deadline soon(void) { return deadline_in_ms(20000); }

static void must(bool ok, const Err *err) {
    if (!ok) {
        fail_msg("%s | %s", err->message, err->detail);
    }
}

static bool run(Bed *bed, PgTxnBody body, Err *err) { return pg_transaction(bed->pg, PG_READ, soon(), bed->arena, body, bed, err); }

static int64_t count(Bed *bed) {
    PgConn *conn = NULL;
    PgRows rows;
    Err err;
    must(pg_acquire(bed->pg, PG_READ, soon(), &conn, &err), &err);
    must(pg_exec(conn, &COUNT, NULL, bed->arena, &rows, &err), &err);
    pg_release(conn);
    return pg_i64(&rows, 0, 0, -1);
}

static uint64_t round_trips(Bed *bed) {
    PgPoolStats stats;
    pg_pool_stats(bed->pg, PG_READ, &stats);
    return stats.round_trips;
}

static bool insert(Bed *bed, PgConn *conn, int64_t key, bool later, Err *err) {
    PgArgs args = pg_args(bed->arena);
    pg_arg_i64(&args, key);
    pg_arg_i64(&args, 0);
    return later ? pg_exec_later(conn, &INSERT, &args, err) : pg_exec(conn, &INSERT, &args, bed->arena, NULL, err);
}

static bool body_three(PgConn *conn, void *arg, Err *err) {
    Bed *bed = arg;
    bed->runs++;
    return insert(bed, conn, 1, false, err) && insert(bed, conn, 2, bed->use_later, err) &&
           insert(bed, conn, 3, bed->use_later, err);
}

static void test_commits(void **state) {
    Bed *bed = *state;
    Err err;
    must(run(bed, body_three, &err), &err);
    assert_int_equal(count(bed), 3);
    assert_int_equal(round_trips(bed), 1 + 4 + 1); /* session, three statements, COMMIT, count */
}

static void test_later_saves_round_trips(void **state) {
    Bed *bed = *state;
    Err err;
    bed->use_later = true;
    must(run(bed, body_three, &err), &err);
    assert_int_equal(count(bed), 3);
    assert_int_equal(round_trips(bed), 1 + 2 + 1);
}

static bool body_many_later(PgConn *conn, void *arg, Err *err) {
    for (int i = 0; i < 500; i++) {
        if (!insert(arg, conn, i, true, err)) {
            return false;
        }
    }
    return true;
}

static void test_more_later_than_fit(void **state) {
    Bed *bed = *state;
    Err err;
    must(run(bed, body_many_later, &err), &err);
    assert_int_equal(count(bed), 500);
}

static bool body_refuses(PgConn *conn, void *arg, Err *err) {
    return insert(arg, conn, 1, false, err) && insert(arg, conn, 2, true, err) && err_set(err, ERR_INVALID_INPUT, "no");
}

static void test_rolls_back(void **state) {
    Bed *bed = *state;
    Err err;
    assert_false(run(bed, body_refuses, &err));
    assert_int_equal(err.code, ERR_INVALID_INPUT);
    assert_int_equal(count(bed), 0);
    must(run(bed, body_three, &err), &err);
    assert_int_equal(count(bed), 3);
}

static bool body_nothing(PgConn *conn, void *arg, Err *err) {
    (void)arg, (void)err;
    return pg_in_transaction(conn);
}

static void test_empty_costs_nothing(void **state) {
    Bed *bed = *state;
    Err err;
    must(run(bed, body_nothing, &err), &err);
    assert_int_equal(round_trips(bed), 1);
}

static bool body_twice(PgConn *conn, void *arg, Err *err) {
    Bed *bed = arg;
    bed->runs++;
    if (insert(bed, conn, 1, false, err) && insert(bed, conn, 1, false, err)) {
        return true;
    }
    assert_string_equal(pg_violated_constraint(conn), "t_key");
    /* In a failed transaction nothing more works, and the first reason stays. */
    Err again;
    assert_false(insert(bed, conn, 2, false, &again));
    assert_int_equal(again.code, ERR_CONFLICT);
    return false;
}

static void test_unique_violation(void **state) {
    Bed *bed = *state;
    Err err;
    assert_false(run(bed, body_twice, &err));
    assert_int_equal(err.code, ERR_CONFLICT);
    assert_int_equal(bed->runs, 1);
    assert_int_equal(count(bed), 0);
    bed->use_later = true;
    must(run(bed, body_three, &err), &err);
    assert_false(run(bed, body_many_later, &err)); /* comes out at COMMIT */
    assert_int_equal(err.code, ERR_CONFLICT);
    assert_int_equal(count(bed), 3);
}

static bool body_swallows(PgConn *conn, void *arg, Err *err) {
    Err ignored;
    (void)err;
    return insert(arg, conn, 1, false, &ignored) && (insert(arg, conn, 1, false, &ignored) || true);
}

static void test_swallowed_error_is_no_success(void **state) {
    Bed *bed = *state;
    Err err;
    assert_false(run(bed, body_swallows, &err));
    assert_int_equal(err.code, ERR_CONFLICT);
    assert_int_equal(count(bed), 0);
}

/* --- races ----------------------------------------------------------------------------------------------------- */

typedef struct Racer {
    Bed *bed;
    Arena *arena;
    int64_t first, second;
    bool ok;
    Err err;
} Racer;

static bool add_one(Racer *r, PgConn *conn, int64_t key, Err *err) {
    PgArgs args = pg_args(r->arena);
    pg_arg_i64(&args, key);
    return pg_exec(conn, &ADD, &args, r->arena, NULL, err);
}

static bool body_cross(PgConn *conn, void *arg, Err *err) {
    Racer *r = arg;
    if (!add_one(r, conn, r->first, err)) {
        return false;
    }
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    return add_one(r, conn, r->second, err);
}

static void *race(void *arg) {
    Racer *r = arg;
    r->ok = pg_transaction(r->bed->pg, PG_READ, soon(), r->arena, body_cross, r, &r->err);
    return NULL;
}

static void race_once(Bed *bed) {
    Racer racers[2] = {{bed, arena_new(1 << 20), 1, 2, false, {0}}, {bed, arena_new(1 << 20), 2, 1, false, {0}}};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        pthread_create(&threads[i], NULL, race, &racers[i]);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        must(racers[i].ok, &racers[i].err);
        arena_free(racers[i].arena);
    }
}

/* On a busy machine the two may miss each other, so they try until they met. */
static void test_deadlocks_rerun(void **state) {
    Bed *bed = *state;
    Err err;
    PgPoolStats stats = {.retries = 0};
    int64_t rounds = 0;
    pg_fixture_sql(bed->url,
                   "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET deadlock_timeout = ''5ms''', current_database()); END $$");
    bed->use_later = true;
    must(run(bed, body_three, &err), &err);
    while (stats.retries == 0 && rounds < 100) {
        race_once(bed);
        rounds++;
        pg_pool_stats(bed->pg, PG_READ, &stats);
    }
    assert_true(stats.retries > 0);
    char *sum = pg_fixture_value(bed->url, "SELECT sum(v) FROM propolis.t");
    char expected[24];
    snprintf(expected, sizeof expected, "%" PRId64, rounds * 4);
    assert_string_equal(sum, expected);
    free(sum);
}

/* --- lost connections ------------------------------------------------------------------------------------------ */

static void kill_backend_of(Bed *bed, PgConn *conn) {
    char sql[200];
    snprintf(sql, sizeof sql, "SELECT pg_terminate_backend(%d, 5000)", PQbackendPID(conn->pq));
    pg_fixture_sql(bed->url, sql);
}

static bool body_killed_once(PgConn *conn, void *arg, Err *err) {
    Bed *bed = arg;
    if (!insert(bed, conn, 1, false, err)) {
        return false;
    }
    if (bed->runs++ == 0) {
        kill_backend_of(bed, conn);
    }
    return insert(bed, conn, 2, bed->use_later, err);
}

static void test_killed_before_commit_runs_again(void **state) {
    Bed *bed = *state;
    Err err;
    must(run(bed, body_killed_once, &err), &err);
    assert_int_equal(bed->runs, 2);
    assert_int_equal(count(bed), 2);
    pg_fixture_sql(bed->url, "TRUNCATE propolis.t");
    bed->runs = 0;
    bed->use_later = true;
    must(run(bed, body_killed_once, &err), &err);
    assert_int_equal(bed->runs, 2);
    assert_int_equal(count(bed), 2);
}

/* The Nth round trip of a transaction breaks on our side: the server may or may not have seen it. Whatever is told must
 * be true. */
static void test_every_round_trip_may_break(void **state) {
    Bed *bed = *state;
    Err err;
    for (uint64_t nth = 1; nth <= 5; nth++) {
        pg_fixture_sql(bed->url, "TRUNCATE propolis.t");
        bed->runs = 0;
        pg_fail_at(bed->pg, nth);
        must(run(bed, body_three, &err), &err);
        pg_fail_at(bed->pg, 0);
        assert_int_equal(count(bed), 3);
    }
}

/* A trigger at COMMIT makes the moment long enough to be hit. */
static void slow_commits(Bed *bed, const char *seconds) {
    char sql[600];
    snprintf(sql, sizeof sql,
             "CREATE OR REPLACE FUNCTION propolis.slow() RETURNS trigger LANGUAGE plpgsql AS"
             " $$ BEGIN PERFORM pg_sleep(%s); RETURN NULL; END $$;"
             "DROP TRIGGER IF EXISTS slow ON propolis.t;"
             "CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON propolis.t DEFERRABLE INITIALLY DEFERRED"
             " FOR EACH ROW WHEN (new.k = 1) EXECUTE FUNCTION propolis.slow()",
             seconds);
    pg_fixture_sql(bed->url, sql);
}

static void *killer(void *arg) {
    Bed *bed = arg;
    for (int i = 0; i < 400; i++) {
        char *n = pg_fixture_value(bed->url, bed->kill_sql);
        bool done = strcmp(n, "t") == 0;
        free(n);
        if (done) {
            break;
        }
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
    return NULL;
}

static bool body_one(PgConn *conn, void *arg, Err *err) {
    Bed *bed = arg;
    if (bed->runs++ == 1) {
        slow_commits(bed, "0");
    }
    bed->socket = PQsocket(conn->pq);
    return insert(bed, conn, 1, bed->use_later, err);
}

static void test_terminated_in_commit(void **state) {
    Bed *bed = *state;
    Err err;
    slow_commits(bed, "5");
    snprintf(bed->kill_sql, sizeof bed->kill_sql,
             "SELECT pg_terminate_backend(pid, 3000) FROM pg_stat_activity WHERE query = 'COMMIT' AND state = 'active'"
             " AND datname = current_database()");
    for (int i = 0; i < 2; i++) {
        bed->use_later = i;
        bed->runs = 0;
        pthread_t thread;
        pthread_create(&thread, NULL, killer, bed);
        must(run(bed, body_one, &err), &err);
        pthread_join(thread, NULL);
        assert_int_equal(bed->runs, 2);
        assert_int_equal(count(bed), 1);
        pg_fixture_sql(bed->url, "TRUNCATE propolis.t");
        slow_commits(bed, "5");
    }
    PgPoolStats stats;
    pg_pool_stats(bed->pg, PG_READ, &stats);
    assert_int_equal(stats.in_doubt, 2);
}

/* Our side of the socket breaks while the server commits happily. */
static void *breaker(void *arg) {
    Bed *bed = arg;
    for (int i = 0; i < 400; i++) {
        char *n = pg_fixture_value(bed->url, "SELECT count(*) FROM pg_stat_activity WHERE query = 'COMMIT' AND state = 'active'"
                                             " AND datname = current_database()");
        bool there = strcmp(n, "1") == 0;
        free(n);
        if (there) {
            shutdown(bed->socket, SHUT_RDWR);
            break;
        }
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
    return NULL;
}

static void test_committed_unheard(void **state) {
    Bed *bed = *state;
    Err err;
    slow_commits(bed, "0.7");
    pthread_t thread;
    pthread_create(&thread, NULL, breaker, bed);
    must(run(bed, body_one, &err), &err);
    pthread_join(thread, NULL);
    assert_int_equal(bed->runs, 1);
    assert_int_equal(count(bed), 1);
    PgPoolStats stats;
    pg_pool_stats(bed->pg, PG_READ, &stats);
    assert_int_equal(stats.in_doubt, 1);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_commits),
        TEST(test_later_saves_round_trips),
        TEST(test_more_later_than_fit),
        TEST(test_rolls_back),
        TEST(test_empty_costs_nothing),
        TEST(test_unique_violation),
        TEST(test_swallowed_error_is_no_success),
        TEST(test_deadlocks_rerun),
        TEST(test_killed_before_commit_runs_again),
        TEST(test_every_round_trip_may_break),
        TEST(test_terminated_in_commit),
        TEST(test_committed_unheard),
    };
    return cmocka_run_group_tests(tests, pg_fixture_start, pg_fixture_stop);
}
