/* auth: who calls, and whether they may.
 *
 * Purpose:   credentials of a request -> Caller; the permission hook that every use case asks.
 * Ownership: one Auth per server; principals are copied into the request's arena.
 * Threads:   any; a small cache behind one lock.
 *
 * Modes: "local" (loopback only) and "open" need no login, and whoever is not logged in may do everything; credentials
 * that are given must be right all the same. "required": every method but the public ones needs a login. */
#ifndef PROPOLIS_SERVER_AUTH_H
#define PROPOLIS_SERVER_AUTH_H

#include "catalog/ctx.h"
#include "server/http.h"

typedef struct Request Request;
typedef struct Auth Auth;

typedef enum AuthMode { AUTH_LOCAL, AUTH_OPEN, AUTH_REQUIRED } AuthMode;

/* FRESH_MS: how long a login is believed without asking the database. */
Auth *auth_new(AuthMode mode, int64_t fresh_ms);
void auth_set_fresh(Auth *auth, int64_t fresh_ms);
void auth_free(Auth *auth);
AuthMode auth_mode(const Auth *auth);
const char *auth_mode_name(AuthMode mode);

/* Fills r->caller. ERR_UNAUTHENTICATED when credentials are wrong or missing. */
bool auth_login(Auth *auth, Request *r, Err *err) WARN_UNUSED;
/* The same for a door without HTTP: HEADER as Authorization would have it. Fills CALLER; admin stays when it was set. */
bool auth_login_with(Auth *auth, Ctx *ctx, Str header, Caller *caller, Err *err) WARN_UNUSED;
/* Whether auth_login() would need neither the database nor a password hash. */
bool auth_is_quick(Auth *auth, const HttpExchange *exchange);

/* Catalog.authorize: logged-in users may do all but what is for admins (users, secrets, the server itself,
 * passwords and tokens of others). */
bool auth_authorize(const Ctx *ctx, Action action, const Resource *resource, Err *err);

/* In required mode on a store without an admin: makes the user "admin" and writes a token for it to DATA_DIR/admin.token
 * (mode 0600). RET_MADE tells whether it did. */
bool auth_first_admin(Ctx *ctx, const char *data_dir, bool *ret_made, Err *err) WARN_UNUSED;

#endif
