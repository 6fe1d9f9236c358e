/* Reads of several threads in one round trip. Under load most of what a point read costs is waking up the backend and the
 * thread that waits for it, and a transaction of its own. So while a read is on its way those that come meanwhile line up,
 * and whoever's turn is next takes all of them along: one connection, one transaction, one Sync. */
#include <semaphore.h>

#include "pg/conn.h"

enum {
    LEADERS = 2,       /* round trips under way at a time, so that neither PostgreSQL nor the server waits for the other */
    MOST_AT_ONCE = 24, /* with its preparation each takes two of SENT_MAX */
};

/* Lives on the stack of its thread, which sleeps until ANSWERED. */
struct SharedRead {
    const PgStmt *stmt;
    const PgArgs *args;
    Deadline deadline;
    SharedRead *next;
    PGresult *result; /* NULL: it asks alone */
    bool leads;       /* its turn: it takes others along */
    sem_t answered;
};

typedef struct Company {
    SharedRead *reads[MOST_AT_ONCE]; /* the first is the leader's own */
    size_t count;
    Deadline deadline; /* the earliest */
} Company;

/* ---- the leader ---- */

static void answer(SharedRead *read, PGresult *result) {
    read->result = result;
    sem_post(&read->answered); /* from here on it may be gone */
}

static void company_join(Company *c, SharedRead *read) {
    int64_t until = read->deadline.monotonic_us;
    if (until && (c->deadline.monotonic_us == 0 || until < c->deadline.monotonic_us)) {
        c->deadline = read->deadline;
    }
    c->reads[c->count++] = read;
}

/* How many could be sent: not all when the connection or an argument is no good. */
static size_t send_all(PgConn *conn, const Company *c, Err *err) {
    size_t n = 0;
    while (n < c->count && conn_send(conn, c->reads[n]->stmt, c->reads[n]->args, SENT_STATEMENT, err)) {
        n++;
    }
    return n;
}

/* Gives each its result as it comes; returns how many got one. What failed, and what stood behind it and was skipped for
 * that, is asked again by its owner alone: so nobody gets another's error. */
static size_t answer_some(PgConn *conn, const Company *c, size_t sent, Err *err) {
    size_t n = 0;
    bool ok = conn_sync(conn, err);
    for (size_t i = 0; i < conn->sent_count && !conn->lost; i++) {
        PGresult *result = NULL;
        ok = conn_read_one(conn, &conn->sent[i], !ok, &result, err) && ok;
        if (ok && conn->sent[i].kind == SENT_STATEMENT && n < sent) {
            answer(c->reads[n++], result);
        }
    }
    conn->sent_count = 0;
    (void)conn_read_sync(conn, ok, err);
    return n;
}

static void company_ask(Pg *pg, PgClass class, const Company *c) {
    Err ignored;
    size_t answered = 0;
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    if (pg_acquire(pg, class, c->deadline, &conn, &ignored)) {
        answered = answer_some(conn, c, send_all(conn, c, &ignored), &ignored);
    }
    for (size_t i = answered; i < c->count; i++) {
        answer(c->reads[i], NULL);
    }
}

/* ---- the queue ---- */

static SharedRead *take_locked(Pool *pool) {
    SharedRead *read = pool->readers;
    if (read) {
        pool->readers = read->next;
        pool->last_reader = pool->readers ? pool->last_reader : NULL;
    }
    return read;
}

/* True: the caller leads at once. */
static bool line_up(Pool *pool, SharedRead *read) {
    pthread_mutex_lock(&pool->readers_lock);
    bool leads = pool->leaders < LEADERS;
    if (leads) {
        pool->leaders++;
    } else {
        *(pool->readers ? &pool->last_reader->next : &pool->readers) = read;
        pool->last_reader = read;
    }
    pthread_mutex_unlock(&pool->readers_lock);
    return leads;
}

static Company gather(Pool *pool, SharedRead *own) {
    Company c = {.count = 0};
    company_join(&c, own);
    pthread_mutex_lock(&pool->readers_lock);
    for (SharedRead *read; c.count < MOST_AT_ONCE && (read = take_locked(pool));) {
        company_join(&c, read);
    }
    pthread_mutex_unlock(&pool->readers_lock);
    return c;
}

static void pass_turn_on(Pool *pool) {
    pthread_mutex_lock(&pool->readers_lock);
    SharedRead *next = take_locked(pool);
    if (next) {
        next->leads = true;
        sem_post(&next->answered);
    } else {
        pool->leaders--;
    }
    pthread_mutex_unlock(&pool->readers_lock);
}

static void wait_answered(SharedRead *read) {
    while (sem_wait(&read->answered) != 0) {
    }
}

/* ---- one read ---- */

static bool ask_alone(Pg *pg, PgClass class, const SharedRead *read, Arena *arena, PgRows *ret, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    return pg_acquire(pg, class, read->deadline, &conn, err) && pg_exec(conn, read->stmt, read->args, arena, ret, err);
}

bool pg_exec_shared(Pg *pg, PgClass class, Deadline deadline, const PgStmt *stmt, const PgArgs *args, Arena *arena, PgRows *ret,
                    Err *err) {
    Pool *pool = &pg->pools[class];
    SharedRead me = {.stmt = stmt, .args = args, .deadline = deadline};
    sem_init(&me.answered, 0, 0);
    if (line_up(pool, &me)) {
        me.leads = true;
    } else {
        wait_answered(&me);
    }
    Company company = {.count = 0};
    if (me.leads && (company = gather(pool, &me)).count > 1) {
        company_ask(pg, class, &company);
    }
    bool ok = me.result ? conn_rows(me.result, arena, ret, err) : ask_alone(pg, class, &me, arena, ret, err);
    if (me.leads) {
        pass_turn_on(pool);
    }
    sem_destroy(&me.answered);
    return ok;
}
