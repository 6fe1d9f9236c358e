#include "base/cron.h"
#include "tests/unit/unit.h"

static Micros at(const char *text) {
    Micros t = MICROS_NONE;
    assert_true(time_parse(str_from(text), &t));
    return t;
}

static void check_next(const char *schedule, const char *after, const char *expected) {
    Cron cron;
    Err err;
    Micros next = 0;
    assert_ok(cron_parse(str_from(schedule), &cron, &err));
    assert_true(cron_next(&cron, at(after), &next));
    assert_int_equal(next, at(expected));
}

static void test_next(void **state) {
    (void)state;
    check_next("* * * * * ?", "2026-11-21T10:15:30Z", "2026-11-21T10:15:31Z");
    check_next("* * * * * ?", "2026-11-21T10:15:30.5Z", "2026-11-21T10:15:31Z");
    check_next("0 0/10 * * * ? *", "2026-11-21T10:15:30Z", "2026-11-21T10:20:00Z");
    check_next("0 0 3 * * ?", "2026-11-21T03:00:00Z", "2026-11-22T03:00:00Z");
    check_next("0 30 23 31 12 ?", "2026-12-31T23:30:00Z", "2027-12-31T23:30:00Z");
    check_next("0 0 0 29 2 ?", "2026-11-21T00:00:00Z", "2028-02-29T00:00:00Z");
    check_next("0 0 12 ? * MON-FRI", "2026-11-20T12:00:00Z", "2026-11-23T12:00:00Z"); /* from Friday to Monday */
    check_next("0 0 12 ? * fri-mon", "2026-11-23T12:00:00Z", "2026-11-27T12:00:00Z");
    check_next("0 0 12 ? * 1", "2026-11-21T00:00:00Z", "2026-11-22T12:00:00Z"); /* Sunday */
    check_next("0 5,35 8-9 ? JAN,mar *", "2026-11-21T00:00:00Z", "2027-01-01T08:05:00Z");
    check_next("10-40/15 0 0 1 1 ? 2030", "2026-11-21T00:00:00Z", "2030-01-01T00:00:10Z");
    check_next("10-40/15 0 0 1 1 ? 2030", "2030-01-01T00:00:10Z", "2030-01-01T00:00:25Z");
    check_next("  0   0 0 * * ?  ", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z");
}

static void test_never(void **state) {
    (void)state;
    static const char *const schedules[] = {"0 0 0 31 2 ?", "0 0 0 * * ? 2020", "0 0 0 30 FEB ? 2000-2099"};
    for (size_t i = 0; i < ARRAY_LEN(schedules); i++) {
        Cron cron;
        Err err;
        Micros next;
        assert_ok(cron_parse(str_from(schedules[i]), &cron, &err));
        assert_false(cron_next(&cron, at("2026-11-21T00:00:00Z"), &next));
    }
}

static void test_refused(void **state) {
    (void)state;
    static const char *const schedules[] = {"",
                                            "* * * * *",
                                            "* * * * * ? * *",
                                            "60 * * * * ?",
                                            "* * 24 * * ?",
                                            "* * * 0 * ?",
                                            "* * * * 13 ?",
                                            "* * * * * 8",
                                            "* * * * * MOM",
                                            "* * * L * ?",
                                            "1- * * * * ?",
                                            "*/0 * * * * ?",
                                            "*/x * * * * ?",
                                            "1,,2 * * * * ?",
                                            "-1 * * * * ?",
                                            "* * * * * ? 1969",
                                            "99999999999999999999 * * * * ?"};
    for (size_t i = 0; i < ARRAY_LEN(schedules); i++) {
        Cron cron;
        Err err = {.code = ERR_NONE};
        assert_false(cron_parse(str_from(schedules[i]), &cron, &err));
        assert_int_equal(err.code, ERR_INVALID_INPUT);
    }
    Cron cron;
    Err err;
    assert_false(cron_parse(STR_NULL, &cron, &err));
}

int main(void) {
    const struct CMUnitTest tests[] = {UNIT_TEST(test_next), UNIT_TEST(test_never), UNIT_TEST(test_refused)};
    return UNIT_RUN("cron", tests);
}
