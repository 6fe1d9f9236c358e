/* Jobs: work that follows a commit, taken by whichever server comes first, under a lease. */
#ifndef PROPOLIS_CATALOG_SQL_JOBS_SQL_H
#define PROPOLIS_CATALOG_SQL_JOBS_SQL_H

#include "catalog/ctx.h"

typedef struct Job {
    int64_t id;
    Str kind, payload;
    int32_t attempts;
} Job;

bool job_take(Ctx *ctx, PgConn *conn, bool alone, Job *ret, bool *ret_found, Err *err) WARN_UNUSED;
bool job_done(Ctx *ctx, PgConn *conn, int64_t id, Err *err) WARN_UNUSED;
/* Tried again later, each time after a longer wait. */
bool job_failed(Ctx *ctx, PgConn *conn, const Job *job, Str why, Err *err) WARN_UNUSED;

/* Sweeps: each removes a limited number of rows a call and tells how many. */
bool sweep_dropped_tables(Ctx *ctx, PgConn *conn, int64_t keep_seconds, int64_t *ret, Err *err) WARN_UNUSED;
bool sweep_dropped_databases(Ctx *ctx, PgConn *conn, int64_t keep_seconds, int64_t *ret, Err *err) WARN_UNUSED;
bool sweep_pointer_moves(Ctx *ctx, PgConn *conn, int64_t keep_count, int64_t keep_seconds, int64_t *ret, Err *err) WARN_UNUSED;
bool sweep_versions(Ctx *ctx, PgConn *conn, int64_t keep_seconds, int64_t *ret, Err *err) WARN_UNUSED;
bool sweep_partition_images(Ctx *ctx, PgConn *conn, int64_t keep_seconds, int64_t *ret, Err *err) WARN_UNUSED;
/* Looks at the changes that follow *AFTER; *AFTER becomes where to go on, 0 when no old ones follow. */
bool sweep_changes(Ctx *ctx, PgConn *conn, int64_t keep_seconds, int64_t *after, Err *err) WARN_UNUSED;
bool sweep_content(Ctx *ctx, PgConn *conn, int64_t *ret, Err *err) WARN_UNUSED;

#endif
