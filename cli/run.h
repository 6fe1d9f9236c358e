/* Cli: one run of one command. Every handler gets it. */
#ifndef PROPOLIS_CLI_RUN_H
#define PROPOLIS_CLI_RUN_H

#include "base/arena.h"
#include "cli/args.h"
#include "cli/cli.h"
#include "cli/http.h"
#include "cli/output.h"
#include "cli/progress.h"

typedef struct Cli {
    Arena *arena;
    const struct Verb *verb;
    Args args;
    Out out;
    Http *http; /* opened at the first call */
    bool quiet;
    CliExit exit; /* set by a handler that knows better than the error code */
} Cli;

/* For wrong command lines: exit code 2 and a pointer to the verb's help. Always returns false. */
#define cli_usage(cli, err, ...) ((cli)->exit = CLI_USAGE, err_set((err), ERR_INVALID_INPUT, __VA_ARGS__))

bool cli_has(const Cli *cli, FlagId flag);
Str cli_flag(const Cli *cli, FlagId flag);      /* the last value given, null when none */
StrList cli_flags(const Cli *cli, FlagId flag); /* all of them */
Str cli_arg(const Cli *cli, size_t index);      /* null when not given */
bool cli_flag_i64(Cli *cli, FlagId flag, int64_t low, int64_t *ret, Err *err) WARN_UNUSED;
Str cli_default_catalog(const Cli *cli);
/* A line about what was done, on stderr; not with --quiet. */
void cli_note(const Cli *cli, const char *fmt, ...) PRINTF_LIKE(2, 3);
CliExit cli_exit_of(const Err *err);

#endif
