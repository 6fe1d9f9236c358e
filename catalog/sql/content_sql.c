#include "catalog/sql/content_sql.h"

#include "catalog/content.h"
#include "catalog/definitions.h"
#include "catalog/json.h"

enum { PART_MAX_BYTES = 64 * 1024 * 1024, PART_DEPTH = 64 };

/* --- writing -------------------------------------------------------------------------------------------------- */

/* A row that was touched within the hour is left alone, so storing what is there already writes nothing. The sweep takes
 * only rows untouched for a day: what a writer just found cannot vanish under it. */
#define KEEP_OR_TOUCH(table) \
    " ON CONFLICT (id) DO UPDATE SET touched_at = clock_timestamp() WHERE " table \
    ".touched_at < clock_timestamp() - interval '1 hour'"

static StrList column_texts(Arena *arena, const ColumnSet *set, size_t offset, bool *ret_any) {
    StrList list = {ARENA_ARRAY(arena, Str, set->count), set->count};
    *ret_any = false;
    for (size_t i = 0; i < set->count; i++) {
        memcpy(&list.items[i], (const char *)&set->items[i] + offset, sizeof(Str));
        *ret_any = *ret_any || !str_is_null(list.items[i]);
    }
    return list;
}

static StrList column_params(Arena *arena, const ColumnSet *set, bool *ret_any) {
    StrList list = {ARENA_ARRAY(arena, Str, set->count), set->count};
    *ret_any = false;
    for (size_t i = 0; i < set->count; i++) {
        if (set->items[i].params.count) {
            CLEANUP(buf_free) Buf text = BUF_INIT(PART_MAX_BYTES);
            JsonWriter w = jw_new(&text);
            jw_params(&w, &set->items[i].params);
            list.items[i] = arena_str(arena, buf_str(&text));
            *ret_any = true;
        }
    }
    return list;
}

static void arg_texts_or_null(PgArgs *args, StrList list, bool any) {
    if (any) {
        pg_arg_texts(args, list);
    } else {
        pg_arg_null(args);
    }
}

static bool store_columns(Ctx *ctx, PgConn *conn, const ColumnSet *set, Err *err) {
    static const PgStmt stmt = {
        "content_columns",
        "INSERT INTO column_sets (id, names, types, comments, params)"
        " VALUES ($1::uuid, coalesce($2::text[], '{}'), coalesce($3::text[], '{}'), $4::text[], $5::text[])" KEEP_OR_TOUCH(
            "column_sets")};
    bool any;
    PgArgs args = pg_args(ctx->arena);
    pg_arg_uuid(&args, set->id);
    pg_arg_texts(&args, column_texts(ctx->arena, set, offsetof(Column, name), &any));
    pg_arg_texts(&args, column_texts(ctx->arena, set, offsetof(Column, type), &any));
    StrList comments = column_texts(ctx->arena, set, offsetof(Column, comment), &any);
    arg_texts_or_null(&args, comments, any);
    StrList params = column_params(ctx->arena, set, &any);
    arg_texts_or_null(&args, params, any);
    return pg_exec(conn, &stmt, &args, ctx->arena, NULL, err);
}

static Str serde_text(Arena *arena, const Serde *serde) {
    CLEANUP(buf_free) Buf text = BUF_INIT(PART_MAX_BYTES);
    JsonWriter w = jw_new(&text);
    serde_json(&w, serde);
    return arena_str(arena, buf_str(&text));
}

static Str skew_text(Arena *arena, const Skew *skew) {
    if (skew_is_empty(skew)) {
        return STR_NULL;
    }
    CLEANUP(buf_free) Buf text = BUF_INIT(PART_MAX_BYTES);
    JsonWriter w = jw_new(&text);
    skew_json(&w, skew);
    return arena_str(arena, buf_str(&text));
}

/* Sort orders travel as texts: one array encoder is enough. */
static void arg_sort_columns(PgArgs *args, Arena *arena, const StorageFormat *f) {
    StrList names = {ARENA_ARRAY(arena, Str, f->sort_column_count), f->sort_column_count};
    StrList orders = {ARENA_ARRAY(arena, Str, f->sort_column_count), f->sort_column_count};
    for (size_t i = 0; i < f->sort_column_count; i++) {
        names.items[i] = f->sort_columns[i].name;
        orders.items[i] = arena_printf(arena, "%d", f->sort_columns[i].order);
    }
    arg_texts_or_null(args, names, names.count > 0);
    arg_texts_or_null(args, orders, orders.count > 0);
}

static bool store_format(Ctx *ctx, PgConn *conn, const StorageFormat *f, Err *err) {
    static const PgStmt stmt = {
        "content_format",
        "INSERT INTO storage_formats (id, input_format, output_format, compressed, buckets, bucket_columns, sort_columns,"
        " sort_orders, stored_as_sub_directories, serde, skew) VALUES ($1::uuid, $2::text, $3::text, $4::bool, $5::int,"
        " $6::text[], $7::text[], $8::text[], $9::bool, $10::text, $11::text)" KEEP_OR_TOUCH("storage_formats")};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_uuid(&args, f->id);
    pg_arg_text(&args, f->input_format);
    pg_arg_text(&args, f->output_format);
    pg_arg_bool(&args, f->compressed);
    pg_arg_i32(&args, f->buckets);
    arg_texts_or_null(&args, f->bucket_columns, f->bucket_columns.count > 0);
    arg_sort_columns(&args, ctx->arena, f);
    pg_arg_bool(&args, f->stored_as_sub_directories);
    pg_arg_text(&args, serde_text(ctx->arena, &f->serde));
    pg_arg_text(&args, skew_text(ctx->arena, &f->skew));
    return pg_exec(conn, &stmt, &args, ctx->arena, NULL, err);
}

static int set_cmp(const void *a, const void *b) {
    return memcmp((*(const ColumnSet *const *)a)->id.bytes, (*(const ColumnSet *const *)b)->id.bytes, sizeof(Uuid));
}

static int format_cmp(const void *a, const void *b) {
    return memcmp((*(const StorageFormat *const *)a)->id.bytes, (*(const StorageFormat *const *)b)->id.bytes, sizeof(Uuid));
}

bool content_store(Ctx *ctx, PgConn *conn, const ColumnSet *const *sets, size_t set_count, const StorageFormat *const *formats,
                   size_t format_count, Err *err) {
    const ColumnSet **s = ARENA_ARRAY(ctx->arena, const ColumnSet *, set_count);
    const StorageFormat **f = ARENA_ARRAY(ctx->arena, const StorageFormat *, format_count);
    if (set_count) {
        memcpy(s, sets, set_count * sizeof *s);
        qsort(s, set_count, sizeof *s, set_cmp);
    }
    if (format_count) {
        memcpy(f, formats, format_count * sizeof *f);
        qsort(f, format_count, sizeof *f, format_cmp);
    }
    for (size_t i = 0; i < set_count; i++) {
        bool again = i && uuid_eq(s[i]->id, s[i - 1]->id);
        if (!again && !uuid_is_zero(s[i]->id) && !store_columns(ctx, conn, s[i], err)) {
            return false;
        }
    }
    for (size_t i = 0; i < format_count; i++) {
        bool again = i && uuid_eq(f[i]->id, f[i - 1]->id);
        if (!again && !uuid_is_zero(f[i]->id) && !store_format(ctx, conn, f[i], err)) {
            return false;
        }
    }
    return true;
}

/* --- reading -------------------------------------------------------------------------------------------------- */

static bool params_from_text(Str text, Arena *arena, Params *ret, Err *err) {
    json_t *value;
    if (!jr_parse(arena, text, PART_DEPTH, &value, err)) {
        return false;
    }
    JsonAt at = jr_top(value);
    return jr_params(&at, arena, ret, err);
}

bool column_set_from_row(const PgRows *rows, size_t row, int column, Arena *arena, const ColumnSet **ret, Err *err) {
    ColumnSet *set = ARENA_NEW(arena, ColumnSet);
    set->id = pg_uuid(rows, row, column);
    if (uuid_is_zero(set->id)) {
        *ret = &column_set_none;
        return true;
    }
    StrList names = pg_texts(rows, row, column + 1, arena), types = pg_texts(rows, row, column + 2, arena);
    StrList comments = pg_texts(rows, row, column + 3, arena), params = pg_texts(rows, row, column + 4, arena);
    set->count = names.count;
    set->items = ARENA_ARRAY(arena, Column, names.count);
    for (size_t i = 0; i < names.count; i++) {
        set->items[i].name = names.items[i];
        set->items[i].type = i < types.count ? types.items[i] : STR_NULL;
        set->items[i].comment = i < comments.count ? comments.items[i] : STR_NULL;
        if (i < params.count && !str_is_null(params.items[i]) &&
            !params_from_text(params.items[i], arena, &set->items[i].params, err)) {
            return false;
        }
    }
    *ret = set;
    return true;
}

static bool parts_from_row(const PgRows *rows, size_t row, int column, Arena *arena, StorageFormat *f, Err *err) {
    Str serde = pg_text(rows, row, column + 9), skew = pg_text(rows, row, column + 10);
    json_t *value;
    if (!str_is_null(serde)) {
        if (!jr_parse(arena, serde, PART_DEPTH, &value, err)) {
            return false;
        }
        JsonAt at = jr_top(value);
        if (!serde_from_json(&at, arena, &f->serde, err)) {
            return false;
        }
    }
    if (!str_is_null(skew)) {
        if (!jr_parse(arena, skew, PART_DEPTH, &value, err)) {
            return false;
        }
        JsonAt at = jr_top(value);
        return skew_from_json(&at, arena, &f->skew, err);
    }
    return true;
}

bool storage_format_from_row(const PgRows *rows, size_t row, int column, Arena *arena, const StorageFormat **ret, Err *err) {
    StorageFormat *f = ARENA_NEW(arena, StorageFormat);
    f->id = pg_uuid(rows, row, column);
    if (uuid_is_zero(f->id)) {
        *ret = &storage_format_none;
        return true;
    }
    f->input_format = pg_text(rows, row, column + 1);
    f->output_format = pg_text(rows, row, column + 2);
    f->compressed = pg_bool(rows, row, column + 3);
    f->buckets = pg_i32(rows, row, column + 4, 0);
    f->bucket_columns = pg_texts(rows, row, column + 5, arena);
    StrList names = pg_texts(rows, row, column + 6, arena), orders = pg_texts(rows, row, column + 7, arena);
    f->sort_column_count = MIN(names.count, orders.count);
    f->sort_columns = ARENA_ARRAY(arena, SortColumn, f->sort_column_count);
    for (size_t i = 0; i < f->sort_column_count; i++) {
        int64_t order = 0;
        f->sort_columns[i].name = names.items[i];
        f->sort_columns[i].order = str_to_i64(orders.items[i], &order) ? (int32_t)order : 0;
    }
    f->stored_as_sub_directories = pg_bool(rows, row, column + 8);
    *ret = f;
    return parts_from_row(rows, row, column, arena, f, err);
}

/* --- many at once --------------------------------------------------------------------------------------------- */

struct ContentCache {
    Arena *arena;
    StrMap *columns, *formats; /* by the id's bytes; WANTED until loaded */
    Uuid *want_columns, *want_formats;
    size_t columns_count, columns_capacity, formats_count, formats_capacity;
};

static const char WANTED[1];

ContentCache *content_cache_new(Arena *arena) {
    ContentCache *c = ARENA_NEW(arena, ContentCache);
    c->arena = arena;
    c->columns = strmap_new(arena, 8);
    c->formats = strmap_new(arena, 8);
    return c;
}

static void *wanted(void) { return (void *)(uintptr_t)WANTED; }

static void want(Arena *arena, StrMap *map, Uuid id, Uuid **list, size_t *count, size_t *capacity) {
    Str key = {(const char *)id.bytes, sizeof id.bytes};
    if (uuid_is_zero(id) || strmap_get(map, key)) {
        return;
    }
    if (*count == *capacity) {
        *capacity = MAX(*capacity * 2, (size_t)8);
        Uuid *grown = ARENA_ARRAY(arena, Uuid, *capacity);
        if (*count) {
            memcpy(grown, *list, *count * sizeof *grown);
        }
        *list = grown;
    }
    (*list)[(*count)++] = id;
    strmap_put(map, arena_str(arena, key), wanted());
}

void content_want(ContentCache *c, Uuid columns, Uuid format) {
    want(c->arena, c->columns, columns, &c->want_columns, &c->columns_count, &c->columns_capacity);
    want(c->arena, c->formats, format, &c->want_formats, &c->formats_count, &c->formats_capacity);
}

static void put(StrMap *map, const Uuid *id, const void *value) {
    strmap_put(map, (Str){(const char *)id->bytes, sizeof id->bytes}, (void *)(uintptr_t)value);
}

void content_know(ContentCache *c, const ColumnSet *columns, const StorageFormat *format) {
    if (!uuid_is_zero(columns->id)) {
        put(c->columns, &columns->id, columns);
    }
    if (!uuid_is_zero(format->id)) {
        put(c->formats, &format->id, format);
    }
}

static bool load_columns(Ctx *ctx, PgConn *conn, ContentCache *c, Err *err) {
    static const PgStmt stmt = {"content_columns_by_id",
                                "SELECT id, names, types, comments, params FROM column_sets WHERE id = ANY ($1::uuid[])"};
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    pg_arg_uuids(&args, c->want_columns, c->columns_count);
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    for (size_t i = 0; i < rows.count; i++) {
        const ColumnSet *set;
        if (!column_set_from_row(&rows, i, 0, ctx->arena, &set, err)) {
            return false;
        }
        put(c->columns, &set->id, set);
        definitions_keep_columns(ctx->catalog->definitions, set);
    }
    c->columns_count = 0;
    return true;
}

static bool load_formats(Ctx *ctx, PgConn *conn, ContentCache *c, Err *err) {
    static const PgStmt stmt = {"content_formats_by_id",
                                "SELECT " FORMAT_COLUMNS("f") " FROM storage_formats f WHERE f.id = ANY ($1::uuid[])"};
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    pg_arg_uuids(&args, c->want_formats, c->formats_count);
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    for (size_t i = 0; i < rows.count; i++) {
        const StorageFormat *format;
        if (!storage_format_from_row(&rows, i, 0, ctx->arena, &format, err)) {
            return false;
        }
        put(c->formats, &format->id, format);
        definitions_keep_format(ctx->catalog->definitions, format);
    }
    c->formats_count = 0;
    return true;
}

/* What the process remembers need not be asked for. */
static void take_kept(Ctx *ctx, ContentCache *c) {
    size_t left = 0;
    for (size_t i = 0; i < c->columns_count; i++) {
        const ColumnSet *set = definitions_columns(ctx->catalog->definitions, ctx->arena, c->want_columns[i]);
        if (set) {
            put(c->columns, &set->id, set);
        } else {
            c->want_columns[left++] = c->want_columns[i];
        }
    }
    c->columns_count = left;
    left = 0;
    for (size_t i = 0; i < c->formats_count; i++) {
        const StorageFormat *format = definitions_format(ctx->catalog->definitions, ctx->arena, c->want_formats[i]);
        if (format) {
            put(c->formats, &format->id, format);
        } else {
            c->want_formats[left++] = c->want_formats[i];
        }
    }
    c->formats_count = left;
}

bool content_load(Ctx *ctx, PgConn *conn, ContentCache *c, Err *err) {
    take_kept(ctx, c);
    CLEANUP(pg_conn_cleanup) PgConn *own = NULL;
    if (!conn && c->columns_count + c->formats_count > 0) {
        if (!pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &own, err)) {
            return false;
        }
        conn = own;
    }
    return (c->columns_count == 0 || load_columns(ctx, conn, c, err)) &&
           (c->formats_count == 0 || load_formats(ctx, conn, c, err)) && arena_check(ctx->arena, err);
}

const ColumnSet *content_columns(const ContentCache *c, Uuid id) {
    void *found = strmap_get(c->columns, (Str){(const char *)id.bytes, sizeof id.bytes});
    return found && found != wanted() ? found : &column_set_none;
}

const StorageFormat *content_format(const ContentCache *c, Uuid id) {
    void *found = strmap_get(c->formats, (Str){(const char *)id.bytes, sizeof id.bytes});
    return found && found != wanted() ? found : &storage_format_none;
}
