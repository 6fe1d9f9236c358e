#include "catalog/versions.h"

#include "catalog/diff.h"
#include "catalog/places.h"
#include "catalog/scope.h"
#include "catalog/sql/partitions_sql.h"
#include "catalog/sql/row.h"
#include "catalog/sql/tables_sql.h"
#include "catalog/sql/versions_sql.h"
#include "catalog/statistics.h"
#include "catalog/table_check.h"
#include "storage/location.h"
#include "storage/roots.h"

static bool open_table(Ctx *ctx, TableRef folded, PgConn **conn, Table *ret, Err *err) {
    return ctx_authorize(ctx, ACTION_READ, "table", folded.catalog, folded.database, folded.name, err) &&
           pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, conn, err) && table_row_get(ctx, *conn, folded, false, ret, err);
}

bool version_list(Ctx *ctx, TableRef ref, const VersionQuery *query, TableVersions *ret, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    Table table;
    return open_table(ctx, scope_table(ctx, ref), &conn, &table, err) && version_rows_list(ctx, conn, table.id, query, ret, err);
}

bool version_get(Ctx *ctx, TableRef ref, int64_t version, TableVersion *ret, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    Table table;
    return open_table(ctx, scope_table(ctx, ref), &conn, &table, err) && version_row_get(ctx, conn, &table, version, ret, err);
}

bool version_as_of(Ctx *ctx, TableRef ref, Micros at, TableVersion *ret, Err *err) {
    TableRef folded = scope_table(ctx, ref);
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    int64_t table_id, version;
    bool found;
    Table table;
    if (!ctx_authorize(ctx, ACTION_READ, "table", folded.catalog, folded.database, folded.name, err) ||
        !pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) ||
        !version_row_as_of(ctx, conn, folded, at, &table_id, &version, &found, err)) {
        return false;
    }
    if (!found) {
        char time[32];
        time_format(at, time);
        return err_set(err, ERR_VERSION_NOT_FOUND,
                       "There was no table %" STR_FMT ".%" STR_FMT " at %s, or its history from then has"
                       " been removed by the retention rule.",
                       STR_ARG(folded.database), STR_ARG(folded.name), time);
    }
    return table_row_by_id(ctx, conn, table_id, false, &table, err) && version_row_get(ctx, conn, &table, version, ret, err);
}

bool version_diff(Ctx *ctx, TableRef ref, int64_t from, int64_t to, Str *ret_json, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    Table table;
    TableVersion a, b;
    TableDiff diff;
    if (!open_table(ctx, scope_table(ctx, ref), &conn, &table, err) || !version_row_get(ctx, conn, &table, from, &a, err) ||
        !version_row_get(ctx, conn, &table, to, &b, err)) {
        return false;
    }
    table_diff(ctx->arena, &a.table, &b.table, &diff);
    *ret_json = str_is_null(diff.json) ? STR("{\"class\":\"cosmetic\",\"changes\":[]}") : diff.json;
    return arena_check(ctx->arena, err);
}

/* --- restoring ------------------------------------------------------------------------------------------------ */

typedef struct Restore {
    const VersionRestore *how;
    const Table *old;
    bool moved_away; /* its directory of then is where the current location says */
} Restore;

/* The table of a log format keeps its pointer and everything that goes with it, unless it is asked for by name; then the
 * pointer moves like any other commit: from the state that is current. */
static void restore_pointer(Ctx *ctx, Table *t, const Table *current, bool move_pointer) {
    Str now = params_get(&current->params, STR("metadata_location"));
    if (move_pointer) {
        if (!str_is_null(now) && !str_eq(now, params_get(&t->params, STR("metadata_location")))) {
            params_set(&t->params, ctx->arena, STR("previous_metadata_location"), now);
        }
        return;
    }
    Params kept = {0};
    for (size_t i = 0; i < t->params.count; i++) {
        if (!param_moves_with_pointer(t->params.items[i].key)) {
            params_append(&kept, ctx->arena, t->params.items[i].key, t->params.items[i].value);
        }
    }
    for (size_t i = 0; i < current->params.count; i++) {
        if (param_moves_with_pointer(current->params.items[i].key)) {
            params_append(&kept, ctx->arena, current->params.items[i].key, current->params.items[i].value);
        }
    }
    params_sort(&kept);
    t->params = kept;
}

static bool restore_edit(Ctx *ctx, Table *t, void *arg, Err *err) {
    (void)err;
    const Restore *r = arg;
    Table current = *t, old = *r->old;
    *t = old;
    t->id = current.id;
    t->version = current.version;
    t->catalog = current.catalog;
    t->database = current.database;
    t->name = current.name;
    t->updated_at = current.updated_at;
    t->database_id = current.database_id;
    t->full_version = current.full_version;
    t->base = current.base;
    t->params = params_copy(&old.params, ctx->arena);
    /* What is known of the data is what is known now. */
    params_set(&t->params, ctx->arena, STR(STAT_ACCURATE_KEY), params_get(&current.params, STR(STAT_ACCURATE_KEY)));
    if (r->moved_away && !str_is_null(current.storage.location)) {
        t->storage.location = current.storage.location;
    }
    if (table_is_log_format(&current) || table_is_log_format(&old)) {
        restore_pointer(ctx, t, &current, r->how->move_pointer);
    }
    return true;
}

/* The places found gone so far. */
typedef struct Gone {
    StrList list;
    size_t capacity;
    Str after; /* name of the last partition looked at; null at the end */
} Gone;

static void note_if_gone(Ctx *ctx, Str location, Gone *gone) {
    StorageInfo info;
    StorageVerdict verdict;
    Err ignored;
    /* A place that cannot be looked at is not known to be gone. */
    if (!str_is_null(location) && roots_stat(ctx->catalog->roots, location, &info, &verdict, &ignored) &&
        verdict.reason == STORAGE_ABSENT) {
        gone->list.items = list_grow(ctx->arena, gone->list.items, gone->list.count, &gone->capacity, sizeof(Str));
        gone->list.items[gone->list.count++] = arena_str(ctx->arena, location);
    }
}

static bool look_at_some(Ctx *ctx, const Table *table, Gone *gone, Err *err) {
    enum { MEMORY = 64 * 1024 * 1024 };
    CLEANUP(arena_cleanup) Arena *arena = arena_new(MEMORY); /* a table can have more partitions than a request has memory */
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    Ctx step = *ctx;
    PartitionPlaces outside;
    step.arena = arena;
    if (!pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) ||
        !partition_rows_outside(&step, conn, table->id, table->storage.location, gone->after, &outside, err)) {
        return false;
    }
    for (size_t i = 0; i < outside.locations.count; i++) {
        note_if_gone(ctx, outside.locations.items[i], gone);
    }
    gone->after = arena_str(ctx->arena, outside.next);
    return arena_check(ctx->arena, err);
}

bool table_locations_gone(Ctx *ctx, const Table *table, StrList *ret, Err *err) {
    Gone gone = {.after = STR("")};
    note_if_gone(ctx, table->storage.location, &gone);
    while (!str_is_null(gone.after)) {
        if (!look_at_some(ctx, table, &gone, err)) {
            return false;
        }
    }
    *ret = gone.list;
    return true;
}

/* A rename that moved the directory from its default place gave the table another name and location in one version and took
 * the base along. */
static bool is_moved_away(Ctx *ctx, PgConn *conn, const Table *old, const Table *now, bool *ret, Err *err) {
    StrList bases;
    Str location = old->storage.location;
    *ret = false;
    if (str_is_null(location) || !table_is_managed(old) ||
        !str_eq(location, place_below(ctx, location_parent(location), old->name, STR(""))) ||
        (str_eq(old->name, now->name) && str_eq(old->database, now->database))) {
        return true;
    }
    if (!version_row_moved(ctx, conn, old, ret, err) || !location_bases_get(ctx, conn, now->id, &bases, err)) {
        return false;
    }
    for (size_t i = 0; i < bases.count; i++) {
        *ret = *ret && !str_eq(bases.items[i], location);
    }
    return true;
}

static bool read_version(Ctx *ctx, TableRef folded, int64_t version, TableVersion *ret, bool *ret_moved_away, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    Table table;
    return open_table(ctx, folded, &conn, &table, err) && version_row_get(ctx, conn, &table, version, ret, err) &&
           is_moved_away(ctx, conn, &ret->table, &table, ret_moved_away, err);
}

bool version_restore(Ctx *ctx, TableRef ref, const VersionRestore *how, Table *ret, StrList *ret_gone, Err *err) {
    TableRef folded = scope_table(ctx, ref);
    TableVersion version;
    bool moved_away;
    if (!read_version(ctx, folded, how->version, &version, &moved_away, err)) {
        return false;
    }
    Restore restore = {how, &version.table, moved_away};
    TableAlter alter = {.edit = restore_edit,
                        .arg = &restore,
                        .expect_version = how->expect_version,
                        .expect_id = how->expect_id,
                        .action = "restore",
                        .allow_key_change = true};
    return table_alter(ctx, folded, &alter, ret, err) && table_locations_gone(ctx, ret, ret_gone, err);
}
