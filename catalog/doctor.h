/* Doctor: how the store is doing, in numbers. What they mean for a person is for a door to say. */
#ifndef PROPOLIS_CATALOG_DOCTOR_H
#define PROPOLIS_CATALOG_DOCTOR_H

#include "catalog/ctx.h"

typedef struct StoreHealth {
    int server_version; /* 150004 = 15.4 */
    int64_t latency_us; /* of one statement there and back */
    Micros clock;       /* the database's */
    Micros clock_here;  /* ours at that moment, half of the latency taken off */
    int64_t max_connections, reserved_connections;
    bool durable;       /* fsync, full_page_writes and synchronous_commit are not off */
    int64_t unnumbered; /* committed changes that have no change id yet; counted up to UNNUMBERED_COUNTED */
} StoreHealth;
enum { UNNUMBERED_COUNTED = 1000000 };

/* Needs ACTION_ADMIN. */
bool doctor_look(Ctx *ctx, StoreHealth *ret, Err *err) WARN_UNUSED;

#endif
