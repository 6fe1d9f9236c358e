#include "server/points.h"

#include <pthread.h>

enum { ROUNDS = 2 }; /* under way at a time, so that neither PostgreSQL nor the server waits for the other */

/* A worker's job that goes on as long as somebody waits. */
typedef struct Round {
    Job job; /* first */
    Points *points;
    bool under_way;
} Round;

struct Points {
    Workers *workers;
    PointsServe serve;
    pthread_mutex_t lock;
    Call *first, *last;
    unsigned here, under_way; /* served on HTTP threads; rounds */
    Round rounds[ROUNDS];
};

/* The first ones of one method. */
static size_t take(Points *p, Round *round, Call **ret) {
    size_t n = 0;
    pthread_mutex_lock(&p->lock);
    while (p->first && n < METHOD_EACH_MOST && (n == 0 || p->first->match.method == ret[0]->match.method)) {
        ret[n++] = p->first;
        p->first = p->first->next_point;
    }
    if (n == 0) {
        round->under_way = false;
        p->under_way--;
    }
    pthread_mutex_unlock(&p->lock);
    return n;
}

static void run_round(Job *job, Arena *arena) {
    Round *round = (Round *)(void *)job;
    Points *p = round->points;
    Call *calls[METHOD_EACH_MOST];
    for (size_t n; (n = take(p, round, calls)) > 0;) {
        p->serve(calls, n, arena);
        arena_reset(arena);
    }
}

Points *points_new(Workers *workers, PointsServe serve) {
    Points *p = calloc(1, sizeof *p);
    if (!p) {
        return NULL;
    }
    p->workers = workers;
    p->serve = serve;
    pthread_mutex_init(&p->lock, NULL);
    for (size_t i = 0; i < ROUNDS; i++) {
        p->rounds[i] = (Round){.job.run = run_round, .points = p};
    }
    return p;
}

void points_free(Points *p) {
    if (p) {
        pthread_mutex_destroy(&p->lock);
        free(p);
    }
}

/* False: no round is under way, and none can be begun. */
static bool begin_round_locked(Points *p) {
    for (size_t i = 0; i < ROUNDS; i++) {
        Round *round = &p->rounds[i];
        if (!round->under_way) {
            round->under_way = workers_submit(p->workers, &round->job);
            p->under_way += round->under_way;
            break;
        }
    }
    return p->under_way > 0;
}

PointsPlace points_enter(Points *p, Call *call) {
    PointsPlace place = POINTS_HERE;
    pthread_mutex_lock(&p->lock);
    if (p->here + p->under_way == 0) {
        p->here++;
    } else {
        http_suspend(call->http);
        place = begin_round_locked(p) ? POINTS_LINED_UP : POINTS_TURNED_AWAY;
    }
    if (place == POINTS_LINED_UP) {
        call->next_point = NULL;
        *(p->first ? &p->last->next_point : &p->first) = call;
        p->last = call;
    }
    pthread_mutex_unlock(&p->lock);
    return place;
}

void points_leave(Points *p) {
    pthread_mutex_lock(&p->lock);
    p->here--;
    pthread_mutex_unlock(&p->lock);
}
