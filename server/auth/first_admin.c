#include "server/auth/auth.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"
#include "catalog/users.h"

/* Written beside and renamed, so that nobody ever reads half a token. */
static bool write_token(const char *path, Str token, Arena *arena, Err *err) {
    const char *fresh = arena_cstr(arena, arena_printf(arena, "%s.new", path));
    unlink(fresh);
    CLEANUP(cleanup_close) int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    Str line = ARENA_CONCAT(arena, token, STR("\n"));
    if (fd < 0 || write(fd, line.ptr, line.len) != (ssize_t)line.len || fsync(fd) < 0 || rename(fresh, path) < 0) {
        return err_set(err, ERR_STORAGE, "The first admin's token cannot be written to %s: %s.", path, strerror(errno));
    }
    return true;
}

bool auth_first_admin(Ctx *ctx, const char *data_dir, bool *ret_made, Err *err) {
    bool any;
    User user;
    Token token;
    Str secret;
    *ret_made = false;
    if (!user_any_admin(ctx, &any, err)) {
        return false;
    }
    if (any) {
        return true;
    }
    /* A crash between these steps leaves an admin nobody can log in as: the next start gives it a new token. */
    if (!user_create(ctx, STR("admin"), STR_NULL, true, &user, err) && err->code != ERR_ALREADY_EXISTS) {
        return false;
    }
    if (!token_create(ctx, STR("admin"), STR("first"), MICROS_NONE, &token, &secret, err)) {
        return false;
    }
    const char *path = arena_cstr(ctx->arena, arena_printf(ctx->arena, "%s/admin.token", data_dir));
    if (!write_token(path, secret, ctx->arena, err)) {
        return false;
    }
    log_info("The first admin's token is in %s; only the owner of that file can read it.", path);
    *ret_made = true;
    return true;
}
