#include "catalog/partitions.h"

#include "base/buf.h"
#include "base/hash.h"
#include "base/json_writer.h"
#include "base/log.h"
#include "catalog/changes_write.h"
#include "catalog/content.h"
#include "catalog/diff.h"
#include "catalog/discard.h"
#include "catalog/moves.h"
#include "catalog/partname.h"
#include "catalog/places.h"
#include "catalog/quickstats.h"
#include "catalog/scope.h"
#include "catalog/sql/partitions_sql.h"
#include "catalog/sql/statistics_sql.h"
#include "catalog/table_check.h"
#include "config/config.h"
#include "storage/location.h"
#include "storage/roots.h"

static bool authorize(const Ctx *ctx, Action action, TableRef ref, Err *err) {
    return ctx_authorize(ctx, action, "partition", ref.catalog, ref.database, ref.name, err);
}

static StrList key_names(Ctx *ctx, const Table *table) {
    StrList keys = {ARENA_ARRAY(ctx->arena, Str, table->partition_keys->count), table->partition_keys->count};
    for (size_t i = 0; i < keys.count; i++) {
        keys.items[i] = table->partition_keys->items[i].name;
    }
    return keys;
}

static bool make_name(Ctx *ctx, const Table *table, StrList values, Str *ret, Err *err) {
    if (table->partition_keys->count == 0) {
        return err_set(err, ERR_INVALID_PARTITION,
                       "Table %" STR_FMT ".%" STR_FMT " has no partition keys, so it has no partitions.", STR_ARG(table->database),
                       STR_ARG(table->name));
    }
    return partname_make(ctx->arena, key_names(ctx, table), values, ctx->catalog->config->partitions.default_name, ret, err);
}

static bool not_found(const Table *table, Str name, Err *err) {
    return err_set(err, ERR_PARTITION_NOT_FOUND, "Table %" STR_FMT ".%" STR_FMT " has no partition %" STR_FMT ".",
                   STR_ARG(table->database), STR_ARG(table->name), STR_ARG(name));
}

static bool check_count(Ctx *ctx, const char *verb, size_t count, Err *err) {
    int64_t limit = ctx->catalog->config->limits.partitions_per_request;
    return (int64_t)count <= limit || err_set(err, ERR_LIMIT_EXCEEDED,
                                              "More than %" PRId64 " partitions cannot be %s in one request"
                                              " (limits.partitions_per_request). Use several.",
                                              limit, verb);
}

/* Without a limit of its own a query gets one that is one too many, so that the database never sends them all. */
static int64_t capped(const Ctx *ctx, int64_t limit) {
    int64_t most = ctx->catalog->config->limits.partitions_per_request + 1;
    return limit < 0 || limit > most ? most : limit;
}

/* --- reading -------------------------------------------------------------------------------------------------- */

static bool open_scope(Ctx *ctx, TableRef folded, PgConn **conn, PartitionScope *ret, Err *err) {
    return pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, conn, err) && partition_scope_get(ctx, *conn, folded, ret, err);
}

static PartitionQuery just(Str *name) { return (PartitionQuery){.names = {name, 1}, .with_names = true, .limit = -1}; }

bool partition_get(Ctx *ctx, TableRef ref, StrList values, Partition *ret, Table *ret_table, Err *err) {
    TableRef folded = scope_table(ctx, ref);
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    PartitionScope scope;
    Partitions found;
    Str name;
    PartitionQuery query = just(&name);
    if (!authorize(ctx, ACTION_READ, folded, err) || !open_scope(ctx, folded, &conn, &scope, err) ||
        !make_name(ctx, &scope.table, values, &name, err) || !partition_rows_get(ctx, conn, &scope, &query, false, &found, err)) {
        return false;
    }
    if (found.count == 0) {
        return not_found(&scope.table, name, err);
    }
    *ret = found.items[0];
    if (ret_table) {
        *ret_table = scope.table;
    }
    return true;
}

/* One more than asked for tells whether there are more. */
static PartitionQuery one_more(const PartitionQuery *query) {
    PartitionQuery q = *query;
    q.limit = q.limit < 0 ? -1 : q.limit + 1;
    return q;
}

bool partition_list(Ctx *ctx, TableRef ref, const PartitionQuery *query, Partitions *ret, bool *ret_more, Table *ret_table,
                    Err *err) {
    TableRef folded = scope_table(ctx, ref);
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    PartitionScope scope;
    PartitionQuery q = one_more(query);
    if (query->limit < 0) {
        q.limit = capped(ctx, -1);
    }
    if (!authorize(ctx, ACTION_LIST, folded, err) || !open_scope(ctx, folded, &conn, &scope, err) ||
        !partition_rows_get(ctx, conn, &scope, &q, false, ret, err) ||
        (query->limit < 0 && !check_count(ctx, "returned", ret->count, err))) {
        return false;
    }
    *ret_more = query->limit >= 0 && (int64_t)ret->count > query->limit;
    ret->count = *ret_more ? (size_t)query->limit : ret->count;
    if (ret_table) {
        *ret_table = scope.table;
    }
    return true;
}

bool partition_names(Ctx *ctx, TableRef ref, const PartitionQuery *query, StrList *ret, bool *ret_more, Err *err) {
    TableRef folded = scope_table(ctx, ref);
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    PartitionScope scope;
    PartitionQuery q = one_more(query);
    if (!authorize(ctx, ACTION_LIST, folded, err) || !open_scope(ctx, folded, &conn, &scope, err) ||
        !partition_rows_names(ctx, conn, &scope, &q, false, ret, err)) {
        return false;
    }
    *ret_more = query->limit >= 0 && (int64_t)ret->count > query->limit;
    ret->count = *ret_more ? (size_t)query->limit : ret->count;
    return true;
}

bool partition_count(Ctx *ctx, TableRef ref, const PartitionQuery *query, int64_t *ret, Err *err) {
    TableRef folded = scope_table(ctx, ref);
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    PartitionScope scope;
    return authorize(ctx, ACTION_LIST, folded, err) && open_scope(ctx, folded, &conn, &scope, err) &&
           partition_rows_count(ctx, conn, &scope, query, ret, err);
}

/* --- what every write shares ---------------------------------------------------------------------------------- */

/* Distinct definitions of a batch: usually one, so a short list with the last hit first is enough to look up. */
typedef struct ContentBag {
    const ColumnSet **sets;
    const StorageFormat **formats;
    size_t set_count, format_count;
} ContentBag;

static ContentBag bag_new(Arena *arena, size_t items) {
    return (ContentBag){.sets = ARENA_ARRAY(arena, const ColumnSet *, items),
                        .formats = ARENA_ARRAY(arena, const StorageFormat *, items)};
}

static void bag_add(ContentBag *bag, const Table *table, const Storage *s) {
    bool known_set = uuid_eq(s->columns->id, table->storage.columns->id) ||
                     (bag->set_count && uuid_eq(bag->sets[bag->set_count - 1]->id, s->columns->id));
    bool known_format = uuid_eq(s->format->id, table->storage.format->id) ||
                        (bag->format_count && uuid_eq(bag->formats[bag->format_count - 1]->id, s->format->id));
    if (s->given && !known_set) {
        bag->sets[bag->set_count++] = s->columns;
    }
    if (s->given && !known_format) {
        bag->formats[bag->format_count++] = s->format;
    }
}

static bool bag_store(Ctx *ctx, PgConn *conn, const ContentBag *bag, Err *err) {
    return content_store(ctx, conn, bag->sets, bag->set_count, bag->formats, bag->format_count, err);
}

static bool change_partitions(Ctx *ctx, PgConn *conn, const Table *table, const char *action, const char *event, StrList names,
                              int64_t *ret_seq, Err *err) {
    ChangeRecord record = {
        .kind = "partition",
        .action = action,
        .catalog = table->catalog,
        .database = table->database,
        .name = table->name,
        .object_id = table->id,
        .version = -1,
        .hms_event = event,
        .partitions = names,
        .at = MICROS_NONE,
    };
    return change_write(ctx, conn, &record, ret_seq, err);
}

static StrList names_of(Ctx *ctx, const Partition *items, size_t count) {
    StrList names = {ARENA_ARRAY(ctx->arena, Str, count), count};
    for (size_t i = 0; i < count; i++) {
        names.items[i] = items[i].name;
    }
    return names;
}

static ItemResult *results_new(Ctx *ctx, size_t count) {
    ItemResult *results = ARENA_ARRAY(ctx->arena, ItemResult, count);
    for (size_t i = 0; i < count; i++) {
        results[i].ok = true;
    }
    return results;
}

static void give(Partitions *ret, Partitions items, ItemResult **ret_results, ItemResult *results) {
    if (ret) {
        *ret = items;
    }
    if (ret_results) {
        *ret_results = results;
    }
}

/* A writer replaces rows, so one that was waited for may be gone, and what took its place is newer than the statement that
 * waited. Then the transaction looks again. */
static bool read_rows(Ctx *ctx, PgConn *conn, const PartitionScope *scope, const PartitionQuery *query, bool lock, Partitions *ret,
                      Err *err) {
    StrList there;
    if (!partition_rows_get(ctx, conn, scope, query, lock, ret, err)) {
        return false;
    }
    if (!lock || !query->with_names || !str_is_null(query->filter) || query->prefix.count || ret->count == query->names.count) {
        return true;
    }
    return partition_rows_existing(ctx, conn, scope->table.id, query->names, &there, err) &&
           (there.count <= ret->count || err_set(err, ERR_RETRY, "Somebody else changed the partition a moment ago."));
}

/* Writes run again from the start when the table changed between reading and locking it. */
enum { SCOPE_TRIES = 8 };

static bool table_moved_on(const Table *table, Err *err) {
    return err_set(err, ERR_CONFLICT, "Table %" STR_FMT ".%" STR_FMT " is changed by others all the time. Try again.",
                   STR_ARG(table->database), STR_ARG(table->name));
}

/* The place is in it because a partition moves along with its table, which is no change of its own. */
int64_t partition_version(const Partition *p) {
    CLEANUP(buf_free) Buf text = BUF_INIT(SIZE_MAX);
    unsigned char hash[32];
    uint64_t version = 0;
    buf_printf(&text, "%" PRId64 " %" PRId64 " %" STR_FMT, p->added_seq, p->altered_seq, STR_ARG(p->name));
    buf_add_char(&text, '\0');
    buf_add(&text, p->storage.location);
    sha256(buf_str(&text), hash);
    for (size_t i = 0; i < sizeof version; i++) {
        version = version << 8 | hash[i];
    }
    return (int64_t)(version & INT64_MAX);
}

static bool expect_partition(const Expect *expect, const Table *table, const Partition *p, Err *err) {
    return !expect || (expect_id(expect->id, table->id, "Table", table->name, err) &&
                       (expect->version < 0 || expect->version == partition_version(p) ||
                        err_set(err, ERR_VERSION_CONFLICT,
                                "Partition %" STR_FMT " of table %" STR_FMT ".%" STR_FMT
                                " is not what it was when its ETag was given out: read it again.",
                                STR_ARG(p->name), STR_ARG(table->database), STR_ARG(table->name))));
}

/* --- adding --------------------------------------------------------------------------------------------------- */

typedef struct Adding {
    Ctx *ctx;
    const PartitionAdd *add;
    PartitionScope scope;
    Partition *items; /* one per given, prepared */
    ItemResult *results;
    unsigned *made;   /* how many levels of its directory are new */
    Partition *fresh; /* those to be written */
    size_t fresh_count;
    bool same;
} Adding;

/* What a partition does not say itself it has from its table. Glue keeps it unsaid. */
static void inherit(Ctx *ctx, const Table *table, Partition *p) {
    Storage *s = &p->storage;
    if (ctx_door_is(ctx, "glue") || !table->storage.given) {
        return;
    }
    bool rest = ctx_door_is(ctx, "rest");
    bool own_format = s->given && (!rest || !uuid_eq(s->format->id, content_format_id(&storage_format_none)));
    if (!s->given || uuid_is_zero(s->columns->id) || (rest && s->columns->count == 0)) {
        s->columns = table->storage.columns;
    }
    s->format = own_format ? s->format : table->storage.format;
    s->given = true;
    if (str_is_empty(s->location) && !str_is_null(table->storage.location)) {
        s->location = location_join(ctx->arena, table->storage.location, p->name);
    }
}

/* What Hive never lets happen. */
static bool check_place(const Ctx *ctx, const Table *table, const Partition *p, Err *err) {
    bool nowhere = str_is_null(table->storage.location) && !str_is_empty(p->storage.location);
    return !nowhere || !ctx_door_is(ctx, "hive") ||
           err_set(err, ERR_INVALID_PARTITION, "Cannot specify location for a view partition");
}

static bool prepare(Ctx *ctx, const Table *table, Partition *p, const Storage *before, Err *err) {
    if (!make_name(ctx, table, p->values, &p->name, err) || (!before && !check_place(ctx, table, p, err))) {
        return false;
    }
    inherit(ctx, table, p);
    return storage_check(ctx, &p->storage, before, err) && params_check(ctx, "the partition", &p->params, err);
}

static bool fail_item(Adding *a, size_t i, const Err *why, Err *err) {
    if (!a->add->per_item) {
        *err = *why;
        return false;
    }
    a->results[i].ok = false;
    a->results[i].err = *why;
    return true;
}

static bool already(const Table *table, Str name, Err *err) {
    return err_set(err, ERR_ALREADY_EXISTS, "Partition already exists: %" STR_FMT " of table %" STR_FMT ".%" STR_FMT, STR_ARG(name),
                   STR_ARG(table->database), STR_ARG(table->name));
}

/* Hive's clients are told that their own list is wrong. */
static bool given_twice(const Ctx *ctx, const Table *table, Str name, Err *err) {
    return ctx_door_is(ctx, "hive")
               ? err_set(err, ERR_INVALID_PARTITION, "Duplicate partitions in the list: %" STR_FMT, STR_ARG(name))
               : already(table, name, err);
}

static bool prepare_all(Adding *a, Err *err) {
    Ctx *ctx = a->ctx;
    size_t count = a->add->items.count;
    StrMap *seen = strmap_new(ctx->arena, count);
    for (size_t i = 0; i < count; i++) {
        Err why;
        a->items[i] = a->add->items.items[i];
        a->results[i] = (ItemResult){.ok = true};
        bool ok = prepare(ctx, &a->scope.table, &a->items[i], NULL, &why);
        if (ok && strmap_put(seen, a->items[i].name, &a->items[i])) {
            ok = given_twice(ctx, &a->scope.table, a->items[i].name, &why);
        }
        if ((!ok && !fail_item(a, i, &why, err)) || !arena_check(ctx->arena, err)) {
            return false;
        }
    }
    return true;
}

static void count_files(Adding *a, size_t i, QuickStats *last) {
    Partition *p = &a->items[i];
    if (a->add->quick_statistics && !quickstats_given(&p->params)) {
        p->params = params_copy(&p->params, a->ctx->arena);
        quickstats_refresh(a->ctx, p->storage.location, false, last, &p->params);
    }
}

/* Directories come before the rows, so that a partition that is listed has one. Where none may be made it says so once. Neighbours
 * may share one. */
static bool make_directories(Adding *a, Err *err) {
    const Table *table = &a->scope.table;
    if (a->add->no_directories || (!table_is_managed(table) && !ctx_door_is(a->ctx, "hive"))) {
        return true;
    }
    QuickStats last = {.known = false};
    Str before = STR_NULL;
    StorageVerdict verdict = {.reason = STORAGE_OK};
    for (size_t i = 0; i < a->add->items.count; i++) {
        Str location = a->items[i].storage.location;
        if (!a->results[i].ok || str_is_null(location)) {
            continue;
        }
        if (!str_eq(location, before)) {
            if (!roots_mkdir(a->ctx->catalog->roots, location, 0777, &verdict, err)) {
                return false;
            }
            a->made[i] = storage_done(&verdict) ? verdict.made : 0;
            before = location;
        }
        if (!storage_done(&verdict)) {
            if (storage_warns(&verdict)) {
                log_warn("Directories of partitions are not made, only metadata changes: %s", verdict.text);
            }
            return true;
        }
        if (verdict.made == 0) {
            count_files(a, i, &last);
        }
    }
    return true;
}

/* The table went elsewhere meanwhile: what was made in its old place is nobody's. Backwards, because the first ones made the
 * directories above the others. */
static void unmake_directories(Adding *a) {
    for (size_t i = a->add->items.count; i-- > 0;) {
        StorageVerdict verdict;
        Err ignored;
        Str location = a->items[i].storage.location;
        if (a->made[i] && !roots_rmdir_if_empty(a->ctx->catalog->roots, location, a->made[i], &verdict, &ignored)) {
            log_debug("The directory %" STR_FMT " stays, though empty: %s", STR_ARG(location), ignored.message);
        }
        a->made[i] = 0;
    }
}

static bool pick_fresh(PgConn *conn, Adding *a, Err *err) {
    Ctx *ctx = a->ctx;
    size_t count = a->add->items.count;
    StrList existing;
    StrList names = names_of(ctx, a->items, count);
    for (size_t i = 0; i < count; i++) {
        names.items[i] = a->results[i].ok ? names.items[i] : STR("");
    }
    if (!partition_rows_existing(ctx, conn, a->scope.table.id, names, &existing, err)) {
        return false;
    }
    StrMap *there = strmap_new(ctx->arena, existing.count);
    for (size_t i = 0; i < existing.count; i++) {
        strmap_put(there, existing.items[i], a);
    }
    a->fresh = ARENA_ARRAY(ctx->arena, Partition, count);
    a->fresh_count = 0;
    for (size_t i = 0; i < count; i++) {
        Err why;
        bool exists = a->results[i].ok && strmap_get(there, a->items[i].name);
        a->results[i].existed = exists && a->add->if_not_exists;
        if (exists && !a->add->if_not_exists) {
            already(&a->scope.table, a->items[i].name, &why);
            if (!fail_item(a, i, &why, err)) {
                return false;
            }
        }
        if (a->results[i].ok && !exists) {
            a->fresh[a->fresh_count++] = a->items[i];
        }
    }
    return true;
}

static bool add_body(PgConn *conn, void *arg, Err *err) {
    Adding *a = arg;
    Ctx *ctx = a->ctx;
    if (!partition_scope_hold(ctx, conn, &a->scope, &a->same, err)) {
        return false;
    }
    if (!a->same) {
        return true;
    }
    int64_t seq = 0;
    if (!pick_fresh(conn, a, err)) {
        return false;
    }
    if (a->fresh_count == 0) {
        return true;
    }
    if (!change_partitions(ctx, conn, &a->scope.table, "add", "ADD_PARTITION", names_of(ctx, a->fresh, a->fresh_count), &seq,
                           err)) {
        return false;
    }
    Micros now = clock_now();
    for (size_t i = 0; i < a->fresh_count; i++) {
        a->fresh[i].added_seq = seq;
        a->fresh[i].altered_seq = 0;
        a->fresh[i].created_at = a->fresh[i].created_at == MICROS_NONE ? now : a->fresh[i].created_at;
    }
    return partition_rows_copy(ctx, conn, &a->scope, a->fresh, a->fresh_count, err);
}

static bool read_scope_and_prepare(Adding *a, TableRef folded, Err *err) {
    Ctx *ctx = a->ctx;
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    if (!open_scope(ctx, folded, &conn, &a->scope, err) || !prepare_all(a, err)) {
        return false;
    }
    ContentBag bag = bag_new(ctx->arena, a->add->items.count);
    for (size_t i = 0; i < a->add->items.count; i++) {
        if (a->results[i].ok) {
            bag_add(&bag, &a->scope.table, &a->items[i].storage);
        }
    }
    return bag_store(ctx, conn, &bag, err);
}

bool partition_add(Ctx *ctx, TableRef ref, const PartitionAdd *add, Partitions *ret, ItemResult **ret_results, Err *err) {
    TableRef folded = scope_table(ctx, ref);
    Adding a = {.ctx = ctx, .add = add};
    a.items = ARENA_ARRAY(ctx->arena, Partition, add->items.count);
    a.made = ARENA_ARRAY(ctx->arena, unsigned, add->items.count);
    a.results = results_new(ctx, add->items.count);
    if (!authorize(ctx, ACTION_CREATE, folded, err) || !check_count(ctx, "added", add->items.count, err)) {
        return false;
    }
    for (int tries = 0; tries < SCOPE_TRIES; tries++) {
        if (!read_scope_and_prepare(&a, folded, err) || !make_directories(&a, err) ||
            !pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, add_body, &a, err)) {
            return false;
        }
        if (a.same) {
            give(ret, (Partitions){a.fresh, a.fresh_count}, ret_results, a.results);
            return true;
        }
        unmake_directories(&a);
    }
    return table_moved_on(&a.scope.table, err);
}

/* --- altering ------------------------------------------------------------------------------------------------- */

typedef struct PartitionAltering {
    Ctx *ctx;
    const PartitionAlter *how;
    PartitionScope scope;
    ItemResult *results;
    Str *names;       /* before */
    Str *new_names;   /* what the directories were moved for */
    Partition *items; /* after; name "" where the item failed */
    Move *moves;
    bool same;
} PartitionAltering;

static bool alter_fails(PartitionAltering *a, size_t i, const Err *why, Err *err) {
    if (!a->how->per_item) {
        *err = *why;
        return false;
    }
    a->results[i].ok = false;
    a->results[i].err = *why;
    return true;
}

/* Nothing differs at all. Only for what prepare() has seen: it computes the ids of the shared definitions. */
static bool is_same(const Partition *a, const Partition *b) {
    const Storage *s = &a->storage, *t = &b->storage;
    bool same_storage = s->given == t->given &&
                        (!s->given || (uuid_eq(s->columns->id, t->columns->id) && uuid_eq(s->format->id, t->format->id)));
    return same_storage && str_eq(a->name, b->name) && str_eq(s->location, t->location) && params_equal(&s->params, &t->params) &&
           params_equal(&a->params, &b->params) && str_eq(a->extra, b->extra) && a->created_at == b->created_at &&
           a->last_access_at == b->last_access_at && a->last_analyzed_at == b->last_analyzed_at;
}

static bool alter_one(PartitionAltering *a, size_t i, const StrMap *found, Err *err) {
    const Partition *before = strmap_get(found, a->names[i]);
    if (!before) {
        return not_found(&a->scope.table, a->names[i], err);
    }
    if (!expect_partition(a->how->expect, &a->scope.table, before, err)) {
        return false;
    }
    Partition *p = &a->items[i];
    *p = *before;
    p->params = params_copy(&before->params, a->ctx->arena);
    p->storage.params = params_copy(&before->storage.params, a->ctx->arena);
    if (!a->how->edit(a->ctx, &a->scope.table, p, i, a->how->arg, err) ||
        !prepare(a->ctx, &a->scope.table, p, &before->storage, err)) {
        return false;
    }
    a->results[i].unchanged = !a->how->write_noop && is_same(before, p);
    return true;
}

static bool alter_names(PartitionAltering *a, Err *err) {
    StrMap *seen = strmap_new(a->ctx->arena, a->how->count);
    for (size_t i = 0; i < a->how->count; i++) {
        Err why;
        a->results[i] = (ItemResult){.ok = true};
        bool ok = make_name(a->ctx, &a->scope.table, a->how->values[i], &a->names[i], &why) &&
                  (!strmap_put(seen, a->names[i], a) ||
                   err_set(&why, ERR_INVALID_INPUT, "Partition %" STR_FMT " is given twice.", STR_ARG(a->names[i])));
        if (!ok && !alter_fails(a, i, &why, err)) {
            return false;
        }
    }
    return true;
}

static bool alter_items(PgConn *conn, PartitionAltering *a, bool lock, Err *err) {
    PartitionQuery query = {.names = {a->names, a->how->count}, .with_names = true, .limit = -1};
    Partitions found;
    if (!read_rows(a->ctx, conn, &a->scope, &query, lock, &found, err)) {
        return false;
    }
    StrMap *by_name = strmap_new(a->ctx->arena, found.count);
    for (size_t i = 0; i < found.count; i++) {
        strmap_put(by_name, found.items[i].name, &found.items[i]);
    }
    for (size_t i = 0; i < a->how->count; i++) {
        Err why;
        if (a->results[i].ok && !alter_one(a, i, by_name, &why) && !alter_fails(a, i, &why, err)) {
            return false;
        }
    }
    return arena_check(a->ctx->arena, err);
}

/* A new name must be free: neither there already nor given twice. */
static bool check_new_names(PgConn *conn, PartitionAltering *a, Err *err) {
    StrList wanted = {ARENA_ARRAY(a->ctx->arena, Str, a->how->count), 0}, taken;
    StrMap *seen = strmap_new(a->ctx->arena, a->how->count);
    for (size_t i = 0; i < a->how->count; i++) {
        Err why;
        if (!a->results[i].ok) {
            continue;
        }
        if (strmap_put(seen, a->items[i].name, a) &&
            (already(&a->scope.table, a->items[i].name, &why), !alter_fails(a, i, &why, err))) {
            return false;
        }
        if (!str_eq(a->items[i].name, a->names[i])) {
            wanted.items[wanted.count++] = a->items[i].name;
        }
    }
    if (wanted.count == 0) {
        return true;
    }
    if (!partition_rows_existing(a->ctx, conn, a->scope.table.id, wanted, &taken, err)) {
        return false;
    }
    return taken.count == 0 || already(&a->scope.table, taken.items[0], err);
}

static bool is_written(const PartitionAltering *a, size_t i) { return a->results[i].ok && !a->results[i].unchanged; }

static bool write_altered(PgConn *conn, PartitionAltering *a, Err *err) {
    Ctx *ctx = a->ctx;
    Partition *after = ARENA_ARRAY(ctx->arena, Partition, a->how->count);
    StrList old = {ARENA_ARRAY(ctx->arena, Str, a->how->count), 0};
    ContentBag bag = bag_new(ctx->arena, a->how->count);
    for (size_t i = 0; i < a->how->count; i++) {
        if (is_written(a, i)) {
            old.items[old.count++] = a->names[i];
            bag_add(&bag, &a->scope.table, &a->items[i].storage);
        }
    }
    int64_t seq;
    if (old.count == 0) {
        return true;
    }
    if (!bag_store(ctx, conn, &bag, err) ||
        !change_partitions(ctx, conn, &a->scope.table, "alter", "ALTER_PARTITION", old, &seq, err) ||
        !partition_rows_retire(ctx, conn, a->scope.table.id, old, seq, false, err)) {
        return false;
    }
    size_t count = 0;
    for (size_t i = 0; i < a->how->count; i++) {
        Partition *p = &a->items[i];
        if (!is_written(a, i)) {
            continue;
        }
        p->altered_seq = seq;
        after[count++] = *p;
        if (!str_eq(p->name, a->names[i]) && !statistics_move_partition(ctx, conn, a->scope.table.id, a->names[i], p->name, err)) {
            return false;
        }
    }
    return partition_rows_copy(ctx, conn, &a->scope, after, count, err);
}

/* The directories that were moved already decide where those partitions are now. */
static bool follow_moves(PgConn *conn, PartitionAltering *a, Err *err) {
    for (size_t i = 0; i < a->how->count; i++) {
        if (a->moves[i].intent == 0 || !a->results[i].ok) {
            continue;
        }
        if (!str_eq(a->items[i].name, a->new_names[i])) {
            return err_set(err, ERR_CONFLICT, "Partition %" STR_FMT " was changed while its directory moved. Try again.",
                           STR_ARG(a->names[i]));
        }
        a->items[i].storage.location = a->moves[i].to;
        if (!move_commit(a->ctx, conn, &a->moves[i], err)) {
            return false;
        }
    }
    return true;
}

static bool alter_body(PgConn *conn, void *arg, Err *err) {
    PartitionAltering *a = arg;
    if (!partition_scope_hold(a->ctx, conn, &a->scope, &a->same, err)) {
        return false;
    }
    return !a->same || (alter_names(a, err) && alter_items(conn, a, true, err) && check_new_names(conn, a, err) &&
                        follow_moves(conn, a, err) && write_altered(conn, a, err));
}

/* A managed partition at its default place moves its directory along with its name. */
static bool wants_move(PartitionAltering *a, size_t i, Str *ret_from, Str *ret_to) {
    const Table *table = &a->scope.table;
    Str root = table->storage.location;
    if (!a->results[i].ok || str_eq(a->names[i], a->items[i].name) || !table_is_managed(table) || table_is_log_format(table) ||
        str_is_null(root)) {
        return false;
    }
    *ret_from = location_join(a->ctx->arena, root, a->names[i]);
    *ret_to = location_join(a->ctx->arena, root, a->items[i].name);
    return str_eq(a->items[i].storage.location, *ret_from);
}

/* Works the change out once without a lock, to know which directories go where, and moves them. */
static bool move_directories(PartitionAltering *a, TableRef folded, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    bool ok = open_scope(a->ctx, folded, &conn, &a->scope, err) &&
              (!a->how->renames || (alter_names(a, err) && alter_items(conn, a, false, err) && check_new_names(conn, a, err)));
    pg_release(conn);
    conn = NULL;
    for (size_t i = 0; ok && a->how->renames && i < a->how->count; i++) {
        Str from, to;
        a->moves[i] = (Move){0};
        a->new_names[i] = a->items[i].name;
        ok = !wants_move(a, i, &from, &to) || move_begin(a->ctx, a->scope.table.id, a->names[i], from, to, &a->moves[i], err);
    }
    return ok;
}

static void reverse_moves(PartitionAltering *a) {
    for (size_t i = 0; i < a->how->count; i++) {
        move_reverse(a->ctx, &a->moves[i]);
        a->moves[i] = (Move){0};
    }
}

bool partition_alter(Ctx *ctx, TableRef ref, const PartitionAlter *how, Partitions *ret, ItemResult **ret_results, Err *err) {
    TableRef folded = scope_table(ctx, ref);
    PartitionAltering a = {.ctx = ctx, .how = how, .results = results_new(ctx, how->count)};
    a.names = ARENA_ARRAY(ctx->arena, Str, how->count);
    a.new_names = ARENA_ARRAY(ctx->arena, Str, how->count);
    a.items = ARENA_ARRAY(ctx->arena, Partition, how->count);
    a.moves = ARENA_ARRAY(ctx->arena, Move, how->count);
    if (!authorize(ctx, ACTION_ALTER, folded, err) || !check_count(ctx, "altered", how->count, err)) {
        return false;
    }
    for (int tries = 0; tries < SCOPE_TRIES; tries++) {
        bool ok = move_directories(&a, folded, err) &&
                  pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, alter_body, &a, err);
        if ((!ok && err->code != ERR_STATE_UNKNOWN) || (ok && !a.same)) {
            reverse_moves(&a);
        }
        if (!ok) {
            return false;
        }
        if (a.same) {
            give(ret, (Partitions){a.items, how->count}, ret_results, a.results);
            return true;
        }
    }
    return table_moved_on(&a.scope.table, err);
}

/* --- dropping ------------------------------------------------------------------------------------------------- */

typedef struct PartitionDropping {
    Ctx *ctx;
    const PartitionDrop *how;
    PartitionScope scope;
    ItemResult *results;
    Partitions dropped;
    StrList names, places; /* of those whose data goes, as they were read first */
    Discards data;         /* what of it was set aside */
    bool same;
} PartitionDropping;

/* Names that are not there: errors one by one, one error, or nothing. */
static bool report_missing(PartitionDropping *d, Err *err) {
    const PartitionQuery *which = &d->how->which;
    if (!which->with_names || d->dropped.count == which->names.count) {
        return true;
    }
    StrMap *found = strmap_new(d->ctx->arena, d->dropped.count);
    for (size_t i = 0; i < d->dropped.count; i++) {
        strmap_put(found, d->dropped.items[i].name, d);
    }
    for (size_t i = 0; i < which->names.count; i++) {
        if (strmap_get(found, which->names.items[i]) || d->how->if_exists) {
            continue;
        }
        Err why;
        not_found(&d->scope.table, which->names.items[i], &why);
        if (!d->how->per_item) {
            *err = why;
            return false;
        }
        d->results[i] = (ItemResult){.ok = false, .err = why};
    }
    return true;
}

static bool deletes_data(const PartitionDropping *d) {
    const Table *table = &d->scope.table;
    bool purge = table_is_managed(table) || params_is_true(&table->params, STR("external.table.purge"));
    return d->how->delete_data && purge && !table_is_view(table);
}

static bool find_dropped(PgConn *conn, PartitionDropping *d, bool lock, Err *err) {
    PartitionQuery which = d->how->which;
    which.limit = capped(d->ctx, which.limit);
    if (!read_rows(d->ctx, conn, &d->scope, &which, lock, &d->dropped, err) ||
        !check_count(d->ctx, "dropped", d->dropped.count, err) || !report_missing(d, err)) {
        return false;
    }
    for (size_t i = 0; i < d->dropped.count; i++) {
        if (!expect_partition(d->how->expect, &d->scope.table, &d->dropped.items[i], err)) {
            return false;
        }
    }
    return true;
}

/* The same partitions in the same places as when their data was set aside. */
static bool is_foreseen(const PartitionDropping *d) {
    if (!deletes_data(d)) {
        return true;
    }
    bool same = d->dropped.count == d->names.count;
    for (size_t i = 0; same && i < d->dropped.count; i++) {
        same = str_eq(d->dropped.items[i].name, d->names.items[i]) &&
               str_eq(d->dropped.items[i].storage.location, d->places.items[i]);
    }
    return same;
}

static bool drop_body(PgConn *conn, void *arg, Err *err) {
    PartitionDropping *d = arg;
    Ctx *ctx = d->ctx;
    if (!partition_scope_hold(ctx, conn, &d->scope, &d->same, err)) {
        return false;
    }
    if (!d->same) {
        return true;
    }
    int64_t seq;
    if (!find_dropped(conn, d, true, err)) {
        return false;
    }
    d->same = is_foreseen(d);
    if (!d->same || d->dropped.count == 0) {
        return true;
    }
    StrList names = names_of(ctx, d->dropped.items, d->dropped.count);
    return change_partitions(ctx, conn, &d->scope.table, "drop", "DROP_PARTITION", names, &seq, err) &&
           partition_rows_retire(ctx, conn, d->scope.table.id, names, seq, true, err) &&
           statistics_drop_partitions(ctx, conn, d->scope.table.id, names, err) && discard_commit(ctx, conn, &d->data, seq, err);
}

static bool read_for_drop(PartitionDropping *d, TableRef folded, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    Ctx *ctx = d->ctx;
    d->results = results_new(ctx, d->how->which.names.count);
    d->data = (Discards){0};
    if (!open_scope(ctx, folded, &conn, &d->scope, err) || (deletes_data(d) && !find_dropped(conn, d, false, err))) {
        return false;
    }
    if (!deletes_data(d)) {
        return true;
    }
    size_t count = d->dropped.count;
    d->names = names_of(ctx, d->dropped.items, count);
    d->places = (StrList){ARENA_ARRAY(ctx->arena, Str, count), count};
    d->data.items = ARENA_ARRAY(ctx->arena, Discard, count);
    for (size_t i = 0; i < count && !arena_exceeded(ctx->arena); i++) {
        const Partition *p = &d->dropped.items[i];
        d->places.items[i] = p->storage.location;
        if (!str_is_null(p->storage.location)) {
            d->data.items[d->data.count++] = (Discard){
                .table_id = d->scope.table.id, .partition = p->name, .from = p->storage.location};
        }
    }
    return arena_check(ctx->arena, err);
}

/* ds=1/ of ds=1/hour=2/, once its last partition is gone. Whoever adds the next one there makes it again. */
static void remove_empty_parents(const PartitionDropping *d) {
    Str root = d->scope.table.storage.location, last = STR_NULL;
    for (size_t i = 0; i < d->data.count && !str_is_null(root); i++) {
        const Discard *gone = &d->data.items[i];
        Str parent = location_parent(gone->from), way = location_suffix(root, parent);
        if (!gone->moved || str_is_empty(way) || str_eq(parent, last)) {
            continue;
        }
        StorageVerdict verdict;
        Err ignored;
        unsigned levels = 1;
        for (size_t c = 0; c < way.len; c++) {
            levels += way.ptr[c] == '/';
        }
        last = parent;
        if (!roots_rmdir_if_empty(d->ctx->catalog->roots, parent, levels, &verdict, &ignored)) {
            log_debug("The directory %" STR_FMT " stays, though empty: %s", STR_ARG(parent), ignored.message);
        }
    }
}

/* Their data leaves its place first; see discard.h. */
static bool drop_once(PartitionDropping *d, TableRef folded, Err *err) {
    Ctx *ctx = d->ctx;
    if (!read_for_drop(d, folded, err)) {
        return false;
    }
    const Table *table = &d->scope.table;
    DiscardWhat what = {.tables = &table->id, .table_count = 1, .partitions = d->names, .version = table->version};
    return discard_around(ctx, &what, &d->data, &d->same, drop_body, d, err);
}

bool partition_drop(Ctx *ctx, TableRef ref, const PartitionDrop *how, Partitions *ret, int64_t *ret_count, ItemResult **ret_results,
                    Err *err) {
    TableRef folded = scope_table(ctx, ref);
    PartitionDropping d = {.ctx = ctx, .how = how};
    if (!authorize(ctx, ACTION_DROP, folded, err) || !check_count(ctx, "dropped", how->which.names.count, err)) {
        return false;
    }
    for (int tries = 0; tries < SCOPE_TRIES; tries++) {
        if (!drop_once(&d, folded, err)) {
            return false;
        }
        if (d.same) {
            remove_empty_parents(&d);
            give(ret, how->want_dropped ? d.dropped : (Partitions){0}, ret_results, d.results);
            if (ret_count) {
                *ret_count = (int64_t)d.dropped.count;
            }
            return true;
        }
    }
    return table_moved_on(&d.scope.table, err);
}

/* --- history -------------------------------------------------------------------------------------------------- */

bool partition_history(Ctx *ctx, TableRef ref, StrList values, PartitionEvent **ret, size_t *ret_count, Table *ret_table,
                       Err *err) {
    TableRef folded = scope_table(ctx, ref);
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    PartitionScope scope;
    Str name;
    if (!authorize(ctx, ACTION_READ, folded, err) || !open_scope(ctx, folded, &conn, &scope, err) ||
        !make_name(ctx, &scope.table, values, &name, err) ||
        !partition_rows_history(ctx, conn, &scope, name, ret, ret_count, err)) {
        return false;
    }
    if (ret_table) {
        *ret_table = scope.table;
    }
    return *ret_count > 0 || not_found(&scope.table, name, err);
}

typedef struct Restoring {
    Ctx *ctx;
    TableRef ref;
    StrList values;
    int64_t seq;
    Partition *ret;
    Discards data; /* to be moved back */
} Restoring;

static const PartitionEvent *find_image(const PartitionEvent *events, size_t count, int64_t seq) {
    for (size_t i = 0; i < count; i++) {
        if (events[i].has_image && (seq == 0 || events[i].change.seq == seq)) {
            return &events[i];
        }
    }
    return NULL;
}

static bool restore_body(PgConn *conn, void *arg, Err *err) {
    Restoring *r = arg;
    Ctx *ctx = r->ctx;
    PartitionScope scope;
    bool same;
    Str name;
    PartitionEvent *events;
    size_t count;
    if (!partition_scope_get(ctx, conn, r->ref, &scope, err) || !partition_scope_hold(ctx, conn, &scope, &same, err)) {
        return false;
    }
    if (!same) {
        return err_set(err, ERR_RETRY, "The table changed meanwhile.");
    }
    if (!make_name(ctx, &scope.table, r->values, &name, err) ||
        !partition_rows_history(ctx, conn, &scope, name, &events, &count, err)) {
        return false;
    }
    const PartitionEvent *event = find_image(events, count, r->seq);
    if (!event) {
        return err_set(err, ERR_PARTITION_NOT_FOUND, "Nothing is kept that partition %" STR_FMT " could be restored to.",
                       STR_ARG(name));
    }
    *r->ret = event->image;
    StrList names = {&name, 1};
    int64_t seq;
    bool dropped = str_eq(events[0].action, STR("drop"));
    r->data = (Discards){0};
    bool placed = !str_is_null(r->ret->storage.location);
    if ((dropped && placed &&
         !discard_take_back(ctx, conn, scope.table.id, r->ret->storage.location, event->change.seq, &r->data, err)) ||
        !change_partitions(ctx, conn, &scope.table, "restore", dropped ? "ADD_PARTITION" : "ALTER_PARTITION", names, &seq, err) ||
        !partition_rows_retire(ctx, conn, scope.table.id, names, seq, false, err)) {
        return false;
    }
    r->ret->altered_seq = seq;
    return partition_rows_copy(ctx, conn, &scope, r->ret, 1, err);
}

bool partition_restore(Ctx *ctx, TableRef ref, StrList values, int64_t seq, Partition *ret, Err *err) {
    Restoring r = {.ctx = ctx, .ref = scope_table(ctx, ref), .values = values, .seq = seq, .ret = ret};
    if (!authorize(ctx, ACTION_ALTER, r.ref, err) ||
        !pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, restore_body, &r, err)) {
        return false;
    }
    discard_reverse(ctx, &r.data);
    return true;
}
