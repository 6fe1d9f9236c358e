#include "catalog/statistics.h"

#include <math.h>

#include "catalog/databases.h"
#include "catalog/sql/statistics_sql.h"
#include "tests/unit/catalog_bed.h"

/* --- the packed form ------------------------------------------------------------------------------------------- */

static ColumnStatistic sample(StatKind kind) {
    ColumnStatistic s = {.column = STR("c"), .kind = kind, .nulls = 7, .analyzed_at = 1700000000000000};
    bool bounds = kind == STAT_LONG || kind == STAT_DOUBLE || kind == STAT_DECIMAL || kind == STAT_DATE || kind == STAT_TIMESTAMP;
    s.distinct = bounds || kind == STAT_STRING ? INT64_MAX : 0;
    s.low.given = s.high.given = bounds;
    if (kind == STAT_DOUBLE) {
        s.low.real = -0.0;
        s.high.real = INFINITY;
    } else if (kind == STAT_DECIMAL) {
        s.low = (StatValue){.given = true, .unscaled = STR("\xFF\x01"), .scale = 2};
        s.high = (StatValue){.given = true, .unscaled = STR("\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"), .scale = -3};
    } else if (bounds) {
        s.low.integer = INT64_MIN;
        s.high.integer = INT64_MAX;
    }
    if (kind == STAT_STRING || kind == STAT_BINARY) {
        s.max_length = 1 << 20;
        s.average_length = 1.0 / 3;
    }
    if (kind == STAT_BOOLEAN) {
        s.trues = 3;
        s.falses = -1;
    }
    return s;
}

static void round_trip(ColumnStatistic s) {
    CLEANUP(buf_free) Buf buf = BUF_INIT(1 << 16);
    Err err;
    ColumnStatistic back = {.column = STR("c")};
    statistic_pack(&s, &buf);
    assert_ok(statistic_unpack(buf_str(&buf), s.kind, &back, &err));
    assert_true(statistics_equal(&s, &back));
    for (size_t cut = 0; cut < buf.len; cut++) { /* nothing shorter is taken */
        assert_err(statistic_unpack(str_slice(buf_str(&buf), 0, cut), s.kind, &back, &err), ERR_INTERNAL);
    }
    buf_add_char(&buf, 0);
    assert_err(statistic_unpack(buf_str(&buf), s.kind, &back, &err), ERR_INTERNAL);
}

static void test_pack(void **state) {
    (void)state;
    for (int kind = STAT_BOOLEAN; kind <= STAT_TIMESTAMP; kind++) {
        ColumnStatistic s = sample((StatKind)kind);
        round_trip(s);
        s.low = (StatValue){0};
        round_trip(s);
        s.high = (StatValue){0};
        round_trip(s);
    }
}

static void test_pack_is_small(void **state) {
    (void)state;
    CLEANUP(buf_free) Buf buf = BUF_INIT(1 << 16);
    ColumnStatistic s = {.kind = STAT_LONG, .distinct = 60, .low = {.given = true}, .high = {.given = true, .integer = 60}};
    statistic_pack(&s, &buf);
    assert_int_equal(buf.len, 6);
}

/* --- decimals -------------------------------------------------------------------------------------------------- */

static void expect_text(StatValue v, const char *want) {
    CLEANUP(buf_free) Buf buf = BUF_INIT(1 << 16);
    assert_true(stat_decimal_text(&v, &buf));
    assert_str(buf_str(&buf), want);
}

static void test_decimal_text(void **state) {
    (void)state;
    expect_text((StatValue){.unscaled = STR("\0")}, "0");
    expect_text((StatValue){.unscaled = STR("\0"), .scale = 2}, "0.00");
    expect_text((StatValue){.unscaled = STR("\x05"), .scale = 3}, "0.005");
    expect_text((StatValue){.unscaled = STR("\x05"), .scale = -2}, "500");
    expect_text((StatValue){.unscaled = STR("\x80")}, "-128");
    expect_text((StatValue){.unscaled = STR("\xFB\x1E"), .scale = 2}, "-12.50");
    expect_text((StatValue){.unscaled = STR("\x4B\x3B\x4C\xA8\x5A\x86\xC4\x7A\x09\x8A\x22\x3F\xFF\xFF\xFF\xFF"), .scale = 0},
                "99999999999999999999999999999999999999");
    StatValue none = {.unscaled = STR("")};
    CLEANUP(buf_free) Buf buf = BUF_INIT(100);
    assert_false(stat_decimal_text(&none, &buf));
}

static void test_decimal_parse(void **state) {
    (void)state;
    const char *const good[] = {"0",
                                "1",
                                "-1",
                                "127",
                                "128",
                                "-128",
                                "-129",
                                "255",
                                "256",
                                "12.50",
                                "-0.001",
                                "4294967296",
                                "-99999999999999999999999999999999999999.99",
                                "18446744073709551616"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        StatValue v;
        assert_true(stat_decimal_parse(unit_arena(), str_from(good[i]), &v));
        expect_text(v, good[i]);
    }
    StatValue v;
    assert_true(stat_decimal_parse(unit_arena(), STR("-128"), &v));
    assert_str_eq(v.unscaled, STR("\x80"));
    assert_true(stat_decimal_parse(unit_arena(), STR("128"), &v));
    assert_str_eq(v.unscaled, ((Str){"\0\x80", 2}));
    const char *const bad[] = {"", "-", ".", "1.", ".5", "1e5", "+1", "1.2.3", " 1", "--1", "abc"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(stat_decimal_parse(unit_arena(), str_from(bad[i]), &v));
    }
}

static int compare(const char *a, const char *b) {
    StatValue x, y;
    assert_true(stat_decimal_parse(unit_arena(), str_from(a), &x) && stat_decimal_parse(unit_arena(), str_from(b), &y));
    return stat_decimal_compare(&x, &y);
}

static void test_decimal_compare(void **state) {
    (void)state;
    assert_int_equal(compare("1", "1.000"), 0);
    assert_int_equal(compare("9", "10"), -1);
    assert_int_equal(compare("-9", "-10"), 1);
    assert_int_equal(compare("-1", "0"), -1);
    assert_int_equal(compare("0.09", "0.1"), -1);
    assert_int_equal(compare("123456789012345678901234567890.1", "123456789012345678901234567890.01"), 1);
}

/* --- merging --------------------------------------------------------------------------------------------------- */

static void test_merge(void **state) {
    (void)state;
    Err err;
    ColumnStatistic a = {.kind = STAT_LONG, .nulls = 1, .distinct = 5, .low = {true, 3, 0, STR_NULL, 0}, .bit_vector = STR("x")};
    ColumnStatistic b = {
        .kind = STAT_LONG, .nulls = 2, .distinct = 4, .low = {true, -3, 0, STR_NULL, 0}, .high = {true, 9, 0, STR_NULL, 0}};
    assert_ok(statistic_merge(&a, &b, &err));
    assert_true(a.nulls == 3 && a.distinct == 5 && a.low.integer == -3 && a.high.given && a.high.integer == 9);
    assert_true(str_is_null(a.bit_vector));
    a = (ColumnStatistic){.kind = STAT_LONG, .nulls = INT64_MAX};
    b = (ColumnStatistic){.kind = STAT_LONG, .nulls = 1};
    assert_ok(statistic_merge(&a, &b, &err));
    assert_true(a.nulls == INT64_MAX && !a.low.given);
    a = (ColumnStatistic){.kind = STAT_STRING, .max_length = 3, .average_length = 2};
    b = (ColumnStatistic){.kind = STAT_STRING, .max_length = 9, .average_length = 1};
    assert_ok(statistic_merge(&a, &b, &err));
    assert_true(a.max_length == 9 && a.average_length == 2);
    b.kind = STAT_BINARY;
    assert_err(statistic_merge(&a, &b, &err), ERR_INVALID_INPUT);
}

/* --- totals ---------------------------------------------------------------------------------------------------- */

static ColumnStatistic bounded(const char *column, int64_t low, int64_t high, int64_t distinct) {
    return (ColumnStatistic){.column = str_from(column),
                             .kind = STAT_LONG,
                             .nulls = 1,
                             .distinct = distinct,
                             .low = {true, low, 0, STR_NULL, 0},
                             .high = {true, high, 0, STR_NULL, 0}};
}

static int64_t distinct_of(const ColumnStatistic *of, size_t given, size_t partitions) {
    StatisticSet sets[4];
    StatisticTotal total;
    Err err;
    ColumnStatistic copies[4];
    for (size_t i = 0; i < given; i++) {
        copies[i] = of[i];
        sets[i] = (StatisticSet){STR("p"), &copies[i], 1};
    }
    const StatisticSets all = {sets, given};
    assert_ok(statistics_total(unit_arena(), &all, partitions, 1, &total, &err));
    assert_int_equal(total.count, 1);
    assert_int_equal(total.complete, given);
    return total.items[0].distinct;
}

static void test_total_distinct(void **state) {
    (void)state;
    const ColumnStatistic apart[] = {bounded("c", 0, 100, 10), bounded("c", 200, 300, 10)};
    assert_int_equal(distinct_of(apart, 2, 2), 10); /* all are there: the one that has most */
    assert_int_equal(distinct_of(apart, 2, 3), 20); /* 300 / 10 is more than all have */
    const ColumnStatistic near[] = {bounded("c", 0, 100, 100), bounded("c", 0, 200, 100)};
    assert_int_equal(distinct_of(near, 2, 3), 133); /* 200 / 1.5 */
    const ColumnStatistic dense[] = {bounded("c", 0, 10, 100), bounded("c", 0, 10, 2)};
    assert_int_equal(distinct_of(dense, 2, 3), 100); /* 10 / 2.55 is less than one has */
    const ColumnStatistic point[] = {bounded("c", 5, 5, 1), bounded("c", 5, 5, 1)};
    assert_int_equal(distinct_of(point, 2, 9), 1);
    ColumnStatistic texts[] = {{.column = STR("c"), .kind = STAT_STRING, .distinct = 3},
                               {.column = STR("c"), .kind = STAT_STRING, .distinct = 9}};
    assert_int_equal(distinct_of(texts, 2, 3), 9);
    ColumnStatistic extremes[] = {bounded("c", INT64_MIN, INT64_MAX, INT64_MAX), bounded("c", INT64_MIN, INT64_MAX, INT64_MAX)};
    assert_true(distinct_of(extremes, 2, 3) == INT64_MAX);
    ColumnStatistic reals[] = {{.column = STR("c"), .kind = STAT_DOUBLE, .distinct = 4}, {.column = STR("c"), .kind = STAT_DOUBLE}};
    reals[0].low = (StatValue){.given = true, .real = -INFINITY};
    reals[0].high = (StatValue){.given = true, .real = NAN};
    assert_int_equal(distinct_of(reals, 2, 3), 4);
    ColumnStatistic decimals[] = {{.column = STR("c"), .kind = STAT_DECIMAL, .distinct = 10},
                                  {.column = STR("c"), .kind = STAT_DECIMAL, .distinct = 10}};
    const char *const bounds[] = {"-1.00", "9.00", "9", "19"}; /* densities 1 and 1 */
    for (size_t i = 0; i < 4; i++) {
        ColumnStatistic *d = &decimals[i / 2];
        assert_true(stat_decimal_parse(unit_arena(), str_from(bounds[i]), i % 2 ? &d->high : &d->low));
    }
    assert_int_equal(distinct_of(decimals, 2, 3), 20);
}

static void test_total_of_some(void **state) {
    (void)state;
    Err err;
    StatisticTotal total;
    ColumnStatistic a[] = {bounded("b", 1, 2, 1), bounded("a", 1, 2, 1)}, b[] = {bounded("a", 3, 4, 1)};
    ColumnStatistic other[] = {{.column = STR("a"), .kind = STAT_DATE, .nulls = 100}, bounded("b", 0, 0, 1)};
    StatisticSet sets[] = {{STR("p"), a, 2}, {STR("q"), b, 1}, {STR("r"), other, 2}};
    StatisticSets all = {sets, 3};
    assert_ok(statistics_total(unit_arena(), &all, 3, 2, &total, &err));
    assert_int_equal(total.complete, 1); /* the one of another kind does not count */
    assert_true(total.count == 2 && str_eq(total.items[0].column, STR("a")) && total.items[0].nulls == 2);
    assert_true(total.items[0].low.integer == 1 && total.items[0].high.integer == 4 && total.items[1].low.integer == 0);
    all.count = 0;
    assert_ok(statistics_total(unit_arena(), &all, 3, 2, &total, &err));
    assert_true(total.count == 0 && total.complete == 0);
}

/* --- marks of accuracy ----------------------------------------------------------------------------------------- */

static void accurate_becomes(const char *text, const char *want) {
    StatAccurate accurate = stat_accurate_read(unit_arena(), str_from(text));
    if (want) {
        assert_str(stat_accurate_text(unit_arena(), &accurate), want);
    } else {
        assert_true(str_is_null(stat_accurate_text(unit_arena(), &accurate)));
    }
}

static void test_accurate(void **state) {
    (void)state;
    accurate_becomes(NULL, NULL);
    accurate_becomes("", NULL);
    accurate_becomes("{}", NULL);
    accurate_becomes("[1]", NULL);
    accurate_becomes("false", NULL);
    accurate_becomes("{\"BASIC_STATS\":\"false\",\"COLUMN_STATS\":{}}", NULL);
    accurate_becomes("{\"COLUMN_STATS\":[]}", NULL);
    accurate_becomes("TRUE", "{\"BASIC_STATS\":\"true\"}");
    accurate_becomes("{\"BASIC_STATS\":true}", "{\"BASIC_STATS\":\"true\"}");
    accurate_becomes("{\"COLUMN_STATS\" : {\"b\":\"true\",\"a\":true}, \"BASIC_STATS\":\"TRUE\", \"more\":{\"x\":1}}",
                     "{\"BASIC_STATS\":\"true\",\"COLUMN_STATS\":{\"a\":\"true\",\"b\":\"true\"}}");
    accurate_becomes("{\"COLUMN_STATS\":{\"a\":{\"deep\":{\"er\":1}}}}", NULL);
}

/* --- JSON ------------------------------------------------------------------------------------------------------ */

static Str to_json(const ColumnStatistic *s) {
    CLEANUP(buf_free) Buf buf = BUF_INIT(1 << 20);
    JsonWriter w = jw_new(&buf);
    statistic_json(&w, s);
    return arena_str(unit_arena(), buf_str(&buf));
}

static bool from_json(Str text, ColumnStatistic *ret, Err *err) {
    json_t *top;
    if (!jr_parse(unit_arena(), text, 20, &top, err)) {
        return false;
    }
    JsonAt at = jr_top(top);
    return statistic_from_json(&at, unit_arena(), ret, err);
}

static void test_json(void **state) {
    (void)state;
    Err err;
    ColumnStatistic back;
    for (int kind = STAT_BOOLEAN; kind <= STAT_TIMESTAMP; kind++) {
        ColumnStatistic s = sample((StatKind)kind);
        s.bit_vector = STR("\x01\x02\xFF");
        s.high.scale = s.high.scale < 0 ? 0 : s.high.scale; /* a negative scale is written out */
        assert_ok(from_json(to_json(&s), &back, &err));
        assert_true(statistics_equal(&s, &back));
        assert_true(back.analyzed_at == s.analyzed_at);
    }
    ColumnStatistic s = {.column = STR("d"),
                         .type = STR("date"),
                         .kind = STAT_DATE,
                         .low = {true, -1, 0, STR_NULL, 0},
                         .high = {true, 20000, 0, STR_NULL, 0},
                         .analyzed_at = MICROS_NONE};
    assert_str(to_json(&s), "{\"column\":\"d\",\"type\":\"date\",\"kind\":\"date\",\"nulls\":0,\"distinct\":0,"
                            "\"low\":\"1969-12-31\",\"high\":\"2024-10-04\"}");
}

static void test_json_errors(void **state) {
    (void)state;
    Err err;
    ColumnStatistic s;
    static const struct {
        const char *json, *says;
    } cases[] = {
        {"{\"kind\":\"long\"}", "column"},
        {"{\"column\":\"c\"}", "kind"},
        {"{\"column\":\"c\",\"kind\":\"int\"}", "kind"},
        {"{\"column\":\"c\",\"kind\":\"long\",\"lo\":1}", "lo"},
        {"{\"column\":\"c\",\"kind\":\"boolean\",\"low\":1}", "low does not belong"},
        {"{\"column\":\"c\",\"kind\":\"binary\",\"distinct\":1}", "distinct does not belong"},
        {"{\"column\":\"c\",\"kind\":\"long\",\"nulls\":-2}", "nulls"},
        {"{\"column\":\"c\",\"kind\":\"long\",\"low\":1.5}", "low"},
        {"{\"column\":\"c\",\"kind\":\"date\",\"low\":\"2020-01-01T10:00:00Z\"}", "a date without a time"},
        {"{\"column\":\"c\",\"kind\":\"timestamp\",\"low\":\"2020-01-01T10:00:00.5Z\"}", "whole seconds"},
        {"{\"column\":\"c\",\"kind\":\"decimal\",\"low\":\"1e5\"}", "a decimal as text"},
        {"{\"column\":\"c\",\"kind\":\"string\",\"bit_vector\":\"###\"}", "base64"},
        {"{\"column\":\"c\",\"kind\":\"double\",\"low\":\"nan\"}", "NaN"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_err_says(from_json(str_from(cases[i].json), &s, &err), ERR_INVALID_INPUT, cases[i].says);
    }
}

/* --- the store ------------------------------------------------------------------------------------------------- */

static const TableRef TABLE = {STR_INIT("hive"), STR_INIT("default"), STR_INIT("T")};

static int64_t make_table(Bed *bed, int partitions) {
    int64_t id = bed_table(bed, "default", "t", "MANAGED_TABLE", "file:/wh/t");
    Str sql = arena_printf(
        bed->arena,
        "INSERT INTO partitions (table_id, name, vals, created_at, added_seq) SELECT %lld, 'p=' || lpad(i::text, 4,"
        " '0'), ARRAY[lpad(i::text, 4, '0')], now(), 0 FROM generate_series(1, %d) i",
        (long long)id, partitions);
    bed_sql(bed, arena_cstr(bed->arena, sql));
    return id;
}

static void test_table_statistics(void **state) {
    Bed *bed = *state;
    Err err;
    ColumnStatistic items[] = {sample(STAT_LONG), sample(STAT_DECIMAL), sample(STAT_STRING)};
    StatisticSet set = {.items = items, .count = 3}, got;
    StatisticPut put = {.sets = {&set, 1}};
    StatisticQuery q = {0};
    make_table(bed, 0);
    items[0].column = STR("B");
    items[1].column = STR("a");
    items[2].column = STR("c");
    items[2].bit_vector = STR("bits");
    assert_ok(statistics_put(&bed->ctx, TABLE, &put, &err));
    assert_ok(statistics_get(&bed->ctx, TABLE, &q, &got, &err));
    assert_true(got.count == 3 && str_is_null(got.partition));
    items[0].column = STR("b");
    assert_true(statistics_equal(&got.items[0], &items[1]) && statistics_equal(&got.items[1], &items[0]) &&
                statistics_equal(&got.items[2], &items[2]));
    Str wanted[] = {STR("A"), STR("nix")};
    q = (StatisticQuery){.columns = {wanted, 2}, .with_columns = true, .without_sketches = true};
    assert_ok(statistics_get(&bed->ctx, TABLE, &q, &got, &err));
    assert_true(got.count == 1 && str_eq(got.items[0].column, STR("a")));
    q = (StatisticQuery){.engine = STR("impala")};
    assert_ok(statistics_get(&bed->ctx, TABLE, &q, &got, &err));
    assert_int_equal(got.count, 0);
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM changes WHERE hms_event = 'UPDATE_TBL_COL_STAT_EVENT'"), 1);
    put.merge = true;
    assert_ok(statistics_put(&bed->ctx, TABLE, &put, &err));
    q = (StatisticQuery){0};
    assert_ok(statistics_get(&bed->ctx, TABLE, &q, &got, &err));
    assert_true(got.items[0].nulls == 14 && str_eq(got.items[2].bit_vector, STR("bits")));
    assert_err(statistics_get(&bed->ctx, (TableRef){STR_NULL, STR("default"), STR("nix")}, &q, &got, &err), ERR_TABLE_NOT_FOUND);
    assert_err(statistics_put(&bed->ctx, (TableRef){STR_NULL, STR("nix"), STR("t")}, &put, &err), ERR_DATABASE_NOT_FOUND);
    items[1].column = STR("C");
    assert_err_says(statistics_put(&bed->ctx, TABLE, &put, &err), ERR_INVALID_INPUT, "given twice");
}

static void test_delete(void **state) {
    Bed *bed = *state;
    Err err;
    ColumnStatistic item = sample(STAT_LONG);
    Str p1 = STR("p=0001");
    StatisticSet sets[] = {{.items = &item, .count = 1}, {.partition = p1, .items = &item, .count = 1}};
    StatisticPut put = {.sets = {sets, 2}};
    int64_t count;
    make_table(bed, 2);
    assert_ok(statistics_put(&bed->ctx, TABLE, &put, &err));
    StatisticDelete which = {0};
    assert_ok(statistics_delete(&bed->ctx, TABLE, &which, &count, &err));
    assert_int_equal(count, 1);
    assert_ok(statistics_delete(&bed->ctx, TABLE, &which, &count, &err));
    assert_int_equal(count, 0);
    which = (StatisticDelete){.with_partitions = true, .partitions = {&p1, 1}, .engine = STR("hive")};
    assert_ok(statistics_delete(&bed->ctx, TABLE, &which, &count, &err));
    assert_int_equal(count, 1);
    assert_str(
        bed_value(bed, "SELECT string_agg(hms_event || coalesce(partitions[1], ''), ' ' ORDER BY seq) FROM changes"
                       " WHERE kind = 'statistics'"),
        "UPDATE_TBL_COL_STAT_EVENT UPDATE_PART_COL_STAT_EVENTp=0001 DELETE_TBL_COL_STAT_EVENT DELETE_PART_COL_STAT_EVENTp=0001");
    sets[1].partition = STR("p=9");
    assert_err_says(statistics_put(&bed->ctx, TABLE, &put, &err), ERR_PARTITION_NOT_FOUND, "p=9");
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM column_statistics"), 0);
}

typedef struct Helpers {
    Bed *bed;
    int64_t id;
} Helpers;

static bool helpers_body(PgConn *conn, void *arg, Err *err) {
    Helpers *h = arg;
    Ctx *ctx = &h->bed->ctx;
    Str gone = STR("x"), dropped = STR("p=0002");
    return statistics_forget_columns(ctx, conn, h->id, (StrList){&gone, 1}, err) &&
           statistics_rename_column(ctx, conn, h->id, STR("y"), STR("z"), err) &&
           statistics_move_partition(ctx, conn, h->id, STR("p=0001"), STR("p=0009"), err) &&
           statistics_drop_partitions(ctx, conn, h->id, (StrList){&dropped, 1}, err);
}

static void test_following_the_table(void **state) {
    Bed *bed = *state;
    Err err;
    ColumnStatistic items[] = {sample(STAT_LONG), sample(STAT_DATE)};
    items[0].column = STR("x");
    items[1].column = STR("y");
    StatisticSet sets[] = {{.items = items, .count = 2},
                           {.partition = STR("p=0001"), .items = items, .count = 2},
                           {.partition = STR("p=0002"), .items = items, .count = 2}};
    StatisticPut put = {.sets = {sets, 3}};
    Helpers h = {bed, make_table(bed, 2)};
    assert_ok(statistics_put(&bed->ctx, TABLE, &put, &err));
    assert_ok(pg_transaction(bed->pg, PG_READ, bed->ctx.deadline, bed->arena, helpers_body, &h, &err));
    assert_str(bed_value(bed, "SELECT string_agg(partition || ':' || column_name, ' ' ORDER BY partition) FROM column_statistics"),
               ":z p=0009:z");
}

/* 1,000 partitions of 20 columns: the promise is 30 ms with JSON. */
static void test_bulk(void **state) {
    Bed *bed = *state;
    enum { PARTITIONS = 1000, COLUMNS = 20 };
    Err err;
    ColumnStatistic columns[COLUMNS];
    StatisticSet *sets = ARENA_ARRAY(bed->arena, StatisticSet, PARTITIONS);
    StrList names = {ARENA_ARRAY(bed->arena, Str, PARTITIONS), PARTITIONS};
    make_table(bed, PARTITIONS);
    for (int i = 0; i < COLUMNS; i++) {
        columns[i] = sample((StatKind)(i % 8 + 1));
        columns[i].column = arena_printf(bed->arena, "column_%02d", i);
        columns[i].type = STR("bigint");
        columns[i].distinct = 1000 * i;
    }
    for (int i = 0; i < PARTITIONS; i++) {
        names.items[i] = arena_printf(bed->arena, "p=%04d", i + 1);
        sets[i] = (StatisticSet){names.items[i], columns, COLUMNS};
    }
    StatisticPut put = {.sets = {sets, PARTITIONS}};
    int64_t start = clock_monotonic_us();
    assert_ok(statistics_put(&bed->ctx, TABLE, &put, &err));
    print_message("put of 1,000 x 20: %.1f ms\n", (double)(clock_monotonic_us() - start) / 1000);
    StatisticQuery q = {0};
    for (int round = 0; round < 8; round++) {
        StatisticSets got;
        Ctx ctx = bed_ctx(bed);
        start = clock_monotonic_us();
        assert_ok(statistics_get_partitions(&ctx, TABLE, names, &q, &got, &err));
        int64_t read = clock_monotonic_us();
        CLEANUP(buf_free) Buf buf = BUF_INIT(64 << 20);
        JsonWriter w = jw_new(&buf);
        for (size_t i = 0; i < got.count; i++) {
            statistic_set_json(&w, &got.items[i]);
        }
        int64_t end = clock_monotonic_us();
        print_message("get of 1,000 x 20: %.1f ms + JSON %.1f ms (%zu KB)\n", (double)(read - start) / 1000,
                      (double)(end - read) / 1000, buf.len / 1024);
        assert_int_equal(got.count, PARTITIONS);
        assert_int_equal(got.items[999].count, COLUMNS);
        arena_free(ctx.arena);
    }
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM changes WHERE hms_event = 'UPDATE_PART_COL_STAT_EVENT_BATCH'"
                                    " AND cardinality(partitions) = 1000"),
                     1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        UNIT_TEST(test_pack),           UNIT_TEST(test_pack_is_small),      UNIT_TEST(test_decimal_text),
        UNIT_TEST(test_decimal_parse),  UNIT_TEST(test_decimal_compare),    UNIT_TEST(test_merge),
        UNIT_TEST(test_total_distinct), UNIT_TEST(test_total_of_some),      UNIT_TEST(test_accurate),
        UNIT_TEST(test_json),           UNIT_TEST(test_json_errors),        BED_TEST(test_table_statistics),
        BED_TEST(test_delete),          BED_TEST(test_following_the_table), BED_TEST(test_bulk),
    };
    return BED_RUN("statistics", tests);
}
