#include "server/housekeeper.h"

#include <pthread.h>
#include <time.h>

#include "base/log.h"
#include "catalog/housekeeping.h"
#include "catalog/moves.h"
#include "config/config.h"

enum { MEMORY = 256 * 1024 * 1024, STEP_MS = 60 * 1000, PULSE_MEMORY = 16 * 1024 * 1024 };

struct Housekeeper {
    Catalog *catalog;
    bool alone;
    pthread_t thread, pulse; /* jobs can take long, time-outs cannot wait */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stopping;
};

static const Caller CALLER = {.protocol = STR_INIT("server"), .operation = STR_INIT("housekeeping"), .admin = true};

static Ctx ctx_new(const Housekeeper *h, size_t memory) {
    return (Ctx){
        .catalog = h->catalog, .arena = arena_new(memory), .caller = &CALLER, .deadline = deadline_in_ms(STEP_MS), .pool = PG_BULK};
}

/* While the database is away its own log line has said so already. */
static void report(const Err *err, const char *what) {
    if (err->code != ERR_DATABASE_UNAVAILABLE) {
        log_err(err, what);
    }
}

static bool is_stopping(Housekeeper *h) {
    pthread_mutex_lock(&h->lock);
    bool stopping = h->stopping;
    pthread_mutex_unlock(&h->lock);
    return stopping;
}

static void run_jobs(Housekeeper *h) {
    bool worked = true;
    while (worked && !is_stopping(h)) {
        Ctx ctx = ctx_new(h, MEMORY);
        Err err;
        if (!housekeeping_jobs(&ctx, h->alone, &worked, &err)) {
            report(&err, "Housekeeping");
            worked = false;
        }
        arena_free(ctx.arena);
    }
}

static void run_sweep(Housekeeper *h) {
    Ctx ctx = ctx_new(h, MEMORY);
    Err err;
    if (!housekeeping_sweep(&ctx, &err)) {
        report(&err, "Removing what retention lets go");
    }
    pg_sweep(h->catalog->pg);
    arena_free(ctx.arena);
}

static struct timespec in_ms(int64_t ms) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    int64_t ns = until.tv_nsec + ms % 1000 * 1000000;
    until.tv_sec += ms / 1000 + ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    return until;
}

/* Waits, and tells whether there is to be another round. */
static bool wait_ms(Housekeeper *h, int64_t ms) {
    struct timespec until = in_ms(ms);
    pthread_mutex_lock(&h->lock);
    while (!h->stopping && pthread_cond_timedwait(&h->wake, &h->lock, &until) == 0) {
    }
    bool again = !h->stopping;
    pthread_mutex_unlock(&h->lock);
    return again;
}

static void *run(void *arg) {
    Housekeeper *h = arg;
    int64_t swept_us = clock_monotonic_us();
    while (wait_ms(h, h->catalog->config->jobs.delete_interval)) {
        run_jobs(h);
        if (clock_monotonic_us() - swept_us >= h->catalog->config->jobs.purge_interval * 1000) {
            run_sweep(h);
            swept_us = clock_monotonic_us();
        }
    }
    return NULL;
}

/* Once at the start: that makes known that there was a pause. On the connections of small reads: bulk work can hold its own for
 * long, and that would look like a pause. */
static void *run_pulse(void *arg) {
    Housekeeper *h = arg;
    int64_t ms;
    do {
        Ctx ctx = ctx_new(h, PULSE_MEMORY);
        Err err;
        ctx.pool = PG_READ;
        if (!housekeeping_pulse(&ctx, &err)) {
            report(&err, "Looking for what has timed out");
        }
        ms = housekeeping_pulse_ms(&ctx);
        arena_free(ctx.arena);
    } while (wait_ms(h, ms));
    return NULL;
}

static void end_threads(Housekeeper *h) {
    pthread_mutex_lock(&h->lock);
    h->stopping = true;
    pthread_cond_broadcast(&h->wake);
    pthread_mutex_unlock(&h->lock);
}

static bool start_threads(Housekeeper *h, Err *err) {
    int failed = pthread_create(&h->thread, NULL, run, h);
    if (!failed) {
        failed = pthread_create(&h->pulse, NULL, run_pulse, h);
        if (!failed) {
            return true;
        }
        end_threads(h);
        pthread_join(h->thread, NULL);
    }
    return err_set(err, ERR_INTERNAL, "No thread can be started for housekeeping: %s.", strerror(failed));
}

static bool settle_moves(Housekeeper *h, Err *err) {
    Ctx ctx = ctx_new(h, MEMORY);
    bool ok = move_recover(&ctx, h->alone, err);
    arena_free(ctx.arena);
    return ok;
}

bool housekeeper_start(Catalog *catalog, bool alone, Housekeeper **ret, Err *err) {
    Housekeeper *h = calloc(1, sizeof *h);
    if (!h) {
        return err_set(err, ERR_INTERNAL, "There is no memory for housekeeping.");
    }
    *h = (Housekeeper){.catalog = catalog, .alone = alone, .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};
    if (!settle_moves(h, err)) {
        free(h);
        return false;
    }
    if (!start_threads(h, err)) {
        free(h);
        return false;
    }
    *ret = h;
    return true;
}

bool housekeeper_stop(Housekeeper *h, int64_t timeout_ms) {
    if (!h) {
        return true;
    }
    struct timespec until = in_ms(timeout_ms);
    end_threads(h);
    if (pthread_timedjoin_np(h->thread, NULL, &until) != 0 || pthread_timedjoin_np(h->pulse, NULL, &until) != 0) {
        return false;
    }
    free(h);
    return true;
}
