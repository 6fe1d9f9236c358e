#include "storage/location.h"

static bool is_scheme_char(char c, bool first) {
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return letter || (!first && ((c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.'));
}

static bool is_scheme(Str s) {
    for (size_t i = 0; i < s.len; i++) {
        if (!is_scheme_char(s.ptr[i], i == 0)) {
            return false;
        }
    }
    return s.len > 0;
}

/* A colon counts as the end of a scheme only in front of the first slash. */
LocationParts location_split(Str location) {
    LocationParts parts = {.scheme = STR_NULL, .authority = STR_NULL, .path = location};
    size_t colon = str_find_char(location, ':');
    size_t slash = str_find_char(location, '/');
    if (colon == SIZE_MAX || slash < colon) {
        return parts;
    }
    parts.scheme = str_slice(location, 0, colon);
    parts.path = str_skip(location, colon + 1);
    if (str_starts(parts.path, STR("//"))) {
        Str rest = str_skip(parts.path, 2);
        size_t end = MIN(str_find_char(rest, '/'), rest.len);
        parts.authority = str_slice(rest, 0, end);
        parts.path = str_skip(rest, end);
    }
    return parts;
}

/* Schemes of file systems, where several slashes mean one. */
static bool is_file_system(Str scheme) {
    return str_eq_nocase(scheme, STR("file")) || str_eq_nocase(scheme, STR("hdfs")) || str_eq_nocase(scheme, STR("viewfs"));
}

static bool check_characters(Str text, Err *err) {
    Str rest = text;
    uint32_t c;
    while (rest.len) {
        size_t at = text.len - rest.len;
        if (!utf8_next(&rest, &c)) {
            return err_set(err, ERR_INVALID_LOCATION, "The location is not valid UTF-8 (byte %zu)", at);
        }
        if (c < 0x20 || (c >= 0x7F && c < 0xA0)) {
            return err_set(err, ERR_INVALID_LOCATION, "The location has a control character (U+%04X) at byte %zu; take it out",
                           (unsigned)c, at);
        }
    }
    return true;
}

/* Over authority and path alike, so that no reader of the text can climb out of a directory. */
static bool check_segments(Str text, Str after_scheme, Err *err) {
    Str rest = after_scheme, segment;
    while (str_split(&rest, '/', &segment)) {
        if (str_eq(segment, STR(".")) || str_eq(segment, STR(".."))) {
            return err_set(err, ERR_INVALID_LOCATION,
                           "The location %" STR_FMT " has a '%" STR_FMT "' segment; write the path it leads to", STR_ARG(text),
                           STR_ARG(segment));
        }
    }
    return true;
}

static bool check_text(Str text, Err *err) {
    if (str_is_empty(text)) {
        return err_set(err, ERR_INVALID_LOCATION, "The location is empty");
    }
    if (text.len > LOCATION_MAX_BYTES) {
        return err_set(err, ERR_INVALID_LOCATION, "The location has %zu bytes, the limit is %d; use a shorter path", text.len,
                       LOCATION_MAX_BYTES);
    }
    return check_characters(text, err);
}

/* Writes PATH with one slash where there were several and none at the end (but "/" stays). */
static size_t put_clean_path(char *out, Str path) {
    size_t len = 0;
    for (size_t i = 0; i < path.len; i++) {
        if (path.ptr[i] != '/' || len == 0 || out[len - 1] != '/') {
            out[len++] = path.ptr[i];
        }
    }
    if (len > 1 && out[len - 1] == '/') {
        len--;
    }
    return len;
}

static Str write_clean(Arena *arena, LocationParts parts) {
    Str scheme = arena_str_lower(arena, parts.scheme);
    char *path = arena_alloc(arena, parts.path.len + 1);
    Str clean = {path, put_clean_path(path, parts.path)};
    if (str_is_empty(parts.authority)) {
        return ARENA_CONCAT(arena, scheme, STR(":"), clean);
    }
    return ARENA_CONCAT(arena, scheme, STR("://"), parts.authority, clean);
}

static bool check_file_system(Str text, LocationParts parts, Err *err) {
    if (str_eq_nocase(parts.scheme, STR("file")) && !str_is_empty(parts.authority)) {
        return err_set(err, ERR_INVALID_LOCATION,
                       "The location %" STR_FMT " names the host '%" STR_FMT
                       "', but file: is this machine; did you mean file:/%" STR_FMT "%" STR_FMT "?",
                       STR_ARG(text), STR_ARG(parts.authority), STR_ARG(parts.authority), STR_ARG(parts.path));
    }
    bool bare_authority = !str_is_empty(parts.authority) && parts.path.len == 0;
    if (!bare_authority && !str_starts(parts.path, STR("/"))) {
        return err_set(err, ERR_INVALID_LOCATION,
                       "The location %" STR_FMT " is a relative path; start it with '/' or with a scheme", STR_ARG(text));
    }
    return true;
}

bool location_normalise(Arena *arena, Str text, Str default_fs, Str *ret, Err *err) {
    if (!check_text(text, err)) {
        return false;
    }
    LocationParts parts = location_split(text);
    if (!str_is_null(parts.scheme) && !is_scheme(parts.scheme)) {
        return err_set(err, ERR_INVALID_LOCATION,
                       "The location %" STR_FMT " has '%" STR_FMT "' in front of its first colon, which is no "
                       "scheme; start a path with '/'",
                       STR_ARG(text), STR_ARG(parts.scheme));
    }
    if (!check_segments(text, str_is_null(parts.scheme) ? text : str_skip(text, parts.scheme.len + 1), err)) {
        return false;
    }
    LocationParts home = location_split(default_fs);
    if (str_is_null(parts.scheme)) {
        parts.scheme = str_is_null(home.scheme) ? STR("file") : home.scheme;
        parts.authority = home.authority;
    } else if (str_is_empty(parts.authority) && is_file_system(parts.scheme) && str_eq_nocase(parts.scheme, home.scheme)) {
        parts.authority = home.authority;
    } else if (!is_file_system(parts.scheme)) {
        *ret = arena_str(arena, text);
        return true;
    }
    if (!check_file_system(text, parts, err)) {
        return false;
    }
    Str clean = write_clean(arena, parts);
    if (clean.len > LOCATION_MAX_BYTES) {
        return err_set(err, ERR_INVALID_LOCATION,
                       "With the default file system in front the location has %zu bytes, the limit is %d", clean.len,
                       LOCATION_MAX_BYTES);
    }
    *ret = clean;
    return true;
}

static Str strip_end_slashes(Str s) {
    while (s.len && s.ptr[s.len - 1] == '/') {
        s.len--;
    }
    return s;
}

static bool same_store(LocationParts a, LocationParts b) {
    bool schemes = str_is_null(a.scheme) == str_is_null(b.scheme) && (str_is_null(a.scheme) || str_eq_nocase(a.scheme, b.scheme));
    return schemes && a.authority.len == b.authority.len &&
           (a.authority.len == 0 || memcmp(a.authority.ptr, b.authority.ptr, a.authority.len) == 0);
}

bool location_is_root(Str location) { return strip_end_slashes(location_split(location).path).len == 0; }

bool location_is_same(Str a, Str b) {
    LocationParts pa = location_split(a), pb = location_split(b);
    return same_store(pa, pb) && str_eq(strip_end_slashes(pa.path), strip_end_slashes(pb.path));
}

bool location_is_below(Str parent, Str child) {
    LocationParts pp = location_split(parent), pc = location_split(child);
    Str above = strip_end_slashes(pp.path), path = strip_end_slashes(pc.path);
    return same_store(pp, pc) && path.len > above.len && path.ptr[above.len] == '/' && str_starts(path, above);
}

bool location_overlaps(Str a, Str b) { return location_is_same(a, b) || location_is_below(a, b) || location_is_below(b, a); }

Str location_parent(Str location) {
    if (location_is_root(location)) {
        return STR_NULL;
    }
    Str path = strip_end_slashes(location_split(location).path);
    size_t slash = str_rfind_char(path, '/');
    if (slash == SIZE_MAX) {
        return STR_NULL; /* opaque */
    }
    size_t end = (size_t)(path.ptr - location.ptr) + MAX(slash, (size_t)1);
    return str_slice(location, 0, end);
}

Str location_name(Str location) {
    Str path = strip_end_slashes(location_split(location).path);
    size_t slash = str_rfind_char(path, '/');
    return slash == SIZE_MAX ? path : str_skip(path, slash + 1);
}

Str location_join(Arena *arena, Str base, Str suffix) {
    if (str_is_empty(suffix)) {
        return base;
    }
    return ARENA_CONCAT(arena, base, str_ends(base, STR("/")) ? STR("") : STR("/"), suffix);
}

Str location_suffix(Str base, Str location) {
    if (str_is_empty(base) || !str_starts(location, base)) {
        return STR_NULL;
    }
    if (location.len == base.len) {
        return str_skip(location, base.len);
    }
    bool has_slash = str_ends(base, STR("/"));
    if (!has_slash && location.ptr[base.len] != '/') {
        return STR_NULL;
    }
    Str suffix = str_skip(location, base.len + !has_slash);
    return suffix.len ? suffix : STR_NULL; /* only the slash differs: joining could not give it back */
}

Str location_file_path(Str location) {
    LocationParts parts = location_split(location);
    bool is_file = !str_is_null(parts.scheme) && str_eq_nocase(parts.scheme, STR("file")) && str_is_empty(parts.authority);
    return is_file && str_starts(parts.path, STR("/")) ? parts.path : STR_NULL;
}
