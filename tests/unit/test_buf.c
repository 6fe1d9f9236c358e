#include "tests/unit/unit.h"

static void test_growth_and_limit(void **state) {
    (void)state;
    CLEANUP(buf_free) Buf b = BUF_INIT(1000);
    Err err;
    assert_str(buf_str(&b), ""); /* never null */
    for (int i = 0; i < 1000; i++) {
        buf_add_char(&b, (char)('a' + i % 26));
    }
    assert_ok(buf_check(&b, "The answer", &err));
    assert_int_equal(b.len, 1000);
    assert_int_equal(b.ptr[999], 'a' + 999 % 26);
    buf_add_char(&b, 'x');
    assert_true(b.failed);
    assert_int_equal(b.len, 1000);
    buf_add(&b, STR(""));
    assert_err_says(buf_check(&b, "The answer", &err), ERR_REQUEST_TOO_LARGE, "The answer would be larger than the limit of 1000");
    buf_clear(&b);
    buf_add_cstr(&b, "again");
    assert_ok(buf_check(&b, "The answer", &err));
    assert_str(buf_str(&b), "again");
}

static void test_nothing_partial_past_the_limit(void **state) {
    (void)state;
    CLEANUP(buf_free) Buf b = BUF_INIT(8);
    buf_add_cstr(&b, "12345");
    buf_add_cstr(&b, "6789");
    assert_true(b.failed);
    assert_str(buf_str(&b), "12345");
    buf_add_cstr(&b, "6"); /* would fit, but a gap must not go unseen */
    assert_str(buf_str(&b), "12345");
    assert_null(buf_reserve(&b, 0));
}

static void test_reserve(void **state) {
    (void)state;
    CLEANUP(buf_free) Buf b = BUF_INIT(100);
    char *at = buf_reserve(&b, 100);
    assert_non_null(at);
    memset(at, 'x', 100);
    b.len += 100;
    assert_null(buf_reserve(&b, 1));
    CLEANUP(buf_free) Buf c = BUF_INIT(SIZE_MAX);
    buf_add_char(&c, 'x');
    assert_null(buf_reserve(&c, SIZE_MAX)); /* no overflow */
    assert_true(c.failed);
    CLEANUP(buf_free) Buf d = BUF_INIT(SIZE_MAX);
    assert_null(buf_reserve(&d, SIZE_MAX));
}

static void test_printf_fills_to_the_last_byte(void **state) {
    (void)state;
    CLEANUP(buf_free) Buf b = BUF_INIT(6);
    buf_printf(&b, "%s-%d", "ab", 123);
    assert_false(b.failed);
    assert_str(buf_str(&b), "ab-123");
    buf_printf(&b, "%s", "");
    assert_false(b.failed);
    buf_printf(&b, "%d", 1);
    assert_true(b.failed);
}

static void test_numbers(void **state) {
    (void)state;
    CLEANUP(buf_free) Buf b = BUF_INIT(1000);
    const int64_t values[] = {0, 7, -1, 10, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        buf_add_i64(&b, values[i]);
        buf_add_char(&b, ' ');
    }
    assert_str(buf_str(&b), "0 7 -1 10 9223372036854775807 -9223372036854775808 ");
    buf_clear(&b);
    buf_add_be16(&b, 0x0102);
    buf_add_be32(&b, 0x03040506);
    buf_add_be64(&b, 0x0708090A0B0C0DFFu);
    assert_str_eq(buf_str(&b), STR("\1\2\3\4\5\6\7\10\11\12\13\14\15\377"));
}

static void test_hex(void **state) {
    (void)state;
    CLEANUP(buf_free) Buf b = BUF_INIT(100);
    unsigned char back[3] = {1, 2, 3};
    buf_add_hex(&b, "\x00\xAB\xFF", 3);
    assert_str(buf_str(&b), "00abff");
    assert_true(hex_decode(STR("00ABff"), back, 3));
    assert_memory_equal(back, "\x00\xAB\xFF", 3);
    assert_false(hex_decode(STR("00ABf"), back, 3));
    assert_false(hex_decode(STR("00ABfg"), back, 3));
    assert_false(hex_decode(STR("00ABff00"), back, 3));
    assert_true(hex_decode(STR(""), back, 0));
}

static void test_base64_known(void **state) {
    (void)state;
    static const char *const rows[][3] = {
        {"", "", ""}, {"f", "Zg==", "Zg"}, {"fo", "Zm8=", "Zm8"}, {"foo", "Zm9v", "Zm9v"}, {"\xFB\xFF\xFE", "+//+", "-__-"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(buf_free) Buf plain = BUF_INIT(100);
        CLEANUP(buf_free) Buf url = BUF_INIT(100);
        buf_add_base64(&plain, str_from(rows[i][0]), false);
        buf_add_base64(&url, str_from(rows[i][0]), true);
        assert_str(buf_str(&plain), rows[i][1]);
        assert_str(buf_str(&url), rows[i][2]);
    }
}

static void test_base64_refuses(void **state) {
    (void)state;
    static const char *const bad[] = {"A",    "AAAAA",      "====",  "A===",  "Zg=a", "Z g=", "Zm9v\n",
                                      "Zm*v", "\303\244AA", "Zg===", "Zm9v=", "Zg=",  "Zh=="};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CLEANUP(buf_free) Buf out = BUF_INIT(100);
        if (base64_decode(str_from(bad[i]), &out)) {
            fail_msg("\"%s\" was taken", bad[i]);
        }
    }
    CLEANUP(buf_free) Buf small = BUF_INIT(2);
    assert_false(base64_decode(STR("Zm9v"), &small));
}

static void test_base64_round_trip(void **state) {
    (void)state;
    for (size_t len = 0; len < 200; len++) {
        char bytes[200];
        for (size_t i = 0; i < len; i++) {
            bytes[i] = (char)unit_random();
        }
        CLEANUP(buf_free) Buf text = BUF_INIT(1000);
        CLEANUP(buf_free) Buf back = BUF_INIT(1000);
        buf_add_base64(&text, (Str){bytes, len}, len % 2);
        assert_true(base64_decode(buf_str(&text), &back));
        assert_int_equal(back.len, len);
        assert_memory_equal(back.len ? back.ptr : "", bytes, len);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        UNIT_TEST(test_growth_and_limit),  UNIT_TEST(test_nothing_partial_past_the_limit),
        UNIT_TEST(test_reserve),           UNIT_TEST(test_printf_fills_to_the_last_byte),
        UNIT_TEST(test_numbers),           UNIT_TEST(test_hex),
        UNIT_TEST(test_base64_known),      UNIT_TEST(test_base64_refuses),
        UNIT_TEST(test_base64_round_trip),
    };
    return UNIT_RUN("buf", tests);
}
