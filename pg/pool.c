#include "pg/conn.h"

#include <errno.h>
#include <time.h>

#include "base/log.h"

enum { DEFAULT_READ = 8, DEFAULT_BULK = 4, DEFAULT_CONNECT_MS = 5000, BACKOFF_FIRST_US = 50000, BACKOFF_MOST_US = 1000000 };

/* A connection released a moment ago is not looked at again: under load that would be a system call for every statement. */
enum { TRUSTED_US = 5000 };

static const char *const CLASS_NAMES[PG_CLASS_COUNT] = {"read", "bulk"};
static const int CLASS_DEFAULTS[PG_CLASS_COUNT] = {DEFAULT_READ, DEFAULT_BULK};

/* --- opening --------------------------------------------------------------------------------------------------- */

static bool check_url(const char *url, Err *err) {
    char *why = NULL;
    PQconninfoOption *parsed = PQconninfoParse(url, &why);
    PQconninfoFree(parsed);
    PQfreemem(why); /* not shown: it may quote the password */
    if (!parsed) {
        return err_set(err, ERR_INVALID_CONFIG,
                       "database.url is not a PostgreSQL address. Write postgresql://user@host:5432/database or "
                       "host=... dbname=...");
    }
    return true;
}

static void pool_init(Pool *pool, const char *name, int limit) {
    *pool = (Pool){.name = name, .limit = limit};
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->freed, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&pool->lock, NULL);
}

static char *copy(Str s, const char *otherwise) { return str_is_null(s) ? strdup(otherwise) : strndup(s.ptr, s.len); }

bool pg_open(const PgOptions *options, Pg **ret, Err *err) {
    Pg *pg = calloc(1, sizeof *pg);
    if (!pg) {
        return err_set(err, ERR_INTERNAL, "Out of memory.");
    }
    pg->url = copy(options->url, "");
    pg->schema = copy(options->schema, "propolis");
    pg->application_name = copy(options->application_name, "propolis");
    pg->statement_timeout_ms = options->statement_timeout_ms;
    pg->connect_timeout_ms = options->connect_timeout_ms > 0 ? options->connect_timeout_ms : DEFAULT_CONNECT_MS;
    pthread_mutex_init(&pg->backoff_lock, NULL);
    for (int i = 0; i < PG_CLASS_COUNT; i++) {
        pool_init(&pg->pools[i], CLASS_NAMES[i], options->pool[i] > 0 ? options->pool[i] : CLASS_DEFAULTS[i]);
    }
    if (!pg->url || !pg->schema || !pg->application_name || !check_url(pg->url, err)) {
        pg_close(pg);
        return false;
    }
    *ret = pg;
    return true;
}

static void pool_close(Pool *pool) {
    while (pool->idle) {
        PgConn *conn = pool->idle;
        pool->idle = conn->next_idle;
        conn_close(conn);
    }
    pthread_cond_destroy(&pool->freed);
    pthread_mutex_destroy(&pool->lock);
}

void pg_close(Pg *pg) {
    if (!pg) {
        return;
    }
    for (int i = 0; i < PG_CLASS_COUNT; i++) {
        pool_close(&pg->pools[i]);
    }
    pthread_mutex_destroy(&pg->backoff_lock);
    free(pg->url);
    free(pg->schema);
    free(pg->application_name);
    free(pg);
}

const char *pg_schema(const Pg *pg) { return pg->schema; }

/* --- backoff: while the database is away one caller tries now and then, the others are told at once ------------- */

static bool may_connect(Pg *pg, Err *err) {
    pthread_mutex_lock(&pg->backoff_lock);
    int64_t now = clock_monotonic_us();
    bool may = now >= pg->no_connect_before_us;
    if (!may) {
        *err = pg->last_connect_err;
    } else if (pg->backoff_us) {
        pg->no_connect_before_us = now + pg->backoff_us; /* the others wait for what this caller finds */
    }
    pthread_mutex_unlock(&pg->backoff_lock);
    return may;
}

static void note_connect(Pg *pg, bool ok, const Err *err) {
    pthread_mutex_lock(&pg->backoff_lock);
    if (ok) {
        pg->backoff_us = pg->no_connect_before_us = 0;
    } else {
        pg->backoff_us = pg->backoff_us ? MIN(pg->backoff_us * 2, (int64_t)BACKOFF_MOST_US) : BACKOFF_FIRST_US;
        pg->no_connect_before_us = clock_monotonic_us() + pg->backoff_us;
        pg->last_connect_err = *err;
    }
    pthread_mutex_unlock(&pg->backoff_lock);
}

static bool connect_new(Pg *pg, Pool *pool, Deadline deadline, PgConn **ret, Err *err) {
    if (!may_connect(pg, err)) {
        return false;
    }
    bool ok = conn_open(pg, pool, deadline, ret, err);
    note_connect(pg, ok, err);
    __atomic_add_fetch(ok ? &pool->counts.connected : &pool->counts.connect_failures, 1, __ATOMIC_RELAXED);
    return ok;
}

/* --- lending --------------------------------------------------------------------------------------------------- */

static bool wait_freed(Pool *pool, Deadline deadline) {
    if (deadline.monotonic_us == 0) {
        return pthread_cond_wait(&pool->freed, &pool->lock) == 0;
    }
    struct timespec until = {deadline.monotonic_us / 1000000, deadline.monotonic_us % 1000000 * 1000};
    return pthread_cond_timedwait(&pool->freed, &pool->lock, &until) != ETIMEDOUT;
}

/* Takes an idle connection, or the right to open one (*ret stays NULL). Called with the lock held. */
static bool take_slot(Pool *pool, Deadline deadline, PgConn **ret) {
    bool waited = false, in_time = true;
    while (!pool->idle && pool->open >= pool->limit && in_time) {
        pool->counts.waited += !waited;
        waited = true;
        pool->waiting++;
        in_time = wait_freed(pool, deadline);
        pool->waiting--;
    }
    *ret = pool->idle;
    if (pool->idle) {
        pool->idle = pool->idle->next_idle;
    } else if (pool->open < pool->limit) {
        pool->open++;
    } else {
        pool->counts.overloaded++;
        return false;
    }
    pool->in_use++;
    return true;
}

static void give_slot_back(Pool *pool) {
    pthread_mutex_lock(&pool->lock);
    pool->open--;
    pool->in_use--;
    pthread_cond_signal(&pool->freed);
    pthread_mutex_unlock(&pool->lock);
}

bool pg_acquire(Pg *pg, PgClass class, Deadline deadline, PgConn **ret, Err *err) {
    Pool *pool = &pg->pools[class];
    PgConn *conn = NULL;
    pthread_mutex_lock(&pool->lock);
    bool got = take_slot(pool, deadline, &conn);
    pool->counts.acquired += got;
    pthread_mutex_unlock(&pool->lock);
    if (!got) {
        return err_set(err, ERR_OVERLOADED,
                       "All %d database connections for %s work are busy. Try again later, or raise database.pool.%s.", pool->limit,
                       pool->name, pool->name);
    }
    if (conn && clock_monotonic_us() - conn->idle_since_us > TRUSTED_US && !conn_is_alive(conn)) {
        __atomic_add_fetch(&pool->counts.lost, 1, __ATOMIC_RELAXED);
        conn_close(conn);
        conn = NULL;
    }
    if (!conn && !connect_new(pg, pool, deadline, &conn, err)) {
        give_slot_back(pool);
        return false;
    }
    conn->deadline = deadline;
    conn->constraint[0] = 0;
    *ret = conn;
    return true;
}

static bool is_reusable(const PgConn *conn) {
    return !conn->lost && !conn->discard && conn->sent_count == 0 && PQtransactionStatus(conn->pq) == PQTRANS_IDLE &&
           PQpipelineStatus(conn->pq) == PQ_PIPELINE_ON;
}

void pg_release(PgConn *conn) {
    if (!conn) {
        return;
    }
    Pool *pool = conn->pool;
    if (!is_reusable(conn)) {
        __atomic_add_fetch(&pool->counts.lost, conn->lost, __ATOMIC_RELAXED);
        conn_close(conn);
        give_slot_back(pool);
        return;
    }
    conn->txn = TXN_NONE;
    conn->cancelled = false;
    conn->idle_since_us = clock_monotonic_us();
    pthread_mutex_lock(&pool->lock);
    conn->next_idle = pool->idle;
    pool->idle = conn;
    pool->in_use--;
    pthread_cond_signal(&pool->freed);
    pthread_mutex_unlock(&pool->lock);
}

void pg_reconnect(Pg *pg) {
    for (int i = 0; i < PG_CLASS_COUNT; i++) {
        Pool *pool = &pg->pools[i];
        pthread_mutex_lock(&pool->lock);
        while (pool->idle) {
            PgConn *conn = pool->idle;
            pool->idle = conn->next_idle;
            pool->open--;
            conn_close(conn);
        }
        pthread_cond_broadcast(&pool->freed);
        pthread_mutex_unlock(&pool->lock);
    }
}

void pg_conn_cleanup(PgConn **conn) {
    pg_release(*conn);
    *conn = NULL;
}

bool pg_ping(Pg *pg, Deadline deadline, Err *err) {
    static const PgStmt stmt = {"ping", "SELECT 1"};
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    return pg_acquire(pg, PG_READ, deadline, &conn, err) && pg_exec(conn, &stmt, NULL, NULL, NULL, err);
}

void pg_pool_stats(Pg *pg, PgClass class, PgPoolStats *ret) {
    Pool *pool = &pg->pools[class];
    pthread_mutex_lock(&pool->lock);
    *ret = pool->counts;
    ret->name = pool->name;
    ret->limit = pool->limit;
    ret->open = pool->open;
    ret->in_use = pool->in_use;
    ret->waiting = pool->waiting;
    pthread_mutex_unlock(&pool->lock);
}
