#include "thrift_random.h"

#include "unit.h"

const ThriftLimits random_limits = {64 << 20, 1 << 20, 1 << 20, THRIFT_DEPTH_MAX};

/* Without NUL, which C strings of other implementations cannot hold. */
static Str random_text(Arena *arena) {
    size_t len = unit_random() % 24;
    char *text = arena_alloc(arena, len + 1);
    for (size_t i = 0; i < len; i++) {
        text[i] = (char)('a' + unit_random() % 26);
    }
    return (Str){text, len};
}

static void random_inside(Arena *arena, const ThriftStruct *strukt, const RandomShape *shape, char *out);

/* Numbers are of any size: most are small, as in life. */
static void random_number(const ThriftType *type, void *out) {
    int64_t value = (int64_t)(unit_random() >> unit_random() % 64);
    value = unit_random() % 2 ? value : -value;
    double fraction = (double)value / 1024;
    bool truth = value & 1;
    switch (type->kind) {
        case THRIFT_BOOL: memcpy(out, &truth, sizeof truth); break;
        case THRIFT_BYTE: memcpy(out, &(int8_t){(int8_t)value}, 1); break;
        case THRIFT_I16: memcpy(out, &(int16_t){(int16_t)value}, 2); break;
        case THRIFT_I32: memcpy(out, &(int32_t){(int32_t)value}, 4); break;
        case THRIFT_I64: memcpy(out, &value, 8); break;
        default: memcpy(out, &fraction, 8);
    }
}

static void random_value(Arena *arena, const ThriftType *type, const RandomShape *shape, void *out) {
    if (type->kind == THRIFT_STRING) {
        *(Str *)out = random_text(arena);
    } else if (type->kind == THRIFT_STRUCT) {
        random_inside(arena, type->of, shape, out);
    } else if (!type->item) {
        random_number(type, out);
    } else {
        unsigned most = type->kind == THRIFT_LIST ? shape->items : shape->pairs;
        bool bottom = shape->depth == 0 && type->item->kind != THRIFT_STRING;
        size_t count = bottom ? 0 : unit_random() % (most + 1);
        char *items = count ? arena_array(arena, type->item_bytes, count) : THRIFT_NO_ITEMS;
        for (size_t i = 0; i < count; i++) {
            if (type->key) {
                random_value(arena, type->key, shape, items + i * type->item_bytes);
            }
            random_value(arena, type->item, shape, items + i * type->item_bytes + type->value_at);
        }
        *(ThriftItems *)out = (ThriftItems){items, count};
        if (type->key && type->key->kind == THRIFT_STRING && type->item->kind == THRIFT_STRING) {
            ((Params *)out)->capacity = count;
            params_sort(out);
        }
    }
}

static void random_inside(Arena *arena, const ThriftStruct *strukt, const RandomShape *shape, char *out) {
    RandomShape below = *shape;
    below.depth -= below.depth > 0;
    size_t only = unit_random() % (strukt->field_count + 1u); /* of a union */
    for (const ThriftField *f = strukt->fields; f < strukt->fields + strukt->field_count; f++) {
        bool bottom = shape->depth == 0 && f->type->kind == THRIFT_STRUCT && !shape->complete;
        if (strukt->is_union ? f != strukt->fields + only : !f->required && (bottom || (!shape->complete && unit_random() % 2))) {
            continue;
        }
        if (f->has_at) {
            out[f->has_at] = true;
        }
        if (f->type->kind == THRIFT_STRUCT) {
            void *inner = arena_zalloc(arena, f->type->of->bytes);
            random_inside(arena, f->type->of, &below, inner);
            memcpy(out + f->at, &inner, sizeof inner);
        } else {
            random_value(arena, f->type, &below, out + f->at);
        }
    }
}

void *random_struct(Arena *arena, const ThriftStruct *strukt, const RandomShape *shape) {
    void *value = arena_zalloc(arena, strukt->bytes);
    random_inside(arena, strukt, shape, value);
    return value;
}

/* ---- comparing ----------------------------------------------------------------------------------------------------- */

static size_t number_bytes(const ThriftType *type) {
    switch (type->kind) {
        case THRIFT_BOOL:
        case THRIFT_BYTE: return 1;
        case THRIFT_I16: return 2;
        case THRIFT_I32: return 4;
        default: return 8;
    }
}

static bool value_covers(const ThriftType *type, const char *a, const char *b) {
    if (type->kind == THRIFT_STRING) {
        return str_eq(*(const Str *)a, *(const Str *)b);
    }
    if (type->kind == THRIFT_STRUCT) {
        return random_covers(type->of, a, b);
    }
    if (!type->item) {
        return memcmp(a, b, number_bytes(type)) == 0;
    }
    const ThriftItems *x = (const void *)a, *y = (const void *)b;
    bool same = x->count == y->count;
    for (size_t i = 0; same && i < x->count; i++) {
        const char *one = (const char *)x->items + i * type->item_bytes, *other = (const char *)y->items + i * type->item_bytes;
        same = (!type->key || value_covers(type->key, one, other)) &&
               value_covers(type->item, one + type->value_at, other + type->value_at);
    }
    return same;
}

static const void *member(const ThriftField *f, const void *value) {
    const void *inner = (const char *)value + f->at;
    if (f->type->kind == THRIFT_STRUCT) {
        memcpy(&inner, (const char *)value + f->at, sizeof inner);
    }
    return inner;
}

static bool is_empty(const ThriftStruct *strukt, const void *value);

static bool is_empty_value(const ThriftType *type, const char *value) {
    if (type->kind == THRIFT_STRUCT) {
        return is_empty(type->of, value);
    }
    if (type->kind == THRIFT_STRING) {
        return ((const Str *)(const void *)value)->len == 0;
    }
    if (type->item) {
        return ((const ThriftItems *)(const void *)value)->count == 0;
    }
    return memcmp(value, "\0\0\0\0\0\0\0", number_bytes(type)) == 0;
}

static bool is_empty(const ThriftStruct *strukt, const void *value) {
    bool empty = true;
    for (const ThriftField *f = strukt->fields; empty && f < strukt->fields + strukt->field_count; f++) {
        empty = !thrift_is_set(f, value) || is_empty_value(f->type, member(f, value));
    }
    return empty;
}

bool random_covers(const ThriftStruct *strukt, const void *a, const void *b) {
    for (const ThriftField *f = strukt->fields; f < strukt->fields + strukt->field_count; f++) {
        bool in_a = thrift_is_set(f, a), in_b = thrift_is_set(f, b);
        bool fine = in_a   ? in_b && value_covers(f->type, member(f, a), member(f, b))
                    : in_b ? is_empty_value(f->type, member(f, b))
                           : true;
        if (!fine) {
            print_error("%s.%s differs\n", strukt->name, f->name);
            return false;
        }
    }
    return true;
}
