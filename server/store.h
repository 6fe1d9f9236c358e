/* Store: the database a process works on, the private cluster or one by address. */
#ifndef PROPOLIS_SERVER_STORE_H
#define PROPOLIS_SERVER_STORE_H

#include "config/config.h"
#include "pg/embedded.h"
#include "pg/pg.h"

typedef struct Store {
    Embedded *embedded; /* NULL: not ours to stop */
    Pg *pg;
    Str url; /* a secret when it holds a password */
} Store;

/* First of all, before any thread: a process started as root goes on as the service user. */
bool store_become_service_user(const Config *config, Err *err) WARN_UNUSED;
/* Makes the data directory, starts the cluster when it is the private one, opens the pools. */
bool store_open(const Config *config, Arena *arena, Store *ret, Err *err) WARN_UNUSED;
/* False, and an error: the private cluster was never made. */
bool store_is_there(const Config *config, Arena *arena, Err *err) WARN_UNUSED;
/* For tools: the cluster of a running server is used as it is, by whoever may reach it; when none runs it is started, as the
 * service user, for as long as we need it. None is made: a mistyped data directory is an error. */
bool store_attach(const Config *config, Arena *arena, Store *ret, Err *err) WARN_UNUSED;
/* The same, but one is made where there is none. */
bool store_attach_or_make(const Config *config, Arena *arena, Store *ret, Err *err) WARN_UNUSED;
void store_close(Store *store);

#endif
