/* Statements on users and tokens. */
#ifndef PROPOLIS_CATALOG_SQL_USERS_SQL_H
#define PROPOLIS_CATALOG_SQL_USERS_SQL_H

#include "catalog/users.h"

bool users_sql_list(Ctx *ctx, PgConn *conn, const Page *page, Users *ret, Err *err) WARN_UNUSED;
bool users_sql_get(Ctx *ctx, PgConn *conn, Str name, bool lock, User *ret, Err *err) WARN_UNUSED; /* ERR_USER_NOT_FOUND */
bool users_sql_insert(Ctx *ctx, PgConn *conn, Str name, Str record, bool admin, User *ret, Err *err) WARN_UNUSED;
/* RECORD is written only when SET_RECORD. */
bool users_sql_update(Ctx *ctx, PgConn *conn, const User *user, bool set_record, Str record, User *ret, Err *err) WARN_UNUSED;
bool users_sql_delete(Ctx *ctx, PgConn *conn, int64_t id, Err *err) WARN_UNUSED;
/* Nobody else changes an admin until the transaction ends. */
bool users_sql_lock_admins(Ctx *ctx, PgConn *conn, Err *err) WARN_UNUSED;
/* How many admins can log in, not counting the user with id BUT (0: all). */
bool users_sql_admin_count(Ctx *ctx, PgConn *conn, int64_t but, int64_t *ret, Err *err) WARN_UNUSED;

bool tokens_sql_list(Ctx *ctx, PgConn *conn, const User *user, const Page *page, Tokens *ret, Err *err) WARN_UNUSED;
bool tokens_sql_insert(Ctx *ctx, PgConn *conn, const User *user, const Token *token, Str hash, Token *ret, Err *err) WARN_UNUSED;
bool tokens_sql_revoke(Ctx *ctx, PgConn *conn, const User *user, Uuid id, Token *ret,
                       Err *err) WARN_UNUSED; /* ERR_TOKEN_NOT_FOUND */

bool login_sql_by_name(Ctx *ctx, PgConn *conn, Str name, Login *ret, bool *ret_found, Err *err) WARN_UNUSED;
bool login_sql_by_token(Ctx *ctx, PgConn *conn, Str hash, Login *ret, bool *ret_found, Err *err) WARN_UNUSED;
bool instance_sql_id(Ctx *ctx, PgConn *conn, Uuid *ret, Err *err) WARN_UNUSED;

#endif
