#include "catalog/databases.h"

#include <pthread.h>
#include <sys/stat.h>

#include "catalog/sql/databases_sql.h"
#include "catalog/tables.h"
#include "tests/unit/catalog_bed.h"

static bool is_directory(const char *fmt, const char *root) {
    char path[256];
    struct stat st;
    snprintf(path, sizeof path, "%s%s", root, fmt);
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static void test_bootstrap(void **state) {
    Bed *bed = *state;
    Err err;
    CatalogInfo info;
    Database d;
    assert_ok(catalog_get(&bed->ctx, STR_NULL, &info, &err));
    assert_str(info.name, "hive");
    assert_ok(database_get(&bed->ctx, STR_NULL, STR("DEFAULT"), &d, &err));
    assert_true(d.bootstrap && str_eq(d.location, info.location) && d.version == 0);
    assert_ok(catalog_bootstrap(&bed->ctx, &err)); /* again: nothing happens */
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM changes WHERE hms_event IS NOT NULL"), 0);
}

static void create(Bed *bed, const char *name) {
    Err err;
    Database d = {.name = str_from(name)}, made;
    assert_ok(database_create(&bed->ctx, &d, &made, &err));
}

static void test_create(void **state) {
    Bed *bed = *state;
    Err err;
    Database d = {.name = STR(" Sales "), .description = STR("d"), .owner = STR("bob")}, made;
    params_set(&d.params, bed->arena, STR("k"), STR("v"));
    assert_ok(database_create(&bed->ctx, &d, &made, &err));
    assert_str(made.name, "sales");
    assert_str(made.catalog, "hive");
    assert_true(str_ends(made.location, STR("/sales.db")));
    assert_true(is_directory("/sales.db", bed->warehouse));
    assert_err(database_create(&bed->ctx, &d, &made, &err), ERR_ALREADY_EXISTS);
    assert_ok(database_get(&bed->ctx, STR("HIVE"), STR("SALES"), &made, &err));
    assert_str(params_get(&made.params, STR("k")), "v");
    assert_str(made.owner, "bob");
    assert_str(bed_value(bed, "SELECT principal || ' ' || hms_event || ' ' || (detail::json->'after'->>'name')"
                              " FROM changes WHERE kind = 'database' AND name IS NULL AND database = 'sales'"),
               "ada CREATE_DATABASE sales");
    d.catalog = STR("nowhere");
    assert_err(database_create(&bed->ctx, &d, &made, &err), ERR_CATALOG_NOT_FOUND);
    assert_err(database_get(&bed->ctx, STR_NULL, STR("nix"), &made, &err), ERR_DATABASE_NOT_FOUND);
    d = (Database){.name = STR("")};
    assert_err(database_create(&bed->ctx, &d, &made, &err), ERR_INVALID_NAME);
    d = (Database){.name = STR("x"), .location = STR("file:/tmp/../etc")};
    assert_err(database_create(&bed->ctx, &d, &made, &err), ERR_INVALID_LOCATION);
}

static void test_names_become_directories(void **state) {
    Bed *bed = *state;
    bed->caller.protocol = STR("glue"); /* lets in what needs escaping */
    create(bed, "a/b:c");
    create(bed, "..");
    assert_true(is_directory("/a%2Fb%3Ac.db", bed->warehouse));
    assert_true(is_directory("/...db", bed->warehouse));
}

static void test_list(void **state) {
    Bed *bed = *state;
    Err err;
    Databases list;
    const char *const names[] = {"b", "a", "c1", "c2", "c3"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        create(bed, names[i]);
    }
    Page page = {.limit = -1};
    assert_ok(database_list(&bed->ctx, STR_NULL, &page, &list, &err));
    assert_int_equal(list.count, 6);
    assert_false(list.more);
    page = (Page){.limit = 2};
    assert_ok(database_list(&bed->ctx, STR_NULL, &page, &list, &err));
    assert_true(list.count == 2 && list.more && str_eq(list.items[1].name, STR("b")));
    page = (Page){.limit = 4, .after = STR("b")};
    assert_ok(database_list(&bed->ctx, STR_NULL, &page, &list, &err));
    assert_true(list.count == 4 && !list.more);
    page = (Page){.limit = 2, .pattern = STR("A|c*")};
    assert_ok(database_list(&bed->ctx, STR_NULL, &page, &list, &err));
    assert_true(list.count == 2 && list.more && str_eq(list.items[1].name, STR("c1")));
    page = (Page){.limit = 0};
    assert_ok(database_list(&bed->ctx, STR_NULL, &page, &list, &err));
    assert_true(list.count == 0 && list.more);
    assert_err(database_list(&bed->ctx, STR("nowhere"), &page, &list, &err), ERR_CATALOG_NOT_FOUND);
}

static bool set_owner(Ctx *ctx, Database *d, void *arg, Err *err) {
    (void)ctx;
    (void)err;
    d->owner = str_from(arg);
    return true;
}

static bool set_name(Ctx *ctx, Database *d, void *arg, Err *err) {
    (void)ctx;
    (void)err;
    d->name = str_from(arg);
    return true;
}

static void test_alter(void **state) {
    Bed *bed = *state;
    Err err;
    Database d;
    char carl[] = "carl";
    create(bed, "x");
    assert_ok(database_alter(&bed->ctx, STR_NULL, STR("X"), (Expect){0, 0}, set_owner, carl, &d, &err));
    assert_true(d.version == 1 && str_eq(d.owner, STR("carl")) && d.updated_at > d.created_at);
    assert_err(database_alter(&bed->ctx, STR_NULL, STR("x"), (Expect){0, 0}, set_owner, carl, &d, &err), ERR_VERSION_CONFLICT);
    assert_ok(database_alter(&bed->ctx, STR_NULL, STR("x"), (Expect){0, 1}, set_owner, carl, &d, &err));
    assert_int_equal(d.version, 1); /* nothing changed, nothing written */
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM changes WHERE hms_event = 'ALTER_DATABASE'"), 1);
    assert_str(bed_value(bed, "SELECT (detail::json->'before'->>'owner') IS NULL AND detail::json->'after'->>'owner' = 'carl'"
                              " FROM changes WHERE hms_event = 'ALTER_DATABASE'"),
               "true");
    assert_err(database_alter(&bed->ctx, STR_NULL, STR("x"), EXPECT_ANY, set_name, carl, &d, &err), ERR_INVALID_OPERATION);
    assert_err(database_alter(&bed->ctx, STR_NULL, STR("y"), EXPECT_ANY, set_owner, carl, &d, &err), ERR_DATABASE_NOT_FOUND);
}

static void test_rename(void **state) {
    Bed *bed = *state;
    Err err;
    Database before, after;
    create(bed, "sales");
    create(bed, "taken");
    int64_t table = bed_table(bed, "sales", "orders", "MANAGED_TABLE", "file:/x");
    assert_ok(database_get(&bed->ctx, STR_NULL, STR("sales"), &before, &err));
    assert_err(database_rename(&bed->ctx, STR_NULL, STR("sales"), STR("TAKEN"), EXPECT_ANY, &after, &err), ERR_ALREADY_EXISTS);
    assert_err(database_rename(&bed->ctx, STR_NULL, STR("sales"), STR(""), EXPECT_ANY, &after, &err), ERR_INVALID_NAME);
    assert_err(database_rename(&bed->ctx, STR_NULL, STR("sales"), STR("x"), (Expect){0, 7}, &after, &err), ERR_VERSION_CONFLICT);
    Expect other = {before.id + 1, 0};
    assert_err(database_rename(&bed->ctx, STR_NULL, STR("sales"), STR("x"), other, &after, &err), ERR_VERSION_CONFLICT);
    assert_err(database_rename(&bed->ctx, STR_NULL, STR("nix"), STR("x"), EXPECT_ANY, &after, &err), ERR_DATABASE_NOT_FOUND);
    assert_err(database_rename(&bed->ctx, STR_NULL, STR("default"), STR("x"), EXPECT_ANY, &after, &err), ERR_INVALID_OPERATION);
    assert_ok(database_rename(&bed->ctx, STR_NULL, STR("Sales"), STR(" Old Sales "), (Expect){0, 0}, &after, &err));
    assert_str(after.name, "old sales");
    assert_true(after.id == before.id && after.version == 1 && after.updated_at > before.updated_at);
    assert_str(after.location, arena_cstr(bed->arena, before.location));
    assert_err(database_get(&bed->ctx, STR_NULL, STR("sales"), &before, &err), ERR_DATABASE_NOT_FOUND);
    TableRef ref = {STR("hive"), STR("old sales"), STR("orders")};
    Table t;
    assert_ok(table_get(&bed->ctx, ref, &t, &err));
    assert_int_equal(t.id, table);
    assert_str(bed_value(bed, "SELECT database || '|' || hms_event || '|' || (detail::json->'before'->>'name') || '|' ||"
                              " (detail::json->'after'->>'name') FROM changes WHERE kind = 'database' AND action = 'rename'"),
               "old sales|ALTER_DATABASE|sales|old sales");
    assert_ok(database_rename(&bed->ctx, STR_NULL, STR("old sales"), STR("OLD SALES"), (Expect){0, 1}, &after,
                              &err)); /* as it is called */
    assert_int_equal(after.version, 1);
    create(bed, "sales"); /* the old name is free */
}

static void test_first_use_clears_bootstrap(void **state) {
    Bed *bed = *state;
    Err err;
    Database d;
    char bob[] = "public";
    assert_ok(database_alter(&bed->ctx, STR_NULL, STR("default"), EXPECT_ANY, set_owner, bob, &d, &err));
    assert_false(d.bootstrap);
    assert_int_equal(d.version, 1);
}

static bool lock_body(PgConn *conn, void *arg, Err *err) {
    Bed *bed = arg;
    Database d;
    return database_lock_share(&bed->ctx, conn, STR("hive"), STR("default"), &d, err) &&
           (d.bootstrap == false || err_set(err, ERR_INTERNAL, "still bootstrap"));
}

static void test_lock_share(void **state) {
    Bed *bed = *state;
    Err err;
    for (int i = 0; i < 2; i++) {
        assert_ok(pg_transaction(bed->pg, PG_READ, bed->ctx.deadline, bed->arena, lock_body, bed, &err));
    }
    assert_str(bed_value(bed, "SELECT bootstrap FROM databases WHERE name = 'default'"), "false");
}

static void test_drop(void **state) {
    Bed *bed = *state;
    Err err;
    Database d;
    DatabaseDrop how = {.expect = EXPECT_ANY};
    create(bed, "x");
    bed_table(bed, "x", "t", "MANAGED_TABLE", arena_printf(bed->arena, "file:%s/x.db/t", bed->warehouse).ptr);
    assert_int_equal(mkdir(arena_printf(bed->arena, "%s/x.db/t", bed->warehouse).ptr, 0777), 0);
    assert_err(database_drop(&bed->ctx, STR_NULL, STR("x"), &how, &err), ERR_NOT_EMPTY);
    bed_table(bed, "x", "m", "EXTERNAL_TABLE", "file:/wh/x.db/m");
    bed_table(bed, "x", "z", "MATERIALIZED_VIEW", "file:/wh/x.db/z");
    how = (DatabaseDrop){.expect = (Expect){1 << 30, 0}, .cascade = true, .delete_data = true};
    assert_err(database_drop(&bed->ctx, STR_NULL, STR("x"), &how, &err), ERR_VERSION_CONFLICT);
    how.expect = (Expect){0, 7};
    assert_err(database_drop(&bed->ctx, STR_NULL, STR("x"), &how, &err), ERR_VERSION_CONFLICT);
    how.expect = (Expect){0, 0};
    assert_ok(database_drop(&bed->ctx, STR_NULL, STR("x"), &how, &err));
    assert_err(database_get(&bed->ctx, STR_NULL, STR("x"), &d, &err), ERR_DATABASE_NOT_FOUND);
    assert_str(bed_value(bed, "SELECT string_agg(coalesce(name, database), ' ' ORDER BY seq) FROM changes WHERE action = 'drop'"),
               "z m t x");
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM tables t JOIN changes c ON c.seq = t.dropped_seq AND c.object_id = t.id"
                                    " AND c.hms_event = 'DROP_TABLE' WHERE dropped_at IS NOT NULL"),
                     3);
    assert_str(bed_value(bed, "SELECT string_agg(kind, ' ' ORDER BY id) FROM jobs"), "delete_data remove_directory");
    assert_false(is_directory("/x.db/t", bed->warehouse));
    create(bed, "x"); /* the name is free again */
    assert_err(database_drop(&bed->ctx, STR_NULL, STR("default"), &how, &err), ERR_INVALID_OPERATION);
    assert_err(database_drop(&bed->ctx, STR_NULL, STR("nix"), &how, &err), ERR_DATABASE_NOT_FOUND);
}

static void test_cascade_of_many(void **state) {
    Bed *bed = *state;
    Err err;
    create(bed, "many");
    bed_sql(bed,
            "INSERT INTO tables (database_id, name, type, version, created_at, updated_at) SELECT d.id, 't' || i, 'MANAGED_TABLE',"
            " 0, now(), now() FROM databases d, generate_series(1, 10000) i WHERE d.name = 'many'");
    const DatabaseDrop how = {.expect = EXPECT_ANY, .cascade = true};
    int64_t start = clock_monotonic_us();
    assert_ok(database_drop(&bed->ctx, STR_NULL, STR("many"), &how, &err));
    print_message("drop of a database with 10,000 tables: %.0f ms\n", (double)(clock_monotonic_us() - start) / 1000);
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM tables WHERE dropped_at IS NULL"), 0);
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM changes WHERE hms_event = 'DROP_TABLE'"), 10000);
}

static void test_catalogs(void **state) {
    Bed *bed = *state;
    Err err;
    CatalogInfo info = {.name = STR("Lake"), .description = STR("d")}, made;
    CatalogInfos list;
    Database d = {.catalog = STR("lake"), .name = STR("x")};
    const Page page = {.limit = -1};
    const DatabaseDrop how = {.expect = EXPECT_ANY};
    assert_ok(catalog_create(&bed->ctx, &info, &made, &err));
    assert_err(catalog_create(&bed->ctx, &info, &made, &err), ERR_ALREADY_EXISTS);
    assert_true(is_directory("/lake", bed->warehouse));
    assert_ok(catalog_list(&bed->ctx, &page, &list, &err));
    assert_int_equal(list.count, 2);
    assert_ok(database_create(&bed->ctx, &d, &d, &err));
    assert_true(is_directory("/lake/x.db", bed->warehouse));
    assert_err(catalog_drop(&bed->ctx, STR("lake"), EXPECT_ANY, &err), ERR_NOT_EMPTY);
    assert_ok(database_drop(&bed->ctx, STR("lake"), STR("x"), &how, &err));
    assert_err(catalog_drop(&bed->ctx, STR("lake"), (Expect){0, 3}, &err), ERR_VERSION_CONFLICT);
    assert_err(catalog_drop(&bed->ctx, STR("lake"), (Expect){list.items[0].id + list.items[1].id, 0}, &err), ERR_VERSION_CONFLICT);
    assert_ok(catalog_drop(&bed->ctx, STR("LAKE"), (Expect){0, 0}, &err)); /* an empty "default" does not stand in the way */
    assert_err(catalog_get(&bed->ctx, STR("lake"), &made, &err), ERR_CATALOG_NOT_FOUND);
    assert_err(catalog_drop(&bed->ctx, STR("hive"), EXPECT_ANY, &err), ERR_INVALID_OPERATION);
    assert_str(bed_value(bed, "SELECT payload::json ->> 'location' FROM jobs WHERE kind = 'remove_directory'"),
               arena_printf(bed->arena, "file:%s/lake", bed->warehouse).ptr);
}

static void test_drop_keeps_the_managed_directory(void **state) {
    Bed *bed = *state;
    Err err;
    const DatabaseDrop how = {.expect = EXPECT_ANY, .delete_data = true, .keep_managed_directory = true};
    Database d = {.name = STR("x"), .managed_location = arena_printf(bed->arena, "file:%s/managed", bed->warehouse)}, made;
    assert_ok(database_create(&bed->ctx, &d, &made, &err));
    assert_ok(database_drop(&bed->ctx, STR_NULL, STR("x"), &how, &err));
    assert_str(bed_value(bed, "SELECT string_agg(payload::json ->> 'location', ' ') FROM jobs"),
               arena_printf(bed->arena, "file:%s/x.db", bed->warehouse).ptr);
}

/* What clients of the Metastore see, and which names it lets in for catalogs. */
static void test_through_the_door_of_hive(void **state) {
    Bed *bed = *state;
    Err err;
    Database d;
    CatalogInfo info = {.name = STR("my lake")}, made;
    const DatabaseDrop how = {.expect = EXPECT_ANY};
    create(bed, "x");
    bed_table(bed, "x", "t", "EXTERNAL_TABLE", "file:/elsewhere/t");
    bed->caller.protocol = STR("hive");
    assert_err(database_drop(&bed->ctx, STR_NULL, STR("x"), &how, &err), ERR_NOT_EMPTY);
    assert_string_equal(err.message, "Database x is not empty. One or more tables exist.");
    assert_err(database_get(&bed->ctx, STR_NULL, STR("Nix"), &d, &err), ERR_DATABASE_NOT_FOUND);
    assert_string_equal(err.message, "There is no database hive.nix");
    assert_err(catalog_create(&bed->ctx, &info, &made, &err), ERR_INVALID_NAME);
    bed->caller.protocol = STR("rest");
    assert_ok(catalog_create(&bed->ctx, &info, &made, &err));
}

/* --- races ----------------------------------------------------------------------------------------------------- */

enum { RACERS = 32 };

typedef struct Racer {
    Bed *bed;
    int round;
    bool ok;
    Err err;
} Racer;

static void *race_create(void *arg) {
    Racer *r = arg;
    Ctx ctx = bed_ctx(r->bed);
    Database d = {.name = arena_printf(ctx.arena, "race%d", r->round)}, made;
    r->ok = database_create(&ctx, &d, &made, &r->err);
    arena_free(ctx.arena);
    return NULL;
}

static void test_one_creator_wins(void **state) {
    Bed *bed = *state;
    for (int round = 0; round < 3; round++) {
        pthread_t threads[RACERS];
        Racer racers[RACERS];
        int won = 0;
        for (int i = 0; i < RACERS; i++) {
            racers[i] = (Racer){.bed = bed, .round = round};
            pthread_create(&threads[i], NULL, race_create, &racers[i]);
        }
        for (int i = 0; i < RACERS; i++) {
            pthread_join(threads[i], NULL);
            won += racers[i].ok;
            if (!racers[i].ok) {
                assert_string_equal(err_info(racers[i].err.code)->name, "already_exists");
            }
        }
        assert_int_equal(won, 1);
    }
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM changes WHERE hms_event = 'CREATE_DATABASE'"), 3);
}

static bool share_body(PgConn *conn, void *arg, Err *err) {
    Ctx *ctx = arg;
    Database d;
    return database_lock_share(ctx, conn, STR("hive"), STR("default"), &d, err);
}

static void *race_first_use(void *arg) {
    Racer *r = arg;
    Ctx ctx = bed_ctx(r->bed);
    r->ok = pg_transaction(r->bed->pg, PG_READ, ctx.deadline, ctx.arena, share_body, &ctx, &r->err);
    arena_free(ctx.arena);
    return NULL;
}

static void test_first_users_do_not_collide(void **state) {
    Bed *bed = *state;
    pthread_t threads[RACERS];
    Racer racers[RACERS];
    for (int i = 0; i < RACERS; i++) {
        racers[i] = (Racer){.bed = bed};
        pthread_create(&threads[i], NULL, race_first_use, &racers[i]);
    }
    for (int i = 0; i < RACERS; i++) {
        pthread_join(threads[i], NULL);
        unit_assert_ok(racers[i].ok, &racers[i].err, "lock", __FILE__, __LINE__);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        BED_TEST(test_bootstrap),
        BED_TEST(test_create),
        BED_TEST(test_names_become_directories),
        BED_TEST(test_list),
        BED_TEST(test_alter),
        BED_TEST(test_rename),
        BED_TEST(test_first_use_clears_bootstrap),
        BED_TEST(test_lock_share),
        BED_TEST(test_drop),
        BED_TEST(test_cascade_of_many),
        BED_TEST(test_catalogs),
        BED_TEST(test_drop_keeps_the_managed_directory),
        BED_TEST(test_through_the_door_of_hive),
        BED_TEST(test_one_creator_wins),
        BED_TEST(test_first_users_do_not_collide),
    };
    return BED_RUN("databases", tests);
}
