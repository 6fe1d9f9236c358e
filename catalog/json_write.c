#include "catalog/json.h"

bool skew_is_empty(const Skew *s) { return s->columns.count == 0 && s->value_count == 0 && s->location_count == 0; }

static void put_extra(JsonWriter *w, Str extra) {
    if (!str_is_empty(extra)) {
        jw_key(w, STR("extra"));
        jw_raw(w, extra);
    }
}

void columns_json(JsonWriter *w, const ColumnSet *set) {
    if (!str_is_null(set->json)) {
        jw_raw(w, set->json);
        return;
    }
    jw_array_begin(w);
    for (size_t i = 0; i < set->count; i++) {
        const Column *c = &set->items[i];
        jw_object_begin(w);
        jw_put_str(w, "name", c->name);
        jw_put_str(w, "type", c->type);
        jw_put_str(w, "comment", c->comment);
        if (c->params.count) {
            jw_put_params(w, "parameters", &c->params);
        }
        jw_object_end(w);
    }
    jw_array_end(w);
}

void serde_json(JsonWriter *w, const Serde *s) {
    jw_object_begin(w);
    jw_put_str(w, "name", s->name);
    jw_put_str(w, "library", s->library);
    jw_put_str(w, "description", s->description);
    jw_put_str(w, "serializer", s->serializer);
    jw_put_str(w, "deserializer", s->deserializer);
    if (s->type) {
        jw_put_i64(w, "type", s->type);
    }
    jw_put_params(w, "parameters", &s->params);
    jw_object_end(w);
}

void skew_json(JsonWriter *w, const Skew *s) {
    jw_object_begin(w);
    jw_put_strs(w, "columns", s->columns);
    jw_key(w, STR("values"));
    jw_array_begin(w);
    for (size_t i = 0; i < s->value_count; i++) {
        jw_strs(w, s->values[i]);
    }
    jw_array_end(w);
    jw_key(w, STR("locations"));
    jw_array_begin(w);
    for (size_t i = 0; i < s->location_count; i++) {
        jw_object_begin(w);
        jw_put_strs(w, "values", s->locations[i].values);
        jw_put_str(w, "location", s->locations[i].location);
        jw_object_end(w);
    }
    jw_array_end(w);
    jw_object_end(w);
}

/* Members of "storage" that the format decides. */
static void format_members(JsonWriter *w, const StorageFormat *f) {
    jw_put_str(w, "input_format", f->input_format);
    jw_put_str(w, "output_format", f->output_format);
    jw_put_bool(w, "compressed", f->compressed);
    jw_put_i64(w, "buckets", f->buckets);
    jw_put_strs(w, "bucket_columns", f->bucket_columns);
    jw_key(w, STR("sort_columns"));
    jw_array_begin(w);
    for (size_t i = 0; i < f->sort_column_count; i++) {
        jw_object_begin(w);
        jw_put_str(w, "name", f->sort_columns[i].name);
        jw_put_str(w, "order", f->sort_columns[i].order ? STR("asc") : STR("desc"));
        jw_object_end(w);
    }
    jw_array_end(w);
    jw_put_bool(w, "stored_as_sub_directories", f->stored_as_sub_directories);
    jw_key(w, STR("serde"));
    serde_json(w, &f->serde);
    if (!skew_is_empty(&f->skew)) {
        jw_key(w, STR("skew"));
        skew_json(w, &f->skew);
    }
}

static void storage_json(JsonWriter *w, const Storage *s) {
    jw_object_begin(w);
    jw_put_str(w, "location", s->location);
    format_members(w, s->format);
    jw_put_params(w, "parameters", &s->params);
    jw_object_end(w);
}

/* What a version body and the whole object share. */
static void table_facts(JsonWriter *w, const Table *t) {
    jw_put_str(w, "type", t->type);
    jw_put_str(w, "owner", t->owner);
    jw_put_str(w, "owner_type", t->owner_type);
    jw_put_str(w, "description", t->description);
    jw_put_params(w, "parameters", &t->params);
    jw_put_i64(w, "retention", t->retention);
    jw_put_str(w, "view_original_text", t->view_original);
    jw_put_str(w, "view_expanded_text", t->view_expanded);
    jw_put_bool(w, "rewrite_enabled", t->rewrite_enabled);
    put_extra(w, t->extra);
    jw_put_time(w, "last_access_at", t->last_access_at);
    jw_put_time(w, "last_analyzed_at", t->last_analyzed_at);
}

void table_json(JsonWriter *w, const Table *t) {
    jw_object_begin(w);
    jw_put_str(w, "catalog", t->catalog);
    jw_put_str(w, "database", t->database);
    jw_put_str(w, "name", t->name);
    jw_put_i64(w, "incarnation", t->id);
    jw_put_i64(w, "version", t->version);
    if (t->storage.given) {
        jw_key(w, STR("columns"));
        columns_json(w, t->storage.columns);
    }
    jw_key(w, STR("partition_keys"));
    columns_json(w, t->partition_keys);
    if (t->storage.given) {
        jw_key(w, STR("storage"));
        storage_json(w, &t->storage);
    }
    table_facts(w, t);
    jw_put_str(w, "created_by", t->created_by);
    jw_put_time(w, "created_at", t->created_at);
    jw_put_time(w, "updated_at", t->updated_at);
    jw_put_time(w, "dropped_at", t->dropped_at);
    jw_object_end(w);
}

void table_body_json(JsonWriter *w, const Table *t) {
    jw_object_begin(w);
    jw_put_str(w, "catalog", t->catalog);
    jw_put_str(w, "database", t->database);
    jw_put_str(w, "name", t->name);
    table_facts(w, t);
    if (t->storage.given) {
        jw_key(w, STR("storage"));
        jw_object_begin(w);
        jw_put_str(w, "location", t->storage.location);
        jw_put_params(w, "parameters", &t->storage.params);
        jw_object_end(w);
    }
    jw_object_end(w);
}

void database_json(JsonWriter *w, const Database *d) {
    jw_object_begin(w);
    jw_put_str(w, "catalog", d->catalog);
    jw_put_str(w, "name", d->name);
    jw_put_i64(w, "incarnation", d->id);
    jw_put_i64(w, "version", d->version);
    jw_put_str(w, "description", d->description);
    jw_put_str(w, "location", d->location);
    jw_put_str(w, "managed_location", d->managed_location);
    jw_put_params(w, "parameters", &d->params);
    jw_put_str(w, "owner", d->owner);
    jw_put_str(w, "owner_type", d->owner_type);
    jw_put_str(w, "type", d->type);
    jw_put_str(w, "connector", d->connector);
    jw_put_str(w, "remote_name", d->remote_name);
    put_extra(w, d->extra);
    jw_put_time(w, "created_at", d->created_at);
    jw_put_time(w, "updated_at", d->updated_at);
    jw_object_end(w);
}

void catalog_json(JsonWriter *w, const CatalogInfo *c) {
    jw_object_begin(w);
    jw_put_str(w, "name", c->name);
    jw_put_i64(w, "incarnation", c->id);
    jw_put_i64(w, "version", c->version);
    jw_put_str(w, "description", c->description);
    jw_put_str(w, "location", c->location);
    jw_put_params(w, "parameters", &c->params);
    put_extra(w, c->extra);
    jw_put_time(w, "created_at", c->created_at);
    jw_put_time(w, "updated_at", c->updated_at);
    jw_object_end(w);
}

void function_json(JsonWriter *w, const Function *f) {
    jw_object_begin(w);
    jw_put_str(w, "catalog", f->catalog);
    jw_put_str(w, "database", f->database);
    jw_put_str(w, "name", f->name);
    jw_put_i64(w, "incarnation", f->id);
    jw_put_i64(w, "version", f->version);
    jw_put_str(w, "class_name", f->class_name);
    jw_put_str(w, "owner", f->owner);
    jw_put_str(w, "owner_type", f->owner_type);
    jw_put_str(w, "type", f->type);
    jw_key(w, STR("resources"));
    jw_array_begin(w);
    for (size_t i = 0; i < f->resource_uris.count; i++) {
        jw_object_begin(w);
        jw_put_str(w, "type", f->resource_types.items[i]);
        jw_put_str(w, "uri", f->resource_uris.items[i]);
        jw_object_end(w);
    }
    jw_array_end(w);
    put_extra(w, f->extra);
    jw_put_time(w, "created_at", f->created_at);
    jw_put_time(w, "updated_at", f->updated_at);
    jw_object_end(w);
}

static void put_id(JsonWriter *w, const char *key, int64_t value) {
    if (value) {
        jw_put_i64(w, key, value);
    }
}

void change_json(JsonWriter *w, const Change *c) {
    jw_object_begin(w);
    put_id(w, "change_id", c->change_id);
    put_id(w, "hms_event_id", c->hms_event_id);
    jw_put_time(w, "at", c->at);
    jw_put_str(w, "principal", c->principal);
    jw_put_str(w, "client", c->client);
    jw_put_str(w, "agent", c->agent);
    jw_put_str(w, "protocol", c->protocol);
    jw_put_str(w, "operation", c->operation);
    if (!uuid_is_zero(c->request_id)) {
        char text[37];
        uuid_text(c->request_id, text);
        jw_put_str(w, "request_id", str_from(text));
    }
    jw_put_str(w, "kind", c->kind);
    jw_put_str(w, "action", c->action);
    jw_put_str(w, "catalog", c->catalog);
    jw_put_str(w, "database", c->database);
    jw_put_str(w, "name", c->name);
    put_id(w, "incarnation", c->object_id);
    if (c->version >= 0) {
        jw_put_i64(w, "version", c->version);
    }
    jw_put_str(w, "hms_event", c->hms_event);
    if (c->partitions.count) {
        jw_put_strs(w, "partitions", c->partitions);
    }
    if (!str_is_null(c->detail)) {
        jw_key(w, STR("detail"));
        jw_raw(w, c->detail);
    }
    jw_object_end(w);
}

/* Copies text that stands earlier in the same output. */
static void splice(JsonWriter *w, size_t at, size_t len) {
    if (buf_reserve(w->out, len)) {
        jw_raw(w, (Str){w->out->ptr + at, len});
    }
}

static void shared_columns(JsonWriter *w, const ColumnSet *set, PartitionJson *last) {
    jw_key(w, STR("columns"));
    if (last->columns == set && !w->out->failed) {
        splice(w, last->columns_at, last->columns_len);
        return;
    }
    size_t before = w->out->len;
    columns_json(w, set);
    *last = (PartitionJson){set, last->format, before, w->out->len - before, last->format_at, last->format_len};
}

/* The format's members stand inside "storage", between the location and the parameters. */
static void shared_format(JsonWriter *w, const StorageFormat *format, PartitionJson *last) {
    if (last->format == format && !w->out->failed) {
        if (w->need_comma) {
            buf_add_char(w->out, ',');
        }
        w->need_comma = true;
        if (buf_reserve(w->out, last->format_len)) {
            buf_add(w->out, (Str){w->out->ptr + last->format_at, last->format_len});
        }
        return;
    }
    size_t before = w->out->len + w->need_comma;
    format_members(w, format);
    last->format = format;
    last->format_at = before;
    last->format_len = w->out->len - before;
}

void partition_json(JsonWriter *w, const Partition *p, PartitionJson *last, bool with_columns) {
    jw_object_begin(w);
    jw_put_str(w, "name", p->name);
    jw_put_strs(w, "values", p->values);
    if (p->storage.given) {
        if (with_columns) {
            shared_columns(w, p->storage.columns, last);
        }
        jw_key(w, STR("storage"));
        jw_object_begin(w);
        jw_put_str(w, "location", p->storage.location);
        shared_format(w, p->storage.format, last);
        jw_put_params(w, "parameters", &p->storage.params);
        jw_object_end(w);
    }
    jw_put_params(w, "parameters", &p->params);
    put_extra(w, p->extra);
    jw_put_time(w, "created_at", p->created_at);
    jw_put_time(w, "last_access_at", p->last_access_at);
    jw_put_time(w, "last_analyzed_at", p->last_analyzed_at);
    jw_object_end(w);
}
