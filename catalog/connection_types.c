#include "catalog/connection_types.h"

typedef enum Form { TEXT_FORM, TEXTS_FORM, MAP_FORM, OBJECT_FORM, ENUM_FORM } Form;
typedef enum Look { TEXT_LOOK, LINE_LOOK, NO_SPACE_LOOK, PRINTABLE_LOOK, URL_LOOK } Look;

typedef struct Member {
    const char *shape, *glue, *rest;
    Form form;
    const char *of; /* shape or enum */
    size_t low, high, count;
    Look look;
    bool secret;
} Member;

typedef struct EnumValue {
    const char *of, *value;
} EnumValue;

#define CONNECTION_TYPE(name)
#define CONNECTION_KEY(name, secret)
#define CONNECTION_MEMBER(shape, glue, rest, form, of, low, high, count, look, secret)
#define CONNECTION_VALUE(of, value)

const char *const connection_types[] = {
#undef CONNECTION_TYPE
#define CONNECTION_TYPE(name) name,
#include "catalog/connection_types.def"
#undef CONNECTION_TYPE
#define CONNECTION_TYPE(name)
    NULL,
};

static const ConnectionKey connection_keys[] = {
#undef CONNECTION_KEY
#define CONNECTION_KEY(name, secret) {name, secret},
#include "catalog/connection_types.def"
#undef CONNECTION_KEY
#define CONNECTION_KEY(name, secret)
};
const size_t connection_key_count = ARRAY_LEN(connection_keys);

static const Member MEMBERS[] = {
#undef CONNECTION_MEMBER
#define CONNECTION_MEMBER(shape, glue, rest, form, of, low, high, count, look, secret) \
    {shape, glue, rest, form##_FORM, of, low, high, count, look##_LOOK, secret},
#include "catalog/connection_types.def"
#undef CONNECTION_MEMBER
#define CONNECTION_MEMBER(shape, glue, rest, form, of, low, high, count, look, secret)
};

static const EnumValue VALUES[] = {
#undef CONNECTION_VALUE
#define CONNECTION_VALUE(of, value) {of, value},
#include "catalog/connection_types.def"
};

static const char ROOT[] = "ConnectionInput";

bool connection_type_known(Str type) {
    for (const char *const *name = connection_types; *name; name++) {
        if (str_eq(type, str_from(*name))) {
            return true;
        }
    }
    return false;
}

const ConnectionKey *connection_key_find(Str name) {
    for (size_t i = 0; i < connection_key_count; i++) {
        if (str_eq(name, str_from(connection_keys[i].name))) {
            return &connection_keys[i];
        }
    }
    return NULL;
}

/* --- properties ------------------------------------------------------------------------------------------------ */

static const char *nearest_key(Str name) {
    const char *names[ARRAY_LEN(connection_keys) + 1];
    for (size_t i = 0; i < connection_key_count; i++) {
        names[i] = connection_keys[i].name;
    }
    names[connection_key_count] = NULL;
    return nearest_word(name, names);
}

bool connection_properties_check(const Params *properties, Err *err) {
    if (properties->count > CONNECTION_PROPERTIES_MAX) {
        return err_set(err, ERR_LIMIT_EXCEEDED, "A connection has at most %d properties; %zu are given.", CONNECTION_PROPERTIES_MAX,
                       properties->count);
    }
    for (size_t i = 0; i < properties->count; i++) {
        const Param *p = &properties->items[i];
        if (!connection_key_find(p->key)) {
            const char *near = nearest_key(p->key);
            return err_set(err, ERR_INVALID_INPUT, "%" STR_FMT " is not a property of connections%s%s%s", STR_ARG(p->key),
                           near ? ". Did you mean " : "", near ? near : "", near ? "?" : ".");
        }
        if (p->value.len == 0 || p->value.len > CONNECTION_PROPERTY_MAX_BYTES) {
            return err_set(err, ERR_INVALID_INPUT, "The property %" STR_FMT " must have 1 to %d bytes.", STR_ARG(p->key),
                           CONNECTION_PROPERTY_MAX_BYTES);
        }
    }
    return true;
}

/* --- texts ----------------------------------------------------------------------------------------------------- */

static bool looks_right(Look look, Str s) {
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        bool wrong_line = (c < 0x20 && c != '\t') || c == 0x7F;
        bool wrong_space = c <= 0x20 || c == 0x7F;
        if ((look == LINE_LOOK && wrong_line) || ((look == NO_SPACE_LOOK || look == URL_LOOK) && wrong_space) ||
            (look == PRINTABLE_LOOK && (c < 0x20 || c > 0x7E))) {
            return false;
        }
    }
    return look != URL_LOOK || str_starts(s, STR("http://")) || str_starts(s, STR("https://"));
}

static bool check_text(const Member *m, const JsonAt *at, Arena *arena, Err *err) {
    static const char *const looks[] = {"text", "one line of text", "text without spaces", "printable ASCII",
                                        "an http or https address"};
    if (!json_is_string(at->value)) {
        return err_set(err, ERR_INVALID_INPUT, "%" STR_FMT " must be a text.", STR_ARG(jr_path(at, arena)));
    }
    Str text = {json_string_value(at->value), json_string_length(at->value)};
    if (text.len < m->low || text.len > m->high || !looks_right(m->look, text)) {
        return err_set(err, ERR_INVALID_INPUT, "%" STR_FMT " must be %s of %zu to %zu bytes.", STR_ARG(jr_path(at, arena)),
                       looks[m->look], m->low, m->high);
    }
    return true;
}

static bool check_texts(const Member *m, const JsonAt *at, Arena *arena, Err *err) {
    if (!jr_expect_array(at, arena, err)) {
        return false;
    }
    if (json_array_size(at->value) > m->count) {
        return err_set(err, ERR_LIMIT_EXCEEDED, "%" STR_FMT " takes at most %zu items.", STR_ARG(jr_path(at, arena)), m->count);
    }
    for (size_t i = 0; i < json_array_size(at->value); i++) {
        JsonAt item = jr_item(at, i);
        if (!check_text(m, &item, arena, err)) {
            return false;
        }
    }
    return true;
}

static bool check_map(const Member *m, const JsonAt *at, Arena *arena, Err *err) {
    const char *key;
    const json_t *value;
    if (!jr_expect_object(at, arena, err)) {
        return false;
    }
    for (void *it = json_object_iter((json_t *)(uintptr_t)at->value); it;
         it = json_object_iter_next((json_t *)(uintptr_t)at->value, it)) {
        key = json_object_iter_key(it);
        value = json_object_iter_value(it);
        JsonAt item = {.value = value, .parent = at, .key = key};
        if (!check_text(m, &item, arena, err)) {
            return false;
        }
        if (strlen(key) == 0 || strlen(key) > m->count) {
            return err_set(err, ERR_INVALID_INPUT, "The keys of %" STR_FMT " must have 1 to %zu bytes.",
                           STR_ARG(jr_path(at, arena)), m->count);
        }
    }
    return true;
}

static bool check_enum(const Member *m, const JsonAt *at, Arena *arena, Err *err) {
    CLEANUP(buf_free) Buf known = BUF_INIT(4096);
    for (size_t i = 0; i < ARRAY_LEN(VALUES); i++) {
        if (strcmp(VALUES[i].of, m->of) == 0) {
            if (json_is_string(at->value) && strcmp(VALUES[i].value, json_string_value(at->value)) == 0) {
                return true;
            }
            buf_printf(&known, "%s%s", known.len ? ", " : "", VALUES[i].value);
        }
    }
    return err_set(err, ERR_INVALID_INPUT, "%" STR_FMT " must be one of %" STR_FMT ".", STR_ARG(jr_path(at, arena)),
                   STR_ARG(buf_str(&known)));
}

/* --- taking apart ---------------------------------------------------------------------------------------------- */

static void free_json(void *tree) { json_decref(tree); }

static json_t *in_arena(json_t *tree, Arena *arena) {
    if (tree) {
        arena_defer(arena, free_json, tree);
    }
    return tree;
}

typedef struct Split {
    ConnectionNaming naming;
    Arena *arena;
    Err *err;
} Split;

static const char *name_of(const Member *m, ConnectionNaming naming) { return naming == CONNECTION_NAMES_GLUE ? m->glue : m->rest; }

static bool known_names(const Split *s, const char *shape, const char *const *leave, const JsonAt *at) {
    const char *names[ARRAY_LEN(MEMBERS) + 32];
    size_t count = 0;
    for (; leave && *leave && count < 31; leave++) {
        names[count++] = *leave;
    }
    for (size_t i = 0; i < ARRAY_LEN(MEMBERS); i++) {
        if (strcmp(MEMBERS[i].shape, shape) == 0) {
            names[count++] = name_of(&MEMBERS[i], s->naming);
        }
    }
    names[count] = NULL;
    return jr_only_members(at, s->arena, names, s->err);
}

static bool split_object(const Split *s, const char *shape, const char *const *leave, const JsonAt *at, bool secret, json_t *open,
                         json_t *sealed);

/* An object goes to both sides, as far as anything of it is there; an empty one stays where it was put. */
static bool split_inner(const Split *s, const Member *m, const JsonAt *at, bool secret, json_t *open, json_t *sealed) {
    json_t *inner_open = json_object(), *inner_sealed = json_object();
    bool ok = split_object(s, m->of, NULL, at, secret, inner_open, inner_sealed);
    bool empty = json_object_size(inner_open) + json_object_size(inner_sealed) == 0;
    if (json_object_size(inner_open) || (empty && !secret)) {
        json_object_set(open, m->glue, inner_open);
    }
    if (json_object_size(inner_sealed) || (empty && secret)) {
        json_object_set(sealed, m->glue, inner_sealed);
    }
    json_decref(inner_open);
    json_decref(inner_sealed);
    return ok;
}

/* A leaf goes to one side. */
static bool split_member(const Split *s, const Member *m, const JsonAt *at, bool secret, json_t *open, json_t *sealed) {
    switch (m->form) {
        case TEXT_FORM:
            if (!check_text(m, at, s->arena, s->err)) {
                return false;
            }
            break;
        case TEXTS_FORM:
            if (!check_texts(m, at, s->arena, s->err)) {
                return false;
            }
            break;
        case MAP_FORM:
            if (!check_map(m, at, s->arena, s->err)) {
                return false;
            }
            break;
        case ENUM_FORM:
            if (!check_enum(m, at, s->arena, s->err)) {
                return false;
            }
            break;
        case OBJECT_FORM: return split_inner(s, m, at, secret, open, sealed);
    }
    json_object_set_new(secret ? sealed : open, m->glue, json_deep_copy(at->value));
    return true;
}

static bool split_object(const Split *s, const char *shape, const char *const *leave, const JsonAt *at, bool secret, json_t *open,
                         json_t *sealed) {
    if (!jr_expect_object(at, s->arena, s->err) || !known_names(s, shape, leave, at)) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_LEN(MEMBERS); i++) {
        const Member *m = &MEMBERS[i];
        JsonAt inner = strcmp(m->shape, shape) == 0 ? jr_member(at, name_of(m, s->naming)) : (JsonAt){0};
        if (inner.value && !split_member(s, m, &inner, secret || m->secret, open, sealed)) {
            return false;
        }
    }
    return true;
}

bool connection_more_split(const JsonAt *object, ConnectionNaming naming, const char *const *leave, Arena *arena,
                           json_t **ret_public, json_t **ret_secret, Err *err) {
    const Split s = {naming, arena, err};
    json_t *open = in_arena(json_object(), arena), *sealed = in_arena(json_object(), arena);
    if (!split_object(&s, ROOT, leave, object, false, open, sealed)) {
        return false;
    }
    *ret_public = json_object_size(open) ? open : NULL;
    *ret_secret = json_object_size(sealed) ? sealed : NULL;
    return true;
}

json_t *connection_more_join(const json_t *a, const json_t *b, Arena *arena) {
    if (!a && !b) {
        return NULL;
    }
    json_t *both = in_arena(a ? json_deep_copy(a) : json_object(), arena);
    json_t *other = b ? json_deep_copy(b) : NULL;
    if (other) {
        json_object_update_recursive(both, other);
        json_decref(other);
    }
    return both;
}

/* --- writing --------------------------------------------------------------------------------------------------- */

static void value_json(JsonWriter *w, const json_t *value) {
    if (json_is_string(value)) {
        jw_str(w, (Str){json_string_value(value), json_string_length(value)});
        return;
    }
    if (json_is_array(value)) {
        jw_array_begin(w);
        for (size_t i = 0; i < json_array_size(value); i++) {
            value_json(w, json_array_get(value, i));
        }
        jw_array_end(w);
        return;
    }
    const char *key;
    json_t *item;
    json_t *object = (json_t *)(uintptr_t)value;
    jw_object_begin(w);
    json_object_foreach(object, key, item) {
        jw_key(w, str_from(key));
        value_json(w, item);
    }
    jw_object_end(w);
}

static void members_json(JsonWriter *w, const char *shape, const json_t *object, ConnectionNaming naming) {
    for (size_t i = 0; i < ARRAY_LEN(MEMBERS); i++) {
        const Member *m = &MEMBERS[i];
        const json_t *value = strcmp(m->shape, shape) == 0 ? json_object_get(object, m->glue) : NULL;
        if (!value) {
            continue;
        }
        jw_key(w, str_from(name_of(m, naming)));
        if (m->form == OBJECT_FORM) {
            jw_object_begin(w);
            members_json(w, m->of, value, naming);
            jw_object_end(w);
        } else {
            value_json(w, value);
        }
    }
}

void connection_more_json(JsonWriter *w, const json_t *more, ConnectionNaming naming) { members_json(w, ROOT, more, naming); }

void connection_types_json(JsonWriter *w) {
    jw_object_begin(w);
    jw_key(w, STR("types"));
    jw_array_begin(w);
    for (const char *const *name = connection_types; *name; name++) {
        jw_str(w, str_from(*name));
    }
    jw_array_end(w);
    jw_key(w, STR("properties"));
    jw_array_begin(w);
    for (size_t i = 0; i < connection_key_count; i++) {
        jw_object_begin(w);
        jw_put_str(w, "name", str_from(connection_keys[i].name));
        jw_put_bool(w, "secret", connection_keys[i].secret);
        jw_object_end(w);
    }
    jw_array_end(w);
    jw_object_end(w);
}
