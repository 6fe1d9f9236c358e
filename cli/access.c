#include "base/base.h"

#include <unistd.h>

#include "cli/api.h"
#include "cli/build.h"
#include "cli/handlers.h"
#include "cli/profile.h"

static const Field USER_FIELDS[] = {{.title = "NAME", .path = "name"},
                                    {.title = "ADMIN", .path = "admin"},
                                    {.title = "DISABLED", .path = "disabled"},
                                    {.title = "CREATED", .path = "created_at"},
                                    {0}};
static const View USER_VIEW = {USER_FIELDS, {"name"}};
static const Field TOKEN_FIELDS[] = {{.title = "ID", .path = "id"},
                                     {.title = "NAME", .path = "name"},
                                     {.title = "CREATED", .path = "created_at"},
                                     {.title = "EXPIRES", .path = "expires_at"},
                                     {.title = "REVOKED", .path = "revoked_at"},
                                     {0}};
static const View TOKEN_VIEW = {TOKEN_FIELDS, {"id"}};

static json_t *text_of(Str s) { return json_stringn(s.ptr, s.len); }

/* Asked twice on a terminal, because nobody sees what was typed. */
static bool new_password(Cli *cli, Str *ret, Err *err) {
    Str again;
    bool from_stdin = cli_has(cli, FLAG_PASSWORD_STDIN);
    if (!cli_password_read(cli, "New password", from_stdin, ret, err)) {
        return false;
    }
    if (from_stdin || !isatty(STDIN_FILENO)) {
        return true;
    }
    return cli_password_read(cli, "Once more", false, &again, err) &&
           (str_eq(*ret, again) || err_set(err, ERR_INVALID_INPUT, "The two passwords differ; nothing was changed."));
}

bool do_user_create(Cli *cli, Err *err) {
    Str password;
    json_t *body = build_new_object(cli);
    ApiReply reply;
    json_object_set_new(body, "name", text_of(cli_arg(cli, 0)));
    json_object_set_new(body, "admin", json_boolean(cli_has(cli, FLAG_ADMIN)));
    if (!cli_has(cli, FLAG_NO_PASSWORD)) {
        if (!new_password(cli, &password, err)) {
            return false;
        }
        json_object_set_new(body, "password", text_of(password));
    }
    if (!api_send(cli, "POST", PATH(cli->arena, STR("users")), body, STR_NULL, &reply, err)) {
        return false;
    }
    if (!out_is_for_people(&cli->out) && reply.value) {
        return out_object(&cli->out, &USER_VIEW, reply.value, cli->arena, err);
    }
    cli_note(cli, "created user %" STR_FMT, STR_ARG(cli_arg(cli, 0)));
    return true;
}

bool do_user_list(Cli *cli, Err *err) { return api_list(cli, PATH(cli->arena, STR("users")), &USER_VIEW, err); }

/* Deletes PATH; nothing there is fine with --if-exists. */
static bool revoke_at(Cli *cli, Str path, const char *what, Str name, Err *err) {
    if (!api_send(cli, "DELETE", path, NULL, STR_NULL, NULL, err)) {
        return cli_exit_of(err) == CLI_NOT_FOUND && cli_has(cli, FLAG_IF_EXISTS);
    }
    cli_note(cli, "revoked %s %" STR_FMT, what, STR_ARG(name));
    return true;
}

bool do_user_revoke(Cli *cli, Err *err) {
    for (size_t i = 0; i < cli->args.words.count; i++) {
        if (!revoke_at(cli, PATH(cli->arena, STR("users"), cli_arg(cli, i)), "user", cli_arg(cli, i), err)) {
            return false;
        }
    }
    return true;
}

/* USER of the command line, or who the login says. */
static bool user_of(Cli *cli, Str *ret, Err *err) {
    json_t *me;
    if (!str_is_null(cli_arg(cli, 0))) {
        *ret = cli_arg(cli, 0);
        return true;
    }
    if (!api_get(cli, PATH(cli->arena, STR("whoami")), &me, err)) {
        return false;
    }
    Str name = json_member_text(me, "principal", cli->arena);
    if (str_is_null(name)) {
        return cli_usage(cli, err, "The server does not say who you are; name the user.");
    }
    *ret = name;
    return true;
}

bool do_token_create(Cli *cli, Err *err) {
    Str user, expires, name = cli_flag(cli, FLAG_NAME);
    json_t *body = build_new_object(cli);
    ApiReply reply;
    json_object_set_new(body, "name", text_of(str_is_null(name) ? STR("cli") : name));
    if (cli_has(cli, FLAG_EXPIRES)) {
        if (!cli_when_parse(cli, cli_flag(cli, FLAG_EXPIRES), true, &expires, err)) {
            return false;
        }
        json_object_set_new(body, "expires_at", text_of(expires));
    }
    if (!user_of(cli, &user, err) ||
        !api_send(cli, "POST", PATH(cli->arena, STR("users"), user, STR("tokens")), body, STR_NULL, &reply, err)) {
        return false;
    }
    if (!out_is_for_people(&cli->out)) {
        return out_object(&cli->out, &TOKEN_VIEW, reply.value, cli->arena, err);
    }
    Str token = json_member_text(reply.value, "token", cli->arena);
    cli_note(cli, "a token for %" STR_FMT "; it is shown this once:", STR_ARG(user));
    return out_text(&cli->out, ARENA_CONCAT(cli->arena, token, STR("\n")), err);
}

bool do_token_list(Cli *cli, Err *err) {
    Str user;
    return user_of(cli, &user, err) && api_list(cli, PATH(cli->arena, STR("users"), user, STR("tokens")), &TOKEN_VIEW, err);
}

bool do_token_revoke(Cli *cli, Err *err) {
    for (size_t i = 1; i < cli->args.words.count; i++) {
        Str path = PATH(cli->arena, STR("users"), cli_arg(cli, 0), STR("tokens"), cli_arg(cli, i));
        if (!revoke_at(cli, path, "token", cli_arg(cli, i), err)) {
            return false;
        }
    }
    return true;
}

bool do_whoami_show(Cli *cli, Err *err) {
    json_t *me;
    return api_get(cli, PATH(cli->arena, STR("whoami")), &me, err) && out_object(&cli->out, &USER_VIEW, me, cli->arena, err);
}
