#include "catalog/locks.h"

#include "base/log.h"
#include "catalog/model.h"
#include "catalog/partname.h"
#include "catalog/scope.h"
#include "catalog/sql/locks_sql.h"
#include "catalog/sql/transactions_sql.h"
#include "config/config.h"

enum { COMPONENTS_MOST = 100000, TEXT_MOST = 4096 };

/* --- the rules ------------------------------------------------------------------------------------------------- */

#define BIT(KIND) (1 << LOCK_##KIND)
enum { ALL_KINDS = BIT(SHARED_READ) | BIT(SHARED_WRITE) | BIT(EXCLUSIVE) | BIT(EXCL_WRITE) };

static const int16_t WAITS[] = {
    [LOCK_SHARED_READ] = BIT(EXCLUSIVE),
    [LOCK_SHARED_WRITE] = BIT(EXCLUSIVE) | BIT(EXCL_WRITE),
    [LOCK_EXCL_WRITE] = BIT(EXCLUSIVE) | BIT(EXCL_WRITE) | BIT(SHARED_WRITE),
    [LOCK_EXCLUSIVE] = ALL_KINDS,
};

/* Who only uses a database does not mind what becomes of a table in it, and the other way round: a table can be dropped while
 * somebody works in its database. */
static LockWaits waits_of(const LockComponent *c) {
    LockWaits waits = {WAITS[c->kind], WAITS[c->kind]};
    if (c->kind == LOCK_SHARED_READ && c->table.len == 0) {
        waits.below = 0;
    }
    if (c->kind == LOCK_EXCLUSIVE && c->table.len > 0) {
        waits.database = ALL_KINDS & ~BIT(SHARED_READ);
    }
    return waits;
}

/* --- names ------------------------------------------------------------------------------------------------------ */

static bool name_fits(const char *what, Str name, Err *err) {
    if (utf8_valid(name) && !str_has_char(name, 0) && utf8_length(name) <= NAME_MAX_CODE_POINTS) {
        return true;
    }
    return err_set(err, ERR_INVALID_NAME, "The %s of a lock has a name that is no UTF-8 or longer than %d characters.", what,
                   NAME_MAX_CODE_POINTS);
}

/* The keys count by what they fold to, the values by what they are. */
static Str fold_partition(Arena *arena, Str name) {
    CLEANUP(buf_free) Buf out = BUF_INIT(PARTITION_NAME_MAX_BYTES * 4);
    Str rest = name, part;
    while (str_split(&rest, '/', &part)) {
        size_t key = MIN(str_find_char(part, '='), part.len);
        buf_add(&out, out.len ? STR("/") : STR(""));
        buf_add(&out, key < part.len ? name_fold(arena, str_slice(part, 0, key)) : STR(""));
        buf_add(&out, key < part.len ? str_skip(part, key) : part);
    }
    return arena_str(arena, buf_str(&out));
}

static Str or_all(Str name) { return str_is_null(name) ? STR("") : name; }

bool lock_names(const Ctx *ctx, LockComponent *c, Err *err) {
    c->catalog = scope_catalog(ctx, c->catalog);
    c->database = scope_name(ctx, c->database);
    c->table = or_all(scope_name(ctx, c->table));
    c->partition = or_all(c->partition);
    if (str_is_empty(c->database)) {
        return err_set(err, ERR_INVALID_ARGUMENT, "A lock needs the name of a database.");
    }
    if (c->partition.len > PARTITION_NAME_MAX_BYTES || !utf8_valid(c->partition) || str_has_char(c->partition, 0)) {
        return err_set(err, ERR_INVALID_NAME, "The partition of a lock has a name that is no UTF-8 or longer than %d bytes.",
                       PARTITION_NAME_MAX_BYTES);
    }
    if (c->partition.len && !c->table.len) {
        return err_set(err, ERR_INVALID_ARGUMENT, "A lock on a partition needs the name of its table.");
    }
    c->partition = fold_partition(ctx->arena, c->partition);
    return name_fits("catalog", c->catalog, err) && name_fits("database", c->database, err) && name_fits("table", c->table, err);
}

/* --- acquiring -------------------------------------------------------------------------------------------------- */

typedef struct Acquiring {
    Ctx *ctx;
    LockAsk ask;
    LockWaits *waits;
    StrList databases;
    LockAnswer answer;
} Acquiring;

static bool check_component(Ctx *ctx, LockComponent *c, Err *err) {
    if (c->kind < LOCK_SHARED_READ || c->kind > LOCK_EXCL_WRITE) {
        return err_set(err, ERR_INVALID_ARGUMENT,
                       "%d is no type of a lock: 1 (shared read), 2 (shared write), 3 (exclusive), 4 (exclusive write).",
                       (int)c->kind);
    }
    return lock_names(ctx, c, err) && ctx_authorize(ctx, c->kind == LOCK_SHARED_READ ? ACTION_READ : ACTION_ALTER,
                                                    c->table.len ? "table" : "database", c->catalog, c->database, c->table, err);
}

static bool check_text(Str *text, Str otherwise, const char *what, Err *err) {
    *text = str_is_null(*text) ? otherwise : *text;
    if (text->len <= TEXT_MOST && utf8_valid(*text) && !str_has_char(*text, 0)) {
        return true;
    }
    return err_set(err, ERR_INVALID_ARGUMENT, "The %s of a lock is no UTF-8 or longer than %d bytes.", what, TEXT_MOST);
}

static bool prepare(Ctx *ctx, const LockAsk *ask, Acquiring *a, Err *err) {
    if (ask->count == 0 || ask->count > COMPONENTS_MOST) {
        return err_set(err, ERR_INVALID_ARGUMENT, "A lock has 1 to %d components, not %zu.", COMPONENTS_MOST, ask->count);
    }
    LockComponent *items = ARENA_ARRAY(ctx->arena, LockComponent, ask->count);
    *a = (Acquiring){.ctx = ctx, .ask = *ask, .waits = ARENA_ARRAY(ctx->arena, LockWaits, ask->count)};
    a->databases = (StrList){ARENA_ARRAY(ctx->arena, Str, ask->count), ask->count};
    a->ask.items = items;
    for (size_t i = 0; i < ask->count; i++) {
        items[i] = ask->items[i];
        if (!check_component(ctx, &items[i], err) || !arena_check(ctx->arena, err)) {
            return false;
        }
        a->waits[i] = waits_of(&items[i]);
        a->databases.items[i] = items[i].database;
    }
    return check_text(&a->ask.user, STR(""), "user", err) && check_text(&a->ask.host, STR(""), "host name", err) &&
           check_text(&a->ask.agent, STR("Unknown"), "agentInfo", err);
}

static bool gives_up(const LockAsk *ask, const LockLook *look) {
    return ask->txn > 0 && look->state == LOCK_WAITING &&
           ((ask->give_up_reads && look->blocked_kind == LOCK_SHARED_READ && look->blocking_kind == LOCK_EXCLUSIVE) ||
            (ask->give_up_writes && look->blocked_kind == LOCK_EXCL_WRITE));
}

static bool acquire_body(PgConn *conn, void *arg, Err *err) {
    Acquiring *a = arg;
    Ctx *ctx = a->ctx;
    LockLook look;
    int64_t id;
    if (!locks_sql_serialize(ctx, conn, a->databases, err) || (a->ask.txn > 0 && !txns_sql_hold_open(ctx, conn, a->ask.txn, err)) ||
        !locks_sql_insert(ctx, conn, &a->ask, a->waits, &id, err) || !locks_sql_evaluate(ctx, conn, id, false, &look, err)) {
        return false;
    }
    a->answer = (LockAnswer){.id = id, .state = look.state};
    if (gives_up(&a->ask, &look)) {
        a->answer.state = LOCK_NOT_ACQUIRED;
        a->answer.why = arena_printf(ctx->arena, "Unable to acquire the lock without waiting for lock %" PRId64 ".%" PRId64,
                                     look.blocked_by, look.blocked_by_no);
        return locks_sql_delete(ctx, conn, id, err);
    }
    return a->ask.txn == 0 || txns_sql_add_components(ctx, conn, a->ask.txn, a->ask.items, a->ask.count, err);
}

bool lock_acquire(Ctx *ctx, const LockAsk *ask, LockAnswer *ret, Err *err) {
    Acquiring a;
    if (!prepare(ctx, ask, &a, err) ||
        !pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, acquire_body, &a, err)) {
        return false;
    }
    *ret = a.answer;
    return true;
}

/* --- keeping and giving back ------------------------------------------------------------------------------------ */

static bool not_found(int64_t id, Err *err) { return err_set(err, ERR_LOCK_NOT_FOUND, "No such lock lockid:%" PRId64, id); }

bool lock_check(Ctx *ctx, int64_t id, LockAnswer *ret, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    LockLook look;
    if (!pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) ||
        !locks_sql_evaluate(ctx, conn, id, true, &look, err)) {
        return false;
    }
    if (!look.found) {
        return not_found(id, err);
    }
    if (look.txn && !txns_sql_heartbeat(ctx, conn, look.txn, err)) {
        return false;
    }
    *ret = (LockAnswer){.id = id, .state = look.state};
    return true;
}

bool lock_heartbeat(Ctx *ctx, int64_t id, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    bool found;
    return pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) && locks_sql_heartbeat(ctx, conn, id, &found, err) &&
           (found || not_found(id, err));
}

bool lock_release(Ctx *ctx, int64_t id, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    int64_t txn;
    if (!pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) || !locks_sql_release(ctx, conn, id, &txn, err)) {
        return false;
    }
    return txn == 0 || err_set(err, ERR_TXN_OPEN,
                               "Unlocking locks associated with transaction not permitted. Lock lockid:%" PRId64
                               " belongs to transaction txnid:%" PRId64 "; commit or abort that.",
                               id, txn);
}

/* --- listing ---------------------------------------------------------------------------------------------------- */

static bool can_be_a_name(Str text) { return utf8_valid(text) && !str_has_char(text, 0) && text.len <= PARTITION_NAME_MAX_BYTES; }

bool lock_list(Ctx *ctx, const LockQuery *query, LockRows *ret, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    LockQuery q = {.catalog = name_fold(ctx->arena, query->catalog),
                   .database = scope_name(ctx, query->database),
                   .table = scope_name(ctx, query->table),
                   .partition = str_is_null(query->partition) ? STR_NULL : fold_partition(ctx->arena, query->partition),
                   .txn = query->txn};
    if (!ctx_authorize(ctx, ACTION_LIST, "lock", q.catalog, q.database, q.table, err)) {
        return false;
    }
    if (!can_be_a_name(q.catalog) || !can_be_a_name(q.database) || !can_be_a_name(q.table) || !can_be_a_name(q.partition)) {
        *ret = (LockRows){0}; /* nothing can be locked by such a name */
        return true;
    }
    return pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) && locks_sql_list(ctx, conn, &q, ret, err);
}

/* --- timing out ------------------------------------------------------------------------------------------------- */

enum { GAPS_IN_TIMEOUT = 10, GAP_MS_LEAST = 1000, STEPS_MOST = 100 };

typedef bool (*ExpireStep)(Ctx *ctx, int64_t timeout_ms, int64_t *ret_count, Err *err);

static bool remove_locks(Ctx *ctx, int64_t timeout_ms, int64_t *ret_count, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    return pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) &&
           locks_sql_expire(ctx, conn, timeout_ms, ret_count, err);
}

static bool expire_all(Ctx *ctx, ExpireStep step, const char *what, Err *err) {
    int64_t timeout = ctx->catalog->config->locks.timeout, total = 0, count = 1;
    for (int i = 0; i < STEPS_MOST && count > 0; i++) {
        if (!step(ctx, timeout, &count, err)) {
            return false;
        }
        total += count;
    }
    if (total) {
        log_info("%" PRId64 " %s: no heartbeat for %" PRId64 " s (locks.timeout).", total, what, timeout / 1000);
    }
    return true;
}

static bool watch(Ctx *ctx, bool *ret_heard, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    int64_t timeout = ctx->catalog->config->locks.timeout, gap = MAX(timeout / GAPS_IN_TIMEOUT, (int64_t)GAP_MS_LEAST);
    return pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) &&
           locks_sql_watch(ctx, conn, timeout, gap, ret_heard, err);
}

bool locks_expire(Ctx *ctx, Err *err) {
    bool heard;
    return watch(ctx, &heard, err) && (!heard || (expire_all(ctx, remove_locks, "locks were removed", err) &&
                                                  expire_all(ctx, txns_expire, "transactions were aborted", err)));
}
