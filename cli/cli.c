#include "cli/cli.h"

#include <curl/curl.h>

#include "cli/help.h"
#include "cli/run.h"
#include "cli/text.h"
#include "cli/verbs.h"

#define ARENA_LIMIT ((size_t)4 << 30)

bool cli_has(const Cli *cli, FlagId flag) { return (cli->args.given & FLAG_BIT(flag)) != 0; }
StrList cli_flags(const Cli *cli, FlagId flag) { return cli->args.values[flag]; }

Str cli_flag(const Cli *cli, FlagId flag) {
    StrList values = cli->args.values[flag];
    return values.count ? values.items[values.count - 1] : STR_NULL;
}

Str cli_arg(const Cli *cli, size_t index) { return index < cli->args.words.count ? cli->args.words.items[index] : STR_NULL; }

bool cli_flag_i64(Cli *cli, FlagId flag, int64_t low, int64_t *ret, Err *err) {
    Str text = cli_flag(cli, flag);
    int64_t value = low;
    if (!str_is_null(text) && (!str_to_i64(text, &value) || value < low)) {
        return cli_usage(cli, err, "--%s must be a whole number from %" PRId64 " on, but it is '%" STR_FMT "'.",
                         flag_info(flag)->name, low, STR_ARG(text));
    }
    if (!str_is_null(text)) {
        *ret = value;
    }
    return true;
}

Str cli_default_catalog(const Cli *cli) { return cli_has(cli, FLAG_CATALOG) ? cli_flag(cli, FLAG_CATALOG) : STR("hive"); }

void cli_note(const Cli *cli, const char *fmt, ...) {
    if (cli->quiet) {
        return;
    }
    CLEANUP(buf_free) Buf safe = BUF_INIT(1 << 16);
    va_list args;
    va_start(args, fmt);
    char line[4096];
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    cli_text_add_safe(&safe, str_from(line));
    fprintf(stderr, "%" STR_FMT "\n", STR_ARG(buf_str(&safe)));
}

CliExit cli_exit_of(const Err *err) {
    if (err->code == ERR_ROUTE_NOT_FOUND) {
        return CLI_FAILED; /* an older server; nothing is known about the object, and --if-exists must not take it for gone */
    }
    switch (err_info(err->code)->rest_status) {
        case 404: return CLI_NOT_FOUND;
        case 409:
        case 412: return CLI_CONFLICT;
        case 401:
        case 403: return CLI_DENIED;
        case 503:
        case 504: return CLI_UNAVAILABLE;
        default: return CLI_FAILED;
    }
}

static void print_error(const Cli *cli, const Err *err) {
    CLEANUP(buf_free) Buf out = BUF_INIT(1 << 16);
    cli_text_add_safe(&out, str_from(err->message));
    if (err->detail[0]) {
        buf_add_cstr(&out, " (");
        cli_text_add_safe(&out, str_from(err->detail));
        buf_add_char(&out, ')');
    }
    fprintf(stderr, "propolis: %" STR_FMT "\n", STR_ARG(buf_str(&out)));
    if (cli->exit == CLI_USAGE) {
        const Verb *v = cli->verb;
        fprintf(stderr, "See: propolis%s%s%s%s --help\n", v && v->noun ? " " : "", v && v->noun ? v->noun : "", v ? " " : "",
                v ? v->name : "");
    }
}

static bool unknown_word(Cli *cli, const char *noun, Str word, Err *err) {
    const char *near = verb_near(noun, word);
    const char *space = noun ? " " : "";
    return cli_usage(cli, err, "There is no command 'propolis%s%s %" STR_FMT "'%s%s%s%s%s%s", space, noun ? noun : "",
                     STR_ARG(word), near ? "; did you mean 'propolis" : ".", near ? space : "", near && noun ? noun : "",
                     near ? " " : "", near ? near : "", near ? "'?" : "");
}

/* Finds the verb in the first words and takes them away. */
static bool take_verb(Cli *cli, Err *err) {
    StrList *words = &cli->args.words;
    const char *noun = noun_find(cli_arg(cli, 0));
    if (!noun) {
        cli->verb = verb_find(STR_NULL, cli_arg(cli, 0));
    } else if (words->count > 1) {
        cli->verb = verb_find(cli_arg(cli, 0), cli_arg(cli, 1));
    }
    if (!cli->verb) {
        return unknown_word(cli, noun, cli_arg(cli, noun ? 1 : 0), err);
    }
    size_t taken = noun ? 2 : 1;
    words->items += taken;
    words->count -= taken;
    return true;
}

static bool check_words(Cli *cli, Err *err) {
    const Verb *v = cli->verb;
    size_t count = cli->args.words.count;
    char name[64];
    snprintf(name, sizeof name, "propolis %s%s%s", v->noun ? v->noun : "", v->noun ? " " : "", v->name);
    if (!args_allow(&cli->args, v->flags, name, err)) {
        cli->exit = CLI_USAGE;
        return false;
    }
    if (count < v->min_args || count > v->max_args) {
        return cli_usage(cli, err, "%s needs: %s%s%s",
                         count < v->min_args ? "Something is missing; this command" : "This is too much; the command", name,
                         v->args[0] ? " " : "", v->args);
    }
    return true;
}

/* "propolis", "propolis table", and --help anywhere. True when help was all. */
static bool wants_help(Cli *cli) {
    size_t count = cli->args.words.count;
    return count == 0 || cli_has(cli, FLAG_HELP) || (count == 1 && noun_find(cli_arg(cli, 0)));
}

static bool show_help(Cli *cli, Err *err) {
    Str first = cli_arg(cli, 0), second = cli_arg(cli, 1);
    if (!help_topic(cli, first, noun_find(first) ? second : STR_NULL, err)) {
        return false;
    }
    bool asked = cli_has(cli, FLAG_HELP);
    cli->exit = asked ? CLI_OK : CLI_USAGE; /* a bare "propolis" in a script is a mistake */
    return true;
}

static bool run(Cli *cli, int argc, char **argv, Err *err) {
    bool completing = argc > 1 && strcmp(argv[1], "__complete") == 0;
    char *only[] = {argc > 1 ? argv[1] : NULL};
    if (!args_parse(completing ? 1 : argc - 1, completing ? only : argv + 1, cli->arena, &cli->args, err)) {
        cli->exit = CLI_USAGE;
        return false;
    }
    if (completing) {
        cli->args.words = (StrList){ARENA_ARRAY(cli->arena, Str, (size_t)argc), (size_t)argc - 1};
        for (int i = 1; i < argc; i++) {
            cli->args.words.items[i - 1] = str_from(argv[i]);
        }
    }
    cli->quiet = cli_has(cli, FLAG_QUIET);
    if (!out_setup(&cli->out, cli_flag(cli, FLAG_OUTPUT), cli_has(cli, FLAG_NO_COLOR), cli_has(cli, FLAG_NO_HEADERS), err)) {
        cli->exit = CLI_USAGE;
        return false;
    }
    if (wants_help(cli)) {
        return show_help(cli, err);
    }
    return take_verb(cli, err) && check_words(cli, err) && cli->verb->run(cli, err);
}

int cli_main(int argc, char **argv) {
    curl_global_init(CURL_GLOBAL_DEFAULT);
    Cli cli = {.arena = arena_new(ARENA_LIMIT)};
    Err err;
    bool ok = run(&cli, argc, argv, &err);
    if (ok && cli.out.file) {
        ok = out_flush(&cli.out, &err);
    } else {
        fflush(stdout);
    }
    if (!ok) {
        print_error(&cli, &err);
        cli.exit = cli.exit == CLI_OK ? cli_exit_of(&err) : cli.exit;
    }
    if (cli.out.rows_arena) {
        arena_free(cli.out.rows_arena); /* a listing that an error cut short */
    }
    arena_free(cli.arena);
    curl_global_cleanup();
    return (int)cli.exit;
}
