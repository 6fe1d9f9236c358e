/* Sealing: the secrets of objects, kept under the newest key of the key file, which may get a new one while servers run.
 *
 * Threads: the keys in use are swapped whole; who holds the former ones may go on with them. */
#ifndef PROPOLIS_CATALOG_SEALING_H
#define PROPOLIS_CATALOG_SEALING_H

#include "catalog/ctx.h"
#include "catalog/secret.h"

/* Bound to the connection: put into another one, it cannot be opened. */
bool sealing_close(Ctx *ctx, int64_t connection_id, Str plain, Str *ret_sealed, Err *err) WARN_UNUSED;
/* Loads the key file again when the text was sealed with a key this process does not know. */
bool sealing_open(Ctx *ctx, int64_t connection_id, Str sealed, Str *ret_plain, Err *err) WARN_UNUSED;
/* The same for what is no connection, bound to NAME. */
bool sealing_close_named(Ctx *ctx, Str name, Str plain, Str *ret_sealed, Err *err) WARN_UNUSED;
bool sealing_open_named(Ctx *ctx, Str name, Str sealed, Str *ret_plain, Err *err) WARN_UNUSED;

/* Takes the keys of the file as they are now. On failure the former ones stay. */
bool sealing_reload(Catalog *catalog, Err *err) WARN_UNUSED;
/* Seals again what is under an older key; what cannot be opened is left, and an error once all others are done. This is no
 * change of the objects: no version, no entry in the log. */
bool sealing_renew(Ctx *ctx, int64_t *ret_count, Err *err) WARN_UNUSED;

/* Whether KEYS open what is stored, tried with one connection for each key there is. Asks for no right, as nothing opened is
 * returned. */
typedef struct SealHealth {
    int64_t opened, closed; /* connections under keys that are there, and under others */
    Str missing;            /* ids of keys that are not there; null: none */
    Err why;                /* of the first that could not be opened */
} SealHealth;
bool sealing_try(Ctx *ctx, const SecretKeys *keys, SealHealth *ret, Err *err) WARN_UNUSED;

#endif
