/* Dotted names as people type them, and paths of the REST API. */
#ifndef PROPOLIS_CLI_NAMES_H
#define PROPOLIS_CLI_NAMES_H

#include "base/arena.h"
#include "base/buf.h"

enum { NAME_PARTS_MAX = 3 };

typedef struct Name {
    Str parts[NAME_PARTS_MAX]; /* outermost first */
    size_t count;
} Name;

/* a.b.c; a part with dots stands in double quotes or backticks, doubled inside: "my.db".t */
bool cli_name_parse(Str text, Arena *arena, Name *ret, Err *err) WARN_UNUSED;
void cli_name_add_part(Buf *out, Str part); /* with quotes when it needs them; a dot before it when OUT is not empty */

/* "/api/v1" + every part percent-encoded behind a slash. */
Str cli_path_of(Arena *arena, size_t count, const Str *parts);
#define PATH(arena, ...) cli_path_of((arena), sizeof((Str[]){__VA_ARGS__}) / sizeof(Str), (const Str[]){__VA_ARGS__})
/* PATH?key=value, or &key=value when there is a query already; unchanged for a null VALUE. */
Str cli_path_query(Arena *arena, Str path, const char *key, Str value);
void cli_path_add_encoded(Buf *out, Str s);

/* "year=2026/city=a%2Fb" to the values 2026 and a/b; false when a part has no "=". */
bool cli_partition_values(Str name, Arena *arena, StrList *ret);

#endif
