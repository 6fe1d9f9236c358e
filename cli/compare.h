/* Two definitions side by side, for --dry-run. Absent, null, false, 0 and empty are one. */
#ifndef PROPOLIS_CLI_COMPARE_H
#define PROPOLIS_CLI_COMPARE_H

#include "cli/output.h"

bool compare_same(const json_t *a, const json_t *b);
/* One line a difference, with its path. */
void compare_add(const Out *out, Buf *buf, const json_t *before, const json_t *after, Arena *arena);

#endif
