#include "cli/attached.h"
#include "cli/build.h"
#include "cli/files.h"
#include "cli/handlers.h"
#include "cli/noun.h"

enum { PARTITIONS_A_DOCUMENT = 500 };

static const View DOCUMENT_VIEW = {(const Field[]){{0}}, {"name"}};

typedef struct Exporting {
    Progress progress;
    const char *kind; /* of the items that come */
    Ref table;        /* whose partitions come */
    json_t *partitions;
} Exporting;

static Ref ref_of(Cli *cli, const json_t *object) {
    return (Ref){arena_str(cli->arena, json_member_text(object, "catalog", cli->arena)),
                 arena_str(cli->arena, json_member_text(object, "database", cli->arena)),
                 arena_str(cli->arena, json_member_text(object, "name", cli->arena))};
}

static bool emit(Cli *cli, Exporting *e, const char *kind, json_t *object, Err *err) {
    const Noun *noun = noun_by_kind(str_from(kind));
    json_t *document = json_pack("{ss}", "kind", kind);
    json_object_update(document, object);
    cli_file_strip_read_only(document);
    Ref ref = ref_of(cli, object);
    bool ok = !noun || attached_read(cli, noun, &ref, document, err);
    if (ok) {
        ok = cli->out.format == OUT_JSON ? out_item(&cli->out, document, err) : out_document(&cli->out, document, true, err);
    }
    json_decref(document);
    progress_step(&e->progress, 1);
    return ok;
}

static bool emit_item(Cli *cli, json_t *item, void *arg, Err *err) {
    Exporting *e = arg;
    return emit(cli, e, e->kind, item, err);
}

static bool emit_partitions(Cli *cli, Exporting *e, Err *err) {
    if (json_array_size(e->partitions) == 0) {
        return true;
    }
    json_t *document = json_pack("{so, so, so, sO}", "catalog", json_stringn(e->table.catalog.ptr, e->table.catalog.len),
                                 "database", json_stringn(e->table.database.ptr, e->table.database.len), "table",
                                 json_stringn(e->table.name.ptr, e->table.name.len), "items", e->partitions);
    bool ok = emit(cli, e, "partitions", document, err);
    json_decref(document);
    json_array_clear(e->partitions);
    return ok;
}

static bool take_partition(Cli *cli, json_t *item, void *arg, Err *err) {
    Exporting *e = arg;
    cli_file_strip_read_only(item);
    json_array_append(e->partitions, item);
    return json_array_size(e->partitions) < PARTITIONS_A_DOCUMENT || emit_partitions(cli, e, err);
}

static bool export_partitions(Cli *cli, Exporting *e, const Ref *table, Err *err) {
    Str path = ARENA_CONCAT(cli->arena, ref_path(cli, &NOUN_TABLE, table), STR("/partitions"));
    e->table = *table;
    e->partitions = json_array();
    bool ok = api_each(cli, path, INT64_MAX, take_partition, e, err) && emit_partitions(cli, e, err);
    json_decref(e->partitions);
    return ok;
}

static bool is_partitioned(const json_t *table) { return json_array_size(json_object_get(table, "partition_keys")) > 0; }

static bool export_table(Cli *cli, Exporting *e, const Ref *ref, json_t *table, Err *err) {
    return emit(cli, e, "table", table, err) &&
           (!cli_has(cli, FLAG_PARTITIONS) || !is_partitioned(table) || export_partitions(cli, e, ref, err));
}

static bool emit_table_item(Cli *cli, json_t *item, void *arg, Err *err) {
    Ref ref = ref_of(cli, item);
    return export_table(cli, arg, &ref, item, err);
}

static bool export_database(Cli *cli, Exporting *e, const Ref *database, json_t *object, Err *err) {
    Ref inside = {database->catalog, database->name, STR_NULL};
    Str functions = ref_collection(cli, &NOUN_FUNCTION, &inside), tables = ref_collection(cli, &NOUN_TABLE, &inside);
    if (!emit(cli, e, "database", object, err)) {
        return false;
    }
    e->kind = "function";
    return api_each(cli, functions, INT64_MAX, emit_item, e, err) &&
           api_each(cli, cli_path_query(cli->arena, tables, "detail", STR("full")), INT64_MAX, emit_table_item, e, err);
}

static bool emit_database_item(Cli *cli, json_t *item, void *arg, Err *err) {
    Ref ref = {.catalog = arena_str(cli->arena, json_member_text(item, "catalog", cli->arena)),
               .name = arena_str(cli->arena, json_member_text(item, "name", cli->arena))};
    return export_database(cli, arg, &ref, item, err);
}

static bool export_catalog(Cli *cli, Exporting *e, Str name, Err *err) {
    Ref ref = {.catalog = name, .name = name};
    json_t *object;
    if (!api_get(cli, ref_path(cli, &NOUN_CATALOG, &ref), &object, err) || !emit(cli, e, "catalog", object, err)) {
        return false;
    }
    e->kind = "connection";
    return api_each(cli, ref_collection(cli, &NOUN_CONNECTION, &ref), INT64_MAX, emit_item, e, err) &&
           api_each(cli, ref_collection(cli, &NOUN_DATABASE, &ref), INT64_MAX, emit_database_item, e, err);
}

/* "a" is a database (or what --kind says), "a.b" a table, "c.a.b" too. */
static const Noun *noun_of_name(Cli *cli, Str text) {
    Name name;
    Err ignored;
    if (cli_has(cli, FLAG_KIND)) {
        return noun_by_kind(cli_flag(cli, FLAG_KIND));
    }
    return cli_name_parse(text, cli->arena, &name, &ignored) && name.count > 1 ? &NOUN_TABLE : &NOUN_DATABASE;
}

static bool export_named(Cli *cli, Exporting *e, Str text, Err *err) {
    const Noun *noun = noun_of_name(cli, text);
    Ref ref;
    json_t *object;
    if (!noun) {
        return cli_usage(cli, err, "--kind must be catalog, database, table, function or connection.");
    }
    if (!ref_parse(cli, noun, text, &ref, err)) {
        return false;
    }
    if (noun == &NOUN_CATALOG) {
        return export_catalog(cli, e, ref.name, err);
    }
    if (!api_get(cli, ref_path(cli, noun, &ref), &object, err)) {
        return false;
    }
    return noun == &NOUN_DATABASE ? export_database(cli, e, &ref, object, err)
           : noun == &NOUN_TABLE  ? export_table(cli, e, &ref, object, err)
                                  : emit(cli, e, noun->kind, object, err);
}

bool do_export_objects(Cli *cli, Err *err) {
    Exporting e = {.progress = progress_start("Exporting", 0, cli->quiet || cli->out.terminal)};
    bool as_array = cli->out.format == OUT_JSON, ok = true;
    if (as_array) {
        out_begin(&cli->out, &DOCUMENT_VIEW, cli->arena);
    }
    if (cli->args.words.count == 0) {
        ok = export_catalog(cli, &e, cli_default_catalog(cli), err);
    }
    for (size_t i = 0; i < cli->args.words.count && ok; i++) {
        ok = export_named(cli, &e, cli_arg(cli, i), err);
    }
    progress_end(&e.progress);
    return ok && (!as_array || out_end(&cli->out, err));
}
