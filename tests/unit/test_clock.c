#include "tests/unit/unit.h"

#include <unistd.h>

#include "base/clock.h"

static void test_days(void **state) {
    (void)state;
    assert_int_equal(days_from_civil(1970, 1, 1), 0);
    assert_int_equal(days_from_civil(1969, 12, 31), -1);
    assert_int_equal(days_from_civil(2000, 2, 29), 11016);
    assert_int_equal(days_from_civil(0, 3, 1), -719468);
    assert_int_equal(days_from_civil(9999, 12, 31), 2932896);
    int64_t day = days_from_civil(-400, 1, 1);
    for (int64_t year = -400; year <= 2500; year++) {
        for (unsigned month = 1; month <= 12; month++) {
            for (unsigned dom = 1; civil_is_valid(year, month, dom); dom++, day++) {
                int64_t y;
                unsigned m, d;
                civil_from_days(day, &y, &m, &d);
                if (days_from_civil(year, month, dom) != day || y != year || m != month || d != dom) {
                    fail_msg("%d-%u-%u is not day %" PRId64, (int)year, month, dom, day);
                }
            }
        }
    }
}

static void test_valid_dates(void **state) {
    (void)state;
    assert_true(civil_is_valid(2024, 2, 29) && civil_is_valid(2000, 2, 29) && civil_is_valid(0, 2, 29));
    assert_false(civil_is_valid(2023, 2, 29) || civil_is_valid(1900, 2, 29));
    assert_false(civil_is_valid(2023, 0, 1) || civil_is_valid(2023, 13, 1) || civil_is_valid(2023, 1, 0));
    assert_false(civil_is_valid(2023, 1, 32) || civil_is_valid(2023, 4, 31));
}

static void test_format(void **state) {
    (void)state;
    static const struct {
        Micros t;
        const char *text;
    } rows[] = {
        {0, "1970-01-01T00:00:00Z"},
        {1, "1970-01-01T00:00:00.000001Z"},
        {-1, "1969-12-31T23:59:59.999999Z"},
        {1795256130123456, "2026-11-21T10:15:30.123456Z"},
        {253402300799999999, "9999-12-31T23:59:59.999999Z"},
        {-62167219200000000, "0000-01-01T00:00:00Z"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[32];
        time_format(rows[i].t, text);
        assert_string_equal(text, rows[i].text);
    }
    const Micros edges[] = {INT64_MAX, INT64_MIN + 1, INT64_MIN};
    for (size_t i = 0; i < ARRAY_LEN(edges); i++) { /* far years: any text, but a whole one within its 32 bytes */
        char text[32];
        time_format(edges[i], text);
        assert_true(str_ends(str_from(text), STR("Z")));
    }
}

static void test_parse(void **state) {
    (void)state;
    static const struct {
        const char *text;
        Micros t;
    } rows[] = {
        {"1970-01-01", 0},
        {"1970-01-02", 86400000000},
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01t00:00:01z", 1000000},
        {"1970-01-01 00:00:01Z", 1000000},
        {"1970-01-01T01:00:00+01:00", 0},
        {"1969-12-31T18:30:00-05:30", 0},
        {"1970-01-01T00:00:00.5Z", 500000},
        {"1970-01-01T00:00:00.000001Z", 1},
        {"1970-01-01T00:00:00.123456789Z", 123456},
        {"9999-12-31T23:59:59.999999Z", 253402300799999999},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        Micros t = 42;
        if (!time_parse(str_from(rows[i].text), &t) || t != rows[i].t) {
            fail_msg("%s gave %" PRId64, rows[i].text, t);
        }
    }
}

static void test_parse_refuses(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        "1970",
        "1970-1-1",
        "1970-02-30",
        "1970-13-01",
        "1970-00-10",
        "1970-01-01T",
        "1970-01-01T00:00",
        "1970-01-01T00:00:00",
        "1970-01-01T24:00:00Z",
        "1970-01-01T00:60:00Z",
        "1970-01-01T00:00:60Z",
        "1970-01-01T00:00:00.Z",
        "1970-01-01T00:00:00,5Z",
        "1970-01-01T00:00:00.1234567890Z",
        "1970-01-01T00:00:00+1:00",
        "1970-01-01T00:00:00+24:00",
        "1970-01-01T00:00:00+01:60",
        "1970-01-01T00:00:00+0100",
        "1970-01-01T00:00:00ZZ",
        " 1970-01-01",
        "1970-01-01 ",
        "-970-01-01",
        "+970-01-01",
        "1970-01-+1",
        "1970-01-01T-1:00:00Z",
        "1970/01/01",
        "19700101",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        Micros t = 42;
        if (time_parse(str_from(bad[i]), &t) || t != 42) {
            fail_msg("\"%s\" was taken", bad[i]);
        }
    }
}

static void test_round_trip(void **state) {
    (void)state;
    for (int i = 0; i < 100000; i++) {
        Micros t = (Micros)unit_random_below(315569520000000000) - 62167219200000000; /* years 0 to 9999 */
        t -= i % 3 ? 0 : t % 1000000;
        char text[32];
        time_format(t, text);
        Micros back = 0;
        if (!time_parse(str_from(text), &back) || back != t) {
            fail_msg("%" PRId64 " became %s and came back as %" PRId64, t, text, back);
        }
    }
}

static void test_deadlines(void **state) {
    (void)state;
    assert_int_equal(deadline_left_ms((Deadline){0}), INT64_MAX);
    Deadline d = deadline_in_ms(10000);
    assert_in_range(deadline_left_ms(d), 5000, 10000);
    Deadline over = deadline_in_ms(0);
    usleep(1000);
    assert_int_equal(deadline_left_ms(over), 0);
    int64_t before = clock_monotonic_us();
    assert_true(clock_monotonic_us() >= before);
    assert_true(clock_now() > 1700000000000000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        UNIT_TEST(test_days),          UNIT_TEST(test_valid_dates), UNIT_TEST(test_format),    UNIT_TEST(test_parse),
        UNIT_TEST(test_parse_refuses), UNIT_TEST(test_round_trip),  UNIT_TEST(test_deadlines),
    };
    return UNIT_RUN("clock", tests);
}
