#include "catalog/json.h"
#include "catalog/versions.h"
#include "server/rest/rest.h"

static void write_version(JsonWriter *w, const TableVersion *v, bool with_table) {
    jw_object_begin(w);
    jw_put_i64(w, "version", v->version);
    jw_put_time(w, "at", v->at);
    jw_put_bool(w, "noop", v->noop);
    jw_put_bool(w, "pointer_move", v->pointer_move);
    jw_key(w, STR("change"));
    change_json(w, &v->change);
    if (!str_is_null(v->diff)) {
        jw_key(w, STR("diff"));
        jw_raw(w, v->diff);
    }
    if (with_table) {
        jw_key(w, STR("table"));
        table_json(w, &v->table);
    }
    jw_object_end(w);
}

static void write_listed(JsonWriter *w, const void *version) { write_version(w, version, false); }

bool rest_version_list(Request *r, Err *err) {
    Page page;
    TableVersions found;
    VersionQuery query = {.before = -1};
    if (!rest_page(r, false, &page, err) || !request_query_bool(r, "noops", &query.with_noops, err) ||
        !request_query_bool(r, "pointer_moves", &query.with_pointer_moves, err)) {
        return false;
    }
    if (!str_is_null(page.after) && !str_to_i64(page.after, &query.before)) {
        return err_set(err, ERR_INVALID_TOKEN, "page_token does not belong to this list.");
    }
    query.limit = page.limit;
    if (!version_list(&r->ctx, rest_table_ref(r), &query, &found, err)) {
        return false;
    }
    Str last = found.count ? arena_printf(r->arena, "%" PRId64, found.items[found.count - 1].version) : STR_NULL;
    return rest_items(r, &REST_ITEMS(found, write_listed, last));
}

static bool path_version(const Request *r, int64_t *ret, Err *err) {
    if (str_to_i64(r->path[3], ret) && *ret >= 0) {
        return true;
    }
    return err_set(err, ERR_INVALID_INPUT, "The version in the path must be a number from 0, but it is \"%" STR_FMT "\".",
                   STR_ARG(r->path[3]));
}

bool rest_version_get(Request *r, Err *err) {
    int64_t number;
    TableVersion version;
    if (!path_version(r, &number, err) || !version_get(&r->ctx, rest_table_ref(r), number, &version, err)) {
        return false;
    }
    JsonWriter w = request_json(r);
    write_version(&w, &version, true);
    return true;
}

bool rest_table_get_version(Request *r, Err *err) {
    Str as_of = request_query(r, "as_of");
    int64_t number = -1;
    Micros at = MICROS_NONE;
    TableVersion version;
    if (!request_query_i64(r, "version", 0, INT64_MAX, &number, err)) {
        return false;
    }
    if (!str_is_null(as_of) == (number >= 0)) {
        return err_set(err, ERR_INVALID_INPUT, "Give version or as_of, not both.");
    }
    if (number < 0 && !time_parse(as_of, &at)) {
        return err_set(err, ERR_INVALID_INPUT,
                       "as_of must be a time like 2026-11-21T10:15:30Z (write + as %%2B), but it is \"%" STR_FMT "\".",
                       STR_ARG(as_of));
    }
    bool found = number >= 0 ? version_get(&r->ctx, rest_table_ref(r), number, &version, err)
                             : version_as_of(&r->ctx, rest_table_ref(r), at, &version, err);
    if (!found) {
        return false;
    }
    rest_etag(r, version.table.id, version.version);
    JsonWriter w = request_json(r);
    table_json(&w, &version.table);
    return true;
}

bool rest_table_diff(Request *r, Err *err) {
    int64_t from = -1, to = -1;
    Str json;
    if (!request_query_i64(r, "from", 0, INT64_MAX, &from, err) || !request_query_i64(r, "to", 0, INT64_MAX, &to, err)) {
        return false;
    }
    if (from < 0 || to < 0) {
        return err_set(err, ERR_INVALID_INPUT, "Both from and to are needed: the numbers of the two versions to compare.");
    }
    if (!version_diff(&r->ctx, rest_table_ref(r), from, to, &json, err)) {
        return false;
    }
    JsonWriter w = request_json(r);
    jw_raw(&w, json);
    return true;
}

bool rest_table_restore(Request *r, Err *err) {
    static const char *const KNOWN[] = {"version", "move_pointer", NULL};
    JsonAt body;
    Expect expect;
    VersionRestore how = {0};
    Table table;
    StrList gone = {0};
    if (!rest_body(r, false, &body, err) || !jr_only_members(&body, r->arena, KNOWN, err) || !rest_if_match(r, &expect, err)) {
        return false;
    }
    JsonAt version = jr_member(&body, "version");
    how.expect_version = expect.version;
    how.expect_id = expect.id;
    if (!jr_required(&version, r->arena, err) || !jr_i64(&version, r->arena, 0, INT64_MAX, &how.version, err) ||
        !rest_member_bool(r, &body, "move_pointer", &how.move_pointer, err) ||
        !version_restore(&r->ctx, rest_table_ref(r), &how, &table, &gone, err)) {
        return false;
    }
    return rest_restored(r, &table, gone);
}
