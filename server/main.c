/* The program: what its first word means, and nothing else. */
#include "base/log.h"
#include "cli/cli.h"
#include "config/config.h"
#include "server/server.h"

enum { EXIT_USAGE = 2 };

static int fail(const Err *err) {
    fprintf(stderr, "propolis: %s\n", err->message);
    return err->code == ERR_INVALID_CONFIG ? EXIT_USAGE : EXIT_FAILURE;
}

static int usage(const char *text) {
    fprintf(stderr, "propolis: %s\n", text);
    return EXIT_USAGE;
}

/* ARGV begins behind the subcommand; everything there is an option of the configuration. */
static Config *load(int argc, char **argv, int *ret_exit) {
    Config *config = NULL;
    Err err;
    if (!config_load(argc, argv, &config, &err)) {
        *ret_exit = fail(&err);
        return NULL;
    }
    return config;
}

static int serve(int argc, char **argv) {
    int code = EXIT_FAILURE;
    Config *config = load(argc, argv, &code);
    if (config) {
        code = server_run(config);
        config_free(config);
    }
    return code;
}

static int migrate(int argc, char **argv) {
    const char *how = NULL;
    int code = EXIT_FAILURE;
    if (argc > 0 && (strcmp(argv[0], "--check") == 0 || strcmp(argv[0], "--print") == 0)) {
        how = argv[0];
        argc--;
        argv++;
    }
    Config *config = load(argc, argv, &code);
    if (config) {
        code = server_migrate(config, how);
        config_free(config);
    }
    return code;
}

static int config_command(int argc, char **argv) {
    int code = EXIT_FAILURE;
    bool show = argc > 0 && strcmp(argv[0], "show") == 0;
    if (!show && (argc == 0 || strcmp(argv[0], "check") != 0)) {
        return usage("say \"propolis config show\" or \"propolis config check\".");
    }
    Config *config = load(argc - 1, argv + 1, &code);
    if (config) {
        if (show) {
            config_show(config, stdout);
        } else {
            puts("The configuration is right.");
        }
        config_free(config);
        code = EXIT_SUCCESS;
    }
    return code;
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
    } COMMANDS[] = {{"serve", serve}, {"migrate", migrate}, {"config", config_command}, {"version", version}};
    for (size_t i = 0; argc > 1 && i < ARRAY_LEN(COMMANDS); i++) {
        if (strcmp(argv[1], COMMANDS[i].word) == 0) {
            return COMMANDS[i].run(argc - 2, argv + 2);
        }
    }
    return cli_main(argc, argv);
}
