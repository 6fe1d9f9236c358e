#include "catalog/sql/search_sql.h"

bool search_update(Ctx *ctx, PgConn *conn, const Table *table, Err *err) {
    static const PgStmt stmt = {"search_update",
                                "INSERT INTO table_search (table_id, name, doc) VALUES ($1, $2,"
                                " array_to_tsvector($3 || array['b:' || (SELECT database_id FROM tables WHERE id = $1)]))"
                                " ON CONFLICT (table_id) DO UPDATE SET name = excluded.name, doc = excluded.doc"
                                " WHERE table_search.doc IS DISTINCT FROM excluded.doc"};
    StrList lexemes = search_lexemes(ctx->arena, table);
    if (!arena_check(ctx->arena, err)) {
        return false;
    }
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, table->id);
    pg_arg_text(&args, table->name);
    pg_arg_texts(&args, lexemes);
    return pg_exec_later(conn, &stmt, &args, err);
}

bool search_sql_databases(Ctx *ctx, PgConn *conn, Str catalog, Str database, StrList *ret, Err *err) {
    static const PgStmt stmt = {"search_databases",
                                "SELECT array_agg(d.id::text) FROM catalogs c JOIN databases d ON d.catalog_id = c.id"
                                " WHERE ($1::text IS NULL OR c.name = $1) AND d.name = $2 AND d.dropped_at IS NULL"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_text(&args, catalog);
    pg_arg_text(&args, database);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret = pg_texts(&rows, 0, 0, ctx->arena);
    return true;
}

/* The tables of a page, one probe each: a join could be planned as a walk through all tables. */
#define HITS_OF_PAGE \
    " p LEFT JOIN LATERAL (SELECT t.id, t.version, c.name AS catalog, d.name AS database, t.type, t.owner, t.description," \
    " t.location, t.updated_at FROM tables t JOIN databases d ON d.id = t.database_id JOIN catalogs c ON c.id = d.catalog_id" \
    " WHERE t.id = p.table_id AND t.dropped_at IS NULL AND d.dropped_at IS NULL OFFSET 0) h ON true" \
    " ORDER BY p.name, p.table_id"
#define HIT_COLUMNS \
    "SELECT h.id, h.version, h.catalog, h.database, p.name, h.type, h.owner, h.description, h.location, h.updated_at, " \
    "p.table_id"

static void hit_from_row(const PgRows *rows, size_t row, SearchHit *hit) {
    *hit = (SearchHit){
        .id = pg_i64(rows, row, 10, 0),
        .version = pg_i64(rows, row, 1, -1), /* -1: gone meanwhile */
        .table = {pg_text(rows, row, 2), pg_text(rows, row, 3), pg_text(rows, row, 4)},
        .type = pg_text(rows, row, 5),
        .owner = pg_text(rows, row, 6),
        .description = pg_text(rows, row, 7),
        .location = pg_text(rows, row, 8),
        .updated_at = pg_time(rows, row, 9),
    };
}

/* Rare words: the index finds them, and what it finds is sorted. Beyond this many matches the page is not to be had that
 * way, and with so many the walk in order of the names soon has enough. */
#define FEW "30000"
enum { FEW_MATCHES = 30000 };

bool search_sql_page(Ctx *ctx, PgConn *conn, Str condition, Str name, int64_t id, int64_t limit, SearchHit *ret, size_t *ret_count,
                     Err *err) {
    static const PgStmt by_words = {
        "search_by_words",
        "WITH hits AS MATERIALIZED (SELECT table_id, name FROM table_search WHERE doc @@ $1::tsquery LIMIT " FEW ")" HIT_COLUMNS
        ", (SELECT count(*) FROM hits) FROM (SELECT table_id, name FROM hits WHERE (name, table_id) > ($2, $3)"
        " ORDER BY name, table_id LIMIT $4)" HITS_OF_PAGE};
    static const PgStmt by_names = {"search_by_names", HIT_COLUMNS
                                    ", 0::bigint FROM (SELECT table_id, name FROM table_search WHERE (name, table_id) > ($2, $3)"
                                    " AND ts_match_vq(doc, $1::tsquery) ORDER BY name, table_id LIMIT $4)" HITS_OF_PAGE};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_text(&args, condition);
    pg_arg_text(&args, name);
    pg_arg_i64(&args, id);
    pg_arg_i64(&args, limit);
    PgRows rows;
    if (!pg_exec(conn, &by_words, &args, ctx->arena, &rows, err) ||
        (rows.count && pg_i64(&rows, 0, 11, 0) >= FEW_MATCHES && !pg_exec(conn, &by_names, &args, ctx->arena, &rows, err))) {
        return false;
    }
    for (size_t i = 0; i < rows.count; i++) {
        hit_from_row(&rows, i, &ret[i]);
    }
    *ret_count = rows.count;
    return true;
}
