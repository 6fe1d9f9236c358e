#include "server/rest/rest.h"

#include "catalog/json.h"
#include "server/server.h"

/* --- bodies ------------------------------------------------------------------------------------------------------ */

static void release_json(void *value) { json_decref(value); }

/* Only JSON types are let in: a form on another web site cannot send them without asking first. */
static bool check_content_type(const Request *r, Err *err) {
    Str rest = r->http->headers[HTTP_CONTENT_TYPE], type = STR("");
    str_split(&rest, ';', &type);
    type = str_trim(type);
    bool patch = str_eq(r->http->verb, STR("PATCH"));
    if (str_eq_nocase(type, STR("application/json")) || (patch && str_eq_nocase(type, STR("application/merge-patch+json")))) {
        return true;
    }
    return err_set(err, ERR_UNSUPPORTED_MEDIA_TYPE, "The body must be JSON: send \"Content-Type: %s\" (it is \"%" STR_FMT "\").",
                   patch ? "application/merge-patch+json" : "application/json", STR_ARG(type));
}

bool rest_body(Request *r, bool optional, JsonAt *ret, Err *err) {
    json_t *value;
    if (r->http->body.len == 0 && optional) {
        value = json_object();
        arena_defer(r->arena, release_json, value);
        *ret = jr_top(value);
        return true;
    }
    if (r->http->body.len == 0) {
        return err_set(err, ERR_INVALID_JSON, "The body is empty; a JSON object is expected.");
    }
    unsigned deepest = (unsigned)r->server->limits.json_depth;
    if (!check_content_type(r, err)) {
        return false;
    }
    if (!jr_depth_within(r->http->body, deepest)) {
        return err_set(err, ERR_LIMIT_EXCEEDED, "The body is nested deeper than %u levels; that is the limit (limits.json_depth).",
                       deepest);
    }
    if (!jr_parse(r->arena, r->http->body, deepest, &value, err)) {
        return false;
    }
    *ret = jr_top(value);
    return jr_expect_object(ret, r->arena, err);
}

bool rest_member_str(Request *r, const JsonAt *object, const char *key, Str *ret, Err *err) {
    JsonAt at = jr_member(object, key);
    return jr_str(&at, r->arena, ret, err);
}

bool rest_member_bool(Request *r, const JsonAt *object, const char *key, bool *ret, Err *err) {
    JsonAt at = jr_member(object, key);
    return jr_bool(&at, r->arena, ret, err);
}

bool rest_same_name(Request *r, const JsonAt *body, Str path_name, Err *err) {
    Str name = path_name;
    if (!rest_member_str(r, body, "name", &name, err)) {
        return false;
    }
    return str_eq_nocase(str_trim(name), str_trim(path_name)) || rest_other_name(name, path_name, err);
}

bool rest_other_name(Str name, Str path_name, Err *err) {
    return err_set(err, ERR_INVALID_INPUT,
                   "name is \"%" STR_FMT "\", but the path names \"%" STR_FMT "\". To rename, POST to the path with \":rename\".",
                   STR_ARG(name), STR_ARG(path_name));
}

TableRef rest_table_ref(const Request *r) { return (TableRef){r->path[0], r->path[1], r->path[2]}; }

/* --- conditions -------------------------------------------------------------------------------------------------- */

static bool parse_etag(Str tag, int64_t *ret_id, int64_t *ret_version) {
    tag = str_trim(tag);
    tag = str_starts(tag, STR("W/")) ? str_skip(tag, 2) : tag;
    if (tag.len < 2 || tag.ptr[0] != '"' || tag.ptr[tag.len - 1] != '"') {
        return false;
    }
    tag = str_slice(tag, 1, tag.len - 1);
    size_t dash = str_find_char(tag, '-');
    int64_t id, version;
    if (dash == SIZE_MAX || !str_to_i64(str_slice(tag, 0, dash), &id) || !str_to_i64(str_skip(tag, dash + 1), &version) || id < 1 ||
        version < 0) { /* less would mean "any" */
        return false;
    }
    *ret_id = id;
    *ret_version = version;
    return true;
}

bool rest_if_match(const Request *r, Expect *ret, Err *err) {
    Str header = r->http->headers[HTTP_IF_MATCH];
    *ret = EXPECT_ANY;
    if (str_is_null(header) || str_eq(str_trim(header), STR("*"))) {
        return true;
    }
    if (!parse_etag(header, &ret->id, &ret->version)) {
        return err_set(err, ERR_INVALID_INPUT, "If-Match must be one ETag as an answer of this server gave it (\"12-3\"), or *.");
    }
    return true;
}

bool rest_create_only(const Request *r) { return str_eq(str_trim(r->http->headers[HTTP_IF_NONE_MATCH]), STR("*")); }

void rest_etag(Request *r, int64_t id, int64_t version) {
    Str tag = arena_printf(r->arena, "\"%" PRId64 "-%" PRId64 "\"", id, version);
    http_answer_header(&r->answer, "ETag", tag.ptr);
}

bool rest_not_modified(Request *r, int64_t id, int64_t version) {
    Str rest = r->http->headers[HTTP_IF_NONE_MATCH], part;
    rest_etag(r, id, version);
    while (str_split(&rest, ',', &part)) {
        int64_t i, v;
        if ((parse_etag(part, &i, &v) && i == id && v == version) || str_eq(str_trim(part), STR("*"))) {
            r->answer.status = 304;
            return true;
        }
    }
    return false;
}

void rest_created(Request *r) { r->answer.status = 201; }

bool rest_no_content(Request *r) {
    r->answer.status = 204;
    return true;
}

/* {"table": ..., "missing_locations": [...]}: for what brings back metadata whose data may be gone. */
bool rest_restored(Request *r, const Table *table, StrList gone) {
    rest_etag(r, table->id, table->version);
    JsonWriter w = request_json(r);
    jw_object_begin(&w);
    jw_key(&w, STR("table"));
    table_json(&w, table);
    jw_key(&w, STR("missing_locations"));
    jw_strs(&w, gone);
    jw_object_end(&w);
    return true;
}

/* --- merge patch ------------------------------------------------------------------------------------------------- */

/* Depth is bounded: PATCH went through jr_parse(). So is memory, though what is copied here is not counted: it is at most
 * what the two trees took, which were. */
json_t *rest_merge_patch(json_t *target, const json_t *patch) {
    if (!json_is_object(patch)) {
        return json_deep_copy(patch);
    }
    json_t *result = json_is_object(target) ? json_incref(target) : json_object();
    json_t *writable_patch = (json_t *)(uintptr_t)patch; /* jansson iterates over writable objects only; we only read */
    for (void *at = json_object_iter(writable_patch); at; at = json_object_iter_next(writable_patch, at)) {
        const char *key = json_object_iter_key(at);
        const json_t *value = json_object_iter_value(at);
        if (json_is_null(value)) {
            json_object_del(result, key);
        } else {
            json_object_set_new(result, key, rest_merge_patch(json_object_get(result, key), value));
        }
    }
    return result;
}

/* Members whose own members are the caller's words, not ours. */
static bool is_free_form(const char *key) {
    return strcmp(key, "parameters") == 0 || strcmp(key, "properties") == 0 || strcmp(key, "extra") == 0;
}

/* What the patch removed is told to the reader as null, which is the same to it, unless it does not know the member at all. */
static void keep_nulls(json_t *merged, json_t *patch) {
    for (void *at = json_object_iter(patch); at; at = json_object_iter_next(patch, at)) {
        const char *key = json_object_iter_key(at);
        json_t *value = json_object_iter_value(at);
        if (json_is_null(value)) {
            json_object_set_new(merged, key, json_null());
        } else if (!is_free_form(key)) {
            keep_nulls(json_object_get(merged, key), value);
        }
    }
}

bool rest_merge(Request *r, Str current, const JsonAt *patch, JsonAt *ret, Err *err) {
    json_t *target;
    if (!jr_parse(r->arena, current, UINT_MAX, &target, err)) {
        return err_prefix(err, "The current object cannot be patched");
    }
    json_t *merged = rest_merge_patch(target, patch->value);
    arena_defer(r->arena, release_json, merged);
    keep_nulls(merged, (json_t *)(uintptr_t)patch->value);
    *ret = jr_top(merged);
    return true;
}

/* --- pages ------------------------------------------------------------------------------------------------------- */

/* A token is the key to go on from, sealed together with the query it belongs to. */
enum { MAC_BYTES = 8, LAST_MAX = 8 * 1024 };

static void add_sealed(Buf *out, Str text) {
    buf_add_be32(out, (uint32_t)text.len);
    buf_add(out, text);
}

static int param_order(const void *a, const void *b) { return str_cmp(((const Param *)a)->key, ((const Param *)b)->key); }

static void page_mac(const Request *r, Str last, unsigned char mac[32]) {
    CLEANUP(buf_free) Buf text = BUF_INIT(1024 * 1024);
    add_sealed(&text, str_from(r->method->name));
    for (size_t i = 0; i < REQUEST_PATH_VALUES; i++) {
        add_sealed(&text, r->path[i]);
    }
    Param *sorted = ARENA_ARRAY(r->arena, Param, r->query_count);
    if (r->query_count) {
        memcpy(sorted, r->query, r->query_count * sizeof *sorted);
        qsort(sorted, r->query_count, sizeof *sorted, param_order);
    }
    for (size_t i = 0; i < r->query_count; i++) {
        if (!str_eq(sorted[i].key, STR("page_token")) && !str_eq(sorted[i].key, STR("limit"))) {
            add_sealed(&text, sorted[i].key);
            add_sealed(&text, sorted[i].value);
        }
    }
    add_sealed(&text, last);
    hmac_sha256((Str){(const char *)r->server->instance.bytes, sizeof r->server->instance.bytes}, buf_str(&text), mac);
}

static bool read_page_token(Request *r, Str token, Str *ret, Err *err) {
    CLEANUP(buf_free) Buf plain = BUF_INIT(LAST_MAX + MAC_BYTES);
    unsigned char mac[32];
    if (base64_decode(token, &plain) && !plain.failed && plain.len >= MAC_BYTES) {
        Str last = str_skip(buf_str(&plain), MAC_BYTES);
        page_mac(r, last, mac);
        if (equal_constant_time((Str){(const char *)mac, MAC_BYTES}, str_slice(buf_str(&plain), 0, MAC_BYTES))) {
            *ret = arena_str(r->arena, last);
            return true;
        }
    }
    return err_set(err, ERR_INVALID_TOKEN,
                   "page_token does not belong to this query. Use the next_page_token of the answer before, with the same query.");
}

static bool read_limit(const Request *r, bool all_allowed, int64_t *ret, Err *err) {
    int64_t most = r->server->limits.page, usual = r->server->limits.page_default;
    *ret = MIN(usual, most);
    if (str_eq(request_query(r, "limit"), STR("all"))) {
        *ret = r->server->limits.list_page;
        return all_allowed ||
               err_set(err, ERR_INVALID_INPUT, "limit=all is for lists of names only; here it may be up to %" PRId64 ".", most);
    }
    return request_query_i64(r, "limit", 1, most, ret, err);
}

bool rest_page(Request *r, bool all_allowed, Page *ret, Err *err) {
    Page page = {.pattern = request_query(r, "pattern")};
    Str token = request_query(r, "page_token");
    if (!read_limit(r, all_allowed, &page.limit, err) || (!str_is_null(token) && !read_page_token(r, token, &page.after, err))) {
        return false;
    }
    *ret = page;
    return true;
}

void rest_next_page(Request *r, JsonWriter *w, bool more, Str last) {
    if (!more) {
        return;
    }
    unsigned char mac[32];
    CLEANUP(buf_free) Buf plain = BUF_INIT(LAST_MAX + MAC_BYTES), text = BUF_INIT(2 * LAST_MAX);
    page_mac(r, last, mac);
    buf_add_bytes(&plain, mac, MAC_BYTES);
    buf_add(&plain, last);
    buf_add_base64(&text, buf_str(&plain), true);
    jw_put_str(w, "next_page_token", buf_str(&text));
}

bool rest_items(Request *r, const RestItems *page) {
    JsonWriter w = request_json(r);
    jw_object_begin(&w);
    jw_key(&w, STR("items"));
    jw_array_begin(&w);
    for (size_t i = 0; i < page->count; i++) {
        page->json(&w, (const char *)page->items + i * page->size);
    }
    jw_array_end(&w);
    rest_next_page(r, &w, page->more, page->last);
    jw_object_end(&w);
    return true;
}
