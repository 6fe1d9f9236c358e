/* YAML of the command line: what is written reads back as the same value, and what is read is what YAML 1.2 says. */
#include "cli/compare.h"
#include "cli/yaml.h"
#include "tests/unit/unit.h"

static json_t *read_one(const char *text) {
    json_t *documents;
    Err err;
    assert_ok(cli_yaml_read(unit_arena(), "test", str_from(text), &documents, &err));
    assert_int_equal(json_array_size(documents), 1);
    return json_array_get(documents, 0);
}

static void check_value(const char *yaml, const char *json) {
    json_t *expected = json_loads(json, JSON_DECODE_ANY, NULL);
    assert_non_null(expected);
    if (!json_equal(json_object_get(read_one(yaml), "v"), expected)) {
        fail_msg("%s is not %s", yaml, json);
    }
    json_decref(expected);
}

static void test_scalars(void **state) {
    (void)state;
    check_value("v: 12", "12");
    check_value("v: -3", "-3");
    check_value("v: 1.5", "1.5");
    check_value("v: 1e3", "1000.0");
    check_value("v: 007", "\"007\"");
    check_value("v: 0x10", "\"0x10\"");
    check_value("v: true", "true");
    check_value("v: yes", "\"yes\"");
    check_value("v: ~", "null");
    check_value("v:", "null");
    check_value("v: '12'", "\"12\"");
    check_value("v: !!str 12", "\"12\"");
    check_value("v: 2026-11-21", "\"2026-11-21\"");
    check_value("v: 12:30", "\"12:30\"");
    check_value("v: 99999999999999999999", "1e20");
    check_value("v: |\n  a\n  b\n", "\"a\\nb\\n\"");
}

/* Members that hold texts by nature keep them as they are written. */
static void test_text_members(void **state) {
    (void)state;
    check_value("v: {parameters: {skip: 1, on: true, x: 1.50, n: ~}}",
                "{\"parameters\":{\"skip\":\"1\",\"on\":\"true\",\"x\":\"1.50\",\"n\":null}}");
    check_value("v: {values: [[1, 007], [x]]}", "{\"values\":[[\"1\",\"007\"],[\"x\"]]}");
}

static void check_refused(const char *text, const char *says) {
    json_t *documents;
    Err err;
    assert_err_says(cli_yaml_read(unit_arena(), "f.yaml", str_from(text), &documents, &err), ERR_INVALID_INPUT, says);
}

static void test_refusals(void **state) {
    (void)state;
    check_refused("a: 1\nb: *x", "f.yaml:2:4: aliases");
    check_refused("a: 1\nb: 2\na: 3", "f.yaml:3:1: this key is there twice");
    check_refused("a: [1", "f.yaml:");
    check_refused("a: !!int 1", "only the tag !!str");
    check_refused("? [a]\n: b", "a key must be plain text");
    check_refused("a: \"\\0\"", "NUL");
    char deep[400];
    memset(deep, '[', 300);
    deep[300] = 0;
    check_refused(deep, "nested too deep");
    assert_int_equal(json_array_size(read_one("--- [1, 2]\n---\n---\n")), 2);
}

static json_t *random_value(int depth) {
    static const char *const texts[] = {"",
                                        "a",
                                        "true",
                                        "No",
                                        "12",
                                        "-",
                                        "1.5e3",
                                        "a: b",
                                        "# c",
                                        " lead",
                                        "trail ",
                                        "a\nb",
                                        "\ttab",
                                        "\"q\"",
                                        "'s'",
                                        "*x",
                                        "&y",
                                        "!t",
                                        "%d",
                                        "@",
                                        "`",
                                        "[",
                                        "{",
                                        "null",
                                        "~",
                                        "=",
                                        "<<",
                                        "\xC3\xA9",
                                        "\xE6\x97\xA5",
                                        "\xE2\x80\xAE rtl",
                                        "\xC2\x85",
                                        "\xEF\xBB\xBF",
                                        "a\rb",
                                        "\x7F",
                                        "\x1B[2J",
                                        "---",
                                        "...",
                                        "0x1f",
                                        "1_000",
                                        "12:30",
                                        ".inf",
                                        "\xF0\x9F\x98\x80",
                                        "y",
                                        "on"};
    switch (unit_random_below(depth > 3 ? 5 : 7)) {
        case 0: return json_integer((json_int_t)unit_random());
        case 1: return json_real((double)(int64_t)unit_random_below(1000000) / 64.0);
        case 2: return json_boolean(unit_random_below(2));
        case 3: return json_null();
        case 4: return json_string(texts[unit_random_below(ARRAY_LEN(texts))]);
        default: break;
    }
    bool list = unit_random_below(2);
    json_t *value = list ? json_array() : json_object();
    for (uint64_t n = unit_random_below(5); n > 0; n--) {
        json_t *item = random_value(depth + 1);
        if (list) {
            json_array_append_new(value, item);
        } else {
            json_object_set_new(value, texts[unit_random_below(ARRAY_LEN(texts))], item);
        }
    }
    return value;
}

static void test_round_trip(void **state) {
    (void)state;
    for (int round = 0; round < 3000; round++) {
        CLEANUP(buf_free) Buf text = BUF_INIT(1 << 20);
        Err err;
        json_t *value = json_pack("{so}", "v", random_value(0)), *documents;
        assert_ok(cli_yaml_write(&text, value, round % 2, &err));
        assert_ok(cli_yaml_read(unit_arena(), "test", buf_str(&text), &documents, &err));
        if (!json_equal(json_array_get(documents, 0), value)) {
            fail_msg("changed on its way through YAML:\n%.*s", (int)text.len, text.ptr);
        }
        json_decref(value);
    }
}

static void check_same(const char *a, const char *b, bool same) {
    json_t *left = json_loads(a, JSON_DECODE_ANY, NULL), *right = json_loads(b, JSON_DECODE_ANY, NULL);
    assert_int_equal(compare_same(left, right), same);
    assert_int_equal(compare_same(right, left), same);
    json_decref(left);
    json_decref(right);
}

static void test_compare(void **state) {
    (void)state;
    check_same("{\"a\":1}", "{\"a\":1,\"b\":null,\"c\":{},\"d\":[],\"e\":false,\"f\":0,\"g\":{\"h\":{}}}", true);
    check_same("{\"a\":1}", "{\"a\":2}", false);
    check_same("{\"a\":\"\"}", "{}", false);
    check_same("{\"a\":[1,2]}", "{\"a\":[2,1]}", false);
    check_same("{\"a\":{\"b\":[{\"c\":1}]}}", "{\"a\":{\"b\":[{\"c\":1,\"d\":null}]}}", true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        UNIT_TEST(test_scalars),    UNIT_TEST(test_text_members), UNIT_TEST(test_refusals),
        UNIT_TEST(test_round_trip), UNIT_TEST(test_compare),
    };
    return UNIT_RUN("cli_yaml", tests);
}
