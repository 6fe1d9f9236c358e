/* gen_tables IDL.json --header H --source C
 *
 * Reads what the Thrift compiler says about our IDL (thrift --gen json:merge) and writes what follows from it: the C structs,
 * and the tables the codec works by. Every method gives two more structs, of its arguments (_args) and of its reply. */
#include <ctype.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json_reader.h"

enum { MOST_STRUCTS = 2000, MOST_METHODS = 600, MOST_TYPES = 1500, OUTPUT_MAX = 16 << 20, INPUT_MAX = 16 << 20, JSON_DEPTH = 40 };

typedef struct Type Type;
typedef struct Struct Struct;

struct Type {
    const char *kind;  /* of THRIFT_ */
    const char *label; /* a part of names: I64, Str, FieldSchema, StrList */
    const char *ctype; /* what a member or an item is declared as */
    Type *key, *item;
    const char *of; /* the IDL name of a struct */
};

typedef struct Field {
    int64_t id;
    const char *name;
    Type *type;
    const char *initial; /* NULL: none, or not of a number */
    bool required, raw, stream;
} Field;

struct Struct {
    const char *name, *camel, *upper; /* get_table_args, GetTableArgs, GET_TABLE_ARGS */
    Field *fields;
    size_t count;
    bool is_union, is_exception;
};

typedef struct Method {
    const char *name;
    size_t args, reply; /* in structs */
    const char *since, *until;
    bool oneway;
} Method;

typedef struct Model {
    const char *path;
    Arena *arena;
    Struct structs[MOST_STRUCTS];
    Method methods[MOST_METHODS];
    Type types[MOST_TYPES];
    size_t struct_count, method_count, type_count;
} Model;

static Model model;

static NORETURN void fail(const char *name, const char *what) {
    fprintf(stderr, "%s: %s: %s\n", model.path, name, what);
    exit(1);
}

/* ---- names --------------------------------------------------------------------------------------------------------- */

/* SQLPrimaryKey and getMetaConf as SQL_PRIMARY_KEY and GET_META_CONF. */
static const char *upper(const char *name) {
    char *out = arena_alloc(model.arena, strlen(name) * 2 + 1), *at = out;
    for (const char *p = name; *p; p++) {
        bool before = p > name && (islower((unsigned char)p[-1]) || isdigit((unsigned char)p[-1]));
        bool within = p > name && isupper((unsigned char)p[-1]) && islower((unsigned char)p[1]);
        if (isupper((unsigned char)*p) && (before || within)) {
            *at++ = '_';
        }
        *at++ = (char)toupper((unsigned char)*p);
    }
    *at = 0;
    return out;
}

/* get_table as GetTable. */
static const char *camel(const char *name) {
    char *out = arena_alloc(model.arena, strlen(name) + 1), *at = out;
    bool start = true;
    for (const char *p = name; *p; p++) {
        if (*p == '_') {
            start = true;
        } else {
            *at++ = start ? (char)toupper((unsigned char)*p) : *p;
            start = false;
        }
    }
    *at = 0;
    return out;
}

static const char *member_name(const char *name) {
    static const char *const words[] = {"auto",     "bool",     "break",  "case",     "char",   "const",    "continue",
                                        "default",  "do",       "double", "else",     "enum",   "extern",   "float",
                                        "for",      "goto",     "if",     "inline",   "int",    "long",     "return",
                                        "register", "restrict", "short",  "signed",   "sizeof", "static",   "struct",
                                        "switch",   "typedef",  "union",  "unsigned", "void",   "volatile", "while"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcmp(name, words[i]) == 0) {
            return arena_printf(model.arena, "%s_", name).ptr;
        }
    }
    return name;
}

static const char *join(const char *a, const char *b) { return arena_printf(model.arena, "%s%s", a, b).ptr; }

/* ---- reading ------------------------------------------------------------------------------------------------------- */

static const char *text(const json_t *object, const char *key) { return json_string_value(json_object_get(object, key)); }

static const char *text_required(const json_t *object, const char *key) {
    const char *value = text(object, key);
    if (!value) {
        fail(key, "is missing");
    }
    return value;
}

static Type *type_add(Type fresh) {
    for (size_t i = 0; i < model.type_count; i++) {
        Type *t = &model.types[i];
        if (strcmp(t->label, fresh.label) == 0 && strcmp(t->kind, fresh.kind) == 0) {
            return t;
        }
    }
    if (model.type_count == MOST_TYPES) {
        fail(fresh.label, "one type too many");
    }
    model.types[model.type_count] = fresh;
    return &model.types[model.type_count++];
}

static Type *type_read(const char *id, const json_t *more);

static Type *type_part(const json_t *more, const char *id_key, const char *type_key) {
    return type_read(text_required(more, id_key), json_object_get(more, type_key));
}

static Type *map_read(const json_t *more) {
    Type *key = type_part(more, "keyTypeId", "keyType"), *value = type_part(more, "valueTypeId", "valueType");
    const char *label = arena_printf(model.arena, "%sTo%sMap", key->label, value->label).ptr;
    bool params = strcmp(label, "StrToStrMap") == 0;
    return type_add((Type){"MAP", label, params ? "Params" : join("Hms", label), key, value, NULL});
}

static Type *list_read(const char *kind, const char *suffix, const json_t *more) {
    Type *item = type_part(more, "elemTypeId", "elemType");
    const char *label = join(item->label, suffix);
    bool texts = strcmp(item->label, "Str") == 0;
    return type_add((Type){kind, label, texts ? "StrList" : join("Hms", label), NULL, item, NULL});
}

static Type *type_read(const char *id, const json_t *more) {
    static const struct {
        const char *id;
        Type type;
    } simple[] = {
        {"bool", {"BOOL", "Bool", "bool", NULL, NULL, NULL}},   {"i8", {"BYTE", "I8", "int8_t", NULL, NULL, NULL}},
        {"i16", {"I16", "I16", "int16_t", NULL, NULL, NULL}},   {"i32", {"I32", "I32", "int32_t", NULL, NULL, NULL}},
        {"i64", {"I64", "I64", "int64_t", NULL, NULL, NULL}},   {"double", {"DOUBLE", "Double", "double", NULL, NULL, NULL}},
        {"string", {"STRING", "Str", "Str", NULL, NULL, NULL}}, {"binary", {"STRING", "Str", "Str", NULL, NULL, NULL}},
    };
    for (size_t i = 0; i < ARRAY_LEN(simple); i++) {
        if (strcmp(id, simple[i].id) == 0) {
            return type_add(simple[i].type);
        }
    }
    if (strcmp(id, "struct") == 0 || strcmp(id, "union") == 0 || strcmp(id, "exception") == 0) {
        const char *name = text_required(more, "class");
        return type_add((Type){"STRUCT", camel(name), join("Hms", camel(name)), NULL, NULL, name});
    }
    if (strcmp(id, "map") == 0) {
        return map_read(more);
    }
    if (strcmp(id, "list") == 0 || strcmp(id, "set") == 0) {
        bool set = id[0] == 's';
        return list_read(set ? "SET" : "LIST", set ? "Set" : "List", more);
    }
    fail(id, "is a type this generator does not know");
}

static bool annotated(const json_t *thing, const char *key) { return text(json_object_get(thing, "annotations"), key) != NULL; }

static const char *initial_read(const Type *type, const json_t *value) {
    if (!json_is_integer(value) || strcmp(type->kind, "STRING") == 0) {
        return NULL;
    }
    long long number = (long long)json_integer_value(value);
    if (strcmp(type->kind, "BOOL") == 0) {
        return number ? "true" : NULL;
    }
    return number ? arena_printf(model.arena, "%lld", number).ptr : NULL;
}

static Field field_read(const char *owner, const json_t *field) {
    Field f = {.id = json_integer_value(json_object_get(field, "key")), .name = text_required(field, "name")};
    if (f.id <= 0 || f.id > INT16_MAX) {
        fail(owner, join("needs an id of its own: ", f.name));
    }
    f.type = type_read(text_required(field, "typeId"), json_object_get(field, "type"));
    f.required = strcmp(text_required(field, "required"), "required") == 0;
    f.raw = annotated(field, "raw");
    f.stream = annotated(field, "stream");
    f.initial = initial_read(f.type, json_object_get(field, "default"));
    return f;
}

static int field_order(const void *a, const void *b) {
    const Field *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

/* Puts the members of LIST behind what FIELDS has, and all in the order of their ids. */
static void fields_read(Struct *s, const json_t *list) {
    size_t at;
    const json_t *field;
    json_array_foreach(list, at, field) { s->fields[s->count++] = field_read(s->name, field); }
    qsort(s->fields, s->count, sizeof(Field), field_order);
    for (size_t i = 1; i < s->count; i++) {
        if (s->fields[i].id == s->fields[i - 1].id) {
            fail(s->name, join("has an id twice, of ", s->fields[i].name));
        }
    }
}

static Struct *struct_add(const char *name, size_t most_fields) {
    if (model.struct_count == MOST_STRUCTS) {
        fail(name, "one struct too many");
    }
    Struct *s = &model.structs[model.struct_count++];
    *s = (Struct){.name = name, .camel = camel(name), .upper = upper(name)};
    s->fields = ARENA_ARRAY(model.arena, Field, most_fields + 1);
    for (const Struct *other = model.structs; other < s; other++) {
        if (strcmp(other->camel, s->camel) == 0 || strcmp(other->upper, s->upper) == 0) {
            fail(name, join("becomes the same name in C as ", other->name));
        }
    }
    return s;
}

static void struct_read(const json_t *json) {
    const json_t *fields = json_object_get(json, "fields");
    Struct *s = struct_add(text_required(json, "name"), json_array_size(fields));
    s->is_union = json_is_true(json_object_get(json, "isUnion"));
    s->is_exception = json_is_true(json_object_get(json, "isException"));
    fields_read(s, fields);
}

static size_t reply_read(const char *method, const json_t *json) {
    const json_t *throws = json_object_get(json, "exceptions");
    Struct *s = struct_add(join(method, "_reply"), json_array_size(throws));
    const char *type = text_required(json, "returnTypeId");
    if (strcmp(type, "void") != 0) {
        s->fields[s->count++] = (Field){
            .name = "success", .type = type_read(type, json_object_get(json, "returnType")), .stream = annotated(json, "stream")};
    }
    fields_read(s, throws);
    return (size_t)(s - model.structs);
}

static void method_read(const json_t *json) {
    if (model.method_count == MOST_METHODS) {
        fail("methods", "one too many");
    }
    Method *m = &model.methods[model.method_count++];
    const json_t *args = json_object_get(json, "arguments"), *notes = json_object_get(json, "annotations");
    m->name = text_required(json, "name");
    m->oneway = json_is_true(json_object_get(json, "oneway"));
    m->since = text(notes, "since");
    m->until = text(notes, "until");
    Struct *s = struct_add(join(m->name, "_args"), json_array_size(args));
    m->args = (size_t)(s - model.structs);
    fields_read(s, args);
    m->reply = reply_read(m->name, json);
}

static int method_order(const void *a, const void *b) { return strcmp(((const Method *)a)->name, ((const Method *)b)->name); }

static json_t *model_load(void) {
    FILE *file CLEANUP(cleanup_fclose) = fopen(model.path, "rb");
    CLEANUP(buf_free) Buf bytes = BUF_INIT(INPUT_MAX);
    char *at;
    size_t got;
    while (file && (at = buf_reserve(&bytes, 1 << 16)) && (got = fread(at, 1, 1 << 16, file)) > 0) {
        bytes.len += got;
    }
    json_t *top = NULL;
    Err err = {.message = "cannot be read"};
    if (!file || !jr_parse(model.arena, arena_str(model.arena, buf_str(&bytes)), JSON_DEPTH, &top, &err)) {
        fail("JSON", err.message);
    }
    return top;
}

static void model_read(const json_t *top) {
    size_t at, inner;
    const json_t *one, *function;
    json_array_foreach(json_object_get(top, "structs"), at, one) { struct_read(one); }
    json_array_foreach(json_object_get(top, "services"), at, one) {
        json_array_foreach(json_object_get(one, "functions"), inner, function) { method_read(function); }
    }
    qsort(model.methods, model.method_count, sizeof(Method), method_order);
}

/* ---- the header ---------------------------------------------------------------------------------------------------- */

static const char NOTICE[] = "Made by gen_tables from thrift/idl: do not edit.";

static bool is_scalar(const Type *t) { return !t->item && !t->of && strcmp(t->kind, "STRING") != 0; }

static bool has_flag(const Field *f) { return is_scalar(f->type) && !f->required; }

static bool is_base_type(const Type *t) { return strncmp(t->ctype, "Hms", 3) != 0; }

static void header_enums(Buf *out, const json_t *enums) {
    size_t at, inner;
    const json_t *one, *value;
    json_array_foreach(enums, at, one) {
        const char *name = text_required(one, "name");
        buf_printf(out, "typedef enum Hms%s {\n", camel(name));
        json_array_foreach(json_object_get(one, "members"), inner, value) {
            buf_printf(out, "    HMS_%s_%s = %lld,\n", upper(name), upper(text_required(value, "name")),
                       (long long)json_integer_value(json_object_get(value, "value")));
        }
        buf_printf(out, "} Hms%s;\n\n", camel(name));
    }
}

static void header_constants(Buf *out, const json_t *constants) {
    size_t at;
    const json_t *one;
    json_array_foreach(constants, at, one) {
        const json_t *value = json_object_get(one, "value");
        buf_printf(out, "#define HMS_%s ", text_required(one, "name"));
        if (json_is_string(value)) {
            buf_printf(out, "STR(\"%s\")\n", json_string_value(value));
        } else {
            buf_printf(out, "%lld\n", (long long)json_integer_value(value));
        }
    }
    buf_add_char(out, '\n');
}

static void header_containers(Buf *out) {
    for (size_t i = 0; i < model.type_count; i++) {
        const Type *t = &model.types[i];
        if (!t->item || is_base_type(t)) {
            continue;
        }
        const char *items = t->key ? join(t->ctype, "Pair") : t->item->ctype;
        if (t->key) {
            buf_printf(out, "typedef struct %s %s;\n", items, items);
        }
        buf_printf(out, "typedef struct %s {\n    %s *items;\n    size_t count;\n} %s;\n", t->ctype, items, t->ctype);
    }
    buf_add_char(out, '\n');
}

static void header_pairs(Buf *out) {
    for (size_t i = 0; i < model.type_count; i++) {
        const Type *t = &model.types[i];
        if (t->key && !is_base_type(t)) {
            buf_printf(out, "struct %sPair {\n    %s key;\n    %s value;\n};\n\n", t->ctype, t->key->ctype, t->item->ctype);
        }
    }
}

static void header_struct(Buf *out, const Struct *s) {
    buf_printf(out, "struct Hms%s {\n", s->camel);
    for (const Field *f = s->fields; f < s->fields + s->count; f++) {
        buf_printf(out, "    %s %s%s;\n", f->type->ctype, f->type->of ? "*" : "", member_name(f->name));
        if (f->raw) {
            buf_printf(out, "    Str %s_raw;\n", f->name);
        }
        if (f->stream) {
            buf_printf(out, "    const ThriftStream *%s_stream;\n", f->name);
        }
    }
    for (const Field *f = s->fields; f < s->fields + s->count; f++) {
        if (has_flag(f)) {
            buf_printf(out, "    bool has_%s;\n", member_name(f->name));
        }
    }
    buf_add_cstr(out, s->count ? "};\n\n" : "    char nothing;\n};\n\n");
}

static void header_tables(Buf *out, const json_t *enums) {
    size_t at;
    const json_t *one;
    buf_add_cstr(out, "typedef enum HmsStruct {\n");
    for (size_t i = 0; i < model.struct_count; i++) {
        buf_printf(out, "    HMS_STRUCT_%s,\n", model.structs[i].upper);
    }
    buf_add_cstr(out, "    HMS_STRUCT_COUNT\n} HmsStruct;\n\ntypedef enum HmsMethod {\n");
    for (size_t i = 0; i < model.method_count; i++) {
        buf_printf(out, "    HMS_METHOD_%s,\n", upper(model.methods[i].name));
    }
    buf_add_cstr(out, "    HMS_METHOD_COUNT\n} HmsMethod;\n\ntypedef enum HmsEnum {\n");
    json_array_foreach(enums, at, one) { buf_printf(out, "    HMS_ENUM_%s,\n", upper(text_required(one, "name"))); }
    buf_add_cstr(out, "    HMS_ENUM_COUNT\n} HmsEnum;\n\n"
                      "extern const ThriftStruct hms_structs[HMS_STRUCT_COUNT];\n"
                      "extern const ThriftMethod hms_methods[HMS_METHOD_COUNT]; /* by name */\n"
                      "extern const ThriftEnum hms_enums[HMS_ENUM_COUNT];\n");
}

static void write_header(Buf *out, const json_t *top) {
    buf_printf(out, "/* %s */\n#ifndef PROPOLIS_GEN_HMS_H\n#define PROPOLIS_GEN_HMS_H\n\n#include \"thrift/thrift.h\"\n\n", NOTICE);
    header_constants(out, json_object_get(top, "constants"));
    header_enums(out, json_object_get(top, "enums"));
    for (size_t i = 0; i < model.struct_count; i++) {
        buf_printf(out, "typedef struct Hms%s Hms%s;\n", model.structs[i].camel, model.structs[i].camel);
    }
    buf_add_char(out, '\n');
    header_containers(out);
    for (size_t i = 0; i < model.struct_count; i++) {
        header_struct(out, &model.structs[i]);
    }
    header_pairs(out);
    header_tables(out, json_object_get(top, "enums"));
    buf_add_cstr(out, "\n#endif\n");
}

/* ---- the source ---------------------------------------------------------------------------------------------------- */

static void source_types(Buf *out) {
    buf_add_cstr(out, "static const ThriftType types[] = {\n");
    for (size_t i = 0; i < model.type_count; i++) {
        const Type *t = &model.types[i];
        buf_printf(out, "    {.kind = THRIFT_%s", t->kind);
        if (t->item) {
            const char *params = strcmp(t->ctype, "Params") == 0 ? "Param" : join(t->ctype, "Pair");
            buf_printf(out, ", .item_bytes = sizeof(%s), .item = &types[%td]", t->key ? params : t->item->ctype,
                       t->item - model.types);
            if (t->key) {
                buf_printf(out, ", .key = &types[%td], .value_at = offsetof(%s, value)", t->key - model.types, params);
            }
        }
        if (t->of) {
            buf_printf(out, ", .of = &hms_structs[HMS_STRUCT_%s]", upper(t->of));
        }
        buf_printf(out, "}, /* %s */\n", t->label);
    }
    buf_add_cstr(out, "};\n\n");
}

static void source_initial(Buf *out, const Struct *s) {
    bool any = false;
    for (const Field *f = s->fields; f < s->fields + s->count; f++) {
        if (f->initial) {
            buf_printf(out, "%s.%s = %s", any ? ", " : "", member_name(f->name), f->initial);
            any = true;
        }
    }
}

static bool has_initial(const Struct *s) {
    for (const Field *f = s->fields; f < s->fields + s->count; f++) {
        if (f->initial) {
            return true;
        }
    }
    return false;
}

static void source_field(Buf *out, const Struct *s, const Field *f, unsigned *required) {
    const char *member = member_name(f->name);
    buf_printf(out, "    {.id = %" PRId64 ", .at = offsetof(Hms%s, %s)", f->id, s->camel, member);
    if (has_flag(f)) {
        buf_printf(out, ", .has_at = offsetof(Hms%s, has_%s)", s->camel, member);
    }
    if (f->raw) {
        buf_printf(out, ", .raw_at = offsetof(Hms%s, %s_raw)", s->camel, f->name);
    }
    if (f->stream) {
        buf_printf(out, ", .stream_at = offsetof(Hms%s, %s_stream)", s->camel, f->name);
    }
    if (f->required) {
        buf_printf(out, ", .required = %u", ++*required);
    }
    buf_printf(out, ", .type = &types[%td], .name = \"%s\"},\n", f->type - model.types, f->name);
}

/* All fields stand in one array, struct by struct. */
static void source_structs(Buf *out) {
    static unsigned required[MOST_STRUCTS];
    buf_add_cstr(out, "static const ThriftField fields[] = {\n");
    for (size_t i = 0; i < model.struct_count; i++) {
        const Struct *s = &model.structs[i];
        for (size_t j = 0; j < s->count; j++) {
            source_field(out, s, &s->fields[j], &required[i]);
        }
        if (required[i] > 64) {
            fail(s->name, "has more required fields than the decoder can count");
        }
    }
    buf_add_cstr(out, "};\n\n");
    for (size_t i = 0; i < model.struct_count; i++) {
        if (has_initial(&model.structs[i])) {
            buf_printf(out, "static const Hms%s initial_%zu = {", model.structs[i].camel, i);
            source_initial(out, &model.structs[i]);
            buf_add_cstr(out, "};\n");
        }
    }
    buf_add_cstr(out, "\nconst ThriftStruct hms_structs[] = {\n");
    size_t first = 0;
    for (size_t i = 0; i < model.struct_count; i++) {
        const Struct *s = &model.structs[i];
        const char *initial = has_initial(s) ? arena_printf(model.arena, "&initial_%zu", i).ptr : "NULL";
        buf_printf(out, "    {\"%s\", fields + %zu, %s, %zu, sizeof(Hms%s), %u, %s, %s},\n", s->name, first, initial, s->count,
                   s->camel, required[i], s->is_union ? "true" : "false", s->is_exception ? "true" : "false");
        first += s->count;
    }
    buf_add_cstr(out, "};\n\n");
}

static void quoted(Buf *out, const char *value) { buf_printf(out, value ? ", \"%s\"" : ", NULL", value); }

static void source_methods(Buf *out) {
    buf_add_cstr(out, "const ThriftMethod hms_methods[] = {\n");
    for (size_t i = 0; i < model.method_count; i++) {
        const Method *m = &model.methods[i];
        buf_printf(out, "    {\"%s\", &hms_structs[%zu], &hms_structs[%zu], %s", m->name, m->args, m->reply,
                   m->oneway ? "true" : "false");
        quoted(out, m->since);
        quoted(out, m->until);
        buf_add_cstr(out, "},\n");
    }
    buf_add_cstr(out, "};\n\n");
}

static void source_enums(Buf *out, const json_t *enums) {
    size_t at, inner;
    const json_t *one, *value;
    buf_add_cstr(out, "static const ThriftEnumValue enum_values[] = {\n");
    json_array_foreach(enums, at, one) {
        json_array_foreach(json_object_get(one, "members"), inner, value) {
            buf_printf(out, "    {\"%s\", %lld},\n", text_required(value, "name"),
                       (long long)json_integer_value(json_object_get(value, "value")));
        }
    }
    buf_add_cstr(out, "};\n\nconst ThriftEnum hms_enums[] = {\n");
    size_t first = 0;
    json_array_foreach(enums, at, one) {
        size_t count = json_array_size(json_object_get(one, "members"));
        buf_printf(out, "    {\"%s\", enum_values + %zu, %zu},\n", text_required(one, "name"), first, count);
        first += count;
    }
    buf_add_cstr(out, "};\n");
}

static void write_source(Buf *out, const json_t *top) {
    buf_printf(out, "/* %s */\n#include \"gen/hms.auto.h\"\n\n", NOTICE);
    source_types(out);
    source_structs(out);
    source_methods(out);
    source_enums(out, json_object_get(top, "enums"));
}

/* ---- main ---------------------------------------------------------------------------------------------------------- */

static void save(const char *path, const json_t *top, void (*write)(Buf *, const json_t *)) {
    CLEANUP(buf_free) Buf out = BUF_INIT(OUTPUT_MAX);
    write(&out, top);
    FILE *file CLEANUP(cleanup_fclose) = fopen(path, "wb");
    if (out.failed || !file || fwrite(out.ptr, 1, out.len, file) != out.len) {
        fail(path, "cannot be written");
    }
}

int main(int argc, char **argv) {
    if (argc != 6 || strcmp(argv[2], "--header") != 0 || strcmp(argv[4], "--source") != 0) {
        fprintf(stderr, "usage: gen_tables IDL.json --header H --source C\n");
        return 2;
    }
    CLEANUP(arena_cleanup) Arena *arena = arena_new((size_t)1 << 30);
    model.path = argv[1];
    model.arena = arena;
    const json_t *top = model_load();
    model_read(top);
    save(argv[3], top, write_header);
    save(argv[5], top, write_source);
    return 0;
}
