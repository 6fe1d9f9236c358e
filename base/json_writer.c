#include "base/json_writer.h"

#include <math.h>

static void before_value(JsonWriter *w) {
    if (w->after_key) {
        w->after_key = false;
    } else if (w->need_comma) {
        buf_add_char(w->out, ',');
    }
    w->need_comma = true;
}

static void begin(JsonWriter *w, char bracket) {
    before_value(w);
    buf_add_char(w->out, bracket);
    w->need_comma = false;
    w->depth++;
}

static void end(JsonWriter *w, char bracket) {
    buf_add_char(w->out, bracket);
    w->need_comma = true;
    w->depth--;
}

void jw_object_begin(JsonWriter *w) { begin(w, '{'); }
void jw_object_end(JsonWriter *w) { end(w, '}'); }
void jw_array_begin(JsonWriter *w) { begin(w, '['); }
void jw_array_end(JsonWriter *w) { end(w, ']'); }

/* 0: copy as it is; otherwise the letter of the short escape, 'u' for \u00XX, 8 for "part of UTF-8, check". */
static const unsigned char ESCAPE[256] = {
    [0 ... 7] = 'u', ['\b'] = 'b',      ['\t'] = 't', ['\n'] = 'n',  [11] = 'u',   ['\f'] = 'f',
    ['\r'] = 'r',    [14 ... 31] = 'u', ['"'] = '"',  ['\\'] = '\\', [0x7F] = 'u', [0x80 ... 0xFF] = 8,
};

/* Each byte of a word at once: which of them are zero, as high bits; wrong only for bytes behind a zero. */
#define ALL_BYTES(byte) (0x0101010101010101ULL * (byte))
static uint64_t zero_bytes(uint64_t word) { return (word - ALL_BYTES(1)) & ~word; }

/* Whether any of 8 bytes has an entry in ESCAPE. */
static bool escapes8(const char *at) {
    uint64_t v;
    memcpy(&v, at, sizeof v);
    uint64_t found = v | ((v - ALL_BYTES(0x20)) & ~v) | zero_bytes(v ^ ALL_BYTES('"')) | zero_bytes(v ^ ALL_BYTES('\\')) |
                     zero_bytes(v ^ ALL_BYTES(0x7F));
    return found & ALL_BYTES(0x80);
}

static bool is_plain(Str s) {
    size_t i = 0;
    for (; i + 8 <= s.len; i += 8) {
        if (escapes8(s.ptr + i)) {
            return false;
        }
    }
    for (; i < s.len; i++) {
        if (ESCAPE[(unsigned char)s.ptr[i]]) {
            return false;
        }
    }
    return true;
}

/* What is known to need no escape, and BEHIND it. */
static void quoted_plain(Buf *out, Str s, Str behind) {
    size_t bytes = s.len + 2 + behind.len;
    char *at = buf_reserve(out, bytes);
    if (at) {
        *at++ = '"';
        memcpy(at, s.ptr, s.len);
        at[s.len] = '"';
        memcpy(at + s.len + 1, behind.ptr, behind.len);
        out->len += bytes;
    }
}

static void quoted(Buf *out, Str s) {
    if (s.len && is_plain(s)) { /* as nearly all are */
        quoted_plain(out, s, STR(""));
        return;
    }
    buf_add_char(out, '"');
    while (s.len) {
        size_t plain = 0;
        while (plain < s.len && !ESCAPE[(unsigned char)s.ptr[plain]]) {
            plain++;
        }
        buf_add(out, str_slice(s, 0, plain));
        s = str_skip(s, plain);
        if (s.len == 0) {
            break;
        }
        unsigned char c = (unsigned char)s.ptr[0];
        if (ESCAPE[c] == 8) {
            Str rest = s;
            uint32_t ignored;
            if (utf8_next(&rest, &ignored)) {
                buf_add(out, str_slice(s, 0, s.len - rest.len));
                s = rest;
            } else {
                buf_add(out, STR("\xEF\xBF\xBD"));
                s = str_skip(s, 1);
            }
            continue;
        }
        if (ESCAPE[c] == 'u') {
            buf_printf(out, "\\u%04x", c);
        } else {
            buf_add_char(out, '\\');
            buf_add_char(out, (char)ESCAPE[c]);
        }
        s = str_skip(s, 1);
    }
    buf_add_char(out, '"');
}

void jw_key(JsonWriter *w, Str key) {
    before_value(w);
    quoted(w->out, key);
    buf_add_char(w->out, ':');
    w->after_key = true;
}

/* Keys in the code are plain. */
static void key_of_code(JsonWriter *w, const char *key) {
    before_value(w);
    quoted_plain(w->out, str_from(key), STR(":"));
    w->after_key = true;
}

void jw_str(JsonWriter *w, Str s) {
    if (str_is_null(s)) {
        jw_null(w);
        return;
    }
    before_value(w);
    quoted(w->out, s);
}

void jw_i64(JsonWriter *w, int64_t value) {
    before_value(w);
    buf_add_i64(w->out, value);
}

void jw_double(JsonWriter *w, double value) {
    if (!isfinite(value)) {
        jw_null(w);
        return;
    }
    before_value(w);
    char text[32];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    buf_add_cstr(w->out, text);
    if (!strpbrk(text, ".e")) {
        buf_add_cstr(w->out, ".0");
    }
}

void jw_bool(JsonWriter *w, bool value) { jw_raw(w, value ? STR("true") : STR("false")); }
void jw_null(JsonWriter *w) { jw_raw(w, STR("null")); }

void jw_raw(JsonWriter *w, Str text) {
    before_value(w);
    buf_add(w->out, text);
}

void jw_time(JsonWriter *w, Micros t) {
    if (t == MICROS_NONE) {
        jw_null(w);
        return;
    }
    char text[32];
    time_format(t, text);
    before_value(w);
    quoted_plain(w->out, str_from(text), STR(""));
}

void jw_params(JsonWriter *w, const Params *params) {
    jw_object_begin(w);
    for (size_t i = 0; i < params->count; i++) {
        jw_key(w, params->items[i].key);
        jw_str(w, params->items[i].value);
    }
    jw_object_end(w);
}

void jw_strs(JsonWriter *w, StrList list) {
    jw_array_begin(w);
    for (size_t i = 0; i < list.count; i++) {
        jw_str(w, list.items[i]);
    }
    jw_array_end(w);
}

void jw_put_str(JsonWriter *w, const char *key, Str s) {
    if (!str_is_null(s)) {
        key_of_code(w, key);
        jw_str(w, s);
    }
}

void jw_put_i64(JsonWriter *w, const char *key, int64_t value) {
    key_of_code(w, key);
    jw_i64(w, value);
}

void jw_put_bool(JsonWriter *w, const char *key, bool value) {
    key_of_code(w, key);
    jw_bool(w, value);
}

void jw_put_time(JsonWriter *w, const char *key, Micros t) {
    if (t != MICROS_NONE) {
        key_of_code(w, key);
        jw_time(w, t);
    }
}

void jw_put_params(JsonWriter *w, const char *key, const Params *params) {
    key_of_code(w, key);
    jw_params(w, params);
}

void jw_put_strs(JsonWriter *w, const char *key, StrList list) {
    key_of_code(w, key);
    jw_strs(w, list);
}
