#include "catalog/connections.h"
#include "server/rest/rest_noun.h"

/* Secrets go out only when with_secrets=true asks for them and the use case lets it, and then no cache may keep them. */

static void json(JsonWriter *w, const void *connection) { connection_json(w, connection); }

static bool from_json(const JsonAt *at, Arena *arena, void *ret, Err *err) { return connection_from_json(at, arena, ret, err); }

static void keep(void *after, const void *before) {
    Connection *a = after;
    const Connection *b = before;
    a->catalog = b->catalog;
    a->name = b->name;
    a->status = b->status;
    a->status_reason = b->status_reason;
    a->validated_at = b->validated_at;
}

static void release_json(void *value) { json_decref(value); }

/* A patch is merged into what can be seen, and secrets cannot: null for one becomes "", which the use case takes as
 * "forget it". */
static JsonAt forget_null_secrets(Request *r, const JsonAt *patch) {
    json_t *copy = json_deep_copy(patch->value), *properties = json_object_get(copy, "properties"), *value;
    const char *key;
    arena_defer(r->arena, release_json, copy);
    json_object_foreach(properties, key, value) {
        const ConnectionKey *known = connection_key_find(str_from(key));
        if (json_is_null(value) && known && known->secret) {
            json_object_set_new(properties, key, json_string("")); /* there already, so the iteration goes on safely */
        }
    }
    return jr_top(copy);
}

static bool get(Request *r, void *ret, Err *err) { return connection_get(&r->ctx, r->path[0], r->path[1], false, ret, err); }

static bool create(Request *r, void *object, Err *err) {
    Connection *connection = object;
    connection->catalog = r->path[0];
    return connection_create(&r->ctx, connection, connection, err);
}

static bool edit_connection(Ctx *ctx, Connection *connection, void *edit, Err *err) {
    (void)ctx;
    return rest_edit(edit, connection, err);
}

static bool alter(Request *r, RestEdit *edit, void *ret, Err *err) {
    ConnectionAlter how = {edit_connection, edit, edit->expect, false};
    return request_query_bool(r, "replace_secrets", &how.replace_secrets, err) &&
           connection_alter(&r->ctx, r->path[0], r->path[1], &how, ret, err);
}

static bool edit_name(Ctx *ctx, Connection *connection, void *arg, Err *err) {
    (void)ctx;
    (void)err;
    const RestRename *to = arg;
    connection->name = to->name;
    return true;
}

static bool rename_connection(Request *r, RestRename *to, void *ret, Err *err) {
    ConnectionAlter how = {edit_name, to, to->expect, false};
    return connection_alter(&r->ctx, r->path[0], r->path[1], &how, ret, err);
}

static bool drop(Request *r, Expect expect, Err *err) { return connection_drop(&r->ctx, r->path[0], r->path[1], expect, err); }

static const RestNoun CONNECTION = {"connection",
                                    REST_NOUN_OF(Connection),
                                    .path_name = 1,
                                    .missing = ERR_CONNECTION_NOT_FOUND,
                                    .cased = true,
                                    .json = json,
                                    .read = from_json,
                                    .keep = keep,
                                    .patch = forget_null_secrets,
                                    .get = get,
                                    .create = create,
                                    .alter = alter,
                                    .rename = rename_connection,
                                    .drop = drop};

bool rest_connection_list(Request *r, Err *err) {
    ConnectionQuery query = {.type = request_query(r, "type")};
    Connections found;
    return rest_page(r, false, &query.page, err) && connection_list(&r->ctx, r->path[0], &query, &found, err) &&
           rest_noun_items(r, &CONNECTION, found.items, found.count, found.more);
}

bool rest_connection_get(Request *r, Err *err) {
    Connection connection;
    bool with_secrets = false;
    if (!request_query_bool(r, "with_secrets", &with_secrets, err)) {
        return false;
    }
    if (!with_secrets) {
        return rest_noun_get(r, &CONNECTION, err);
    }
    http_answer_header(&r->answer, "Cache-Control", "no-store");
    return connection_get(&r->ctx, r->path[0], r->path[1], true, &connection, err) && rest_noun_answer(r, &CONNECTION, &connection);
}

bool rest_connection_create(Request *r, Err *err) { return rest_noun_create(r, &CONNECTION, err); }
bool rest_connection_put(Request *r, Err *err) { return rest_noun_put(r, &CONNECTION, err); }
bool rest_connection_patch(Request *r, Err *err) { return rest_noun_patch(r, &CONNECTION, err); }
bool rest_connection_rename(Request *r, Err *err) { return rest_noun_rename(r, &CONNECTION, err); }
bool rest_connection_drop(Request *r, Err *err) { return rest_noun_drop(r, &CONNECTION, err); }

bool rest_connection_types(Request *r, Err *err) {
    (void)err;
    JsonWriter w = request_json(r);
    connection_types_json(&w);
    return true;
}

/* --- trying ------------------------------------------------------------------------------------------------------ */

/* That it does not work is an answer, not an error. */
static bool answer_test(Request *r, const ConnectionTest *test) {
    JsonWriter w = request_json(r);
    jw_object_begin(&w);
    jw_put_bool(&w, "ok", test->ok);
    jw_put_str(&w, "message", test->message);
    jw_object_end(&w);
    return true;
}

bool rest_connection_test(Request *r, Err *err) {
    static const char *const KNOWN[] = {NULL};
    JsonAt body;
    ConnectionTest test;
    return rest_body(r, true, &body, err) && jr_only_members(&body, r->arena, KNOWN, err) &&
           connection_test(&r->ctx, r->path[0], r->path[1], &test, err) && answer_test(r, &test);
}

bool rest_connection_test_inline(Request *r, Err *err) {
    JsonAt body;
    Connection connection;
    ConnectionTest test;
    if (!rest_body(r, false, &body, err) || !connection_from_json(&body, r->arena, &connection, err)) {
        return false;
    }
    connection.catalog = r->path[0];
    return connection_test_inline(&r->ctx, &connection, &test, err) && answer_test(r, &test);
}
