/* Routing, percent-decoding and merge patches, without a server. */
#include "server/rest/rest.h"

#include <setjmp.h>

#include <cmocka.h>

#include "server/router.h"

static void expect_route(const Router *router, const char *verb, const char *path, const char *name) {
    RouteMatch match;
    Err err;
    assert_true(router_match(router, str_from(verb), str_from(path), &match, &err));
    assert_string_equal(match.method->name, name);
}

static void test_routes(void **state) {
    (void)state;
    Router *router = router_new(rest_methods);
    RouteMatch match;
    Err err;
    expect_route(router, "GET", "/api/v1/catalogs/c/databases/d/tables/t", "table.get");
    expect_route(router, "HEAD", "/api/v1/catalogs/c/databases/d/tables/t", "table.get");
    expect_route(router, "POST", "/api/v1/catalogs/c/databases/d/tables/t:rename", "table.rename");
    expect_route(router, "GET", "/api/v1/catalogs/c/databases/d/tables/t:rename", "table.get");
    expect_route(router, "GET", "/api/v1/catalogs/c/databases/d/tables/t/partitions:count", "partition.count");
    expect_route(router, "GET", "/api/v1/catalogs/c/databases/d/tables/t/partitions/a=1%2Fb=2", "partition.get");
    assert_false(router_match(router, STR("DELETE"), STR("/healthz"), &match, &err));
    assert_int_equal(err.code, ERR_METHOD_NOT_ALLOWED);
    static const char *const NOWHERE[] = {
        "", "/", "//", "/api/v1", "/api/v1/catalogs/", "/api/v1/catalogs//databases", "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r"};
    for (size_t i = 0; i < ARRAY_LEN(NOWHERE); i++) {
        assert_false(router_match(router, STR("GET"), str_from(NOWHERE[i]), &match, &err));
        assert_int_equal(err.code, ERR_ROUTE_NOT_FOUND);
    }
    router_free(router);
}

static void test_every_route_finds_itself(void **state) {
    (void)state;
    Router *router = router_new(rest_methods);
    for (size_t i = 0; i < rest_methods.count; i++) {
        expect_route(router, rest_methods.rows[i].verb, rest_methods.rows[i].path, rest_methods.rows[i].name);
    }
    router_free(router);
}

static void test_percent_decode(void **state) {
    (void)state;
    CLEANUP(arena_cleanup) Arena *arena = arena_new(1 << 20);
    Str out;
    Err err;
    assert_true(percent_decode(arena, STR("a%2Fb+%c3%BC"), false, "x", &out, &err));
    assert_true(str_eq(out, STR("a/b+\xC3\xBC")));
    assert_true(percent_decode(arena, STR("a+b"), true, "x", &out, &err));
    assert_true(str_eq(out, STR("a b")));
    static const char *const WRONG[] = {"%", "%4", "%zz", "a%", "a%4", "%00", "%ff", "%C3"};
    for (size_t i = 0; i < ARRAY_LEN(WRONG); i++) {
        assert_false(percent_decode(arena, str_from(WRONG[i]), false, "x", &out, &err));
        assert_int_equal(err.code, ERR_INVALID_INPUT);
    }
}

/* The examples of RFC 7396, appendix A. */
static void test_merge_patch(void **state) {
    (void)state;
    static const char *const CASES[][3] = {
        {"{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
        {"{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}"},
        {"{\"a\":\"b\"}", "{\"a\":null}", "{}"},
        {"{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
        {"{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}"},
        {"{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}"},
        {"{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}"},
        {"{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}"},
        {"{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        json_t *target = json_loads(CASES[i][0], 0, NULL), *patch = json_loads(CASES[i][1], 0, NULL);
        json_t *wanted = json_loads(CASES[i][2], 0, NULL), *got = rest_merge_patch(target, patch);
        assert_true(json_equal(got, wanted));
        json_decref(got);
        json_decref(wanted);
        json_decref(patch);
        json_decref(target);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_routes),
        cmocka_unit_test(test_every_route_finds_itself),
        cmocka_unit_test(test_percent_decode),
        cmocka_unit_test(test_merge_patch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
