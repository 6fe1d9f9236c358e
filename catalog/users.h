/* Users and their access tokens. Passwords are kept as scrypt records, tokens as SHA-256: neither can be read back. */
#ifndef PROPOLIS_CATALOG_USERS_H
#define PROPOLIS_CATALOG_USERS_H

#include "catalog/ctx.h"
#include "catalog/databases.h"
#include "catalog/secret.h"

enum { USER_NAME_MAX = 128, TOKEN_NAME_MAX = 128, PASSWORD_MIN = 8, PASSWORD_MAX = SECRET_PASSWORD_MAX };

typedef struct User {
    int64_t id;
    Str name;
    bool admin, disabled, has_password;
    Micros created_at, updated_at;
} User;
typedef struct Users {
    User *items;
    size_t count;
    bool more;
} Users;

typedef struct Token {
    Uuid id;
    Str user, name;
    Micros created_at, expires_at, revoked_at;
} Token;
typedef struct Tokens {
    Token *items;
    size_t count;
    bool more;
} Tokens;

bool user_list(Ctx *ctx, const Page *page, Users *ret, Err *err) WARN_UNUSED;
bool user_get(Ctx *ctx, Str name, User *ret, Err *err) WARN_UNUSED;
/* A null password: the user logs in with tokens only. */
bool user_create(Ctx *ctx, Str name, Str password, bool admin, User *ret, Err *err) WARN_UNUSED;

typedef struct UserChange {
    bool set_password, set_admin, set_disabled;
    Str password; /* null takes it away */
    Str current;  /* the password until now */
    bool admin, disabled;
} UserChange;
/* The last admin who can log in can be neither demoted, disabled nor deleted. Who is no admin may give itself another
 * password, and nothing else, and must say the one until now: a login alone, of a token above all, must not become one
 * that lasts. */
bool user_alter(Ctx *ctx, Str name, const UserChange *change, User *ret, Err *err) WARN_UNUSED;
bool user_delete(Ctx *ctx, Str name, Err *err) WARN_UNUSED;

bool token_list(Ctx *ctx, Str user, const Page *page, Tokens *ret, Err *err) WARN_UNUSED; /* page->after: the id as text */
/* RET_SECRET: the token itself, shown this once. EXPIRES_AT may be MICROS_NONE. Who is no admin makes tokens for itself,
 * and with a token none that lives longer than that one. */
bool token_create(Ctx *ctx, Str user, Str name, Micros expires_at, Token *ret, Str *ret_secret, Err *err) WARN_UNUSED;
bool token_revoke(Ctx *ctx, Str user, Uuid id, Err *err) WARN_UNUSED;

/* For logging in: no permission is asked, disabled users and dead tokens are not found. */
typedef struct Login {
    Str name;
    bool admin;
    Str password_record; /* null: tokens only */
    Micros expires_at;   /* of the token */
} Login;
bool login_by_name(Ctx *ctx, Str name, Login *ret, bool *ret_found, Err *err) WARN_UNUSED;
bool login_by_token(Ctx *ctx, Str token, Login *ret, bool *ret_found, Err *err) WARN_UNUSED;
bool user_any_admin(Ctx *ctx, bool *ret, Err *err) WARN_UNUSED;

/* The id of this installation, made with the schema. */
bool instance_id(Ctx *ctx, Uuid *ret, Err *err) WARN_UNUSED;

#endif
