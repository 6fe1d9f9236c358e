#include "cli/handlers.h"
#include "cli/noun.h"

static Str count_properties(const json_t *item, Arena *arena) {
    return arena_printf(arena, "%zu", json_array_size(json_object_get(item, "properties")));
}

static const Field TYPE_FIELDS[] = {{.title = "NAME", .path = "name"},
                                    {.title = "PROPERTIES", .text = count_properties, .right = true},
                                    {.title = "DESCRIPTION", .path = "description"},
                                    {0}};
static const View TYPE_VIEW = {TYPE_FIELDS, {"name"}};

bool do_connection_test(Cli *cli, Err *err) {
    Ref ref;
    ApiReply reply;
    if (!ref_parse(cli, &NOUN_CONNECTION, cli_arg(cli, 0), &ref, err)) {
        return false;
    }
    Str path = ARENA_CONCAT(cli->arena, ref_path(cli, &NOUN_CONNECTION, &ref), STR(":test"));
    if (!api_send(cli, "POST", path, NULL, STR_NULL, &reply, err)) {
        return false;
    }
    if (json_object_get(reply.value, "ok") && !json_is_true(json_object_get(reply.value, "ok"))) {
        cli->exit = CLI_CHECK_FAILED;
    }
    return out_object(&cli->out, &TYPE_VIEW, reply.value, cli->arena, err);
}

bool do_connection_types(Cli *cli, Err *err) {
    return api_show_items(cli, PATH(cli->arena, STR("connection-types")), &TYPE_VIEW, err);
}
