#include "catalog/sql/tables_sql.h"

#include "catalog/content.h"
#include "catalog/json.h"
#include "catalog/sql/content_sql.h"
#include "catalog/sql/databases_sql.h"
#include "catalog/sql/discard_sql.h"
#include "catalog/sql/table_ref.h"
#include "storage/location.h"

/* --- reading a row -------------------------------------------------------------------------------------------- */

/* Columns and format are named by their ids only: mostly the process remembers them (catalog/definitions.h). */
#define TABLE_COLUMNS_OF(catalog, database) \
    "t.id, t.version, " catalog ", " database ", t.name, t.type, t.owner, t.owner_type, t.description, t.location, " \
    "t.sd_params, t.params, t.retention, t.view_original, t.view_expanded, t.rewrite_enabled, t.extra, t.created_by, " \
    "t.created_at, t.updated_at, t.last_access_at, t.last_analyzed_at, t.dropped_at, t.base, t.database_id, " \
    "t.full_version, t.columns, t.partition_keys, t.format"
#define TABLE_COLUMNS TABLE_COLUMNS_OF("c.name", "d.name")
enum { COLUMNS_AT = 26, KEYS_AT, FORMAT_AT };

static void table_from_row(const PgRows *rows, size_t row, Arena *arena, Table *t) {
    *t = (Table){
        .id = pg_i64(rows, row, 0, 0),
        .version = pg_i64(rows, row, 1, 0),
        .catalog = pg_text(rows, row, 2),
        .database = pg_text(rows, row, 3),
        .name = pg_text(rows, row, 4),
        .type = pg_text(rows, row, 5),
        .owner = pg_text(rows, row, 6),
        .owner_type = pg_text(rows, row, 7),
        .description = pg_text(rows, row, 8),
        .storage = {.location = pg_text(rows, row, 9), .params = pg_params(rows, row, 10, arena)},
        .params = pg_params(rows, row, 11, arena),
        .retention = pg_i32(rows, row, 12, 0),
        .view_original = pg_text(rows, row, 13),
        .view_expanded = pg_text(rows, row, 14),
        .rewrite_enabled = pg_bool(rows, row, 15),
        .extra = pg_text(rows, row, 16),
        .created_by = pg_text(rows, row, 17),
        .created_at = pg_time(rows, row, 18),
        .updated_at = pg_time(rows, row, 19),
        .last_access_at = pg_time(rows, row, 20),
        .last_analyzed_at = pg_time(rows, row, 21),
        .dropped_at = pg_time(rows, row, 22),
        .base = pg_i32(rows, row, 23, 1),
        .database_id = pg_i64(rows, row, 24, 0),
        .full_version = pg_i64(rows, row, 25, 0),
    };
}

static void link_content(const PgRows *rows, size_t row, const ContentCache *cache, Table *t) {
    t->storage.columns = content_columns(cache, pg_uuid(rows, row, COLUMNS_AT));
    t->storage.format = content_format(cache, pg_uuid(rows, row, FORMAT_AT));
    t->storage.given = !uuid_is_zero(t->storage.columns->id);
    t->partition_keys = content_columns(cache, pg_uuid(rows, row, KEYS_AT));
}

static bool tables_from_rows(Ctx *ctx, PgConn *conn, const PgRows *rows, Table *items, Err *err) {
    static const Uuid none;
    ContentCache *cache = content_cache_new(ctx->arena);
    for (size_t i = 0; i < rows->count; i++) {
        content_want(cache, pg_uuid(rows, i, COLUMNS_AT), pg_uuid(rows, i, FORMAT_AT));
        content_want(cache, pg_uuid(rows, i, KEYS_AT), none);
    }
    if (!content_load(ctx, conn, cache, err)) {
        return false;
    }
    for (size_t i = 0; i < rows->count && !arena_exceeded(ctx->arena); i++) {
        table_from_row(rows, i, ctx->arena, &items[i]);
        link_content(rows, i, cache, &items[i]);
    }
    return arena_check(ctx->arena, err);
}

static bool table_list_from_rows(Ctx *ctx, PgConn *conn, const PgRows *rows, Tables *ret, Err *err) {
    Tables list = {.items = ARENA_ARRAY(ctx->arena, Table, rows->count), .count = rows->count};
    if (!tables_from_rows(ctx, conn, rows, list.items, err)) {
        return false;
    }
    *ret = list;
    return true;
}

/* Says which part of the name is missing. Only asked after a miss, so it costs a hit nothing. */
static bool missing(Ctx *ctx, PgConn *conn, TableRef ref, Err *err) {
    Database database;
    return databases_sql_get(ctx, conn, ref.catalog, ref.database, ROW_READ, &database, err) && table_not_found(ref, err);
}

#define TABLE_BY_NAME "SELECT " TABLE_COLUMNS_OF("$1", "$2") " FROM tables t WHERE " TABLE_IS_123
static const PgStmt TABLE_READ = {"table_get", TABLE_BY_NAME};
static const PgStmt TABLE_LOCK = {"table_get_locked", TABLE_BY_NAME " FOR UPDATE OF t"};

static PgArgs ref_args(Ctx *ctx, TableRef ref) {
    PgArgs args = pg_args(ctx->arena);
    pg_arg_text(&args, ref.catalog);
    pg_arg_text(&args, ref.database);
    pg_arg_text(&args, ref.name);
    return args;
}

/* --- several at once --------------------------------------------------------------------------------------------- */

/* Most of what a point read costs PostgreSQL is the statement around it, so those that come together are one statement. OFFSET
 * keeps the search for each by itself: no plan can turn it into a join over all tables. */
#define TABLE_OF_K TABLE_IS("k.catalog", "k.database", "k.name")
static const PgStmt TABLES_READ = {
    "table_get_each",
    "SELECT " TABLE_COLUMNS_OF(
        "k.catalog", "k.database") ", k.no"
                                   " FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY k(catalog, database, name, no)"
                                   " CROSS JOIN LATERAL (SELECT t.* FROM tables t WHERE " TABLE_OF_K " OFFSET 0) t"};
enum { NO_AT = FORMAT_AT + 1 };

static PgArgs refs_args(TableGet *const *reads, size_t count) {
    Arena *arena = reads[0]->ctx->arena;
    Str *catalogs = ARENA_ARRAY(arena, Str, count), *databases = ARENA_ARRAY(arena, Str, count);
    Str *names = ARENA_ARRAY(arena, Str, count);
    for (size_t i = 0; i < count; i++) {
        catalogs[i] = reads[i]->ref.catalog;
        databases[i] = reads[i]->ref.database;
        names[i] = reads[i]->ref.name;
    }
    PgArgs args = pg_args(arena);
    pg_arg_texts(&args, (StrList){catalogs, count});
    pg_arg_texts(&args, (StrList){databases, count});
    pg_arg_texts(&args, (StrList){names, count});
    return args;
}

static Deadline earliest(TableGet *const *reads, size_t count) {
    Deadline earliest = {0};
    for (size_t i = 0; i < count; i++) {
        Deadline one = reads[i]->ctx->deadline;
        if (one.monotonic_us && (earliest.monotonic_us == 0 || one.monotonic_us < earliest.monotonic_us)) {
            earliest = one;
        }
    }
    return earliest;
}

static bool read_rows(TableGet *const *reads, size_t count, PgRows *ret, Err *err) {
    Ctx *first = reads[0]->ctx;
    PgArgs args = refs_args(reads, count);
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    return pg_acquire(first->catalog->pg, first->pool, earliest(reads, count), &conn, err) &&
           pg_exec(conn, &TABLES_READ, &args, first->arena, ret, err);
}

/* What is not there stays false, without an error. */
static bool read_together(TableGet *const *reads, size_t count) {
    Ctx *first = reads[0]->ctx;
    PgRows rows;
    Err ignored;
    Table *tables = ARENA_ARRAY(first->arena, Table, count);
    if (!read_rows(reads, count, &rows, &ignored) || !tables_from_rows(first, NULL, &rows, tables, &ignored)) {
        return false;
    }
    for (size_t i = 0; i < rows.count; i++) {
        TableGet *get = reads[pg_i64(&rows, i, NO_AT, 0) - 1];
        *get->ret = tables[i];
        get->ok = true;
    }
    return true;
}

static bool read_alone(TableGet *get, bool known_missing) {
    Ctx *ctx = get->ctx;
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    return pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, get->err) &&
           (known_missing ? missing(ctx, conn, get->ref, get->err) : table_row_get(ctx, conn, get->ref, false, get->ret, get->err));
}

/* Whatever kept them from being read together, each is then asked by itself: it gets its own error, and nobody another's. */
void table_rows_read_each(TableGet *const *reads, size_t count) {
    bool together = count > 1 && read_together(reads, count);
    for (size_t i = 0; i < count; i++) {
        if (!together || !reads[i]->ok) {
            reads[i]->ok = read_alone(reads[i], together);
        }
    }
}

/* --- one --------------------------------------------------------------------------------------------------------- */

/* One statement may lock and read: after waiting for the lock it gives the row as it is now, with the content ids of now, and
 * the content itself is looked up behind it. A join with it would show what was there before the wait. */
bool table_row_get(Ctx *ctx, PgConn *conn, TableRef ref, bool lock, Table *ret, Err *err) {
    PgArgs args = ref_args(ctx, ref);
    PgRows rows;
    if (!pg_exec(conn, lock ? &TABLE_LOCK : &TABLE_READ, &args, ctx->arena, &rows, err)) {
        return false;
    }
    return rows.count ? tables_from_rows(ctx, conn, &rows, ret, err) : missing(ctx, conn, ref, err);
}

/* Here the names come from a join, so the lock is taken first. */
bool table_row_by_id(Ctx *ctx, PgConn *conn, int64_t id, bool lock, Table *ret, Err *err) {
    static const PgStmt stmt = {"table_by_id", "SELECT " TABLE_COLUMNS " FROM tables t JOIN databases d ON d.id = t.database_id"
                                               " JOIN catalogs c ON c.id = d.catalog_id WHERE t.id = $1"};
    static const PgStmt locked = {"table_lock_id", "SELECT 1 FROM tables WHERE id = $1 FOR UPDATE"};
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    pg_arg_i64(&args, id);
    if ((lock && !pg_exec_later(conn, &locked, &args, err)) || !pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    if (rows.count == 0) {
        return err_set(err, ERR_TABLE_NOT_FOUND, "There is no table with the incarnation %" PRId64 " any more.", id);
    }
    return tables_from_rows(ctx, conn, &rows, ret, err);
}

bool table_rows_dropped(Ctx *ctx, PgConn *conn, int64_t database_id, Str name, const Page *page, Tables *ret, Err *err) {
    static const PgStmt stmt = {
        "tables_dropped",
        "SELECT " TABLE_COLUMNS " FROM tables t JOIN databases d ON d.id = t.database_id"
        " JOIN catalogs c ON c.id = d.catalog_id"
        " WHERE t.database_id = ANY (ARRAY(SELECT $1::bigint UNION ALL SELECT o.id FROM databases o JOIN databases n ON n.id = $1"
        "     AND o.catalog_id = n.catalog_id AND o.name = n.name WHERE o.dropped_at IS NOT NULL))"
        " AND ($2::text IS NULL OR t.name = $2) AND t.dropped_at IS NOT NULL"
        " AND ($3::bigint IS NULL OR t.id < $3) ORDER BY t.id DESC LIMIT $4"};
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    int64_t below;
    pg_arg_i64(&args, database_id);
    pg_arg_text(&args, name);
    if (str_to_i64(page->after, &below)) {
        pg_arg_i64(&args, below);
    } else {
        pg_arg_null(&args);
    }
    if (page->limit < 0) {
        pg_arg_null(&args);
    } else {
        pg_arg_i64(&args, page->limit + 1);
    }
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err) || !table_list_from_rows(ctx, conn, &rows, ret, err)) {
        return false;
    }
    ret->more = page->limit >= 0 && (int64_t)ret->count > page->limit;
    ret->count = ret->more ? (size_t)page->limit : ret->count;
    return true;
}

bool table_rows_full(Ctx *ctx, PgConn *conn, int64_t database_id, StrList names, Tables *ret, Err *err) {
    static const PgStmt stmt = {NULL, /* planned for as many names as there are */
                                "SELECT " TABLE_COLUMNS " FROM tables t JOIN databases d ON d.id = t.database_id"
                                " JOIN catalogs c ON c.id = d.catalog_id"
                                " WHERE t.database_id = $1 AND t.name = ANY ($2::text[]) AND t.dropped_at IS NULL ORDER BY t.name"};
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    pg_arg_i64(&args, database_id);
    pg_arg_texts(&args, names);
    return pg_exec(conn, &stmt, &args, ctx->arena, &rows, err) && table_list_from_rows(ctx, conn, &rows, ret, err);
}

bool table_rows_names(Ctx *ctx, PgConn *conn, int64_t database_id, Str type, const Page *page, const Glob *glob,
                      TableSummaries *ret, Err *err) {
    static const PgStmt stmt = {"tables_names",
                                "SELECT name, type FROM tables WHERE database_id = $1 AND dropped_at IS NULL"
                                " AND name > coalesce($2::text, '') AND ($3::text IS NULL OR type = $3) ORDER BY name LIMIT $4"};
    ListScan scan = list_scan(page->after, page->limit, glob);
    TableSummaries list = {0};
    size_t capacity = 0;
    PgRows rows;
    do {
        PgArgs args = pg_args(ctx->arena);
        pg_arg_i64(&args, database_id);
        pg_arg_text(&args, scan.after);
        pg_arg_text(&args, type);
        list_scan_batch(&args, &scan);
        if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
            return false;
        }
        for (size_t i = 0; i < rows.count && list_scan_take(&scan, ctx->arena, pg_text(&rows, i, 0)); i++) {
            if (scan.keep) {
                list.items = list_grow(ctx->arena, list.items, list.count, &capacity, sizeof *list.items);
                list.items[list.count++] = (TableSummary){pg_text(&rows, i, 0), pg_text(&rows, i, 1)};
            }
        }
        if (!arena_check(ctx->arena, err)) {
            return false;
        }
    } while (list_scan_next(&scan, rows.count));
    list.more = scan.more;
    *ret = list;
    return true;
}

/* --- writing a row -------------------------------------------------------------------------------------------- */

enum { BODY_MAX_BYTES = 256 * 1024 * 1024 };

static Str body_text(Arena *arena, const Table *t) {
    CLEANUP(buf_free) Buf text = BUF_INIT(BODY_MAX_BYTES);
    JsonWriter w = jw_new(&text);
    table_body_json(&w, t);
    return arena_str(arena, buf_str(&text));
}

/* A pointer move's version row holds only the parameters that move; everything else stands in the last full body. */
static Str pointer_text(Arena *arena, const Table *t) {
    Params moving = {0};
    for (size_t i = 0; i < t->params.count; i++) {
        if (param_is_server_kept(t->params.items[i].key) || param_moves_with_pointer(t->params.items[i].key)) {
            params_append(&moving, arena, t->params.items[i].key, t->params.items[i].value);
        }
    }
    CLEANUP(buf_free) Buf text = BUF_INIT(BODY_MAX_BYTES);
    JsonWriter w = jw_new(&text);
    jw_params(&w, &moving);
    return arena_str(arena, buf_str(&text));
}

#define TABLE_FACTS \
    "name, type, owner, owner_type, description, location, columns, partition_keys, format, sd_params, params, " \
    "retention, view_original, view_expanded, rewrite_enabled, extra, last_access_at, last_analyzed_at, database_id"
enum { FACT_COUNT = 19 };

static void fact_args(PgArgs *args, const TableWrite *write) {
    const Table *t = write->table;
    static const Uuid none;
    pg_arg_text(args, t->name);
    pg_arg_text(args, t->type);
    pg_arg_text(args, t->owner);
    pg_arg_text(args, t->owner_type);
    pg_arg_text(args, t->description);
    pg_arg_text(args, t->storage.location);
    pg_arg_uuid(args, t->storage.given ? t->storage.columns->id : none);
    pg_arg_uuid(args, t->partition_keys->id);
    pg_arg_uuid(args, t->storage.given ? t->storage.format->id : none);
    pg_arg_params(args, &t->storage.params);
    pg_arg_params(args, &t->params);
    pg_arg_i32(args, t->retention);
    pg_arg_text(args, t->view_original);
    pg_arg_text(args, t->view_expanded);
    pg_arg_bool(args, t->rewrite_enabled);
    pg_arg_text(args, t->extra);
    pg_arg_time(args, t->last_access_at);
    pg_arg_time(args, t->last_analyzed_at);
    pg_arg_i64(args, write->database_id);
}

static ChangeRecord change_of(const TableWrite *write) {
    const Table *t = write->table;
    return (ChangeRecord){
        .kind = "table",
        .action = write->action,
        .catalog = t->catalog,
        .database = write->before ? write->before->database : t->database,
        .name = write->before && !write->revive ? write->before->name : t->name,
        .object_id = write->before ? write->before->id : 0,
        .version = write->before ? write->before->version + 1 : 0,
        .hms_event = write->hms_event,
        .detail = str_is_null(write->detail) && write->diff ? write->diff->json : write->detail,
        .at = MICROS_NONE,
    };
}

/* $1-$17 the change, $18-$36 the facts, then created_by, created_at, body. */
bool table_row_insert(Ctx *ctx, PgConn *conn, const TableWrite *write, Table *ret, int64_t *ret_seq, Err *err) {
    static const PgStmt stmt = {
        "table_insert",
        "WITH t AS (INSERT INTO tables (" TABLE_FACTS ", version, created_by, created_at, updated_at)"
        " SELECT $18::text, $19::text, $20::text, $21::text, $22::text, $23::text, $24::uuid, $25::uuid, $26::uuid, $27::text[],"
        " $28::text[], $29::int, $30::text, $31::text, $32::bool, $33::text, $34::timestamptz, $35::timestamptz, $36::bigint,"
        " 0, $37::text, coalesce($38::timestamptz, now_at), now_at FROM (SELECT clock_timestamp() AS now_at) n"
        " ON CONFLICT (database_id, name) WHERE dropped_at IS NULL DO NOTHING RETURNING id, created_at, updated_at),"
        " b AS (INSERT INTO location_bases (table_id, no, uri) SELECT id, 1, $23 FROM t WHERE $23 IS NOT NULL),"
        " u AS (UPDATE databases SET bootstrap = false WHERE id = $36 AND bootstrap),"
        " c AS (INSERT INTO changes (" CHANGE_COLUMNS ") SELECT coalesce($1::timestamptz, t.updated_at), $2::text, $3::text,"
        " $4::text, $5::text, $6::text, $7::uuid, $8::text, $9::text, $10::text, $11::text, $12::text,"
        " coalesce($13::bigint, t.id), $14::bigint, $15::text, $16::text[], $17::text FROM t RETURNING seq),"
        " v AS (INSERT INTO table_versions (table_id, version, seq, at, columns, partition_keys, format, full_version, body)"
        " SELECT t.id, 0, c.seq, t.updated_at, $24, $25, $26, 0, $39::text FROM t, c)"
        " SELECT t.id, t.created_at, t.updated_at, c.seq FROM t, c"};
    ChangeRecord change = change_of(write);
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    change_args(ctx, &args, &change);
    fact_args(&args, write);
    pg_arg_text(&args, ctx->caller->principal);
    pg_arg_time(&args, write->table->created_at);
    pg_arg_text(&args, body_text(ctx->arena, write->table));
    if (!arena_check(ctx->arena, err) || !pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    if (rows.count == 0) {
        return err_set(err, ERR_ALREADY_EXISTS, "Table %" STR_FMT ".%" STR_FMT ".%" STR_FMT " already exists",
                       STR_ARG(change.catalog), STR_ARG(change.database), STR_ARG(change.name));
    }
    *ret = *write->table;
    ret->id = pg_i64(&rows, 0, 0, 0);
    ret->version = 0;
    ret->base = 1;
    ret->created_by = ctx->caller->principal;
    ret->created_at = pg_time(&rows, 0, 1);
    ret->updated_at = pg_time(&rows, 0, 2);
    ret->database_id = write->database_id;
    if (ret_seq) {
        *ret_seq = pg_i64(&rows, 0, 3, 0);
    }
    return true;
}

/* $1-$17 the change, $18-$36 the facts, $37 id, $38 expected version, $39 body, $40 pointer, $41 noop, $42 diff,
 * $43 skip archive, $44 revive. */
bool table_row_update(Ctx *ctx, PgConn *conn, const TableWrite *write, bool *ret_won, Table *ret, int64_t *ret_seq, Err *err) {
    static const PgStmt stmt = {
        "table_update",
        "WITH t AS (UPDATE tables SET (" TABLE_FACTS ") = ($18::text, $19::text, $20::text, $21::text, $22::text, $23::text,"
        " $24::uuid, $25::uuid, $26::uuid, $27::text[], $28::text[], $29::int, $30::text, $31::text, $32::bool, $33::text,"
        " $34::timestamptz, $35::timestamptz, $36::bigint), version = version + 1,"
        " updated_at = greatest(clock_timestamp(), updated_at + interval '1 microsecond'),"
        " full_version = CASE WHEN $39::text IS NULL THEN full_version ELSE version + 1 END,"
        " dropped_at = CASE WHEN $44::bool THEN NULL ELSE dropped_at END, dropped_seq = CASE WHEN $44 THEN NULL ELSE dropped_seq END"
        " WHERE id = $37::bigint AND version = $38::bigint AND ($44 OR dropped_at IS NULL)"
        " RETURNING id, version, updated_at, full_version),"
        " c AS (INSERT INTO changes (" CHANGE_COLUMNS ") SELECT coalesce($1::timestamptz, t.updated_at), $2::text, $3::text,"
        " $4::text, $5::text, $6::text, $7::uuid, $8::text, $9::text, $10::text, $11::text, $12::text, $13::bigint, $14::bigint,"
        " $15::text, $16::text[], $17::text FROM t RETURNING seq),"
        " v AS (INSERT INTO table_versions (table_id, version, seq, at, noop, columns, partition_keys, format, full_version, body,"
        " pointer, diff) SELECT t.id, t.version, c.seq, t.updated_at, $41::bool, $24, $25, $26, t.full_version, $39, $40::text,"
        " $42::text FROM t, c),"
        " a AS (UPDATE table_versions SET archived = false FROM t WHERE $43::bool AND table_id = t.id"
        " AND table_versions.version = t.version - 1)"
        " SELECT t.version, t.updated_at, c.seq FROM t, c"};
    ChangeRecord change = change_of(write);
    const TableDiff *diff = write->diff;
    bool partial = diff->pointer_move || diff->noop;
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    change_args(ctx, &args, &change);
    fact_args(&args, write);
    pg_arg_i64(&args, write->before->id);
    pg_arg_i64(&args, write->before->version);
    pg_arg_text(&args, partial ? STR_NULL : body_text(ctx->arena, write->table));
    pg_arg_text(&args, partial ? pointer_text(ctx->arena, write->table) : STR_NULL);
    pg_arg_bool(&args, diff->noop);
    /* A pointer move's diff stands in its change already, and there are thousands of them. */
    pg_arg_text(&args, partial && str_is_null(write->detail) ? STR_NULL : diff->json);
    pg_arg_bool(&args, write->skip_archive);
    pg_arg_bool(&args, write->revive);
    if (!arena_check(ctx->arena, err)) {
        return false;
    }
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        if (strcmp(pg_violated_constraint(conn), "tables_live") == 0) {
            return err_set(err, ERR_ALREADY_EXISTS, "new table %" STR_FMT ".%" STR_FMT " already exists",
                           STR_ARG(write->table->database), STR_ARG(write->table->name));
        }
        return false;
    }
    *ret_won = rows.count > 0;
    if (*ret_won) {
        *ret = *write->table;
        ret->version = pg_i64(&rows, 0, 0, 0);
        ret->updated_at = pg_time(&rows, 0, 1);
        ret->database_id = write->database_id;
        if (ret_seq) {
            *ret_seq = pg_i64(&rows, 0, 2, 0);
        }
    }
    return true;
}

/* $18 id, $19 expected version. */
bool table_row_drop(Ctx *ctx, PgConn *conn, const Table *table, Str detail, bool *ret_won, Err *err) {
    static const PgStmt stmt = {
        "table_drop",
        "WITH t AS (UPDATE tables SET dropped_at = greatest(clock_timestamp(), updated_at + interval '1 microsecond')"
        " WHERE id = $18::bigint AND version = $19::bigint AND dropped_at IS NULL RETURNING id, dropped_at),"
        " c AS (INSERT INTO changes (" CHANGE_COLUMNS ") SELECT coalesce($1::timestamptz, t.dropped_at), $2::text, $3::text,"
        " $4::text, $5::text, $6::text, $7::uuid, $8::text, $9::text, $10::text, $11::text, $12::text, $13::bigint, $14::bigint,"
        " $15::text, $16::text[], $17::text FROM t RETURNING seq),"
        " s AS (DELETE FROM table_search USING t WHERE table_id = t.id)"
        " SELECT t.id FROM t, c"};
    ChangeRecord change = {
        .kind = "table",
        .action = "drop",
        .catalog = table->catalog,
        .database = table->database,
        .name = table->name,
        .object_id = table->id,
        .version = table->version,
        .hms_event = "DROP_TABLE",
        .detail = detail,
        .at = MICROS_NONE,
    };
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    change_args(ctx, &args, &change);
    pg_arg_i64(&args, table->id);
    pg_arg_i64(&args, table->version);
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret_won = rows.count > 0;
    return true;
}

/* --- locations ------------------------------------------------------------------------------------------------ */

bool location_bases_get(Ctx *ctx, PgConn *conn, int64_t table_id, StrList *ret, Err *err) {
    static const PgStmt stmt = {"location_bases", "SELECT no, uri FROM location_bases WHERE table_id = $1 ORDER BY no"};
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    pg_arg_i64(&args, table_id);
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    int32_t last = rows.count ? pg_i32(&rows, rows.count - 1, 0, 0) : 0;
    StrList bases = {ARENA_ARRAY(ctx->arena, Str, (size_t)last + 1), (size_t)last + 1};
    for (size_t i = 0; i < rows.count; i++) {
        bases.items[pg_i32(&rows, i, 0, 0)] = pg_text(&rows, i, 1);
    }
    *ret = bases;
    return true;
}

bool location_base_add(Ctx *ctx, PgConn *conn, int64_t table_id, Str uri, int32_t *ret_no, Err *err) {
    /* The table's row is locked, so two writers cannot take one number. A base that is there already is used again; so is the
     * last one, when no partition is or was below it: some writers give a table a new location each time they fill it. */
    static const PgStmt stmt = {
        "location_base_add",
        "WITH old AS (SELECT no FROM location_bases WHERE table_id = $1 AND uri = $2 ORDER BY no LIMIT 1),"
        " unused AS (SELECT base AS no FROM tables t WHERE id = $1 AND NOT EXISTS (SELECT FROM old)"
        "     AND NOT EXISTS (SELECT FROM partitions WHERE table_id = $1)"
        "     AND NOT EXISTS (SELECT FROM partition_images WHERE table_id = $1)),"
        " again AS (UPDATE location_bases b SET uri = $2::text FROM unused u WHERE b.table_id = $1 AND b.no = u.no RETURNING b.no),"
        " new AS (INSERT INTO location_bases (table_id, no, uri) SELECT $1, coalesce(max(no), 0) + 1, $2::text"
        "     FROM location_bases WHERE table_id = $1 HAVING NOT EXISTS (SELECT FROM old)"
        "     AND NOT EXISTS (SELECT FROM again) RETURNING no)"
        " SELECT no FROM old UNION ALL SELECT no FROM again UNION ALL SELECT no FROM new"};
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    pg_arg_i64(&args, table_id);
    pg_arg_text(&args, uri);
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret_no = pg_i32(&rows, 0, 0, 1);
    return true;
}

bool table_set_base(Ctx *ctx, PgConn *conn, int64_t table_id, int32_t no, Err *err) {
    static const PgStmt stmt = {"table_set_base", "UPDATE tables SET base = $2 WHERE id = $1"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, table_id);
    pg_arg_i32(&args, no);
    return pg_exec_later(conn, &stmt, &args, err);
}

bool location_bases_move(Ctx *ctx, PgConn *conn, int64_t table_id, Str from, Str to, Err *err) {
    static const PgStmt bases = {"location_bases_move",
                                 "UPDATE location_bases SET uri = $3::text || substr(uri, length($2::text) + 1) WHERE table_id = $1"
                                 " AND (uri = $2 OR starts_with(uri, $2 || '/'))"};
    static const PgStmt absolute = {
        "partitions_absolute_move",
        "UPDATE partitions SET suffix = $3::text || substr(suffix, length($2::text) + 1)"
        " WHERE table_id = $1 AND base = 0 AND (suffix = $2 OR (suffix > $2 || '/' AND suffix < $2 || '0'"
        " AND starts_with(suffix, $2 || '/')))"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, table_id);
    pg_arg_text(&args, from);
    pg_arg_text(&args, to);
    return pg_exec_later(conn, &bases, &args, err) && pg_exec_later(conn, &absolute, &args, err) &&
           doomed_move(ctx, conn, table_id, from, to, err);
}

static StrList with_ancestors(Arena *arena, Str uri) {
    size_t count = 0;
    for (Str at = uri; !str_is_empty(at); at = location_parent(at)) {
        count++;
    }
    StrList list = {ARENA_ARRAY(arena, Str, count), 0};
    for (Str at = uri; !str_is_empty(at); at = location_parent(at)) {
        list.items[list.count++] = at;
    }
    return list;
}

bool location_other_user(Ctx *ctx, PgConn *conn, Str uri, int64_t except_id, Str *ret_who, Err *err) {
    /* "/" is followed by "0" in byte order, so these bounds hold exactly what lies below URI. $3: what URI lies below. */
    static const PgStmt stmt = {
        "location_other_user",
        "SELECT who FROM ("
        " (SELECT 'table ' || d.name || '.' || t.name FROM tables t JOIN databases d ON d.id = t.database_id"
        "  WHERE t.dropped_at IS NULL AND t.location IS NOT NULL AND (t.location = ANY ($3::text[]) OR (t.location > $1 || '/' AND t.location < $1 || '0'))"
        "  AND t.id <> $2 LIMIT 1)"
        " UNION ALL (SELECT 'database ' || d.name FROM databases d WHERE d.dropped_at IS NULL"
        "  AND (d.location = $1 OR (d.location > $1 || '/' AND d.location < $1 || '0')) LIMIT 1)"
        " UNION ALL (SELECT 'database ' || d.name || ' (managed tables)' FROM databases d WHERE d.dropped_at IS NULL"
        "  AND (d.managed_location = $1 OR (d.managed_location > $1 || '/' AND d.managed_location < $1 || '0')) LIMIT 1)"
        " UNION ALL (SELECT 'catalog ' || c.name FROM catalogs c"
        "  WHERE c.location = $1 OR (c.location > $1 || '/' AND c.location < $1 || '0') LIMIT 1)"
        " UNION ALL (SELECT 'partitions of table ' || t.name FROM location_bases b JOIN tables t ON t.id = b.table_id"
        "  WHERE (b.uri = ANY ($3::text[]) OR (b.uri > $1 || '/' AND b.uri < $1 || '0')) AND t.dropped_at IS NULL AND t.id <> $2"
        "  AND EXISTS (SELECT FROM partitions p WHERE p.table_id = t.id AND p.base = b.no) LIMIT 1)"
        " UNION ALL (SELECT 'partition ' || p.name || ' of table ' || t.name FROM partitions p JOIN tables t ON t.id = p.table_id"
        "  WHERE p.base = 0 AND (p.suffix = ANY ($3::text[]) OR (p.suffix > $1 || '/' AND p.suffix < $1 || '0')) AND t.dropped_at IS NULL"
        "  AND t.id <> $2 LIMIT 1)"
        ") AS users (who) LIMIT 1"};
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    pg_arg_text(&args, uri);
    pg_arg_i64(&args, except_id);
    pg_arg_texts(&args, with_ancestors(ctx->arena, uri));
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret_who = rows.count ? pg_text(&rows, 0, 0) : STR_NULL;
    return true;
}
