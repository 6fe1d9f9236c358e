#include "server/hms/convert.h"

#include "catalog/content.h"
#include "catalog/hive_table.h"
#include "server/hms/creation.h"
#include "thrift/encode.h"

/* ---- for answers ------------------------------------------------------------------------------------------------ */

int32_t hms_seconds(Micros t) {
    return t == MICROS_NONE ? 0 : (int32_t)MIN(MAX(t / 1000000, (int64_t)INT32_MIN), (int64_t)INT32_MAX);
}

HmsFieldSchemaList hms_columns(Arena *arena, const ColumnSet *columns) {
    if (columns->count == 0) {
        return (HmsFieldSchemaList){.items = THRIFT_NO_ITEMS};
    }
    HmsFieldSchemaList list = {ARENA_ARRAY(arena, HmsFieldSchema, columns->count), columns->count};
    for (size_t i = 0; i < columns->count; i++) {
        const Column *c = &columns->items[i];
        list.items[i] = (HmsFieldSchema){.name = c->name, .type = c->type, .comment = c->comment};
    }
    return list;
}

static HmsSerDeInfo *serde(Arena *arena, const Serde *s) {
    HmsSerDeInfo *out = HMS_NEW(arena, HmsSerDeInfo, HMS_STRUCT_SER_DE_INFO);
    out->name = s->name;
    out->serializationLib = s->library;
    out->parameters = hms_params(s->params);
    out->description = s->description;
    out->serializerClass = s->serializer;
    out->deserializerClass = s->deserializer;
    if (s->type) {
        THRIFT_SET(out, serdeType, s->type);
    }
    return out;
}

static HmsSkewedInfo *skew(Arena *arena, const Skew *s) {
    HmsSkewedInfo *out = HMS_NEW(arena, HmsSkewedInfo, HMS_STRUCT_SKEWED_INFO);
    out->skewedColNames = hms_strs(s->columns);
    out->skewedColValues = (HmsStrListList){s->value_count ? s->values : THRIFT_NO_ITEMS, s->value_count};
    out->skewedColValueLocationMaps.items = THRIFT_NO_ITEMS;
    if (s->location_count) {
        HmsStrListToStrMapPair *pairs = ARENA_ARRAY(arena, HmsStrListToStrMapPair, s->location_count);
        for (size_t i = 0; i < s->location_count; i++) {
            pairs[i] = (HmsStrListToStrMapPair){s->locations[i].values, s->locations[i].location};
        }
        out->skewedColValueLocationMaps = (HmsStrListToStrMap){pairs, s->location_count};
    }
    return out;
}

static HmsOrderList sort_columns(Arena *arena, const StorageFormat *f) {
    if (f->sort_column_count == 0) {
        return (HmsOrderList){.items = THRIFT_NO_ITEMS};
    }
    HmsOrderList list = {ARENA_ARRAY(arena, HmsOrder, f->sort_column_count), f->sort_column_count};
    for (size_t i = 0; i < list.count; i++) {
        list.items[i] = (HmsOrder){.col = f->sort_columns[i].name, .order = f->sort_columns[i].order, .has_order = true};
    }
    return list;
}

static void put_format(Arena *arena, const StorageFormat *f, HmsStorageDescriptor *out) {
    out->inputFormat = f->input_format;
    out->outputFormat = f->output_format;
    THRIFT_SET(out, compressed, f->compressed);
    THRIFT_SET(out, numBuckets, f->buckets);
    THRIFT_SET(out, storedAsSubDirectories, f->stored_as_sub_directories);
    out->bucketCols = hms_strs(f->bucket_columns);
    out->sortCols = sort_columns(arena, f);
    out->skewedInfo = skew(arena, &f->skew);
}

HmsStorageDescriptor *hms_storage(Arena *arena, const Storage *s) {
    static const StorageFormat none;
    static const ColumnSet no_columns;
    const StorageFormat *format = s->given ? s->format : &none;
    HmsStorageDescriptor *out = HMS_NEW(arena, HmsStorageDescriptor, HMS_STRUCT_STORAGE_DESCRIPTOR);
    out->cols = hms_columns(arena, s->given ? s->columns : &no_columns);
    out->location = s->location;
    out->parameters = hms_params(s->params);
    out->serdeInfo = serde(arena, &format->serde);
    put_format(arena, format, out);
    return out;
}

/* What other doors keep as the description is the parameter "comment" here. */
static Params params_with_comment(Arena *arena, const Table *t) {
    if (str_is_null(t->description) || params_has(&t->params, STR("comment"))) {
        return hms_params(t->params);
    }
    Params params = params_copy(&t->params, arena);
    params_set(&params, arena, STR("comment"), t->description);
    return params;
}

void hms_table_put(Arena *arena, const Table *t, HmsTable *out) {
    out->catName = t->catalog;
    out->dbName = t->database;
    out->tableName = t->name;
    out->owner = t->owner;
    THRIFT_SET(out, createTime, hms_seconds(t->created_at));
    THRIFT_SET(out, lastAccessTime, hms_seconds(t->last_access_at));
    THRIFT_SET(out, retention, t->retention);
    out->sd = hms_storage(arena, &t->storage);
    out->partitionKeys = hms_columns(arena, t->partition_keys);
    out->parameters = params_with_comment(arena, t);
    out->viewOriginalText = t->view_original;
    out->viewExpandedText = t->view_expanded;
    out->tableType = hive_table_type(t);
    THRIFT_SET(out, temporary, false);
    THRIFT_SET(out, rewriteEnabled, t->rewrite_enabled);
    out->creationMetadata = hms_creation_read(arena, t);
    int32_t type = HMS_PRINCIPAL_TYPE_USER;
    (void)hms_principal_type(t->owner_type, &type);
    THRIFT_SET(out, ownerType, type);
    THRIFT_SET(out, writeId, 0);
    THRIFT_SET(out, id, t->id);
}

HmsTable *hms_table(Arena *arena, const Table *t) {
    HmsTable *out = HMS_NEW(arena, HmsTable, HMS_STRUCT_TABLE);
    hms_table_put(arena, t, out);
    return out;
}

static size_t shared_slot(const void *of) { return ((uintptr_t)of >> 4) * 0x9E3779B97F4A7C15u >> 60; }

/* Encoded once for all that have the same. */
static bool shared_columns(HmsCall *call, const ColumnSet *columns, HmsShared *shared, Str *ret, Err *err) {
    size_t slot = shared_slot(columns);
    if (shared->columns[slot].of != columns) {
        enum { COLS = 1 };
        HmsStorageDescriptor sd = {.cols = hms_columns(call->arena, columns)};
        if (!thrift_encode_raw(call->protocol, &hms_structs[HMS_STRUCT_STORAGE_DESCRIPTOR], COLS, &sd, call->arena,
                               &shared->columns[slot].raw, err)) {
            return false;
        }
        shared->columns[slot].of = columns;
    }
    *ret = shared->columns[slot].raw;
    return true;
}

static bool shared_format(HmsCall *call, const StorageFormat *format, HmsShared *shared, const HmsStorageDescriptor **ret,
                          Err *err) {
    size_t slot = shared_slot(format);
    HmsStorageDescriptor *sd = &shared->formats[slot].sd;
    if (shared->formats[slot].of != format) {
        enum { SERDE = 7 };
        const ThriftStruct *strukt = &hms_structs[HMS_STRUCT_STORAGE_DESCRIPTOR];
        shared->formats[slot].of = NULL;
        *sd = (HmsStorageDescriptor){.serdeInfo = serde(call->arena, &format->serde)};
        put_format(call->arena, format, sd);
        if (!thrift_encode_raw(call->protocol, strukt, SERDE, sd, call->arena, &sd->serdeInfo_raw, err)) {
            return false;
        }
        shared->formats[slot].of = format;
    }
    *ret = sd;
    return true;
}

bool hms_partition_put(HmsCall *call, const Table *table, const Partition *p, HmsShared *shared, HmsPartition *out, Err *err) {
    Arena *arena = call->arena;
    out->catName = table->catalog;
    out->dbName = table->database;
    out->tableName = table->name;
    out->values = hms_strs(p->values);
    THRIFT_SET(out, createTime, hms_seconds(p->created_at));
    THRIFT_SET(out, lastAccessTime, hms_seconds(p->last_access_at));
    out->parameters = hms_params(p->params);
    THRIFT_SET(out, writeId, -1);
    if (!p->storage.given) {
        out->sd = hms_storage(arena, &p->storage);
        return true;
    }
    const HmsStorageDescriptor *format;
    Str columns_raw;
    if (!shared_format(call, p->storage.format, shared, &format, err) ||
        !shared_columns(call, p->storage.columns, shared, &columns_raw, err)) {
        return false;
    }
    out->sd = arena_alloc(arena, sizeof *out->sd);
    *out->sd = *format;
    out->sd->location = p->storage.location;
    out->sd->parameters = hms_params(p->storage.params);
    out->sd->cols_raw = columns_raw;
    return true;
}

bool hms_principal_type(Str name, int32_t *ret) {
    static const char *const NAMES[] = {
        [HMS_PRINCIPAL_TYPE_USER] = "USER", [HMS_PRINCIPAL_TYPE_ROLE] = "ROLE", [HMS_PRINCIPAL_TYPE_GROUP] = "GROUP"};
    for (int32_t i = HMS_PRINCIPAL_TYPE_USER; i <= HMS_PRINCIPAL_TYPE_GROUP; i++) {
        if (str_eq(name, str_from(NAMES[i]))) {
            *ret = i;
            return true;
        }
    }
    return false;
}

Str hms_principal_name(int32_t type) {
    switch (type) {
        case HMS_PRINCIPAL_TYPE_USER: return STR("USER");
        case HMS_PRINCIPAL_TYPE_ROLE: return STR("ROLE");
        case HMS_PRINCIPAL_TYPE_GROUP: return STR("GROUP");
        default: return STR_NULL;
    }
}

HmsDatabase *hms_database(Arena *arena, const Database *d) {
    HmsDatabase *out = HMS_NEW(arena, HmsDatabase, HMS_STRUCT_DATABASE);
    out->name = d->name;
    out->catalogName = d->catalog;
    out->description = d->description;
    out->locationUri = str_is_null(d->location) ? STR("") : d->location;
    out->managedLocationUri = d->managed_location;
    out->parameters = hms_params(d->params);
    out->ownerName = d->owner;
    int32_t type;
    if (hms_principal_type(d->owner_type, &type)) {
        THRIFT_SET(out, ownerType, type);
    }
    THRIFT_SET(out, createTime, hms_seconds(d->created_at));
    THRIFT_SET(out, type, str_eq(d->type, STR("REMOTE")) ? HMS_DATABASE_TYPE_REMOTE : HMS_DATABASE_TYPE_NATIVE);
    out->connector_name = d->connector;
    out->remote_dbname = d->remote_name;
    return out;
}

HmsCatalog *hms_catalog(Arena *arena, const CatalogInfo *c) {
    HmsCatalog *out = HMS_NEW(arena, HmsCatalog, HMS_STRUCT_CATALOG);
    out->name = c->name;
    out->description = c->description;
    out->locationUri = str_is_null(c->location) ? STR("") : c->location;
    THRIFT_SET(out, createTime, hms_seconds(c->created_at));
    out->parameters = hms_params(c->params);
    return out;
}

/* ---- of requests ------------------------------------------------------------------------------------------------ */

static Micros time_of(int32_t seconds, bool given) { return given && seconds != 0 ? (Micros)seconds * 1000000 : MICROS_NONE; }

/* Maps come as the client wrote them. */
Params hms_read_params(Arena *arena, const Params *params) {
    Params out = {0};
    for (size_t i = 0; i < params->count; i++) {
        params_append(&out, arena, params->items[i].key, params->items[i].value);
    }
    params_sort(&out);
    return out;
}

static const ColumnSet *read_columns(Arena *arena, HmsFieldSchemaList list) {
    Column *items = ARENA_ARRAY(arena, Column, list.count);
    for (size_t i = 0; i < list.count; i++) {
        const HmsFieldSchema *f = &list.items[i];
        items[i] = (Column){.name = name_fold(arena, f->name), .type = f->type, .comment = f->comment};
    }
    return column_set_make(arena, items, list.count);
}

static void read_serde(Arena *arena, const HmsSerDeInfo *s, Serde *ret) {
    if (s) {
        *ret = (Serde){
            .name = s->name,
            .library = s->serializationLib,
            .description = s->description,
            .serializer = s->serializerClass,
            .deserializer = s->deserializerClass,
            .type = s->has_serdeType ? s->serdeType : 0,
            .params = hms_read_params(arena, &s->parameters),
        };
    }
}

static void read_skew(Arena *arena, const HmsSkewedInfo *s, Skew *ret) {
    if (!s) {
        return;
    }
    ret->columns = s->skewedColNames;
    ret->values = s->skewedColValues.items;
    ret->value_count = s->skewedColValues.count;
    ret->location_count = s->skewedColValueLocationMaps.count;
    ret->locations = ARENA_ARRAY(arena, SkewLocation, ret->location_count);
    for (size_t i = 0; i < ret->location_count; i++) {
        const HmsStrListToStrMapPair *pair = &s->skewedColValueLocationMaps.items[i];
        ret->locations[i] = (SkewLocation){pair->key, pair->value};
    }
}

static bool read_storage(HmsCall *call, const HmsStorageDescriptor *sd, Storage *ret, Err *err) {
    Arena *arena = call->arena;
    StorageFormat *f = ARENA_NEW(arena, StorageFormat);
    f->input_format = sd->inputFormat;
    f->output_format = sd->outputFormat;
    f->compressed = sd->has_compressed && sd->compressed;
    f->stored_as_sub_directories = sd->has_storedAsSubDirectories && sd->storedAsSubDirectories;
    f->buckets = sd->has_numBuckets ? sd->numBuckets : 0;
    f->bucket_columns = sd->bucketCols;
    f->sort_column_count = sd->sortCols.count;
    f->sort_columns = ARENA_ARRAY(arena, SortColumn, f->sort_column_count);
    for (size_t i = 0; i < f->sort_column_count; i++) {
        f->sort_columns[i] = (SortColumn){name_fold(arena, sd->sortCols.items[i].col), sd->sortCols.items[i].order};
    }
    read_serde(arena, sd->serdeInfo, &f->serde);
    read_skew(arena, sd->skewedInfo, &f->skew);
    *ret = (Storage){
        .given = true,
        .location = sd->location,
        .columns = read_columns(arena, sd->cols),
        .format = storage_format_make(arena, f),
        .params = hms_read_params(arena, &sd->parameters),
    };
    return arena_check(arena, err);
}

bool hms_read_table(HmsCall *call, const HmsTable *t, Table *ret, Err *err) {
    Arena *arena = call->arena;
    Table out = {
        .name = t->tableName,
        .type = t->tableType,
        .owner = t->owner,
        .owner_type = t->has_ownerType ? hms_principal_name(t->ownerType) : STR_NULL,
        .partition_keys = t->partitionKeys.count ? read_columns(arena, t->partitionKeys) : &column_set_none,
        .params = hms_read_params(arena, &t->parameters),
        .retention = t->has_retention ? t->retention : 0,
        .view_original = t->viewOriginalText,
        .view_expanded = t->viewExpandedText,
        .rewrite_enabled = t->has_rewriteEnabled && t->rewriteEnabled,
        .created_at = time_of(t->createTime, t->has_createTime),
        .updated_at = MICROS_NONE,
        .last_access_at = time_of(t->lastAccessTime, t->has_lastAccessTime),
        .last_analyzed_at = MICROS_NONE,
        .dropped_at = MICROS_NONE,
    };
    out.storage = (Storage){.columns = &column_set_none, .format = &storage_format_none};
    if (!hms_database_name(call, t->catName, t->dbName, &out.catalog, &out.database, err) ||
        !hms_creation_keep(arena, t, &out.extra, err) || (t->sd && !read_storage(call, t->sd, &out.storage, err))) {
        return false;
    }
    *ret = out;
    return arena_check(arena, err);
}

bool hms_read_partition(HmsCall *call, const HmsPartition *p, Partition *ret, Err *err) {
    *ret = (Partition){
        .values = p->values,
        .params = hms_read_params(call->arena, &p->parameters),
        .storage = {.columns = &column_set_none, .format = &storage_format_none},
        .created_at = time_of(p->createTime, p->has_createTime),
        .last_access_at = time_of(p->lastAccessTime, p->has_lastAccessTime),
        .last_analyzed_at = MICROS_NONE,
    };
    return !p->sd || read_storage(call, p->sd, &ret->storage, err);
}
