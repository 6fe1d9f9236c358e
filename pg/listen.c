/* Waiting for NOTIFY, on a connection of its own. */
#include "pg/conn.h"

struct PgListener {
    PgConn *conn;
};

bool pg_listen(Pg *pg, const char *channel, PgListener **ret, Err *err) {
    PgConn *conn = NULL;
    if (!conn_open(pg, &pg->pools[PG_READ], deadline_in_ms(pg->connect_timeout_ms), &conn, err)) {
        return false;
    }
    char sql[128];
    char *name = PQescapeIdentifier(conn->pq, channel, strlen(channel));
    snprintf(sql, sizeof sql, "LISTEN %s", name ? name : "");
    PQfreemem(name);
    PgListener *listener = calloc(1, sizeof *listener);
    if (!listener || !pg_script(conn, sql, err)) {
        conn_close(conn);
        free(listener);
        return listener ? false : err_set(err, ERR_OVERLOADED, "Out of memory.");
    }
    listener->conn = conn;
    *ret = listener;
    return true;
}

static bool take_notifications(PgConn *conn) {
    PGnotify *n;
    bool any = false;
    while ((n = PQnotifies(conn->pq))) {
        any = true;
        PQfreemem(n);
    }
    return any;
}

bool pg_listen_wait(PgListener *listener, Deadline deadline, bool *ret_notified, Err *err) {
    PgConn *conn = listener->conn;
    *ret_notified = take_notifications(conn);
    if (!*ret_notified && conn_wait_input(conn, deadline)) {
        if (!PQconsumeInput(conn->pq)) {
            return conn_fail(conn, NULL, err);
        }
        *ret_notified = take_notifications(conn);
    }
    return true;
}

void pg_listen_close(PgListener *listener) {
    if (listener) {
        conn_close(listener->conn);
        free(listener);
    }
}
