/* Where the server is and how to log in: flags, then environment, then ~/.config/propolis/config.yaml. */
#ifndef PROPOLIS_CLI_PROFILE_H
#define PROPOLIS_CLI_PROFILE_H

#include "cli/run.h"

bool profile_setup(Cli *cli, HttpSetup *ret, Err *err) WARN_UNUSED;
/* A whole file ("-": standard input), at most MAX bytes. */
bool cli_file_read(Arena *arena, const char *path, size_t max, Str *ret, Err *err) WARN_UNUSED;
/* Asks on the terminal without echo, or reads one line of standard input when that is no terminal or FROM_STDIN. */
bool cli_password_read(Cli *cli, const char *prompt, bool from_stdin, Str *ret, Err *err) WARN_UNUSED;

#endif
