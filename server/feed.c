#include "server/feed.h"

#include <pthread.h>
#include <time.h>

#include "base/log.h"
#include "catalog/changes.h"
#include "config/config.h"
#include "server/dispatch.h"
#include "server/server.h"

struct Feed {
    Server *server;
    int64_t tick_ms;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool kicked, stopping;
    int64_t last; /* newest change id known */
    Call *calls;
    FeedStream *streams;
};

/* Takes out of the list what is due; the list's links are used for the result too. */
static Call *take_calls_locked(Feed *feed, int64_t now) {
    Call *due = NULL;
    for (Call **at = &feed->calls; *at;) {
        Call *call = *at;
        if (feed->stopping || feed->last > call->parked_after || now >= call->park_until_us) {
            *at = call->next_parked;
            call->next_parked = due;
            due = call;
        } else {
            at = &call->next_parked;
        }
    }
    return due;
}

static FeedStream *take_streams_locked(Feed *feed, int64_t now) {
    FeedStream *due = NULL;
    for (FeedStream **at = &feed->streams; *at;) {
        FeedStream *s = *at;
        bool retry = s->retry_at_us && now >= s->retry_at_us;
        if (feed->stopping || feed->last > s->after || retry || now >= s->beat_at_us || now >= s->end_at_us) {
            *at = s->next;
            s->next = due;
            due = s;
        } else {
            at = &s->next;
        }
    }
    return due;
}

static void wake_calls(Call *call) {
    for (Call *next; call; call = next) {
        next = call->next_parked;
        call->next_parked = NULL;
        if (!dispatch_submit(call)) {
            dispatch_refuse(call, ERR_OVERLOADED,
                            "The server has more work waiting than it accepts (limits.queue). Try again in a moment.");
        }
    }
}

static void wake_stream(Feed *feed, FeedStream *s, int64_t last, int64_t now, bool stopping) {
    enum { BEAT_US = 15 * 1000 * 1000 };
    bool retry = s->retry_at_us && now >= s->retry_at_us;
    if (stopping || now >= s->end_at_us) {
        s->end(s);
    } else if (last > s->after || retry) {
        s->wake(s);
    } else {
        s->beat_at_us = now + BEAT_US;
        if (s->beat(s)) {
            feed_park_stream(feed, s);
        } else {
            s->end(s);
        }
    }
}

static void wake_due(Feed *feed) {
    int64_t now = clock_monotonic_us();
    pthread_mutex_lock(&feed->lock);
    Call *calls = take_calls_locked(feed, now);
    FeedStream *streams = take_streams_locked(feed, now);
    int64_t last = feed->last;
    bool stopping = feed->stopping;
    pthread_mutex_unlock(&feed->lock);
    wake_calls(calls);
    for (FeedStream *s = streams, *next; s; s = next) {
        next = s->next;
        wake_stream(feed, s, last, now, stopping);
    }
}

/* While the database is away those who ask it say so; the ticker only says that it is back. */
static void number_changes(Feed *feed, Arena *arena) {
    Caller caller = {.protocol = STR("server"), .operation = STR("feed")};
    Ctx ctx = {
        .catalog = &feed->server->catalog, .arena = arena, .caller = &caller, .deadline = deadline_in_ms(5000), .pool = PG_READ};
    Err err;
    int64_t last;
    bool done = change_sequence(&ctx, &last, &err);
    if (done) {
        pthread_mutex_lock(&feed->lock);
        feed->last = MAX(feed->last, last);
        pthread_mutex_unlock(&feed->lock);
    } else {
        log_debug("Changes were not numbered: %s", err.message);
    }
    refusals_settle(feed->server->refusals, done, clock_monotonic_us());
    arena_reset(arena);
}

static void wait_tick(Feed *feed) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    pthread_mutex_lock(&feed->lock);
    int64_t idle_ms = feed->server->catalog.config->jobs.sequence_interval;
    int64_t ms = feed->calls || feed->streams ? MIN(feed->tick_ms, idle_ms) : idle_ms;
    int64_t ns = until.tv_nsec + (ms % 1000) * 1000000;
    until.tv_sec += ms / 1000 + ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    while (!feed->kicked && !feed->stopping && pthread_cond_timedwait(&feed->wake, &feed->lock, &until) == 0) {
    }
    feed->kicked = false;
    pthread_mutex_unlock(&feed->lock);
}

static void *feed_main(void *arg) {
    enum { ARENA_BYTES = 4 * 1024 * 1024 };
    Feed *feed = arg;
    Arena *arena = arena_new(ARENA_BYTES);
    pthread_setname_np(pthread_self(), "feed");
    for (bool stopping = false; !stopping;) {
        wait_tick(feed);
        pthread_mutex_lock(&feed->lock);
        stopping = feed->stopping;
        pthread_mutex_unlock(&feed->lock);
        if (!stopping) {
            number_changes(feed, arena);
        }
        wake_due(feed);
    }
    arena_free(arena);
    return NULL;
}

Feed *feed_start(Server *server, int64_t tick_ms, Err *err) {
    Feed *feed = calloc(1, sizeof *feed);
    if (!feed) {
        err_set(err, ERR_INTERNAL, "There is no memory for the feed of changes.");
        return NULL;
    }
    feed->server = server;
    feed->tick_ms = tick_ms;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&feed->lock, NULL);
    pthread_cond_init(&feed->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    int failed = pthread_create(&feed->thread, NULL, feed_main, feed);
    if (failed) {
        free(feed);
        err_set(err, ERR_INTERNAL, "The feed's thread cannot be started: %s.", strerror(failed));
        return NULL;
    }
    return feed;
}

/* Only when somebody waits: otherwise every write would pay for a numbering of its own. */
void feed_kick(Feed *feed) {
    pthread_mutex_lock(&feed->lock);
    bool somebody_waits = feed->calls || feed->streams;
    feed->kicked = feed->kicked || somebody_waits;
    pthread_mutex_unlock(&feed->lock);
    if (somebody_waits) {
        pthread_cond_signal(&feed->wake);
    }
}

bool feed_park_call(Feed *feed, Call *call) {
    pthread_mutex_lock(&feed->lock);
    bool parked = !feed->stopping;
    if (parked) {
        call->next_parked = feed->calls;
        feed->calls = call;
        if (feed->last > call->parked_after) {
            feed->kicked = true;
            pthread_cond_signal(&feed->wake);
        }
    }
    pthread_mutex_unlock(&feed->lock);
    return parked;
}

void feed_park_stream(Feed *feed, FeedStream *stream) {
    pthread_mutex_lock(&feed->lock);
    bool stopping = feed->stopping;
    if (!stopping) {
        stream->next = feed->streams;
        feed->streams = stream;
        if (feed->last > stream->after) {
            feed->kicked = true;
            pthread_cond_signal(&feed->wake);
        }
    }
    pthread_mutex_unlock(&feed->lock);
    if (stopping) {
        stream->end(stream);
    }
}

void feed_stop(Feed *feed) {
    pthread_mutex_lock(&feed->lock);
    feed->stopping = true;
    pthread_cond_signal(&feed->wake);
    pthread_mutex_unlock(&feed->lock);
    pthread_join(feed->thread, NULL);
    wake_due(feed);
}

void feed_free(Feed *feed) {
    if (feed) {
        pthread_cond_destroy(&feed->wake);
        pthread_mutex_destroy(&feed->lock);
        free(feed);
    }
}
