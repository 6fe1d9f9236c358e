/* The statistics of many partitions as one. */
#include <math.h>

#include "catalog/statistics.h"

/* One column's, while it is added up. */
typedef struct Sum {
    ColumnStatistic so_far;
    size_t partitions;
    double distinct;  /* of all partitions together */
    double densities; /* how far apart distinct values lie, summed over the partitions that tell */
    size_t with_density;
} Sum;

/* Near enough for an estimate. */
static double decimal_as_double(const StatValue *v) {
    double value = v->unscaled.len && (v->unscaled.ptr[0] & 0x80) ? -1 : 0;
    for (size_t i = 0; i < v->unscaled.len; i++) {
        value = value * 256 + (unsigned char)v->unscaled.ptr[i];
    }
    return value / pow(10, v->scale);
}

static double as_double(StatKind kind, const StatValue *v) {
    return kind == STAT_DECIMAL ? decimal_as_double(v) : kind == STAT_DOUBLE ? v->real : (double)v->integer;
}

/* 0 when there is none. */
static double range_of(const ColumnStatistic *s) {
    if (!s->low.given || !s->high.given) {
        return 0;
    }
    double range = as_double(s->kind, &s->high) - as_double(s->kind, &s->low);
    return isfinite(range) && range > 0 ? range : 0;
}

static bool add_one(Sum *sum, const ColumnStatistic *s, Err *err) {
    double range = range_of(s);
    sum->partitions++;
    sum->distinct += (double)MAX(s->distinct, (int64_t)0);
    if (range > 0 && s->distinct > 0) {
        sum->densities += range / (double)s->distinct;
        sum->with_density++;
    }
    if (sum->partitions == 1) {
        sum->so_far = *s;
        return true;
    }
    return statistic_merge(&sum->so_far, s, err);
}

static ColumnStatistic finish(const Sum *sum, size_t partition_count) {
    const double exact_integers = 9007199254740992.0;
    ColumnStatistic s = sum->so_far;
    double range = range_of(&s);
    if (sum->partitions < partition_count && sum->with_density && range > 0) {
        double guess = fmin(range / (sum->densities / (double)sum->with_density), sum->distinct);
        s.distinct = guess > (double)s.distinct && guess < exact_integers ? (int64_t)guess : s.distinct;
    }
    return s;
}

static int compare_columns(const void *a, const void *b) {
    const ColumnStatistic *x = a, *y = b;
    return str_cmp(x->column, y->column);
}

/* Adds what fits of SET; *ret_count is how many columns did. */
static bool add_set(Arena *arena, StrMap *by_name, Sum *sums, const StatisticSet *set, size_t *ret_count, Err *err) {
    size_t count = 0;
    for (size_t i = 0; i < set->count; i++) {
        const ColumnStatistic *s = &set->items[i];
        Sum *sum = strmap_get(by_name, s->column);
        if (!sum) {
            sum = &sums[strmap_count(by_name)];
            (void)strmap_put(by_name, s->column, sum);
        }
        if (sum->partitions == 0 || sum->so_far.kind == s->kind) {
            count++;
            if (!add_one(sum, s, err)) {
                return false;
            }
        }
    }
    *ret_count = count;
    return arena_check(arena, err);
}

bool statistics_total(Arena *arena, const StatisticSets *sets, size_t partition_count, size_t column_count, StatisticTotal *ret,
                      Err *err) {
    StatisticTotal total = {.complete = 0};
    StrMap *by_name = strmap_new(arena, column_count);
    Sum *sums = ARENA_ARRAY(arena, Sum, column_count);
    if (!arena_check(arena, err)) {
        return false;
    }
    for (size_t i = 0; i < sets->count; i++) {
        size_t count;
        if (!add_set(arena, by_name, sums, &sets->items[i], &count, err)) {
            return false;
        }
        total.complete += count == column_count;
    }
    total.count = strmap_count(by_name);
    total.items = ARENA_ARRAY(arena, ColumnStatistic, total.count);
    for (size_t i = 0; i < total.count && !arena_exceeded(arena); i++) {
        total.items[i] = finish(&sums[i], partition_count);
    }
    if (total.count) {
        qsort(total.items, total.count, sizeof *total.items, compare_columns);
    }
    *ret = total;
    return arena_check(arena, err);
}
