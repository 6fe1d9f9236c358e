#include "cli/profile.h"

#include <errno.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/json_reader.h"
#include "cli/yaml.h"

enum { MAX_SETTINGS = 1024 * 1024, MAX_SECRET = 64 * 1024, DEFAULT_TIMEOUT_S = 120 };

static bool read_all(FILE *file, const char *path, Buf *out, Err *err) {
    for (;;) {
        char *room = buf_reserve(out, 64 * 1024);
        size_t n = room ? fread(room, 1, 64 * 1024, file) : 0;
        out->len += n;
        if (n == 0) {
            break;
        }
    }
    if (ferror(file)) {
        return err_set(err, ERR_INVALID_INPUT, "%s cannot be read: %s.", path, strerror(errno));
    }
    return buf_check(out, path, err);
}

bool cli_file_read(Arena *arena, const char *path, size_t max, Str *ret, Err *err) {
    bool is_stdin = strcmp(path, "-") == 0;
    CLEANUP(cleanup_fclose) FILE *opened = is_stdin ? NULL : fopen(path, "re");
    if (!opened && !is_stdin) {
        return err_set(err, ERR_INVALID_INPUT, "%s cannot be opened: %s.", path, strerror(errno));
    }
    CLEANUP(buf_free) Buf out = BUF_INIT(max + 64 * 1024);
    if (!read_all(opened ? opened : stdin, is_stdin ? "standard input" : path, &out, err)) {
        return false;
    }
    *ret = arena_str(arena, buf_str(&out));
    return true;
}

static bool read_line(Arena *arena, Str *ret, Err *err) {
    CLEANUP(buf_free) Buf line = BUF_INIT(MAX_SECRET);
    int c;
    while ((c = getchar()) != EOF && c != '\n') {
        buf_add_char(&line, (char)c);
    }
    Str text = buf_str(&line);
    text.len -= str_ends(text, STR("\r"));
    if (text.len == 0) {
        return err_set(err, ERR_INVALID_INPUT,
                       "The password is empty; give it on the first line of standard input or on the terminal.");
    }
    *ret = arena_str(arena, text);
    return buf_check(&line, "The password", err);
}

bool cli_password_read(Cli *cli, const char *prompt, bool from_stdin, Str *ret, Err *err) {
    struct termios before;
    if (from_stdin || !isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &before) != 0) {
        return read_line(cli->arena, ret, err);
    }
    struct termios silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    fprintf(stderr, "%s: ", prompt);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    bool ok = read_line(cli->arena, ret, err);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    fputc('\n', stderr);
    return ok;
}

static bool token_from_file(Cli *cli, const char *path, Str *ret, Err *err) {
    struct stat info;
    if (stat(path, &info) == 0 && (info.st_mode & (S_IRGRP | S_IROTH)) && !cli->quiet) {
        fprintf(stderr, "warning: others can read the token file %s; run: chmod 600 %s\n", path, path);
    }
    Str text;
    if (!cli_file_read(cli->arena, path, MAX_SECRET, &text, err)) {
        return false;
    }
    *ret = str_trim(text);
    return ret->len > 0 || err_set(err, ERR_INVALID_INPUT, "The token file %s is empty.", path);
}

static const char *settings_path(Arena *arena) {
    const char *base = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    if (base && base[0] == '/') {
        return arena_printf(arena, "%s/propolis/config.yaml", base).ptr;
    }
    return home ? arena_printf(arena, "%s/.config/propolis/config.yaml", home).ptr : NULL;
}

/* The settings file as one object; NULL when there is none. */
static bool settings_load(Cli *cli, const char *path, const json_t **ret, Err *err) {
    Str text;
    json_t *documents;
    if (!path || access(path, F_OK) != 0) {
        *ret = NULL;
        return true;
    }
    if (!cli_file_read(cli->arena, path, MAX_SETTINGS, &text, err) || !cli_yaml_read(cli->arena, path, text, &documents, err)) {
        return false;
    }
    *ret = json_array_get(documents, 0);
    static const char *const known[] = {"profile", "profiles", NULL};
    JsonAt top = jr_top(*ret);
    return !*ret || jr_only_members(&top, cli->arena, known, err) || err_prefix(err, "%s", path);
}

/* One profile: {server, token_file, catalog}. */
static bool profile_read(Cli *cli, const json_t *settings, Str wanted, HttpSetup *setup, Str *ret_token_file, Err *err) {
    JsonAt top = jr_top(settings), list = jr_member(&top, "profiles"), chosen = jr_member(&top, "profile");
    Str name = wanted, server = STR_NULL;
    if (str_is_null(name) && !jr_str(&chosen, cli->arena, &name, err)) {
        return false;
    }
    if (str_is_null(name)) {
        name = STR("default");
    }
    JsonAt profile = jr_member(&list, arena_cstr(cli->arena, name));
    if (!profile.value) {
        return str_is_null(wanted) ||
               err_set(err, ERR_INVALID_INPUT, "There is no profile '%" STR_FMT "' in the settings file.", STR_ARG(name));
    }
    static const char *const known[] = {"server", "token_file", NULL};
    JsonAt url = jr_member(&profile, "server"), token_file = jr_member(&profile, "token_file");
    if (!jr_only_members(&profile, cli->arena, known, err) || !jr_str(&url, cli->arena, &server, err) ||
        !jr_str(&token_file, cli->arena, ret_token_file, err)) {
        return false;
    }
    setup->server = str_is_null(server) ? NULL : arena_cstr(cli->arena, server);
    return true;
}

static const char *env_text(const char *name) {
    const char *value = getenv(name);
    return value && value[0] ? value : NULL;
}

static bool login_setup(Cli *cli, Str profile_token_file, HttpSetup *setup, Err *err) {
    Str file = cli_flag(cli, FLAG_TOKEN_FILE), user = cli_flag(cli, FLAG_LOGIN);
    if (!str_is_null(user)) {
        setup->user = user;
        return cli_password_read(cli, "Password", false, &setup->password, err);
    }
    if (!str_is_null(file)) {
        return token_from_file(cli, arena_cstr(cli->arena, file), &setup->token, err);
    }
    if (env_text("PROPOLIS_TOKEN")) {
        setup->token = str_trim(str_from(env_text("PROPOLIS_TOKEN")));
        return true;
    }
    return str_is_null(profile_token_file) || token_from_file(cli, arena_cstr(cli->arena, profile_token_file), &setup->token, err);
}

static const char *without_slash(Arena *arena, const char *url) {
    Str s = str_from(url);
    while (str_ends(s, STR("/"))) {
        s.len--;
    }
    return arena_cstr(arena, s);
}

/* Whoever listens on the way could use the token. */
static void warn_of_clear_text(const Cli *cli, const HttpSetup *setup) {
    bool secret = !str_is_null(setup->token) || !str_is_null(setup->password);
    if (secret && str_starts_nocase(str_from(setup->server), STR("http://")) && !cli_http_is_loopback(setup->server)) {
        cli_note(cli, "warning: %s is not encrypted, and your login is sent over it", setup->server);
    }
}

bool profile_setup(Cli *cli, HttpSetup *ret, Err *err) {
    HttpSetup setup = {.timeout_s = DEFAULT_TIMEOUT_S, .verbose = cli_has(cli, FLAG_VERBOSE)};
    Str wanted = cli_has(cli, FLAG_PROFILE) ? cli_flag(cli, FLAG_PROFILE) : str_from(env_text("PROPOLIS_PROFILE"));
    Str token_file = STR_NULL;
    const json_t *settings;
    if (!settings_load(cli, settings_path(cli->arena), &settings, err) ||
        !profile_read(cli, settings, wanted, &setup, &token_file, err) ||
        !cli_flag_i64(cli, FLAG_TIMEOUT, 1, &setup.timeout_s, err)) {
        return false;
    }
    const char *env_server = env_text("PROPOLIS_SERVER");
    if (cli_has(cli, FLAG_SERVER)) {
        setup.server = arena_cstr(cli->arena, cli_flag(cli, FLAG_SERVER));
    } else if (env_server) {
        setup.server = env_server;
    }
    setup.server = without_slash(cli->arena, setup.server ? setup.server : "http://127.0.0.1:8181");
    if (!login_setup(cli, token_file, &setup, err)) {
        return false;
    }
    warn_of_clear_text(cli, &setup);
    *ret = setup;
    return true;
}
