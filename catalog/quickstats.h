/* Quick statistics: how many files and bytes lie in a directory, kept in the parameters of what has its data there, as Hive
 * and its readers expect them. Nothing is known about places that may not be looked at; then parameters stay as they are. */
#ifndef PROPOLIS_CATALOG_QUICKSTATS_H
#define PROPOLIS_CATALOG_QUICKSTATS_H

#include "catalog/ctx.h"
#include "storage/storage.h"

/* Neighbours often share a directory: cleared before the first. */
typedef struct QuickStats {
    Str location;
    bool known;
    StorageUsage usage;
} QuickStats;

/* Both numbers are in PARAMS. */
bool quickstats_given(const Params *params);
/* Counts what lies at LOCATION, unless LAST is of there, and sets numFiles and totalSize. ACCURATE: whoever wrote the data vouches
 * for the rest of the basic statistics; otherwise they are marked as not to be relied on. Never call it in a transaction: it
 * may take long. */
void quickstats_refresh(Ctx *ctx, Str location, bool accurate, QuickStats *last, Params *params);

#endif
