#include "catalog/json.h"
#include "server/rest/rest.h"

static bool answer_catalog(Request *r, const CatalogInfo *info) {
    rest_etag(r, info->id, info->version);
    JsonWriter w = request_json(r);
    catalog_json(&w, info);
    return true;
}

bool rest_catalog_list(Request *r, Err *err) {
    Page page;
    CatalogInfos found;
    if (!rest_page(r, true, &page, err) || !catalog_list(&r->ctx, &page, &found, err)) {
        return false;
    }
    JsonWriter w = request_json(r);
    jw_object_begin(&w);
    jw_key(&w, STR("items"));
    jw_array_begin(&w);
    for (size_t i = 0; i < found.count; i++) {
        catalog_json(&w, &found.items[i]);
    }
    jw_array_end(&w);
    rest_next_page(r, &w, found.more, found.count ? found.items[found.count - 1].name : STR_NULL);
    jw_object_end(&w);
    return true;
}

bool rest_catalog_get(Request *r, Err *err) {
    CatalogInfo info;
    if (!catalog_get(&r->ctx, r->path[0], &info, err)) {
        return false;
    }
    if (rest_not_modified(r, info.id, info.version)) {
        return true;
    }
    JsonWriter w = request_json(r);
    catalog_json(&w, &info);
    return true;
}

static bool create(Request *r, const CatalogInfo *info, Err *err) {
    CatalogInfo made;
    if (!catalog_create(&r->ctx, info, &made, err)) {
        return false;
    }
    rest_created(r);
    return answer_catalog(r, &made);
}

bool rest_catalog_create(Request *r, Err *err) {
    JsonAt body;
    CatalogInfo info = {.id = 0};
    if (!rest_body(r, false, &body, err)) {
        return false;
    }
    JsonAt name = jr_member(&body, "name");
    return jr_required(&name, r->arena, err) && catalog_from_json(&body, r->arena, &info, err) && create(r, &info, err);
}

typedef struct Edit {
    Request *r;
    JsonAt body;
    bool merge;
    RestMatch match;
} Edit;

static bool merge_catalog(Edit *edit, const CatalogInfo *before, JsonAt *ret, Err *err) {
    CLEANUP(buf_free) Buf text = BUF_INIT(SIZE_MAX);
    JsonWriter w = jw_new(&text);
    catalog_json(&w, before);
    return rest_merge(edit->r, buf_str(&text), &edit->body, ret, err);
}

static bool edit_catalog(Ctx *ctx, CatalogInfo *info, void *arg, Err *err) {
    Edit *edit = arg;
    CatalogInfo before = *info;
    JsonAt document = edit->body;
    if (!rest_match_id(&edit->match, before.id, err) || (edit->merge && !merge_catalog(edit, &before, &document, err)) ||
        !catalog_from_json(&document, ctx->arena, info, err)) {
        return false;
    }
    info->id = before.id;
    info->version = before.version;
    info->name = before.name;
    info->created_at = before.created_at;
    info->updated_at = before.updated_at;
    return true;
}

static bool alter(Request *r, const JsonAt *body, bool merge, CatalogInfo *ret, Err *err) {
    Edit edit = {.r = r, .body = *body, .merge = merge};
    return rest_if_match(r, &edit.match, err) &&
           catalog_alter(&r->ctx, r->path[0], edit.match.version, edit_catalog, &edit, ret, err);
}

bool rest_catalog_put(Request *r, Err *err) {
    JsonAt body;
    CatalogInfo info = {.id = 0};
    if (!rest_body(r, false, &body, err) || !rest_same_name(r, &body, r->path[0], err) ||
        !catalog_from_json(&body, r->arena, &info, err)) {
        return false;
    }
    if (!rest_create_only(r)) {
        CatalogInfo after;
        if (alter(r, &body, false, &after, err)) {
            return answer_catalog(r, &after);
        }
        if (err->code != ERR_CATALOG_NOT_FOUND || !str_is_null(r->http->headers[HTTP_IF_MATCH])) {
            return false;
        }
    }
    info.name = r->path[0];
    return create(r, &info, err);
}

bool rest_catalog_patch(Request *r, Err *err) {
    JsonAt body;
    CatalogInfo after;
    return rest_body(r, false, &body, err) && rest_same_name(r, &body, r->path[0], err) && alter(r, &body, true, &after, err) &&
           answer_catalog(r, &after);
}

bool rest_catalog_drop(Request *r, Err *err) {
    RestMatch match;
    CatalogInfo info;
    if (!rest_if_match(r, &match, err)) {
        return false;
    }
    if (match.id >= 0 && (!catalog_get(&r->ctx, r->path[0], &info, err) || !rest_match_id(&match, info.id, err))) {
        return false;
    }
    return catalog_drop(&r->ctx, r->path[0], match.version, err) && rest_no_content(r);
}
