#include "cli/build.h"
#include "cli/handlers.h"
#include "cli/noun.h"

static const Field PARTITION_FIELDS[] = {{.title = "NAME", .path = "name"},
                                         {.title = "LOCATION", .path = "storage.location"},
                                         {.title = "CREATED", .path = "created_at"},
                                         {.title = "ANALYZED", .path = "last_analyzed_at", .wide = true},
                                         {.title = "FORMAT", .path = "storage.input_format", .wide = true},
                                         {0}};
static const View PARTITION_VIEW = {PARTITION_FIELDS, {"name"}};
static const Field EVENT_FIELDS[] = {{.title = "SEQ", .path = "seq", .right = true},
                                     {.title = "AT", .path = "change.at"},
                                     {.title = "ACTION", .path = "action"},
                                     {.title = "WHO", .path = "change.principal"},
                                     {.title = "DOOR", .path = "change.protocol"},
                                     {.title = "OPERATION", .path = "change.operation"},
                                     {.title = "CLIENT", .path = "change.client", .wide = true},
                                     {.title = "AGENT", .path = "change.agent", .wide = true},
                                     {0}};
static const View EVENT_VIEW = {EVENT_FIELDS, {"seq"}};

/* .../tables/t + SUFFIX */
static bool partitions_path(Cli *cli, const char *suffix, Str *ret, Err *err) {
    Ref ref;
    if (!ref_parse(cli, &NOUN_TABLE, cli_arg(cli, 0), &ref, err)) {
        return false;
    }
    *ret = ARENA_CONCAT(cli->arena, ref_path(cli, &NOUN_TABLE, &ref), STR("/partitions"), str_from(suffix));
    return true;
}

/* .../partitions/NAME + SUFFIX, the name as one segment */
static bool one_path(Cli *cli, Str name, const char *suffix, Str *ret, Err *err) {
    Str path;
    StrList values;
    if (!cli_partition_values(name, cli->arena, &values)) {
        return cli_usage(cli, err, "'%" STR_FMT "' is no partition; write key=value, or key=value/key=value.", STR_ARG(name));
    }
    if (!partitions_path(cli, "/", &path, err)) {
        return false;
    }
    CLEANUP(buf_free) Buf out = BUF_INIT(1 << 20);
    buf_add(&out, path);
    cli_path_add_encoded(&out, name);
    buf_add_cstr(&out, suffix);
    *ret = arena_str(cli->arena, buf_str(&out));
    return true;
}

static Str filtered(Cli *cli, Str path) {
    path = cli_path_query(cli->arena, path, "filter", cli_flag(cli, FLAG_FILTER));
    return cli_path_query(cli->arena, path, "grammar", cli_flag(cli, FLAG_GRAMMAR));
}

bool do_partition_list(Cli *cli, Err *err) {
    Str path;
    if (!partitions_path(cli, "", &path, err)) {
        return false;
    }
    path = filtered(cli, path);
    path = cli_path_query(cli->arena, path, "detail", cli->out.format == OUT_NAME ? STR("name") : STR_NULL);
    path = cli_path_query(cli->arena, path, "columns", out_is_for_people(&cli->out) ? STR("false") : STR_NULL);
    return api_list(cli, path, &PARTITION_VIEW, err);
}

bool do_partition_count(Cli *cli, Err *err) {
    Str path;
    json_t *answer;
    if (!partitions_path(cli, ":count", &path, err) || !api_get(cli, filtered(cli, path), &answer, err)) {
        return false;
    }
    if (!out_is_for_people(&cli->out)) {
        return out_document(&cli->out, answer, false, err);
    }
    Str count = json_member_text(answer, "count", cli->arena);
    return out_text(&cli->out, ARENA_CONCAT(cli->arena, count, STR("\n")), err);
}

bool do_partition_get(Cli *cli, Err *err) {
    Str path;
    json_t *partition;
    return one_path(cli, cli_arg(cli, 1), "", &path, err) && api_get(cli, path, &partition, err) &&
           out_object(&cli->out, &PARTITION_VIEW, partition, cli->arena, err);
}

static json_t *texts_of(StrList list) {
    json_t *array = json_array();
    for (size_t i = 0; i < list.count; i++) {
        json_array_append_new(array, json_stringn(list.items[i].ptr, list.items[i].len));
    }
    return array;
}

static bool add_new_partition(Cli *cli, Str name, json_t *items, Err *err) {
    StrList values;
    if (!cli_partition_values(name, cli->arena, &values)) {
        return cli_usage(cli, err, "'%" STR_FMT "' is no partition; write key=value, or key=value/key=value.", STR_ARG(name));
    }
    json_t *partition = json_pack("{so}", "name", json_stringn(name.ptr, name.len)); /* the server knows the keys */
    json_array_append_new(items, partition);
    Str location = cli_flag(cli, FLAG_LOCATION);
    if (!str_is_null(location)) {
        json_object_set_new(partition, "storage", json_pack("{so}", "location", json_stringn(location.ptr, location.len)));
    }
    return build_params(cli, FLAG_PARAM, partition, "parameters", err);
}

static size_t count_status(const json_t *items, const char *status) {
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(items); i++) {
        const char *is = json_string_value(json_object_get(json_array_get(items, i), "status"));
        count += is && strcmp(is, status) == 0;
    }
    return count;
}

bool do_partition_create(Cli *cli, Err *err) {
    Str path;
    size_t count = cli->args.words.count - 1;
    json_t *body = build_new_object(cli), *items = json_array();
    json_object_set_new(body, "items", items);
    if (cli_has(cli, FLAG_LOCATION) && count > 1) {
        return cli_usage(cli, err, "--location is for a single partition.");
    }
    for (size_t i = 1; i <= count; i++) {
        if (!add_new_partition(cli, cli_arg(cli, i), items, err)) {
            return false;
        }
    }
    if (cli_has(cli, FLAG_IF_NOT_EXISTS)) {
        json_object_set_new(body, "if_not_exists", json_true());
    }
    ApiReply reply;
    if (!partitions_path(cli, "", &path, err) || !api_send(cli, "POST", path, body, STR_NULL, &reply, err)) {
        return false;
    }
    size_t existed = count_status(json_object_get(reply.value, "items"), "existed");
    cli_note(cli, "created %zu partition%s", count - existed, count - existed == 1 ? "" : "s");
    if (existed) {
        cli_note(cli, "kept %zu existing partition%s", existed, existed == 1 ? "" : "s");
    }
    return true;
}

bool do_partition_drop(Cli *cli, Err *err) {
    Str path, filter = cli_flag(cli, FLAG_FILTER);
    StrList names = {cli->args.words.items + 1, cli->args.words.count - 1};
    if (str_is_null(filter) == (names.count == 0)) {
        return cli_usage(cli, err, "Say which partitions to drop: their names, or --filter.");
    }
    json_t *body = build_new_object(cli);
    json_object_set_new(body, names.count ? "names" : "filter",
                        names.count ? texts_of(names) : json_stringn(filter.ptr, filter.len));
    Str grammar = cli_flag(cli, FLAG_GRAMMAR);
    if (!str_is_null(grammar)) {
        json_object_set_new(body, "grammar", json_stringn(grammar.ptr, grammar.len));
    }
    json_object_set_new(body, "if_exists", json_boolean(cli_has(cli, FLAG_IF_EXISTS)));
    json_object_set_new(body, "delete_data", json_boolean(!cli_has(cli, FLAG_KEEP_DATA)));
    ApiReply reply;
    if (!partitions_path(cli, ":drop", &path, err) || !api_send(cli, "POST", path, body, STR_NULL, &reply, err)) {
        return false;
    }
    json_int_t dropped = json_integer_value(json_object_get(reply.value, "dropped"));
    cli_note(cli, "dropped %" JSON_INTEGER_FORMAT " partition%s", dropped, dropped == 1 ? "" : "s");
    return true;
}

bool do_partition_rename(Cli *cli, Err *err) {
    Str path, to = cli_arg(cli, 2);
    StrList values;
    if (!cli_partition_values(to, cli->arena, &values)) {
        return cli_usage(cli, err, "'%" STR_FMT "' is no partition; write key=value, or key=value/key=value.", STR_ARG(to));
    }
    json_t *body = build_new_object(cli);
    json_object_set_new(body, "name", json_stringn(to.ptr, to.len));
    if (!one_path(cli, cli_arg(cli, 1), ":rename", &path, err) || !api_send(cli, "POST", path, body, STR_NULL, NULL, err)) {
        return false;
    }
    cli_note(cli, "renamed to partition %" STR_FMT, STR_ARG(to));
    return true;
}

bool do_partition_history(Cli *cli, Err *err) {
    Str path;
    return one_path(cli, cli_arg(cli, 1), "/history", &path, err) && api_show_items(cli, path, &EVENT_VIEW, err);
}

bool do_partition_restore(Cli *cli, Err *err) {
    Str path;
    int64_t seq = 0;
    json_t *body = build_new_object(cli);
    if (!cli_flag_i64(cli, FLAG_TO, 1, &seq, err)) {
        return false;
    }
    if (seq) {
        json_object_set_new(body, "seq", json_integer(seq));
    }
    if (!one_path(cli, cli_arg(cli, 1), ":restore", &path, err) || !api_send(cli, "POST", path, body, STR_NULL, NULL, err)) {
        return false;
    }
    cli_note(cli, "restored partition %" STR_FMT, STR_ARG(cli_arg(cli, 1)));
    return true;
}
