#include "cli/history.h"

#include "cli/build.h"
#include "cli/handlers.h"
#include "cli/noun.h"

enum { MAX_TEXT = 64 * 1024 * 1024 };

static const json_t *changes_of(const json_t *diff) { return json_object_get(diff, "changes"); }

/* The sign of a change, from its operation. */
static char sign_of(const json_t *change, Arena *arena) {
    Str op = json_member_text(change, "op", arena);
    return str_starts(op, STR("add")) ? '+' : str_starts(op, STR("drop")) || str_starts(op, STR("remove")) ? '-' : '~';
}

static bool is_breaking(const json_t *change, Arena *arena) {
    return str_eq(json_member_text(change, "class", arena), STR("breaking"));
}

/* "rename_column" to "rename column"; what the sign says already is left out. */
static Str words_of(Str op, Arena *arena) {
    if (str_eq(op, STR("set")) || str_starts(op, STR("add")) || str_starts(op, STR("drop")) || str_starts(op, STR("set_"))) {
        return STR("");
    }
    Str copy = ARENA_CONCAT(arena, op, STR(" "));
    for (size_t i = 0; i < copy.len; i++) {
        char *at = (char *)(uintptr_t)copy.ptr + i;
        *at = *at == '_' ? ' ' : *at;
    }
    return copy;
}

static Str values_of(const json_t *change, char sign, Arena *arena) {
    Str old = json_member_text(change, "old", arena), new = json_member_text(change, "new", arena);
    Str only = sign == '+' ? new : sign == '-' ? old : STR_NULL;
    if (sign != '~') {
        return str_is_null(only) ? STR("") : ARENA_CONCAT(arena, STR(": "), only);
    }
    if (str_is_null(old) && str_is_null(new)) {
        return STR("");
    }
    return ARENA_CONCAT(arena, STR(": "), str_is_null(old) ? STR("(none)") : old, STR(" -> "),
                        str_is_null(new) ? STR("(none)") : new);
}

static void add_change(const Out *out, Buf *buf, const json_t *change, Arena *arena) {
    static const char signs[] = "+-~";
    static const OutColor colors[] = {COLOR_GREEN, COLOR_RED, COLOR_YELLOW};
    char sign = sign_of(change, arena);
    OutColor color = colors[strchr(signs, sign) - signs];
    Str path = json_member_text(change, "path", arena), why = json_member_text(change, "why", arena);
    Str line = arena_printf(arena, "%c %" STR_FMT "%" STR_FMT "%" STR_FMT, sign,
                            STR_ARG(words_of(json_member_text(change, "op", arena), arena)), STR_ARG(path),
                            STR_ARG(values_of(change, sign, arena)));
    out_colored(out, buf, color, line);
    if (is_breaking(change, arena)) {
        buf_add_cstr(buf, "  ");
        out_colored(out, buf, COLOR_RED, STR("BREAKING"));
    } else if (str_eq(json_member_text(change, "class", arena), STR("engine_dependent"))) {
        buf_add_cstr(buf, "  ");
        out_colored(out, buf, COLOR_YELLOW, STR("depends on the engine"));
    }
    if (!str_is_null(why)) {
        out_colored(out, buf, COLOR_DIM, ARENA_CONCAT(arena, STR("  ("), why, STR(")")));
    }
}

/* One line a change: + added, - removed, ~ altered; breaking ones are marked. DIFF is {"class", "changes": [...]}. */
static void diff_add(const Out *out, Buf *buf, const json_t *diff, Arena *arena) {
    const json_t *changes = changes_of(diff);
    for (size_t i = 0; i < json_array_size(changes); i++) {
        add_change(out, buf, json_array_get(changes, i), arena);
        buf_add_char(buf, '\n');
    }
}

Str diff_summary(const json_t *item, Arena *arena) {
    const json_t *diff = json_at(item, "diff") ? json_at(item, "diff") : json_at(item, "detail.diff");
    const json_t *changes = changes_of(diff);
    size_t added = 0, removed = 0, altered = 0, breaking = 0;
    for (size_t i = 0; i < json_array_size(changes); i++) {
        char sign = sign_of(json_array_get(changes, i), arena);
        added += sign == '+';
        removed += sign == '-';
        altered += sign == '~';
        breaking += is_breaking(json_array_get(changes, i), arena);
    }
    CLEANUP(buf_free) Buf out = BUF_INIT(256);
    const size_t counts[] = {added, removed, altered};
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        if (counts[i]) {
            buf_printf(&out, "%s%c%zu", out.len ? " " : "", "+-~"[i], counts[i]);
        }
    }
    buf_add_cstr(&out, breaking ? ", breaking" : "");
    buf_add_cstr(&out, json_is_true(json_object_get(item, "noop")) ? "(nothing)" : "");
    buf_add_cstr(&out, json_is_true(json_object_get(item, "pointer_move")) ? " (pointer)" : "");
    return arena_str(arena, buf_str(&out));
}

/* Members of who and how stand in the version itself, or in its "change". */
static Str either(const json_t *item, const char *direct, const char *nested, Arena *arena) {
    Str found = json_member_text(item, direct, arena);
    return str_is_null(found) ? json_member_text(item, nested, arena) : found;
}

static Str principal_of(const json_t *item, Arena *arena) { return either(item, "principal", "change.principal", arena); }
static Str protocol_of(const json_t *item, Arena *arena) { return either(item, "protocol", "change.protocol", arena); }
static Str operation_of(const json_t *item, Arena *arena) { return either(item, "operation", "change.operation", arena); }
static Str client_of(const json_t *item, Arena *arena) { return either(item, "client", "change.client", arena); }
static Str agent_of(const json_t *item, Arena *arena) { return either(item, "agent", "change.agent", arena); }

static const Field VERSION_FIELDS[] = {{.title = "VERSION", .path = "version", .right = true},
                                       {.title = "AT", .path = "at"},
                                       {.title = "WHO", .text = principal_of},
                                       {.title = "DOOR", .text = protocol_of},
                                       {.title = "OPERATION", .text = operation_of},
                                       {.title = "CHANGES", .text = diff_summary},
                                       {.title = "CLIENT", .text = client_of, .wide = true},
                                       {.title = "AGENT", .text = agent_of, .wide = true},
                                       {0}};
static const View VERSION_VIEW = {VERSION_FIELDS, {"version"}};
static const Field DROPPED_FIELDS[] = {{.title = "NAME", .path = "name"},
                                       {.title = "INCARNATION", .path = "incarnation", .right = true},
                                       {.title = "DROPPED", .path = "dropped_at"},
                                       {.title = "TYPE", .path = "type"},
                                       {.title = "VERSION", .path = "version", .right = true, .wide = true},
                                       {.title = "LOCATION", .path = "storage.location", .wide = true},
                                       {0}};
static const View DROPPED_VIEW = {DROPPED_FIELDS, {"catalog", "database", "name"}};

static bool table_path(Cli *cli, const char *suffix, Str *ret, Ref *ret_ref, Err *err) {
    Ref ref;
    if (!ref_parse(cli, &NOUN_TABLE, cli_arg(cli, 0), &ref, err)) {
        return false;
    }
    *ret = ARENA_CONCAT(cli->arena, ref_path(cli, &NOUN_TABLE, &ref), str_from(suffix));
    *ret_ref = ref;
    return true;
}

bool do_table_history(Cli *cli, Err *err) {
    Ref ref;
    Str path, all = cli_has(cli, FLAG_ALL) ? STR("true") : STR_NULL;
    if (!table_path(cli, "/versions", &path, &ref, err)) {
        return false;
    }
    path = cli_path_query(cli->arena, path, "noops", all);
    return api_list(cli, cli_path_query(cli->arena, path, "pointer_moves", all), &VERSION_VIEW, err);
}

/* FROM and TO as given, or from the newest two versions. */
static bool diff_range(Cli *cli, Str table, Str *ret_from, Str *ret_to, Err *err) {
    Str from = cli_arg(cli, 1), to = cli_arg(cli, 2);
    int64_t n, current;
    if ((!str_is_null(from) && !str_to_i64(from, &n)) || (!str_is_null(to) && !str_to_i64(to, &n))) {
        return cli_usage(cli, err, "Versions are whole numbers; see propolis table history.");
    }
    if (str_is_null(to)) {
        json_t *now;
        if (!api_get(cli, table, &now, err)) {
            return false;
        }
        current = json_integer_value(json_object_get(now, "version"));
        if (current == 0 && str_is_null(from)) {
            return err_set(err, ERR_VERSION_NOT_FOUND, "The table has only its first version, 0; there is nothing to compare.");
        }
        to = arena_printf(cli->arena, "%" PRId64, current);
        from = str_is_null(from) ? arena_printf(cli->arena, "%" PRId64, current - 1) : from;
    }
    *ret_from = from;
    *ret_to = to;
    return true;
}

bool do_table_diff(Cli *cli, Err *err) {
    Ref ref;
    Str table, from, to;
    json_t *diff;
    if (!table_path(cli, "", &table, &ref, err) || !diff_range(cli, table, &from, &to, err)) {
        return false;
    }
    Str path = ARENA_CONCAT(cli->arena, table, STR("/diff"));
    path = cli_path_query(cli->arena, cli_path_query(cli->arena, path, "from", from), "to", to);
    if (!api_get(cli, path, &diff, err)) {
        return false;
    }
    if (!out_is_for_people(&cli->out)) {
        return out_document(&cli->out, diff, false, err);
    }
    CLEANUP(buf_free) Buf out = BUF_INIT(MAX_TEXT);
    const json_t *inner = json_is_object(json_object_get(diff, "diff")) ? json_object_get(diff, "diff") : diff;
    diff_add(&cli->out, &out, inner, cli->arena);
    if (out.len == 0) {
        cli_note(cli, "no difference between version %" STR_FMT " and version %" STR_FMT, STR_ARG(from), STR_ARG(to));
    }
    return buf_check(&out, "The diff", err) && out_text(&cli->out, buf_str(&out), err);
}

static void warn_of_missing_data(Cli *cli, const json_t *answer) {
    const json_t *gone = json_object_get(answer, "missing_locations");
    for (size_t i = 0; i < json_array_size(gone); i++) {
        Str location = json_text(json_array_get(gone, i), cli->arena);
        cli_note(cli, "warning: the data at %" STR_FMT " is not there any more", STR_ARG(location));
    }
}

static bool show_table(Cli *cli, const char *done, const json_t *answer, const Ref *ref, Err *err) {
    const json_t *table = json_is_object(json_object_get(answer, "table")) ? json_object_get(answer, "table") : answer;
    warn_of_missing_data(cli, answer);
    if (!out_is_for_people(&cli->out)) {
        return out_object(&cli->out, NOUN_TABLE.view, table, cli->arena, err);
    }
    cli_note(cli, "%s %" STR_FMT ", now version %" PRId64, done, STR_ARG(ref_text(cli, &NOUN_TABLE, ref)),
             (int64_t)json_integer_value(json_object_get(table, "version")));
    return true;
}

static json_t *new_body(Cli *cli, bool move_pointer) {
    json_t *body = build_new_object(cli);
    if (move_pointer) {
        json_object_set_new(body, "move_pointer", json_true());
    }
    return body;
}

bool do_table_restore(Cli *cli, Err *err) {
    Ref ref;
    Str path;
    int64_t to = 0;
    ApiReply reply;
    if (!cli_has(cli, FLAG_TO)) {
        return cli_usage(cli, err, "Which version should be restored? Say --to N; see propolis table history.");
    }
    if (!table_path(cli, ":restore", &path, &ref, err) || !cli_flag_i64(cli, FLAG_TO, 0, &to, err)) {
        return false;
    }
    json_t *body = new_body(cli, cli_has(cli, FLAG_MOVE_POINTER));
    json_object_set_new(body, "version", json_integer(to));
    return api_send(cli, "POST", path, body, cli_flag(cli, FLAG_IF_MATCH), &reply, err) &&
           show_table(cli, "restored", reply.value, &ref, err);
}

bool do_table_as_of(Cli *cli, Err *err) {
    Ref ref;
    Str path, at;
    json_t *table;
    if (!table_path(cli, "", &path, &ref, err) || !cli_when_parse(cli, cli_arg(cli, 1), false, &at, err)) {
        return false;
    }
    return api_get(cli, cli_path_query(cli->arena, path, "as_of", at), &table, err) &&
           out_object(&cli->out, NOUN_TABLE.view, table, cli->arena, err);
}

bool do_table_undrop(Cli *cli, Err *err) {
    Ref ref;
    Str path, name = cli_flag(cli, FLAG_NAME);
    int64_t incarnation = 0;
    ApiReply reply;
    if (!table_path(cli, ":undrop", &path, &ref, err) || !cli_flag_i64(cli, FLAG_INCARNATION, 1, &incarnation, err)) {
        return false;
    }
    json_t *body = new_body(cli, cli_has(cli, FLAG_MOVE_POINTER));
    if (incarnation) {
        json_object_set_new(body, "incarnation", json_integer(incarnation));
    }
    if (!str_is_null(name)) {
        json_object_set_new(body, "name", json_stringn(name.ptr, name.len));
        ref.name = name;
    }
    return api_send(cli, "POST", path, body, STR_NULL, &reply, err) && show_table(cli, "brought back", reply.value, &ref, err);
}

bool do_table_dropped(Cli *cli, Err *err) {
    Ref parent;
    if (!ref_parent(cli, &NOUN_TABLE, cli_arg(cli, 0), &parent, err)) {
        return false;
    }
    Str path = PATH(cli->arena, STR("catalogs"), parent.catalog, STR("databases"), parent.database, STR("dropped-tables"));
    return api_list(cli, path, &DROPPED_VIEW, err);
}
