#include "catalog/names.h"

uint32_t code_point_fold(uint32_t code_point) {
    if (code_point < 0x80) {
        return code_point >= 'A' && code_point <= 'Z' ? code_point + 32 : code_point;
    }
    size_t low = 0, high = casefold_run_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const CaseFoldRun *run = &casefold_runs[middle];
        if (code_point > run->last) {
            low = middle + 1;
        } else if (code_point < run->first) {
            high = middle;
        } else {
            bool hit = (code_point - run->first) % (uint32_t)run->step == 0;
            return hit ? (uint32_t)((int32_t)code_point + run->delta) : code_point;
        }
    }
    return code_point;
}

Str name_trim(Str name) {
    while (name.len && (unsigned char)name.ptr[0] <= ' ') {
        name = str_skip(name, 1);
    }
    while (name.len && (unsigned char)name.ptr[name.len - 1] <= ' ') {
        name.len--;
    }
    return name;
}

static bool is_folded_ascii(Str s) {
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c >= 0x80 || (c >= 'A' && c <= 'Z')) {
            return false;
        }
    }
    return true;
}

/* The next code point folded, as bytes; an invalid byte stands for itself. */
static size_t next_folded(Str *rest, char out[4]) {
    uint32_t code_point;
    char first = rest->ptr[0];
    if (utf8_next(rest, &code_point)) {
        return utf8_encode(code_point_fold(code_point), out);
    }
    *rest = str_skip(*rest, 1);
    out[0] = first;
    return 1;
}

Str name_fold(Arena *arena, Str name) {
    if (str_is_null(name)) {
        return name;
    }
    name = name_trim(name);
    if (is_folded_ascii(name)) {
        return arena_str(arena, name);
    }
    /* Folding may lengthen a character from two bytes to three. */
    char *out = arena_alloc(arena, name.len * 2 + 5);
    size_t len = 0;
    while (name.len) {
        len += next_folded(&name, out + len);
    }
    out[len] = 0;
    return (Str){out, len};
}

bool name_same(Str a, Str b) {
    if (str_is_null(a) || str_is_null(b)) {
        return str_is_null(a) && str_is_null(b);
    }
    a = name_trim(a);
    b = name_trim(b);
    while (a.len && b.len) {
        char x[4], y[4];
        size_t n = next_folded(&a, x), m = next_folded(&b, y);
        if (n != m || memcmp(x, y, n) != 0) {
            return false;
        }
    }
    return a.len == b.len;
}

static bool is_word(uint32_t c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

static bool in_set(uint32_t c, const char *set) { return c > 0 && c < 0x80 && strchr(set, (int)c) != NULL; }

static bool is_invisible(uint32_t c) {
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029 || c == 0xFEFF || (c & 0xFFFE) == 0xFFFE;
}

static bool allowed(NameRule rule, uint32_t c) {
    switch (rule) {
        case NAME_HIVE_STRICT: return is_word(c);
        case NAME_HIVE_OBJECT: return is_word(c) || in_set(c, " \"%&'()*+,-./:;<=>?[]|{}$^!~#@`");
        case NAME_GLUE: return c == '\t' || (c >= 0x20 && c != 0xFFFE && c != 0xFFFF);
        case NAME_REST: return !is_invisible(c) && !in_set(c, "/\\%?#\"`");
    }
    return false;
}

static const char *rule_text(NameRule rule) {
    switch (rule) {
        case NAME_HIVE_STRICT: return "use letters a-z, digits and _";
        case NAME_HIVE_OBJECT: return "use letters a-z, digits, _, space and ASCII punctuation without backslash";
        case NAME_GLUE: return "use a single line of text without control characters";
        case NAME_REST: return "use letters, digits, space and punctuation other than / \\ % ? # \" `, and no control characters";
    }
    return "";
}

static bool check_length(const char *what, Str name, Err *err) {
    if (name.len == 0) {
        return err_set(err, ERR_INVALID_NAME, "the %s name is empty: give 1 to %d characters", what, NAME_MAX_CODE_POINTS);
    }
    if (!utf8_valid(name)) {
        return err_set(err, ERR_INVALID_NAME, "the %s name is not valid UTF-8", what);
    }
    size_t length = utf8_length(name);
    if (length > NAME_MAX_CODE_POINTS) {
        return err_set(err, ERR_INVALID_NAME, "the %s name '%.60s...' has %zu characters: at most %d are allowed", what, name.ptr,
                       length, NAME_MAX_CODE_POINTS);
    }
    return true;
}

bool name_check(NameRule rule, const char *what, Str name, Err *err) {
    name = name_trim(name);
    if (!check_length(what, name, err)) {
        return false;
    }
    if (rule == NAME_REST && (str_eq(name, STR(".")) || str_eq(name, STR("..")))) {
        return err_set(err, ERR_INVALID_NAME, "'%" STR_FMT "' cannot be a %s name: it would be a path step", STR_ARG(name), what);
    }
    Str rest = name;
    uint32_t c;
    while (utf8_next(&rest, &c)) {
        if (!allowed(rule, c)) {
            return err_set(err, ERR_INVALID_NAME, "'%" STR_FMT "' is not a valid %s name: character U+%04X is not allowed; %s",
                           STR_ARG(name), what, (unsigned)c, rule_text(rule));
        }
    }
    return true;
}

bool name_check_column(const char *what, Str name, Err *err) {
    if (name_trim(name).len == 0) {
        return err_set(err, ERR_INVALID_NAME, "a %s name is empty", what);
    }
    if (name.len > COLUMN_NAME_MAX_BYTES) {
        return err_set(err, ERR_INVALID_NAME, "a %s name has %zu bytes: at most %d are allowed", what, name.len,
                       COLUMN_NAME_MAX_BYTES);
    }
    if (!utf8_valid(name) || str_has_char(name, 0)) {
        return err_set(err, ERR_INVALID_NAME, "a %s name is not valid UTF-8 text without NUL", what);
    }
    return true;
}

bool name_split_hive(Str name, Str default_cat, Str *ret_catalog, Str *ret_database, Err *err) {
    if (name.len == 0 || name.ptr[0] != '@') {
        *ret_catalog = default_cat;
        *ret_database = name;
        return true;
    }
    size_t hash = str_find_char(name, '#');
    if (hash == SIZE_MAX) {
        return err_set(err, ERR_INVALID_ARGUMENT,
                       "%" STR_FMT " is prepended with the catalog marker but does not appear to have a catalog name in it",
                       STR_ARG(name));
    }
    Str database = str_skip(name, hash + 1);
    *ret_catalog = str_slice(name, 1, hash);
    *ret_database = database.len == 0 ? STR_NULL : str_eq(database, STR("!")) ? STR("") : database;
    return true;
}
