/* Several reads in one round trip. Most of what a point read costs is waking up the backend and whoever waits for it, and a
 * transaction of its own; together they need one connection, one transaction and one Sync. */
#include "pg/conn.h"

enum { MOST_AT_ONCE = 24 }; /* with its preparation each takes two of SENT_MAX */

static Deadline earliest(const PgAsk *asks, size_t count) {
    Deadline earliest = {0};
    for (size_t i = 0; i < count; i++) {
        int64_t until = asks[i].deadline.monotonic_us;
        if (until && (earliest.monotonic_us == 0 || until < earliest.monotonic_us)) {
            earliest = asks[i].deadline;
        }
    }
    return earliest;
}

/* How many could be sent: not all when the connection or an argument is no good. */
static size_t send_all(PgConn *conn, const PgAsk *asks, size_t count, Err *err) {
    size_t n = 0;
    while (n < count && conn_send(conn, asks[n].stmt, &asks[n].args, SENT_STATEMENT, err)) {
        n++;
    }
    return n;
}

/* How many got their rows, from the first on. What fails makes PostgreSQL skip what stands behind it. */
static size_t read_all(PgConn *conn, PgAsk *asks, size_t sent, Err *err) {
    size_t n = 0;
    bool ok = conn_sync(conn, err);
    for (size_t i = 0; i < conn->sent_count && !conn->lost; i++) {
        PGresult *result = NULL;
        ok = conn_read_one(conn, &conn->sent[i], !ok, &result, err) && ok;
        if (ok && conn->sent[i].kind == SENT_STATEMENT && n < sent) {
            asks[n].ok = conn_rows(result, asks[n].arena, &asks[n].rows, &asks[n].err);
            n++;
        }
    }
    conn->sent_count = 0;
    (void)conn_read_sync(conn, ok, err);
    return n;
}

static size_t ask_together(Pg *pg, PgClass class, PgAsk *asks, size_t count) {
    Err ignored;
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    if (!pg_acquire(pg, class, earliest(asks, count), &conn, &ignored)) {
        return 0;
    }
    return read_all(conn, asks, send_all(conn, asks, count, &ignored), &ignored);
}

static bool ask_alone(Pg *pg, PgClass class, PgAsk *ask) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    return pg_acquire(pg, class, ask->deadline, &conn, &ask->err) &&
           pg_exec(conn, ask->stmt, &ask->args, ask->arena, &ask->rows, &ask->err);
}

/* Where a company broke off, one goes alone: it gets its own error, and nobody gets another's. */
void pg_exec_each(Pg *pg, PgClass class, PgAsk *asks, size_t count) {
    for (size_t done = 0; done < count;) {
        size_t n = MIN(count - done, (size_t)MOST_AT_ONCE), answered = n > 1 ? ask_together(pg, class, asks + done, n) : 0;
        done += answered;
        if (answered < n) {
            asks[done].ok = ask_alone(pg, class, &asks[done]);
            done++;
        }
    }
}
