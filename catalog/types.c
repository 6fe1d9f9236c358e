#include "catalog/types.h"

#include "base/buf.h"
#include "catalog/names.h"

typedef struct TypeWord {
    const char *word;
    TypeKind kind;
} TypeWord;

/* Hive's own names first (type_kind_name takes the first of a kind), then what other engines, Glue and Thrift call them. */
static const TypeWord words[] = {
    {"void", TYPE_VOID},
    {"boolean", TYPE_BOOLEAN},
    {"tinyint", TYPE_TINYINT},
    {"smallint", TYPE_SMALLINT},
    {"int", TYPE_INT},
    {"bigint", TYPE_BIGINT},
    {"float", TYPE_FLOAT},
    {"double", TYPE_DOUBLE},
    {"decimal", TYPE_DECIMAL},
    {"string", TYPE_STRING},
    {"varchar", TYPE_VARCHAR},
    {"char", TYPE_CHAR},
    {"binary", TYPE_BINARY},
    {"date", TYPE_DATE},
    {"timestamp", TYPE_TIMESTAMP},
    {"interval_year_month", TYPE_INTERVAL_YEAR_MONTH},
    {"array", TYPE_ARRAY},
    {"interval_day_time", TYPE_INTERVAL_DAY_TIME},
    {"map", TYPE_MAP},
    {"struct", TYPE_STRUCT},
    {"uniontype", TYPE_UNION},
    {"integer", TYPE_INT},
    {"numeric", TYPE_DECIMAL},
    {"dec", TYPE_DECIMAL},
    {"long", TYPE_BIGINT},
    {"short", TYPE_SMALLINT},
    {"byte", TYPE_TINYINT},
    {"bool", TYPE_BOOLEAN},
    {"real", TYPE_FLOAT},
    {"datetime", TYPE_TIMESTAMP},
    {"i16", TYPE_SMALLINT},
    {"i32", TYPE_INT},
    {"i64", TYPE_BIGINT},
    {"list", TYPE_ARRAY},
    {"timestamplocaltz", TYPE_TIMESTAMP_LOCAL},
    {"timestamptz", TYPE_TIMESTAMP_LOCAL},
    {"timestamp with local time zone", TYPE_TIMESTAMP_LOCAL},
    {"timestamp with time zone", TYPE_TIMESTAMP_ZONE},
};

typedef struct TypeParser {
    Arena *arena;
    Str text;
    size_t at;
    unsigned depth;
    Err *err;
} TypeParser;

static bool fail(TypeParser *p, const char *expected) {
    return err_set(p->err, ERR_INVALID_TYPE, "type '%" STR_FMT "': %s at character %zu", STR_ARG(str_slice(p->text, 0, 200)),
                   expected, p->at + 1);
}

static char peek(TypeParser *p) {
    while (p->at < p->text.len && (unsigned char)p->text.ptr[p->at] <= ' ') {
        p->at++;
    }
    return p->at < p->text.len ? p->text.ptr[p->at] : 0;
}

static bool take(TypeParser *p, char c) {
    if (p->at >= p->text.len || peek(p) != c) {
        return false;
    }
    p->at++;
    return true;
}

static bool expect(TypeParser *p, char c) {
    char text[32];
    snprintf(text, sizeof text, "'%c' expected", c);
    return take(p, c) || fail(p, text);
}

static bool is_word_char(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

static Str take_word(TypeParser *p) {
    peek(p);
    size_t from = p->at;
    while (p->at < p->text.len && is_word_char(p->text.ptr[p->at])) {
        p->at++;
    }
    return str_slice(p->text, from, p->at);
}

static bool take_keyword(TypeParser *p, const char *keyword) {
    size_t before = p->at;
    if (str_eq_nocase(take_word(p), str_from(keyword))) {
        return true;
    }
    p->at = before;
    return false;
}

static TypeKind kind_of_word(Str word) {
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (str_eq_nocase(word, str_from(words[i].word))) {
            return words[i].kind;
        }
    }
    return TYPE_UNKNOWN;
}

static const char *type_kind_name(TypeKind kind) {
    if (kind == TYPE_TIMESTAMP_LOCAL || kind == TYPE_TIMESTAMP_ZONE) {
        return kind == TYPE_TIMESTAMP_LOCAL ? "timestamp with local time zone" : "timestamp with time zone";
    }
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (words[i].kind == kind) {
            return words[i].word;
        }
    }
    return "unknown";
}

/* TIMESTAMP [WITH [LOCAL] TIME ZONE], DOUBLE [PRECISION] */
static bool parse_suffix_words(TypeParser *p, TypeKind *kind) {
    if (*kind == TYPE_DOUBLE) {
        take_keyword(p, "precision");
    }
    if (*kind != TYPE_TIMESTAMP || !take_keyword(p, "with")) {
        return true;
    }
    *kind = take_keyword(p, "local") ? TYPE_TIMESTAMP_LOCAL : TYPE_TIMESTAMP_ZONE;
    return (take_keyword(p, "time") && take_keyword(p, "zone")) || fail(p, "'time zone' expected");
}

static bool parse_number(TypeParser *p, int64_t low, int64_t high, int32_t *ret) {
    int64_t value;
    size_t before = p->at;
    if (!str_to_i64(take_word(p), &value) || value < low || value > high) {
        char text[80];
        p->at = before;
        snprintf(text, sizeof text, "a number from %lld to %lld expected", (long long)low, (long long)high);
        return fail(p, text);
    }
    *ret = (int32_t)value;
    return true;
}

static bool parse_decimal_params(TypeParser *p, Type *type) {
    type->precision = 10;
    if (!take(p, '(')) {
        return true;
    }
    if (!parse_number(p, 1, DECIMAL_MAX_PRECISION, &type->precision)) {
        return false;
    }
    if (take(p, ',') && !parse_number(p, 0, type->precision, &type->scale)) {
        return false;
    }
    return expect(p, ')');
}

static bool parse_length(TypeParser *p, Type *type) {
    if (!take(p, '(')) {
        return true; /* Glue and Spark write a bare char or varchar */
    }
    int64_t longest = type->kind == TYPE_CHAR ? 255 : 65535;
    return parse_number(p, 1, longest, &type->precision) && expect(p, ')');
}

/* `a``b` is a`b */
static bool parse_quoted_name(TypeParser *p, Str *ret) {
    char *out = arena_alloc(p->arena, p->text.len - p->at + 1);
    size_t len = 0;
    for (;;) {
        if (p->at >= p->text.len) {
            return fail(p, "closing back quote expected");
        }
        char c = p->text.ptr[p->at++];
        if (c == '`' && !(p->at < p->text.len && p->text.ptr[p->at] == '`')) {
            *ret = (Str){out, len};
            return true;
        }
        p->at += c == '`';
        out[len++] = c;
    }
}

static bool parse_field_name(TypeParser *p, Str *ret) {
    if (take(p, '`')) {
        return parse_quoted_name(p, ret);
    }
    peek(p);
    size_t from = p->at;
    while (p->at < p->text.len && !strchr(":,<>()`", p->text.ptr[p->at])) {
        p->at++;
    }
    *ret = name_trim(str_slice(p->text, from, p->at));
    return ret->len > 0 || fail(p, "field name expected");
}

/* 'text' or "text"; the quote doubled or behind a backslash stands for itself. */
static bool parse_comment(TypeParser *p, Str *ret) {
    char quote = peek(p);
    if (quote != '\'' && quote != '"') {
        return fail(p, "quoted comment expected");
    }
    p->at++;
    char *out = arena_alloc(p->arena, p->text.len - p->at + 1);
    size_t len = 0;
    for (; p->at < p->text.len; p->at++) {
        char c = p->text.ptr[p->at];
        char next = p->at + 1 < p->text.len ? p->text.ptr[p->at + 1] : 0;
        if (c == quote && next != quote) {
            p->at++;
            *ret = (Str){out, len};
            return true;
        }
        if ((c == quote || c == '\\') && (next == quote || next == '\\')) {
            p->at++;
            c = next;
        }
        out[len++] = c;
    }
    return fail(p, "closing quote of the comment expected");
}

static bool parse_type(TypeParser *p, const Type **ret);

static bool parse_field(TypeParser *p, bool named, TypeField *field) {
    if (named && !(parse_field_name(p, &field->name) && expect(p, ':'))) {
        return false;
    }
    if (!parse_type(p, &field->type)) {
        return false;
    }
    return !named || !take_keyword(p, "comment") || parse_comment(p, &field->comment);
}

static void add_field(TypeParser *p, Type *type, TypeField field) {
    size_t n = type->field_count;
    if ((n & (n - 1)) == 0) { /* full at every power of two */
        TypeField *grown = ARENA_ARRAY(p->arena, TypeField, n ? n * 2 : 1);
        if (n) {
            memcpy(grown, type->fields, n * sizeof field);
        }
        type->fields = grown;
    }
    type->fields[type->field_count++] = field;
}

static bool parse_fields(TypeParser *p, Type *type) {
    if (!expect(p, '<')) {
        return false;
    }
    bool named = type->kind == TYPE_STRUCT;
    if (named && take(p, '>')) {
        return true; /* struct<> as some writers leave it */
    }
    do {
        TypeField field = {.name = STR_NULL};
        if (!arena_check(p->arena, p->err) || !parse_field(p, named, &field)) {
            return false;
        }
        add_field(p, type, field);
    } while (take(p, ','));
    size_t want = type->kind == TYPE_ARRAY ? 1 : type->kind == TYPE_MAP ? 2 : type->field_count;
    if (type->field_count != want) {
        return fail(p, type->kind == TYPE_ARRAY ? "an array takes one type:" : "a map takes two types:");
    }
    return expect(p, '>');
}

static bool parse_params(TypeParser *p, Type *type) {
    switch (type->kind) {
        case TYPE_DECIMAL: return parse_decimal_params(p, type);
        case TYPE_CHAR:
        case TYPE_VARCHAR: return parse_length(p, type);
        case TYPE_ARRAY:
        case TYPE_MAP:
        case TYPE_STRUCT:
        case TYPE_UNION: return parse_fields(p, type);
        default: return true;
    }
}

static bool parse_type(TypeParser *p, const Type **ret) {
    if (p->depth >= TYPE_MAX_DEPTH) {
        return fail(p, "types nested deeper than the limit of 128");
    }
    size_t before = p->at;
    Type *type = ARENA_NEW(p->arena, Type);
    type->kind = kind_of_word(take_word(p));
    if (type->kind == TYPE_UNKNOWN) {
        p->at = before;
        return fail(p, "type name expected");
    }
    p->depth++;
    if (!parse_suffix_words(p, &type->kind) || !parse_params(p, type)) {
        return false;
    }
    p->depth--;
    *ret = type;
    return true;
}

bool type_parse(Arena *arena, Str text, const Type **ret, Err *err) {
    TypeParser p = {.arena = arena, .text = text, .err = err};
    const Type *type = NULL;
    if (text.len > TYPE_MAX_BYTES) {
        return err_set(err, ERR_INVALID_TYPE, "a type text of %zu bytes is over the limit of %u", text.len, TYPE_MAX_BYTES);
    }
    if (!parse_type(&p, &type)) {
        return false;
    }
    peek(&p);
    if (p.at < text.len) {
        return fail(&p, "end of the type expected");
    }
    *ret = type;
    return true;
}

TypeKind type_kind(Str text) {
    CLEANUP(arena_cleanup) Arena *arena = arena_new(64u << 20);
    const Type *type;
    Err err;
    return type_parse(arena, text, &type, &err) ? type->kind : TYPE_UNKNOWN;
}

static void write_type(Buf *buf, const Type *type) {
    bool nested = type->kind >= TYPE_ARRAY;
    buf_add_cstr(buf, type_kind_name(type->kind));
    if (type->kind == TYPE_DECIMAL) {
        buf_printf(buf, "(%d,%d)", type->precision, type->scale);
    } else if (type->precision) {
        buf_printf(buf, "(%d)", type->precision);
    }
    for (size_t i = 0; i < type->field_count; i++) {
        buf_add_char(buf, i ? ',' : '<');
        if (type->kind == TYPE_STRUCT) {
            buf_add(buf, type->fields[i].name);
            buf_add_char(buf, ':');
        }
        write_type(buf, type->fields[i].type);
    }
    if (nested) {
        buf_add_cstr(buf, type->field_count ? ">" : "<>");
    }
}

Str type_text(Arena *arena, const Type *type) {
    CLEANUP(buf_free) Buf buf = BUF_INIT(4u * TYPE_MAX_BYTES);
    write_type(&buf, type);
    return arena_str(arena, buf_str(&buf));
}

bool type_equal(const Type *a, const Type *b) {
    if (a->kind != b->kind || a->precision != b->precision || a->scale != b->scale || a->field_count != b->field_count) {
        return false;
    }
    for (size_t i = 0; i < a->field_count; i++) {
        if (!name_same(a->fields[i].name, b->fields[i].name) || !type_equal(a->fields[i].type, b->fields[i].type)) {
            return false;
        }
    }
    return true;
}

bool types_check_first_token(Str text) {
    static const char *const known[] = {
        "void",
        "boolean",
        "tinyint",
        "smallint",
        "int",
        "bigint",
        "float",
        "double",
        "string",
        "char",
        "varchar",
        "date",
        "datetime",
        "timestamp",
        "decimal",
        "binary",
        "array",
        "map",
        "struct",
        "uniontype",
        "integer",
        "numeric",
        "bool",
        "byte",
        "i16",
        "i32",
        "i64",
        "list",
        "columns",
        "interval_year_month",
        "interval_day_time",
        "timestamplocaltz",
    };
    if (str_eq(text, STR("<derived from deserializer>"))) {
        return true;
    }
    size_t end = 0;
    while (end < text.len && is_word_char(text.ptr[end])) {
        end++;
    }
    Str token = str_slice(text, 0, end);
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (str_eq(token, str_from(known[i]))) {
            return true;
        }
    }
    return false;
}
