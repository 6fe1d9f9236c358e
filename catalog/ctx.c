#include "catalog/ctx.h"

bool ctx_authorize(const Ctx *ctx, Action action, const char *kind, Str catalog, Str database, Str name, Err *err) {
    if (!ctx->catalog->authorize) {
        return true;
    }
    Resource resource = {kind, catalog, database, name};
    return ctx->catalog->authorize(ctx, action, &resource, err);
}

NameRule ctx_name_rule(const Ctx *ctx) {
    if (ctx_door_is(ctx, "hive")) {
        return NAME_HIVE_OBJECT;
    }
    return ctx_door_is(ctx, "glue") || ctx_door_is(ctx, "crawler") ? NAME_GLUE : NAME_REST;
}
