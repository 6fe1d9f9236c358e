#include "catalog/things.h"

#include "catalog/changes_write.h"
#include "catalog/sealing.h"
#include "catalog/sql/things_sql.h"

/* --- keys ------------------------------------------------------------------------------------------------------ */

Str thing_key(Arena *arena, size_t count, const Str *names) {
    size_t bytes = 0, len = 0;
    for (size_t i = 0; i < count; i++) {
        bytes += names[i].len * 3 + 1;
    }
    char *key = arena_alloc(arena, bytes + 1);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < names[i].len; j++) {
            char c = names[i].ptr[j];
            if (c == '/' || c == '%') {
                memcpy(key + len, c == '/' ? "%2F" : "%25", 3);
                len += 3;
            } else {
                key[len++] = c;
            }
        }
        key[len++] = '/';
    }
    return (Str){key, len};
}

Str thing_key_last(Arena *arena, Str key) {
    if (key.len == 0) {
        return STR_NULL;
    }
    Str name = str_slice(key, 0, key.len - 1);
    size_t slash = str_rfind_char(name, '/');
    name = slash == SIZE_MAX ? name : str_skip(name, slash + 1);
    char *out = arena_alloc(arena, name.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < name.len; i++) {
        bool escaped = name.ptr[i] == '%' && i + 2 < name.len;
        out[len++] = escaped ? (name.ptr[i + 2] == 'F' ? '/' : '%') : name.ptr[i];
        i += escaped ? 2 : 0;
    }
    return (Str){out, len};
}

/* --- steps ----------------------------------------------------------------------------------------------------- */

typedef struct Run {
    Things things;
    ThingsBody body;
    void *arg;
} Run;

static bool authorize(const Ctx *ctx, const ThingKind *kind, Action action, Err *err) {
    return ctx_authorize(ctx, kind->admin ? ACTION_ADMIN : action, kind->name, STR_NULL, STR_NULL, STR_NULL, err);
}

bool things_read(Ctx *ctx, const ThingKind *kind, ThingsBody body, void *arg, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    if (!authorize(ctx, kind, ACTION_READ, err) || !pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err)) {
        return false;
    }
    Things things = {ctx, conn};
    return body(&things, arg, err);
}

static bool change_body(PgConn *conn, void *arg, Err *err) {
    Run *run = arg;
    run->things.conn = conn;
    return things_sql_lock(conn, err) && run->body(&run->things, run->arg, err);
}

bool things_change(Ctx *ctx, const ThingKind *kind, Action action, ThingsBody body, void *arg, Err *err) {
    Run run = {{ctx, NULL}, body, arg};
    return authorize(ctx, kind, action, err) &&
           pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, change_body, &run, err);
}

static bool log_thing(Things *t, const ThingKind *kind, const char *action, Str key, int64_t number, Err *err) {
    Str name = kind->admin ? str_from(kind->name)
                           : ARENA_CONCAT(t->ctx->arena, str_from(kind->name), STR("/"), str_slice(key, 0, key.len - 1));
    ChangeRecord record = {.kind = "thing", .action = action, .name = name, .object_id = number, .version = -1, .at = MICROS_NONE};
    return kind->quiet || change_write(t->ctx, t->conn, &record, NULL, err);
}

/* --- one ------------------------------------------------------------------------------------------------------- */

/* A secret is bound to its key: put under another one, it cannot be opened. */
static Str secret_name(Things *t, const ThingKind *kind, Str key) {
    return ARENA_CONCAT(t->ctx->arena, str_from(kind->name), STR(":"), key);
}

static bool open_body(Things *t, const ThingKind *kind, Thing *thing, Err *err) {
    return !kind->sealed || sealing_open_named(t->ctx, secret_name(t, kind, thing->key), thing->body, &thing->body, err);
}

bool thing_find(Things *t, const ThingKind *kind, Str key, bool *ret_found, Thing *ret, Err *err) {
    Thing thing;
    bool found;
    if (!things_sql_get(t->ctx, t->conn, kind->name, key, &found, &thing, err) || (found && !open_body(t, kind, &thing, err))) {
        return false;
    }
    *ret_found = found;
    if (found) {
        *ret = thing;
    }
    return true;
}

bool thing_list(Things *t, const ThingKind *kind, Str prefix, ThingList *ret, Err *err) {
    ThingList list;
    if (!things_sql_list(t->ctx, t->conn, kind->name, prefix, &list, err)) {
        return false;
    }
    for (size_t i = 0; i < list.count; i++) {
        if (!open_body(t, kind, &list.items[i], err)) {
            return false;
        }
    }
    *ret = list;
    return true;
}

static bool write_thing(Things *t, const ThingKind *kind, Str key, Str body, bool replace, int64_t *ret_number, Err *err) {
    bool is_new;
    int64_t number;
    if ((kind->sealed && !sealing_close_named(t->ctx, secret_name(t, kind, key), body, &body, err)) ||
        !things_sql_put(t->ctx, t->conn, kind, key, body, replace, &number, &is_new, err) ||
        (number && !log_thing(t, kind, is_new ? "create" : "alter", key, number, err))) {
        return false;
    }
    *ret_number = number;
    return true;
}

bool thing_add(Things *t, const ThingKind *kind, Str key, Str body, int64_t *ret_number, Err *err) {
    return write_thing(t, kind, key, body, false, ret_number, err);
}

bool thing_put(Things *t, const ThingKind *kind, Str key, Str body, Err *err) {
    int64_t number;
    return write_thing(t, kind, key, body, true, &number, err);
}

bool thing_remove(Things *t, const ThingKind *kind, Str key, bool *ret_removed, Err *err) {
    int64_t number;
    if (!things_sql_delete(t->ctx, t->conn, kind->name, key, &number, err) ||
        (number && !log_thing(t, kind, "drop", key, number, err))) {
        return false;
    }
    *ret_removed = number != 0;
    return true;
}

bool thing_remove_below(Things *t, const ThingKind *kind, Str prefix, Err *err) {
    return things_sql_delete_below(t->ctx, t->conn, kind->name, prefix, err);
}

bool thing_number(Things *t, int64_t *ret, Err *err) { return things_sql_number(t->ctx, t->conn, ret, err); }

bool thing_forget(Things *t, const ThingKind *kind, int64_t seconds, Err *err) {
    return things_sql_forget(t->ctx, t->conn, kind->name, seconds, err);
}
