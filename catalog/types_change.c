/* How bad a change of a column's type is for those who read its existing files. */
#include "catalog/names.h"
#include "catalog/types.h"

typedef struct Verdict {
    TypeChange change;
    Str path;
    const char *why;
} Verdict;

typedef struct Comparison {
    Arena *arena;
    TypeFormat format;
    Verdict worst;
} Comparison;

const char *type_change_name(TypeChange change) {
    static const char *const names[] = {"none", "cosmetic", "safe", "engine_dependent", "breaking"};
    return names[change];
}

static bool contains_nocase(Str s, const char *needle) {
    Str n = str_from(needle);
    for (size_t i = 0; i + n.len <= s.len; i++) {
        if (str_starts_nocase(str_skip(s, i), n)) {
            return true;
        }
    }
    return false;
}

TypeFormat type_format_of(Str input_format, Str serde) {
    static const struct {
        const char *word;
        TypeFormat format;
    } known[] = {
        {"parquet", FORMAT_PARQUET}, {"orc", FORMAT_ORC},         {"avro", FORMAT_AVRO},       {"json", FORMAT_JSON},
        {"csv", FORMAT_TEXT},        {"lazysimple", FORMAT_TEXT}, {"regexserde", FORMAT_TEXT}, {"multidelimit", FORMAT_TEXT},
    };
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (contains_nocase(serde, known[i].word) || contains_nocase(input_format, known[i].word)) {
            return known[i].format;
        }
    }
    return contains_nocase(input_format, "textinputformat") ? FORMAT_TEXT : FORMAT_UNKNOWN;
}

bool type_format_by_position(TypeFormat format) { return format == FORMAT_TEXT || format == FORMAT_ORC; }

static void note(Comparison *c, TypeChange change, Str path, const char *why) {
    if (change > c->worst.change) {
        c->worst = (Verdict){change, path, why};
    }
}

static bool is_integer(TypeKind kind) { return kind >= TYPE_TINYINT && kind <= TYPE_BIGINT; }
static bool is_float(TypeKind kind) { return kind == TYPE_FLOAT || kind == TYPE_DOUBLE; }
static bool is_text(TypeKind kind) { return kind == TYPE_STRING || kind == TYPE_VARCHAR || kind == TYPE_CHAR; }
static bool is_nested(TypeKind kind) { return kind >= TYPE_ARRAY; }

static int integer_digits(TypeKind kind) {
    return kind == TYPE_TINYINT ? 3 : kind == TYPE_SMALLINT ? 5 : kind == TYPE_INT ? 10 : 19;
}

static Verdict verdict(TypeChange change, const char *why) { return (Verdict){.change = change, .why = why}; }

/* One answer a format: P Parquet, O ORC, A Avro, T text and JSON, U not known. */
static TypeChange by_format(TypeFormat f, TypeChange p, TypeChange o, TypeChange a, TypeChange t, TypeChange u) {
    return f == FORMAT_PARQUET ? p : f == FORMAT_ORC ? o : f == FORMAT_AVRO ? a : f == FORMAT_UNKNOWN ? u : t;
}

static const TypeChange SAFE = TYPE_CHANGE_SAFE, ENGINE = TYPE_CHANGE_ENGINE, BREAKING = TYPE_CHANGE_BREAKING;

static Verdict from_integer(const Type *old, const Type *new, TypeFormat f) {
    if (is_integer(new->kind)) {
        return new->kind > old->kind ? verdict(SAFE, "a wider integer reads every old value")
                                     : verdict(BREAKING, "a narrower integer loses or refuses values");
    }
    if (is_float(new->kind)) {
        return verdict(by_format(f, ENGINE, SAFE, SAFE, SAFE, ENGINE),
                       "integers are read as floating point; in Parquet not every engine does, and large ones lose digits");
    }
    if (new->kind == TYPE_DECIMAL) {
        if (new->precision - new->scale < integer_digits(old->kind)) {
            return verdict(BREAKING, "the decimal has fewer digits before the point than the integer may need");
        }
        return verdict(by_format(f, ENGINE, SAFE, BREAKING, SAFE, ENGINE),
                       "integers are read as decimal by some engines in Parquet and by none in Avro");
    }
    return verdict(BREAKING, "the new type is of another family");
}

static Verdict from_decimal(const Type *old, const Type *new, TypeFormat f) {
    if (new->kind != TYPE_DECIMAL) {
        return is_float(new->kind) ? verdict(by_format(f, BREAKING, ENGINE, BREAKING, ENGINE, ENGINE), "decimals lose digits")
                                   : verdict(BREAKING, "the new type is of another family");
    }
    if (new->scale < old->scale || new->precision - new->scale < old->precision - old->scale) {
        return verdict(BREAKING, "fewer digits before or behind the point");
    }
    return verdict(by_format(f, SAFE, SAFE, BREAKING, SAFE, ENGINE), "a wider decimal; Avro demands equal precision and scale");
}

static Verdict from_text(const Type *old, const Type *new, TypeFormat f) {
    if (is_text(new->kind)) {
        if (new->precision == 0) {
            return verdict(SAFE, "a text of any length reads every old value");
        }
        if (old->precision == 0) {
            return verdict(ENGINE, "values longer than the new length are cut or refused");
        }
        return new->precision >= old->precision ? verdict(SAFE, "a longer text reads every old value")
                                                : verdict(BREAKING, "a shorter text cuts or refuses values");
    }
    if (new->kind == TYPE_BINARY) {
        return verdict(by_format(f, SAFE, BREAKING, SAFE, SAFE, ENGINE), "text is read as bytes; ORC cannot");
    }
    return verdict(by_format(f, BREAKING, ENGINE, BREAKING, ENGINE, ENGINE),
                   "text is parsed where the format allows it, and what does not parse becomes NULL");
}

/* Any primitive to text. */
static Verdict to_text(const Type *old, TypeFormat f) {
    if (old->kind == TYPE_BINARY) {
        return verdict(by_format(f, SAFE, SAFE, SAFE, SAFE, ENGINE), "bytes are read as text");
    }
    return verdict(by_format(f, BREAKING, ENGINE, BREAKING, SAFE, ENGINE),
                   "values are printed as text where the format allows it; Spark and Trino refuse in Parquet");
}

static bool is_time(TypeKind kind) { return kind == TYPE_TIMESTAMP || kind == TYPE_TIMESTAMP_LOCAL || kind == TYPE_TIMESTAMP_ZONE; }

static Verdict compare_primitive(const Type *old, const Type *new, TypeFormat f) {
    if (old->kind == TYPE_VOID) {
        return verdict(SAFE, "a column without values may become anything");
    }
    if (is_text(old->kind)) {
        return from_text(old, new, f);
    }
    if (is_text(new->kind)) {
        return to_text(old, f);
    }
    if (is_integer(old->kind)) {
        return from_integer(old, new, f);
    }
    if (old->kind == TYPE_DECIMAL) {
        return from_decimal(old, new, f);
    }
    if (old->kind == TYPE_FLOAT && new->kind == TYPE_DOUBLE) {
        return verdict(SAFE, "a wider floating point type reads every old value");
    }
    if (old->kind == TYPE_DATE && new->kind == TYPE_TIMESTAMP) {
        return verdict(by_format(f, ENGINE, SAFE, BREAKING, ENGINE, ENGINE), "dates are read as midnight by some engines");
    }
    if (is_time(old->kind) && is_time(new->kind)) {
        return verdict(ENGINE, "engines differ in what they take the time zone to be");
    }
    return verdict(BREAKING, "the new type is narrower or of another family");
}

static void compare(Comparison *c, const Type *old, const Type *new, Str path);

static Str below(Comparison *c, Str path, Str step) { return path.len ? ARENA_CONCAT(c->arena, path, STR("."), step) : step; }

static size_t find_field(const Type *type, Str name, size_t guess) {
    if (guess < type->field_count && name_same(type->fields[guess].name, name)) {
        return guess;
    }
    for (size_t i = 0; i < type->field_count; i++) {
        if (name_same(type->fields[i].name, name)) {
            return i;
        }
    }
    return SIZE_MAX;
}

static void note_added(Comparison *c, Str path, bool at_end) {
    if (at_end) {
        note(c, by_format(c->format, SAFE, SAFE, ENGINE, SAFE, SAFE), path, "a field was added; Avro needs a default for it");
    } else if (type_format_by_position(c->format)) {
        note(c, BREAKING, path, "a field was added in the middle, and this format finds fields by position");
    } else {
        note(c, by_format(c->format, SAFE, BREAKING, ENGINE, SAFE, ENGINE), path,
             "a field was added in the middle; formats that find fields by name can read that");
    }
}

static void compare_struct(Comparison *c, const Type *old, const Type *new, Str path) {
    size_t last_old = SIZE_MAX; /* position in NEW of the last field that OLD has too */
    bool moved = false;
    size_t previous = 0;
    for (size_t i = 0; i < old->field_count; i++) {
        Str step = below(c, path, old->fields[i].name);
        size_t at = find_field(new, old->fields[i].name, i);
        if (at == SIZE_MAX) {
            note(c, BREAKING, step, "the field is gone");
            continue;
        }
        moved |= last_old != SIZE_MAX && at < previous;
        previous = at;
        last_old = last_old == SIZE_MAX ? at : MAX(last_old, at);
        if (!str_eq(old->fields[i].name, new->fields[at].name) || !str_eq(old->fields[i].comment, new->fields[at].comment)) {
            note(c, TYPE_CHANGE_COSMETIC, step, "only the spelling or the comment changed");
        }
        compare(c, old->fields[i].type, new->fields[at].type, step);
    }
    if (moved) {
        note(c,
             type_format_by_position(c->format) ? BREAKING
             : c->format == FORMAT_UNKNOWN      ? ENGINE
                                                : TYPE_CHANGE_COSMETIC,
             path, "fields changed places");
    }
    for (size_t i = 0; i < new->field_count; i++) {
        if (find_field(old, new->fields[i].name, i) == SIZE_MAX) {
            note_added(c, below(c, path, new->fields[i].name), last_old == SIZE_MAX || i > last_old);
        }
    }
}

static void compare_map(Comparison *c, const Type *old, const Type *new, Str path) {
    if (!type_equal(old->fields[0].type, new->fields[0].type)) {
        note(c, BREAKING, below(c, path, STR("key")), "the key of a map changed");
    }
    compare(c, old->fields[1].type, new->fields[1].type, below(c, path, STR("value")));
}

static void compare_union(Comparison *c, const Type *old, const Type *new, Str path) {
    for (size_t i = 0; i < MIN(old->field_count, new->field_count); i++) {
        compare(c, old->fields[i].type, new->fields[i].type, path);
    }
    if (old->field_count > new->field_count) {
        note(c, BREAKING, path, "a branch of the union is gone");
    } else if (old->field_count < new->field_count) {
        note(c, ENGINE, path, "a branch was added to the union");
    }
}

static void compare(Comparison *c, const Type *old, const Type *new, Str path) {
    if (is_nested(old->kind) || is_nested(new->kind)) {
        if (old->kind != new->kind) {
            note(c, old->kind == TYPE_VOID ? SAFE : BREAKING, path, "nested and simple types are never read as one another");
        } else if (old->kind == TYPE_ARRAY) {
            compare(c, old->fields[0].type, new->fields[0].type, below(c, path, STR("item")));
        } else if (old->kind == TYPE_MAP) {
            compare_map(c, old, new, path);
        } else if (old->kind == TYPE_STRUCT) {
            compare_struct(c, old, new, path);
        } else {
            compare_union(c, old, new, path);
        }
        return;
    }
    if (!type_equal(old, new)) {
        Verdict v = compare_primitive(old, new, c->format);
        note(c, v.change, path, v.why);
    }
}

static TypeChange done(Arena *arena, Verdict v, Str *ret_reason) {
    if (ret_reason) {
        *ret_reason = v.path.len ? ARENA_CONCAT(arena, v.path, STR(": "), str_from(v.why)) : arena_str(arena, str_from(v.why));
    }
    return v.change;
}

TypeChange type_change_class(Arena *arena, Str old, Str new, TypeFormat format, Str *ret_reason) {
    if (str_eq(old, new)) {
        return done(arena, verdict(TYPE_CHANGE_NONE, "no change"), ret_reason);
    }
    Comparison c = {.arena = arena, .format = format, .worst = verdict(TYPE_CHANGE_COSMETIC, "another spelling of the same type")};
    const Type *a, *b;
    Err err;
    if (!type_parse(arena, old, &a, &err) || !type_parse(arena, new, &b, &err)) {
        bool same = name_same(old, new);
        c.worst = same ? c.worst : verdict(TYPE_CHANGE_BREAKING, "one of the types cannot be read, so nothing can be promised");
    } else {
        compare(&c, a, b, STR(""));
    }
    return done(arena, c.worst, ret_reason);
}

/* Hive's order of numbers: each may become any behind it. */
static int numeric_rank(TypeKind kind) {
    static const TypeKind order[] = {TYPE_TINYINT, TYPE_SMALLINT, TYPE_INT, TYPE_BIGINT, TYPE_DECIMAL, TYPE_FLOAT, TYPE_DOUBLE};
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        if (order[i] == kind) {
            return (int)i + 1;
        }
    }
    return 0;
}

bool type_hive_compatible(Str old, Str new) {
    TypeKind a = type_kind(old), b = type_kind(new);
    if (a == TYPE_UNKNOWN || b == TYPE_UNKNOWN) {
        return name_same(old, new);
    }
    if (a == b || a == TYPE_VOID) {
        return true;
    }
    if (is_text(b)) {
        return is_text(a) || numeric_rank(a) || a == TYPE_DATE || is_time(a);
    }
    return numeric_rank(a) && numeric_rank(b) && numeric_rank(a) < numeric_rank(b);
}
