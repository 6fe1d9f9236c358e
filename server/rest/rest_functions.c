#include "catalog/functions.h"
#include "catalog/json.h"
#include "server/rest/rest_noun.h"

static FunctionRef function_ref(const Request *r) { return (FunctionRef){r->path[0], r->path[1], r->path[2]}; }

static void json(JsonWriter *w, const void *function) { function_json(w, function); }

static bool from_json(const JsonAt *at, Arena *arena, void *ret, Err *err) { return function_from_json(at, arena, ret, err); }

static void keep(void *after, const void *before) {
    Function *a = after;
    const Function *b = before;
    a->database = b->database;
    a->name = b->name;
}

static bool get(Request *r, void *ret, Err *err) { return function_get(&r->ctx, function_ref(r), ret, err); }

static bool create(Request *r, void *object, Err *err) {
    Function *function = object;
    function->catalog = r->path[0];
    function->database = r->path[1];
    return function_create(&r->ctx, function, function, err);
}

static bool edit_function(Ctx *ctx, Function *function, void *edit, Err *err) {
    (void)ctx;
    return rest_edit(edit, function, err);
}

static bool alter(Request *r, RestEdit *edit, void *ret, Err *err) {
    return function_alter(&r->ctx, function_ref(r), edit->expect, edit_function, edit, ret, err);
}

static bool rename_function(Request *r, RestRename *to, void *ret, Err *err) {
    return function_rename(&r->ctx, function_ref(r), to->database, to->name, to->expect, ret, err);
}

static bool drop(Request *r, Expect expect, Err *err) { return function_drop(&r->ctx, function_ref(r), expect, err); }

static const RestNoun FUNCTION = {"function",    REST_NOUN_OF(Function), .path_name = 2,    .missing = ERR_FUNCTION_NOT_FOUND,
                                  .moves = true, .json = json,           .read = from_json, .keep = keep,
                                  .get = get,    .create = create,       .alter = alter,    .rename = rename_function,
                                  .drop = drop};

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
    return function_list(&r->ctx, &query, &found, err) && rest_noun_items(r, &FUNCTION, found.items, found.count, found.more);
}

bool rest_function_get(Request *r, Err *err) { return rest_noun_get(r, &FUNCTION, err); }
bool rest_function_create(Request *r, Err *err) { return rest_noun_create(r, &FUNCTION, err); }
bool rest_function_put(Request *r, Err *err) { return rest_noun_put(r, &FUNCTION, err); }
bool rest_function_patch(Request *r, Err *err) { return rest_noun_patch(r, &FUNCTION, err); }
bool rest_function_rename(Request *r, Err *err) { return rest_noun_rename(r, &FUNCTION, err); }
bool rest_function_drop(Request *r, Err *err) { return rest_noun_drop(r, &FUNCTION, err); }
