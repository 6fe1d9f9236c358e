/* Decimals of statistics: bytes of a big integer and a scale <-> exact text. */
#include "catalog/statistics.h"

enum { MAX_DIGITS = 4000, MAX_BYTES = 1700, MAX_LIMBS = MAX_BYTES / 4 + 1 };

/* Magnitude in base 2^32, lowest limb first. */
typedef struct Big {
    uint32_t limbs[MAX_LIMBS];
    size_t count;
} Big;

static void big_from_bytes(Big *b, Str bytes, bool negative) {
    b->count = (bytes.len + 3) / 4;
    memset(b->limbs, 0, b->count * sizeof b->limbs[0]);
    unsigned carry = negative;
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned byte = (unsigned char)bytes.ptr[bytes.len - 1 - i];
        if (negative) {
            byte = (byte ^ 0xFF) + carry;
            carry = byte >> 8;
            byte &= 0xFF;
        }
        b->limbs[i / 4] |= (uint32_t)byte << (i % 4 * 8);
    }
    if (carry && negative) { /* only for a magnitude of 2^(8n), which two's complement of n bytes cannot hold */
        b->limbs[b->count++] = 1;
    }
}

static void big_trim(Big *b) {
    while (b->count && b->limbs[b->count - 1] == 0) {
        b->count--;
    }
}

static uint32_t big_divide(Big *b, uint32_t by) {
    uint64_t rest = 0;
    for (size_t i = b->count; i-- > 0;) {
        rest = rest << 32 | b->limbs[i];
        b->limbs[i] = (uint32_t)(rest / by);
        rest %= by;
    }
    big_trim(b);
    return (uint32_t)rest;
}

static bool big_multiply_add(Big *b, uint32_t by, uint32_t plus) {
    uint64_t carry = plus;
    for (size_t i = 0; i < b->count; i++) {
        carry += (uint64_t)b->limbs[i] * by;
        b->limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry) {
        if (b->count == MAX_LIMBS) {
            return false;
        }
        b->limbs[b->count++] = (uint32_t)carry;
    }
    return true;
}

/* Digits of B, highest first, at the end of TEXT; B is used up. */
static Str big_digits(Big *b, char text[MAX_DIGITS + 200]) {
    size_t at = MAX_DIGITS + 200;
    do {
        uint32_t nine = big_divide(b, 1000000000);
        for (int i = 0; i < 9; i++, nine /= 10) {
            text[--at] = (char)('0' + nine % 10);
        }
    } while (b->count);
    while (at + 1 < MAX_DIGITS + 200 && text[at] == '0') {
        at++;
    }
    return (Str){text + at, MAX_DIGITS + 200 - at};
}

static void add_zeros(Buf *out, size_t count) {
    for (size_t i = 0; i < count; i++) {
        buf_add_char(out, '0');
    }
}

bool stat_decimal_text(const StatValue *v, Buf *out) {
    if (v->unscaled.len == 0 || v->unscaled.len > MAX_BYTES - 8 || v->scale > MAX_DIGITS || v->scale < -MAX_DIGITS) {
        return false;
    }
    bool negative = v->unscaled.ptr[0] & 0x80;
    Big big;
    big_from_bytes(&big, v->unscaled, negative);
    big_trim(&big);
    char text[MAX_DIGITS + 200];
    Str digits = big_digits(&big, text);
    size_t fraction = v->scale > 0 ? (size_t)v->scale : 0;
    size_t whole = digits.len > fraction ? digits.len - fraction : 0;
    buf_add_cstr(out, negative ? "-" : "");
    buf_add(out, whole ? str_slice(digits, 0, whole) : STR("0"));
    if (v->scale < 0 && !str_eq(digits, STR("0"))) {
        add_zeros(out, (size_t)-v->scale);
    }
    if (fraction) {
        buf_add_char(out, '.');
        add_zeros(out, fraction - MIN(fraction, digits.len));
        buf_add(out, str_skip(digits, whole));
    }
    return !out->failed;
}

/* The shortest two's complement form, as Java's BigInteger writes it. */
static Str big_to_bytes(Arena *arena, const Big *b, bool negative) {
    size_t length = b->count * 4 + 1;
    unsigned char *bytes = arena_zalloc(arena, length);
    unsigned carry = negative;
    for (size_t i = 0; i < length; i++) {
        unsigned byte = i / 4 < b->count ? b->limbs[i / 4] >> (i % 4 * 8) & 0xFF : 0;
        if (negative) {
            byte = (byte ^ 0xFF) + carry;
            carry = byte >> 8;
        }
        bytes[length - 1 - i] = (unsigned char)byte;
    }
    size_t skip = 0;
    while (skip + 1 < length && (bytes[skip] == 0x00 || bytes[skip] == 0xFF) && !((bytes[skip] ^ bytes[skip + 1]) & 0x80)) {
        skip++;
    }
    return (Str){(const char *)bytes + skip, length - skip};
}

bool stat_decimal_parse(Arena *arena, Str text, StatValue *ret) {
    bool negative = str_starts(text, STR("-"));
    Str rest = str_skip(text, negative);
    size_t point = str_find_char(rest, '.');
    size_t digits = rest.len - (point != SIZE_MAX);
    if (digits == 0 || digits > MAX_DIGITS || point == 0 || point == rest.len - 1) {
        return false;
    }
    Big big = {.count = 0};
    for (size_t i = 0; i < rest.len; i++) {
        char c = rest.ptr[i];
        if (i != point && (c < '0' || c > '9' || !big_multiply_add(&big, 10, (uint32_t)(c - '0')))) {
            return false;
        }
    }
    *ret = (StatValue){.given = true,
                       .unscaled = big_to_bytes(arena, &big, negative && big.count),
                       .scale = point == SIZE_MAX ? 0 : (int32_t)(rest.len - 1 - point)};
    return true;
}
