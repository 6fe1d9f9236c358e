/* Scope: the names a call gives, folded to identities; no catalog means the default one. */
#ifndef PROPOLIS_CATALOG_SCOPE_H
#define PROPOLIS_CATALOG_SCOPE_H

#include "catalog/ctx.h"
#include "catalog/model.h"
#include "catalog/names.h"

#define DEFAULT_DATABASE STR("default")

static inline Str scope_catalog(const Ctx *ctx, Str catalog) {
    return str_is_empty(catalog) ? DEFAULT_CATALOG : name_fold(ctx->arena, catalog);
}
static inline Str scope_name(const Ctx *ctx, Str name) { return name_fold(ctx->arena, name); }
static inline TableRef scope_table(const Ctx *ctx, TableRef ref) {
    return (TableRef){scope_catalog(ctx, ref.catalog), scope_name(ctx, ref.database), scope_name(ctx, ref.name)};
}

#endif
