#include "catalog/users.h"
#include "server/auth/auth.h"
#include "server/rest/rest.h"
#include "server/server.h"

static void write_user(JsonWriter *w, const void *item) {
    const User *user = item;
    jw_object_begin(w);
    jw_put_str(w, "name", user->name);
    jw_put_bool(w, "admin", user->admin);
    jw_put_bool(w, "disabled", user->disabled);
    jw_put_bool(w, "has_password", user->has_password);
    jw_put_time(w, "created_at", user->created_at);
    jw_put_time(w, "updated_at", user->updated_at);
    jw_object_end(w);
}

static bool answer_user(Request *r, const User *user) {
    JsonWriter w = request_json(r);
    write_user(&w, user);
    return true;
}

bool rest_user_list(Request *r, Err *err) {
    Page page;
    Users found;
    return rest_page(r, false, &page, err) && user_list(&r->ctx, &page, &found, err) &&
           rest_items(r, &REST_ITEMS(found, write_user, found.items[found.count - 1].name));
}

bool rest_user_get(Request *r, Err *err) {
    User user;
    return user_get(&r->ctx, r->path[0], &user, err) && answer_user(r, &user);
}

bool rest_user_create(Request *r, Err *err) {
    static const char *const KNOWN[] = {"name", "password", "admin", NULL};
    JsonAt body;
    Str name = STR_NULL, password = STR_NULL;
    bool admin = false;
    User user;
    if (!rest_body(r, false, &body, err) || !jr_only_members(&body, r->arena, KNOWN, err)) {
        return false;
    }
    JsonAt at = jr_member(&body, "name");
    if (!jr_required(&at, r->arena, err) || !jr_str(&at, r->arena, &name, err) ||
        !rest_member_str(r, &body, "password", &password, err) || !rest_member_bool(r, &body, "admin", &admin, err) ||
        !user_create(&r->ctx, name, password, admin, &user, err)) {
        return false;
    }
    rest_created(r);
    return answer_user(r, &user);
}

bool rest_user_patch(Request *r, Err *err) {
    static const char *const KNOWN[] = {"name",         "password",   "current_password", "admin", "disabled",
                                        "has_password", "created_at", "updated_at",       NULL};
    JsonAt body;
    UserChange change = {.set_password = false};
    User user;
    if (!rest_body(r, false, &body, err) || !jr_only_members(&body, r->arena, KNOWN, err) ||
        !rest_same_name(r, &body, r->path[0], err)) {
        return false;
    }
    change.set_password = json_object_get(body.value, "password") != NULL; /* null takes it away */
    change.set_admin = jr_member(&body, "admin").value != NULL;
    change.set_disabled = jr_member(&body, "disabled").value != NULL;
    return rest_member_str(r, &body, "password", &change.password, err) &&
           rest_member_str(r, &body, "current_password", &change.current, err) &&
           rest_member_bool(r, &body, "admin", &change.admin, err) &&
           rest_member_bool(r, &body, "disabled", &change.disabled, err) && user_alter(&r->ctx, r->path[0], &change, &user, err) &&
           answer_user(r, &user);
}

bool rest_user_delete(Request *r, Err *err) { return user_delete(&r->ctx, r->path[0], err) && rest_no_content(r); }

/* --- tokens ------------------------------------------------------------------------------------------------------ */

static void write_token(JsonWriter *w, const Token *token, Str secret) {
    char id[37];
    uuid_text(token->id, id);
    jw_object_begin(w);
    jw_put_str(w, "id", str_from(id));
    jw_put_str(w, "user", token->user);
    jw_put_str(w, "name", token->name);
    jw_put_time(w, "created_at", token->created_at);
    jw_put_time(w, "expires_at", token->expires_at);
    jw_put_time(w, "revoked_at", token->revoked_at);
    jw_put_str(w, "token", secret);
    jw_object_end(w);
}

static void write_token_alone(JsonWriter *w, const void *token) { write_token(w, token, STR_NULL); }

bool rest_token_list(Request *r, Err *err) {
    Page page;
    Tokens found;
    char last[37] = "";
    if (!rest_page(r, false, &page, err) || !token_list(&r->ctx, r->path[0], &page, &found, err)) {
        return false;
    }
    if (found.count) {
        uuid_text(found.items[found.count - 1].id, last);
    }
    return rest_items(r, &REST_ITEMS(found, write_token_alone, str_from(last)));
}

bool rest_token_create(Request *r, Err *err) {
    static const char *const KNOWN[] = {"name", "expires_at", NULL};
    JsonAt body;
    Str name = STR_NULL, secret;
    Micros expires_at = MICROS_NONE;
    Token token;
    if (!rest_body(r, false, &body, err) || !jr_only_members(&body, r->arena, KNOWN, err)) {
        return false;
    }
    JsonAt at = jr_member(&body, "name"), expires = jr_member(&body, "expires_at");
    if (!jr_required(&at, r->arena, err) || !jr_str(&at, r->arena, &name, err) || !jr_time(&expires, r->arena, &expires_at, err) ||
        !token_create(&r->ctx, r->path[0], name, expires_at, &token, &secret, err)) {
        return false;
    }
    rest_created(r);
    http_answer_header(&r->answer, "Cache-Control", "no-store");
    JsonWriter w = request_json(r);
    write_token(&w, &token, secret);
    return true;
}

bool rest_token_revoke(Request *r, Err *err) {
    Uuid id;
    if (!uuid_parse(r->path[1], &id)) {
        return err_set(err, ERR_INVALID_INPUT, "A token's id is a UUID, but the path has \"%" STR_FMT "\".", STR_ARG(r->path[1]));
    }
    return token_revoke(&r->ctx, r->path[0], id, err) && rest_no_content(r);
}

bool rest_whoami(Request *r, Err *err) {
    (void)err;
    JsonWriter w = request_json(r);
    jw_object_begin(&w);
    jw_put_str(&w, "principal", r->caller.principal);
    jw_put_bool(&w, "admin", r->caller.admin);
    jw_put_str(&w, "auth_mode", str_from(auth_mode_name(auth_mode(r->server->auth))));
    jw_object_end(&w);
    return true;
}
