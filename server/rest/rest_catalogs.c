#include "catalog/json.h"
#include "server/rest/rest_noun.h"

static void json(JsonWriter *w, const void *catalog) { catalog_json(w, catalog); }

static bool from_json(const JsonAt *at, Arena *arena, void *ret, Err *err) { return catalog_from_json(at, arena, ret, err); }

static void keep(void *after, const void *before) { ((CatalogInfo *)after)->name = ((const CatalogInfo *)before)->name; }

static void chosen(void *after, const void *before) {
    CatalogInfo *a = after;
    a->location = str_is_null(a->location) ? ((const CatalogInfo *)before)->location : a->location;
}

static bool get(Request *r, void *ret, Err *err) { return catalog_get(&r->ctx, r->path[0], ret, err); }

static bool create(Request *r, void *catalog, Err *err) { return catalog_create(&r->ctx, catalog, catalog, err); }

static bool edit_catalog(Ctx *ctx, CatalogInfo *catalog, void *edit, Err *err) {
    (void)ctx;
    return rest_edit(edit, catalog, err);
}

static bool alter(Request *r, RestEdit *edit, void *ret, Err *err) {
    return catalog_alter(&r->ctx, r->path[0], edit->expect, edit_catalog, edit, ret, err);
}

static bool drop(Request *r, Expect expect, Err *err) { return catalog_drop(&r->ctx, r->path[0], expect, err); }

static const RestNoun CATALOG = {"catalog",    REST_NOUN_OF(CatalogInfo), .path_name = 0, .missing = ERR_CATALOG_NOT_FOUND,
                                 .json = json, .read = from_json,         .keep = keep,   .chosen = chosen,
                                 .get = get,   .create = create,          .alter = alter, .drop = drop};

bool rest_catalog_list(Request *r, Err *err) {
    Page page;
    CatalogInfos found;
    return rest_page(r, true, &page, err) && catalog_list(&r->ctx, &page, &found, err) &&
           rest_noun_items(r, &CATALOG, found.items, found.count, found.more);
}

bool rest_catalog_get(Request *r, Err *err) { return rest_noun_get(r, &CATALOG, err); }
bool rest_catalog_create(Request *r, Err *err) { return rest_noun_create(r, &CATALOG, err); }
bool rest_catalog_put(Request *r, Err *err) { return rest_noun_put(r, &CATALOG, err); }
bool rest_catalog_patch(Request *r, Err *err) { return rest_noun_patch(r, &CATALOG, err); }
bool rest_catalog_drop(Request *r, Err *err) { return rest_noun_drop(r, &CATALOG, err); }
