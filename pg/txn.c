/* Transactions: run again what lost a race, find out what became of a COMMIT nobody answered. */
#include "pg/conn.h"

#include <time.h>

#include "base/log.h"

static const PgStmt COMMIT_STMT = {"txn_commit", "COMMIT"};
static const PgStmt ROLLBACK_STMT = {"txn_rollback", "ROLLBACK"};

enum { RERUNS = 3, ROLLBACK_MS = 5000, RESOLVE_MS = 30000, RESOLVE_PAUSE_MS = 50, TERMINATE_AFTER_MS = 2000 };

typedef enum Outcome { DONE, FAILED, AGAIN, IN_DOUBT } Outcome;

typedef struct Doubt { /* what is left of a connection lost in COMMIT */
    Uuid id;
    int64_t token;
    int backend;
    char backend_start[40];
} Doubt;

bool pg_in_transaction(const PgConn *conn) { return conn->txn != TXN_NONE; }

static void pause_ms(int64_t ms) {
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

/* --- COMMIT and ROLLBACK --------------------------------------------------------------------------------------- */

/* Each connection has a row in txn_marks. A transaction that wrote anything leaves its token there, in the round trip of
 * COMMIT, and a COMMIT in doubt is resolved by looking for it. (pg_xact_status() cannot tell: when PostgreSQL crashes, the
 * ids of transactions whose log was not yet written are given out again, and their next owner's fate would be taken for
 * ours.) A negative token is a fence, put up by whoever resolves: a late COMMIT runs into a division by zero. */
static const PgStmt MARK_STMT = {
    "txn_mark",
    "INSERT INTO txn_marks AS m (conn, token) SELECT $1, $2 WHERE pg_current_xact_id_if_assigned() IS NOT NULL"
    " ON CONFLICT (conn) DO UPDATE SET token = excluded.token / (m.token >= 0)::int, at = clock_timestamp() RETURNING 1"};
static const PgStmt FENCE_STMT = {"txn_fence",
                                  "INSERT INTO txn_marks AS m (conn, token) VALUES ($1, -1) ON CONFLICT (conn) DO UPDATE"
                                  " SET token = CASE WHEN m.token = $2 THEN m.token ELSE -1 END RETURNING token"};

static void mark_args(PgArgs *args, Uuid id, int64_t token) {
    pg_arg_uuid(args, id);
    pg_arg_i64(args, token);
}

static bool send_commit(PgConn *conn, Arena *arena, Err *err) {
    if (conn->has_marks) {
        PgArgs args = pg_args(arena);
        mark_args(&args, conn->id, conn->token);
        if (!conn_send(conn, &MARK_STMT, &args, SENT_MARK, err)) {
            return false;
        }
    }
    conn->committing = true;
    return conn_send(conn, &COMMIT_STMT, NULL, SENT_COMMIT, err);
}

/* The connection went away somewhere in the round trip of COMMIT. */
static Outcome judge_lost_commit(const PgConn *conn) { return conn->refused_early ? AGAIN : conn->wrote_nothing ? DONE : IN_DOUBT; }

static Outcome commit(PgConn *conn, Arena *arena, Err *err) {
    if (conn->txn == TXN_WANTED) {
        conn->txn = TXN_NONE;
        return DONE;
    }
    if (conn->txn == TXN_FAILED) {
        *err = conn->txn_err;
        return conn->lost || err->code == ERR_RETRY ? AGAIN : FAILED;
    }
    CLEANUP(cleanup_result) PGresult *result = NULL;
    bool ok = send_commit(conn, arena, err) && conn_round_trip(conn, &result, err);
    conn->committing = false;
    if (ok) {
        return DONE;
    }
    return conn->lost ? judge_lost_commit(conn) : err->code == ERR_RETRY ? AGAIN : FAILED;
}

static void roll_back(PgConn *conn) {
    Err ignored;
    conn->deadline = deadline_in_ms(ROLLBACK_MS);
    if (conn->txn != TXN_WANTED && !conn->lost) {
        conn_settle(conn, &ignored);
        CLEANUP(cleanup_result) PGresult *result = NULL;
        if (conn->lost || !conn_send(conn, &ROLLBACK_STMT, NULL, SENT_STATEMENT, &ignored) ||
            !conn_round_trip(conn, &result, &ignored)) {
            conn->discard = true;
        }
    }
    conn->txn = TXN_NONE;
}

/* --- in doubt -------------------------------------------------------------------------------------------------- */

/* A backend that never got our COMMIT holds its locks, the one on the mark too, until it notices that we are gone. */
static bool end_backend(PgConn *conn, Arena *arena, const Doubt *doubt, Err *err) {
    static const PgStmt stmt = {"txn_end_backend", "SELECT pg_terminate_backend(pid) FROM pg_stat_get_activity($1)"
                                                   " WHERE backend_start = $2::timestamptz"};
    PgArgs args = pg_args(arena);
    pg_arg_i32(&args, doubt->backend);
    pg_arg_text(&args, str_from(doubt->backend_start));
    return pg_exec(conn, &stmt, &args, arena, NULL, err);
}

/* Waits for the lost transaction when it is still at work; the fence makes sure that nothing comes after our look. */
static Outcome look_behind_fence(PgConn *conn, Arena *arena, const Doubt *doubt, Err *err) {
    PgArgs args = pg_args(arena);
    mark_args(&args, doubt->id, doubt->token);
    PgRows rows;
    conn->deadline = deadline_in_ms(TERMINATE_AFTER_MS);
    if (pg_exec(conn, &FENCE_STMT, &args, arena, &rows, err)) {
        return pg_i64(&rows, 0, 0, -1) == doubt->token ? DONE : AGAIN;
    }
    return conn->lost || err->code == ERR_TIMEOUT || err->code == ERR_DATABASE_UNAVAILABLE ? IN_DOUBT : FAILED;
}

/* One look. IN_DOUBT: look again later. */
static Outcome look_once(Pg *pg, PgClass class, Arena *arena, const Doubt *doubt, Err *err) {
    PgConn *conn = NULL;
    if (!conn_open(pg, &pg->pools[class], deadline_in_ms(pg->connect_timeout_ms), &conn, err)) {
        return IN_DOUBT;
    }
    Outcome outcome = look_behind_fence(conn, arena, doubt, err);
    if (outcome == IN_DOUBT && !conn->lost) {
        conn->deadline = deadline_in_ms(TERMINATE_AFTER_MS);
        if (!end_backend(conn, arena, doubt, err)) {
            log_err(err, "ending the backend of a transaction in doubt");
        }
    }
    conn_close(conn);
    return outcome;
}

static Outcome resolve(Pg *pg, PgClass class, Arena *arena, const Doubt *doubt, Err *err) {
    Deadline limit = deadline_in_ms(RESOLVE_MS);
    Outcome outcome = doubt->token ? IN_DOUBT : FAILED;
    while (outcome == IN_DOUBT && deadline_left_ms(limit) > 0) {
        outcome = look_once(pg, class, arena, doubt, err);
        if (outcome == IN_DOUBT) {
            pause_ms(RESOLVE_PAUSE_MS);
        }
    }
    if (outcome == DONE || outcome == AGAIN) {
        log_info("a transaction in doubt after a lost connection was %s", outcome == DONE ? "committed" : "not committed");
        return outcome;
    }
    err_set(err, ERR_STATE_UNKNOWN,
            "The connection to the database was lost while the change was being saved, and it could not be found out "
            "whether it was. Look at the object before you try again.");
    return FAILED;
}

/* --- the whole ------------------------------------------------------------------------------------------------- */

static void transaction_begin(PgConn *conn) {
    conn->txn = TXN_WANTED;
    conn->token++;
    conn->wrote_nothing = conn->refused_early = false;
}

/* A connection lost before COMMIT was sent has changed nothing; what lost a race may be run again. */
static Outcome judge_body(const PgConn *conn, const Err *err) {
    bool raced = err->code == ERR_RETRY || (conn->txn == TXN_FAILED && conn->txn_err.code == ERR_RETRY);
    bool lost = conn->lost && err->code == ERR_DATABASE_UNAVAILABLE;
    return raced || lost ? AGAIN : FAILED;
}

static Outcome run_once(PgConn *conn, Arena *arena, PgTxnBody body, void *arg, Err *err) {
    transaction_begin(conn);
    Outcome outcome = body(conn, arg, err) ? commit(conn, arena, err) : judge_body(conn, err);
    if (outcome != DONE) {
        roll_back(conn);
    }
    return outcome;
}

static Outcome attempt(Pg *pg, PgClass class, Deadline deadline, Arena *arena, PgTxnBody body, void *arg, Err *err) {
    PgConn *conn = NULL;
    if (!pg_acquire(pg, class, deadline, &conn, err)) {
        return FAILED;
    }
    Outcome outcome = run_once(conn, arena, body, arg, err);
    Doubt doubt = {conn->id, conn->has_marks ? conn->token : 0, PQbackendPID(conn->pq), ""};
    memcpy(doubt.backend_start, conn->backend_start, sizeof doubt.backend_start);
    pg_release(conn);
    if (outcome == IN_DOUBT) {
        __atomic_add_fetch(&pg->pools[class].counts.in_doubt, 1, __ATOMIC_RELAXED);
        outcome = resolve(pg, class, arena, &doubt, err);
    }
    return outcome;
}

/* Spread out, so that those who collided do not collide again. */
static void pause_before_rerun(int run) {
    uint32_t random;
    random_bytes(&random, sizeof random);
    pause_ms(1 + (int64_t)(random % (4u << (2 * run))));
}

bool pg_transaction(Pg *pg, PgClass class, Deadline deadline, Arena *arena, PgTxnBody body, void *arg, Err *err) {
    Err why;
    Outcome outcome = attempt(pg, class, deadline, arena, body, arg, &why);
    for (int run = 0; outcome == AGAIN && run < RERUNS && deadline_left_ms(deadline) > 0; run++) {
        __atomic_add_fetch(&pg->pools[class].counts.retries, 1, __ATOMIC_RELAXED);
        pause_before_rerun(run);
        outcome = attempt(pg, class, deadline, arena, body, arg, &why);
    }
    if (outcome == DONE) {
        return true;
    }
    *err = why;
    if (outcome == AGAIN && err->code == ERR_RETRY) {
        return err_set(err, ERR_OVERLOADED, "Too many changes of the same objects at once; this one lost every race. Try again.");
    }
    return false;
}

void pg_sweep(Pg *pg) {
    static const PgStmt stmt = {"txn_sweep", "DELETE FROM txn_marks WHERE at < clock_timestamp() - interval '2 days'"};
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    Err err;
    if (!pg_acquire(pg, PG_BULK, deadline_in_ms(ROLLBACK_MS), &conn, &err) ||
        (conn->has_marks && !pg_exec(conn, &stmt, NULL, NULL, NULL, &err))) {
        log_err(&err, "removing old transaction marks");
    }
}
