#include "base/log.h"

#include <pthread.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json_writer.h"

enum { LINE_MAX_BYTES = 8 * 1024 };

static struct {
    pthread_mutex_t lock;
    LogLevel least;
    bool json;
    void (*capture)(LogLevel, Str, void *);
    void *capture_arg;
} state = {.lock = PTHREAD_MUTEX_INITIALIZER, .least = LOG_INFO};

static _Thread_local struct { Str request_id, principal, peer; } context;

static const char *const LEVEL_NAMES[] = {"DEBUG", "INFO", "WARN", "ERROR"};

void log_setup(LogLevel least, bool json) {
    pthread_mutex_lock(&state.lock);
    __atomic_store_n(&state.least, least, __ATOMIC_RELAXED);
    state.json = json;
    pthread_mutex_unlock(&state.lock);
}

bool log_enabled(LogLevel level) { return level >= __atomic_load_n(&state.least, __ATOMIC_RELAXED); }

void log_context_set(Str request_id, Str principal, Str peer) {
    context.request_id = request_id;
    context.principal = principal;
    context.peer = peer;
}

void log_context_clear(void) { log_context_set(STR_NULL, STR_NULL, STR_NULL); }

void log_capture(void (*fn)(LogLevel, Str, void *), void *arg) {
    pthread_mutex_lock(&state.lock);
    state.capture = fn;
    state.capture_arg = arg;
    pthread_mutex_unlock(&state.lock);
}

static void json_member(JsonWriter *w, const char *key, Str value) {
    if (!str_is_empty(value)) {
        jw_key(w, str_from(key));
        jw_str(w, value);
    }
}

static void line_as_json(Buf *line, LogLevel level, const char *time, Str text) {
    JsonWriter w = jw_new(line);
    jw_object_begin(&w);
    json_member(&w, "time", str_from(time));
    json_member(&w, "level", str_from(LEVEL_NAMES[level]));
    json_member(&w, "request", context.request_id);
    json_member(&w, "principal", context.principal);
    json_member(&w, "peer", context.peer);
    json_member(&w, "message", text);
    jw_object_end(&w);
}

/* Control characters would let a client forge log lines. */
static void add_printable(Buf *line, Str text) {
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c < 0x20 || c == 0x7F) {
            buf_printf(line, "\\x%02X", c);
        } else {
            buf_add_char(line, (char)c);
        }
    }
}

static void text_member(Buf *line, const char *key, Str value) {
    if (!str_is_empty(value)) {
        buf_printf(line, " %s=", key);
        add_printable(line, value);
    }
}

static void line_as_text(Buf *line, LogLevel level, const char *time, Str text) {
    buf_printf(line, "%s %-5s ", time, LEVEL_NAMES[level]);
    add_printable(line, text);
    text_member(line, "request", context.request_id);
    text_member(line, "principal", context.principal);
    text_member(line, "peer", context.peer);
}

static void line_out(LogLevel level, Buf *line) {
    pthread_mutex_lock(&state.lock);
    if (state.capture) {
        state.capture(level, buf_str(line), state.capture_arg);
    } else {
        buf_add_char(line, '\n');
        ssize_t ignored = write(STDERR_FILENO, line->ptr, line->len);
        (void)ignored; /* nobody left to tell */
    }
    pthread_mutex_unlock(&state.lock);
}

void log_write(LogLevel level, const char *fmt, ...) {
    if (!log_enabled(level)) {
        return;
    }
    char text[LINE_MAX_BYTES / 2], time[32];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    time_format(clock_now(), time);
    Str message = {text, n < 0 ? 0 : MIN((size_t)n, sizeof text - 1)};
    CLEANUP(buf_free) Buf line = BUF_INIT(6 * LINE_MAX_BYTES);
    if (state.json) {
        line_as_json(&line, level, time, message);
    } else {
        line_as_text(&line, level, time, message);
    }
    line_out(level, &line);
}

void log_err(const Err *err, const char *what) {
    const ErrInfo *info = err_info(err->code);
    log_write(info->level, "%s: %s: %s%s%s (%s:%d)", what, info->name, err->message, err->detail[0] ? " | " : "", err->detail,
              err->file ? err->file : "?", err->line);
}
