/* COLUMN_STATS_ACCURATE: reading and writing the text that Hive keeps in the parameters. */
#include "catalog/statistics.h"

enum { DEPTH = 3, TEXT_MAX_BYTES = 16 << 20 };

static bool says_true(const json_t *value) {
    return json_is_true(value) || (json_is_string(value) && str_eq_nocase(str_from(json_string_value(value)), STR("true")));
}

static void read_columns(Arena *arena, json_t *columns, StatAccurate *ret) {
    const char *name;
    json_t *value;
    json_object_foreach(columns, name, value) {
        params_append(&ret->columns, arena, arena_str(arena, str_from(name)), STR("true"));
    }
    params_sort(&ret->columns);
}

StatAccurate stat_accurate_read(Arena *arena, Str text) {
    StatAccurate accurate = {0};
    json_t *top;
    Err ignored;
    if (str_is_null(text)) {
        return accurate;
    }
    if (!jr_parse(arena, text, DEPTH, &top, &ignored) || !json_is_object(top)) {
        accurate.basic = str_eq_nocase(text, STR("true")); /* how Hive wrote it before there were columns in it */
        return accurate;
    }
    accurate.basic = says_true(json_object_get(top, "BASIC_STATS"));
    read_columns(arena, json_object_get(top, "COLUMN_STATS"), &accurate);
    return accurate;
}

Str stat_accurate_text(Arena *arena, const StatAccurate *accurate) {
    if (!accurate->basic && accurate->columns.count == 0) {
        return STR_NULL;
    }
    CLEANUP(buf_free) Buf text = BUF_INIT(TEXT_MAX_BYTES);
    JsonWriter w = jw_new(&text);
    jw_object_begin(&w);
    if (accurate->basic) {
        jw_put_str(&w, "BASIC_STATS", STR("true"));
    }
    if (accurate->columns.count) {
        jw_put_params(&w, "COLUMN_STATS", &accurate->columns);
    }
    jw_object_end(&w);
    return arena_str(arena, buf_str(&text));
}

Str stat_accurate_without(Arena *arena, Str text, const StrList *columns) {
    StatAccurate accurate = stat_accurate_read(arena, text);
    size_t before = accurate.columns.count;
    if (!columns) {
        accurate.columns.count = 0;
    }
    for (size_t i = 0; columns && i < columns->count; i++) {
        params_remove(&accurate.columns, columns->items[i]);
    }
    return accurate.columns.count == before ? text : stat_accurate_text(arena, &accurate);
}
