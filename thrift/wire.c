#include "thrift/wire.h"

static const struct {
    const char *name;
    uint8_t compact;
    uint8_t fixed, compact_fixed, least, compact_least; /* bytes, as items of a container */
} kinds[THRIFT_KINDS] = {
    [THRIFT_BOOL] = {"bool", COMPACT_TRUE, 1, 1, 1, 1},
    [THRIFT_BYTE] = {"byte", 3, 1, 1, 1, 1},
    [THRIFT_DOUBLE] = {"double", 7, 8, 8, 8, 8},
    [THRIFT_I16] = {"i16", 4, 2, 0, 2, 1},
    [THRIFT_I32] = {"i32", 5, 4, 0, 4, 1},
    [THRIFT_I64] = {"i64", 6, 8, 0, 8, 1},
    [THRIFT_STRING] = {"string", 8, 0, 0, 4, 1},
    [THRIFT_STRUCT] = {"struct", 12, 0, 0, 1, 1},
    [THRIFT_MAP] = {"map", 11, 0, 0, 6, 1},
    [THRIFT_SET] = {"set", 10, 0, 0, 5, 1},
    [THRIFT_LIST] = {"list", 9, 0, 0, 5, 1},
};

unsigned wire_to_compact(ThriftKind kind) { return kinds[kind].compact; }

static size_t least(ThriftKind kind, bool compact) {
    return kind >= THRIFT_KINDS ? 0 : compact ? kinds[kind].compact_least : kinds[kind].least;
}

size_t wire_fixed(ThriftKind kind, bool compact) {
    return kind >= THRIFT_KINDS ? 0 : compact ? kinds[kind].compact_fixed : kinds[kind].fixed;
}

const char *wire_kind_name(ThriftKind kind) { return wire_is_kind(kind) ? kinds[kind].name : "an unknown type"; }

/* ---- messages ------------------------------------------------------------------------------------------------------ */

static int message_strict(const uint8_t *p, size_t have, ThriftMessage *ret) {
    if (have < 8) {
        return WIRE_MORE;
    }
    uint32_t version = wire_be32(p), name = wire_be32(p + 4);
    if (version >> 16 != 0x8001) {
        return WIRE_BAD_VERSION;
    }
    if (name > THRIFT_NAME_MAX) {
        return WIRE_BAD_NAME;
    }
    if (have < 12 + name) {
        return WIRE_MORE;
    }
    *ret = (ThriftMessage){THRIFT_BINARY, version & 0xFF, {(const char *)p + 8, name}, (int32_t)wire_be32(p + 8 + name)};
    return (int)name + 12;
}

static int message_old(const uint8_t *p, size_t have, ThriftMessage *ret) {
    uint32_t name = wire_be32(p);
    if (name > THRIFT_NAME_MAX) {
        return WIRE_BAD_NAME;
    }
    if (have < 9 + name) {
        return WIRE_MORE;
    }
    *ret = (ThriftMessage){THRIFT_BINARY_OLD, p[4 + name], {(const char *)p + 4, name}, (int32_t)wire_be32(p + 5 + name)};
    return (int)name + 9;
}

static int message_compact(const uint8_t *p, size_t have, ThriftMessage *ret) {
    if (have < 2) {
        return WIRE_MORE;
    }
    if (p[0] != COMPACT_BYTE || (p[1] & 0x1F) != COMPACT_VERSION) {
        return WIRE_BAD_VERSION;
    }
    uint64_t seqid, name;
    int at = 2, n = wire_varint(p + at, have - 2, &seqid);
    if (n <= 0) {
        return n;
    }
    at += n;
    n = wire_varint(p + at, have - (size_t)at, &name);
    if (n <= 0) {
        return n;
    }
    at += n;
    if (name > THRIFT_NAME_MAX) {
        return WIRE_BAD_NAME;
    }
    if (have - (size_t)at < name) {
        return WIRE_MORE;
    }
    *ret = (ThriftMessage){THRIFT_COMPACT, p[1] >> 5, {(const char *)p + at, name}, (int32_t)(uint32_t)seqid};
    return at + (int)name;
}

int wire_message(bool compact, const uint8_t *p, size_t have, ThriftMessage *ret) {
    if (have < 4) {
        return WIRE_MORE;
    }
    ThriftMessage message;
    int n = compact               ? message_compact(p, have, &message)
            : p[0] >= STRICT_BYTE ? message_strict(p, have, &message)
                                  : message_old(p, have, &message);
    if (n > 0 && (message.type < THRIFT_CALL || message.type > THRIFT_ONEWAY)) {
        return WIRE_BAD_TYPE;
    }
    if (n > 0) {
        *ret = message;
    }
    return n;
}

/* ---- fields and values --------------------------------------------------------------------------------------------- */

int wire_field_long(const uint8_t *p, size_t have, WireField *ret) {
    uint64_t number = 0;
    int n = wire_varint(p + 1, have - 1, &number);
    if (n <= 0) {
        return n;
    }
    int64_t id = wire_unzigzag(number);
    ret->id = (int16_t)id;
    return id < INT16_MIN || id > INT16_MAX ? WIRE_BAD_ID : n + 1;
}

static int container_binary(ThriftKind kind, const uint8_t *p, size_t have, WireContainer *ret) {
    int kinds_bytes = kind == THRIFT_MAP ? 2 : 1;
    if (have < (size_t)kinds_bytes + 4) {
        return WIRE_MORE;
    }
    *ret = (WireContainer){kind, kind == THRIFT_MAP ? p[0] : THRIFT_BYTE, p[kinds_bytes - 1], wire_be32(p + kinds_bytes)};
    return kinds_bytes + 4;
}

/* A map without items has no byte for their kinds. */
static int map_compact(const uint8_t *p, size_t have, WireContainer *ret) {
    int n = wire_string(true, p, have, &ret->count);
    if (n <= 0 || ret->count == 0) {
        return n;
    }
    if (have == (size_t)n) {
        return WIRE_MORE;
    }
    ret->key = wire_from_compact(p[n] >> 4);
    ret->item = wire_from_compact(p[n] & 15);
    return n + 1;
}

static int list_compact(const uint8_t *p, size_t have, WireContainer *ret) {
    if (have < 1) {
        return WIRE_MORE;
    }
    ret->key = THRIFT_BYTE;
    ret->item = wire_from_compact(p[0] & 15);
    ret->count = p[0] >> 4;
    if (ret->count < COMPACT_LONG_LIST) {
        return 1;
    }
    int n = wire_string(true, p + 1, have - 1, &ret->count);
    return n <= 0 ? n : n + 1;
}

int wire_container(bool compact, ThriftKind kind, const uint8_t *p, size_t have, WireContainer *ret) {
    *ret = (WireContainer){.kind = kind};
    int n = !compact             ? container_binary(kind, p, have, ret)
            : kind == THRIFT_MAP ? map_compact(p, have, ret)
                                 : list_compact(p, have, ret);
    if (n <= 0) {
        return n;
    }
    if (ret->count > INT32_MAX) {
        return WIRE_BAD_SIZE;
    }
    return ret->count && (!wire_is_kind(ret->key) || !wire_is_kind(ret->item)) ? WIRE_BAD_KIND : n;
}

const char *wire_problem(int what) {
    static const char *const texts[] = {
        [-WIRE_BAD_NUMBER] = "a number has more bytes than any number can have",
        [-WIRE_BAD_KIND] = "a type is none that Thrift has",
        [-WIRE_BAD_SIZE] = "a size is below 0 or above 2147483647",
        [-WIRE_BAD_ID] = "a field has a number that no field can have",
        [-WIRE_BAD_VERSION] = "the message has a version that is not known",
        [-WIRE_BAD_TYPE] = "the message is neither a call nor an answer",
        [-WIRE_BAD_NAME] = "the name of the method is longer than 256 bytes",
    };
    return texts[-what];
}

/* ---- limits -------------------------------------------------------------------------------------------------------- */

bool wire_refuse_string(const ThriftLimits *limits, uint32_t bytes, size_t left, Err *err) {
    if (bytes > limits->string_bytes) {
        return err_set(err, ERR_REQUEST_TOO_LARGE, "a text has %" PRIu32 " bytes, and at most %zu are allowed", bytes,
                       limits->string_bytes);
    }
    return err_set(err, ERR_INVALID_MESSAGE, "a text is said to have %" PRIu32 " bytes, where at most %zu can follow", bytes, left);
}

bool wire_allow_container(const ThriftLimits *limits, const WireContainer *head, bool compact, size_t left, Err *err) {
    if (head->count > limits->container_items) {
        return err_set(err, ERR_REQUEST_TOO_LARGE, "a %s has %" PRIu32 " items, and at most %zu are allowed",
                       wire_kind_name(head->kind), head->count, limits->container_items);
    }
    size_t each = least(head->item, compact) + (head->kind == THRIFT_MAP ? least(head->key, compact) : 0);
    if (head->count && head->count > left / MAX(each, (size_t)1)) {
        return err_set(err, ERR_INVALID_MESSAGE, "a %s is said to have %" PRIu32 " items, where at most %zu bytes can follow",
                       wire_kind_name(head->kind), head->count, left);
    }
    return true;
}

bool wire_allow_depth(const ThriftLimits *limits, unsigned depth, Err *err) {
    if (depth > MIN(limits->depth, (unsigned)THRIFT_DEPTH_MAX)) {
        return err_set(err, ERR_REQUEST_TOO_LARGE, "structs and containers stand in one another deeper than %u levels",
                       MIN(limits->depth, (unsigned)THRIFT_DEPTH_MAX));
    }
    return true;
}
