#include "catalog/places.h"

#include "base/log.h"
#include "catalog/partname.h"
#include "catalog/sql/row.h"
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

enum { TREE_LEVELS = 16, TREE_ENTRIES = 1000 };

/* Directories and nothing else, at any depth? Their places are added to FOUND, those further up first. */
static bool only_directories(Ctx *ctx, Str location, int levels, StrList *found, size_t *capacity) {
    StorageVerdict verdict;
    StorageList list;
    Err ignored;
    if (levels == 0 || !roots_list(ctx->catalog->roots, location, ctx->arena, STR_NULL, TREE_ENTRIES, &list, &verdict, &ignored) ||
        !storage_done(&verdict) || list.more) {
        return false;
    }
    found->items = list_grow(ctx->arena, found->items, found->count, capacity, sizeof *found->items);
    found->items[found->count++] = location;
    for (size_t i = 0; i < list.count; i++) {
        if (list.items[i].kind != STORAGE_KIND_DIRECTORY ||
            !only_directories(ctx, location_join(ctx->arena, location, list.items[i].name), levels - 1, found, capacity)) {
            return false;
        }
    }
    return true;
}

/* Nothing is removed before all of it was looked at: empty directories among others belong to somebody. */
static bool clear_empty(Ctx *ctx, Str location, StrList *ret_cleared) {
    StorageVerdict verdict;
    Err ignored;
    StrList found = {0};
    size_t capacity = 0;
    if (!only_directories(ctx, location, TREE_LEVELS, &found, &capacity)) {
        return false;
    }
    for (size_t i = found.count; i-- > 0;) {
        if (!roots_rmdir_if_empty(ctx->catalog->roots, found.items[i], 1, &verdict, &ignored) || !storage_done(&verdict)) {
            return false;
        }
    }
    *ret_cleared = found;
    return true;
}

bool place_clear_empty(Ctx *ctx, Str location) {
    StrList ignored;
    return clear_empty(ctx, location, &ignored);
}

/* Empty directories in the way make room, and are there again afterwards: partitions may have been added meanwhile. */
bool place_rename(Ctx *ctx, Str from, Str to, StorageVerdict *verdict, Err *err) {
    StrList cleared;
    if (roots_rename(ctx->catalog->roots, from, to, verdict, err)) {
        return true;
    }
    if (err->code != ERR_ALREADY_EXISTS || !clear_empty(ctx, to, &cleared) ||
        !roots_rename(ctx->catalog->roots, from, to, verdict, err)) {
        return false;
    }
    for (size_t i = 1; i < cleared.count; i++) {
        place_make(ctx, cleared.items[i]);
    }
    return true;
}
