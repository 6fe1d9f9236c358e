/* Filters: what parses, what is refused and how, what is true, and that SQL says the same as plain evaluation. */
#include "catalog/filter.h"
#include "catalog/glob.h"
#include "catalog/partname.h"
#include "catalog/rangekey.h"
#include "tests/unit/pg_fixture.h"
#include "tests/unit/unit.h"

typedef bool (*ParseFn)(Arena *arena, Str text, Filter **ret, Err *err);

static const FilterKey typed_keys[] = {
    {STR_INIT("ds"), STR_INIT("string")},
    {STR_INIT("n"), STR_INIT("int")},
    {STR_INIT("d"), STR_INIT("date")},
    {STR_INIT("ts"), STR_INIT("timestamp")},
    {STR_INIT("dec"), STR_INIT("decimal(38,9)")},
    {STR_INIT("f"), STR_INIT("float")},
};

static Filter *bound(ParseFn parse, const FilterPolicy *policy, const char *text) {
    Err err;
    Filter *filter;
    assert_ok(parse(unit_arena(), str_from(text), &filter, &err));
    assert_ok(filter_bind(unit_arena(), filter, typed_keys, ARRAY_LEN(typed_keys), policy, &err));
    return filter;
}

/* Values: ds, n, d, ts, dec separated by '|'. */
static StrList row_of(const char *text) {
    StrList row = {ARENA_ARRAY(unit_arena(), Str, ARRAY_LEN(typed_keys)), ARRAY_LEN(typed_keys)};
    Str rest = str_from(text), part;
    for (size_t i = 0; str_split(&rest, '|', &part); i++) {
        row.items[i] = part;
    }
    return row;
}

static FilterTruth eval(ParseFn parse, FilterPolicy policy, const char *text, const char *row) {
    Err err;
    FilterTruth truth = FILTER_UNKNOWN;
    assert_ok(filter_eval(unit_arena(), bound(parse, &policy, text), row_of(row), &truth, &err));
    return truth;
}

#define HIVE(text, row) eval(filter_parse_hive, filter_policy_hive(), (text), (row))
#define GLUE(text, row) eval(filter_parse_glue, filter_policy_glue(), (text), (row))
static const char *const plain = "x|5|2024-01-02|2024-01-02 03:04:05|1.50";
static const char *const by_default = "__HIVE_DEFAULT_PARTITION__|__HIVE_DEFAULT_PARTITION__|2024-01-02|2024-01-02 03:04:05|1.5";

static void test_hive_true(void **state) {
    (void)state;
    static const char *const yes[] = {
        "",
        "  ",
        "ds = 'x'",
        "ds=\"x\"",
        "'x' = ds",
        "DS = 'x'",
        "`ds` = 'x'",
        "ds == 'x'",
        "ds <=> 'x'",
        "n = 5",
        "5=n",
        "6 > n",
        "n >= 5 and n < 6",
        "n <> 4",
        "n != 4",
        "n between 5 and 5",
        "n BETWEEN 1 AND 9 AND ds = 'x'",
        "n not between 6 and 9",
        "(n) in (1, 5)",
        "n in (5)",
        "n not in (1,2)",
        "(n) NOT IN (1)",
        "(struct(ds,n)) in (const struct('x',5), struct('y',6))",
        "struct(ds,n) IN (struct('x',5))",
        "(struct(ds,n)) not in (struct('x',6))",
        "((struct(ds,n)) in (struct('x',5)))",
        "d = '2024-01-02'",
        "d = 2024-01-02",
        "d = DATE '2024-01-02'",
        "d >= 2024-01-01 and d < 2024-02-01",
        "ts = '2024-01-02 03:04:05'",
        "ts = 2024-01-02 03:04:05",
        "ts = TIMESTAMP '2024-01-02 03:04:05.000'",
        "ts > 2024-01-02",
        "ds like 'x'",
        "ds like '%'",
        "ds LIKE '_'",
        "ds like \".*x.*\"",
        "ds like 'x.*'",
        "dec = 1.5",
        "dec = '1.5'",
        "(ds = 'y' or n = 5) and (n = 5)",
        "((n = 5))",
        "ds = 'y' or ds = 'z' or ds = 'x'",
        "ds = 'a' or n = 5 and ds = 'x'",
    };
    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        if (HIVE(yes[i], plain) != FILTER_TRUE) {
            fail_msg("not true: %s", yes[i]);
        }
    }
}

static void test_hive_no_match(void **state) {
    (void)state;
    static const char *const no[] = {
        "ds = 'X'",       "ds > 'x'",
        "n = 6",          "n in (1,2)",
        "n not in (5)",   "n not between 1 and 9",
        "ds like 'y%'",   "ds like 'x\\\\%'",
        "d < 2024-01-02", "(struct(ds,n)) in (struct('x',6))",
    };
    for (size_t i = 0; i < ARRAY_LEN(no); i++) {
        assert_int_equal(HIVE(no[i], plain), FILTER_FALSE);
    }
    assert_int_equal(HIVE("n != 5", "x|abc"), FILTER_UNKNOWN);
    assert_int_equal(HIVE("n = 5 or ds = 'x'", "x|abc"), FILTER_TRUE);
    assert_int_equal(HIVE("n = 5 and ds = 'y'", "x|abc"), FILTER_FALSE);
}

static void test_default_partition(void **state) {
    (void)state;
    assert_int_equal(HIVE("ds = '__HIVE_DEFAULT_PARTITION__'", by_default), FILTER_TRUE);
    assert_int_equal(HIVE("n = '__HIVE_DEFAULT_PARTITION__'", by_default), FILTER_TRUE);
    assert_int_equal(HIVE("n != '__HIVE_DEFAULT_PARTITION__'", plain), FILTER_TRUE);
    assert_int_equal(HIVE("n in (7, '__HIVE_DEFAULT_PARTITION__')", by_default), FILTER_TRUE);
    assert_int_equal(HIVE("n > 1", by_default), FILTER_UNKNOWN);
    assert_int_equal(HIVE("n != 1", by_default), FILTER_UNKNOWN);
    assert_int_equal(HIVE("ds = '__HIVE_DEFAULT_PARTITION__'", "|5"), FILTER_TRUE); /* an empty value is the default */
    assert_int_equal(HIVE("ds = ''", by_default), FILTER_TRUE);
    assert_int_equal(GLUE("(n = '__HIVE_DEFAULT_PARTITION__')", by_default), FILTER_TRUE);
    assert_int_equal(GLUE("ds IS NULL", by_default), FILTER_FALSE);
    assert_int_equal(GLUE("n IS NOT NULL", by_default), FILTER_TRUE);
    FilterPolicy better = filter_policy_glue();
    better.null_is_default = true;
    assert_int_equal(eval(filter_parse_glue, better, "n IS NULL", by_default), FILTER_TRUE);
    assert_int_equal(eval(filter_parse_glue, better, "n IS NULL", plain), FILTER_FALSE);
}

static void test_glue_true(void **state) {
    (void)state;
    static const char *const yes[] = {
        "",
        "   ",
        "ds = 'x'",
        "((ds = 'x') and (n = '5'))",
        "n = 5",
        "n = '5'",
        "5 = n",
        "n = '05'",
        "n = 5e0",
        "n = 50e-1",
        "((n)) (=) ((5))",
        "(n) NOT IN (1, (2))",
        "(n IN (5))",
        "n (IN) (5)",
        "NOT n = 6",
        "NOT (n = 6 OR n = 7)",
        "NOT NOT n = 5",
        "not n in (1)",
        "n between 1 and 9",
        "(n) not between '6' and 7",
        "ds like 'x'",
        "ds not like 'y%'",
        "\"ds\" = 'x'",
        "`ds` = 'x'",
        "ts = '2024-01-02 03:04:05.000000000'",
        "ts < '2024-01-02 03:04:05.000000001'",
        "d > '2024-01-01'",
        "dec = 1.5",
        "dec = '15e-1'",
        "dec < 3e10",
        "dec > -1",
        "n <> 4 AND n != 3",
        "ds IS NOT NULL",
        "n = 4 or n = 5 and ds = 'x'",
        "((n >= 1 AND n < 5) OR (n = 5))",
    };
    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        if (GLUE(yes[i], plain) != FILTER_TRUE) {
            fail_msg("not true: %s", yes[i]);
        }
    }
    assert_int_equal(GLUE("ds = 'it''s'", "it's"), FILTER_TRUE);
    assert_int_equal(GLUE("ds = 'it\\'s'", "it's"), FILTER_TRUE);
    assert_int_equal(GLUE("ds = 'a\\'", "a\\"), FILTER_TRUE);
    assert_int_equal(GLUE("ds like 'a\\%'", "a\\bc"), FILTER_TRUE); /* no escape on AWS */
    assert_int_equal(GLUE("n between 9 and 1", plain), FILTER_FALSE);
    assert_int_equal(GLUE("ds = 2", "2"), FILTER_TRUE);
}

static void refuses(ParseFn parse, FilterPolicy policy, const char *text, const char *says) {
    Err err;
    Filter *filter;
    bool ok = parse(unit_arena(), str_from(text), &filter, &err) &&
              filter_bind(unit_arena(), filter, typed_keys, ARRAY_LEN(typed_keys), &policy, &err);
    if (ok) {
        fail_msg("accepted: %s", text);
    }
    assert_int_equal(err.code, ERR_INVALID_FILTER);
    assert_str_contains(str_from(err.message), says);
}

static void test_hive_refused(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"n =", "Error parsing"},
        {"n = 5 and", "Error parsing"},
        {"(n = 5", "')' expected"},
        {"n = 5)", "found ')' at character 6"},
        {"n", "operator"},
        {"n = m", "a value expected"},
        {"5 = 6", "a key expected"},
        {"n ! 5", "unexpected character"},
        {"ds = 'x", "never closed at character 6"},
        {"nokey = 1", "Specified key <nokey> is not a partitioning key for the table"},
        {"n = '5'", "Filtering is supported only on partition keys of type string"},
        {"ds = 5", "Filtering is supported only on partition keys of type string"},
        {"f = 1", "Filtering is supported only on partition keys of type string"},
        {"d = 'x'", "is not a date"},
        {"d = 5", "is not a date"},
        {"n = 1.5", "is not an integer"},
        {"n like '5'", "LIKE"},
        {"'x' like ds", "a comparison expected"},
        {"ds like 5", "quoted"},
        {"not n = 5", "Error parsing"},
        {"ds not like 'x'", "Error parsing"},
        {"n is null", "Error parsing"},
        {"n in ()", "value"},
        {"n in (1", "')'"},
        {"(struct(ds,n)) in (struct('x'))", "as many values"},
        {"n > '__HIVE_DEFAULT_PARTITION__'", "not an integer"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        refuses(filter_parse_hive, filter_policy_hive(), cases[i][0], cases[i][1]);
    }
}

static void test_glue_refused(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"n =", "Unsupported expression"},
        {"n ~ 5", "Unsupported expression"},
        {"n = 5 n", "Unsupported expression"},
        {"n == 5", "Unsupported expression"},
        {"struct(n) in (1)", "Unsupported expression"},
        {"zz = 1", "Invalid partition expression!"},
        {"f = 1", "Unknown type : 'float'"},
        {"n = 'x'", "\"x\" is not an integer."},
        {"dec = 'x'", "\"x\" is not a decimal."},
        {"d = 'x'", "\"x\" is not a date."},
        {"ts = 'x'", "\"x\" is not a timestamp."},
        {"ts = 'x'", "Timestamp format must be yyyy-mm-dd hh:mm:ss[.fffffffff]"},
        {"n like '5'", "Integral data type doesn't support operation 'LIKE'"},
        {"dec like '5'", "Decimal data type doesn't support operation 'LIKE'"},
        {"d like '5'", "Date data type doesn't support operation 'LIKE'"},
        {"ts like '5'", "Timestamp data type doesn't support operation 'LIKE'"},
        {"n = 1.5", "\"1.5\" is not an integer."},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        refuses(filter_parse_glue, filter_policy_glue(), cases[i][0], cases[i][1]);
    }
}

static void test_limits(void **state) {
    (void)state;
    CLEANUP(buf_free) Buf deep = BUF_INIT(1 << 21);
    Err err;
    Filter *filter;
    for (int extra = 0; extra < 2; extra++) {
        buf_clear(&deep);
        for (int i = 0; i < FILTER_MAX_DEPTH + extra; i++) {
            buf_add_char(&deep, '(');
        }
        buf_add_cstr(&deep, "n=5");
        for (int i = 0; i < FILTER_MAX_DEPTH + extra; i++) {
            buf_add_char(&deep, ')');
        }
        bool ok = filter_parse_hive(unit_arena(), buf_str(&deep), &filter, &err);
        assert_int_equal(ok, extra == 0);
    }
    buf_clear(&deep);
    for (int i = 0; i < 500000; i++) {
        buf_add_char(&deep, '(');
    }
    assert_err_says(filter_parse_hive(unit_arena(), buf_str(&deep), &filter, &err), ERR_INVALID_FILTER, "nested deeper");
    buf_clear(&deep);
    for (int i = 0; i < 20000; i++) {
        buf_printf(&deep, "%s(n = %d)", i ? " or " : "", i);
    }
    assert_ok(filter_parse_hive(unit_arena(), buf_str(&deep), &filter, &err));
    FilterPolicy hive = filter_policy_hive();
    assert_ok(filter_bind(unit_arena(), filter, typed_keys, ARRAY_LEN(typed_keys), &hive, &err));
    CLEANUP(buf_free) Buf sql = BUF_INIT(1 << 20);
    FilterParams params = {.first = 1};
    assert_ok(filter_sql(unit_arena(), filter, "", &sql, &params, &err));
    assert_int_equal(params.count, 2); /* an OR of one key became one list, and a second for its guard */
    assert_err_says(filter_parse_glue(unit_arena(), buf_str(&deep), &filter, &err), ERR_INVALID_FILTER, "2048");
}

static void test_glue_uncastable(void **state) {
    (void)state;
    Err err;
    FilterTruth truth;
    FilterPolicy glue = filter_policy_glue();
    Filter *filter = bound(filter_parse_glue, &glue, "n > 3 and ds = 'x'");
    assert_err_says(filter_eval(unit_arena(), filter, row_of("x|v"), &truth, &err), ERR_INVALID_PARTITION_VALUE,
                    "For input string: \"v\" is not an integer.");
    assert_ok(filter_eval(unit_arena(), filter, row_of("y|v"), &truth, &err)); /* ds decides, n is not looked at */
    assert_int_equal(truth, FILTER_FALSE);
}

/* One test a type, operator and bad value: Hive has no match, Glue an error. */
static void test_bad_values(void **state) {
    (void)state;
    static const char *const good[] = {"", "5", "'2024-01-02'", "'2024-01-02 03:04:05'", "'1.5'"};
    static const char *const bad[] = {"", "abc", "5 ", "2024-02-30", "2024-01-02 25:00:00", "1e", "__HIVE_DEFAULT_PARTITION__"};
    static const char *const forms[] = {"%s = %s", "%s <> %s", "%s < %s",    "%s <= %s",
                                        "%s > %s", "%s >= %s", "%s in (%s)", "%s not in (%s)"};
    FilterPolicy hive = filter_policy_hive(), glue = filter_policy_glue();
    for (size_t k = 1; k < 5; k++) {
        for (size_t f = 0; f < ARRAY_LEN(forms); f++) {
            char text[200], *mark;
            snprintf(text, sizeof text, "%s", forms[f]);
            mark = strstr(text, "%s");
            Str rest = str_from(mark + 2);
            size_t at = str_find(rest, STR("%s"));
            Str whole = arena_printf(unit_arena(), "%" STR_FMT "%" STR_FMT "%s%s", STR_ARG(typed_keys[k].name),
                                     STR_ARG(str_slice(rest, 0, at)), good[k], rest.ptr + at + 2);
            for (size_t v = 0; v < ARRAY_LEN(bad); v++) {
                StrList row = row_of("x");
                row.items[k] = str_from(bad[v]);
                Err err;
                FilterTruth truth;
                assert_ok(
                    filter_eval(unit_arena(), bound(filter_parse_hive, &hive, arena_cstr(unit_arena(), whole)), row, &truth, &err));
                assert_int_not_equal(truth, FILTER_TRUE);
                assert_err(
                    filter_eval(unit_arena(), bound(filter_parse_glue, &glue, arena_cstr(unit_arena(), whole)), row, &truth, &err),
                    ERR_INVALID_PARTITION_VALUE);
            }
        }
    }
}

/* ---- the same in SQL ---- */

static Pg *pg;
static PgConn *conn;
static char *url;

static int start(void **state) {
    if (pg_fixture_start(state)) {
        return 1;
    }
    Err err;
    url = pg_fixture_database();
    pg_fixture_sql(url, "CREATE SCHEMA IF NOT EXISTS propolis;"
                        "CREATE TABLE public.rows (id int, name text COLLATE \"C\", vals text[], key1 bytea);"
                        "CREATE TABLE public.tabs (id int, name text, type text, owner text, last_access bigint, params text[])");
    pg = pg_fixture_open(url);
    if (!pg_acquire(pg, PG_READ, deadline_in_ms(10000), &conn, &err)) {
        print_error("%s\n", err.message);
        return 1;
    }
    return 0;
}

static int stop(void **state) {
    pg_release(conn);
    pg_close(pg);
    free(url);
    return pg_fixture_stop(state);
}

static void exec(const char *sql, const PgArgs *args, PgRows *ret) {
    Err err;
    PgStmt stmt = {NULL, sql};
    if (!pg_exec(conn, &stmt, args, unit_arena(), ret, &err)) {
        fail_msg("%s | %s | %s", err.message, err.detail, sql);
    }
}

static void add_params(PgArgs *args, const FilterParams *params) {
    for (size_t i = 0; i < params->count; i++) {
        const FilterParam *p = &params->items[i];
        switch (p->kind) {
            case FILTER_PARAM_TEXT: pg_arg_text(args, p->value); break;
            case FILTER_PARAM_BYTES: pg_arg_bytes(args, p->value); break;
            case FILTER_PARAM_TEXT_LIST: pg_arg_texts(args, p->values); break;
            case FILTER_PARAM_BYTES_LIST: pg_arg_byteas(args, p->values); break;
        }
    }
}

enum { ROWS = 60, MAX_KEYS = 4 };

typedef struct World {
    FilterKey keys[MAX_KEYS];
    RangeKind kinds[MAX_KEYS];
    size_t key_count;
    StrList rows[ROWS];
    bool glue;
} World;

static const char *const type_names[] = {"string",  "varchar(20)", "char(4)",        "int",  "bigint",
                                         "tinyint", "smallint",    "decimal(38,10)", "date", "timestamp"};
static const char *const key_names[] = {"ds", "Hour", "a/b", "k_4"};
static const char *const texts[] = {
    "",
    "a",
    "b",
    "A",
    "aa",
    "ab",
    "a b",
    "a/b",
    "a=b",
    "a%b",
    "a%2Fb",
    "a_b",
    "%",
    "_",
    "a'b",
    "x\"y",
    "10:00",
    "ü",
    "üx",
    "日本",
    "\xF0\x9F\x90\x9D",
    "\xEE\x80\x80",
    "-",
    "0",
    "9",
    "10",
    "{[^]}",
    "\x01",
    "a.*",
    "a.b",
    "__HIVE_DEFAULT_PARTITION__",
    "a|b",
    "a+",
};
static const char *const numbers[] = {
    "0",   "-0", "+0", "1",    "01", "+1", "-1", "-01", "9", "10", "100", "99", "1000000000000", "-999999999999999999999999",
    "007", "2",  "20", "0020",
};
static const char *const decimals[] = {
    "0.0",
    "1.5",
    "1.50",
    "+1.5",
    "-1.5",
    ".5",
    "5.",
    "1e1",
    "1E+1",
    "3e10",
    "30000000000",
    "1e-3",
    "0.001",
    "-0.001",
    "12345678901234567890.123456789",
    "12345678901234567890.1234567891",
    "1e999",
    "-1e999",
    "1e-999",
};
static const char *const dates[] = {"2024-01-02", "2024-1-2",   "2024-01-2",  "2024-1-02",  "2024-02-29",
                                    "2023-12-31", "0001-01-01", "9999-12-31", "2024-10-01", "2024-01-10"};
static const char *const times[] = {
    "2024-01-02 03:04:05",
    "2024-01-02 03:04:05.1",
    "2024-01-02 03:04:05.10",
    "2024-01-02 03:04:05.000000001",
    "2024-01-02T03:04:05",
    "2024-01-02",
    "2024-01-02 00:00:00",
    "2024-01-02 03:04:06",
    "2023-12-31 23:59:59.999999999",
    "2024-01-02 03:04:05.",
    "2024-01-03",
    "2024-01-02T03:04:05.1",
};
static const char *const odd[] = {
    "abc",
    "5x",
    " 5",
    "5 ",
    "1e",
    "e1",
    ".",
    "-",
    "+",
    "--1",
    "0x10",
    "1_000",
    "NaN",
    "Infinity",
    "2023-02-29",
    "1900-02-29",
    "2000-02-29",
    "2024-13-01",
    "2024-00-10",
    "2024-04-31",
    "2024-01-02 24:00:00",
    "2024-01-02 03:04:60",
    "2024-01-02 3:04:05",
    "24-01-02",
    "2024-01-02\n",
    "5\n",
    "١",
    "１",
    "2024-01-02 03:04:05.1234567891",
    "2024-001-02",
    "123456789012345678901234567890123456789012345678901234567890123456789012345678901",
};

#define PICK(list) str_from((list)[unit_random_below(ARRAY_LEN(list))])

static Str long_text(void) {
    size_t len = 500 + unit_random_below(30);
    char *out = arena_alloc(unit_arena(), len);
    memset(out, 'z', len);
    out[len - 1] = unit_random_below(2) ? 'y' : 'z';
    return (Str){out, len};
}

/* Ends of months in any year, also those that do not exist. */
static Str month_end(void) {
    return arena_printf(unit_arena(), "%04d-%02d-%02d", (int)unit_random_below(10000), (int)unit_random_below(14),
                        28 + (int)unit_random_below(5));
}

static Str leap_day(void) { return arena_printf(unit_arena(), "%04d-02-29", 4 * (int)unit_random_below(2500)); }

static Str value_of_kind(RangeKind kind) {
    switch (kind) {
        case RANGE_INTEGER: return PICK(numbers);
        case RANGE_DECIMAL: return unit_random_below(2) ? PICK(decimals) : PICK(numbers);
        case RANGE_DATE: return unit_random_below(4) ? PICK(dates) : unit_random_below(2) ? month_end() : leap_day();
        case RANGE_TIMESTAMP: return PICK(times);
        default: return unit_random_below(12) ? PICK(texts) : long_text();
    }
}

static Str random_value(RangeKind kind, bool with_odd) {
    uint64_t dice = with_odd ? unit_random_below(12) : 12;
    return dice == 0   ? STR_NULL
           : dice == 1 ? STR("")
           : dice == 2 ? DEFAULT_PARTITION_NAME
           : dice < 5  ? PICK(odd)
                       : value_of_kind(kind);
}

static World *world_new(void) {
    World *w = ARENA_NEW(unit_arena(), World);
    w->key_count = 1 + unit_random_below(MAX_KEYS);
    w->glue = unit_random_below(2);
    StrList names = {ARENA_ARRAY(unit_arena(), Str, MAX_KEYS), w->key_count};
    for (size_t k = 0; k < w->key_count; k++) {
        names.items[k] = str_from(key_names[k]);
        w->keys[k] = (FilterKey){names.items[k], PICK(type_names)};
        w->kinds[k] = rangekey_kind(w->keys[k].type);
    }
    bool with_odd = unit_random_below(4) != 0;
    exec("TRUNCATE public.rows", NULL, NULL);
    for (size_t r = 0; r < ROWS; r++) {
        Err err;
        Str name, key1 = STR_NULL;
        w->rows[r] = (StrList){ARENA_ARRAY(unit_arena(), Str, w->key_count), w->key_count};
        for (size_t k = 0; k < w->key_count; k++) {
            w->rows[r].items[k] = random_value(w->kinds[k], with_odd);
        }
        if (!partname_make(unit_arena(), names, w->rows[r], STR_NULL, &name, &err)) {
            w->rows[r--].items = NULL; /* too long a name: another row */
            continue;
        }
        rangekey_encode(unit_arena(), w->kinds[0], w->rows[r].items[0], STR_NULL, &key1);
        PgArgs args = pg_args(unit_arena());
        pg_arg_i32(&args, (int32_t)r);
        pg_arg_text(&args, name);
        pg_arg_texts(&args, w->rows[r]);
        pg_arg_bytes(&args, key1);
        exec("INSERT INTO public.rows VALUES ($1, $2, $3, $4)", &args, NULL);
    }
    return w;
}

static void write_literal(const World *w, Buf *buf, RangeKind kind) {
    Str value = random_value(kind, unit_random_below(10) == 0);
    if (str_is_null(value)) {
        value = STR("");
    }
    bool number = kind == RANGE_INTEGER || (kind == RANGE_DECIMAL && unit_random_below(2));
    if (number && (!w->glue || unit_random_below(2)) && !str_eq(value, DEFAULT_PARTITION_NAME)) {
        buf_add(buf, value);
        return;
    }
    char quote = w->glue || !str_has_char(value, '\'') ? '\'' : '"';
    buf_add_char(buf, quote);
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] == quote) {
            buf_add_char(buf, quote);
        }
        buf_add_char(buf, value.ptr[i]);
    }
    buf_add_char(buf, quote);
}

static void write_like(Buf *buf, bool glue) {
    static const char *const patterns[] = {"'%'",   "'a%'", "'%b'",      "'_'",    "'a_b'", "'a\\%%'", "'.*b.*'", "'a.*'",
                                           "'%ü%'", "'a'",  "'__HIVE%'", "'\\_%'", "'日%'", "''",      "'a/%'"};
    buf_printf(buf, "%s like %s", glue && unit_random_below(4) == 0 ? " not" : "",
               patterns[unit_random_below(ARRAY_LEN(patterns))]);
}

static void write_leaf(const World *w, Buf *buf) {
    static const char *const ops[] = {"=", "=", "<>", "!=", "<", "<=", ">", ">="};
    size_t k = unit_random_below(w->key_count);
    const char *op = ops[unit_random_below(ARRAY_LEN(ops))];
    uint64_t form = unit_random_below(12);
    if (form == 0) {
        write_literal(w, buf, w->kinds[k]);
        buf_printf(buf, " %s `%" STR_FMT "`", op, STR_ARG(w->keys[k].name));
        return;
    }
    buf_printf(buf, "`%" STR_FMT "`", STR_ARG(w->keys[k].name));
    if (form == 1) {
        buf_add_cstr(buf, unit_random_below(2) ? " between " : " not between ");
        write_literal(w, buf, w->kinds[k]);
        buf_add_cstr(buf, " and ");
        write_literal(w, buf, w->kinds[k]);
    } else if (form < 4) {
        buf_add_cstr(buf, unit_random_below(3) ? " in (" : " not in (");
        for (uint64_t i = 0, n = 1 + unit_random_below(4); i < n; i++) {
            buf_add_cstr(buf, i ? ", " : "");
            write_literal(w, buf, w->kinds[k]);
        }
        buf_add_char(buf, ')');
    } else if (form < 6 && w->kinds[k] == RANGE_STRING) {
        write_like(buf, w->glue);
    } else if (form == 6 && w->glue) {
        buf_add_cstr(buf, unit_random_below(2) ? " is null" : " is not null");
    } else {
        buf_printf(buf, " %s ", op);
        write_literal(w, buf, w->kinds[k]);
    }
}

static void write_filter(const World *w, Buf *buf, int depth) {
    if (depth == 0 || unit_random_below(3) == 0) {
        write_leaf(w, buf);
        return;
    }
    bool negate = w->glue && unit_random_below(4) == 0;
    const char *join = unit_random_below(3) ? " and " : " or ";
    buf_add_cstr(buf, negate ? "not (" : "(");
    for (uint64_t i = 0, n = 1 + unit_random_below(3); i < n; i++) {
        buf_add_cstr(buf, i ? join : "");
        write_filter(w, buf, depth - 1);
    }
    buf_add_char(buf, ')');
}

/* Ids that FRAGMENT is true for, as flags. */
static void select_rows(const char *table, Str fragment, const FilterParams *params, bool *ret) {
    PgArgs args = pg_args(unit_arena());
    PgRows rows;
    add_params(&args, params);
    Str sql = arena_printf(unit_arena(), "SELECT id FROM public.%s AS t WHERE %" STR_FMT, table, STR_ARG(fragment));
    exec(arena_cstr(unit_arena(), sql), &args, &rows);
    memset(ret, 0, ROWS * sizeof *ret);
    for (size_t i = 0; i < rows.count; i++) {
        ret[pg_i32(&rows, i, 0, 0)] = true;
    }
}

static void check_same(const World *w, const Filter *filter, Str text) {
    CLEANUP(buf_free) Buf sql = BUF_INIT(1 << 20), detector = BUF_INIT(1 << 20);
    FilterParams params = {.first = 1}, bad_params = {.first = 1};
    bool found[ROWS], bad[ROWS] = {false}, needed;
    Err err;
    assert_ok(filter_sql(unit_arena(), filter, "t.", &sql, &params, &err));
    select_rows("rows", buf_str(&sql), &params, found);
    assert_ok(filter_sql_uncastable(unit_arena(), filter, "t.", &detector, &bad_params, &needed, &err));
    if (needed) {
        select_rows("rows", buf_str(&detector), &bad_params, bad);
    }
    for (size_t r = 0; r < ROWS; r++) {
        FilterTruth truth = FILTER_UNKNOWN;
        bool ok = filter_eval(unit_arena(), filter, w->rows[r], &truth, &err);
        if (found[r] != (ok && truth == FILTER_TRUE) || bad[r] == ok) {
            fail_msg("filter %.*s\nrow %zu: eval %s %d, sql %d, uncastable %d\n%.*s", (int)text.len, text.ptr, r,
                     ok ? "ok" : err.message, truth, found[r], bad[r], (int)sql.len, sql.ptr);
        }
    }
}

static void test_sql_agrees(void **state) {
    (void)state;
    size_t worlds = getenv("FILTER_WORLDS") ? strtoul(getenv("FILTER_WORLDS"), NULL, 10) : 40, checked = 0;
    FilterPolicy hive = filter_policy_hive(), glue = filter_policy_glue();
    for (size_t i = 0; i < worlds; i++) {
        World *w = world_new();
        FilterPolicy policy = w->glue ? glue : hive;
        policy.null_is_default = unit_random_below(2);
        for (int f = 0; f < 20; f++) {
            CLEANUP(buf_free) Buf text = BUF_INIT(1 << 20);
            Filter *filter;
            Err err;
            write_filter(w, &text, 3);
            Str copy = arena_str(unit_arena(), buf_str(&text));
            bool ok = w->glue ? filter_parse_glue(unit_arena(), copy, &filter, &err)
                              : filter_parse_hive(unit_arena(), copy, &filter, &err);
            if (ok && filter_bind(unit_arena(), filter, w->keys, w->key_count, &policy, &err)) {
                check_same(w, filter, copy);
                checked++;
            }
        }
        if (i % 20 == 19) {
            unit_teardown(state);
            unit_setup(state);
        }
    }
    assert_true(checked > worlds * 4);
}

/* ---- table fields ---- */

static Filter *table_filter(const char *text) {
    Err err;
    Filter *filter;
    assert_ok(filter_parse_hive(unit_arena(), str_from(text), &filter, &err));
    assert_ok(filter_bind_table_fields(unit_arena(), filter, &err));
    return filter;
}

static void test_table_fields(void **state) {
    (void)state;
    static const char *const yes[] = {
        "hive_filter_field_owner__ = \"Owner1\"",
        "hive_filter_field_owner__ LIKE \"Owner.*\"",
        "hive_filter_field_owner__ like 'Owner[0-9]'",
        "hive_filter_field_last_access__ >= 90 and hive_filter_field_last_access__ < 101",
        "hive_filter_field_last_access__ = 90",
        "hive_filter_field_params__table_type like \"ICEBERG\"",
        "hive_filter_field_params__presto_view = \"true\"",
        "hive_filter_field_params__test <> \"b\"",
        "hive_filter_field_params__spark.sql.x = 'y'",
        "hive_filter_field_params__num = 50",
        "hive_filter_field_params__num LIKE \"(50|60)\"",
        "hive_filter_field_tableName__ like 't.*'",
        "hive_filter_field_tableType__ = 'MANAGED_TABLE'",
        "hive_filter_field_params__nope = 'x' or hive_filter_field_owner__ != 'x'",
        "hive_filter_field_owner__ in ('a','Owner1')",
    };
    static const char *const no[] = {
        "hive_filter_field_owner__ = \"owner1\"",
        "hive_filter_field_params__nope <> \"b\"",
        "hive_filter_field_owner__ like \"wner\"",
        "hive_filter_field_params__test not in ('a')",
        "hive_filter_field_last_access__ between 91 and 100",
    };
    Params params = {0};
    static const char *const pairs[] = {"table_type", "ICEBERG",     "presto_view", "true", "test",
                                        "a",          "spark.sql.x", "y",           "num",  "50"};
    for (size_t i = 0; i < ARRAY_LEN(pairs); i += 2) {
        params_set(&params, unit_arena(), str_from(pairs[i]), str_from(pairs[i + 1]));
    }
    FilterTableRow row = {STR("tab"), STR("MANAGED_TABLE"), STR("Owner1"), true, 90, &params};
    PgArgs args = pg_args(unit_arena());
    pg_arg_params(&args, &params);
    exec("TRUNCATE public.tabs", NULL, NULL);
    exec("INSERT INTO public.tabs VALUES (1, 'tab', 'MANAGED_TABLE', 'Owner1', 90, $1), (2, 'x', NULL, NULL, NULL, NULL)", &args,
         NULL);
    for (size_t i = 0; i < ARRAY_LEN(yes) + ARRAY_LEN(no); i++) {
        bool expected = i < ARRAY_LEN(yes);
        Filter *filter = table_filter(expected ? yes[i] : no[i - ARRAY_LEN(yes)]);
        FilterTruth truth;
        Err err;
        bool found[ROWS];
        CLEANUP(buf_free) Buf sql = BUF_INIT(1 << 20);
        FilterParams sql_params = {.first = 1};
        assert_ok(filter_eval_table(unit_arena(), filter, &row, &truth, &err));
        assert_ok(filter_sql_table(unit_arena(), filter, "t.", &sql, &sql_params, &err));
        select_rows("tabs", buf_str(&sql), &sql_params, found);
        if ((truth == FILTER_TRUE) != expected || found[1] != expected || found[2]) {
            fail_msg("%s: eval %d, sql %d %d", expected ? yes[i] : no[i - ARRAY_LEN(yes)], truth, found[1], found[2]);
        }
    }
}

static void test_table_fields_refused(void **state) {
    (void)state;
    static const char *const bad[][2] = {
        {"ds = 'x'", "Invalid key name in filter"},
        {"hive_filter_field_last_access__ like '9'", "cannot be compared with LIKE"},
        {"hive_filter_field_params__a > '5'", "with =, <>, != and LIKE only"},
        {"hive_filter_field_last_access__ = 'x'", "integer"},
        {"hive_filter_field_owner__ like '('", "pattern"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        Err err;
        Filter *filter;
        assert_ok(filter_parse_hive(unit_arena(), str_from(bad[i][0]), &filter, &err));
        assert_err_says(filter_bind_table_fields(unit_arena(), filter, &err), ERR_INVALID_FILTER, bad[i][1]);
    }
}

/* A regular expression means to PostgreSQL what it means to us, and none makes it fail. */
static void test_regex_in_sql(void **state) {
    (void)state;
    static const char *const pieces[] = {
        "a",      "b",  ".",  "\\.",     "[a-c]",       "[^a]",  "\\d",   "\\W",      "\\S", "(a|b)", "(|a)",   "ü",    "\\Q.*\\E",
        "[\\w-]", "x*", "a+", "(ab){2}", "(?:b?){0,3}", "[A-Z]", "\\x41", "[\\s\\d]", "K",   "\\\\",  "[\\]^]", "a{0}", "(b*)*"};
    static const char *const subjects[] = {"",  "a", "b",  "ab", "abab", "A", "ü",      "Ü", ".*", "a.b", "1",
                                           "-", " ", "\\", "]",  "^",    "k", "\u212A", "x", "xx", "aK1"};
    for (int i = 0; i < 400; i++) {
        CLEANUP(buf_free) Buf text = BUF_INIT(1 << 16);
        Err err;
        const Regex *regex;
        buf_add_cstr(&text, unit_random_below(3) ? "" : "(?i)");
        for (uint64_t n = 1 + unit_random_below(3); n > 0; n--) {
            buf_add_cstr(&text, pieces[unit_random_below(ARRAY_LEN(pieces))]);
            buf_add_cstr(&text, unit_random_below(6) ? "" : "|");
        }
        assert_ok(regex_parse(unit_arena(), arena_str(unit_arena(), buf_str(&text)), &regex, &err));
        for (size_t s = 0; s < ARRAY_LEN(subjects); s++) {
            PgArgs args = pg_args(unit_arena());
            PgRows rows;
            pg_arg_text(&args, str_from(subjects[s]));
            pg_arg_text(&args, regex_sql(unit_arena(), regex));
            exec("SELECT $1::text COLLATE \"C\" ~ $2::text", &args, &rows);
            if (pg_bool(&rows, 0, 0) != regex_match(unit_arena(), regex, str_from(subjects[s]))) {
                fail_msg("%.*s on '%s': PostgreSQL says %d", (int)text.len, text.ptr, subjects[s], pg_bool(&rows, 0, 0));
            }
        }
    }
}

/* What the statement of a frequent filter looks like: the index conditions are there. */
static void test_index_conditions(void **state) {
    (void)state;
    static const struct {
        const char *filter, *part;
    } cases[] = {
        {"ds = 'x'", "name >= $1::text AND name < $2::text"}, {"ds > 'x'", "key1 >= $1::bytea"},
        {"ds in ('x','y')", "key1 = ANY ($1::bytea[])"},      {"ds like 'abc%'", "key1 >= $1::bytea AND key1 < $2::bytea"},
        {"n = 5 and ds = 'x'", "name >= $1::text"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buf_free) Buf sql = BUF_INIT(1 << 20);
        FilterParams params = {.first = 1};
        FilterPolicy hive = filter_policy_hive();
        Err err;
        assert_ok(filter_sql(unit_arena(), bound(filter_parse_hive, &hive, cases[i].filter), "", &sql, &params, &err));
        assert_str_contains(buf_str(&sql), cases[i].part);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        UNIT_TEST(test_hive_true),        UNIT_TEST(test_hive_no_match),   UNIT_TEST(test_default_partition),
        UNIT_TEST(test_glue_true),        UNIT_TEST(test_hive_refused),    UNIT_TEST(test_glue_refused),
        UNIT_TEST(test_limits),           UNIT_TEST(test_glue_uncastable), UNIT_TEST(test_bad_values),
        UNIT_TEST(test_index_conditions), UNIT_TEST(test_table_fields),    UNIT_TEST(test_table_fields_refused),
        UNIT_TEST(test_regex_in_sql),     UNIT_TEST(test_sql_agrees),
    };
    return cmocka_run_group_tests_name("filter", tests, start, stop);
}
