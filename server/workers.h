/* Workers: threads that may block (on PostgreSQL, on storage). One Workers per class of work, each with its own bounded
 * queue, so that bulk work cannot starve small reads. A full queue refuses at once: the caller answers "overloaded". */
#ifndef PROPOLIS_SERVER_WORKERS_H
#define PROPOLIS_SERVER_WORKERS_H

#include "base/arena.h"

typedef struct Workers Workers;
typedef struct Job Job;

/* Embedded in whatever is to be done; must live until RUN was called. ARENA is the worker's own and is reset afterwards. */
struct Job {
    void (*run)(Job *job, Arena *arena);
    Job *next;
    int64_t queued_us;
};

typedef struct WorkersOptions {
    const char *name; /* metric label and thread name */
    unsigned threads;
    size_t queue_limit;
    size_t arena_limit;
} WorkersOptions;

typedef struct WorkersStats {
    const char *name;
    unsigned threads, busy;
    size_t queued, queue_limit;
    uint64_t done, refused, wait_us; /* since start; wait = time in the queue */
} WorkersStats;

Workers *workers_start(const WorkersOptions *options, Err *err);
bool workers_submit(Workers *workers, Job *job); /* false: the queue is full or the workers are stopping */
/* Lets what is queued finish, then joins. False: not done in time, the threads are left alone. */
bool workers_stop(Workers *workers, int64_t timeout_ms);
void workers_stats(Workers *workers, WorkersStats *ret);

#endif
