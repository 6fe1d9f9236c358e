#include "thrift/encode.h"

#include "thrift/wire.h"

typedef struct Writer {
    Buf *out;
    const ThriftSink *sink;
    Err *err;
    bool compact;
} Writer;

/* ---- bytes --------------------------------------------------------------------------------------------------------- */

/* Room for BYTES, of which grown() says how many were used. NULL: the buffer is full, which is seen at the end. */
static inline uint8_t *room(Writer *w, size_t bytes) {
    Buf *out = w->out;
    if (!out->failed && out->capacity - out->len >= bytes) {
        return (uint8_t *)out->ptr + out->len;
    }
    return (uint8_t *)buf_reserve(out, bytes);
}

static size_t put_be(uint8_t *p, uint64_t value, size_t bytes) {
    uint64_t big = htobe64(value << (64 - 8 * bytes));
    memcpy(p, &big, bytes);
    return bytes;
}

static size_t put_varint(uint8_t *p, uint64_t value) {
    size_t n = 0;
    for (; value > 0x7F; value >>= 7) {
        p[n++] = (uint8_t)(value | 0x80);
    }
    p[n++] = (uint8_t)value;
    return n;
}

static void write_be(Writer *w, uint64_t value, size_t bytes) {
    uint8_t *p = room(w, 8);
    if (p) {
        w->out->len += put_be(p, value, bytes);
    }
}

static void write_varint(Writer *w, uint64_t value) {
    uint8_t *p = room(w, VARINT_MAX);
    if (p) {
        w->out->len += put_varint(p, value);
    }
}

static void write_size(Writer *w, size_t size) {
    if (w->compact) {
        write_varint(w, size);
    } else {
        write_be(w, size, 4);
    }
}

static bool flush(Writer *w) { return w->sink->take(w->sink->ctx, w->out, w->err); }

/* Between items: whatever is larger than a segment goes. */
static inline bool item_done(Writer *w) {
    if (w->out->failed) {
        return buf_check(w->out, "The answer", w->err);
    }
    return !w->sink || w->out->len < w->sink->segment_bytes || flush(w);
}

/* ---- values -------------------------------------------------------------------------------------------------------- */

static bool write_value(Writer *w, const ThriftType *type, const void *value);
static bool write_struct(Writer *w, const ThriftStruct *strukt, const void *value);

static bool write_string(Writer *w, const void *value) {
    Str s;
    memcpy(&s, value, sizeof s);
    if (s.len > INT32_MAX) {
        return err_set(w->err, ERR_REQUEST_TOO_LARGE, "A text of %zu bytes is longer than Thrift can say.", s.len);
    }
    uint8_t *p = room(w, VARINT_MAX + s.len);
    if (p) {
        size_t n = w->compact ? put_varint(p, s.len) : put_be(p, s.len, 4);
        if (s.len) {
            memcpy(p + n, s.ptr, s.len);
        }
        w->out->len += n + s.len;
    }
    return true;
}

static void write_integer(Writer *w, int64_t value, size_t bytes) {
    if (w->compact) {
        write_varint(w, wire_zigzag(value));
    } else {
        write_be(w, (uint64_t)value, bytes);
    }
}

static void write_number(Writer *w, ThriftKind kind, const void *value) {
    union {
        bool truth;
        int8_t i8;
        int16_t i16;
        int32_t i32;
        int64_t i64;
        uint64_t bits;
    } number;
    switch (kind) {
        case THRIFT_BOOL:
            memcpy(&number.truth, value, sizeof number.truth);
            write_be(w, number.truth ? 1 : w->compact ? COMPACT_FALSE : 0, 1);
            break;
        case THRIFT_BYTE:
            memcpy(&number.i8, value, sizeof number.i8);
            write_be(w, (uint64_t)number.i8, 1);
            break;
        case THRIFT_I16:
            memcpy(&number.i16, value, sizeof number.i16);
            write_integer(w, number.i16, 2);
            break;
        case THRIFT_I32:
            memcpy(&number.i32, value, sizeof number.i32);
            write_integer(w, number.i32, 4);
            break;
        case THRIFT_I64:
            memcpy(&number.i64, value, sizeof number.i64);
            write_integer(w, number.i64, 8);
            break;
        default:
            memcpy(&number.bits, value, sizeof number.bits);
            write_be(w, w->compact ? __builtin_bswap64(number.bits) : number.bits, 8);
    }
}

static void write_container_head(Writer *w, const ThriftType *type, size_t count) {
    if (type->kind == THRIFT_MAP) {
        if (w->compact) {
            write_varint(w, count);
            if (count) {
                write_be(w, wire_to_compact(type->key->kind) << 4 | wire_to_compact(type->item->kind), 1);
            }
            return;
        }
        write_be(w, (uint64_t)type->key->kind << 8 | type->item->kind, 2);
    } else if (!w->compact) {
        write_be(w, type->item->kind, 1);
    } else if (count < COMPACT_LONG_LIST) {
        write_be(w, count << 4 | wire_to_compact(type->item->kind), 1);
        return;
    } else {
        write_be(w, COMPACT_LONG_LIST << 4 | wire_to_compact(type->item->kind), 1);
    }
    write_size(w, count);
}

static bool count_fits(Writer *w, size_t count) {
    return count <= INT32_MAX || err_set(w->err, ERR_REQUEST_TOO_LARGE, "%zu items are more than Thrift can say.", count);
}

static bool write_container(Writer *w, const ThriftType *type, const void *value) {
    ThriftItems items;
    memcpy(&items, value, sizeof items);
    if (!count_fits(w, items.count)) {
        return false;
    }
    write_container_head(w, type, items.count);
    const char *item = items.items;
    for (size_t i = 0; i < items.count; i++, item += type->item_bytes) {
        if ((type->key && !write_value(w, type->key, item)) || !write_value(w, type->item, item + type->value_at) ||
            !item_done(w)) {
            return false;
        }
    }
    return true;
}

static bool write_stream(Writer *w, const ThriftType *type, const ThriftStream *stream) {
    if (!count_fits(w, stream->count)) {
        return false;
    }
    write_container_head(w, type, stream->count);
    for (size_t i = 0; i < stream->count; i++) {
        const void *item;
        if (!stream->next(stream->ctx, &item, w->err) || !write_value(w, type->item, item) || !item_done(w)) {
            return false;
        }
    }
    return true;
}

static bool write_value(Writer *w, const ThriftType *type, const void *value) {
    switch (type->kind) {
        case THRIFT_STRING: return write_string(w, value);
        case THRIFT_STRUCT: return write_struct(w, type->of, value);
        case THRIFT_MAP:
        case THRIFT_SET:
        case THRIFT_LIST: return write_container(w, type, value);
        default: write_number(w, type->kind, value); return true;
    }
}

/* ---- structs ------------------------------------------------------------------------------------------------------- */

/* COMPACT_KIND says the value, too, of a bool. */
static void write_field_head(Writer *w, const ThriftField *field, int16_t last_id, unsigned compact_kind) {
    uint8_t *p = room(w, 8 + VARINT_MAX);
    if (!p) {
        return;
    }
    int delta = field->id - last_id;
    if (!w->compact) {
        p[0] = field->type->kind;
        w->out->len += 1 + put_be(p + 1, (uint16_t)field->id, 2);
    } else if (delta > 0 && delta <= 15) {
        p[0] = (uint8_t)((unsigned)delta << 4 | compact_kind);
        w->out->len++;
    } else {
        p[0] = (uint8_t)compact_kind;
        w->out->len += 1 + put_varint(p + 1, wire_zigzag(field->id));
    }
}

static bool write_member(Writer *w, const ThriftField *field, const char *value) {
    if (field->raw_at) {
        Str raw;
        memcpy(&raw, value + field->raw_at, sizeof raw);
        if (!str_is_null(raw)) {
            buf_add(w->out, raw);
            return true;
        }
    }
    if (field->stream_at) {
        const ThriftStream *stream;
        memcpy(&stream, value + field->stream_at, sizeof stream);
        if (stream) {
            return write_stream(w, field->type, stream);
        }
    }
    if (field->type->kind == THRIFT_STRUCT) {
        const void *inner;
        memcpy(&inner, value + field->at, sizeof inner);
        return write_struct(w, field->type->of, inner);
    }
    return write_value(w, field->type, value + field->at);
}

static bool write_field(Writer *w, const ThriftField *field, int16_t last_id, const char *value) {
    if (w->compact && field->type->kind == THRIFT_BOOL) {
        write_field_head(w, field, last_id, value[field->at] ? COMPACT_TRUE : COMPACT_FALSE);
        return true;
    }
    write_field_head(w, field, last_id, wire_to_compact(field->type->kind));
    return write_member(w, field, value);
}

static bool write_struct(Writer *w, const ThriftStruct *strukt, const void *value) {
    int16_t last_id = 0;
    for (const ThriftField *f = strukt->fields; f < strukt->fields + strukt->field_count; f++) {
        if (!thrift_is_set(f, value)) {
            if (f->required) {
                return err_set(w->err, ERR_INTERNAL, "%s.%s has to be sent and is not set.", strukt->name, f->name);
            }
            continue;
        }
        if (!write_field(w, f, last_id, value)) {
            return false;
        }
        last_id = f->id;
    }
    write_be(w, THRIFT_STOP, 1);
    return true;
}

/* ---- messages ------------------------------------------------------------------------------------------------------ */

static void write_message_head(Writer *w, const ThriftMessage *m) {
    if (m->protocol == THRIFT_COMPACT) {
        write_be(w, COMPACT_BYTE << 8 | (uint64_t)m->type << 5 | COMPACT_VERSION, 2);
        write_varint(w, (uint32_t)m->seqid);
        write_string(w, &m->name);
    } else if (m->protocol == THRIFT_BINARY) {
        write_be(w, (uint64_t)0x80010000 | m->type, 4);
        write_string(w, &m->name);
        write_be(w, (uint32_t)m->seqid, 4);
    } else {
        write_string(w, &m->name);
        write_be(w, m->type, 1);
        write_be(w, (uint32_t)m->seqid, 4);
    }
}

bool thrift_encode(const ThriftMessage *message, const ThriftStruct *strukt, const void *value, Buf *out, const ThriftSink *sink,
                   Err *err) {
    Writer w = {out, sink, err, message->protocol == THRIFT_COMPACT};
    write_message_head(&w, message);
    return write_struct(&w, strukt, value) && buf_check(out, "The answer", err) && (!sink || flush(&w));
}

bool thrift_encode_struct(ThriftProtocol protocol, const ThriftStruct *strukt, const void *value, Arena *arena, Str *ret,
                          Err *err) {
    CLEANUP(buf_free) Buf out = BUF_INIT(INT32_MAX);
    Writer w = {&out, NULL, err, protocol == THRIFT_COMPACT};
    if (!write_struct(&w, strukt, value) || !buf_check(&out, "A struct that is kept", err)) {
        return false;
    }
    *ret = arena_str(arena, buf_str(&out));
    return true;
}

bool thrift_encode_raw(ThriftProtocol protocol, const ThriftStruct *strukt, int16_t id, const void *value, Arena *arena, Str *ret,
                       Err *err) {
    CLEANUP(buf_free) Buf out = BUF_INIT(INT32_MAX);
    Writer w = {&out, NULL, err, protocol == THRIFT_COMPACT};
    if (!write_member(&w, thrift_field(strukt, id), value) || !buf_check(&out, "A part of the answer", err)) {
        return false;
    }
    *ret = arena_str(arena, buf_str(&out));
    return true;
}
