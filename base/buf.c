#include "base/buf.h"

void buf_free(Buf *buf) {
    free(buf->ptr);
    *buf = (Buf){.max = buf->max};
}

bool buf_check(const Buf *buf, const char *what, Err *err) {
    if (!buf->failed) {
        return true;
    }
    return err_set(err, ERR_REQUEST_TOO_LARGE, "%s would be larger than the limit of %zu bytes.", what, buf->max);
}

char *buf_grow(Buf *buf, size_t bytes) {
    if (buf->failed || bytes > buf->max - MIN(buf->len, buf->max)) {
        buf->failed = true;
        return NULL;
    }
    size_t want = MAX(buf->len + bytes, MAX(buf->capacity * 2, (size_t)256));
    want = MIN(want, buf->max);
    char *grown = want < SIZE_MAX ? realloc(buf->ptr, want + 1) : NULL; /* one more for the NUL of vsnprintf() */
    if (!grown) {
        buf->failed = true;
        return NULL;
    }
    buf->ptr = grown;
    buf->capacity = want;
    return buf->ptr + buf->len;
}

void buf_add_cstr(Buf *buf, const char *text) { buf_add_bytes(buf, text, strlen(text)); }

void buf_add_i64(Buf *buf, int64_t value) {
    char text[24], *at = text + sizeof text;
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        *--at = (char)('0' + magnitude % 10);
        magnitude /= 10;
    } while (magnitude);
    if (value < 0) {
        *--at = '-';
    }
    buf_add_bytes(buf, at, (size_t)(text + sizeof text - at));
}

void buf_printf(Buf *buf, const char *fmt, ...) {
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *at = n > 0 ? buf_reserve(buf, (size_t)n) : NULL;
    if (at) {
        vsnprintf(at, (size_t)n + 1, fmt, again);
        buf->len += (size_t)n;
    }
    buf->failed |= n < 0;
    va_end(again);
}

static void add_be(Buf *buf, uint64_t value, int bytes) {
    unsigned char out[8];
    for (int i = 0; i < bytes; i++) {
        out[i] = (unsigned char)(value >> (8 * (bytes - 1 - i)));
    }
    buf_add_bytes(buf, out, (size_t)bytes);
}

void buf_add_be16(Buf *buf, uint16_t value) { add_be(buf, value, 2); }
void buf_add_be32(Buf *buf, uint32_t value) { add_be(buf, value, 4); }
void buf_add_be64(Buf *buf, uint64_t value) { add_be(buf, value, 8); }

void buf_add_hex(Buf *buf, const void *bytes, size_t count) {
    static const char digits[] = "0123456789abcdef";
    const unsigned char *p = bytes;
    for (size_t i = 0; i < count; i++) {
        buf_add_char(buf, digits[p[i] >> 4]);
        buf_add_char(buf, digits[p[i] & 15]);
    }
}

void buf_add_base64(Buf *buf, Str bytes, bool url) {
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const char *digits = url ? safe : plain;
    const unsigned char *p = (const unsigned char *)bytes.ptr;
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = MIN(bytes.len - i, (size_t)3);
        uint32_t group = (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) | (left > 2 ? p[i + 2] : 0);
        char out[4] = {digits[group >> 18], digits[group >> 12 & 63], digits[group >> 6 & 63], digits[group & 63]};
        if (left < 3 && !url) {
            memset(out + left + 1, '=', 3 - left);
        }
        buf_add_bytes(buf, out, url ? left + 1 : 4);
    }
}

static int base64_value(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+' || c == '-') return 62;
    return c == '/' || c == '_' ? 63 : -1;
}

bool base64_decode(Str text, Buf *out) {
    size_t padding = 0;
    while (padding < 2 && text.len && text.ptr[text.len - 1] == '=') {
        text.len--;
        padding++;
    }
    if (text.len % 4 == 1 || (padding && (text.len + padding) % 4 != 0)) {
        return false;
    }
    uint32_t group = 0;
    int bits = 0;
    for (size_t i = 0; i < text.len; i++) {
        int v = base64_value(text.ptr[i]);
        if (v < 0) {
            return false;
        }
        group = group << 6 | (uint32_t)v;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            buf_add_char(out, (char)(group >> bits & 0xFF));
        }
    }
    return !out->failed && (group & ((1u << bits) - 1)) == 0; /* bits left over: something was cut off */
}

static int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool hex_decode(Str text, void *out, size_t out_bytes) {
    if (text.len != out_bytes * 2) {
        return false;
    }
    unsigned char *p = out;
    for (size_t i = 0; i < out_bytes; i++) {
        int high = hex_value(text.ptr[2 * i]), low = hex_value(text.ptr[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        p[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}
