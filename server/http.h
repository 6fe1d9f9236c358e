/* HTTP: listening, parsing, sending. The only file pair that knows libmicrohttpd.
 *
 * A whole request (head and body) is handed to on_request() on an HTTP thread. There it is either answered at once or
 * suspended; a suspended exchange holds no thread and is answered later from any thread, exactly once. Everything an
 * exchange points to lives until it is answered.
 *
 * Bodies are kept in memory. A large one is taken only when on_body() agrees, and all together have a limit. */
#ifndef PROPOLIS_SERVER_HTTP_H
#define PROPOLIS_SERVER_HTTP_H

#include "base/buf.h"

typedef struct HttpServer HttpServer;
typedef struct HttpStream HttpStream;

/* The request headers that anybody here reads. */
typedef enum HttpHeader {
    HTTP_ACCEPT,
    HTTP_ACCEPT_ENCODING,
    HTTP_AUTHORIZATION,
    HTTP_CONTENT_ENCODING,
    HTTP_CONTENT_TYPE,
    HTTP_CONTENT_LENGTH,
    HTTP_HOST,
    HTTP_ORIGIN,
    HTTP_IF_MATCH,
    HTTP_IF_NONE_MATCH,
    HTTP_LAST_EVENT_ID,
    HTTP_TRANSFER_ENCODING,
    HTTP_USER_AGENT,
    HTTP_X_ACTOR_USERNAME,
    HTTP_X_REQUEST_ID,
    HTTP_HEADER_COUNT,
} HttpHeader;

/* Why a body was not kept. */
typedef enum HttpBodyLoss {
    HTTP_BODY_KEPT,
    HTTP_BODY_TOO_LARGE, /* answer 413 */
    HTTP_BODY_NO_ROOM,   /* all bodies together would be too large; answer 503 */
} HttpBodyLoss;

typedef struct HttpExchange {
    Str verb;
    Str path;  /* as sent: still percent-encoded */
    Str query; /* as sent, behind the "?"; null: none */
    Str headers[HTTP_HEADER_COUNT];
    Str body;
    HttpBodyLoss body_loss;
    Str client;          /* address without port */
    int64_t received_us; /* monotonic */
    void *user;          /* user_bytes, cleared */
} HttpExchange;

/* What becomes of a body that may be larger than HttpOptions.free_body. */
typedef enum HttpBodyRule {
    HTTP_BODY_TAKE,
    HTTP_BODY_LEAVE, /* on_request() answers now, without it */
    HTTP_BODY_WAIT,  /* suspended: http_take_body() or http_answer() follows */
} HttpBodyRule;

typedef struct HttpOptions {
    int listen_fd;
    unsigned threads;
    unsigned max_connections;
    size_t max_body;   /* of one request */
    size_t max_bodies; /* of all requests that are received or served */
    size_t free_body;  /* so much of a body is kept before on_body() is asked */
    size_t max_head;
    unsigned idle_timeout_s;
    bool tls;                                                   /* and nothing else (server/tls.h) */
    size_t user_bytes;                                          /* room for the caller in every exchange */
    HttpBodyRule (*on_body)(HttpExchange *exchange, void *arg); /* the head is there, the body is not */
    void (*on_request)(HttpExchange *exchange, void *arg);
    void *arg;
} HttpOptions;

HttpServer *http_start(const HttpOptions *options, Err *err);
void http_stop_accepting(HttpServer *server);
/* Waits until no whole request is unanswered. False: some still are after the timeout; the server must then not be freed. */
bool http_drain(HttpServer *server, int64_t timeout_ms);
void http_stop(HttpServer *server); /* only after http_drain() succeeded */
typedef struct HttpStats {
    uint64_t requests, connections_total;
    unsigned connections, exchanges, streams;
    uint64_t body_bytes; /* held now */
} HttpStats;
void http_stats(HttpServer *server, HttpStats *ret);

/* Whether the head announces a body. */
bool http_has_body(const HttpExchange *exchange);

/* To be called in on_request() and on_body() only: the answer will come later, from any thread. */
void http_suspend(HttpExchange *exchange);
/* After HTTP_BODY_WAIT: the body may come. The exchange must not be touched afterwards, it comes back as a request. */
void http_take_body(HttpExchange *exchange);

enum { HTTP_ANSWER_HEADERS = 8 };
typedef struct HttpAnswer {
    int status;
    const char *content_type; /* NULL: no body */
    Buf body;                 /* taken over */
    Str fixed;                /* instead of BODY: bytes that outlive the server */
    struct {
        const char *name, *value;
    } headers[HTTP_ANSWER_HEADERS]; /* copied by http_answer() */
    size_t header_count;
} HttpAnswer;
void http_answer_header(HttpAnswer *answer, const char *name, const char *value);
/* Sends ANSWER; the exchange must not be touched afterwards. */
void http_answer(HttpExchange *exchange, HttpAnswer *answer);
/* BODY compressed in place, when that makes it smaller. */
void http_answer_gzip(HttpAnswer *answer);
bool http_accepts_gzip(const HttpExchange *exchange);

/* An answer without end, for server-sent events. A stream holds no thread. The caller owns one reference. */
HttpStream *http_stream_open(HttpExchange *exchange, HttpAnswer *answer, size_t max_backlog);
bool http_stream_push(HttpStream *stream, Str bytes); /* false: the peer has gone, or reads too slowly */
void http_stream_close(HttpStream *stream);           /* ends the answer, gives the reference back */

#endif
