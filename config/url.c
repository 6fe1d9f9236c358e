/* The database's address: libpq's URL or key=value text, with its password hidden or put in. */
#include "config/load.h"

typedef struct Masking {
    Buf *out;
    bool found; /* there was a password */
} Masking;

static void mask(Masking *m) {
    buf_add_cstr(m->out, "***");
    m->found = true;
}

static bool names_password(Str key) { return str_eq_nocase(key, STR("password")) || str_eq_nocase(key, STR("sslpassword")); }

static bool is_url(Str url) { return str_starts(url, STR("postgresql://")) || str_starts(url, STR("postgres://")); }

/* ?key=value&...: a key written with %XX could hide what it is, so its value is hidden too. */
static void mask_query(Masking *m, Str query) {
    Str part;
    for (bool first = true; str_split(&query, '&', &part); first = false) {
        size_t equals = str_find_char(part, '=');
        Str key = str_slice(part, 0, equals);
        if (!first) {
            buf_add_char(m->out, '&');
        }
        buf_add(m->out, key);
        if (equals == SIZE_MAX) {
            continue;
        }
        buf_add_char(m->out, '=');
        if (names_password(key) || str_has_char(key, '%')) {
            mask(m);
        } else {
            buf_add(m->out, str_skip(part, equals + 1));
        }
    }
}

/* The user part ends at the last @ before the query: a password with a raw / or @ is wrong but must not be shown either. */
static void mask_url(Masking *m, Str url) {
    size_t start = str_find(url, STR("://")) + 3;
    Str rest = str_skip(url, start);
    size_t query = str_find_char(rest, '?');
    Str authority = str_slice(rest, 0, query);
    size_t at = str_rfind_char(authority, '@');
    if (at == SIZE_MAX && (at = str_rfind_char(rest, '@')) != SIZE_MAX &&
        str_find_char(rest, ':') < MIN(query, str_find_char(rest, '/'))) {
        query = str_find_char(str_skip(rest, at), '?'); /* a raw ? in the password */
        query = query == SIZE_MAX ? query : query + at;
        authority = str_slice(rest, 0, query);
    }
    size_t colon = at == SIZE_MAX ? SIZE_MAX : str_find_char(str_slice(authority, 0, at), ':');
    buf_add(m->out, str_slice(url, 0, start));
    if (colon != SIZE_MAX) {
        buf_add(m->out, str_slice(authority, 0, colon + 1));
        mask(m);
        buf_add(m->out, str_skip(authority, at));
    } else {
        buf_add(m->out, authority);
    }
    if (query != SIZE_MAX) {
        buf_add_char(m->out, '?');
        mask_query(m, str_skip(rest, query + 1));
    }
}

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/* Where the value that begins at FROM ends: quoted or not, with backslashes. */
static size_t value_end(Str text, size_t from) {
    bool quoted = from < text.len && text.ptr[from] == '\'';
    for (size_t i = from + quoted; i < text.len; i++) {
        if (text.ptr[i] == '\\') {
            i++;
        } else if (quoted ? text.ptr[i] == '\'' : is_space(text.ptr[i])) {
            return i + quoted;
        }
    }
    return text.len;
}

static void mask_pairs(Masking *m, Str text) {
    size_t at = 0;
    while (at < text.len) {
        size_t start = at;
        while (at < text.len && is_space(text.ptr[at])) {
            at++;
        }
        size_t key_start = at;
        while (at < text.len && text.ptr[at] != '=' && !is_space(text.ptr[at])) {
            at++;
        }
        Str key = str_slice(text, key_start, at);
        while (at < text.len && (is_space(text.ptr[at]) || text.ptr[at] == '=')) {
            at++;
        }
        buf_add(m->out, str_slice(text, start, at));
        size_t end = value_end(text, at);
        if (names_password(key)) {
            mask(m);
        } else {
            buf_add(m->out, str_slice(text, at, end));
        }
        at = end;
    }
}

static Str masked(Str url, Arena *arena, bool *ret_found) {
    Buf out CLEANUP(buf_free) = BUF_INIT(64 * 1024);
    Masking m = {&out, false};
    if (is_url(url)) {
        mask_url(&m, url);
    } else {
        mask_pairs(&m, url);
    }
    *ret_found = m.found;
    return out.failed ? STR("***") : arena_str(arena, buf_str(&out));
}

Str config_url_masked(Str url, Arena *arena) {
    bool found;
    return masked(url, arena, &found);
}

bool config_url_has_password(Str url, Arena *arena) {
    bool found;
    masked(url, arena, &found);
    return found;
}

static void add_percent(Buf *out, Str text) {
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (plain) {
            buf_add_char(out, (char)c);
        } else {
            buf_printf(out, "%%%02X", c);
        }
    }
}

static void add_quoted(Buf *out, Str text) {
    buf_add_char(out, '\'');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\'' || text.ptr[i] == '\\') {
            buf_add_char(out, '\\');
        }
        buf_add_char(out, text.ptr[i]);
    }
    buf_add_char(out, '\'');
}

Str config_database_url(const Config *config, Arena *arena) {
    Str url = config->database.url, password = config->database.password;
    if (!url.len || !password.len) {
        return url;
    }
    Buf out CLEANUP(buf_free) = BUF_INIT(64 * 1024);
    buf_add(&out, url);
    if (is_url(url)) {
        buf_add_cstr(&out, str_has_char(url, '?') ? "&password=" : "?password=");
        add_percent(&out, password);
    } else {
        buf_add_cstr(&out, " password=");
        add_quoted(&out, password);
    }
    return arena_str(arena, buf_str(&out));
}
