#include "catalog/glob.h"
#include "tests/unit/unit.h"

static bool hive(const char *pattern, const char *name) {
    Err err;
    const Glob *glob;
    assert_ok(glob_parse_hive(unit_arena(), str_from(pattern), &glob, &err));
    return glob_match(unit_arena(), glob, str_from(name));
}

static bool glue(const char *pattern, const char *name) {
    Err err;
    const Glob *glob;
    assert_ok(glob_parse_glue(unit_arena(), str_from(pattern), &glob, &err));
    return glob_match(unit_arena(), glob, str_from(name));
}

static void test_hive(void **state) {
    (void)state;
    static const char *const yes[][2] = {
        {NULL, "x"},
        {"*", "x"},
        {".*", "x"},
        {"a*", "abc"},
        {"A*", "abc"},
        {"*c", "abc"},
        {"a*c", "abc"},
        {"a*c", "ac"},
        {"a.*", "abc"},
        {"*b*", "abc"},
        {"x|a*", "abc"},
        {" x | abc ", "abc"},
        {"Ä*", "äx"},
        {"a.b", "a.b"},
        {"a[b", "a[b"},
        {"**", ""},
        {"a*b*c*d", "axbxcxbxcxd"},
    };
    static const char *const no[][2] = {
        {"a", "ab"}, {"b", "ab"}, {"a*", "ba"}, {"a|b", "ab"}, {"a.b", "axb"}, {"", "a"}, {"a*b*c*d", "axbxcxbxcx"}, {"a?", "ab"}};
    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        if (!hive(yes[i][0], yes[i][1])) {
            fail_msg("%s does not match %s", yes[i][0], yes[i][1]);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(no); i++) {
        if (hive(no[i][0], no[i][1])) {
            fail_msg("%s matches %s", no[i][0], no[i][1]);
        }
    }
}

static void test_glue(void **state) {
    (void)state;
    static const char *const yes[][2] = {
        {"", "x"},
        {"*", "x"},
        {"pre*", "prefix"},
        {"*fix", "prefix"},
        {"*ef*", "prefix"},
        {"a|b", "b"},
        {"a.*", "abc"},
        {"A_*", "a_b"},
        {"tab1*", "tab123"},
        {"\\w*", "abc"},
        {"[a-c]*", "abc"},
        {"[A-C]+", "abc"},
        {".*_(x|y)", "t_y"},
        {"trino__.*", "trino__f"},
        {"trino__\\Qf(x)*\\E__.*", "trino__f(x)*__s"},
        {"a{2,3}", "aaa"},
        {"ab?c", "ac"},
        {"(?:ab)+", "abab"},
        {"\\d+", "12"},
        {"ä*", "Äx"},
        {"\\x41", "a"},
        {"a*?", "abc"},
        {"^abc$", "abc"},
        {"[^a]", "b"},
        {"tab\\.x", "tab.x"},
        {"(a*)*", "aaaa"},
        {"(|a)b", "b"},
    };
    static const char *const no[][2] = {{"pre", "prefix"},    {"fix", "prefix"},  {"a|b", "ab"}, {"\\w*", "a-c"},
                                        {"[a-c]*", "abd"},    {"a{2,3}", "aaaa"}, {"\\D", "1"},  {"[^a]", "a"},
                                        {"tab\\.x", "tabyx"}, {"a.c", "ac"}};
    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        if (!glue(yes[i][0], yes[i][1])) {
            fail_msg("%s does not match %s", yes[i][0], yes[i][1]);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(no); i++) {
        if (glue(no[i][0], no[i][1])) {
            fail_msg("%s matches %s", no[i][0], no[i][1]);
        }
    }
}

static void test_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "(",   ")",     "a)",      "[",   "[a", "[z-a]", "+",     "a**",     "a{3,2}",        "a{256}",      "a{x}", "\\1",
        "\\b", "(?=a)", "(?<n>a)", "a$b", "a^", "\\",    "\\xZZ", "\\ud800", "(a{255}){255}", "[[:alpha:]]", "\\x00"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        Err err;
        const Regex *regex;
        if (regex_parse(unit_arena(), str_from(bad[i]), &regex, &err)) {
            fail_msg("accepted: %s", bad[i]);
        }
        assert_int_equal(err.code, ERR_INVALID_FILTER);
    }
    char deep[400];
    memset(deep, '(', 200);
    memset(deep + 200, ')', 200);
    Err err;
    const Regex *regex;
    assert_err_says(regex_parse(unit_arena(), (Str){deep, 400}, &regex, &err), ERR_INVALID_FILTER, "nested too deep");
}

static void test_prefix(void **state) {
    (void)state;
    static const char *const hive_cases[][2] = {{"abc*", "abc"}, {"Abc", "abc"}, {"*x", ""}, {"ab*|ac*", "a"},
                                                {"ä*|ö*", ""},   {NULL, ""},     {"a|", ""}};
    static const char *const glue_cases[][2] = {{"abc*", "abc"}, {"Abc.*", "abc"}, {"a|b", ""}, {"\\Qa.b\\E.*", "a.b"},
                                                {"", ""},        {"x(a|b)", "x"},  {"ab?", "a"}};
    for (size_t i = 0; i < ARRAY_LEN(hive_cases); i++) {
        Err err;
        const Glob *glob;
        assert_ok(glob_parse_hive(unit_arena(), str_from(hive_cases[i][0]), &glob, &err));
        assert_str(glob_prefix(unit_arena(), glob), hive_cases[i][1]);
    }
    for (size_t i = 0; i < ARRAY_LEN(glue_cases); i++) {
        Err err;
        const Glob *glob;
        assert_ok(glob_parse_glue(unit_arena(), str_from(glue_cases[i][0]), &glob, &err));
        assert_str(glob_prefix(unit_arena(), glob), glue_cases[i][1]);
    }
}

static void test_like(void **state) {
    (void)state;
    Arena *arena = unit_arena();
    assert_true(wildcard_match(wildcard_from_hive_like(arena, STR(".*x.*")), STR("axb"), false));
    assert_true(wildcard_match(wildcard_from_hive_like(arena, STR("a+b.*")), STR("a+bc"), false)); /* only ".*" is special */
    assert_false(wildcard_match(wildcard_from_hive_like(arena, STR("%.*")), STR("x"), false));
    assert_true(wildcard_match(wildcard_from_hive_like(arena, STR("a%")), STR("abc"), false));
    assert_true(
        wildcard_match(wildcard_from_hive_like(arena, STR("a\\.*")), STR("a.*"), false)); /* escaped: not a regular expression */
    assert_true(wildcard_match(wildcard_from_sql(arena, STR("_"), 0), STR("ü"), false));
    assert_str(wildcard_sql_like(arena, wildcard_from_sql(arena, STR("a%_\\"), 0)), "a%_\\\\");
    assert_str(wildcard_sql_like(arena, wildcard_from_hive_like(arena, STR("100%_.*"))), "100\\%\\_%");
    assert_str(wildcard_sql_like(arena, wildcard_from_sql(arena, STR("a\\"), '\\')), "a\\\\");
    assert_str(wildcard_prefix(arena, wildcard_from_sql(arena, STR("ab\\%c%d"), '\\')), "ab%c");
}

/* No pattern makes a match slow. */
static void test_no_blow_up(void **state) {
    (void)state;
    char text[256];
    memset(text, 'a', sizeof text);
    text[255] = 'b';
    Err err;
    const Regex *regex;
    assert_ok(regex_parse(unit_arena(), STR("((a*)*)*c|(a|aa)+c|(a?){100}a{100}c"), &regex, &err));
    assert_false(regex_match(unit_arena(), regex, (Str){text, 256}));
    assert_false(wildcard_match(wildcard_from_sql(unit_arena(), STR("%a%a%a%a%a%a%a%a%a%a%a%a%c"), 0), (Str){text, 256}, false));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        UNIT_TEST(test_hive),   UNIT_TEST(test_glue), UNIT_TEST(test_refused),
        UNIT_TEST(test_prefix), UNIT_TEST(test_like), UNIT_TEST(test_no_blow_up),
    };
    return UNIT_RUN("glob", tests);
}
