/* Sending statements and reading their answers: always in pipeline mode, so that whatever can share a round trip does. */
#include "pg/conn.h"

#include <sys/socket.h>

static const PgStmt BEGIN_STMT = {"txn_begin", "BEGIN"};

static const int BINARY[ARGS_MAX + 1] = {[0 ... ARGS_MAX] = 1};

static void note_sent(PgConn *conn, SentKind kind, const PgStmt *stmt) { conn->sent[conn->sent_count++] = (Sent){kind, stmt}; }

static bool args_fit(const PgStmt *stmt, const PgArgs *args, Err *err) {
    if (!args) {
        return true;
    }
    if (args->count > ARGS_MAX) {
        return err_set(err, ERR_INTERNAL, "A statement has too many arguments (%s).", stmt->name ? stmt->name : "unnamed");
    }
    for (int i = 0; i < args->count; i++) {
        if (args->lengths[i] < 0) {
            return err_set(err, ERR_REQUEST_TOO_LARGE, "A single value is larger than 1 GB.");
        }
    }
    return true;
}

static bool send_prepare(PgConn *conn, const PgStmt *stmt, int count, const unsigned *types, Err *err) {
    if (!stmt->name || conn_prepared_has(conn, stmt)) {
        return true;
    }
    if (!PQsendPrepare(conn->pq, stmt->name, stmt->sql, count, types)) {
        return conn_fail(conn, NULL, err);
    }
    /* Known from here on, for the same statement again in this very pipeline; taken back when it fails. */
    conn_prepared_add(conn, stmt);
    note_sent(conn, SENT_PREPARE, stmt);
    return true;
}

bool conn_send(PgConn *conn, const PgStmt *stmt, const PgArgs *args, SentKind kind, Err *err) {
    static const PgArgs none;
    args = args ? args : &none;
    if (!args_fit(stmt, args, err) || !send_prepare(conn, stmt, args->count, args->types, err)) {
        return false;
    }
    int sent = stmt->name
                   ? PQsendQueryPrepared(conn->pq, stmt->name, args->count, args->values, args->lengths, BINARY, 1)
                   : PQsendQueryParams(conn->pq, stmt->sql, args->count, args->types, args->values, args->lengths, BINARY, 1);
    if (!sent) {
        return conn_fail(conn, NULL, err);
    }
    note_sent(conn, kind, stmt);
    CONN_COUNT(conn, statements);
    return true;
}

static bool conn_send_begin_if_wanted(PgConn *conn, Err *err) {
    if (conn->txn == TXN_FAILED) {
        *err = conn->txn_err;
        return false;
    }
    if (conn->txn != TXN_WANTED) {
        return true;
    }
    conn->txn = TXN_OPEN;
    return conn_send(conn, &BEGIN_STMT, NULL, SENT_BEGIN, err);
}

/* --- answers --------------------------------------------------------------------------------------------------- */

/* COMMIT of a transaction that failed answers with a friendly "ROLLBACK". */
static bool note_commit(PgConn *conn, const PGresult *result, Err *err) {
    conn->txn = TXN_NONE;
    if (strcmp(PQcmdStatus((PGresult *)(uintptr_t)result), "COMMIT") == 0) {
        return true;
    }
    return err_set(err, ERR_INTERNAL, "The transaction was rolled back, because one of its statements had failed.");
}

static bool take_answer(PgConn *conn, const Sent *sent, PGresult *result, Err *err) {
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
        if (sent->kind == SENT_MARK) {
            conn->wrote_nothing = PQntuples(result) == 0;
        }
        return sent->kind != SENT_COMMIT || note_commit(conn, result, err);
    }
    if (sent->kind == SENT_PREPARE) {
        conn_prepared_remove(conn, sent->stmt);
    }
    if (status == PGRES_PIPELINE_ABORTED) {
        return false; /* the first failure was told already */
    }
    if (sent->kind != SENT_COMMIT && PQresultErrorField(result, PG_DIAG_SQLSTATE)) {
        conn->refused_early = true;
    }
    return conn_fail(conn, result, err);
}

static bool lose(PgConn *conn, Err *err) {
    conn->sent_count = 0;
    if (!conn->lost) {
        return conn_fail(conn, NULL, err);
    }
    /* A database that hears says of a cancelled statement that it was. This one is frozen or cut off. */
    return err_set(err, ERR_DATABASE_UNAVAILABLE, "The database does not answer. Try again shortly.");
}

/* The answer to one statement and the NULL behind it. FAILED: one before it did, so its own error is of no interest. */
static bool read_one(PgConn *conn, const Sent *sent, bool failed, PGresult **ret, Err *err) {
    CLEANUP(cleanup_result) PGresult *result = conn_next_result(conn);
    if (!result) {
        return failed ? false : lose(conn, err);
    }
    Err ignored;
    bool ok = take_answer(conn, sent, result, failed ? &ignored : err);
    while (!conn->lost) {
        CLEANUP(cleanup_result) PGresult *rest = conn_next_result(conn);
        if (!rest) {
            break;
        }
    }
    if (ok && sent->kind == SENT_STATEMENT) {
        *ret = result;
        result = NULL;
    }
    return ok;
}

static bool read_sent(PgConn *conn, PGresult **ret, Err *err) {
    bool ok = true;
    for (size_t i = 0; i < conn->sent_count && !conn->lost; i++) {
        ok = read_one(conn, &conn->sent[i], !ok, ret, err) && ok;
    }
    conn->sent_count = 0;
    return ok;
}

bool conn_read_sent(PgConn *conn, Err *err) {
    CLEANUP(cleanup_result) PGresult *none = NULL;
    return read_sent(conn, &none, err);
}

/* OK is what came of the statements before it. */
static bool read_sync(PgConn *conn, bool ok, Err *err) {
    if (!conn->lost) {
        CLEANUP(cleanup_result) PGresult *sync = conn_next_result(conn);
        if (PQresultStatus(sync) != PGRES_PIPELINE_SYNC) {
            conn->lost = true;
            return ok ? conn_fail(conn, sync, err) : false;
        }
    }
    return ok;
}

static bool read_all(PgConn *conn, PGresult **ret, Err *err) {
    bool ok = read_sent(conn, ret, err);
    return read_sync(conn, ok, err);
}

static void fail_when_told(PgConn *conn) {
    uint64_t *countdown = &conn->pg->fail_countdown;
    if (__atomic_load_n(countdown, __ATOMIC_RELAXED) && __atomic_sub_fetch(countdown, 1, __ATOMIC_RELAXED) == 0) {
        shutdown(PQsocket(conn->pq), SHUT_RDWR);
    }
}

void pg_fail_at(Pg *pg, uint64_t nth) { __atomic_store_n(&pg->fail_countdown, nth, __ATOMIC_RELAXED); }

static bool send_sync(PgConn *conn, Err *err) {
    CONN_COUNT(conn, round_trips);
    fail_when_told(conn);
    return PQpipelineSync(conn->pq) || lose(conn, err);
}

bool conn_round_trip(PgConn *conn, PGresult **ret, Err *err) {
    CLEANUP(cleanup_result) PGresult *result = NULL;
    bool ok = send_sync(conn, err) && read_all(conn, &result, err);
    if (!ok && conn->txn == TXN_OPEN) {
        conn->txn = TXN_FAILED;
        conn->txn_err = *err;
    }
    if (ok) {
        *ret = result;
        result = NULL;
    }
    return ok;
}

bool conn_settle(PgConn *conn, Err *err) {
    CLEANUP(cleanup_result) PGresult *result = NULL;
    return conn->sent_count == 0 || conn_round_trip(conn, &result, err);
}

/* --- statements ------------------------------------------------------------------------------------------------ */

static void clear_result(void *result) { PQclear(result); }

static int64_t affected(PGresult *result) {
    int64_t n = 0;
    return str_to_i64(str_from(PQcmdTuples(result)), &n) ? n : 0;
}

/* The arena owns the result from here on. */
static bool rows_of(PGresult *result, Arena *arena, PgRows *ret, Err *err) {
    arena_charge(arena, PQresultMemorySize(result));
    arena_defer(arena, clear_result, result);
    *ret = (PgRows){(size_t)PQntuples(result), affected(result), result};
    return arena_check(arena, err);
}

/* Room for BEGIN, a statement, the mark, COMMIT, and the preparation of each. */
static bool make_room(PgConn *conn, Err *err) { return conn->sent_count + 8 <= SENT_MAX || conn_settle(conn, err); }

bool conn_send_statement(PgConn *conn, const PgStmt *stmt, const PgArgs *args, SentKind kind, Err *err) {
    if (!make_room(conn, err) || !conn_send_begin_if_wanted(conn, err) || !conn_send(conn, stmt, args, kind, err)) {
        if (conn->txn == TXN_OPEN) {
            conn->txn = TXN_FAILED;
            conn->txn_err = *err;
        }
        return false;
    }
    return true;
}

static bool run_statement(PgConn *conn, const PgStmt *stmt, const PgArgs *args, PGresult **ret, Err *err) {
    return conn_send_statement(conn, stmt, args, SENT_STATEMENT, err) && conn_round_trip(conn, ret, err);
}

bool pg_exec(PgConn *conn, const PgStmt *stmt, const PgArgs *args, Arena *arena, PgRows *ret, Err *err) {
    CLEANUP(cleanup_result) PGresult *result = NULL;
    bool ok = run_statement(conn, stmt, args, &result, err);
    if (!ok && err->code == ERR_RETRY && conn->txn == TXN_NONE && conn->discard && !conn->lost) {
        PgStmt fresh = {NULL, stmt->sql}; /* what was prepared does not fit the schema any more */
        ok = run_statement(conn, &fresh, args, &result, err);
    }
    if (!ok || !ret) {
        return ok;
    }
    PGresult *rows = result;
    result = NULL;
    return rows_of(rows, arena, ret, err);
}

bool pg_exec_later(PgConn *conn, const PgStmt *stmt, const PgArgs *args, Err *err) {
    if (conn->txn == TXN_NONE) {
        return pg_exec(conn, stmt, args, NULL, NULL, err);
    }
    return conn_send_statement(conn, stmt, args, SENT_LATER, err);
}

/* --- simple protocol ------------------------------------------------------------------------------------------- */

static bool is_success(const PGresult *result) {
    ExecStatusType s = PQresultStatus(result);
    return s == PGRES_COMMAND_OK || s == PGRES_TUPLES_OK || s == PGRES_EMPTY_QUERY || s == PGRES_COPY_IN;
}

/* Keeps the last result, or the first failure. */
static bool read_simple(PgConn *conn, PGresult **ret, Err *err) {
    PGresult *last = NULL, *next;
    while (!conn->lost && (next = conn_next_result(conn))) {
        if (last && !is_success(last)) {
            PQclear(next);
            continue;
        }
        PQclear(last);
        last = next;
        if (PQresultStatus(last) == PGRES_COPY_IN) {
            break;
        }
    }
    *ret = last;
    return last && is_success(last) ? true : last ? conn_fail(conn, last, err) : lose(conn, err);
}

static bool run_simple(PgConn *conn, const char *sql, PGresult **ret, Err *err) {
    if (!PQexitPipelineMode(conn->pq) || !PQsendQuery(conn->pq, sql) || !conn_flush(conn, err)) {
        return conn_fail(conn, NULL, err);
    }
    CONN_COUNT(conn, round_trips);
    bool ok = read_simple(conn, ret, err);
    if (!conn->lost && PQresultStatus(*ret) != PGRES_COPY_IN && !PQenterPipelineMode(conn->pq)) {
        conn->lost = true;
    }
    return ok;
}

bool conn_simple(PgConn *conn, const char *sql, PGresult **ret, Err *err) {
    if (!conn_send_begin_if_wanted(conn, err) || !conn_settle(conn, err)) {
        return false;
    }
    bool ok = run_simple(conn, sql, ret, err);
    if (!ok && conn->txn == TXN_OPEN) {
        conn->txn = TXN_FAILED;
        conn->txn_err = *err;
    }
    return ok;
}

bool pg_script(PgConn *conn, const char *sql, Err *err) {
    CLEANUP(cleanup_result) PGresult *result = NULL;
    return conn_simple(conn, sql, &result, err);
}
