/* server: the process. Listeners, workers, what a request is and how it gets to its handler; adapters live in rest/ (and
 * later hms/, glue/), who calls is found out in auth/.
 *
 * Purpose:   translate shapes and errors between a wire and the use cases of catalog/, and nothing else.
 * Ownership: one Server per process, made and taken down by main.c. An HttpExchange carries a Call from its first byte
 *            to its last; a Request exists only while a thread serves it, its memory is that thread's arena.
 * Threads:   HTTP threads parse and must not wait; workers may block; the feed's ticker wakes what is parked.
 *            Everything in Server is shared and either constant after start or does its own locking. */
#ifndef PROPOLIS_SERVER_SERVER_H
#define PROPOLIS_SERVER_SERVER_H

#include <stdatomic.h>

#include "catalog/ctx.h"
#include "server/auth/auth.h"
#include "server/feed.h"
#include "server/http.h"
#include "server/metrics.h"
#include "server/refusals.h"
#include "server/router.h"
#include "server/workers.h"

/* Limits that a reload may change under running requests. */
typedef struct ServerLimits {
    _Atomic int64_t body, page, page_default, list_page, json_depth, request_memory, timeout_ms, wait_ms;
} ServerLimits;

struct Server {
    Catalog catalog;
    ServerLimits limits;
    Uuid instance; /* of the installation, from the store */
    MethodTable methods;
    Router *router;
    Metrics *metrics;
    Refusals *refusals;
    Auth *auth;
    Feed *feed;
    Workers *read, *bulk;
    struct Points *points;
    HttpServer *http;
    struct ThriftServer *thrift;
    Micros started_at;
    atomic_bool stopping;
    /* Until then point reads go to the workers, because the database was slow (monotonic). */
    _Atomic int64_t points_to_workers_until_us;
};

extern const char SERVER_VERSION[];

/* Runs the server until it is told to stop; the exit code of the program. */
int server_run(const Config *config);
/* What a person reads once at the start, and the line for scripts. */
void banner_print(const Config *config, AuthMode mode, uint16_t http_port, uint16_t thrift_port, bool made_token);

#endif
