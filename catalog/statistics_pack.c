/* How the numbers of one statistic are packed for the store.
 *
 *   byte 0   version of the form, 1
 *   byte 1   flags: 1 low given, 2 high given
 *   then     nulls, and by kind
 *            boolean            trues, falses
 *            long date timestamp   distinct, [low], [high]
 *            double             distinct, [low], [high] as 8 bytes
 *            decimal            distinct, [low], [high] as scale, length, bytes
 *            string             distinct, max length, average length as 8 bytes
 *            binary             max length, average length as 8 bytes
 *
 * Integers are zigzag varints: seven bits a byte, lowest first. Doubles are their IEEE bits, big endian, so that every
 * value, NaN and -0 included, comes back as it was. */
#include "catalog/statistics.h"

enum { FORM = 1, HAS_LOW = 1, HAS_HIGH = 2 };

static const char *const KIND_NAMES[] = {
    [STAT_BOOLEAN] = "boolean", [STAT_LONG] = "long",       [STAT_DOUBLE] = "double", [STAT_STRING] = "string",
    [STAT_BINARY] = "binary",   [STAT_DECIMAL] = "decimal", [STAT_DATE] = "date",     [STAT_TIMESTAMP] = "timestamp",
};

bool stat_kind_valid(int64_t kind) { return kind >= STAT_BOOLEAN && kind <= STAT_TIMESTAMP; }
const char *stat_kind_name(StatKind kind) { return stat_kind_valid(kind) ? KIND_NAMES[kind] : "unknown"; }

bool stat_kind_by_name(Str name, StatKind *ret) {
    for (int kind = STAT_BOOLEAN; kind <= STAT_TIMESTAMP; kind++) {
        if (str_eq(name, str_from(KIND_NAMES[kind]))) {
            *ret = (StatKind)kind;
            return true;
        }
    }
    return false;
}

/* --- writing --------------------------------------------------------------------------------------------------- */

static void put_int(Buf *out, int64_t value) {
    uint64_t v = ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0);
    while (v >= 0x80) {
        buf_add_char(out, (char)(v | 0x80));
        v >>= 7;
    }
    buf_add_char(out, (char)v);
}

static void put_double(Buf *out, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    buf_add_be64(out, bits);
}

static void put_bound(Buf *out, StatKind kind, const StatValue *v) {
    if (!v->given) {
        return;
    }
    if (kind == STAT_DOUBLE) {
        put_double(out, v->real);
    } else if (kind == STAT_DECIMAL) {
        put_int(out, v->scale);
        put_int(out, (int64_t)v->unscaled.len);
        buf_add(out, v->unscaled);
    } else {
        put_int(out, v->integer);
    }
}

void statistic_pack(const ColumnStatistic *s, Buf *out) {
    buf_add_char(out, FORM);
    buf_add_char(out, (char)((s->low.given ? HAS_LOW : 0) | (s->high.given ? HAS_HIGH : 0)));
    put_int(out, s->nulls);
    switch (s->kind) {
        case STAT_BOOLEAN:
            put_int(out, s->trues);
            put_int(out, s->falses);
            break;
        case STAT_STRING:
            put_int(out, s->distinct);
            put_int(out, s->max_length);
            put_double(out, s->average_length);
            break;
        case STAT_BINARY:
            put_int(out, s->max_length);
            put_double(out, s->average_length);
            break;
        case STAT_LONG:
        case STAT_DOUBLE:
        case STAT_DECIMAL:
        case STAT_DATE:
        case STAT_TIMESTAMP:
            put_int(out, s->distinct);
            put_bound(out, s->kind, &s->low);
            put_bound(out, s->kind, &s->high);
            break;
    }
}

/* --- reading --------------------------------------------------------------------------------------------------- */

typedef struct Reader {
    Str rest;
    bool bad;
} Reader;

static unsigned char take_byte(Reader *r) {
    if (r->rest.len == 0) {
        r->bad = true;
        return 0;
    }
    unsigned char byte = (unsigned char)r->rest.ptr[0];
    r->rest = (Str){r->rest.ptr + 1, r->rest.len - 1};
    return byte;
}

static int64_t take_int(Reader *r) {
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        unsigned char byte = take_byte(r);
        uint64_t bits = byte & 0x7F;
        if (shift == 63 && bits > 1) {
            break;
        }
        v |= bits << shift;
        if (!(byte & 0x80)) {
            return (int64_t)((v >> 1) ^ (v & 1 ? UINT64_MAX : 0));
        }
    }
    r->bad = true;
    return 0;
}

static double take_double(Reader *r) {
    uint64_t bits = 0;
    for (int i = 0; i < 8; i++) {
        bits = bits << 8 | take_byte(r);
    }
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void take_decimal(Reader *r, StatValue *v) {
    int64_t scale = take_int(r), length = take_int(r);
    if (scale < INT32_MIN || scale > INT32_MAX || length < 0 || (uint64_t)length > r->rest.len) {
        r->bad = true;
        return;
    }
    v->scale = (int32_t)scale;
    v->unscaled = str_slice(r->rest, 0, (size_t)length);
    r->rest = str_skip(r->rest, (size_t)length);
}

static void take_bound(Reader *r, StatKind kind, bool given, StatValue *v) {
    *v = (StatValue){.given = given};
    if (!given) {
        return;
    }
    if (kind == STAT_DOUBLE) {
        v->real = take_double(r);
    } else if (kind == STAT_DECIMAL) {
        take_decimal(r, v);
    } else {
        v->integer = take_int(r);
    }
}

static void take_numbers(Reader *r, StatKind kind, unsigned flags, ColumnStatistic *s) {
    s->nulls = take_int(r);
    switch (kind) {
        case STAT_BOOLEAN:
            s->trues = take_int(r);
            s->falses = take_int(r);
            break;
        case STAT_STRING:
        case STAT_BINARY:
            s->distinct = kind == STAT_STRING ? take_int(r) : 0;
            s->max_length = take_int(r);
            s->average_length = take_double(r);
            break;
        case STAT_LONG:
        case STAT_DOUBLE:
        case STAT_DECIMAL:
        case STAT_DATE:
        case STAT_TIMESTAMP:
            s->distinct = take_int(r);
            take_bound(r, kind, flags & HAS_LOW, &s->low);
            take_bound(r, kind, flags & HAS_HIGH, &s->high);
            break;
    }
}

bool statistic_unpack(Str packed, StatKind kind, ColumnStatistic *ret, Err *err) {
    Reader r = {packed, !stat_kind_valid(kind)};
    unsigned char form = take_byte(&r);
    unsigned char flags = take_byte(&r);
    ColumnStatistic s = *ret;
    s.kind = kind;
    s.low = s.high = (StatValue){0};
    if (!r.bad && form == FORM && !(flags & ~(HAS_LOW | HAS_HIGH))) {
        take_numbers(&r, kind, flags, &s);
    } else {
        r.bad = true;
    }
    if (r.bad || r.rest.len) {
        return err_set(err, ERR_INTERNAL, "Stored column statistics of kind %s cannot be read (form %u, %zu bytes).",
                       stat_kind_name(kind), form, packed.len);
    }
    *ret = s;
    return true;
}
