/* Diffs for people. */
#ifndef PROPOLIS_CLI_HISTORY_H
#define PROPOLIS_CLI_HISTORY_H

#include "cli/api.h"

/* One line a change: + added, - removed, ~ altered; breaking ones are marked. DIFF is {"class", "changes": [...]}. */
void diff_add(const Out *out, Buf *buf, const json_t *diff, Arena *arena, const char *indent);
Str diff_summary(const json_t *item, Arena *arena); /* of a version or change with a "diff": "+2 ~1, breaking" */

#endif
