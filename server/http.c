#include "server/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/tls.h"

struct HttpServer {
    HttpOptions options;
    struct MHD_Daemon *daemon;
    atomic_uint exchanges, streams, connections;
    atomic_size_t body_bytes;
    atomic_ullong requests, connections_total;
};

typedef struct Exchange {
    HttpExchange pub; /* first: the two are cast into each other */
    HttpServer *server;
    struct MHD_Connection *connection;
    struct MHD_Response *response;
    unsigned status;
    bool head_seen, counted, dispatched, suspended;
    Buf body;
    uint64_t body_seen;
    char client[INET6_ADDRSTRLEN];
    size_t uri_len;
    char uri[];
} Exchange;

static Exchange *exchange_of(HttpExchange *pub) { return (Exchange *)(void *)pub; }

/* ---- one request ---- */

/* The very first callback of a request, with the bytes of the request line as they came. */
static void *exchange_begin(void *arg, const char *uri, struct MHD_Connection *connection) {
    HttpServer *server = arg;
    size_t len = strlen(uri);
    size_t user_at = (sizeof(Exchange) + len + 1 + 15) & ~(size_t)15;
    Exchange *e = calloc(1, user_at + server->options.user_bytes);
    if (!e) {
        return NULL;
    }
    e->server = server;
    e->connection = connection;
    e->body = BUF_INIT(server->options.max_body);
    e->uri_len = len;
    memcpy(e->uri, uri, len);
    e->pub.user = (char *)e + user_at;
    return e;
}

static void release_body(Exchange *e) {
    atomic_fetch_sub_explicit(&e->server->body_bytes, e->body.len, memory_order_relaxed);
    buf_free(&e->body);
}

/* Counted from here: a client that never sends the rest of its request keeps nobody waiting. */
static void count(Exchange *e) {
    if (!e->counted) {
        e->counted = true;
        atomic_fetch_add_explicit(&e->server->exchanges, 1, memory_order_relaxed);
    }
}

static void exchange_end(void *arg, struct MHD_Connection *connection, void **con_cls, enum MHD_RequestTerminationCode why) {
    (void)connection;
    (void)why;
    HttpServer *server = arg;
    Exchange *e = *con_cls;
    if (!e) {
        return;
    }
    *con_cls = NULL;
    bool counted = e->counted;
    if (e->response) {
        MHD_destroy_response(e->response);
    }
    release_body(e);
    free(e);
    if (counted) {
        atomic_fetch_sub_explicit(&server->exchanges, 1, memory_order_release);
    }
}

static const char *const HEADER_NAMES[HTTP_HEADER_COUNT] = {
    [HTTP_ACCEPT] = "Accept",
    [HTTP_ACCEPT_ENCODING] = "Accept-Encoding",
    [HTTP_AUTHORIZATION] = "Authorization",
    [HTTP_CONTENT_ENCODING] = "Content-Encoding",
    [HTTP_CONTENT_TYPE] = "Content-Type",
    [HTTP_CONTENT_LENGTH] = "Content-Length",
    [HTTP_HOST] = "Host",
    [HTTP_ORIGIN] = "Origin",
    [HTTP_IF_MATCH] = "If-Match",
    [HTTP_IF_NONE_MATCH] = "If-None-Match",
    [HTTP_LAST_EVENT_ID] = "Last-Event-ID",
    [HTTP_TRANSFER_ENCODING] = "Transfer-Encoding",
    [HTTP_USER_AGENT] = "User-Agent",
    [HTTP_X_ACTOR_USERNAME] = "X-Actor-Username",
    [HTTP_X_REQUEST_ID] = "X-Request-Id",
};

static enum MHD_Result keep_header(void *arg, enum MHD_ValueKind kind, const char *key, const char *value) {
    (void)kind;
    Exchange *e = arg;
    for (int i = 0; i < HTTP_HEADER_COUNT; i++) {
        if (!e->pub.headers[i].ptr && strcasecmp(key, HEADER_NAMES[i]) == 0) {
            e->pub.headers[i] = str_from(value ? value : "");
            break;
        }
    }
    return MHD_YES;
}

static void keep_client(Exchange *e) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(e->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *at = info ? info->client_addr : NULL;
    const char *text = NULL;
    if (at && at->sa_family == AF_INET) {
        text = inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)at)->sin_addr, e->client, sizeof e->client);
    } else if (at && at->sa_family == AF_INET6) {
        text = inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)at)->sin6_addr, e->client, sizeof e->client);
    }
    e->pub.client = str_from(text);
}

static void read_head(Exchange *e, const char *verb) {
    e->pub.received_us = clock_monotonic_us();
    e->pub.verb = str_from(verb);
    Str uri = {e->uri, e->uri_len};
    size_t mark = str_find_char(uri, '?');
    e->pub.path = str_slice(uri, 0, MIN(mark, uri.len));
    e->pub.query = mark == SIZE_MAX ? STR_NULL : str_skip(uri, mark + 1);
    MHD_get_connection_values(e->connection, MHD_HEADER_KIND, keep_header, e);
    keep_client(e);
}

static bool has_room(Exchange *e, size_t bytes) {
    return atomic_load_explicit(&e->server->body_bytes, memory_order_relaxed) + bytes <= e->server->options.max_bodies;
}

/* Whether the next bytes may be kept; they are counted then. */
static bool take_room(Exchange *e, size_t bytes) {
    size_t before = atomic_fetch_add_explicit(&e->server->body_bytes, bytes, memory_order_relaxed);
    if (before + bytes <= e->server->options.max_bodies) {
        return true;
    }
    atomic_fetch_sub_explicit(&e->server->body_bytes, bytes, memory_order_relaxed);
    return false;
}

static void lose_body(Exchange *e, HttpBodyLoss why) {
    e->pub.body_loss = why;
    release_body(e);
}

/* Bytes past a limit are thrown away, so that the client can be told; but not for ever. */
static enum MHD_Result keep_body(Exchange *e, const char *data, size_t *size) {
    e->body_seen += *size;
    if (e->pub.body_loss == HTTP_BODY_KEPT && e->body_seen > e->server->options.max_body) {
        lose_body(e, HTTP_BODY_TOO_LARGE);
    } else if (e->pub.body_loss == HTTP_BODY_KEPT && !take_room(e, *size)) {
        lose_body(e, HTTP_BODY_NO_ROOM);
    } else if (e->pub.body_loss == HTTP_BODY_KEPT) {
        size_t before = e->body.len;
        buf_add_bytes(&e->body, data, *size);
        if (e->body.len == before) { /* no memory: what was counted is not there */
            atomic_fetch_sub_explicit(&e->server->body_bytes, *size, memory_order_relaxed);
        }
    }
    *size = 0;
    return e->body.failed || e->body_seen / 2 > e->server->options.max_body ? MHD_NO : MHD_YES;
}

static enum MHD_Result send_answer(Exchange *e) {
    return e->response ? MHD_queue_response(e->connection, e->status, e->response) : MHD_NO;
}

static enum MHD_Result dispatch(Exchange *e) {
    e->dispatched = true;
    count(e);
    atomic_fetch_add_explicit(&e->server->requests, 1, memory_order_relaxed);
    e->pub.body = buf_str(&e->body);
    e->server->options.on_request(&e->pub, e->server->options.arg);
    /* Once suspended, another thread may already have answered: look only at what this thread wrote. */
    return e->suspended ? MHD_YES : send_answer(e);
}

/* The head is there. What can be said without the body is said now, before the client sends it. */
static enum MHD_Result begin_body(Exchange *e) {
    const HttpOptions *options = &e->server->options;
    uint64_t announced = 0;
    bool known = str_is_null(e->pub.headers[HTTP_TRANSFER_ENCODING]) &&
                 (!http_has_body(&e->pub) || str_to_u64(e->pub.headers[HTTP_CONTENT_LENGTH], &announced));
    if (known && announced <= options->free_body && announced <= options->max_body) {
        return MHD_YES;
    }
    if (announced > options->max_body) {
        e->pub.body_loss = HTTP_BODY_TOO_LARGE;
    } else if (!has_room(e, announced)) {
        e->pub.body_loss = HTTP_BODY_NO_ROOM;
    }
    HttpBodyRule rule = e->pub.body_loss == HTTP_BODY_KEPT ? options->on_body(&e->pub, options->arg) : HTTP_BODY_LEAVE;
    return rule == HTTP_BODY_LEAVE ? dispatch(e) : MHD_YES;
}

/* Looked at once a connection. */
static bool client_is_welcome(struct MHD_Connection *connection) {
    if (!tls_client_ca()) {
        return true;
    }
    bool *known = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    if (known && !*known) {
        *known = tls_client_is_welcome(MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION)->tls_session);
    }
    return known && *known;
}

static enum MHD_Result on_access(void *arg, struct MHD_Connection *connection, const char *url, const char *verb,
                                 const char *version, const char *data, size_t *size, void **con_cls) {
    (void)arg;
    (void)connection;
    (void)url;
    (void)version;
    Exchange *e = *con_cls;
    if (!e) {
        return MHD_NO;
    }
    if (!e->head_seen) {
        if (!client_is_welcome(connection)) {
            return MHD_NO;
        }
        e->head_seen = true;
        read_head(e, verb);
        return begin_body(e);
    }
    if (e->response) {
        return send_answer(e);
    }
    if (e->suspended && !e->dispatched) { /* on_body() made it wait, and the body may come */
        e->suspended = false;
        return MHD_YES;
    }
    if (*size) {
        return keep_body(e, data, size);
    }
    return e->dispatched ? send_answer(e) : dispatch(e);
}

bool http_has_body(const HttpExchange *exchange) {
    Str length = exchange->headers[HTTP_CONTENT_LENGTH];
    return !str_is_null(exchange->headers[HTTP_TRANSFER_ENCODING]) || (!str_is_null(length) && !str_eq(length, STR("0")));
}

void http_suspend(HttpExchange *pub) {
    Exchange *e = exchange_of(pub);
    e->suspended = true;
    count(e);
    MHD_suspend_connection(e->connection);
}

void http_take_body(HttpExchange *pub) { MHD_resume_connection(exchange_of(pub)->connection); }

/* ---- answers ---- */

void http_answer_header(HttpAnswer *answer, const char *name, const char *value) {
    if (answer->header_count < HTTP_ANSWER_HEADERS) {
        answer->headers[answer->header_count].name = name;
        answer->headers[answer->header_count].value = value;
        answer->header_count++;
    }
}

static struct MHD_Response *response_of_bytes(HttpAnswer *a) {
    if (!str_is_null(a->fixed)) {
        buf_free(&a->body);
        return MHD_create_response_from_buffer(a->fixed.len, (void *)(uintptr_t)a->fixed.ptr, MHD_RESPMEM_PERSISTENT);
    }
    struct MHD_Response *r = MHD_create_response_from_buffer(a->body.len, a->body.ptr, MHD_RESPMEM_MUST_FREE);
    if (r) {
        a->body = BUF_INIT(a->body.max);
    } else {
        buf_free(&a->body);
    }
    return r;
}

static void add_headers(struct MHD_Response *r, const HttpAnswer *a) {
    if (a->content_type) {
        MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, a->content_type);
    }
    for (size_t i = 0; i < a->header_count; i++) {
        MHD_add_response_header(r, a->headers[i].name, a->headers[i].value);
    }
}

/* A peer that reads its answer slowly does not keep the body here. */
static void answer_with(Exchange *e, struct MHD_Response *response, int status) {
    release_body(e);
    e->response = response;
    e->status = (unsigned)status;
    if (e->suspended) {
        MHD_resume_connection(e->connection);
    }
}

void http_answer(HttpExchange *pub, HttpAnswer *answer) {
    struct MHD_Response *response = response_of_bytes(answer);
    if (response) {
        add_headers(response, answer);
    }
    answer_with(exchange_of(pub), response, answer->status);
}

bool http_accepts_gzip(const HttpExchange *exchange) {
    Str rest = exchange->headers[HTTP_ACCEPT_ENCODING], part;
    while (str_split(&rest, ',', &part)) {
        Str coding;
        str_split(&part, ';', &coding);
        if (str_eq_nocase(str_trim(coding), STR("gzip"))) {
            Str quality = str_trim(part);
            return !str_eq(quality, STR("q=0")) && !str_eq(quality, STR("q=0.0"));
        }
    }
    return false;
}

enum { GZIP_WINDOW = 15 + 16, GZIP_MEMORY = 8, GZIP_LEVEL = 1 };

void http_answer_gzip(HttpAnswer *answer) {
    Str plain = str_is_null(answer->fixed) ? buf_str(&answer->body) : answer->fixed;
    z_stream z = {0};
    if (plain.len > UINT32_MAX || deflateInit2(&z, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY, Z_DEFAULT_STRATEGY) != Z_OK) {
        return;
    }
    Buf packed = BUF_INIT(plain.len);
    if (buf_reserve(&packed, plain.len)) {
        z.next_in = (Bytef *)(uintptr_t)plain.ptr;
        z.avail_in = (uInt)plain.len;
        z.next_out = (Bytef *)packed.ptr;
        z.avail_out = (uInt)plain.len;
        if (deflate(&z, Z_FINISH) == Z_STREAM_END) {
            packed.len = z.total_out;
            buf_free(&answer->body);
            answer->body = packed;
            answer->fixed = STR_NULL;
            packed = BUF_INIT(0);
            http_answer_header(answer, "Content-Encoding", "gzip");
        }
    }
    deflateEnd(&z);
    buf_free(&packed);
}

/* ---- streams ---- */

struct HttpStream {
    pthread_mutex_t lock;
    struct MHD_Connection *connection;
    HttpServer *server;
    Buf pending;
    size_t sent; /* of pending */
    bool waiting, closed, gone;
    int references; /* the caller's and the response's */
};

static void stream_release(HttpStream *s) {
    bool last = --s->references == 0;
    pthread_mutex_unlock(&s->lock);
    if (last) {
        atomic_fetch_sub(&s->server->streams, 1);
        pthread_mutex_destroy(&s->lock);
        buf_free(&s->pending);
        free(s);
    }
}

static ssize_t stream_read(void *arg, uint64_t at, char *out, size_t max) {
    (void)at;
    HttpStream *s = arg;
    pthread_mutex_lock(&s->lock);
    size_t left = s->pending.len - s->sent;
    ssize_t result = (ssize_t)MIN(left, max);
    if (left > 0) {
        memcpy(out, s->pending.ptr + s->sent, (size_t)result);
        s->sent += (size_t)result;
        if (s->sent == s->pending.len) {
            buf_clear(&s->pending);
            s->sent = 0;
        }
    } else if (s->closed) {
        result = MHD_CONTENT_READER_END_OF_STREAM;
    } else {
        s->waiting = true;
        MHD_suspend_connection(s->connection);
    }
    pthread_mutex_unlock(&s->lock);
    return result;
}

static void stream_gone(void *arg) {
    HttpStream *s = arg;
    pthread_mutex_lock(&s->lock);
    s->gone = true;
    s->waiting = false;
    stream_release(s);
}

static void stream_wake_locked(HttpStream *s) {
    if (s->waiting) {
        s->waiting = false;
        MHD_resume_connection(s->connection);
    }
}

HttpStream *http_stream_open(HttpExchange *pub, HttpAnswer *answer, size_t max_backlog) {
    enum { BLOCK = 16 * 1024 };
    Exchange *e = exchange_of(pub);
    HttpStream *s = calloc(1, sizeof *s);
    struct MHD_Response *r = s ? MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, stream_read, s, stream_gone) : NULL;
    if (!r) {
        free(s);
        return NULL;
    }
    pthread_mutex_init(&s->lock, NULL);
    s->connection = e->connection;
    s->server = e->server;
    s->pending = BUF_INIT(max_backlog);
    s->references = 2;
    atomic_fetch_add(&e->server->streams, 1);
    add_headers(r, answer);
    answer_with(e, r, answer->status);
    return s;
}

bool http_stream_push(HttpStream *s, Str bytes) {
    pthread_mutex_lock(&s->lock);
    buf_add(&s->pending, bytes);
    bool ok = !s->gone && !s->pending.failed;
    if (!s->gone) {
        stream_wake_locked(s);
    }
    pthread_mutex_unlock(&s->lock);
    return ok;
}

void http_stream_close(HttpStream *s) {
    pthread_mutex_lock(&s->lock);
    s->closed = true;
    if (!s->gone) {
        stream_wake_locked(s);
    }
    stream_release(s);
}

/* ---- the server ---- */

/* Paths and queries stay as they came: "%2F" in a partition's name is not a separator. */
static size_t keep_escapes(void *arg, struct MHD_Connection *connection, char *text) {
    (void)arg;
    (void)connection;
    return strlen(text);
}

static void on_connection(void *arg, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode code) {
    (void)connection;
    HttpServer *server = arg;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *socket_context = tls_client_ca() ? calloc(1, sizeof(bool)) : NULL;
        atomic_fetch_add_explicit(&server->connections, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&server->connections_total, 1, memory_order_relaxed);
    } else {
        free(*socket_context);
        atomic_fetch_sub_explicit(&server->connections, 1, memory_order_relaxed);
    }
}

/* What the library has to say is about what clients do wrong. */
static void PRINTF_LIKE(2, 0) on_library_log(void *arg, const char *fmt, va_list args) {
    (void)arg;
    char text[512];
    vsnprintf(text, sizeof text, fmt, args);
    log_debug("http: %" STR_FMT, STR_ARG(str_trim(str_from(text))));
}

HttpServer *http_start(const HttpOptions *options, Err *err) {
    HttpServer *server = calloc(1, sizeof *server);
    if (!server) {
        err_set(err, ERR_INTERNAL, "There is no memory for the HTTP server.");
        return NULL;
    }
    server->options = *options;
    unsigned threads = MIN(options->threads, options->max_connections); /* each has a share of the connections, one at least */
    struct MHD_OptionItem items[] = {
        {MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)on_library_log, NULL}, /* first, so that it sees complaints about the others */
        {MHD_OPTION_LISTEN_SOCKET, options->listen_fd, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, (intptr_t)options->max_connections, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, (intptr_t)options->max_head, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, (intptr_t)options->idle_timeout_s, NULL},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)exchange_begin, server},
        {MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)keep_escapes, NULL},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)exchange_end, server},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, server},
        {MHD_OPTION_END, 0, NULL},
        {MHD_OPTION_END, 0, NULL},
        {MHD_OPTION_END, 0, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    struct MHD_OptionItem *more = &items[ARRAY_LEN(items) - 4];
    if (threads > 1) {
        *more++ = (struct MHD_OptionItem){MHD_OPTION_THREAD_POOL_SIZE, (intptr_t)threads, NULL};
    }
    if (options->tls) {
        *more++ = (struct MHD_OptionItem){MHD_OPTION_HTTPS_CERT_CALLBACK, 0, tls_retrieve()};
    }
    if (options->tls && tls_client_ca()) {
        *more++ = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_TRUST, 0, (void *)(uintptr_t)tls_client_ca()};
    }
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG | MHD_USE_ITC |
                     (options->tls ? MHD_USE_TLS : 0);
    server->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_access, server, MHD_OPTION_ARRAY, items, MHD_OPTION_END);
    if (!server->daemon) {
        free(server);
        err_set(err, ERR_INTERNAL, "The HTTP server cannot be started: %s.", strerror(errno));
        return NULL;
    }
    return server;
}

void http_stop_accepting(HttpServer *server) {
    MHD_socket fd = MHD_quiesce_daemon(server->daemon);
    if (fd != MHD_INVALID_SOCKET) {
        close(fd);
    }
}

bool http_drain(HttpServer *server, int64_t timeout_ms) {
    Deadline deadline = deadline_in_ms(timeout_ms);
    while (atomic_load_explicit(&server->exchanges, memory_order_acquire) > 0) {
        if (deadline_left_ms(deadline) == 0) {
            return false;
        }
        usleep(2000);
    }
    return true;
}

void http_stop(HttpServer *server) {
    MHD_stop_daemon(server->daemon);
    free(server);
}

void http_stats(HttpServer *server, HttpStats *ret) {
    *ret = (HttpStats){
        .requests = atomic_load_explicit(&server->requests, memory_order_relaxed),
        .connections_total = atomic_load_explicit(&server->connections_total, memory_order_relaxed),
        .connections = atomic_load_explicit(&server->connections, memory_order_relaxed),
        .exchanges = atomic_load_explicit(&server->exchanges, memory_order_relaxed),
        .streams = atomic_load_explicit(&server->streams, memory_order_relaxed),
        .body_bytes = atomic_load_explicit(&server->body_bytes, memory_order_relaxed),
    };
}
