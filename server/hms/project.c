#include "server/hms/project.h"

static size_t member_bytes(const ThriftType *type) {
    switch ((ThriftKind)type->kind) {
        case THRIFT_BOOL:
        case THRIFT_BYTE: return 1;
        case THRIFT_I16: return sizeof(int16_t);
        case THRIFT_I32: return sizeof(int32_t);
        case THRIFT_I64:
        case THRIFT_DOUBLE: return sizeof(int64_t);
        case THRIFT_STRING: return sizeof(Str);
        case THRIFT_STRUCT: return sizeof(void *);
        case THRIFT_MAP:
        case THRIFT_SET:
        case THRIFT_LIST: return sizeof(ThriftItems);
        default: return 0;
    }
}

static void clear(const ThriftField *field, char *value) {
    memset(value + field->at, 0, member_bytes(field->type));
    if (field->has_at) {
        value[field->has_at] = 0;
    }
    if (field->raw_at) {
        memset(value + field->raw_at, 0, sizeof(Str));
    }
    if (field->stream_at) {
        memset(value + field->stream_at, 0, sizeof(void *));
    }
}

/* What FIELDS say of what is in FIELD. *ret_whole: it is named itself. */
static StrList below(Arena *arena, const ThriftField *field, StrList fields, bool *ret_whole) {
    StrList rest = {ARENA_ARRAY(arena, Str, fields.count), 0};
    Str name = str_from(field->name);
    *ret_whole = false;
    for (size_t i = 0; i < fields.count; i++) {
        Str path = fields.items[i];
        size_t dot = MIN(str_find_char(path, '.'), path.len);
        if (str_eq_nocase(str_slice(path, 0, dot), name)) {
            *ret_whole |= dot == path.len;
            rest.items[rest.count++] = str_skip(path, dot + 1);
        }
    }
    return rest;
}

static void project_inside(Arena *arena, const ThriftField *field, char *value, StrList fields) {
    if (field->type->kind == THRIFT_STRUCT) {
        void *inner;
        memcpy(&inner, value + field->at, sizeof inner);
        if (inner) {
            hms_project(arena, field->type->of, inner, fields);
        }
    } else if (field->type->kind == THRIFT_LIST && field->type->item->of) {
        const ThriftItems *list = (const void *)(value + field->at);
        for (size_t i = 0; i < list->count; i++) {
            hms_project(arena, field->type->item->of, (char *)list->items + i * field->type->item_bytes, fields);
        }
    }
}

void hms_project(Arena *arena, const ThriftStruct *strukt, void *value, StrList fields) {
    for (size_t i = 0; i < strukt->field_count; i++) {
        const ThriftField *field = &strukt->fields[i];
        bool whole;
        StrList inside = below(arena, field, fields, &whole);
        if (inside.count == 0) {
            clear(field, value);
        } else if (!whole) {
            project_inside(arena, field, value, inside);
        }
    }
}
