#include "tests/unit/unit.h"

static void test_null_is_not_empty(void **state) {
    (void)state;
    assert_true(str_is_null(STR_NULL) && str_is_empty(STR_NULL));
    assert_true(str_is_empty(STR("")) && !str_is_null(STR("")));
    assert_true(str_is_null(str_from(NULL)));
    assert_false(str_eq(STR_NULL, STR("")));
    assert_true(str_eq(STR_NULL, STR_NULL));
    assert_false(str_eq_nocase(STR(""), STR_NULL));
    assert_true(str_cmp(STR_NULL, STR("")) < 0 && str_cmp(STR(""), STR_NULL) > 0 && str_cmp(STR_NULL, STR_NULL) == 0);
    assert_true(str_is_null(str_slice(STR_NULL, 0, 5)));
    assert_int_equal(str_find(STR_NULL, STR("")), SIZE_MAX);
    assert_int_equal(str_find_char(STR_NULL, 'a'), SIZE_MAX);
    assert_false(str_starts(STR_NULL, STR("")));
}

static void test_compare(void **state) {
    (void)state;
    assert_true(str_cmp(STR("a"), STR("ab")) < 0 && str_cmp(STR("b"), STR("ab")) > 0 && str_cmp(STR("ab"), STR("ab")) == 0);
    assert_true(str_cmp(STR("z"), STR("\xC3\xA4")) < 0); /* bytes are unsigned */
    assert_true(str_eq_nocase(STR("TaBlE"), STR("tAbLe")));
    assert_false(str_eq_nocase(STR("\xC3\x84"), STR("\xC3\xA4"))); /* ASCII letters only */
    assert_false(str_eq_nocase(STR("@"), STR("`")));
    assert_true(str_starts(STR("abc"), STR("ab")) && str_starts(STR("abc"), STR("")) && !str_starts(STR("ab"), STR("abc")));
    assert_true(str_ends(STR("abc"), STR("bc")) && str_ends(STR("abc"), STR("")) && !str_ends(STR("bc"), STR("abc")));
    assert_true(str_starts_nocase(STR("S3A://x"), STR("s3a:")) && !str_starts_nocase(STR("s"), STR("s3")));
    Str items[] = {STR("b"), STR(""), STR("a"), STR_NULL};
    qsort(items, ARRAY_LEN(items), sizeof items[0], str_cmp_void);
    assert_true(str_is_null(items[0]));
    assert_str(items[1], "");
    assert_str(items[3], "b");
}

static void test_find(void **state) {
    (void)state;
    Str s = STR("key=a=b");
    assert_int_equal(str_find_char(s, '='), 3);
    assert_int_equal(str_rfind_char(s, '='), 5);
    assert_int_equal(str_find_char(s, 0), SIZE_MAX);
    assert_int_equal(str_find_char(STR("a\0b"), 0), 1);
    assert_int_equal(str_find(s, STR("=b")), 5);
    assert_int_equal(str_find(s, STR("")), 0);
    assert_int_equal(str_find(STR(""), STR("a")), SIZE_MAX);
    assert_int_equal(str_find(STR("ab"), STR("abc")), SIZE_MAX);
    assert_true(str_has_char(s, 'k') && !str_has_char(s, 'z'));
}

static void test_slice_and_trim(void **state) {
    (void)state;
    assert_str(str_slice(STR("abcdef"), 2, 4), "cd");
    assert_str(str_slice(STR("abc"), 2, SIZE_MAX), "c");
    assert_str(str_slice(STR("abc"), 5, 9), "");
    assert_str(str_slice(STR("abc"), 2, 1), "");
    assert_str(str_skip(STR("abc"), 4), "");
    assert_str(str_trim(STR(" \t\r\n\v\f a b \n")), "a b");
    assert_str(str_trim(STR("   ")), "");
    assert_str(str_trim(STR("\xC2\xA0x")), "\xC2\xA0x");
}

static void test_split(void **state) {
    (void)state;
    Str rest = STR("a,,b,"), part;
    const char *expected[] = {"a", "", "b", ""};
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        assert_true(str_split(&rest, ',', &part));
        assert_str(part, expected[i]);
    }
    assert_false(str_split(&rest, ',', &part));
    rest = STR("");
    assert_true(str_split(&rest, ',', &part));
    assert_str(part, "");
    assert_false(str_split(&rest, ',', &part));
}

static void test_integers(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        int64_t value;
    } rows[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"007", true, 7},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {"18446744073709551616", false, 0},
        {"99999999999999999999999", false, 0},
        {"", false, 0},
        {"-", false, 0},
        {"--1", false, 0},
        {"+1", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"1.0", false, 0},
        {"0x10", false, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t value = 42;
        bool ok = str_to_i64(str_from(rows[i].text), &value);
        if (ok != rows[i].ok || value != (ok ? rows[i].value : 42)) {
            fail_msg("\"%s\" gave %d, %" PRId64, rows[i].text, ok, value);
        }
    }
    uint64_t u = 42;
    assert_true(str_to_u64(STR("18446744073709551615"), &u) && u == UINT64_MAX);
    assert_false(str_to_u64(STR("18446744073709551616"), &u));
    assert_false(str_to_u64(STR("-1"), &u));
    assert_false(str_to_u64(STR("1\0"), &u));
    assert_false(str_to_u64(STR_NULL, &u));
    assert_true(u == UINT64_MAX);
}

static void test_doubles(void **state) {
    (void)state;
    double d = 42;
    assert_true(str_to_double(STR("-1.5e3"), &d) && d == -1500);
    assert_true(str_to_double(STR("0"), &d) && d == 0);
    assert_true(str_to_double(STR("5e-324"), &d) && d > 0); /* the smallest number there is, not an error */
    assert_true(str_to_double(STR("1.7976931348623157e308"), &d) && d > 1e308);
    d = 42;
    static const char *const bad[] = {"",    " 1",    "1 ",  "1e999", "-1e999", "abc",      "1x", "1,5",
                                      "+-1", "0x1p3", "inf", "-inf",  "nan",    "infinity", ".",  "e5"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (str_to_double(str_from(bad[i]), &d) || d != 42) {
            fail_msg("\"%s\" was taken as %g", bad[i], d);
        }
    }
    assert_false(str_to_double(STR("1\0"), &d));
}

static void test_utf8(void **state) {
    (void)state;
    static const char *const good[] = {"",
                                       "plain",
                                       "\xC2\x80",
                                       "\xDF\xBF",
                                       "\xE0\xA0\x80",
                                       "\xED\x9F\xBF",
                                       "\xEE\x80\x80",
                                       "\xEF\xBF\xBF",
                                       "\xF0\x90\x80\x80",
                                       "\xF4\x8F\xBF\xBF"};
    static const char *const bad[] = {"\x80",
                                      "\xBF",
                                      "\xC0\x80",
                                      "\xC1\xBF",
                                      "\xE0\x80\x80",
                                      "\xE0\x9F\xBF",
                                      "\xED\xA0\x80",
                                      "\xED\xBF\xBF",
                                      "\xF0\x80\x80\x80",
                                      "\xF0\x8F\xBF\xBF",
                                      "\xF4\x90\x80\x80",
                                      "\xF5\x80\x80\x80",
                                      "\xF8\x88\x80\x80\x80",
                                      "\xFE",
                                      "\xFF",
                                      "\xC3",
                                      "\xE2\x82",
                                      "\xF0\x9F\x90",
                                      "a\xC3(",
                                      "\xC3\xC3\xA4"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_true(utf8_valid(str_from(good[i])));
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (utf8_valid(str_from(bad[i]))) {
            fail_msg("bad[%zu] was taken as valid", i);
        }
    }
    assert_true(utf8_valid(STR("a\0b")));
    assert_int_equal(utf8_length(STR("a\xC3\xA4\xF0\x9F\x90\x9D")), 3);
}

static void test_utf8_every_code_point(void **state) {
    (void)state;
    for (uint32_t cp = 0; cp <= 0x10FFFF; cp++) {
        if (cp == 0xD800) {
            cp = 0xE000;
        }
        char text[4];
        Str rest = {text, utf8_encode(cp, text)};
        uint32_t back = 0;
        if (!utf8_next(&rest, &back) || back != cp || rest.len != 0) {
            fail_msg("U+%04X came back as U+%04X", cp, back);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        UNIT_TEST(test_null_is_not_empty), UNIT_TEST(test_compare), UNIT_TEST(test_find),
        UNIT_TEST(test_slice_and_trim),    UNIT_TEST(test_split),   UNIT_TEST(test_integers),
        UNIT_TEST(test_doubles),           UNIT_TEST(test_utf8),    UNIT_TEST(test_utf8_every_code_point),
    };
    return UNIT_RUN("str", tests);
}
