#include "server/dispatch.h"

#include <pthread.h>

#include "base/log.h"
#include "server/points.h"
#include "server/server.h"

/* The design lets HTTP threads only parse. Point reads (one short select) are the exception, because it was measured: with
 * a hand-over to a worker and back, 32 clients on 2 cores get 26,000 to 34,000 of them a second against 43,000 without,
 * and one client 8,700 against 11,000. They run here only while PostgreSQL answers quickly and the caller is known
 * already; after a slow one (SLOW_US) all go to the workers for a while, so that a database that hangs cannot silence
 * the HTTP threads. Those that several callers ask for at once go to a worker together (points.h): in one round trip they
 * cost less than the hand-over, and a third fewer switches between threads. */
enum { SLOW_US = 200 * 1000, WORKERS_AFTER_SLOW_US = 1000 * 1000, GZIP_FROM_BYTES = 1024 };

/* ---- the arena of an HTTP thread ---- */

static pthread_key_t arena_key;
static pthread_once_t arena_key_once = PTHREAD_ONCE_INIT;

static void arena_key_free(void *arena) { arena_free(arena); }
static void arena_key_init(void) { pthread_key_create(&arena_key, arena_key_free); }

static Arena *thread_arena(size_t limit) {
    pthread_once(&arena_key_once, arena_key_init);
    Arena *arena = pthread_getspecific(arena_key);
    if (!arena) {
        arena = arena_new(limit);
        pthread_setspecific(arena_key, arena);
    }
    return arena;
}

/* ---- one request ---- */

static bool decode_path(Request *r, const RouteMatch *match, Err *err) {
    for (size_t i = 0; i < match->value_count; i++) {
        if (!percent_decode(r->arena, match->values[i], false, "A name in the path", &r->path[i], err)) {
            return false;
        }
    }
    return true;
}

/* Ids only have to differ, so random bytes are fetched for many requests at once: a system call less for each. */
static Uuid request_id_new(void) {
    enum { AT_ONCE = 64 };
    static _Thread_local Uuid ids[AT_ONCE];
    static _Thread_local size_t left;
    if (left == 0) {
        random_bytes(ids, sizeof ids);
        left = AT_ONCE;
    }
    Uuid id = ids[--left];
    id.bytes[6] = (unsigned char)(0x40 | (id.bytes[6] & 0x0F));
    id.bytes[8] = (unsigned char)(0x80 | (id.bytes[8] & 0x3F));
    return id;
}

/* It goes into the history of everything: not too long, and text that can be stored. */
static Str agent_of(const HttpExchange *http, Arena *arena) {
    enum { MOST = 512 };
    Str agent = http->headers[HTTP_USER_AGENT];
    if (agent.len <= MOST && utf8_valid(agent)) {
        return agent;
    }
    char *text = arena_alloc(arena, MOST);
    size_t len = MIN(agent.len, (size_t)MOST);
    for (size_t i = 0; i < len; i++) {
        text[i] = (unsigned char)agent.ptr[i] < 0x80 ? agent.ptr[i] : '?';
    }
    return (Str){text, len};
}

static void request_begin(Request *r, Call *call, Arena *arena) {
    Server *server = call->server;
    const Method *method = call->match.method;
    *r = (Request){.server = server, .http = call->http, .call = call, .method = method, .arena = arena};
    r->answer = (HttpAnswer){.status = 200, .body = BUF_INIT((size_t)server->limits.request_memory)};
    if (!uuid_parse(call->http->headers[HTTP_X_REQUEST_ID], &r->caller.request_id)) {
        r->caller.request_id = request_id_new();
    }
    uuid_text(r->caller.request_id, r->request_id);
    r->caller.client = call->http->client;
    r->caller.agent = agent_of(call->http, arena);
    r->caller.protocol = STR("rest");
    r->caller.operation = str_from(method ? method->name : NULL);
    r->ctx = (Ctx){
        .catalog = &server->catalog,
        .arena = arena,
        .caller = &r->caller,
        .deadline = {call->http->received_us + server->limits.timeout_ms * 1000},
        .pool = method && (method->flags & METHOD_BULK) ? PG_BULK : PG_READ,
    };
    if (call->park_until_us) {
        r->ctx.deadline = deadline_in_ms(server->limits.timeout_ms);
    }
}

/* A condition that is not looked at must not seem to have been met. */
static bool check_condition(const Request *r, Err *err) {
    Str tag = r->http->headers[HTTP_IF_MATCH];
    if (str_is_null(tag) || str_eq(str_trim(tag), STR("*")) || (r->method->flags & (METHOD_MATCH | METHOD_READ))) {
        return true;
    }
    return err_set(err, ERR_INVALID_INPUT, "If-Match has no meaning for %s: what it changes has no ETag. Leave the header out.",
                   r->method->name);
}

/* Taken as it is, a packed body would be "not JSON"; unpacking would let a few bytes become very many. */
static bool comes_packed(const HttpExchange *http) {
    Str encoding = str_trim(http->headers[HTTP_CONTENT_ENCODING]);
    return !str_is_empty(encoding) && !str_eq_nocase(encoding, STR("identity")) && http_has_body(http);
}

static bool check_encoding(const Request *r, Err *err) {
    Str encoding = str_trim(r->http->headers[HTTP_CONTENT_ENCODING]);
    return !comes_packed(r->http) ||
           err_set(err, ERR_UNSUPPORTED_MEDIA_TYPE,
                   "The body comes with \"Content-Encoding: %" STR_FMT
                   "\", but the server takes bodies as they are. Send it uncompressed and without that header.",
                   STR_ARG(str_slice(encoding, 0, 100)));
}

/* All that stands before the handler. */
static bool request_admit(Request *r, Call *call, Err *err) {
    if (call->http->body_loss == HTTP_BODY_TOO_LARGE) {
        int64_t most = r->server->limits.body;
        return err_set(err, ERR_REQUEST_TOO_LARGE, "The body is larger than the limit of %" PRId64 " bytes (limits.request_body).",
                       most);
    }
    if (call->http->body_loss == HTTP_BODY_NO_ROOM) {
        return err_set(err, ERR_OVERLOADED,
                       "Other requests have filled the memory for bodies (limits.request_bodies). Try again in a moment.");
    }
    if (!r->method) {
        *err = call->route_err;
        return false;
    }
    return auth_login(r->server->auth, r, err) && check_encoding(r, err) && check_condition(r, err) &&
           decode_path(r, &call->match, err) && request_parse_query(r, err);
}

static bool request_done(Request *r, Err *err) {
    return r->parked || (arena_check(r->arena, err) && buf_check(&r->answer.body, "The answer", err));
}

static bool request_run(Request *r, Call *call, Err *err) {
    return request_admit(r, call, err) && r->method->handler(r, err) && request_done(r, err);
}

static void request_fail(Request *r, const Err *err) {
    const char *what = r->method ? r->method->name : "request";
    if (refusals_note(r->server->refusals, err, clock_monotonic_us())) {
        log_err(err, what);
    } else {
        log_debug("%s: %s: %s", what, err_info(err->code)->name, err->message);
    }
    request_problem(r, err);
    if (err->code == ERR_METHOD_NOT_ALLOWED) {
        http_answer_header(&r->answer, "Allow", arena_cstr(r->arena, router_allowed(r->server->router, r->http->path, r->arena)));
    }
}

static bool worth_compressing(const Request *r) {
    size_t len = str_is_null(r->answer.fixed) ? r->answer.body.len : r->answer.fixed.len;
    return len > GZIP_FROM_BYTES && !(r->method && (r->method->flags & METHOD_POINT));
}

static void request_send(Request *r) {
    http_answer_header(&r->answer, "X-Request-Id", r->request_id);
    if (worth_compressing(r)) {
        http_answer_header(&r->answer, "Vary", "Accept-Encoding");
        if (http_accepts_gzip(r->http)) {
            http_answer_gzip(&r->answer);
        }
    }
    if (atomic_load_explicit(&r->server->stopping, memory_order_relaxed)) {
        http_answer_header(&r->answer, "Connection", "close");
    }
    http_answer(r->http, &r->answer);
}

static void call_end(Call *call, Request *r, bool ok, const Err *err) {
    Server *server = call->server;
    const Method *method = call->match.method;
    bool point_here = call->on_http_thread && method && (method->flags & METHOD_POINT);
    int64_t since = call->http->received_us;
    log_context_set(str_from(r->request_id), STR_NULL, call->http->client);
    if (!ok) {
        request_fail(r, err);
    }
    int64_t now = clock_monotonic_us();
    if (!r->parked) { /* else it belongs to the feed, and may be answered already */
        metrics_record(server->metrics, method, err->code, method && (method->flags & METHOD_HELD) ? 0 : now - since);
        if (ok && method && (method->flags & METHOD_WRITE)) {
            feed_kick(server->feed);
        }
        request_send(r);
    } else {
        buf_free(&r->answer.body);
    }
    if (point_here && now - since > SLOW_US) {
        atomic_store_explicit(&server->points_to_workers_until_us, now + WORKERS_AFTER_SLOW_US, memory_order_relaxed);
    }
    log_context_clear();
}

static void call_serve(Call *call, Arena *arena) {
    Request r;
    Err err = {.code = ERR_NONE};
    request_begin(&r, call, arena);
    log_context_set(str_from(r.request_id), STR_NULL, call->http->client);
    bool ok = request_run(&r, call, &err);
    call_end(call, &r, ok, &err);
}

typedef struct Several {
    Request requests[METHOD_EACH_MOST];
    bool ok[METHOD_EACH_MOST];
    Err errs[METHOD_EACH_MOST];
} Several;

static void run_each(Several *s, Call *const *calls, size_t count) {
    Request *admitted[METHOD_EACH_MOST];
    bool ok[METHOD_EACH_MOST] = {false};
    Err errs[METHOD_EACH_MOST];
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        s->ok[i] = request_admit(&s->requests[i], calls[i], &s->errs[i]);
        if (s->ok[i]) {
            admitted[n++] = &s->requests[i];
        }
    }
    if (n > 0) {
        calls[0]->match.method->each(admitted, n, ok, errs);
    }
    for (size_t i = 0, k = 0; i < count; i++) {
        if (s->ok[i]) {
            s->ok[i] = ok[k] && request_done(&s->requests[i], &errs[k]);
            s->errs[i] = s->ok[i] ? (Err){.code = ERR_NONE} : errs[k];
            k++;
        }
    }
}

/* All share the memory that one request may have. When that was too little, each is served by itself. */
void dispatch_points(Call *const *calls, size_t count, Arena *arena) {
    Several *s = ARENA_NEW(arena, Several);
    for (size_t i = 0; i < count; i++) {
        request_begin(&s->requests[i], calls[i], arena);
    }
    run_each(s, calls, count);
    bool enough = !arena_exceeded(arena);
    for (size_t i = 0; i < count; i++) {
        if (enough) {
            call_end(calls[i], &s->requests[i], s->ok[i], &s->errs[i]);
        } else {
            buf_free(&s->requests[i].answer.body);
        }
    }
    for (size_t i = 0; i < count && !enough; i++) {
        arena_reset(arena);
        call_serve(calls[i], arena);
    }
}

static void call_run(Job *job, Arena *arena) { call_serve((Call *)(void *)job, arena); }

static bool runs_here(const Call *call) {
    const Server *server = call->server;
    const Method *method = call->match.method;
    if (!method || call->http->body_loss != HTTP_BODY_KEPT || (method->flags & METHOD_PROBE)) {
        return true;
    }
    return (method->flags & METHOD_POINT) &&
           clock_monotonic_us() >= atomic_load_explicit(&server->points_to_workers_until_us, memory_order_relaxed) &&
           auth_is_quick(server->auth, call->http);
}

bool dispatch_submit(Call *call) {
    Server *server = call->server;
    call->job.run = call_run;
    call->on_http_thread = false;
    return workers_submit((call->match.method->flags & METHOD_BULK) ? server->bulk : server->read, &call->job);
}

void dispatch_refuse(Call *call, ErrCode code, const char *why) {
    Arena *arena = arena_new((size_t)call->server->limits.request_memory);
    Request r;
    Err err;
    err_set(&err, code, "%s", why);
    request_begin(&r, call, arena);
    request_fail(&r, &err);
    metrics_record(call->server->metrics, call->match.method, code, clock_monotonic_us() - call->http->received_us);
    request_send(&r);
    arena_free(arena);
}

static Call *call_begin(HttpExchange *exchange, void *server) {
    Call *call = exchange->user;
    call->server = server;
    call->http = exchange;
    if (!router_match(call->server->router, exchange->verb, exchange->path, &call->match, &call->route_err)) {
        call->match.method = NULL;
    }
    return call;
}

/* The login alone, on a worker. Who is in may send the body; the login is then known for the request itself. */
static void call_admit(Job *job, Arena *arena) {
    Call *call = (Call *)(void *)job;
    Request r;
    Err err;
    request_begin(&r, call, arena);
    log_context_set(str_from(r.request_id), STR_NULL, call->http->client);
    if (auth_login(call->server->auth, &r, &err)) {
        http_take_body(call->http);
    } else {
        request_fail(&r, &err);
        metrics_record(call->server->metrics, call->match.method, err.code, clock_monotonic_us() - call->http->received_us);
        request_send(&r);
    }
    log_context_clear();
}

static void refuse_full_queue(Call *call) {
    dispatch_refuse(call, ERR_OVERLOADED,
                    "The server has more work waiting than it accepts (limits.queue). Try again in a moment.");
}

HttpBodyRule dispatch_body(HttpExchange *exchange, void *arg) {
    Call *call = call_begin(exchange, arg);
    const Method *method = call->match.method;
    if (!method || (method->flags & METHOD_PUBLIC) || comes_packed(exchange)) {
        return HTTP_BODY_LEAVE;
    }
    if (auth_mode(call->server->auth) != AUTH_REQUIRED) {
        return HTTP_BODY_TAKE;
    }
    if (auth_is_quick(call->server->auth, exchange)) {
        return str_is_null(exchange->headers[HTTP_AUTHORIZATION]) ? HTTP_BODY_LEAVE : HTTP_BODY_TAKE;
    }
    http_suspend(exchange);
    call->job.run = call_admit;
    if (!workers_submit(call->server->read, &call->job)) {
        refuse_full_queue(call);
    }
    return HTTP_BODY_WAIT;
}

static void serve_here(Call *call) {
    Points *points = call->match.method && call->match.method->each && call->http->body_loss == HTTP_BODY_KEPT
                         ? call->server->points
                         : NULL;
    PointsPlace place = points ? points_enter(points, call) : POINTS_HERE;
    if (place == POINTS_TURNED_AWAY) {
        refuse_full_queue(call);
    }
    if (place != POINTS_HERE) {
        return;
    }
    Arena *arena = thread_arena((size_t)call->server->limits.request_memory);
    call->on_http_thread = true;
    call_serve(call, arena);
    arena_reset(arena);
    if (points) {
        points_leave(points);
    }
}

void dispatch_request(HttpExchange *exchange, void *arg) {
    Call *call = call_begin(exchange, arg);
    if (runs_here(call)) {
        serve_here(call);
        return;
    }
    http_suspend(exchange);
    if (!dispatch_submit(call)) {
        refuse_full_queue(call);
    }
}
