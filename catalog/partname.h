/* Partition names: k1=v1/k2=v2 from values and back, escaped exactly as Hive does it. The name is the identity of a
 * partition: two spellings of one typed value ("1", "01") are two partitions; a missing or empty value takes the name of
 * the default partition. */
#ifndef PROPOLIS_CATALOG_PARTNAME_H
#define PROPOLIS_CATALOG_PARTNAME_H

#include "base/arena.h"
#include "base/map.h"

#define DEFAULT_PARTITION_NAME STR("__HIVE_DEFAULT_PARTITION__")

enum { PARTITION_NAME_MAX_BYTES = 2000 }; /* fits a B-tree entry (2,704 bytes) beside the table's id */

/* Control characters (0 to 1F, 7F) and " # % ' * / : = ? \ { [ ] ^ become %XX, everything else stays. */
Str partname_escape_str(Arena *arena, Str text);
/* %XX becomes the character (not byte) U+00XX, as in Java; what is no escape stays as it is. */
Str partname_unescape(Arena *arena, Str text);

/* The value that stands in the name: VALUE, or DEFAULT_NAME when null or empty. */
static inline Str partname_effective(Str value, Str default_name) { return value.len ? value : default_name; }

/* Keys are folded, values are not. DEFAULT_NAME null: Hive's. Errors (ERR_INVALID_PARTITION): no keys, another number of
 * values than keys, invalid UTF-8 or NUL in a value, a name over PARTITION_NAME_MAX_BYTES. */
bool partname_make(Arena *arena, StrList keys, StrList values, Str default_name, Str *ret, Err *err) WARN_UNUSED;

/* The parts of a name, unescaped, in the order they stand; parts without '=' are left out. "" gives none. */
bool partname_to_spec(Arena *arena, Str name, Param **ret, size_t *ret_count, Err *err) WARN_UNUSED;
/* The values in the order they stand; a part without '=' is an error. "" gives none. */
bool partname_to_values(Arena *arena, Str name, StrList *ret, Err *err) WARN_UNUSED;
/* The values in the order of KEYS, found by name; unknown keys in NAME do not matter, a missing one is
 * ERR_PARTITION_NOT_FOUND "incomplete partition name - missing <key>". */
bool partname_to_key_values(Arena *arena, Str name, StrList keys, StrList *ret, Err *err) WARN_UNUSED;

/* All names that start with these leading values lie in [low, high): "k1=v1/" up to "k1=v10", or exactly one name when all
 * keys have values (then high is null). VALUES may be shorter than KEYS, not empty. */
void partname_range(Arena *arena, StrList keys, StrList values, Str default_name, Str *ret_low, Str *ret_high);

#endif
