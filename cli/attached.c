#include "cli/attached.h"

#include "cli/build.h"
#include "cli/compare.h"
#include "cli/files.h"

static Str path_below(Cli *cli, const Noun *noun, const Ref *ref, const char *what) {
    return ARENA_CONCAT(cli->arena, ref_path(cli, noun, ref), str_from(what));
}

bool attached_has_tags(const Noun *noun) { return noun == &NOUN_TABLE || noun == &NOUN_DATABASE || noun == &NOUN_CONNECTION; }

/* What PATH answers, in ARENA; NULL when it is not there. */
static bool get_if_there(Cli *cli, Arena *arena, Str path, json_t **ret, Err *err) {
    ApiReply reply = {0};
    if (!api_send_in(cli, arena, "GET", path, NULL, STR_NULL, &reply, err) && cli_exit_of(err) != CLI_NOT_FOUND) {
        return false;
    }
    *ret = reply.value;
    return true;
}

/* --- tags -------------------------------------------------------------------------------------------------------- */

bool attached_tags(Cli *cli, const Noun *noun, const Ref *ref, json_t **ret, Err *err) {
    return get_if_there(cli, cli->arena, path_below(cli, noun, ref, "/tags"), ret, err);
}

bool attached_put_tags(Cli *cli, const Noun *noun, const Ref *ref, const json_t *wanted, bool *ret_changed, Err *err) {
    json_t *now;
    if (!attached_tags(cli, noun, ref, &now, err)) {
        return false;
    }
    if (now && compare_same(now, wanted)) {
        *ret_changed = false;
        return true;
    }
    *ret_changed = true;
    return api_send(cli, "PUT", path_below(cli, noun, ref, "/tags"), wanted, STR_NULL, NULL, err);
}

/* --- constraints ------------------------------------------------------------------------------------------------- */

static bool is_foreign(const json_t *constraint) {
    const char *kind = json_string_value(json_object_get(constraint, "kind"));
    return kind && strcmp(kind, "foreign_key") == 0;
}

/* Without where it stands, which the table's definition says, and when it was made. */
static void strip(json_t *constraint) {
    cli_file_strip_read_only(constraint);
    json_object_del(constraint, "catalog");
    json_object_del(constraint, "database");
    json_object_del(constraint, "table");
}

/* The items of the answer, stripped. */
static bool read_constraints(Cli *cli, Arena *arena, const Ref *table, json_t **ret, Err *err) {
    json_t *answer;
    if (!get_if_there(cli, arena, path_below(cli, &NOUN_TABLE, table, "/constraints"), &answer, err)) {
        return false;
    }
    json_t *items = json_object_get(answer, "items");
    for (size_t i = 0; i < json_array_size(items); i++) {
        strip(json_array_get(items, i));
    }
    *ret = items;
    return true;
}

/* The server writes names in lower case. */
static json_t *folded(const json_t *name) {
    char *text = json_is_string(name) ? strdup(json_string_value(name)) : NULL;
    for (char *c = text; c && *c; c++) {
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
    }
    json_t *result = text ? json_string(text) : json_incref((json_t *)(uintptr_t)name);
    free(text);
    return result;
}

static void fold_members(json_t *object) {
    static const char *const NAMES[] = {"name", "catalog", "database", "table", "constraint"};
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
        if (json_object_get(object, NAMES[i])) {
            json_object_set_new(object, NAMES[i], folded(json_object_get(object, NAMES[i])));
        }
    }
    json_t *columns = json_object_get(object, "columns");
    for (size_t i = 0; i < json_array_size(columns); i++) {
        json_array_set_new(columns, i, folded(json_array_get(columns, i)));
    }
}

static void set_missing(json_t *object, const char *member, Str text) {
    if (!json_object_get(object, member)) {
        json_object_set_new(object, member, json_stringn(text.ptr, text.len));
    }
}

/* What a definition leaves out was chosen by the server and stays, but a parent without a database is one of the same. */
static bool same_constraint(const Ref *table, const json_t *now, const json_t *wanted) {
    json_t *filled = json_deep_copy(wanted), *parent = json_object_get(filled, "references");
    strip(filled);
    fold_members(filled);
    if (parent) {
        fold_members(parent);
        set_missing(parent, "catalog", table->catalog);
        set_missing(parent, "database", table->database);
        json_object_update_missing(parent, json_object_get(now, "references"));
    }
    json_object_update_missing(filled, (json_t *)(uintptr_t)now);
    bool same = compare_same(now, filled);
    json_decref(filled);
    return same;
}

static bool drop_constraint(Cli *cli, const Ref *table, const json_t *constraint, Err *err) {
    CLEANUP(buf_free) Buf path = BUF_INIT(1 << 20);
    buf_add(&path, path_below(cli, &NOUN_TABLE, table, "/constraints/"));
    cli_path_add_encoded(&path, json_member_text(constraint, "name", cli->arena));
    return api_send(cli, "DELETE", buf_str(&path), NULL, STR_NULL, NULL, err);
}

/* Takes away what is not wanted; of what is wanted, TAKEN tells what is there. */
static bool drop_others(Cli *cli, const Ref *table, const json_t *now, const json_t *wanted, bool foreign, bool dry, bool *taken,
                        AttachedCount *count, Err *err) {
    for (size_t i = 0; i < json_array_size(now); i++) {
        const json_t *one = json_array_get(now, i);
        size_t found = 0, wanted_count = json_array_size(wanted);
        while (found < wanted_count && (taken[found] || !same_constraint(table, one, json_array_get(wanted, found)))) {
            found++;
        }
        if (is_foreign(one) != foreign) {
            continue;
        }
        if (found < wanted_count) {
            taken[found] = true;
            count->unchanged++;
            continue;
        }
        count->dropped++;
        if (!dry && !drop_constraint(cli, table, one, err)) {
            return false;
        }
    }
    return true;
}

bool attached_put_constraints(Cli *cli, const Ref *table, const json_t *wanted, bool foreign, bool dry, AttachedCount *count,
                              Err *err) {
    json_t *now = NULL, *body = build_new_object(cli), *items = json_array();
    bool *taken = ARENA_ARRAY(cli->arena, bool, json_array_size(wanted));
    json_object_set_new(body, "items", items);
    for (size_t i = 0; i < json_array_size(wanted); i++) {
        taken[i] = false;
    }
    if (!read_constraints(cli, cli->arena, table, &now, err) ||
        !drop_others(cli, table, now, wanted, foreign, dry, taken, count, err)) {
        return false;
    }
    for (size_t i = 0; i < json_array_size(wanted); i++) {
        json_t *one = json_array_get(wanted, i);
        if (is_foreign(one) == foreign && !taken[i]) {
            json_t *copy = json_deep_copy(one);
            strip(copy);
            json_array_append_new(items, copy);
        }
    }
    count->created += json_array_size(items);
    Str path = path_below(cli, &NOUN_TABLE, table, "/constraints");
    return dry || json_array_size(items) == 0 || api_send(cli, "POST", path, body, STR_NULL, NULL, err);
}

/* --- for export -------------------------------------------------------------------------------------------------- */

/* An arena of its own, because an export walks over very many objects. */
bool attached_read(Cli *cli, const Noun *noun, const Ref *ref, json_t *object, Err *err) {
    enum { ANSWERS = 256 * 1024 * 1024 };
    CLEANUP(arena_cleanup) Arena *arena = arena_new(ANSWERS);
    json_t *tags = NULL, *constraints = NULL;
    if ((attached_has_tags(noun) && !get_if_there(cli, arena, path_below(cli, noun, ref, "/tags"), &tags, err)) ||
        (noun == &NOUN_TABLE && !read_constraints(cli, arena, ref, &constraints, err))) {
        return false;
    }
    if (json_object_size(tags)) {
        json_object_set(object, "tags", tags);
    }
    if (json_array_size(constraints)) {
        json_object_set(object, "constraints", constraints);
    }
    return true;
}
