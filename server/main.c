/* The program: what its first word means, and nothing else. */
#include "base/arena.h"

#include <unistd.h>

#include "cli/cli.h"
#include "config/config.h"
#include "server/maintain.h"
#include "server/server.h"

enum { EXIT_USAGE = 2, CONFIG_MEMORY = 16 * 1024 * 1024 };

static int usage(const char *text) {
    fprintf(stderr, "propolis: %s\n", text);
    return EXIT_USAGE;
}

/* ARGV begins behind the subcommand; everything there is an option of the configuration. */
static bool load(int argc, char **argv, Arena *arena, Config **ret) {
    ConfigSources sources = {.argc = argc, .argv = argv, .environment = environ};
    StrList problems = {0};
    Err err;
    if (config_load(&sources, arena, ret, &problems, &err) && config_check(*ret, &err)) {
        return true;
    }
    fprintf(stderr, "propolis: %s\n", err.message);
    for (size_t i = 1; i < problems.count; i++) {
        fprintf(stderr, "  %" STR_FMT "\n", STR_ARG(problems.items[i]));
    }
    return false;
}

static bool wants_help(int argc, char **argv) {
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            return true;
        }
    }
    return false;
}

/* The words that work on the store itself; the others explain themselves in cli/. */
static int help(void) {
    CLEANUP(buf_free) Buf flags = BUF_INIT(CONFIG_MEMORY);
    config_flags_help(&flags);
    printf("propolis serve [flag...]              run the server\n"
           "propolis migrate [--check|--print]    bring the schema up to date, or say what would be done\n"
           "propolis backup FILE                  save the catalog, also while the server runs\n"
           "propolis restore FILE                 bring it back into a store that has none yet\n"
           "propolis verify                       check the promises of the store\n"
           "propolis rotate-key [--prepare]       seal secrets under a new key, or make one to be used later\n"
           "propolis config show|check            the options in force and where each comes from\n\n"
           "Flags of all of them:\n%" STR_FMT "\nEvery option: docs/configuration.md and config/propolis.yaml\n"
           "Examples:\n"
           "  propolis serve --data-dir /srv/propolis --http-port 8181\n"
           "  propolis migrate --check --database-url postgresql://catalog@db.example/catalog\n"
           "  propolis backup catalog.dump --data-dir /srv/propolis\n"
           "  propolis restore catalog.dump --data-dir /srv/propolis-new\n"
           "  propolis verify --data-dir /srv/propolis\n"
           "  propolis rotate-key --data-dir /srv/propolis\n"
           "  propolis config check --config /etc/propolis.yaml\n",
           STR_ARG(buf_str(&flags)));
    return EXIT_SUCCESS;
}

static int serve(int argc, char **argv) {
    CLEANUP(arena_cleanup) Arena *arena = arena_new(CONFIG_MEMORY);
    Config *config;
    return load(argc, argv, arena, &config) ? server_run(config) : EXIT_USAGE;
}

/* Takes --check and --print out of ARGV, wherever they stand; false when both are there. */
static bool take_how(int *argc, char **argv, const char **ret) {
    int kept = 0;
    *ret = NULL;
    for (int i = 0; i < *argc; i++) {
        bool is_how = strcmp(argv[i], "--check") == 0 || strcmp(argv[i], "--print") == 0;
        if (is_how && *ret && strcmp(*ret, argv[i]) != 0) {
            return false;
        }
        if (is_how) {
            *ret = argv[i];
        } else {
            argv[kept++] = argv[i];
        }
    }
    *argc = kept;
    return true;
}

static int migrate(int argc, char **argv) {
    CLEANUP(arena_cleanup) Arena *arena = arena_new(CONFIG_MEMORY);
    const char *how;
    Config *config;
    if (!take_how(&argc, argv, &how)) {
        return usage("--check and --print exclude one another: --check says whether the schema is up to date, --print writes the "
                     "SQL that would bring it there. Say one of them.");
    }
    return load(argc, argv, arena, &config) ? server_migrate(config, how) : EXIT_USAGE;
}

/* "propolis WORD FILE [option...]" */
static int with_file(int argc, char **argv, const char *word, int (*run)(const Config *config, const char *file)) {
    CLEANUP(arena_cleanup) Arena *arena = arena_new(CONFIG_MEMORY);
    Config *config;
    if (argc == 0 || argv[0][0] == '-') {
        fprintf(stderr, "propolis: say \"propolis %s FILE [--data-dir D | --database-url URL]\".\n", word);
        return EXIT_USAGE;
    }
    return load(argc - 1, argv + 1, arena, &config) ? run(config, argv[0]) : EXIT_USAGE;
}

static int backup(int argc, char **argv) { return with_file(argc, argv, "backup", server_backup); }
static int restore(int argc, char **argv) { return with_file(argc, argv, "restore", server_restore); }

static int verify(int argc, char **argv) {
    CLEANUP(arena_cleanup) Arena *arena = arena_new(CONFIG_MEMORY);
    Config *config;
    return load(argc, argv, arena, &config) ? server_verify(config) : EXIT_USAGE;
}

static int rotate_key(int argc, char **argv) {
    CLEANUP(arena_cleanup) Arena *arena = arena_new(CONFIG_MEMORY);
    const char *how = NULL;
    Config *config;
    if (argc > 0 && strcmp(argv[0], "--prepare") == 0) {
        how = argv[0];
        argc--;
        argv++;
    }
    return load(argc, argv, arena, &config) ? server_rotate_key(config, how) : EXIT_USAGE;
}

static void show_entry(const ConfigEntry *entry, void *arg) {
    (void)arg;
    printf("%-36s %-40" STR_FMT " # %" STR_FMT "\n", entry->key, STR_ARG(entry->value), STR_ARG(entry->source));
}

static int config_command(int argc, char **argv) {
    CLEANUP(arena_cleanup) Arena *arena = arena_new(CONFIG_MEMORY);
    bool show = argc > 0 && strcmp(argv[0], "show") == 0;
    Config *config;
    if (!show && (argc == 0 || strcmp(argv[0], "check") != 0)) {
        return usage("say \"propolis config show\" or \"propolis config check\".");
    }
    if (!load(argc - 1, argv + 1, arena, &config)) {
        return EXIT_USAGE;
    }
    if (show) {
        config_each(config, arena, show_entry, NULL);
    } else {
        puts("The configuration is right.");
    }
    return EXIT_SUCCESS;
}

static int version(int argc, char **argv) {
    (void)argc;
    (void)argv;
    printf("propolis %s\n", SERVER_VERSION);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv) {
    static const struct {
        const char *word;
        int (*run)(int argc, char **argv);
    } COMMANDS[] = {{"serve", serve},           {"migrate", migrate}, {"backup", backup},
                    {"restore", restore},       {"verify", verify},   {"rotate-key", rotate_key},
                    {"config", config_command}, {"version", version}, {"--version", version}};
    for (size_t i = 0; argc > 1 && i < ARRAY_LEN(COMMANDS); i++) {
        if (strcmp(argv[1], COMMANDS[i].word) == 0 && wants_help(argc - 2, argv + 2)) {
            return help();
        }
        if (strcmp(argv[1], COMMANDS[i].word) == 0) {
            return COMMANDS[i].run(argc - 2, argv + 2);
        }
    }
    return cli_main(argc, argv);
}
