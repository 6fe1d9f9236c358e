/* Reads that travel together: each gets its own answer, and its own error only. */
#include "tests/unit/pg_fixture.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdatomic.h>

#include <cmocka.h>

enum { READERS = 16, ROUNDS = 200 };

typedef struct Bed {
    char *url;
    Pg *pg;
} Bed;

static int setup(void **state) {
    Bed *bed = calloc(1, sizeof *bed);
    bed->url = pg_fixture_database();
    pg_fixture_sql(bed->url, "CREATE SCHEMA propolis");
    bed->pg = pg_fixture_open(bed->url);
    *state = bed;
    return 0;
}

static int teardown(void **state) {
    Bed *bed = *state;
    pg_close(bed->pg);
    free(bed->url);
    free(bed);
    return 0;
}

typedef struct Reader {
    Pg *pg;
    pthread_t thread;
    int number;
    bool divides; /* every third time by zero */
    int answers, errors, wrong;
} Reader;

static bool read_one(Reader *r, Arena *arena, int i) {
    static const PgStmt twice = {"shared_twice", "SELECT $1::bigint * 2, repeat('x', $2::int)"};
    static const PgStmt share = {"shared_share", "SELECT $1::bigint / ($2::int % 3)"};
    Err err;
    PgRows rows;
    PgArgs args = pg_args(arena);
    int64_t n = r->number * 1000 + i;
    pg_arg_i64(&args, n);
    pg_arg_i32(&args, i);
    bool ok = pg_exec_shared(r->pg, PG_READ, deadline_in_ms(20000), r->divides ? &share : &twice, &args, arena, &rows, &err);
    if (!ok) {
        r->wrong += !r->divides || i % 3 != 0;
        return false;
    }
    int64_t want = r->divides ? n / MAX(i % 3, 1) : n * 2;
    r->wrong += rows.count != 1 || pg_i64(&rows, 0, 0, -1) != want || (r->divides && i % 3 == 0);
    r->wrong += !r->divides && pg_text(&rows, 0, 1).len != (size_t)i;
    return true;
}

static void *reader_main(void *arg) {
    Reader *r = arg;
    Arena *arena = arena_new(16 << 20);
    for (int i = 0; i < ROUNDS; i++) {
        if (read_one(r, arena, i)) {
            r->answers++;
        } else {
            r->errors++;
        }
        arena_reset(arena);
    }
    arena_free(arena);
    return NULL;
}

static void run_readers(Bed *bed, Reader *readers, int dividing) {
    for (int i = 0; i < READERS; i++) {
        readers[i] = (Reader){.pg = bed->pg, .number = i + 1, .divides = i < dividing};
        assert_int_equal(pthread_create(&readers[i].thread, NULL, reader_main, &readers[i]), 0);
    }
    for (int i = 0; i < READERS; i++) {
        pthread_join(readers[i].thread, NULL);
    }
}

static void test_each_gets_its_own(void **state) {
    Reader readers[READERS];
    PgPoolStats stats;
    run_readers(*state, readers, 0);
    for (int i = 0; i < READERS; i++) {
        assert_int_equal(readers[i].wrong, 0);
        assert_int_equal(readers[i].answers, ROUNDS);
    }
    pg_pool_stats(((Bed *)*state)->pg, PG_READ, &stats);
    assert_true(stats.round_trips < stats.statements); /* some did travel together */
    assert_int_equal(stats.in_use, 0);
}

static void test_errors_stay_with_their_owner(void **state) {
    Reader readers[READERS];
    run_readers(*state, readers, 3);
    for (int i = 0; i < READERS; i++) {
        assert_int_equal(readers[i].wrong, 0);
        assert_int_equal(readers[i].errors, readers[i].divides ? (ROUNDS + 2) / 3 : 0);
    }
}

static void *break_connections(void *arg) {
    Reader *r = arg;
    for (int i = 0; i < 20; i++) {
        pg_fail_at(r->pg, 15);
        for (int k = 0; k < 20; k++) {
            sched_yield();
        }
    }
    return NULL;
}

/* Who travelled on a connection that broke asks once more alone. An error may reach whoever meets the break alone. */
static void test_a_lost_connection(void **state) {
    Bed *bed = *state;
    Reader readers[READERS], breaker = {.pg = bed->pg};
    assert_int_equal(pthread_create(&breaker.thread, NULL, break_connections, &breaker), 0);
    for (int i = 0; i < READERS; i++) {
        readers[i] = (Reader){.pg = bed->pg, .number = i + 1, .divides = true};
        assert_int_equal(pthread_create(&readers[i].thread, NULL, reader_main, &readers[i]), 0);
    }
    int answers = 0;
    for (int i = 0; i < READERS; i++) {
        pthread_join(readers[i].thread, NULL);
        answers += readers[i].answers;
    }
    pthread_join(breaker.thread, NULL);
    pg_fail_at(bed->pg, 0);
    assert_true(answers > READERS * ROUNDS / 3);
    run_readers(bed, readers, 0);
    for (int i = 0; i < READERS; i++) {
        assert_int_equal(readers[i].wrong, 0);
        assert_int_equal(readers[i].answers, ROUNDS);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_gets_its_own, setup, teardown),
        cmocka_unit_test_setup_teardown(test_errors_stay_with_their_owner, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_lost_connection, setup, teardown),
    };
    return cmocka_run_group_tests_name("pg_shared", tests, pg_fixture_start, pg_fixture_stop);
}
