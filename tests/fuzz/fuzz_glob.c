/* Any bytes as patterns: what parses matches in time, starts as its prefix says and prints. Input: a pattern, then a text. */
#include "catalog/glob.h"
#include "catalog/names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
    if (!holds) {
        abort();
    }
}

static void check_glob(Arena *arena, const Glob *glob, Str name) {
    name = name_fold(arena, name);
    if (utf8_valid(name) && glob_match(arena, glob, name)) {
        require(str_starts(name, glob_prefix(arena, glob)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    CLEANUP(arena_cleanup) Arena *arena = arena_new(64 << 20);
    Str text = {(const char *)data, size}, pattern = STR("");
    const Glob *glob;
    const Regex *regex;
    Err err;
    str_split(&text, '\n', &pattern);
    text = str_is_null(text) ? STR("") : str_slice(text, 0, 255);
    if (glob_parse_hive(arena, pattern, &glob, &err)) {
        check_glob(arena, glob, text);
    }
    if (glob_parse_glue(arena, pattern, &glob, &err)) {
        check_glob(arena, glob, text);
    }
    if (regex_parse(arena, pattern, &regex, &err)) {
        regex_match(arena, regex, text);
        regex_sql(arena, regex);
    }
    Wildcard like = wildcard_from_hive_like(arena, pattern);
    if (utf8_valid(pattern) && utf8_valid(text) && wildcard_match(like, text, false)) {
        require(str_starts(text, wildcard_prefix(arena, like)));
    }
    wildcard_sql_like(arena, like);
    return 0;
}
