#include "thrift/thrift.h"

char thrift_no_items[] = "";

const ThriftField *thrift_field(const ThriftStruct *strukt, int16_t id) {
    for (size_t i = 0; i < strukt->field_count; i++) {
        if (strukt->fields[i].id == id) {
            return &strukt->fields[i];
        }
    }
    return NULL;
}

/* Members of a type unknown here are read as bytes, whatever struct they are part of. */
static const void *pointer_at(const char *value, size_t at) {
    const void *pointer;
    memcpy(&pointer, value + at, sizeof pointer);
    return pointer;
}

bool thrift_is_set(const ThriftField *field, const void *value) {
    const char *strukt = value;
    if (field->has_at) {
        return strukt[field->has_at] != 0;
    }
    if ((field->raw_at && pointer_at(strukt, field->raw_at + offsetof(Str, ptr))) ||
        (field->stream_at && pointer_at(strukt, field->stream_at))) {
        return true;
    }
    switch (field->type->kind) {
        case THRIFT_STRING: return pointer_at(strukt, field->at + offsetof(Str, ptr)) != NULL;
        case THRIFT_STRUCT: return pointer_at(strukt, field->at) != NULL;
        case THRIFT_MAP:
        case THRIFT_SET:
        case THRIFT_LIST: return pointer_at(strukt, field->at + offsetof(ThriftItems, items)) != NULL;
        default: return true;
    }
}

const char *thrift_enum_name(const ThriftEnum *table, int32_t value) {
    for (size_t i = 0; i < table->count; i++) {
        if (table->values[i].value == value) {
            return table->values[i].name;
        }
    }
    return NULL;
}
