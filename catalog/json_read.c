#include "catalog/content.h"
#include "catalog/json.h"

static bool read_i32(const JsonAt *object, const char *key, Arena *arena, int32_t *ret, Err *err) {
    JsonAt at = jr_member(object, key);
    int64_t value = *ret;
    if (!jr_i64(&at, arena, INT32_MIN, INT32_MAX, &value, err)) {
        return false;
    }
    *ret = (int32_t)value;
    return true;
}

/* Typed reads of a named member. */
static bool read_str(const JsonAt *object, const char *key, Arena *arena, Str *ret, Err *err) {
    JsonAt at = jr_member(object, key);
    return jr_str(&at, arena, ret, err);
}
static bool read_bool(const JsonAt *object, const char *key, Arena *arena, bool *ret, Err *err) {
    JsonAt at = jr_member(object, key);
    return jr_bool(&at, arena, ret, err);
}
static bool read_time(const JsonAt *object, const char *key, Arena *arena, Micros *ret, Err *err) {
    JsonAt at = jr_member(object, key);
    return jr_time(&at, arena, ret, err);
}
static bool read_params(const JsonAt *object, const char *key, Arena *arena, Params *ret, Err *err) {
    JsonAt at = jr_member(object, key);
    return jr_params(&at, arena, ret, err);
}
static bool read_strs(const JsonAt *object, const char *key, Arena *arena, StrList *ret, Err *err) {
    JsonAt at = jr_member(object, key);
    return jr_strs(&at, arena, ret, err);
}

/* "extra" is kept as text: what is inside is the business of the door that put it there. */
static void free_void(void *p) { free(p); }

static bool read_extra(const JsonAt *object, Arena *arena, Str *ret, Err *err) {
    JsonAt at = jr_member(object, "extra");
    if (!at.value) {
        return true;
    }
    if (!jr_expect_object(&at, arena, err)) {
        return false;
    }
    if (json_object_size(at.value) == 0) {
        return true;
    }
    char *text = json_dumps(at.value, JSON_COMPACT | JSON_SORT_KEYS);
    if (!text) {
        return err_set(err, ERR_INTERNAL, "The member extra could not be written as JSON.");
    }
    arena_defer(arena, free_void, text);
    *ret = str_from(text);
    return true;
}

static bool read_column(const JsonAt *at, Arena *arena, Column *ret, Err *err) {
    static const char *const known[] = {"name", "type", "comment", "parameters", NULL};
    Column c = {0};
    JsonAt name = jr_member(at, "name");
    if (!jr_only_members(at, arena, known, err) || !jr_required(&name, arena, err) || !jr_str(&name, arena, &c.name, err) ||
        !read_str(at, "type", arena, &c.type, err) || !read_str(at, "comment", arena, &c.comment, err) ||
        !read_params(at, "parameters", arena, &c.params, err)) {
        return false;
    }
    *ret = c;
    return true;
}

static bool read_columns(const JsonAt *object, const char *key, Arena *arena, const ColumnSet **ret, bool *ret_given, Err *err) {
    JsonAt at = jr_member(object, key);
    *ret_given = at.value != NULL;
    if (!at.value) {
        return true;
    }
    if (!jr_expect_array(&at, arena, err)) {
        return false;
    }
    size_t count = json_array_size(at.value);
    Column *items = ARENA_ARRAY(arena, Column, count);
    for (size_t i = 0; i < count; i++) {
        JsonAt item = jr_item(&at, i);
        if (!read_column(&item, arena, &items[i], err)) {
            return false;
        }
    }
    *ret = column_set_make(arena, items, count);
    return arena_check(arena, err);
}

bool serde_from_json(const JsonAt *at, Arena *arena, Serde *ret, Err *err) {
    static const char *const known[] = {"name", "library", "description", "serializer", "deserializer", "type", "parameters", NULL};
    Serde s = {0};
    if (!jr_only_members(at, arena, known, err) || !read_str(at, "name", arena, &s.name, err) ||
        !read_str(at, "library", arena, &s.library, err) || !read_str(at, "description", arena, &s.description, err) ||
        !read_str(at, "serializer", arena, &s.serializer, err) || !read_str(at, "deserializer", arena, &s.deserializer, err) ||
        !read_i32(at, "type", arena, &s.type, err) || !read_params(at, "parameters", arena, &s.params, err)) {
        return false;
    }
    *ret = s;
    return true;
}

static bool read_skew_locations(const JsonAt *object, Arena *arena, Skew *s, Err *err) {
    static const char *const known[] = {"values", "location", NULL};
    JsonAt at = jr_member(object, "locations");
    if (!at.value) {
        return true;
    }
    if (!jr_expect_array(&at, arena, err)) {
        return false;
    }
    s->location_count = json_array_size(at.value);
    s->locations = ARENA_ARRAY(arena, SkewLocation, s->location_count);
    for (size_t i = 0; i < s->location_count; i++) {
        JsonAt item = jr_item(&at, i);
        if (!jr_only_members(&item, arena, known, err) || !read_strs(&item, "values", arena, &s->locations[i].values, err) ||
            !read_str(&item, "location", arena, &s->locations[i].location, err)) {
            return false;
        }
    }
    return true;
}

bool skew_from_json(const JsonAt *at, Arena *arena, Skew *ret, Err *err) {
    static const char *const known[] = {"columns", "values", "locations", NULL};
    Skew s = {0};
    if (!jr_only_members(at, arena, known, err) || !read_strs(at, "columns", arena, &s.columns, err)) {
        return false;
    }
    JsonAt values = jr_member(at, "values");
    if (values.value) {
        if (!jr_expect_array(&values, arena, err)) {
            return false;
        }
        s.value_count = json_array_size(values.value);
        s.values = ARENA_ARRAY(arena, StrList, s.value_count);
        for (size_t i = 0; i < s.value_count; i++) {
            JsonAt item = jr_item(&values, i);
            if (!jr_strs(&item, arena, &s.values[i], err)) {
                return false;
            }
        }
    }
    if (!read_skew_locations(at, arena, &s, err)) {
        return false;
    }
    *ret = s;
    return true;
}

static bool read_sort_columns(const JsonAt *object, Arena *arena, StorageFormat *f, Err *err) {
    static const char *const known[] = {"name", "order", NULL};
    JsonAt at = jr_member(object, "sort_columns");
    if (!at.value) {
        return true;
    }
    if (!jr_expect_array(&at, arena, err)) {
        return false;
    }
    f->sort_column_count = json_array_size(at.value);
    f->sort_columns = ARENA_ARRAY(arena, SortColumn, f->sort_column_count);
    for (size_t i = 0; i < f->sort_column_count; i++) {
        JsonAt item = jr_item(&at, i), name = jr_member(&item, "name");
        Str order = STR("asc");
        if (!jr_only_members(&item, arena, known, err) || !jr_required(&name, arena, err) ||
            !jr_str(&name, arena, &f->sort_columns[i].name, err) || !read_str(&item, "order", arena, &order, err)) {
            return false;
        }
        if (!str_eq(order, STR("asc")) && !str_eq(order, STR("desc"))) {
            JsonAt wrong = jr_member(&item, "order");
            Str path = jr_path(&wrong, arena);
            return err_set(err, ERR_INVALID_INPUT, "%" STR_FMT " must be \"asc\" or \"desc\".", STR_ARG(path));
        }
        f->sort_columns[i].order = str_eq(order, STR("asc"));
    }
    return true;
}

static bool read_format(const JsonAt *at, Arena *arena, StorageFormat *ret, Err *err) {
    StorageFormat f = {0};
    JsonAt serde = jr_member(at, "serde"), skew = jr_member(at, "skew");
    if (!read_str(at, "input_format", arena, &f.input_format, err) ||
        !read_str(at, "output_format", arena, &f.output_format, err) || !read_bool(at, "compressed", arena, &f.compressed, err) ||
        !read_i32(at, "buckets", arena, &f.buckets, err) || !read_strs(at, "bucket_columns", arena, &f.bucket_columns, err) ||
        !read_sort_columns(at, arena, &f, err) ||
        !read_bool(at, "stored_as_sub_directories", arena, &f.stored_as_sub_directories, err) ||
        (serde.value && !serde_from_json(&serde, arena, &f.serde, err)) ||
        (skew.value && !skew_from_json(&skew, arena, &f.skew, err))) {
        return false;
    }
    *ret = f;
    return true;
}

/* "storage" and the "columns" beside it. */
static bool read_storage(const JsonAt *object, Arena *arena, Storage *ret, Err *err) {
    static const char *const known[] = {"location", "input_format",   "output_format", "compressed",
                                        "buckets",  "bucket_columns", "sort_columns",  "stored_as_sub_directories",
                                        "serde",    "skew",           "parameters",    NULL};
    Storage s = {.columns = &column_set_none, .format = &storage_format_none};
    bool has_columns;
    if (!read_columns(object, "columns", arena, &s.columns, &has_columns, err)) {
        return false;
    }
    JsonAt at = jr_member(object, "storage");
    if (!at.value && !has_columns) {
        *ret = s;
        return true;
    }
    StorageFormat format = {0};
    if (at.value && (!jr_only_members(&at, arena, known, err) || !read_str(&at, "location", arena, &s.location, err) ||
                     !read_format(&at, arena, &format, err) || !read_params(&at, "parameters", arena, &s.params, err))) {
        return false;
    }
    s.given = true;
    s.columns = has_columns ? s.columns : column_set_make(arena, NULL, 0);
    s.format = storage_format_make(arena, &format);
    *ret = s;
    return true;
}

static bool read_table_facts(const JsonAt *at, Arena *arena, Table *t, Err *err) {
    return read_str(at, "catalog", arena, &t->catalog, err) && read_str(at, "database", arena, &t->database, err) &&
           read_str(at, "name", arena, &t->name, err) && read_str(at, "type", arena, &t->type, err) &&
           read_str(at, "owner", arena, &t->owner, err) && read_str(at, "owner_type", arena, &t->owner_type, err) &&
           read_str(at, "description", arena, &t->description, err) && read_params(at, "parameters", arena, &t->params, err) &&
           read_i32(at, "retention", arena, &t->retention, err) &&
           read_str(at, "view_original_text", arena, &t->view_original, err) &&
           read_str(at, "view_expanded_text", arena, &t->view_expanded, err) &&
           read_bool(at, "rewrite_enabled", arena, &t->rewrite_enabled, err) && read_extra(at, arena, &t->extra, err) &&
           read_time(at, "last_access_at", arena, &t->last_access_at, err) &&
           read_time(at, "last_analyzed_at", arena, &t->last_analyzed_at, err);
}

static Table empty_table(void) {
    return (Table){.storage = {.columns = &column_set_none, .format = &storage_format_none},
                   .partition_keys = &column_set_none,
                   .created_at = MICROS_NONE,
                   .updated_at = MICROS_NONE,
                   .last_access_at = MICROS_NONE,
                   .last_analyzed_at = MICROS_NONE,
                   .dropped_at = MICROS_NONE};
}

bool table_from_json(const JsonAt *at, Arena *arena, Table *ret, Err *err) {
    static const char *const known[] = {"catalog",
                                        "database",
                                        "name",
                                        "incarnation",
                                        "version",
                                        "type",
                                        "owner",
                                        "owner_type",
                                        "description",
                                        "columns",
                                        "partition_keys",
                                        "storage",
                                        "parameters",
                                        "retention",
                                        "view_original_text",
                                        "view_expanded_text",
                                        "rewrite_enabled",
                                        "extra",
                                        "created_by",
                                        "created_at",
                                        "updated_at",
                                        "last_access_at",
                                        "last_analyzed_at",
                                        "dropped_at",
                                        NULL};
    Table t = empty_table();
    bool has_keys;
    if (!jr_only_members(at, arena, known, err) || !read_table_facts(at, arena, &t, err) ||
        !read_storage(at, arena, &t.storage, err) ||
        !read_columns(at, "partition_keys", arena, &t.partition_keys, &has_keys, err) ||
        !read_time(at, "created_at", arena, &t.created_at, err)) {
        return false;
    }
    if (t.partition_keys->count == 0) {
        t.partition_keys = &column_set_none;
    }
    *ret = t;
    return true;
}

bool table_from_body(Str body, Arena *arena, Table *table, Err *err) {
    enum { BODY_DEPTH = 64 };
    json_t *value;
    if (!jr_parse(arena, body, BODY_DEPTH, &value, err)) {
        return err_prefix(err, "A stored version cannot be read");
    }
    JsonAt at = jr_top(value), storage = jr_member(&at, "storage");
    return read_table_facts(&at, arena, table, err) && read_str(&storage, "location", arena, &table->storage.location, err) &&
           read_params(&storage, "parameters", arena, &table->storage.params, err);
}

bool database_from_json(const JsonAt *at, Arena *arena, Database *ret, Err *err) {
    static const char *const known[] = {"catalog",          "name",       "incarnation", "version",    "description", "location",
                                        "managed_location", "parameters", "owner",       "owner_type", "type",        "connector",
                                        "remote_name",      "extra",      "created_at",  "updated_at", NULL};
    Database d = {.created_at = MICROS_NONE, .updated_at = MICROS_NONE, .dropped_at = MICROS_NONE};
    if (!jr_only_members(at, arena, known, err) || !read_str(at, "catalog", arena, &d.catalog, err) ||
        !read_str(at, "name", arena, &d.name, err) || !read_str(at, "description", arena, &d.description, err) ||
        !read_str(at, "location", arena, &d.location, err) || !read_str(at, "managed_location", arena, &d.managed_location, err) ||
        !read_params(at, "parameters", arena, &d.params, err) || !read_str(at, "owner", arena, &d.owner, err) ||
        !read_str(at, "owner_type", arena, &d.owner_type, err) || !read_str(at, "type", arena, &d.type, err) ||
        !read_str(at, "connector", arena, &d.connector, err) || !read_str(at, "remote_name", arena, &d.remote_name, err) ||
        !read_extra(at, arena, &d.extra, err)) {
        return false;
    }
    *ret = d;
    return true;
}

bool catalog_from_json(const JsonAt *at, Arena *arena, CatalogInfo *ret, Err *err) {
    static const char *const known[] = {"name",       "incarnation", "version",    "description", "location",
                                        "parameters", "extra",       "created_at", "updated_at",  NULL};
    CatalogInfo c = {.created_at = MICROS_NONE, .updated_at = MICROS_NONE};
    if (!jr_only_members(at, arena, known, err) || !read_str(at, "name", arena, &c.name, err) ||
        !read_str(at, "description", arena, &c.description, err) || !read_str(at, "location", arena, &c.location, err) ||
        !read_params(at, "parameters", arena, &c.params, err) || !read_extra(at, arena, &c.extra, err)) {
        return false;
    }
    *ret = c;
    return true;
}

static bool read_resources(const JsonAt *object, Arena *arena, Function *f, Err *err) {
    static const char *const known[] = {"type", "uri", NULL};
    JsonAt at = jr_member(object, "resources");
    if (!at.value) {
        return true;
    }
    if (!jr_expect_array(&at, arena, err)) {
        return false;
    }
    size_t count = json_array_size(at.value);
    f->resource_types = (StrList){ARENA_ARRAY(arena, Str, count), count};
    f->resource_uris = (StrList){ARENA_ARRAY(arena, Str, count), count};
    for (size_t i = 0; i < count; i++) {
        JsonAt item = jr_item(&at, i), uri = jr_member(&item, "uri");
        if (!jr_only_members(&item, arena, known, err) || !read_str(&item, "type", arena, &f->resource_types.items[i], err) ||
            !jr_required(&uri, arena, err) || !jr_str(&uri, arena, &f->resource_uris.items[i], err)) {
            return false;
        }
    }
    return true;
}

bool function_from_json(const JsonAt *at, Arena *arena, Function *ret, Err *err) {
    static const char *const known[] = {"catalog",    "database", "name",      "incarnation", "version",    "class_name", "owner",
                                        "owner_type", "type",     "resources", "extra",       "created_at", "updated_at", NULL};
    Function f = {.created_at = MICROS_NONE, .updated_at = MICROS_NONE};
    if (!jr_only_members(at, arena, known, err) || !read_str(at, "catalog", arena, &f.catalog, err) ||
        !read_str(at, "database", arena, &f.database, err) || !read_str(at, "name", arena, &f.name, err) ||
        !read_str(at, "class_name", arena, &f.class_name, err) || !read_str(at, "owner", arena, &f.owner, err) ||
        !read_str(at, "owner_type", arena, &f.owner_type, err) || !read_str(at, "type", arena, &f.type, err) ||
        !read_resources(at, arena, &f, err) || !read_extra(at, arena, &f.extra, err)) {
        return false;
    }
    *ret = f;
    return true;
}

bool partition_from_json(const JsonAt *at, Arena *arena, Partition *ret, Err *err) {
    static const char *const known[] = {"name",  "values",     "columns",        "storage",          "parameters",
                                        "extra", "created_at", "last_access_at", "last_analyzed_at", NULL};
    Partition p = {.created_at = MICROS_NONE, .last_access_at = MICROS_NONE, .last_analyzed_at = MICROS_NONE};
    if (!jr_only_members(at, arena, known, err) || !read_str(at, "name", arena, &p.name, err) ||
        !read_strs(at, "values", arena, &p.values, err) || !read_storage(at, arena, &p.storage, err) ||
        !read_params(at, "parameters", arena, &p.params, err) || !read_extra(at, arena, &p.extra, err) ||
        !read_time(at, "last_access_at", arena, &p.last_access_at, err) ||
        !read_time(at, "last_analyzed_at", arena, &p.last_analyzed_at, err)) {
        return false;
    }
    *ret = p;
    return true;
}
