/* YAML as the command line speaks it: documents in and out as JSON values, the same value back.
 *
 * Reading takes plain YAML 1.2: no anchors, aliases or own tags, no key twice, bounded depth. Writing quotes whatever a
 * reader (1.1 or 1.2) could take for something else than text. */
#ifndef PROPOLIS_CLI_YAML_H
#define PROPOLIS_CLI_YAML_H

#include <jansson.h>

#include "base/arena.h"
#include "base/buf.h"

/* All documents of TEXT as a JSON array that lives as long as the arena. Empty documents are left out. WHAT names the
 * source in errors, which tell line and column. */
bool cli_yaml_read(Arena *arena, const char *what, Str text, json_t **ret, Err *err) WARN_UNUSED;

/* Appends VALUE as one document; with START a "---" line comes first. */
bool cli_yaml_write(Buf *out, const json_t *value, bool start, Err *err) WARN_UNUSED;

#endif
