/* unit: what the unit tests share.
 *
 * Purpose:   cmocka plus a fresh arena per test, asserts over Str and Err, and the rule that a log line at WARN or above
 *            which the test did not announce fails it (and an announced one that never came, too).
 * Ownership: unit_arena() lives until the end of the running test.
 * Threads:   log lines may come from any thread; everything else belongs to the test's own.
 *
 * A test program:
 *     static void test_something(void **state) { (void)state; ... }
 *     int main(void) {
 *         const struct CMUnitTest tests[] = {UNIT_TEST(test_something)};
 *         return UNIT_RUN("noun", tests);
 *     }
 * Tests with a setup of their own write UNIT_TEST_WITH(fn, setup, teardown); setup calls unit_setup() first and teardown
 * returns unit_teardown(). */
#ifndef PROPOLIS_TESTS_UNIT_H
#define PROPOLIS_TESTS_UNIT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"

#include <setjmp.h>

#include <cmocka.h>

int unit_setup(void **state);
int unit_teardown(void **state);
#define UNIT_TEST_WITH(fn, setup, teardown) cmocka_unit_test_setup_teardown(fn, setup, teardown)
#define UNIT_TEST(fn) UNIT_TEST_WITH(fn, unit_setup, unit_teardown)
#define UNIT_RUN(name, tests) cmocka_run_group_tests_name(name, tests, NULL, NULL)

Arena *unit_arena(void); /* limit 64 MB */

/* Announces one or more lines at WARN or above that contain TEXT (copied). */
void unit_expect_log(const char *text);
/* Switches the rule off for the running test, for tests whose own subject is noise. */
void unit_ignore_log(void);
/* How many lines of any level contained TEXT so far in this test (of the last few thousand). */
size_t unit_log_count(const char *text);

/* Numbers that look random and are the same in every run; UNIT_SEED=N in the environment changes them. */
uint64_t unit_random(void);
uint64_t unit_random_below(uint64_t bound);

#define assert_str(actual, expected) unit_assert_str((actual), str_from(expected), #actual, __FILE__, __LINE__)
#define assert_str_eq(actual, expected) unit_assert_str((actual), (expected), #actual, __FILE__, __LINE__)
#define assert_str_contains(actual, part) unit_assert_contains((actual), str_from(part), #actual, __FILE__, __LINE__)
/* CALL takes &err of a local `Err err`. */
#define assert_ok(call) unit_assert_ok((call), &err, #call, __FILE__, __LINE__)
#define assert_err(call, code) unit_assert_err((call), &err, (code), #call, __FILE__, __LINE__)
#define assert_err_says(call, code, part) \
    (assert_err(call, code), unit_assert_contains(str_from(err.message), str_from(part), "err.message", __FILE__, __LINE__))

void unit_assert_str(Str actual, Str expected, const char *what, const char *file, int line);
void unit_assert_contains(Str actual, Str part, const char *what, const char *file, int line);
void unit_assert_ok(bool ok, const Err *err, const char *what, const char *file, int line);
void unit_assert_err(bool ok, const Err *err, ErrCode code, const char *what, const char *file, int line);

#endif
