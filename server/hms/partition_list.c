#include "server/hms/partition_list.h"

#include "server/hms/convert.h"

/* ---- what is left out ------------------------------------------------------------------------------------------- */

static bool read_pattern(HmsCall *call, Str pattern, Wildcard *ret, Err *err) {
    if (pattern.len > GLOB_MAX_BYTES || !utf8_valid(pattern)) {
        return hms_throw(call, HMS_META, err, "A pattern of parameter keys has at most %d bytes of UTF-8.", GLOB_MAX_BYTES);
    }
    *ret = wildcard_from_sql(call->arena, pattern, '\\');
    return true;
}

bool hms_partition_shape(HmsCall *call, bool without_columns, Str include, Str exclude, HmsPartitionShape *ret, Err *err) {
    HmsPartitionShape shape = {.without_columns = without_columns, .some_params = include.len || exclude.len};
    if ((include.len && !read_pattern(call, include, &shape.include, err)) ||
        (exclude.len && !read_pattern(call, exclude, &shape.exclude, err))) {
        return false;
    }
    *ret = shape;
    return true;
}

Params hms_shape_params(Arena *arena, const HmsPartitionShape *shape, Params params) {
    if (!shape->some_params || params.count == 0) {
        return params;
    }
    Params left = {.items = ARENA_ARRAY(arena, Param, params.count)};
    for (size_t i = 0; i < params.count; i++) {
        Str key = params.items[i].key;
        if ((shape->include.count == 0 || wildcard_match(shape->include, key, false)) &&
            (shape->exclude.count == 0 || !wildcard_match(shape->exclude, key, false))) {
            left.items[left.count++] = params.items[i];
        }
    }
    return left;
}

/* ---- one after the other ---------------------------------------------------------------------------------------- */

typedef struct Listing {
    HmsCall *call;
    Table table;
    Partitions partitions;
    HmsPartitionShape shape;
    HmsShared shared;
    HmsPartition item; /* the one that is being written */
    size_t next;
    ThriftStream stream;
} Listing;

static bool next_partition(void *ctx, const void **ret_item, Err *err) {
    Listing *list = ctx;
    HmsPartition *item = &list->item;
    Arena *arena = list->call->arena;
    memcpy(item, hms_structs[HMS_STRUCT_PARTITION].initial, sizeof *item);
    if (!hms_partition_put(list->call, &list->table, &list->partitions.items[list->next++], &list->shared, item, err)) {
        return false;
    }
    if (list->shape.without_columns) {
        item->sd->cols_raw = STR_NULL;
        item->sd->cols = (HmsFieldSchemaList){.items = THRIFT_NO_ITEMS};
    }
    item->parameters = hms_shape_params(arena, &list->shape, item->parameters);
    *ret_item = item;
    return arena_check(arena, err);
}

const ThriftStream *hms_partition_stream(HmsCall *call, const Table *table, Partitions partitions, const HmsPartitionShape *shape) {
    Listing *list = ARENA_NEW(call->arena, Listing);
    list->call = call;
    list->table = *table;
    list->partitions = partitions;
    list->shape = *shape;
    list->stream = (ThriftStream){partitions.count, next_partition, list};
    return &list->stream;
}
