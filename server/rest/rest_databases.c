#include "catalog/json.h"
#include "server/rest/rest_noun.h"

static void json(JsonWriter *w, const void *database) { database_json(w, database); }

static bool from_json(const JsonAt *at, Arena *arena, void *ret, Err *err) { return database_from_json(at, arena, ret, err); }

static void keep(void *after, const void *before) {
    Database *a = after;
    const Database *b = before;
    a->catalog = b->catalog;
    a->name = b->name;
}

static void chosen(void *after, const void *before) {
    Database *a = after;
    a->location = str_is_null(a->location) ? ((const Database *)before)->location : a->location;
}

static bool get(Request *r, void *ret, Err *err) { return database_get(&r->ctx, r->path[0], r->path[1], ret, err); }

static bool create(Request *r, void *object, Err *err) {
    Database *database = object;
    database->catalog = r->path[0];
    return database_create(&r->ctx, database, database, err);
}

static bool edit_database(Ctx *ctx, Database *database, void *edit, Err *err) {
    (void)ctx;
    return rest_edit(edit, database, err);
}

static bool alter(Request *r, RestEdit *edit, void *ret, Err *err) {
    return database_alter(&r->ctx, r->path[0], r->path[1], edit->expect, edit_database, edit, ret, err);
}

static bool rename_database(Request *r, RestRename *to, void *ret, Err *err) {
    return database_rename(&r->ctx, r->path[0], r->path[1], to->name, to->expect, ret, err);
}

static bool drop(Request *r, Expect expect, Err *err) {
    DatabaseDrop how = {.expect = expect, .cascade = false, .delete_data = true};
    return request_query_bool(r, "cascade", &how.cascade, err) && request_query_bool(r, "delete_data", &how.delete_data, err) &&
           database_drop(&r->ctx, r->path[0], r->path[1], &how, err);
}

static const RestNoun DATABASE = {"database",   REST_NOUN_OF(Database), .path_name = 1, .missing = ERR_DATABASE_NOT_FOUND,
                                  .json = json, .read = from_json,      .keep = keep,   .chosen = chosen,
                                  .get = get,   .create = create,       .alter = alter, .rename = rename_database,
                                  .drop = drop};

bool rest_database_list(Request *r, Err *err) {
    Page page;
    Databases found;
    return rest_page(r, true, &page, err) && database_list(&r->ctx, r->path[0], &page, &found, err) &&
           rest_noun_items(r, &DATABASE, found.items, found.count, found.more);
}

bool rest_database_get(Request *r, Err *err) { return rest_noun_get(r, &DATABASE, err); }
bool rest_database_create(Request *r, Err *err) { return rest_noun_create(r, &DATABASE, err); }
bool rest_database_put(Request *r, Err *err) { return rest_noun_put(r, &DATABASE, err); }
bool rest_database_patch(Request *r, Err *err) { return rest_noun_patch(r, &DATABASE, err); }
bool rest_database_rename(Request *r, Err *err) { return rest_noun_rename(r, &DATABASE, err); }
bool rest_database_drop(Request *r, Err *err) { return rest_noun_drop(r, &DATABASE, err); }
