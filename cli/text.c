#include "cli/text.h"

typedef struct Range {
    uint32_t first, last;
} Range;

static const Range ZERO[] = {{0x300, 0x36F},   {0x483, 0x489},    {0x591, 0x5BD},   {0x610, 0x61A},   {0x64B, 0x65F},
                             {0x93C, 0x93C},   {0x94D, 0x94D},    {0xE31, 0xE31},   {0xE34, 0xE3A},   {0xE47, 0xE4E},
                             {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF},  {0x200B, 0x200D}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F},
                             {0xFE20, 0xFE2F}, {0xE0100, 0xE01EF}};
static const Range WIDE[] = {{0x1100, 0x115F},   {0x231A, 0x231B},  {0x2E80, 0x303E}, {0x3041, 0x33FF},   {0x3400, 0x4DBF},
                             {0x4E00, 0x9FFF},   {0xA000, 0xA4CF},  {0xA960, 0xA97F}, {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},
                             {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},  {0xFFE0, 0xFFE6}, {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF},
                             {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD}};
/* C1 controls and what changes the direction of text or hides in it. */
static const Range UNSAFE[] = {{0x7F, 0x9F},     {0x61C, 0x61C},   {0x200E, 0x200F}, {0x2028, 0x202E},
                               {0x2066, 0x2069}, {0xFEFF, 0xFEFF}, {0xFFF9, 0xFFFB}, {0xE0000, 0xE007F}};

static bool in_ranges(uint32_t c, const Range *ranges, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (c >= ranges[i].first && c <= ranges[i].last) {
            return true;
        }
    }
    return false;
}

static bool is_unsafe(uint32_t c) { return c < 0x20 || (c >= 0x7F && in_ranges(c, UNSAFE, ARRAY_LEN(UNSAFE))); }

static size_t char_width(uint32_t c) {
    if (c < 0x300) {
        return 1;
    }
    return in_ranges(c, ZERO, ARRAY_LEN(ZERO)) ? 0 : in_ranges(c, WIDE, ARRAY_LEN(WIDE)) ? 2 : 1;
}

/* One character of REST in its safe form, and the columns that it takes. */
static size_t next_safe(Str *rest, char out[16], size_t *ret_bytes) {
    Str before = *rest;
    uint32_t c;
    int n;
    if (!utf8_next(rest, &c)) {
        *rest = str_skip(before, 1);
        n = snprintf(out, 16, "\\x%02x", (unsigned char)before.ptr[0]);
    } else if (c == '\n' || c == '\t' || c == '\r') {
        n = snprintf(out, 16, "\\%c", c == '\n' ? 'n' : c == '\t' ? 't' : 'r');
    } else if (is_unsafe(c)) {
        n = snprintf(out, 16, c < 0x100 ? "\\x%02x" : "\\u%04x", c);
    } else {
        *ret_bytes = before.len - rest->len;
        memcpy(out, before.ptr, *ret_bytes);
        return char_width(c);
    }
    *ret_bytes = (size_t)n;
    return (size_t)n;
}

size_t cli_text_width(Str s) {
    char ignored[16];
    size_t bytes, width = 0;
    while (s.len) {
        width += next_safe(&s, ignored, &bytes);
    }
    return width;
}

void cli_text_add_safe(Buf *out, Str s) { cli_text_add_cut(out, s, 0); }

size_t cli_text_add_cut(Buf *out, Str s, size_t width) {
    bool cut = width && cli_text_width(s) > width;
    size_t room = cut ? width - 1 : SIZE_MAX, used = 0;
    while (s.len) {
        char safe[16];
        size_t bytes, columns = next_safe(&s, safe, &bytes);
        if (used + columns > room) {
            break;
        }
        buf_add_bytes(out, safe, bytes);
        used += columns;
    }
    if (cut) {
        buf_add_cstr(out, "\xE2\x80\xA6");
        used++;
    }
    return used;
}

static void add_json_escape(Buf *out, uint32_t c) {
    if (c >= 0x10000) {
        c -= 0x10000;
        buf_printf(out, "\\u%04x\\u%04x", 0xD800 + (c >> 10), 0xDC00 + (c & 0x3FF));
    } else {
        buf_printf(out, "\\u%04x", c);
    }
}

void cli_text_add_safe_json(Buf *out, Str s) {
    while (s.len) {
        Str before = s;
        uint32_t c;
        if (!utf8_next(&s, &c)) {
            s = str_skip(before, 1);
            buf_add_char(out, '?');
        } else if (c != '\n' && is_unsafe(c)) {
            add_json_escape(out, c);
        } else {
            buf_add(out, str_slice(before, 0, before.len - s.len));
        }
    }
}
