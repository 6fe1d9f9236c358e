#include "cli/sse.h"

Sse cli_sse_new(void) { return (Sse){BUF_INIT(SSE_MAX_BYTES), BUF_INIT(SSE_MAX_BYTES), BUF_INIT(SSE_MAX_BYTES), false}; }

void cli_sse_free(Sse *sse) {
    buf_free(&sse->line);
    buf_free(&sse->data);
    buf_free(&sse->id);
}

static bool end_of_event(Sse *sse, SseEvent fn, void *arg) {
    bool go_on = true;
    if (sse->data.len) {
        Str data = buf_str(&sse->data);
        go_on = fn(buf_str(&sse->id), str_slice(data, 0, data.len - 1), arg); /* without the last line's newline */
    }
    buf_clear(&sse->data);
    return go_on;
}

static bool end_of_line(Sse *sse, SseEvent fn, void *arg) {
    Str line = buf_str(&sse->line);
    if (line.len == 0) {
        return end_of_event(sse, fn, arg);
    }
    size_t colon = MIN(str_find_char(line, ':'), line.len);
    Str field = str_slice(line, 0, colon), value = str_skip(line, colon + 1);
    value = str_starts(value, STR(" ")) ? str_skip(value, 1) : value;
    if (str_eq(field, STR("data"))) {
        buf_add(&sse->data, value);
        buf_add_char(&sse->data, '\n');
    } else if (str_eq(field, STR("id"))) {
        buf_clear(&sse->id);
        buf_add(&sse->id, value);
    }
    buf_clear(&sse->line);
    return !sse->data.failed;
}

bool cli_sse_feed(Sse *sse, Str bytes, SseEvent fn, void *arg) {
    for (size_t i = 0; i < bytes.len; i++) {
        char c = bytes.ptr[i];
        bool second_half = c == '\n' && sse->after_cr;
        sse->after_cr = c == '\r';
        if (second_half) {
            continue;
        }
        if (c != '\n' && c != '\r') {
            buf_add_char(&sse->line, c);
            if (sse->line.failed) {
                return false;
            }
        } else if (!end_of_line(sse, fn, arg)) {
            return false;
        }
    }
    return true;
}
