#include "catalog/ctx.h"

bool ctx_authorize(const Ctx *ctx, Action action, const char *kind, Str catalog, Str database, Str name, Err *err) {
    if (!ctx->catalog->authorize) {
        return true;
    }
    Resource resource = {kind, catalog, database, name};
    return ctx->catalog->authorize(ctx, action, &resource, err);
}
