#include "tests/unit/unit.h"

#include <math.h>

#include "base/json_reader.h"
#include "base/json_writer.h"

/* ---- writing ---- */

static void test_write_structure(void **state) {
    (void)state;
    CLEANUP(buf_free) Buf b = BUF_INIT(10000);
    JsonWriter w = jw_new(&b);
    Params params = {0};
    params_set(&params, unit_arena(), STR("k"), STR("v\n"));
    Str items[] = {STR("a"), STR_NULL};
    jw_object_begin(&w);
    jw_key(&w, STR("empty"));
    jw_object_begin(&w);
    jw_object_end(&w);
    jw_key(&w, STR("list"));
    jw_array_begin(&w);
    jw_i64(&w, 1);
    jw_null(&w);
    jw_array_begin(&w);
    jw_array_end(&w);
    jw_bool(&w, false);
    jw_raw(&w, STR("{\"raw\":1}"));
    jw_array_end(&w);
    jw_put_str(&w, "absent", STR_NULL);
    jw_put_str(&w, "text", STR(""));
    jw_put_i64(&w, "number", INT64_MIN);
    jw_put_bool(&w, "flag", true);
    jw_put_time(&w, "never", MICROS_NONE);
    jw_put_time(&w, "time", 1);
    jw_put_params(&w, "params", &params);
    jw_put_strs(&w, "strs", (StrList){items, 2});
    jw_key(&w, STR("null time"));
    jw_time(&w, MICROS_NONE);
    jw_object_end(&w);
    assert_int_equal(w.depth, 0);
    assert_str(buf_str(&b), "{\"empty\":{},\"list\":[1,null,[],false,{\"raw\":1}],\"text\":\"\",\"number\":-9223372036854775808,"
                            "\"flag\":true,\"time\":\"1970-01-01T00:00:00.000001Z\",\"params\":{\"k\":\"v\\n\"},"
                            "\"strs\":[\"a\",null],\"null time\":null}");
}

static Str written(Str text) {
    CLEANUP(buf_free) Buf b = BUF_INIT(1 << 20);
    JsonWriter w = jw_new(&b);
    jw_str(&w, text);
    return arena_str(unit_arena(), buf_str(&b));
}

static void test_write_escapes(void **state) {
    (void)state;
    assert_str(written(STR("a\"b\\c/d")), "\"a\\\"b\\\\c/d\"");
    assert_str(written(STR("\b\f\n\r\t")), "\"\\b\\f\\n\\r\\t\"");
    assert_str(written(STR("\0\x01\x1F\x7F")), "\"\\u0000\\u0001\\u001f\\u007f\"");
    assert_str(written(STR("\xC3\xA4\xF0\x9F\x90\x9D")), "\"\xC3\xA4\xF0\x9F\x90\x9D\"");
    assert_str(written(STR("a\xFF\xC3")), "\"a\xEF\xBF\xBD\xEF\xBF\xBD\"");
    assert_str(written(STR("\xED\xA0\x80")), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
    assert_str(written(STR("")), "\"\"");
    assert_str(written(STR_NULL), "null");
}

/* Every byte at every place of a text that is looked at in words. */
static void test_write_each_byte_anywhere(void **state) {
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        for (size_t len = 1; len <= 18; len++) {
            for (size_t at = 0; at < len; at++) {
                char text[18];
                memset(text, 'x', sizeof text);
                text[at] = (char)byte;
                Str got = written((Str){text, len});
                bool plain = byte >= 0x20 && byte < 0x7F && byte != '"' && byte != '\\';
                assert_int_equal(got.len == len + 2, plain);
                if (plain) {
                    assert_memory_equal(got.ptr + 1, text, len);
                }
            }
        }
    }
}

static void test_write_doubles(void **state) {
    (void)state;
    static const struct {
        double value;
        const char *text;
    } rows[] = {{0, "0.0"},          {-0.0, "-0.0"},
                {1, "1.0"},          {0.1, "0.1"},
                {1e300, "1e+300"},   {1.0 / 3, "0.3333333333333333"},
                {NAN, "null"},       {INFINITY, "null"},
                {-INFINITY, "null"}, {5e-324, "4.94065645841247e-324"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(buf_free) Buf b = BUF_INIT(100);
        JsonWriter w = jw_new(&b);
        jw_double(&w, rows[i].value);
        assert_str(buf_str(&b), rows[i].text);
    }
    for (int i = 0; i < 20000; i++) {
        union {
            uint64_t bits;
            double value;
        } any = {.bits = unit_random()};
        if (isfinite(any.value)) {
            CLEANUP(buf_free) Buf b = BUF_INIT(100);
            JsonWriter w = jw_new(&b);
            jw_double(&w, any.value);
            double back = 0;
            if (!str_to_double(buf_str(&b), &back) || memcmp(&back, &any.value, sizeof back) != 0) {
                fail_msg("%a became %" STR_FMT, any.value, STR_ARG(buf_str(&b)));
            }
        }
    }
}

/* ---- reading ---- */

static json_t *parsed(const char *text) {
    Err err;
    json_t *value = NULL;
    assert_ok(jr_parse(unit_arena(), str_from(text), 20, &value, &err));
    return value;
}

static void test_any_text_survives(void **state) {
    (void)state;
    for (int i = 0; i < 3000; i++) {
        char bytes[64];
        size_t len = 0;
        while (len < 56 && unit_random_below(20)) {
            uint32_t cp = (uint32_t)unit_random_below(unit_random_below(2) ? 0x80 : 0x110000);
            if (cp != 0 && !(cp >= 0xD800 && cp <= 0xDFFF)) {
                len += utf8_encode(cp, bytes + len);
            }
        }
        Err err;
        json_t *value;
        Str back = STR_NULL;
        assert_ok(jr_parse(unit_arena(), written((Str){bytes, len}), 1, &value, &err));
        JsonAt top = jr_top(value);
        assert_ok(jr_str(&top, unit_arena(), &back, &err));
        assert_str_eq(back, ((Str){bytes, len}));
    }
}

static void test_errors_have_a_position(void **state) {
    (void)state;
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"", "line 1, column 0"},
        {"{\n  \"a\": 1,\n  \"b\" 2\n}", "line 3, column 7"},
        {"{\"a\":1} x", "line 1, column 9"},
        {"[1,]", "line 1, column 4"},
        {"{\"a\":1,\"a\":2}", "duplicate"},
        {"{'a':1}", "line 1"},
        {"[01]", "line 1"},
        {"[NaN]", "line 1"},
        {"[1e999]", "line 1"},
        {"[99999999999999999999]", "line 1"},
        {"\"\xFF\"", "line 1"},
        {"\"\xED\xA0\x80\"", "line 1"},
        {"\"\\ud800\"", "line 1"},
        {"\"\\\xDE\xA2\xFF\"", "invalid escape."},
        {"\"\\u0000\"", "line 1"},
        {"\"a\nb\"", "line 1"},
        {"{\"\\u0000\":1}", "line 1"},
        {"\xEF\xBB\xBF{}", "line 1"},
        {"[1] // no comments", "line 1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        Err err;
        json_t *value;
        assert_err_says(jr_parse(unit_arena(), str_from(rows[i].text), 20, &value, &err), ERR_INVALID_JSON, rows[i].says);
        assert_true(utf8_valid(str_from(err.message)));
    }
    Err err;
    json_t *value;
    assert_err(jr_parse(unit_arena(), STR("[1]\0"), 20, &value, &err), ERR_INVALID_JSON);
    assert_err(jr_parse(unit_arena(), STR("\"a\0b\""), 20, &value, &err), ERR_INVALID_JSON);
    assert_err(jr_parse(unit_arena(), STR_NULL, 20, &value, &err), ERR_INVALID_JSON);
}

/* "{}," is three bytes of text and two hundred of memory. */
static void test_memory_of_a_tree(void **state) {
    (void)state;
    enum { COUNT = 10000 };
    CLEANUP(buf_free) Buf text = BUF_INIT(1 << 20);
    json_t *value;
    Err err;
    buf_add_cstr(&text, "[0");
    for (int i = 0; i < COUNT; i++) {
        buf_add_cstr(&text, ",{}");
    }
    buf_add_char(&text, ']');
    CLEANUP(arena_cleanup) Arena *wide = arena_new(64 << 20);
    assert_ok(jr_parse(wide, buf_str(&text), 4, &value, &err));
    size_t used = arena_used(wide);
    assert_true(used > 40 * text.len && used < 80 * text.len);
    CLEANUP(arena_cleanup) Arena *enough = arena_new(used + used / 20); /* malloc() is not the same to the byte each time */
    assert_ok(jr_parse(enough, buf_str(&text), 4, &value, &err));
    assert_ok(arena_check(enough, &err));
    CLEANUP(arena_cleanup) Arena *little = arena_new(used - used / 20);
    assert_err(jr_parse(little, buf_str(&text), 4, &value, &err), ERR_REQUEST_TOO_LARGE);
    CLEANUP(arena_cleanup) Arena *narrow = arena_new(used / 10);
    assert_err(jr_parse(narrow, buf_str(&text), 4, &value, &err), ERR_REQUEST_TOO_LARGE);
    assert_true(arena_used(narrow) < used / 5); /* it was not read to its end */
}

static void test_depth(void **state) {
    (void)state;
    static char text[20001];
    Err err;
    json_t *value;
    for (size_t depth = 19; depth <= 21; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        bool ok = jr_parse(unit_arena(), (Str){text, 2 * depth}, 20, &value, &err);
        assert_int_equal(ok, depth <= 20);
    }
    assert_true(strstr(err.message, "deeper than 20"));
    memset(text, '[', 10000);
    memset(text + 10000, ']', 10000);
    assert_err(jr_parse(unit_arena(), (Str){text, 20000}, 100, &value, &err), ERR_INVALID_JSON);
    /* even when allowed, the library's own bound holds and nothing overflows the stack */
    assert_err(jr_parse(unit_arena(), (Str){text, 20000}, 20000, &value, &err), ERR_INVALID_JSON);
    for (size_t i = 0; i < 10000; i++) {
        text[i] = i % 2 ? '{' : '[';
    }
    assert_err(jr_parse(unit_arena(), (Str){text, 10000}, 100, &value, &err), ERR_INVALID_JSON);
    assert_ok(jr_parse(unit_arena(), STR("[\"[[[[\\\"[[[[\"]"), 1, &value, &err)); /* brackets in texts do not count */
}

static void test_typed_reads(void **state) {
    (void)state;
    Arena *a = unit_arena();
    Err err;
    JsonAt top = jr_top(
        parsed("{\"s\":\"x\",\"i\":5,\"big\":9223372036854775807,\"d\":1.5,\"b\":true,\"t\":\"1970-01-01T00:00:01Z\",\"n\":null}"));
    JsonAt s = jr_member(&top, "s"), i = jr_member(&top, "i"), big = jr_member(&top, "big"), d = jr_member(&top, "d");
    JsonAt b = jr_member(&top, "b"), t = jr_member(&top, "t"), n = jr_member(&top, "n"), absent = jr_member(&top, "absent");
    Str text = STR_NULL;
    int64_t number = 0;
    double real = 0;
    bool flag = false;
    Micros time = 0;
    assert_ok(jr_str(&s, a, &text, &err));
    assert_str(text, "x");
    assert_ok(jr_i64(&i, a, 5, 5, &number, &err));
    assert_int_equal(number, 5);
    assert_ok(jr_i64(&big, a, 0, INT64_MAX, &number, &err));
    assert_true(number == INT64_MAX);
    assert_err_says(jr_i64(&i, a, 6, 9, &number, &err), ERR_INVALID_INPUT, "i must be from 6 to 9, but it is 5");
    assert_err_says(jr_i64(&i, a, 0, 4, &number, &err), ERR_INVALID_INPUT, "i must be from 0 to 4");
    assert_err_says(jr_i64(&d, a, 0, 9, &number, &err), ERR_INVALID_INPUT, "d must be an integer, but it is a number");
    assert_true(number == INT64_MAX); /* untouched by the failures */
    assert_ok(jr_double(&i, a, &real, &err));
    assert_true(real == 5);
    assert_ok(jr_bool(&b, a, &flag, &err));
    assert_true(flag);
    assert_ok(jr_time(&t, a, &time, &err));
    assert_int_equal(time, 1000000);
    assert_err_says(jr_time(&s, a, &time, &err), ERR_INVALID_INPUT, "s must be a time such as");
    assert_err_says(jr_str(&b, a, &text, &err), ERR_INVALID_INPUT, "b must be a string, but it is a boolean");
    assert_err_says(jr_bool(&s, a, &flag, &err), ERR_INVALID_INPUT, "s must be true or false, but it is a string");
    assert_err(jr_double(&s, a, &real, &err), ERR_INVALID_INPUT);
    assert_ok(jr_str(&absent, a, &text, &err));
    assert_ok(jr_i64(&n, a, 7, 9, &number, &err));
    assert_str(text, "x"); /* absent and null leave it as it was */
    assert_err_says(jr_required(&absent, a, &err), ERR_INVALID_INPUT, "absent is missing");
    assert_err(jr_required(&n, a, &err), ERR_INVALID_INPUT);
}

static void test_paths(void **state) {
    (void)state;
    Arena *a = unit_arena();
    Err err;
    Str text;
    JsonAt top = jr_top(parsed("{\"storage\":{\"columns\":[{},{\"name\":7}]}}"));
    JsonAt storage = jr_member(&top, "storage"), columns = jr_member(&storage, "columns"), second = jr_item(&columns, 1);
    JsonAt name = jr_member(&second, "name"), beyond = jr_item(&columns, 5), of_absent = jr_member(&beyond, "x");
    assert_err_says(jr_str(&name, a, &text, &err), ERR_INVALID_INPUT,
                    "storage.columns[1].name must be a string, but it is an integer");
    assert_err_says(jr_required(&of_absent, a, &err), ERR_INVALID_INPUT, "storage.columns[5].x is missing");
    assert_err_says(jr_expect_array(&top, a, &err), ERR_INVALID_INPUT, "the document must be an array, but it is an object");
    JsonAt list = jr_top(parsed("[[1]]"));
    JsonAt inner = jr_item(&list, 0), leaf = jr_item(&inner, 0);
    assert_str(jr_path(&leaf, a), "[0][0]");
}

static void test_params_and_strs(void **state) {
    (void)state;
    Arena *a = unit_arena();
    Err err;
    JsonAt top = jr_top(parsed(
        "{\"p\":{\"b\":\"2\",\"a\":\"1\",\"n\":null},\"bad\":{\"x\":1},\"s\":[\"u\",\"\"],\"holes\":[\"u\",null],\"num\":[1]}"));
    JsonAt p = jr_member(&top, "p"), bad = jr_member(&top, "bad"), s = jr_member(&top, "s"), num = jr_member(&top, "num");
    Params params = {0};
    StrList list = {0};
    assert_err_says(jr_params(&bad, a, &params, &err), ERR_INVALID_INPUT, "bad.x must be a string");
    assert_int_equal(params.count, 0);
    assert_ok(jr_strs(&s, a, &list, &err));
    assert_int_equal(list.count, 2);
    assert_str(list.items[1], "");
    assert_err_says(jr_strs(&num, a, &list, &err), ERR_INVALID_INPUT, "num[0] must be a string, but it is an integer");
    assert_err_says(jr_strs(&p, a, &list, &err), ERR_INVALID_INPUT, "p must be an array");
    JsonAt holes = jr_member(&top, "holes"); /* documents what null does in texts: it is refused */
    assert_err_says(jr_strs(&holes, a, &list, &err), ERR_INVALID_INPUT, "holes[1] must be a string, but it is null");
    assert_err_says(jr_params(&p, a, &params, &err), ERR_INVALID_INPUT, "p.n must be a string, but it is null");
}

static void test_only_members(void **state) {
    (void)state;
    static const char *const known[] = {"name", "description", "location", NULL};
    Arena *a = unit_arena();
    Err err;
    JsonAt good = jr_top(parsed("{\"name\":1,\"location\":null}")), typo = jr_top(parsed("{\"descripton\":1}"));
    JsonAt strange = jr_top(parsed("{\"zzz\":1}")), list = jr_top(parsed("[]"));
    assert_ok(jr_only_members(&good, a, known, &err));
    assert_err_says(jr_only_members(&typo, a, known, &err), ERR_INVALID_INPUT,
                    "descripton is not a known field; did you mean description?");
    assert_string_equal(err.message + strlen(err.message) - 2, "n?");
    assert_err_says(jr_only_members(&strange, a, known, &err), ERR_INVALID_INPUT, "zzz is not a known field.");
    assert_err(jr_only_members(&list, a, known, &err), ERR_INVALID_INPUT);
}

static void test_nearest_word(void **state) {
    (void)state;
    static const char *const known[] = {"list", "get", "rename", NULL};
    assert_string_equal(nearest_word(STR("lst"), known), "list");
    assert_string_equal(nearest_word(STR("renmae"), known), "rename");
    assert_string_equal(nearest_word(STR("gett"), known), "get");
    assert_null(nearest_word(STR("something else"), known));
    char longest[300];
    memset(longest, 'a', sizeof longest);
    assert_null(nearest_word((Str){longest, sizeof longest}, known));
    (void)nearest_word(STR(""), known); /* no opinion, no crash */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        UNIT_TEST(test_write_structure), UNIT_TEST(test_write_escapes),     UNIT_TEST(test_write_each_byte_anywhere),
        UNIT_TEST(test_write_doubles),   UNIT_TEST(test_any_text_survives), UNIT_TEST(test_errors_have_a_position),
        UNIT_TEST(test_depth),           UNIT_TEST(test_memory_of_a_tree),  UNIT_TEST(test_typed_reads),
        UNIT_TEST(test_paths),           UNIT_TEST(test_params_and_strs),   UNIT_TEST(test_only_members),
        UNIT_TEST(test_nearest_word),
    };
    return UNIT_RUN("json", tests);
}
