#include "tests/unit/unit.h"

#include <pthread.h>

#include "base/hash.h"

static void assert_hex(const unsigned char *bytes, const char *expected) {
    CLEANUP(buf_free) Buf b = BUF_INIT(100);
    buf_add_hex(&b, bytes, 32);
    assert_str(buf_str(&b), expected);
}

static void test_sha256(void **state) {
    (void)state;
    unsigned char out[32];
    sha256(STR(""), out);
    assert_hex(out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    sha256(STR_NULL, out);
    assert_hex(out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    sha256(STR("abc"), out);
    assert_hex(out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* Test cases 1, 2 and 6 of RFC 4231. */
static void test_hmac(void **state) {
    (void)state;
    unsigned char out[32];
    hmac_sha256(STR("\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b"), STR("Hi There"), out);
    assert_hex(out, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    hmac_sha256(STR("Jefe"), STR("what do ya want for nothing?"), out);
    assert_hex(out, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    char key[131];
    memset(key, 0xAA, sizeof key);
    hmac_sha256((Str){key, sizeof key}, STR("Test Using Larger Than Block-Size Key - Hash Key First"), out);
    assert_hex(out, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    hmac_sha256(STR(""), STR(""), out);
    assert_hex(out, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
    hmac_sha256(STR_NULL, STR_NULL, out);
    assert_hex(out, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void *hash_in_thread(void *arg) {
    uint64_t *ret = arg;
    *ret = hash64(STR("key"));
    return NULL;
}

static void test_hash64(void **state) {
    (void)state;
    pthread_t threads[4];
    uint64_t results[4];
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, hash_in_thread, &results[i]), 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        pthread_join(threads[i], NULL);
        assert_true(results[i] == hash64(STR("key")));
    }
    assert_true(hash64(STR("a")) != hash64(STR("b")));
    assert_true(hash64(STR("")) == hash64(STR_NULL));
    size_t buckets[64] = {0};
    for (int i = 0; i < 64000; i++) { /* the low bits choose the slot of a map */
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        buckets[hash64(str_from(text)) & 63]++;
    }
    for (size_t i = 0; i < 64; i++) {
        assert_in_range(buckets[i], 700, 1300);
    }
}

static void test_random_bytes(void **state) {
    (void)state;
    unsigned char a[5000] = {0}, b[5000] = {0};
    random_bytes(a, 4999);
    random_bytes(b, 4999);
    assert_memory_not_equal(a, b, 4999);
    assert_int_equal(a[4999], 0);
    random_bytes(a, 0);
}

static void test_uuid(void **state) {
    (void)state;
    char text[37];
    for (int i = 0; i < 1000; i++) {
        Uuid u = uuid_random(), back;
        uuid_text(u, text);
        assert_int_equal(text[14], '4');
        assert_non_null(strchr("89ab", text[19]));
        assert_true(uuid_parse(str_from(text), &back) && uuid_eq(u, back));
    }
    Uuid u;
    assert_true(uuid_parse(STR("0123ABCD-4567-89ef-0123-456789abcdef"), &u));
    uuid_text(u, text);
    assert_string_equal(text, "0123abcd-4567-89ef-0123-456789abcdef");
    Uuid zero = {0};
    assert_true(uuid_is_zero(zero) && !uuid_is_zero(u));
    static const char *const bad[] = {"",
                                      "0123ABCD-4567-89ef-0123-456789abcde",
                                      "0123ABCD-4567-89ef-0123-456789abcdef0",
                                      "0123ABCD+4567-89ef-0123-456789abcdef",
                                      "0123ABCD-4567-89ef-0123-456789abcdeg",
                                      "{123ABCD-4567-89ef-0123-456789abcde}",
                                      "0123ABCD4567-89ef-0123-4567-89abcdef"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(uuid_parse(str_from(bad[i]), &zero));
        assert_true(uuid_is_zero(zero));
    }
}

/* The first two of the vectors that came with the algorithm, and one longer than a word. */
static void test_siphash128(void **state) {
    (void)state;
    unsigned char key[16], out[16];
    char hex[33] = "", message[16];
    static const char *const wanted[] = {[0] = "a3817f04ba25a8e66df67214c7550293",
                                         [1] = "da87c1d86b99af44347659119b22fc45",
                                         [15] = "5493e99933b0a8117e08ec0f97cfc3d9"};
    for (int i = 0; i < 16; i++) {
        key[i] = (unsigned char)i;
        message[i] = (char)i;
    }
    for (size_t len = 0; len < ARRAY_LEN(wanted); len++) {
        siphash128(key, (Str){message, len}, out);
        for (int i = 0; i < 16; i++) {
            snprintf(hex + 2 * i, 3, "%02x", out[i]);
        }
        assert_true(!wanted[len] || strcmp(hex, wanted[len]) == 0);
    }
}

static void test_constant_time_compare(void **state) {
    (void)state;
    assert_true(equal_constant_time(STR("secret"), STR("secret")));
    assert_false(equal_constant_time(STR("secret"), STR("Secret")));
    assert_false(equal_constant_time(STR("secret"), STR("secret ")));
    assert_true(equal_constant_time(STR(""), STR("")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        UNIT_TEST(test_sha256),
        UNIT_TEST(test_hmac),
        UNIT_TEST(test_hash64),
        UNIT_TEST(test_siphash128),
        UNIT_TEST(test_random_bytes),
        UNIT_TEST(test_uuid),
        UNIT_TEST(test_constant_time_compare),
    };
    return UNIT_RUN("hash", tests);
}
