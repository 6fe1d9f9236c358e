/* Transactions: run again what lost a race, find out what became of a COMMIT nobody answered. */
#include "pg/conn.h"

#include <time.h>

#include "base/log.h"

static const PgStmt COMMIT_STMT = {"txn_commit", "COMMIT"};
static const PgStmt ROLLBACK_STMT = {"txn_rollback", "ROLLBACK"};

enum { RERUNS = 3, ROLLBACK_MS = 5000, RESOLVE_MS = 30000, RESOLVE_PAUSE_MS = 50, TERMINATE_AFTER_MS = 2000 };

typedef enum Outcome { DONE, FAILED, AGAIN, IN_DOUBT } Outcome;

/* What is left of a connection lost in COMMIT. */
typedef struct Doubt {
    uint64_t xid;
    int backend;
} Doubt;

bool pg_in_transaction(const PgConn *conn) { return conn->txn != TXN_NONE; }

static void pause_ms(int64_t ms) {
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

/* --- COMMIT and ROLLBACK --------------------------------------------------------------------------------------- */

/* The id must be in our hands before the server begins to commit, or a lost connection could not be resolved: hence the
 * flush request between the two, in the same round trip. */
static bool send_commit(PgConn *conn, Err *err) {
    if (!conn->xid) {
        conn->xid_final = false;
        if (!conn_send_xid(conn, err)) {
            return false;
        }
        if (!PQsendFlushRequest(conn->pq)) {
            return conn_fail(conn, NULL, err);
        }
    }
    conn->committing = true;
    return conn_send(conn, &COMMIT_STMT, NULL, SENT_COMMIT, err);
}

static bool is_local(const PgConn *conn) {
    const char *host = PQhost(conn->pq);
    return host && (host[0] == '/' || host[0] == '@');
}

/* The connection went away somewhere in the round trip of COMMIT. */
static Outcome judge_lost_commit(const PgConn *conn) {
    if (conn->refused_early) {
        return AGAIN;
    }
    if (conn->xid) {
        return IN_DOUBT;
    }
    if (conn->xid_final) {
        return DONE; /* nothing was written */
    }
    /* The id was on its way before COMMIT began; a local socket loses nothing that was sent. */
    return is_local(conn) ? AGAIN : IN_DOUBT;
}

static Outcome commit(PgConn *conn, Err *err) {
    if (conn->txn == TXN_WANTED) {
        conn->txn = TXN_NONE;
        return DONE;
    }
    if (conn->txn == TXN_FAILED) {
        *err = conn->txn_err;
        return conn->lost || err->code == ERR_RETRY ? AGAIN : FAILED;
    }
    CLEANUP(cleanup_result) PGresult *result = NULL;
    bool ok = send_commit(conn, err) && conn_round_trip(conn, &result, err);
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

/* A backend that never got our COMMIT holds its locks until it notices that we are gone. */
static bool end_backend(PgConn *conn, Arena *arena, const Doubt *doubt, Err *err) {
    static const PgStmt stmt = {"doubt_end", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                                             " WHERE pid = $1 AND backend_xid::text::bigint = $2 & 4294967295"};
    PgArgs args = pg_args(arena);
    pg_arg_i32(&args, doubt->backend);
    pg_arg_i64(&args, (int64_t)doubt->xid);
    return pg_exec(conn, &stmt, &args, arena, NULL, err);
}

static Outcome ask_status(PgConn *conn, Arena *arena, const Doubt *doubt, Err *err) {
    static const PgStmt stmt = {"doubt_status", "SELECT pg_xact_status($1::text::xid8)"};
    PgArgs args = pg_args(arena);
    pg_arg_text(&args, arena_printf(arena, "%" PRIu64, doubt->xid));
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, arena, &rows, err)) {
        return conn->lost ? IN_DOUBT : FAILED;
    }
    Str status = pg_text(&rows, 0, 0);
    if (str_eq(status, STR("in progress"))) {
        return IN_DOUBT;
    }
    return str_eq(status, STR("committed")) ? DONE : str_eq(status, STR("aborted")) ? AGAIN : FAILED;
}

/* One look. IN_DOUBT: look again later. */
static Outcome look_once(Pg *pg, PgClass class, Arena *arena, const Doubt *doubt, bool terminate, Err *err) {
    PgConn *conn = NULL;
    if (!conn_open(pg, &pg->pools[class], deadline_in_ms(pg->connect_timeout_ms), &conn, err)) {
        return IN_DOUBT;
    }
    Outcome outcome = ask_status(conn, arena, doubt, err);
    if (outcome == IN_DOUBT && terminate && !conn->lost && !end_backend(conn, arena, doubt, err)) {
        log_err(err, "ending the backend of a transaction in doubt");
    }
    conn_close(conn);
    return outcome;
}

static Outcome resolve(Pg *pg, PgClass class, Arena *arena, const Doubt *doubt, Err *err) {
    int64_t began = clock_monotonic_us();
    Deadline limit = deadline_in_ms(RESOLVE_MS);
    Outcome outcome = doubt->xid ? IN_DOUBT : FAILED;
    while (outcome == IN_DOUBT && deadline_left_ms(limit) > 0) {
        outcome = look_once(pg, class, arena, doubt, clock_monotonic_us() - began > TERMINATE_AFTER_MS * 1000, err);
        if (outcome == IN_DOUBT) {
            pause_ms(RESOLVE_PAUSE_MS);
        }
    }
    if (outcome == DONE || outcome == AGAIN) {
        log_info("transaction %" PRIu64 ", in doubt after a lost connection, was %s", doubt->xid,
                 outcome == DONE ? "committed" : "not committed");
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
    conn->xid = 0;
    conn->xid_asked = conn->xid_final = conn->refused_early = false;
}

/* A connection lost before COMMIT was sent has changed nothing; what lost a race may be run again. */
static Outcome judge_body(const PgConn *conn, const Err *err) {
    bool raced = err->code == ERR_RETRY || (conn->txn == TXN_FAILED && conn->txn_err.code == ERR_RETRY);
    bool lost = conn->lost && err->code == ERR_DATABASE_UNAVAILABLE;
    return raced || lost ? AGAIN : FAILED;
}

static Outcome run_once(PgConn *conn, PgTxnBody body, void *arg, Err *err) {
    transaction_begin(conn);
    Outcome outcome = body(conn, arg, err) ? commit(conn, err) : judge_body(conn, err);
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
    Outcome outcome = run_once(conn, body, arg, err);
    Doubt doubt = {conn->xid, PQbackendPID(conn->pq)};
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
