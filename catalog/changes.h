/* The change log: every change of everything, in one dense order. */
#ifndef PROPOLIS_CATALOG_CHANGES_H
#define PROPOLIS_CATALOG_CHANGES_H

#include "catalog/ctx.h"
#include "catalog/model.h"

typedef struct ChangeQuery {
    int64_t after; /* change ids above this one */
    int64_t limit;
    Str catalog, database, name, kind; /* null: any */
    Str principal;
} ChangeQuery;
typedef struct Changes {
    Change *items;
    size_t count;
    int64_t last_id; /* newest id there is */
} Changes;

/* Numbers what has been committed, then reads: a caller sees its own writes. */
bool change_list(Ctx *ctx, const ChangeQuery *query, Changes *ret, Err *err) WARN_UNUSED;
bool change_last_id(Ctx *ctx, int64_t *ret_change_id, int64_t *ret_hms_event_id, Err *err) WARN_UNUSED;
/* Numbers committed changes; RET_LAST: the newest change id afterwards. The server's ticker calls it too. */
bool change_sequence(Ctx *ctx, int64_t *ret_last, Err *err) WARN_UNUSED;

#endif
