#include <curl/curl.h>

#include "base/clock.h"
#include "base/json_reader.h"
#include "cli/api.h"
#include "cli/build.h"
#include "cli/handlers.h"

enum { PROBE_TIMEOUT_S = 10, CLOCK_WARN_S = 2, CLOCK_FAIL_S = 60, JSON_DEPTH = 100 };

static const Field CHECK_FIELDS[] = {{.title = "STATUS", .path = "status"},
                                     {.title = "CHECK", .path = "name"},
                                     {.title = "DETAIL", .path = "detail"},
                                     {.title = "ADVICE", .path = "advice"},
                                     {0}};
static const View CHECK_VIEW = {CHECK_FIELDS, {"name"}};

typedef struct Doctor {
    Cli *cli;
    json_t *checks;
} Doctor;

static void add_check(Doctor *d, const char *name, const char *status, Str detail, const char *advice) {
    json_t *check = json_pack("{ss, ss, so}", "name", name, "status", status, "detail", json_stringn(detail.ptr, detail.len));
    if (advice) {
        json_object_set_new(check, "advice", json_string(advice));
    }
    json_array_append_new(d->checks, check);
}

static bool probe(Doctor *d, const char *path, HttpReply *ret, Err *err) {
    HttpCall call = {.method = "GET", .path = str_from(path), .timeout_s = PROBE_TIMEOUT_S, .no_retry = true};
    return cli_http_probe(d->cli->http, &call, d->cli->arena, ret, err);
}

/* The object that a path answers with; NULL when it does not. */
static json_t *probe_object(Doctor *d, const char *path, HttpReply *reply) {
    Err ignored;
    json_t *value = NULL;
    if (!probe(d, path, reply, &ignored) || !jr_parse(d->cli->arena, reply->body, JSON_DEPTH, &value, &ignored)) {
        return NULL;
    }
    return json_is_object(value) ? value : NULL;
}

static bool check_server(Doctor *d, HttpReply *reply) {
    Err err;
    int64_t started_us = clock_monotonic_us();
    if (!probe(d, "/healthz", reply, &err)) {
        add_check(d, "server", "fail", str_from(err.message), "start it with 'propolis serve', or name another with --server");
        return false;
    }
    int64_t ms = (clock_monotonic_us() - started_us) / 1000;
    const char *server = cli_http_server(d->cli->http);
    if (reply->status != 200) {
        add_check(d, "server", "fail", arena_printf(d->cli->arena, "%s answers with HTTP status %ld", server, reply->status),
                  "look at the log of the server, and whether another program has its port");
        return false;
    }
    add_check(d, "server", "ok", arena_printf(d->cli->arena, "%s answers in %" PRId64 " ms", server, ms), NULL);
    return true;
}

/* What a problem document says, or the status. */
static Str reason_of(Doctor *d, const HttpReply *reply) {
    Err ignored;
    json_t *problem = NULL;
    Str detail = jr_parse(d->cli->arena, reply->body, JSON_DEPTH, &problem, &ignored)
                     ? json_member_text(problem, "detail", d->cli->arena)
                     : STR_NULL;
    return str_is_null(detail) ? arena_printf(d->cli->arena, "HTTP status %ld", reply->status) : detail;
}

static void check_ready(Doctor *d) {
    HttpReply reply;
    Err err;
    if (!probe(d, "/readyz", &reply, &err)) {
        add_check(d, "ready", "fail", str_from(err.message), "look at the log of the server");
    } else if (reply.status != 200) {
        add_check(d, "ready", "fail", reason_of(d, &reply), "the server lives but cannot work; most likely its database is away");
    } else {
        add_check(d, "ready", "ok", STR("the server takes requests"), NULL);
    }
}

static void check_version(Doctor *d) {
    HttpReply reply;
    json_t *version = probe_object(d, "/version", &reply);
    Str number = json_member_text(version, "version", d->cli->arena);
    if (str_is_null(number)) {
        add_check(d, "version", "warn", STR("the server does not tell its version"), "is it a Propolis server?");
        return;
    }
    add_check(d, "version", "ok", number, NULL);
}

static void check_clock(Doctor *d, const HttpReply *health) {
    time_t theirs = str_is_null(health->date) ? -1 : curl_getdate(arena_cstr(d->cli->arena, health->date), NULL);
    if (theirs < 0) {
        add_check(d, "clock", "warn", STR("the server does not tell its time"), NULL);
        return;
    }
    int64_t apart = (int64_t)theirs - clock_now() / 1000000;
    apart = apart < 0 ? -apart : apart;
    Str detail = arena_printf(d->cli->arena, "server and this machine are %" PRId64 " s apart", apart);
    if (apart <= CLOCK_WARN_S) {
        add_check(d, "clock", "ok", detail, NULL);
        return;
    }
    add_check(d, "clock", apart > CLOCK_FAIL_S ? "fail" : "warn", detail, "switch on time synchronisation (NTP) on both");
}

static void check_login(Doctor *d) {
    HttpReply reply;
    json_t *me = probe_object(d, "/api/v1/whoami", &reply);
    if (me && reply.status == 200) {
        Str name = json_member_text(me, "principal", d->cli->arena), mode = json_member_text(me, "auth_mode", d->cli->arena);
        Str text = str_is_null(name) ? ARENA_CONCAT(d->cli->arena, STR("no login is asked for (auth mode "), mode, STR(")"))
                                     : ARENA_CONCAT(d->cli->arena, STR("the server takes you for "), name);
        add_check(d, "login", "ok", text, NULL);
    } else if (me && reply.status == 401) {
        add_check(d, "login", "fail", json_member_text(me, "detail", d->cli->arena),
                  "set PROPOLIS_TOKEN, or use --token-file or --login");
    } else {
        add_check(d, "login", "fail", STR("the server does not tell who you are"), "look at the log of the server");
    }
}

/* What only the server can see: database, schema, storage, ports, secret key. */
static void check_inside(Doctor *d) {
    HttpReply reply = {0};
    json_t *report = probe_object(d, "/admin/doctor", &reply), *checks = json_object_get(report, "checks");
    for (size_t i = 0; i < json_array_size(checks); i++) {
        json_array_append(d->checks, json_array_get(checks, i));
    }
    if (reply.status == 401 || reply.status == 403) {
        add_check(d, "inside", "warn", STR("the server's own checks are for administrators"), "run this as an administrator");
    } else if (!json_is_array(checks)) {
        add_check(d, "inside", "warn", STR("the server does not report its own checks"), "is it older than this program?");
    }
}

static void add_advice(Doctor *d, Buf *buf, const json_t *check) {
    Str advice = json_member_text(check, "advice", d->cli->arena);
    if (!str_is_null(advice)) {
        buf_add_cstr(buf, "      -> ");
        out_colored(&d->cli->out, buf, COLOR_BOLD, advice);
        buf_add_char(buf, '\n');
    }
}

static int widest_name(const Doctor *d) {
    size_t width = 0;
    for (size_t i = 0; i < json_array_size(d->checks); i++) {
        width = MAX(width, json_member_text(json_array_get(d->checks, i), "name", d->cli->arena).len);
    }
    return (int)width;
}

static bool show_for_people(Doctor *d, Err *err) {
    CLEANUP(buf_free) Buf buf = BUF_INIT(1 << 20);
    int width = widest_name(d) + 2;
    for (size_t i = 0; i < json_array_size(d->checks); i++) {
        const json_t *check = json_array_get(d->checks, i);
        Str status = json_member_text(check, "status", d->cli->arena), name = json_member_text(check, "name", d->cli->arena);
        bool ok = str_eq(status, STR("ok")), warn = str_eq(status, STR("warn"));
        out_colored(&d->cli->out, &buf, ok ? COLOR_GREEN : warn ? COLOR_YELLOW : COLOR_RED, status);
        buf_printf(&buf, "%*s", status.len < 6 ? (int)(6 - status.len) : 1, "");
        out_colored(&d->cli->out, &buf, COLOR_NONE, name);
        buf_printf(&buf, "%*s", width - (int)name.len, "");
        out_colored(&d->cli->out, &buf, COLOR_NONE, json_member_text(check, "detail", d->cli->arena));
        buf_add_char(&buf, '\n');
        add_advice(d, &buf, check);
    }
    return out_text(&d->cli->out, buf_str(&buf), err);
}

static bool show_for_machines(Doctor *d, Err *err) {
    out_begin(&d->cli->out, &CHECK_VIEW, d->cli->arena);
    for (size_t i = 0; i < json_array_size(d->checks); i++) {
        if (!out_item(&d->cli->out, json_array_get(d->checks, i), err)) {
            return false;
        }
    }
    return out_end(&d->cli->out, err);
}

static bool any_failed(const Doctor *d) {
    for (size_t i = 0; i < json_array_size(d->checks); i++) {
        if (str_eq(json_member_text(json_array_get(d->checks, i), "status", d->cli->arena), STR("fail"))) {
            return true;
        }
    }
    return false;
}

bool do_doctor_run(Cli *cli, Err *err) {
    json_t *report = build_new_object(cli);
    Doctor d = {cli, json_array()};
    HttpReply health;
    json_object_set_new(report, "checks", d.checks);
    if (!api_open(cli, err)) {
        return false;
    }
    if (check_server(&d, &health)) {
        check_ready(&d);
        check_version(&d);
        check_clock(&d, &health);
        check_login(&d);
        check_inside(&d);
    }
    cli->exit = any_failed(&d) ? CLI_CHECK_FAILED : CLI_OK;
    return out_is_for_people(&cli->out) ? show_for_people(&d, err) : show_for_machines(&d, err);
}
