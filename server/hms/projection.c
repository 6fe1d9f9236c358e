#include "server/hms/projection.h"

typedef struct Shown {
    bool shown, whole;
    HmsProjection *part; /* of a struct, or of the structs in a list, when not whole */
} Shown;

struct HmsProjection {
    const ThriftStruct *of;
    Shown *fields; /* one a field of OF */
};

enum { SEGMENTS_MOST = 16 };

static HmsProjection *projection_new(Arena *arena, const ThriftStruct *of) {
    HmsProjection *p = ARENA_NEW(arena, HmsProjection);
    p->of = of;
    p->fields = ARENA_ARRAY(arena, Shown, MAX(of->field_count, (uint16_t)1));
    return p;
}

static Shown *shown_of(const HmsProjection *p, Str name) {
    for (size_t i = 0; i < p->of->field_count; i++) {
        if (str_eq(str_from(p->of->fields[i].name), name)) {
            return &p->fields[i];
        }
    }
    return NULL;
}

/* The struct that more names may follow for; NULL: none. */
static const ThriftStruct *inner_struct(const HmsProjection *p, const Shown *shown) {
    const ThriftType *type = p->of->fields[shown - p->fields].type;
    return type->kind == THRIFT_LIST ? type->item->of : type->of;
}

static bool add_path(HmsCall *call, HmsProjection *p, Str path, Err *err) {
    Str rest = path, name;
    for (unsigned depth = 0; str_split(&rest, '.', &name); depth++) {
        Shown *shown = p && depth < SEGMENTS_MOST ? shown_of(p, name) : NULL;
        if (!shown) {
            return hms_throw(call, HMS_META, err, "Invalid field in the projection spec: %" STR_FMT, STR_ARG(path));
        }
        shown->shown = true;
        if (str_is_null(rest)) {
            shown->whole = true;
            return true;
        }
        const ThriftStruct *inner = inner_struct(p, shown);
        if (inner && !shown->part) {
            shown->part = projection_new(call->arena, inner);
        }
        p = shown->part;
    }
    return true;
}

bool hms_projection_read(HmsCall *call, const ThriftStruct *of, StrList fields, const HmsProjection **ret, Err *err) {
    if (fields.count == 0) {
        *ret = NULL;
        return true;
    }
    HmsProjection *p = projection_new(call->arena, of);
    for (size_t i = 0; i < fields.count; i++) {
        if (!add_path(call, p, fields.items[i], err)) {
            return false;
        }
    }
    *ret = p;
    return arena_check(call->arena, err);
}

bool hms_projection_has(const HmsProjection *projection, const char *name, const HmsProjection **ret_part) {
    const Shown *shown = projection ? shown_of(projection, str_from(name)) : NULL;
    if (ret_part) {
        *ret_part = shown && !shown->whole ? shown->part : NULL;
    }
    return !projection || (shown && shown->shown);
}

static void clear(const ThriftField *field, char *value) {
    static const Str none;
    static const ThriftItems no_items;
    static const void *const nothing;
    if (field->has_at) {
        value[field->has_at] = false;
    }
    if (field->raw_at) {
        memcpy(value + field->raw_at, &none, sizeof none);
    }
    if (field->stream_at) {
        memcpy(value + field->stream_at, &nothing, sizeof nothing);
    }
    switch (field->type->kind) {
        case THRIFT_STRING: memcpy(value + field->at, &none, sizeof none); break;
        case THRIFT_STRUCT: memcpy(value + field->at, &nothing, sizeof nothing); break;
        case THRIFT_MAP:
        case THRIFT_SET:
        case THRIFT_LIST: memcpy(value + field->at, &no_items, sizeof no_items); break;
        default: break;
    }
}

static void project_inner(const HmsProjection *part, const ThriftField *field, const char *value) {
    if (field->type->kind == THRIFT_STRUCT) {
        void *inner;
        memcpy(&inner, value + field->at, sizeof inner);
        if (inner) {
            hms_project(part, inner);
        }
        return;
    }
    ThriftItems items;
    memcpy(&items, value + field->at, sizeof items);
    for (size_t i = 0; i < items.count; i++) {
        hms_project(part, (char *)items.items + i * field->type->item_bytes);
    }
}

void hms_project(const HmsProjection *projection, void *value) {
    for (size_t i = 0; projection && i < projection->of->field_count; i++) {
        const ThriftField *field = &projection->of->fields[i];
        const Shown *shown = &projection->fields[i];
        if (!shown->shown) {
            clear(field, value);
        } else if (!shown->whole) {
            project_inner(shown->part, field, value);
        }
    }
}
