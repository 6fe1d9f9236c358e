#include "base/map.h"
#include "cli/attached.h"
#include "cli/build.h"
#include "cli/compare.h"
#include "cli/files.h"
#include "cli/handlers.h"
#include "cli/noun.h"
#include "cli/verbs.h"

enum { CHUNK = 1000 };

typedef struct Applying {
    Progress progress;
    size_t failed, differing;
    Err first;    /* of the failures */
    bool *broken; /* of each definition: it failed, so nothing is hung on it */
} Applying;

static const Field RESULT_FIELDS[] = {
    {.title = "KIND", .path = "kind"}, {.title = "NAME", .path = "name"}, {.title = "RESULT", .path = "result"}, {0}};
static const View RESULT_VIEW = {RESULT_FIELDS, {"name"}};

static bool report(Cli *cli, const char *kind, Str name, const char *result, Err *err) {
    json_t *item = json_pack("{ss, so, ss}", "kind", kind, "name", json_stringn(name.ptr, name.len), "result", result);
    bool ok = out_item(&cli->out, item, err);
    json_decref(item);
    return ok;
}

static Str member(const json_t *object, const char *name) {
    const json_t *v = json_object_get(object, name);
    return json_is_string(v) ? (Str){json_string_value(v), json_string_length(v)} : STR_NULL;
}

static bool need(const char *kind, Str value, const char *name, Err *err) {
    return value.len > 0 || err_set(err, ERR_INVALID_INPUT, "A definition of a %s has no \"%s\".", kind, name);
}

static bool ref_of(Cli *cli, const Noun *noun, const json_t *object, Ref *ret, Err *err) {
    Ref ref = {member(object, "catalog"), member(object, "database"), member(object, "name")};
    if (str_is_null(ref.catalog)) {
        ref.catalog = noun->parts ? cli_default_catalog(cli) : ref.name;
    }
    if (!need(noun->kind, ref.name, "name", err) || (noun->parts == 2 && !need(noun->kind, ref.database, "database", err))) {
        return false;
    }
    *ret = ref;
    return true;
}

/* What goes over the wire: the document without what only places it. */
static json_t *body_of(Cli *cli, const json_t *object) {
    json_t *body = build_new_object(cli);
    json_object_update(body, (json_t *)(uintptr_t)object);
    json_object_del(body, "kind");
    json_object_del(body, "catalog");
    json_object_del(body, "database");
    json_object_del(body, "table");
    cli_file_strip_read_only(body);
    return body;
}

/* The object as it is now; value NULL when there is none. */
static bool current_of(Cli *cli, Str path, ApiReply *ret, Err *err) {
    *ret = (ApiReply){0};
    return api_send(cli, "GET", path, NULL, STR_NULL, ret, err) || cli_exit_of(err) == CLI_NOT_FOUND;
}

static bool show_differences(Cli *cli, Str name, const json_t *now, const json_t *wanted, Err *err) {
    if (!out_is_for_people(&cli->out)) {
        return true;
    }
    CLEANUP(buf_free) Buf out = BUF_INIT(64 << 20);
    buf_add_cstr(&out, "# ");
    out_colored(&cli->out, &out, COLOR_BOLD, name);
    buf_add_char(&out, '\n');
    compare_add(&cli->out, &out, now, wanted, cli->arena);
    return out_text(&cli->out, buf_str(&out), err);
}

static void fill(json_t *object, const char *name, const json_t *from) {
    json_t *value = json_object_get(from, name);
    if (value && !json_object_get(object, name)) {
        json_object_set(object, name, value);
    }
}

/* A PUT leaves these as they are when it does not say them. */
static void fill_kept(Cli *cli, const Noun *noun, json_t *body, const json_t *before) {
    if (noun == &NOUN_TABLE) {
        json_t *storage = build_new_object(cli);
        json_object_update(storage, json_object_get(body, "storage"));
        fill(body, "type", before);
        if (!str_eq(member(body, "type"), STR("VIRTUAL_VIEW"))) {
            fill(storage, "location", json_object_get(before, "storage"));
        }
        json_object_set(body, "storage", storage);
    } else if (noun == &NOUN_DATABASE || noun == &NOUN_CATALOG) {
        fill(body, "location", before);
    }
}

static bool try_dry(Cli *cli, const Noun *noun, const Ref *ref, const json_t *now, json_t *body, Applying *a, Err *err) {
    json_t *before = now ? body_of(cli, now) : NULL, *tags;
    Str name = ref_text(cli, noun, ref);
    if (before) {
        fill_kept(cli, noun, body, before);
    }
    if (before && attached_has_tags(noun) && json_object_get(body, "tags")) {
        if (!attached_tags(cli, noun, ref, &tags, err)) {
            return false;
        }
        json_object_set(before, "tags", tags);
    }
    if (before && compare_same(before, body)) {
        return report(cli, noun->kind, name, "unchanged", err);
    }
    a->differing++;
    return (!now || show_differences(cli, name, before, body, err)) &&
           report(cli, noun->kind, name, now ? "would change" : "would be created", err);
}

static bool apply_object(Cli *cli, const Noun *noun, const json_t *object, Applying *a, Err *err) {
    Ref ref;
    ApiReply before, after;
    if (!ref_of(cli, noun, object, &ref, err)) {
        return false;
    }
    Str path = ref_path(cli, noun, &ref), name = ref_text(cli, noun, &ref);
    json_t *body = body_of(cli, object);
    const json_t *tags = attached_has_tags(noun) ? json_object_get(object, "tags") : NULL;
    bool retagged = false;
    if (noun == &NOUN_TABLE) {
        json_object_del(body, "constraints"); /* in the second pass */
    }
    if (!current_of(cli, path, &before, err)) {
        return false;
    }
    if (cli_has(cli, FLAG_DRY_RUN)) {
        return try_dry(cli, noun, &ref, before.value, body, a, err);
    }
    if (tags) {
        json_object_del(body, "tags");
    }
    if (!api_send(cli, "PUT", path, body, STR_NULL, &after, err) ||
        (tags && !attached_put_tags(cli, noun, &ref, tags, &retagged, err))) {
        return err_prefix(err, "%s %" STR_FMT, noun->kind, STR_ARG(name));
    }
    bool same = before.value && !str_is_null(before.etag) && str_eq(before.etag, after.etag) && !retagged;
    return report(cli, noun->kind, name, !before.value ? "created" : same ? "unchanged" : "changed", err);
}

/* Partitions are told apart by their values; 0x1F cannot be part of one that a directory name carries. */
static Str values_key(Cli *cli, const json_t *partition) {
    const json_t *list = json_object_get(partition, "values");
    StrList values = {0};
    if (!json_is_array(list) && !cli_partition_values(member(partition, "name"), cli->arena, &values)) {
        return STR_NULL;
    }
    Str key = STR("");
    for (size_t i = 0; i < (json_is_array(list) ? json_array_size(list) : values.count); i++) {
        Str one = json_is_array(list) ? json_text(json_array_get(list, i), cli->arena) : values.items[i];
        key = ARENA_CONCAT(cli->arena, key, one, STR("\x1F"));
    }
    return key;
}

static bool send_chunks(Cli *cli, Str path, const char *suffix, json_t *items, Applying *a, Err *err) {
    Str target = ARENA_CONCAT(cli->arena, path, str_from(suffix));
    for (size_t from = 0; from < json_array_size(items); from += CHUNK) {
        size_t until = MIN(from + CHUNK, json_array_size(items));
        json_t *body = build_new_object(cli), *chunk = json_array();
        json_object_set_new(body, "items", chunk);
        for (size_t i = from; i < until; i++) {
            json_array_append(chunk, json_array_get(items, i));
        }
        if (!api_send(cli, "POST", target, body, STR_NULL, NULL, err)) {
            return false;
        }
        progress_step(&a->progress, until - from);
    }
    return true;
}

/* The partitions of one definition, and which of them are there. */
typedef struct Parts {
    json_t *wanted; /* bodies */
    StrMap *by_key; /* of WANTED: its index and one */
    Str *existing;  /* of each: its name, null when it is not there */
    bool *same;     /* of each: it is there as it is wanted */
    size_t there;
} Parts;

static bool parts_read(Cli *cli, const json_t *items, Parts *ret, Err *err) {
    size_t count = json_array_size(items);
    json_t *holder = build_new_object(cli);
    Parts p = {json_array(), strmap_new(cli->arena, count), ARENA_ARRAY(cli->arena, Str, count),
               ARENA_ARRAY(cli->arena, bool, count), 0};
    json_object_set_new(holder, "wanted", p.wanted);
    for (size_t i = 0; i < count; i++) {
        json_t *body = body_of(cli, json_array_get(items, i));
        Str key = values_key(cli, body);
        if (str_is_null(key)) {
            return err_set(err, ERR_INVALID_INPUT,
                           "Item %zu of a partitions definition has neither \"values\" nor a \"name\" like "
                           "key=value.",
                           i + 1);
        }
        json_array_append(p.wanted, body);
        strmap_put(p.by_key, key, (void *)(uintptr_t)(i + 1));
        p.existing[i] = STR_NULL;
        p.same[i] = false;
    }
    *ret = p;
    return true;
}

static size_t parts_index(Cli *cli, const Parts *p, const json_t *partition) {
    Str key = values_key(cli, partition);
    return str_is_null(key) ? 0 : (size_t)(uintptr_t)strmap_get(p->by_key, key);
}

static bool note_existing(Cli *cli, json_t *item, void *arg, Err *err) {
    Parts *p = arg;
    size_t index = parts_index(cli, p, item);
    (void)err;
    if (index) {
        p->existing[index - 1] = arena_str(cli->arena, member(item, "name"));
        p->there++;
    }
    return true;
}

/* What a definition of a partition leaves out stays as it is. */
static bool same_partition(json_t *now, const json_t *wanted) {
    json_t *filled = json_copy((json_t *)(uintptr_t)wanted), *storage = json_copy(json_object_get(wanted, "storage"));
    cli_file_strip_read_only(now);
    json_object_update_missing(filled, now);
    if (storage) {
        json_object_update_missing(storage, json_object_get(now, "storage"));
        json_object_set_new(filled, "storage", storage);
    }
    bool same = compare_same(now, filled);
    json_decref(filled);
    return same;
}

static bool note_same(Cli *cli, json_t *item, void *arg, Err *err) {
    Parts *p = arg;
    size_t index = parts_index(cli, p, item);
    (void)err;
    if (index) {
        p->same[index - 1] = same_partition(item, json_array_get(p->wanted, index - 1));
    }
    return true;
}

/* A few are asked for one by one, many by listing the table. */
static bool compare_existing(Cli *cli, Str path, Parts *p, Err *err) {
    enum { FEW = 50 };
    if (p->there > FEW) {
        return api_each(cli, path, INT64_MAX, note_same, p, err);
    }
    for (size_t i = 0; i < json_array_size(p->wanted); i++) {
        json_t *now;
        if (str_is_null(p->existing[i])) {
            continue;
        }
        CLEANUP(buf_free) Buf one = BUF_INIT(1 << 20);
        buf_add(&one, path);
        buf_add_char(&one, '/');
        cli_path_add_encoded(&one, p->existing[i]);
        if (!api_get(cli, buf_str(&one), &now, err)) {
            return false;
        }
        p->same[i] = same_partition(now, json_array_get(p->wanted, i));
    }
    return true;
}

/* Where the table itself would be created by a definition before, a dry run finds nothing. */
static bool parts_compare(Cli *cli, Str path, Parts *p, Err *err) {
    Str names = cli_path_query(cli->arena, path, "detail", STR("name"));
    if (!api_each(cli, names, INT64_MAX, note_existing, p, err)) {
        return cli_has(cli, FLAG_DRY_RUN) && cli_exit_of(err) == CLI_NOT_FOUND;
    }
    return p->there == 0 || compare_existing(cli, path, p, err);
}

static bool parts_apply(Cli *cli, Str path, Str name, Parts *p, Applying *a, Err *err) {
    json_t *groups = build_new_object(cli), *new = json_array(), *other = json_array();
    size_t count = json_array_size(p->wanted);
    bool dry = cli_has(cli, FLAG_DRY_RUN);
    json_object_set_new(groups, "new", new);
    json_object_set_new(groups, "other", other);
    for (size_t i = 0; i < count; i++) {
        if (!p->same[i]) {
            json_array_append(str_is_null(p->existing[i]) ? new : other, json_array_get(p->wanted, i));
        }
    }
    size_t created = json_array_size(new), set = json_array_size(other);
    progress_step(&a->progress, dry ? count : count - created - set);
    a->differing += created + set;
    if (!dry && (!send_chunks(cli, path, "", new, a, err) || !send_chunks(cli, path, ":alter", other, a, err))) {
        return false;
    }
    Str result = arena_printf(cli->arena,
                              dry ? "%zu would be created, %zu would be set, %zu unchanged" : "%zu created, %zu set, %zu unchanged",
                              created, set, count - created - set);
    return report(cli, "partitions", name, result.ptr, err);
}

static bool apply_partitions(Cli *cli, const json_t *object, const json_t *items, Applying *a, Err *err) {
    Ref ref = {member(object, "catalog"), member(object, "database"), member(object, "table")};
    Parts parts;
    ref.catalog = str_is_null(ref.catalog) ? cli_default_catalog(cli) : ref.catalog;
    if (!need("partition", ref.database, "database", err) || !need("partition", ref.name, "table", err)) {
        return false;
    }
    Str path = ARENA_CONCAT(cli->arena, ref_path(cli, &NOUN_TABLE, &ref), STR("/partitions")),
        name = ref_text(cli, &NOUN_TABLE, &ref);
    return (parts_read(cli, items, &parts, err) && parts_compare(cli, path, &parts, err) &&
            parts_apply(cli, path, name, &parts, a, err)) ||
           err_prefix(err, "partitions of %" STR_FMT, STR_ARG(name));
}

static bool apply_one(Cli *cli, const json_t *object, Applying *a, Err *err) {
    Str kind = member(object, "kind");
    const char *only = cli->verb->noun; /* propolis table apply: tables, and that is the default kind */
    kind = str_is_null(kind) && only ? str_from(only) : kind;
    const Noun *noun = noun_by_kind(kind);
    bool is_partition = str_eq(kind, STR("partition")), is_list = str_eq(kind, STR("partitions"));
    if (!noun && !is_partition && !is_list) {
        return err_set(err, ERR_INVALID_INPUT,
                       "A definition needs a \"kind\": catalog, database, table, partition, partitions, function or "
                       "connection%s%" STR_FMT "%s.",
                       kind.len ? "; '" : "", STR_ARG(kind), kind.len ? "' is none" : "");
    }
    if (only && (noun ? noun != noun_by_word(only) : strcmp(only, "partition") != 0)) {
        return err_set(err, ERR_INVALID_INPUT,
                       "propolis %s apply does not take a definition of kind %" STR_FMT "; use propolis apply.", only,
                       STR_ARG(kind));
    }
    if (noun) {
        bool ok = apply_object(cli, noun, object, a, err);
        progress_step(&a->progress, 1);
        return ok;
    }
    json_t *single = build_new_object(cli);
    json_object_set_new(single, "items", json_pack("[O]", object));
    const json_t *items = json_object_get(is_list ? object : single, "items");
    return json_is_array(items) ? apply_partitions(cli, object, items, a, err)
                                : err_set(err, ERR_INVALID_INPUT, "A definition of kind partitions has no list \"items\".");
}

/* --- constraints, when everything else is there ------------------------------------------------------------------- */

static bool report_constraints(Cli *cli, Str table, const AttachedCount *n, Applying *a, Err *err) {
    bool dry = cli_has(cli, FLAG_DRY_RUN);
    a->differing += n->created + n->dropped;
    if (n->created + n->dropped == 0) {
        return n->unchanged == 0 || report(cli, "constraints", table, "unchanged", err);
    }
    Str result = arena_printf(
        cli->arena, dry ? "%zu would be created, %zu would be dropped, %zu unchanged" : "%zu created, %zu dropped, %zu unchanged",
        n->created, n->dropped, n->unchanged);
    return report(cli, "constraints", table, result.ptr, err);
}

/* One pass over one definition: keys and all else that stands for itself first, what refers to keys afterwards. */
static bool apply_constraints_of(Cli *cli, const json_t *object, bool foreign, AttachedCount *count, Applying *a, Err *err) {
    const json_t *wanted = json_object_get(object, "constraints");
    Str kind = member(object, "kind");
    bool dry = cli_has(cli, FLAG_DRY_RUN);
    const Noun *noun = str_is_null(kind) && cli->verb->noun ? noun_by_word(cli->verb->noun) : noun_by_kind(kind);
    Ref ref;
    if (noun != &NOUN_TABLE || !wanted) {
        return true;
    }
    if (!ref_of(cli, noun, object, &ref, err)) {
        return false;
    }
    Str name = ref_text(cli, noun, &ref);
    if (!json_is_array(wanted)) {
        return err_set(err, ERR_INVALID_INPUT, "table %" STR_FMT ": \"constraints\" must be a list.", STR_ARG(name));
    }
    if (!attached_put_constraints(cli, &ref, wanted, foreign, dry, count, err)) {
        return err_prefix(err, "constraints of table %" STR_FMT, STR_ARG(name));
    }
    return !foreign || report_constraints(cli, name, count, a, err);
}

/* Notes a failure; true: go on all the same. */
static bool go_on(Cli *cli, size_t index, Applying *a, const Err *err) {
    if (!cli_has(cli, FLAG_KEEP_GOING) || cli_exit_of(err) == CLI_UNAVAILABLE) {
        return false;
    }
    progress_end(&a->progress);
    cli_note(cli, "failed: %s", err->message);
    a->first = a->failed++ ? a->first : *err;
    a->broken[index] = true;
    return true;
}

static bool apply_constraints_pass(Cli *cli, const json_t *objects, bool foreign, AttachedCount *counts, Applying *a, Err *err) {
    for (size_t i = 0; i < json_array_size(objects); i++) {
        if (!a->broken[i] && !apply_constraints_of(cli, json_array_get(objects, i), foreign, &counts[i], a, err) &&
            !go_on(cli, i, a, err)) {
            return false;
        }
    }
    return true;
}

/* Foreign keys last: they need the keys they point to. */
static bool apply_constraints(Cli *cli, const json_t *objects, Applying *a, Err *err) {
    size_t count = json_array_size(objects);
    AttachedCount *counts = arena_zalloc(cli->arena, (count + 1) * sizeof *counts);
    return apply_constraints_pass(cli, objects, false, counts, a, err) &&
           apply_constraints_pass(cli, objects, true, counts, a, err);
}

/* Partitions count one by one: a single definition can hold very many. */
static uint64_t steps_of(const json_t *objects) {
    uint64_t steps = 0;
    for (size_t i = 0; i < json_array_size(objects); i++) {
        const json_t *items = json_object_get(json_array_get(objects, i), "items");
        steps += items ? json_array_size(items) : 1;
    }
    return steps;
}

static bool apply_all(Cli *cli, const json_t *objects, Applying *a, Err *err) {
    bool ok = true;
    a->progress = progress_start("Applying", steps_of(objects), cli->quiet);
    a->broken = ARENA_ARRAY(cli->arena, bool, json_array_size(objects));
    for (size_t i = 0; i < json_array_size(objects) && ok; i++) {
        a->broken[i] = false;
        ok = apply_one(cli, json_array_get(objects, i), a, err) || go_on(cli, i, a, err);
    }
    ok = ok && apply_constraints(cli, objects, a, err);
    progress_end(&a->progress);
    return ok;
}

bool do_apply_files(Cli *cli, Err *err) {
    json_t *objects;
    Applying a = {0};
    Err ignored;
    if (!cli_has(cli, FLAG_FILE)) {
        return cli_usage(cli, err, "Say which file to apply: -f FILE, or -f - for standard input.");
    }
    if (!cli_file_objects(cli, arena_cstr(cli->arena, cli_flag(cli, FLAG_FILE)), &objects, err)) {
        return false;
    }
    out_begin(&cli->out, &RESULT_VIEW, cli->arena);
    if (!apply_all(cli, objects, &a, err)) {
        (void)!out_end(&cli->out, &ignored); /* what was done before the failure is still told */
        return false;
    }
    if (!out_end(&cli->out, err)) {
        return false;
    }
    if (a.failed) {
        *err = a.first;
        return err_prefix(err, "%zu of %zu definitions failed; the first", a.failed, json_array_size(objects));
    }
    cli->exit = cli_has(cli, FLAG_DRY_RUN) && a.differing ? CLI_CHECK_FAILED : CLI_OK;
    return true;
}
