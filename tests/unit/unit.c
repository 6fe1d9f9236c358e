#include "tests/unit/unit.h"

#include <pthread.h>

enum { MOST_EXPECTED = 32, LOG_BYTES = 1024 * 1024 };

static struct {
    pthread_mutex_t lock;
    Arena *arena;
    Buf lines;      /* all levels, one line each */
    Buf unexpected; /* WARN and above that nobody announced */
    char *expected[MOST_EXPECTED];
    bool seen[MOST_EXPECTED];
    size_t expected_count;
    bool ignore;
} unit = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void log_line(LogLevel level, Str line, void *arg) {
    (void)arg;
    pthread_mutex_lock(&unit.lock);
    if (unit.lines.len + line.len + 1 > LOG_BYTES) {
        buf_clear(&unit.lines);
    }
    buf_add(&unit.lines, line);
    buf_add_char(&unit.lines, '\n');
    bool announced = level < LOG_WARN || unit.ignore;
    for (size_t i = 0; i < unit.expected_count; i++) {
        if (str_find(line, str_from(unit.expected[i])) != SIZE_MAX) {
            unit.seen[i] = announced = true;
        }
    }
    if (!announced) {
        buf_add(&unit.unexpected, line);
        buf_add_char(&unit.unexpected, '\n');
    }
    pthread_mutex_unlock(&unit.lock);
}

static void forget_expected(void) {
    for (size_t i = 0; i < unit.expected_count; i++) {
        free(unit.expected[i]);
        unit.seen[i] = false;
    }
    unit.expected_count = 0;
}

int unit_setup(void **state) {
    (void)state;
    pthread_mutex_lock(&unit.lock);
    unit.arena = arena_new(64 * 1024 * 1024);
    unit.lines = unit.unexpected = BUF_INIT(2 * LOG_BYTES);
    unit.ignore = false;
    forget_expected();
    pthread_mutex_unlock(&unit.lock);
    log_setup(LOG_DEBUG, false);
    log_capture(log_line, NULL);
    return 0;
}

int unit_teardown(void **state) {
    (void)state;
    log_capture(NULL, NULL);
    pthread_mutex_lock(&unit.lock);
    int result = 0;
    if (unit.unexpected.len) {
        print_error("log lines nobody expected:\n%.*s", (int)unit.unexpected.len, unit.unexpected.ptr);
        result = -1;
    }
    for (size_t i = 0; i < unit.expected_count && !unit.ignore; i++) {
        if (!unit.seen[i]) {
            print_error("an expected log line never came: %s\n", unit.expected[i]);
            result = -1;
        }
    }
    forget_expected();
    buf_free(&unit.lines);
    buf_free(&unit.unexpected);
    arena_cleanup(&unit.arena);
    pthread_mutex_unlock(&unit.lock);
    return result;
}

Arena *unit_arena(void) { return unit.arena; }

void unit_expect_log(const char *text) {
    pthread_mutex_lock(&unit.lock);
    bool room = unit.expected_count < MOST_EXPECTED;
    if (room) {
        unit.expected[unit.expected_count++] = strdup(text);
    }
    pthread_mutex_unlock(&unit.lock);
    assert_true(room);
}

void unit_ignore_log(void) {
    pthread_mutex_lock(&unit.lock);
    unit.ignore = true;
    pthread_mutex_unlock(&unit.lock);
}

size_t unit_log_count(const char *text) {
    pthread_mutex_lock(&unit.lock);
    size_t count = 0;
    Str rest = buf_str(&unit.lines), line;
    while (str_split(&rest, '\n', &line)) {
        count += str_find(line, str_from(text)) != SIZE_MAX;
    }
    pthread_mutex_unlock(&unit.lock);
    return count;
}

/* splitmix64 */
uint64_t unit_random(void) {
    static uint64_t position;
    if (position == 0) {
        uint64_t seed = 1;
        const char *given = getenv("UNIT_SEED");
        (void)(given && str_to_u64(str_from(given), &seed));
        position = seed;
    }
    uint64_t z = position += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

uint64_t unit_random_below(uint64_t bound) { return unit_random() % bound; }

void unit_assert_str(Str actual, Str expected, const char *what, const char *file, int line) {
    if (!str_eq(actual, expected)) {
        print_error("%s is %s%" STR_FMT "%s\n  expected %s%" STR_FMT "%s\n", what, actual.ptr ? "\"" : "null", STR_ARG(actual),
                    actual.ptr ? "\"" : "", expected.ptr ? "\"" : "null", STR_ARG(expected), expected.ptr ? "\"" : "");
        _fail(file, line);
    }
}

void unit_assert_contains(Str actual, Str part, const char *what, const char *file, int line) {
    if (str_find(actual, part) == SIZE_MAX) {
        print_error("%s is \"%" STR_FMT "\"\n  and lacks \"%" STR_FMT "\"\n", what, STR_ARG(actual), STR_ARG(part));
        _fail(file, line);
    }
}

void unit_assert_ok(bool ok, const Err *err, const char *what, const char *file, int line) {
    if (!ok) {
        print_error("%s failed: %s: %s (%s) at %s:%d\n", what, err_info(err->code)->name, err->message, err->detail,
                    err->file ? err->file : "?", err->line);
        _fail(file, line);
    }
}

void unit_assert_err(bool ok, const Err *err, ErrCode code, const char *what, const char *file, int line) {
    if (ok) {
        print_error("%s succeeded, expected %s\n", what, err_info(code)->name);
        _fail(file, line);
    }
    if (err->code != code) {
        print_error("%s failed with %s (%s), expected %s\n", what, err_info(err->code)->name, err->message, err_info(code)->name);
        _fail(file, line);
    }
}
