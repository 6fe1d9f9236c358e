/* Names: what makes two of them the same, and which ones a door lets in.
 *
 * Identity is the folded name: trimmed (as Java trims: everything up to U+0020), then every code point replaced by its
 * simple case folding in Unicode 14. That table is committed and fixed for ever, so stored identities never change.
 * Doors validate only the names they create; every door can read, list and drop every name. */
#ifndef PROPOLIS_CATALOG_NAMES_H
#define PROPOLIS_CATALOG_NAMES_H

#include "base/arena.h"

enum {
    NAME_MAX_CODE_POINTS = 255, /* of any object name, through any door */
    COLUMN_NAME_MAX_BYTES = 1024,
};

/* Every STEP-th code point from FIRST to LAST folds to itself + DELTA. */
typedef struct CaseFoldRun {
    uint32_t first, last;
    int32_t step, delta;
} CaseFoldRun;
extern const CaseFoldRun casefold_runs[];
extern const size_t casefold_run_count;

uint32_t code_point_fold(uint32_t code_point);
Str name_trim(Str name);
/* The identity of NAME. Null stays null. Bytes that are no UTF-8 are kept as they are. */
Str name_fold(Arena *arena, Str name);
bool name_same(Str a, Str b); /* do both fold to the same name */

typedef enum NameRule {
    NAME_HIVE_STRICT, /* letters, digits, _ : catalogs and functions */
    NAME_HIVE_OBJECT, /* the same, space and 30 punctuation characters: databases, tables */
    NAME_GLUE,        /* one line of text: no control characters but tab */
    NAME_REST,        /* see name_check */
} NameRule;

/* May NAME (trimmed by the caller or not; spaces around it do not count) be created? WHAT ("table", "database") names it in
 * the error. All rules: 1 to 255 characters of valid UTF-8. NAME_REST: any letters of any script, digits, space and
 * punctuation except / \ % ? # " ` and control or invisible separator characters, and neither "." nor "..": what can be
 * used as one path segment, one URL segment and one quoted identifier without surprise. */
bool name_check(NameRule rule, const char *what, Str name, Err *err) WARN_UNUSED;
/* Column and key names: any character but NUL, not empty, at most COLUMN_NAME_MAX_BYTES of valid UTF-8. */
bool name_check_column(const char *what, Str name, Err *err) WARN_UNUSED;

/* Takes "@cat#db" of old Hive calls apart, at the first '#'. Without '@' the catalog is DEFAULT_CAT. "@cat#" gives a null
 * database (all of them), "@cat#!" the empty name, a null NAME a null database. Views into NAME; nothing is folded. */
bool name_split_hive(Str name, Str default_cat, Str *ret_catalog, Str *ret_database, Err *err) WARN_UNUSED;

#endif
