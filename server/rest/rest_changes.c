#include "base/log.h"
#include "catalog/changes.h"
#include "catalog/json.h"
#include "server/dispatch.h"
#include "server/rest/rest.h"
#include "server/server.h"

enum {
    EVENTS_PER_READ = 500,
    STREAM_BACKLOG = 4 * 1024 * 1024,
    STREAM_AGE_US = 600 * 1000 * 1000,
    STREAM_BEAT_US = 15 * 1000 * 1000
};

static bool read_wait(const Request *r, int64_t *ret_ms, Err *err) {
    Str text = request_query(r, "wait");
    int64_t most = r->server->limits.wait_ms / 1000, seconds = 0;
    if (str_is_null(text)) {
        *ret_ms = 0;
        return true;
    }
    if (!str_to_i64(str_ends(text, STR("s")) ? str_slice(text, 0, text.len - 1) : text, &seconds) || seconds < 0 ||
        seconds > most) {
        return err_set(err, ERR_INVALID_INPUT,
                       "wait must be a number of seconds from 0s to %" PRId64 "s, but it is \"%" STR_FMT "\".", most,
                       STR_ARG(text));
    }
    *ret_ms = seconds * 1000;
    return true;
}

/* A kind that there is not would be an empty answer for ever. */
static bool check_kind(Str kind, Err *err) {
    static const char *const KINDS[] = {"catalog", "database",   "table",      "partition", "function",  "connection", "user",
                                        "token",   "constraint", "statistics", "role",      "privilege", "thing"};
    for (size_t i = 0; i < ARRAY_LEN(KINDS); i++) {
        if (str_eq(kind, str_from(KINDS[i]))) {
            return true;
        }
    }
    return err_set(
        err, ERR_INVALID_INPUT,
        "kind must be catalog, database, table, partition, function, connection, user, token, constraint, statistics, role, "
        "privilege or thing, but it is \"%" STR_FMT "\".",
        STR_ARG(kind));
}

static bool read_query(Request *r, ChangeQuery *ret, Err *err) {
    ChangeQuery q = {
        .catalog = request_query(r, "catalog"),
        .database = request_query(r, "database"),
        .name = request_query(r, "name"),
        .kind = request_query(r, "kind"),
        .principal = request_query(r, "principal"),
        .limit = r->server->limits.page_default,
    };
    if (!str_is_null(q.kind) && !check_kind(q.kind, err)) {
        return false;
    }
    Str seen = r->http->headers[HTTP_LAST_EVENT_ID];
    if (!str_is_null(seen) && (!str_to_i64(seen, &q.after) || q.after < 0)) {
        return err_set(err, ERR_INVALID_INPUT, "Last-Event-ID must be the id of a change.");
    }
    if (!request_query_i64(r, "limit", 1, r->server->limits.page, &q.limit, err) ||
        (str_is_null(seen) && !request_query_i64(r, "after", 0, INT64_MAX, &q.after, err))) {
        return false;
    }
    *ret = q;
    return true;
}

/* --- one page, perhaps after a wait ------------------------------------------------------------------------------ */

/* Everything up to here was looked at, whether it matched or not: where the next page begins. */
static int64_t looked_at(const ChangeQuery *q, const Changes *found) {
    if (found->count == 0) {
        return MAX(q->after, found->last_id);
    }
    bool full = (int64_t)found->count == q->limit;
    return full ? found->items[found->count - 1].change_id : MAX(found->last_id, found->items[found->count - 1].change_id);
}

static bool answer_page(Request *r, const ChangeQuery *q, const Changes *found) {
    JsonWriter w = request_json(r);
    jw_object_begin(&w);
    jw_key(&w, STR("items"));
    jw_array_begin(&w);
    for (size_t i = 0; i < found->count; i++) {
        change_json(&w, &found->items[i]);
    }
    jw_array_end(&w);
    jw_put_i64(&w, "next_after", looked_at(q, found));
    jw_put_i64(&w, "last_change_id", found->last_id);
    jw_object_end(&w);
    return true;
}

/* Once parked, the call belongs to the feed: nothing of it is touched afterwards. */
static bool park(Request *r, int64_t wait_ms, int64_t seen) {
    Call *call = r->call;
    if (!call->park_until_us) {
        call->park_until_us = call->http->received_us + wait_ms * 1000;
    }
    if (clock_monotonic_us() >= call->park_until_us) {
        return false;
    }
    call->parked_after = seen;
    r->parked = feed_park_call(r->server->feed, call);
    return r->parked;
}

/* --- server-sent events ------------------------------------------------------------------------------------------ */

typedef struct EventStream {
    FeedStream feed; /* first */
    Job job;
    Server *server;
    HttpStream *http;
    Arena *arena; /* holds this and what the query and the caller point to */
    ChangeQuery query;
    Caller caller;
} EventStream;

static EventStream *stream_of_job(Job *job) { return (EventStream *)(void *)((char *)job - offsetof(EventStream, job)); }

static void stream_end(FeedStream *feed) {
    EventStream *s = (EventStream *)(void *)feed;
    http_stream_close(s->http);
    arena_free(s->arena);
}

static bool stream_beat(FeedStream *feed) { return http_stream_push(((EventStream *)(void *)feed)->http, STR(": still here\n\n")); }

static bool push_events(EventStream *s, const Changes *found, Err *err) {
    CLEANUP(buf_free) Buf text = BUF_INIT(STREAM_BACKLOG);
    for (size_t i = 0; i < found->count; i++) {
        buf_printf(&text, "id: %" PRId64 "\nevent: change\ndata: ", found->items[i].change_id);
        JsonWriter w = jw_new(&text);
        change_json(&w, &found->items[i]);
        buf_add_cstr(&text, "\n\n");
    }
    return buf_check(&text, "A batch of events", err) &&
           (http_stream_push(s->http, buf_str(&text)) ||
            err_set(err, ERR_TIMEOUT, "The reader of an event stream has gone or is too slow."));
}

/* Sends what is new. *RET_MORE: there is more to read at once. */
static bool stream_read(EventStream *s, Arena *arena, bool *ret_more, Err *err) {
    Ctx ctx = {.catalog = &s->server->catalog,
               .arena = arena,
               .caller = &s->caller,
               .deadline = deadline_in_ms(s->server->limits.timeout_ms),
               .pool = PG_READ};
    Changes found;
    if (!change_list(&ctx, &s->query, &found, err) || !push_events(s, &found, err)) {
        return false;
    }
    *ret_more = (int64_t)found.count == s->query.limit;
    s->query.after = looked_at(&s->query, &found);
    s->feed.after = s->query.after;
    return true;
}

/* A stream that is behind reads on in small steps, so that it neither fills its backlog nor keeps a worker. */
static void stream_run(Job *job, Arena *arena) {
    enum { AGAIN_US = 20 * 1000, RETRY_US = 1000 * 1000 };
    EventStream *s = stream_of_job(job);
    Err err;
    bool more = false;
    if (stream_read(s, arena, &more, &err)) {
        s->feed.retry_at_us = more ? clock_monotonic_us() + AGAIN_US : 0;
    } else if (err_info(err.code)->retryable && err.code != ERR_TIMEOUT) {
        s->feed.retry_at_us = clock_monotonic_us() + RETRY_US;
    } else {
        log_debug("An event stream ends: %s", err.message);
        stream_end(&s->feed);
        return;
    }
    feed_park_stream(s->server->feed, &s->feed);
}

static void stream_wake(FeedStream *feed) {
    EventStream *s = (EventStream *)(void *)feed;
    enum { BUSY_US = 100 * 1000 };
    s->job.run = stream_run;
    if (!workers_submit(s->server->read, &s->job)) {
        s->feed.retry_at_us = clock_monotonic_us() + BUSY_US;
        feed_park_stream(s->server->feed, feed);
    }
}

static EventStream *stream_new(const Request *r, const ChangeQuery *q) {
    enum { ARENA_BYTES = 1024 * 1024 };
    Arena *arena = arena_new(ARENA_BYTES);
    EventStream *s = ARENA_NEW(arena, EventStream);
    int64_t now = clock_monotonic_us();
    s->feed = (FeedStream){.beat_at_us = now + STREAM_BEAT_US, .end_at_us = now + STREAM_AGE_US};
    s->feed.wake = stream_wake;
    s->feed.beat = stream_beat;
    s->feed.end = stream_end;
    s->feed.retry_at_us = now; /* the first read */
    s->server = r->server;
    s->arena = arena;
    s->query = *q;
    s->query.limit = EVENTS_PER_READ;
    s->query.catalog = arena_str(arena, q->catalog);
    s->query.database = arena_str(arena, q->database);
    s->query.name = arena_str(arena, q->name);
    s->query.kind = arena_str(arena, q->kind);
    s->query.principal = arena_str(arena, q->principal);
    s->caller = r->caller;
    s->caller.principal = arena_str(arena, r->caller.principal);
    s->caller.client = arena_str(arena, r->caller.client);
    s->caller.agent = arena_str(arena, r->caller.agent);
    return s;
}

/* A stream ends after STREAM_AGE_US, so that a login that was taken back does not read on for ever; clients connect again by
 * themselves and go on behind Last-Event-ID. */
static bool open_stream(Request *r, const ChangeQuery *q, Err *err) {
    EventStream *s = stream_new(r, q);
    HttpAnswer answer = {.status = 200, .content_type = "text/event-stream"};
    http_answer_header(&answer, "Cache-Control", "no-store");
    http_answer_header(&answer, "X-Request-Id", r->request_id);
    s->http = http_stream_open(r->http, &answer, STREAM_BACKLOG);
    if (!s->http) {
        arena_free(s->arena);
        return err_set(err, ERR_OVERLOADED, "There is no memory for another event stream.");
    }
    r->parked = true;
    feed_park_stream(r->server->feed, &s->feed);
    feed_kick(r->server->feed);
    return true;
}

/* --- the handler ------------------------------------------------------------------------------------------------- */

bool rest_change_list(Request *r, Err *err) {
    ChangeQuery query;
    Changes found;
    int64_t wait_ms = 0;
    if (!read_query(r, &query, err) || !read_wait(r, &wait_ms, err)) {
        return false;
    }
    if (str_find(r->http->headers[HTTP_ACCEPT], STR("text/event-stream")) != SIZE_MAX) {
        if (!ctx_authorize(&r->ctx, ACTION_LIST, "change", query.catalog, query.database, query.name, err)) {
            return false;
        }
        return open_stream(r, &query, err);
    }
    if (!change_list(&r->ctx, &query, &found, err)) {
        return false;
    }
    if (found.count == 0 && wait_ms > 0 && park(r, wait_ms, MAX(query.after, found.last_id))) {
        return true;
    }
    return answer_page(r, &query, &found);
}
