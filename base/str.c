#include "base/str.h"

#include <math.h>

Str str_from(const char *c_string) { return c_string ? (Str){c_string, strlen(c_string)} : STR_NULL; }

bool str_eq(Str a, Str b) {
    if (!a.ptr || !b.ptr) {
        return a.ptr == b.ptr;
    }
    return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

static unsigned char lower(char c) {
    unsigned char u = (unsigned char)c;
    return u >= 'A' && u <= 'Z' ? (unsigned char)(u + 32) : u;
}

bool str_eq_nocase(Str a, Str b) {
    if (!a.ptr || !b.ptr) {
        return a.ptr == b.ptr;
    }
    return a.len == b.len && str_starts_nocase(a, b);
}

int str_cmp(Str a, Str b) {
    if (!a.ptr || !b.ptr) {
        return (a.ptr != NULL) - (b.ptr != NULL);
    }
    int c = memcmp(a.ptr, b.ptr, MIN(a.len, b.len));
    return c ? c : (a.len > b.len) - (a.len < b.len);
}

int str_cmp_void(const void *a, const void *b) { return str_cmp(*(const Str *)a, *(const Str *)b); }

bool str_starts(Str s, Str prefix) {
    return s.ptr && s.len >= prefix.len && (prefix.len == 0 || memcmp(s.ptr, prefix.ptr, prefix.len) == 0);
}

bool str_ends(Str s, Str suffix) { return s.len >= suffix.len && str_starts(str_skip(s, s.len - suffix.len), suffix); }

bool str_starts_nocase(Str s, Str prefix) {
    if (s.len < prefix.len) {
        return false;
    }
    for (size_t i = 0; i < prefix.len; i++) {
        if (lower(s.ptr[i]) != lower(prefix.ptr[i])) {
            return false;
        }
    }
    return true;
}

size_t str_find_char(Str s, char c) {
    const char *at = s.len ? memchr(s.ptr, c, s.len) : NULL;
    return at ? (size_t)(at - s.ptr) : SIZE_MAX;
}

size_t str_rfind_char(Str s, char c) {
    const char *at = s.len ? memrchr(s.ptr, c, s.len) : NULL;
    return at ? (size_t)(at - s.ptr) : SIZE_MAX;
}

bool str_has_char(Str s, char c) { return str_find_char(s, c) != SIZE_MAX; }

size_t str_find(Str s, Str needle) {
    if (needle.len == 0) {
        return s.ptr ? 0 : SIZE_MAX;
    }
    const char *at = s.len ? memmem(s.ptr, s.len, needle.ptr, needle.len) : NULL;
    return at ? (size_t)(at - s.ptr) : SIZE_MAX;
}

Str str_slice(Str s, size_t from, size_t to) {
    to = MIN(to, s.len);
    from = MIN(from, to);
    return (Str){s.ptr ? s.ptr + from : NULL, to - from};
}

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

Str str_trim(Str s) {
    while (s.len && is_space(s.ptr[0])) {
        s = str_skip(s, 1);
    }
    while (s.len && is_space(s.ptr[s.len - 1])) {
        s.len--;
    }
    return s;
}

bool str_split(Str *rest, char separator, Str *ret_part) {
    if (str_is_null(*rest)) {
        return false;
    }
    size_t at = str_find_char(*rest, separator);
    if (at == SIZE_MAX) {
        *ret_part = *rest;
        *rest = STR_NULL;
    } else {
        *ret_part = str_slice(*rest, 0, at);
        *rest = str_skip(*rest, at + 1);
    }
    return true;
}

bool str_to_u64(Str s, uint64_t *ret) {
    if (s.len == 0) {
        return false;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9' || __builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, (uint64_t)(s.ptr[i] - '0'), &value)) {
            return false;
        }
    }
    *ret = value;
    return true;
}

bool str_to_i64(Str s, int64_t *ret) {
    bool negative = s.len && s.ptr[0] == '-';
    uint64_t magnitude;
    if (!str_to_u64(str_skip(s, negative), &magnitude) || magnitude > (uint64_t)INT64_MAX + negative) {
        return false;
    }
    *ret = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

bool str_to_double(Str s, double *ret) {
    char copy[64];
    if (s.len == 0 || s.len >= sizeof copy) {
        return false;
    }
    for (size_t i = 0; i < s.len; i++) {
        if (!memchr("0123456789+-.eE", s.ptr[i], 15)) {
            return false; /* strtod() would take spaces, hexadecimal, "inf" and "nan" */
        }
    }
    memcpy(copy, s.ptr, s.len);
    copy[s.len] = 0;
    char *end;
    double value = strtod(copy, &end);
    if (end != copy + s.len || !isfinite(value)) {
        return false;
    }
    *ret = value;
    return true;
}

bool utf8_next(Str *rest, uint32_t *ret_code_point) {
    if (rest->len == 0) {
        return false;
    }
    const unsigned char *p = (const unsigned char *)rest->ptr;
    static const uint32_t smallest[5] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = p[0] < 0x80 ? 1 : (p[0] & 0xE0) == 0xC0 ? 2 : (p[0] & 0xF0) == 0xE0 ? 3 : (p[0] & 0xF8) == 0xF0 ? 4 : 0;
    if (n == 0 || n > rest->len) {
        return false;
    }
    uint32_t cp = n == 1 ? p[0] : p[0] & (0x7Fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xC0) != 0x80) {
            return false;
        }
        cp = cp << 6 | (p[i] & 0x3F);
    }
    if (cp < smallest[n] || cp > 0x10FFFF || (cp >= 0xD800 && cp <= 0xDFFF)) {
        return false;
    }
    *rest = str_skip(*rest, n);
    *ret_code_point = cp;
    return true;
}

bool utf8_valid(Str s) {
    uint32_t ignored;
    while (s.len) {
        if ((unsigned char)s.ptr[0] < 0x80) {
            s = str_skip(s, 1);
        } else if (!utf8_next(&s, &ignored)) {
            return false;
        }
    }
    return true;
}

size_t utf8_length(Str s) {
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        n += ((unsigned char)s.ptr[i] & 0xC0) != 0x80;
    }
    return n;
}

size_t utf8_encode(uint32_t c, char out[4]) {
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (c & 0x3F));
        c >>= 6;
    }
    out[0] = (char)((0xF00u >> n & 0xFF) | c);
    return n;
}
