#include "pg/conn.h"

enum { OID_JSONB = 3802 };

static const int64_t EPOCH_SHIFT_US = 946684800LL * 1000000;

static const PGresult *result_of(const PgRows *rows) { return rows->result; }

static const char *value_at(const PgRows *rows, size_t row, int col, size_t *ret_length) {
    const PGresult *r = result_of(rows);
    if (PQgetisnull(r, (int)row, col)) {
        return NULL;
    }
    *ret_length = (size_t)PQgetlength(r, (int)row, col);
    return PQgetvalue(r, (int)row, col);
}

static uint16_t get16(const char *p) { return (uint16_t)((unsigned char)p[0] << 8 | (unsigned char)p[1]); }

static uint32_t get32(const char *p) {
    uint32_t be;
    memcpy(&be, p, sizeof be);
    return __builtin_bswap32(be);
}

static uint64_t get64(const char *p) {
    uint64_t be;
    memcpy(&be, p, sizeof be);
    return __builtin_bswap64(be);
}

bool pg_is_null(const PgRows *rows, size_t row, int col) { return PQgetisnull(result_of(rows), (int)row, col); }

Str pg_bytes(const PgRows *rows, size_t row, int col) {
    size_t len = 0;
    const char *p = value_at(rows, row, col, &len);
    return (Str){p, len};
}

Str pg_text(const PgRows *rows, size_t row, int col) {
    Str s = pg_bytes(rows, row, col);
    /* jsonb puts a version byte before the text. */
    return s.len && PQftype(result_of(rows), col) == OID_JSONB ? str_skip(s, 1) : s;
}

static int64_t integer(const char *p, size_t len, int64_t otherwise) {
    switch (len) {
        case 8: return (int64_t)get64(p);
        case 4: return (int32_t)get32(p);
        case 2: return (int16_t)get16(p);
        case 1: return p[0];
        default: return otherwise;
    }
}

int64_t pg_i64(const PgRows *rows, size_t row, int col, int64_t otherwise) {
    size_t len;
    const char *p = value_at(rows, row, col, &len);
    return p ? integer(p, len, otherwise) : otherwise;
}

int32_t pg_i32(const PgRows *rows, size_t row, int col, int32_t otherwise) {
    return (int32_t)MIN(MAX(pg_i64(rows, row, col, otherwise), (int64_t)INT32_MIN), (int64_t)INT32_MAX);
}

int16_t pg_i16(const PgRows *rows, size_t row, int col, int16_t otherwise) {
    return (int16_t)MIN(MAX(pg_i64(rows, row, col, otherwise), (int64_t)INT16_MIN), (int64_t)INT16_MAX);
}

bool pg_bool(const PgRows *rows, size_t row, int col) {
    size_t len;
    const char *p = value_at(rows, row, col, &len);
    return p && len == 1 && p[0];
}

double pg_double(const PgRows *rows, size_t row, int col, double otherwise) {
    size_t len;
    const char *p = value_at(rows, row, col, &len);
    if (p && len == sizeof(float)) {
        uint32_t bits = get32(p);
        float f;
        memcpy(&f, &bits, sizeof f);
        return (double)f;
    }
    if (p && len == sizeof(double)) {
        uint64_t bits = get64(p);
        memcpy(&otherwise, &bits, sizeof otherwise);
    }
    return otherwise;
}

Micros pg_time(const PgRows *rows, size_t row, int col) {
    size_t len;
    const char *p = value_at(rows, row, col, &len);
    if (!p || len != 8) {
        return MICROS_NONE;
    }
    int64_t since_2000 = (int64_t)get64(p);
    if (since_2000 == INT64_MIN) {
        return INT64_MIN + 1; /* -infinity; INT64_MIN itself means "none" */
    }
    return since_2000 > INT64_MAX - EPOCH_SHIFT_US ? INT64_MAX : since_2000 + EPOCH_SHIFT_US;
}

Uuid pg_uuid(const PgRows *rows, size_t row, int col) {
    Uuid u = {{0}};
    size_t len;
    const char *p = value_at(rows, row, col, &len);
    if (p && len == sizeof u.bytes) {
        memcpy(u.bytes, p, sizeof u.bytes);
    }
    return u;
}

/* --- arrays ---------------------------------------------------------------------------------------------------- */

typedef struct ArrayReader {
    const char *at, *end;
    size_t count;
} ArrayReader;

/* One dimension is all that our SQL ever makes. */
static bool array_open(Str bytes, ArrayReader *ret) {
    if (bytes.len < 12) {
        return false;
    }
    uint32_t dimensions = get32(bytes.ptr);
    *ret = (ArrayReader){bytes.ptr + 12, bytes.ptr + bytes.len, 0};
    if (dimensions == 0) {
        return true;
    }
    if (dimensions != 1 || bytes.len < 20) {
        return false;
    }
    ret->count = get32(bytes.ptr + 12);
    ret->at += 8;
    return ret->count <= bytes.len / 4;
}

static Str array_next(ArrayReader *r) {
    if (r->end - r->at < 4) {
        return STR_NULL;
    }
    uint32_t len = get32(r->at);
    r->at += 4;
    if (len == UINT32_MAX || len > (size_t)(r->end - r->at)) {
        return STR_NULL;
    }
    Str item = {r->at, len};
    r->at += len;
    return item;
}

StrList pg_texts(const PgRows *rows, size_t row, int col, Arena *arena) {
    ArrayReader r;
    if (!array_open(pg_bytes(rows, row, col), &r)) {
        return (StrList){NULL, 0};
    }
    /* One more, so that an empty array is not taken for NULL. */
    StrList list = {ARENA_ARRAY(arena, Str, r.count + 1), r.count};
    for (size_t i = 0; i < r.count; i++) {
        list.items[i] = array_next(&r);
    }
    return list;
}

Params pg_params(const PgRows *rows, size_t row, int col, Arena *arena) {
    ArrayReader r;
    if (!array_open(pg_bytes(rows, row, col), &r) || r.count < 2) {
        return (Params){0};
    }
    Params params = {ARENA_ARRAY(arena, Param, r.count / 2), r.count / 2, r.count / 2};
    bool sorted = true;
    for (size_t i = 0; i < params.count; i++) {
        params.items[i].key = array_next(&r);
        params.items[i].value = array_next(&r);
        sorted = sorted && (i == 0 || str_cmp(params.items[i - 1].key, params.items[i].key) < 0);
    }
    if (!sorted) {
        params_sort(&params);
    }
    return params;
}

const int64_t *pg_i64s(const PgRows *rows, size_t row, int col, Arena *arena, size_t *ret_count) {
    ArrayReader r;
    *ret_count = 0;
    if (!array_open(pg_bytes(rows, row, col), &r)) {
        return NULL;
    }
    int64_t *values = ARENA_ARRAY(arena, int64_t, r.count + 1);
    for (size_t i = 0; i < r.count; i++) {
        Str item = array_next(&r);
        values[i] = item.ptr ? integer(item.ptr, item.len, 0) : 0;
    }
    *ret_count = r.count;
    return values;
}
