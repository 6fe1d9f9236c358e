#include "server/auth/auth.h"

/* Finer rights will be checked here and nowhere else. */
bool auth_authorize(const Ctx *ctx, Action action, const Resource *resource, Err *err) {
    static const char *const ADMIN_ONLY[] = {"user", "token", "server"};
    bool admin_only = action == ACTION_ADMIN || action == ACTION_READ_SECRET;
    for (size_t i = 0; i < ARRAY_LEN(ADMIN_ONLY); i++) {
        admin_only = admin_only || strcmp(resource->kind, ADMIN_ONLY[i]) == 0;
    }
    if (!admin_only || ctx->caller->admin) {
        return true;
    }
    return err_set(err, ERR_FORBIDDEN, "Only an admin may do this (%s). Ask one, or log in as one.", resource->kind);
}
