#include "tests/unit/pg_fixture.h"

#include <setjmp.h>
#include <cmocka.h>

typedef struct Bed {
    char *url;
    Pg *pg;
    PgConn *conn;
    Arena *arena;
} Bed;

static int setup(void **state) {
    Bed *bed = calloc(1, sizeof *bed);
    Err err;
    bed->url = pg_fixture_database();
    pg_fixture_sql(bed->url, "CREATE SCHEMA propolis");
    bed->pg = pg_fixture_open(bed->url);
    bed->arena = arena_new(64 << 20);
    assert_true(pg_acquire(bed->pg, PG_READ, deadline_in_ms(10000), &bed->conn, &err));
    *state = bed;
    return 0;
}

static int teardown(void **state) {
    Bed *bed = *state;
    pg_release(bed->conn);
    arena_free(bed->arena);
    pg_close(bed->pg);
    free(bed->url);
    free(bed);
    return 0;
}

static void must(bool ok, const Err *err) {
    if (!ok) {
        fail_msg("%s | %s", err->message, err->detail);
    }
}

#define assert_str(got, want) assert_true(str_eq((got), STR(want)))

static void test_scalars(void **state) {
    Bed *bed = *state;
    Err err;
    PgRows rows;
    static const PgStmt stmt = {"scalars", "SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb, $10"};
    Uuid uuid = uuid_random();
    for (int i = 0; i < 3; i++) {
        PgArgs args = pg_args(bed->arena);
        pg_arg_text(&args, STR("Grüße"));
        pg_arg_i64(&args, INT64_MIN);
        pg_arg_i32(&args, -5);
        pg_arg_i16(&args, -7);
        pg_arg_bool(&args, true);
        pg_arg_uuid(&args, uuid);
        pg_arg_time(&args, 1234567890123456);
        pg_arg_double(&args, -0.5);
        pg_arg_text(&args, STR("{\"a\": 1}"));
        pg_arg_bytes(&args, (Str){"\0\1\377", 3});
        must(pg_exec(bed->conn, &stmt, &args, bed->arena, &rows, &err), &err);
        assert_int_equal(rows.count, 1);
        assert_str(pg_text(&rows, 0, 0), "Grüße");
        assert_true(pg_i64(&rows, 0, 1, 0) == INT64_MIN);
        assert_int_equal(pg_i32(&rows, 0, 1, 0), INT32_MIN);
        assert_int_equal(pg_i32(&rows, 0, 2, 0), -5);
        assert_int_equal(pg_i64(&rows, 0, 2, 0), -5);
        assert_int_equal(pg_i16(&rows, 0, 3, 0), -7);
        assert_true(pg_bool(&rows, 0, 4));
        assert_true(uuid_eq(pg_uuid(&rows, 0, 5), uuid));
        assert_true(pg_time(&rows, 0, 6) == 1234567890123456);
        assert_true(pg_double(&rows, 0, 7, 0) == -0.5);
        assert_str(pg_text(&rows, 0, 8), "{\"a\": 1}");
        assert_true(str_eq(pg_bytes(&rows, 0, 9), (Str){"\0\1\377", 3}));
    }
}

static void test_nulls(void **state) {
    Bed *bed = *state;
    Err err;
    PgRows rows;
    static const PgStmt stmt = {"nulls", "SELECT $1, $2, $3, $4, $5, NULL::bigint, $6::int, '' , NULL::bool, $7"};
    PgArgs args = pg_args(bed->arena);
    pg_arg_text(&args, STR_NULL);
    pg_arg_bytes(&args, STR_NULL);
    pg_arg_uuid(&args, (Uuid){{0}});
    pg_arg_time(&args, MICROS_NONE);
    pg_arg_texts(&args, (StrList){NULL, 0});
    pg_arg_null(&args);
    pg_arg_params(&args, NULL);
    must(pg_exec(bed->conn, &stmt, &args, bed->arena, &rows, &err), &err);
    for (int col = 0; col < 7; col++) {
        assert_true(pg_is_null(&rows, 0, col));
    }
    assert_true(str_is_null(pg_text(&rows, 0, 0)));
    assert_true(uuid_is_zero(pg_uuid(&rows, 0, 2)));
    assert_true(pg_time(&rows, 0, 3) == MICROS_NONE);
    assert_null(pg_texts(&rows, 0, 4, bed->arena).items);
    assert_int_equal(pg_i64(&rows, 0, 5, 42), 42);
    assert_false(str_is_null(pg_text(&rows, 0, 7)));
    assert_int_equal(pg_text(&rows, 0, 7).len, 0);
    assert_false(pg_bool(&rows, 0, 8));
    assert_int_equal(pg_params(&rows, 0, 9, bed->arena).count, 0);
}

static void test_arrays(void **state) {
    Bed *bed = *state;
    Err err;
    PgRows rows;
    static const PgStmt stmt = {"arrays", "SELECT $1, $2, $3, $4, array_length($4, 1), $5, $6[2], $7[3] IS NULL, $8[2], $9"};
    Str texts[] = {STR("a"), STR_NULL, STR(""), STR("{\"x\",NULL}")};
    int64_t ids[] = {1, -2, INT64_MAX};
    int32_t ints[] = {7, 8};
    bool bools[] = {false, true};
    Micros times[] = {0, 5, MICROS_NONE};
    Uuid uuids[] = {uuid_random(), uuid_random()};
    Params params = {0};
    params_set(&params, bed->arena, STR("b"), STR("2"));
    params_set(&params, bed->arena, STR("a"), STR(""));
    PgArgs args = pg_args(bed->arena);
    pg_arg_texts(&args, (StrList){texts, 4});
    pg_arg_params(&args, &params);
    pg_arg_i64s(&args, ids, 3);
    pg_arg_texts(&args, (StrList){texts, 0});
    pg_arg_i32s(&args, ints, 2);
    pg_arg_bools(&args, bools, 2);
    pg_arg_times(&args, times, 3);
    pg_arg_uuids(&args, uuids, 2);
    pg_arg_byteas(&args, (StrList){texts, 1});
    must(pg_exec(bed->conn, &stmt, &args, bed->arena, &rows, &err), &err);
    StrList got = pg_texts(&rows, 0, 0, bed->arena);
    assert_int_equal(got.count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_true(str_eq(got.items[i], texts[i]));
    }
    Params back = pg_params(&rows, 0, 1, bed->arena);
    assert_true(params_equal(&back, &params));
    size_t n;
    const int64_t *numbers = pg_i64s(&rows, 0, 2, bed->arena, &n);
    assert_int_equal(n, 3);
    assert_true(numbers[1] == -2 && numbers[2] == INT64_MAX);
    StrList empty = pg_texts(&rows, 0, 3, bed->arena);
    assert_non_null(empty.items);
    assert_int_equal(empty.count, 0);
    assert_true(pg_is_null(&rows, 0, 4));
    numbers = pg_i64s(&rows, 0, 5, bed->arena, &n);
    assert_true(n == 2 && numbers[1] == 8);
    assert_true(pg_bool(&rows, 0, 6));
    assert_true(pg_bool(&rows, 0, 7));
    assert_true(uuid_eq(pg_uuid(&rows, 0, 8), uuids[1]));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_scalars, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nulls, setup, teardown),
        cmocka_unit_test_setup_teardown(test_arrays, setup, teardown),
    };
    return cmocka_run_group_tests(tests, pg_fixture_start, pg_fixture_stop);
}
