#include "cli/api.h"

#include "base/clock.h"
#include "base/json_reader.h"
#include "cli/profile.h"

enum { PAGE = 1000, JSON_DEPTH = 1000 };
#define PAGE_ARENA_LIMIT ((size_t)2 << 30)

bool api_open(Cli *cli, Err *err) {
    HttpSetup setup;
    if (cli->http) {
        return true;
    }
    if (!profile_setup(cli, &setup, err)) {
        return false;
    }
    setup.quiet = cli->quiet;
    cli->http = cli_http_open(&setup, cli->arena, err);
    return cli->http != NULL;
}

static bool is_json(Str content_type) { return str_starts(content_type, STR("application/json")) || str_is_null(content_type); }

bool api_send_in(Cli *cli, Arena *arena, const char *method, Str path, const json_t *body, Str if_match, ApiReply *ret, Err *err) {
    HttpCall call = {.method = method, .path = path, .if_match = if_match};
    HttpReply reply;
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    call.body = body ? str_from(text) : strcmp(method, "POST") == 0 ? STR("") : STR_NULL;
    call.content_type = strcmp(method, "PATCH") == 0 ? "application/merge-patch+json" : NULL;
    bool ok = api_open(cli, err) && cli_http_call(cli->http, &call, arena, &reply, err);
    free(text);
    if (!ok) {
        return false;
    }
    ApiReply out = {.etag = reply.etag, .status = reply.status};
    if (reply.body.len && !is_json(reply.content_type)) {
        return err_set(err, ERR_INTERNAL, "The server at %s answered with %" STR_FMT " instead of JSON. Is it a Propolis server?",
                       cli_http_server(cli->http), STR_ARG(reply.content_type));
    }
    if (reply.body.len && !jr_parse(arena, reply.body, JSON_DEPTH, &out.value, err)) {
        return err_prefix(err, "The answer of the server at %s", cli_http_server(cli->http));
    }
    if (ret) {
        *ret = out;
    }
    return true;
}

bool api_send(Cli *cli, const char *method, Str path, const json_t *body, Str if_match, ApiReply *ret, Err *err) {
    return api_send_in(cli, cli->arena, method, path, body, if_match, ret, err);
}

static bool must_have_body(Cli *cli, const json_t *value, Err *err) {
    return value || err_set(err, ERR_INTERNAL, "The server at %s answered with nothing.", cli_http_server(cli->http));
}

bool api_get(Cli *cli, Str path, json_t **ret, Err *err) {
    ApiReply reply = {0};
    if (!api_send(cli, "GET", path, NULL, STR_NULL, &reply, err) || !must_have_body(cli, reply.value, err)) {
        return false;
    }
    *ret = reply.value;
    return true;
}

static bool each_of_page(Cli *cli, json_t *items, int64_t *left, ApiItem fn, void *arg, Err *err) {
    for (size_t i = 0; i < json_array_size(items) && *left > 0; i++, (*left)--) {
        json_t *item = json_array_get(items, i);
        json_t *named = json_is_string(item) ? json_pack("{sO}", "name", item) : json_incref(item);
        bool ok = fn(cli, named, arg, err);
        json_decref(named);
        if (!ok) {
            return false;
        }
    }
    return true;
}

/* Asks for a large page, and for one of the server's own size when it refuses that (limits.page may be small). */
static bool fetch_page(Cli *cli, Arena *arena, Str path, Str token, int64_t left, ApiReply *ret, Err *err) {
    path = cli_path_query(arena, path, "page_token", token);
    Str sized = cli_path_query(arena, path, "limit", arena_printf(arena, "%" PRId64, MIN(left, (int64_t)PAGE)));
    if (api_send_in(cli, arena, "GET", sized, NULL, STR_NULL, ret, err)) {
        return true;
    }
    bool too_large = err->code == ERR_INVALID_INPUT && strstr(err->message, "limit");
    return too_large && api_send_in(cli, arena, "GET", path, NULL, STR_NULL, ret, err);
}

/* One page; *TOKEN becomes the next page's (in the run's arena), null at the end. */
static bool one_page(Cli *cli, Arena *arena, Str path, Str *token, int64_t *left, ApiItem fn, void *arg, Err *err) {
    ApiReply reply = {0};
    if (!fetch_page(cli, arena, path, *token, *left, &reply, err) || !must_have_body(cli, reply.value, err)) {
        return false;
    }
    json_t *items = json_is_array(reply.value) ? reply.value : json_object_get(reply.value, "items");
    if (!json_is_array(items)) {
        return err_set(err, ERR_INTERNAL, "The server's answer to a listing has no \"items\".");
    }
    *token = arena_str(cli->arena, json_text(json_object_get(reply.value, "next_page_token"), arena));
    return each_of_page(cli, items, left, fn, arg, err);
}

bool api_each(Cli *cli, Str path, int64_t limit, ApiItem fn, void *arg, Err *err) {
    Arena *arena = arena_new(PAGE_ARENA_LIMIT);
    Str token = STR_NULL;
    bool ok = true;
    do {
        ok = one_page(cli, arena, path, &token, &limit, fn, arg, err);
        arena_reset(arena);
    } while (ok && !str_is_null(token) && limit > 0);
    arena_free(arena);
    return ok;
}

bool api_limit(Cli *cli, int64_t normal, int64_t *ret, Err *err) {
    int64_t limit = normal && !cli_has(cli, FLAG_ALL) ? normal : INT64_MAX;
    if (!cli_flag_i64(cli, FLAG_LIMIT, 1, &limit, err)) {
        return false;
    }
    *ret = limit;
    return true;
}

typedef struct Listing {
    Progress progress;
    Str catalog, database;
} Listing;

static void complete(json_t *item, const char *member, Str value) {
    if (!str_is_null(value) && !json_object_get(item, member)) {
        json_object_set_new(item, member, json_stringn(value.ptr, value.len));
    }
}

static bool print_item(Cli *cli, json_t *item, void *arg, Err *err) {
    Listing *listing = arg;
    progress_step(&listing->progress, 1);
    complete(item, "catalog", listing->catalog);
    complete(item, "database", listing->database);
    return out_item(&cli->out, item, err);
}

bool api_list(Cli *cli, Str path, const View *view, Err *err) { return api_list_of(cli, path, view, STR_NULL, STR_NULL, err); }

bool api_list_of(Cli *cli, Str path, const View *view, Str catalog, Str database, Err *err) {
    int64_t limit;
    if (!api_limit(cli, 0, &limit, err)) {
        return false;
    }
    Listing listing = {progress_start("Listing", 0, cli->quiet || cli->out.terminal), catalog, database};
    out_begin(&cli->out, view, cli->arena);
    bool ok = api_each(cli, path, limit, print_item, &listing, err);
    progress_end(&listing.progress);
    return ok && out_end(&cli->out, err);
}

bool api_show_items(Cli *cli, Str path, const View *view, Err *err) {
    json_t *answer;
    int64_t left;
    Listing listing = {.progress = progress_start("Listing", 0, true)};
    if (!api_limit(cli, 0, &left, err) || !api_get(cli, path, &answer, err)) {
        return false;
    }
    out_begin(&cli->out, view, cli->arena);
    return each_of_page(cli, json_object_get(answer, "items"), &left, print_item, &listing, err) && out_end(&cli->out, err);
}

/* "90s", "15m", "3h", "2d", "1w", with or without "ago". */
static bool parse_age(Str text, Micros *ret) {
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
    int64_t n;
    text = str_ends(text, STR(" ago")) ? str_slice(text, 0, text.len - 4) : text;
    for (size_t i = 0; i < ARRAY_LEN(units) && text.len > 1; i++) {
        if (text.ptr[text.len - 1] == units[i].unit && str_to_i64(str_slice(text, 0, text.len - 1), &n) && n >= 0 &&
            n < 1000000000) {
            *ret = n * units[i].seconds * 1000000;
            return true;
        }
    }
    return false;
}

bool cli_when_parse(Cli *cli, Str text, bool future, Str *ret, Err *err) {
    Micros at, age;
    if (parse_age(text, &age)) {
        at = future ? clock_now() + age : clock_now() - age;
    } else if (!time_parse(text, &at)) {
        return cli_usage(cli, err, "'%" STR_FMT "' is no time; write 2026-11-21T10:00:00Z, 2026-11-21, or an age like 15m, 3h, 2d.",
                         STR_ARG(text));
    }
    char out[32];
    time_format(at, out);
    *ret = arena_str(cli->arena, str_from(out));
    return true;
}
