#include "catalog/sql/users_sql.h"

#define USER_COLUMNS "id, name, admin, disabled, password IS NOT NULL, created_at, updated_at"
#define TOKEN_COLUMNS "id, name, created_at, expires_at, revoked_at"
#define TOKEN_LIVES "revoked_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp())"

/* One row more than asked for tells whether there are more. */
static void arg_page_limit(PgArgs *args, const Page *page) { pg_arg_i64(args, page->limit < 0 ? INT64_MAX : page->limit + 1); }

static size_t rows_of_page(const PgRows *rows, const Page *page, bool *ret_more) {
    *ret_more = page->limit >= 0 && rows->count > (size_t)page->limit;
    return *ret_more ? (size_t)page->limit : rows->count;
}

static void user_from_row(const PgRows *rows, size_t row, User *user) {
    *user = (User){
        .id = pg_i64(rows, row, 0, 0),
        .name = pg_text(rows, row, 1),
        .admin = pg_bool(rows, row, 2),
        .disabled = pg_bool(rows, row, 3),
        .has_password = pg_bool(rows, row, 4),
        .created_at = pg_time(rows, row, 5),
        .updated_at = pg_time(rows, row, 6),
    };
}

bool users_sql_list(Ctx *ctx, PgConn *conn, const Page *page, Users *ret, Err *err) {
    static const PgStmt stmt = {
        "user_list", "SELECT " USER_COLUMNS " FROM users WHERE $1::text IS NULL OR name > $1 COLLATE \"C\" ORDER BY name LIMIT $2"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_text(&args, page->after);
    arg_page_limit(&args, page);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    Users found = {.count = rows_of_page(&rows, page, &found.more)};
    found.items = ARENA_ARRAY(ctx->arena, User, found.count);
    for (size_t i = 0; i < found.count && !arena_exceeded(ctx->arena); i++) {
        user_from_row(&rows, i, &found.items[i]);
    }
    *ret = found;
    return arena_check(ctx->arena, err);
}

bool users_sql_get(Ctx *ctx, PgConn *conn, Str name, bool lock, User *ret, Err *err) {
    static const PgStmt stmts[] = {{"user_get", "SELECT " USER_COLUMNS " FROM users WHERE name = $1"},
                                   {"user_get_update", "SELECT " USER_COLUMNS " FROM users WHERE name = $1 FOR UPDATE"}};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_text(&args, name);
    PgRows rows;
    if (!pg_exec(conn, &stmts[lock], &args, ctx->arena, &rows, err)) {
        return false;
    }
    if (rows.count == 0) {
        return err_set(err, ERR_USER_NOT_FOUND, "User %" STR_FMT " not found.", STR_ARG(name));
    }
    user_from_row(&rows, 0, ret);
    return true;
}

bool users_sql_insert(Ctx *ctx, PgConn *conn, Str name, Str record, bool admin, User *ret, Err *err) {
    static const PgStmt stmt = {"user_insert", "INSERT INTO users (name, password, admin, created_at, updated_at)"
                                               " SELECT $1, $2, $3, now.at, now.at FROM (SELECT clock_timestamp() AS at) now"
                                               " ON CONFLICT (name) DO NOTHING RETURNING " USER_COLUMNS};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_text(&args, name);
    pg_arg_text(&args, record);
    pg_arg_bool(&args, admin);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    if (rows.count == 0) {
        return err_set(err, ERR_ALREADY_EXISTS, "User %" STR_FMT " already exists.", STR_ARG(name));
    }
    user_from_row(&rows, 0, ret);
    return true;
}

bool users_sql_update(Ctx *ctx, PgConn *conn, const User *user, bool set_record, Str record, User *ret, Err *err) {
    static const PgStmt stmt = {"user_update",
                                "UPDATE users SET admin = $2, disabled = $3, password = CASE WHEN $4 THEN $5 ELSE password END,"
                                " updated_at = clock_timestamp() WHERE id = $1 RETURNING " USER_COLUMNS};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, user->id);
    pg_arg_bool(&args, user->admin);
    pg_arg_bool(&args, user->disabled);
    pg_arg_bool(&args, set_record);
    pg_arg_text(&args, record);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    user_from_row(&rows, 0, ret);
    return true;
}

bool users_sql_delete(Ctx *ctx, PgConn *conn, int64_t id, Err *err) {
    static const PgStmt stmt = {"user_delete", "DELETE FROM users WHERE id = $1"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, id);
    return pg_exec(conn, &stmt, &args, ctx->arena, NULL, err);
}

bool users_sql_lock_admins(Ctx *ctx, PgConn *conn, Err *err) {
    static const PgStmt stmt = {"user_lock_admins", "SELECT 1 FROM users WHERE admin ORDER BY id FOR UPDATE"};
    PgArgs args = pg_args(ctx->arena);
    return pg_exec(conn, &stmt, &args, ctx->arena, NULL, err);
}

bool users_sql_admin_count(Ctx *ctx, PgConn *conn, int64_t but, int64_t *ret, Err *err) {
    static const PgStmt stmt = {
        "user_admin_count", "SELECT count(*) FROM users u WHERE admin AND NOT disabled AND id <> $1 AND"
                            " (password IS NOT NULL OR EXISTS (SELECT FROM tokens t WHERE t.user_id = u.id AND " TOKEN_LIVES "))"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, but);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret = pg_i64(&rows, 0, 0, 0);
    return true;
}

/* --- tokens ------------------------------------------------------------------------------------------------------ */

static void token_from_row(const PgRows *rows, size_t row, Str user, Token *token) {
    *token = (Token){
        .id = pg_uuid(rows, row, 0),
        .user = user,
        .name = pg_text(rows, row, 1),
        .created_at = pg_time(rows, row, 2),
        .expires_at = pg_time(rows, row, 3),
        .revoked_at = pg_time(rows, row, 4),
    };
}

bool tokens_sql_list(Ctx *ctx, PgConn *conn, const User *user, const Page *page, Tokens *ret, Err *err) {
    static const PgStmt stmt = {"token_list",
                                "SELECT " TOKEN_COLUMNS
                                " FROM tokens WHERE user_id = $1 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3"};
    Uuid after = {{0}};
    if (!str_is_null(page->after) && !uuid_parse(page->after, &after)) {
        return err_set(err, ERR_INVALID_TOKEN, "The page token does not belong to this list.");
    }
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, user->id);
    pg_arg_uuid(&args, after);
    arg_page_limit(&args, page);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    Tokens found = {.count = rows_of_page(&rows, page, &found.more)};
    found.items = ARENA_ARRAY(ctx->arena, Token, found.count);
    for (size_t i = 0; i < found.count && !arena_exceeded(ctx->arena); i++) {
        token_from_row(&rows, i, user->name, &found.items[i]);
    }
    *ret = found;
    return arena_check(ctx->arena, err);
}

bool tokens_sql_insert(Ctx *ctx, PgConn *conn, const User *user, const Token *token, Str hash, Token *ret, Err *err) {
    static const PgStmt stmt = {"token_insert", "INSERT INTO tokens (id, user_id, name, hash, created_at, expires_at)"
                                                " VALUES ($1, $2, $3, $4, clock_timestamp(), $5) RETURNING " TOKEN_COLUMNS};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_uuid(&args, token->id);
    pg_arg_i64(&args, user->id);
    pg_arg_text(&args, token->name);
    pg_arg_bytes(&args, hash);
    pg_arg_time(&args, token->expires_at);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    token_from_row(&rows, 0, user->name, ret);
    return true;
}

bool tokens_sql_revoke(Ctx *ctx, PgConn *conn, const User *user, Uuid id, Token *ret, Err *err) {
    static const PgStmt stmt = {"token_revoke", "UPDATE tokens SET revoked_at = coalesce(revoked_at, clock_timestamp())"
                                                " WHERE id = $1 AND user_id = $2 RETURNING " TOKEN_COLUMNS};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_uuid(&args, id);
    pg_arg_i64(&args, user->id);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    if (rows.count == 0) {
        char text[37];
        uuid_text(id, text);
        return err_set(err, ERR_TOKEN_NOT_FOUND, "User %" STR_FMT " has no token %s.", STR_ARG(user->name), text);
    }
    token_from_row(&rows, 0, user->name, ret);
    return true;
}

/* --- logging in -------------------------------------------------------------------------------------------------- */

static bool login_row(Ctx *ctx, PgConn *conn, const PgStmt *stmt, const PgArgs *args, Login *ret, bool *ret_found, Err *err) {
    PgRows rows;
    if (!pg_exec(conn, stmt, args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret_found = rows.count > 0;
    if (*ret_found) {
        *ret = (Login){pg_text(&rows, 0, 0), pg_bool(&rows, 0, 1), pg_text(&rows, 0, 2), pg_time(&rows, 0, 3)};
    }
    return true;
}

bool login_sql_by_name(Ctx *ctx, PgConn *conn, Str name, Login *ret, bool *ret_found, Err *err) {
    static const PgStmt stmt = {"login_by_name",
                                "SELECT name, admin, password, NULL::timestamptz FROM users WHERE name = $1 AND NOT disabled"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_text(&args, name);
    return login_row(ctx, conn, &stmt, &args, ret, ret_found, err);
}

bool login_sql_by_token(Ctx *ctx, PgConn *conn, Str hash, Login *ret, bool *ret_found, Err *err) {
    static const PgStmt stmt = {"login_by_token",
                                "SELECT u.name, u.admin, NULL::text, t.expires_at FROM tokens t JOIN users u ON u.id = t.user_id"
                                " WHERE t.hash = $1 AND NOT u.disabled AND t." TOKEN_LIVES};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_bytes(&args, hash);
    return login_row(ctx, conn, &stmt, &args, ret, ret_found, err);
}

bool instance_sql_id(Ctx *ctx, PgConn *conn, Uuid *ret, Err *err) {
    static const PgStmt stmt = {"instance_id", "SELECT uuid FROM instance"};
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    if (rows.count != 1) {
        return err_set(err, ERR_SCHEMA_MISMATCH, "The table \"instance\" must hold one row, but it holds %zu.", rows.count);
    }
    *ret = pg_uuid(&rows, 0, 0);
    return true;
}
