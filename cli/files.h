/* Definitions in files: YAML or JSON, one or many. */
#ifndef PROPOLIS_CLI_FILES_H
#define PROPOLIS_CLI_FILES_H

#include "cli/run.h"

/* Every object of the file ("-": standard input) as an array. */
bool cli_file_objects(Cli *cli, const char *path, json_t **ret, Err *err) WARN_UNUSED;
bool cli_file_object(Cli *cli, const char *path, json_t **ret, Err *err) WARN_UNUSED; /* exactly one */
/* Takes away what the server fills in by itself. */
void cli_file_strip_read_only(json_t *object);

#endif
