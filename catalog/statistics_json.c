#include <math.h>

#include "catalog/statistics.h"

/* --- writing --------------------------------------------------------------------------------------------------- */

enum { SKETCH_MAX_BYTES = 16 << 20 };

static void bytes_json(JsonWriter *w, const char *key, Str bytes) {
    if (str_is_null(bytes)) {
        return;
    }
    jw_key(w, str_from(key));
    CLEANUP(buf_free) Buf text = BUF_INIT(SKETCH_MAX_BYTES * 2);
    buf_add_base64(&text, bytes, false);
    jw_str(w, buf_str(&text));
}

static void double_json(JsonWriter *w, double value) {
    if (isnan(value)) {
        jw_str(w, STR("NaN"));
    } else if (isinf(value)) {
        jw_str(w, value > 0 ? STR("Infinity") : STR("-Infinity"));
    } else {
        jw_double(w, value);
    }
}

/* Days and seconds within the years that ISO 8601 writes with four digits; others stay numbers. */
static const int64_t FIRST_DAY = -719162, LAST_DAY = 2932896;

static void date_json(JsonWriter *w, int64_t days) {
    if (days < FIRST_DAY || days > LAST_DAY) {
        jw_i64(w, days);
        return;
    }
    int64_t year;
    unsigned month, day;
    civil_from_days(days, &year, &month, &day);
    char text[40];
    snprintf(text, sizeof text, "%04" PRId64 "-%02u-%02u", year, month, day);
    jw_str(w, str_from(text));
}

static void timestamp_json(JsonWriter *w, int64_t seconds) {
    if (seconds < FIRST_DAY * 86400 || seconds >= (LAST_DAY + 1) * 86400) {
        jw_i64(w, seconds);
    } else {
        jw_time(w, seconds * 1000000);
    }
}

static void decimal_json(JsonWriter *w, const StatValue *v) {
    CLEANUP(buf_free) Buf text = BUF_INIT(64 << 10);
    if (stat_decimal_text(v, &text)) {
        jw_str(w, buf_str(&text));
    } else {
        jw_null(w);
    }
}

static void bound_json(JsonWriter *w, const char *key, StatKind kind, const StatValue *v) {
    if (!v->given) {
        return;
    }
    jw_key(w, str_from(key));
    switch (kind) {
        case STAT_DOUBLE: double_json(w, v->real); break;
        case STAT_DECIMAL: decimal_json(w, v); break;
        case STAT_DATE: date_json(w, v->integer); break;
        case STAT_TIMESTAMP: timestamp_json(w, v->integer); break;
        default: jw_i64(w, v->integer); break;
    }
}

static bool has_lengths(StatKind kind) { return kind == STAT_STRING || kind == STAT_BINARY; }
static bool has_distinct(StatKind kind) { return kind != STAT_BOOLEAN && kind != STAT_BINARY; }
static bool has_bounds(StatKind kind) { return kind != STAT_BOOLEAN && !has_lengths(kind); }

void statistic_json(JsonWriter *w, const ColumnStatistic *s) {
    jw_object_begin(w);
    jw_put_str(w, "column", s->column);
    jw_put_str(w, "type", s->type);
    jw_put_str(w, "kind", str_from(stat_kind_name(s->kind)));
    jw_put_i64(w, "nulls", s->nulls);
    if (has_distinct(s->kind)) {
        jw_put_i64(w, "distinct", s->distinct);
    }
    if (has_bounds(s->kind)) {
        bound_json(w, "low", s->kind, &s->low);
        bound_json(w, "high", s->kind, &s->high);
    }
    if (has_lengths(s->kind)) {
        jw_put_i64(w, "max_length", s->max_length);
        jw_key(w, STR("average_length"));
        double_json(w, s->average_length);
    }
    if (s->kind == STAT_BOOLEAN) {
        jw_put_i64(w, "trues", s->trues);
        jw_put_i64(w, "falses", s->falses);
    }
    bytes_json(w, "bit_vector", s->bit_vector);
    bytes_json(w, "histogram", s->histogram);
    jw_put_time(w, "analyzed_at", s->analyzed_at);
    jw_object_end(w);
}

void statistic_set_json(JsonWriter *w, const StatisticSet *set) {
    jw_object_begin(w);
    jw_put_str(w, "partition", set->partition);
    jw_key(w, STR("columns"));
    jw_array_begin(w);
    for (size_t i = 0; i < set->count; i++) {
        statistic_json(w, &set->items[i]);
    }
    jw_array_end(w);
    jw_object_end(w);
}

/* --- reading --------------------------------------------------------------------------------------------------- */

static bool wrong(const JsonAt *at, Arena *arena, const char *expected, Err *err) {
    return err_set(err, ERR_INVALID_INPUT, "%" STR_FMT " must be %s.", STR_ARG(jr_path(at, arena)), expected);
}

static bool read_bytes(const JsonAt *object, const char *key, Arena *arena, Str *ret, Err *err) {
    JsonAt at = jr_member(object, key);
    Str text = STR_NULL;
    if (!jr_str(&at, arena, &text, err)) {
        return false;
    }
    if (str_is_null(text)) {
        return true;
    }
    CLEANUP(buf_free) Buf bytes = BUF_INIT(SKETCH_MAX_BYTES);
    if (!base64_decode(text, &bytes) || bytes.failed) {
        return wrong(&at, arena, "base64 text of at most 16 MB", err);
    }
    *ret = arena_str(arena, buf_str(&bytes));
    return true;
}

static bool read_double(const JsonAt *at, Arena *arena, double *ret, Err *err) {
    if (!json_is_string(at->value)) {
        return jr_double(at, arena, ret, err);
    }
    Str text = str_from(json_string_value(at->value));
    if (str_eq(text, STR("NaN"))) {
        *ret = NAN;
    } else if (str_eq(text, STR("Infinity"))) {
        *ret = INFINITY;
    } else if (str_eq(text, STR("-Infinity"))) {
        *ret = -INFINITY;
    } else {
        return wrong(at, arena, "a number, \"NaN\", \"Infinity\" or \"-Infinity\"", err);
    }
    return true;
}

static bool read_when(const JsonAt *at, Arena *arena, StatKind kind, int64_t *ret, Err *err) {
    if (json_is_integer(at->value)) {
        return jr_i64(at, arena, INT64_MIN, INT64_MAX, ret, err);
    }
    Micros t = MICROS_NONE;
    if (!jr_time(at, arena, &t, err)) {
        return false;
    }
    int64_t unit = kind == STAT_DATE ? INT64_C(86400000000) : 1000000;
    if (t % unit) {
        return wrong(at, arena, kind == STAT_DATE ? "a date without a time" : "a time in whole seconds", err);
    }
    *ret = t / unit;
    return true;
}

static bool read_decimal(const JsonAt *at, Arena *arena, StatValue *ret, Err *err) {
    Str text = STR_NULL;
    if (json_is_integer(at->value)) {
        text = arena_printf(arena, "%lld", (long long)json_integer_value(at->value));
    } else if (!jr_str(at, arena, &text, err)) {
        return false;
    }
    return stat_decimal_parse(arena, text, ret) || wrong(at, arena, "a decimal as text, such as \"-12.50\"", err);
}

static bool read_bound(const JsonAt *object, const char *key, Arena *arena, StatKind kind, StatValue *ret, Err *err) {
    JsonAt at = jr_member(object, key);
    if (!at.value) {
        return true;
    }
    if (!has_bounds(kind)) {
        return err_set(err, ERR_INVALID_INPUT, "%" STR_FMT " does not belong to statistics of kind %s.",
                       STR_ARG(jr_path(&at, arena)), stat_kind_name(kind));
    }
    ret->given = true;
    switch (kind) {
        case STAT_DOUBLE: return read_double(&at, arena, &ret->real, err);
        case STAT_DECIMAL: return read_decimal(&at, arena, ret, err);
        case STAT_DATE:
        case STAT_TIMESTAMP: return read_when(&at, arena, kind, &ret->integer, err);
        default: return jr_i64(&at, arena, INT64_MIN, INT64_MAX, &ret->integer, err);
    }
}

/* Some engines write -1 for "not known". ALLOWED: the kind has this number. */
static bool read_count(const JsonAt *object, const char *key, Arena *arena, StatKind kind, bool allowed, int64_t *ret, Err *err) {
    JsonAt at = jr_member(object, key);
    if (at.value && !allowed) {
        return err_set(err, ERR_INVALID_INPUT, "%" STR_FMT " does not belong to statistics of kind %s.",
                       STR_ARG(jr_path(&at, arena)), stat_kind_name(kind));
    }
    return jr_i64(&at, arena, -1, INT64_MAX, ret, err);
}

static bool read_kind(const JsonAt *object, Arena *arena, StatKind *ret, Err *err) {
    JsonAt at = jr_member(object, "kind");
    Str text = STR_NULL;
    if (!jr_required(&at, arena, err) || !jr_str(&at, arena, &text, err)) {
        return false;
    }
    return stat_kind_by_name(text, ret) ||
           wrong(&at, arena, "one of boolean, long, double, string, binary, decimal, date, timestamp", err);
}

static bool read_numbers(const JsonAt *at, Arena *arena, ColumnStatistic *s, Err *err) {
    StatKind k = s->kind;
    JsonAt average = jr_member(at, "average_length");
    if (average.value && !has_lengths(k)) {
        return err_set(err, ERR_INVALID_INPUT, "%" STR_FMT " does not belong to statistics of kind %s.",
                       STR_ARG(jr_path(&average, arena)), stat_kind_name(k));
    }
    return read_count(at, "nulls", arena, k, true, &s->nulls, err) &&
           read_count(at, "distinct", arena, k, has_distinct(k), &s->distinct, err) &&
           read_count(at, "max_length", arena, k, has_lengths(k), &s->max_length, err) &&
           read_count(at, "trues", arena, k, k == STAT_BOOLEAN, &s->trues, err) &&
           read_count(at, "falses", arena, k, k == STAT_BOOLEAN, &s->falses, err) &&
           (!average.value || read_double(&average, arena, &s->average_length, err)) &&
           read_bound(at, "low", arena, k, &s->low, err) && read_bound(at, "high", arena, k, &s->high, err);
}

bool statistic_from_json(const JsonAt *at, Arena *arena, ColumnStatistic *ret, Err *err) {
    static const char *const known[] = {"column", "type",       "kind",       "nulls",          "distinct",
                                        "low",    "high",       "max_length", "average_length", "trues",
                                        "falses", "bit_vector", "histogram",  "analyzed_at",    NULL};
    ColumnStatistic s = {.analyzed_at = MICROS_NONE};
    JsonAt column = jr_member(at, "column"), type = jr_member(at, "type"), analyzed = jr_member(at, "analyzed_at");
    if (!jr_only_members(at, arena, known, err) || !jr_required(&column, arena, err) || !jr_str(&column, arena, &s.column, err) ||
        !jr_str(&type, arena, &s.type, err) || !read_kind(at, arena, &s.kind, err) || !read_numbers(at, arena, &s, err) ||
        !read_bytes(at, "bit_vector", arena, &s.bit_vector, err) || !read_bytes(at, "histogram", arena, &s.histogram, err) ||
        !jr_time(&analyzed, arena, &s.analyzed_at, err)) {
        return false;
    }
    *ret = s;
    return true;
}

bool statistic_set_from_json(const JsonAt *at, Arena *arena, StatisticSet *ret, Err *err) {
    static const char *const known[] = {"partition", "columns", NULL};
    StatisticSet set = {0};
    JsonAt partition = jr_member(at, "partition"), columns = jr_member(at, "columns");
    if (!jr_only_members(at, arena, known, err) || !jr_str(&partition, arena, &set.partition, err) ||
        !jr_required(&columns, arena, err) || !jr_expect_array(&columns, arena, err)) {
        return false;
    }
    set.count = json_array_size(columns.value);
    set.items = ARENA_ARRAY(arena, ColumnStatistic, set.count);
    for (size_t i = 0; i < set.count; i++) {
        JsonAt item = jr_item(&columns, i);
        if (!arena_check(arena, err) || !statistic_from_json(&item, arena, &set.items[i], err)) {
            return false;
        }
    }
    *ret = set;
    return true;
}
