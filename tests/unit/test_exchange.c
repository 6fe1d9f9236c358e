/* Partitions that change tables, against a real PostgreSQL and a real directory; and the counting of their files. */
#include <sys/stat.h>

#include "catalog/content.h"
#include "catalog/exchange.h"
#include "catalog/moves.h"
#include "catalog/partitions.h"
#include "catalog/quickstats.h"
#include "catalog/tables.h"
#include "tests/unit/catalog_bed.h"

static TableRef ref(const char *name) { return (TableRef){STR_NULL, STR("default"), str_from(name)}; }

static bool is_directory(const Bed *bed, const char *name) {
    struct stat info;
    Str path = arena_printf(bed->arena, "%s/%s", bed->warehouse, name);
    return stat(path.ptr, &info) == 0 && S_ISDIR(info.st_mode);
}

static void write_file(const Bed *bed, const char *name) {
    Str path = arena_printf(bed->arena, "%s/%s", bed->warehouse, name);
    CLEANUP(cleanup_fclose) FILE *file = fopen(path.ptr, "w");
    assert_non_null(file);
    fputs("12345", file);
}

static Table make_table(Bed *bed, const char *name) {
    Err err;
    Table made;
    Column columns[] = {{.name = STR("v"), .type = STR("int")}};
    Column keys[] = {{.name = STR("ds"), .type = STR("string")}, {.name = STR("hr"), .type = STR("int")}};
    TableCreate how = {.table = {.database = STR("default"),
                                 .name = str_from(name),
                                 .type = STR("MANAGED_TABLE"),
                                 .storage = {.given = true,
                                             .columns = column_set_make(bed->arena, columns, 1),
                                             .format = storage_format_make(bed->arena, &storage_format_none)},
                                 .partition_keys = column_set_make(bed->arena, keys, 2),
                                 .created_at = MICROS_NONE,
                                 .last_access_at = MICROS_NONE,
                                 .last_analyzed_at = MICROS_NONE,
                                 .dropped_at = MICROS_NONE}};
    assert_ok(table_create(&bed->ctx, &how, &made, &err));
    return made;
}

static Partition add(Bed *bed, const char *table, const char *ds, const char *hr, bool count_files) {
    Err err;
    Str values[] = {str_from(ds), str_from(hr)};
    Partition p = {.values = {values, 2},
                   .storage = {.columns = &column_set_none, .format = &storage_format_none},
                   .created_at = MICROS_NONE,
                   .last_access_at = MICROS_NONE,
                   .last_analyzed_at = MICROS_NONE};
    Partitions made;
    PartitionAdd how = {.items = {&p, 1}, .quick_statistics = count_files};
    assert_ok(partition_add(&bed->ctx, ref(table), &how, &made, NULL, &err));
    assert_int_equal(made.count, 1);
    return made.items[0];
}

static int64_t count_of(Bed *bed, const char *table) {
    Err err;
    int64_t count = -1;
    PartitionQuery all = {.limit = -1};
    assert_ok(partition_count(&bed->ctx, ref(table), &all, &count, &err));
    return count;
}

static void test_exchange(void **state) {
    Bed *bed = *state;
    Err err;
    Partitions made;
    Param day = {STR("ds"), STR("a")}, gap = {STR("hr"), STR("1")};
    Params spec = {&day, 1, 1}, wrong = {&gap, 1, 1};
    make_table(bed, "one");
    make_table(bed, "two");
    add(bed, "one", "a", "1", false);
    add(bed, "one", "a", "2", false);
    add(bed, "one", "b", "1", false);
    write_file(bed, "one/ds=a/hr=2/f");
    assert_err(partition_exchange(&bed->ctx, ref("one"), ref("two"), &wrong, NULL, &err), ERR_INVALID_PARTITION);
    assert_err(partition_exchange(&bed->ctx, ref("one"), ref("none"), &spec, NULL, &err), ERR_TABLE_NOT_FOUND);
    assert_ok(partition_exchange(&bed->ctx, ref("one"), ref("two"), &spec, &made, &err));
    assert_int_equal(made.count, 2);
    assert_str(made.items[1].name, "ds=a/hr=2");
    assert_int_equal(count_of(bed, "one"), 1);
    assert_int_equal(count_of(bed, "two"), 2);
    assert_true(is_directory(bed, "two/ds=a/hr=2"));
    assert_false(is_directory(bed, "one/ds=a/hr=2"));
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM directory_intents"), 0);
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM changes WHERE kind = 'partition' AND action = 'drop'"), 1);
    add(bed, "one", "a", "1", false);
    assert_err(partition_exchange(&bed->ctx, ref("one"), ref("two"), &spec, NULL, &err), ERR_INVALID_PARTITION);
    assert_true(is_directory(bed, "one/ds=a/hr=1"));
}

/* The server dies after the directory went over and before the rows did. */
static void test_exchange_is_cut_off(void **state) {
    Bed *bed = *state;
    Err err;
    Move move;
    Table one = make_table(bed, "one"), two = make_table(bed, "two");
    Partition p = add(bed, "one", "a", "1", false);
    write_file(bed, "one/ds=a/hr=1/f");
    Str to = arena_printf(bed->arena, "%" STR_FMT "/%" STR_FMT, STR_ARG(two.storage.location), STR_ARG(p.name));
    assert_ok(move_begin_between(&bed->ctx, one.id, two.id, p.name, p.storage.location, to, &move, &err));
    assert_true(move.moved && move.intent && move.guard);
    assert_true(is_directory(bed, "two/ds=a/hr=1"));
    bed->catalog.server_id = uuid_random();
    for (int i = 0; i < 3; i++) {
        assert_ok(move_recover(&bed->ctx, true, &err));
    }
    assert_true(is_directory(bed, "one/ds=a/hr=1"));
    assert_false(is_directory(bed, "two/ds=a/hr=1"));
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM directory_intents"), 0);
}

static void test_files_are_counted(void **state) {
    Bed *bed = *state;
    make_table(bed, "one");
    Partition p = add(bed, "one", "a", "1", true);
    assert_false(quickstats_given(&p.params));
    add(bed, "one", "b", "1", true);
    write_file(bed, "one/ds=b/f");
    Params params = {0};
    QuickStats last = {.known = false};
    Str place = arena_printf(bed->arena, "file:%s/one/ds=b", bed->warehouse);
    params_set(&params, bed->arena, STR("COLUMN_STATS_ACCURATE"), STR("{\"COLUMN_STATS\":{\"v\":\"true\"}}"));
    quickstats_refresh(&bed->ctx, place, true, &last, &params);
    assert_true(quickstats_given(&params));
    assert_str(params_get(&params, STR("numFiles")), "1");
    assert_str(params_get(&params, STR("totalSize")), "5");
    assert_str(params_get(&params, STR("COLUMN_STATS_ACCURATE")), "{\"BASIC_STATS\":\"true\",\"COLUMN_STATS\":{\"v\":\"true\"}}");
    quickstats_refresh(&bed->ctx, place, false, &last, &params);
    assert_false(params_has(&params, STR("COLUMN_STATS_ACCURATE")));
    params = (Params){0};
    quickstats_refresh(&bed->ctx, STR("s3://bucket/there"), false, &last, &params);
    assert_int_equal(params.count, 0);
}

static void test_empty_parents_go(void **state) {
    Bed *bed = *state;
    Err err;
    make_table(bed, "one");
    add(bed, "one", "a", "1", false);
    add(bed, "one", "a", "2", false);
    Str names[] = {STR("ds=a/hr=1"), STR("ds=a/hr=2")};
    PartitionDrop how = {.which = {.names = {names, 1}, .with_names = true, .limit = -1}, .delete_data = true};
    assert_ok(partition_drop(&bed->ctx, ref("one"), &how, NULL, NULL, NULL, &err));
    assert_true(is_directory(bed, "one/ds=a/hr=2"));
    how.which.names.items = &names[1];
    assert_ok(partition_drop(&bed->ctx, ref("one"), &how, NULL, NULL, NULL, &err));
    assert_false(is_directory(bed, "one/ds=a"));
    assert_true(is_directory(bed, "one"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        BED_TEST(test_exchange),
        BED_TEST(test_exchange_is_cut_off),
        BED_TEST(test_files_are_counted),
        BED_TEST(test_empty_parents_go),
    };
    return BED_RUN("exchange", tests);
}
