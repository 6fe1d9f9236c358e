#include "catalog/changes.h"
#include "catalog/changes_write.h"

void change_args(const Ctx *ctx, PgArgs *args, const ChangeRecord *r) {
    const Caller *who = ctx->caller;
    pg_arg_time(args, r->at);
    pg_arg_text(args, who->principal);
    pg_arg_text(args, who->client);
    pg_arg_text(args, who->agent);
    pg_arg_text(args, who->protocol);
    pg_arg_text(args, who->operation);
    pg_arg_uuid(args, who->request_id);
    pg_arg_text(args, str_from(r->kind));
    pg_arg_text(args, str_from(r->action));
    pg_arg_text(args, r->catalog);
    pg_arg_text(args, r->database);
    pg_arg_text(args, r->name);
    if (r->object_id) {
        pg_arg_i64(args, r->object_id);
    } else {
        pg_arg_null(args);
    }
    if (r->version >= 0) {
        pg_arg_i64(args, r->version);
    } else {
        pg_arg_null(args);
    }
    pg_arg_text(args, str_from(r->hms_event));
    if (r->partitions.count) {
        pg_arg_texts(args, r->partitions);
    } else {
        pg_arg_null(args);
    }
    pg_arg_text(args, r->detail);
}

static bool write_row(Ctx *ctx, PgConn *conn, const ChangeRecord *record, int64_t *ret_seq, Err *err) {
    static const PgStmt stmt = {"change_write",
                                "INSERT INTO changes (" CHANGE_COLUMNS ") VALUES (" CHANGE_VALUES ") RETURNING seq"};
    PgArgs args = pg_args(ctx->arena);
    change_args(ctx, &args, record);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    if (ret_seq) {
        *ret_seq = pg_i64(&rows, 0, 0, 0);
    }
    return true;
}

bool change_write(Ctx *ctx, PgConn *conn, const ChangeRecord *record, int64_t *ret_seq, Err *err) {
    int64_t first = 0;
    size_t done = 0;
    do {
        ChangeRecord chunk = *record;
        chunk.partitions.items = record->partitions.items ? record->partitions.items + done : NULL;
        chunk.partitions.count = MIN(record->partitions.count - done, (size_t)CHANGES_PARTITIONS_PER_ROW);
        int64_t seq;
        if (!write_row(ctx, conn, &chunk, &seq, err)) {
            return false;
        }
        first = done ? first : seq;
        done += chunk.partitions.count;
    } while (done < record->partitions.count);
    if (ret_seq) {
        *ret_seq = first;
    }
    return true;
}

/* --- the sequencer ---------------------------------------------------------------------------------------------
 *
 * change_counter.seen is the snapshot of the last numbering: what it sees is numbered. Rows that a new statement sees
 * and that one did not are the fresh ones. So writers never wait for one another and no row is looked at twice; what
 * commits later gets a higher number. Two statements, because the second one's snapshot must be taken after the lock is
 * held. */

typedef struct Sequencing {
    Ctx *ctx;
    int64_t last;
} Sequencing;

enum { SEQUENCER_LOCK = 0x70726f70 };

/* Transaction ids mean something in one cluster only. After a dump was restored into another one (or ids went back in some
 * other way) "seen" says nothing: what has no number gets one by looking at every row, and the rows' ids are replaced by one
 * that is older than every snapshot, so that the next numbering starts clean. Once in the life of a process. */
static bool settle_cluster(Ctx *ctx, PgConn *conn, Err *err) {
    static const PgStmt stmt = {
        "change_settle",
        "WITH here AS MATERIALIZED (SELECT system_identifier AS id FROM pg_control_system()),"
        " k AS MATERIALIZED (SELECT change_id, hms_event_id FROM change_counter, here"
        "     WHERE cluster IS DISTINCT FROM here.id OR pg_snapshot_xmax(seen) > pg_snapshot_xmax(pg_current_snapshot())),"
        " fresh AS MATERIALIZED (SELECT c.seq, c.hms_event, row_number() OVER w AS n,"
        "     count(c.hms_event) OVER (w ROWS UNBOUNDED PRECEDING) AS e"
        "     FROM changes c WHERE EXISTS (SELECT FROM k) AND NOT EXISTS (SELECT FROM change_order o WHERE o.seq = c.seq)"
        "     WINDOW w AS (ORDER BY c.seq)),"
        " placed AS (INSERT INTO change_order (change_id, seq, hms_event_id)"
        "     SELECT k.change_id + f.n, f.seq, CASE WHEN f.hms_event IS NOT NULL THEN k.hms_event_id + f.e END FROM fresh f, k),"
        " old AS (UPDATE changes SET xid = '3' WHERE EXISTS (SELECT FROM k) AND xid >= pg_snapshot_xmin(pg_current_snapshot()))"
        "UPDATE change_counter SET change_id = change_id + (SELECT count(*) FROM fresh),"
        "     hms_event_id = hms_event_id + (SELECT count(hms_event) FROM fresh), seen = pg_current_snapshot(),"
        "     cluster = (SELECT id FROM here) WHERE EXISTS (SELECT FROM k)"};
    if (__atomic_load_n(&ctx->catalog->cluster_settled, __ATOMIC_ACQUIRE)) {
        return true;
    }
    return pg_exec(conn, &stmt, NULL, ctx->arena, NULL, err);
}

static bool number_fresh(Ctx *ctx, PgConn *conn, int64_t *ret_last, Err *err) {
    static const PgStmt stmt = {
        "change_number",
        "WITH k AS MATERIALIZED (SELECT change_id, hms_event_id, seen, pg_snapshot_xmin(seen) AS low FROM change_counter),"
        " fresh AS MATERIALIZED (SELECT c.seq, c.hms_event, row_number() OVER w AS n,"
        "     count(c.hms_event) OVER (w ROWS UNBOUNDED PRECEDING) AS e"
        "     FROM changes c, k WHERE c.xid >= k.low AND NOT pg_visible_in_snapshot(c.xid, k.seen)"
        "     AND NOT EXISTS (SELECT FROM change_order o WHERE o.seq = c.seq)"
        "     WINDOW w AS (ORDER BY c.seq)),"
        " placed AS (INSERT INTO change_order (change_id, seq, hms_event_id)"
        "     SELECT k.change_id + f.n, f.seq, CASE WHEN f.hms_event IS NOT NULL THEN k.hms_event_id + f.e END FROM fresh f, k),"
        " moved AS (UPDATE change_counter SET change_id = change_id + (SELECT count(*) FROM fresh),"
        "     hms_event_id = hms_event_id + (SELECT count(hms_event) FROM fresh), seen = pg_current_snapshot()"
        "     WHERE EXISTS (SELECT FROM fresh) RETURNING change_id)"
        " SELECT coalesce((SELECT change_id FROM moved), (SELECT change_id FROM k)),"
        "     CASE WHEN EXISTS (SELECT FROM fresh) THEN pg_notify('propolis_changes', '') IS NULL END"};
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret_last = pg_i64(&rows, 0, 0, 0);
    return true;
}

static bool sequence_body(PgConn *conn, void *arg, Err *err) {
    Sequencing *s = arg;
    static const PgStmt lock = {"change_lock", "SELECT pg_advisory_xact_lock($1)"};
    PgArgs args = pg_args(s->ctx->arena);
    pg_arg_i64(&args, SEQUENCER_LOCK);
    return pg_exec(conn, &lock, &args, s->ctx->arena, NULL, err) && settle_cluster(s->ctx, conn, err) &&
           number_fresh(s->ctx, conn, &s->last, err);
}

bool change_sequence(Ctx *ctx, int64_t *ret_last, Err *err) {
    Sequencing s = {ctx, 0};
    if (!pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, sequence_body, &s, err)) {
        return false;
    }
    __atomic_store_n(&ctx->catalog->cluster_settled, true, __ATOMIC_RELEASE);
    if (ret_last) {
        *ret_last = s.last;
    }
    return true;
}

/* --- reading -------------------------------------------------------------------------------------------------- */

static void change_from_row(const PgRows *rows, size_t row, Arena *arena, Change *c) {
    *c = (Change){
        .change_id = pg_i64(rows, row, 0, 0),
        .hms_event_id = pg_i64(rows, row, 1, 0),
        .seq = pg_i64(rows, row, 2, 0),
        .at = pg_time(rows, row, 3),
        .principal = pg_text(rows, row, 4),
        .client = pg_text(rows, row, 5),
        .agent = pg_text(rows, row, 6),
        .protocol = pg_text(rows, row, 7),
        .operation = pg_text(rows, row, 8),
        .request_id = pg_uuid(rows, row, 9),
        .kind = pg_text(rows, row, 10),
        .action = pg_text(rows, row, 11),
        .catalog = pg_text(rows, row, 12),
        .database = pg_text(rows, row, 13),
        .name = pg_text(rows, row, 14),
        .object_id = pg_i64(rows, row, 15, 0),
        .version = pg_i64(rows, row, 16, -1),
        .hms_event = pg_text(rows, row, 17),
        .partitions = pg_texts(rows, row, 18, arena),
        .detail = pg_text(rows, row, 19),
    };
}

static bool read_changes(Ctx *ctx, PgConn *conn, const ChangeQuery *q, Changes *ret, Err *err) {
    static const PgStmt stmt = {
        "change_list",
        "SELECT o.change_id, o.hms_event_id, c.seq, c.at, c.principal, c.client, c.agent, c.protocol, c.operation, c.request_id,"
        " c.kind, c.action, c.catalog, c.database, c.name, c.object_id, c.version, c.hms_event, c.partitions, c.detail"
        " FROM change_order o JOIN changes c USING (seq)"
        " WHERE o.change_id > $1 AND ($3::text IS NULL OR c.catalog = $3) AND ($4::text IS NULL OR c.database = $4)"
        " AND ($5::text IS NULL OR c.name = $5) AND ($6::text IS NULL OR c.kind = $6) AND ($7::text IS NULL OR c.principal = $7)"
        " ORDER BY o.change_id LIMIT $2"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, q->after);
    pg_arg_i64(&args, q->limit);
    pg_arg_text(&args, q->catalog);
    pg_arg_text(&args, q->database);
    pg_arg_text(&args, q->name);
    pg_arg_text(&args, q->kind);
    pg_arg_text(&args, q->principal);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    ret->items = ARENA_ARRAY(ctx->arena, Change, rows.count);
    ret->count = rows.count;
    for (size_t i = 0; i < rows.count && !arena_exceeded(ctx->arena); i++) {
        change_from_row(&rows, i, ctx->arena, &ret->items[i]);
    }
    return arena_check(ctx->arena, err);
}

bool change_list(Ctx *ctx, const ChangeQuery *query, Changes *ret, Err *err) {
    Changes found = {0};
    if (!ctx_authorize(ctx, ACTION_LIST, "change", query->catalog, query->database, query->name, err) ||
        !change_sequence(ctx, &found.last_id, err)) {
        return false;
    }
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    if (!pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) || !read_changes(ctx, conn, query, &found, err)) {
        return false;
    }
    *ret = found;
    return true;
}

bool change_last_id(Ctx *ctx, int64_t *ret_change_id, int64_t *ret_hms_event_id, Err *err) {
    static const PgStmt stmt = {"change_last", "SELECT change_id, hms_event_id FROM change_counter"};
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    if (!change_sequence(ctx, NULL, err) || !pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) ||
        !pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret_change_id = pg_i64(&rows, 0, 0, 0);
    *ret_hms_event_id = pg_i64(&rows, 0, 1, 0);
    return true;
}
