/* From verb and path to the row of the method table. */
#ifndef PROPOLIS_SERVER_ROUTER_H
#define PROPOLIS_SERVER_ROUTER_H

#include "base/arena.h"
#include "server/method.h"
#include "server/request.h"

typedef struct Router Router;

typedef struct RouteMatch {
    const Method *method;
    Str values[REQUEST_PATH_VALUES]; /* still percent-encoded */
    size_t value_count;
} RouteMatch;

Router *router_new(MethodTable methods);
void router_free(Router *router);
/* ROUTE_NOT_FOUND, or METHOD_NOT_ALLOWED when the path exists with other verbs. HEAD counts as GET. */
bool router_match(const Router *router, Str verb, Str path, RouteMatch *ret, Err *err) WARN_UNUSED;
Str router_allowed(const Router *router, Str path, Arena *arena); /* "GET, PUT" */

#endif
