#include "tests/unit/pg_fixture.h"

#include <pthread.h>
#include <setjmp.h>

#include <cmocka.h>

#include "pg/migrate.h"

#define FILE_OF(number, name, sum, text) \
    { number, name, sum, text, sizeof(text) - 1 }

static const MigrationFile FILES[] = {
    FILE_OF(1, "0001_a", "aa", "CREATE TABLE a (x int); INSERT INTO a VALUES (1);"),
    FILE_OF(2, "0002_b", "bb", "CREATE TABLE b (x int);"),
    FILE_OF(3, "0003_c", "cc", "ALTER TABLE a ADD y int; UPDATE schema_info SET min_server = 3;"),
};

static MigrationSet first(size_t count) { return (MigrationSet){FILES, count}; }

typedef struct Bed {
    char *url;
    Pg *pg;
} Bed;

static int setup(void **state) {
    Bed *bed = calloc(1, sizeof *bed);
    bed->url = pg_fixture_database();
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

static void must(bool ok, const Err *err) {
    if (!ok) {
        fail_msg("%s | %s", err->message, err->detail);
    }
}

static int apply(Bed *bed, size_t count) {
    Err err;
    int applied = -1;
    must(migrate_apply(bed->pg, first(count), &applied, &err), &err);
    return applied;
}

static void refused(bool ok, const Err *err, const char *word) {
    assert_false(ok);
    assert_int_equal(err->code, ERR_SCHEMA_MISMATCH);
    if (!strstr(err->message, word)) {
        fail_msg("\"%s\" not in: %s", word, err->message);
    }
}

static void test_applies_once(void **state) {
    Bed *bed = *state;
    Err err;
    MigrateStatus status;
    must(migrate_status(bed->pg, first(2), &status, &err), &err);
    assert_false(status.schema_exists);
    assert_int_equal(status.pending, 2);
    refused(migrate_check(bed->pg, first(2), &err), &err, "propolis migrate");
    assert_int_equal(apply(bed, 2), 2);
    assert_int_equal(apply(bed, 2), 0);
    must(migrate_check(bed->pg, first(2), &err), &err);
    assert_int_equal(apply(bed, 3), 1);
    char *rows = pg_fixture_value(bed->url, "SELECT string_agg(name, ' ' ORDER BY number) FROM propolis.schema_migrations");
    assert_string_equal(rows, "0001_a 0002_b 0003_c");
    free(rows);
}

static void test_refuses_newer_schema(void **state) {
    Bed *bed = *state;
    Err err;
    MigrateStatus status;
    apply(bed, 3);
    refused(migrate_apply(bed->pg, first(2), NULL, &err), &err, "newer release");
    /* As long as nobody asks for more, an older server may stay. */
    pg_fixture_sql(bed->url, "UPDATE propolis.schema_info SET min_server = 2");
    must(migrate_status(bed->pg, first(2), &status, &err), &err);
    assert_int_equal(status.newest_applied, 3);
    assert_int_equal(status.pending, 0);
    assert_int_equal(apply(bed, 2), 0);
}

static void test_refuses_other_checksum(void **state) {
    Bed *bed = *state;
    Err err;
    apply(bed, 2);
    pg_fixture_sql(bed->url, "UPDATE propolis.schema_migrations SET sha256 = 'x' WHERE number = 2");
    refused(migrate_apply(bed->pg, first(3), NULL, &err), &err, "0002_b");
}

static void test_refuses_foreign_tables(void **state) {
    Bed *bed = *state;
    Err err;
    pg_fixture_sql(bed->url, "CREATE SCHEMA propolis; CREATE TABLE propolis.users (x int)");
    refused(migrate_apply(bed->pg, first(1), NULL, &err), &err, "another program");
    pg_fixture_sql(bed->url, "DROP TABLE propolis.users; CREATE TABLE public.users (x int)");
    assert_int_equal(apply(bed, 1), 1); /* an empty schema and other schemas do not matter */
}

static void test_failure_leaves_nothing(void **state) {
    Bed *bed = *state;
    Err err;
    const MigrationFile bad[] = {FILES[0], FILE_OF(2, "0002_bad", "xx", "CREATE TABLE z (x int); SELECT no_such_function();")};
    assert_false(migrate_apply(bed->pg, (MigrationSet){bad, 2}, NULL, &err));
    assert_non_null(strstr(err.message, "0002_bad"));
    assert_non_null(strstr(err.detail, "no_such_function"));
    char *found = pg_fixture_value(bed->url, "SELECT to_regclass('propolis.z') IS NULL AND to_regclass('propolis.a') IS NOT NULL");
    assert_string_equal(found, "t");
    free(found);
    assert_int_equal(apply(bed, 2), 1);
}

static void *apply_in_thread(void *arg) {
    Err err;
    Pg *pg = pg_fixture_open(((Bed *)arg)->url);
    bool ok = migrate_apply(pg, first(3), NULL, &err);
    pg_close(pg);
    return ok ? arg : NULL;
}

static void test_many_at_once(void **state) {
    pthread_t threads[6];
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        pthread_create(&threads[i], NULL, apply_in_thread, *state);
    }
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        void *result;
        pthread_join(threads[i], &result);
        assert_non_null(result);
    }
}

static void test_print_can_be_run(void **state) {
    Bed *bed = *state;
    Err err;
    CLEANUP(buf_free) Buf sql = BUF_INIT(1 << 20);
    apply(bed, 1);
    must(migrate_print(bed->pg, first(3), &sql, &err), &err);
    buf_add_char(&sql, 0);
    pg_fixture_sql(bed->url, sql.ptr);
    must(migrate_check(bed->pg, first(3), &err), &err);
}

static void test_built_in(void **state) {
    Bed *bed = *state;
    Err err;
    must(migrate_apply(bed->pg, migrations_built_in(), NULL, &err), &err);
    must(migrate_check(bed->pg, migrations_built_in(), &err), &err);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_applies_once),           TEST(test_refuses_newer_schema),
        TEST(test_refuses_other_checksum), TEST(test_refuses_foreign_tables),
        TEST(test_failure_leaves_nothing), TEST(test_many_at_once),
        TEST(test_print_can_be_run),       TEST(test_built_in),
    };
    return cmocka_run_group_tests(tests, pg_fixture_start, pg_fixture_stop);
}
