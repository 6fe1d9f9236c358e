#include "tests/unit/pg_fixture.h"

#include <pthread.h>
#include <setjmp.h>
#include <time.h>

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

/* --- failures --------------------------------------------------------------------------------------------------- */

static const PgStmt SLEEP = {"sleep", "SELECT pg_sleep(10)"};

static void expect_code(bool ok, const Err *err, ErrCode code) {
    assert_false(ok);
    if (err->code != code) {
        fail_msg("%s: %s | %s", err_info(err->code)->name, err->message, err->detail);
    }
}

static bool one(Bed *bed, PgConn *conn, Err *err) {
    static const PgStmt stmt = {"one", "SELECT 1"};
    return pg_exec(conn, &stmt, NULL, bed->arena, NULL, err);
}

static void test_deadline_cancels(void **state) {
    Bed *bed = *state;
    Err err;
    PgConn *conn;
    must(pg_acquire(bed->pg, PG_READ, deadline_in_ms(100), &conn, &err), &err);
    int64_t began = clock_monotonic_us();
    expect_code(pg_exec(conn, &SLEEP, NULL, bed->arena, NULL, &err), &err, ERR_TIMEOUT);
    assert_true(clock_monotonic_us() - began < 2000000);
    pg_release(conn);
    char *n = pg_fixture_value(
        bed->url,
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND state = 'active' AND pid <> pg_backend_pid() AND datname = current_database()");
    assert_string_equal(n, "0");
    free(n);
}

static void test_statement_timeout(void **state) {
    Bed *bed = *state;
    Err err;
    Pg *pg;
    PgConn *conn;
    PgOptions options = {.url = str_from(bed->url), .statement_timeout_ms = 80};
    must(pg_open(&options, &pg, &err), &err);
    must(pg_acquire(pg, PG_READ, (Deadline){0}, &conn, &err), &err);
    expect_code(pg_exec(conn, &SLEEP, NULL, bed->arena, NULL, &err), &err, ERR_TIMEOUT);
    assert_non_null(strstr(err.message, "statement_timeout"));
    must(one(bed, conn, &err), &err);
    pg_release(conn);
    pg_close(pg);
}

static void test_errors_tell_no_data(void **state) {
    Bed *bed = *state;
    Err err;
    static const PgStmt cast = {"cast", "SELECT $1::integer"};
    PgArgs args = pg_args(bed->arena);
    pg_arg_text(&args, STR("secret"));
    expect_code(pg_exec(bed->conn, &cast, &args, bed->arena, NULL, &err), &err, ERR_INTERNAL);
    assert_null(strstr(err.message, "secret"));
    assert_null(strstr(err.message, "integer"));
    static const PgStmt wrong = {"wrong", "SELECT nothing FROM nowhere"};
    expect_code(pg_exec(bed->conn, &wrong, NULL, bed->arena, NULL, &err), &err, ERR_INTERNAL);
    assert_non_null(strstr(err.detail, "42P01"));
    pg_fixture_sql(bed->url, "CREATE TABLE propolis.nowhere (nothing int)");
    must(pg_exec(bed->conn, &wrong, NULL, bed->arena, NULL, &err), &err); /* a failed preparation is tried again */
    args = pg_args(bed->arena);
    pg_arg_text(&args, (Str){"a\0b", 3});
    static const PgStmt echo = {"echo", "SELECT $1"};
    expect_code(pg_exec(bed->conn, &echo, &args, bed->arena, NULL, &err), &err, ERR_INVALID_INPUT);
}

static void test_result_counts_against_the_arena(void **state) {
    Bed *bed = *state;
    Err err;
    PgRows rows;
    CLEANUP(arena_cleanup) Arena *small = arena_new(1 << 20);
    static const PgStmt big = {"big", "SELECT repeat('x', 2000000)"};
    expect_code(pg_exec(bed->conn, &big, NULL, small, &rows, &err), &err, ERR_REQUEST_TOO_LARGE);
    must(one(bed, bed->conn, &err), &err);
}

static void test_unnamed_and_big(void **state) {
    Bed *bed = *state;
    Err err;
    PgRows rows;
    char *text = malloc(5000000);
    memset(text, 'y', 5000000);
    for (int i = 0; i < 3; i++) {
        PgStmt stmt = {NULL, i % 2 ? "SELECT length($1), $1" : "SELECT octet_length($1), $1"};
        PgArgs args = pg_args(bed->arena);
        pg_arg_text(&args, (Str){text, 5000000});
        must(pg_exec(bed->conn, &stmt, &args, bed->arena, &rows, &err), &err);
        assert_int_equal(pg_i64(&rows, 0, 0, 0), 5000000);
        assert_int_equal(pg_text(&rows, 0, 1).len, 5000000);
    }
    free(text);
}

static void test_schema_change_under_a_plan(void **state) {
    Bed *bed = *state;
    Err err;
    PgRows rows;
    static const PgStmt all = {"star", "SELECT * FROM c"};
    pg_fixture_sql(bed->url, "CREATE TABLE propolis.c (x int); INSERT INTO propolis.c VALUES (1)");
    must(pg_exec(bed->conn, &all, NULL, bed->arena, &rows, &err), &err);
    pg_fixture_sql(bed->url, "ALTER TABLE propolis.c ALTER x TYPE text");
    must(pg_exec(bed->conn, &all, NULL, bed->arena, &rows, &err), &err);
    assert_str(pg_text(&rows, 0, 0), "1");
}

static void kill_all_others(Bed *bed) {
    pg_fixture_sql(
        bed->url,
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()");
}

static void *kill_soon(void *arg) {
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    kill_all_others(arg);
    return NULL;
}

static void test_killed_in_a_query(void **state) {
    Bed *bed = *state;
    Err err;
    pthread_t thread;
    pthread_create(&thread, NULL, kill_soon, bed);
    expect_code(pg_exec(bed->conn, &SLEEP, NULL, bed->arena, NULL, &err), &err, ERR_DATABASE_UNAVAILABLE);
    pthread_join(thread, NULL);
    pg_conn_cleanup(&bed->conn);
    must(pg_acquire(bed->pg, PG_READ, deadline_in_ms(5000), &bed->conn, &err), &err);
    must(one(bed, bed->conn, &err), &err);
}

static void test_killed_while_idle(void **state) {
    Bed *bed = *state;
    Err err;
    pg_conn_cleanup(&bed->conn);
    kill_all_others(bed);
    must(pg_acquire(bed->pg, PG_READ, deadline_in_ms(5000), &bed->conn, &err), &err);
    must(one(bed, bed->conn, &err), &err);
    PgPoolStats stats;
    pg_pool_stats(bed->pg, PG_READ, &stats);
    assert_int_equal(stats.lost, 1);
    assert_int_equal(stats.in_use, 1);
    assert_int_equal(stats.open, 1);
}

static void test_pool_exhausted(void **state) {
    Bed *bed = *state;
    Err err;
    PgConn *conns[4] = {bed->conn}, *more;
    for (int i = 1; i < 4; i++) {
        must(pg_acquire(bed->pg, PG_READ, deadline_in_ms(5000), &conns[i], &err), &err);
    }
    int64_t began = clock_monotonic_us();
    expect_code(pg_acquire(bed->pg, PG_READ, deadline_in_ms(60), &more, &err), &err, ERR_OVERLOADED);
    int64_t waited = clock_monotonic_us() - began;
    assert_true(waited > 50000 && waited < 1000000);
    must(pg_acquire(bed->pg, PG_BULK, deadline_in_ms(5000), &more, &err), &err); /* the other class is not touched */
    pg_release(more);
    pg_release(conns[3]);
    must(pg_acquire(bed->pg, PG_READ, deadline_in_ms(60), &conns[3], &err), &err);
    for (int i = 1; i < 4; i++) {
        pg_release(conns[i]);
    }
}

static void test_database_away(void **state) {
    Bed *bed = *state;
    Err err;
    Pg *pg;
    PgConn *conn;
    PgOptions options = {.url = STR("host=/nonexistent user=x password=hunter2")};
    must(pg_open(&options, &pg, &err), &err);
    for (int i = 0; i < 5; i++) {
        int64_t began = clock_monotonic_us();
        expect_code(pg_acquire(pg, PG_READ, deadline_in_ms(5000), &conn, &err), &err, ERR_DATABASE_UNAVAILABLE);
        assert_true(clock_monotonic_us() - began < 1000000);
        assert_null(strstr(err.message, "hunter2"));
        assert_null(strstr(err.detail, "hunter2"));
    }
    pg_close(pg);
    options.url = STR("postgresql://[bad?password=hunter2");
    expect_code(pg_open(&options, &pg, &err), &err, ERR_INVALID_CONFIG);
    assert_null(strstr(err.message, "hunter2"));
    (void)bed;
}

/* --- bulk ------------------------------------------------------------------------------------------------------- */

enum { COPIED = 50000 };

typedef struct CopyJob {
    Bed *bed;
    int64_t rows;
    bool wrong;
} CopyJob;

static bool copy_body(PgConn *conn, void *arg, Err *err) {
    CopyJob *job = arg;
    PgCopy *copy;
    Str parts[] = {STR("a"), STR_NULL};
    if (!pg_copy_begin(conn, "COPY c (id, name, at, list) FROM STDIN BINARY", &copy, err)) {
        return false;
    }
    for (int i = 0; i < COPIED; i++) {
        PgArgs *args = pg_copy_args(copy);
        if (job->wrong && i == COPIED / 2) {
            pg_arg_i32(args, 1);
        } else {
            pg_arg_i64(args, i);
        }
        pg_arg_text(args, i % 2 ? STR("odd") : STR_NULL);
        pg_arg_time(args, i);
        pg_arg_texts(args, (StrList){parts, 2});
        if (!pg_copy_row(copy, err)) {
            pg_copy_abandon(copy);
            return false;
        }
    }
    return pg_copy_end(copy, &job->rows, err);
}

static void test_copy(void **state) {
    Bed *bed = *state;
    Err err;
    CopyJob job = {bed, 0, false};
    pg_fixture_sql(bed->url, "CREATE TABLE propolis.c (id bigint, name text, at timestamptz, list text[])");
    must(pg_transaction(bed->pg, PG_BULK, deadline_in_ms(60000), bed->arena, copy_body, &job, &err), &err);
    assert_int_equal(job.rows, COPIED);
    char *n = pg_fixture_value(bed->url,
                               "SELECT count(*) || ' ' || count(name) || ' ' || sum(id) FROM propolis.c WHERE list = '{a,NULL}'");
    assert_string_equal(n, "50000 25000 1249975000");
    free(n);
    job.wrong = true;
    expect_code(pg_transaction(bed->pg, PG_BULK, deadline_in_ms(60000), bed->arena, copy_body, &job, &err), &err, ERR_INTERNAL);
    n = pg_fixture_value(bed->url, "SELECT count(*) FROM propolis.c");
    assert_string_equal(n, "50000");
    free(n);
    PgPoolStats stats;
    pg_pool_stats(bed->pg, PG_BULK, &stats);
    assert_int_equal(stats.lost, 0); /* a failed copy costs no connection */
}

static bool count_row(const PgRows *row, void *arg, Err *err) {
    int64_t *seen = arg;
    assert_int_equal(row->count, 1);
    assert_int_equal(pg_i64(row, 0, 0, -1), *seen + 1);
    if (++*seen == 700) {
        return err_set(err, ERR_LIMIT_EXCEEDED, "enough");
    }
    return true;
}

static void test_stream(void **state) {
    Bed *bed = *state;
    Err err;
    static const PgStmt series = {"series", "SELECT generate_series(1, $1::bigint), repeat('z', 100)"};
    for (int i = 0; i < 2; i++) {
        int64_t seen = 0;
        PgArgs args = pg_args(bed->arena);
        pg_arg_i64(&args, 699);
        must(pg_stream(bed->conn, &series, &args, count_row, &seen, &err), &err);
        assert_int_equal(seen, 699);
        must(one(bed, bed->conn, &err), &err);
    }
    int64_t seen = 0;
    PgArgs args = pg_args(bed->arena);
    pg_arg_i64(&args, 100000000);
    expect_code(pg_stream(bed->conn, &series, &args, count_row, &seen, &err), &err, ERR_LIMIT_EXCEEDED);
    pg_conn_cleanup(&bed->conn);
    must(pg_acquire(bed->pg, PG_READ, deadline_in_ms(5000), &bed->conn, &err), &err);
    static const PgStmt fails = {"fails", "SELECT n + 0 / (5 - n) FROM generate_series(1, 9) n"};
    seen = 0;
    expect_code(pg_stream(bed->conn, &fails, NULL, count_row, &seen, &err), &err, ERR_INTERNAL);
    assert_int_equal(seen, 4);
    pg_conn_cleanup(&bed->conn);
    must(pg_acquire(bed->pg, PG_READ, deadline_in_ms(5000), &bed->conn, &err), &err);
    must(one(bed, bed->conn, &err), &err);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_scalars),
        TEST(test_nulls),
        TEST(test_arrays),
        TEST(test_deadline_cancels),
        TEST(test_statement_timeout),
        TEST(test_errors_tell_no_data),
        TEST(test_result_counts_against_the_arena),
        TEST(test_unnamed_and_big),
        TEST(test_schema_change_under_a_plan),
        TEST(test_killed_in_a_query),
        TEST(test_killed_while_idle),
        TEST(test_pool_exhausted),
        TEST(test_database_away),
        TEST(test_copy),
        TEST(test_stream),
    };
    return cmocka_run_group_tests(tests, pg_fixture_start, pg_fixture_stop);
}
