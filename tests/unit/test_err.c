#include "tests/unit/unit.h"

static void test_catalogue(void **state) {
    (void)state;
    for (int code = 1; code < ERR_COUNT; code++) {
        const ErrInfo *info = err_info((ErrCode)code);
        assert_int_equal(err_code_by_name(str_from(info->name)), code); /* names are unique, too */
        assert_in_range(info->rest_status, 400, 599);
        assert_in_range(info->glue_status, 400, 599);
        assert_true(info->glue[0] != 0);
        assert_true(!info->retryable || info->rest_status >= 500);
        for (const char *c = info->name; *c; c++) {
            assert_true((*c >= 'a' && *c <= 'z') || *c == '_');
        }
    }
    assert_int_equal(err_code_by_name(STR("no_such_code")), ERR_NONE);
    assert_int_equal(err_code_by_name(STR_NULL), ERR_NONE);
    assert_string_equal(err_info((ErrCode)9999)->name, "internal_error");
}

static void test_set_prefix_detail(void **state) {
    (void)state;
    Err err = {0};
    assert_false(err_set(&err, ERR_TABLE_NOT_FOUND, "Table %s is not there.", "t"));
    assert_int_equal(err.code, ERR_TABLE_NOT_FOUND);
    assert_string_equal(err.message, "Table t is not there.");
    assert_true(str_ends(str_from(err.file), STR("test_err.c")) && err.line > 0);
    err_detail(&err, "sqlstate %s", "42P01");
    assert_false(err_prefix(&err, "Line %d", 3));
    assert_string_equal(err.message, "Line 3: Table t is not there.");
    assert_string_equal(err.detail, "sqlstate 42P01");
    (void)err_set(&err, ERR_CONFLICT, "x");
    assert_string_equal(err.detail, ""); /* of the former error */
}

static void test_long_texts_are_cut_between_characters(void **state) {
    (void)state;
    Err err = {0};
    for (size_t shift = 0; shift < 4; shift++) {
        char text[2000];
        memset(text, 'a', shift);
        for (size_t i = shift; i + 4 < sizeof text; i += 4) {
            memcpy(text + i, "\xF0\x9F\x90\x9D", 5);
        }
        (void)err_set(&err, ERR_INTERNAL, "%s", text);
        assert_true(utf8_valid(str_from(err.message)));
        assert_true(strlen(err.message) > sizeof err.message - 6);
        err_detail(&err, "%s", text);
        assert_true(utf8_valid(str_from(err.detail)));
        (void)err_prefix(&err, "%s", text);
        assert_true(utf8_valid(str_from(err.message)));
    }
    char full[sizeof err.message]; /* fits exactly and is cut nowhere */
    memset(full, 'a', sizeof full);
    memcpy(full + sizeof full - 3, "\xC3\xA4", 3);
    (void)err_set(&err, ERR_INTERNAL, "%s", full);
    assert_string_equal(err.message, full);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        UNIT_TEST(test_catalogue),
        UNIT_TEST(test_set_prefix_detail),
        UNIT_TEST(test_long_texts_are_cut_between_characters),
    };
    return UNIT_RUN("err", tests);
}
