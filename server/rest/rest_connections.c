#include "catalog/connections.h"
#include "server/rest/rest.h"

/* Secrets go out only when with_secrets=true asks for them and the use case lets it, and then no cache may keep them. */

static bool answer_connection(Request *r, const Connection *connection) {
    rest_etag(r, connection->id, connection->version);
    JsonWriter w = request_json(r);
    connection_json(&w, connection);
    return true;
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

bool rest_connection_list(Request *r, Err *err) {
    ConnectionQuery query = {.type = request_query(r, "type")};
    Connections found;
    if (!rest_page(r, false, &query.page, err) || !connection_list(&r->ctx, r->path[0], &query, &found, err)) {
        return false;
    }
    JsonWriter w = request_json(r);
    jw_object_begin(&w);
    jw_key(&w, STR("items"));
    jw_array_begin(&w);
    for (size_t i = 0; i < found.count; i++) {
        connection_json(&w, &found.items[i]);
    }
    jw_array_end(&w);
    rest_next_page(r, &w, found.more, found.count ? found.items[found.count - 1].name : STR_NULL);
    jw_object_end(&w);
    return true;
}

bool rest_connection_get(Request *r, Err *err) {
    Connection connection;
    bool with_secrets = false;
    if (!request_query_bool(r, "with_secrets", &with_secrets, err) ||
        !connection_get(&r->ctx, r->path[0], r->path[1], with_secrets, &connection, err)) {
        return false;
    }
    if (with_secrets) {
        http_answer_header(&r->answer, "Cache-Control", "no-store");
        return answer_connection(r, &connection);
    }
    if (rest_not_modified(r, connection.id, connection.version)) {
        return true;
    }
    JsonWriter w = request_json(r);
    connection_json(&w, &connection);
    return true;
}

bool rest_connection_types(Request *r, Err *err) {
    (void)err;
    JsonWriter w = request_json(r);
    connection_types_json(&w);
    return true;
}

/* --- making ------------------------------------------------------------------------------------------------------ */

static bool create(Request *r, Connection *connection, Err *err) {
    Connection made;
    connection->catalog = r->path[0];
    if (!connection_create(&r->ctx, connection, &made, err)) {
        return false;
    }
    rest_created(r);
    return answer_connection(r, &made);
}

bool rest_connection_create(Request *r, Err *err) {
    JsonAt body;
    Connection connection;
    if (!rest_body(r, false, &body, err)) {
        return false;
    }
    JsonAt name = jr_member(&body, "name");
    return jr_required(&name, r->arena, err) && connection_from_json(&body, r->arena, &connection, err) &&
           create(r, &connection, err);
}

/* --- changing ---------------------------------------------------------------------------------------------------- */

typedef struct Edit {
    Request *r;
    JsonAt body;
    bool merge, replace_secrets;
    RestMatch match;
    Str new_name; /* rename: nothing else changes */
} Edit;

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

static bool merge_connection(Edit *edit, const Connection *before, JsonAt *ret, Err *err) {
    CLEANUP(buf_free) Buf text = BUF_INIT(SIZE_MAX);
    JsonWriter w = jw_new(&text);
    JsonAt patch = forget_null_secrets(edit->r, &edit->body);
    connection_json(&w, before);
    return rest_merge(edit->r, buf_str(&text), &patch, ret, err);
}

static bool edit_connection(Ctx *ctx, Connection *connection, void *arg, Err *err) {
    Edit *edit = arg;
    Connection before = *connection;
    JsonAt document = edit->body;
    if (!rest_match_id(&edit->match, before.id, err)) {
        return false;
    }
    if (!str_is_null(edit->new_name)) {
        connection->name = edit->new_name;
        return true;
    }
    if ((edit->merge && !merge_connection(edit, &before, &document, err)) ||
        !connection_from_json(&document, ctx->arena, connection, err)) {
        return false;
    }
    connection->catalog = before.catalog;
    connection->name = before.name;
    connection->status = before.status;
    connection->status_reason = before.status_reason;
    connection->validated_at = before.validated_at;
    return true;
}

static bool alter(Edit *edit, Connection *ret, Err *err) {
    Request *r = edit->r;
    if (!rest_if_match(r, &edit->match, err)) {
        return false;
    }
    ConnectionAlter how = {edit_connection, edit, edit->match.version, edit->replace_secrets};
    return connection_alter(&r->ctx, r->path[0], r->path[1], &how, ret, err);
}

/* A name is what it is, case included. */
static bool same_name(Request *r, const JsonAt *body, Err *err) {
    Str name = r->path[1];
    return rest_member_str(r, body, "name", &name, err) &&
           (str_eq(name, r->path[1]) ||
            err_set(err, ERR_INVALID_INPUT,
                    "name is \"%" STR_FMT "\", but the path names \"%" STR_FMT "\". To rename, POST to the path with \":rename\".",
                    STR_ARG(name), STR_ARG(r->path[1])));
}

bool rest_connection_put(Request *r, Err *err) {
    Edit edit = {.r = r};
    Connection connection;
    if (!rest_body(r, false, &edit.body, err) || !same_name(r, &edit.body, err) ||
        !request_query_bool(r, "replace_secrets", &edit.replace_secrets, err) ||
        !connection_from_json(&edit.body, r->arena, &connection, err)) {
        return false;
    }
    if (!rest_create_only(r)) {
        Connection after;
        if (alter(&edit, &after, err)) {
            return answer_connection(r, &after);
        }
        if (err->code != ERR_CONNECTION_NOT_FOUND || !str_is_null(r->http->headers[HTTP_IF_MATCH])) {
            return false;
        }
    }
    connection.name = r->path[1];
    return create(r, &connection, err);
}

bool rest_connection_patch(Request *r, Err *err) {
    Edit edit = {.r = r, .merge = true};
    Connection after;
    return rest_body(r, false, &edit.body, err) && same_name(r, &edit.body, err) && alter(&edit, &after, err) &&
           answer_connection(r, &after);
}

bool rest_connection_rename(Request *r, Err *err) {
    static const char *const KNOWN[] = {"name", NULL};
    Edit edit = {.r = r};
    Connection after;
    if (!rest_body(r, false, &edit.body, err) || !jr_only_members(&edit.body, r->arena, KNOWN, err)) {
        return false;
    }
    JsonAt name = jr_member(&edit.body, "name");
    return jr_required(&name, r->arena, err) && jr_str(&name, r->arena, &edit.new_name, err) && alter(&edit, &after, err) &&
           answer_connection(r, &after);
}

bool rest_connection_drop(Request *r, Err *err) {
    RestMatch match;
    Connection connection;
    if (!rest_if_match(r, &match, err) ||
        (match.id >= 0 && (!connection_get(&r->ctx, r->path[0], r->path[1], false, &connection, err) ||
                           !rest_match_id(&match, connection.id, err)))) {
        return false;
    }
    return connection_drop(&r->ctx, r->path[0], r->path[1], match.version, err) && rest_no_content(r);
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
