#include "tests/unit/unit.h"

#include <pthread.h>

#include "base/json_reader.h"

static Buf caught;

static void catch_line(LogLevel level, Str line, void *arg) {
    (void)arg;
    buf_printf(&caught, "%d|%" STR_FMT "\n", (int)level, STR_ARG(line));
}

static int setup(void **state) {
    unit_setup(state);
    caught = BUF_INIT(1 << 20);
    log_capture(catch_line, NULL); /* instead of the rule of unit.h: here the lines are the subject */
    return 0;
}

static int teardown(void **state) {
    log_context_clear();
    log_setup(LOG_INFO, false);
    buf_free(&caught);
    return unit_teardown(state);
}

static void test_levels(void **state) {
    (void)state;
    log_setup(LOG_WARN, false);
    assert_false(log_enabled(LOG_INFO));
    log_debug("debug %d", 1);
    log_info("info %d", 2);
    log_warn("warn %d", 3);
    log_error("error %d", 4);
    assert_str_contains(buf_str(&caught), "2|");
    assert_str_contains(buf_str(&caught), "WARN  warn 3");
    assert_str_contains(buf_str(&caught), "3|");
    assert_int_equal(str_find(buf_str(&caught), STR("info")), SIZE_MAX);
    assert_int_equal(str_find(buf_str(&caught), STR("debug")), SIZE_MAX);
}

static void test_context_in_text(void **state) {
    (void)state;
    log_context_set(STR("r-1"), STR("ann"), STR_NULL);
    log_info("hello");
    assert_str_contains(buf_str(&caught), "INFO  hello");
    assert_str_contains(buf_str(&caught), "r-1");
    assert_str_contains(buf_str(&caught), "ann");
    assert_int_equal(str_find(buf_str(&caught), STR("peer")), SIZE_MAX);
    buf_clear(&caught);
    log_context_clear();
    log_info("hello");
    assert_int_equal(str_find(buf_str(&caught), STR("r-1")), SIZE_MAX);
}

/* What a client sends must not be able to look like a line of ours. */
static void test_no_forged_lines(void **state) {
    (void)state;
    log_context_set(STR("a\nb"), STR("p\x1B[31m"), STR_NULL);
    log_info("first\nsecond\r\x7F");
    size_t newlines = 0;
    for (size_t i = 0; i < caught.len; i++) {
        newlines += caught.ptr[i] == '\n';
        assert_true(caught.ptr[i] == '\n' || (unsigned char)caught.ptr[i] >= 0x20);
    }
    assert_int_equal(newlines, 1);
    assert_str_contains(buf_str(&caught), "first\\x0Asecond\\x0D\\x7F");
}

static void test_json_lines(void **state) {
    (void)state;
    Err err;
    json_t *line;
    log_setup(LOG_INFO, true);
    log_context_set(STR("r\"1"), STR_NULL, STR("127.0.0.1"));
    log_warn("a \"quoted\"\n\xFFtext");
    Str text = str_trim(str_skip(buf_str(&caught), 2));
    assert_ok(jr_parse(unit_arena(), text, 5, &line, &err));
    JsonAt top = jr_top(line);
    static const char *const rows[][2] = {
        {"level", "WARN"}, {"request", "r\"1"}, {"peer", "127.0.0.1"}, {"message", "a \"quoted\"\n\xEF\xBF\xBDtext"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        JsonAt at = jr_member(&top, rows[i][0]);
        Str value = STR_NULL;
        assert_ok(jr_str(&at, unit_arena(), &value, &err));
        assert_str(value, rows[i][1]);
    }
    JsonAt principal = jr_member(&top, "principal"), at = jr_member(&top, "time");
    assert_null(principal.value);
    Micros t = 0;
    assert_ok(jr_time(&at, unit_arena(), &t, &err));
    assert_true(llabs(clock_now() - t) < 60 * 1000000LL);
}

static void test_long_lines_are_cut(void **state) {
    (void)state;
    log_info("%*s|end", 100000, "x");
    assert_true(caught.len > 1000 && caught.len < 10000);
}

static void test_error_rows_choose_the_level(void **state) {
    (void)state;
    Err err;
    (void)err_set(&err, ERR_DATABASE_UNAVAILABLE, "The database is away.");
    err_detail(&err, "connection refused");
    log_err(&err, "list tables");
    assert_str_contains(buf_str(&caught), "2|");
    assert_str_contains(buf_str(&caught), "list tables: database_unavailable: The database is away. | connection refused (");
}

static void *many_lines(void *arg) {
    (void)arg;
    log_context_set(STR("thread"), STR_NULL, STR_NULL);
    for (int i = 0; i < 500; i++) {
        log_info("line %d of this thread", i);
    }
    return NULL;
}

static void test_threads(void **state) {
    (void)state;
    pthread_t threads[4];
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, many_lines, NULL), 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        pthread_join(threads[i], NULL);
    }
    size_t whole = 0;
    Str rest = buf_str(&caught), line;
    while (str_split(&rest, '\n', &line)) {
        whole += str_starts(line, STR("1|")) && str_find(line, STR("of this thread")) != SIZE_MAX;
    }
    assert_int_equal(whole, 2000);
}

static void test_expected_lines(void **state) {
    (void)state;
    unit_expect_log("disk is nearly full");
    log_warn("the disk is nearly full (%d %%)", 97);
    log_info("nobody has to announce this");
    assert_int_equal(unit_log_count("nobody"), 1);
}

/* The rule itself: run as if by the runner, on tests that must fail. */
static void test_unexpected_line_fails(void **state) {
    log_warn("surprise");
    assert_int_equal(unit_teardown(state), -1);
    unit_setup(state);
    unit_expect_log("never comes");
    assert_int_equal(unit_teardown(state), -1);
    unit_setup(state);
    unit_ignore_log();
    log_error("noise");
    assert_int_equal(unit_teardown(state), 0);
    unit_setup(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        UNIT_TEST_WITH(test_levels, setup, teardown),
        UNIT_TEST_WITH(test_context_in_text, setup, teardown),
        UNIT_TEST_WITH(test_no_forged_lines, setup, teardown),
        UNIT_TEST_WITH(test_json_lines, setup, teardown),
        UNIT_TEST_WITH(test_long_lines_are_cut, setup, teardown),
        UNIT_TEST_WITH(test_error_rows_choose_the_level, setup, teardown),
        UNIT_TEST_WITH(test_threads, setup, teardown),
        UNIT_TEST(test_expected_lines),
        UNIT_TEST(test_unexpected_line_fails),
    };
    return UNIT_RUN("log", tests);
}
