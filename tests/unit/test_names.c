#include "catalog/names.h"
#include "tests/unit/unit.h"

static Str fold(const char *text) { return name_fold(unit_arena(), str_from(text)); }

static void test_fold(void **state) {
    (void)state;
    assert_str(fold("  My_Table\t"), "my_table");
    assert_str(fold("already"), "already");
    assert_str(fold(""), "");
    assert_true(str_is_null(name_fold(unit_arena(), STR_NULL)));
    assert_str(fold("ÄÖÜ"), "äöü");
    assert_str(fold("ΣΊΣΥΦΟΣ"), "σίσυφοσ"); /* the final sigma folds to the same letter */
    assert_str(fold("σίσυφος"), "σίσυφοσ");
    assert_str(fold("ЖЯ"), "жя");
    assert_str(fold("\u212A"), "k");      /* Kelvin sign */
    assert_str(fold("\u1E9E"), "ß");      /* capital sharp s, one to one */
    assert_str(fold("straße"), "straße"); /* no full folding: nothing becomes two letters */
    assert_str(fold("\u0130"), "\u0130"); /* I with dot folds only to two, so stays */
    assert_str(fold("\u023A"), "\u2C65"); /* two bytes become three */
    assert_str(fold("\U00010400"), "\U00010428");
    assert_str(fold("日本"), "日本");
    assert_str(fold("a\xFF"
                    "B"),
               "a\xFF"
               "b"); /* not UTF-8: kept */
}

/* Folding twice changes nothing, and the table is in order. */
static void test_fold_is_stable(void **state) {
    (void)state;
    for (uint32_t c = 0; c < 0x110000; c++) {
        uint32_t folded = code_point_fold(c);
        if (code_point_fold(folded) != folded || folded >= 0x110000) {
            fail_msg("U+%04X folds to U+%04X and that to U+%04X", c, folded, code_point_fold(folded));
        }
    }
    for (size_t i = 1; i < casefold_run_count; i++) {
        assert_true(casefold_runs[i - 1].last < casefold_runs[i].first);
    }
}

static void test_same(void **state) {
    (void)state;
    assert_true(name_same(STR(" Tab"), STR("tAB ")));
    assert_true(name_same(STR("Ä"), STR("ä")));
    assert_false(name_same(STR("tab"), STR("tab1")));
    assert_false(name_same(STR("tab1"), STR("tab")));
    assert_true(name_same(STR_NULL, STR_NULL));
    assert_false(name_same(STR_NULL, STR("")));
}

static void test_hive_rules(void **state) {
    (void)state;
    Err err;
    assert_ok(name_check(NAME_HIVE_STRICT, "catalog", STR("Hive_2"), &err));
    assert_err_says(name_check(NAME_HIVE_STRICT, "catalog", STR("a-b"), &err), ERR_INVALID_NAME,
                    "'a-b' is not a valid catalog name");
    assert_err_says(name_check(NAME_HIVE_STRICT, "catalog", STR(""), &err), ERR_INVALID_NAME, "empty");
    static const char special[] = " \"%&'()*+,-./:;<=>?[]|{}$^!~#@`";
    assert_int_equal(sizeof special - 1, 31); /* space and 30 */
    for (size_t i = 0; special[i]; i++) {
        char name[] = {'a', special[i], 'b', 0};
        assert_ok(name_check(NAME_HIVE_OBJECT, "table", str_from(name), &err));
        assert_err(name_check(NAME_HIVE_STRICT, "function", str_from(name), &err), ERR_INVALID_NAME);
    }
    assert_err_says(name_check(NAME_HIVE_OBJECT, "table", STR("a\\b"), &err), ERR_INVALID_NAME, "U+005C");
    assert_err_says(name_check(NAME_HIVE_OBJECT, "table", STR("tä"), &err), ERR_INVALID_NAME, "U+00E4");
}

static void test_other_rules(void **state) {
    (void)state;
    Err err;
    assert_ok(name_check(NAME_GLUE, "table", STR("any / thing \\ 日本\tü"), &err));
    assert_err_says(name_check(NAME_GLUE, "table", STR("a\nb"), &err), ERR_INVALID_NAME, "U+000A");
    assert_ok(name_check(NAME_REST, "table", STR("Größe 日本-1.x"), &err));
    static const char *const bad[] = {".",   "..",   "a/b",   "a\\b",      "a%b",     "a?b",     "a#b",    "a\"b",
                                      "a`b", "a\tb", "a\x7F", "a\xC2\x85", "a\u2028", "a\uFEFF", "a\uFFFE"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_err(name_check(NAME_REST, "table", str_from(bad[i]), &err), ERR_INVALID_NAME);
    }
    char longest[256 * 2 + 1];
    for (size_t i = 0; i < 256; i++) {
        memcpy(longest + 2 * i, "ü", 2);
    }
    assert_ok(name_check(NAME_GLUE, "table", (Str){longest, 255 * 2}, &err));
    assert_err_says(name_check(NAME_GLUE, "table", (Str){longest, 256 * 2}, &err), ERR_INVALID_NAME, "256 characters");
    assert_err_says(name_check(NAME_REST, "table", STR("a\xC3"), &err), ERR_INVALID_NAME, "UTF-8");
    assert_err(name_check(NAME_REST, "table", (Str){"a\0b", 3}, &err), ERR_INVALID_NAME);
    assert_ok(name_check_column("column", STR("any: <thing>"), &err));
    assert_err(name_check_column("column", STR(" "), &err), ERR_INVALID_NAME);
    assert_err(name_check_column("column", (Str){"a\0b", 3}, &err), ERR_INVALID_NAME);
}

static void test_split(void **state) {
    (void)state;
    Err err;
    Str cat, db;
    assert_ok(name_split_hive(STR("db"), STR("hive"), &cat, &db, &err));
    assert_str(cat, "hive");
    assert_str(db, "db");
    assert_ok(name_split_hive(STR("@c#db#x"), STR("hive"), &cat, &db, &err));
    assert_str(cat, "c");
    assert_str(db, "db#x");
    assert_ok(name_split_hive(STR("@c#"), STR("hive"), &cat, &db, &err));
    assert_true(str_is_null(db));
    assert_ok(name_split_hive(STR("@c#!"), STR("hive"), &cat, &db, &err));
    assert_true(!str_is_null(db) && db.len == 0);
    assert_ok(name_split_hive(STR_NULL, STR("hive"), &cat, &db, &err));
    assert_str(cat, "hive");
    assert_true(str_is_null(db));
    assert_err_says(name_split_hive(STR("@cdb"), STR("hive"), &cat, &db, &err), ERR_INVALID_ARGUMENT,
                    "@cdb is prepended with the catalog marker but does not appear to have a catalog name in it");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        UNIT_TEST(test_fold),       UNIT_TEST(test_fold_is_stable), UNIT_TEST(test_same),
        UNIT_TEST(test_hive_rules), UNIT_TEST(test_other_rules),    UNIT_TEST(test_split),
    };
    return UNIT_RUN("names", tests);
}
