#include "catalog/sql/partitions_sql.h"

#include "catalog/changes_write.h"
#include "catalog/content.h"
#include "catalog/partname.h"
#include "catalog/rangekey.h"
#include "catalog/sql/tables_sql.h"
#include "config/config.h"
#include "storage/location.h"

/* --- the table ------------------------------------------------------------------------------------------------ */

bool partition_scope_get(Ctx *ctx, PgConn *conn, TableRef folded, PartitionScope *ret, Err *err) {
    PartitionScope scope;
    if (!table_row_get(ctx, conn, folded, false, &scope.table, err) ||
        !location_bases_get(ctx, conn, scope.table.id, &scope.bases, err)) {
        return false;
    }
    *ret = scope;
    return true;
}

bool partition_scope_hold(Ctx *ctx, PgConn *conn, const PartitionScope *scope, bool *ret_same, Err *err) {
    static const PgStmt stmt = {"partition_scope_hold",
                                "SELECT version, base FROM tables WHERE id = $1 AND dropped_at IS NULL FOR SHARE"};
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    pg_arg_i64(&args, scope->table.id);
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret_same = rows.count == 1 && pg_i64(&rows, 0, 0, -1) == scope->table.version && pg_i32(&rows, 0, 1, 0) == scope->table.base;
    return true;
}

/* --- locations ------------------------------------------------------------------------------------------------ */

typedef struct Place {
    int32_t base; /* < 0: no location */
    Str suffix;   /* null: the partition's name */
} Place;

static Place place_split(const PartitionScope *scope, Str location, Str name) {
    if (str_is_null(location)) {
        return (Place){-1, STR_NULL};
    }
    Place best = {0, location};
    for (size_t no = scope->bases.count; no-- > 1;) {
        Str suffix = str_is_null(scope->bases.items[no]) ? STR_NULL : location_suffix(scope->bases.items[no], location);
        if (!str_is_empty(suffix) && (best.base == 0 || suffix.len < best.suffix.len || (int32_t)no == scope->table.base)) {
            best = (Place){(int32_t)no, suffix};
        }
        if (best.base == scope->table.base) {
            break;
        }
    }
    if (best.base && str_eq(best.suffix, name)) {
        best.suffix = STR_NULL;
    }
    return best;
}

static Str place_join(Arena *arena, const StrList *bases, const PgRows *rows, size_t row, int column, Str name) {
    int32_t base = pg_i32(rows, row, column, -1);
    Str suffix = pg_text(rows, row, column + 1);
    if (base <= 0 || (size_t)base >= bases->count) {
        return suffix; /* absolute, or null when there is no location */
    }
    return location_join(arena, bases->items[base], str_is_null(suffix) ? name : suffix);
}

/* --- reading -------------------------------------------------------------------------------------------------- */

#define PARTITION_COLUMNS(p) \
    p ".name, " p ".vals, " p ".base, " p ".suffix, " p ".columns, " p ".format, " p ".sd_params, " p ".params, " p ".extra, " p \
      ".created_at, " p ".last_access_at, " p ".last_analyzed_at, " p ".added_seq, " p ".altered_seq"
enum { PARTITION_WIDTH = 14 };

static void partition_from_row(const PgRows *rows, size_t row, int at, Arena *arena, const StrList *bases, Partition *p) {
    Str name = pg_text(rows, row, at);
    *p = (Partition){
        .name = name,
        .values = pg_texts(rows, row, at + 1, arena),
        .storage = {.given = !pg_is_null(rows, row, at + 4),
                    .location = place_join(arena, bases, rows, row, at + 2, name),
                    .columns = &column_set_none,
                    .format = &storage_format_none,
                    .params = pg_params(rows, row, at + 6, arena)},
        .params = pg_params(rows, row, at + 7, arena),
        .extra = pg_text(rows, row, at + 8),
        .created_at = pg_time(rows, row, at + 9),
        .last_access_at = pg_time(rows, row, at + 10),
        .last_analyzed_at = pg_time(rows, row, at + 11),
        .added_seq = pg_i64(rows, row, at + 12, 0),
        .altered_seq = pg_i64(rows, row, at + 13, 0),
    };
}

static void want_content(const PgRows *rows, int at, ContentCache *cache) {
    for (size_t i = 0; i < rows->count; i++) {
        content_want(cache, pg_uuid(rows, i, at + 4), pg_uuid(rows, i, at + 5));
    }
}

static void link_content(const PgRows *rows, size_t row, int at, const ContentCache *cache, Partition *p) {
    if (p->storage.given) {
        p->storage.columns = content_columns(cache, pg_uuid(rows, row, at + 4));
        p->storage.format = content_format(cache, pg_uuid(rows, row, at + 5));
    }
}

/* The table's own columns and format are what most partitions point at; they need not be loaded again. */
static bool partitions_from_rows(Ctx *ctx, PgConn *conn, const PartitionScope *scope, const PgRows *rows, Partitions *ret,
                                 Err *err) {
    ContentCache *cache = content_cache_new(ctx->arena);
    content_know(cache, scope->table.storage.columns, scope->table.storage.format);
    want_content(rows, 0, cache);
    if (!content_load(ctx, conn, cache, err)) {
        return false;
    }
    Partitions list = {ARENA_ARRAY(ctx->arena, Partition, rows->count), rows->count};
    for (size_t i = 0; i < rows->count && !arena_exceeded(ctx->arena); i++) {
        partition_from_row(rows, i, 0, ctx->arena, &scope->bases, &list.items[i]);
        link_content(rows, i, 0, cache, &list.items[i]);
    }
    *ret = list;
    return arena_check(ctx->arena, err);
}

/* The plain listings are prepared. What a filter makes is planned each time, and so are lists of names: a plan for any
 * number of them walks through all partitions once for a few names in a small table. */
typedef struct ListStatement {
    const char *what; /* the select list */
    const char *tail; /* behind the WHERE: order, lock */
    const PgStmt all, by_name, by_names;
} ListStatement;

#define LIST_HEAD(what) "SELECT " what " FROM partitions p WHERE p.table_id = $1"
#define LIST_TAIL(order) " AND p.name > coalesce($2::text, '')" order
#define LIST_NAME(order) " AND p.name > coalesce($2::text, '') AND p.name = $4" order
#define LIST_NAMES(order) " AND p.name > coalesce($2::text, '') AND p.name = ANY ($4::text[])" order
#define ORDER_LIMIT " ORDER BY p.name LIMIT $3"

static const ListStatement LIST_ROWS = {PARTITION_COLUMNS("p"),
                                        ORDER_LIMIT,
                                        {"partitions_all", LIST_HEAD(PARTITION_COLUMNS("p")) LIST_TAIL(ORDER_LIMIT)},
                                        {"partitions_one", LIST_HEAD(PARTITION_COLUMNS("p")) LIST_NAME(ORDER_LIMIT)},
                                        {NULL, LIST_HEAD(PARTITION_COLUMNS("p")) LIST_NAMES(ORDER_LIMIT)}};
static const ListStatement LIST_ROWS_LOCKED = {
    PARTITION_COLUMNS("p"),
    ORDER_LIMIT " FOR UPDATE",
    {"partitions_all_locked", LIST_HEAD(PARTITION_COLUMNS("p")) LIST_TAIL(ORDER_LIMIT " FOR UPDATE")},
    {"partitions_one_locked", LIST_HEAD(PARTITION_COLUMNS("p")) LIST_NAME(ORDER_LIMIT " FOR UPDATE")},
    {NULL, LIST_HEAD(PARTITION_COLUMNS("p")) LIST_NAMES(ORDER_LIMIT " FOR UPDATE")}};
static const ListStatement LIST_JUST_NAMES = {"p.name",
                                              ORDER_LIMIT,
                                              {"partition_names_all", LIST_HEAD("p.name") LIST_TAIL(ORDER_LIMIT)},
                                              {"partition_names_one", LIST_HEAD("p.name") LIST_NAME(ORDER_LIMIT)},
                                              {NULL, LIST_HEAD("p.name") LIST_NAMES(ORDER_LIMIT)}};
static const ListStatement LIST_JUST_NAMES_LOCKED = {
    "p.name",
    ORDER_LIMIT " FOR UPDATE",
    {"partition_names_all_locked", LIST_HEAD("p.name") LIST_TAIL(ORDER_LIMIT " FOR UPDATE")},
    {"partition_names_one_locked", LIST_HEAD("p.name") LIST_NAME(ORDER_LIMIT " FOR UPDATE")},
    {NULL, LIST_HEAD("p.name") LIST_NAMES(ORDER_LIMIT " FOR UPDATE")}};
static const ListStatement LIST_COUNT = {
    "count(*)",
    " AND ($3::bigint IS NULL OR true)",
    {"partition_count_all", LIST_HEAD("count(*)") LIST_TAIL(" AND ($3::bigint IS NULL OR true)")},
    {"partition_count_one", LIST_HEAD("count(*)") LIST_NAME(" AND ($3::bigint IS NULL OR true)")},
    {NULL, LIST_HEAD("count(*)") LIST_NAMES(" AND ($3::bigint IS NULL OR true)")}};

static bool is_plain(const PartitionQuery *q) {
    return str_is_empty(str_trim(q->filter)) && q->prefix.count == 0 && q->segments <= 1;
}

static void base_args(PgArgs *args, const PartitionScope *scope, const PartitionQuery *q) {
    pg_arg_i64(args, scope->table.id);
    pg_arg_text(args, q->after);
    if (q->limit < 0) {
        pg_arg_null(args);
    } else {
        pg_arg_i64(args, q->limit);
    }
}

static bool list_filtered(Ctx *ctx, PgConn *conn, const PartitionScope *scope, const PartitionQuery *q, const ListStatement *list,
                          PgRows *ret, Err *err) {
    PgArgs args = pg_args(ctx->arena);
    base_args(&args, scope, q);
    Str where;
    if (!partition_where(ctx, conn, scope, q, &args, &where, err)) {
        return false;
    }
    /* The index on key1 begins with this expression: it is a choice only for filters that say something about key1. */
    const char *by_key1 = str_find(where, STR("p.key1 ")) != SIZE_MAX ? " AND p.table_id + 0 = $1" : "";
    Str sql = arena_printf(ctx->arena,
                           "SELECT %s FROM partitions p WHERE p.table_id = $1%s AND p.name > coalesce($2::text, '')%" STR_FMT "%s",
                           list->what, by_key1, STR_ARG(where), list->tail);
    PgStmt stmt = {NULL, sql.ptr};
    return pg_exec(conn, &stmt, &args, ctx->arena, ret, err);
}

static bool list_rows(Ctx *ctx, PgConn *conn, const PartitionScope *scope, const PartitionQuery *q, const ListStatement *list,
                      PgRows *ret, Err *err) {
    if (!is_plain(q)) {
        return list_filtered(ctx, conn, scope, q, list, ret, err);
    }
    PgArgs args = pg_args(ctx->arena);
    base_args(&args, scope, q);
    if (!q->with_names) {
        return pg_exec(conn, &list->all, &args, ctx->arena, ret, err);
    }
    if (q->names.count == 1) {
        pg_arg_text(&args, q->names.items[0]);
        return pg_exec(conn, &list->by_name, &args, ctx->arena, ret, err);
    }
    pg_arg_texts(&args, q->names.items ? q->names : (StrList){&(Str){0}, 0});
    return pg_exec(conn, &list->by_names, &args, ctx->arena, ret, err);
}

bool partition_rows_get(Ctx *ctx, PgConn *conn, const PartitionScope *scope, const PartitionQuery *q, bool lock, Partitions *ret,
                        Err *err) {
    PgRows rows;
    return list_rows(ctx, conn, scope, q, lock ? &LIST_ROWS_LOCKED : &LIST_ROWS, &rows, err) &&
           partitions_from_rows(ctx, conn, scope, &rows, ret, err);
}

bool partition_rows_names(Ctx *ctx, PgConn *conn, const PartitionScope *scope, const PartitionQuery *q, bool lock, StrList *ret,
                          Err *err) {
    PgRows rows;
    if (!list_rows(ctx, conn, scope, q, lock ? &LIST_JUST_NAMES_LOCKED : &LIST_JUST_NAMES, &rows, err)) {
        return false;
    }
    StrList names = {ARENA_ARRAY(ctx->arena, Str, rows.count), rows.count};
    for (size_t i = 0; i < rows.count; i++) {
        names.items[i] = pg_text(&rows, i, 0);
    }
    *ret = names;
    return arena_check(ctx->arena, err);
}

bool partition_rows_count(Ctx *ctx, PgConn *conn, const PartitionScope *scope, const PartitionQuery *q, int64_t *ret, Err *err) {
    PgRows rows;
    if (!list_rows(ctx, conn, scope, q, &LIST_COUNT, &rows, err)) {
        return false;
    }
    *ret = pg_i64(&rows, 0, 0, 0);
    return true;
}

bool partition_rows_any(Ctx *ctx, PgConn *conn, int64_t table_id, bool *ret, Err *err) {
    static const PgStmt stmt = {"partitions_any", "SELECT EXISTS (SELECT FROM partitions WHERE table_id = $1)"};
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    pg_arg_i64(&args, table_id);
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret = pg_bool(&rows, 0, 0);
    return true;
}

bool partition_rows_existing(Ctx *ctx, PgConn *conn, int64_t table_id, StrList names, StrList *ret, Err *err) {
    static const PgStmt stmt = {NULL, /* as for lists of names */
                                "SELECT name FROM partitions WHERE table_id = $1 AND name = ANY ($2::text[])"};
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    pg_arg_i64(&args, table_id);
    pg_arg_texts(&args, names);
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    StrList found = {ARENA_ARRAY(ctx->arena, Str, rows.count), rows.count};
    for (size_t i = 0; i < rows.count; i++) {
        found.items[i] = pg_text(&rows, i, 0);
    }
    *ret = found;
    return true;
}

bool partition_rows_marked(Ctx *ctx, PgConn *conn, int64_t table_id, Str name, bool *ret, Err *err) {
    static const PgStmt stmt = {"partition_marked", "SELECT EXISTS (SELECT FROM changes WHERE kind = 'partition' AND object_id = $1"
                                                    " AND action = 'mark' AND partitions[1] = $2)"};
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    pg_arg_i64(&args, table_id);
    pg_arg_text(&args, name);
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret = pg_bool(&rows, 0, 0);
    return true;
}

/* --- writing -------------------------------------------------------------------------------------------------- */

static RangeKind key1_kind(const Table *table) {
    return table->partition_keys->count ? rangekey_kind(table->partition_keys->items[0].type) : RANGE_NONE;
}

static Str key1_of(Ctx *ctx, RangeKind kind, StrList values) {
    Str key;
    bool is = values.count &&
              rangekey_encode(ctx->arena, kind, values.items[0], ctx->catalog->config->partitions.default_name, &key);
    return is ? key : STR_NULL;
}

static void copy_args(Ctx *ctx, PgArgs *args, const PartitionScope *scope, RangeKind kind, const Partition *p) {
    static const Uuid none;
    Place place = place_split(scope, p->storage.location, p->name);
    pg_arg_i64(args, scope->table.id);
    pg_arg_text(args, p->name);
    pg_arg_texts(args, p->values);
    pg_arg_bytes(args, key1_of(ctx, kind, p->values));
    if (place.base < 0) {
        pg_arg_null(args);
    } else {
        pg_arg_i32(args, place.base);
    }
    pg_arg_text(args, place.suffix);
    pg_arg_uuid(args, p->storage.given ? p->storage.columns->id : none);
    pg_arg_uuid(args, p->storage.given ? p->storage.format->id : none);
    pg_arg_params(args, &p->storage.params);
    pg_arg_params(args, &p->params);
    pg_arg_text(args, p->extra);
    pg_arg_time(args, p->created_at);
    pg_arg_time(args, p->last_access_at);
    pg_arg_time(args, p->last_analyzed_at);
    pg_arg_i64(args, p->added_seq);
    if (p->altered_seq) {
        pg_arg_i64(args, p->altered_seq);
    } else {
        pg_arg_null(args);
    }
}

static int name_cmp(const void *a, const void *b) {
    return str_cmp((*(const Partition *const *)a)->name, (*(const Partition *const *)b)->name);
}

/* In order of the names, as everything that locks several: two writers of the same names wait for one another in turn. */
bool partition_rows_copy(Ctx *ctx, PgConn *conn, const PartitionScope *scope, const Partition *items, size_t count, Err *err) {
    PgCopy *copy;
    RangeKind kind = key1_kind(&scope->table);
    const Partition **sorted = ARENA_ARRAY(ctx->arena, const Partition *, count);
    for (size_t i = 0; i < count; i++) {
        sorted[i] = &items[i];
    }
    if (count) {
        qsort(sorted, count, sizeof *sorted, name_cmp);
    }
    if (!pg_copy_begin(conn,
                       "COPY partitions (table_id, name, vals, key1, base, suffix, columns, format, sd_params, params, extra,"
                       " created_at, last_access_at, last_analyzed_at, added_seq, altered_seq) FROM STDIN BINARY",
                       &copy, err)) {
        return false;
    }
    bool ok = true;
    for (size_t i = 0; i < count && ok; i++) {
        copy_args(ctx, pg_copy_args(copy), scope, kind, sorted[i]);
        ok = pg_copy_row(copy, err);
    }
    if (!ok || !pg_copy_end(copy, NULL, err)) {
        /* Names were looked up before: a duplicate now is another writer's, so look again. */
        return err->code == ERR_CONFLICT ? err_set(err, ERR_RETRY, "Another writer added the same partition.") : false;
    }
    return true;
}

bool partition_rows_retire(Ctx *ctx, PgConn *conn, int64_t table_id, StrList names, int64_t seq, bool dropped, Err *err) {
    static const PgStmt stmt = {NULL, /* as for lists of names */
                                "WITH gone AS (DELETE FROM partitions WHERE table_id = $1 AND name = ANY ($2::text[]) RETURNING *)"
                                " INSERT INTO partition_images SELECT gone.*, $3::bigint, $4::bool FROM gone"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, table_id);
    pg_arg_texts(&args, names);
    pg_arg_i64(&args, seq);
    pg_arg_bool(&args, dropped);
    return pg_exec(conn, &stmt, &args, ctx->arena, NULL, err);
}

bool partition_rows_set_columns(Ctx *ctx, PgConn *conn, const Table *table, int64_t seq, Err *err) {
    static const PgStmt images = {"partitions_image_all",
                                  "INSERT INTO partition_images SELECT p.*, $3::bigint, false FROM partitions p"
                                  " WHERE table_id = $1 AND columns IS DISTINCT FROM $2::uuid AND columns IS NOT NULL"};
    static const PgStmt update = {"partitions_set_columns",
                                  "UPDATE partitions SET columns = $2::uuid, altered_seq = $3::bigint"
                                  " WHERE table_id = $1 AND columns IS DISTINCT FROM $2 AND columns IS NOT NULL"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, table->id);
    pg_arg_uuid(&args, table->storage.columns->id);
    pg_arg_i64(&args, seq);
    return pg_exec_later(conn, &images, &args, err) && pg_exec(conn, &update, &args, ctx->arena, NULL, err);
}

static bool rekey_rows(Ctx *ctx, PgConn *conn, const Table *table, const PgRows *rows, Err *err) {
    static const PgStmt stmt = {NULL, "UPDATE partitions p SET key1 = n.key1 FROM unnest($2::text[], $3::bytea[]) AS n (name, key1)"
                                      " WHERE p.table_id = $1 AND p.name = n.name"};
    RangeKind kind = key1_kind(table);
    StrList names = {ARENA_ARRAY(ctx->arena, Str, rows->count), rows->count};
    StrList keys = {ARENA_ARRAY(ctx->arena, Str, rows->count), rows->count};
    for (size_t i = 0; i < rows->count; i++) {
        Str value = pg_text(rows, i, 1);
        names.items[i] = pg_text(rows, i, 0);
        keys.items[i] = key1_of(ctx, kind, (StrList){&value, 1});
    }
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, table->id);
    pg_arg_texts(&args, names);
    pg_arg_byteas(&args, keys);
    return arena_check(ctx->arena, err) && pg_exec(conn, &stmt, &args, ctx->arena, NULL, err);
}

/* *AFTER moves on to the last name looked at; null at the end. */
static bool rekey_step(Ctx *ctx, PgConn *conn, const Table *table, Str *after, Err *err) {
    enum { STEP = 10000, MEMORY = 128 * 1024 * 1024 };
    static const PgStmt stmt = {"partitions_first_values",
                                "SELECT name, vals[1] FROM partitions WHERE table_id = $1 AND name > $2 ORDER BY name LIMIT $3"};
    CLEANUP(arena_cleanup) Arena *arena = arena_new(MEMORY); /* a table can have more partitions than a request has memory */
    Ctx step = *ctx;
    step.arena = arena;
    PgArgs args = pg_args(arena);
    PgRows rows;
    pg_arg_i64(&args, table->id);
    pg_arg_text(&args, *after);
    pg_arg_i64(&args, STEP);
    if (!pg_exec(conn, &stmt, &args, arena, &rows, err)) {
        return false;
    }
    *after = rows.count == STEP ? arena_str(ctx->arena, pg_text(&rows, rows.count - 1, 0)) : STR_NULL;
    return rows.count == 0 || rekey_rows(&step, conn, table, &rows, err);
}

bool partition_rows_rekey(Ctx *ctx, PgConn *conn, const Table *table, Err *err) {
    Str after = STR("");
    while (!str_is_null(after)) {
        if (!rekey_step(ctx, conn, table, &after, err)) {
            return false;
        }
    }
    return true;
}

/* --- history -------------------------------------------------------------------------------------------------- */

#define WHO_COLUMNS \
    "c.seq, c.at, c.principal, c.client, c.agent, c.protocol, c.operation, c.request_id, c.kind, c.action, o.change_id"
enum { WHO_WIDTH = 11 };

static Change who_from_row(const PgRows *rows, size_t row, int at) {
    return (Change){
        .seq = pg_i64(rows, row, at, 0),
        .at = pg_time(rows, row, at + 1),
        .principal = pg_text(rows, row, at + 2),
        .client = pg_text(rows, row, at + 3),
        .agent = pg_text(rows, row, at + 4),
        .protocol = pg_text(rows, row, at + 5),
        .operation = pg_text(rows, row, at + 6),
        .request_id = pg_uuid(rows, row, at + 7),
        .kind = pg_text(rows, row, at + 8),
        .action = pg_text(rows, row, at + 9),
        .change_id = pg_i64(rows, row, at + 10, 0),
        .version = -1,
    };
}

bool partition_rows_history(Ctx *ctx, PgConn *conn, const PartitionScope *scope, Str name, PartitionEvent **ret, size_t *ret_count,
                            Err *err) {
    /* An image is what a change ended. Additions and restores end nothing: they are found in the rows they made. */
    static const PgStmt stmt = {
        "partition_history",
        "WITH rows AS (SELECT p.*, NULL::bigint AS ended_seq, NULL::boolean AS dropped FROM partitions p"
        "     WHERE table_id = $1 AND name = $2 UNION ALL SELECT * FROM partition_images WHERE table_id = $1 AND name = $2),"
        " events AS (SELECT rows.*, ended_seq AS at_seq FROM rows WHERE ended_seq IS NOT NULL UNION ALL"
        "     SELECT DISTINCT ON (made.seq) rows.*, made.seq FROM rows CROSS JOIN LATERAL (VALUES (added_seq), (altered_seq)) AS made (seq)"
        "     WHERE made.seq IS NOT NULL AND NOT EXISTS (SELECT FROM rows r WHERE r.ended_seq = made.seq))"
        " SELECT " PARTITION_COLUMNS(
            "e") ", " WHO_COLUMNS ", e.at_seq IS NOT DISTINCT FROM e.ended_seq FROM events e"
                 " JOIN changes c ON c.seq = e.at_seq LEFT JOIN change_order o ON o.seq = c.seq ORDER BY c.seq DESC"};
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    pg_arg_i64(&args, scope->table.id);
    pg_arg_text(&args, name);
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    ContentCache *cache = content_cache_new(ctx->arena);
    want_content(&rows, 0, cache);
    if (!content_load(ctx, conn, cache, err)) {
        return false;
    }
    PartitionEvent *events = ARENA_ARRAY(ctx->arena, PartitionEvent, rows.count);
    for (size_t i = 0; i < rows.count; i++) {
        PartitionEvent *e = &events[i];
        e->has_image = pg_bool(&rows, i, PARTITION_WIDTH + WHO_WIDTH);
        e->change = who_from_row(&rows, i, PARTITION_WIDTH);
        e->action = e->change.action;
        partition_from_row(&rows, i, 0, ctx->arena, &scope->bases, &e->image);
        link_content(&rows, i, 0, cache, &e->image);
    }
    *ret = events;
    *ret_count = rows.count;
    return arena_check(ctx->arena, err);
}

bool partition_rows_outside(Ctx *ctx, PgConn *conn, int64_t table_id, Str directory, Str after, PartitionPlaces *ret, Err *err) {
    enum { STEP = 1000 };
    static const PgStmt stmt = {
        "partitions_outside", "SELECT p.name, CASE p.base WHEN 0 THEN p.suffix ELSE b.uri || '/' || coalesce(p.suffix, p.name) END"
                              " FROM partitions p LEFT JOIN location_bases b ON b.table_id = p.table_id AND b.no = p.base"
                              " WHERE p.table_id = $1 AND p.base IS NOT NULL AND ($2::text IS NULL OR NOT CASE p.base WHEN 0 THEN"
                              " starts_with(p.suffix, $2 || '/') ELSE starts_with(b.uri || '/', $2 || '/') END)"
                              " AND p.name > $3 ORDER BY p.name LIMIT $4"};
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    pg_arg_i64(&args, table_id);
    pg_arg_text(&args, directory);
    pg_arg_text(&args, after);
    pg_arg_i64(&args, STEP);
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    PartitionPlaces found = {.locations = {ARENA_ARRAY(ctx->arena, Str, rows.count), rows.count}};
    for (size_t i = 0; i < rows.count; i++) {
        found.locations.items[i] = pg_text(&rows, i, 1);
    }
    found.next = rows.count == STEP ? pg_text(&rows, STEP - 1, 0) : STR_NULL;
    *ret = found;
    return arena_check(ctx->arena, err);
}
