#include "catalog/sql/transactions_sql.h"

#include "catalog/sql/table_ref.h"

/* acid_txns.state: 1 committed, 2 aborted, 3 open */

bool txn_not_open(int64_t id, TxnState state, Err *err) {
    if (state == ACID_ABORTED) {
        return err_set(err, ERR_TXN_ABORTED, "Transaction txnid:%" PRId64 " already aborted", id);
    }
    if (state == ACID_COMMITTED) {
        return err_set(err, ERR_TXN_NOT_FOUND, "Transaction txnid:%" PRId64 " is already committed.", id);
    }
    return err_set(err, ERR_TXN_NOT_FOUND, "No such transaction txnid:%" PRId64, id);
}

static TxnIds ids_of(const PgRows *rows, int col, Arena *arena) {
    TxnIds ids = {ARENA_ARRAY(arena, int64_t, rows->count), rows->count};
    for (size_t i = 0; i < rows->count; i++) {
        ids.items[i] = pg_i64(rows, i, col, 0);
    }
    return ids;
}

/* --- beginning ------------------------------------------------------------------------------------------------ */

/* In two statements: the second one sees who began and ended while the first one waited for the counter. */
bool txns_sql_open(Ctx *ctx, PgConn *conn, const TxnOpening *o, int64_t *ret_first, Err *err) {
    static const PgStmt count = {"acid_count", "UPDATE acid_counter SET last_txn = last_txn + $1 RETURNING last_txn - $1 + 1"};
    static const PgStmt open = {
        "acid_open",
        "INSERT INTO acid_txns (id, state, type, owner, host, agent, started_at, heartbeat_at, horizon)"
        " SELECT $1 + n, 3, $3, $4, $5, $6, now.at, now.at, coalesce((SELECT min(id) FROM acid_txns WHERE state = 3), $1)"
        " FROM generate_series(0::bigint, $2 - 1) n, (SELECT clock_timestamp() AS at) now"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, o->count);
    PgRows rows;
    if (!pg_exec(conn, &count, &args, ctx->arena, &rows, err)) {
        return false;
    }
    int64_t first = pg_i64(&rows, 0, 0, 0);
    args = pg_args(ctx->arena);
    pg_arg_i64(&args, first);
    pg_arg_i64(&args, o->count);
    pg_arg_i32(&args, o->type);
    pg_arg_text(&args, o->user);
    pg_arg_text(&args, o->host);
    pg_arg_text(&args, o->agent);
    *ret_first = first;
    return pg_exec_later(conn, &open, &args, err);
}

/* --- ending --------------------------------------------------------------------------------------------------- */

/* Expects rows (id, state) of IDS in order: all there, all open. */
static bool all_open(const PgRows *rows, const int64_t *ids, size_t count, Err *err) {
    for (size_t i = 0; i < count; i++) {
        int64_t id = i < rows->count ? pg_i64(rows, i, 0, 0) : 0;
        TxnState state = (TxnState)(id == ids[i] ? pg_i32(rows, i, 1, 0) : 0);
        if (state != ACID_OPEN) {
            return txn_not_open(ids[i], state, err);
        }
    }
    return true;
}

bool txns_sql_hold_all_open(Ctx *ctx, PgConn *conn, const int64_t *ids, size_t count, Err *err) {
    static const PgStmt stmt = {"acid_hold", "SELECT id, state FROM acid_txns WHERE id = ANY ($1) ORDER BY id FOR SHARE"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64s(&args, ids, count);
    PgRows rows;
    return pg_exec(conn, &stmt, &args, ctx->arena, &rows, err) && all_open(&rows, ids, count, err);
}

bool txns_sql_hold_open(Ctx *ctx, PgConn *conn, int64_t id, Err *err) { return txns_sql_hold_all_open(ctx, conn, &id, 1, err); }

bool txns_sql_lock(Ctx *ctx, PgConn *conn, int64_t id, TxnState *ret, bool *ret_writes, Err *err) {
    static const PgStmt stmt = {"acid_lock", "SELECT state, EXISTS (SELECT FROM acid_components WHERE txn_id = $1)"
                                             " FROM acid_txns WHERE id = $1 FOR NO KEY UPDATE"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, id);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret = (TxnState)(rows.count ? pg_i32(&rows, 0, 0, 0) : 0);
    *ret_writes = rows.count && pg_bool(&rows, 0, 1);
    return true;
}

bool txns_sql_lock_open(Ctx *ctx, PgConn *conn, const int64_t *ids, size_t count, TxnIds *ret, Err *err) {
    static const PgStmt stmt = {"acid_lock_open",
                                "SELECT id FROM acid_txns WHERE id = ANY ($1) AND state = 3 ORDER BY id FOR NO KEY UPDATE"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64s(&args, ids, count);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret = ids_of(&rows, 0, ctx->arena);
    return true;
}

/* A statement of its own, behind the one that locked the rows: so it sees every lock that was made before that. */
bool txns_sql_end(Ctx *ctx, PgConn *conn, TxnIds ids, TxnState state, Err *err) {
    static const PgStmt stmt = {"acid_end", "WITH l AS (DELETE FROM locks WHERE txn_id = ANY ($1)),"
                                            " c AS (DELETE FROM acid_components WHERE txn_id = ANY ($1) AND $2 = 2)"
                                            " UPDATE acid_txns SET state = $2, ended_after = (SELECT last_txn FROM acid_counter),"
                                            " heartbeat_at = clock_timestamp() WHERE id = ANY ($1)"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64s(&args, ids.items, ids.count);
    pg_arg_i32(&args, (int32_t)state);
    return ids.count == 0 || pg_exec_later(conn, &stmt, &args, err);
}

bool txns_sql_stop_counter(Ctx *ctx, PgConn *conn, Err *err) {
    static const PgStmt stmt = {"acid_stop_counter", "SELECT last_txn FROM acid_counter FOR NO KEY UPDATE"};
    PgArgs args = pg_args(ctx->arena);
    return pg_exec_later(conn, &stmt, &args, err);
}

/* Whoever ended after ID was given was open beside it. */
bool txns_sql_conflict(Ctx *ctx, PgConn *conn, int64_t id, int64_t *ret_with, Str *ret_where, Err *err) {
    static const PgStmt stmt = {
        "acid_conflict",
        "SELECT o.txn_id, o.database || '.' || o.table_name || CASE WHEN o.partition = '' THEN '' ELSE '/' || o.partition END"
        " FROM acid_components m JOIN acid_components o ON o.database = m.database AND o.table_name = m.table_name"
        "     AND o.catalog = m.catalog AND (o.partition = m.partition OR o.partition = '' OR m.partition = '')"
        "     AND o.operation IN (3, 4) AND o.txn_id <> $1"
        " JOIN acid_txns t ON t.id = o.txn_id AND t.state = 1 AND t.ended_after >= $1"
        " WHERE m.txn_id = $1 AND m.operation IN (3, 4) ORDER BY o.txn_id DESC LIMIT 1"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, id);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret_with = rows.count ? pg_i64(&rows, 0, 0, 0) : 0;
    *ret_where = rows.count ? pg_text(&rows, 0, 1) : STR_NULL;
    return true;
}

/* --- heartbeats ----------------------------------------------------------------------------------------------- */

bool txns_sql_heartbeat(Ctx *ctx, PgConn *conn, int64_t id, Err *err) {
    static const PgStmt stmt = {
        "acid_heartbeat", "WITH beat AS (UPDATE acid_txns SET heartbeat_at = clock_timestamp(), heartbeats = heartbeats + 1"
                          "     WHERE id = $1 AND state = 3 RETURNING 3)"
                          " SELECT coalesce((SELECT 3 FROM beat), nullif((SELECT state::int FROM acid_txns WHERE id = $1), 3), 0)"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, id);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    TxnState state = (TxnState)pg_i32(&rows, 0, 0, 0);
    return state == ACID_OPEN || txn_not_open(id, state, err);
}

bool txns_sql_heartbeat_range(Ctx *ctx, PgConn *conn, int64_t first, int64_t last, TxnIds *ret_aborted, TxnIds *ret_nosuch,
                              Err *err) {
    static const PgStmt stmt = {
        "acid_heartbeat_range",
        "WITH mine AS (SELECT id FROM acid_txns WHERE id BETWEEN $1 AND $2 AND state = 3 ORDER BY id FOR NO KEY UPDATE),"
        " beat AS (UPDATE acid_txns t SET heartbeat_at = clock_timestamp(), heartbeats = heartbeats + 1 FROM mine"
        "     WHERE t.id = mine.id RETURNING t.id)"
        " SELECT n, coalesce(t.state = 2, false) FROM generate_series($1, $2) n LEFT JOIN acid_txns t ON t.id = n"
        " WHERE n NOT IN (SELECT id FROM beat) ORDER BY n"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, first);
    pg_arg_i64(&args, last);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret_aborted = (TxnIds){ARENA_ARRAY(ctx->arena, int64_t, rows.count), 0};
    *ret_nosuch = (TxnIds){ARENA_ARRAY(ctx->arena, int64_t, rows.count), 0};
    for (size_t i = 0; i < rows.count; i++) {
        TxnIds *ids = pg_bool(&rows, i, 1) ? ret_aborted : ret_nosuch;
        ids->items[ids->count++] = pg_i64(&rows, i, 0, 0);
    }
    return true;
}

/* --- who is there --------------------------------------------------------------------------------------------- */

bool txns_sql_snapshot(Ctx *ctx, PgConn *conn, TxnSnapshot *ret, Err *err) {
    static const PgStmt stmt = {
        "acid_snapshot",
        "SELECT c.last_txn, t.id, t.state, t.type, t.owner, t.host, t.agent, t.started_at, t.heartbeat_at, t.heartbeats"
        " FROM acid_counter c LEFT JOIN acid_txns t ON t.state <> 1 ORDER BY t.id"};
    PgRows rows;
    if (!pg_exec(conn, &stmt, NULL, ctx->arena, &rows, err)) {
        return false;
    }
    *ret = (TxnSnapshot){.high_water = pg_i64(&rows, 0, 0, 0), .items = ARENA_ARRAY(ctx->arena, Txn, rows.count)};
    for (size_t i = 0; i < rows.count && !pg_is_null(&rows, i, 1); i++) {
        ret->items[ret->count++] = (Txn){.id = pg_i64(&rows, i, 1, 0),
                                         .state = (TxnState)pg_i32(&rows, i, 2, 0),
                                         .type = pg_i32(&rows, i, 3, 0),
                                         .user = pg_text(&rows, i, 4),
                                         .host = pg_text(&rows, i, 5),
                                         .agent = pg_text(&rows, i, 6),
                                         .started_at = pg_time(&rows, i, 7),
                                         .heartbeat_at = pg_time(&rows, i, 8),
                                         .heartbeats = pg_i32(&rows, i, 9, 0)};
    }
    return true;
}

bool txns_sql_seed(Ctx *ctx, PgConn *conn, int64_t id, int64_t *ret_high_water, bool *ret_done, Err *err) {
    static const PgStmt stmt = {"acid_seed", "WITH s AS (UPDATE acid_counter SET last_txn = $1 - 1 WHERE last_txn < $1 RETURNING 1)"
                                             " SELECT last_txn, EXISTS (SELECT FROM s) FROM acid_counter"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, id);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret_high_water = pg_i64(&rows, 0, 0, 0);
    *ret_done = pg_bool(&rows, 0, 1);
    return true;
}

/* --- what they write ------------------------------------------------------------------------------------------ */

bool txns_sql_add_components(Ctx *ctx, PgConn *conn, int64_t id, const LockComponent *items, size_t count, Err *err) {
    static const PgStmt stmt = {
        "acid_add_components",
        "INSERT INTO acid_components (txn_id, operation, catalog, database, table_name, partition)"
        " SELECT $1, u.* FROM (SELECT DISTINCT * FROM unnest($2::int[], $3::text[], $4::text[], $5::text[], $6::text[])) u"};
    int32_t *operations = ARENA_ARRAY(ctx->arena, int32_t, count);
    StrList names[4];
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        names[i] = (StrList){ARENA_ARRAY(ctx->arena, Str, count), 0};
    }
    for (size_t i = 0; i < count; i++) {
        if (items[i].operation != WRITE_NONE && items[i].table.len) {
            const Str of[] = {items[i].catalog, items[i].database, items[i].table, items[i].partition};
            operations[n++] = (int32_t)items[i].operation;
            for (size_t k = 0; k < ARRAY_LEN(names); k++) {
                names[k].items[names[k].count++] = of[k];
            }
        }
    }
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, id);
    pg_arg_i32s(&args, operations, n);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        pg_arg_texts(&args, names[i]);
    }
    return n == 0 || pg_exec_later(conn, &stmt, &args, err);
}

/* --- write ids ------------------------------------------------------------------------------------------------ */

#define ACID_TABLE_IS_123 "t.catalog = $1 AND t.database = $2 AND t.table_name = $3"

static bool lock_table(Ctx *ctx, PgConn *conn, TableRef table, int64_t *ret, Err *err) {
    static const PgStmt stmt = {
        "write_id_table",
        "INSERT INTO acid_tables AS t (catalog, database, table_name) VALUES ($1, $2, $3)"
        " ON CONFLICT (database, table_name, catalog) DO UPDATE SET last_write_id = t.last_write_id RETURNING id"};
    PgArgs args = pg_args(ctx->arena);
    table_ref_args(&args, table);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret = pg_i64(&rows, 0, 0, 0);
    return true;
}

static WriteIds write_ids_of(const PgRows *rows, size_t from, Arena *arena) {
    WriteIds ids = {ARENA_ARRAY(arena, WriteId, rows->count), 0};
    for (size_t i = from; i < rows->count; i++) {
        ids.items[ids.count++] = (WriteId){pg_i64(rows, i, 0, 0), pg_i64(rows, i, 1, 0)};
    }
    return ids;
}

bool write_ids_sql_allocate(Ctx *ctx, PgConn *conn, TableRef table, const int64_t *txns, size_t count, bool again, WriteIds *ret,
                            Err *err) {
    static const PgStmt stmt = {
        "write_id_allocate",
        "WITH have AS MATERIALIZED (SELECT txn_id, max(write_id) AS write_id FROM acid_write_ids WHERE acid_table_id = $1"
        "     AND txn_id = ANY ($2) AND NOT $3 GROUP BY txn_id),"
        " need AS MATERIALIZED (SELECT u.id, row_number() OVER (ORDER BY u.id) AS n FROM (SELECT DISTINCT unnest($2) AS id) u"
        "     WHERE NOT EXISTS (SELECT FROM have WHERE txn_id = u.id)),"
        " base AS (SELECT last_write_id AS last FROM acid_tables WHERE id = $1),"
        " made AS (INSERT INTO acid_write_ids (acid_table_id, write_id, txn_id) SELECT $1, base.last + need.n, need.id"
        "     FROM need, base RETURNING txn_id, write_id),"
        " counted AS (UPDATE acid_tables SET last_write_id = last_write_id + (SELECT count(*) FROM need) WHERE id = $1)"
        " SELECT txn_id, write_id FROM have UNION ALL SELECT txn_id, write_id FROM made ORDER BY 1"};
    int64_t id;
    if (!lock_table(ctx, conn, table, &id, err)) {
        return false;
    }
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, id);
    pg_arg_i64s(&args, txns, count);
    pg_arg_bool(&args, again);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret = write_ids_of(&rows, 0, ctx->arena);
    return true;
}

bool write_ids_sql_latest(Ctx *ctx, PgConn *conn, TableRef table, int64_t *ret, Err *err) {
    static const PgStmt stmt = {"write_id_latest", "SELECT last_write_id FROM acid_tables t WHERE " ACID_TABLE_IS_123};
    PgArgs args = pg_args(ctx->arena);
    table_ref_args(&args, table);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret = rows.count ? pg_i64(&rows, 0, 0, 0) : 0;
    return true;
}

bool write_ids_sql_seed(Ctx *ctx, PgConn *conn, TableRef table, int64_t last, Err *err) {
    static const PgStmt stmt = {
        "write_id_seed",
        "INSERT INTO acid_tables AS t (catalog, database, table_name, last_write_id) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (database, table_name, catalog) DO UPDATE SET last_write_id = greatest(t.last_write_id, $4)"};
    PgArgs args = pg_args(ctx->arena);
    table_ref_args(&args, table);
    pg_arg_i64(&args, last);
    return pg_exec(conn, &stmt, &args, ctx->arena, NULL, err);
}

bool write_ids_sql_txn(Ctx *ctx, PgConn *conn, TableRef table, int64_t write_id, int64_t *ret, Err *err) {
    static const PgStmt stmt = {"write_id_txn", "SELECT w.txn_id FROM acid_tables t JOIN acid_write_ids w ON w.acid_table_id = t.id"
                                                " WHERE " ACID_TABLE_IS_123 " AND w.write_id = $4"};
    PgArgs args = pg_args(ctx->arena);
    table_ref_args(&args, table);
    pg_arg_i64(&args, write_id);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret = rows.count ? pg_i64(&rows, 0, 0, 0) : 0;
    return true;
}

bool write_ids_sql_of(Ctx *ctx, PgConn *conn, TableRef table, int64_t high_water, TxnIds txns, int64_t *ret_last, WriteIds *ret,
                      Err *err) {
    static const PgStmt stmt = {"write_id_of",
                                "WITH t AS MATERIALIZED (SELECT id, last_write_id FROM acid_tables t WHERE " ACID_TABLE_IS_123 ")"
                                " SELECT 0::bigint AS txn_id, last_write_id AS write_id, 0 AS part FROM t"
                                " UNION ALL SELECT w.txn_id, w.write_id, 1 FROM t JOIN acid_write_ids w ON w.acid_table_id = t.id"
                                "     WHERE w.txn_id > $4 OR w.txn_id = ANY ($5) ORDER BY part, write_id"};
    PgArgs args = pg_args(ctx->arena);
    table_ref_args(&args, table);
    pg_arg_i64(&args, high_water);
    pg_arg_i64s(&args, txns.items, txns.count);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret_last = rows.count ? pg_i64(&rows, 0, 1, 0) : 0;
    *ret = write_ids_of(&rows, 1, ctx->arena);
    return true;
}

/* --- renaming ------------------------------------------------------------------------------------------------- */

#define NAMED(catalog_no, database_no, table_no) \
    "catalog = " catalog_no " AND database = " database_no " AND (" table_no "::text IS NULL OR table_name = " table_no ")"
#define NEW_NAME "catalog = $4, database = $5, table_name = coalesce($6, table_name) WHERE " NAMED("$1", "$2", "$3")

/* Who had the new name before is gone, and with it what its write ids were good for. */
bool acid_sql_rename(Ctx *ctx, PgConn *conn, TableRef from, TableRef to, Err *err) {
    static const PgStmt stmts[] = {
        {"acid_rename_forget",
         "WITH old AS (DELETE FROM acid_tables WHERE " NAMED("$4", "$5", "$6") " AND EXISTS (SELECT FROM acid_tables WHERE " NAMED(
             "$1", "$2", "$3") ") RETURNING id) DELETE FROM acid_write_ids USING old WHERE acid_table_id = old.id"},
        {"acid_rename_tables", "UPDATE acid_tables SET " NEW_NAME},
        {"acid_rename_components", "UPDATE acid_components SET " NEW_NAME},
    };
    PgArgs args = pg_args(ctx->arena);
    table_ref_args(&args, from);
    table_ref_args(&args, to);
    for (size_t i = 0; i < ARRAY_LEN(stmts); i++) {
        if (!pg_exec_later(conn, &stmts[i], &args, err)) {
            return false;
        }
    }
    return true;
}

/* --- timing out and forgetting -------------------------------------------------------------------------------- */

bool txns_sql_stale(Ctx *ctx, PgConn *conn, int64_t timeout_ms, TxnIds *ret, Err *err) {
    static const PgStmt stmt = {"acid_stale",
                                "SELECT id FROM acid_txns WHERE state = 3 AND heartbeat_at < clock_timestamp() - $1::float8 *"
                                " interval '1 ms' ORDER BY id LIMIT 1000 FOR NO KEY UPDATE SKIP LOCKED"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_double(&args, (double)timeout_ms);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret = ids_of(&rows, 0, ctx->arena);
    return true;
}

/* A committed one is of no interest once no open one was there before it ended; nor are its write ids, as they count for all.
 * An aborted one must be known as long as data with its write ids can be there, that is for ever, as nothing is compacted.
 * The hour is for clients that ask a second time. */
bool txns_sql_sweep(Ctx *ctx, PgConn *conn, int64_t *ret_removed, Err *err) {
    static const PgStmt stmt = {
        "acid_sweep", "WITH old AS MATERIALIZED (SELECT id, state FROM acid_txns t WHERE state <> 3"
                      "     AND heartbeat_at < clock_timestamp() - interval '1 hour'"
                      "     AND ended_after < coalesce((SELECT min(horizon) FROM acid_txns WHERE state = 3), 9223372036854775807)"
                      "     AND (state = 1 OR NOT EXISTS (SELECT FROM acid_write_ids w WHERE w.txn_id = t.id))"
                      "     ORDER BY id LIMIT 1000 FOR UPDATE SKIP LOCKED),"
                      " w AS (DELETE FROM acid_write_ids USING old WHERE txn_id = old.id)"
                      " DELETE FROM acid_txns USING old WHERE acid_txns.id = old.id"};
    PgRows rows;
    if (!pg_exec(conn, &stmt, NULL, ctx->arena, &rows, err)) {
        return false;
    }
    *ret_removed = pg_affected(&rows);
    return true;
}
