#include "catalog/search.h"

#include "catalog/content.h"
#include "catalog/databases.h"
#include "catalog/sql/search_sql.h"
#include "tests/unit/catalog_bed.h"

typedef struct Writing {
    Bed *bed;
    const Table *table;
} Writing;

static bool write_body(PgConn *conn, void *arg, Err *err) {
    Writing *w = arg;
    return search_update(&w->bed->ctx, conn, w->table, err);
}

static Table make_table(Bed *bed, const char *database, const char *name, const char *column, const char *description) {
    Err err;
    Column columns[] = {{.name = str_from(column)}, {.name = STR("event_time"), .comment = STR("when it happened")}};
    Table t = {.id = bed_table(bed, database, name, "EXTERNAL_TABLE", "s3://bucket/path"),
               .catalog = STR("hive"),
               .database = str_from(database),
               .name = str_from(name),
               .type = STR("EXTERNAL_TABLE"),
               .owner = STR("Ada"),
               .description = str_from(description),
               .partition_keys = &column_set_none};
    t.storage = (Storage){.given = true,
                          .location = STR("s3://bucket/path"),
                          .columns = column_set_make(bed->arena, columns, 2),
                          .format = &storage_format_none};
    params_set(&t.params, bed->arena, STR("table_type"), STR("ICEBERG"));
    params_set(&t.params, bed->arena, STR("it's"), STR("a\\b"));
    Writing w = {bed, &t};
    assert_ok(pg_transaction(bed->pg, PG_READ, bed->ctx.deadline, bed->arena, write_body, &w, &err));
    return t;
}

static Str found(Bed *bed, SearchQuery q) {
    Err err;
    SearchHits hits;
    CLEANUP(buf_free) Buf buf = BUF_INIT(1 << 16);
    q.limit = q.limit ? q.limit : 100;
    assert_ok(search_tables(&bed->ctx, &q, &hits, &err));
    for (size_t i = 0; i < hits.count; i++) {
        buf_printf(&buf, "%s%" STR_FMT ":%d", i ? " " : "", STR_ARG(hits.items[i].table.name), (int)hits.items[i].match);
    }
    return arena_str(bed->arena, buf_str(&buf));
}

static void make_all(Bed *bed) {
    Err err;
    Database d = {.name = STR("sales")}, made;
    assert_ok(database_create(&bed->ctx, &d, &made, &err));
    make_table(bed, "sales", "orders", "customer_id", "All orders");
    make_table(bed, "sales", "orders_2024", "customer_id", "last year's");
    make_table(bed, "default", "clicks", "user_id", "Clicks that led to orders");
    make_table(bed, "default", "größe", "user_id", "Ünïcode");
}

static void test_words(void **state) {
    Bed *bed = *state;
    make_all(bed);
    assert_str(found(bed, (SearchQuery){.text = STR("Orders")}), "orders:0 orders_2024:1 clicks:2");
    assert_str(found(bed, (SearchQuery){.text = STR("ord")}), "orders:1 orders_2024:1 clicks:2");
    assert_str(found(bed, (SearchQuery){.text = STR("\"ord\"")}), "");
    assert_str(found(bed, (SearchQuery){.text = STR("\"orders\" cli")}), "clicks:2");
    assert_str(found(bed, (SearchQuery){.text = STR("orders 2024")}), "orders_2024:1");
    assert_str(found(bed, (SearchQuery){.text = STR("cust")}), "orders:2 orders_2024:2");
    assert_str(found(bed, (SearchQuery){.text = STR("happened")}), "clicks:2 größe:2 orders:2 orders_2024:2");
    assert_str(found(bed, (SearchQuery){.text = STR("GRÖ")}), "größe:1");
    assert_str(found(bed, (SearchQuery){.text = STR("ünïcode")}), "größe:2");
    assert_str(found(bed, (SearchQuery){.text = STR("iceberg bucket ada user")}), "clicks:2 größe:2");
    assert_str(found(bed, (SearchQuery){.text = STR("nothing")}), "");
    assert_str(found(bed, (SearchQuery){.text = STR("' & | ! \\ :*")}), "clicks:2 größe:2 orders:2 orders_2024:2");
    assert_str(found(bed, (SearchQuery){.text = STR("')'::text")}), "");
}

static void test_filters(void **state) {
    Bed *bed = *state;
    make_all(bed);
    SearchQuery q = {.database = STR("SALES")};
    assert_str(found(bed, q), "orders:2 orders_2024:2");
    q = (SearchQuery){.text = STR("orders"), .database = STR("default"), .catalog = STR("hive")};
    assert_str(found(bed, q), "clicks:2");
    assert_str(found(bed, (SearchQuery){.column = STR("USER_ID")}), "clicks:2 größe:2");
    assert_str(found(bed, (SearchQuery){.column = STR("user")}), "");
    assert_str(found(bed, (SearchQuery){.type = STR("EXTERNAL_TABLE"), .text = STR("2024")}), "orders_2024:1");
    assert_str(found(bed, (SearchQuery){.type = STR("VIRTUAL_VIEW")}), "");
    assert_str(found(bed, (SearchQuery){.owner = STR("Ada"), .text = STR("clicks")}), "clicks:0");
    q = (SearchQuery){.text = STR("clicks")};
    params_set(&q.params, bed->arena, STR("it's"), STR("a\\b"));
    params_set(&q.params, bed->arena, STR("table_type"), STR(""));
    assert_str(found(bed, q), "clicks:0");
    params_set(&q.params, bed->arena, STR("table_type"), STR("iceberg"));
    assert_str(found(bed, q), "");
}

static void test_pages(void **state) {
    Bed *bed = *state;
    Err err;
    make_all(bed);
    SearchQuery q = {.text = STR("orders"), .limit = 1};
    const char *const want[] = {"orders", "orders_2024", "clicks"};
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        SearchHits hits;
        assert_ok(search_tables(&bed->ctx, &q, &hits, &err));
        assert_int_equal(hits.count, 1);
        assert_str(hits.items[0].table.name, want[i]);
        assert_true(str_is_null(hits.next) == (i == 2));
        q.after = hits.next;
    }
    SearchHits hits;
    q.after = STR("rubbish");
    assert_err(search_tables(&bed->ctx, &q, &hits, &err), ERR_INVALID_TOKEN);
    q.after = STR("7,1,x");
    assert_err(search_tables(&bed->ctx, &q, &hits, &err), ERR_INVALID_TOKEN);
}

static void test_dropped_are_not_found(void **state) {
    Bed *bed = *state;
    Err err;
    make_all(bed);
    bed_sql(bed, "UPDATE tables SET dropped_at = now() WHERE name = 'orders'");
    assert_str(found(bed, (SearchQuery){.text = STR("orders")}), "orders_2024:1 clicks:2");
    const DatabaseDrop how = {.expect = EXPECT_ANY, .cascade = true};
    assert_ok(database_drop(&bed->ctx, STR_NULL, STR("sales"), &how, &err));
    assert_str(found(bed, (SearchQuery){.text = STR("orders")}), "clicks:2");
}

/* More text than a tsvector can hold. */
static void test_huge_table(void **state) {
    Bed *bed = *state;
    enum { COLUMNS = 5000, PARAMS = 20000 };
    Err err;
    Column *columns = ARENA_ARRAY(bed->arena, Column, COLUMNS);
    Table t = {.id = bed_table(bed, "default", "huge", "EXTERNAL_TABLE", ""),
               .catalog = STR("hive"),
               .database = STR("default"),
               .name = STR("huge"),
               .partition_keys = &column_set_none};
    for (int i = 0; i < COLUMNS; i++) {
        columns[i].name = arena_printf(bed->arena, "col%d_%0200d", i, i);
        columns[i].comment = arena_printf(bed->arena, "comment%d", i);
    }
    for (int i = 0; i < PARAMS; i++) {
        params_append(&t.params, bed->arena, arena_printf(bed->arena, "key%d", i), arena_printf(bed->arena, "%0300d", i));
    }
    params_sort(&t.params);
    t.storage = (Storage){.given = true, .columns = column_set_make(bed->arena, columns, COLUMNS), .format = &storage_format_none};
    Writing w = {bed, &t};
    assert_ok(pg_transaction(bed->pg, PG_READ, bed->ctx.deadline, bed->arena, write_body, &w, &err));
    assert_str(found(bed, (SearchQuery){.text = STR("huge")}), "huge:0");
    assert_err(search_tables(&bed->ctx,
                             &(SearchQuery){.text = STR("a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a")},
                             &(SearchHits){0}, &err),
               ERR_LIMIT_EXCEEDED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        BED_TEST(test_words),      BED_TEST(test_filters), BED_TEST(test_pages), BED_TEST(test_dropped_are_not_found),
        BED_TEST(test_huge_table),
    };
    return BED_RUN("search", tests);
}
