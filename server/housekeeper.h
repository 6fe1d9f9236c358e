/* Housekeeper: the thread that does what the catalog does by itself (catalog/housekeeping.h), at the pace of jobs.*. */
#ifndef PROPOLIS_SERVER_HOUSEKEEPER_H
#define PROPOLIS_SERVER_HOUSEKEEPER_H

#include "catalog/ctx.h"

typedef struct Housekeeper Housekeeper;

/* ALONE: no other server can work on this store, so what is left over from a crash is settled at once, before the
 * function returns. */
bool housekeeper_start(Catalog *catalog, bool alone, Housekeeper **ret, Err *err) WARN_UNUSED;
/* Waits for the step it is in; NULL is fine. False: that takes longer than the timeout, and the thread is left alone. */
bool housekeeper_stop(Housekeeper *housekeeper, int64_t timeout_ms);

#endif
