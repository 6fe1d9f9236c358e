/* What a request says before its body is read: path, query, page token, conditions. The first line of the input is the path
 * with its query, the second If-Match and If-None-Match; behind them stands a key to make a page token of. */
#include "server/rest/rest.h"
#include "server/router.h"
#include "server/server.h"

#undef NDEBUG
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static Server server;
static Router *router;

static void set_up(void) {
    if (!router) {
        router = router_new(rest_methods);
        server.limits.page = 1000;
        server.limits.page_default = 100;
        server.limits.list_page = 10000;
        memset(&server.instance, 7, sizeof server.instance);
    }
}

static void read_conditions(Request *r) {
    Expect expect;
    Err err;
    if (rest_if_match(r, &expect, &err)) {
        assert((expect.id == 0) == (expect.version < 0)); /* never half a condition */
    }
    (void)rest_create_only(r);
    (void)rest_not_modified(r, 12, 3);
    r->answer.header_count = 0;
}

static void read_values(Request *r) {
    StrList list;
    bool yes = false;
    int64_t number = 0;
    Err err;
    for (size_t i = 0; i < r->query_count; i++) {
        const char *name = arena_cstr(r->arena, r->query[i].key);
        if (request_query_list(r, name, &list, &err)) {
            for (size_t k = 0; k < list.count; k++) {
                assert(utf8_valid(list.items[k]) && !str_has_char(list.items[k], '\0'));
            }
        }
        if (!request_query_bool(r, name, &yes, &err) && !request_query_i64(r, name, -5, 5, &number, &err)) {
            continue;
        }
        assert(number >= -5 && number <= 5);
    }
}

/* A token is good for the query that it was made for, and for no other key. */
static void make_token(Request *r, Str key) {
    Page page;
    Err err;
    CLEANUP(buf_free) Buf text = BUF_INIT(1024 * 1024);
    JsonWriter w = jw_new(&text);
    jw_object_begin(&w);
    rest_next_page(r, &w, true, key);
    jw_object_end(&w);
    json_t *answer;
    assert(jr_parse(r->arena, buf_str(&text), 4, &answer, &err));
    const char *token = json_string_value(json_object_get(answer, "next_page_token"));
    assert(token);
    Param *query = ARENA_ARRAY(r->arena, Param, r->query_count + 1);
    size_t count = 0;
    for (size_t i = 0; i < r->query_count; i++) {
        if (!str_eq(r->query[i].key, STR("page_token")) && !str_eq(r->query[i].key, STR("limit"))) {
            query[count++] = r->query[i];
        }
    }
    query[count++] = (Param){STR("page_token"), str_from(token)};
    r->query = query;
    r->query_count = count;
    assert(rest_page(r, true, &page, &err) && page.after.len == key.len && memcmp(page.after.ptr, key.ptr, key.len) == 0);
    r->path[0] = ARENA_CONCAT(r->arena, r->path[0], STR("x"));
    assert(!rest_page(r, true, &page, &err));
}

static void read_request(Request *r, const RouteMatch *match, Str key) {
    Page page;
    Err err;
    for (size_t i = 0; i < match->value_count; i++) {
        if (!percent_decode(r->arena, match->values[i], false, "A name in the path", &r->path[i], &err)) {
            return;
        }
        assert(utf8_valid(r->path[i]) && !str_has_char(r->path[i], '\0'));
    }
    if (request_parse_query(r, &err)) {
        read_values(r);
        if (rest_page(r, false, &page, &err)) {
            assert(page.limit >= 1 && page.limit <= 1000);
        }
        make_token(r, str_slice(key, 0, 4096));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    set_up();
    Str rest = {(const char *)data, size}, uri = STR(""), condition = STR_NULL;
    if (size == 0 || size > 64 * 1024) {
        return 0;
    }
    str_split(&rest, '\n', &uri);
    str_split(&rest, '\n', &condition);
    CLEANUP(arena_cleanup) Arena *arena = arena_new(64 * 1024 * 1024);
    size_t mark = str_find_char(uri, '?');
    HttpExchange http = {.verb = STR("GET"), .path = str_slice(uri, 0, mark)};
    http.query = mark == SIZE_MAX ? STR_NULL : str_skip(uri, mark + 1);
    http.headers[HTTP_IF_MATCH] = condition;
    http.headers[HTTP_IF_NONE_MATCH] = condition;
    Request r = {.server = &server, .http = &http, .arena = arena};
    RouteMatch match;
    Err err;
    read_conditions(&r);
    if (router_match(router, http.verb, http.path, &match, &err)) {
        r.method = match.method;
        read_request(&r, &match, str_is_null(rest) ? STR("") : rest);
    } else if (err.code == ERR_METHOD_NOT_ALLOWED) {
        assert(router_allowed(router, http.path, arena).len > 0);
    }
    return 0;
}
