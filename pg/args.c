#include "pg/conn.h"

/* Type numbers of pg_type that never change. */
enum {
    OID_BOOL = 16,
    OID_BYTEA = 17,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_TEXT = 25,
    OID_FLOAT8 = 701,
    OID_BOOLS = 1000,
    OID_BYTEAS = 1001,
    OID_INT4S = 1007,
    OID_TEXTS = 1009,
    OID_INT8S = 1016,
    OID_TIMES = 1185,
    OID_TIMESTAMPTZ = 1184,
    OID_UUID = 2950,
    OID_UUIDS = 2951,
};

enum { FIRST_ARGS = 16 };

/* PostgreSQL counts from 2000-01-01. */
static const int64_t EPOCH_SHIFT_US = 946684800LL * 1000000;

PgArgs pg_args(Arena *arena) {
    PgArgs args = {.arena = arena, .capacity = FIRST_ARGS};
    char *block = arena_alloc(arena, FIRST_ARGS * (sizeof(char *) + sizeof(unsigned) + sizeof(int)));
    args.values = (const char **)(void *)block;
    args.types = (unsigned *)(void *)(block + FIRST_ARGS * sizeof(char *));
    args.lengths = (int *)(void *)(args.types + FIRST_ARGS);
    return args;
}

static void grow(PgArgs *args) {
    int capacity = args->capacity * 2;
    const char **values = arena_alloc(args->arena, (size_t)capacity * sizeof *values);
    unsigned *types = arena_alloc(args->arena, (size_t)capacity * sizeof *types);
    int *lengths = arena_alloc(args->arena, (size_t)capacity * sizeof *lengths);
    memcpy(values, args->values, (size_t)args->count * sizeof *values);
    memcpy(types, args->types, (size_t)args->count * sizeof *types);
    memcpy(lengths, args->lengths, (size_t)args->count * sizeof *lengths);
    args->values = values;
    args->types = types;
    args->lengths = lengths;
    args->capacity = capacity;
}

/* A value too long for the protocol is sent as NULL with an impossible count, which conn_send() refuses. */
static void add(PgArgs *args, unsigned type, const void *value, size_t length) {
    if (args->count == args->capacity) {
        grow(args);
    }
    args->types[args->count] = type;
    args->values[args->count] = value;
    args->lengths[args->count] = length > INT_MAX / 2 ? -1 : (int)length;
    args->count++;
}

/* The ends of our range stand for PostgreSQL's infinities, as in pg_time(). */
static uint64_t since_2000(Micros time) {
    if (time <= INT64_MIN + EPOCH_SHIFT_US) {
        return (uint64_t)INT64_MIN;
    }
    return (uint64_t)(time == INT64_MAX ? INT64_MAX : time - EPOCH_SHIFT_US);
}

static char *put32(char *at, uint32_t value) {
    uint32_t be = __builtin_bswap32(value);
    memcpy(at, &be, sizeof be);
    return at + sizeof be;
}

static char *put64(char *at, uint64_t value) {
    uint64_t be = __builtin_bswap64(value);
    memcpy(at, &be, sizeof be);
    return at + sizeof be;
}

void pg_arg_null(PgArgs *args) { add(args, 0, NULL, 0); }
void pg_arg_text(PgArgs *args, Str value) { add(args, OID_TEXT, value.ptr, value.len); }
void pg_arg_bytes(PgArgs *args, Str value) { add(args, OID_BYTEA, value.ptr, value.len); }

void pg_arg_i64(PgArgs *args, int64_t value) {
    char *p = arena_alloc(args->arena, 8);
    put64(p, (uint64_t)value);
    add(args, OID_INT8, p, 8);
}

void pg_arg_i32(PgArgs *args, int32_t value) {
    char *p = arena_alloc(args->arena, 4);
    put32(p, (uint32_t)value);
    add(args, OID_INT4, p, 4);
}

void pg_arg_i16(PgArgs *args, int16_t value) {
    char *p = arena_alloc(args->arena, 2);
    p[0] = (char)((uint16_t)value >> 8);
    p[1] = (char)(value & 0xFF);
    add(args, OID_INT2, p, 2);
}

void pg_arg_bool(PgArgs *args, bool value) { add(args, OID_BOOL, value ? "\1" : "\0", 1); }

void pg_arg_double(PgArgs *args, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    char *p = arena_alloc(args->arena, 8);
    put64(p, bits);
    add(args, OID_FLOAT8, p, 8);
}

void pg_arg_uuid(PgArgs *args, Uuid value) {
    if (uuid_is_zero(value)) {
        add(args, OID_UUID, NULL, 0);
        return;
    }
    char *p = arena_alloc(args->arena, sizeof value.bytes);
    memcpy(p, value.bytes, sizeof value.bytes);
    add(args, OID_UUID, p, sizeof value.bytes);
}

void pg_arg_time(PgArgs *args, Micros value) {
    if (value == MICROS_NONE) {
        add(args, OID_TIMESTAMPTZ, NULL, 0);
        return;
    }
    char *p = arena_alloc(args->arena, 8);
    put64(p, since_2000(value));
    add(args, OID_TIMESTAMPTZ, p, 8);
}

/* --- arrays: dimensions, has-nulls, element type, then (size, lower bound), then length + bytes of each ---------- */

enum { ARRAY_HEAD = 20 };

static char *array_head(char *at, size_t count, bool has_null, unsigned element_type) {
    at = put32(at, count ? 1 : 0);
    at = put32(at, has_null);
    at = put32(at, element_type);
    if (count) {
        at = put32(at, (uint32_t)count);
        at = put32(at, 1);
    }
    return at;
}

static char *array_str(char *at, Str item) {
    if (str_is_null(item)) {
        return put32(at, UINT32_MAX);
    }
    at = put32(at, (uint32_t)item.len);
    if (item.len) {
        memcpy(at, item.ptr, item.len);
    }
    return at + item.len;
}

static void add_strs(PgArgs *args, unsigned type, unsigned element, StrList list) {
    if (!list.items) {
        add(args, type, NULL, 0);
        return;
    }
    size_t bytes = ARRAY_HEAD;
    bool has_null = false;
    for (size_t i = 0; i < list.count; i++) {
        bytes += 4 + list.items[i].len;
        has_null |= str_is_null(list.items[i]);
    }
    char *start = arena_alloc(args->arena, bytes), *at = array_head(start, list.count, has_null, element);
    for (size_t i = 0; i < list.count; i++) {
        at = array_str(at, list.items[i]);
    }
    add(args, type, start, (size_t)(at - start));
}

void pg_arg_texts(PgArgs *args, StrList value) { add_strs(args, OID_TEXTS, OID_TEXT, value); }
void pg_arg_byteas(PgArgs *args, StrList value) { add_strs(args, OID_BYTEAS, OID_BYTEA, value); }

void pg_arg_params(PgArgs *args, const Params *value) {
    if (!value || value->count == 0) {
        add(args, OID_TEXTS, NULL, 0);
        return;
    }
    size_t bytes = ARRAY_HEAD;
    for (size_t i = 0; i < value->count; i++) {
        bytes += 8 + value->items[i].key.len + value->items[i].value.len;
    }
    char *start = arena_alloc(args->arena, bytes), *at = array_head(start, 2 * value->count, false, OID_TEXT);
    for (size_t i = 0; i < value->count; i++) {
        at = array_str(at, value->items[i].key);
        at = array_str(at, value->items[i].value);
    }
    add(args, OID_TEXTS, start, (size_t)(at - start));
}

void pg_arg_i64s(PgArgs *args, const int64_t *values, size_t count) {
    char *start = arena_alloc(args->arena, ARRAY_HEAD + 12 * count), *at = array_head(start, count, false, OID_INT8);
    for (size_t i = 0; i < count; i++) {
        at = put64(put32(at, 8), (uint64_t)values[i]);
    }
    add(args, OID_INT8S, start, (size_t)(at - start));
}

void pg_arg_i32s(PgArgs *args, const int32_t *values, size_t count) {
    char *start = arena_alloc(args->arena, ARRAY_HEAD + 8 * count), *at = array_head(start, count, false, OID_INT4);
    for (size_t i = 0; i < count; i++) {
        at = put32(put32(at, 4), (uint32_t)values[i]);
    }
    add(args, OID_INT4S, start, (size_t)(at - start));
}

void pg_arg_bools(PgArgs *args, const bool *values, size_t count) {
    char *start = arena_alloc(args->arena, ARRAY_HEAD + 5 * count), *at = array_head(start, count, false, OID_BOOL);
    for (size_t i = 0; i < count; i++) {
        at = put32(at, 1);
        *at++ = (char)values[i];
    }
    add(args, OID_BOOLS, start, (size_t)(at - start));
}

void pg_arg_times(PgArgs *args, const Micros *values, size_t count) {
    bool has_null = false;
    for (size_t i = 0; i < count; i++) {
        has_null |= values[i] == MICROS_NONE;
    }
    char *start = arena_alloc(args->arena, ARRAY_HEAD + 12 * count);
    char *at = array_head(start, count, has_null, OID_TIMESTAMPTZ);
    for (size_t i = 0; i < count; i++) {
        at = values[i] == MICROS_NONE ? put32(at, UINT32_MAX) : put64(put32(at, 8), since_2000(values[i]));
    }
    add(args, OID_TIMES, start, (size_t)(at - start));
}

void pg_arg_uuids(PgArgs *args, const Uuid *values, size_t count) {
    bool has_null = false;
    for (size_t i = 0; i < count; i++) {
        has_null |= uuid_is_zero(values[i]);
    }
    char *start = arena_alloc(args->arena, ARRAY_HEAD + 20 * count), *at = array_head(start, count, has_null, OID_UUID);
    for (size_t i = 0; i < count; i++) {
        if (uuid_is_zero(values[i])) {
            at = put32(at, UINT32_MAX);
        } else {
            at = put32(at, 16);
            memcpy(at, values[i].bytes, 16);
            at += 16;
        }
    }
    add(args, OID_UUIDS, start, (size_t)(at - start));
}
