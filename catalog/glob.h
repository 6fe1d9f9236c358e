/* Patterns over names and values: wildcards (LIKE and Hive's globs) and small regular expressions, matched in bounded time
 * (length of the pattern times length of the text) and printed for PostgreSQL without ever giving it something it could
 * refuse. Everything is a match of the whole text. */
#ifndef PROPOLIS_CATALOG_GLOB_H
#define PROPOLIS_CATALOG_GLOB_H

#include "base/arena.h"
#include "base/buf.h"

enum {
    GLOB_MAX_BYTES = 4096,  /* of one pattern */
    REGEX_MAX_DEPTH = 50,   /* of groups in groups */
    REGEX_MAX_NODES = 5000, /* after counted repetition is written out */
    REGEX_MAX_REPEAT = 255,
};

/* One wildcard pattern: code points and two that mean "any". */
enum { WILD_ANY_RUN = 0x110000, WILD_ANY_ONE = 0x110001 };
typedef struct Wildcard {
    uint32_t *tokens;
    size_t count;
} Wildcard;

/* SQL's % and _. ESCAPE is the character that takes the next one literally, 0 for none. */
Wildcard wildcard_from_sql(Arena *arena, Str pattern, char escape);
/* LIKE of Hive's partition filters. A pattern with an unescaped ".*" is what Spark and Hive 2 and 3 send: there only ".*" is
 * special (any run). Any other is SQL's, as in Hive 4. Backslash escapes in both. */
Wildcard wildcard_from_hive_like(Arena *arena, Str pattern);
bool wildcard_match(Wildcard wildcard, Str text, bool fold_case);
Str wildcard_prefix(Arena *arena, Wildcard wildcard);   /* what every match begins with */
Str wildcard_sql_like(Arena *arena, Wildcard wildcard); /* for LIKE with the default escape */

/* A regular expression of Java's kind: literals, . [classes] (groups) | * + ? {m,n} (lazy and possessive marks are taken and
 * mean nothing here), \d \w \s \D \W \S, \Q...\E, \t \n \r \f, \xHH \uHHHH, escaped punctuation, (?i) in front, (?:...),
 * ^ and $ at the ends. Anything else (references, lookaround, boundaries) is refused: ERR_INVALID_FILTER. */
typedef struct Regex Regex;
bool regex_parse(Arena *arena, Str pattern, const Regex **ret, Err *err) WARN_UNUSED;
bool regex_match(Arena *arena, const Regex *regex, Str text);
Str regex_prefix(Arena *arena, const Regex *regex); /* what every match begins with; "" when nothing is sure */
Str regex_sql(Arena *arena, const Regex *regex);    /* for PostgreSQL's ~ under COLLATE "C", anchored */

/* Which names a listing shows. Names and patterns are compared folded. */
typedef struct Glob Glob;
/* Hive: alternatives by '|', each trimmed, '*' or ".*" any run, the rest literal; null and "*" are everything. */
bool glob_parse_hive(Arena *arena, Str pattern, const Glob **ret, Err *err) WARN_UNUSED;
/* The Expression of Glue's GetTables: a regular expression in which a '*' at the start or right after a letter, digit or _
 * (not after an escape) is a glob star, any other a quantifier. Null and "" are everything. */
bool glob_parse_glue(Arena *arena, Str pattern, const Glob **ret, Err *err) WARN_UNUSED;
bool glob_is_all(const Glob *glob);
bool glob_match(Arena *arena, const Glob *glob, Str name);
/* Every matching folded name starts with this: for an index range. "" when nothing is sure. */
Str glob_prefix(Arena *arena, const Glob *glob);

#endif
