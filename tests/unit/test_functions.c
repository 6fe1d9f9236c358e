#include "catalog/functions.h"

#include "tests/unit/catalog_bed.h"

static FunctionRef ref(const char *name) { return (FunctionRef){.database = STR("default"), .name = str_from(name)}; }

static void create(Bed *bed, const char *database, const char *name) {
    Err err;
    Function f = {.database = str_from(database), .name = str_from(name), .class_name = STR("org.x.F")}, made;
    assert_ok(function_create(&bed->ctx, &f, &made, &err));
}

static void create_database(Bed *bed, const char *name) {
    Err err;
    Database d = {.name = str_from(name)}, made;
    assert_ok(database_create(&bed->ctx, &d, &made, &err));
}

static void test_create_and_get(void **state) {
    Bed *bed = *state;
    Err err;
    Str types[] = {STR("JAR"), STR("FILE")}, uris[] = {STR("s3://a.jar"), STR("s3://b")};
    Function f = {.database = STR("Default"),
                  .name = STR(" MyFun "),
                  .class_name = STR("org.X"),
                  .owner = STR("bob"),
                  .owner_type = STR("USER"),
                  .type = STR("REGULAR_FUNCTION"),
                  .resource_types = {types, 2},
                  .resource_uris = {uris, 2},
                  .extra = STR("{\"glue.x\":1}")},
             made;
    assert_ok(function_create(&bed->ctx, &f, &made, &err));
    assert_err(function_create(&bed->ctx, &f, &made, &err), ERR_ALREADY_EXISTS);
    assert_ok(function_get(&bed->ctx, ref("MYFUN"), &made, &err));
    assert_str(made.name, "myfun");
    assert_str(made.catalog, "hive");
    assert_str(made.class_name, "org.X");
    assert_true(made.resource_uris.count == 2 && str_eq(made.resource_uris.items[1], STR("s3://b")));
    assert_str(made.resource_types.items[0], "JAR");
    assert_str(made.extra, "{\"glue.x\":1}");
    assert_true(made.created_at == made.updated_at && made.created_at > 0);
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM changes WHERE hms_event = 'CREATE_FUNCTION' AND name = 'myfun'"), 1);
    assert_str(bed_value(bed, "SELECT bootstrap FROM databases WHERE name = 'default'"), "false");
    f.resource_types.count = 1;
    f.name = STR("other");
    assert_err(function_create(&bed->ctx, &f, &made, &err), ERR_INVALID_INPUT);
    f = (Function){.database = STR("nix"), .name = STR("f")};
    assert_err(function_create(&bed->ctx, &f, &made, &err), ERR_DATABASE_NOT_FOUND);
    assert_err(function_get(&bed->ctx, ref("nix"), &made, &err), ERR_FUNCTION_NOT_FOUND);
}

static void test_list(void **state) {
    Bed *bed = *state;
    Err err;
    Functions list;
    const Glob *glob;
    create_database(bed, "b");
    create(bed, "b", "f1");
    create(bed, "b", "f2");
    create(bed, "default", "f1");
    create(bed, "default", "g");
    FunctionQuery q = {.database = STR("b"), .limit = -1};
    assert_ok(function_list(&bed->ctx, &q, &list, &err));
    assert_true(list.count == 2 && !list.more && str_eq(list.items[1].name, STR("f2")));
    q = (FunctionQuery){.limit = 3};
    assert_ok(function_list(&bed->ctx, &q, &list, &err));
    assert_true(list.count == 3 && list.more && str_eq(list.items[2].database, STR("default")));
    q = (FunctionQuery){.limit = 3, .after_database = STR("default"), .after = STR("f1")};
    assert_ok(function_list(&bed->ctx, &q, &list, &err));
    assert_true(list.count == 1 && !list.more && str_eq(list.items[0].name, STR("g")));
    assert_ok(glob_parse_hive(bed->arena, STR("F*"), &glob, &err));
    q = (FunctionQuery){.limit = -1, .glob = glob};
    assert_ok(function_list(&bed->ctx, &q, &list, &err));
    assert_int_equal(list.count, 3);
    q = (FunctionQuery){.limit = -1, .database = STR("nix")};
    assert_err(function_list(&bed->ctx, &q, &list, &err), ERR_DATABASE_NOT_FOUND);
    q = (FunctionQuery){.limit = -1, .catalog = STR("nix")};
    assert_err(function_list(&bed->ctx, &q, &list, &err), ERR_CATALOG_NOT_FOUND);
}

static bool set_class(Ctx *ctx, Function *f, void *arg, Err *err) {
    (void)ctx;
    (void)err;
    f->class_name = str_from(arg);
    return true;
}

static void test_alter_and_rename(void **state) {
    Bed *bed = *state;
    Err err;
    Function f;
    char y[] = "org.Y";
    create_database(bed, "b");
    create(bed, "default", "f");
    create(bed, "default", "g");
    assert_ok(function_alter(&bed->ctx, ref("f"), (Expect){0, 0}, set_class, y, &f, &err));
    assert_true(f.version == 1 && str_eq(f.class_name, STR("org.Y")));
    assert_ok(function_alter(&bed->ctx, ref("f"), (Expect){0, 1}, set_class, y, &f, &err));
    assert_int_equal(f.version, 1);
    assert_err(function_alter(&bed->ctx, ref("f"), (Expect){0, 0}, set_class, y, &f, &err), ERR_VERSION_CONFLICT);
    assert_err(function_rename(&bed->ctx, ref("f"), STR_NULL, STR("G"), EXPECT_ANY, &f, &err), ERR_ALREADY_EXISTS);
    assert_err(function_rename(&bed->ctx, ref("f"), STR("nix"), STR("h"), EXPECT_ANY, &f, &err), ERR_DATABASE_NOT_FOUND);
    assert_ok(function_rename(&bed->ctx, ref("f"), STR("B"), STR("H"), (Expect){0, 1}, &f, &err));
    assert_true(str_eq(f.database, STR("b")) && str_eq(f.name, STR("h")) && f.version == 2);
    assert_err(function_get(&bed->ctx, ref("f"), &f, &err), ERR_FUNCTION_NOT_FOUND);
    assert_str(bed_value(bed, "SELECT string_agg(action || ':' || name, ' ' ORDER BY seq) FROM changes WHERE kind = 'function'"),
               "create:f create:g alter:f rename:f");
}

static bool deny_create(const Ctx *ctx, Action action, const Resource *resource, Err *err) {
    (void)ctx;
    (void)resource;
    return action != ACTION_CREATE || err_set(err, ERR_FORBIDDEN, "no");
}

/* Who may alter functions, but not make them, cannot make one by renaming. */
static void test_rename_needs_leave_to_create(void **state) {
    Bed *bed = *state;
    Err err;
    Function f;
    char y[] = "org.Y";
    create(bed, "default", "f");
    bed->catalog.authorize = deny_create;
    assert_err(function_rename(&bed->ctx, ref("f"), STR_NULL, STR("g"), EXPECT_ANY, &f, &err), ERR_FORBIDDEN);
    assert_ok(function_alter(&bed->ctx, ref("f"), EXPECT_ANY, set_class, y, &f, &err));
    bed->catalog.authorize = NULL;
    assert_ok(function_get(&bed->ctx, ref("f"), &f, &err));
    assert_str(f.class_name, "org.Y");
}

static void test_a_name_that_stays_is_not_checked(void **state) {
    Bed *bed = *state;
    Err err;
    Function f;
    char y[] = "org.Y";
    create(bed, "default", "a-b");
    bed->caller.protocol = STR("hive");
    assert_ok(function_alter(&bed->ctx, ref("a-b"), EXPECT_ANY, set_class, y, &f, &err));
    assert_err(function_rename(&bed->ctx, ref("a-b"), STR_NULL, STR("c-d"), EXPECT_ANY, &f, &err), ERR_INVALID_NAME);
}

static void test_drop(void **state) {
    Bed *bed = *state;
    Err err;
    Function f;
    const DatabaseDrop how = {.expect = EXPECT_ANY}, cascade = {.expect = EXPECT_ANY, .cascade = true};
    create_database(bed, "b");
    create(bed, "b", "f");
    create(bed, "default", "f");
    assert_err(database_drop(&bed->ctx, STR_NULL, STR("b"), &how, &err), ERR_NOT_EMPTY);
    assert_ok(database_drop(&bed->ctx, STR_NULL, STR("b"), &cascade, &err));
    assert_err(function_drop(&bed->ctx, ref("f"), (Expect){0, 9}, &err), ERR_VERSION_CONFLICT);
    assert_ok(function_get(&bed->ctx, ref("f"), &f, &err));
    assert_err(function_rename(&bed->ctx, ref("f"), STR_NULL, STR("g"), (Expect){f.id + 1, 0}, &f, &err), ERR_VERSION_CONFLICT);
    assert_err(function_drop(&bed->ctx, ref("f"), (Expect){f.id + 1, 0}, &err), ERR_VERSION_CONFLICT);
    assert_ok(function_drop(&bed->ctx, ref("f"), (Expect){f.id, 0}, &err));
    assert_err(function_drop(&bed->ctx, ref("f"), EXPECT_ANY, &err), ERR_FUNCTION_NOT_FOUND);
    assert_err(function_get(&bed->ctx, ref("f"), &f, &err), ERR_FUNCTION_NOT_FOUND);
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM changes WHERE hms_event = 'DROP_FUNCTION'"), 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        BED_TEST(test_create_and_get),
        BED_TEST(test_list),
        BED_TEST(test_alter_and_rename),
        BED_TEST(test_rename_needs_leave_to_create),
        BED_TEST(test_a_name_that_stays_is_not_checked),
        BED_TEST(test_drop),
    };
    return BED_RUN("functions", tests);
}
