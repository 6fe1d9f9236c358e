/* What happened to a table, in short. */
#ifndef PROPOLIS_CLI_HISTORY_H
#define PROPOLIS_CLI_HISTORY_H

#include "cli/api.h"

Str diff_summary(const json_t *item, Arena *arena); /* of a version or change with a "diff": "+2 ~1, breaking" */

#endif
