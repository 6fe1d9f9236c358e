#include "catalog/diff.h"

#include "base/json_writer.h"
#include "catalog/json.h"
#include "catalog/types.h"

typedef struct Differ {
    Arena *arena;
    Buf out;
    JsonWriter w;
    TableDiff diff;
    TypeFormat format;   /* decides whether columns are found by name or by position */
    bool beyond_pointer; /* something an Iceberg commit does not do by itself */
} Differ;

static const char *change_class_name(ChangeClass class) {
    static const char *const names[] = {"cosmetic", "safe", "engine_dependent", "breaking"};
    return names[class];
}

bool param_is_server_kept(Str key) {
    static const char *const kept[] = {
        "transient_lastDdlTime", "numFiles", "totalSize", "numRows", "rawDataSize", "numFilesErasureCoded", "numPartitions",
        "COLUMN_STATS_ACCURATE"};
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        if (str_eq(key, str_from(kept[i]))) {
            return true;
        }
    }
    return false;
}

bool param_moves_with_pointer(Str key) {
    static const char *const moving[] = {"metadata_location",      "previous_metadata_location", "snapshot-count", "uuid",
                                         "default-partition-spec", "default-sort-order"};
    for (size_t i = 0; i < ARRAY_LEN(moving); i++) {
        if (str_eq(key, str_from(moving[i]))) {
            return true;
        }
    }
    return str_starts(key, STR("current-"));
}

bool table_is_iceberg(const Table *t) { return str_eq_nocase(params_get(&t->params, STR("table_type")), STR("ICEBERG")); }

bool table_is_log_format(const Table *t) {
    return table_is_iceberg(t) || str_eq_nocase(params_get(&t->params, STR("spark.sql.sources.provider")), STR("delta")) ||
           str_eq_nocase(params_get(&t->params, STR("spark.sql.sources.provider")), STR("hudi")) ||
           str_eq_nocase(params_get(&t->params, STR("table_type")), STR("DELTA")) ||
           str_find(t->storage.format->input_format, STR("hudi")) != SIZE_MAX;
}

/* --- one change ----------------------------------------------------------------------------------------------- */

static void change_open(Differ *d, const char *op, Str path, ChangeClass class, Str why) {
    jw_object_begin(&d->w);
    jw_put_str(&d->w, "op", str_from(op));
    jw_put_str(&d->w, "path", path);
    jw_put_str(&d->w, "class", str_from(change_class_name(class)));
    if (!str_is_empty(why)) {
        jw_put_str(&d->w, "why", why);
    }
    d->diff.count++;
    d->diff.worst = MAX(d->diff.worst, class);
}

static void change_add(Differ *d, const char *op, Str path, Str old, Str new, ChangeClass class, Str why) {
    change_open(d, op, path, class, why);
    jw_put_str(&d->w, "old", old);
    jw_put_str(&d->w, "new", new);
    jw_object_end(&d->w);
}

static Str column_path(Differ *d, const char *list, Str name) {
    return arena_printf(d->arena, "%s.%" STR_FMT, list, STR_ARG(name));
}

/* --- columns -------------------------------------------------------------------------------------------------- */

const Column *column_find(const ColumnSet *set, Str name) {
    for (size_t i = 0; i < set->count; i++) {
        if (str_eq(set->items[i].name, name)) {
            return &set->items[i];
        }
    }
    return NULL;
}

static ChangeClass retype_class(Differ *d, Str old, Str new, Str *ret_why) {
    static const ChangeClass classes[] = {
        [TYPE_CHANGE_NONE] = CHANGE_COSMETIC,  [TYPE_CHANGE_COSMETIC] = CHANGE_COSMETIC, [TYPE_CHANGE_SAFE] = CHANGE_SAFE,
        [TYPE_CHANGE_ENGINE] = CHANGE_DEPENDS, [TYPE_CHANGE_BREAKING] = CHANGE_BREAKING,
    };
    return classes[type_change_class(d->arena, old, new, d->format, ret_why)];
}

static void diff_column_facts(Differ *d, const char *list, const Column *old, const Column *new, bool is_key) {
    Str path = column_path(d, list, new->name);
    if (!str_eq(old->type, new->type)) {
        Str why = STR("a partition key's type decides how its directories are read");
        ChangeClass class = is_key ? CHANGE_BREAKING : retype_class(d, old->type, new->type, &why);
        change_add(d, "retype_column", path, old->type, new->type, class, why);
    }
    if (!str_eq(old->comment, new->comment)) {
        change_add(d, "comment_column", path, old->comment, new->comment, CHANGE_COSMETIC, STR_NULL);
    }
    if (!params_equal(&old->params, &new->params)) {
        change_add(d, "parameters_of_column", path, STR_NULL, STR_NULL, CHANGE_COSMETIC, STR_NULL);
    }
}

/* Gone at the same place where one with the same type came: most likely the same column under a new name. Nothing here
 * proves it, so it is reported as such and stays breaking. */
static bool looks_renamed(const ColumnSet *from, const ColumnSet *to, size_t at) {
    return at < from->count && at < to->count && str_eq(from->items[at].type, to->items[at].type) &&
           !column_find(to, from->items[at].name) && !column_find(from, to->items[at].name);
}

static void added_column(Differ *d, const char *list, const ColumnSet *from, const ColumnSet *to, size_t at, bool is_key) {
    Str path = column_path(d, list, to->items[at].name), type = to->items[at].type;
    if (is_key) {
        change_add(d, "add_column", path, STR_NULL, type, CHANGE_BREAKING, STR("a new partition key changes every location"));
    } else if (at >= from->count || !type_format_by_position(d->format)) {
        change_add(d, "add_column", path, STR_NULL, type, CHANGE_SAFE, STR_NULL);
    } else {
        change_add(d, "add_column", path, STR_NULL, type, CHANGE_BREAKING,
                   STR("the format finds columns by position, and this one stands before others"));
    }
}

static void diff_removed(Differ *d, const char *list, const ColumnSet *from, const ColumnSet *to, bool is_key) {
    for (size_t i = 0; i < from->count; i++) {
        const Column *old = &from->items[i];
        if (column_find(to, old->name)) {
            continue;
        }
        if (looks_renamed(from, to, i)) {
            change_add(d, "rename_column", column_path(d, list, old->name), old->name, to->items[i].name, CHANGE_BREAKING,
                       STR("same place and type, so probably renamed; readers that ask for the old name fail"));
        } else {
            change_add(d, "drop_column", column_path(d, list, old->name), old->type, STR_NULL, CHANGE_BREAKING,
                       is_key ? STR("a partition key less changes every location") : STR("readers that ask for it fail"));
        }
    }
}

static void diff_order(Differ *d, const char *list, const ColumnSet *from, const ColumnSet *to, bool is_key) {
    const Column *last = NULL;
    for (size_t i = 0; i < to->count; i++) {
        const Column *old = column_find(from, to->items[i].name);
        if (!old) {
            continue;
        }
        if (last && old < last) {
            bool by_name = !is_key && !type_format_by_position(d->format);
            change_add(d, "reorder_columns", str_from(list), STR_NULL, STR_NULL, by_name ? CHANGE_COSMETIC : CHANGE_BREAKING,
                       by_name ? STR("the format finds columns by name") : STR("columns are found by position"));
            return;
        }
        last = old;
    }
}

static void diff_columns(Differ *d, const char *list, const ColumnSet *from, const ColumnSet *to, bool is_key) {
    if (uuid_eq(from->id, to->id)) {
        return;
    }
    d->beyond_pointer = true;
    d->diff.columns_changed = d->diff.columns_changed || !is_key;
    diff_removed(d, list, from, to, is_key);
    for (size_t i = 0; i < to->count; i++) {
        const Column *old = column_find(from, to->items[i].name);
        if (old) {
            diff_column_facts(d, list, old, &to->items[i], is_key);
        } else if (!looks_renamed(from, to, i)) {
            added_column(d, list, from, to, i, is_key);
        }
    }
    diff_order(d, list, from, to, is_key);
}

/* --- everything else ------------------------------------------------------------------------------------------ */

static void diff_text(Differ *d, const char *path, Str old, Str new, ChangeClass class, const char *why) {
    if (!str_eq(old, new)) {
        d->beyond_pointer = true;
        change_add(d, "set", str_from(path), old, new, class, str_from(why));
    }
}

static void diff_flag(Differ *d, const char *path, int64_t old, int64_t new, ChangeClass class, const char *why) {
    if (old != new) {
        diff_text(d, path, arena_printf(d->arena, "%" PRId64, old), arena_printf(d->arena, "%" PRId64, new), class, why);
    }
}

static void diff_param(Differ *d, const char *list, Str key, Str old, Str new) {
    if (param_is_server_kept(key)) {
        return;
    }
    d->beyond_pointer = d->beyond_pointer || !param_moves_with_pointer(key);
    const char *op = str_is_null(old) ? "add_parameter" : str_is_null(new) ? "drop_parameter" : "set_parameter";
    change_add(d, op, arena_printf(d->arena, "%s.%" STR_FMT, list, STR_ARG(key)), old, new, CHANGE_COSMETIC, STR_NULL);
}

static void diff_params(Differ *d, const char *list, const Params *from, const Params *to) {
    size_t i = 0, j = 0;
    while (i < from->count || j < to->count) {
        int c = i == from->count ? 1 : j == to->count ? -1 : str_cmp(from->items[i].key, to->items[j].key);
        if (c < 0) {
            diff_param(d, list, from->items[i].key, from->items[i].value, STR_NULL);
        } else if (c > 0) {
            diff_param(d, list, to->items[j].key, STR_NULL, to->items[j].value);
        } else if (!str_eq(from->items[i].value, to->items[j].value)) {
            diff_param(d, list, to->items[j].key, from->items[i].value, to->items[j].value);
        }
        i += c <= 0;
        j += c >= 0;
    }
}

static Str joined(Arena *arena, StrList list) {
    Str text = STR("");
    for (size_t i = 0; i < list.count; i++) {
        text = ARENA_CONCAT(arena, text, i ? STR(", ") : STR(""), list.items[i]);
    }
    return text;
}

static Str sort_text(Arena *arena, const StorageFormat *f) {
    Str text = STR("");
    for (size_t i = 0; i < f->sort_column_count; i++) {
        text = ARENA_CONCAT(arena, text, i ? STR(", ") : STR(""), f->sort_columns[i].name,
                            f->sort_columns[i].order ? STR(" asc") : STR(" desc"));
    }
    return text;
}

static void diff_skew(Differ *d, const Skew *from, const Skew *to) {
    CLEANUP(buf_free) Buf a = BUF_INIT(1 << 24);
    CLEANUP(buf_free) Buf b = BUF_INIT(1 << 24);
    JsonWriter wa = jw_new(&a), wb = jw_new(&b);
    skew_json(&wa, from);
    skew_json(&wb, to);
    diff_text(d, "storage.skew", arena_str(d->arena, buf_str(&a)), arena_str(d->arena, buf_str(&b)), CHANGE_DEPENDS,
              "skewed values are stored apart");
}

static void diff_format(Differ *d, const StorageFormat *from, const StorageFormat *to) {
    static const char *const why = "existing files were not written this way";
    if (uuid_eq(from->id, to->id)) {
        return;
    }
    diff_text(d, "storage.input_format", from->input_format, to->input_format, CHANGE_BREAKING, why);
    diff_text(d, "storage.output_format", from->output_format, to->output_format, CHANGE_BREAKING, why);
    diff_text(d, "storage.serde.library", from->serde.library, to->serde.library, CHANGE_BREAKING, why);
    diff_text(d, "storage.serde.name", from->serde.name, to->serde.name, CHANGE_COSMETIC, NULL);
    diff_text(d, "storage.serde.description", from->serde.description, to->serde.description, CHANGE_COSMETIC, NULL);
    diff_text(d, "storage.serde.serializer", from->serde.serializer, to->serde.serializer, CHANGE_DEPENDS, why);
    diff_text(d, "storage.serde.deserializer", from->serde.deserializer, to->serde.deserializer, CHANGE_DEPENDS, why);
    diff_flag(d, "storage.serde.type", from->serde.type, to->serde.type, CHANGE_COSMETIC, NULL);
    diff_params(d, "storage.serde.parameters", &from->serde.params, &to->serde.params);
    diff_flag(d, "storage.compressed", from->compressed, to->compressed, CHANGE_DEPENDS, why);
    diff_flag(d, "storage.buckets", from->buckets, to->buckets, CHANGE_DEPENDS, "existing files were bucketed otherwise");
    diff_text(d, "storage.bucket_columns", joined(d->arena, from->bucket_columns), joined(d->arena, to->bucket_columns),
              CHANGE_DEPENDS, "existing files were bucketed otherwise");
    diff_text(d, "storage.sort_columns", sort_text(d->arena, from), sort_text(d->arena, to), CHANGE_DEPENDS,
              "existing files were sorted otherwise");
    diff_flag(d, "storage.stored_as_sub_directories", from->stored_as_sub_directories, to->stored_as_sub_directories,
              CHANGE_DEPENDS, why);
    diff_skew(d, &from->skew, &to->skew);
}

static void diff_storage(Differ *d, const Storage *from, const Storage *to) {
    if (from->given != to->given) {
        diff_text(d, "storage", from->given ? STR("given") : STR_NULL, to->given ? STR("given") : STR_NULL, CHANGE_BREAKING,
                  "there is no descriptor of the data on one side");
    }
    diff_columns(d, "columns", from->columns, to->columns, false);
    diff_text(d, "storage.location", from->location, to->location, CHANGE_BREAKING, "existing data stays where it was");
    diff_format(d, from->format, to->format);
    diff_params(d, "storage.parameters", &from->params, &to->params);
}

static void diff_facts(Differ *d, const Table *from, const Table *to) {
    diff_text(d, "database", from->database, to->database, CHANGE_BREAKING, "readers ask for the old name");
    diff_text(d, "name", from->name, to->name, CHANGE_BREAKING, "readers ask for the old name");
    diff_text(d, "type", from->type, to->type, CHANGE_DEPENDS, "decides whether a drop deletes the data");
    diff_text(d, "owner", from->owner, to->owner, CHANGE_COSMETIC, NULL);
    diff_text(d, "owner_type", from->owner_type, to->owner_type, CHANGE_COSMETIC, NULL);
    diff_text(d, "description", from->description, to->description, CHANGE_COSMETIC, NULL);
    diff_text(d, "view_original_text", from->view_original, to->view_original, CHANGE_DEPENDS, "the view answers another query");
    diff_text(d, "view_expanded_text", from->view_expanded, to->view_expanded, CHANGE_DEPENDS, "the view answers another query");
    diff_flag(d, "retention", from->retention, to->retention, CHANGE_COSMETIC, NULL);
    diff_flag(d, "rewrite_enabled", from->rewrite_enabled, to->rewrite_enabled, CHANGE_COSMETIC, NULL);
    diff_text(d, "extra", from->extra, to->extra, CHANGE_COSMETIC, NULL);
}

enum { DIFF_MAX_BYTES = 64 * 1024 * 1024 };

void table_diff(Arena *arena, const Table *from, const Table *to, TableDiff *ret) {
    Differ d = {.arena = arena,
                .out = BUF_INIT(DIFF_MAX_BYTES),
                .format = type_format_of(to->storage.format->input_format, to->storage.format->serde.library)};
    d.w = jw_new(&d.out);
    jw_array_begin(&d.w);
    diff_facts(&d, from, to);
    diff_columns(&d, "partition_keys", from->partition_keys, to->partition_keys, true);
    diff_storage(&d, &from->storage, &to->storage);
    diff_params(&d, "parameters", &from->params, &to->params);
    jw_array_end(&d.w);
    bool moved = !str_eq(params_get(&from->params, STR("metadata_location")), params_get(&to->params, STR("metadata_location")));
    d.diff.noop = d.diff.count == 0;
    d.diff.identical = d.diff.noop && params_equal(&from->params, &to->params) &&
                       params_equal(&from->storage.params, &to->storage.params) && from->last_access_at == to->last_access_at &&
                       from->last_analyzed_at == to->last_analyzed_at;
    d.diff.pointer_move = moved && table_is_iceberg(from) && table_is_iceberg(to) && !d.beyond_pointer;
    if (d.diff.count) {
        d.diff.json = arena_printf(arena, "{\"class\":\"%s\",\"changes\":%" STR_FMT "}", change_class_name(d.diff.worst),
                                   STR_ARG(buf_str(&d.out)));
    }
    *ret = d.diff;
    buf_free(&d.out);
}
