/* What PostgreSQL says went wrong -> our error codes. Its words go to the log only: they may quote data. */
#include "pg/conn.h"

static bool in_class(const char *state, const char *two) { return strncmp(state, two, 2) == 0; }
static bool is(const char *state, const char *five) { return strcmp(state, five) == 0; }

static bool is_stale_plan(const char *state, const PGresult *result) {
    const char *function = PQresultErrorField(result, PG_DIAG_SOURCE_FUNCTION);
    return is(state, "26000") || (is(state, "0A000") && function && strcmp(function, "RevalidateCachedQuery") == 0);
}

static void say_unavailable(Err *err, const char *state) {
    if (is(state, "53100") || is(state, "58030")) {
        err_set(err, ERR_DATABASE_UNAVAILABLE,
                "The database cannot write: its disk is full or failing. Nothing was changed; free space where its data "
                "directory lies and try again.");
    } else if (is(state, "53300")) {
        err_set(err, ERR_DATABASE_UNAVAILABLE,
                "The database accepts no more connections (its max_connections is reached). Try again later, or lower "
                "this server's pools or raise max_connections.");
    } else if (is(state, "25006")) {
        err_set(err, ERR_DATABASE_UNAVAILABLE,
                "The database is read-only, probably a standby. Try again when the failover is done; with several hosts in "
                "database.url add target_session_attrs=read-write.");
    } else if (in_class(state, "53")) {
        err_set(err, ERR_DATABASE_UNAVAILABLE, "The database ran short of a resource (memory). Try again later.");
    } else {
        err_set(err, ERR_DATABASE_UNAVAILABLE, "The database is not available at the moment. Try again shortly.");
    }
}

static void say(Err *err, const char *state, const PgConn *conn) {
    if (is(state, "40001") || is(state, "40P01") || is(state, "55P03")) {
        err_set(err, ERR_RETRY, "Another change got in between. Try again.");
    } else if (is(state, "23505")) {
        err_set(err, ERR_CONFLICT, "The same name or key exists already.");
    } else if (is(state, "23503")) {
        err_set(err, ERR_CONFLICT, "Something this depends on was removed, or is still in use.");
    } else if (is(state, "57014")) {
        err_set(err, ERR_TIMEOUT, "The database did not finish in time%s, so the statement was cancelled.",
                conn->cancelled ? "" : " (database.statement_timeout)");
    } else if (is(state, "22021") || is(state, "22P05")) {
        err_set(err, ERR_INVALID_INPUT, "A text holds a character that cannot be stored: NUL or invalid UTF-8.");
    } else if (in_class(state, "54")) {
        err_set(err, ERR_LIMIT_EXCEEDED, "A value is too long for an index of the database.");
    } else if ((in_class(state, "08") && !is(state, "08P01")) || in_class(state, "53") || in_class(state, "57") ||
               is(state, "58030") || is(state, "25006")) {
        say_unavailable(err, state);
    } else {
        err_set(err, ERR_INTERNAL, "The database refused a statement. The server's log says why.");
    }
}

static void note_constraint(PgConn *conn, const PGresult *result) {
    const char *name = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
    snprintf(conn->constraint, sizeof conn->constraint, "%s", name ? name : "");
}

/* A limit on the size of files is a full disk by another name, but PostgreSQL has no code for it. */
static bool is_file_limit(const char *state, const char *said) {
    return is(state, "XX000") && said && strstr(said, "File too large");
}

bool conn_fail(PgConn *conn, const PGresult *result, Err *err) {
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const char *severity = result ? PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED) : NULL;
    const char *said = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    if (PQstatus(conn->pq) == CONNECTION_BAD || (severity && (is(severity, "FATAL") || is(severity, "PANIC")))) {
        conn->lost = true;
    }
    if (!state) { /* libpq itself: the connection broke */
        conn->lost = true;
        say_unavailable(err, "08006");
        conn_said(err, PQerrorMessage(conn->pq));
        return false;
    }
    if (is_stale_plan(state, result)) {
        conn->discard = true;
        err_set(err, ERR_RETRY, "The database's schema changed meanwhile. Try again.");
    } else if (conn->lost) {
        say_unavailable(err, state);
    } else {
        say(err, is_file_limit(state, said) ? "53100" : state, conn);
    }
    conn->discard = conn->discard || is(state, "25006");
    note_constraint(conn, result);
    err_detail(err, "%s %s", state, said ? said : "");
    return false;
}

const char *pg_violated_constraint(const PgConn *conn) { return conn->constraint; }
