#include "catalog/users.h"

#include "base/buf.h"
#include "base/json_writer.h"
#include "catalog/changes_write.h"
#include "catalog/secret.h"
#include "catalog/sql/users_sql.h"

/* --- rules ------------------------------------------------------------------------------------------------------- */

/* No ":" because basic authentication separates with it; nothing a shell or a log line could trip over. */
static bool check_user_name(Str name, Err *err) {
    static const char SPECIAL[] = "._-@+";
    bool ok = name.len > 0 && name.len <= USER_NAME_MAX;
    for (size_t i = 0; ok && i < name.len; i++) {
        char c = name.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        ok = letter || (c && strchr(SPECIAL, c));
    }
    return ok ||
           err_set(err, ERR_INVALID_NAME,
                   "A user's name has 1 to %d characters: letters, digits, \".\", \"_\", \"-\", \"@\" and \"+\".", USER_NAME_MAX);
}

static bool check_token_name(Str name, Err *err) {
    if (name.len > 0 && utf8_length(name) <= TOKEN_NAME_MAX && utf8_valid(name)) {
        return true;
    }
    return err_set(err, ERR_INVALID_NAME, "A token's name has 1 to %d characters.", TOKEN_NAME_MAX);
}

static bool password_record(Ctx *ctx, Str password, Str *ret, Err *err) {
    if (str_is_null(password)) {
        *ret = STR_NULL;
        return true;
    }
    if (password.len < PASSWORD_MIN || password.len > PASSWORD_MAX) {
        return err_set(err, ERR_INVALID_INPUT, "A password has %d to %d bytes.", PASSWORD_MIN, PASSWORD_MAX);
    }
    return secret_password_hash(password, ctx->arena, ret, err);
}

static bool ask(Ctx *ctx, Action action, const char *kind, Str user, Err *err) {
    return ctx_authorize(ctx, action, kind, STR_NULL, STR_NULL, user, err);
}

/* --- the change log ---------------------------------------------------------------------------------------------- */

static bool log_user(Ctx *ctx, PgConn *conn, const char *action, const User *user, Err *err) {
    CLEANUP(buf_free) Buf text = BUF_INIT(1024);
    JsonWriter w = jw_new(&text);
    jw_object_begin(&w);
    jw_put_bool(&w, "admin", user->admin);
    jw_put_bool(&w, "disabled", user->disabled);
    jw_put_bool(&w, "has_password", user->has_password);
    jw_object_end(&w);
    ChangeRecord record = {.kind = "user",
                           .action = action,
                           .name = user->name,
                           .object_id = user->id,
                           .version = -1,
                           .detail = arena_str(ctx->arena, buf_str(&text)),
                           .at = MICROS_NONE};
    return change_write(ctx, conn, &record, NULL, err);
}

static bool log_token(Ctx *ctx, PgConn *conn, const char *action, const User *user, const Token *token, Err *err) {
    CLEANUP(buf_free) Buf text = BUF_INIT(4096);
    char id[37];
    uuid_text(token->id, id);
    JsonWriter w = jw_new(&text);
    jw_object_begin(&w);
    jw_put_str(&w, "id", str_from(id));
    jw_put_str(&w, "name", token->name);
    jw_put_time(&w, "expires_at", token->expires_at);
    jw_object_end(&w);
    ChangeRecord record = {.kind = "token",
                           .action = action,
                           .name = user->name,
                           .object_id = user->id,
                           .version = -1,
                           .detail = arena_str(ctx->arena, buf_str(&text)),
                           .at = MICROS_NONE};
    return change_write(ctx, conn, &record, NULL, err);
}

/* --- users ------------------------------------------------------------------------------------------------------- */

bool user_list(Ctx *ctx, const Page *page, Users *ret, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    return ask(ctx, ACTION_LIST, "user", STR_NULL, err) && pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) &&
           users_sql_list(ctx, conn, page, ret, err);
}

bool user_get(Ctx *ctx, Str name, User *ret, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    return ask(ctx, ACTION_READ, "user", name, err) && pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) &&
           users_sql_get(ctx, conn, name, false, ret, err);
}

typedef struct UserWrite {
    Ctx *ctx;
    Str name, record;
    bool admin;
    const UserChange *change;
    User result;
} UserWrite;

static bool write_user(UserWrite *write, PgTxnBody body, Err *err) {
    Ctx *ctx = write->ctx;
    return pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, body, write, err);
}

static bool create_body(PgConn *conn, void *arg, Err *err) {
    UserWrite *w = arg;
    return users_sql_insert(w->ctx, conn, w->name, w->record, w->admin, &w->result, err) &&
           log_user(w->ctx, conn, "create", &w->result, err);
}

bool user_create(Ctx *ctx, Str name, Str password, bool admin, User *ret, Err *err) {
    UserWrite write = {.ctx = ctx, .name = name, .admin = admin};
    if (!ask(ctx, ACTION_CREATE, "user", name, err) || !check_user_name(name, err) ||
        !password_record(ctx, password, &write.record, err) || !write_user(&write, create_body, err)) {
        return false;
    }
    *ret = write.result;
    return true;
}

/* Called after the change, inside its transaction. */
static bool expect_an_admin(Ctx *ctx, PgConn *conn, bool was_admin, Err *err) {
    int64_t left = 0;
    if (!was_admin) {
        return true;
    }
    if (!users_sql_admin_count(ctx, conn, 0, &left, err)) {
        return false;
    }
    return left > 0 ||
           err_set(err, ERR_INVALID_OPERATION, "This is the last admin who can log in. Make another user an admin first.");
}

static bool is_active_admin(const User *user) { return user->admin && !user->disabled; }

static bool alter_body(PgConn *conn, void *arg, Err *err) {
    UserWrite *w = arg;
    const UserChange *change = w->change;
    User before;
    if (!users_sql_lock_admins(w->ctx, conn, err) || !users_sql_get(w->ctx, conn, w->name, true, &before, err)) {
        return false;
    }
    User after = before;
    after.admin = change->set_admin ? change->admin : before.admin;
    after.disabled = change->set_disabled ? change->disabled : before.disabled;
    if (!change->set_password && after.admin == before.admin && after.disabled == before.disabled) {
        w->result = before;
        return true;
    }
    return users_sql_update(w->ctx, conn, &after, change->set_password, w->record, &w->result, err) &&
           expect_an_admin(w->ctx, conn, is_active_admin(&before), err) && log_user(w->ctx, conn, "alter", &w->result, err);
}

/* The record is read outside the transaction of the change: hashing takes long, and must not hold a lock. */
static bool check_current(Ctx *ctx, Str name, Str current, Err *err) {
    Login login;
    bool found = false;
    if (str_is_null(current)) {
        return err_set(err, ERR_FORBIDDEN,
                       "Who is no admin must send the password until now as \"current_password\". If there is none, ask an admin.");
    }
    if (!login_by_name(ctx, name, &login, &found, err)) {
        return false;
    }
    return secret_password_verify(current, found ? login.password_record : STR_NULL) ||
           err_set(err, ERR_FORBIDDEN, "\"current_password\" is not the password of %" STR_FMT "; nothing was changed.",
                   STR_ARG(name));
}

static bool may_alter(Ctx *ctx, Str name, const UserChange *change, Err *err) {
    bool only_password = change->set_password && !str_is_null(change->password) && !change->set_admin && !change->set_disabled;
    return ask(ctx, ACTION_ALTER, only_password ? "password" : "user", name, err) &&
           (ctx->caller->admin || check_current(ctx, name, change->current, err));
}

bool user_alter(Ctx *ctx, Str name, const UserChange *change, User *ret, Err *err) {
    UserWrite write = {.ctx = ctx, .name = name, .change = change};
    if (!may_alter(ctx, name, change, err) ||
        (change->set_password && !password_record(ctx, change->password, &write.record, err)) ||
        !write_user(&write, alter_body, err)) {
        return false;
    }
    *ret = write.result;
    return true;
}

static bool delete_body(PgConn *conn, void *arg, Err *err) {
    UserWrite *w = arg;
    User before;
    return users_sql_lock_admins(w->ctx, conn, err) && users_sql_get(w->ctx, conn, w->name, true, &before, err) &&
           users_sql_delete(w->ctx, conn, before.id, err) && expect_an_admin(w->ctx, conn, is_active_admin(&before), err) &&
           log_user(w->ctx, conn, "drop", &before, err);
}

bool user_delete(Ctx *ctx, Str name, Err *err) {
    UserWrite write = {.ctx = ctx, .name = name};
    return ask(ctx, ACTION_DROP, "user", name, err) && write_user(&write, delete_body, err);
}

bool user_any_admin(Ctx *ctx, bool *ret, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    int64_t count = 0;
    if (!pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) || !users_sql_admin_count(ctx, conn, 0, &count, err)) {
        return false;
    }
    *ret = count > 0;
    return true;
}

/* --- tokens ------------------------------------------------------------------------------------------------------ */

bool token_list(Ctx *ctx, Str user, const Page *page, Tokens *ret, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    User owner;
    return ask(ctx, ACTION_LIST, "token", user, err) && pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) &&
           users_sql_get(ctx, conn, user, false, &owner, err) && tokens_sql_list(ctx, conn, &owner, page, ret, err);
}

typedef struct TokenWrite {
    Ctx *ctx;
    Str user, hash;
    Token token, result;
} TokenWrite;

static bool token_create_body(PgConn *conn, void *arg, Err *err) {
    TokenWrite *w = arg;
    User owner;
    return users_sql_get(w->ctx, conn, w->user, true, &owner, err) &&
           tokens_sql_insert(w->ctx, conn, &owner, &w->token, w->hash, &w->result, err) &&
           log_token(w->ctx, conn, "create", &owner, &w->result, err);
}

/* Or a token that ends would be worth as much as one that does not. */
static bool check_outlives(Ctx *ctx, Micros expires_at, Err *err) {
    Micros own = ctx->caller->token_expires_at;
    if (ctx->caller->admin || own == 0 || (expires_at != MICROS_NONE && expires_at <= own)) {
        return true;
    }
    char end[32];
    time_format(own, end);
    return err_set(err, ERR_FORBIDDEN,
                   "The token that you are logged in with ends at %s, and the new one may not live longer. Give expires_at, "
                   "or log in with your password.",
                   end);
}

bool token_create(Ctx *ctx, Str user, Str name, Micros expires_at, Token *ret, Str *ret_secret, Err *err) {
    TokenWrite write = {.ctx = ctx, .user = user, .token = {.id = uuid_random(), .name = name, .expires_at = expires_at}};
    if (!ask(ctx, ACTION_CREATE, "token", user, err) || !check_token_name(name, err) || !check_outlives(ctx, expires_at, err)) {
        return false;
    }
    if (expires_at != MICROS_NONE && expires_at <= clock_now()) {
        return err_set(err, ERR_INVALID_INPUT, "expires_at is in the past: the token would be dead at once.");
    }
    CLEANUP(secret_token_wipe) SecretToken secret;
    secret_token_new(&secret);
    write.hash = (Str){(const char *)secret.hash, sizeof secret.hash};
    if (!pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, token_create_body, &write, err)) {
        return false;
    }
    *ret = write.result;
    *ret_secret = arena_str(ctx->arena, str_from(secret.text));
    return true;
}

static bool token_revoke_body(PgConn *conn, void *arg, Err *err) {
    TokenWrite *w = arg;
    User owner;
    return users_sql_get(w->ctx, conn, w->user, true, &owner, err) &&
           tokens_sql_revoke(w->ctx, conn, &owner, w->token.id, &w->result, err) &&
           log_token(w->ctx, conn, "revoke", &owner, &w->result, err);
}

bool token_revoke(Ctx *ctx, Str user, Uuid id, Err *err) {
    TokenWrite write = {.ctx = ctx, .user = user, .token = {.id = id}};
    return ask(ctx, ACTION_DROP, "token", user, err) &&
           pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, token_revoke_body, &write, err);
}

/* --- logging in -------------------------------------------------------------------------------------------------- */

bool login_by_name(Ctx *ctx, Str name, Login *ret, bool *ret_found, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    return pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) &&
           login_sql_by_name(ctx, conn, name, ret, ret_found, err);
}

bool login_by_token(Ctx *ctx, Str token, Login *ret, bool *ret_found, Err *err) {
    unsigned char hash[32];
    *ret_found = false;
    if (!secret_token_hash(token, hash)) {
        return true;
    }
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    return pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) &&
           login_sql_by_token(ctx, conn, (Str){(const char *)hash, sizeof hash}, ret, ret_found, err);
}

bool instance_id(Ctx *ctx, Uuid *ret, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    return pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) && instance_sql_id(ctx, conn, ret, err);
}
