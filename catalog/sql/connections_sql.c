#include "catalog/sql/connections_sql.h"

#include "catalog/secret.h"
#include "catalog/sql/databases_sql.h"
#include "catalog/sql/row.h"

#define CONNECTION_COLUMNS \
    "n.id, n.version, c.name, n.name, n.type, n.description, n.properties, n.body, n.secrets, n.status, n.status_reason, " \
    "n.updated_by, n.validated_at, n.created_at, n.updated_at"
#define CONNECTION_FROM " FROM catalogs c JOIN connections n ON n.catalog_id = c.id"

static bool connection_from_row(const PgRows *rows, size_t row, Arena *arena, ConnectionRow *ret, Err *err) {
    enum { DEPTH = 8 };
    Str body = pg_text(rows, row, 7);
    json_t *more = NULL;
    if (!str_is_null(body) && !jr_parse(arena, body, DEPTH, &more, err)) {
        return false;
    }
    Str sealed = pg_bytes(rows, row, 8);
    *ret = (ConnectionRow){
        .connection =
            {
                .id = pg_i64(rows, row, 0, 0),
                .version = pg_i64(rows, row, 1, 0),
                .catalog = pg_text(rows, row, 2),
                .name = pg_text(rows, row, 3),
                .type = pg_text(rows, row, 4),
                .description = pg_text(rows, row, 5),
                .properties = pg_params(rows, row, 6, arena),
                .more = more,
                .status = pg_text(rows, row, 9),
                .status_reason = pg_text(rows, row, 10),
                .updated_by = pg_text(rows, row, 11),
                .validated_at = pg_time(rows, row, 12),
                .created_at = pg_time(rows, row, 13),
                .updated_at = pg_time(rows, row, 14),
                .has_secrets = !str_is_null(sealed),
            },
        .sealed = sealed,
    };
    return true;
}

#define CONNECTION_BY_NAME "SELECT " CONNECTION_COLUMNS CONNECTION_FROM " WHERE c.name = $1 AND n.name = $2"

bool connections_sql_get(Ctx *ctx, PgConn *conn, Str catalog, Str name, bool for_update, ConnectionRow *ret, Err *err) {
    static const PgStmt read = {"connection_get", CONNECTION_BY_NAME};
    static const PgStmt lock = {"connection_get_update", CONNECTION_BY_NAME " FOR UPDATE OF n"};
    CatalogInfo ignored;
    PgArgs args = pg_args(ctx->arena);
    pg_arg_text(&args, catalog);
    pg_arg_text(&args, name);
    PgRows rows;
    if (!pg_exec(conn, for_update ? &lock : &read, &args, ctx->arena, &rows, err)) {
        return false;
    }
    if (rows.count) {
        return connection_from_row(&rows, 0, ctx->arena, ret, err);
    }
    return catalogs_sql_get(ctx, conn, catalog, ROW_READ, &ignored, err) &&
           err_set(err, ERR_CONNECTION_NOT_FOUND, "Connection %" STR_FMT " not found in catalog %" STR_FMT ".", STR_ARG(name),
                   STR_ARG(catalog));
}

bool connections_sql_list(Ctx *ctx, PgConn *conn, Str catalog, const ConnectionQuery *q, const Glob *glob, ConnectionRow **ret,
                          size_t *ret_count, bool *ret_more, Err *err) {
    static const PgStmt stmt = {"connection_list", "SELECT " CONNECTION_COLUMNS CONNECTION_FROM
                                                   " WHERE c.name = $1 AND n.name > $2 AND ($3::text IS NULL OR n.type = $3)"
                                                   " ORDER BY n.name LIMIT $4"};
    ListScan scan = list_scan(q->page.after, q->page.limit, glob);
    ConnectionRow *items = NULL;
    size_t count = 0, capacity = 0;
    PgRows rows;
    do {
        PgArgs args = pg_args(ctx->arena);
        pg_arg_text(&args, catalog);
        pg_arg_text(&args, scan.after);
        pg_arg_text(&args, q->type);
        list_scan_batch(&args, &scan);
        if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
            return false;
        }
        for (size_t i = 0; i < rows.count && list_scan_take(&scan, ctx->arena, pg_text(&rows, i, 3)); i++) {
            if (scan.keep) {
                items = list_grow(ctx->arena, items, count, &capacity, sizeof *items);
                if (!connection_from_row(&rows, i, ctx->arena, &items[count++], err)) {
                    return false;
                }
            }
        }
    } while (list_scan_next(&scan, rows.count) && !arena_exceeded(ctx->arena));
    CatalogInfo ignored;
    *ret = items;
    *ret_count = count;
    *ret_more = scan.more;
    return arena_check(ctx->arena, err) && (count || catalogs_sql_get(ctx, conn, catalog, ROW_READ, &ignored, err));
}

static bool already_exists(const Connection *c, Err *err) {
    return err_set(err, ERR_ALREADY_EXISTS, "Connection %" STR_FMT " already exists in catalog %" STR_FMT ".", STR_ARG(c->name),
                   STR_ARG(c->catalog));
}

static bool body_text(Ctx *ctx, const json_t *more, Str *ret, Err *err) {
    CLEANUP(buf_free) Buf buf = BUF_INIT(4 << 20);
    JsonWriter w = jw_new(&buf);
    *ret = STR_NULL;
    if (!more) {
        return true;
    }
    jw_object_begin(&w);
    connection_more_json(&w, more, CONNECTION_NAMES_GLUE);
    jw_object_end(&w);
    *ret = arena_str(ctx->arena, buf_str(&buf));
    return buf_check(&buf, "a connection", err);
}

/* $1 to $6, shared by insert and update. */
static bool connection_args(Ctx *ctx, PgArgs *args, const Connection *c, Err *err) {
    Str body;
    if (!body_text(ctx, c->more, &body, err)) {
        return false;
    }
    pg_arg_text(args, c->name);
    pg_arg_text(args, c->type);
    pg_arg_text(args, c->description);
    pg_arg_params(args, &c->properties);
    pg_arg_text(args, body);
    pg_arg_text(args, c->updated_by);
    return true;
}

bool connections_sql_insert(Ctx *ctx, PgConn *conn, Connection *c, Err *err) {
    static const PgStmt stmt = {
        "connection_insert",
        "INSERT INTO connections (name, type, description, properties, body, updated_by, catalog_id, status, created_at, updated_at)"
        " SELECT $1, $2, $3, $4, $5, $6, k.id, 'READY', now.at, now.at FROM catalogs k, (SELECT clock_timestamp() AS at) now"
        " WHERE k.name = $7 ON CONFLICT (catalog_id, name) DO NOTHING RETURNING id, version, created_at, status"};
    CatalogInfo catalog;
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    if (!catalogs_sql_get(ctx, conn, c->catalog, ROW_SHARE, &catalog, err) || !connection_args(ctx, &args, c, err)) {
        return false;
    }
    pg_arg_text(&args, c->catalog);
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    if (rows.count == 0) {
        return already_exists(c, err);
    }
    c->id = pg_i64(&rows, 0, 0, 0);
    c->version = pg_i64(&rows, 0, 1, 0);
    c->created_at = c->updated_at = pg_time(&rows, 0, 2);
    c->validated_at = MICROS_NONE;
    c->status = pg_text(&rows, 0, 3);
    c->status_reason = STR_NULL;
    return true;
}

bool connections_sql_update(Ctx *ctx, PgConn *conn, Connection *c, Err *err) {
    static const PgStmt stmt = {
        "connection_update",
        "UPDATE connections SET name = $1, type = $2, description = $3, properties = $4, body = $5, updated_by = $6,"
        " version = version + 1, updated_at = greatest(clock_timestamp(), updated_at + interval '1 microsecond')"
        " WHERE id = $7 RETURNING version, updated_at"};
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    if (!connection_args(ctx, &args, c, err)) {
        return false;
    }
    pg_arg_i64(&args, c->id);
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return err->code == ERR_CONFLICT ? already_exists(c, err) : false;
    }
    c->version = pg_i64(&rows, 0, 0, 0);
    c->updated_at = pg_time(&rows, 0, 1);
    return true;
}

bool connections_sql_seal(Ctx *ctx, PgConn *conn, int64_t id, Str sealed, Err *err) {
    static const PgStmt stmt = {"connection_seal", "UPDATE connections SET secrets = $2 WHERE id = $1"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, id);
    pg_arg_bytes(&args, sealed);
    return pg_exec_later(conn, &stmt, &args, err);
}

bool connections_sql_sealed(Ctx *ctx, PgConn *conn, int64_t id, Str *ret_sealed, Err *err) {
    static const PgStmt stmt = {"connection_sealed", "SELECT secrets FROM connections WHERE id = $1 FOR UPDATE"};
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    pg_arg_i64(&args, id);
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret_sealed = rows.count ? pg_bytes(&rows, 0, 0) : STR_NULL;
    return true;
}

bool connections_sql_sealed_under(Ctx *ctx, PgConn *conn, StrList marks, int64_t after, int64_t *ret_id, Err *err) {
    static const PgStmt stmt = {"connections_sealed_under",
                                "SELECT id FROM connections WHERE id > $1 AND substr(secrets, 1, $2::int) = ANY ($3::bytea[])"
                                " ORDER BY id LIMIT 1"};
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    pg_arg_i64(&args, after);
    pg_arg_i32(&args, SECRET_MARK_BYTES);
    pg_arg_byteas(&args, marks);
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret_id = rows.count ? pg_i64(&rows, 0, 0, 0) : 0;
    return true;
}

bool connections_sql_sealed_samples(Ctx *ctx, PgConn *conn, SealedSample **ret, size_t *ret_count, Err *err) {
    static const PgStmt stmt = {
        "connections_sealed_samples",
        "SELECT DISTINCT ON (k.mark) c.id, count(*) OVER (PARTITION BY k.mark), c.secrets FROM connections c"
        " CROSS JOIN LATERAL (SELECT substr(c.secrets, 1, $1::int) AS mark) k WHERE c.secrets IS NOT NULL"
        " ORDER BY k.mark, octet_length(c.secrets), c.id LIMIT $2"};
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    pg_arg_i32(&args, SECRET_MARK_BYTES);
    pg_arg_i64(&args, SEALED_KEYS_MAX);
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    SealedSample *samples = ARENA_ARRAY(ctx->arena, SealedSample, rows.count);
    for (size_t i = 0; i < rows.count; i++) {
        samples[i] = (SealedSample){pg_i64(&rows, i, 0, 0), pg_i64(&rows, i, 1, 0), pg_bytes(&rows, i, 2)};
    }
    *ret = samples;
    *ret_count = rows.count;
    return arena_check(ctx->arena, err);
}

bool connections_sql_status(Ctx *ctx, PgConn *conn, int64_t id, Str status, Str reason, Err *err) {
    static const PgStmt stmt = {
        "connection_status",
        "UPDATE connections SET status = $2, status_reason = $3, validated_at = clock_timestamp() WHERE id = $1"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, id);
    pg_arg_text(&args, status);
    pg_arg_text(&args, reason);
    return pg_exec(conn, &stmt, &args, ctx->arena, NULL, err);
}

bool connections_sql_delete(Ctx *ctx, PgConn *conn, int64_t id, Err *err) {
    static const PgStmt stmt = {
        "connection_delete",
        "WITH untagged AS (DELETE FROM tags WHERE kind = 'connection' AND object_id = $1) DELETE FROM connections WHERE id = $1"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, id);
    return pg_exec_later(conn, &stmt, &args, err);
}
