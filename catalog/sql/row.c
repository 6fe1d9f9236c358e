#include "catalog/sql/row.h"

/* With a pattern nobody knows how many rows must be looked at. */
enum { BATCH = 2000 };

ListScan list_scan(Str after, int64_t limit, const Glob *glob) {
    return (ListScan){
        .glob = glob && !glob_is_all(glob) ? glob : NULL, .after = str_is_null(after) ? STR("") : after, .limit = limit};
}

void list_scan_batch(PgArgs *args, const ListScan *scan) {
    if (scan->glob) {
        pg_arg_i64(args, BATCH);
    } else if (scan->limit < 0) {
        pg_arg_null(args);
    } else {
        pg_arg_i64(args, scan->limit + (scan->limit < INT64_MAX));
    }
}

bool list_scan_take(ListScan *scan, Arena *arena, Str name) {
    scan->after = name;
    scan->keep = !scan->glob || glob_match(arena, scan->glob, name);
    if (scan->keep && scan->limit >= 0 && scan->kept == scan->limit) {
        scan->more = true;
        return false;
    }
    scan->kept += scan->keep;
    return true;
}

bool list_scan_next(const ListScan *scan, size_t rows) { return scan->glob && !scan->more && rows == BATCH; }

void *list_grow(Arena *arena, void *items, size_t count, size_t *capacity, size_t item_bytes) {
    if (count < *capacity) {
        return items;
    }
    *capacity = MAX(*capacity * 2, (size_t)64);
    void *grown = arena_array(arena, item_bytes, *capacity);
    if (count) {
        memcpy(grown, items, count * item_bytes);
    }
    return grown;
}

void row_filter_args(PgArgs *args, const FilterParams *params) {
    for (size_t i = 0; i < params->count; i++) {
        const FilterParam *p = &params->items[i];
        switch (p->kind) {
            case FILTER_PARAM_TEXT: pg_arg_text(args, p->value); break;
            case FILTER_PARAM_BYTES: pg_arg_bytes(args, p->value); break;
            case FILTER_PARAM_TEXT_LIST: pg_arg_texts(args, p->values); break;
            case FILTER_PARAM_BYTES_LIST: pg_arg_byteas(args, p->values); break;
        }
    }
}
