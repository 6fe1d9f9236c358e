#include "cli/http.h"

#include <curl/curl.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json_reader.h"

enum {
    MAX_REPLY = 1024 * 1024 * 1024,
    TRIES = 5,
    CONNECT_TIMEOUT_S = 5,
    STREAM_SILENCE_S = 90,
    RETRY_LONGEST_S = 30,
    JSON_DEPTH = 200
};

struct Http {
    CURL *curl;
    HttpSetup setup;
};

typedef struct Incoming {
    Arena *arena;
    HttpReply reply;
    Buf body;
    CURL *curl;
    HttpBytes fn; /* streams only */
    void *arg;
    bool ended_by_reader;
} Incoming;

static void close_http(void *pointer) {
    Http *http = pointer;
    curl_easy_cleanup(http->curl);
}

Http *cli_http_open(const HttpSetup *setup, Arena *arena, Err *err) {
    Http *http = ARENA_NEW(arena, Http);
    http->setup = *setup;
    http->curl = curl_easy_init();
    if (!http->curl) {
        err_set(err, ERR_INTERNAL, "The HTTP library cannot start.");
        return NULL;
    }
    arena_defer(arena, close_http, http);
    return http;
}

const char *cli_http_server(const Http *http) { return http->setup.server; }

/* NOLINTNEXTLINE(readability-non-const-parameter): the signature is libcurl's */
static size_t on_header(char *bytes, size_t size, size_t count, void *arg) {
    Incoming *in = arg;
    Str line = str_trim((Str){bytes, size * count});
    if (str_starts(line, STR("HTTP/"))) { /* a new answer, e.g. behind 100 Continue */
        in->reply = (HttpReply){.retry_after_s = -1};
        return size * count;
    }
    size_t colon = str_find_char(line, ':');
    Str name = str_slice(line, 0, colon), value = colon == SIZE_MAX ? STR_NULL : str_trim(str_skip(line, colon + 1));
    const struct {
        Str name;
        Str *to;
    } wanted[] = {{STR("etag"), &in->reply.etag},
                  {STR("content-type"), &in->reply.content_type},
                  {STR("x-request-id"), &in->reply.request_id},
                  {STR("date"), &in->reply.date}};
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        if (str_eq_nocase(name, wanted[i].name)) {
            *wanted[i].to = arena_str(in->arena, value);
        }
    }
    if (str_eq_nocase(name, STR("retry-after")) && !str_to_i64(value, &in->reply.retry_after_s)) {
        in->reply.retry_after_s = -1;
    }
    return size * count;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the signature is libcurl's */
static size_t on_body(char *bytes, size_t size, size_t count, void *arg) {
    Incoming *in = arg;
    Str part = {bytes, size * count};
    long status = 0;
    curl_easy_getinfo(in->curl, CURLINFO_RESPONSE_CODE, &status);
    if (in->fn && status == 200) {
        in->ended_by_reader = !in->fn(part, in->arg);
        return in->ended_by_reader ? 0 : part.len;
    }
    buf_add(&in->body, part);
    return in->body.failed ? 0 : part.len;
}

bool cli_http_is_loopback(const char *url) {
    Str rest = str_from(strstr(url, "://"));
    rest = str_skip(rest, 3);
    size_t end = 0;
    while (end < rest.len && !strchr(rest.ptr[0] == '[' ? "]/" : ":/?#@", rest.ptr[end])) {
        end++;
    }
    Str host = str_slice(rest, 0, end);
    bool is_ipv4 = strspn(host.ptr ? host.ptr : "", "0123456789.") >= host.len;
    if (str_has_char(rest, '@')) {
        return false; /* http://127.0.0.1@elsewhere/ */
    }
    return str_eq_nocase(host, STR("localhost")) || str_eq(host, STR("[::1")) || (is_ipv4 && str_starts(host, STR("127.")));
}

static void add_header(struct curl_slist **list, Arena *arena, const char *name, Str value) {
    if (!str_is_null(value)) {
        *list = curl_slist_append(*list, arena_printf(arena, "%s: %" STR_FMT, name, STR_ARG(value)).ptr);
    }
}

static struct curl_slist *headers_of(const Http *http, const HttpCall *call, Arena *arena) {
    struct curl_slist *list = NULL;
    add_header(&list, arena, "Accept", str_from(call->accept ? call->accept : "application/json"));
    add_header(&list, arena, "If-Match", call->if_match);
    if (!str_is_null(http->setup.token)) {
        add_header(&list, arena, "Authorization", arena_printf(arena, "Bearer %" STR_FMT, STR_ARG(http->setup.token)));
    }
    if (!str_is_null(call->body)) {
        add_header(&list, arena, "Content-Type", str_from(call->content_type ? call->content_type : "application/json"));
    }
    return curl_slist_append(list, "Expect:"); /* never wait for 100 Continue */
}

static void set_login(Http *http, Arena *arena) {
    if (!str_is_null(http->setup.user)) {
        curl_easy_setopt(http->curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
        curl_easy_setopt(http->curl, CURLOPT_USERNAME, arena_cstr(arena, http->setup.user));
        curl_easy_setopt(http->curl, CURLOPT_PASSWORD, arena_cstr(arena, http->setup.password));
    }
}

static void set_call(Http *http, const HttpCall *call, Incoming *in, struct curl_slist *headers) {
    CURL *c = http->curl;
    curl_easy_reset(c);
    curl_easy_setopt(c, CURLOPT_URL, arena_printf(in->arena, "%s%" STR_FMT, http->setup.server, STR_ARG(call->path)).ptr);
    curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    if (getenv("PROPOLIS_CA")) {
        curl_easy_setopt(c, CURLOPT_CAINFO, getenv("PROPOLIS_CA"));
    }
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "propolis-cli");
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, in);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, in);
    if (cli_http_is_loopback(http->setup.server)) {
        curl_easy_setopt(c, CURLOPT_PROXY, "");
    }
    if (!str_is_null(call->body)) {
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, call->body.ptr);
        curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.len);
    }
    curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, call->method);
    set_login(http, in->arena);
}

/* One call of a command may itself take long, such as dropping all that a database holds. */
typedef struct Waiting {
    int64_t started_us;
    bool shown;
} Waiting;

static int on_waiting(void *arg, curl_off_t down, curl_off_t received, curl_off_t up, curl_off_t sent) {
    Waiting *w = arg;
    int64_t seconds = (clock_monotonic_us() - w->started_us) / 1000000;
    (void)down, (void)received, (void)up, (void)sent;
    if (seconds >= 1) {
        w->shown = true;
        fprintf(stderr, "\r\x1b[KWaiting for the server: %" PRId64 " s", seconds);
    }
    return 0;
}

static CURLcode transfer(Http *http, bool streams) {
    Waiting waiting = {.started_us = clock_monotonic_us()};
    if (!streams && !http->setup.quiet && !http->setup.verbose && isatty(STDERR_FILENO)) {
        curl_easy_setopt(http->curl, CURLOPT_NOPROGRESS, 0L);
        curl_easy_setopt(http->curl, CURLOPT_XFERINFOFUNCTION, on_waiting);
        curl_easy_setopt(http->curl, CURLOPT_XFERINFODATA, &waiting);
    }
    CURLcode code = curl_easy_perform(http->curl);
    if (waiting.shown) {
        fputs("\r\x1b[K", stderr);
    }
    return code;
}

static bool was_connected(CURLcode code) {
    return code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING || code == CURLE_SEND_ERROR || code == CURLE_PARTIAL_FILE;
}

static bool transport_error(const Http *http, CURLcode code, const Incoming *in, Err *err) {
    if (in->body.failed) {
        return err_set(err, ERR_REQUEST_TOO_LARGE, "The answer is larger than %d MB; ask for less with --limit.", MAX_REPLY >> 20);
    }
    if (code == CURLE_OPERATION_TIMEDOUT) {
        return err_set(err, ERR_TIMEOUT, "The server at %s did not answer in time; see --timeout.", http->setup.server);
    }
    if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL) {
        return err_set(err, ERR_INVALID_INPUT, "The server's address %s is not a URL like http://127.0.0.1:8181.",
                       http->setup.server);
    }
    if (was_connected(code)) {
        return err_set(err, ERR_DATABASE_UNAVAILABLE,
                       "The server at %s broke the connection (%s); a change that was under way may or may not have been made.",
                       http->setup.server, curl_easy_strerror(code));
    }
    return err_set(err, ERR_DATABASE_UNAVAILABLE,
                   "No server answers at %s: %s. Start one with 'propolis serve', or name another "
                   "with --server or PROPOLIS_SERVER.",
                   http->setup.server, curl_easy_strerror(code));
}

static void trace(const Http *http, const HttpCall *call, const Incoming *in, int64_t started_us, CURLcode code) {
    if (http->setup.verbose) {
        fprintf(stderr, "> %s %" STR_FMT " : %ld%s%s, %zu bytes, %" PRId64 " ms\n", call->method, STR_ARG(call->path),
                in->reply.status, code ? " " : "", code ? curl_easy_strerror(code) : "", in->body.len,
                (clock_monotonic_us() - started_us) / 1000);
    }
}

/* One try. */
static CURLcode perform(Http *http, const HttpCall *call, Incoming *in) {
    int64_t started_us = clock_monotonic_us();
    struct curl_slist *headers = headers_of(http, call, in->arena);
    in->curl = http->curl;
    in->reply.retry_after_s = -1;
    set_call(http, call, in, headers);
    if (in->fn) {
        curl_easy_setopt(http->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
        curl_easy_setopt(http->curl, CURLOPT_LOW_SPEED_TIME, (long)STREAM_SILENCE_S);
    } else {
        curl_easy_setopt(http->curl, CURLOPT_ACCEPT_ENCODING, "gzip");
        curl_easy_setopt(http->curl, CURLOPT_TIMEOUT, (long)(call->timeout_s ? call->timeout_s : http->setup.timeout_s));
    }
    CURLcode code = transfer(http, in->fn != NULL);
    curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &in->reply.status);
    curl_slist_free_all(headers);
    trace(http, call, in, started_us, code);
    return code;
}

static bool is_read(const HttpCall *call) { return strcmp(call->method, "GET") == 0 || strcmp(call->method, "HEAD") == 0; }

static bool is_idempotent(const HttpCall *call) {
    return is_read(call) || strcmp(call->method, "PUT") == 0 || strcmp(call->method, "DELETE") == 0;
}

/* A refused connection is not tried again: nobody listens, and people want to know at once. */
static bool worth_another_try(const HttpCall *call, CURLcode code, long status) {
    if (call->no_retry) {
        return false;
    }
    if (code != CURLE_OK) {
        return is_read(call) &&
               (code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING || code == CURLE_SEND_ERROR || code == CURLE_PARTIAL_FILE);
    }
    return status == 503 && is_idempotent(call);
}

static void wait_before_retry(const HttpReply *reply, int attempt) {
    int64_t ms = reply->retry_after_s >= 0 ? MIN(reply->retry_after_s, (int64_t)RETRY_LONGEST_S) * 1000 : INT64_C(200) << attempt;
    struct timespec pause = {ms / 1000, ms % 1000 * 1000000 + 1};
    nanosleep(&pause, NULL);
}

bool cli_http_probe(Http *http, const HttpCall *call, Arena *arena, HttpReply *ret, Err *err) {
    for (int attempt = 0;; attempt++) {
        Incoming in = {.arena = arena, .body = BUF_INIT(MAX_REPLY)};
        CURLcode code = perform(http, call, &in);
        if (attempt + 1 < TRIES && worth_another_try(call, code, in.reply.status)) {
            buf_free(&in.body);
            wait_before_retry(&in.reply, attempt);
            continue;
        }
        in.reply.body = arena_str(arena, buf_str(&in.body));
        bool ok = code == CURLE_OK || transport_error(http, code, &in, err);
        buf_free(&in.body);
        if (ok) {
            *ret = in.reply;
        }
        return ok;
    }
}

static ErrCode code_of_status(long status) {
    switch (status) {
        case 400: return ERR_INVALID_INPUT;
        case 401: return ERR_UNAUTHENTICATED;
        case 403: return ERR_FORBIDDEN;
        case 404: return ERR_NOT_FOUND;
        case 409: return ERR_CONFLICT;
        case 412: return ERR_VERSION_CONFLICT;
        case 413: return ERR_REQUEST_TOO_LARGE;
        case 503: return ERR_OVERLOADED;
        case 504: return ERR_TIMEOUT;
        default: return ERR_INTERNAL;
    }
}

static Str member_text(const json_t *object, const char *key) {
    const json_t *v = json_object_get(object, key);
    return json_is_string(v) ? (Str){json_string_value(v), json_string_length(v)} : STR_NULL;
}

static void hint_login(long status, const Http *http, Err *err) {
    if (status == 401 && str_is_null(http->setup.token) && str_is_null(http->setup.user)) {
        err_detail(err, "set PROPOLIS_TOKEN, or use --token-file, a profile or --login");
    }
}

static bool problem_error(const Http *http, const HttpReply *reply, Arena *arena, Err *err) {
    Err ignored;
    json_t *problem = NULL;
    if (!jr_parse(arena, reply->body, JSON_DEPTH, &problem, &ignored) || !json_is_object(problem)) {
        return err_set(err, code_of_status(reply->status),
                       "The server at %s answered with HTTP status %ld and no explanation. Is it "
                       "a Propolis server?",
                       http->setup.server, reply->status);
    }
    Str detail = member_text(problem, "detail"), title = member_text(problem, "title"), name = member_text(problem, "code");
    ErrCode code = err_code_by_name(name);
    Str said = detail.len ? detail : title;
    err_set(err, code == ERR_NONE ? code_of_status(reply->status) : code, "%" STR_FMT, STR_ARG(said));
    Str id = member_text(problem, "request_id"), path = member_text(problem, "path");
    err_detail(err, "%" STR_FMT "%s%" STR_FMT "%s%" STR_FMT, STR_ARG(name), path.len ? ", at " : "", STR_ARG(path),
               id.len ? ", request " : "", STR_ARG(id));
    hint_login(reply->status, http, err);
    return false;
}

bool cli_http_call(Http *http, const HttpCall *call, Arena *arena, HttpReply *ret, Err *err) {
    HttpReply reply;
    if (!cli_http_probe(http, call, arena, &reply, err)) {
        return false;
    }
    if ((reply.status < 200 || reply.status > 299) && reply.status != 304) {
        return problem_error(http, &reply, arena, err);
    }
    *ret = reply;
    return true;
}

bool cli_http_stream(Http *http, Str path, HttpBytes fn, void *arg, Err *err) {
    Arena *arena = arena_new(MAX_REPLY);
    Incoming in = {.arena = arena, .body = BUF_INIT(MAX_REPLY), .fn = fn, .arg = arg};
    HttpCall call = {.method = "GET", .path = path, .accept = "text/event-stream"};
    CURLcode code = perform(http, &call, &in);
    in.reply.body = arena_str(arena, buf_str(&in.body));
    bool ok = in.ended_by_reader || code == CURLE_OK || transport_error(http, code, &in, err);
    if (ok && in.reply.status != 200) {
        ok = problem_error(http, &in.reply, arena, err);
    }
    buf_free(&in.body);
    arena_free(arena);
    return ok;
}
