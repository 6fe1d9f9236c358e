/* Corners of tables, partitions and versions: what deletes, moves and brings back data, and what runs at the same time. */
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json_reader.h"
#include "catalog/content.h"
#include "catalog/databases.h"
#include "catalog/discard.h"
#include "catalog/housekeeping.h"
#include "catalog/json.h"
#include "catalog/moves.h"
#include "catalog/partitions.h"
#include "catalog/tables.h"
#include "catalog/versions.h"
#include "config/config.h"
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

static const char ORDERS[] = "{\"database\":\"default\",\"name\":\"orders\",\"columns\":[{\"name\":\"id\",\"type\":\"bigint\"}],"
                             "\"partition_keys\":[{\"name\":\"day\",\"type\":\"string\"}],"
                             "\"storage\":{\"input_format\":\"i\",\"serde\":{\"library\":\"s\"}}}";
static const char ICEBERG[] =
    "{\"database\":\"default\",\"name\":\"ice\",\"type\":\"EXTERNAL_TABLE\",\"columns\":[{\"name\":\"a\",\"type\":\"int\"}],"
    "\"parameters\":{\"table_type\":\"ICEBERG\",\"metadata_location\":\"s3://b/m0\"}}";

static Table create(Ctx *ctx, const char *text) {
    Err err;
    Table made;
    TableCreate how = {.table = from_json(ctx, text)};
    assert_ok(table_create(ctx, &how, &made, &err));
    return made;
}

static TableRef ref(const char *name) { return (TableRef){STR_NULL, STR("default"), str_from(name)}; }

static StrList values_of(Ctx *ctx, const char *value) {
    StrList values = {ARENA_ARRAY(ctx->arena, Str, 1), 1};
    values.items[0] = str_from(value);
    return values;
}

static Partition partition_of(Ctx *ctx, const char *value) {
    return (Partition){.values = values_of(ctx, value),
                       .storage = {.columns = &column_set_none, .format = &storage_format_none},
                       .created_at = MICROS_NONE,
                       .last_access_at = MICROS_NONE,
                       .last_analyzed_at = MICROS_NONE};
}

static bool add(Ctx *ctx, const char *table, Partition p, Err *err) {
    PartitionAdd how = {.items = {&p, 1}};
    return partition_add(ctx, ref(table), &how, NULL, NULL, err);
}

static void run_jobs(Bed *bed) {
    Err err;
    bool worked = true;
    while (worked) {
        assert_ok(housekeeping_jobs(&bed->ctx, true, &worked, &err));
    }
}

static const char *in_warehouse(Bed *bed, const char *name) { return arena_printf(bed->arena, "%s/%s", bed->warehouse, name).ptr; }

static bool is_there(Bed *bed, const char *name) { return access(in_warehouse(bed, name), F_OK) == 0; }

static void write_file(Bed *bed, const char *name) {
    int fd = open(in_warehouse(bed, name), O_CREAT | O_WRONLY, 0666);
    assert_true(fd >= 0);
    close(fd);
}

/* --- data that is dropped and data that is new ---------------------------------------------------------------- */

static void test_new_files_of_a_dropped_partition(void **state) {
    Bed *bed = *state;
    Err err;
    create(&bed->ctx, ORDERS);
    assert_ok(add(&bed->ctx, "orders", partition_of(&bed->ctx, "1"), &err));
    write_file(bed, "orders/day=1/old");
    Str name = STR("day=1");
    PartitionDrop drop = {.which = {.names = {&name, 1}, .with_names = true, .limit = -1}, .delete_data = true};
    assert_ok(partition_drop(&bed->ctx, ref("orders"), &drop, NULL, NULL, NULL, &err));
    /* A writer puts new files in place first and adds the partition when they are complete. */
    assert_false(is_there(bed, "orders/day=1"));
    mkdir(in_warehouse(bed, "orders/day=1"), 0777);
    write_file(bed, "orders/day=1/new");
    run_jobs(bed);
    assert_true(is_there(bed, "orders/day=1/new"));
    assert_ok(add(&bed->ctx, "orders", partition_of(&bed->ctx, "1"), &err));
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM jobs"), 0);
}

static void drop_day(Bed *bed, const char *table, const char *name) {
    Err err;
    Str names = str_from(name);
    PartitionDrop drop = {.which = {.names = {&names, 1}, .with_names = true, .limit = -1}, .delete_data = true};
    assert_ok(partition_drop(&bed->ctx, ref(table), &drop, NULL, NULL, NULL, &err));
}

static void test_new_files_of_a_dropped_table(void **state) {
    Bed *bed = *state;
    Err err;
    Table t = create(&bed->ctx, ORDERS);
    write_file(bed, "orders/old");
    Partition p = partition_of(&bed->ctx, "1");
    p.storage.given = true;
    p.storage.location = location_join(bed->arena, location_parent(t.storage.location), STR("outside"));
    assert_ok(add(&bed->ctx, "orders", p, &err));
    write_file(bed, "outside/old");
    TableDrop drop = {.expect_version = -1, .delete_data = true};
    assert_ok(table_drop(&bed->ctx, ref("orders"), &drop, &err));
    mkdir(in_warehouse(bed, "orders"), 0777);
    mkdir(in_warehouse(bed, "outside"), 0777);
    write_file(bed, "orders/new");
    write_file(bed, "outside/new");
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM dropped_data"), 2);
    run_jobs(bed);
    assert_true(is_there(bed, "orders/new") && is_there(bed, "outside/new"));
    assert_false(is_there(bed, "orders/old") || is_there(bed, "outside/old"));
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM dropped_data"), 0);
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM jobs"), 0);
}

/* The server was killed between setting aside and the commit of the drop. */
static void test_a_drop_that_was_cut_off(void **state) {
    Bed *bed = *state;
    Err err;
    Table t = create(&bed->ctx, ORDERS);
    assert_ok(add(&bed->ctx, "orders", partition_of(&bed->ctx, "1"), &err));
    write_file(bed, "orders/day=1/data");
    Str name = STR("day=1");
    Discard item = {.table_id = t.id, .partition = name, .from = location_join(bed->arena, t.storage.location, name)};
    Discards items = {&item, 1};
    DiscardWhat what = {.tables = &t.id, .table_count = 1, .partitions = {&name, 1}, .version = t.version};
    bool same;
    assert_ok(discard_begin(&bed->ctx, &what, &items, &same, &err));
    assert_true(same && items.count == 1 && items.items[0].moved);
    assert_false(is_there(bed, "orders/day=1"));
    assert_err(table_rename(&bed->ctx, ref("orders"), STR_NULL, STR("sales"), EXPECT_ANY, &t, &err), ERR_CONFLICT);
    run_jobs(bed);
    assert_false(is_there(bed, "orders/day=1")); /* the lease is ours */
    bed_sql(bed, "UPDATE directory_intents SET leased_until = now() - interval '1 hour'");
    run_jobs(bed);
    assert_true(is_there(bed, "orders/day=1/data"));
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM directory_intents"), 0);
    assert_ok(table_rename(&bed->ctx, ref("orders"), STR_NULL, STR("sales"), EXPECT_ANY, &t, &err));
}

static void test_both_places_have_data(void **state) {
    Bed *bed = *state;
    Err err;
    Table t = create(&bed->ctx, ORDERS);
    write_file(bed, "orders/old");
    Discard item = {.table_id = t.id, .from = t.storage.location};
    Discards items = {&item, 1};
    DiscardWhat what = {.tables = &t.id, .table_count = 1, .version = t.version};
    bool same;
    assert_ok(discard_begin(&bed->ctx, &what, &items, &same, &err));
    mkdir(in_warehouse(bed, "orders"), 0777);
    write_file(bed, "orders/new");
    unit_expect_log("there is other data by now");
    discard_reverse(&bed->ctx, &items);
    assert_true(is_there(bed, "orders/new"));
    assert_false(is_there(bed, "orders/old"));
    assert_int_equal(access(location_file_path(location_join(bed->arena, item.to, STR("old"))).ptr, F_OK), 0);
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM directory_intents"), 0);
}

/* What was set aside stays behind nobody when its table goes elsewhere. */
static void test_nothing_to_move_back(void **state) {
    Bed *bed = *state;
    Err err;
    Table t = create(&bed->ctx, ORDERS);
    assert_ok(add(&bed->ctx, "orders", partition_of(&bed->ctx, "1"), &err));
    Discard item = {.table_id = t.id, .from = t.storage.location};
    Discards items = {&item, 1};
    DiscardWhat what = {.tables = &t.id, .table_count = 1, .version = t.version};
    bool same;
    assert_ok(discard_begin(&bed->ctx, &what, &items, &same, &err));
    mkdir(in_warehouse(bed, "orders"), 0777);
    write_file(bed, "orders/new");
    discard_reverse(&bed->ctx, &items); /* without a word: there were only empty directories */
    assert_true(is_there(bed, "orders/new"));
    assert_int_equal(access(location_file_path(items.items[0].to).ptr, F_OK), -1);
}

static void test_a_dropped_partition_of_a_renamed_table(void **state) {
    Bed *bed = *state;
    Err err;
    Table t;
    create(&bed->ctx, ORDERS);
    for (int i = 1; i <= 2; i++) {
        char day[] = {(char)('0' + i), 0};
        assert_ok(add(&bed->ctx, "orders", partition_of(&bed->ctx, day), &err));
    }
    write_file(bed, "orders/day=1/data");
    write_file(bed, "orders/day=2/data");
    drop_day(bed, "orders", "day=1");
    drop_day(bed, "orders", "day=2");
    assert_ok(table_rename(&bed->ctx, ref("orders"), STR_NULL, STR("sales"), EXPECT_ANY, &t, &err));
    Partition p;
    assert_ok(partition_restore(&bed->ctx, ref("sales"), values_of(&bed->ctx, "2"), 0, &p, &err));
    assert_true(str_ends(p.storage.location, STR("/sales/day=2")));
    assert_true(is_there(bed, "sales/day=2/data"));
    run_jobs(bed);
    assert_true(is_there(bed, "sales/day=2/data"));
    assert_false(is_there(bed, "orders") || is_there(bed, "sales/day=1"));
    assert_int_equal(rmdir(in_warehouse(bed, ".propolis-dropped")), 0);
}

static void test_which_data_a_partition_gets_back(void **state) {
    Bed *bed = *state;
    Err err;
    Partition p;
    create(&bed->ctx, ORDERS);
    for (int i = 0; i < 2; i++) {
        assert_ok(add(&bed->ctx, "orders", partition_of(&bed->ctx, "1"), &err));
        write_file(bed, i ? "orders/day=1/second" : "orders/day=1/first");
        drop_day(bed, "orders", "day=1");
    }
    int64_t first = bed_count(bed, "SELECT min(seq) FROM dropped_data");
    assert_ok(partition_restore(&bed->ctx, ref("orders"), values_of(&bed->ctx, "1"), first, &p, &err));
    run_jobs(bed);
    assert_true(is_there(bed, "orders/day=1/first"));
    assert_false(is_there(bed, "orders/day=1/second"));
}

static void test_cascade(void **state) {
    Bed *bed = *state;
    Err err;
    Table t;
    StrList gone;
    Database d = {.name = STR("shop")};
    assert_ok(database_create(&bed->ctx, &d, &d, &err));
    for (int i = 0; i < 2; i++) {
        TableCreate how = {.table = from_json(&bed->ctx, ORDERS)};
        how.table.database = STR("shop");
        how.table.name = i ? STR("b") : STR("a");
        assert_ok(table_create(&bed->ctx, &how, &t, &err));
    }
    write_file(bed, "shop.db/a/data");
    write_file(bed, "shop.db/b/data");
    DatabaseDrop drop = {.expect = EXPECT_ANY, .cascade = true, .delete_data = true};
    assert_ok(database_drop(&bed->ctx, STR_NULL, STR("shop"), &drop, &err));
    assert_false(is_there(bed, "shop.db/a") || is_there(bed, "shop.db/b"));
    /* A new database of that name, with new files where the old ones were. */
    d = (Database){.name = STR("shop")};
    assert_ok(database_create(&bed->ctx, &d, &d, &err));
    mkdir(in_warehouse(bed, "shop.db/b"), 0777);
    write_file(bed, "shop.db/b/new");
    TableUndrop back = {0};
    assert_ok(table_undrop(&bed->ctx, (TableRef){STR_NULL, STR("shop"), STR("a")}, &back, &t, &gone, &err));
    assert_int_equal(gone.count, 0);
    assert_true(t.database_id == d.id);
    run_jobs(bed);
    assert_true(is_there(bed, "shop.db/a/data") && is_there(bed, "shop.db/b/new"));
    assert_false(is_there(bed, "shop.db/b/data"));
    assert_ok(table_get(&bed->ctx, (TableRef){STR_NULL, STR("shop"), STR("a")}, &t, &err));
}

static void test_a_thousand_partitions(void **state) {
    enum { MANY = 1000 };
    Bed *bed = *state;
    Err err;
    create(&bed->ctx, ORDERS);
    PartitionAdd how = {.items = {ARENA_ARRAY(bed->arena, Partition, MANY), MANY}};
    for (int i = 0; i < MANY; i++) {
        how.items.items[i] = partition_of(&bed->ctx, arena_printf(bed->arena, "%04d", i).ptr);
    }
    assert_ok(partition_add(&bed->ctx, ref("orders"), &how, NULL, NULL, &err));
    PartitionDrop drop = {.which = {.limit = -1}, .delete_data = true};
    int64_t start = clock_monotonic_us(), count;
    assert_ok(partition_drop(&bed->ctx, ref("orders"), &drop, NULL, &count, NULL, &err));
    print_message("drop of 1,000 partitions with their data: %.0f ms\n", (double)(clock_monotonic_us() - start) / 1000);
    assert_int_equal(count, MANY);
    assert_int_equal(rmdir(in_warehouse(bed, "orders")), 0); /* nothing is left in it */
    run_jobs(bed);
    assert_int_equal(rmdir(in_warehouse(bed, ".propolis-dropped")), 0);
}

static void test_undrop_takes_the_data_back(void **state) {
    Bed *bed = *state;
    Err err;
    Table t;
    StrList gone;
    create(&bed->ctx, ORDERS);
    write_file(bed, "orders/data");
    TableDrop drop = {.expect_version = -1, .delete_data = true};
    TableUndrop back = {0};
    assert_ok(table_drop(&bed->ctx, ref("orders"), &drop, &err));
    assert_false(is_there(bed, "orders"));
    assert_ok(table_undrop(&bed->ctx, ref("orders"), &back, &t, &gone, &err));
    assert_int_equal(gone.count, 0);
    run_jobs(bed);
    assert_true(is_there(bed, "orders/data"));
    /* Once the deletion has begun it is not taken back. */
    assert_ok(table_drop(&bed->ctx, ref("orders"), &drop, &err));
    bed_sql(bed, "UPDATE dropped_data SET begun = true");
    assert_ok(table_undrop(&bed->ctx, ref("orders"), &back, &t, &gone, &err));
    assert_int_equal(gone.count, 1);
    run_jobs(bed);
    assert_false(is_there(bed, "orders"));
}

/* A new table has the name and the place: the old one and its data come back beside it. */
static void test_undrop_beside_a_new_table(void **state) {
    Bed *bed = *state;
    Err err;
    Table t;
    StrList gone;
    create(&bed->ctx, ORDERS);
    assert_ok(add(&bed->ctx, "orders", partition_of(&bed->ctx, "1"), &err));
    write_file(bed, "orders/day=1/old");
    TableDrop drop = {.expect_version = -1, .delete_data = true};
    TableUndrop back = {.new_name = STR("found")};
    assert_ok(table_drop(&bed->ctx, ref("orders"), &drop, &err));
    create(&bed->ctx, ORDERS);
    write_file(bed, "orders/new");
    assert_ok(table_undrop(&bed->ctx, ref("orders"), &back, &t, &gone, &err));
    assert_int_equal(gone.count, 0);
    assert_true(str_ends(t.storage.location, STR("/found")));
    assert_true(is_there(bed, "found/day=1/old") && is_there(bed, "orders/new"));
    Partition p;
    assert_ok(partition_get(&bed->ctx, ref("found"), values_of(&bed->ctx, "1"), &p, NULL, &err));
    assert_true(str_ends(p.storage.location, STR("/found/day=1")));
    run_jobs(bed);
    assert_true(is_there(bed, "found/day=1/old") && is_there(bed, "orders/new"));
}

static void test_undrop_under_a_new_name(void **state) {
    Bed *bed = *state;
    Err err;
    Table t;
    StrList gone;
    create(&bed->ctx, ORDERS);
    TableDrop drop = {.expect_version = -1};
    TableUndrop back = {.new_name = STR("found")};
    assert_ok(table_drop(&bed->ctx, ref("orders"), &drop, &err));
    assert_ok(table_undrop(&bed->ctx, ref("orders"), &back, &t, &gone, &err));
    assert_ok(table_get(&bed->ctx, ref("found"), &t, &err));
    /* Who follows the log learns which table there is now. */
    assert_str(bed_value(bed, "SELECT name FROM changes WHERE action = 'undrop'"), "found");
    assert_str_contains(bed_value(bed, "SELECT diff FROM table_versions WHERE version = 1"), "orders");
}

static void test_a_purge_that_has_begun(void **state) {
    Bed *bed = *state;
    Err err;
    Table t;
    StrList gone;
    create(&bed->ctx, ORDERS);
    assert_ok(add(&bed->ctx, "orders", partition_of(&bed->ctx, "1"), &err));
    TableDrop drop = {.expect_version = -1};
    TableUndrop back = {0};
    assert_ok(table_drop(&bed->ctx, ref("orders"), &drop, &err));
    bed_sql(bed, "DELETE FROM table_versions");
    assert_err(table_undrop(&bed->ctx, ref("orders"), &back, &t, &gone, &err), ERR_TABLE_NOT_FOUND);
}

typedef struct Script {
    Bed *bed;
    const char *sql;
    pthread_t thread;
} Script;

static void *run_script(void *arg) {
    Script *s = arg;
    Err err;
    PgConn *conn;
    if (pg_acquire(s->bed->pg, PG_READ, deadline_in_ms(10000), &conn, &err)) {
        bool ok = pg_script(conn, s->sql, &err);
        pg_release(conn);
        return ok ? s : NULL;
    }
    return NULL;
}

static void start_script(Script *s) {
    pthread_create(&s->thread, NULL, run_script, s);
    usleep(300 * 1000);
}

static void join_script(Script *s) {
    void *ok;
    pthread_join(s->thread, &ok);
    assert_non_null(ok);
}

/* The purge looks at a table while somebody brings it back: it must not take a live one. */
static void test_purge_during_undrop(void **state) {
    Bed *bed = *state;
    Err err;
    create(&bed->ctx, ORDERS);
    TableDrop drop = {.expect_version = -1};
    assert_ok(table_drop(&bed->ctx, ref("orders"), &drop, &err));
    bed_sql(bed, "UPDATE tables SET dropped_at = dropped_at - interval '30 days' WHERE dropped_at IS NOT NULL");
    Script undrop = {.bed = bed,
                     .sql = "BEGIN; UPDATE tables SET dropped_at = NULL WHERE name = 'orders'; SELECT pg_sleep(1); COMMIT"};
    start_script(&undrop);
    assert_ok(housekeeping_sweep(&bed->ctx, &err));
    join_script(&undrop);
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM tables"), 1);
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM table_versions"), 1);
}

static void test_purge_of_many(void **state) {
    Bed *bed = *state;
    Err err;
    bed_sql(bed, "INSERT INTO tables (database_id, name, version, created_at, updated_at, dropped_at)"
                 " SELECT 1, 't' || n, 0, now(), now(), now() - interval '30 days' FROM generate_series(1, 500) n");
    assert_ok(housekeeping_sweep(&bed->ctx, &err));
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM tables"), 0);
}

/* --- moving --------------------------------------------------------------------------------------------------- */

/* A partition whose place is the directory of the table itself goes with it. */
static void test_partition_in_the_directory_of_the_table(void **state) {
    Bed *bed = *state;
    Err err;
    Table t = create(&bed->ctx, ORDERS);
    Partition p = partition_of(&bed->ctx, "1");
    p.storage.given = true;
    p.storage.location = t.storage.location;
    assert_ok(add(&bed->ctx, "orders", p, &err));
    assert_ok(table_rename(&bed->ctx, ref("orders"), STR_NULL, STR("sales"), EXPECT_ANY, &t, &err));
    assert_ok(partition_get(&bed->ctx, ref("sales"), p.values, &p, NULL, &err));
    assert_true(str_eq(p.storage.location, t.storage.location));
}

static void test_one_move_at_a_time(void **state) {
    Bed *bed = *state;
    Err err;
    Table t = create(&bed->ctx, ORDERS);
    Str root = t.storage.location;
    assert_ok(add(&bed->ctx, "orders", partition_of(&bed->ctx, "1"), &err));
    Move move;
    assert_ok(move_begin(&bed->ctx, t.id, STR("day=1"), location_join(bed->arena, root, STR("day=1")),
                         location_join(bed->arena, root, STR("day=2")), &move, &err));
    assert_err(table_rename(&bed->ctx, ref("orders"), STR_NULL, STR("sales"), EXPECT_ANY, &t, &err), ERR_CONFLICT);
    move_reverse(&bed->ctx, &move);
    assert_true(is_there(bed, "orders/day=1"));
    assert_ok(table_rename(&bed->ctx, ref("orders"), STR_NULL, STR("sales"), EXPECT_ANY, &t, &err));
}

/* Partitions that are added while the directory is away leave empty directories in the old place. */
/* Added while the table moves: the directory that was made in the old place does not stay. */
static void test_no_ghost_of_an_addition(void **state) {
    Bed *bed = *state;
    Err err;
    create(&bed->ctx, ORDERS);
    rmdir(in_warehouse(bed, "orders"));
    Script renamer = {
        .bed = bed,
        .sql = "BEGIN; UPDATE tables SET name = 'sales', version = 1, location = replace(location, 'orders', 'sales');"
               " UPDATE location_bases SET uri = replace(uri, 'orders', 'sales'); SELECT pg_sleep(1); COMMIT"};
    start_script(&renamer);
    assert_err(add(&bed->ctx, "orders", partition_of(&bed->ctx, "1"), &err), ERR_TABLE_NOT_FOUND);
    join_script(&renamer);
    assert_false(is_there(bed, "orders"));
    assert_ok(add(&bed->ctx, "sales", partition_of(&bed->ctx, "1"), &err));
    assert_true(is_there(bed, "sales/day=1"));
}

static void test_move_back_over_empty_directories(void **state) {
    Bed *bed = *state;
    Err err;
    Table t = create(&bed->ctx, ORDERS);
    write_file(bed, "orders/data");
    Move move;
    Str to = str_from(in_warehouse(bed, "sales"));
    for (int i = 0; i < 2; i++) {
        assert_ok(
            move_begin(&bed->ctx, t.id, STR_NULL, t.storage.location, ARENA_CONCAT(bed->arena, STR("file:"), to), &move, &err));
        assert_true(is_there(bed, "sales/data"));
        mkdir(in_warehouse(bed, "orders"), 0777);
        mkdir(in_warehouse(bed, "orders/day=1"), 0777);
        if (i == 0) {
            move_reverse(&bed->ctx, &move);
        } else {
            bed_sql(bed, "UPDATE directory_intents SET leased_until = now() - interval '1 hour'");
            assert_ok(move_recover(&bed->ctx, false, &err));
        }
        assert_true(is_there(bed, "orders/data"));
        assert_true(is_there(bed, "orders/day=1")); /* it may be that of a partition */
        assert_false(is_there(bed, "sales"));
        assert_int_equal(bed_count(bed, "SELECT count(*) FROM directory_intents"), 0);
    }
}

/* The directory is back already, only the intent could not be taken away; partitions came, and a create that met the intent
 * left an empty directory in the new place. */
static void test_settling_keeps_what_is_in_the_right_place(void **state) {
    Bed *bed = *state;
    Err err;
    Table t = create(&bed->ctx, ORDERS);
    Move move;
    Str to = ARENA_CONCAT(bed->arena, STR("file:"), str_from(in_warehouse(bed, "sales")));
    assert_ok(move_begin(&bed->ctx, t.id, STR_NULL, t.storage.location, to, &move, &err));
    assert_int_equal(rename(in_warehouse(bed, "sales"), in_warehouse(bed, "orders")), 0);
    mkdir(in_warehouse(bed, "orders/day=1"), 0777);
    mkdir(in_warehouse(bed, "sales"), 0777);
    bed_sql(bed, "UPDATE directory_intents SET leased_until = now() - interval '1 hour'");
    assert_ok(move_recover(&bed->ctx, false, &err));
    assert_true(is_there(bed, "orders/day=1"));
    assert_false(is_there(bed, "sales"));
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM directory_intents"), 0);
}

static void test_restore_from_before_a_rename(void **state) {
    Bed *bed = *state;
    Err err;
    Table t;
    StrList gone;
    create(&bed->ctx, ORDERS);
    write_file(bed, "orders/data");
    assert_ok(table_rename(&bed->ctx, ref("orders"), STR_NULL, STR("sales"), EXPECT_ANY, &t, &err));
    VersionRestore back = {.version = 0, .expect_version = -1};
    assert_ok(version_restore(&bed->ctx, ref("sales"), &back, &t, &gone, &err));
    assert_str(t.name, "sales");
    assert_true(str_ends(t.storage.location, STR("/sales")));
    assert_int_equal(gone.count, 0);
}

/* --- at the same time ----------------------------------------------------------------------------------------- */

static bool change_keys(Ctx *ctx, Table *t, void *arg, Err *err) {
    (void)arg;
    (void)err;
    Column *keys = ARENA_ARRAY(ctx->arena, Column, 1);
    keys[0] = (Column){.name = STR("hour"), .type = STR("string")};
    t->partition_keys = column_set_make(ctx->arena, keys, 1);
    return true;
}

static void test_partition_comes_while_keys_change(void **state) {
    Bed *bed = *state;
    Err err;
    Table t;
    create(&bed->ctx, ORDERS);
    Script adder = {
        .bed = bed,
        .sql = "BEGIN; SELECT FROM tables WHERE name = 'orders' FOR SHARE; SELECT pg_sleep(1); INSERT INTO partitions"
               " (table_id, name, vals, created_at, added_seq) SELECT id, 'day=1', '{1}', now(), 1 FROM tables; COMMIT"};
    start_script(&adder);
    TableAlter how = {.edit = change_keys, .expect_version = -1, .allow_key_change = true};
    assert_err(table_alter(&bed->ctx, ref("orders"), &how, &t, &err), ERR_INVALID_OPERATION);
    join_script(&adder);
    assert_ok(table_get(&bed->ctx, ref("orders"), &t, &err));
    assert_str(t.partition_keys->items[0].name, "day");
}

enum { ADDERS = 8, SAME = 300 };

typedef struct Adder {
    Bed *bed;
    pthread_t thread;
    int number;
    ErrCode code;
} Adder;

static void *add_same(void *arg) {
    Adder *a = arg;
    Ctx ctx = bed_ctx(a->bed);
    Err err = {0};
    PartitionAdd how = {.items = {ARENA_ARRAY(ctx.arena, Partition, SAME), SAME}, .if_not_exists = true, .no_directories = true};
    for (int i = 0; i < SAME; i++) {
        int at = a->number % 2 ? i : SAME - 1 - i;
        how.items.items[at] = partition_of(&ctx, arena_printf(ctx.arena, "%04d", i).ptr);
    }
    a->code = partition_add(&ctx, ref("orders"), &how, NULL, NULL, &err) ? ERR_NONE : err.code;
    arena_free(ctx.arena);
    return NULL;
}

/* All are stopped in the middle first, so that each has half of what another wants. */
static void test_same_partitions_in_another_order(void **state) {
    Bed *bed = *state;
    Adder adders[ADDERS];
    create(&bed->ctx, ORDERS);
    Script middle = {.bed = bed,
                     .sql = "BEGIN; INSERT INTO partitions (table_id, name, vals, created_at, added_seq)"
                            " SELECT id, 'day=0150', '{0150}', now(), 1 FROM tables; SELECT pg_sleep(1.5); ROLLBACK"};
    start_script(&middle);
    for (int i = 0; i < ADDERS; i++) {
        adders[i] = (Adder){.bed = bed, .number = i};
        pthread_create(&adders[i].thread, NULL, add_same, &adders[i]);
    }
    for (int i = 0; i < ADDERS; i++) {
        pthread_join(adders[i].thread, NULL);
        assert_int_equal(adders[i].code, ERR_NONE);
    }
    join_script(&middle);
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM partitions"), SAME);
    usleep(1500 * 1000); /* the database counts with a delay */
    assert_int_equal(bed_count(bed, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"), 0);
}

/* --- history -------------------------------------------------------------------------------------------------- */

static bool drop_param(Ctx *ctx, Table *t, void *arg, Err *err) {
    (void)err;
    Params kept = {0};
    for (size_t i = 0; i < t->params.count; i++) {
        if (!str_eq(t->params.items[i].key, str_from(arg))) {
            params_append(&kept, ctx->arena, t->params.items[i].key, t->params.items[i].value);
        }
    }
    t->params = kept;
    return true;
}

static void test_pointer_cannot_be_let_go(void **state) {
    Bed *bed = *state;
    Err err;
    Table t;
    create(&bed->ctx, ICEBERG);
    TableAlter how = {.edit = drop_param, .arg = "metadata_location", .expect_version = -1};
    assert_err(table_alter(&bed->ctx, ref("ice"), &how, &t, &err), ERR_POINTER_CONFLICT);
}

static bool set_param(Ctx *ctx, Table *t, void *arg, Err *err) {
    (void)err;
    params_set(&t->params, ctx->arena, STR("n"), str_from(arg));
    return true;
}

static void test_as_of_a_removed_version(void **state) {
    Bed *bed = *state;
    Err err;
    Table t;
    Micros times[4];
    create(&bed->ctx, ORDERS);
    times[0] = clock_now();
    for (int i = 1; i < 4; i++) {
        char text[] = {(char)('0' + i), 0};
        TableAlter how = {.edit = set_param, .arg = text, .expect_version = -1};
        assert_ok(table_alter(&bed->ctx, ref("orders"), &how, &t, &err));
        times[i] = clock_now();
    }
    bed_sql(bed, "DELETE FROM table_versions WHERE version = 2");
    TableVersion v;
    assert_ok(version_as_of(&bed->ctx, ref("orders"), times[0], &v, &err));
    assert_err(version_as_of(&bed->ctx, ref("orders"), times[2], &v, &err), ERR_VERSION_NOT_FOUND);
    assert_ok(version_as_of(&bed->ctx, ref("orders"), times[3], &v, &err));
    assert_int_equal(v.version, 3);
}

/* --- limits --------------------------------------------------------------------------------------------------- */

static bool set_location(Ctx *ctx, Table *t, void *arg, Err *err) {
    (void)err;
    t->storage.location = arena_printf(ctx->arena, "s3://lake/run-%d", *(int *)arg);
    return true;
}

/* A writer that gives a table a new location each time needs no more places for it than one. */
/* So many partitions are moved aside with their table, one more and all of them stay. */
static void drop_with_partitions_elsewhere(Bed *bed, int count) {
    Err err;
    Table t;
    int place = count;
    create(&bed->ctx, ORDERS);
    PartitionAdd how = {.items = {ARENA_ARRAY(bed->arena, Partition, (size_t)count), (size_t)count}};
    for (int i = 0; i < count; i++) {
        how.items.items[i] = partition_of(&bed->ctx, arena_printf(bed->arena, "%04d", i).ptr);
    }
    assert_ok(partition_add(&bed->ctx, ref("orders"), &how, NULL, NULL, &err));
    write_file(bed, "orders/day=0000/data");
    TableAlter move = {.edit = set_location, .arg = &place, .expect_version = -1};
    assert_ok(table_alter(&bed->ctx, ref("orders"), &move, &t, &err));
    TableDrop drop = {.expect_version = -1, .delete_data = true};
    assert_ok(table_drop(&bed->ctx, ref("orders"), &drop, &err));
    run_jobs(bed);
}

static void test_partitions_elsewhere(void **state) {
    Bed *bed = *state;
    drop_with_partitions_elsewhere(bed, 1000);
    assert_false(is_there(bed, "orders/day=0000") || is_there(bed, "orders/day=0999"));
    unit_expect_log("More than 1000 partitions lie outside");
    drop_with_partitions_elsewhere(bed, 1001);
    assert_true(is_there(bed, "orders/day=0000/data") && is_there(bed, "orders/day=1000"));
}

static void test_many_locations(void **state) {
    Bed *bed = *state;
    Err err;
    Table t;
    create(&bed->ctx, ORDERS);
    for (int i = 0; i < 3; i++) {
        TableAlter how = {.edit = set_location, .arg = &i, .expect_version = -1};
        assert_ok(table_alter(&bed->ctx, ref("orders"), &how, &t, &err));
    }
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM location_bases"), 1);
    assert_ok(add(&bed->ctx, "orders", partition_of(&bed->ctx, "1"), &err));
    int last = 3;
    TableAlter how = {.edit = set_location, .arg = &last, .expect_version = -1};
    assert_ok(table_alter(&bed->ctx, ref("orders"), &how, &t, &err));
    Partition p;
    assert_ok(partition_get(&bed->ctx, ref("orders"), values_of(&bed->ctx, "1"), &p, NULL, &err));
    assert_str(p.storage.location, "s3://lake/run-2/day=1");
}

static void test_partitions_per_request(void **state) {
    Bed *bed = *state;
    Err err;
    Partitions found;
    bool more;
    create(&bed->ctx, ORDERS);
    Config config = *bed->catalog.config;
    config.limits.partitions_per_request = 2;
    bed->catalog.config = &config;
    assert_ok(add(&bed->ctx, "orders", partition_of(&bed->ctx, "1234"), &err));
    assert_ok(add(&bed->ctx, "orders", partition_of(&bed->ctx, "2"), &err));
    PartitionQuery all = {.limit = -1};
    assert_ok(partition_list(&bed->ctx, ref("orders"), &all, &found, &more, NULL, &err));
    Partition three[3] = {partition_of(&bed->ctx, "3"), partition_of(&bed->ctx, "4"), partition_of(&bed->ctx, "5")};
    PartitionAdd how = {.items = {three, 3}};
    assert_err_says(partition_add(&bed->ctx, ref("orders"), &how, NULL, NULL, &err), ERR_LIMIT_EXCEEDED, "per_request");
    assert_ok(add(&bed->ctx, "orders", partition_of(&bed->ctx, "3"), &err));
    assert_err_says(partition_list(&bed->ctx, ref("orders"), &all, &found, &more, NULL, &err), ERR_LIMIT_EXCEEDED, "per_request");
    PartitionDrop drop = {.which = all};
    assert_err_says(partition_drop(&bed->ctx, ref("orders"), &drop, NULL, NULL, NULL, &err), ERR_LIMIT_EXCEEDED, "per_request");
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM partitions"), 3);
}

/* What the database or a later reader could not take is refused at the door. */
static void test_texts_of_a_format(void **state) {
    Bed *bed = *state;
    Err err;
    Table made;
    static const char nul[] = "a\0b";
    Str bad[] = {{nul, 3}, STR("\xff")};
    for (size_t i = 0; i < 2 * ARRAY_LEN(bad); i++) {
        TableCreate how = {.table = from_json(&bed->ctx, ORDERS)};
        StorageFormat f = *how.table.storage.format;
        StrList *list = i % 2 ? &f.bucket_columns : &f.skew.columns;
        *list = (StrList){&bad[i / 2], 1};
        how.table.storage.format = storage_format_make(bed->arena, &f);
        assert_err(table_create(&bed->ctx, &how, &made, &err), ERR_INVALID_INPUT);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        BED_TEST(test_new_files_of_a_dropped_partition),
        BED_TEST(test_new_files_of_a_dropped_table),
        BED_TEST(test_a_drop_that_was_cut_off),
        BED_TEST(test_both_places_have_data),
        BED_TEST(test_nothing_to_move_back),
        BED_TEST(test_a_dropped_partition_of_a_renamed_table),
        BED_TEST(test_which_data_a_partition_gets_back),
        BED_TEST(test_cascade),
        BED_TEST(test_a_thousand_partitions),
        BED_TEST(test_undrop_takes_the_data_back),
        BED_TEST(test_undrop_beside_a_new_table),
        BED_TEST(test_undrop_under_a_new_name),
        BED_TEST(test_no_ghost_of_an_addition),
        BED_TEST(test_a_purge_that_has_begun),
        BED_TEST(test_purge_during_undrop),
        BED_TEST(test_purge_of_many),
        BED_TEST(test_partition_in_the_directory_of_the_table),
        BED_TEST(test_one_move_at_a_time),
        BED_TEST(test_move_back_over_empty_directories),
        BED_TEST(test_settling_keeps_what_is_in_the_right_place),
        BED_TEST(test_restore_from_before_a_rename),
        BED_TEST(test_partition_comes_while_keys_change),
        BED_TEST(test_same_partitions_in_another_order),
        BED_TEST(test_pointer_cannot_be_let_go),
        BED_TEST(test_as_of_a_removed_version),
        BED_TEST(test_partitions_elsewhere),
        BED_TEST(test_many_locations),
        BED_TEST(test_partitions_per_request),
        BED_TEST(test_texts_of_a_format),
    };
    return BED_RUN("core", tests);
}
