#include <time.h>

#include "base/json_reader.h"
#include "cli/api.h"
#include "cli/handlers.h"
#include "cli/history.h"
#include "cli/noun.h"
#include "cli/sse.h"

enum { NORMAL_LIMIT = 100, PAGE = 1000, JSON_DEPTH = 200, LONGEST_PAUSE_S = 15 };

static Str object_of(const json_t *item, Arena *arena) {
    static const char *const members[] = {"catalog", "database", "name"};
    CLEANUP(buf_free) Buf out = BUF_INIT(1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        Str part = json_member_text(item, members[i], arena);
        if (part.len) {
            cli_name_add_part(&out, part);
        }
    }
    size_t partitions = json_array_size(json_object_get(item, "partitions"));
    if (partitions == 1) {
        buf_add_char(&out, ' ');
        buf_add(&out, json_text(json_array_get(json_object_get(item, "partitions"), 0), arena));
    } else if (partitions) {
        buf_printf(&out, " (%zu partitions)", partitions);
    }
    return arena_str(arena, buf_str(&out));
}

static const Field CHANGE_FIELDS[] = {{.title = "ID", .path = "change_id", .right = true},
                                      {.title = "AT", .path = "at"},
                                      {.title = "WHO", .path = "principal"},
                                      {.title = "DOOR", .path = "protocol"},
                                      {.title = "KIND", .path = "kind"},
                                      {.title = "ACTION", .path = "action"},
                                      {.title = "OBJECT", .text = object_of},
                                      {.title = "CHANGES", .text = diff_summary},
                                      {.title = "VERSION", .path = "version", .right = true, .wide = true},
                                      {.title = "OPERATION", .path = "operation", .wide = true},
                                      {.title = "CLIENT", .path = "client", .wide = true},
                                      {.title = "AGENT", .path = "agent", .wide = true},
                                      {.title = "REQUEST", .path = "request_id", .wide = true},
                                      {0}};
static const View CHANGE_VIEW = {CHANGE_FIELDS, {"change_id"}};

typedef struct Following {
    Cli *cli;
    Arena *arena;  /* of one event */
    int64_t after; /* the last change shown */
    int64_t left;
    int64_t skip;  /* matches to pass over before the first one shown */
    int64_t seen;  /* matches so far */
    bool counting; /* only count them */
    bool got_something;
    Err *err;
    bool failed;
} Following;

static Str filtered(Cli *cli, Str path) {
    static const struct {
        FlagId flag;
        const char *name;
    } filters[] = {{FLAG_KIND, "kind"},
                   {FLAG_CATALOG, "catalog"},
                   {FLAG_DATABASE, "database"},
                   {FLAG_OBJECT, "name"},
                   {FLAG_PRINCIPAL, "principal"}};
    const Noun *noun = noun_by_kind(cli_flag(cli, FLAG_KIND)); /* "db" is what the API calls a database */
    for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
        bool is_kind = noun && filters[i].flag == FLAG_KIND;
        path = cli_path_query(cli->arena, path, filters[i].name, is_kind ? str_from(noun->kind) : cli_flag(cli, filters[i].flag));
    }
    return path;
}

static Str path_after(Cli *cli, Arena *arena, int64_t after) {
    Str path = filtered(cli, PATH(cli->arena, STR("changes")));
    return cli_path_query(arena, path, "after", arena_printf(arena, "%" PRId64, after));
}

/* The newest change there is, which every answer tells. */
static bool newest_id(Cli *cli, int64_t *ret, Err *err) {
    json_t *answer;
    Str path = cli_path_query(cli->arena, PATH(cli->arena, STR("changes")), "limit", STR("1"));
    if (!api_get(cli, path, &answer, err)) {
        return false;
    }
    *ret = json_integer_value(json_object_get(answer, "last_change_id"));
    return true;
}

static bool start_after(Cli *cli, int64_t limit, int64_t *ret, Err *err) {
    int64_t newest;
    if (cli_has(cli, FLAG_AFTER)) {
        return cli_flag_i64(cli, FLAG_AFTER, 0, ret, err);
    }
    if (cli_has(cli, FLAG_ALL)) {
        *ret = 0;
        return true;
    }
    if (!newest_id(cli, &newest, err)) {
        return false;
    }
    bool only_new = cli_has(cli, FLAG_FOLLOW) && !cli_has(cli, FLAG_LIMIT);
    *ret = only_new ? newest : newest - MIN(limit, newest);
    return true;
}

static bool show_change(Following *f, json_t *change) {
    f->after = MAX(f->after, (int64_t)json_integer_value(json_object_get(change, "change_id")));
    f->got_something = true;
    if (f->counting || f->seen++ < f->skip) {
        f->seen += f->counting;
        return true;
    }
    f->failed = !out_item(&f->cli->out, change, f->err);
    return !f->failed;
}

/* Pages by id until there is no more. */
static bool show_pages(Following *f) {
    for (;;) {
        ApiReply reply;
        int64_t want = MIN(f->left, (int64_t)PAGE);
        Str path = path_after(f->cli, f->arena, f->after);
        path = cli_path_query(f->arena, path, "limit", arena_printf(f->arena, "%" PRId64, want));
        if (!api_send_in(f->cli, f->arena, "GET", path, NULL, STR_NULL, &reply, f->err)) {
            return false;
        }
        json_t *items = json_object_get(reply.value, "items");
        size_t count = json_array_size(items);
        for (size_t i = 0; i < count; i++) {
            if (!show_change(f, json_array_get(items, i))) {
                return false;
            }
        }
        f->left -= (int64_t)count;
        arena_reset(f->arena);
        if (count == 0 || (int64_t)count < want || f->left <= 0) {
            return true;
        }
    }
}

static bool on_event(Str id, Str data, void *arg) {
    Following *f = arg;
    json_t *change;
    Err ignored;
    (void)id;
    if (!jr_parse(f->arena, data, JSON_DEPTH, &change, &ignored) || !json_is_object(change)) {
        arena_reset(f->arena);
        return true; /* an event of a kind that does not concern us */
    }
    bool ok = !json_object_get(change, "change_id") ||
              (show_change(f, change) && out_show(&f->cli->out, f->err) && out_flush(&f->cli->out, f->err));
    arena_reset(f->arena);
    f->failed = !ok;
    return ok;
}

typedef struct Stream {
    Following *following;
    Sse sse;
} Stream;

static bool on_bytes(Str bytes, void *arg) {
    Stream *s = arg;
    return cli_sse_feed(&s->sse, bytes, on_event, s->following);
}

static void pause_s(unsigned seconds) {
    struct timespec t = {seconds, 0};
    nanosleep(&t, NULL);
}

/* Streams for ever; lost connections are made again behind the last change seen. */
static bool follow(Following *f) {
    for (unsigned pause = 1;; pause = MIN(pause * 2, (unsigned)LONGEST_PAUSE_S)) {
        Stream stream = {f, cli_sse_new()};
        Str path = path_after(f->cli, f->cli->arena, f->after);
        f->got_something = false;
        bool ok = api_open(f->cli, f->err) && cli_http_stream(f->cli->http, path, on_bytes, &stream, f->err);
        cli_sse_free(&stream.sse);
        if (f->failed || (!ok && cli_exit_of(f->err) != CLI_UNAVAILABLE)) {
            return false;
        }
        if (!ok) {
            cli_note(f->cli, "the server is away; trying again in %u s", pause);
        }
        pause = ok || f->got_something ? 1 : pause;
        pause_s(pause);
    }
}

static bool is_filtered(const Cli *cli) {
    static const FlagId filters[] = {FLAG_KIND, FLAG_CATALOG, FLAG_DATABASE, FLAG_OBJECT, FLAG_PRINCIPAL};
    for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
        if (cli_has(cli, filters[i])) {
            return true;
        }
    }
    return false;
}

/* The last N of a filtered log: looks back ever farther until there are enough matches, then passes over the surplus. */
static bool look_back(Following *f, int64_t wanted) {
    int64_t newest, back = wanted;
    if (!newest_id(f->cli, &newest, f->err)) {
        return false;
    }
    for (;;) {
        int64_t start = newest - MIN(back, newest);
        Following count = {.cli = f->cli, .arena = f->arena, .err = f->err, .after = start, .left = INT64_MAX, .counting = true};
        if (!show_pages(&count)) {
            return false;
        }
        if (count.seen >= wanted || start == 0) {
            f->after = start;
            f->skip = count.seen - MIN(wanted, count.seen);
            f->left = INT64_MAX;
            return true;
        }
        back *= 10;
    }
}

bool do_changes_show(Cli *cli, Err *err) {
    Following f = {.cli = cli, .err = err};
    bool following = cli_has(cli, FLAG_FOLLOW);
    if (!api_limit(cli, NORMAL_LIMIT, &f.left, err)) {
        return false;
    }
    f.left = cli_has(cli, FLAG_AFTER) && !cli_has(cli, FLAG_LIMIT) ? INT64_MAX : f.left;
    if (!start_after(cli, f.left, &f.after, err)) {
        return false;
    }
    if (following && cli->out.format == OUT_JSON) {
        cli->out.format = OUT_NDJSON; /* a list that never ends is no JSON */
    }
    out_begin(&cli->out, &CHANGE_VIEW, cli->arena);
    f.arena = arena_new((size_t)1 << 30);
    int64_t wanted = f.left;
    f.left = following ? INT64_MAX : f.left;
    bool last_of_filtered = is_filtered(cli) && !cli_has(cli, FLAG_AFTER) && (!following || cli_has(cli, FLAG_LIMIT)) &&
                            wanted < INT64_MAX;
    bool ok = (!last_of_filtered || look_back(&f, wanted)) && show_pages(&f) &&
              (!following || (out_show(&cli->out, err) && out_flush(&cli->out, err) && follow(&f)));
    arena_free(f.arena);
    return ok && out_end(&cli->out, err);
}
