/* Reads in one round trip: each gets its own answer, and its own error only. */
#include "tests/unit/pg_fixture.h"

#include <setjmp.h>

#include <cmocka.h>

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

static const PgStmt TWICE = {"each_twice", "SELECT $1::bigint * 2, repeat('x', $2::int)"};
static const PgStmt SHARE = {"each_share", "SELECT $1::bigint / ($2::int % 3)"};

/* Every fifth divides, and of those every third by zero. */
static bool divides(size_t i) { return i % 5 == 0; }
static bool fails(size_t i) { return divides(i) && i % 3 == 0; }

static PgAsk *make_asks(Arena *arena, size_t count) {
    PgAsk *asks = ARENA_ARRAY(arena, PgAsk, count);
    for (size_t i = 0; i < count; i++) {
        asks[i] = (PgAsk){
            .stmt = divides(i) ? &SHARE : &TWICE, .args = pg_args(arena), .arena = arena, .deadline = deadline_in_ms(20000)};
        pg_arg_i64(&asks[i].args, (int64_t)(1000 + i));
        pg_arg_i32(&asks[i].args, (int32_t)i);
    }
    return asks;
}

static size_t count_wrong(const PgAsk *asks, size_t count) {
    size_t wrong = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t n = (int64_t)(1000 + i), want = divides(i) ? n / MAX((int64_t)i % 3, (int64_t)1) : 2 * n;
        if (asks[i].ok) {
            wrong += fails(i) || asks[i].rows.count != 1 || pg_i64(&asks[i].rows, 0, 0, -1) != want ||
                     (!divides(i) && pg_text(&asks[i].rows, 0, 1).len != i);
        } else {
            wrong += !fails(i) || str_is_empty(str_from(asks[i].err.message));
        }
    }
    return wrong;
}

static void test_each_gets_its_own(void **state) {
    Bed *bed = *state;
    static const size_t COUNTS[] = {0, 1, 2, 5, 23, 24, 25, 48, 49, 100};
    for (size_t k = 0; k < ARRAY_LEN(COUNTS); k++) {
        Arena *arena = arena_new(16 << 20);
        PgAsk *asks = make_asks(arena, COUNTS[k]);
        pg_exec_each(bed->pg, PG_READ, asks, COUNTS[k]);
        assert_int_equal(count_wrong(asks, COUNTS[k]), 0);
        arena_free(arena);
    }
    PgPoolStats stats;
    pg_pool_stats(bed->pg, PG_READ, &stats);
    assert_int_equal(stats.in_use, 0);
}

static void test_one_round_trip(void **state) {
    Bed *bed = *state;
    Arena *arena = arena_new(16 << 20);
    PgPoolStats before, after;
    PgAsk asks[4];
    for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
        asks[i] = make_asks(arena, 2)[1];
    }
    pg_exec_each(bed->pg, PG_READ, asks, 2);
    pg_pool_stats(bed->pg, PG_READ, &before);
    pg_exec_each(bed->pg, PG_READ, asks, ARRAY_LEN(asks));
    pg_pool_stats(bed->pg, PG_READ, &after);
    assert_int_equal(after.round_trips - before.round_trips, 1);
    assert_int_equal(after.statements - before.statements, 4);
    arena_free(arena);
}

/* Who was on a connection that broke asks once more. */
static void test_a_lost_connection(void **state) {
    Bed *bed = *state;
    for (uint64_t nth = 1; nth <= 3; nth++) {
        Arena *arena = arena_new(16 << 20);
        PgAsk *asks = make_asks(arena, 30);
        pg_fail_at(bed->pg, nth);
        pg_exec_each(bed->pg, PG_READ, asks, 30);
        pg_fail_at(bed->pg, 0);
        size_t failed = 0;
        for (size_t i = 0; i < 30; i++) {
            failed += !asks[i].ok && !fails(i);
        }
        assert_true(failed <= 1); /* the one that met the break alone */
        arena_free(arena);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_gets_its_own, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_round_trip, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_lost_connection, setup, teardown),
    };
    return cmocka_run_group_tests_name("pg_each", tests, pg_fixture_start, pg_fixture_stop);
}
