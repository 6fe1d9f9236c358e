#include "tests/unit/unit.h"

static void test_alignment_and_clearing(void **state) {
    (void)state;
    Arena *a = unit_arena();
    for (size_t bytes = 0; bytes < 200; bytes += 7) {
        char *p = arena_zalloc(a, bytes);
        assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < bytes; i++) {
            assert_int_equal(p[i], 0);
        }
        memset(p, 0xAA, bytes); /* must show in no later piece */
    }
}

static void test_pieces_do_not_overlap(void **state) {
    (void)state;
    enum { PIECES = 3000 };
    Arena *a = unit_arena();
    struct {
        unsigned char *at;
        size_t len;
    } pieces[PIECES];
    for (size_t i = 0; i < PIECES; i++) {
        pieces[i].len = unit_random_below(i % 100 == 0 ? 40000 : 64);
        pieces[i].at = arena_alloc(a, pieces[i].len);
        memset(pieces[i].at, (int)(i & 0xFF), pieces[i].len);
    }
    for (size_t i = 0; i < PIECES; i++) {
        for (size_t j = 0; j < pieces[i].len; j++) {
            if (pieces[i].at[j] != (i & 0xFF)) {
                fail_msg("piece %zu was overwritten", i);
            }
        }
    }
}

static void test_limit(void **state) {
    (void)state;
    CLEANUP(arena_cleanup) Arena *a = arena_new(1024);
    Err err;
    arena_alloc(a, 1024);
    assert_int_equal(arena_used(a), 1024);
    assert_ok(arena_check(a, &err));
    char *beyond = arena_alloc(a, 1); /* still memory, never NULL */
    beyond[0] = 'x';
    assert_true(arena_exceeded(a));
    assert_err_says(arena_check(a, &err), ERR_REQUEST_TOO_LARGE, "1024 bytes");
    arena_reset(a);
    assert_int_equal(arena_used(a), 0);
    assert_ok(arena_check(a, &err));
}

static void test_fail_at(void **state) {
    (void)state;
    CLEANUP(arena_cleanup) Arena *a = arena_new(1 << 20);
    arena_fail_at(a, 3);
    arena_alloc(a, 1);
    arena_alloc(a, 1);
    assert_false(arena_exceeded(a));
    assert_non_null(arena_alloc(a, 1));
    assert_true(arena_exceeded(a));
    arena_reset(a);
    arena_alloc(a, 1);
    assert_false(arena_exceeded(a));
}

static void test_array_of_nothing_and_of_much(void **state) {
    (void)state;
    Arena *a = unit_arena();
    assert_non_null(ARENA_ARRAY(a, Str, 0));
    Str *many = ARENA_ARRAY(a, Str, 100000);
    assert_true(str_is_null(many[0]) && str_is_null(many[99999]));
}

static void test_texts(void **state) {
    (void)state;
    Arena *a = unit_arena();
    char source[] = "Text";
    Str copy = arena_str(a, str_from(source));
    source[0] = 'X';
    assert_str(copy, "Text");
    assert_int_equal(copy.ptr[copy.len], 0);
    assert_true(str_is_null(arena_str(a, STR_NULL)));
    assert_str(arena_str(a, STR("")), "");
    assert_str_eq(arena_str(a, STR("a\0b")), STR("a\0b"));
    assert_null(arena_cstr(a, STR_NULL));
    assert_string_equal(arena_cstr(a, STR("")), "");
    assert_str(arena_str_lower(a, STR("ABCxyz[@\xC3\x84")), "abcxyz[@\xC3\x84");
    assert_true(str_is_null(arena_str_lower(a, STR_NULL)));
    assert_str(arena_printf(a, "%d-%s", 7, "x"), "7-x");
    assert_str(arena_printf(a, "%s", ""), "");
    assert_str(arena_printf(a, "%" STR_FMT ".", STR_ARG(STR_NULL)), ".");
    Str joined = ARENA_CONCAT(a, STR("a"), STR_NULL, STR(""), STR("bc"));
    assert_str(joined, "abc");
    assert_int_equal(joined.ptr[3], 0);
    assert_str(arena_concat(a, 0, NULL), "");
    Str big = arena_printf(a, "%100000s", "x");
    assert_int_equal(big.len, 100000);
}

static void note(void *arg) {
    char **at = arg;
    *(*at)++ = 'n';
}

static void note_other(void *arg) {
    char **at = arg;
    *(*at)++ = 'o';
}

static void test_deferred_run_last_first(void **state) {
    (void)state;
    char log[8] = "", *at = log;
    Arena *a = arena_new(1 << 20);
    arena_defer(a, note, &at);
    arena_defer(a, note_other, &at);
    arena_reset(a);
    assert_string_equal(log, "on");
    arena_reset(a); /* each only once */
    assert_string_equal(log, "on");
    arena_defer(a, note, &at);
    arena_free(a);
    assert_string_equal(log, "onn");
    arena_free(NULL);
}

static void test_reset_reuses(void **state) {
    (void)state;
    CLEANUP(arena_cleanup) Arena *a = arena_new(SIZE_MAX);
    void *first = arena_alloc(a, 100);
    arena_reset(a);
    assert_ptr_equal(arena_alloc(a, 100), first);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 300; i++) {
            memset(arena_alloc(a, 50000), 1, 50000);
        }
        memset(arena_alloc(a, 5000000), 1, 5000000);
        arena_reset(a);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        UNIT_TEST(test_alignment_and_clearing),
        UNIT_TEST(test_pieces_do_not_overlap),
        UNIT_TEST(test_limit),
        UNIT_TEST(test_fail_at),
        UNIT_TEST(test_array_of_nothing_and_of_much),
        UNIT_TEST(test_texts),
        UNIT_TEST(test_deferred_run_last_first),
        UNIT_TEST(test_reset_reuses),
    };
    return UNIT_RUN("arena", tests);
}
