/* One object for people: its scalars aligned, lists of objects (columns) as small tables, maps indented. */
#ifndef PROPOLIS_CLI_DESCRIBE_H
#define PROPOLIS_CLI_DESCRIBE_H

#include "cli/output.h"

bool describe_object(Out *out, const json_t *object, Arena *arena, Err *err) WARN_UNUSED;

#endif
