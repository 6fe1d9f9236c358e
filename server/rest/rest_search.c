#include "catalog/search.h"
#include "server/rest/rest.h"

/* "key=value", or "key" for any value. */
static bool read_parameters(Request *r, Params *ret, Err *err) {
    StrList texts;
    Params params = {0};
    if (!request_query_list(r, "parameter", &texts, err)) {
        return false;
    }
    for (size_t i = 0; i < texts.count; i++) {
        size_t equals = MIN(str_find_char(texts.items[i], '='), texts.items[i].len);
        if (equals == 0) {
            return err_set(err, ERR_INVALID_INPUT, "parameter must be key=value, or a key alone, but it is \"%" STR_FMT "\".",
                           STR_ARG(texts.items[i]));
        }
        params_append(&params, r->arena, str_slice(texts.items[i], 0, equals), str_skip(texts.items[i], equals + 1));
    }
    *ret = params;
    return true;
}

static bool check_kind(const Request *r, Err *err) {
    Str kind = request_query(r, "kind");
    return str_is_null(kind) || str_eq(kind, STR("table")) ||
           err_set(err, ERR_INVALID_INPUT,
                   "kind must be table (views are tables too): that is what can be searched for, not \"%" STR_FMT "\".",
                   STR_ARG(kind));
}

static void hit_json(JsonWriter *w, const void *hit) { search_hit_json(w, hit); }

bool rest_search(Request *r, Err *err) {
    Page page;
    SearchQuery query = {
        .text = request_query(r, "q"),
        .catalog = request_query(r, "catalog"),
        .database = request_query(r, "database"),
        .type = request_query(r, "type"),
        .owner = request_query(r, "owner"),
        .column = request_query(r, "column"),
    };
    SearchHits hits;
    if (!check_kind(r, err) || !rest_page(r, false, &page, err) || !read_parameters(r, &query.params, err)) {
        return false;
    }
    query.after = page.after;
    query.limit = page.limit;
    return search_tables(&r->ctx, &query, &hits, err) &&
           rest_items(r, &(RestItems){hits.items, hits.count, sizeof *hits.items, hit_json, !str_is_null(hits.next), hits.next});
}
