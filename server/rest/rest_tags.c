#include "catalog/tags.h"
#include "server/rest/rest.h"

/* Paths of a table have three names, those of databases and connections two. */
static TagTarget table_target(const Request *r) { return (TagTarget){TAG_TABLE, r->path[0], r->path[1], r->path[2]}; }
static TagTarget database_target(const Request *r) {
    return (TagTarget){.kind = TAG_DATABASE, .catalog = r->path[0], .database = r->path[1]};
}
static TagTarget connection_target(const Request *r) {
    return (TagTarget){.kind = TAG_CONNECTION, .catalog = r->path[0], .name = r->path[1]};
}

static bool answer_tags(Request *r, const Params *tags) {
    JsonWriter w = request_json(r);
    jw_params(&w, tags);
    return true;
}

static bool get(Request *r, TagTarget target, Err *err) {
    Params tags = {0};
    return tags_get(&r->ctx, &target, &tags, err) && answer_tags(r, &tags);
}

static bool put(Request *r, TagTarget target, Err *err) {
    JsonAt body;
    Params tags = {0}, after = {0};
    if (!rest_body(r, false, &body, err) || !jr_params(&body, r->arena, &tags, err)) {
        return false;
    }
    return tags_put(&r->ctx, &target, &tags, &after, err) && answer_tags(r, &after);
}

/* A merge patch: texts are set, null removes. */
static bool read_patch(Request *r, const JsonAt *body, Params *ret_set, StrList *ret_remove, Err *err) {
    StrList remove = {ARENA_ARRAY(r->arena, Str, json_object_size(body->value)), 0};
    Params set = {0};
    json_t *object = (json_t *)(uintptr_t)body->value, *value; /* jansson iterates over writable objects only; we only read */
    const char *key;
    json_object_foreach(object, key, value) {
        JsonAt member = {.value = value, .parent = body, .key = key};
        Str text = STR_NULL;
        if (json_is_null(value)) {
            remove.items[remove.count++] = str_from(key);
        } else if (jr_str(&member, r->arena, &text, err)) {
            params_append(&set, r->arena, str_from(key), text);
        } else {
            return false;
        }
    }
    params_sort(&set);
    *ret_set = set;
    *ret_remove = remove;
    return true;
}

static bool patch(Request *r, TagTarget target, Err *err) {
    JsonAt body;
    Params set, after = {0};
    StrList remove;
    return rest_body(r, false, &body, err) && read_patch(r, &body, &set, &remove, err) &&
           tags_change(&r->ctx, &target, &set, remove, &after, err) && answer_tags(r, &after);
}

bool rest_table_tags_get(Request *r, Err *err) { return get(r, table_target(r), err); }
bool rest_table_tags_put(Request *r, Err *err) { return put(r, table_target(r), err); }
bool rest_table_tags_patch(Request *r, Err *err) { return patch(r, table_target(r), err); }
bool rest_database_tags_get(Request *r, Err *err) { return get(r, database_target(r), err); }
bool rest_database_tags_put(Request *r, Err *err) { return put(r, database_target(r), err); }
bool rest_database_tags_patch(Request *r, Err *err) { return patch(r, database_target(r), err); }
bool rest_connection_tags_get(Request *r, Err *err) { return get(r, connection_target(r), err); }
bool rest_connection_tags_put(Request *r, Err *err) { return put(r, connection_target(r), err); }
bool rest_connection_tags_patch(Request *r, Err *err) { return patch(r, connection_target(r), err); }
