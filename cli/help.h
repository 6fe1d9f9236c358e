/* Help from the verb table. */
#ifndef PROPOLIS_CLI_HELP_H
#define PROPOLIS_CLI_HELP_H

#include "cli/run.h"

/* Both null: the overview. */
bool help_topic(Cli *cli, Str noun, Str verb, Err *err) WARN_UNUSED;

#endif
