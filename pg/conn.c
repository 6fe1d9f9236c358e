#include "pg/conn.h"

#include <ctype.h>
#include <poll.h>
#include <pthread.h>

#include "base/buf.h"
#include "base/log.h"

enum { OLDEST_SERVER = 150000, CANCEL_GRACE_MS = 2000, COMMIT_WAIT_MS = 30000 };

void cleanup_result(PGresult **result) {
    PQclear(*result);
    *result = NULL;
}

/* --- waiting --------------------------------------------------------------------------------------------------- */

static void *send_cancel(void *handle) {
    char why[256];
    if (!PQcancel(handle, why, sizeof why)) {
        log_debug("cancelling a statement failed: %s", why);
    }
    PQfreeCancel(handle);
    return NULL;
}

/* PQcancel() waits until the server has heard it, without end when that one is frozen or cut off: not on our time. */
void conn_cancel(PgConn *conn) {
    pthread_t thread;
    PGcancel *handle = PQgetCancel(conn->pq);
    if (handle && pthread_create(&thread, NULL, send_cancel, handle) == 0) {
        pthread_detach(thread);
    } else {
        PQfreeCancel(handle);
    }
    conn->cancelled = true;
    conn->discard = true; /* a late signal must not hit the next user's statement */
}

/* Past the deadline: first cancel, then give the connection up. A COMMIT is never cancelled. */
static bool over_time(PgConn *conn, Deadline *limit) {
    if (conn->committing || conn->cancelled) {
        conn->lost = true;
        return false;
    }
    conn_cancel(conn);
    *limit = deadline_in_ms(CANCEL_GRACE_MS);
    return true;
}

static bool wait_socket(PgConn *conn, short events, Deadline *limit) {
    int64_t left = deadline_left_ms(*limit);
    struct pollfd p = {.fd = PQsocket(conn->pq), .events = events};
    int n = poll(&p, 1, left > INT_MAX ? -1 : (int)left);
    return n != 0 || over_time(conn, limit);
}

bool conn_wait_input(PgConn *conn, Deadline deadline) {
    struct pollfd p = {.fd = PQsocket(conn->pq), .events = POLLIN};
    int64_t left = deadline_left_ms(deadline);
    return poll(&p, 1, left > INT_MAX ? -1 : (int)left) > 0;
}

static Deadline waiting_limit(const PgConn *conn) {
    return conn->committing ? deadline_in_ms(COMMIT_WAIT_MS) : conn->cancelled ? deadline_in_ms(CANCEL_GRACE_MS) : conn->deadline;
}

PGresult *conn_next_result(PgConn *conn) {
    Deadline limit = waiting_limit(conn);
    int unsent = PQflush(conn->pq);
    while (PQisBusy(conn->pq) && PQstatus(conn->pq) == CONNECTION_OK) {
        if (!wait_socket(conn, (short)(POLLIN | (unsent > 0 ? POLLOUT : 0)), &limit)) {
            return NULL;
        }
        PQconsumeInput(conn->pq); /* what it fails with, PQgetResult() tells */
        unsent = unsent > 0 ? PQflush(conn->pq) : 0;
    }
    return PQgetResult(conn->pq);
}

bool conn_flush(PgConn *conn, Err *err) {
    Deadline limit = waiting_limit(conn);
    int unsent;
    while ((unsent = PQflush(conn->pq)) > 0) {
        if (!wait_socket(conn, POLLIN | POLLOUT, &limit) || !PQconsumeInput(conn->pq)) {
            break;
        }
    }
    return unsent == 0 || conn_fail(conn, NULL, err);
}

/* --- opening --------------------------------------------------------------------------------------------------- */

/* True when there is nothing to wait for any more, connected or not. */
static bool connect_step(PGconn *pq, PostgresPollingStatusType *status, Deadline limit) {
    short events = *status == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    struct pollfd p = {.fd = PQsocket(pq), .events = events};
    int n = poll(&p, 1, (int)MIN(deadline_left_ms(limit), (int64_t)INT_MAX));
    if (n == 0) {
        *status = PGRES_POLLING_FAILED;
    } else {
        *status = PQconnectPoll(pq);
    }
    return *status == PGRES_POLLING_OK || *status == PGRES_POLLING_FAILED;
}

void conn_said(Err *err, const char *said) {
    err_detail(err, "%s", said);
    char *to = err->detail;
    for (const char *from = err->detail; *from; from++) {
        bool space = isspace((unsigned char)*from);
        if (!space || (to > err->detail && to[-1] != ' ')) {
            *to++ = space ? ' ' : *from;
        }
    }
    *to = 0;
    if (to > err->detail && to[-1] == ' ') {
        to[-1] = 0;
    }
}

/* libpq gives no result for a failed connection, but with PQERRORS_VERBOSE its text says "FATAL:  28P01: password ...".
 * Takes the codes and the place in PostgreSQL's source out of TEXT; RET_STATE: the last code, "" without one. */
static void take_state(char *text, char ret_state[6]) {
    enum { STATE = 5 };
    char *to = text;
    ret_state[0] = 0;
    for (const char *from = text; *from;) {
        bool code = from - text >= 3 && strncmp(from - 3, ":  ", 3) == 0 &&
                    strspn(from, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == STATE && strncmp(from + STATE, ": ", 2) == 0;
        if (code) {
            memcpy(ret_state, from, STATE);
            ret_state[STATE] = 0;
            from += STATE + 2;
        } else if (strncmp(from, "\nLOCATION:", 10) == 0) {
            from += 1 + strcspn(from + 1, "\n");
        } else {
            *to++ = *from++;
        }
    }
    *to = 0;
}

/* Waiting helps against none of the first ones, but somebody may mend them while the server runs, so all are the same code. */
static const char *why_refused(PGconn *pq, const char *state) {
    if (pq && PQconnectionNeedsPassword(pq)) {
        return "The database wants a password and none is given. Set database.password, best by PROPOLIS_DATABASE_PASSWORD.";
    }
    if (strcmp(state, "28P01") == 0) {
        return "The database refuses the user or the password. Correct the user in database.url and database.password.";
    }
    if (strncmp(state, "28", 2) == 0) {
        return "The database does not let this user in. Correct the user in database.url, or let it in from here in the "
               "database's pg_hba.conf.";
    }
    if (strcmp(state, "3D000") == 0) {
        return "The database that database.url names does not exist. Correct the name, or make it with CREATE DATABASE ... "
               "ENCODING 'UTF8' TEMPLATE template0.";
    }
    return "The database cannot be reached. Try again shortly.";
}

static bool say_refused(PGconn *pq, Err *err) {
    char said[2048], state[6];
    snprintf(said, sizeof said, "%s", pq ? PQerrorMessage(pq) : "");
    take_state(said, state);
    err_set(err, ERR_DATABASE_UNAVAILABLE, "%s", why_refused(pq, state));
    conn_said(err, *said ? said : "no answer in time");
    return false;
}

static bool connect_wait(PGconn *pq, Deadline limit, Err *err) {
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;
    if (pq && PQstatus(pq) != CONNECTION_BAD) {
        while (!connect_step(pq, &status, limit)) {
        }
    }
    if (pq && PQstatus(pq) == CONNECTION_OK) {
        PQsetErrorVerbosity(pq, PQERRORS_DEFAULT);
        return true;
    }
    return say_refused(pq, err);
}

static bool is_usable(PGconn *pq, Err *err) {
    int version = PQserverVersion(pq);
    if (version < OLDEST_SERVER) {
        return err_set(err, ERR_INVALID_CONFIG,
                       "PostgreSQL %d.%d is too old: version 15 or newer is needed. Point database.url at a newer one.",
                       version / 10000, version % 10000);
    }
    const char *encoding = PQparameterStatus(pq, "server_encoding");
    if (encoding && strcmp(encoding, "UTF8") != 0) {
        return err_set(err, ERR_INVALID_CONFIG,
                       "The database's encoding is %s, but names and texts need UTF8. Create a database with "
                       "CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0 and point database.url at it.",
                       encoding);
    }
    return true;
}

/* One round trip for a new connection. Settings of the user's server that make it safer are left alone. Plans are made once:
 * without enable_seqscan = off one made while a table had a single page would still read all of it when it has thousands. */
static bool set_session(PgConn *conn, Err *err) {
    CLEANUP(buf_free) Buf sql = BUF_INIT(4096);
    char *schema = PQescapeIdentifier(conn->pq, conn->pg->schema, strlen(conn->pg->schema));
    buf_printf(&sql,
               "SET search_path = %s; SET statement_timeout = %" PRId64 "; SET timezone = 'UTC'; SET jit = off;"
               "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET standard_conforming_strings = on;"
               "SET client_min_messages = warning; SET default_transaction_isolation = 'read committed';"
               "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';"
               "SELECT to_regclass('txn_marks') IS NOT NULL, (SELECT backend_start FROM pg_stat_get_activity(pg_backend_pid()))",
               schema ? schema : "propolis", conn->pg->statement_timeout_ms);
    PQfreemem(schema);
    buf_add_char(&sql, 0);
    CLEANUP(cleanup_result) PGresult *result = NULL;
    if (!buf_check(&sql, "the session settings", err) || !conn_simple(conn, sql.ptr, &result, err)) {
        return false;
    }
    if (PQntuples(result) == 1) {
        conn->has_marks = PQgetvalue(result, 0, 0)[0] == 't';
        snprintf(conn->backend_start, sizeof conn->backend_start, "%s", PQgetvalue(result, 0, 1));
    }
    return true;
}

static void drop_notice(void *arg, const PGresult *result) {
    (void)arg;
    log_debug("PostgreSQL: %s", PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
}

static PGconn *start(const Pg *pg) {
    const char *keys[] = {"dbname", "application_name", "client_encoding", NULL};
    const char *values[] = {pg->url, pg->application_name, "UTF8", NULL};
    PGconn *pq = PQconnectStartParams(keys, values, 1);
    PQsetNoticeReceiver(pq, drop_notice, NULL);
    PQsetErrorVerbosity(pq, PQERRORS_VERBOSE); /* until it is open: see take_state() */
    return pq;
}

bool conn_open(Pg *pg, Pool *pool, Deadline deadline, PgConn **ret, Err *err) {
    PgConn *conn = calloc(1, sizeof *conn);
    if (!conn) {
        return err_set(err, ERR_OVERLOADED, "Out of memory for a database connection.");
    }
    *conn = (PgConn){.pg = pg, .pool = pool, .pq = start(pg), .id = uuid_random()};
    conn->deadline = deadline_in_ms(MIN(pg->connect_timeout_ms, deadline_left_ms(deadline)));
    if (!connect_wait(conn->pq, conn->deadline, err) || !is_usable(conn->pq, err)) {
        conn_close(conn);
        return false;
    }
    if (PQsetnonblocking(conn->pq, 1) || !PQenterPipelineMode(conn->pq) || !set_session(conn, err)) {
        if (PQstatus(conn->pq) == CONNECTION_BAD) {
            conn_fail(conn, NULL, err);
        }
        conn_close(conn);
        return false;
    }
    conn->deadline = deadline;
    *ret = conn;
    return true;
}

void conn_close(PgConn *conn) {
    if (conn) {
        PQfinish(conn->pq);
        free(conn->prepared);
        free(conn);
    }
}

/* Nobody speaks to an idle connection except to say goodbye. (A changed parameter may be announced too; then a healthy
 * connection is closed, which is rare and harmless.) */
bool conn_is_alive(PgConn *conn) {
    struct pollfd p = {.fd = PQsocket(conn->pq), .events = POLLIN};
    return poll(&p, 1, 0) == 0;
}

int pg_server_version(const PgConn *conn) { return PQserverVersion(conn->pq); }

/* --- which statements this connection has prepared -------------------------------------------------------------- */

static size_t slot_of(const PgConn *conn, const PgStmt *stmt) {
    size_t mask = conn->prepared_capacity - 1;
    size_t at = (size_t)((uintptr_t)stmt * 0x9E3779B97F4A7C15ULL >> 32) & mask;
    while (conn->prepared[at] && conn->prepared[at] != stmt) {
        at = (at + 1) & mask;
    }
    return at;
}

bool conn_prepared_has(const PgConn *conn, const PgStmt *stmt) {
    return conn->prepared_capacity && conn->prepared[slot_of(conn, stmt)] == stmt;
}

static void prepared_grow(PgConn *conn) {
    size_t old_capacity = conn->prepared_capacity, capacity = old_capacity ? old_capacity * 2 : 64;
    const PgStmt **old = conn->prepared;
    const PgStmt **fresh = calloc(capacity, sizeof(*fresh));
    if (!fresh) {
        abort();
    }
    conn->prepared = fresh;
    conn->prepared_capacity = capacity;
    for (size_t i = 0; i < old_capacity; i++) {
        if (old[i]) {
            conn->prepared[slot_of(conn, old[i])] = old[i];
        }
    }
    free(old);
}

void conn_prepared_add(PgConn *conn, const PgStmt *stmt) {
    if (conn->prepared_count * 2 >= conn->prepared_capacity) {
        prepared_grow(conn);
    }
    conn->prepared[slot_of(conn, stmt)] = stmt;
    conn->prepared_count++;
}

void conn_prepared_remove(PgConn *conn, const PgStmt *stmt) {
    size_t mask = conn->prepared_capacity - 1, at = slot_of(conn, stmt);
    conn->prepared[at] = NULL;
    conn->prepared_count--;
    /* Those behind it in the same run may have been displaced by it. */
    for (size_t i = (at + 1) & mask; conn->prepared[i]; i = (i + 1) & mask) {
        const PgStmt *moved = conn->prepared[i];
        conn->prepared[i] = NULL;
        conn->prepared[slot_of(conn, moved)] = moved;
    }
}
