/* Reading JSON: jansson behind checks of depth, UTF-8 and duplicates, and a cursor that can name the path of whatever
 * is wrong. */
#ifndef PROPOLIS_BASE_JSON_READER_H
#define PROPOLIS_BASE_JSON_READER_H

#include <jansson.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/map.h"

/* Parses one document. The tree lives as long as the arena. Errors are ERR_INVALID_JSON with line and column.
 * Refused: depth beyond MAX_DEPTH, duplicate members, invalid UTF-8, NUL characters, text behind the value.
 * The tree can take eighty times the memory of its text; it counts against the arena's limit, and a text whose tree would
 * go beyond it is not read to its end. */
bool jr_parse(Arena *arena, Str text, unsigned max_depth, json_t **ret, Err *err) WARN_UNUSED;

/* What jr_parse() asks first, for those who name the limit by its own name. */
bool jr_depth_within(Str text, unsigned max_depth);

/* A place in a document, able to say where it is ("storage.columns[3].name"). */
typedef struct JsonAt {
    const json_t *value;         /* NULL: absent */
    const struct JsonAt *parent; /* NULL at the top */
    const char *key;             /* member name, or NULL for an item */
    size_t index;
} JsonAt;

static inline JsonAt jr_top(const json_t *value) { return (JsonAt){.value = value}; }
JsonAt jr_member(const JsonAt *object, const char *key); /* absent and JSON null: value NULL */
JsonAt jr_item(const JsonAt *array, size_t index);
Str jr_path(const JsonAt *at, Arena *arena);

/* Typed reads: an absent value leaves *ret as it was and is fine; a wrong type is ERR_INVALID_INPUT naming the path. */
bool jr_str(const JsonAt *at, Arena *arena, Str *ret, Err *err) WARN_UNUSED;
bool jr_i64(const JsonAt *at, Arena *arena, int64_t low, int64_t high, int64_t *ret, Err *err) WARN_UNUSED;
bool jr_double(const JsonAt *at, Arena *arena, double *ret, Err *err) WARN_UNUSED;
bool jr_bool(const JsonAt *at, Arena *arena, bool *ret, Err *err) WARN_UNUSED;
bool jr_time(const JsonAt *at, Arena *arena, Micros *ret, Err *err) WARN_UNUSED;
bool jr_params(const JsonAt *at, Arena *arena, Params *ret, Err *err) WARN_UNUSED; /* object of texts */
bool jr_strs(const JsonAt *at, Arena *arena, StrList *ret, Err *err) WARN_UNUSED;
bool jr_expect_object(const JsonAt *at, Arena *arena, Err *err) WARN_UNUSED;
bool jr_expect_array(const JsonAt *at, Arena *arena, Err *err) WARN_UNUSED;
/* Refuses members not in the NULL-ended list KNOWN, with the nearest known name as a hint. */
bool jr_only_members(const JsonAt *object, Arena *arena, const char *const *known, Err *err) WARN_UNUSED;
bool jr_required(const JsonAt *at, Arena *arena, Err *err) WARN_UNUSED; /* present and not null */

/* The closest of KNOWN (NULL-ended) to WORD, or NULL when none is near: for "did you mean". */
const char *nearest_word(Str word, const char *const *known);

#endif
