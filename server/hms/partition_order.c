#include "server/hms/partition_order.h"

#include "catalog/rangekey.h"
#include "config/config.h"

/* ---- the text --------------------------------------------------------------------------------------------------- */

static bool refuse(HmsCall *call, Str text, const Table *table, Err *err) {
    return hms_throw(call, HMS_META, err,
                     "Invalid order of partitions: %" STR_FMT " (numbers of keys below %zu and a sign each, as in \"0,1:+-\")",
                     STR_ARG(str_slice(text, 0, 200)), table->partition_keys->count);
}

bool hms_partition_order_read(HmsCall *call, const Table *table, Str text, HmsPartitionOrder *ret, Err *err) {
    HmsPartitionOrder order = {0};
    size_t colon = str_find_char(text, ':');
    if (str_is_empty(text)) {
        *ret = order;
        return true;
    }
    if (colon == SIZE_MAX) {
        return refuse(call, text, table, err);
    }
    Str keys = str_slice(text, 0, colon), signs = str_skip(text, colon + 1), key;
    order.items = ARENA_ARRAY(call->arena, HmsOrderBy, signs.len);
    while (str_split(&keys, ',', &key)) {
        uint64_t number;
        if (key.len == 0 && keys.len == 0) {
            continue; /* Hive 4 ends the list with a comma */
        }
        if (!str_to_u64(key, &number) || number >= table->partition_keys->count || order.count >= signs.len ||
            (signs.ptr[order.count] != '+' && signs.ptr[order.count] != '-')) {
            return refuse(call, text, table, err);
        }
        order.items[order.count] = (HmsOrderBy){(size_t)number, signs.ptr[order.count] == '-'};
        order.count++;
    }
    if (order.count == 0 || order.count != signs.len) {
        return refuse(call, text, table, err);
    }
    *ret = order;
    return true;
}

/* ---- sorting ---------------------------------------------------------------------------------------------------- */

typedef struct Sorted {
    const HmsPartitionOrder *order;
    const Str *keys; /* by the order's number: what sorts as the value; null: does not cast, and comes first */
    StrList values;
    size_t number;
} Sorted;

static int compare(const void *one, const void *other) {
    const Sorted *a = one, *b = other;
    for (size_t i = 0; i < a->order->count; i++) {
        int c = str_cmp(a->keys[i], b->keys[i]);
        size_t key = a->order->items[i].key;
        /* Long texts have keys that are cut off. */
        c = c == 0 && key < a->values.count && key < b->values.count ? str_cmp(a->values.items[key], b->values.items[key]) : c;
        if (c != 0) {
            return a->order->items[i].descending ? -c : c;
        }
    }
    return a->number < b->number ? -1 : a->number > b->number;
}

static const Str *sort_keys(HmsCall *call, const Table *table, const HmsPartitionOrder *order, StrList values) {
    Str *keys = ARENA_ARRAY(call->arena, Str, order->count);
    for (size_t i = 0; i < order->count; i++) {
        size_t key = order->items[i].key;
        RangeKind kind = rangekey_kind(table->partition_keys->items[key].type);
        if (key < values.count) {
            (void)rangekey_encode(call->arena, kind == RANGE_NONE ? RANGE_STRING : kind, values.items[key],
                                  call->ctx.catalog->config->partitions.default_name, &keys[i]);
        }
    }
    return keys;
}

bool hms_partition_order(HmsCall *call, const Table *table, const HmsPartitionOrder *order, const StrList *values, size_t count,
                         size_t **ret, Err *err) {
    Sorted *sorted = ARENA_ARRAY(call->arena, Sorted, count);
    size_t *numbers = ARENA_ARRAY(call->arena, size_t, count);
    for (size_t i = 0; i < count && !arena_exceeded(call->arena); i++) {
        sorted[i] = (Sorted){order, sort_keys(call, table, order, values[i]), values[i], i};
    }
    if (!arena_check(call->arena, err)) {
        return false;
    }
    if (count) {
        qsort(sorted, count, sizeof *sorted, compare);
    }
    for (size_t i = 0; i < count; i++) {
        numbers[i] = sorted[i].number;
    }
    *ret = numbers;
    return true;
}
