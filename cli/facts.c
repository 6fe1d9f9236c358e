#include "cli/build.h"
#include "cli/files.h"
#include "cli/handlers.h"
#include "cli/noun.h"
#include "cli/text.h"

static const Field CONSTRAINT_FIELDS[] = {
    {.title = "NAME", .path = "name"}, {.title = "KIND", .path = "kind"}, {.title = "COLUMNS", .path = "columns"}, {0}};
static const View CONSTRAINT_VIEW = {CONSTRAINT_FIELDS, {"name"}};

static bool below_table(Cli *cli, const char *suffix, Str *ret, Err *err) {
    Ref ref;
    if (!ref_parse(cli, &NOUN_TABLE, cli_arg(cli, 0), &ref, err)) {
        return false;
    }
    *ret = ARENA_CONCAT(cli->arena, ref_path(cli, &NOUN_TABLE, &ref), str_from(suffix));
    return true;
}

bool do_stats_get(Cli *cli, Err *err) {
    Str path, names = STR_NULL;
    StrList columns = cli_flags(cli, FLAG_COLUMN);
    json_t *answer;
    if (!below_table(cli, "/statistics", &path, err)) {
        return false;
    }
    for (size_t i = 0; i < columns.count; i++) {
        names = i ? ARENA_CONCAT(cli->arena, names, STR(","), columns.items[i]) : columns.items[i];
    }
    path = cli_path_query(cli->arena, path, "columns", names);
    path = cli_path_query(cli->arena, path, "engine", cli_flag(cli, FLAG_ENGINE));
    return api_get(cli, path, &answer, err) && out_object(&cli->out, &CONSTRAINT_VIEW, answer, cli->arena, err);
}

bool do_constraint_list(Cli *cli, Err *err) {
    Str path;
    return below_table(cli, "/constraints", &path, err) && api_show_items(cli, path, &CONSTRAINT_VIEW, err);
}

bool do_constraint_add(Cli *cli, Err *err) {
    Str path;
    json_t *constraint;
    if (!cli_has(cli, FLAG_FILE)) {
        return cli_usage(cli, err, "Give the constraint's definition with -f FILE.");
    }
    if (!cli_file_object(cli, arena_cstr(cli->arena, cli_flag(cli, FLAG_FILE)), &constraint, err) ||
        !below_table(cli, "/constraints", &path, err) || !api_send(cli, "POST", path, constraint, STR_NULL, NULL, err)) {
        return false;
    }
    cli_note(cli, "added the constraint");
    return true;
}

bool do_constraint_drop(Cli *cli, Err *err) {
    Str path;
    if (!below_table(cli, "/constraints/", &path, err)) {
        return false;
    }
    CLEANUP(buf_free) Buf out = BUF_INIT(1 << 20);
    buf_add(&out, path);
    cli_path_add_encoded(&out, cli_arg(cli, 1));
    if (!api_send(cli, "DELETE", buf_str(&out), NULL, STR_NULL, NULL, err)) {
        return cli_exit_of(err) == CLI_NOT_FOUND && cli_has(cli, FLAG_IF_EXISTS);
    }
    cli_note(cli, "dropped the constraint");
    return true;
}

static bool tags_path(Cli *cli, Str *ret, Err *err) {
    Name name;
    Ref ref;
    const Noun *noun = noun_by_kind(cli_flag(cli, FLAG_KIND));
    if (!cli_name_parse(cli_arg(cli, 0), cli->arena, &name, err)) {
        return false;
    }
    if (!cli_has(cli, FLAG_KIND)) {
        noun = name.count > 1 ? &NOUN_TABLE : &NOUN_DATABASE;
    }
    if (noun != &NOUN_TABLE && noun != &NOUN_DATABASE && noun != &NOUN_CONNECTION) {
        return cli_usage(cli, err, "--kind must be table, db or connection.");
    }
    if (!ref_parse(cli, noun, cli_arg(cli, 0), &ref, err)) {
        return false;
    }
    *ret = ARENA_CONCAT(cli->arena, ref_path(cli, noun, &ref), STR("/tags"));
    return true;
}

static bool show_keys(Cli *cli, json_t *tags, Err *err) {
    CLEANUP(buf_free) Buf out = BUF_INIT(1 << 20);
    for (void *at = json_object_iter(tags); at; at = json_object_iter_next(tags, at)) {
        cli_text_add_safe(&out, str_from(json_object_iter_key(at)));
        buf_add_char(&out, '\n');
    }
    return out_text(&cli->out, buf_str(&out), err);
}

bool do_tag_get(Cli *cli, Err *err) {
    Str path;
    json_t *tags;
    if (!tags_path(cli, &path, err) || !api_get(cli, path, &tags, err)) {
        return false;
    }
    return cli->out.format == OUT_NAME ? show_keys(cli, tags, err) : out_object(&cli->out, &CONSTRAINT_VIEW, tags, cli->arena, err);
}

bool do_tag_set(Cli *cli, Err *err) {
    Str path;
    size_t removed = 0;
    json_t *body = build_new_object(cli);
    for (size_t i = 1; i < cli->args.words.count; i++) {
        Str pair = cli_arg(cli, i);
        size_t equals = str_find_char(pair, '=');
        if (equals == SIZE_MAX || equals == 0) {
            return cli_usage(cli, err, "'%" STR_FMT "' is no tag; write KEY=VALUE.", STR_ARG(pair));
        }
        Str value = str_skip(pair, equals + 1);
        removed += value.len == 0;
        json_object_set_new(body, arena_cstr(cli->arena, str_slice(pair, 0, equals)),
                            value.len ? json_stringn(value.ptr, value.len) : json_null());
    }
    if (!tags_path(cli, &path, err) || !api_send(cli, "PATCH", path, body, STR_NULL, NULL, err)) {
        return false;
    }
    size_t set = cli->args.words.count - 1 - removed;
    if (set) {
        cli_note(cli, "set %zu tag%s", set, set == 1 ? "" : "s");
    }
    if (removed) {
        cli_note(cli, "removed %zu tag%s", removed, removed == 1 ? "" : "s");
    }
    return true;
}
