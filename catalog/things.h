/* Things: what few clients ask for and nothing in the catalog depends on. A kind, the names that make the key, and bytes that
 * only the door understands which made them; the rules of each kind are that door's, too. */
#ifndef PROPOLIS_CATALOG_THINGS_H
#define PROPOLIS_CATALOG_THINGS_H

#include "catalog/ctx.h"

typedef struct ThingKind {
    const char *name;
    bool sealed; /* the bytes are kept as secrets are */
    bool admin;  /* only for administrators, and without names in the change log */
    bool quiet;  /* measurements: not in the change log */
} ThingKind;

#define THING_CONNECTOR "data_connector"
/* Keys of these kinds begin with a catalog and a database: they go, and are renamed, with it. */
#define THINGS_IN_DATABASE "'schema', 'schema_version', 'stored_procedure', 'package'"

typedef struct Thing {
    int64_t number; /* of nothing else, ever */
    Str key, body;
    Micros created_at, updated_at;
} Thing;
typedef struct ThingList {
    Thing *items;
    size_t count;
} ThingList;

/* The names, each escaped and with a '/' behind it: what some names lead to begins with their key. */
Str thing_key(Arena *arena, size_t count, const Str *names);
Str thing_key_last(Arena *arena, Str key); /* the last name; null: there is none */

/* Several steps as one. All who change things go one after the other, so nobody comes in between. */
typedef struct Things {
    Ctx *ctx;
    PgConn *conn;
} Things;
/* BODY may run more than once; see pg_transaction(). */
typedef bool (*ThingsBody)(Things *things, void *arg, Err *err);
bool things_read(Ctx *ctx, const ThingKind *kind, ThingsBody body, void *arg, Err *err) WARN_UNUSED;
bool things_change(Ctx *ctx, const ThingKind *kind, Action action, ThingsBody body, void *arg, Err *err) WARN_UNUSED;

bool thing_find(Things *things, const ThingKind *kind, Str key, bool *ret_found, Thing *ret, Err *err) WARN_UNUSED;
/* Whose key begins with PREFIX (a key itself, or empty), by key. */
bool thing_list(Things *things, const ThingKind *kind, Str prefix, ThingList *ret, Err *err) WARN_UNUSED;
/* *ret_number: 0: there is one already. */
bool thing_add(Things *things, const ThingKind *kind, Str key, Str body, int64_t *ret_number, Err *err) WARN_UNUSED;
/* Makes it or replaces it. */
bool thing_put(Things *things, const ThingKind *kind, Str key, Str body, Err *err) WARN_UNUSED;
bool thing_remove(Things *things, const ThingKind *kind, Str key, bool *ret_removed, Err *err) WARN_UNUSED;
/* With PREFIX's own, without entries in the change log. */
bool thing_remove_below(Things *things, const ThingKind *kind, Str prefix, Err *err) WARN_UNUSED;
/* Those made longer ago, without entries in the change log. */
bool thing_forget(Things *things, const ThingKind *kind, int64_t seconds, Err *err) WARN_UNUSED;
/* The next one, for things that are only numbered. */
bool thing_number(Things *things, int64_t *ret, Err *err) WARN_UNUSED;

#endif
