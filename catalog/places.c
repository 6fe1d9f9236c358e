#include "catalog/places.h"

#include "base/log.h"
#include "catalog/partname.h"
#include "config/config.h"
#include "storage/location.h"
#include "storage/roots.h"

/* Addresses without a scheme belong to the file system of the warehouse, when that is one Hadoop would name. */
static Str default_fs(Ctx *ctx) {
    Str warehouse = ctx->catalog->config->warehouse;
    LocationParts parts = location_split(warehouse);
    if (str_is_null(parts.scheme) || str_eq_nocase(parts.scheme, STR("file"))) {
        return STR("file:");
    }
    return ARENA_CONCAT(ctx->arena, parts.scheme, STR("://"), parts.authority);
}

bool place_normalise(Ctx *ctx, Str text, Str *ret, Err *err) {
    if (str_is_null(text)) {
        *ret = text;
        return true;
    }
    return location_normalise(ctx->arena, text, default_fs(ctx), ret, err);
}

bool place_warehouse(Ctx *ctx, Str *ret, Err *err) { return place_normalise(ctx, ctx->catalog->config->warehouse, ret, err); }

Str place_below(Ctx *ctx, Str parent, Str name, Str suffix) {
    return location_join(ctx->arena, parent, ARENA_CONCAT(ctx->arena, partname_escape_str(ctx->arena, name), suffix));
}

void place_make(Ctx *ctx, Str location) {
    StorageVerdict verdict;
    Err err;
    if (str_is_null(location) || !ctx->catalog->roots) {
        return;
    }
    if (!roots_mkdir(ctx->catalog->roots, location, 0777, &verdict, &err)) {
        log_warn("The directory %" STR_FMT " was not made: %s", STR_ARG(location), err.message);
    } else if (storage_warns(&verdict)) {
        log_warn("The directory %" STR_FMT " was not made: %s", STR_ARG(location), verdict.text);
    }
}

/* False when there is a file in it, at any depth. */
static bool clear_empty(Ctx *ctx, Str location, int levels) {
    enum { ENTRIES = 1000 };
    StorageVerdict verdict;
    StorageList list;
    Err ignored;
    if (levels == 0 || !roots_list(ctx->catalog->roots, location, ctx->arena, STR_NULL, ENTRIES, &list, &verdict, &ignored) ||
        !storage_done(&verdict) || list.more) {
        return false;
    }
    for (size_t i = 0; i < list.count; i++) {
        if (list.items[i].kind != STORAGE_KIND_DIRECTORY ||
            !clear_empty(ctx, location_join(ctx->arena, location, list.items[i].name), levels - 1)) {
            return false;
        }
    }
    return roots_rmdir_if_empty(ctx->catalog->roots, location, 1, &verdict, &ignored) && storage_done(&verdict);
}

bool place_clear_empty(Ctx *ctx, Str location) {
    enum { LEVELS = 16 };
    return clear_empty(ctx, location, LEVELS);
}

bool place_rename(Ctx *ctx, Str from, Str to, StorageVerdict *verdict, Err *err) {
    return roots_rename(ctx->catalog->roots, from, to, verdict, err) ||
           (err->code == ERR_ALREADY_EXISTS && place_clear_empty(ctx, to) &&
            roots_rename(ctx->catalog->roots, from, to, verdict, err));
}
