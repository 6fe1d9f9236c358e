#include "server/request.h"

#include "base/json_reader.h"

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool percent_decode(Arena *arena, Str text, bool plus_is_space, const char *what, Str *ret, Err *err) {
    char *out = arena_alloc(arena, text.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '%') {
            int high = text.len - i > 2 ? hex_digit(text.ptr[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(text.ptr[i + 2]) : -1;
            if (low < 0) {
                return err_set(err, ERR_INVALID_INPUT,
                               "%s has a \"%%\" that two hexadecimal digits do not follow; write a percent sign as %%25.", what);
            }
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        out[len++] = c;
    }
    out[len] = '\0';
    Str decoded = {out, len};
    if (str_has_char(decoded, '\0')) {
        return err_set(err, ERR_INVALID_INPUT, "%s holds a NUL character.", what);
    }
    if (!utf8_valid(decoded)) {
        return err_set(err, ERR_INVALID_INPUT, "%s is not valid UTF-8.", what);
    }
    *ret = decoded;
    return true;
}

typedef enum QueryKind { QUERY_UNKNOWN, QUERY_ONE, QUERY_LIST } QueryKind;

static QueryKind query_kind(const Method *method, Str name) {
    Str rest = str_from(method->query), known;
    while (str_split(&rest, ',', &known)) {
        bool list = str_ends(known, STR("+"));
        if (str_eq(str_slice(known, 0, known.len - list), name)) {
            return list ? QUERY_LIST : QUERY_ONE;
        }
    }
    return QUERY_UNKNOWN;
}

static bool unknown_query(const Request *r, Str name, Err *err) {
    enum { MOST = 24 };
    const char *words[MOST + 1];
    size_t count = 0;
    Str rest = str_from(r->method->query), known;
    while (count < MOST && str_split(&rest, ',', &known)) {
        words[count++] = arena_cstr(r->arena, str_slice(known, 0, known.len - str_ends(known, STR("+"))));
    }
    words[count] = NULL;
    const char *near = nearest_word(name, words);
    if (near) {
        return err_set(err, ERR_INVALID_INPUT, "There is no query parameter \"%" STR_FMT "\" here. Did you mean \"%s\"?",
                       STR_ARG(name), near);
    }
    return err_set(err, ERR_INVALID_INPUT, "There is no query parameter \"%" STR_FMT "\" here. Known: %s.", STR_ARG(name),
                   r->method->query ? r->method->query : "none");
}

/* Lists keep their percent-encoding until they are taken apart. */
static bool parse_query_part(Request *r, Str part, Err *err) {
    size_t eq = str_find_char(part, '=');
    Param p = {.value = eq == SIZE_MAX ? STR("") : str_skip(part, eq + 1)};
    if (!percent_decode(r->arena, str_slice(part, 0, MIN(eq, part.len)), true, "A name in the query", &p.key, err)) {
        return false;
    }
    QueryKind kind = query_kind(r->method, p.key);
    if (kind == QUERY_UNKNOWN) {
        return unknown_query(r, p.key, err);
    }
    if (kind == QUERY_ONE && !percent_decode(r->arena, p.value, true, "A value in the query", &p.value, err)) {
        return false;
    }
    if (kind == QUERY_ONE && !str_is_null(request_query(r, arena_cstr(r->arena, p.key)))) {
        return err_set(err, ERR_INVALID_INPUT, "The query parameter \"%" STR_FMT "\" is given twice.", STR_ARG(p.key));
    }
    r->query[r->query_count++] = p;
    return true;
}

bool request_parse_query(Request *r, Err *err) {
    if (str_is_empty(r->http->query)) {
        return true;
    }
    size_t most = 1;
    for (size_t i = 0; i < r->http->query.len; i++) {
        most += r->http->query.ptr[i] == '&';
    }
    r->query = ARENA_ARRAY(r->arena, Param, most);
    Str rest = r->http->query, part;
    while (str_split(&rest, '&', &part)) {
        if (part.len == 0) {
            continue;
        }
        if (!parse_query_part(r, part, err)) {
            return false;
        }
    }
    return true;
}

Str request_query(const Request *r, const char *name) {
    for (size_t i = 0; i < r->query_count; i++) {
        if (str_eq(r->query[i].key, str_from(name))) {
            return r->query[i].value;
        }
    }
    return STR_NULL;
}

bool request_query_list(const Request *r, const char *name, StrList *ret, Err *err) {
    size_t most = r->query_count;
    for (size_t i = 0; i < r->query_count; i++) {
        for (size_t k = 0; k < r->query[i].value.len; k++) {
            most += r->query[i].value.ptr[k] == ',';
        }
    }
    StrList list = {.items = ARENA_ARRAY(r->arena, Str, most), .count = 0};
    for (size_t i = 0; i < r->query_count; i++) {
        Str rest = r->query[i].value, part;
        while (str_eq(r->query[i].key, str_from(name)) && str_split(&rest, ',', &part)) {
            if (!percent_decode(r->arena, part, true, "A value in the query", &list.items[list.count++], err)) {
                return false;
            }
        }
    }
    *ret = list;
    return true;
}

bool request_query_bool(const Request *r, const char *name, bool *ret, Err *err) {
    Str text = request_query(r, name);
    if (str_is_null(text)) {
        return true;
    }
    bool yes = str_eq(text, STR("true"));
    if (!yes && !str_eq(text, STR("false"))) {
        return err_set(err, ERR_INVALID_INPUT, "The query parameter \"%s\" must be true or false, but it is \"%" STR_FMT "\".",
                       name, STR_ARG(text));
    }
    *ret = yes;
    return true;
}

bool request_query_i64(const Request *r, const char *name, int64_t low, int64_t high, int64_t *ret, Err *err) {
    Str text = request_query(r, name);
    if (str_is_null(text)) {
        return true;
    }
    int64_t value;
    if (!str_to_i64(text, &value) || value < low || value > high) {
        return err_set(err, ERR_INVALID_INPUT,
                       "The query parameter \"%s\" must be a whole number from %" PRId64 " to %" PRId64 ", but it is \"%" STR_FMT
                       "\".",
                       name, low, high, STR_ARG(text));
    }
    *ret = value;
    return true;
}

JsonWriter request_json(Request *r) {
    r->answer.content_type = "application/json";
    return jw_new(&r->answer.body);
}

static Str title_of(const char *code, Arena *arena) {
    char *text = arena_alloc(arena, strlen(code) + 1);
    memcpy(text, code, strlen(code) + 1);
    for (char *c = text; *c; c++) {
        *c = *c == '_' ? ' ' : *c;
    }
    return str_from(text);
}

void request_problem(Request *r, const Err *e) {
    const ErrInfo *info = err_info(e->code);
    buf_clear(&r->answer.body);
    r->answer.fixed = STR_NULL;
    r->answer.header_count = 0;
    JsonWriter w = request_json(r);
    r->answer.content_type = "application/problem+json";
    r->answer.status = info->rest_status;
    jw_object_begin(&w);
    jw_put_str(&w, "type", STR("about:blank"));
    jw_put_str(&w, "title", title_of(info->name, r->arena));
    jw_put_i64(&w, "status", info->rest_status);
    jw_put_str(&w, "code", str_from(info->name));
    jw_put_str(&w, "detail", str_from(e->message));
    jw_put_str(&w, "request_id", str_from(r->request_id));
    jw_object_end(&w);
    if (info->rest_status == 401) {
        http_answer_header(&r->answer, "WWW-Authenticate",
                           "Bearer realm=\"propolis\", Basic realm=\"propolis\", charset=\"UTF-8\"");
    }
    if (info->rest_status == 503) {
        http_answer_header(&r->answer, "Retry-After", "1");
    }
}
