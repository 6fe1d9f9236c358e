/* cli: the command line, a client of the REST API like any other.
 *
 * Purpose:   turn words into HTTP calls and answers into tables, JSON or YAML. It knows the API's shape, never the
 *            store; the server decides every rule. verbs.c is the one table that drives dispatch, help, completion and
 *            docs/cli.md.
 * Ownership: everything of one run lives in the arena of its Cli; a page of a long listing has its own, which is reset.
 * Threads:   one. */
#ifndef PROPOLIS_CLI_CLI_H
#define PROPOLIS_CLI_CLI_H

#include "base/base.h"

typedef enum CliExit {
    CLI_OK = 0,
    CLI_FAILED = 1, /* anything without a number of its own */
    CLI_USAGE = 2,  /* the command line itself is wrong */
    CLI_NOT_FOUND = 3,
    CLI_CONFLICT = 4,     /* exists already, changed in between, not empty */
    CLI_DENIED = 5,       /* not logged in, or not allowed */
    CLI_UNAVAILABLE = 6,  /* no server, or it cannot work at the moment */
    CLI_CHECK_FAILED = 7, /* doctor found a failure, connection test refused, apply --dry-run found differences */
} CliExit;

/* Runs one command (argv[1] is its first word) and returns its exit code. */
int cli_main(int argc, char **argv);

#endif
