/* Joining the statistics of two lots of data. */
#include <math.h>

#include "catalog/statistics.h"

/* --- decimals --------------------------------------------------------------------------------------------------
 * Compared as texts of digits with the point lined up: exact at any width, and short enough (engines stop at 38). */

static Str digits_before(Str text) { return str_slice(text, 0, MIN(text.len, str_find_char(text, '.'))); }
static Str digits_after(Str text) {
    size_t point = str_find_char(text, '.');
    return point == SIZE_MAX ? STR("") : str_skip(text, point + 1);
}

static int compare_fractions(Str a, Str b) {
    for (size_t i = 0; i < MAX(a.len, b.len); i++) {
        char x = i < a.len ? a.ptr[i] : '0', y = i < b.len ? b.ptr[i] : '0';
        if (x != y) {
            return x < y ? -1 : 1;
        }
    }
    return 0;
}

static int compare_magnitudes(Str a, Str b) {
    Str x = digits_before(a), y = digits_before(b);
    if (x.len != y.len) {
        return x.len < y.len ? -1 : 1;
    }
    int order = memcmp(x.ptr, y.ptr, x.len);
    return order ? (order < 0 ? -1 : 1) : compare_fractions(digits_after(a), digits_after(b));
}

/* What fits into eight bytes, as nearly all do. */
static bool small_unscaled(const StatValue *v, int64_t *ret) {
    if (v->unscaled.len == 0 || v->unscaled.len > sizeof *ret) {
        return false;
    }
    uint64_t bits = v->unscaled.ptr[0] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < v->unscaled.len; i++) {
        bits = bits << 8 | (unsigned char)v->unscaled.ptr[i];
    }
    *ret = (int64_t)bits;
    return true;
}

int stat_decimal_compare(const StatValue *a, const StatValue *b) {
    int64_t small_a, small_b;
    if (a->scale == b->scale && small_unscaled(a, &small_a) && small_unscaled(b, &small_b)) {
        return (small_a > small_b) - (small_a < small_b);
    }
    CLEANUP(buf_free) Buf left = BUF_INIT(64 << 10), right = BUF_INIT(64 << 10);
    if (!stat_decimal_text(a, &left) || !stat_decimal_text(b, &right)) {
        return 0;
    }
    Str x = buf_str(&left), y = buf_str(&right);
    bool minus_x = str_starts(x, STR("-")), minus_y = str_starts(y, STR("-"));
    if (minus_x != minus_y) {
        return minus_x ? -1 : 1;
    }
    int order = compare_magnitudes(str_skip(x, minus_x), str_skip(y, minus_y));
    return minus_x ? -order : order;
}

/* --- bounds ---------------------------------------------------------------------------------------------------- */

/* Not a number is above everything, as in Java and in PostgreSQL. */
static int compare_doubles(double a, double b) {
    if (isnan(a) || isnan(b)) {
        return isnan(a) - isnan(b);
    }
    return (a > b) - (a < b);
}

static int compare_values(StatKind kind, const StatValue *a, const StatValue *b) {
    if (kind == STAT_DOUBLE) {
        return compare_doubles(a->real, b->real);
    }
    if (kind == STAT_DECIMAL) {
        return stat_decimal_compare(a, b);
    }
    return (a->integer > b->integer) - (a->integer < b->integer);
}

/* A side without a bound says nothing about its data, or had none; Hive takes the other one's. */
static void widen(StatKind kind, StatValue *into, const StatValue *more, int direction) {
    if (more->given && (!into->given || compare_values(kind, more, into) * direction > 0)) {
        *into = *more;
    }
}

static int64_t add(int64_t a, int64_t b) {
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? (a < 0 ? INT64_MIN : INT64_MAX) : sum;
}

/* A sketch of a part of the data would be taken for one of all. */
static void join_sketch(Str *into, Str more) { *into = str_eq(*into, more) ? *into : STR_NULL; }

bool statistic_merge(ColumnStatistic *into, const ColumnStatistic *more, Err *err) {
    if (into->kind != more->kind) {
        return err_set(err, ERR_INVALID_INPUT,
                       "Statistics of column %" STR_FMT " are of kind %s and cannot be merged with %s. Put them without merge.",
                       STR_ARG(into->column), stat_kind_name(into->kind), stat_kind_name(more->kind));
    }
    into->type = str_is_null(more->type) ? into->type : more->type;
    into->nulls = add(into->nulls, more->nulls);
    into->trues = add(into->trues, more->trues);
    into->falses = add(into->falses, more->falses);
    into->distinct = MAX(into->distinct, more->distinct);
    into->max_length = MAX(into->max_length, more->max_length);
    into->average_length = fmax(into->average_length, more->average_length);
    widen(into->kind, &into->low, &more->low, -1);
    widen(into->kind, &into->high, &more->high, 1);
    join_sketch(&into->bit_vector, more->bit_vector);
    join_sketch(&into->histogram, more->histogram);
    into->analyzed_at = MAX(into->analyzed_at, more->analyzed_at);
    return true;
}
