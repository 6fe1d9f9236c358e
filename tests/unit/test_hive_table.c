/* What the Metastore makes of tables: types, comments, marks for one call. */
#include "catalog/content.h"
#include "catalog/hive_table.h"
#include "tests/unit/catalog_bed.h"

static Params params_of(Arena *arena, const char *const *pairs) {
    Params params = {0};
    for (; *pairs; pairs += 2) {
        params_set(&params, arena, str_from(pairs[0]), str_from(pairs[1]));
    }
    return params;
}
#define PARAMS(bed, ...) params_of((bed)->arena, (const char *const[]){__VA_ARGS__, NULL})

static Table table_of(Bed *bed, const char *type, Params params) {
    static Column columns[] = {{.name = STR_INIT("id"), .type = STR_INIT("bigint")}};
    return (Table){
        .catalog = STR("hive"),
        .database = STR("default"),
        .name = STR("t"),
        .type = str_from(type),
        .params = params,
        .partition_keys = &column_set_none,
        .storage = {.given = true,
                    .location = STR("s3://bucket/t"),
                    .columns = column_set_make(bed->arena, columns, 1),
                    .format = &storage_format_none},
        .created_at = MICROS_NONE,
        .updated_at = MICROS_NONE,
        .last_access_at = MICROS_NONE,
        .last_analyzed_at = MICROS_NONE,
        .dropped_at = MICROS_NONE,
    };
}

static const TableRef REF = {STR_INIT("hive"), STR_INIT("default"), STR_INIT("t")};

static Table altered(Bed *bed, const Table *sent) {
    Err err;
    Table ret;
    HiveAlter how = {.sent = *sent, .how = {.expect_version = -1}};
    assert_ok(hive_table_alter(&bed->ctx, REF, &how, &ret, &err));
    assert_ok(table_get(&bed->ctx, REF, &ret, &err));
    return ret;
}

/* As another door stores it, without any rule of Hive's. */
static void store(Bed *bed, const Table *table) {
    Err err;
    Table ret;
    TableCreate how = {.table = *table};
    bed->caller.protocol = STR("glue");
    assert_ok(table_create(&bed->ctx, &how, &ret, &err));
    bed->caller.protocol = STR("hive");
}

static void test_settled(void **state) {
    Bed *bed = *state;
    static const struct {
        const char *type, *external, *settled;
    } CASES[] = {
        {"MANAGED_TABLE", NULL, "MANAGED_TABLE"},
        {"MANAGED_TABLE", "TRUE", "EXTERNAL_TABLE"},
        {"EXTERNAL_TABLE", NULL, "MANAGED_TABLE"},
        {"EXTERNAL_TABLE", "false", "MANAGED_TABLE"},
        {"EXTERNAL_TABLE", "TrUe", "EXTERNAL_TABLE"},
        {NULL, NULL, "MANAGED_TABLE"},
        {NULL, "true", "EXTERNAL_TABLE"},
        {"VIRTUAL_VIEW", "TRUE", "VIRTUAL_VIEW"},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        Params params = CASES[i].external ? PARAMS(bed, "EXTERNAL", CASES[i].external) : (Params){0};
        Table t = table_of(bed, CASES[i].type, params);
        bool counted;
        hive_table_settle(&bed->ctx, &t, &counted);
        assert_str(t.type, CASES[i].settled);
        assert_true(params_has(&t.params, STR("transient_lastDdlTime")));
        assert_int_equal(counted, !str_eq(t.type, STR("VIRTUAL_VIEW")));
    }
    Table t = table_of(
        bed, "MANAGED_TABLE",
        PARAMS(bed, "comment", "told", "DO_NOT_UPDATE_STATS", "TRUE", "created_with_ctlt", "1", "transient_lastDdlTime", "7"));
    Params before = t.params;
    bool counted;
    hive_table_settle(&bed->ctx, &t, &counted);
    assert_false(counted);
    assert_str(t.description, "told");
    assert_int_equal(t.params.count, 1);
    assert_str(params_get(&t.params, STR("transient_lastDdlTime")), "7");
    assert_int_equal(before.count, 4); /* the caller's own */
}

static void test_data_stays_somebody_elses(void **state) {
    Bed *bed = *state;
    static const struct {
        const char *stored, *sent, *external, *after;
    } CASES[] = {
        {"EXTERNAL_TABLE", "EXTERNAL_TABLE", NULL, "EXTERNAL_TABLE"},
        {"EXTERNAL_TABLE", NULL, NULL, "EXTERNAL_TABLE"},
        {"EXTERNAL_TABLE", "EXTERNAL_TABLE", "false", "MANAGED_TABLE"},
        {"EXTERNAL_TABLE", "MANAGED_TABLE", NULL, "MANAGED_TABLE"},
        {"EXTERNAL_TABLE", "MANAGED_TABLE", "true", "EXTERNAL_TABLE"},
        {"MANAGED_TABLE", "EXTERNAL_TABLE", NULL, "MANAGED_TABLE"},
        {"MANAGED_TABLE", "EXTERNAL_TABLE", "TRUE", "EXTERNAL_TABLE"},
        {"MANAGED_TABLE", "MANAGED_TABLE", "TRUE", "EXTERNAL_TABLE"},
        {NULL, "MANAGED_TABLE", NULL, NULL}, /* what it was shown as */
        {NULL, "EXTERNAL_TABLE", NULL, "EXTERNAL_TABLE"},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        Err err;
        Table stored = table_of(bed, CASES[i].stored, (Params){0});
        store(bed, &stored);
        Params params = CASES[i].external ? PARAMS(bed, "EXTERNAL", CASES[i].external) : (Params){0};
        Table sent = table_of(bed, CASES[i].sent, params), got = altered(bed, &sent);
        if (CASES[i].after) {
            assert_str(got.type, CASES[i].after);
        } else {
            assert_true(str_is_null(got.type));
        }
        TableDrop drop = {.expect_version = -1};
        assert_ok(table_drop(&bed->ctx, REF, &drop, &err));
    }
}

static void test_comments(void **state) {
    Bed *bed = *state;
    Table stored = table_of(bed, "EXTERNAL_TABLE", PARAMS(bed, "comment", "of parameters"));
    stored.description = STR("of glue");
    store(bed, &stored);
    Table sent = table_of(bed, "EXTERNAL_TABLE", PARAMS(bed, "comment", "of parameters")), got = altered(bed, &sent);
    assert_str(got.description, "of glue"); /* was not shown, so nobody changed it */
    assert_str(params_get(&got.params, STR("comment")), "of parameters");
    sent.params = PARAMS(bed, "comment", "new");
    got = altered(bed, &sent);
    assert_str(got.description, "new");
    assert_str(params_get(&got.params, STR("comment")), "new");
    sent.params = PARAMS(bed, "a", "b");
    got = altered(bed, &sent);
    assert_true(str_is_null(got.description));
    assert_false(params_has(&got.params, STR("comment")));
    sent.params = PARAMS(bed, "comment", "again");
    got = altered(bed, &sent);
    assert_str(got.description, "again");
    assert_false(params_has(&got.params, STR("comment")));
}

static void test_what_others_wrote_is_kept(void **state) {
    Bed *bed = *state;
    Column columns[] = {{.name = STR("id"), .type = STR("made_up"), .params = PARAMS(bed, "k", "v")}};
    Table stored = table_of(bed, NULL, (Params){0});
    stored.extra = STR("{\"glue.x\":1}");
    stored.owner_type = STR("ROLE");
    stored.storage.columns = column_set_make(bed->arena, columns, 1);
    store(bed, &stored);
    Column wider[] = {{.name = STR("new"), .type = STR("int")}, {.name = STR("id"), .type = STR("made_up")}};
    Table sent = table_of(bed, NULL, (Params){0});
    sent.storage.columns = column_set_make(bed->arena, wider, 2);
    Table got = altered(bed, &sent); /* the type that Hive does not know was there before */
    assert_int_equal(got.storage.columns->count, 2);
    assert_str(params_get(&got.storage.columns->items[1].params, STR("k")), "v");
    assert_str(got.extra, "{\"glue.x\":1}");
    assert_str(got.owner_type, "ROLE");
    wider[0].type = STR("made_up");
    sent.storage.columns = column_set_make(bed->arena, wider, 2);
    Err err;
    HiveAlter how = {.sent = sent, .how = {.expect_version = -1}};
    assert_err(hive_table_alter(&bed->ctx, REF, &how, &got, &err), ERR_INVALID_TYPE);
}

static void test_incompatible_types(void **state) {
    Bed *bed = *state;
    Err err;
    Table stored = table_of(bed, "EXTERNAL_TABLE", (Params){0}), got;
    store(bed, &stored);
    Column columns[] = {{.name = STR("id"), .type = STR("int")}};
    Table sent = table_of(bed, "EXTERNAL_TABLE", (Params){0});
    sent.storage.columns = column_set_make(bed->arena, columns, 1);
    HiveAlter how = {.sent = sent, .how = {.expect_version = -1}, .same_types = true};
    assert_err(hive_table_alter(&bed->ctx, REF, &how, &got, &err), ERR_INVALID_OPERATION);
    how.same_types = false;
    assert_ok(hive_table_alter(&bed->ctx, REF, &how, &got, &err));
    how.sent.storage.location = STR_NULL;
    assert_err(hive_table_alter(&bed->ctx, REF, &how, &got, &err), ERR_INVALID_ARGUMENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        BED_TEST(test_settled),
        BED_TEST(test_data_stays_somebody_elses),
        BED_TEST(test_comments),
        BED_TEST(test_what_others_wrote_is_kept),
        BED_TEST(test_incompatible_types),
    };
    return BED_RUN("hive_table", tests);
}
