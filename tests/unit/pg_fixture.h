/* A real PostgreSQL for unit tests: one private cluster per test program (or, when PROPOLIS_TEST_PG holds a URL prefix such as
 * "host=/tmp/x user=postgres", the one the runner started), and a fresh database per test.
 * As root the cluster runs as the user postgres (or nobody). It ends with the program, however that ends. */
#ifndef PROPOLIS_TESTS_PG_FIXTURE_H
#define PROPOLIS_TESTS_PG_FIXTURE_H

#include "pg/pg.h"

/* For cmocka's group setup and teardown. */
int pg_fixture_start(void **state);
int pg_fixture_stop(void **state);

/* A new empty database; the connection text to free(). All are dropped by pg_fixture_stop(). */
char *pg_fixture_database(void);
/* A copy of the database TEMPLATE, which is made and filled by FILL on first use: a migrated schema costs a copy then. */
char *pg_fixture_clone(const char *template, bool (*fill)(Pg *pg, Err *err));
/* Opens URL with small pools; ends the program when that fails. */
Pg *pg_fixture_open(const char *url);
/* Runs SQL on a connection of its own as superuser; ends the program when it fails. */
void pg_fixture_sql(const char *url, const char *sql);
/* First column of the first row of a query, to free(). */
char *pg_fixture_value(const char *url, const char *sql);
/* Where PostgreSQL's programs are, e.g. "/usr/lib/postgresql/15/bin". */
const char *pg_fixture_bindir(void);

#endif
