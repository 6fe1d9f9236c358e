#include "catalog/json.h"
#include "server/rest/rest.h"

static bool answer_database(Request *r, const Database *database) {
    rest_etag(r, database->id, database->version);
    JsonWriter w = request_json(r);
    database_json(&w, database);
    return true;
}

bool rest_database_list(Request *r, Err *err) {
    Page page;
    Databases found;
    if (!rest_page(r, true, &page, err) || !database_list(&r->ctx, r->path[0], &page, &found, err)) {
        return false;
    }
    JsonWriter w = request_json(r);
    jw_object_begin(&w);
    jw_key(&w, STR("items"));
    jw_array_begin(&w);
    for (size_t i = 0; i < found.count; i++) {
        database_json(&w, &found.items[i]);
    }
    jw_array_end(&w);
    rest_next_page(r, &w, found.more, found.count ? found.items[found.count - 1].name : STR_NULL);
    jw_object_end(&w);
    return true;
}

bool rest_database_get(Request *r, Err *err) {
    Database database;
    if (!database_get(&r->ctx, r->path[0], r->path[1], &database, err)) {
        return false;
    }
    if (rest_not_modified(r, database.id, database.version)) {
        return true;
    }
    JsonWriter w = request_json(r);
    database_json(&w, &database);
    return true;
}

static bool create(Request *r, Database *database, Err *err) {
    Database made;
    database->catalog = r->path[0];
    if (!database_create(&r->ctx, database, &made, err)) {
        return false;
    }
    rest_created(r);
    return answer_database(r, &made);
}

bool rest_database_create(Request *r, Err *err) {
    JsonAt body;
    Database database = {.id = 0};
    if (!rest_body(r, false, &body, err)) {
        return false;
    }
    JsonAt name = jr_member(&body, "name");
    return jr_required(&name, r->arena, err) && database_from_json(&body, r->arena, &database, err) && create(r, &database, err);
}

typedef struct Edit {
    Request *r;
    JsonAt body;
    bool merge;
    RestMatch match;
} Edit;

static bool merge_database(Edit *edit, const Database *before, JsonAt *ret, Err *err) {
    CLEANUP(buf_free) Buf text = BUF_INIT(SIZE_MAX);
    JsonWriter w = jw_new(&text);
    database_json(&w, before);
    return rest_merge(edit->r, buf_str(&text), &edit->body, ret, err);
}

static bool edit_database(Ctx *ctx, Database *database, void *arg, Err *err) {
    Edit *edit = arg;
    Database before = *database;
    JsonAt document = edit->body;
    if (!rest_match_id(&edit->match, before.id, err) || (edit->merge && !merge_database(edit, &before, &document, err)) ||
        !database_from_json(&document, ctx->arena, database, err)) {
        return false;
    }
    database->id = before.id;
    database->version = before.version;
    database->catalog = before.catalog;
    database->name = before.name;
    database->created_at = before.created_at;
    database->updated_at = before.updated_at;
    return true;
}

static bool alter(Request *r, const JsonAt *body, bool merge, Database *ret, Err *err) {
    Edit edit = {.r = r, .body = *body, .merge = merge};
    return rest_if_match(r, &edit.match, err) &&
           database_alter(&r->ctx, r->path[0], r->path[1], edit.match.version, edit_database, &edit, ret, err);
}

bool rest_database_put(Request *r, Err *err) {
    JsonAt body;
    Database database = {.id = 0};
    if (!rest_body(r, false, &body, err) || !rest_same_name(r, &body, r->path[1], err) ||
        !database_from_json(&body, r->arena, &database, err)) {
        return false;
    }
    if (!rest_create_only(r)) {
        Database after;
        if (alter(r, &body, false, &after, err)) {
            return answer_database(r, &after);
        }
        if (err->code != ERR_DATABASE_NOT_FOUND || !str_is_null(r->http->headers[HTTP_IF_MATCH])) {
            return false;
        }
    }
    database.name = r->path[1];
    return create(r, &database, err);
}

bool rest_database_patch(Request *r, Err *err) {
    JsonAt body;
    Database after;
    return rest_body(r, false, &body, err) && rest_same_name(r, &body, r->path[1], err) && alter(r, &body, true, &after, err) &&
           answer_database(r, &after);
}

bool rest_database_drop(Request *r, Err *err) {
    RestMatch match;
    DatabaseDrop how = {.expect_version = -1, .cascade = false, .delete_data = true};
    if (!rest_if_match(r, &match, err) || !request_query_bool(r, "cascade", &how.cascade, err) ||
        !request_query_bool(r, "delete_data", &how.delete_data, err)) {
        return false;
    }
    Database database;
    how.expect_version = match.version;
    if (match.id >= 0 &&
        (!database_get(&r->ctx, r->path[0], r->path[1], &database, err) || !rest_match_id(&match, database.id, err))) {
        return false;
    }
    return database_drop(&r->ctx, r->path[0], r->path[1], &how, err) && rest_no_content(r);
}

bool rest_database_rename(Request *r, Err *err) {
    static const char *const KNOWN[] = {"name", NULL};
    JsonAt body;
    RestMatch match;
    Str name = STR_NULL;
    Database database;
    if (!rest_body(r, false, &body, err) || !jr_only_members(&body, r->arena, KNOWN, err) || !rest_if_match(r, &match, err)) {
        return false;
    }
    JsonAt at = jr_member(&body, "name");
    if (!jr_required(&at, r->arena, err) || !jr_str(&at, r->arena, &name, err) ||
        (match.id >= 0 &&
         (!database_get(&r->ctx, r->path[0], r->path[1], &database, err) || !rest_match_id(&match, database.id, err)))) {
        return false;
    }
    return database_rename(&r->ctx, r->path[0], r->path[1], name, match.version, &database, err) && answer_database(r, &database);
}
