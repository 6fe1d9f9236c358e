/* Locations: how they are written, what is refused, what "below" means. */
#include "storage/location.h"

#include <setjmp.h>

#include <cmocka.h>

static Arena *arena;

static int setup(void **state) {
    (void)state;
    arena = arena_new(64 << 20);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    arena_free(arena);
    return 0;
}

static void expect_fs(const char *text, const char *fs, const char *wanted) {
    Str got;
    Err err;
    if (!location_normalise(arena, str_from(text), str_from(fs), &got, &err)) {
        fail_msg("%s: %s", text, err.message);
    }
    assert_string_equal(arena_cstr(arena, got), wanted);
    Str again;
    assert_true(location_normalise(arena, got, str_from(fs), &again, &err));
    assert_true(str_eq(got, again));
}

static void expect(const char *text, const char *wanted) { expect_fs(text, "file:", wanted); }

static void refuse(Str text, const char *part) {
    Str got = STR("untouched");
    Err err;
    if (location_normalise(arena, text, STR("file:"), &got, &err)) {
        fail_msg("accepted as %s", arena_cstr(arena, got));
    }
    assert_int_equal(err.code, ERR_INVALID_LOCATION);
    if (!strstr(err.message, part)) {
        fail_msg("'%s' is not in: %s", part, err.message);
    }
    assert_true(str_eq(got, STR("untouched")));
}

static void test_hadoop_form(void **state) {
    (void)state;
    expect("/wh/t", "file:/wh/t");
    expect("file:/wh/t", "file:/wh/t");
    expect("file:///wh/t", "file:/wh/t");
    expect("file:////wh//t///", "file:/wh/t");
    expect("FILE:/wh/t", "file:/wh/t");
    expect("//wh//t", "file:/wh/t");
    expect("/", "file:/");
    expect("///", "file:/");
    expect("file:///", "file:/");
    expect("/a b/p=10%3A00/\xC3\xBC+x?#", "file:/a b/p=10%3A00/\xC3\xBC+x?#");
    expect("/%2e%2e/x", "file:/%2e%2e/x");
    expect("/.hidden/..x/x../...", "file:/.hidden/..x/x../...");
    expect("/ x ", "file:/ x ");
    expect("/x:y/z:", "file:/x:y/z:");
    expect("hdfs://nn:8020//a//b/", "hdfs://nn:8020/a/b");
    expect("hdfs://nn:8020", "hdfs://nn:8020");
    expect("hdfs://nn:8020/", "hdfs://nn:8020/");
    expect_fs("/a/", "hdfs://nn:8020", "hdfs://nn:8020/a");
    expect_fs("hdfs:///a", "hdfs://nn:8020", "hdfs://nn:8020/a");
    expect_fs("hdfs:/a", "hdfs://nn:8020/", "hdfs://nn:8020/a");
    expect_fs("hdfs://other/a", "hdfs://nn:8020", "hdfs://other/a");
    expect_fs("file:///a", "hdfs://nn:8020", "file:/a");
    expect_fs("/a", "", "file:/a");
}

static void test_object_stores_stay(void **state) {
    (void)state;
    const char *const same[] = {"s3://b/a//b/",
                                "s3a://b",
                                "gs://b/x/",
                                "abfss://c@acc.dfs.core.windows.net/x",
                                "S3://B/x",
                                "s3://b/..x/x..",
                                "jdbc:postgresql://h/db",
                                "custom+1.0-x:thing",
                                "oss://b/%2F/"};
    for (size_t i = 0; i < ARRAY_LEN(same); i++) {
        expect(same[i], same[i]);
    }
}

static void test_refused(void **state) {
    (void)state;
    refuse(STR(""), "empty");
    refuse(STR_NULL, "empty");
    refuse(STR("x"), "relative");
    refuse(STR("x/y"), "relative");
    refuse(STR("file:x"), "relative");
    refuse(STR("file:"), "relative");
    refuse(STR("hdfs:x"), "relative");
    refuse(STR("hdfs:"), "relative");
    refuse(STR("a b:/x"), "no scheme");
    refuse(STR(":/x"), "no scheme");
    refuse(STR("1a:/x"), "no scheme");
    refuse(STR("file://tmp/x"), "did you mean file:/tmp/x");
    refuse(STR("file://.."), "'..' segment");
    refuse(STR("/wh/../etc"), "'..' segment");
    refuse(STR("/.."), "'..' segment");
    refuse(STR(".."), "'..' segment");
    refuse(STR("/wh/."), "'.' segment");
    refuse(STR("/wh/./x"), "'.' segment");
    refuse(STR("file:.."), "'..' segment");
    refuse(STR("s3://b/x/../y"), "'..' segment");
    refuse(STR("hdfs://nn/x/.."), "'..' segment");
    refuse(STR("custom:.."), "'..' segment");
    refuse(STR("/a\0b"), "U+0000");
    refuse(STR("/a\nb"), "U+000A");
    refuse(STR("/a\x7F"), "U+007F");
    refuse(STR("/a\xC2\x85"), "U+0085");
    refuse(STR("/a\xFF"), "UTF-8 (byte 2)");
    refuse(STR("/a\xC0\xAE"), "UTF-8");
}

static void test_length_edge(void **state) {
    (void)state;
    char text[LOCATION_MAX_BYTES + 5];
    memset(text, 'x', sizeof text);
    memcpy(text, "file:/", 6);
    Str got;
    Err err;
    assert_true(location_normalise(arena, (Str){text, LOCATION_MAX_BYTES}, STR("file:"), &got, &err));
    assert_int_equal(got.len, LOCATION_MAX_BYTES);
    refuse((Str){text, LOCATION_MAX_BYTES + 1}, "2601 bytes, the limit is 2600");
    refuse((Str){text + 5, LOCATION_MAX_BYTES}, "default file system");
}

static void test_below(void **state) {
    (void)state;
    assert_true(location_is_below(STR("file:/wh/a"), STR("file:/wh/a/b")));
    assert_true(location_is_below(STR("file:/wh/a/"), STR("FILE:/wh/a/b")));
    assert_true(location_is_below(STR("file:/"), STR("file:/a")));
    assert_true(location_is_below(STR("s3://b"), STR("s3://b/x")));
    assert_true(location_is_below(STR("s3://b/"), STR("s3://b/x")));
    assert_false(location_is_below(STR("file:/wh/a"), STR("file:/wh/ab")));
    assert_false(location_is_below(STR("file:/wh/a"), STR("file:/wh/a")));
    assert_false(location_is_below(STR("file:/wh/a"), STR("file:/wh/a/")));
    assert_false(location_is_below(STR("file:/wh/a"), STR("file:/wh")));
    assert_false(location_is_below(STR("s3://b/x"), STR("s3://bb/x/y")));
    assert_false(location_is_below(STR("s3://b/x"), STR("s3a://b/x/y")));
    assert_false(location_is_below(STR("s3://b"), STR("s3://b2/x")));
    assert_false(location_is_below(STR(""), STR("file:/x")));
    assert_true(location_is_same(STR("s3://b/x/"), STR("S3://b/x")));
    assert_true(location_is_same(STR("hdfs://nn"), STR("hdfs://nn/")));
    assert_false(location_is_same(STR("s3://b/x"), STR("s3://B/x")));
    assert_true(location_overlaps(STR("file:/a/b"), STR("file:/a")));
    assert_false(location_overlaps(STR("file:/a/b"), STR("file:/a/c")));
    assert_true(location_is_root(STR("file:/")) && location_is_root(STR("s3://b")) && location_is_root(STR("s3://b/")));
    assert_true(location_is_root(STR("hdfs://nn//")));
    assert_false(location_is_root(STR("file:/a")));
}

static void test_parent_and_name(void **state) {
    (void)state;
    assert_true(str_eq(location_parent(STR("file:/a/b")), STR("file:/a")));
    assert_true(str_eq(location_parent(STR("file:/a")), STR("file:/")));
    assert_true(str_is_null(location_parent(STR("file:/"))));
    assert_true(str_eq(location_parent(STR("s3://b/a/")), STR("s3://b/")));
    assert_true(str_is_null(location_parent(STR("s3://b"))));
    assert_true(str_is_null(location_parent(STR("x:y"))));
    assert_true(str_eq(location_name(STR("s3://b/a/x/")), STR("x")));
    assert_true(str_eq(location_name(STR("file:/")), STR("")));
    assert_true(str_eq(location_file_path(STR("file:/a b")), STR("/a b")));
    assert_true(str_is_null(location_file_path(STR("file://h/a"))));
    assert_true(str_is_null(location_file_path(STR("s3://b/a"))));
}

static void expect_suffix(const char *base, const char *location, const char *suffix) {
    Str got = location_suffix(str_from(base), str_from(location));
    assert_true(str_eq(got, str_from(suffix)));
    if (suffix) {
        assert_true(str_eq(location_join(arena, str_from(base), got), str_from(location)));
    }
}

static void test_suffix(void **state) {
    (void)state;
    expect_suffix("file:/wh/t", "file:/wh/t/p=1", "p=1");
    expect_suffix("file:/wh/t", "file:/wh/t", "");
    expect_suffix("file:/", "file:/x", "x");
    expect_suffix("s3://b/t/", "s3://b/t/p=1/", "p=1/");
    expect_suffix("s3://b/t", "s3://b/t//p", "/p");
    expect_suffix("s3://b/t", "s3://b/t/", NULL);
    expect_suffix("s3://b/t/", "s3://b/t", NULL);
    expect_suffix("file:/wh/t", "file:/wh/tt", NULL);
    expect_suffix("file:/wh/t", "FILE:/wh/t/x", NULL);
    expect_suffix("", "file:/x", NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hadoop_form), cmocka_unit_test(test_object_stores_stay),
        cmocka_unit_test(test_refused),     cmocka_unit_test(test_length_edge),
        cmocka_unit_test(test_below),       cmocka_unit_test(test_parent_and_name),
        cmocka_unit_test(test_suffix),
    };
    return cmocka_run_group_tests_name("storage location", tests, setup, teardown);
}
