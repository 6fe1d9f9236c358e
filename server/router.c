#include "server/router.h"

enum { SEGMENTS_MAX = 16 };

/* One segment of a pattern: a literal, or a value that may have to end in SUFFIX (":rename"). */
typedef struct Segment {
    Str text;
    bool value;
} Segment;

typedef struct Route {
    const Method *method;
    Str verb;
    Segment segments[SEGMENTS_MAX];
    size_t count;
} Route;

struct Router {
    Route *routes; /* by number of segments; more literal text first */
    size_t count;
    size_t first[SEGMENTS_MAX + 2]; /* routes of N segments: first[N] to first[N + 1] */
};

static size_t literal_length(const Route *r) {
    size_t len = 0;
    for (size_t i = 0; i < r->count; i++) {
        len += r->segments[i].text.len;
    }
    return len;
}

static int route_order(const void *a, const void *b) {
    const Route *x = a, *y = b;
    if (x->count != y->count) {
        return x->count < y->count ? -1 : 1;
    }
    size_t lx = literal_length(x), ly = literal_length(y);
    return lx == ly ? 0 : lx > ly ? -1 : 1;
}

static void compile(Route *route, const Method *method) {
    *route = (Route){.method = method, .verb = str_from(method->verb)};
    Str rest = str_skip(str_from(method->path), 1), part;
    while (route->count < SEGMENTS_MAX && str_split(&rest, '/', &part)) {
        Segment *s = &route->segments[route->count++];
        size_t close = str_find_char(part, '}');
        s->value = str_starts(part, STR("{"));
        s->text = s->value ? str_skip(part, close + 1) : part;
    }
}

Router *router_new(MethodTable methods) {
    Router *router = calloc(1, sizeof *router);
    Route *routes = calloc(methods.count, sizeof *routes);
    if (!router || !routes) {
        free(router);
        free(routes);
        return NULL;
    }
    for (size_t i = 0; i < methods.count; i++) {
        compile(&routes[i], &methods.rows[i]);
    }
    qsort(routes, methods.count, sizeof *routes, route_order);
    router->routes = routes;
    router->count = methods.count;
    size_t at = 0;
    for (size_t n = 0; n <= SEGMENTS_MAX + 1; n++) {
        while (at < methods.count && routes[at].count < n) {
            at++;
        }
        router->first[n] = at;
    }
    return router;
}

void router_free(Router *router) {
    if (router) {
        free(router->routes);
        free(router);
    }
}

static bool segment_matches(const Segment *s, Str part) {
    return s->value ? part.len > s->text.len && str_ends(part, s->text) : str_eq(part, s->text);
}

static bool route_matches(const Route *route, const Str *parts) {
    for (size_t i = route->count; i-- > 0;) { /* from the end: that is where routes differ */
        if (!segment_matches(&route->segments[i], parts[i])) {
            return false;
        }
    }
    return true;
}

static size_t split_path(Str path, Str parts[SEGMENTS_MAX]) {
    size_t count = 0;
    Str rest = str_starts(path, STR("/")) ? str_skip(path, 1) : path, part;
    while (str_split(&rest, '/', &part)) {
        if (count == SEGMENTS_MAX) {
            return SEGMENTS_MAX + 1;
        }
        parts[count++] = part;
    }
    return count;
}

static void take_values(const Route *route, const Str *parts, RouteMatch *ret) {
    *ret = (RouteMatch){.method = route->method};
    for (size_t i = 0; i < route->count && ret->value_count < REQUEST_PATH_VALUES; i++) {
        if (route->segments[i].value) {
            ret->values[ret->value_count++] = str_slice(parts[i], 0, parts[i].len - route->segments[i].text.len);
        }
    }
}

bool router_match(const Router *router, Str verb, Str path, RouteMatch *ret, Err *err) {
    Str parts[SEGMENTS_MAX];
    size_t count = split_path(path, parts);
    bool path_known = false;
    Str wanted = str_eq(verb, STR("HEAD")) ? STR("GET") : verb;
    for (size_t i = count <= SEGMENTS_MAX ? router->first[count] : router->count;
         i < router->count && router->routes[i].count == count; i++) {
        const Route *route = &router->routes[i];
        bool same_verb = str_eq(route->verb, wanted);
        if ((same_verb || !path_known) && route_matches(route, parts)) {
            if (same_verb) {
                take_values(route, parts, ret);
                return true;
            }
            path_known = true;
        }
    }
    if (path_known) {
        return err_set(err, ERR_METHOD_NOT_ALLOWED,
                       "This path does not answer to %" STR_FMT "; the Allow header names what it does.", STR_ARG(verb));
    }
    return err_set(err, ERR_ROUTE_NOT_FOUND,
                   "There is no such path: \"%" STR_FMT "\". /openapi.yaml lists all paths; the API begins with /api/v1.",
                   STR_ARG(str_slice(path, 0, 300)));
}

Str router_allowed(const Router *router, Str path, Arena *arena) {
    Str parts[SEGMENTS_MAX], allowed = STR_NULL;
    size_t count = split_path(path, parts);
    for (size_t i = 0; i < router->count; i++) {
        const Route *route = &router->routes[i];
        if (route->count == count && route_matches(route, parts)) {
            allowed = str_is_null(allowed) ? route->verb : ARENA_CONCAT(arena, allowed, STR(", "), route->verb);
        }
    }
    return allowed;
}
