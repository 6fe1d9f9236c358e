/* What tests of use cases stand on: a migrated database of their own, a warehouse in a temporary directory, and a Ctx. */
#ifndef PROPOLIS_TESTS_CATALOG_BED_H
#define PROPOLIS_TESTS_CATALOG_BED_H

#include "catalog/ctx.h"
#include "catalog/model.h"
#include "tests/unit/pg_fixture.h"
#include "tests/unit/unit.h"

typedef struct Bed {
    char *url;
    Pg *pg;
    char warehouse[64]; /* path */
    Catalog catalog;
    Caller caller;
    Arena *arena, *config_arena;
    Ctx ctx;
} Bed;

/* For cmocka's setup and teardown of a test; *state is the Bed. Catalog "hive" and its database "default" are there. */
int bed_setup(void **state);
int bed_teardown(void **state);
#define BED_TEST(fn) UNIT_TEST_WITH(fn, bed_setup, bed_teardown)
#define BED_RUN(name, tests) cmocka_run_group_tests_name(name, tests, pg_fixture_start, pg_fixture_stop)
/* Another thread's Ctx over the same store; free its arena with arena_free(). */
Ctx bed_ctx(Bed *bed);

/* First value of the first row, as text; aborts when the query fails. */
Str bed_value(Bed *bed, const char *sql);
int64_t bed_count(Bed *bed, const char *sql);
void bed_sql(Bed *bed, const char *sql);
/* A bare table row, for tests of what hangs on tables; its id. */
int64_t bed_table(Bed *bed, const char *database, const char *name, const char *type, const char *location);

#endif
