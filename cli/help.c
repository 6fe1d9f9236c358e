#include "cli/help.h"

#include "cli/handlers.h"
#include "cli/verbs.h"

enum { MAX_HELP = 1024 * 1024, WIDTH = 100, NAME_WIDTH = 12, FLAG_WIDTH = 27 };

static const char *const EXIT_CODES[] = {
    "0  done",
    "1  failed, for a reason without a number of its own",
    "2  the command line is wrong",
    "3  not found",
    "4  conflict: exists already, was changed in between, is not empty",
    "5  not logged in, or not allowed",
    "6  no server answers, or it cannot work at the moment",
    "7  a check says no: doctor, connection test, apply --dry-run with differences",
};

static const char INTRO[] = "Propolis is an open metadata catalog. These commands talk to a running server over its REST API;\n"
                            "`propolis serve` starts one (see `propolis serve --help`).\n";

static const char LOGIN[] =
    "A server that asks for a login takes a token from PROPOLIS_TOKEN, from --token-file, or from the profile in\n"
    "~/.config/propolis/config.yaml; never from the command line itself. The file looks like this:\n\n"
    "    profile: lab                 # used when --profile and PROPOLIS_PROFILE name none (else: default)\n"
    "    profiles:\n"
    "      lab:\n"
    "        server: https://catalog.example.com\n"
    "        token_file: /home/anna/.config/propolis/token\n\n"
    "For a server whose certificate the system does not know, PROPOLIS_CA names a file with that of its CA (PEM).\n";

static const char NAMES[] =
    "Names are DATABASE.TABLE or CATALOG.DATABASE.TABLE; a part with dots stands in double quotes or backticks:\n"
    "    propolis table get '\"my.db\".orders'\n";

/* TEXT in lines of at most WIDTH, each behind INDENT spaces. */
static void add_wrapped(Buf *out, const char *text, int indent) {
    Str rest = str_from(text), word;
    size_t used = 0;
    while (str_split(&rest, ' ', &word)) {
        if (used && used + 1 + word.len > (size_t)(WIDTH - indent)) {
            buf_add_char(out, '\n');
            used = 0;
        }
        if (used == 0) {
            buf_printf(out, "%*s", indent, "");
        } else {
            buf_add_char(out, ' ');
            used++;
        }
        buf_add(out, word);
        used += word.len;
    }
    buf_add_char(out, '\n');
}

static void add_flag(Buf *out, const Flag *flag) {
    char name[96];
    snprintf(name, sizeof name, "%c%c%c --%s%s%s", flag->letter ? '-' : ' ', flag->letter ? flag->letter : ' ',
             flag->letter ? ',' : ' ', flag->name, flag->value ? " " : "", flag->value ? flag->value : "");
    const char *gap = strlen(name) > FLAG_WIDTH ? "\n" : "";
    buf_printf(out, "  %-*s%s%*s %s%s\n", FLAG_WIDTH, name, gap, gap[0] ? FLAG_WIDTH + 2 : 0, "", flag->doc,
               flag->repeats ? " (may repeat)" : "");
}

static void add_flags(Buf *out, const char *title, uint64_t mask) {
    if (mask) {
        buf_printf(out, "\n%s\n", title);
    }
    for (int i = 0; i < FLAG_COUNT; i++) {
        if (mask & FLAG_BIT(i)) {
            add_flag(out, flag_info((FlagId)i));
        }
    }
}

static uint64_t everywhere_mask(void) {
    uint64_t mask = 0;
    for (int i = 0; i < FLAG_COUNT; i++) {
        mask |= flag_info((FlagId)i)->everywhere ? FLAG_BIT(i) : 0;
    }
    return mask;
}

/* Continuation lines of an example start with a space. */
static void add_examples(Buf *out, const Verb *v, int indent) {
    Str rest = str_from(v->examples), line;
    while (str_split(&rest, '\n', &line)) {
        buf_printf(out, "%*s%s%" STR_FMT "\n", indent, "", str_starts(line, STR(" ")) ? "" : "propolis ", STR_ARG(line));
    }
}

static void add_usage(Buf *out, const Verb *v) {
    buf_printf(out, "propolis %s%s%s%s%s%s\n", v->noun ? v->noun : "", v->noun ? " " : "", v->name, v->args[0] ? " " : "", v->args,
               v->flags ? " [FLAGS]" : "");
}

static void help_of_verb(Buf *out, const Verb *v) {
    buf_printf(out, "%s.\n\nUsage:\n  ", v->summary);
    add_usage(out, v);
    if (v->details) {
        buf_add_char(out, '\n');
        add_wrapped(out, v->details, 0);
    }
    buf_add_cstr(out, "\nExamples:\n");
    add_examples(out, v, 2);
    add_flags(out, "Flags:", v->flags);
    add_flags(out, "Flags of every command:", everywhere_mask());
}

static void help_of_noun(Buf *out, const char *noun) {
    for (const NounInfo *n = NOUNS; n->name; n++) {
        if (strcmp(n->name, noun) == 0) {
            buf_printf(out, "propolis %s: %s.\n\nCommands:\n", noun, n->summary);
        }
    }
    for (const Verb *v = VERBS; v->name; v++) {
        if (v->noun && strcmp(v->noun, noun) == 0) {
            buf_printf(out, "  %-*s %s\n", NAME_WIDTH, v->name, v->summary);
        }
    }
    buf_add_cstr(out, "\nExamples:\n");
    for (const Verb *v = VERBS; v->name; v++) {
        if (v->noun && strcmp(v->noun, noun) == 0) {
            add_examples(out, v, 2);
        }
    }
    buf_printf(out, "\nMore: propolis %s COMMAND --help\n", noun);
}

static void add_exit_codes(Buf *out, int indent) {
    for (size_t i = 0; i < ARRAY_LEN(EXIT_CODES); i++) {
        buf_printf(out, "%*s%s\n", indent, "", EXIT_CODES[i]);
    }
}

static void help_overview(Buf *out) {
    buf_add_cstr(out, INTRO);
    buf_add_cstr(out, "\nObjects (propolis OBJECT COMMAND):\n");
    for (const NounInfo *n = NOUNS; n->name; n++) {
        buf_printf(out, "  %-*s %s\n", NAME_WIDTH, n->name, n->summary);
    }
    buf_add_cstr(out, "\nCommands:\n");
    for (const Verb *v = VERBS; v->name; v++) {
        if (!v->noun && v->summary) {
            buf_printf(out, "  %-*s %s\n", NAME_WIDTH, v->name, v->summary);
        }
    }
    buf_add_cstr(out, "\nServer and store (propolis COMMAND --help):\n");
    for (const StoreCommand *c = STORE_COMMANDS; c->name; c++) {
        buf_printf(out, "  %-*s %s\n", NAME_WIDTH, c->name, c->summary);
    }
    buf_add_cstr(
        out,
        "\nTry:\n  propolis doctor\n  propolis db list\n  propolis table create default.first -c 'id bigint' --format parquet\n"
        "  propolis table history default.first\n");
    add_flags(out, "Flags of every command:", everywhere_mask());
    buf_printf(out, "\n%s\nExit codes:\n", NAMES);
    add_exit_codes(out, 2);
    buf_add_cstr(out, "\nMore: propolis OBJECT --help, propolis COMMAND --help\n");
}

static bool help_unknown(Cli *cli, const char *noun, Str word, Err *err) {
    for (const StoreCommand *c = STORE_COMMANDS; !noun && c->name; c++) {
        if (str_eq(word, str_from(c->name))) {
            return cli_usage(cli, err, "'%s' works on the server's own store; see: propolis %s --help", c->name, c->name);
        }
    }
    const char *near = verb_near(noun, word);
    return cli_usage(cli, err, "There is no command '%s%s%" STR_FMT "'%s%s%s", noun ? noun : "", noun ? " " : "", STR_ARG(word),
                     near ? "; did you mean '" : ".", near ? near : "", near ? "'?" : "");
}

bool help_topic(Cli *cli, Str first, Str second, Err *err) {
    CLEANUP(buf_free) Buf out = BUF_INIT(MAX_HELP);
    const char *noun = noun_find(first);
    if (str_is_null(first)) {
        help_overview(&out);
    } else if (noun && str_is_null(second)) {
        help_of_noun(&out, noun);
    } else {
        const Verb *v = noun ? verb_find(first, second) : verb_find(STR_NULL, first);
        if (!v || !v->summary) {
            return help_unknown(cli, noun, noun ? second : first, err);
        }
        help_of_verb(&out, v);
    }
    return out_text(&cli->out, buf_str(&out), err);
}

static void markdown_flags(Buf *out, uint64_t mask) {
    for (int i = 0; i < FLAG_COUNT; i++) {
        const Flag *flag = flag_info((FlagId)i);
        if (!(mask & FLAG_BIT(i))) {
            continue;
        }
        buf_add_cstr(out, "- `");
        if (flag->letter) {
            buf_printf(out, "-%c`, `", flag->letter);
        }
        buf_printf(out, "--%s%s%s`: %s%s\n", flag->name, flag->value ? " " : "", flag->value ? flag->value : "", flag->doc,
                   flag->repeats ? " (may repeat)" : "");
    }
}

static void markdown_verb(Buf *out, const Verb *v) {
    buf_printf(out, "\n### propolis %s%s%s\n\n%s.\n\n    ", v->noun ? v->noun : "", v->noun ? " " : "", v->name, v->summary);
    add_usage(out, v);
    if (v->details) {
        buf_add_char(out, '\n');
        add_wrapped(out, v->details, 0);
    }
    buf_add_cstr(out, v->flags ? "\n" : "");
    markdown_flags(out, v->flags);
    buf_add_cstr(out, "\n```sh\n");
    add_examples(out, v, 0);
    buf_add_cstr(out, "```\n");
}

static void markdown(Buf *out) {
    buf_printf(out, "# The command line\n\nMade by `propolis help --markdown` from the table in cli/verbs.c; do not edit.\n\n%s\n",
               INTRO);
    buf_printf(out, "%s\n## Logging in\n\n%s\n## Flags of every command\n\n", NAMES, LOGIN);
    markdown_flags(out, everywhere_mask());
    buf_add_cstr(out, "\n## Exit codes\n\n");
    add_exit_codes(out, 4);
    for (const NounInfo *n = NOUNS; n->name; n++) {
        buf_printf(out, "\n## %s: %s\n", n->name, n->summary);
        for (const Verb *v = VERBS; v->name; v++) {
            if (v->noun && strcmp(v->noun, n->name) == 0) {
                markdown_verb(out, v);
            }
        }
    }
    buf_add_cstr(out, "\n## Other commands\n");
    for (const Verb *v = VERBS; v->name; v++) {
        if (!v->noun && v->summary) {
            markdown_verb(out, v);
        }
    }
}

bool do_help_run(Cli *cli, Err *err) {
    if (!cli_has(cli, FLAG_MARKDOWN)) {
        return help_topic(cli, cli_arg(cli, 0), cli_arg(cli, 1), err);
    }
    CLEANUP(buf_free) Buf out = BUF_INIT(MAX_HELP);
    markdown(&out);
    return out_text(&cli->out, buf_str(&out), err);
}
