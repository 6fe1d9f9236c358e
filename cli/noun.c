#include "cli/noun.h"

#include "cli/build.h"
#include "cli/files.h"
#include "cli/handlers.h"
#include "cli/verbs.h"

static Str count_columns(const json_t *item, Arena *arena) {
    return arena_printf(arena, "%zu", json_array_size(json_object_get(item, "columns")));
}

static const Field CATALOG_FIELDS[] = {{.title = "NAME", .path = "name"},
                                       {.title = "DESCRIPTION", .path = "description"},
                                       {.title = "LOCATION", .path = "location"},
                                       {.title = "UPDATED", .path = "updated_at", .wide = true},
                                       {0}};
static const Field DATABASE_FIELDS[] = {{.title = "NAME", .path = "name"},
                                        {.title = "OWNER", .path = "owner"},
                                        {.title = "DESCRIPTION", .path = "description"},
                                        {.title = "LOCATION", .path = "location"},
                                        {.title = "CATALOG", .path = "catalog", .wide = true},
                                        {.title = "VERSION", .path = "version", .wide = true, .right = true},
                                        {.title = "UPDATED", .path = "updated_at", .wide = true},
                                        {0}};
static const Field TABLE_FIELDS[] = {{.title = "NAME", .path = "name"},
                                     {.title = "TYPE", .path = "type"},
                                     {.title = "OWNER", .path = "owner", .wide = true},
                                     {.title = "VERSION", .path = "version", .wide = true, .right = true},
                                     {.title = "COLUMNS", .text = count_columns, .wide = true, .right = true},
                                     {.title = "UPDATED", .path = "updated_at", .wide = true},
                                     {.title = "LOCATION", .path = "storage.location", .wide = true},
                                     {.title = "DESCRIPTION", .path = "description", .wide = true},
                                     {0}};
static const Field FUNCTION_FIELDS[] = {{.title = "NAME", .path = "name"},
                                        {.title = "CLASS", .path = "class_name"},
                                        {.title = "OWNER", .path = "owner"},
                                        {.title = "UPDATED", .path = "updated_at", .wide = true},
                                        {0}};
static const Field CONNECTION_FIELDS[] = {{.title = "NAME", .path = "name"},
                                          {.title = "TYPE", .path = "type"},
                                          {.title = "DESCRIPTION", .path = "description"},
                                          {.title = "UPDATED", .path = "updated_at", .wide = true},
                                          {0}};

static const View CATALOG_VIEW = {CATALOG_FIELDS, {"name"}};
static const View DATABASE_VIEW = {DATABASE_FIELDS, {"catalog", "name"}};
static const View TABLE_VIEW = {TABLE_FIELDS, {"catalog", "database", "name"}};
static const View FUNCTION_VIEW = {FUNCTION_FIELDS, {"catalog", "database", "name"}};
static const View CONNECTION_VIEW = {CONNECTION_FIELDS, {"catalog", "name"}};

const Noun NOUN_CATALOG = {"catalog", "catalog", "catalogs", 0, &CATALOG_VIEW, build_catalog};
const Noun NOUN_DATABASE = {"db", "database", "databases", 1, &DATABASE_VIEW, build_database};
const Noun NOUN_TABLE = {"table", "table", "tables", 2, &TABLE_VIEW, build_table};
const Noun NOUN_FUNCTION = {"function", "function", "functions", 2, &FUNCTION_VIEW, build_function};
const Noun NOUN_CONNECTION = {"connection", "connection", "connections", 1, &CONNECTION_VIEW, build_connection};
static const Noun *const ALL[] = {&NOUN_CATALOG, &NOUN_DATABASE, &NOUN_TABLE, &NOUN_FUNCTION, &NOUN_CONNECTION};

const Noun *noun_by_word(const char *word) { return noun_by_kind(str_from(word)); }

const Noun *noun_by_kind(Str kind) {
    for (size_t i = 0; i < ARRAY_LEN(ALL); i++) {
        if (str_eq(kind, str_from(ALL[i]->kind)) || str_eq(kind, str_from(ALL[i]->word))) {
            return ALL[i];
        }
    }
    return NULL;
}

/* PARTS names below the catalog. */
static bool parse_parts(Cli *cli, size_t parts, const char *what, Str text, Ref *ret, Err *err) {
    Name name;
    if (!cli_name_parse(text, cli->arena, &name, err)) {
        cli->exit = CLI_USAGE;
        return false;
    }
    size_t least = MAX(parts, (size_t)1);
    if (name.count < least || name.count > parts + 1) {
        static const char *const shapes[] = {"CATALOG", "[CATALOG.]NAME", "[CATALOG.]DATABASE.NAME"};
        return cli_usage(cli, err, "'%" STR_FMT "' is no name of a %s; it should look like %s.", STR_ARG(text), what,
                         shapes[parts]);
    }
    bool has_catalog = name.count == parts + 1;
    Ref ref = {.catalog = has_catalog ? name.parts[0] : cli_default_catalog(cli)};
    if (parts == 2) {
        ref.database = name.parts[has_catalog];
    }
    ref.name = name.parts[name.count - 1];
    *ret = ref;
    return true;
}

bool ref_parse(Cli *cli, const Noun *noun, Str text, Ref *ret, Err *err) {
    return parse_parts(cli, noun->parts, noun->word, text, ret, err);
}

bool ref_parent(Cli *cli, const Noun *noun, Str text, Ref *ret, Err *err) {
    Ref ref = {.catalog = cli_default_catalog(cli)};
    if (noun->parts == 2) {
        Ref database;
        if (!parse_parts(cli, 1, "database", text, &database, err)) {
            return false;
        }
        ref = (Ref){.catalog = database.catalog, .database = database.name};
    }
    *ret = ref;
    return true;
}

Str ref_collection(Cli *cli, const Noun *noun, const Ref *ref) {
    Str collection = str_from(noun->collection);
    if (noun->parts == 0) {
        return PATH(cli->arena, collection);
    }
    if (noun->parts == 1) {
        return PATH(cli->arena, STR("catalogs"), ref->catalog, collection);
    }
    return PATH(cli->arena, STR("catalogs"), ref->catalog, STR("databases"), ref->database, collection);
}

Str ref_path(Cli *cli, const Noun *noun, const Ref *ref) {
    CLEANUP(buf_free) Buf out = BUF_INIT(1 << 20);
    buf_add(&out, ref_collection(cli, noun, ref));
    buf_add_char(&out, '/');
    cli_path_add_encoded(&out, ref->name);
    return arena_str(cli->arena, buf_str(&out));
}

Str ref_text(Cli *cli, const Noun *noun, const Ref *ref) {
    CLEANUP(buf_free) Buf out = BUF_INIT(1 << 20);
    if (noun->parts > 0) {
        cli_name_add_part(&out, ref->catalog);
    }
    if (noun->parts == 2) {
        cli_name_add_part(&out, ref->database);
    }
    cli_name_add_part(&out, ref->name);
    return arena_str(cli->arena, buf_str(&out));
}

static const Noun *noun_of(const Cli *cli) { return noun_by_word(cli->verb->noun); }

bool do_list(Cli *cli, Err *err) {
    const Noun *noun = noun_of(cli);
    size_t pattern_at = noun->parts == 2 ? 1 : 0;
    Ref parent;
    if (!ref_parent(cli, noun, cli_arg(cli, 0), &parent, err)) {
        return false;
    }
    Str path = ref_collection(cli, noun, &parent);
    path = cli_path_query(cli->arena, path, "pattern", cli_arg(cli, pattern_at));
    path = cli_path_query(cli->arena, path, "type", cli_flag(cli, FLAG_TYPE));
    if (noun == &NOUN_TABLE) {
        bool brief = cli->out.format == OUT_TABLE || cli->out.format == OUT_NAME;
        path = cli_path_query(cli->arena, path, "detail", str_from(brief ? "name" : "full"));
    }
    return api_list_of(cli, path, noun->view, noun->parts ? parent.catalog : STR_NULL, parent.database, err);
}

bool do_get(Cli *cli, Err *err) {
    const Noun *noun = noun_of(cli);
    Ref ref;
    Str at = STR_NULL;
    json_t *object;
    if (!ref_parse(cli, noun, cli_arg(cli, 0), &ref, err)) {
        return false;
    }
    if (cli_has(cli, FLAG_AS_OF) && !cli_when_parse(cli, cli_flag(cli, FLAG_AS_OF), false, &at, err)) {
        return false;
    }
    Str path = cli_path_query(cli->arena, ref_path(cli, noun, &ref), "as_of", at);
    path = cli_path_query(cli->arena, path, "version", cli_flag(cli, FLAG_VERSION));
    path = cli_path_query(cli->arena, path, "with_secrets", cli_has(cli, FLAG_WITH_SECRETS) ? STR("true") : STR_NULL);
    return api_get(cli, path, &object, err) && out_object(&cli->out, noun->view, object, cli->arena, err);
}

/* What was done: a sentence for people, the object for machines. */
static bool show_made(Cli *cli, const Noun *noun, const char *done, const Ref *ref, const json_t *object, Err *err) {
    if (out_is_for_people(&cli->out) || !object) {
        Str name = ref_text(cli, noun, ref);
        cli_note(cli, "%s %s %" STR_FMT, done, noun->word, STR_ARG(name));
        return true;
    }
    return out_object(&cli->out, noun->view, object, cli->arena, err);
}

static void set_text(json_t *object, const char *key, Str value) {
    if (!str_is_null(value)) {
        json_object_set_new(object, key, json_stringn(value.ptr, value.len));
    }
}

static bool object_of_create(Cli *cli, const Noun *noun, const Ref *ref, json_t **ret, Err *err) {
    json_t *object = NULL;
    if (cli_has(cli, FLAG_FILE)) {
        if (!cli_file_object(cli, arena_cstr(cli->arena, cli_flag(cli, FLAG_FILE)), &object, err)) {
            return false;
        }
        json_object_del(object, "kind");
        json_object_del(object, "catalog");
        json_object_del(object, "database");
    } else {
        object = build_new_object(cli);
    }
    set_text(object, "name", ref->name);
    if (!noun->build(cli, object, err)) {
        return false;
    }
    *ret = object;
    return true;
}

bool do_create(Cli *cli, Err *err) {
    const Noun *noun = noun_of(cli);
    Ref ref;
    json_t *object;
    ApiReply reply;
    if (!ref_parse(cli, noun, cli_arg(cli, 0), &ref, err) || !object_of_create(cli, noun, &ref, &object, err)) {
        return false;
    }
    if (api_send(cli, "POST", ref_collection(cli, noun, &ref), object, STR_NULL, &reply, err)) {
        return show_made(cli, noun, "created", &ref, reply.value, err);
    }
    if (err->code != ERR_ALREADY_EXISTS || !cli_has(cli, FLAG_IF_NOT_EXISTS)) {
        return false;
    }
    return show_made(cli, noun, "kept the existing", &ref, NULL, err);
}

static bool drop_one(Cli *cli, const Noun *noun, Str text, Err *err) {
    Ref ref;
    if (!ref_parse(cli, noun, text, &ref, err)) {
        return false;
    }
    Str path = ref_path(cli, noun, &ref), yes = STR("true");
    path = cli_path_query(cli->arena, path, "cascade", cli_has(cli, FLAG_CASCADE) ? yes : STR_NULL);
    path = cli_path_query(cli->arena, path, "delete_data", cli_has(cli, FLAG_DELETE_DATA) ? yes : STR_NULL);
    path = cli_path_query(cli->arena, path, "delete_data", cli_has(cli, FLAG_KEEP_DATA) ? STR("false") : STR_NULL);
    if (api_send(cli, "DELETE", path, NULL, cli_flag(cli, FLAG_IF_MATCH), NULL, err)) {
        return show_made(cli, noun, "dropped", &ref, NULL, err);
    }
    return cli_exit_of(err) == CLI_NOT_FOUND && cli_has(cli, FLAG_IF_EXISTS);
}

bool do_drop(Cli *cli, Err *err) {
    Progress progress = progress_start("Dropping", cli->args.words.count, cli->quiet);
    bool ok = true;
    for (size_t i = 0; i < cli->args.words.count && ok; i++) {
        ok = drop_one(cli, noun_of(cli), cli_arg(cli, i), err);
        progress_step(&progress, 1);
    }
    progress_end(&progress);
    return ok;
}

/* NEW is a name in the same database, or one with a database. */
static bool new_place(Cli *cli, const Noun *noun, const Ref *old, Str text, Ref *ret, Err *err) {
    Name name;
    if (!cli_name_parse(text, cli->arena, &name, err)) {
        cli->exit = CLI_USAGE;
        return false;
    }
    Ref ref = {old->catalog, old->database, name.parts[0]};
    if (name.count > 1 && !ref_parse(cli, noun, text, &ref, err)) {
        return false;
    }
    if (name.count == 2) {
        ref.catalog = old->catalog;
    }
    if (!str_eq(ref.catalog, old->catalog)) {
        return cli_usage(cli, err, "A %s cannot be renamed into another catalog.", noun->word);
    }
    *ret = ref;
    return true;
}

bool do_rename(Cli *cli, Err *err) {
    const Noun *noun = noun_of(cli);
    Ref from, to;
    ApiReply reply;
    if (!ref_parse(cli, noun, cli_arg(cli, 0), &from, err) || !new_place(cli, noun, &from, cli_arg(cli, 1), &to, err)) {
        return false;
    }
    json_t *body = build_new_object(cli);
    set_text(body, "database", str_eq(from.database, to.database) ? STR_NULL : to.database);
    set_text(body, "name", to.name);
    Str path = ARENA_CONCAT(cli->arena, ref_path(cli, noun, &from), STR(":rename"));
    return api_send(cli, "POST", path, body, cli_flag(cli, FLAG_IF_MATCH), &reply, err) &&
           show_made(cli, noun, "renamed to", &to, reply.value, err);
}
