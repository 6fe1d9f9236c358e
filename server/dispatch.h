/* The way of one request: exchange -> method row -> thread -> handler -> answer. */
#ifndef PROPOLIS_SERVER_DISPATCH_H
#define PROPOLIS_SERVER_DISPATCH_H

#include "server/request.h"
#include "server/router.h"
#include "server/workers.h"

/* What travels with an exchange (its "user" bytes). */
typedef struct Call {
    Job job; /* first */
    Server *server;
    HttpExchange *http;
    RouteMatch match;
    Err route_err; /* why match.method is NULL */
    bool on_http_thread;
    struct Call *next_point; /* in line (points.h) */
    /* A call that waits for changes (feed.h). */
    struct Call *next_parked;
    int64_t park_until_us; /* 0: not parked yet */
    int64_t parked_after;  /* wake it when there is a change above this */
} Call;

/* HttpOptions.on_body: a large body is not taken before it is known who sends it, when a login is needed at all. */
HttpBodyRule dispatch_body(HttpExchange *exchange, void *server);
void dispatch_request(HttpExchange *exchange, void *server);          /* HttpOptions.on_request */
void dispatch_points(Call *const *calls, size_t count, Arena *arena); /* PointsServe */
bool dispatch_submit(Call *call);                                     /* to the workers of its class; false: full */
/* Answers a call that cannot be served. */
void dispatch_refuse(Call *call, ErrCode code, const char *why);

#endif
