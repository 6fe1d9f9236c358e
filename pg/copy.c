/* COPY in binary, and row-wise reading. */
#include "pg/conn.h"

#include "base/buf.h"

enum { CHUNK_BYTES = 256 * 1024, ROW_MAX_BYTES = 256 * 1024 * 1024 };

struct PgCopy {
    PgConn *conn;
    Arena *scratch; /* values of the row being built */
    PgArgs args;
    Buf out;
    bool failed;
};

static const char SIGNATURE[19] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0";

static void fail_transaction(PgConn *conn, const Err *err) {
    if (conn->txn == TXN_OPEN) {
        conn->txn = TXN_FAILED;
        conn->txn_err = *err;
    }
}

static PgCopy *copy_new(PgConn *conn) {
    PgCopy *copy = calloc(1, sizeof *copy);
    if (!copy) {
        abort();
    }
    *copy = (PgCopy){.conn = conn, .scratch = arena_new(ROW_MAX_BYTES), .out = BUF_INIT(ROW_MAX_BYTES)};
    buf_add_bytes(&copy->out, SIGNATURE, sizeof SIGNATURE);
    return copy;
}

bool pg_copy_begin(PgConn *conn, const char *sql, PgCopy **ret, Err *err) {
    CLEANUP(cleanup_result) PGresult *result = NULL;
    if (!conn_simple(conn, sql, &result, err)) {
        return false;
    }
    if (PQresultStatus(result) != PGRES_COPY_IN) {
        return err_set(err, ERR_INTERNAL, "A COPY statement did not start a copy.");
    }
    *ret = copy_new(conn);
    return true;
}

PgArgs *pg_copy_args(PgCopy *copy) {
    arena_reset(copy->scratch);
    copy->args = pg_args(copy->scratch);
    return &copy->args;
}

static bool copy_send(PgCopy *copy, Err *err) {
    if (!buf_check(&copy->out, "a row to copy", err)) {
        return false;
    }
    if (PQputCopyData(copy->conn->pq, copy->out.ptr, (int)copy->out.len) != 1) {
        return conn_fail(copy->conn, NULL, err);
    }
    buf_clear(&copy->out);
    return conn_flush(copy->conn, err);
}

static void add_row(PgCopy *copy) {
    const PgArgs *args = &copy->args;
    buf_add_be16(&copy->out, (uint16_t)args->count);
    for (int i = 0; i < args->count; i++) {
        if (!args->values[i]) {
            buf_add_be32(&copy->out, UINT32_MAX);
        } else {
            buf_add_be32(&copy->out, (uint32_t)args->lengths[i]);
            buf_add_bytes(&copy->out, args->values[i], (size_t)args->lengths[i]);
        }
    }
}

bool pg_copy_row(PgCopy *copy, Err *err) {
    if (copy->failed) {
        return err_set(err, ERR_INTERNAL, "The copy had failed already.");
    }
    add_row(copy);
    copy->failed = !arena_check(copy->scratch, err) || (copy->out.len >= CHUNK_BYTES && !copy_send(copy, err));
    return !copy->failed;
}

/* Reads what the server says at the end and goes back to pipeline mode. */
static bool read_end(PgConn *conn, int64_t *ret_rows, Err *err) {
    bool ok = true;
    while (!conn->lost) {
        CLEANUP(cleanup_result) PGresult *result = conn_next_result(conn);
        if (!result) {
            break;
        }
        if (PQresultStatus(result) == PGRES_COMMAND_OK) {
            str_to_i64(str_from(PQcmdTuples(result)), ret_rows);
        } else if (ok) {
            ok = conn_fail(conn, result, err);
        }
    }
    if (ok && conn->lost) {
        ok = err_set(err, ERR_DATABASE_UNAVAILABLE, "The database did not answer in time. Try again shortly.");
    }
    conn->lost = conn->lost || !PQenterPipelineMode(conn->pq);
    return ok;
}

static void copy_free(PgCopy *copy) {
    buf_free(&copy->out);
    arena_free(copy->scratch);
    free(copy);
}

bool pg_copy_end(PgCopy *copy, int64_t *ret_rows, Err *err) {
    if (copy->failed) {
        pg_copy_abandon(copy);
        return err_set(err, ERR_INTERNAL, "The copy had failed already.");
    }
    PgConn *conn = copy->conn;
    int64_t rows = 0;
    buf_add_be16(&copy->out, UINT16_MAX);
    bool ok = copy_send(copy, err);
    if (ok && PQputCopyEnd(conn->pq, NULL) != 1) {
        ok = conn_fail(conn, NULL, err);
    }
    ok = ok && conn_flush(conn, err) && read_end(conn, &rows, err);
    copy_free(copy);
    if (!ok) {
        fail_transaction(conn, err);
        return false;
    }
    if (ret_rows) {
        *ret_rows = rows;
    }
    return true;
}

void pg_copy_abandon(PgCopy *copy) {
    PgConn *conn = copy->conn;
    Err ended;
    int64_t rows = 0;
    err_set(&ended, ERR_INTERNAL, "The copy was given up.");
    if (conn->lost || PQputCopyEnd(conn->pq, "given up") != 1 || !conn_flush(conn, &ended) || !read_end(conn, &rows, &ended)) {
        fail_transaction(conn, &ended);
    }
    copy_free(copy);
}

/* --- row-wise reading ------------------------------------------------------------------------------------------ */

/* One message of the stream: a row, the end of the rows, or a failure. */
static bool take_row(PgConn *conn, PGresult *result, bool *more, PgRowFn fn, void *arg, Err *err) {
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_SINGLE_TUPLE) {
        PgRows row = {(size_t)PQntuples(result), 0, result};
        return fn(&row, arg, err);
    }
    *more = false;
    return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || conn_fail(conn, result, err);
}

/* What was sent ahead of the statement: its preparation, BEGIN. */
static bool read_ahead(PgConn *conn, Err *err) {
    Sent statement = conn->sent[--conn->sent_count];
    bool ok = conn_read_sent(conn, err);
    conn->sent[0] = statement;
    conn->sent_count = 1;
    return ok;
}

static bool read_rows(PgConn *conn, PgRowFn fn, void *arg, Err *err) {
    bool more = true, ok = true;
    while (more && ok && !conn->lost) {
        CLEANUP(cleanup_result) PGresult *result = conn_next_result(conn);
        if (!result) {
            break;
        }
        ok = take_row(conn, result, &more, fn, arg, err);
    }
    if (ok && (more || conn->lost)) {
        conn->lost = true;
        ok = err_set(err, ERR_DATABASE_UNAVAILABLE, "The database stopped answering in the middle of a list. Try again shortly.");
    }
    return ok;
}

/* Up to the end of the pipeline, whatever still comes. A reader that stopped early does not want the rest. */
static void drain(PgConn *conn, bool ok) {
    if (!ok && !conn->lost) {
        conn_cancel(conn);
    }
    while (!conn->lost) {
        CLEANUP(cleanup_result) PGresult *result = conn_next_result(conn);
        if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
            break;
        }
        conn->lost = conn->lost || PQstatus(conn->pq) == CONNECTION_BAD;
    }
    conn->sent_count = 0;
}

bool pg_stream(PgConn *conn, const PgStmt *stmt, const PgArgs *args, PgRowFn fn, void *arg, Err *err) {
    if (!conn_send_statement(conn, stmt, args, SENT_STATEMENT, err)) {
        return false;
    }
    CONN_COUNT(conn, round_trips);
    bool ok = PQpipelineSync(conn->pq) || conn_fail(conn, NULL, err);
    ok = ok && read_ahead(conn, err);
    if (ok && !PQsetSingleRowMode(conn->pq)) {
        ok = conn_fail(conn, NULL, err);
    }
    ok = ok && read_rows(conn, fn, arg, err);
    drain(conn, ok);
    if (!ok) {
        fail_transaction(conn, err);
    }
    return ok;
}
