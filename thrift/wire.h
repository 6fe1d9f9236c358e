/* What scanner, decoder and encoder share about the two protocols. Only for the files of this folder. */
#ifndef PROPOLIS_THRIFT_WIRE_H
#define PROPOLIS_THRIFT_WIRE_H

#include "thrift/thrift.h"

#include <endian.h>

enum {
    STRICT_BYTE = 0x80, /* first of a binary message with a version */
    COMPACT_BYTE = 0x82,
    COMPACT_VERSION = 1,
    COMPACT_TRUE = 1,
    COMPACT_FALSE = 2,
    COMPACT_LONG_LIST = 15,
    VARINT_MAX = 10
};

static inline uint32_t wire_be32(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint64_t wire_be64(const uint8_t *p) { return (uint64_t)wire_be32(p) << 32 | wire_be32(p + 4); }

static inline uint64_t wire_le64(const uint8_t *p) {
    uint64_t value;
    memcpy(&value, p, sizeof value);
    return le64toh(value);
}

static inline uint64_t wire_zigzag(int64_t value) { return (uint64_t)value << 1 ^ (uint64_t)(value >> 63); }
static inline int64_t wire_unzigzag(uint64_t value) { return (int64_t)(value >> 1 ^ (0 - (value & 1))); }

static inline bool wire_is_kind(unsigned kind) {
    const unsigned kinds = 1u << THRIFT_BOOL | 1u << THRIFT_BYTE | 1u << THRIFT_DOUBLE | 1u << THRIFT_I16 | 1u << THRIFT_I32 |
                           1u << THRIFT_I64 | 1u << THRIFT_STRING | 1u << THRIFT_STRUCT | 1u << THRIFT_MAP | 1u << THRIFT_SET |
                           1u << THRIFT_LIST;
    return kind < THRIFT_KINDS && (kinds >> kind & 1);
}

/* THRIFT_STOP: there is no such kind. */
static inline ThriftKind wire_from_compact(unsigned kind) {
    static const uint8_t from[16] = {[COMPACT_TRUE] = THRIFT_BOOL,
                                     [COMPACT_FALSE] = THRIFT_BOOL,
                                     [3] = THRIFT_BYTE,
                                     [4] = THRIFT_I16,
                                     [5] = THRIFT_I32,
                                     [6] = THRIFT_I64,
                                     [7] = THRIFT_DOUBLE,
                                     [8] = THRIFT_STRING,
                                     [9] = THRIFT_LIST,
                                     [10] = THRIFT_SET,
                                     [11] = THRIFT_MAP,
                                     [12] = THRIFT_STRUCT};
    return (ThriftKind)from[kind & 15];
}

unsigned wire_to_compact(ThriftKind kind);
size_t wire_fixed(ThriftKind kind, bool compact); /* bytes of every value of the kind, as an item; 0: they differ */
const char *wire_kind_name(ThriftKind kind);

/* ---- heads ---------------------------------------------------------------------------------------------------------
 * A head is what stands before a value: everything that says how it goes on. Each of these reads one out of the HAVE bytes
 * at P and returns its length, WIRE_MORE when it goes on behind them, or a number below 0: what is wrong. */

enum {
    WIRE_MORE = 0,
    WIRE_BAD_NUMBER = -1,
    WIRE_BAD_KIND = -2,
    WIRE_BAD_SIZE = -3,
    WIRE_BAD_ID = -4,
    WIRE_BAD_VERSION = -5,
    WIRE_BAD_TYPE = -6,
    WIRE_BAD_NAME = -7
};

typedef struct WireField {
    ThriftKind kind; /* THRIFT_STOP: the end of the struct */
    int16_t id;
    bool truth; /* the value of a bool in the compact protocol, which has no bytes of its own */
} WireField;

typedef struct WireContainer {
    ThriftKind kind, key, item; /* key: of a map only; both may be anything when there are no items */
    uint32_t count;
} WireContainer;

static inline int wire_varint(const uint8_t *p, size_t have, uint64_t *ret) {
    uint64_t value = 0;
    for (unsigned i = 0; i < VARINT_MAX; i++) {
        if (i == have) {
            return WIRE_MORE;
        }
        value |= (uint64_t)(p[i] & 0x7F) << (7 * i);
        if (p[i] < 0x80) {
            *ret = value;
            return (int)i + 1;
        }
    }
    return WIRE_BAD_NUMBER;
}

int wire_message(bool compact, const uint8_t *p, size_t have, ThriftMessage *ret);
int wire_container(bool compact, ThriftKind kind, const uint8_t *p, size_t have, WireContainer *ret);

/* Fields and texts are nearly all of a message: what they need stands here to be inlined. */
int wire_field_long(const uint8_t *p, size_t have, WireField *ret); /* compact, with the id in bytes of its own */

static inline int wire_field_compact(const uint8_t *p, size_t have, int16_t last_id, WireField *ret) {
    if (have < 1) {
        return WIRE_MORE;
    }
    unsigned delta = p[0] >> 4;
    ret->kind = wire_from_compact(p[0] & 15);
    ret->truth = (p[0] & 15) == COMPACT_TRUE;
    if (p[0] == THRIFT_STOP) {
        return 1;
    }
    if (ret->kind == THRIFT_STOP) {
        return WIRE_BAD_KIND;
    }
    if (!delta) {
        return wire_field_long(p, have, ret);
    }
    ret->id = (int16_t)(last_id + (int)delta);
    return last_id > INT16_MAX - (int)delta ? WIRE_BAD_ID : 1;
}

static inline int wire_field(bool compact, const uint8_t *p, size_t have, int16_t last_id, WireField *ret) {
    if (compact) {
        return wire_field_compact(p, have, last_id, ret);
    }
    if (have < 1 || (p[0] != THRIFT_STOP && have < 3)) {
        return WIRE_MORE;
    }
    ret->kind = p[0];
    if (p[0] == THRIFT_STOP) {
        return 1;
    }
    ret->id = (int16_t)(p[1] << 8 | p[2]);
    return wire_is_kind(p[0]) ? 3 : WIRE_BAD_KIND;
}

static inline int wire_string(bool compact, const uint8_t *p, size_t have, uint32_t *ret_bytes) {
    uint64_t bytes;
    int n = 4;
    if (compact) {
        n = wire_varint(p, have, &bytes);
        if (n <= 0) {
            return n;
        }
    } else if (have < 4) {
        return WIRE_MORE;
    } else {
        bytes = wire_be32(p);
    }
    *ret_bytes = (uint32_t)bytes;
    return bytes > INT32_MAX ? WIRE_BAD_SIZE : n;
}

const char *wire_problem(int what);

/* Whether the limits allow it, and whether it can stand in the LEFT bytes that the message can still have. */
bool wire_refuse_string(const ThriftLimits *limits, uint32_t bytes, size_t left, Err *err); /* false */
static inline bool wire_allow_string(const ThriftLimits *limits, uint32_t bytes, size_t left, Err *err) {
    return (bytes <= limits->string_bytes && bytes <= left) || wire_refuse_string(limits, bytes, left, err);
}
bool wire_allow_container(const ThriftLimits *limits, const WireContainer *head, bool compact, size_t left, Err *err) WARN_UNUSED;
bool wire_allow_depth(const ThriftLimits *limits, unsigned depth, Err *err) WARN_UNUSED;

#endif
