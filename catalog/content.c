#include "catalog/content.h"

#include "base/buf.h"

const ColumnSet column_set_none;
const StorageFormat storage_format_none;

enum { CANONICAL_MAX = 1 << 30 };

/* Every value is led by a byte that tells null from a value and by its length, so no two definitions run together. */
static void add_str(Buf *b, Str s) {
    if (str_is_null(s)) {
        buf_add_char(b, 'N');
        return;
    }
    buf_add_char(b, 'S');
    buf_add_be64(b, s.len);
    buf_add(b, s);
}

static void add_params(Buf *b, const Params *p) {
    buf_add_be64(b, p->count);
    for (size_t i = 0; i < p->count; i++) {
        add_str(b, p->items[i].key);
        add_str(b, p->items[i].value);
    }
}

static void add_strs(Buf *b, StrList list) {
    buf_add_be64(b, list.count);
    for (size_t i = 0; i < list.count; i++) {
        add_str(b, list.items[i]);
    }
}

static Uuid digest(Buf *b) {
    unsigned char hash[32];
    sha256(buf_str(b), hash);
    Uuid id;
    memcpy(id.bytes, hash, sizeof id.bytes);
    return id;
}

Uuid content_columns_id(const Column *items, size_t count) {
    CLEANUP(buf_free) Buf b = BUF_INIT(CANONICAL_MAX);
    buf_add(&b, STR("columns1"));
    buf_add_be64(&b, count);
    for (size_t i = 0; i < count; i++) {
        add_str(&b, items[i].name);
        add_str(&b, items[i].type);
        add_str(&b, items[i].comment);
        add_params(&b, &items[i].params);
    }
    return digest(&b);
}

static void add_serde(Buf *b, const Serde *s) {
    add_str(b, s->name);
    add_str(b, s->library);
    add_str(b, s->description);
    add_str(b, s->serializer);
    add_str(b, s->deserializer);
    buf_add_be32(b, (uint32_t)s->type);
    add_params(b, &s->params);
}

static void add_skew(Buf *b, const Skew *s) {
    add_strs(b, s->columns);
    buf_add_be64(b, s->value_count);
    for (size_t i = 0; i < s->value_count; i++) {
        add_strs(b, s->values[i]);
    }
    buf_add_be64(b, s->location_count);
    for (size_t i = 0; i < s->location_count; i++) {
        add_strs(b, s->locations[i].values);
        add_str(b, s->locations[i].location);
    }
}

Uuid content_format_id(const StorageFormat *f) {
    CLEANUP(buf_free) Buf b = BUF_INIT(CANONICAL_MAX);
    buf_add(&b, STR("format1"));
    add_str(&b, f->input_format);
    add_str(&b, f->output_format);
    buf_add_char(&b, f->compressed ? 1 : 0);
    buf_add_char(&b, f->stored_as_sub_directories ? 1 : 0);
    buf_add_be32(&b, (uint32_t)f->buckets);
    add_strs(&b, f->bucket_columns);
    buf_add_be64(&b, f->sort_column_count);
    for (size_t i = 0; i < f->sort_column_count; i++) {
        add_str(&b, f->sort_columns[i].name);
        buf_add_be32(&b, (uint32_t)f->sort_columns[i].order);
    }
    add_serde(&b, &f->serde);
    add_skew(&b, &f->skew);
    return digest(&b);
}

const ColumnSet *column_set_make(Arena *arena, Column *items, size_t count) {
    ColumnSet *set = ARENA_NEW(arena, ColumnSet);
    *set = (ColumnSet){content_columns_id(items, count), items, count, STR_NULL};
    return set;
}

const StorageFormat *storage_format_make(Arena *arena, const StorageFormat *format) {
    StorageFormat *own = ARENA_NEW(arena, StorageFormat);
    *own = *format;
    own->id = content_format_id(format);
    return own;
}
