/* Completion: the shells' scripts only hand the words so far to `propolis __complete`, which knows the verb table and
 * asks the server for names. */
#include "cli/api.h"
#include "cli/handlers.h"
#include "cli/noun.h"
#include "cli/verbs.h"
#include "config/option.h"

enum { NAMES_MAX = 500 };

static const char BASH[] = "_propolis() {\n"
                           "    local IFS=$'\\n'\n"
                           "    COMPREPLY=($(propolis __complete \"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null))\n"
                           "    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *. ]] && compopt -o nospace\n"
                           "    return 0\n"
                           "}\n"
                           "complete -o default -F _propolis propolis\n";

static const char ZSH[] = "#compdef propolis\n"
                          "_propolis() {\n"
                          "    local -a found\n"
                          "    found=(\"${(@f)$(propolis __complete \"${(@)words[2,CURRENT]}\" 2>/dev/null)}\")\n"
                          "    if [[ -n \"${found[1]}\" ]]; then compadd -Q -- $found; else _files; fi\n"
                          "}\n"
                          "compdef _propolis propolis\n";

static const char FISH[] = "function __propolis_complete\n"
                           "    set -l words (commandline -opc) (commandline -ct)\n"
                           "    propolis __complete $words[2..-1] 2>/dev/null\n"
                           "end\n"
                           "complete -c propolis -a '(__propolis_complete)'\n";

static const struct { const char *shell, *script; } SHELLS[] = {{"bash", BASH}, {"zsh", ZSH}, {"fish", FISH}};

bool do_completion_script(Cli *cli, Err *err) {
    for (size_t i = 0; i < ARRAY_LEN(SHELLS); i++) {
        if (str_eq(cli_arg(cli, 0), str_from(SHELLS[i].shell))) {
            return out_text(&cli->out, str_from(SHELLS[i].script), err);
        }
    }
    return cli_usage(cli, err, "There is no completion for '%" STR_FMT "'; there is bash, zsh and fish.", STR_ARG(cli_arg(cli, 0)));
}

static void offer(Cli *cli, Str word, Str so_far) {
    Err ignored;
    if (str_starts(word, so_far)) {
        (void)!(out_text(&cli->out, word, &ignored) && out_text(&cli->out, STR("\n"), &ignored));
    }
}

static void offer_flags(Cli *cli, const Verb *v, Str so_far) {
    for (int i = 0; i < FLAG_COUNT; i++) {
        const Flag *flag = flag_info((FlagId)i);
        if (flag->everywhere || (v && (v->flags & FLAG_BIT(i)))) {
            offer(cli, ARENA_CONCAT(cli->arena, STR("--"), str_from(flag->name)), so_far);
        }
    }
}

static void offer_verbs(Cli *cli, const char *noun, Str so_far) {
    for (const Verb *v = VERBS; v->name; v++) {
        bool fits = noun ? v->noun && strcmp(noun, v->noun) == 0 : !v->noun && v->summary;
        if (fits) {
            offer(cli, str_from(v->name), so_far);
        }
    }
    for (const NounInfo *n = NOUNS; !noun && n->name; n++) {
        offer(cli, str_from(n->name), so_far);
    }
    for (const StoreCommand *c = STORE_COMMANDS; !noun && c->name; c++) {
        offer(cli, str_from(c->name), so_far);
    }
}

/* Files are the shell's to complete. */
static void offer_of_store_command(Cli *cli, const StoreCommand *command, Str so_far) {
    for (const char *const *word = command->words; *word; word++) {
        offer(cli, str_from(*word), so_far);
    }
    for (size_t i = 0; i < CONFIG_OPTION_COUNT && str_starts(so_far, STR("-")); i++) {
        if (config_options[i].flag) {
            offer(cli, ARENA_CONCAT(cli->arena, STR("--"), str_from(config_options[i].flag)), so_far);
        }
    }
    if (str_starts(so_far, STR("-"))) {
        offer(cli, STR("--config"), so_far);
        offer(cli, STR("--set"), so_far);
        offer(cli, STR("--help"), so_far);
    }
}

static const StoreCommand *store_command(StrList words) {
    for (const StoreCommand *c = STORE_COMMANDS; words.count > 1 && c->name; c++) {
        if (str_eq(words.items[0], str_from(c->name))) {
            return c;
        }
    }
    return NULL;
}

/* The words of a verb that stand for themselves: shells, and nouns to be helped with. */
static bool offer_own_words(Cli *cli, const Verb *v, StrList words, Str so_far) {
    bool shells = v->run == do_completion_script, help = v->run == do_help_run;
    for (size_t i = 0; shells && words.count == 2 && i < ARRAY_LEN(SHELLS); i++) {
        offer(cli, str_from(SHELLS[i].shell), so_far);
    }
    if (help && words.count <= 3) {
        offer_verbs(cli, words.count == 3 ? noun_find(words.items[1]) : NULL, so_far);
    }
    return shells || help;
}

typedef struct NameOffer {
    Str before, so_far, after;
} NameOffer;

static bool offer_item(Cli *cli, json_t *item, void *arg, Err *err) {
    const NameOffer *o = arg;
    CLEANUP(buf_free) Buf part = BUF_INIT(1 << 20);
    cli_name_add_part(&part, json_member_text(item, "name", cli->arena));
    offer(cli, ARENA_CONCAT(cli->arena, o->before, buf_str(&part), o->after), o->so_far);
    (void)err;
    return true;
}

/* Databases first, then what is inside of the one typed; errors offer nothing. */
static void offer_names(Cli *cli, const Verb *v, Str so_far) {
    bool of_table = strcmp(v->noun, "partition") == 0 || strcmp(v->noun, "stats") == 0 || strcmp(v->noun, "constraint") == 0;
    const Noun *noun = of_table ? &NOUN_TABLE : noun_by_word(v->noun);
    size_t dot = str_rfind_char(so_far, '.');
    bool wants_database = noun && noun->parts == 2 && v->args[0] && strstr(v->args, "DATABASE.") == NULL;
    Err ignored;
    Ref parent = {.catalog = cli_default_catalog(cli)};
    if (!noun) {
        return;
    }
    if (noun->parts == 2 && dot != SIZE_MAX && !wants_database) {
        NameOffer inside = {str_slice(so_far, 0, dot + 1), so_far, STR("")};
        if (ref_parent(cli, noun, str_slice(so_far, 0, dot), &parent, &ignored)) {
            (void)!api_each(cli, ref_collection(cli, noun, &parent), NAMES_MAX, offer_item, &inside, &ignored);
        }
        return;
    }
    const Noun *listed = noun->parts == 2 ? &NOUN_DATABASE : noun;
    NameOffer names = {STR(""), so_far, noun->parts == 2 && !wants_database ? STR(".") : STR("")};
    (void)!api_each(cli, ref_collection(cli, listed, &parent), NAMES_MAX, offer_item, &names, &ignored);
}

static void offer_formats(Cli *cli, Str so_far) {
    for (const char *const *name = out_formats(); *name; name++) {
        offer(cli, str_from(*name), so_far);
    }
}

/* Sorts flags and their values out of the words before the last one; flags such as --server then hold for the names, too. */
static StrList sort_words(Cli *cli, StrList all) {
    size_t count = all.count ? all.count - 1 : 0;
    char **argv = ARENA_ARRAY(cli->arena, char *, count + 1);
    Args args;
    Err ignored;
    for (size_t i = 0; i < count; i++) {
        argv[i] = (char *)(uintptr_t)all.items[i].ptr;
    }
    if (!args_parse((int)count, argv, cli->arena, &args, &ignored)) {
        return all;
    }
    StrList words = {ARENA_ARRAY(cli->arena, Str, args.words.count + 1), args.words.count};
    if (words.count) {
        memcpy(words.items, args.words.items, words.count * sizeof *words.items);
    }
    words.items[words.count++] = all.count ? all.items[all.count - 1] : STR("");
    cli->args = args;
    return words;
}

bool do_completion_words(Cli *cli, Err *err) {
    StrList all = cli->args.words, words = store_command(all) ? all : sort_words(cli, all);
    const StoreCommand *command = store_command(words);
    Str so_far = all.count ? all.items[all.count - 1] : STR("");
    Str before = all.count > 1 ? all.items[all.count - 2] : STR("");
    const char *noun = words.count > 1 ? noun_find(words.items[0]) : NULL;
    const Verb *v = noun ? (words.count > 2 ? verb_find(words.items[0], words.items[1]) : NULL)
                         : (words.count > 1 ? verb_find(STR_NULL, words.items[0]) : NULL);
    (void)err;
    cli->args.values[FLAG_TIMEOUT] = (StrList){(Str[]){STR("2")}, 1};
    if (str_eq(before, STR("-o")) || str_eq(before, STR("--output"))) {
        offer_formats(cli, so_far);
    } else if (command) {
        offer_of_store_command(cli, command, so_far);
    } else if (str_starts(so_far, STR("-"))) {
        offer_flags(cli, v, so_far);
    } else if (v && offer_own_words(cli, v, words, so_far)) {
        ;
    } else if (v && v->noun && words.count == 3) {
        offer_names(cli, v, so_far);
    } else if (!v) {
        offer_verbs(cli, noun, so_far);
    }
    cli->exit = CLI_OK;
    return true;
}
