#include "catalog/housekeeping.h"

#include "base/json_reader.h"
#include "base/log.h"
#include "catalog/discard.h"
#include "catalog/locks.h"
#include "catalog/moves.h"
#include "catalog/sealing.h"
#include "catalog/secret.h"
#include "catalog/sql/jobs_sql.h"
#include "catalog/sql/partitions_sql.h"
#include "catalog/sql/tables_sql.h"
#include "catalog/transactions.h"
#include "config/config.h"
#include "storage/roots.h"

/* --- deleting -------------------------------------------------------------------------------------------- */

static bool in_use(Ctx *ctx, Str location, Str *ret_who, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    return pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) &&
           location_other_user(ctx, conn, location, 0, ret_who, err);
}

static bool read_location(Ctx *ctx, Str payload, Str *ret, Err *err) {
    enum { DEPTH = 4 };
    json_t *value;
    if (!jr_parse(ctx->arena, payload, DEPTH, &value, err)) {
        return false;
    }
    JsonAt top = jr_top(value), location = jr_member(&top, "location");
    return jr_str(&location, ctx->arena, ret, err);
}

/* The directory of a dropped database, when nothing is left in it: what others put there is not ours to delete. */
static bool remove_directory(Ctx *ctx, Str payload, Err *err) {
    Str location, who;
    StorageVerdict verdict;
    if (!read_location(ctx, payload, &location, err) || !in_use(ctx, location, &who, err)) {
        return false;
    }
    return !str_is_null(who) || roots_rmdir_if_empty(ctx->catalog->roots, location, 1, &verdict, err);
}

/* --- jobs ----------------------------------------------------------------------------------------------------- */

static bool run_job(Ctx *ctx, const Job *job, Err *err) {
    if (str_eq(job->kind, STR("delete_data"))) {
        return discard_delete(ctx, job->id, err);
    }
    if (str_eq(job->kind, STR("remove_directory"))) {
        return remove_directory(ctx, job->payload, err);
    }
    return err_set(err, ERR_INTERNAL, "No server of this version knows jobs of kind %" STR_FMT ".", STR_ARG(job->kind));
}

static bool finish_job(Ctx *ctx, const Job *job, const Err *failure, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    if (!pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err)) {
        return false;
    }
    return failure ? job_failed(ctx, conn, job, str_from(failure->message), err) : job_done(ctx, conn, job->id, err);
}

static bool next_job(Ctx *ctx, bool alone, Job *ret, bool *ret_found, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    return pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) && job_take(ctx, conn, alone, ret, ret_found, err);
}

bool housekeeping_jobs(Ctx *ctx, bool alone, bool *ret_worked, Err *err) {
    Job job;
    bool found;
    Err failure;
    if (!move_recover(ctx, alone, err) || !next_job(ctx, alone, &job, &found, err)) {
        return false;
    }
    *ret_worked = found;
    if (!found) {
        return true;
    }
    bool ok = run_job(ctx, &job, &failure);
    if (!ok) {
        log_err(&failure, "A job failed and will be tried again");
    }
    return finish_job(ctx, &job, ok ? NULL : &failure, err);
}

/* --- retention ------------------------------------------------------------------------------------------------ */

typedef bool (*SweepStep)(Ctx *ctx, PgConn *conn, int64_t keep_seconds, int64_t *ret_removed, Err *err);

/* Comes again while a step finds something, for at most half of the time that is left: the others want their turn too. */
static bool sweep_all(Ctx *ctx, PgConn *conn, SweepStep step, int64_t keep_ms, Err *err) {
    int64_t removed = 1, half = deadline_left_ms(ctx->deadline) / 2;
    while (removed > 0 && keep_ms != CONFIG_FOREVER && deadline_left_ms(ctx->deadline) >= half) {
        if (!step(ctx, conn, keep_ms / 1000, &removed, err)) {
            return false;
        }
    }
    return true;
}

static bool sweep_moves(Ctx *ctx, PgConn *conn, int64_t keep_seconds, int64_t *ret_removed, Err *err) {
    return sweep_pointer_moves(ctx, conn, ctx->catalog->config->history.pointer_moves, keep_seconds, ret_removed, err);
}

/* Most old changes are kept with what they made, so a round looks at some and the next one goes on from there. */
static bool sweep_log(Ctx *ctx, PgConn *conn, int64_t keep_ms, Err *err) {
    enum { STEPS = 20 };
    int64_t *after = &ctx->catalog->swept_changes;
    for (int i = 0; i < STEPS && keep_ms != CONFIG_FOREVER && (i == 0 || *after > 0); i++) {
        if (!sweep_changes(ctx, conn, keep_ms / 1000, after, err)) {
            return false;
        }
    }
    return true;
}

static bool forget_transactions(Ctx *ctx, Err *err) {
    enum { STEPS = 100 };
    int64_t removed = 1;
    for (int i = 0; i < STEPS && removed > 0; i++) {
        if (!txns_sweep(ctx, &removed, err)) {
            return false;
        }
    }
    return true;
}

/* After a rotation of the key. What does not work is said, and holds up nothing else. */
static void renew_secrets(Ctx *ctx) {
    int64_t count = 0;
    Err err;
    if (!ctx->catalog->keys) {
        return;
    }
    if (!sealing_reload(ctx->catalog, &err)) {
        log_err(&err, "The secret keys in use stay");
    }
    if (!sealing_renew(ctx, &count, &err)) {
        log_err(&err, "Sealing secrets under the newest key");
    }
    if (count) {
        log_info("The secrets of %" PRId64 " connections are now sealed under the key %" STR_FMT ".", count,
                 STR_ARG(secret_key_id(ctx->catalog->keys, ctx->arena)));
    }
}

bool housekeeping_sweep(Ctx *ctx, Err *err) {
    const Config *config = ctx->catalog->config;
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    int64_t removed;
    renew_secrets(ctx);
    return forget_transactions(ctx, err) && pg_acquire(ctx->catalog->pg, PG_BULK, ctx->deadline, &conn, err) &&
           sweep_all(ctx, conn, sweep_dropped_tables, config->history.dropped, err) &&
           sweep_all(ctx, conn, sweep_dropped_databases, config->history.dropped, err) &&
           sweep_all(ctx, conn, sweep_moves, config->history.pointer_move_age, err) &&
           sweep_all(ctx, conn, sweep_versions, config->history.versions, err) &&
           sweep_all(ctx, conn, sweep_partition_images, config->history.partitions, err) &&
           sweep_log(ctx, conn, config->history.changes, err) && sweep_content(ctx, conn, &removed, err);
}

/* Often enough for the shortest timeout, and to tell a pause of the server's from one of a client's. */
int64_t housekeeping_pulse_ms(const Ctx *ctx) {
    enum { LOOKS_IN_TIMEOUT = 20, LEAST_MS = 100, MOST_MS = 5000 };
    return MIN(MAX(ctx->catalog->config->locks.timeout / LOOKS_IN_TIMEOUT, (int64_t)LEAST_MS), (int64_t)MOST_MS);
}

bool housekeeping_pulse(Ctx *ctx, Err *err) { return locks_expire(ctx, err); }
