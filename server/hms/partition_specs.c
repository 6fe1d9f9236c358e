#include "server/hms/partition_specs.h"

#include "server/hms/convert.h"

/* Those of one spec with a shared descriptor. */
typedef struct Group {
    struct Specs *specs;
    const Partition *first, **members;
    size_t count, next;
    bool placed; /* below the table; otherwise without a location that is shown */
    HmsPartitionWithoutSD item;
    ThriftStream stream;
} Group;

typedef struct Specs {
    HmsCall *call;
    const Table *table;
    const HmsSpecsHow *how;
    Str root; /* the table's location without a slash at its end; null: it has none */
    bool with_sd, with_location;
    const HmsProjection *of_sd;
    Group *groups;
    size_t group_count;
    size_t *group_of; /* one a partition: its group, or OUTSIDE */
} Specs;

enum { KEY_MOST = 1 << 20 };
#define OUTSIDE SIZE_MAX

/* ---- which belong together -------------------------------------------------------------------------------------- */

/* The path below the table; false: it lies elsewhere. */
static bool relative_path(const Specs *s, Str location, Str *ret) {
    if (str_is_null(s->root) || !str_starts(location, s->root)) {
        return false;
    }
    Str path = str_skip(location, s->root.len);
    *ret = path;
    return path.len == 0 || path.ptr[0] == '/';
}

static bool is_alike(const Partition *a, const Partition *b) {
    return a->storage.columns == b->storage.columns && a->storage.format == b->storage.format &&
           params_equal(&a->storage.params, &b->storage.params);
}

static void add_text(Buf *key, Str text) {
    buf_add_be32(key, (uint32_t)text.len);
    buf_add(key, text);
}

/* Equal for those that share a spec. */
static Str group_key(Arena *arena, const Partition *p, bool placed) {
    CLEANUP(buf_free) Buf key = BUF_INIT(KEY_MOST);
    buf_add_char(&key, placed ? 'p' : 'n');
    buf_add_bytes(&key, &p->storage.columns, sizeof p->storage.columns);
    buf_add_bytes(&key, &p->storage.format, sizeof p->storage.format);
    for (size_t i = 0; i < p->storage.params.count; i++) {
        add_text(&key, p->storage.params.items[i].key);
        add_text(&key, p->storage.params.items[i].value);
    }
    return key.failed ? STR_NULL : arena_str(arena, buf_str(&key));
}

static bool joins(const Specs *s, const Group *group, const Partition *p, bool placed) {
    return !s->with_sd || (group->placed == placed && is_alike(group->first, p));
}

/* The group of P, made when it is the first; descriptors too large to compare are not shared. */
static size_t find_group(Specs *s, StrMap *known, const Partition *p) {
    Str path;
    bool has_place = s->with_location && !str_is_null(p->storage.location);
    if (has_place && !relative_path(s, p->storage.location, &path)) {
        return OUTSIDE;
    }
    if (s->group_count && joins(s, &s->groups[s->group_count - 1], p, has_place)) {
        return s->group_count - 1;
    }
    Str key = group_key(s->call->arena, p, has_place);
    const Group *known_group = str_is_null(key) ? NULL : strmap_get(known, key);
    if (known_group) {
        return (size_t)(known_group - s->groups);
    }
    s->groups[s->group_count] = (Group){.specs = s, .placed = has_place, .first = p};
    if (!str_is_null(key)) {
        (void)strmap_put(known, key, &s->groups[s->group_count]);
    }
    return s->group_count++;
}

static void add_member(Arena *arena, Group *group, const Partition *p, size_t count) {
    if (group->count == 0) {
        group->members = ARENA_ARRAY(arena, const Partition *, count);
    }
    group->members[group->count++] = p;
}

static bool make_groups(Specs *s, Partitions partitions, Err *err) {
    Arena *arena = s->call->arena;
    StrMap *known = strmap_new(arena, 16);
    size_t *counts = ARENA_ARRAY(arena, size_t, partitions.count);
    s->groups = ARENA_ARRAY(arena, Group, partitions.count);
    s->group_of = ARENA_ARRAY(arena, size_t, partitions.count);
    for (size_t i = 0; i < partitions.count; i++) {
        s->group_of[i] = find_group(s, known, &partitions.items[i]);
        if (s->group_of[i] != OUTSIDE) {
            counts[s->group_of[i]]++;
        }
        if (!arena_check(arena, err)) {
            return false;
        }
    }
    for (size_t i = 0; i < partitions.count; i++) {
        size_t no = s->group_of[i];
        if (no != OUTSIDE) {
            add_member(arena, &s->groups[no], &partitions.items[i], counts[no]);
        }
    }
    return arena_check(arena, err);
}

/* ---- what is told of them --------------------------------------------------------------------------------------- */

static bool next_member(void *ctx, const void **ret_item, Err *err) {
    Group *group = ctx;
    Specs *s = group->specs;
    const HmsProjection *shown = s->how->projection;
    const Partition *p = group->members[group->next++];
    Arena *arena = s->call->arena;
    HmsPartitionWithoutSD *item = &group->item;
    *item = (HmsPartitionWithoutSD){0};
    if (hms_projection_has(shown, "values", NULL)) {
        item->values = hms_strs(p->values);
    }
    if (hms_projection_has(shown, "createTime", NULL)) {
        THRIFT_SET(item, createTime, hms_seconds(p->created_at));
    }
    if (hms_projection_has(shown, "lastAccessTime", NULL)) {
        THRIFT_SET(item, lastAccessTime, hms_seconds(p->last_access_at));
    }
    if (hms_projection_has(shown, "parameters", NULL)) {
        item->parameters = hms_shape_params(arena, &s->how->shape, hms_params(p->params));
    }
    if (group->placed) {
        (void)relative_path(s, p->storage.location, &item->relativePath);
    }
    *ret_item = item;
    return arena_check(arena, err);
}

static HmsStorageDescriptor *shown_storage(const Specs *s, const Storage *storage) {
    HmsStorageDescriptor *sd = hms_storage(s->call->arena, storage);
    if (s->how->shape.without_columns) {
        sd->cols = (HmsFieldSchemaList){.items = THRIFT_NO_ITEMS};
    }
    hms_project(s->of_sd, sd);
    return sd;
}

static HmsPartitionSpec *add_spec(const Specs *s, HmsPartitionSpecList *list) {
    HmsPartitionSpec *spec = &list->items[list->count++];
    memcpy(spec, hms_new(s->call->arena, &hms_structs[HMS_STRUCT_PARTITION_SPEC]), sizeof *spec);
    spec->catName = s->table->catalog;
    spec->dbName = s->table->database;
    spec->tableName = s->table->name;
    spec->rootPath = s->root;
    return spec;
}

static void add_group(const Specs *s, Group *group, HmsPartitionSpecList *list) {
    HmsPartitionSpecWithSharedSD *shared = HMS_NEW(s->call->arena, HmsPartitionSpecWithSharedSD,
                                                   HMS_STRUCT_PARTITION_SPEC_WITH_SHARED_SD);
    if (s->with_sd) {
        Storage storage = group->first->storage;
        storage.location = group->placed ? s->root : STR_NULL;
        shared->sd = shown_storage(s, &storage);
    }
    group->stream = (ThriftStream){group->count, next_member, group};
    shared->partitions_stream = &group->stream;
    add_spec(s, list)->sharedSDPartitionSpec = shared;
}

static void add_list(const Specs *s, const ThriftStream *stream, HmsPartitionList items, HmsPartitionSpecList *list) {
    HmsPartitionListComposingSpec *composing = HMS_NEW(s->call->arena, HmsPartitionListComposingSpec,
                                                       HMS_STRUCT_PARTITION_LIST_COMPOSING_SPEC);
    composing->partitions_stream = stream;
    composing->partitions = items;
    add_spec(s, list)->partitionList = composing;
}

/* Those that lie elsewhere, whole but for what the projection leaves out. */
static bool add_outside(const Specs *s, Partitions partitions, size_t count, HmsPartitionSpecList *list, Err *err) {
    Arena *arena = s->call->arena;
    Partitions outside = {ARENA_ARRAY(arena, Partition, count), 0};
    for (size_t i = 0; i < partitions.count && arena_check(arena, err); i++) {
        if (s->group_of[i] == OUTSIDE) {
            outside.items[outside.count++] = partitions.items[i];
        }
    }
    if (!s->how->projection) {
        add_list(s, hms_partition_stream(s->call, s->table, outside, &s->how->shape), (HmsPartitionList){0}, list);
        return arena_check(arena, err);
    }
    HmsShared shared = {0};
    HmsPartitionList items = {ARENA_ARRAY(arena, HmsPartition, count), outside.count};
    for (size_t i = 0; i < outside.count; i++) {
        HmsPartition *item = &items.items[i];
        if (!arena_check(arena, err) || !hms_partition_put(s->call, s->table, &outside.items[i], &shared, item, err)) {
            return false;
        }
        item->sd = s->with_sd ? shown_storage(s, &outside.items[i].storage) : NULL;
        item->parameters = hms_shape_params(arena, &s->how->shape, item->parameters);
        hms_project(s->how->projection, item);
    }
    add_list(s, NULL, items, list);
    return true;
}

/* ---- all of it -------------------------------------------------------------------------------------------------- */

static Str root_of(const Table *table) {
    Str root = table->storage.location;
    while (root.len > 1 && root.ptr[root.len - 1] == '/') {
        root.len--;
    }
    return root;
}

static bool grouped_specs(Specs *s, Partitions partitions, HmsPartitionSpecList *ret, Err *err) {
    size_t outside = partitions.count;
    if (!make_groups(s, partitions, err)) {
        return false;
    }
    HmsPartitionSpecList list = {ARENA_ARRAY(s->call->arena, HmsPartitionSpec, s->group_count + 1), 0};
    for (size_t g = 0; g < s->group_count && !arena_exceeded(s->call->arena); g++) {
        add_group(s, &s->groups[g], &list);
        outside -= s->groups[g].count;
    }
    if (!arena_check(s->call->arena, err) || (outside && !add_outside(s, partitions, outside, &list, err))) {
        return false;
    }
    *ret = list;
    return true;
}

bool hms_partition_specs(HmsCall *call, const Table *table, Partitions partitions, const HmsSpecsHow *how,
                         HmsPartitionSpecList *ret, Err *err) {
    Specs *s = ARENA_NEW(call->arena, Specs);
    Table *kept_table = ARENA_NEW(call->arena, Table);
    HmsSpecsHow *kept_how = ARENA_NEW(call->arena, HmsSpecsHow);
    *kept_table = *table;
    *kept_how = *how;
    *s = (Specs){.call = call, .table = kept_table, .how = kept_how, .root = root_of(table)};
    s->with_sd = hms_projection_has(how->projection, "sd", &s->of_sd);
    s->with_location = s->with_sd && hms_projection_has(s->of_sd, "location", NULL);
    if (how->grouped) {
        return grouped_specs(s, partitions, ret, err);
    }
    *ret = (HmsPartitionSpecList){ARENA_ARRAY(call->arena, HmsPartitionSpec, 1), 0};
    add_list(s, hms_partition_stream(call, kept_table, partitions, &kept_how->shape), (HmsPartitionList){0}, ret);
    return arena_check(call->arena, err);
}
