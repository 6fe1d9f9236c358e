#include "catalog/sql/versions_sql.h"

#include "catalog/content.h"
#include "catalog/diff.h"
#include "catalog/json.h"
#include "catalog/sql/content_sql.h"

#define VERSION_COLUMNS \
    "v.version, v.at, v.noop, v.pointer IS NOT NULL AND NOT v.noop, v.archived, " \
    "coalesce(v.diff, CASE WHEN v.pointer IS NOT NULL THEN c.detail END), c.seq, c.principal, c.client, c.agent, c.protocol, c.operation, c.request_id, c.action, o.change_id"
#define VERSION_WHO " LEFT JOIN changes c ON c.seq = v.seq LEFT JOIN change_order o ON o.seq = v.seq"
enum { VERSION_WIDTH = 15 };

static TableVersion version_from_row(const PgRows *rows, size_t row) {
    return (TableVersion){
        .version = pg_i64(rows, row, 0, 0),
        .at = pg_time(rows, row, 1),
        .noop = pg_bool(rows, row, 2),
        .pointer_move = pg_bool(rows, row, 3),
        .archived = pg_bool(rows, row, 4),
        .diff = pg_text(rows, row, 5),
        .change = {.seq = pg_i64(rows, row, 6, 0),
                   .at = pg_time(rows, row, 1),
                   .principal = pg_text(rows, row, 7),
                   .client = pg_text(rows, row, 8),
                   .agent = pg_text(rows, row, 9),
                   .protocol = pg_text(rows, row, 10),
                   .operation = pg_text(rows, row, 11),
                   .request_id = pg_uuid(rows, row, 12),
                   .kind = STR("table"),
                   .action = pg_text(rows, row, 13),
                   .change_id = pg_i64(rows, row, 14, 0),
                   .version = pg_i64(rows, row, 0, 0)},
    };
}

bool version_rows_list(Ctx *ctx, PgConn *conn, int64_t table_id, const VersionQuery *q, TableVersions *ret, Err *err) {
    static const PgStmt stmt = {"versions_list", "SELECT " VERSION_COLUMNS " FROM table_versions v" VERSION_WHO
                                                 " WHERE v.table_id = $1 AND v.version < coalesce($2::bigint, 9223372036854775807)"
                                                 " AND ($3::bool OR NOT v.noop) AND ($4::bool OR v.pointer IS NULL OR v.noop)"
                                                 " AND (NOT $5::bool OR v.archived) ORDER BY v.version DESC LIMIT $6"};
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    pg_arg_i64(&args, table_id);
    if (q->before < 0) {
        pg_arg_null(&args);
    } else {
        pg_arg_i64(&args, q->before);
    }
    pg_arg_bool(&args, q->with_noops);
    pg_arg_bool(&args, q->with_pointer_moves);
    pg_arg_bool(&args, q->archived_only);
    if (q->limit < 0) {
        pg_arg_null(&args);
    } else {
        pg_arg_i64(&args, q->limit + 1);
    }
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    TableVersions list = {.items = ARENA_ARRAY(ctx->arena, TableVersion, rows.count), .count = rows.count};
    for (size_t i = 0; i < rows.count; i++) {
        list.items[i] = version_from_row(&rows, i);
    }
    list.more = q->limit >= 0 && (int64_t)list.count > q->limit;
    list.count = list.more ? (size_t)q->limit : list.count;
    *ret = list;
    return arena_check(ctx->arena, err);
}

/* The parameters of a partial version: those of its last full body, with the moving ones as they were then. */
static bool apply_pointer(Ctx *ctx, Str pointer, Table *t, Err *err) {
    enum { DEPTH = 4 };
    json_t *value;
    Params moving = {0}, params = {0};
    if (!jr_parse(ctx->arena, pointer, DEPTH, &value, err)) {
        return err_prefix(err, "A stored version cannot be read");
    }
    JsonAt at = jr_top(value);
    if (!jr_params(&at, ctx->arena, &moving, err)) {
        return false;
    }
    for (size_t i = 0; i < t->params.count; i++) {
        if (!param_is_server_kept(t->params.items[i].key) && !param_moves_with_pointer(t->params.items[i].key)) {
            params_append(&params, ctx->arena, t->params.items[i].key, t->params.items[i].value);
        }
    }
    for (size_t i = 0; i < moving.count; i++) {
        params_append(&params, ctx->arena, moving.items[i].key, moving.items[i].value);
    }
    params_sort(&params);
    t->params = params;
    return true;
}

static Table identity_of(const Table *t) {
    return (Table){
        .id = t->id,
        .created_by = t->created_by,
        .created_at = t->created_at,
        .last_access_at = MICROS_NONE,
        .last_analyzed_at = MICROS_NONE,
        .dropped_at = MICROS_NONE,
        .database_id = t->database_id,
        .base = t->base,
    };
}

static bool table_of_row(Ctx *ctx, const PgRows *rows, const Table *table, TableVersion *v, Err *err) {
    int at = VERSION_WIDTH;
    Table t = identity_of(table);
    t.version = v->version;
    t.updated_at = v->at;
    Str body = pg_text(rows, 0, at), pointer = pg_text(rows, 0, at + 1);
    if (!column_set_from_row(rows, 0, at + 2, ctx->arena, &t.storage.columns, err) ||
        !column_set_from_row(rows, 0, at + 2 + COLUMN_SET_WIDTH, ctx->arena, &t.partition_keys, err) ||
        !storage_format_from_row(rows, 0, at + 2 + 2 * COLUMN_SET_WIDTH, ctx->arena, &t.storage.format, err) ||
        !table_from_body(body, ctx->arena, &t, err)) {
        return false;
    }
    t.storage.given = !uuid_is_zero(t.storage.columns->id);
    v->table = t;
    return str_is_null(pointer) || apply_pointer(ctx, pointer, &v->table, err);
}

bool version_row_get(Ctx *ctx, PgConn *conn, const Table *table, int64_t version, TableVersion *ret, Err *err) {
    static const PgStmt stmt = {
        "version_get",
        "SELECT " VERSION_COLUMNS
        ", coalesce(v.body, w.body), v.pointer, " COLUMN_SET_COLUMNS("cs") ", " COLUMN_SET_COLUMNS("pk") ", " FORMAT_COLUMNS(
            "f") " FROM table_versions v" VERSION_WHO
                 " LEFT JOIN table_versions w ON w.table_id = v.table_id AND w.version = v.full_version"
                 " LEFT JOIN column_sets cs ON cs.id = v.columns LEFT JOIN column_sets pk ON pk.id = v.partition_keys"
                 " LEFT JOIN storage_formats f ON f.id = v.format WHERE v.table_id = $1 AND v.version = $2"};
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    pg_arg_i64(&args, table->id);
    pg_arg_i64(&args, version);
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    if (rows.count == 0) {
        return err_set(err, ERR_VERSION_NOT_FOUND,
                       "Table %" STR_FMT ".%" STR_FMT " has no version %" PRId64 "; it is at version %" PRId64
                       ", and old ones may have been removed by the retention rule.",
                       STR_ARG(table->database), STR_ARG(table->name), version, table->version);
    }
    *ret = version_from_row(&rows, 0);
    return table_of_row(ctx, &rows, table, ret, err);
}

bool version_row_moved(Ctx *ctx, PgConn *conn, const Table *old, bool *ret, Err *err) {
    static const PgStmt stmt = {"version_moved",
                                "SELECT body::json ->> 'name' <> $4 OR body::json ->> 'database' <> $5 FROM table_versions"
                                " WHERE table_id = $1 AND version > $2 AND body IS NOT NULL"
                                " AND body::json #>> '{storage,location}' IS DISTINCT FROM $3::text ORDER BY version LIMIT 1"};
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    pg_arg_i64(&args, old->id);
    pg_arg_i64(&args, old->version);
    pg_arg_text(&args, old->storage.location);
    pg_arg_text(&args, old->name);
    pg_arg_text(&args, old->database);
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret = rows.count && pg_bool(&rows, 0, 0);
    return true;
}

bool version_row_as_of(Ctx *ctx, PgConn *conn, TableRef folded, Micros at, int64_t *ret_table, int64_t *ret_version,
                       bool *ret_found, Err *err) {
    static const PgStmt stmt = {
        "version_as_of",
        "SELECT t.id, v.version, v.version = t.version OR EXISTS (SELECT FROM table_versions n WHERE n.table_id = t.id"
        " AND n.version = v.version + 1) FROM catalogs c JOIN databases d ON d.catalog_id = c.id JOIN tables t ON t.database_id = d.id"
        " CROSS JOIN LATERAL (SELECT version, at FROM table_versions WHERE table_id = t.id AND at <= $4::timestamptz"
        "     ORDER BY version DESC LIMIT 1) v"
        " WHERE c.name = $1 AND d.name = $2 AND t.name = $3 AND (t.dropped_at IS NULL OR t.dropped_at > $4)"
        " ORDER BY v.at DESC LIMIT 1"};
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    pg_arg_text(&args, folded.catalog);
    pg_arg_text(&args, folded.database);
    pg_arg_text(&args, folded.name);
    pg_arg_time(&args, at);
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    /* With the next one gone nobody knows how long this one lasted. */
    *ret_found = rows.count > 0 && pg_bool(&rows, 0, 2);
    if (*ret_found) {
        *ret_table = pg_i64(&rows, 0, 0, 0);
        *ret_version = pg_i64(&rows, 0, 1, 0);
    }
    return true;
}
