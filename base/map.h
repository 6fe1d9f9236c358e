/* Params: an ordered list of (key, value) texts as every catalog object carries them. A few to a few dozen entries is
 * the rule, thousands the exception, so it is a sorted array: binary search, canonical order for hashing for free. */
#ifndef PROPOLIS_BASE_MAP_H
#define PROPOLIS_BASE_MAP_H

#include "base/arena.h"

typedef struct Param {
    Str key, value;
} Param;

typedef struct Params {
    Param *items; /* sorted by key bytes, keys unique */
    size_t count, capacity;
} Params;

Str params_get(const Params *params, Str key); /* null when absent */
bool params_has(const Params *params, Str key);
bool params_is_true(const Params *params, Str key); /* "true" in any case */
/* Inserts or replaces. KEY and VALUE are not copied. A null value removes the key. */
void params_set(Params *params, Arena *arena, Str key, Str value);
void params_remove(Params *params, Str key);
Params params_copy(const Params *params, Arena *arena); /* own array, shared strings */
bool params_equal(const Params *a, const Params *b);
/* For loading thousands at once: append in any order, then sort once (the last of equal keys wins). */
void params_append(Params *params, Arena *arena, Str key, Str value);
void params_sort(Params *params);

/* A hash set/map from Str to a pointer, for "have I seen this". */
typedef struct StrMap StrMap;
StrMap *strmap_new(Arena *arena, size_t expected);
void *strmap_get(const StrMap *map, Str key);
void *strmap_put(StrMap *map, Str key, void *value); /* returns the former value (NULL: was absent); VALUE not NULL */
size_t strmap_count(const StrMap *map);

#endif
