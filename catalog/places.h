/* Places: where catalogs and databases put their data when nobody says, and making those directories. */
#ifndef PROPOLIS_CATALOG_PLACES_H
#define PROPOLIS_CATALOG_PLACES_H

#include "catalog/ctx.h"
#include "storage/storage.h"

/* TEXT as locations are written; null stays null. */
bool place_normalise(Ctx *ctx, Str text, Str *ret, Err *err) WARN_UNUSED;
/* The root of all data, written as locations are. */
bool place_warehouse(Ctx *ctx, Str *ret, Err *err) WARN_UNUSED;
/* The directory NAME + SUFFIX below PARENT, the name written so that any file system takes it. */
Str place_below(Ctx *ctx, Str parent, Str name, Str suffix);
/* Makes a directory when the rules allow; otherwise metadata goes on without it and a WARN says why. Null: nothing. */
void place_make(Ctx *ctx, Str location);
/* Removes a directory that holds nothing but directories. False: it holds more, or is not there. */
bool place_clear_empty(Ctx *ctx, Str location);
/* roots_rename(), also over directories without a file in them: a create that failed leaves one, and partitions that were
 * to be added while their table's directory was away leave several. */
bool place_rename(Ctx *ctx, Str from, Str to, StorageVerdict *verdict, Err *err) WARN_UNUSED;

#endif
