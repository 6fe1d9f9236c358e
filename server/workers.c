#include "server/workers.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"

/* Answers of some MB come one after the other: getting their pages from the system each time costs a quarter of the work. So
 * the process keeps this much, until no worker of a class has had anything to do for a while. */
enum { KEPT_BYTES = 64 * 1024 * 1024, KEPT_PIECE_BYTES = 16 * 1024 * 1024, QUIET_MS = 3000 };

struct Workers {
    WorkersOptions options;
    pthread_mutex_t lock;
    pthread_cond_t work, idle;
    Job *first, *last;
    size_t queued;
    unsigned alive, waiting, busy;
    bool stopping;
    uint64_t done, refused, wait_us;
    uint64_t trimmed_after; /* how many were done then */
    pthread_t *threads;
};

static struct timespec after_ms(int64_t milliseconds) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += milliseconds / 1000;
    until.tv_nsec += (milliseconds % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    return until;
}

/* The first to find that all have been idle for a while gives memory back to the system. */
static void wait_locked(Workers *w) {
    struct timespec until = after_ms(QUIET_MS);
    bool quiet = pthread_cond_timedwait(&w->work, &w->lock, &until) == ETIMEDOUT;
    if (quiet && w->busy == 0 && w->trimmed_after != w->done) {
        w->trimmed_after = w->done;
        pthread_mutex_unlock(&w->lock);
        malloc_trim(0);
        pthread_mutex_lock(&w->lock);
    } else if (quiet && !w->first && !w->stopping && w->busy == 0) {
        pthread_cond_wait(&w->work, &w->lock);
    }
}

static Job *take_locked(Workers *w) {
    while (!w->first && !w->stopping) {
        w->waiting++;
        wait_locked(w);
        w->waiting--;
    }
    Job *job = w->first;
    if (job) {
        w->first = job->next;
        w->last = w->first ? w->last : NULL;
        w->queued--;
        w->busy++;
        w->wait_us += (uint64_t)MAX(clock_monotonic_us() - job->queued_us, (int64_t)0);
    }
    return job;
}

static void *worker_main(void *arg) {
    Workers *w = arg;
    Arena *arena = arena_new(w->options.arena_limit);
    pthread_setname_np(pthread_self(), w->options.name);
    pthread_mutex_lock(&w->lock);
    for (Job *job; (job = take_locked(w));) {
        pthread_mutex_unlock(&w->lock);
        job->run(job, arena);
        arena_reset(arena);
        pthread_mutex_lock(&w->lock);
        w->busy--;
        w->done++;
    }
    w->alive--;
    pthread_cond_broadcast(&w->idle);
    pthread_mutex_unlock(&w->lock);
    arena_free(arena);
    return NULL;
}

static void workers_init(Workers *w, const WorkersOptions *options) {
    mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
    mallopt(M_MMAP_THRESHOLD, KEPT_PIECE_BYTES);
    *w = (Workers){.options = *options};
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->work, &monotonic);
    pthread_cond_init(&w->idle, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

static void workers_free(Workers *w) {
    pthread_cond_destroy(&w->work);
    pthread_cond_destroy(&w->idle);
    pthread_mutex_destroy(&w->lock);
    free(w->threads);
    free(w);
}

Workers *workers_start(const WorkersOptions *options, Err *err) {
    Workers *w = malloc(sizeof *w);
    pthread_t *threads = calloc(options->threads, sizeof *threads);
    if (!w || !threads) {
        free(w);
        free(threads);
        err_set(err, ERR_INTERNAL, "There is no memory for %u %s workers.", options->threads, options->name);
        return NULL;
    }
    workers_init(w, options);
    w->threads = threads;
    for (unsigned i = 0; i < options->threads; i++) {
        int failed = pthread_create(&w->threads[i], NULL, worker_main, w);
        if (failed) {
            err_set(err, ERR_INTERNAL, "Worker thread %u of %u (%s) cannot be started: %s.", i + 1, options->threads, options->name,
                    strerror(failed));
            w->options.threads = i;
            if (!workers_stop(w, 1000)) {
                log_error("The %s workers that did start do not stop.", options->name);
            }
            return NULL;
        }
        pthread_mutex_lock(&w->lock);
        w->alive++;
        pthread_mutex_unlock(&w->lock);
    }
    return w;
}

bool workers_submit(Workers *w, Job *job) {
    job->next = NULL;
    job->queued_us = clock_monotonic_us();
    pthread_mutex_lock(&w->lock);
    bool accepted = !w->stopping && w->queued < w->options.queue_limit;
    if (accepted) {
        *(w->last ? &w->last->next : &w->first) = job;
        w->last = job;
        w->queued++;
    } else {
        w->refused++;
    }
    bool wake = accepted && w->waiting > 0;
    pthread_mutex_unlock(&w->lock);
    if (wake) {
        pthread_cond_signal(&w->work);
    }
    return accepted;
}

bool workers_stop(Workers *w, int64_t timeout_ms) {
    struct timespec until = after_ms(timeout_ms);
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    pthread_cond_broadcast(&w->work);
    int late = 0;
    while (w->alive > 0 && late != ETIMEDOUT) {
        late = pthread_cond_timedwait(&w->idle, &w->lock, &until);
    }
    bool all_ended = w->alive == 0;
    pthread_mutex_unlock(&w->lock);
    if (!all_ended) {
        return false;
    }
    for (unsigned i = 0; i < w->options.threads; i++) {
        pthread_join(w->threads[i], NULL);
    }
    workers_free(w);
    return true;
}

void workers_stats(Workers *w, WorkersStats *ret) {
    pthread_mutex_lock(&w->lock);
    *ret = (WorkersStats){
        .name = w->options.name,
        .threads = w->options.threads,
        .busy = w->busy,
        .queued = w->queued,
        .queue_limit = w->options.queue_limit,
        .done = w->done,
        .refused = w->refused,
        .wait_us = w->wait_us,
    };
    pthread_mutex_unlock(&w->lock);
}
