#include "cli/api.h"
#include "cli/handlers.h"

static const Field SEARCH_FIELDS[] = {{.title = "KIND", .path = "kind"},
                                      {.title = "CATALOG", .path = "catalog", .wide = true},
                                      {.title = "DATABASE", .path = "database"},
                                      {.title = "NAME", .path = "name"},
                                      {.title = "TYPE", .path = "type"},
                                      {.title = "DESCRIPTION", .path = "description"},
                                      {0}};
static const View SEARCH_VIEW = {SEARCH_FIELDS, {"catalog", "database", "name"}};

static Str words_of(Cli *cli) {
    Str all = STR_NULL;
    for (size_t i = 0; i < cli->args.words.count; i++) {
        all = i ? ARENA_CONCAT(cli->arena, all, STR(" "), cli_arg(cli, i)) : cli_arg(cli, i);
    }
    return all;
}

bool do_search_run(Cli *cli, Err *err) {
    static const struct {
        FlagId flag;
        const char *name;
    } filters[] = {{FLAG_KIND, "kind"},
                   {FLAG_CATALOG, "catalog"},
                   {FLAG_DATABASE, "database"},
                   {FLAG_TYPE, "type"},
                   {FLAG_HAS_COLUMN, "column"}};
    Str path = cli_path_query(cli->arena, PATH(cli->arena, STR("search")), "q", words_of(cli));
    for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
        path = cli_path_query(cli->arena, path, filters[i].name, cli_flag(cli, filters[i].flag));
    }
    StrList params = cli_flags(cli, FLAG_PARAM);
    for (size_t i = 0; i < params.count; i++) {
        path = cli_path_query(cli->arena, path, "parameter", params.items[i]);
    }
    if (!str_has_char(path, '?')) {
        return cli_usage(cli, err, "Say what to look for: words, or a flag like --has-column.");
    }
    return api_list(cli, path, &SEARCH_VIEW, err);
}
