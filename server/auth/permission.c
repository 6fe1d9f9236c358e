#include "server/auth/auth.h"

/* What users may do for themselves. They may do no more than that with it: a token carries the rights of its user, and
 * catalog/users.c checks what a new password or token needs. */
static bool is_own(const Ctx *ctx, Action action, const Resource *resource) {
    bool of_users = strcmp(resource->kind, "token") == 0 || strcmp(resource->kind, "password") == 0 ||
                    (strcmp(resource->kind, "user") == 0 && action == ACTION_READ);
    Str me = ctx->caller->principal;
    return of_users && me.len > 0 && str_eq(me, resource->name);
}

/* Finer rights will be checked here and nowhere else. */
bool auth_authorize(const Ctx *ctx, Action action, const Resource *resource, Err *err) {
    static const char *const ADMIN_ONLY[] = {"user", "password", "token", "server"};
    bool admin_only = action == ACTION_ADMIN || action == ACTION_READ_SECRET;
    for (size_t i = 0; i < ARRAY_LEN(ADMIN_ONLY); i++) {
        admin_only = admin_only || strcmp(resource->kind, ADMIN_ONLY[i]) == 0;
    }
    if (!admin_only || ctx->caller->admin || is_own(ctx, action, resource)) {
        return true;
    }
    return err_set(err, ERR_FORBIDDEN, "Only an admin may do this (%s). Ask one, or log in as one.", resource->kind);
}
