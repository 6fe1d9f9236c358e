#include "cli/names.h"

/* One part: quoted or up to the next dot. *REST is behind it. */
static bool take_part(Str *rest, Arena *arena, Str whole, Str *ret, Err *err) {
    char quote = rest->len ? rest->ptr[0] : 0;
    if (quote != '"' && quote != '`') {
        size_t dot = MIN(str_find_char(*rest, '.'), rest->len);
        *ret = str_slice(*rest, 0, dot);
        *rest = str_skip(*rest, dot);
        return true;
    }
    char *out = arena_alloc(arena, rest->len);
    size_t n = 0;
    for (size_t i = 1; i < rest->len; i++) {
        if (rest->ptr[i] == quote && (i + 1 >= rest->len || rest->ptr[i + 1] != quote)) {
            *ret = (Str){out, n};
            *rest = str_skip(*rest, i + 1);
            return true;
        }
        i += rest->ptr[i] == quote;
        out[n++] = rest->ptr[i];
    }
    return err_set(err, ERR_INVALID_NAME, "The name %" STR_FMT " has a quote that is not closed.", STR_ARG(whole));
}

bool cli_name_parse(Str text, Arena *arena, Name *ret, Err *err) {
    Name name = {0};
    Str rest = text;
    for (;;) {
        if (name.count == NAME_PARTS_MAX) {
            return err_set(err, ERR_INVALID_NAME,
                           "The name %" STR_FMT " has more than %d parts; quote a part that has dots: \"a.b\".c.", STR_ARG(text),
                           NAME_PARTS_MAX);
        }
        if (!take_part(&rest, arena, text, &name.parts[name.count], err)) {
            return false;
        }
        if (name.parts[name.count++].len == 0) {
            return err_set(err, ERR_INVALID_NAME, "The name '%" STR_FMT "' has an empty part.", STR_ARG(text));
        }
        if (rest.len == 0) {
            *ret = name;
            return true;
        }
        if (rest.ptr[0] != '.') {
            return err_set(err, ERR_INVALID_NAME, "The name %" STR_FMT " goes on behind a closing quote without a dot.",
                           STR_ARG(text));
        }
        rest = str_skip(rest, 1);
    }
}

static bool needs_quotes(Str part) {
    for (size_t i = 0; i < part.len; i++) {
        if (strchr(".\"` \t", part.ptr[i])) {
            return true;
        }
    }
    return part.len == 0;
}

void cli_name_add_part(Buf *out, Str part) {
    if (out->len) {
        buf_add_char(out, '.');
    }
    if (!needs_quotes(part)) {
        buf_add(out, part);
        return;
    }
    buf_add_char(out, '"');
    for (size_t i = 0; i < part.len; i++) {
        if (part.ptr[i] == '"') {
            buf_add_char(out, '"');
        }
        buf_add_char(out, part.ptr[i]);
    }
    buf_add_char(out, '"');
}

static bool is_unreserved(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("-._~", c));
}

void cli_path_add_encoded(Buf *out, Str s) {
    /* "." and ".." as whole segments would be taken for steps by HTTP libraries and proxies. */
    bool dots = str_eq(s, STR(".")) || str_eq(s, STR(".."));
    for (size_t i = 0; i < s.len; i++) {
        if (is_unreserved(s.ptr[i]) && !dots) {
            buf_add_char(out, s.ptr[i]);
        } else {
            buf_printf(out, "%%%02X", (unsigned char)s.ptr[i]);
        }
    }
}

enum { PATH_MAX_BYTES = 1024 * 1024 };

Str cli_path_of(Arena *arena, size_t count, const Str *parts) {
    CLEANUP(buf_free) Buf out = BUF_INIT(PATH_MAX_BYTES);
    buf_add_cstr(&out, "/api/v1");
    for (size_t i = 0; i < count; i++) {
        buf_add_char(&out, '/');
        cli_path_add_encoded(&out, parts[i]);
    }
    return arena_str(arena, buf_str(&out));
}

Str cli_path_query(Arena *arena, Str path, const char *key, Str value) {
    if (str_is_null(value)) {
        return path;
    }
    CLEANUP(buf_free) Buf out = BUF_INIT(PATH_MAX_BYTES);
    buf_add(&out, path);
    buf_add_char(&out, str_has_char(path, '?') ? '&' : '?');
    buf_add_cstr(&out, key);
    buf_add_char(&out, '=');
    cli_path_add_encoded(&out, value);
    return arena_str(arena, buf_str(&out));
}

static int hex_digit(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static Str unescape(Str s, Arena *arena) {
    char *out = arena_alloc(arena, s.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        int high = s.ptr[i] == '%' && i + 2 < s.len ? hex_digit(s.ptr[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(s.ptr[i + 2]) : -1;
        out[n++] = low >= 0 ? (char)(high << 4 | low) : s.ptr[i];
        i += low >= 0 ? 2 : 0;
    }
    return (Str){out, n};
}

bool cli_partition_values(Str name, Arena *arena, StrList *ret) {
    size_t slashes = 1;
    for (size_t i = 0; i < name.len; i++) {
        slashes += name.ptr[i] == '/';
    }
    StrList list = {ARENA_ARRAY(arena, Str, slashes), 0};
    Str part;
    while (str_split(&name, '/', &part)) {
        size_t equals = str_find_char(part, '=');
        if (equals == SIZE_MAX || equals == 0) {
            return false;
        }
        list.items[list.count++] = unescape(str_skip(part, equals + 1), arena);
    }
    *ret = list;
    return list.count > 0;
}
