#include "catalog/partname.h"
#include "tests/unit/unit.h"

static StrList list(size_t count, const char *const *items) {
    StrList out = {ARENA_ARRAY(unit_arena(), Str, count), count};
    for (size_t i = 0; i < count; i++) {
        out.items[i] = str_from(items[i]);
    }
    return out;
}
#define LIST(...) list(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *), (const char *const[]){__VA_ARGS__})

static void test_escape(void **state) {
    (void)state;
    assert_str(partname_escape_str(unit_arena(), STR("\"#%'*/:=?\\{[]^")), "%22%23%25%27%2A%2F%3A%3D%3F%5C%7B%5B%5D%5E");
    assert_str(partname_escape_str(unit_arena(), STR("a }<>|&+,;@~äb")), "a }<>|&+,;@~äb");
    assert_str(partname_escape_str(unit_arena(), STR("\x01\x1F\x7F\n\t")), "%01%1F%7F%0A%09");
    assert_str(partname_escape_str(unit_arena(), (Str){"a\0", 2}), "a%00");
}

static void test_unescape(void **state) {
    (void)state;
    assert_str(partname_unescape(unit_arena(), STR("10%3A00%2f")), "10:00/");
    assert_str(partname_unescape(unit_arena(), STR("%E9")), "é"); /* a character, not a byte */
    assert_str(partname_unescape(unit_arena(), STR("100%")), "100%");
    assert_str(partname_unescape(unit_arena(), STR("%4")), "%4");
    assert_str(partname_unescape(unit_arena(), STR("%zz%+1%%41")), "%zz%+1%A");
    assert_str(partname_unescape(unit_arena(), STR("")), "");
}

static void test_make(void **state) {
    (void)state;
    Err err;
    Str name;
    assert_ok(partname_make(unit_arena(), LIST("DS", "a/B"), LIST("2024-01-02", "X Y"), STR_NULL, &name, &err));
    assert_str(name, "ds=2024-01-02/a%2Fb=X Y");
    assert_ok(partname_make(unit_arena(), LIST("a", "b"), LIST("", NULL), STR_NULL, &name, &err));
    assert_str(name, "a=__HIVE_DEFAULT_PARTITION__/b=__HIVE_DEFAULT_PARTITION__");
    assert_ok(partname_make(unit_arena(), LIST("a"), LIST(""), STR("none"), &name, &err));
    assert_str(name, "a=none");
    assert_err_says(partname_make(unit_arena(), LIST("a", "b"), LIST("1"), STR_NULL, &name, &err), ERR_INVALID_PARTITION,
                    "The number of partition keys do not match the number of partition values");
    assert_err(partname_make(unit_arena(), (StrList){NULL, 0}, (StrList){NULL, 0}, STR_NULL, &name, &err), ERR_INVALID_PARTITION);
    assert_err(partname_make(unit_arena(), LIST("a"), LIST("\xFF"), STR_NULL, &name, &err), ERR_INVALID_PARTITION);
    char value[PARTITION_NAME_MAX_BYTES];
    memset(value, 'x', sizeof value);
    StrList one = {&(Str){value, sizeof value - 2}, 1};
    assert_ok(partname_make(unit_arena(), LIST("a"), one, STR_NULL, &name, &err));
    assert_int_equal(name.len, PARTITION_NAME_MAX_BYTES);
    one.items[0].len++;
    assert_err_says(partname_make(unit_arena(), LIST("a"), one, STR_NULL, &name, &err), ERR_INVALID_PARTITION, "2001 bytes");
}

static void test_parse(void **state) {
    (void)state;
    Err err;
    Param *spec;
    size_t count;
    StrList values;
    assert_ok(partname_to_spec(unit_arena(), STR("ds=a%2Fb/junk/h=1=2"), &spec, &count, &err));
    assert_int_equal(count, 2);
    assert_str(spec[0].value, "a/b");
    assert_str(spec[1].key, "h");
    assert_str(spec[1].value, "1=2");
    assert_err_says(partname_to_values(unit_arena(), STR("ds=a/junk"), &values, &err), ERR_INVALID_PARTITION,
                    "Unexpected component junk");
    assert_ok(partname_to_values(unit_arena(), STR(""), &values, &err));
    assert_int_equal(values.count, 0);
    assert_ok(partname_to_key_values(unit_arena(), STR("H=1/x=9/ds=a"), LIST("ds", "h"), &values, &err));
    assert_str(values.items[0], "a");
    assert_str(values.items[1], "1");
    assert_err_says(partname_to_key_values(unit_arena(), STR("h=1"), LIST("ds", "h"), &values, &err), ERR_PARTITION_NOT_FOUND,
                    "incomplete partition name - missing ds");
    assert_err(partname_to_values(unit_arena(), STR("ds=%00"), &values, &err), ERR_INVALID_PARTITION);
}

static void test_range(void **state) {
    (void)state;
    Str low, high;
    partname_range(unit_arena(), LIST("ds", "h"), LIST("a"), STR_NULL, &low, &high);
    assert_str(low, "ds=a/");
    assert_str(high, "ds=a0");
    partname_range(unit_arena(), LIST("ds", "h"), LIST("a", "b:"), STR_NULL, &low, &high);
    assert_str(low, "ds=a/h=b%3A");
    assert_true(str_is_null(high));
}

/* Whatever the values: a name made and taken apart gives them back. */
static void test_round_trip(void **state) {
    (void)state;
    for (int i = 0; i < 2000; i++) {
        char text[64];
        size_t len = 0;
        while (len < 40 && unit_random_below(20)) {
            uint32_t c = unit_random_below(3) ? 1 + (uint32_t)unit_random_below(0x7F) : 0x80 + (uint32_t)unit_random_below(0xD000);
            len += utf8_encode(c, text + len);
        }
        text[len++] = 'x';
        Str value = {text, len}, name;
        StrList values = {&value, 1}, back;
        Err err;
        assert_ok(partname_make(unit_arena(), LIST("k"), values, STR_NULL, &name, &err));
        assert_ok(partname_to_values(unit_arena(), name, &back, &err));
        assert_str_eq(back.items[0], value);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        UNIT_TEST(test_escape), UNIT_TEST(test_unescape), UNIT_TEST(test_make),
        UNIT_TEST(test_parse),  UNIT_TEST(test_range),    UNIT_TEST(test_round_trip),
    };
    return UNIT_RUN("partname", tests);
}
