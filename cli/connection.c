#include "cli/build.h"
#include "cli/handlers.h"
#include "cli/noun.h"

static const Field TYPE_FIELDS[] = {{.title = "NAME", .path = "name"}, {0}};
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

/* Lists show the types; a whole document the properties too. */
bool do_connection_types(Cli *cli, Err *err) {
    json_t *answer;
    if (!api_get(cli, PATH(cli->arena, STR("connection-types")), &answer, err)) {
        return false;
    }
    if (cli->out.format == OUT_JSON || cli->out.format == OUT_YAML) {
        return out_object(&cli->out, &TYPE_VIEW, answer, cli->arena, err);
    }
    out_begin(&cli->out, &TYPE_VIEW, cli->arena);
    const json_t *types = json_object_get(answer, "types");
    for (size_t i = 0; i < json_array_size(types); i++) {
        json_t *item = build_new_object(cli);
        json_object_set(item, "name", json_array_get(types, i));
        if (!out_item(&cli->out, item, err)) {
            return false;
        }
    }
    return out_end(&cli->out, err);
}
