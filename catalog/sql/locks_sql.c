#include "catalog/sql/locks_sql.h"

/* Of few numbers rather than of each name, so that a thousand at once do not fill PostgreSQL's table of locks. Always in the
 * same order, so two that ask for crossing lists wait for each other in one direction only. */
bool locks_sql_serialize(Ctx *ctx, PgConn *conn, StrList databases, Err *err) {
    static const PgStmt stmt = {"locks_serialize",
                                "SELECT pg_advisory_xact_lock(9084, no) FROM (SELECT DISTINCT hashtext(name) & 255 AS no"
                                " FROM unnest($1::text[]) u (name) ORDER BY no) n"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_texts(&args, databases);
    return pg_exec_later(conn, &stmt, &args, err);
}

/* --- making --------------------------------------------------------------------------------------------------- */

typedef struct Columns {
    int32_t *kinds, *waits_database, *waits_below;
    StrList catalogs, databases, tables, partitions;
} Columns;

static Columns columns_new(Arena *arena, size_t n) {
    return (Columns){
        .kinds = ARENA_ARRAY(arena, int32_t, n),
        .waits_database = ARENA_ARRAY(arena, int32_t, n),
        .waits_below = ARENA_ARRAY(arena, int32_t, n),
        .catalogs = {ARENA_ARRAY(arena, Str, n), n},
        .databases = {ARENA_ARRAY(arena, Str, n), n},
        .tables = {ARENA_ARRAY(arena, Str, n), n},
        .partitions = {ARENA_ARRAY(arena, Str, n), n},
    };
}

static void component_args(PgArgs *args, Arena *arena, const LockAsk *ask, const LockWaits *waits) {
    size_t n = ask->count;
    Columns c = columns_new(arena, n);
    for (size_t i = 0; i < n; i++) {
        const LockComponent *item = &ask->items[i];
        c.kinds[i] = 1 << item->kind;
        c.waits_database[i] = waits[i].database;
        c.waits_below[i] = waits[i].below;
        c.catalogs.items[i] = item->catalog;
        c.databases.items[i] = item->database;
        c.tables.items[i] = item->table;
        c.partitions.items[i] = item->partition;
    }
    pg_arg_i32s(args, c.kinds, n);
    pg_arg_i32s(args, c.waits_database, n);
    pg_arg_i32s(args, c.waits_below, n);
    pg_arg_texts(args, c.catalogs);
    pg_arg_texts(args, c.databases);
    pg_arg_texts(args, c.tables);
    pg_arg_texts(args, c.partitions);
}

/* The id is taken here, while nobody else makes locks on these databases: who sees a lock of them committed has a higher id. */
bool locks_sql_insert(Ctx *ctx, PgConn *conn, const LockAsk *ask, const LockWaits *waits, int64_t *ret_id, Err *err) {
    static const PgStmt stmt = {
        "lock_insert",
        "WITH l AS (INSERT INTO locks (id, txn_id, owner, host, agent, heartbeat_at)"
        "     VALUES (nextval('lock_ids'), $1, $2, $3, $4, clock_timestamp()) RETURNING id),"
        " c AS (INSERT INTO lock_components (lock_id, no, txn_id, kind, waits_database, waits_below, catalog, database,"
        "     table_name, partition) SELECT l.id, u.no, $1, u.kind, u.waits_database, u.waits_below, u.catalog, u.database,"
        "     u.table_name, u.partition FROM l, unnest($5::int[], $6::int[], $7::int[], $8::text[], $9::text[], $10::text[],"
        "     $11::text[]) WITH ORDINALITY u (kind, waits_database, waits_below, catalog, database, table_name, partition, no))"
        " SELECT id FROM l"};
    PgArgs args = pg_args(ctx->arena);
    if (ask->txn) {
        pg_arg_i64(&args, ask->txn);
    } else {
        pg_arg_null(&args);
    }
    pg_arg_text(&args, ask->user);
    pg_arg_text(&args, ask->host);
    pg_arg_text(&args, ask->agent);
    component_args(&args, ctx->arena, ask, waits);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret_id = pg_i64(&rows, 0, 0, 0);
    return true;
}

/* --- whose turn it is ----------------------------------------------------------------------------------------- */

static LockKind kind_of(const PgRows *rows, size_t row, int col) {
    int32_t bit = pg_i32(rows, row, col, 1);
    return (LockKind)__builtin_ctz((unsigned)bit);
}

/* What stands in the way of component m. In parts, as each is one range of the index, also in a plan that was made while there
 * were no locks. */
#define EARLIER_OF(of) \
    "SELECT c.lock_id, c.no, c.kind FROM lock_components c WHERE c.database = m.database AND " of \
    " AND c.catalog = m.catalog AND c.lock_id < $1 AND (m.txn_id IS NULL OR c.txn_id IS DISTINCT FROM m.txn_id)" \
    " AND (c.partition = '' OR m.partition = '' OR c.partition = m.partition)" \
    " AND c.kind & CASE WHEN c.table_name = '' THEN m.waits_database ELSE m.waits_below END <> 0"
#define EARLIER \
    EARLIER_OF("m.table_name <> '' AND c.table_name = m.table_name") \
    " UNION ALL " EARLIER_OF("m.table_name <> '' AND c.table_name = ''") " UNION ALL " EARLIER_OF("m.table_name = ''")

/* Earlier locks only become fewer: they were all there, committed, when this one was made (see locks_sql_insert()). So who
 * finds none has the lock, with no need to keep others away, and of two that conflict the later one waits until the earlier
 * one is gone. */
bool locks_sql_evaluate(Ctx *ctx, PgConn *conn, int64_t id, bool beats, LockLook *ret, Err *err) {
    static const PgStmt stmt = {
        "lock_evaluate",
        "WITH mine AS MATERIALIZED (SELECT c.* FROM lock_components c WHERE c.lock_id = $1"
        "     AND EXISTS (SELECT FROM locks WHERE id = $1 AND acquired_at IS NULL)),"
        " blocker AS MATERIALIZED (SELECT b.lock_id, b.no, b.kind, m.kind AS waiting FROM mine m CROSS JOIN LATERAL ("
        "     SELECT * FROM (" EARLIER ") e ORDER BY e.lock_id, e.no LIMIT 1) b ORDER BY b.lock_id, b.no, m.no LIMIT 1)"
        " UPDATE locks l SET heartbeat_at = clock_timestamp(), heartbeats = l.heartbeats + $2, blocked_by = b.lock_id,"
        "     blocked_by_no = b.no,"
        "     acquired_at = coalesce(l.acquired_at, CASE WHEN b.lock_id IS NULL THEN clock_timestamp() END)"
        " FROM (SELECT b.* FROM (SELECT 1) one LEFT JOIN blocker b ON true) b WHERE l.id = $1"
        " RETURNING l.acquired_at IS NOT NULL, l.txn_id, b.lock_id, b.no, b.waiting, b.kind"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, id);
    pg_arg_i32(&args, beats);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret = (LockLook){.found = rows.count > 0};
    if (rows.count) {
        *ret = (LockLook){true,
                          pg_bool(&rows, 0, 0) ? LOCK_ACQUIRED : LOCK_WAITING,
                          pg_i64(&rows, 0, 1, 0),
                          pg_i64(&rows, 0, 2, 0),
                          pg_i64(&rows, 0, 3, 0),
                          kind_of(&rows, 0, 4),
                          kind_of(&rows, 0, 5)};
    }
    return true;
}

bool locks_sql_heartbeat(Ctx *ctx, PgConn *conn, int64_t id, bool *ret_found, Err *err) {
    static const PgStmt stmt = {
        "lock_heartbeat",
        "UPDATE locks SET heartbeat_at = clock_timestamp(), heartbeats = heartbeats + 1 WHERE id = $1 RETURNING 1"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, id);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret_found = rows.count > 0;
    return true;
}

/* --- giving back ---------------------------------------------------------------------------------------------- */

bool locks_sql_release(Ctx *ctx, PgConn *conn, int64_t id, int64_t *ret_txn, Err *err) {
    static const PgStmt stmt = {
        "lock_release", "WITH gone AS (DELETE FROM locks WHERE id = $1 AND (txn_id IS NULL OR acquired_at IS NULL) RETURNING 1)"
                        " SELECT l.txn_id FROM locks l WHERE l.id = $1 AND NOT EXISTS (SELECT FROM gone)"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, id);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret_txn = rows.count ? pg_i64(&rows, 0, 0, 0) : 0;
    return true;
}

bool locks_sql_delete(Ctx *ctx, PgConn *conn, int64_t id, Err *err) {
    static const PgStmt stmt = {"lock_delete", "DELETE FROM locks WHERE id = $1"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, id);
    return pg_exec(conn, &stmt, &args, ctx->arena, NULL, err);
}

/* --- listing -------------------------------------------------------------------------------------------------- */

static Str given(Str text) { return str_is_empty(text) ? STR_NULL : text; }

static LockRow row_of(const PgRows *rows, size_t i) {
    return (LockRow){
        .id = pg_i64(rows, i, 0, 0),
        .no = pg_i64(rows, i, 1, 0),
        .txn = pg_i64(rows, i, 2, 0),
        .kind = kind_of(rows, i, 3),
        .state = pg_is_null(rows, i, 12) ? LOCK_WAITING : LOCK_ACQUIRED,
        .catalog = pg_text(rows, i, 4),
        .database = pg_text(rows, i, 5),
        .table = given(pg_text(rows, i, 6)),
        .partition = given(pg_text(rows, i, 7)),
        .user = pg_text(rows, i, 8),
        .host = pg_text(rows, i, 9),
        .agent = pg_text(rows, i, 10),
        .heartbeat_at = pg_time(rows, i, 11),
        .acquired_at = pg_time(rows, i, 12),
        .heartbeats = pg_i32(rows, i, 13, 0),
        .blocked_by = pg_i64(rows, i, 14, 0),
        .blocked_by_no = pg_i64(rows, i, 15, 0),
    };
}

bool locks_sql_list(Ctx *ctx, PgConn *conn, const LockQuery *q, LockRows *ret, Err *err) {
    static const PgStmt stmt = {
        "lock_list",
        "SELECT l.id, c.no, l.txn_id, c.kind, c.catalog, c.database, c.table_name, c.partition, l.owner, l.host, l.agent,"
        " coalesce(t.heartbeat_at, l.heartbeat_at), l.acquired_at, l.heartbeats, l.blocked_by, l.blocked_by_no"
        " FROM locks l JOIN lock_components c ON c.lock_id = l.id LEFT JOIN acid_txns t ON t.id = l.txn_id"
        " WHERE ($1::text IS NULL OR c.catalog = $1) AND ($2::text IS NULL OR c.database = $2)"
        " AND ($3::text IS NULL OR c.table_name = $3) AND ($4::text IS NULL OR c.partition = $4)"
        " AND ($5::bigint = 0 OR l.txn_id = $5) ORDER BY l.id, c.no"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_text(&args, q->catalog);
    pg_arg_text(&args, q->database);
    pg_arg_text(&args, q->table);
    pg_arg_text(&args, q->partition);
    pg_arg_i64(&args, q->txn);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    LockRows found = {ARENA_ARRAY(ctx->arena, LockRow, rows.count), rows.count};
    for (size_t i = 0; i < rows.count; i++) {
        found.items[i] = row_of(&rows, i);
    }
    *ret = found;
    return true;
}

/* --- timing out ----------------------------------------------------------------------------------------------- */

/* Writes now and then only: a server where nothing happens should not write every few seconds. */
bool locks_sql_watch(Ctx *ctx, PgConn *conn, int64_t timeout_ms, int64_t gap_ms, bool *ret_heard, Err *err) {
    static const PgStmt stmt = {
        "lock_watch",
        "WITH g AS (SELECT now() AS now, $2::float8 * interval '1 ms' AS gap),"
        " w AS (UPDATE lock_watch SET seen_at = now, resumed_at = CASE WHEN seen_at BETWEEN now - gap AND now + gap"
        "     AND resumed_at <= now + gap THEN resumed_at ELSE now END FROM g"
        "     WHERE seen_at NOT BETWEEN now - gap / 4 AND now + gap / 4 RETURNING resumed_at)"
        " SELECT coalesce((SELECT resumed_at FROM w), (SELECT resumed_at FROM lock_watch)) < now() - $1::float8 * interval '1 ms'"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_double(&args, (double)timeout_ms);
    pg_arg_double(&args, (double)gap_ms);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret_heard = rows.count && pg_bool(&rows, 0, 0);
    return true;
}

/* A heartbeat that comes just now wins: its row is skipped. Locks of transactions go with these. */
bool locks_sql_expire(Ctx *ctx, PgConn *conn, int64_t timeout_ms, int64_t *ret_removed, Err *err) {
    static const PgStmt stmt = {
        "lock_expire", "DELETE FROM locks WHERE id IN (SELECT id FROM locks WHERE txn_id IS NULL"
                       " AND heartbeat_at < clock_timestamp() - $1::float8 * interval '1 ms' FOR UPDATE SKIP LOCKED LIMIT 1000)"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_double(&args, (double)timeout_ms);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret_removed = pg_affected(&rows);
    return true;
}
