/* Verify: does the store keep its own promises? Looks at everything, changes nothing. For restored backups, after crashes, and
 * for whoever wants to know. */
#ifndef PROPOLIS_CATALOG_VERIFY_H
#define PROPOLIS_CATALOG_VERIFY_H

#include "catalog/ctx.h"

typedef struct VerifyCheck {
    const char *name;    /* "versions_linear" */
    const char *promise; /* the rule as a sentence */
    int64_t looked_at;   /* how many things */
    int64_t broken;
    Str example; /* the first thing that breaks it; null: none */
} VerifyCheck;

typedef struct VerifyReport {
    VerifyCheck *items;
    size_t count;
    int64_t broken; /* of all checks */
} VerifyReport;

bool verify_store(Ctx *ctx, VerifyReport *ret, Err *err) WARN_UNUSED;

#endif
