/* Buf: bytes that grow up to a stated maximum. Past it (or out of memory) the buffer is marked failed and further
 * appends do nothing; the writer looks once, at the end, with buf_check(). */
#ifndef PROPOLIS_BASE_BUF_H
#define PROPOLIS_BASE_BUF_H

#include "base/err.h"

typedef struct Buf {
    char *ptr;
    size_t len, capacity, max;
    bool failed;
} Buf;

#define BUF_INIT(max_bytes) ((Buf){.max = (max_bytes)})

void buf_free(Buf *buf); /* also for CLEANUP(); the Buf can be used again afterwards */
static inline void buf_clear(Buf *buf) {
    buf->len = 0;
    buf->failed = false;
}
static inline Str buf_str(const Buf *buf) { return (Str){buf->ptr ? buf->ptr : "", buf->len}; }
bool buf_check(const Buf *buf, const char *what, Err *err) WARN_UNUSED;

char *buf_grow(Buf *buf, size_t bytes); /* the slow half of buf_reserve() */
/* Room for BYTES more behind len, or NULL and failed. */
static inline char *buf_reserve(Buf *buf, size_t bytes) {
    return !buf->failed && buf->capacity - buf->len >= bytes && buf->ptr ? buf->ptr + buf->len : buf_grow(buf, bytes);
}
static inline void buf_add_bytes(Buf *buf, const void *bytes, size_t count) {
    char *at = count ? buf_reserve(buf, count) : NULL;
    if (at) {
        memcpy(at, bytes, count);
        buf->len += count;
    }
}
static inline void buf_add(Buf *buf, Str s) { buf_add_bytes(buf, s.ptr, s.len); }
static inline void buf_add_char(Buf *buf, char c) {
    char *at = buf_reserve(buf, 1);
    if (at) {
        *at = c;
        buf->len++;
    }
}
void buf_add_cstr(Buf *buf, const char *text);
void buf_add_i64(Buf *buf, int64_t value);
void buf_printf(Buf *buf, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Big-endian integers, for PostgreSQL parameters, page tokens and canonical forms. */
void buf_add_be16(Buf *buf, uint16_t value);
void buf_add_be32(Buf *buf, uint32_t value);
void buf_add_be64(Buf *buf, uint64_t value);

/* Text forms of bytes. */
void buf_add_hex(Buf *buf, const void *bytes, size_t count);
void buf_add_base64(Buf *buf, Str bytes, bool url_safe_without_padding);
bool base64_decode(Str text, Buf *out); /* both alphabets, padding none or right; false when it cannot be base64 */
bool hex_decode(Str text, void *out, size_t out_bytes);

#endif
