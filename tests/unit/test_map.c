#include "tests/unit/unit.h"

#include "base/map.h"

static void assert_params(const Params *p, const char *expected) {
    CLEANUP(buf_free) Buf b = BUF_INIT(100000);
    for (size_t i = 0; i < p->count; i++) {
        buf_printf(&b, "%" STR_FMT "=%" STR_FMT ";", STR_ARG(p->items[i].key), STR_ARG(p->items[i].value));
    }
    assert_str(buf_str(&b), expected);
}

static void test_set_get_remove(void **state) {
    (void)state;
    Params p = {0};
    Arena *a = unit_arena();
    assert_true(str_is_null(params_get(&p, STR("a"))));
    params_remove(&p, STR("a"));
    params_set(&p, a, STR("b"), STR("2"));
    params_set(&p, a, STR("a"), STR("1"));
    params_set(&p, a, STR("ab"), STR(""));
    params_set(&p, a, STR(""), STR("empty key"));
    assert_params(&p, "=empty key;a=1;ab=;b=2;");
    params_set(&p, a, STR("a"), STR("new"));
    assert_params(&p, "=empty key;a=new;ab=;b=2;");
    assert_true(params_has(&p, STR("ab")));
    assert_str(params_get(&p, STR("ab")), "");
    assert_false(params_has(&p, STR("A")));
    params_set(&p, a, STR("a"), STR_NULL); /* null removes */
    params_set(&p, a, STR("absent"), STR_NULL);
    params_remove(&p, STR("b"));
    assert_params(&p, "=empty key;ab=;");
}

static void test_is_true(void **state) {
    (void)state;
    Params p = {0};
    params_set(&p, unit_arena(), STR("EXTERNAL"), STR("TrUe"));
    params_set(&p, unit_arena(), STR("x"), STR("true "));
    assert_true(params_is_true(&p, STR("EXTERNAL")));
    assert_false(params_is_true(&p, STR("x")));
    assert_false(params_is_true(&p, STR("y")));
}

static void test_copy_and_equal(void **state) {
    (void)state;
    Arena *a = unit_arena();
    Params p = {0}, empty = {0};
    for (int i = 0; i < 20; i++) {
        params_set(&p, a, arena_printf(a, "k%d", i), STR("v"));
    }
    Params copy = params_copy(&p, a);
    assert_true(params_equal(&p, &copy));
    params_set(&copy, a, STR("k5"), STR("other"));
    assert_false(params_equal(&p, &copy));
    assert_str(params_get(&p, STR("k5")), "v");
    params_set(&copy, a, STR("k5"), STR("v"));
    params_set(&copy, a, STR("more"), STR("v"));
    assert_false(params_equal(&p, &copy));
    Params none = params_copy(&empty, a);
    assert_true(params_equal(&none, &empty));
    params_set(&none, a, STR("grows"), STR("too"));
    assert_int_equal(none.count, 1);
}

static void test_append_then_sort(void **state) {
    (void)state;
    Arena *a = unit_arena();
    Params p = {0};
    params_append(&p, a, STR("b"), STR("1"));
    params_append(&p, a, STR("a"), STR("1"));
    params_append(&p, a, STR("b"), STR("2"));
    params_append(&p, a, STR("n"), STR_NULL);
    params_append(&p, a, STR("b"), STR("3"));
    params_sort(&p);
    assert_params(&p, "a=1;b=3;"); /* the last of equal keys wins */
    Params same = {0};
    params_append(&same, a, STR("k"), STR("1"));
    params_append(&same, a, STR("k"), STR("2"));
    params_sort(&same);
    assert_params(&same, "k=2;");
    Params none = {0};
    params_sort(&none);
    assert_int_equal(none.count, 0);
}

/* Both ways of filling agree with each other, whatever the order. */
static void test_set_equals_append(void **state) {
    (void)state;
    for (int round = 0; round < 50; round++) {
        Params set = {0}, appended = {0};
        for (size_t i = 0, n = unit_random_below(60); i < n; i++) {
            Str key = arena_printf(unit_arena(), "%d", (int)unit_random_below(30));
            Str value = arena_printf(unit_arena(), "%zu", i);
            params_set(&set, unit_arena(), key, value);
            params_append(&appended, unit_arena(), key, value);
        }
        params_sort(&appended);
        assert_true(params_equal(&set, &appended));
    }
}

static void test_strmap(void **state) {
    (void)state;
    Arena *a = unit_arena();
    enum { COUNT = 20000 };
    static int values[COUNT];
    StrMap *m = strmap_new(a, 0);
    assert_null(strmap_get(m, STR("nothing")));
    for (int i = 0; i < COUNT; i++) {
        assert_null(strmap_put(m, arena_printf(a, "key %d", i), &values[i]));
    }
    assert_int_equal(strmap_count(m), COUNT);
    for (int i = 0; i < COUNT; i++) {
        assert_ptr_equal(strmap_get(m, arena_printf(a, "key %d", i)), &values[i]);
    }
    assert_ptr_equal(strmap_put(m, STR("key 5"), &values[0]), &values[5]);
    assert_ptr_equal(strmap_get(m, STR("key 5")), &values[0]);
    assert_int_equal(strmap_count(m), COUNT);
    assert_null(strmap_put(m, STR(""), &values[1]));
    assert_ptr_equal(strmap_get(m, STR("")), &values[1]);
    assert_null(strmap_get(m, STR("key")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        UNIT_TEST(test_set_get_remove),   UNIT_TEST(test_is_true),           UNIT_TEST(test_copy_and_equal),
        UNIT_TEST(test_append_then_sort), UNIT_TEST(test_set_equals_append), UNIT_TEST(test_strmap),
    };
    return UNIT_RUN("map", tests);
}
