/* One row per method of any protocol. Dispatch, metrics, access control, /admin/methods and the docs come from it. */
#ifndef PROPOLIS_SERVER_METHOD_H
#define PROPOLIS_SERVER_METHOD_H

#include "base/err.h"

typedef struct Request Request;
typedef bool (*MethodHandler)(Request *r, Err *err);
/* The same for several callers at once; each has its own outcome. */
typedef void (*MethodEach)(Request *const *requests, size_t count, bool *ret_ok, Err *errs);

enum { METHOD_EACH_MOST = 24 };

enum {
    METHOD_READ = 1 << 0,
    METHOD_WRITE = 1 << 1,
    METHOD_BULK = 1 << 2,   /* runs with the bulk workers and their connections */
    METHOD_POINT = 1 << 3,  /* one short select: runs on the HTTP thread (see dispatch.c), never compressed */
    METHOD_PUBLIC = 1 << 4, /* needs no login */
    METHOD_PROBE = 1 << 5,  /* touches no database and never blocks: runs on the HTTP thread */
    METHOD_HELD = 1 << 6,   /* may be held open; its time is not in the latency histogram */
    METHOD_MATCH = 1 << 7,  /* heeds If-Match; a write that does not refuses it */
};

typedef struct Method {
    const char *name; /* "table.get": metrics, change log, access control */
    const char *verb; /* HTTP method */
    const char *path; /* pattern: {name} stands for one segment, "{name}:word" for one with that ending */
    MethodHandler handler;
    unsigned flags;
    const char *
        action; /* what the permission hook is asked: list, read, create, alter, drop, read_secret, admin, own (the user itself, or an admin) */
    const char *query; /* query parameters it knows, separated by commas; NULL: none */
    const char *since;
    const char *doc;
    MethodEach each; /* of point reads that many ask for at a time */
} Method;

typedef struct MethodTable {
    const Method *rows;
    size_t count;
} MethodTable;

#endif
