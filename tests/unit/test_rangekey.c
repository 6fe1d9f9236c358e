/* Range keys: bytes order as values do, whatever their spelling. */
#include "base/clock.h"
#include "catalog/rangekey.h"
#include "tests/unit/unit.h"

static bool key_of(RangeKind kind, const char *text, Str *ret) {
    return rangekey_encode(unit_arena(), kind, str_from(text), STR_NULL, ret);
}

/* Texts in strictly rising order; "=" before one: equal to the one before it. */
static void rising(RangeKind kind, const char *const *texts, size_t count) {
    Str before = STR_NULL;
    for (size_t i = 0; i < count; i++) {
        bool equal = texts[i][0] == '=';
        Str key;
        if (!key_of(kind, texts[i] + equal, &key)) {
            fail_msg("%s does not cast", texts[i]);
        }
        int order = i ? str_cmp(before, key) : -1;
        if (equal ? order != 0 : order >= 0) {
            fail_msg("%s, %s: %d", texts[i - 1], texts[i], order);
        }
        before = key;
    }
}
#define RISING(kind, ...) rising((kind), (const char *const[]){__VA_ARGS__}, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *))

static void test_numbers(void **state) {
    (void)state;
    RISING(RANGE_INTEGER, "-99999999999999999999999999999999999999", "-9223372036854775809", "-9223372036854775808", "-1000",
           "-999", "-100", "-99", "-12", "-11", "-10", "=-010", "-9", "-1", "0", "=-0", "=+000", "1", "=+1", "=01", "2", "9", "10",
           "11", "99", "100", "101", "110", "999", "1000", "9223372036854775807", "9223372036854775808",
           "99999999999999999999999999999999999999");
    RISING(RANGE_DECIMAL, "-1e999", "-3e10", "-100", "-1.5", "=-1.50", "-1.25", "-1", "-0.5", "=-.5", "-0.05", "-1e-999", "0",
           "=0.000", "=-0e5", "1e-999", "0.001", "=1e-3", "0.01", "0.0101", "0.1", "0.11", "0.2", "1", "=1.", "=10e-1",
           "1.000000001", "1.5", "2", "10", "=1E+1", "30000000000", "=3e10", "12345678901234567890.123456789",
           "12345678901234567890.1234567891", "1e999");
}

static void test_times(void **state) {
    (void)state;
    RISING(RANGE_DATE, "0000-01-01", "0001-01-01", "1969-12-31", "1970-01-01", "2024-01-02", "=2024-1-2", "=2024-01-2",
           "2024-01-10", "2024-02-29", "2024-10-01", "9999-12-31");
    RISING(RANGE_TIMESTAMP, "0001-01-01 00:00:00", "1969-12-31 23:59:59.999999999", "1970-01-01", "=1970-01-01 00:00:00",
           "=1970-01-01T00:00:00.000", "1970-01-01 00:00:00.000000001", "1970-01-01 00:00:00.1", "=1970-01-01 00:00:00.100000000",
           "1970-01-01 00:00:01", "9999-12-31 23:59:59.999999999");
}

static void test_strings(void **state) {
    (void)state;
    RISING(RANGE_STRING, "\x01", " ", "10", "9", "A", "__HIVE_DEFAULT_PARTITION__", "=", "a", "aa", "b", "ü", "\uFFFD",
           "\U0001F41D");
    char text[600];
    memset(text, 'x', sizeof text);
    Str a, b;
    assert_true(rangekey_encode(unit_arena(), RANGE_STRING, (Str){text, 600}, STR_NULL, &a));
    assert_true(rangekey_encode(unit_arena(), RANGE_STRING, (Str){text, 512}, STR_NULL, &b));
    assert_int_equal(a.len, RANGEKEY_STRING_MAX);
    assert_str_eq(a, b);
    assert_true(rangekey_encode(unit_arena(), RANGE_STRING, STR_NULL, STR("none"), &a));
    assert_str(a, "none");
}

static void test_not_castable(void **state) {
    (void)state;
    static const struct {
        RangeKind kind;
        const char *text;
    } bad[] = {
        {RANGE_INTEGER, ""},
        {RANGE_INTEGER, "+"},
        {RANGE_INTEGER, "-"},
        {RANGE_INTEGER, "1.0"},
        {RANGE_INTEGER, "1e3"},
        {RANGE_INTEGER, " 1"},
        {RANGE_INTEGER, "1 "},
        {RANGE_INTEGER, "--1"},
        {RANGE_INTEGER, "0x1"},
        {RANGE_INTEGER, "abc"},
        {RANGE_INTEGER, "١"},
        {RANGE_DECIMAL, "."},
        {RANGE_DECIMAL, "e5"},
        {RANGE_DECIMAL, "1e"},
        {RANGE_DECIMAL, "1e1234"},
        {RANGE_DECIMAL, "1.2.3"},
        {RANGE_DECIMAL, "NaN"},
        {RANGE_DECIMAL, "inf"},
        {RANGE_DATE, "2024-02-30"},
        {RANGE_DATE, "2023-02-29"},
        {RANGE_DATE, "1900-02-29"},
        {RANGE_DATE, "24-01-01"},
        {RANGE_DATE, "2024-001-01"},
        {RANGE_DATE, "2024-01-01 "},
        {RANGE_DATE, "2024/01/01"},
        {RANGE_DATE, "12024-01-01"},
        {RANGE_TIMESTAMP, "2024-1-01 00:00:00"},
        {RANGE_TIMESTAMP, "2024-01-01 24:00:00"},
        {RANGE_TIMESTAMP, "2024-01-01 00:60:00"},
        {RANGE_TIMESTAMP, "2024-01-01 00:00:60"},
        {RANGE_TIMESTAMP, "2024-01-01 00:00:00."},
        {RANGE_TIMESTAMP, "2024-01-01 00:00:00.1234567890"},
        {RANGE_TIMESTAMP, "2024-01-01 00:00"},
        {RANGE_TIMESTAMP, "2024-01-01 00:00:00Z"},
        {RANGE_NONE, "x"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        Str key;
        if (key_of(bad[i].kind, bad[i].text, &key) || rangekey_canonical(unit_arena(), bad[i].kind, str_from(bad[i].text), &key)) {
            fail_msg("'%s' cast", bad[i].text);
        }
    }
    char digits[RANGEKEY_NUMBER_MAX + 1];
    memset(digits, '7', sizeof digits);
    Str key;
    assert_true(rangekey_encode(unit_arena(), RANGE_INTEGER, (Str){digits, RANGEKEY_NUMBER_MAX}, STR_NULL, &key));
    assert_false(rangekey_encode(unit_arena(), RANGE_INTEGER, (Str){digits, RANGEKEY_NUMBER_MAX + 1}, STR_NULL, &key));
}

static void test_kinds(void **state) {
    (void)state;
    assert_int_equal(rangekey_kind(STR("VARCHAR(5)")), RANGE_STRING);
    assert_int_equal(rangekey_kind(STR("long")), RANGE_INTEGER);
    assert_int_equal(rangekey_kind(STR("decimal(38,10)")), RANGE_DECIMAL);
    assert_int_equal(rangekey_kind(STR("date")), RANGE_DATE);
    assert_int_equal(rangekey_kind(STR("timestamp")), RANGE_TIMESTAMP);
    assert_int_equal(rangekey_kind(STR("timestamp with local time zone")), RANGE_NONE);
    assert_int_equal(rangekey_kind(STR("float")), RANGE_NONE);
    assert_int_equal(rangekey_kind(STR("whatever")), RANGE_NONE);
}

/* A random number as digits * 10^-scale, small enough for exact 128-bit arithmetic, in a random spelling. */
static __int128 random_number(Str *ret) {
    static const int64_t bounds[] = {3, 10, 100, 1000, 100000, 1000000000, INT64_MAX};
    int64_t digits = (int64_t)unit_random_below((uint64_t)bounds[unit_random_below(ARRAY_LEN(bounds))]);
    unsigned scale = (unsigned)unit_random_below(7);
    bool negative = unit_random_below(2);
    char text[40];
    snprintf(text, sizeof text, "%0*" PRId64, (int)scale + 1, digits);
    int whole = (int)(strlen(text) - scale);
    const char *sign = negative ? "-" : unit_random_below(4) ? "" : "+";
    const char *zeros = unit_random_below(4) ? "" : "00";
    if (unit_random_below(2)) {
        *ret = arena_printf(unit_arena(), "%s%s%.*s.%s%s", sign, zeros, whole, text, text + whole, unit_random_below(4) ? "" : "0");
    } else {
        *ret = arena_printf(unit_arena(), "%s%s%se-%u", sign, zeros, text, scale);
    }
    __int128 value = digits;
    for (unsigned i = scale; i < 6; i++) {
        value *= 10;
    }
    return negative ? -value : value;
}

static int sign_of(__int128 a, __int128 b) { return (a > b) - (a < b); }

static void test_random_numbers(void **state) {
    (void)state;
    for (int i = 0; i < 50000; i++) {
        Str x, y, kx, ky;
        __int128 a = random_number(&x), b = random_number(&y);
        assert_true(rangekey_encode(unit_arena(), RANGE_DECIMAL, x, STR_NULL, &kx));
        assert_true(rangekey_encode(unit_arena(), RANGE_DECIMAL, y, STR_NULL, &ky));
        int order = str_cmp(kx, ky);
        if (((order > 0) - (order < 0)) != sign_of(a, b)) {
            fail_msg("%.*s and %.*s", (int)x.len, x.ptr, (int)y.len, y.ptr);
        }
        if (i % 5000 == 0) {
            unit_teardown(state);
            unit_setup(state);
        }
    }
}

static void test_random_times(void **state) {
    (void)state;
    for (int i = 0; i < 20000; i++) {
        Str text[2], key[2];
        int64_t value[2];
        for (int k = 0; k < 2; k++) {
            int64_t second = (int64_t)unit_random_below(unit_random_below(2) ? 300000 : 250000000000u);
            int64_t days = second / 86400 - 100;
            unsigned nanos = (unsigned)unit_random_below(3) * 100000000, month, day;
            int64_t year;
            civil_from_days(days, &year, &month, &day);
            int64_t in_day = second % 86400;
            text[k] = arena_printf(unit_arena(), "%04d-%02u-%02u %02d:%02d:%02d.%0*u", (int)year, month, day, (int)(in_day / 3600),
                                   (int)(in_day / 60 % 60), (int)(in_day % 60), unit_random_below(2) ? 9 : 1, 0);
            if (nanos) {
                text[k] = arena_printf(unit_arena(), "%.*s.%09u", 19, text[k].ptr, nanos);
            }
            value[k] = (days * 86400 + in_day) * 10 + nanos / 100000000;
            assert_true(rangekey_encode(unit_arena(), RANGE_TIMESTAMP, text[k], STR_NULL, &key[k]));
        }
        int order = str_cmp(key[0], key[1]);
        assert_int_equal((order > 0) - (order < 0), sign_of(value[0], value[1]));
        if (i % 5000 == 0) {
            unit_teardown(state);
            unit_setup(state);
        }
    }
}

static void test_canonical(void **state) {
    (void)state;
    Str text;
    assert_true(rangekey_canonical(unit_arena(), RANGE_DATE, STR("2024-1-2"), &text));
    assert_str(text, "2024-01-02");
    assert_true(rangekey_canonical(unit_arena(), RANGE_TIMESTAMP, STR("2024-01-02T03:04:05.100"), &text));
    assert_str(text, "2024-01-02 03:04:05.1");
    assert_true(rangekey_canonical(unit_arena(), RANGE_TIMESTAMP, STR("2024-01-02"), &text));
    assert_str(text, "2024-01-02 00:00:00");
    assert_true(rangekey_canonical(unit_arena(), RANGE_DECIMAL, STR("-0012.50"), &text));
    assert_str(text, "-0.125e2");
    assert_true(rangekey_canonical(unit_arena(), RANGE_INTEGER, STR("-000"), &text));
    assert_str(text, "0");
    assert_true(rangekey_canonical(unit_arena(), RANGE_INTEGER, STR("-00120"), &text));
    assert_str(text, "-120");
    assert_true(rangekey_whole(unit_arena(), STR("3e10"), &text));
    assert_str(text, "30000000000");
    assert_true(rangekey_whole(unit_arena(), STR("-2.50e1"), &text));
    assert_str(text, "-25");
    assert_false(rangekey_whole(unit_arena(), STR("2.5"), &text));
    assert_false(rangekey_whole(unit_arena(), STR("1e81"), &text));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        UNIT_TEST(test_numbers), UNIT_TEST(test_times),          UNIT_TEST(test_strings),      UNIT_TEST(test_not_castable),
        UNIT_TEST(test_kinds),   UNIT_TEST(test_random_numbers), UNIT_TEST(test_random_times), UNIT_TEST(test_canonical),
    };
    return UNIT_RUN("rangekey", tests);
}
