/* One server, one connection: calls with time-outs, retries and errors that say what the server said. */
#ifndef PROPOLIS_CLI_HTTP_H
#define PROPOLIS_CLI_HTTP_H

#include "base/arena.h"
#include "base/buf.h"

typedef struct Http Http;

typedef struct HttpSetup {
    const char *server; /* http://host:port */
    Str token;          /* bearer; null: none */
    Str user, password; /* basic; null: none */
    int64_t timeout_s;
    bool verbose; /* one line a call on stderr */
    bool quiet;   /* no word on the terminal while a call takes long */
} HttpSetup;

Http *cli_http_open(const HttpSetup *setup, Arena *arena, Err *err); /* NULL on failure; closed with the arena */
const char *cli_http_server(const Http *http);
bool cli_http_is_loopback(const char *url);

typedef struct HttpCall {
    const char *method;
    Str path;                 /* with query */
    Str body;                 /* null: none */
    const char *content_type; /* NULL: application/json */
    Str if_match;             /* null: none */
    const char *accept;       /* NULL: application/json */
    int64_t timeout_s;        /* 0: the setup's */
    bool no_retry;
} HttpCall;

typedef struct HttpReply {
    long status;
    Str body, etag, content_type, request_id, date;
    int64_t retry_after_s; /* -1: not said */
} HttpReply;

/* True for any 2xx or 304; everything else is an error: a problem document becomes its code and text. GET, HEAD, PUT and
 * DELETE are tried again on 503 (as Retry-After says), and reads on a lost connection too. */
bool cli_http_call(Http *http, const HttpCall *call, Arena *arena, HttpReply *ret, Err *err) WARN_UNUSED;
/* The same, but every answer of the server is fine. */
bool cli_http_probe(Http *http, const HttpCall *call, Arena *arena, HttpReply *ret, Err *err) WARN_UNUSED;

/* An event stream: FN gets the bytes as they come and ends the stream by returning false. True when the server or FN
 * ended it, false for errors, also when nothing (not even a heartbeat) came for a minute and a half. */
typedef bool (*HttpBytes)(Str bytes, void *arg);
bool cli_http_stream(Http *http, Str path, HttpBytes fn, void *arg, Err *err) WARN_UNUSED;

#endif
