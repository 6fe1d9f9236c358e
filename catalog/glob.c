#include "catalog/glob.h"

#include "catalog/names.h"

typedef struct Alternatives {
    Wildcard *items;
    size_t count;
} Alternatives;

struct Glob {
    bool all;
    Alternatives globs; /* Hive */
    const Regex *regex; /* Glue */
};

static void add_token(Wildcard *w, uint32_t token) {
    if (token == WILD_ANY_RUN && w->count && w->tokens[w->count - 1] == WILD_ANY_RUN) {
        return;
    }
    w->tokens[w->count++] = token;
}

static Wildcard wildcard_new(Arena *arena, Str pattern) { return (Wildcard){ARENA_ARRAY(arena, uint32_t, pattern.len + 1), 0}; }

Wildcard wildcard_from_sql(Arena *arena, Str pattern, char escape) {
    Wildcard w = wildcard_new(arena, pattern);
    uint32_t c;
    while (utf8_next(&pattern, &c)) {
        uint32_t next;
        if (escape && c == (unsigned char)escape && utf8_next(&pattern, &next)) {
            add_token(&w, next);
        } else {
            add_token(&w, c == '%' ? (uint32_t)WILD_ANY_RUN : c == '_' ? (uint32_t)WILD_ANY_ONE : c);
        }
    }
    return w;
}

static bool has_dot_star(Str pattern) {
    for (size_t i = 0; i + 1 < pattern.len; i++) {
        if (pattern.ptr[i] == '\\') {
            i++;
        } else if (pattern.ptr[i] == '.' && pattern.ptr[i + 1] == '*') {
            return true;
        }
    }
    return false;
}

Wildcard wildcard_from_hive_like(Arena *arena, Str pattern) {
    if (!has_dot_star(pattern)) {
        return wildcard_from_sql(arena, pattern, '\\');
    }
    Wildcard w = wildcard_new(arena, pattern);
    uint32_t c;
    while (utf8_next(&pattern, &c)) {
        uint32_t next;
        if (c == '\\' && utf8_next(&pattern, &next)) {
            add_token(&w, next);
        } else if (c == '.' && pattern.len && pattern.ptr[0] == '*') {
            pattern = str_skip(pattern, 1);
            add_token(&w, WILD_ANY_RUN);
        } else {
            add_token(&w, c);
        }
    }
    return w;
}

/* The usual walk: on a mismatch go back to the last "any run" and let it take one character more. */
bool wildcard_match(Wildcard w, Str text, bool fold_case) {
    size_t at = 0, star = SIZE_MAX;
    Str star_rest = text;
    while (text.len) {
        uint32_t c, t = at < w.count ? w.tokens[at] : 0;
        if (at < w.count && t == WILD_ANY_RUN) {
            star = at++;
            star_rest = text;
            continue;
        }
        Str rest = text;
        if (!utf8_next(&rest, &c)) {
            return false;
        }
        c = fold_case ? code_point_fold(c) : c;
        if (at < w.count && (t == WILD_ANY_ONE || c == (fold_case && t < WILD_ANY_RUN ? code_point_fold(t) : t))) {
            at++;
            text = rest;
        } else if (star != SIZE_MAX && utf8_next(&star_rest, &c)) {
            at = star + 1;
            text = star_rest;
        } else {
            return false;
        }
    }
    while (at < w.count && w.tokens[at] == WILD_ANY_RUN) {
        at++;
    }
    return at == w.count;
}

Str wildcard_prefix(Arena *arena, Wildcard w) {
    char *out = arena_alloc(arena, w.count * 4 + 1);
    size_t len = 0;
    for (size_t i = 0; i < w.count && w.tokens[i] < WILD_ANY_RUN; i++) {
        len += utf8_encode(w.tokens[i], out + len);
    }
    return (Str){out, len};
}

Str wildcard_sql_like(Arena *arena, Wildcard w) {
    char *out = arena_alloc(arena, w.count * 5 + 1);
    size_t len = 0;
    for (size_t i = 0; i < w.count; i++) {
        uint32_t t = w.tokens[i];
        if (t >= WILD_ANY_RUN) {
            out[len++] = t == WILD_ANY_RUN ? '%' : '_';
            continue;
        }
        if (t == '%' || t == '_' || t == '\\') {
            out[len++] = '\\';
        }
        len += utf8_encode(t, out + len);
    }
    return (Str){out, len};
}

static bool check_pattern(Str pattern, Err *err) {
    if (pattern.len > GLOB_MAX_BYTES) {
        return err_set(err, ERR_INVALID_FILTER, "a pattern of %zu bytes is over the limit of %d", pattern.len, GLOB_MAX_BYTES);
    }
    return utf8_valid(pattern) || err_set(err, ERR_INVALID_FILTER, "the pattern is not valid UTF-8");
}

static Wildcard hive_alternative(Arena *arena, Str text) {
    Wildcard w = wildcard_new(arena, text);
    uint32_t c;
    while (utf8_next(&text, &c)) {
        if (c == '.' && text.len && text.ptr[0] == '*') {
            continue; /* ".*" is "*" */
        }
        add_token(&w, c == '*' ? (uint32_t)WILD_ANY_RUN : code_point_fold(c));
    }
    return w;
}

bool glob_parse_hive(Arena *arena, Str pattern, const Glob **ret, Err *err) {
    Glob *glob = ARENA_NEW(arena, Glob);
    *ret = glob;
    if (str_is_null(pattern)) {
        glob->all = true;
        return true;
    }
    if (!check_pattern(pattern, err)) {
        return false;
    }
    size_t bars = 0;
    for (size_t i = 0; i < pattern.len; i++) {
        bars += pattern.ptr[i] == '|';
    }
    glob->globs.items = ARENA_ARRAY(arena, Wildcard, bars + 1);
    Str part;
    while (str_split(&pattern, '|', &part)) {
        Wildcard w = hive_alternative(arena, name_trim(part));
        glob->all |= w.count == 1 && w.tokens[0] == WILD_ANY_RUN;
        glob->globs.items[glob->globs.count++] = w;
    }
    return true;
}

static bool is_word_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || (unsigned char)c >= 0x80;
}

/* Glob stars become ".*", the rest is a regular expression already. */
static Str glue_to_regex(Arena *arena, Str pattern) {
    char *out = arena_alloc(arena, pattern.len * 2 + 1);
    size_t len = 0;
    bool word = false, start = true; /* of the character before */
    for (size_t i = 0; i < pattern.len; i++) {
        char c = pattern.ptr[i];
        if (c == '\\' && i + 1 < pattern.len && pattern.ptr[i + 1] == 'Q') {
            size_t end = str_find(str_skip(pattern, i), STR("\\E"));
            end = end == SIZE_MAX ? pattern.len : i + end + 2;
            memcpy(out + len, pattern.ptr + i, end - i);
            len += end - i;
            i = end - 1;
            word = start = false;
            continue;
        }
        if (c == '*' && (start || word)) {
            out[len++] = '.';
        }
        out[len++] = c;
        bool escape = c == '\\' && i + 1 < pattern.len;
        if (escape) {
            out[len++] = pattern.ptr[++i];
        }
        word = !escape && is_word_char(c);
        start = false;
    }
    return (Str){out, len};
}

bool glob_parse_glue(Arena *arena, Str pattern, const Glob **ret, Err *err) {
    Glob *glob = ARENA_NEW(arena, Glob);
    *ret = glob;
    if (pattern.len == 0 || str_eq(pattern, STR("*")) || str_eq(pattern, STR(".*"))) {
        glob->all = true;
        return true;
    }
    if (!check_pattern(pattern, err)) {
        return false;
    }
    Str folding = ARENA_CONCAT(arena, STR("(?i)"), glue_to_regex(arena, pattern));
    return regex_parse(arena, folding, &glob->regex, err);
}

bool glob_is_all(const Glob *glob) { return glob->all; }

bool glob_match(Arena *arena, const Glob *glob, Str name) {
    if (glob->all) {
        return true;
    }
    if (glob->regex) {
        return regex_match(arena, glob->regex, name);
    }
    for (size_t i = 0; i < glob->globs.count; i++) {
        if (wildcard_match(glob->globs.items[i], name, true)) {
            return true;
        }
    }
    return false;
}

static Str common_prefix(Str a, Str b) {
    size_t n = 0;
    while (n < a.len && n < b.len && a.ptr[n] == b.ptr[n]) {
        n++;
    }
    while (n > 0 && n < a.len && ((unsigned char)a.ptr[n] & 0xC0) == 0x80) {
        n--; /* not in the middle of a character */
    }
    return str_slice(a, 0, n);
}

Str glob_prefix(Arena *arena, const Glob *glob) {
    if (glob->all) {
        return STR("");
    }
    if (glob->regex) {
        return regex_prefix(arena, glob->regex);
    }
    Str prefix = wildcard_prefix(arena, glob->globs.items[0]);
    for (size_t i = 1; i < glob->globs.count; i++) {
        prefix = common_prefix(prefix, wildcard_prefix(arena, glob->globs.items[i]));
    }
    return prefix;
}
