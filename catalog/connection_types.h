/* What kinds of connections there are and what belongs into one: a walk along the table in connection_types.def. */
#ifndef PROPOLIS_CATALOG_CONNECTION_TYPES_H
#define PROPOLIS_CATALOG_CONNECTION_TYPES_H

#include "base/json_reader.h"
#include "base/json_writer.h"

typedef struct ConnectionKey {
    const char *name;
    bool secret;
} ConnectionKey;

/* NULL-ended and in the order of the facts. */
extern const char *const connection_types[];

bool connection_type_known(Str type);
extern const size_t connection_key_count;
const ConnectionKey *connection_key_find(Str name); /* NULL: unknown */

/* How members are called: as Glue does ("MatchCriteria"), which is also how they are stored, or as REST does
 * ("match_criteria"). */
typedef enum ConnectionNaming { CONNECTION_NAMES_GLUE, CONNECTION_NAMES_REST } ConnectionNaming;

enum { CONNECTION_PROPERTIES_MAX = 100, CONNECTION_PROPERTY_MAX_BYTES = 1024 };

/* Checks properties by the table: known keys, lengths. The error names the key, never a value. */
bool connection_properties_check(const Params *properties, Err *err) WARN_UNUSED;
/* Checks the members of OBJECT that are not columns of their own (LEAVE: NULL-ended names that are), in NAMING, and takes them
 * apart: *ret_public and *ret_secret are trees in Glue's names that live in the arena, NULL when empty. */
bool connection_more_split(const JsonAt *object, ConnectionNaming naming, const char *const *leave, Arena *arena,
                           json_t **ret_public, json_t **ret_secret, Err *err) WARN_UNUSED;
/* Both together again; either may be NULL. */
json_t *connection_more_join(const json_t *a, const json_t *b, Arena *arena);
/* The members of MORE (in Glue's names; NULL: none) into an open object, renamed. */
void connection_more_json(JsonWriter *w, const json_t *more, ConnectionNaming naming);

/* {"types":[…],"properties":[{"name","secret"}…]} */
void connection_types_json(JsonWriter *w);

#endif
