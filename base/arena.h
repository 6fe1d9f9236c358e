/* Arena: all memory of one request, freed in one step.
 *
 * Allocation never returns NULL. Past the limit it still hands out memory but marks the arena exceeded; loops over
 * outside data and the end of every request call arena_check(), which turns that into a "request too large" error.
 * So no caller has to test each allocation, and no request can make the process abort. A machine that is truly out
 * of memory ends the process with a message. */
#ifndef PROPOLIS_BASE_ARENA_H
#define PROPOLIS_BASE_ARENA_H

#include "base/err.h"
#include "base/str.h"

typedef struct Arena Arena;

Arena *arena_new(size_t limit_bytes);
Arena *arena_new_small(size_t limit_bytes, size_t first_block); /* for what lives long and is little */
void arena_reset(Arena *arena);                                 /* runs the deferred calls, keeps one block for the next request */
void arena_free(Arena *arena);
void arena_cleanup(Arena **arena); /* for CLEANUP() */

void *arena_alloc(Arena *arena, size_t bytes);  /* not cleared, aligned for any type */
void *arena_zalloc(Arena *arena, size_t bytes); /* cleared */
#define ARENA_NEW(arena, Type) ((Type *)arena_zalloc((arena), sizeof(Type)))
#define ARENA_ARRAY(arena, Type, count) ((Type *)arena_array((arena), sizeof(Type), (count)))
void *arena_array(Arena *arena, size_t item_bytes, size_t count); /* cleared; COUNT bounded by the caller */

Str arena_str(Arena *arena, Str s);       /* copy, NUL added behind it; null stays null */
Str arena_str_lower(Arena *arena, Str s); /* copy with ASCII letters lowered */
Str arena_printf(Arena *arena, const char *fmt, ...) PRINTF_LIKE(2, 3);
Str arena_concat(Arena *arena, size_t count, const Str *parts);
#define ARENA_CONCAT(arena, ...) arena_concat((arena), sizeof((Str[]){__VA_ARGS__}) / sizeof(Str), (const Str[]){__VA_ARGS__})
const char *arena_cstr(Arena *arena, Str s); /* NUL-ended copy; null gives NULL */

/* Calls FN(ARG) at reset or free, last registered first: for a PGresult, a json_t, a file. */
void arena_defer(Arena *arena, void (*fn)(void *), void *arg);

/* Counts memory that lives as long as the arena but elsewhere (a PGresult) against the limit. */
void arena_charge(Arena *arena, size_t bytes);
size_t arena_used(const Arena *arena);
size_t arena_left(const Arena *arena); /* up to the limit */
bool arena_exceeded(const Arena *arena);
bool arena_check(const Arena *arena, Err *err) WARN_UNUSED; /* false + TOO_LARGE once the limit was passed */
/* Test hook: the Nth allocation from now (1 = next) marks the arena exceeded. 0 switches it off. */
void arena_fail_at(Arena *arena, uint64_t nth);

#endif
