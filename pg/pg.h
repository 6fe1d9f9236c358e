/* pg: PostgreSQL and nothing of our model.
 *
 * Purpose:   connection pools, prepared statements with binary arguments and results, transactions that survive
 *            serialization failures and lost connections, bulk COPY; beside it migrations (migrate.h), the private
 *            cluster (embedded.h) and dump/restore helpers (backup.h). libpq is seen here and in SQL folders only.
 * Ownership: results belong to the Arena given to the call (Strs alias the result, valid as long as the arena); a
 *            PgConn belongs to its pool and is only lent out.
 * Threads:   Pg may be used by any number of threads; a PgConn by one at a time.
 *
 * Round trips: statements are sent in libpq's pipeline mode. BEGIN, a first preparation and everything given to
 * pg_exec_later() travel with the next statement that waits, or with COMMIT. So a transaction of "select for update,
 * then four writes" waits twice: BEGIN + select; writes + COMMIT. */
#ifndef PROPOLIS_PG_PG_H
#define PROPOLIS_PG_PG_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/map.h"

typedef struct Pg Pg;
typedef struct PgConn PgConn;

/* Two pools, so that bulk work cannot starve small reads. */
typedef enum PgClass { PG_READ, PG_BULK, PG_CLASS_COUNT } PgClass;

typedef struct PgOptions {
    Str url;                      /* postgresql:// URL or libpq key=value text */
    Str schema;                   /* null: "propolis" */
    Str application_name;         /* null: "propolis" */
    int pool[PG_CLASS_COUNT];     /* most connections of each class; 0: 8 and 4 */
    int64_t statement_timeout_ms; /* per statement, set on the session; 0: none */
    int64_t connect_timeout_ms;   /* 0: 5 s */
} PgOptions;

/* --- pools ----------------------------------------------------------------------------------------------------- */

/* Checks the URL; connections are made when first needed. */
bool pg_open(const PgOptions *options, Pg **ret, Err *err) WARN_UNUSED;
void pg_close(Pg *pg); /* every connection must have been released */
/* Waits for a free connection until DEADLINE, then ERR_OVERLOADED. ERR_DATABASE_UNAVAILABLE when the database cannot be
 * reached: at once while a recent attempt failed, so that nobody queues up behind a dead server. The deadline stays
 * with the connection: statements running past it are cancelled and fail with ERR_TIMEOUT. */
bool pg_acquire(Pg *pg, PgClass class, Deadline deadline, PgConn **ret, Err *err) WARN_UNUSED;
void pg_release(PgConn *conn);                                 /* NULL is fine */
void pg_conn_cleanup(PgConn **conn);                           /* for CLEANUP() */
bool pg_ping(Pg *pg, Deadline deadline, Err *err) WARN_UNUSED; /* one statement there and back */
const char *pg_schema(const Pg *pg);

typedef struct PgPoolStats {
    const char *name; /* "read", "bulk" */
    int limit, open, in_use, waiting;
    uint64_t acquired, waited, overloaded; /* counts since start */
    uint64_t connected, connect_failures, lost;
    uint64_t statements, round_trips, retries, in_doubt;
} PgPoolStats;

void pg_pool_stats(Pg *pg, PgClass class, PgPoolStats *ret);
/* Test hook: the connection of the Nth round trip from now (1 = next) breaks as it begins. 0 switches it off. */
void pg_fail_at(Pg *pg, uint64_t nth);

/* --- statements ------------------------------------------------------------------------------------------------ */

/* Static. Prepared once per connection under its name, which must be unique in the program, and planned generically.
 * NULL as name: text made at run time, parsed on every call. */
typedef struct PgStmt {
    const char *name;
    const char *sql;
} PgStmt;

/* Arguments in the order $1, $2...; values are sent in binary and may point into memory that lives until the call. Each
 * function declares the type of its parameter, so SQL casts freely ($1::jsonb on a text argument works). */
typedef struct PgArgs {
    Arena *arena;
    int count, capacity;
    unsigned *types; /* PostgreSQL type numbers, 0 = what the statement says */
    const char **values;
    int *lengths;
} PgArgs;

PgArgs pg_args(Arena *arena);
void pg_arg_text(PgArgs *args, Str value);  /* null: NULL */
void pg_arg_bytes(PgArgs *args, Str value); /* bytea; null: NULL */
void pg_arg_i64(PgArgs *args, int64_t value);
void pg_arg_i32(PgArgs *args, int32_t value);
void pg_arg_i16(PgArgs *args, int16_t value);
void pg_arg_bool(PgArgs *args, bool value);
void pg_arg_double(PgArgs *args, double value);
void pg_arg_uuid(PgArgs *args, Uuid value);                          /* zero: NULL */
void pg_arg_time(PgArgs *args, Micros value);                        /* timestamptz; MICROS_NONE: NULL */
void pg_arg_texts(PgArgs *args, StrList value);                      /* text[]; items NULL: NULL; null items: NULL elements */
void pg_arg_params(PgArgs *args, const Params *value);               /* text[] key, value, key, value...; empty or NULL: NULL */
void pg_arg_i64s(PgArgs *args, const int64_t *values, size_t count); /* bigint[] */
void pg_arg_i32s(PgArgs *args, const int32_t *values, size_t count); /* integer[] */
void pg_arg_bools(PgArgs *args, const bool *values, size_t count);   /* boolean[] */
void pg_arg_times(PgArgs *args, const Micros *values, size_t count); /* timestamptz[]; MICROS_NONE: NULL element */
void pg_arg_uuids(PgArgs *args, const Uuid *values, size_t count);   /* uuid[]; zero: NULL element */
void pg_arg_byteas(PgArgs *args, StrList value);                     /* bytea[]; null items: NULL elements */
void pg_arg_null(PgArgs *args);                                      /* of the type the statement says */

typedef struct PgRows {
    size_t count;
    int64_t affected;
    void *result; /* PGresult */
} PgRows;

/* Runs one statement. ARGS may be NULL. RET may be NULL when rows do not matter, ARENA then too. Outside
 * pg_transaction() the statement commits by itself: for reads, and for writes that do no harm when done twice (a
 * connection lost meanwhile says "unavailable, try again"). */
bool pg_exec(PgConn *conn, const PgStmt *stmt, const PgArgs *args, Arena *arena, PgRows *ret, Err *err) WARN_UNUSED;
/* In a transaction: sends the statement along with the next one that waits, or with COMMIT. Its rows are dropped; its
 * error comes out there, and from pg_transaction() when nothing waits before COMMIT. ARGS are copied. Use pg_exec()
 * where the error must be told apart (a unique violation). Outside a transaction the same as pg_exec(). */
bool pg_exec_later(PgConn *conn, const PgStmt *stmt, const PgArgs *args, Err *err) WARN_UNUSED;
/* Several statements in one text, no arguments, no rows. */
bool pg_script(PgConn *conn, const char *sql, Err *err) WARN_UNUSED;
/* After ERR_CONFLICT from a statement: the name of the constraint or unique index that was violated, "" when unknown. */
const char *pg_violated_constraint(const PgConn *conn);
int pg_server_version(const PgConn *conn); /* 150004 = 15.4 */

/* --- rows ------------------------------------------------------------------------------------------------------ */

static inline int64_t pg_affected(const PgRows *rows) { return rows->affected; }
bool pg_is_null(const PgRows *rows, size_t row, int col);
Str pg_text(const PgRows *rows, size_t row, int col);  /* text, json, jsonb, name; null when NULL */
Str pg_bytes(const PgRows *rows, size_t row, int col); /* any type as PostgreSQL sends it */
/* Any integer type; OTHERWISE when NULL. The narrower two clamp. */
int64_t pg_i64(const PgRows *rows, size_t row, int col, int64_t otherwise);
int32_t pg_i32(const PgRows *rows, size_t row, int col, int32_t otherwise);
int16_t pg_i16(const PgRows *rows, size_t row, int col, int16_t otherwise);
bool pg_bool(const PgRows *rows, size_t row, int col);                       /* NULL: false */
double pg_double(const PgRows *rows, size_t row, int col, double otherwise); /* real and double precision */
Micros pg_time(const PgRows *rows, size_t row, int col);                     /* NULL: MICROS_NONE; infinity: the end of the range */
Uuid pg_uuid(const PgRows *rows, size_t row, int col);                       /* NULL: zero */
StrList pg_texts(const PgRows *rows, size_t row, int col, Arena *arena);     /* NULL: items NULL; NULL elements: null */
Params pg_params(const PgRows *rows, size_t row, int col, Arena *arena);     /* from the form of pg_arg_params() */
const int64_t *pg_i64s(const PgRows *rows, size_t row, int col, Arena *arena, size_t *ret_count); /* any integer array */

/* --- transactions ---------------------------------------------------------------------------------------------- */

typedef bool (*PgTxnBody)(PgConn *conn, void *arg, Err *err);

/* Runs BODY in a transaction (READ COMMITTED) and commits when it returns true, rolls back when false. BODY runs again,
 * up to three times more, after a serialization failure, a deadlock, a lock not available or a connection lost before
 * COMMIT: so it must set all of its results anew and do nothing outside the database that cannot be done twice.
 * When the connection is lost in COMMIT the outcome is looked up (see txn.c; in schemas that migrate_apply() made);
 * ERR_STATE_UNKNOWN only when that fails too. ARENA holds what the transaction itself needs, and may be the one BODY uses. */
bool pg_transaction(Pg *pg, PgClass class, Deadline deadline, Arena *arena, PgTxnBody body, void *arg, Err *err) WARN_UNUSED;
bool pg_in_transaction(const PgConn *conn);
/* Where a transaction leaves its mark; part of what migrate_apply() makes. */
#define PG_MARKS_TABLE \
    "CREATE TABLE IF NOT EXISTS txn_marks (conn uuid PRIMARY KEY, token bigint NOT NULL," \
    " at timestamptz NOT NULL DEFAULT clock_timestamp()) WITH (fillfactor = 50)"
/* Once a day or so: removes the marks of connections long gone. */
void pg_sweep(Pg *pg);
/* Closes idle connections, for settings or tables they only look at when they connect. */
void pg_reconnect(Pg *pg);

/* --- bulk ------------------------------------------------------------------------------------------------------ */

/* COPY in binary. Loop: args = pg_copy_args(copy), pg_arg_...(args, ...) for each column, pg_copy_row(copy). The types must
 * be exactly the columns'. pg_copy_end() must be called in any case (after false too, it then only tidies up) and
 * returns the number of rows. */
typedef struct PgCopy PgCopy;
bool pg_copy_begin(PgConn *conn, const char *copy_from_stdin_binary, PgCopy **ret, Err *err) WARN_UNUSED;
PgArgs *pg_copy_args(PgCopy *copy);
bool pg_copy_row(PgCopy *copy, Err *err) WARN_UNUSED;
bool pg_copy_end(PgCopy *copy, int64_t *ret_rows, Err *err) WARN_UNUSED;
void pg_copy_abandon(PgCopy *copy); /* instead of pg_copy_end(): the COPY fails and the transaction with it */

/* Hands rows to FN one by one as they come from the server, in bounded memory: ROWS holds one row and is gone after the
 * call. FN returning false cancels the statement and ends pg_stream() with its error. */
typedef bool (*PgRowFn)(const PgRows *row, void *arg, Err *err);
bool pg_stream(PgConn *conn, const PgStmt *stmt, const PgArgs *args, PgRowFn fn, void *arg, Err *err) WARN_UNUSED;

/* --- notifications ---------------------------------------------------------------------------------------------- */

/* LISTEN on a connection of its own. When pg_listen_wait() fails the connection is gone: close, listen again, and look for
 * what was missed meanwhile. A wait may end without a notification before its deadline. */
typedef struct PgListener PgListener;
bool pg_listen(Pg *pg, const char *channel, PgListener **ret, Err *err) WARN_UNUSED;
bool pg_listen_wait(PgListener *listener, Deadline deadline, bool *ret_notified, Err *err) WARN_UNUSED;
void pg_listen_close(PgListener *listener);

#endif
