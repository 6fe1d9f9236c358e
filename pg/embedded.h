/* The private cluster: PostgreSQL in the server's own data directory, reached by a unix socket only.
 *
 * PostgreSQL runs directly as our child in a session of its own. It is not tied to our life: when the server is killed, the
 * cluster stays, the next start finds and adopts it, and nothing has to be recovered. When PostgreSQL is killed, a
 * watchdog starts it again while requests get "unavailable".
 * Threads: start and stop from one thread; the watchdog has its own. */
#ifndef PROPOLIS_PG_EMBEDDED_H
#define PROPOLIS_PG_EMBEDDED_H

#include "base/arena.h"

typedef struct Embedded Embedded;

typedef struct EmbeddedOptions {
    Str data_dir;             /* created when missing; see datadir.h */
    Str bindir;               /* null: look for PostgreSQL's programs */
    int connections;          /* what the pools need together */
    int64_t shared_buffers;   /* bytes; 0: PostgreSQL's own default */
    int64_t start_timeout_ms; /* for it to answer, recovery included */
} EmbeddedOptions;

/* Takes the data directory, makes the cluster on first use, starts or adopts PostgreSQL and waits until it answers. The
 * process must not be root any more (service_user_become()). */
bool embedded_start(const EmbeddedOptions *options, Embedded **ret, Err *err) WARN_UNUSED;
void embedded_stop(Embedded *embedded); /* ends open transactions, waits for the end, gives the directory back */
/* The address of the cluster that runs in a data directory right now, for tools beside the server: nothing is locked,
 * started or adopted. False: none runs there. */
bool embedded_find(Str data_dir, Arena *arena, Str *ret_url);
/* For pg_open(). Lives as long as EMBEDDED. */
const char *embedded_url(const Embedded *embedded);
int embedded_pid(Embedded *embedded); /* of the postmaster; 0 while it is away */
bool embedded_was_adopted(const Embedded *embedded);

#endif
