/* Housekeeper: the thread that does what the catalog does by itself (catalog/housekeeping.h), at the pace of jobs.*. */
#ifndef PROPOLIS_SERVER_HOUSEKEEPER_H
#define PROPOLIS_SERVER_HOUSEKEEPER_H

#include "catalog/ctx.h"

typedef struct Housekeeper Housekeeper;

/* ALONE: no other server can work on this store, so what is left over from a crash is settled at once, before the
 * function returns. */
bool housekeeper_start(Catalog *catalog, bool alone, Housekeeper **ret, Err *err) WARN_UNUSED;
void housekeeper_stop(Housekeeper *housekeeper); /* waits for the step it is in; NULL is fine */

#endif
