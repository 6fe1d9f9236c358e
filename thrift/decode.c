#include "thrift/decode.h"

#include "thrift/wire.h"

typedef struct Reader {
    const uint8_t *at, *end;
    const ThriftLimits *limits;
    Arena *arena;
    Err *err;
    unsigned depth;
    bool compact;
    bool truth; /* of the bool field whose head was read last, in the compact protocol */
    bool named; /* err says where */
} Reader;

static size_t left(const Reader *r) { return (size_t)(r->end - r->at); }

static __attribute__((noinline, cold)) bool bad_head(Reader *r, int n) {
    return err_set(r->err, ERR_INVALID_MESSAGE, "%s", n == WIRE_MORE ? "the message ends here" : wire_problem(n));
}

/* After a head was read out of what is left: N is its length, or what is wrong with it. */
static inline bool took(Reader *r, int n) {
    if (n <= 0) {
        return bad_head(r, n);
    }
    r->at += n;
    return true;
}

static bool deeper(Reader *r) { return wire_allow_depth(r->limits, ++r->depth, r->err); }

static bool skip(Reader *r, ThriftKind kind) {
    if (kind == THRIFT_BOOL && r->compact) {
        return true;
    }
    size_t length;
    if (!thrift_scan_value((Str){(const char *)r->at, left(r)}, r->compact, kind, r->depth, r->limits, &length, r->err)) {
        return false;
    }
    r->at += length;
    return true;
}

/* ---- numbers and texts --------------------------------------------------------------------------------------------- */

/* NULL: so many bytes are not left. */
static const uint8_t *read_fixed(Reader *r, size_t bytes) {
    if (left(r) < bytes) {
        bad_head(r, WIRE_MORE);
        return NULL;
    }
    r->at += bytes;
    return r->at - bytes;
}

/* A number of BITS; the compact protocol writes all of them alike. */
static bool read_integer(Reader *r, unsigned bits, int64_t *ret) {
    if (!r->compact) {
        const uint8_t *p = read_fixed(r, bits / 8);
        if (!p) {
            return false;
        }
        *ret = bits == 16 ? (int16_t)(p[0] << 8 | p[1]) : bits == 32 ? (int32_t)wire_be32(p) : (int64_t)wire_be64(p);
        return true;
    }
    uint64_t number = 0;
    if (!took(r, wire_varint(r->at, left(r), &number))) {
        return false;
    }
    int64_t value = wire_unzigzag(number);
    if (bits < 64 && (value < -((int64_t)1 << (bits - 1)) || value >= (int64_t)1 << (bits - 1))) {
        return err_set(r->err, ERR_INVALID_MESSAGE, "%" PRId64 " does not fit into %u bits", value, bits);
    }
    *ret = value;
    return true;
}

#define READ_INTEGER(name, Type, bits) \
    static bool name(Reader *r, void *out) { \
        int64_t value = 0; \
        if (!read_integer(r, bits, &value)) { \
            return false; \
        } \
        memcpy(out, &(Type){(Type)value}, sizeof(Type)); \
        return true; \
    }
READ_INTEGER(read_i16, int16_t, 16)
READ_INTEGER(read_i32, int32_t, 32)
READ_INTEGER(read_i64, int64_t, 64)

static bool read_byte(Reader *r, void *out) {
    const uint8_t *p = read_fixed(r, 1);
    if (!p) {
        return false;
    }
    memcpy(out, p, 1);
    return true;
}

/* As an item. As a field of the compact protocol it has no bytes, see read_field(). */
static bool read_bool(Reader *r, void *out) {
    const uint8_t *p = read_fixed(r, 1);
    if (!p) {
        return false;
    }
    bool value = r->compact ? *p == COMPACT_TRUE : *p != 0;
    memcpy(out, &value, sizeof value);
    return true;
}

static bool read_double(Reader *r, void *out) {
    const uint8_t *p = read_fixed(r, 8);
    if (!p) {
        return false;
    }
    uint64_t bits = r->compact ? wire_le64(p) : wire_be64(p);
    memcpy(out, &bits, sizeof bits);
    return true;
}

static bool read_string(Reader *r, void *out) {
    uint32_t bytes = 0;
    if (!took(r, wire_string(r->compact, r->at, left(r), &bytes)) || !wire_allow_string(r->limits, bytes, left(r), r->err)) {
        return false;
    }
    Str value = {(const char *)r->at, bytes};
    memcpy(out, &value, sizeof value);
    r->at += bytes;
    return true;
}

/* ---- containers and structs ---------------------------------------------------------------------------------------- */

static bool read_value(Reader *r, const ThriftType *type, void *out);
static bool read_struct(Reader *r, const ThriftStruct *strukt, char *out);

static bool read_items(Reader *r, const ThriftType *type, const WireContainer *head, char *items) {
    for (uint32_t i = 0; i < head->count; i++) {
        char *item = items + (size_t)i * type->item_bytes;
        if ((type->key && !read_value(r, type->key, item)) || !read_value(r, type->item, item + type->value_at)) {
            return false;
        }
    }
    return arena_check(r->arena, r->err);
}

static bool is_params(const ThriftType *type) {
    return type->kind == THRIFT_MAP && type->key->kind == THRIFT_STRING && type->item->kind == THRIFT_STRING;
}

static bool skip_items(Reader *r, const WireContainer *head) {
    for (uint32_t i = 0; i < head->count; i++) {
        ThriftKind kinds[] = {head->key, head->item};
        for (size_t k = head->kind == THRIFT_MAP ? 0 : 1; k < 2; k++) {
            bool plain = kinds[k] == THRIFT_BOOL;
            if (plain ? !read_fixed(r, 1) : !skip(r, kinds[k])) {
                return false;
            }
        }
    }
    return true;
}

/* Items of another kind than ours leave the container absent, as a field of another type is. */
static bool read_container(Reader *r, const ThriftType *type, void *out) {
    WireContainer head;
    if (!took(r, wire_container(r->compact, type->kind, r->at, left(r), &head)) ||
        !wire_allow_container(r->limits, &head, r->compact, left(r), r->err) || !deeper(r)) {
        return false;
    }
    bool ours = head.item == type->item->kind && (!type->key || head.key == type->key->kind);
    ThriftItems items = {THRIFT_NO_ITEMS, head.count};
    bool ok = true;
    if (head.count && !ours) {
        items = (ThriftItems){NULL, 0};
        ok = skip_items(r, &head);
    } else if (head.count) {
        if ((size_t)head.count * type->item_bytes > arena_left(r->arena)) {
            return err_set(r->err, ERR_REQUEST_TOO_LARGE, "%" PRIu32 " items need more memory than one request may have",
                           head.count);
        }
        items.items = arena_alloc(r->arena, (size_t)head.count * type->item_bytes);
        ok = read_items(r, type, &head, items.items);
    }
    memcpy(out, &items, sizeof items);
    if (ok && is_params(type)) {
        Params params = {items.items, items.count, items.count};
        params_sort(&params);
        memcpy(out, &params, sizeof params);
    }
    r->depth--;
    return ok;
}

static bool read_value(Reader *r, const ThriftType *type, void *out) {
    switch (type->kind) {
        case THRIFT_BOOL: return read_bool(r, out);
        case THRIFT_BYTE: return read_byte(r, out);
        case THRIFT_I16: return read_i16(r, out);
        case THRIFT_I32: return read_i32(r, out);
        case THRIFT_I64: return read_i64(r, out);
        case THRIFT_DOUBLE: return read_double(r, out);
        case THRIFT_STRING: return read_string(r, out);
        case THRIFT_STRUCT: return read_struct(r, type->of, out);
        default: return read_container(r, type, out);
    }
}

/* A struct is a pointer as a field, and stands in place as an item. */
static bool read_field(Reader *r, const ThriftField *field, char *out) {
    void *at = out + field->at;
    bool ok;
    if (field->type->kind == THRIFT_STRUCT) {
        void *inner = arena_alloc(r->arena, field->type->of->bytes);
        memcpy(at, &inner, sizeof inner);
        ok = arena_check(r->arena, r->err) && read_struct(r, field->type->of, inner);
    } else if (field->type->kind == THRIFT_BOOL && r->compact) {
        memcpy(at, &r->truth, sizeof(bool));
        ok = true;
    } else {
        ok = read_value(r, field->type, at);
    }
    if (field->has_at) {
        out[field->has_at] = true;
    }
    return ok;
}

/* Writers keep to the order of the ids, so the next one is nearly always the one that stands next in the table. */
static const ThriftField *field_find(const ThriftStruct *strukt, int16_t id, size_t *next) {
    for (size_t i = *next; i < strukt->field_count && strukt->fields[i].id <= id; i++) {
        if (strukt->fields[i].id == id) {
            *next = i + 1;
            return &strukt->fields[i];
        }
    }
    return thrift_field(strukt, id);
}

static bool name_place(Reader *r, const ThriftStruct *strukt, const ThriftField *field) {
    if (!r->named) {
        r->named = true;
        err_prefix(r->err, "%s%s%s", strukt->name, field ? "." : "", field ? field->name : "");
    }
    return false;
}

static bool check_required(Reader *r, const ThriftStruct *strukt, uint64_t seen) {
    for (size_t i = 0; i < strukt->field_count; i++) {
        const ThriftField *f = &strukt->fields[i];
        if (f->required && !(seen >> (f->required - 1) & 1)) {
            err_set(r->err, ERR_INVALID_MESSAGE, "this field is required and was not sent");
            return name_place(r, strukt, f);
        }
    }
    return true;
}

static bool read_struct(Reader *r, const ThriftStruct *strukt, char *out) {
    memset(out, 0, strukt->bytes);
    if (strukt->initial) {
        memcpy(out, strukt->initial, strukt->bytes);
    }
    if (!deeper(r)) {
        return name_place(r, strukt, NULL);
    }
    WireField head = {.id = 0};
    uint64_t seen = 0;
    size_t next = 0;
    for (;;) {
        if (!took(r, wire_field(r->compact, r->at, left(r), head.id, &head))) {
            return name_place(r, strukt, NULL);
        }
        if (head.kind == THRIFT_STOP) {
            break;
        }
        r->truth = head.truth;
        const ThriftField *field = field_find(strukt, head.id, &next);
        bool ours = field && field->type->kind == head.kind;
        if (ours ? !read_field(r, field, out) : !skip(r, head.kind)) {
            return name_place(r, strukt, field);
        }
        if (ours && field->required && thrift_is_set(field, out)) {
            seen |= (uint64_t)1 << (field->required - 1);
        }
    }
    r->depth--;
    return strukt->required_count == 0 || check_required(r, strukt, seen);
}

/* ---- from outside -------------------------------------------------------------------------------------------------- */

bool thrift_decode_head(Str bytes, bool compact, ThriftMessage *ret, Str *ret_body, Err *err) {
    ThriftMessage message;
    int n = wire_message(compact, (const uint8_t *)bytes.ptr, bytes.len, &message);
    if (n <= 0) {
        return err_set(err, ERR_INVALID_MESSAGE, "The head of a Thrift message: %s.",
                       n == WIRE_MORE ? "the message ends within it" : wire_problem(n));
    }
    *ret = message;
    *ret_body = str_skip(bytes, (size_t)n);
    return true;
}

bool thrift_decode(Str body, ThriftProtocol protocol, const ThriftLimits *limits, const ThriftStruct *strukt, Arena *arena,
                   void *ret_value, Err *err) {
    const uint8_t *bytes = (const uint8_t *)body.ptr;
    Reader r = {bytes, bytes + body.len, limits, arena, err, 0, protocol == THRIFT_COMPACT, false, false};
    void *value = arena_alloc(arena, strukt->bytes);
    if (body.len > limits->message_bytes) {
        return err_set(err, ERR_REQUEST_TOO_LARGE, "A Thrift message has more than the %zu bytes that are allowed.",
                       limits->message_bytes);
    }
    if (!read_struct(&r, strukt, value)) {
        return false;
    }
    if (left(&r)) {
        return err_set(err, ERR_INVALID_MESSAGE, "%s: %zu bytes follow behind the end.", strukt->name, left(&r));
    }
    memcpy(ret_value, value, strukt->bytes);
    return arena_check(arena, err);
}
