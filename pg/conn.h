/* Inside of pg/: one connection, its pipeline and its pool. */
#ifndef PROPOLIS_PG_CONN_H
#define PROPOLIS_PG_CONN_H

#include <libpq-fe.h>
#include <pthread.h>

#include "pg/pg.h"

/* What has been sent and not been answered yet, in order. */
typedef enum SentKind { SENT_STATEMENT, SENT_LATER, SENT_PREPARE, SENT_BEGIN, SENT_MARK, SENT_COMMIT } SentKind;

typedef struct Sent {
    SentKind kind;
    const PgStmt *stmt; /* of SENT_PREPARE */
} Sent;

enum { SENT_MAX = 64, CONSTRAINT_BYTES = 64, ARGS_MAX = 256 };

typedef enum TxnState { TXN_NONE, TXN_WANTED, TXN_OPEN, TXN_FAILED } TxnState;

typedef struct Pool Pool;

struct PgConn {
    PGconn *pq;
    Pg *pg;
    Pool *pool;
    PgConn *next_idle;
    Deadline deadline;
    int64_t idle_since_us;
    bool cancelled, committing;
    Sent sent[SENT_MAX];
    size_t sent_count;
    const PgStmt **prepared; /* open addressing by address, power of two */
    size_t prepared_count, prepared_capacity;
    TxnState txn;
    bool lost;          /* the connection cannot be used any more */
    bool discard;       /* works, but should not go back to the pool */
    Uuid id;            /* names its row in txn_marks, and */
    int64_t token;      /* what its current transaction writes there */
    bool has_marks;     /* the table was there when it connected */
    bool wrote_nothing; /* the mark said so */
    char backend_start[40];
    bool refused_early; /* the server answered something before COMMIT with an error, so it never began to commit */
    Err txn_err;        /* why txn is TXN_FAILED */
    char constraint[CONSTRAINT_BYTES];
};

struct Pool {
    const char *name;
    pthread_mutex_t lock;
    pthread_cond_t freed;
    PgConn *idle;
    int limit, open, in_use, waiting;
    PgPoolStats counts; /* only the counters */
};

struct Pg {
    Pool pools[PG_CLASS_COUNT];
    char *url, *schema, *application_name;
    int64_t statement_timeout_ms, connect_timeout_ms;
    pthread_mutex_t backoff_lock;
    int64_t no_connect_before_us;
    int64_t backoff_us;
    Err last_connect_err;
    uint64_t fail_countdown; /* pg_fail_at() */
};

bool conn_open(Pg *pg, Pool *pool, Deadline deadline, PgConn **ret, Err *err);
void conn_close(PgConn *conn);
bool conn_is_alive(PgConn *conn); /* an idle one: looks at the socket, no round trip */
#define CONN_COUNT(conn, counter) __atomic_add_fetch(&(conn)->pool->counts.counter, 1, __ATOMIC_RELAXED)

/* Fills err from what PostgreSQL said and notes whether the connection is gone. Always false. */
bool conn_fail(PgConn *conn, const PGresult *result, Err *err);

/* Sending; nothing waits. */
bool conn_send(PgConn *conn, const PgStmt *stmt, const PgArgs *args, SentKind kind, Err *err);
/* With BEGIN when it is due. */
bool conn_send_statement(PgConn *conn, const PgStmt *stmt, const PgArgs *args, SentKind kind, Err *err);
bool conn_read_sent(PgConn *conn, Err *err); /* the answers to what was sent, not the Sync behind them */
void conn_cancel(PgConn *conn);
bool conn_wait_input(PgConn *conn, Deadline deadline); /* false: nothing came */
/* Sends Sync and reads every answer. The result of the SENT_STATEMENT, if any, is put into RET. */
bool conn_round_trip(PgConn *conn, PGresult **ret, Err *err);
bool conn_settle(PgConn *conn, Err *err); /* a round trip when something is outstanding */
/* Waits, minding the deadline, for the next result as PQgetResult() gives it (which may be NULL). Past the deadline the
 * statement is cancelled and its error result awaited; a server that does not answer that either loses the connection. */
PGresult *conn_next_result(PgConn *conn);
bool conn_flush(PgConn *conn, Err *err); /* until libpq's buffer is written out */
/* Simple protocol, outside pipeline mode; a BEGIN that is wanted goes first. Gives the last result, or the first that is
 * not a success, or a COPY that has begun (then the connection stays outside pipeline mode). */
bool conn_simple(PgConn *conn, const char *sql, PGresult **ret, Err *err);
void conn_prepared_add(PgConn *conn, const PgStmt *stmt);
bool conn_prepared_has(const PgConn *conn, const PgStmt *stmt);
void conn_prepared_remove(PgConn *conn, const PgStmt *stmt);

/* What libpq said, in one line, as the detail of ERR. */
void conn_said(Err *err, const char *said);

void cleanup_result(PGresult **result);

#endif
