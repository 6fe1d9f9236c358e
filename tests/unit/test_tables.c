/* Tables, versions, moves and drops, against a real PostgreSQL and a real directory. */
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json_reader.h"
#include "catalog/changes.h"
#include "catalog/content.h"
#include "catalog/databases.h"
#include "catalog/housekeeping.h"
#include "catalog/json.h"
#include "catalog/partitions.h"
#include "catalog/tables.h"
#include "catalog/verify.h"
#include "catalog/versions.h"
#include "storage/location.h"
#include "tests/unit/catalog_bed.h"

static Table from_json(Ctx *ctx, const char *text) {
    Err err;
    json_t *value;
    Table table;
    assert_ok(jr_parse(ctx->arena, str_from(text), 32, &value, &err));
    JsonAt at = jr_top(value);
    assert_ok(table_from_json(&at, ctx->arena, &table, &err));
    return table;
}

static const char ORDERS[] = "{\"database\":\"default\",\"name\":\"Orders\",\"columns\":[{\"name\":\"Id\",\"type\":\"bigint\"},"
                             "{\"name\":\"note\",\"type\":\"string\",\"comment\":\"free text\"}],"
                             "\"partition_keys\":[{\"name\":\"day\",\"type\":\"date\"}],"
                             "\"storage\":{\"input_format\":\"org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat\","
                             "\"serde\":{\"library\":\"org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe\"}},"
                             "\"parameters\":{\"team\":\"sales\"}}";

static Table create(Ctx *ctx, const char *text) {
    Err err;
    Table made;
    TableCreate how = {.table = from_json(ctx, text)};
    assert_ok(table_create(ctx, &how, &made, &err));
    return made;
}

static TableRef ref(const char *name) { return (TableRef){STR_NULL, STR("default"), str_from(name)}; }

static bool is_directory(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static const char *in_warehouse(Bed *bed, const char *name) { return arena_printf(bed->arena, "%s/%s", bed->warehouse, name).ptr; }

static void test_create_and_get(void **state) {
    Bed *bed = *state;
    Err err;
    Table made = create(&bed->ctx, ORDERS), got;
    assert_ok(table_get(&bed->ctx, ref("ORDERS"), &got, &err));
    assert_str(got.name, "orders");
    assert_str(got.type, "MANAGED_TABLE");
    assert_int_equal(got.version, 0);
    assert_int_equal(got.id, made.id);
    assert_int_equal(got.storage.columns->count, 2);
    assert_str(got.storage.columns->items[0].name, "id");
    assert_str(got.storage.columns->items[1].comment, "free text");
    assert_true(str_is_null(got.storage.columns->items[0].comment));
    assert_str(got.partition_keys->items[0].type, "date");
    assert_str(params_get(&got.params, STR("team")), "sales");
    assert_true(str_ends(got.storage.location, STR("/orders")));
    assert_true(is_directory(in_warehouse(bed, "orders")));
    TableCreate again = {.table = from_json(&bed->ctx, ORDERS)};
    assert_err(table_create(&bed->ctx, &again, &got, &err), ERR_ALREADY_EXISTS);
    again.if_not_exists = true;
    assert_ok(table_create(&bed->ctx, &again, &got, &err));
    assert_int_equal(got.id, made.id);
}

static void test_missing(void **state) {
    Bed *bed = *state;
    Err err;
    Table got;
    assert_err(table_get(&bed->ctx, ref("nothing"), &got, &err), ERR_TABLE_NOT_FOUND);
    assert_err(table_get(&bed->ctx, (TableRef){STR_NULL, STR("nowhere"), STR("t")}, &got, &err), ERR_DATABASE_NOT_FOUND);
    assert_err(table_get(&bed->ctx, (TableRef){STR("no_catalog"), STR("default"), STR("t")}, &got, &err), ERR_CATALOG_NOT_FOUND);
    TableCreate how = {.table = from_json(&bed->ctx, ORDERS)};
    how.table.database = STR("nowhere");
    assert_err(table_create(&bed->ctx, &how, &got, &err), ERR_DATABASE_NOT_FOUND);
    how.table.database = STR("default");
    how.table.name = STR("a/b");
    assert_err(table_create(&bed->ctx, &how, &got, &err), ERR_INVALID_NAME);
}

static bool set_param(Ctx *ctx, Table *t, void *arg, Err *err) {
    (void)err;
    const Param *p = arg;
    params_set(&t->params, ctx->arena, p->key, p->value);
    return true;
}

static bool alter_param(Ctx *ctx, const char *name, Param p, int64_t expect, Table *ret, Err *err) {
    TableAlter how = {.edit = set_param, .arg = &p, .expect_version = expect};
    return table_alter(ctx, ref(name), &how, ret, err);
}

static bool add_column(Ctx *ctx, Table *t, void *arg, Err *err) {
    (void)err;
    size_t count = t->storage.columns->count;
    Column *items = ARENA_ARRAY(ctx->arena, Column, count + 1);
    memcpy(items, t->storage.columns->items, count * sizeof *items);
    items[count] = (Column){.name = str_from(arg), .type = STR("double")};
    t->storage.columns = column_set_make(ctx->arena, items, count + 1);
    return true;
}

/* Many at once: each its own table or error, in one round trip; after a failure each by itself. */
static void test_get_each(void **state) {
    Bed *bed = *state;
    enum { COUNT = 24 };
    Err err, errs[COUNT];
    Table got[COUNT];
    for (int i = 0; i < 5; i++) {
        create(&bed->ctx, arena_printf(bed->arena, "{\"database\":\"default\",\"name\":\"each%d\"}", i).ptr);
    }
    for (int round = 0; round < 4; round++) {
        TableGet reads[COUNT];
        for (int i = 0; i < COUNT; i++) {
            Str name = arena_printf(bed->arena, i == 7 && round == 1 ? "bad \xFF%d" : "Each%d", i % 8);
            reads[i] = (TableGet){.ctx = &bed->ctx,
                                  .ref = {STR_NULL, i == 9 ? STR("nowhere") : STR("default"), name},
                                  .ret = &got[i],
                                  .err = &errs[i]};
        }
        PgPoolStats before, after;
        pg_pool_stats(bed->ctx.catalog->pg, bed->ctx.pool, &before);
        pg_fail_at(bed->ctx.catalog->pg, round == 2);
        table_get_each(reads, COUNT);
        pg_fail_at(bed->ctx.catalog->pg, 0);
        pg_pool_stats(bed->ctx.catalog->pg, bed->ctx.pool, &after);
        assert_int_equal(after.in_use, 0);
        for (int i = 0; i < COUNT; i++) {
            ErrCode want = i == 9 ? ERR_DATABASE_NOT_FOUND : i % 8 < 5 ? ERR_NONE : ERR_TABLE_NOT_FOUND;
            if (i == 7 && round == 1) {
                assert_false(reads[i].ok);
            } else if (want == ERR_NONE) {
                assert_true(reads[i].ok);
                assert_str(got[i].name, arena_printf(bed->arena, "each%d", i % 8).ptr);
            } else {
                assert_false(reads[i].ok);
                assert_int_equal(errs[i].code, want);
            }
        }
        if (round == 3) { /* the found ones in one, and for each missing one a look at its database */
            assert_in_range(after.round_trips - before.round_trips, 1, 1 + 12);
        }
    }
    TableGet one = {.ctx = &bed->ctx, .ref = ref("each1"), .ret = &got[0], .err = &err};
    table_get_each(&one, 1);
    assert_true(one.ok);
}

static void test_versions(void **state) {
    Bed *bed = *state;
    Err err;
    Table t;
    create(&bed->ctx, ORDERS);
    Micros before = clock_now();
    assert_ok(alter_param(&bed->ctx, "orders", (Param){STR("team"), STR("ops")}, 0, &t, &err));
    assert_int_equal(t.version, 1);
    TableAlter widen = {.edit = add_column, .arg = "price", .expect_version = -1};
    assert_ok(table_alter(&bed->ctx, ref("orders"), &widen, &t, &err));
    assert_int_equal(t.version, 2);
    /* The same again changes nothing and makes no version. */
    assert_ok(alter_param(&bed->ctx, "orders", (Param){STR("team"), STR("ops")}, -1, &t, &err));
    assert_int_equal(t.version, 2);
    assert_err(alter_param(&bed->ctx, "orders", (Param){STR("team"), STR("x")}, 1, &t, &err), ERR_VERSION_CONFLICT);

    TableVersions list;
    VersionQuery query = {.before = -1, .limit = -1};
    assert_ok(version_list(&bed->ctx, ref("orders"), &query, &list, &err));
    assert_int_equal(list.count, 3);
    assert_int_equal(list.items[0].version, 2);
    assert_str(list.items[0].change.principal, "ada");
    assert_str_contains(list.items[0].diff, "\"op\":\"add_column\",\"path\":\"columns.price\",\"class\":\"safe\"");
    assert_str_contains(list.items[1].diff, "parameters.team");

    TableVersion v;
    assert_ok(version_get(&bed->ctx, ref("orders"), 0, &v, &err));
    assert_str(params_get(&v.table.params, STR("team")), "sales");
    assert_int_equal(v.table.storage.columns->count, 2);
    assert_ok(version_as_of(&bed->ctx, ref("orders"), before, &v, &err));
    assert_int_equal(v.version, 0);
    assert_err(version_as_of(&bed->ctx, ref("orders"), before - 3600000000, &v, &err), ERR_VERSION_NOT_FOUND);
    Str diff;
    assert_ok(version_diff(&bed->ctx, ref("orders"), 2, 0, &diff, &err));
    assert_str_contains(diff, "\"op\":\"drop_column\"");

    StrList gone;
    VersionRestore back = {.version = 0, .expect_version = -1};
    assert_ok(version_restore(&bed->ctx, ref("orders"), &back, &t, &gone, &err));
    assert_int_equal(t.version, 3);
    assert_int_equal(t.storage.columns->count, 2);
    assert_str(params_get(&t.params, STR("team")), "sales");
    assert_int_equal(gone.count, 0);
    assert_err(version_get(&bed->ctx, ref("orders"), 9, &v, &err), ERR_VERSION_NOT_FOUND);
}

static const char ICEBERG[] =
    "{\"database\":\"default\",\"name\":\"ice\",\"type\":\"EXTERNAL_TABLE\",\"columns\":[{\"name\":\"a\",\"type\":\"int\"}],"
    "\"parameters\":{\"table_type\":\"ICEBERG\",\"metadata_location\":\"s3://b/m0\",\"owner_note\":\"mine\"}}";

static bool move_pointer(Ctx *ctx, Table *t, void *arg, Err *err) {
    (void)err;
    params_set(&t->params, ctx->arena, STR("previous_metadata_location"), params_get(&t->params, STR("metadata_location")));
    params_set(&t->params, ctx->arena, STR("metadata_location"), str_from(arg));
    return true;
}

static void test_pointer_moves(void **state) {
    Bed *bed = *state;
    Err err;
    Table t;
    TableVersion v;
    create(&bed->ctx, ICEBERG);
    TableAlter how = {.edit = move_pointer, .arg = "s3://b/m1", .expect_version = -1};
    assert_ok(table_alter(&bed->ctx, ref("ice"), &how, &t, &err));
    how.arg = "s3://b/m2";
    assert_ok(table_alter(&bed->ctx, ref("ice"), &how, &t, &err));
    /* Nobody may move the pointer from a state that is not the current one. */
    assert_err_says(alter_param(&bed->ctx, "ice", (Param){STR("metadata_location"), STR("s3://b/other")}, -1, &t, &err),
                    ERR_POINTER_CONFLICT, "s3://b/m2");
    VersionQuery query = {.before = -1, .limit = -1};
    TableVersions list;
    assert_ok(version_list(&bed->ctx, ref("ice"), &query, &list, &err));
    assert_int_equal(list.count, 1);
    query.with_pointer_moves = true;
    assert_ok(version_list(&bed->ctx, ref("ice"), &query, &list, &err));
    assert_int_equal(list.count, 3);
    assert_true(list.items[0].pointer_move);
    assert_ok(version_get(&bed->ctx, ref("ice"), 1, &v, &err));
    assert_str(params_get(&v.table.params, STR("metadata_location")), "s3://b/m1");
    assert_str(params_get(&v.table.params, STR("owner_note")), "mine");
    /* Restoring leaves the pointer alone unless asked for. */
    assert_ok(alter_param(&bed->ctx, "ice", (Param){STR("owner_note"), STR("yours")}, -1, &t, &err));
    StrList gone;
    VersionRestore back = {.version = 1, .expect_version = -1};
    assert_ok(version_restore(&bed->ctx, ref("ice"), &back, &t, &gone, &err));
    assert_str(params_get(&t.params, STR("metadata_location")), "s3://b/m2");
    assert_str(params_get(&t.params, STR("owner_note")), "mine");
    back.move_pointer = true;
    assert_ok(version_restore(&bed->ctx, ref("ice"), &back, &t, &gone, &err));
    assert_str(params_get(&t.params, STR("metadata_location")), "s3://b/m1");
    assert_str(params_get(&t.params, STR("previous_metadata_location")), "s3://b/m2");
}

static Partition partition_of(Ctx *ctx, const char *day) {
    StrList values = {ARENA_ARRAY(ctx->arena, Str, 1), 1};
    values.items[0] = str_from(day);
    return (Partition){.values = values,
                       .storage = {.columns = &column_set_none, .format = &storage_format_none},
                       .created_at = MICROS_NONE,
                       .last_access_at = MICROS_NONE,
                       .last_analyzed_at = MICROS_NONE};
}

static void add_days(Ctx *ctx, const char *table, const char *const *days, size_t count) {
    Err err;
    Partitions added;
    ItemResult *results;
    PartitionAdd add = {.items = {ARENA_ARRAY(ctx->arena, Partition, count), count}};
    for (size_t i = 0; i < count; i++) {
        add.items.items[i] = partition_of(ctx, days[i]);
    }
    assert_ok(partition_add(ctx, ref(table), &add, &added, &results, &err));
    assert_int_equal(added.count, count);
}

static const char *const DAYS[] = {"2026-01-01", "2026-01-02", "2026-02-01"};

/* A successor of the same name may be at the same version. */
static void test_expects_this_very_table(void **state) {
    Bed *bed = *state;
    Err err;
    Table first, second, t;
    StrList gone;
    TableDrop drop = {.expect_version = 0};
    create(&bed->ctx, ORDERS);
    assert_ok(table_get(&bed->ctx, ref("orders"), &first, &err));
    assert_ok(table_drop(&bed->ctx, ref("orders"), &drop, &err));
    create(&bed->ctx, ORDERS);
    assert_ok(table_get(&bed->ctx, ref("orders"), &second, &err));
    assert_true(first.id != second.id && first.version == second.version);
    VersionRestore back = {.version = 0, .expect_version = 0, .expect_id = first.id};
    drop.expect_id = first.id;
    assert_err(table_rename(&bed->ctx, ref("orders"), STR_NULL, STR("x"), (Expect){first.id, 0}, &t, &err), ERR_VERSION_CONFLICT);
    assert_err(version_restore(&bed->ctx, ref("orders"), &back, &t, &gone, &err), ERR_VERSION_CONFLICT);
    assert_err(table_drop(&bed->ctx, ref("orders"), &drop, &err), ERR_VERSION_CONFLICT);
    drop.expect_id = second.id;
    assert_ok(table_drop(&bed->ctx, ref("orders"), &drop, &err));
}

static void test_rename_moves_data(void **state) {
    Bed *bed = *state;
    Err err;
    Table t;
    Partition p;
    create(&bed->ctx, ORDERS);
    add_days(&bed->ctx, "orders", DAYS, 3);
    assert_ok(table_rename(&bed->ctx, ref("orders"), STR_NULL, STR("Sales"), EXPECT_ANY, &t, &err));
    assert_str(t.name, "sales");
    assert_true(str_ends(t.storage.location, STR("/sales")));
    assert_false(is_directory(in_warehouse(bed, "orders")));
    assert_true(is_directory(in_warehouse(bed, "sales")));
    assert_ok(partition_get(&bed->ctx, ref("sales"), partition_of(&bed->ctx, DAYS[0]).values, &p, NULL, &err));
    assert_true(str_ends(p.storage.location, STR("/sales/day=2026-01-01")));
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM directory_intents"), 0);
    /* A taken name changes nothing. */
    create(&bed->ctx, ORDERS);
    assert_err(table_rename(&bed->ctx, ref("sales"), STR_NULL, STR("orders"), EXPECT_ANY, &t, &err), ERR_ALREADY_EXISTS);
    assert_true(is_directory(in_warehouse(bed, "sales")));
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM directory_intents"), 0);
}

static bool set_location(Ctx *ctx, Table *t, void *arg, Err *err) {
    (void)ctx;
    (void)err;
    t->storage.location = str_from(arg);
    return true;
}

static void test_set_location_leaves_partitions(void **state) {
    Bed *bed = *state;
    Err err;
    Table t;
    Partition p;
    create(&bed->ctx, ORDERS);
    add_days(&bed->ctx, "orders", DAYS, 2);
    TableAlter how = {.edit = set_location, .arg = "s3://lake/new", .expect_version = -1};
    assert_ok(table_alter(&bed->ctx, ref("orders"), &how, &t, &err));
    add_days(&bed->ctx, "orders", DAYS + 2, 1);
    assert_ok(partition_get(&bed->ctx, ref("orders"), partition_of(&bed->ctx, DAYS[2]).values, &p, NULL, &err));
    assert_str(p.storage.location, "s3://lake/new/day=2026-02-01");
    assert_ok(partition_get(&bed->ctx, ref("orders"), partition_of(&bed->ctx, DAYS[0]).values, &p, NULL, &err));
    assert_true(str_ends(p.storage.location, STR("/orders/day=2026-01-01")));
}

static void run_jobs(Bed *bed) {
    Err err;
    bool worked = true;
    while (worked) {
        assert_ok(housekeeping_jobs(&bed->ctx, true, &worked, &err));
    }
}

static void test_drop_and_undrop(void **state) {
    Bed *bed = *state;
    Err err;
    Table t;
    StrList gone;
    create(&bed->ctx, ORDERS);
    add_days(&bed->ctx, "orders", DAYS, 3);
    TableDrop keep = {.expect_version = -1, .delete_data = false};
    assert_ok(table_drop(&bed->ctx, ref("orders"), &keep, &err));
    assert_err(table_get(&bed->ctx, ref("orders"), &t, &err), ERR_TABLE_NOT_FOUND);
    TableUndrop how = {0};
    assert_ok(table_undrop(&bed->ctx, ref("orders"), &how, &t, &gone, &err));
    assert_int_equal(t.version, 1);
    int64_t count;
    PartitionQuery all = {.limit = -1};
    assert_ok(partition_count(&bed->ctx, ref("orders"), &all, &count, &err));
    assert_int_equal(count, 3);
    assert_int_equal(gone.count, 0);

    TableDrop purge = {.expect_version = -1, .delete_data = true};
    assert_ok(table_drop(&bed->ctx, ref("orders"), &purge, &err));
    run_jobs(bed);
    assert_false(is_directory(in_warehouse(bed, "orders")));
    assert_ok(table_undrop(&bed->ctx, ref("orders"), &how, &t, &gone, &err));
    assert_int_equal(gone.count, 1);
}

static void test_data_is_safe(void **state) {
    Bed *bed = *state;
    Err err;
    Table outer = create(&bed->ctx, ORDERS);
    TableCreate nested = {.table = from_json(&bed->ctx, ORDERS)};
    nested.table.name = STR("inner");
    nested.table.type = STR("MANAGED_TABLE");
    nested.table.storage.location = location_join(bed->arena, outer.storage.location, STR("inside"));
    Table t;
    assert_ok(table_create(&bed->ctx, &nested, &t, &err));
    TableDrop purge = {.expect_version = -1, .delete_data = true};
    unit_expect_log("is kept");
    assert_ok(table_drop(&bed->ctx, ref("orders"), &purge, &err));
    run_jobs(bed);
    assert_true(is_directory(in_warehouse(bed, "orders/inside")));
}

/* A place that is only promised to others is theirs, too. */
static void test_places_of_databases_and_catalogs_are_safe(void **state) {
    Bed *bed = *state;
    Err err;
    Database made;
    CatalogInfo lab;
    Table one = create(&bed->ctx, ORDERS), two;
    TableCreate second = {.table = from_json(&bed->ctx, ORDERS)};
    second.table.name = STR("second");
    assert_ok(table_create(&bed->ctx, &second, &two, &err));
    Database wanted = {.name = STR("lake"), .managed_location = location_join(bed->arena, one.storage.location, STR("lake"))};
    assert_ok(database_create(&bed->ctx, &wanted, &made, &err));
    CatalogInfo other = {.name = STR("lab"), .location = location_join(bed->arena, two.storage.location, STR("lab"))};
    assert_ok(catalog_create(&bed->ctx, &other, &lab, &err));
    TableDrop purge = {.expect_version = -1, .delete_data = true};
    unit_expect_log("is kept: database lake (managed tables)");
    assert_ok(table_drop(&bed->ctx, ref("orders"), &purge, &err));
    run_jobs(bed);
    unit_expect_log("second is kept"); /* by the catalog and its database default */
    assert_ok(table_drop(&bed->ctx, ref("second"), &purge, &err));
    run_jobs(bed);
    assert_true(is_directory(in_warehouse(bed, "orders/lake")));
    assert_true(is_directory(in_warehouse(bed, "second")));
}

static void test_partitions(void **state) {
    Bed *bed = *state;
    Err err;
    Partitions found;
    bool more;
    create(&bed->ctx, ORDERS);
    add_days(&bed->ctx, "orders", DAYS, 3);
    PartitionQuery january = {.filter = STR("day >= '2026-01-01' and day < '2026-02-01'"), .limit = -1};
    assert_ok(partition_list(&bed->ctx, ref("orders"), &january, &found, &more, NULL, &err));
    assert_int_equal(found.count, 2);
    assert_str(found.items[0].name, "day=2026-01-01");
    assert_int_equal(found.items[0].storage.columns->count, 2);
    PartitionAdd again = {.items = {ARENA_ARRAY(bed->arena, Partition, 2), 2}};
    again.items.items[0] = partition_of(&bed->ctx, DAYS[0]);
    again.items.items[1] = partition_of(&bed->ctx, "2026-03-01");
    Partitions added;
    ItemResult *results;
    assert_err(partition_add(&bed->ctx, ref("orders"), &again, &added, &results, &err), ERR_ALREADY_EXISTS);
    again.per_item = true;
    assert_ok(partition_add(&bed->ctx, ref("orders"), &again, &added, &results, &err));
    assert_int_equal(added.count, 1);
    assert_false(results[0].ok);
    assert_true(results[1].ok);

    PartitionDrop drop = {.which = january, .want_dropped = true};
    int64_t count;
    assert_ok(partition_drop(&bed->ctx, ref("orders"), &drop, &found, &count, &results, &err));
    assert_int_equal(count, 2);
    PartitionEvent *events;
    size_t event_count;
    StrList first = partition_of(&bed->ctx, DAYS[0]).values;
    assert_ok(partition_history(&bed->ctx, ref("orders"), first, &events, &event_count, NULL, &err));
    assert_int_equal(event_count, 2);
    assert_str(events[0].action, "drop");
    assert_str(events[1].action, "add");
    Partition back;
    assert_ok(partition_restore(&bed->ctx, ref("orders"), first, 0, &back, &err));
    assert_ok(partition_get(&bed->ctx, ref("orders"), first, &back, NULL, &err));
    assert_ok(partition_history(&bed->ctx, ref("orders"), first, &events, &event_count, NULL, &err));
    assert_int_equal(event_count, 3);
    assert_str(events[0].action, "restore");
    assert_str(events[1].action, "drop");
    assert_str(events[2].action, "add");
}

static bool rename_day(Ctx *ctx, const Table *table, Partition *p, size_t index, void *arg, Err *err) {
    (void)table;
    (void)index;
    (void)err;
    p->values = partition_of(ctx, arg).values;
    params_set(&p->params, ctx->arena, STR("touched"), STR("yes"));
    return true;
}

static void test_partition_rename(void **state) {
    Bed *bed = *state;
    Err err;
    Partitions altered;
    ItemResult *results;
    create(&bed->ctx, ORDERS);
    add_days(&bed->ctx, "orders", DAYS, 2);
    mkdir(in_warehouse(bed, "orders/day=2026-01-01"), 0777);
    StrList values = partition_of(&bed->ctx, DAYS[0]).values;
    PartitionAlter how = {.values = &values, .count = 1, .edit = rename_day, .arg = "2027-01-01", .renames = true};
    assert_ok(partition_alter(&bed->ctx, ref("orders"), &how, &altered, &results, &err));
    assert_str(altered.items[0].name, "day=2027-01-01");
    assert_true(is_directory(in_warehouse(bed, "orders/day=2027-01-01")));
    assert_false(is_directory(in_warehouse(bed, "orders/day=2026-01-01")));
    StrList second = partition_of(&bed->ctx, DAYS[1]).values;
    how.values = &second;
    assert_err(partition_alter(&bed->ctx, ref("orders"), &how, &altered, &results, &err), ERR_ALREADY_EXISTS);
}

/* ARG: days that get a parameter; the others stay as they are. */
static bool touch_some(Ctx *ctx, const Table *table, Partition *p, size_t index, void *arg, Err *err) {
    (void)table;
    (void)err;
    if (((const bool *)arg)[index]) {
        params_set(&p->params, ctx->arena, STR("touched"), STR("yes"));
    }
    return true;
}

static void test_partition_alter_of_nothing(void **state) {
    Bed *bed = *state;
    Err err;
    Partitions altered;
    ItemResult *results;
    bool touch[] = {false, true, false};
    create(&bed->ctx, ORDERS);
    add_days(&bed->ctx, "orders", DAYS, 3);
    StrList values[] = {partition_of(&bed->ctx, DAYS[0]).values, partition_of(&bed->ctx, DAYS[1]).values,
                        partition_of(&bed->ctx, DAYS[2]).values};
    PartitionAlter how = {.values = values, .count = 3, .edit = touch_some, .arg = touch};
    assert_ok(partition_alter(&bed->ctx, ref("orders"), &how, &altered, &results, &err));
    assert_true(results[0].ok && results[0].unchanged && altered.items[0].altered_seq == 0);
    assert_true(results[1].ok && !results[1].unchanged && altered.items[1].altered_seq > 0);
    assert_true(results[2].ok && results[2].unchanged);
    assert_int_equal(bed_count(bed, "SELECT cardinality(partitions) FROM changes WHERE action = 'alter'"), 1);

    int64_t seq = altered.items[1].altered_seq;
    assert_ok(partition_alter(&bed->ctx, ref("orders"), &how, &altered, &results, &err));
    assert_true(results[1].unchanged && altered.items[1].altered_seq == seq);
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM changes WHERE action = 'alter'"), 1);
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM partition_images"), 1);

    how.write_noop = true;
    assert_ok(partition_alter(&bed->ctx, ref("orders"), &how, &altered, &results, &err));
    assert_true(!results[0].unchanged && altered.items[0].altered_seq > seq);
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM partition_images"), 4);
}

/* --- races ---------------------------------------------------------------------------------------------------- */

typedef struct Racer {
    Bed *bed;
    pthread_t thread;
    int64_t expect;
    int number;
    bool won;
    ErrCode code;
} Racer;

static void *race_alter(void *arg) {
    Racer *r = arg;
    Ctx ctx = bed_ctx(r->bed);
    Err err = {0};
    Table t;
    Param p = {STR("winner"), arena_printf(ctx.arena, "%d of round %" PRId64, r->number, r->expect)};
    r->won = alter_param(&ctx, "orders", p, r->expect, &t, &err);
    r->code = r->won ? ERR_NONE : err.code;
    arena_free(ctx.arena);
    return NULL;
}

static void *race_create(void *arg) {
    Racer *r = arg;
    Ctx ctx = bed_ctx(r->bed);
    Err err = {0};
    Table t;
    TableCreate how = {.table = from_json(&ctx, ORDERS)};
    r->won = table_create(&ctx, &how, &t, &err);
    r->code = r->won ? ERR_NONE : err.code;
    arena_free(ctx.arena);
    return NULL;
}

static void race(Bed *bed, void *(*fn)(void *), int64_t expect, ErrCode loser) {
    enum { RACERS = 16 };
    Racer racers[RACERS];
    int winners = 0;
    for (int i = 0; i < RACERS; i++) {
        racers[i] = (Racer){.bed = bed, .expect = expect, .number = i};
        pthread_create(&racers[i].thread, NULL, fn, &racers[i]);
    }
    for (int i = 0; i < RACERS; i++) {
        pthread_join(racers[i].thread, NULL);
        winners += racers[i].won;
        assert_int_equal(racers[i].code, racers[i].won ? ERR_NONE : loser);
    }
    assert_int_equal(winners, expect < 0 && fn == race_alter ? RACERS : 1);
}

static void test_races(void **state) {
    Bed *bed = *state;
    Err err;
    Table t;
    race(bed, race_create, -1, ERR_ALREADY_EXISTS);
    for (int64_t version = 0; version < 5; version++) {
        race(bed, race_alter, version, ERR_VERSION_CONFLICT);
    }
    /* Without an expected version everybody gets in, one after the other. */
    race(bed, race_alter, -1, ERR_NONE);
    assert_ok(table_get(&bed->ctx, ref("orders"), &t, &err));
    assert_true(t.version > 5);
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM table_versions"), t.version + 1);
    /* Every change has its number, without gap. */
    Changes changes;
    ChangeQuery query = {.after = 0, .limit = 1000};
    assert_ok(change_list(&bed->ctx, &query, &changes, &err));
    for (size_t i = 0; i < changes.count; i++) {
        assert_int_equal(changes.items[i].change_id, (int64_t)i + 1);
    }
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM changes"), (int64_t)changes.count);
    assert_int_equal(bed_count(bed, "SELECT max(hms_event_id) FROM change_order"),
                     bed_count(bed, "SELECT count(hms_event) FROM changes"));
    VerifyReport report;
    assert_ok(verify_store(&bed->ctx, &report, &err));
    for (size_t i = 0; i < report.count; i++) {
        if (report.items[i].broken) {
            fail_msg("%s: %" STR_FMT, report.items[i].name, STR_ARG(report.items[i].example));
        }
    }
    /* It does find what is wrong. */
    bed_sql(bed, "DELETE FROM table_versions WHERE version = 2; UPDATE column_sets SET names[1] = 'other';"
                 "DELETE FROM change_order WHERE change_id = 3");
    assert_ok(verify_store(&bed->ctx, &report, &err));
    assert_true(report.broken >= 3);
}

/* A dump restored into another cluster: the transaction ids in it mean nothing there. */
static void test_numbers_after_a_restore(void **state) {
    Bed *bed = *state;
    Err err;
    int64_t last;
    create(&bed->ctx, ICEBERG);
    assert_ok(change_sequence(&bed->ctx, &last, &err));
    create(&bed->ctx, ORDERS);
    bed_sql(bed, "UPDATE changes SET xid = '4000000000'; UPDATE change_counter SET cluster = 1, seen = '3999999999:3999999999:'");
    bed->catalog.cluster_settled = false;
    for (int i = 0; i < 3; i++) {
        assert_ok(change_sequence(&bed->ctx, &last, &err));
        assert_int_equal(last, bed_count(bed, "SELECT count(*) FROM changes"));
        Table t;
        assert_ok(alter_param(&bed->ctx, "orders", (Param){STR("n"), arena_printf(bed->arena, "%d", i)}, -1, &t, &err));
    }
    assert_ok(change_sequence(&bed->ctx, &last, &err));
    assert_int_equal(bed_count(bed, "SELECT max(change_id) FROM change_order"), last);
    assert_int_equal(bed_count(bed, "SELECT has_function_privilege('public', 'pg_control_system()', 'execute')::int"), 1);
}

static void test_sweep(void **state) {
    Bed *bed = *state;
    Err err;
    Table t;
    create(&bed->ctx, ORDERS);
    add_days(&bed->ctx, "orders", DAYS, 3);
    TableDrop how = {.expect_version = -1};
    assert_ok(table_drop(&bed->ctx, ref("orders"), &how, &err));
    bed_sql(bed, "UPDATE tables SET dropped_at = dropped_at - interval '30 days' WHERE dropped_at IS NOT NULL;"
                 "UPDATE column_sets SET touched_at = touched_at - interval '30 days'");
    assert_ok(housekeeping_sweep(&bed->ctx, &err));
    assert_ok(housekeeping_sweep(&bed->ctx, &err));
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM tables"), 0);
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM partitions"), 0);
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM column_sets"), 0);
    TableUndrop back = {0};
    StrList gone;
    assert_err(table_undrop(&bed->ctx, ref("orders"), &back, &t, &gone, &err), ERR_TABLE_NOT_FOUND);
}

static int64_t sweep_rounds(Bed *bed, int rounds) {
    Err err;
    for (int i = 0; i < rounds; i++) {
        assert_ok(housekeeping_sweep(&bed->ctx, &err));
    }
    return bed_count(bed, "SELECT count(*) FROM changes WHERE kind = 'partition'");
}

static void age(Bed *bed, const char *days) {
    Err err;
    assert_ok(change_sequence(&bed->ctx, NULL, &err));
    bed_sql(bed, arena_printf(bed->arena, "UPDATE changes SET at = at - interval '%s days'", days).ptr);
}

static void drop_day(Bed *bed, const char *day) {
    Err err;
    Str name = arena_printf(bed->arena, "day=%s", day);
    Partitions dropped;
    int64_t count;
    ItemResult *results;
    PartitionDrop how = {.which = {.names = {&name, 1}, .with_names = true, .limit = -1}};
    assert_ok(partition_drop(&bed->ctx, ref("orders"), &how, &dropped, &count, &results, &err));
    assert_int_equal(count, 1);
}

static int64_t events_of(Bed *bed, const char *day) {
    Err err;
    Str value = str_from(day);
    PartitionEvent *events;
    size_t count;
    assert_ok(partition_history(&bed->ctx, ref("orders"), (StrList){&value, 1}, &events, &count, NULL, &err));
    return (int64_t)count;
}

/* A change of partitions goes when nothing is left of what it made or ended. */
static void test_sweep_of_partition_changes(void **state) {
    Bed *bed = *state;
    create(&bed->ctx, ORDERS);
    add_days(&bed->ctx, "orders", DAYS, 2);
    add_days(&bed->ctx, "orders", DAYS + 2, 1);
    drop_day(bed, DAYS[0]);
    age(bed, "91");
    assert_int_equal(sweep_rounds(bed, 1), 2); /* the drop goes with its image; what made partitions that live stays */
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM partition_images"), 0);
    assert_int_equal(events_of(bed, DAYS[1]), 1);
    drop_day(bed, DAYS[1]);
    assert_int_equal(sweep_rounds(bed, 1), 3); /* a young drop, and who added what it dropped */
    assert_int_equal(events_of(bed, DAYS[1]), 2);
    age(bed, "91");
    assert_int_equal(sweep_rounds(bed, 1), 1);
    assert_int_equal(events_of(bed, DAYS[2]), 1);
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM changes WHERE kind = 'table'"), 1); /* its version is kept */
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM changes WHERE kind = 'catalog'"), 0);
}

typedef struct PartitionRacer {
    Bed *bed;
    pthread_t thread;
    Expect expect;
    ErrCode code;
} PartitionRacer;

/* Edits run under the lock of the partition: all others wait for it. */
static bool touch_slowly(Ctx *ctx, const Table *table, Partition *p, size_t index, void *arg, Err *err) {
    (void)table;
    (void)index;
    (void)err;
    (void)arg;
    usleep(200 * 1000);
    Str count = params_get(&p->params, STR("count"));
    params_set(&p->params, ctx->arena, STR("count"), str_is_null(count) ? STR("x") : ARENA_CONCAT(ctx->arena, count, STR("x")));
    return true;
}

static void *race_partition(void *arg) {
    PartitionRacer *racer = arg;
    Ctx ctx = bed_ctx(racer->bed);
    Err err = {0};
    StrList values = partition_of(&ctx, DAYS[0]).values;
    PartitionAlter how = {.values = &values, .count = 1, .edit = touch_slowly};
    how.expect = racer->expect.id ? &racer->expect : NULL;
    racer->code = partition_alter(&ctx, ref("orders"), &how, NULL, NULL, &err) ? ERR_NONE : err.code;
    arena_free(ctx.arena);
    return NULL;
}

enum { PARTITION_RACERS = 4 };

static size_t race_partitions(Bed *bed, Expect expect, ErrCode wanted) {
    PartitionRacer racers[PARTITION_RACERS];
    size_t count = 0;
    for (int i = 0; i < PARTITION_RACERS; i++) {
        racers[i] = (PartitionRacer){.bed = bed, .expect = expect};
        pthread_create(&racers[i].thread, NULL, race_partition, &racers[i]);
    }
    for (int i = 0; i < PARTITION_RACERS; i++) {
        pthread_join(racers[i].thread, NULL);
        count += racers[i].code == wanted;
    }
    return count;
}

static void test_partition_alters_wait_for_one_another(void **state) {
    Bed *bed = *state;
    Err err;
    Partition p;
    Table t;
    create(&bed->ctx, ORDERS);
    add_days(&bed->ctx, "orders", DAYS, 1);
    StrList values = partition_of(&bed->ctx, DAYS[0]).values;
    assert_int_equal(race_partitions(bed, (Expect){0}, ERR_NONE), PARTITION_RACERS);
    assert_ok(partition_get(&bed->ctx, ref("orders"), values, &p, &t, &err));
    assert_int_equal(params_get(&p.params, STR("count")).len, PARTITION_RACERS);
    Expect expect = {t.id, partition_version(&p)};
    assert_int_equal(race_partitions(bed, expect, ERR_VERSION_CONFLICT), PARTITION_RACERS - 1);
    assert_ok(partition_get(&bed->ctx, ref("orders"), values, &p, &t, &err));
    assert_int_equal(params_get(&p.params, STR("count")).len, PARTITION_RACERS + 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        BED_TEST(test_create_and_get),
        BED_TEST(test_missing),
        BED_TEST(test_get_each),
        BED_TEST(test_versions),
        BED_TEST(test_pointer_moves),
        BED_TEST(test_expects_this_very_table),
        BED_TEST(test_rename_moves_data),
        BED_TEST(test_set_location_leaves_partitions),
        BED_TEST(test_drop_and_undrop),
        BED_TEST(test_data_is_safe),
        BED_TEST(test_places_of_databases_and_catalogs_are_safe),
        BED_TEST(test_partitions),
        BED_TEST(test_partition_rename),
        BED_TEST(test_partition_alter_of_nothing),
        BED_TEST(test_partition_alters_wait_for_one_another),
        BED_TEST(test_races),
        BED_TEST(test_sweep),
        BED_TEST(test_sweep_of_partition_changes),
        BED_TEST(test_numbers_after_a_restore),
    };
    return BED_RUN("tables", tests);
}
