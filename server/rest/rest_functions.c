#include "catalog/functions.h"
#include "catalog/json.h"
#include "server/rest/rest.h"

static FunctionRef function_ref(const Request *r) { return (FunctionRef){r->path[0], r->path[1], r->path[2]}; }

static bool answer_function(Request *r, const Function *function) {
    rest_etag(r, function->id, function->version);
    JsonWriter w = request_json(r);
    function_json(&w, function);
    return true;
}

bool rest_function_list(Request *r, Err *err) {
    Page page;
    Functions found;
    const Glob *glob;
    if (!rest_page(r, true, &page, err) || !glob_parse_hive(r->arena, page.pattern, &glob, err)) {
        return false;
    }
    FunctionQuery query = {.catalog = r->path[0],
                           .database = r->path[1],
                           .glob = glob,
                           .type = request_query(r, "type"),
                           .after_database = str_is_null(page.after) ? STR_NULL : r->path[1],
                           .after = page.after,
                           .limit = page.limit};
    if (!function_list(&r->ctx, &query, &found, err)) {
        return false;
    }
    JsonWriter w = request_json(r);
    jw_object_begin(&w);
    jw_key(&w, STR("items"));
    jw_array_begin(&w);
    for (size_t i = 0; i < found.count; i++) {
        function_json(&w, &found.items[i]);
    }
    jw_array_end(&w);
    rest_next_page(r, &w, found.more, found.count ? found.items[found.count - 1].name : STR_NULL);
    jw_object_end(&w);
    return true;
}

bool rest_function_get(Request *r, Err *err) {
    Function function;
    if (!function_get(&r->ctx, function_ref(r), &function, err)) {
        return false;
    }
    if (rest_not_modified(r, function.id, function.version)) {
        return true;
    }
    JsonWriter w = request_json(r);
    function_json(&w, &function);
    return true;
}

static bool create(Request *r, Function *function, Err *err) {
    Function made;
    function->catalog = r->path[0];
    function->database = r->path[1];
    if (!function_create(&r->ctx, function, &made, err)) {
        return false;
    }
    rest_created(r);
    return answer_function(r, &made);
}

bool rest_function_create(Request *r, Err *err) {
    JsonAt body;
    Function function = {.id = 0};
    if (!rest_body(r, false, &body, err)) {
        return false;
    }
    JsonAt name = jr_member(&body, "name");
    return jr_required(&name, r->arena, err) && function_from_json(&body, r->arena, &function, err) && create(r, &function, err);
}

typedef struct Edit {
    Request *r;
    JsonAt body;
    bool merge;
    RestMatch match;
} Edit;

static bool merge_function(Edit *edit, const Function *before, JsonAt *ret, Err *err) {
    CLEANUP(buf_free) Buf text = BUF_INIT(SIZE_MAX);
    JsonWriter w = jw_new(&text);
    function_json(&w, before);
    return rest_merge(edit->r, buf_str(&text), &edit->body, ret, err);
}

static bool edit_function(Ctx *ctx, Function *function, void *arg, Err *err) {
    Edit *edit = arg;
    Function before = *function;
    JsonAt document = edit->body;
    if (!rest_match_id(&edit->match, before.id, err) || (edit->merge && !merge_function(edit, &before, &document, err)) ||
        !function_from_json(&document, ctx->arena, function, err)) {
        return false;
    }
    function->id = before.id;
    function->version = before.version;
    function->catalog = before.catalog;
    function->database = before.database;
    function->name = before.name;
    function->created_at = before.created_at;
    function->updated_at = before.updated_at;
    return true;
}

static bool alter(Request *r, const JsonAt *body, bool merge, Function *ret, Err *err) {
    Edit edit = {.r = r, .body = *body, .merge = merge};
    return rest_if_match(r, &edit.match, err) &&
           function_alter(&r->ctx, function_ref(r), edit.match.version, edit_function, &edit, ret, err);
}

bool rest_function_put(Request *r, Err *err) {
    JsonAt body;
    Function function = {.id = 0};
    if (!rest_body(r, false, &body, err) || !rest_same_name(r, &body, r->path[2], err) ||
        !function_from_json(&body, r->arena, &function, err)) {
        return false;
    }
    if (!rest_create_only(r)) {
        Function after;
        if (alter(r, &body, false, &after, err)) {
            return answer_function(r, &after);
        }
        if (err->code != ERR_FUNCTION_NOT_FOUND || !str_is_null(r->http->headers[HTTP_IF_MATCH])) {
            return false;
        }
    }
    function.name = r->path[2];
    return create(r, &function, err);
}

bool rest_function_patch(Request *r, Err *err) {
    JsonAt body;
    Function after;
    return rest_body(r, false, &body, err) && rest_same_name(r, &body, r->path[2], err) && alter(r, &body, true, &after, err) &&
           answer_function(r, &after);
}

static bool expect_incarnation(Request *r, const RestMatch *match, Err *err) {
    Function function;
    return match->id < 0 || (function_get(&r->ctx, function_ref(r), &function, err) && rest_match_id(match, function.id, err));
}

bool rest_function_drop(Request *r, Err *err) {
    RestMatch match;
    return rest_if_match(r, &match, err) && expect_incarnation(r, &match, err) &&
           function_drop(&r->ctx, function_ref(r), match.version, err) && rest_no_content(r);
}

bool rest_function_rename(Request *r, Err *err) {
    static const char *const KNOWN[] = {"database", "name", NULL};
    JsonAt body;
    RestMatch match;
    Str database = STR_NULL, name = STR_NULL;
    Function after;
    if (!rest_body(r, false, &body, err) || !jr_only_members(&body, r->arena, KNOWN, err) || !rest_if_match(r, &match, err) ||
        !rest_member_str(r, &body, "database", &database, err) || !rest_member_str(r, &body, "name", &name, err)) {
        return false;
    }
    if (str_is_null(name) && str_is_null(database)) {
        return err_set(err, ERR_INVALID_INPUT,
                       "name is missing: the new name of the function (and database, to move it to another one).");
    }
    return expect_incarnation(r, &match, err) &&
           function_rename(&r->ctx, function_ref(r), database, name, match.version, &after, err) && answer_function(r, &after);
}
