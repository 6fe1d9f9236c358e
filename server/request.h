/* Request: everything one call knows while it is served. It lives on the stack of the thread that serves it; what it
 * points to lives in the arena of that thread or in the exchange. */
#ifndef PROPOLIS_SERVER_REQUEST_H
#define PROPOLIS_SERVER_REQUEST_H

#include "base/json_writer.h"
#include "catalog/ctx.h"
#include "server/http.h"
#include "server/method.h"

typedef struct Server Server;
struct Call;

enum { REQUEST_PATH_VALUES = 5 };

struct Request {
    Server *server;
    HttpExchange *http;
    struct Call *call;
    const Method *method;
    Arena *arena;
    Str path[REQUEST_PATH_VALUES]; /* decoded values of the pattern's {names}, in order */
    Param *query;                  /* decoded, in order of appearance */
    size_t query_count;
    Ctx ctx;
    Caller caller;
    char request_id[37];
    HttpAnswer answer;
    bool parked; /* answered later or by a stream: nothing to send now */
};

/* "%41" -> "A"; PLUS_IS_SPACE for queries. Refuses broken escapes, NUL characters and what is not UTF-8. */
bool percent_decode(Arena *arena, Str text, bool plus_is_space, const char *what, Str *ret, Err *err) WARN_UNUSED;
/* Splits and decodes the query; parameters METHOD does not know, or given twice, are refused. */
bool request_parse_query(Request *r, Err *err) WARN_UNUSED;

/* Query parameters. An absent one leaves *ret as it was. */
Str request_query(const Request *r, const char *name); /* null when absent */
/* A list: "name=a,b" and "name=a&name=b" are the same; a comma inside a value is %2C. The method's row marks it "name+". */
bool request_query_list(const Request *r, const char *name, StrList *ret, Err *err) WARN_UNUSED;
bool request_query_bool(const Request *r, const char *name, bool *ret, Err *err) WARN_UNUSED;
bool request_query_i64(const Request *r, const char *name, int64_t low, int64_t high, int64_t *ret, Err *err) WARN_UNUSED;

/* Where a JSON answer is written to. */
JsonWriter request_json(Request *r);
/* The error as application/problem+json. */
void request_problem(Request *r, const Err *err);

#endif
