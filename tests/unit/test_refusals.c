#include "server/refusals.h"

#include "base/log.h"
#include "tests/unit/unit.h"

static char said[256];

static void keep(LogLevel level, Str line, void *arg) {
    (void)level;
    (void)arg;
    snprintf(said, sizeof said, "%" STR_FMT, STR_ARG(line));
}

static bool settles(Refusals *refusals, bool database_answers, int64_t now_us, const char *words) {
    said[0] = '\0';
    log_capture(keep, NULL);
    refusals_settle(refusals, database_answers, now_us);
    log_capture(NULL, NULL);
    return words ? strstr(said, words) != NULL : said[0] == '\0';
}

static void test_one_line_and_a_count(void **state) {
    (void)state;
    enum { S = 1000000 };
    Refusals *refusals = refusals_new();
    Err away = {.code = ERR_DATABASE_UNAVAILABLE}, full = {.code = ERR_OVERLOADED}, wrong = {.code = ERR_INVALID_INPUT};
    assert_true(settles(refusals, true, 1 * S, NULL));
    assert_true(refusals_note(refusals, &away, 10 * S));
    for (int i = 0; i < 100; i++) {
        assert_false(refusals_note(refusals, &away, 11 * S));
        assert_true(refusals_note(refusals, &wrong, 11 * S)); /* the caller's own doing */
    }
    assert_true(refusals_note(refusals, &full, 12 * S)); /* another kind */
    assert_false(refusals_note(refusals, &away, 13 * S));
    assert_true(settles(refusals, true, 13 * S, NULL));
    assert_true(settles(refusals, false, 14 * S, "overloaded; 1 were in 0.0 s"));
    assert_true(settles(refusals, false, 60 * S, NULL)); /* nobody asks, but it is still away */
    assert_true(settles(refusals, true, 61 * S, "database_unavailable; 102 were in 3.0 s"));
    assert_true(settles(refusals, true, 90 * S, NULL));
    assert_true(refusals_note(refusals, &away, 91 * S));
    refusals_free(refusals);
}

int main(void) {
    const struct CMUnitTest tests[] = {UNIT_TEST(test_one_line_and_a_count)};
    return cmocka_run_group_tests_name("refusals", tests, NULL, NULL);
}
