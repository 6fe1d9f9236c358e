#include "catalog/rangekey.h"

#include "base/buf.h"
#include "base/clock.h"
#include "catalog/partname.h"
#include "catalog/types.h"

RangeKind rangekey_kind(Str type) {
    switch (type_kind(type)) {
        case TYPE_STRING:
        case TYPE_VARCHAR:
        case TYPE_CHAR: return RANGE_STRING;
        case TYPE_TINYINT:
        case TYPE_SMALLINT:
        case TYPE_INT:
        case TYPE_BIGINT: return RANGE_INTEGER;
        case TYPE_DECIMAL: return RANGE_DECIMAL;
        case TYPE_DATE: return RANGE_DATE;
        case TYPE_TIMESTAMP: return RANGE_TIMESTAMP;
        default: return RANGE_NONE;
    }
}

/* A number as 0.d1d2d3... * 10^exponent with d1 and the last digit not zero; no digits: zero. */
typedef struct Number {
    bool negative;
    int exponent;
    size_t count;
    char digits[RANGEKEY_NUMBER_MAX];
} Number;

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static size_t digit_run(Str s) {
    size_t n = 0;
    while (n < s.len && is_digit(s.ptr[n])) {
        n++;
    }
    return n;
}

/* e[+-]ddd at the end of a number, or nothing. */
static bool parse_exponent(Str s, int *ret) {
    *ret = 0;
    if (s.len == 0) {
        return true;
    }
    if (s.ptr[0] != 'e' && s.ptr[0] != 'E') {
        return false;
    }
    s = str_skip(s, 1);
    bool negative = s.len && s.ptr[0] == '-';
    if (s.len && (s.ptr[0] == '-' || s.ptr[0] == '+')) {
        s = str_skip(s, 1);
    }
    int64_t value;
    if (s.len < 1 || s.len > 3 || digit_run(s) != s.len || !str_to_i64(s, &value)) {
        return false;
    }
    *ret = negative ? -(int)value : (int)value;
    return true;
}

/* Digits of S behind those that N holds; zeros in front of all do not count but move the point. */
static void take_digits(Number *n, Str s, bool fraction) {
    for (size_t i = 0; i < s.len; i++) {
        if (n->count || s.ptr[i] != '0') {
            n->digits[n->count++] = s.ptr[i];
            n->exponent += !fraction;
        } else {
            n->exponent -= fraction;
        }
    }
}

static bool parse_number(Str s, bool integer, Number *n) {
    *n = (Number){.negative = s.len && s.ptr[0] == '-'};
    if (s.len > RANGEKEY_NUMBER_MAX) {
        return false;
    }
    if (s.len && (s.ptr[0] == '-' || s.ptr[0] == '+')) {
        s = str_skip(s, 1);
    }
    Str whole = str_slice(s, 0, digit_run(s)), fraction = STR("");
    s = str_skip(s, whole.len);
    if (!integer && s.len && s.ptr[0] == '.') {
        s = str_skip(s, 1);
        fraction = str_slice(s, 0, digit_run(s));
        s = str_skip(s, fraction.len);
    }
    int exponent;
    if (whole.len + fraction.len == 0 || (integer && s.len) || !parse_exponent(s, &exponent)) {
        return false;
    }
    take_digits(n, whole, false);
    take_digits(n, fraction, true);
    n->exponent += exponent;
    while (n->count && n->digits[n->count - 1] == '0') {
        n->count--;
    }
    return true;
}

/* Sign byte; exponent; two digits a byte (1 + 0..99); 0 as the end. All but the sign is inverted for negative numbers. */
static void encode_number(Buf *buf, const Number *n) {
    if (n->count == 0) {
        buf_add_char(buf, 0x20);
        return;
    }
    buf_add_char(buf, n->negative ? 0x10 : 0x30);
    size_t from = buf->len;
    buf_add_be16(buf, (uint16_t)(0x8000 + n->exponent));
    for (size_t i = 0; i < n->count; i += 2) {
        int low = i + 1 < n->count ? n->digits[i + 1] - '0' : 0;
        buf_add_char(buf, (char)(1 + (n->digits[i] - '0') * 10 + low));
    }
    buf_add_char(buf, 0);
    for (size_t i = from; n->negative && i < buf->len; i++) {
        buf->ptr[i] = (char)~buf->ptr[i];
    }
}

typedef struct Moment {
    int64_t year;
    unsigned month, day, hour, minute, second, nanos;
} Moment;

/* Between LOW and HIGH digits off the front of *S. */
static bool take_number(Str *s, size_t low, size_t high, unsigned *ret) {
    size_t n = digit_run(str_slice(*s, 0, high));
    uint64_t value;
    if (n < low || !str_to_u64(str_slice(*s, 0, n), &value)) {
        return false;
    }
    *s = str_skip(*s, n);
    *ret = (unsigned)value;
    return true;
}

static bool take_char(Str *s, char c) {
    bool hit = s->len && s->ptr[0] == c;
    *s = str_skip(*s, hit);
    return hit;
}

static bool take_date(Str *s, size_t least_digits, Moment *m) {
    unsigned year;
    if (!take_number(s, 4, 4, &year) || !take_char(s, '-') || !take_number(s, least_digits, 2, &m->month) || !take_char(s, '-') ||
        !take_number(s, least_digits, 2, &m->day)) {
        return false;
    }
    m->year = year;
    return civil_is_valid(m->year, m->month, m->day);
}

static bool parse_date(Str s, Moment *m) {
    *m = (Moment){0};
    return take_date(&s, 1, m) && s.len == 0;
}

static bool take_fraction(Str *s, Moment *m) {
    unsigned value;
    size_t before = s->len;
    if (!take_number(s, 1, 9, &value)) {
        return false;
    }
    for (size_t digits = before - s->len; digits < 9; digits++) {
        value *= 10;
    }
    m->nanos = value;
    return true;
}

static bool parse_timestamp(Str s, Moment *m) {
    *m = (Moment){0};
    if (!take_date(&s, 2, m)) {
        return false;
    }
    if (s.len == 0) {
        return true;
    }
    if (!(take_char(&s, ' ') || take_char(&s, 'T')) || !take_number(&s, 2, 2, &m->hour) || !take_char(&s, ':') ||
        !take_number(&s, 2, 2, &m->minute) || !take_char(&s, ':') || !take_number(&s, 2, 2, &m->second)) {
        return false;
    }
    if (m->hour > 23 || m->minute > 59 || m->second > 59 || (take_char(&s, '.') && !take_fraction(&s, m))) {
        return false;
    }
    return s.len == 0;
}

static void encode_moment(Buf *buf, const Moment *m, bool with_time) {
    int64_t days = days_from_civil(m->year, m->month, m->day);
    if (!with_time) {
        buf_add_be32(buf, (uint32_t)(days + INT64_C(0x80000000)));
        return;
    }
    int64_t seconds = days * 86400 + m->hour * 3600 + m->minute * 60 + m->second;
    buf_add_be64(buf, (uint64_t)seconds ^ (UINT64_C(1) << 63));
    buf_add_be32(buf, m->nanos);
}

static bool encode(Buf *buf, RangeKind kind, Str value) {
    Number n;
    Moment m;
    switch (kind) {
        case RANGE_STRING: buf_add(buf, str_slice(value, 0, RANGEKEY_STRING_MAX)); return true;
        case RANGE_INTEGER:
        case RANGE_DECIMAL:
            if (!parse_number(value, kind == RANGE_INTEGER, &n)) {
                return false;
            }
            encode_number(buf, &n);
            return true;
        case RANGE_DATE:
        case RANGE_TIMESTAMP:
            if (!(kind == RANGE_DATE ? parse_date(value, &m) : parse_timestamp(value, &m))) {
                return false;
            }
            encode_moment(buf, &m, kind == RANGE_TIMESTAMP);
            return true;
        case RANGE_NONE: break;
    }
    return false;
}

bool rangekey_encode(Arena *arena, RangeKind kind, Str value, Str default_name, Str *ret) {
    if (kind == RANGE_STRING) {
        value = partname_effective(value, str_is_null(default_name) ? DEFAULT_PARTITION_NAME : default_name);
    }
    CLEANUP(buf_free) Buf buf = BUF_INIT(RANGEKEY_STRING_MAX);
    if (!encode(&buf, kind, value)) {
        return false;
    }
    *ret = arena_str(arena, buf_str(&buf));
    return true;
}

static Str moment_text(Arena *arena, const Moment *m, bool with_time) {
    Str date = arena_printf(arena, "%04d-%02u-%02u", (int)m->year, m->month, m->day);
    if (!with_time) {
        return date;
    }
    Str text = arena_printf(arena, "%" STR_FMT " %02u:%02u:%02u.%09u", STR_ARG(date), m->hour, m->minute, m->second, m->nanos);
    while (text.ptr[text.len - 1] == '0') {
        text.len--;
    }
    return m->nanos ? text : str_slice(text, 0, sizeof "yyyy-mm-dd hh:mm:ss" - 1);
}

/* All digits written out; false for a fraction or more than RANGEKEY_NUMBER_MAX digits. */
static bool integer_text(Arena *arena, const Number *n, Str *ret) {
    if (n->count == 0) {
        *ret = STR("0");
        return true;
    }
    if (n->exponent < (int)n->count || n->exponent + n->negative > RANGEKEY_NUMBER_MAX) {
        return false;
    }
    char zeros[RANGEKEY_NUMBER_MAX];
    memset(zeros, '0', sizeof zeros);
    *ret = arena_printf(arena, "%s%.*s%.*s", n->negative ? "-" : "", (int)n->count, n->digits, n->exponent - (int)n->count, zeros);
    return true;
}

bool rangekey_whole(Arena *arena, Str text, Str *ret) {
    Number n;
    return parse_number(text, false, &n) && integer_text(arena, &n, ret);
}

bool rangekey_canonical(Arena *arena, RangeKind kind, Str value, Str *ret) {
    Number n;
    Moment m;
    switch (kind) {
        case RANGE_STRING: *ret = value; return true;
        case RANGE_INTEGER: return parse_number(value, true, &n) && integer_text(arena, &n, ret);
        case RANGE_DECIMAL:
            if (!parse_number(value, false, &n)) {
                return false;
            }
            *ret = n.count == 0 ? STR("0")
                                : arena_printf(arena, "%s0.%.*se%d", n.negative ? "-" : "", (int)n.count, n.digits, n.exponent);
            return true;
        case RANGE_DATE:
        case RANGE_TIMESTAMP:
            if (!(kind == RANGE_DATE ? parse_date(value, &m) : parse_timestamp(value, &m))) {
                return false;
            }
            *ret = moment_text(arena, &m, kind == RANGE_TIMESTAMP);
            return true;
        case RANGE_NONE: break;
    }
    return false;
}
