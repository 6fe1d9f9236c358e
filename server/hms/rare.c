#include "server/hms/rare.h"

#include "catalog/databases.h"
#include "server/hms/door.h"
#include "thrift/decode.h"
#include "thrift/encode.h"

/* ---- members by path -------------------------------------------------------------------------------------------- */

static const ThriftField *field_named(const ThriftStruct *strukt, Str name) {
    for (size_t i = 0; i < strukt->field_count; i++) {
        if (str_eq(str_from(strukt->fields[i].name), name)) {
            return &strukt->fields[i];
        }
    }
    fprintf(stderr, "propolis: %s has no member %.*s\n", strukt->name, (int)name.len, name.ptr);
    abort(); /* a row is wrong */
}

typedef struct Member {
    const ThriftField *field;
    char *in; /* the struct it is a member of; NULL: that is absent */
} Member;

/* MAKE: structs on the way that are absent. */
static Member member_at(const ThriftStruct *strukt, const void *value, Str path, Arena *make) {
    char *in = (char *)(uintptr_t)value;
    size_t dot;
    while ((dot = str_find_char(path, '.')) != SIZE_MAX) {
        const ThriftField *field = field_named(strukt, str_slice(path, 0, dot));
        void *inner = NULL;
        strukt = field->type->of;
        if (in) {
            memcpy(&inner, in + field->at, sizeof inner);
        }
        if (in && !inner && make) {
            inner = hms_new(make, strukt);
            memcpy(in + field->at, &inner, sizeof inner);
        }
        in = inner;
        path = str_skip(path, dot + 1);
    }
    return (Member){field_named(strukt, path), in};
}

static bool member_there(Member m) { return m.in && thrift_is_set(m.field, m.in); }

static Str member_text(Member m) {
    Str text = STR_NULL;
    if (m.in) {
        memcpy(&text, m.in + m.field->at, sizeof text);
    }
    return text;
}

static void *member_struct(Member m) {
    void *value = NULL;
    if (m.in) {
        memcpy(&value, m.in + m.field->at, sizeof value);
    }
    return value;
}

static void member_copy(const ThriftField *field, const char *from, char *to) {
    static const size_t BYTES[THRIFT_KINDS] = {
        [THRIFT_BOOL] = sizeof(bool),
        [THRIFT_BYTE] = 1,
        [THRIFT_I16] = 2,
        [THRIFT_I32] = 4,
        [THRIFT_I64] = 8,
        [THRIFT_DOUBLE] = 8,
        [THRIFT_STRING] = sizeof(Str),
        [THRIFT_STRUCT] = sizeof(void *),
        [THRIFT_LIST] = sizeof(ThriftItems),
        [THRIFT_SET] = sizeof(ThriftItems),
    };
    memcpy(to + field->at, from + field->at, BYTES[field->type->kind]);
    if (field->has_at) {
        to[field->has_at] = from[field->has_at];
    }
}

/* ---- keys ------------------------------------------------------------------------------------------------------- */

/* Numbers in texts that sort as they do. */
static Str number_text(Arena *arena, Member m) {
    int32_t number;
    memcpy(&number, m.in + m.field->at, sizeof number);
    return arena_printf(arena, "%010u", (uint32_t)number ^ 0x80000000U);
}

/* One word of a key. A null *ret: it is absent, and may be. */
static bool key_name(HmsCall *call, const ThriftStruct *strukt, const void *value, Str word, Str *ret, Err *err) {
    size_t mark = str_find_char(word, '?');
    Str otherwise = mark == SIZE_MAX ? STR_NULL : str_skip(word, mark + 1);
    Str path = mark == SIZE_MAX ? word : str_slice(word, 0, mark);
    bool as_it_is = str_ends(path, STR("!")), may_be_absent = str_ends(path, STR("*"));
    path = as_it_is || may_be_absent ? str_slice(path, 0, path.len - 1) : path;
    Member m = member_at(strukt, value, path, NULL);
    if (!member_there(m)) {
        *ret = otherwise;
        return may_be_absent || !str_is_null(otherwise) || hms_throw(call, HMS_META, err, "%s cannot be null.", m.field->name);
    }
    if (m.field->type->kind != THRIFT_STRING) {
        *ret = number_text(call->arena, m);
        return true;
    }
    Str name = member_text(m);
    *ret = as_it_is ? name : name_fold(call->arena, name);
    if (ret->len == 0 && !str_is_null(otherwise)) {
        *ret = otherwise;
    }
    return ret->len > 0 || may_be_absent || hms_throw(call, HMS_INVALID_OBJECT, err, "%s cannot be empty.", m.field->name);
}

static bool find_key(Rare *r, const ThriftStruct *strukt, const void *value, const char *spec, Err *err) {
    Str rest = str_from(spec), word;
    r->name_count = 0;
    while (str_split(&rest, ' ', &word) && word.len) {
        Str *name = &r->names[r->name_count];
        if (!key_name(r->call, strukt, value, word, name, err)) {
            return false;
        }
        if (str_is_empty(*name)) {
            break;
        }
        r->name_count++;
    }
    r->key = thing_key(r->call->arena, r->name_count, r->names);
    return true;
}

Str rare_key_of(Rare *r, size_t count, const Str *names) {
    Str folded[RARE_NAMES_MOST];
    for (size_t i = 0; i < count; i++) {
        folded[i] = name_fold(r->call->arena, names[i]);
    }
    return thing_key(r->call->arena, count, folded);
}

/* A struct that is written says its names as they are in the key, which is how Hive shows them. */
static void write_names(Rare *r, const ThriftStruct *strukt, char *value) {
    Str rest = str_from(r->method->kind->key), word;
    for (size_t i = 0; str_split(&rest, ' ', &word); i++) {
        Str path = str_slice(word, 0, MIN(str_find_char(word, '?'), word.len));
        if (str_has_char(path, '.') || str_has_char(path, '!')) {
            continue;
        }
        Member m = member_at(strukt, value, path, NULL);
        if (m.field->type->kind == THRIFT_STRING) {
            memcpy(value + m.field->at, &r->names[i], sizeof r->names[i]);
        }
    }
}

/* ---- structs and bytes ------------------------------------------------------------------------------------------ */

static const ThriftStruct *struct_of(const RareKind *kind) { return &hms_structs[kind->strukt]; }

static bool decode_into(Rare *r, const RareKind *kind, Str body, void *ret, Err *err) {
    ThriftLimits limits = thrift_limits(r->call->server->catalog.config);
    return thrift_decode(body, THRIFT_BINARY, &limits, struct_of(kind), r->call->arena, ret, err);
}

static bool encode(Rare *r, const ThriftStruct *strukt, const void *value, Str *ret, Err *err) {
    return thrift_encode_struct(THRIFT_BINARY, strukt, value, r->call->arena, ret, err);
}

bool rare_find(Rare *r, const RareKind *kind, Str key, void **ret, Err *err) {
    Thing thing;
    bool found;
    if (!thing_find(r->things, &kind->thing, key, &found, &thing, err)) {
        return false;
    }
    void *value = found ? hms_new(r->call->arena, struct_of(kind)) : NULL;
    if (found && !decode_into(r, kind, thing.body, value, err)) {
        return false;
    }
    *ret = value;
    return true;
}

/* "plan.pool" of the key, without what every one begins with. */
static Str shown_name(Rare *r, const RareKind *kind, Str key) {
    Str name = key.len ? str_slice(key, 0, key.len - 1) : key;
    for (unsigned i = 0; i < kind->shown; i++) {
        size_t slash = str_find_char(name, '/');
        name = slash == SIZE_MAX ? name : str_skip(name, slash + 1);
    }
    Str out = arena_str(r->call->arena, name);
    for (size_t i = 0; i < out.len; i++) {
        ((char *)(uintptr_t)out.ptr)[i] = out.ptr[i] == '/' ? '.' : out.ptr[i];
    }
    return out;
}

/* NoSuchObjectException. */
static bool say_missing(Rare *r, const RareKind *kind, Str key, Err *err) {
    return hms_throw(r->call, HMS_NO_SUCH_OBJECT, err, "%s %" STR_FMT " does not exist.", kind->what,
                     STR_ARG(shown_name(r, kind, key)));
}

bool rare_need(Rare *r, const RareKind *kind, Str key, void **ret, Err *err) {
    void *found;
    if (!rare_find(r, kind, key, &found, err)) {
        return false;
    }
    *ret = found;
    return found || say_missing(r, kind, key, err);
}

bool rare_list(Rare *r, const RareKind *kind, Str prefix, ThriftItems *ret, Err *err) {
    const ThriftStruct *strukt = struct_of(kind);
    ThingList things;
    if (!thing_list(r->things, &kind->thing, prefix, &things, err)) {
        return false;
    }
    char *items = arena_array(r->call->arena, strukt->bytes, things.count);
    for (size_t i = 0; i < things.count; i++) {
        if (!decode_into(r, kind, things.items[i].body, items + i * strukt->bytes, err)) {
            return false;
        }
    }
    *ret = (ThriftItems){things.count ? items : THRIFT_NO_ITEMS, things.count};
    return arena_check(r->call->arena, err);
}

static bool add_struct(Rare *r, const RareKind *kind, const ThriftStruct *strukt, Str key, const void *value, Err *err) {
    int64_t number;
    Str body;
    if (!encode(r, strukt, value, &body, err) || !thing_add(r->things, &kind->thing, key, body, &number, err)) {
        return false;
    }
    return number || hms_throw(r->call, HMS_ALREADY_EXISTS, err, "%s %" STR_FMT " already exists.", kind->what,
                               STR_ARG(shown_name(r, kind, key)));
}

bool rare_add(Rare *r, const RareKind *kind, Str key, const void *value, Err *err) {
    return add_struct(r, kind, struct_of(kind), key, value, err);
}

static bool put_struct(Rare *r, const RareKind *kind, const ThriftStruct *strukt, Str key, const void *value, Err *err) {
    Str body;
    return encode(r, strukt, value, &body, err) && thing_put(r->things, &kind->thing, key, body, err);
}

bool rare_put(Rare *r, const RareKind *kind, Str key, const void *value, Err *err) {
    return put_struct(r, kind, struct_of(kind), key, value, err);
}

bool rare_drop(Rare *r, const RareKind *kind, Str key, Err *err) {
    bool removed;
    for (size_t i = 0; i < RARE_CHILDREN_MOST && kind->children[i]; i++) {
        if (!thing_remove_below(r->things, &kind->children[i]->thing, key, err)) {
            return false;
        }
    }
    return thing_remove(r->things, &kind->thing, key, &removed, err) && (removed || say_missing(r, kind, key, err));
}

bool rare_given(HmsCall *call, const void *there, const char *what, Err *err) {
    return there || hms_throw(call, HMS_META, err, "%s cannot be null.", what);
}

/* ---- rows ------------------------------------------------------------------------------------------------------- */

static bool check(Rare *r, Err *err) { return !r->method->check || r->method->check(r, err); }

/* A copy of the struct that stands in the arguments, and its type: one like that of the kind. */
static bool given_struct(Rare *r, const char *path, const ThriftStruct **ret_strukt, Err *err) {
    Member m = member_at(r->call->method->args, r->args, str_from(path), NULL);
    const void *given = member_struct(m);
    if (!rare_given(r->call, given, m.field->name, err)) {
        return false;
    }
    *ret_strukt = m.field->type->of;
    r->value = hms_new(r->call->arena, *ret_strukt);
    memcpy(r->value, given, (*ret_strukt)->bytes);
    return true;
}

static bool need_parent(Rare *r, Err *err) {
    const RareKind *kind = r->method->kind;
    void *parent;
    return !kind->parent || rare_need(r, kind->parent, thing_key(r->call->arena, kind->parent_names, r->names), &parent, err);
}

static bool create(Rare *r, Err *err) {
    const RareMethod *m = r->method;
    const ThriftStruct *strukt;
    if (!given_struct(r, m->thing ? m->thing : m->at, &strukt, err) || !need_parent(r, err)) {
        return false;
    }
    write_names(r, strukt, r->value);
    return check(r, err) && (m->op == RARE_PUT ? put_struct(r, m->kind, strukt, r->key, r->value, err)
                                               : add_struct(r, m->kind, strukt, r->key, r->value, err));
}

static bool alter(Rare *r, Err *err) {
    const RareMethod *m = r->method;
    const ThriftStruct *strukt = struct_of(m->kind);
    if (!rare_need(r, m->kind, r->key, &r->old, err)) {
        return false;
    }
    if (!m->thing) {
        r->value = hms_new(r->call->arena, strukt);
        memcpy(r->value, r->old, strukt->bytes);
    } else if (!given_struct(r, m->thing, &strukt, err)) {
        return false;
    }
    Str rest = str_from(m->keep), name;
    while (str_split(&rest, ' ', &name)) {
        member_copy(field_named(strukt, name), r->old, r->value);
    }
    return check(r, err) && rare_put(r, m->kind, r->key, r->value, err);
}

/* Where the result goes, with the structs around it made. */
static char *result_at(Rare *r) {
    Str path = r->method->ret ? str_from(r->method->ret) : STR("success");
    Member m = member_at(r->call->method->reply, r->reply, path, r->call->arena);
    return m.in + m.field->at;
}

static bool get(Rare *r, Err *err) {
    if (!rare_need(r, r->method->kind, r->key, &r->old, err)) {
        return false;
    }
    if (r->method->kind->in_database) { /* which may have been renamed since */
        write_names(r, struct_of(r->method->kind), r->old);
    }
    memcpy(result_at(r), &r->old, sizeof r->old);
    return true;
}

static bool list(Rare *r, Err *err) {
    ThriftItems items;
    if (!check(r, err) || !rare_list(r, r->method->kind, r->key, &items, err)) {
        return false;
    }
    memcpy(result_at(r), &items, sizeof items);
    return true;
}

static bool list_names(Rare *r, Err *err) {
    const RareKind *kind = r->method->kind;
    const ThriftStruct *strukt = struct_of(kind);
    ThriftItems items;
    if (!rare_list(r, kind, r->key, &items, err)) {
        return false;
    }
    StrList names = {ARENA_ARRAY(r->call->arena, Str, items.count), items.count};
    for (size_t i = 0; i < items.count; i++) {
        names.items[i] = member_text(member_at(strukt, (char *)items.items + i * strukt->bytes, str_from(kind->name), NULL));
    }
    memcpy(result_at(r), &names, sizeof names);
    return true;
}

static bool need_not_be_there(Rare *r) {
    const char *path = r->method->if_missing;
    if (!path || !*path) {
        return path != NULL;
    }
    Member m = member_at(r->call->method->args, r->args, str_from(path), NULL);
    return member_there(m) && m.in[m.field->at];
}

static bool drop(Rare *r, Err *err) {
    const RareMethod *m = r->method;
    if (!rare_find(r, m->kind, r->key, &r->old, err)) {
        return false;
    }
    if (!r->old) {
        return need_not_be_there(r) || say_missing(r, m->kind, r->key, err);
    }
    return check(r, err) && rare_drop(r, m->kind, r->key, err);
}

static bool do_row(Rare *r, Err *err) {
    switch (r->method->op) {
        case RARE_CREATE:
        case RARE_PUT: return create(r, err);
        case RARE_ALTER: return alter(r, err);
        case RARE_GET: return get(r, err);
        case RARE_LIST: return list(r, err);
        case RARE_NAMES: return list_names(r, err);
        case RARE_DROP: return drop(r, err);
    }
    return true;
}

/* ---- running ---------------------------------------------------------------------------------------------------- */

typedef struct Running {
    Rare rare;
    RareBody body;
} Running;

static bool run_body(Things *things, void *arg, Err *err) {
    Running *running = arg;
    running->rare.things = things;
    return running->body(&running->rare, err);
}

/* An answer always has a result, if only an empty struct. */
static void fill_success(Rare *r) {
    const ThriftField *field = thrift_field(r->call->method->reply, 0);
    char *reply = r->reply;
    if (!field || thrift_is_set(field, reply)) {
        return;
    }
    if (field->type->kind == THRIFT_STRUCT) {
        void *empty = hms_new(r->call->arena, field->type->of);
        memcpy(reply + field->at, &empty, sizeof empty);
    } else if (field->type->kind == THRIFT_LIST) {
        ThriftItems empty = {THRIFT_NO_ITEMS, 0};
        memcpy(reply + field->at, &empty, sizeof empty);
    }
}

static bool run(Running *running, const RareKind *kind, bool reads, Action action, Err *err) {
    Ctx *ctx = &running->rare.call->ctx;
    if (!(reads ? things_read(ctx, &kind->thing, run_body, running, err)
                : things_change(ctx, &kind->thing, action, run_body, running, err))) {
        return false;
    }
    fill_success(&running->rare);
    return arena_check(ctx->arena, err);
}

bool rare_read(HmsCall *call, const RareKind *kind, RareBody body, const void *args, void *reply, Err *err) {
    Running running = {{.call = call, .args = args, .reply = reply}, body};
    return run(&running, kind, true, ACTION_READ, err);
}

bool rare_change(HmsCall *call, const RareKind *kind, RareBody body, const void *args, void *reply, Err *err) {
    Running running = {{.call = call, .args = args, .reply = reply}, body};
    return run(&running, kind, false, ACTION_ALTER, err);
}

static bool need_database(Rare *r, Err *err) {
    Database database;
    return database_get(&r->call->ctx, r->names[0], r->names[1], &database, err);
}

bool rare_do(HmsCall *call, const RareMethod *m, const void *args, void *reply, Err *err) {
    static const Action ACTIONS[] = {
        [RARE_CREATE] = ACTION_CREATE, [RARE_PUT] = ACTION_CREATE, [RARE_ALTER] = ACTION_ALTER, [RARE_GET] = ACTION_READ,
        [RARE_LIST] = ACTION_LIST,     [RARE_NAMES] = ACTION_LIST, [RARE_DROP] = ACTION_DROP};
    Running running = {{.call = call, .method = m, .args = args, .reply = reply}, do_row};
    const ThriftStruct *strukt = call->method->args;
    const void *at = args;
    if (m->at) {
        Member member = member_at(strukt, args, str_from(m->at), NULL);
        strukt = member.field->type->of;
        at = member_struct(member);
        if (!rare_given(call, at, member.field->name, err)) {
            return false;
        }
    }
    if (!find_key(&running.rare, strukt, at, m->key ? m->key : m->kind->key, err)) {
        return false;
    }
    bool makes = m->op == RARE_CREATE || m->op == RARE_PUT;
    bool reads = m->op == RARE_GET || m->op == RARE_LIST || m->op == RARE_NAMES;
    return (!makes || !m->kind->in_database || need_database(&running.rare, err)) &&
           run(&running, m->kind, reads, ACTIONS[m->op], err);
}
