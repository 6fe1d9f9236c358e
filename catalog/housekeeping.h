/* Housekeeping: what the catalog does by itself: settle moves that were cut off, delete data of dropped objects, remove
 * what retention rules let go. Any number of servers may run it at once. */
#ifndef PROPOLIS_CATALOG_HOUSEKEEPING_H
#define PROPOLIS_CATALOG_HOUSEKEEPING_H

#include "catalog/ctx.h"

/* Jobs that are due and moves whose lease is over. Every few seconds; *ret_worked true when there was something to do. */
bool housekeeping_jobs(Ctx *ctx, bool alone, bool *ret_worked, Err *err) WARN_UNUSED;
/* Retention, and secrets to be sealed under the newest key. Every few minutes. */
bool housekeeping_sweep(Ctx *ctx, Err *err) WARN_UNUSED;
/* What must not wait behind the others: locks and transactions that time out. Every housekeeping_pulse_ms(). */
bool housekeeping_pulse(Ctx *ctx, Err *err) WARN_UNUSED;
int64_t housekeeping_pulse_ms(const Ctx *ctx);

#endif
