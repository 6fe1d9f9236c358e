#include "catalog/tables.h"

#include "base/json_writer.h"
#include "base/log.h"
#include "catalog/content.h"
#include "catalog/discard.h"
#include "catalog/hive_table.h"
#include "catalog/moves.h"
#include "catalog/places.h"
#include "catalog/scope.h"
#include "catalog/search.h"
#include "catalog/sql/constraints_sql.h"
#include "catalog/sql/content_sql.h"
#include "catalog/sql/databases_sql.h"
#include "catalog/sql/discard_sql.h"
#include "catalog/sql/partitions_sql.h"
#include "catalog/sql/statistics_sql.h"
#include "catalog/sql/tables_sql.h"
#include "catalog/sql/transactions_sql.h"
#include "catalog/sql/versions_sql.h"
#include "catalog/table_check.h"
#include "catalog/versions.h"
#include "config/config.h"
#include "storage/location.h"

static bool authorize(const Ctx *ctx, Action action, TableRef ref, Err *err) {
    return ctx_authorize(ctx, action, "table", ref.catalog, ref.database, ref.name, err);
}

/* --- reading -------------------------------------------------------------------------------------------------- */

void table_get_each(TableGet *reads, size_t count) {
    TableGet **allowed = ARENA_ARRAY(reads[0].ctx->arena, TableGet *, count);
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        TableGet *get = &reads[i];
        get->ok = false;
        get->ref = scope_table(get->ctx, get->ref);
        if (authorize(get->ctx, ACTION_READ, get->ref, get->err)) {
            allowed[n++] = get;
        }
    }
    table_rows_read_each(allowed, n);
}

bool table_get(Ctx *ctx, TableRef ref, Table *ret, Err *err) {
    TableGet get = {.ctx = ctx, .ref = ref, .ret = ret, .err = err};
    table_get_each(&get, 1);
    return get.ok;
}

static bool list_names(Ctx *ctx, PgConn *conn, Str catalog, Str database, Str type, const Page *page, TableSummaries *ret,
                       Database *ret_database, Err *err) {
    const Glob *glob;
    return glob_parse_hive(ctx->arena, page->pattern, &glob, err) &&
           databases_sql_get(ctx, conn, scope_catalog(ctx, catalog), scope_name(ctx, database), ROW_READ, ret_database, err) &&
           table_rows_names(ctx, conn, ret_database->id, type, page, glob, ret, err);
}

bool table_list(Ctx *ctx, Str catalog, Str database, Str type, const Page *page, TableSummaries *ret, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    Database found;
    return ctx_authorize(ctx, ACTION_LIST, "table", catalog, database, STR_NULL, err) &&
           pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) &&
           list_names(ctx, conn, catalog, database, type, page, ret, &found, err);
}

bool table_list_full(Ctx *ctx, Str catalog, Str database, Str type, const Page *page, Tables *ret, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    TableSummaries names;
    Database found;
    if (!ctx_authorize(ctx, ACTION_LIST, "table", catalog, database, STR_NULL, err) ||
        !pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) ||
        !list_names(ctx, conn, catalog, database, type, page, &names, &found, err)) {
        return false;
    }
    StrList list = {ARENA_ARRAY(ctx->arena, Str, names.count), names.count};
    for (size_t i = 0; i < names.count; i++) {
        list.items[i] = names.items[i].name;
    }
    if (!table_rows_full(ctx, conn, found.id, list, ret, err)) {
        return false;
    }
    ret->more = names.more;
    return true;
}

/* --- creating ------------------------------------------------------------------------------------------------- */

/* The directory a table of that name has when nobody says otherwise. */
static Str default_location(Ctx *ctx, const Database *database, const Table *t) {
    bool managed = table_is_managed(t) && !str_is_null(database->managed_location);
    Str parent = managed ? database->managed_location : database->location;
    return str_is_null(parent) ? STR_NULL : place_below(ctx, parent, t->name, STR(""));
}

/* What is left out at creation. Glue stores a table exactly as it came. */
static void add_defaults(Ctx *ctx, const Database *database, Table *t) {
    if (ctx_door_is(ctx, "glue")) {
        return;
    }
    if (str_is_null(t->type) && ctx_door_is(ctx, "rest")) {
        bool placed = !str_is_null(t->storage.location);
        t->type = !str_is_null(t->view_original) ? STR("VIRTUAL_VIEW") : placed ? STR("EXTERNAL_TABLE") : STR("MANAGED_TABLE");
    }
    if (t->storage.given && str_is_null(t->storage.location) && !table_is_view(t)) {
        t->storage.location = default_location(ctx, database, t);
    }
}

static bool store_content(Ctx *ctx, PgConn *conn, const Table *t, Err *err) {
    const ColumnSet *sets[] = {t->storage.columns, t->partition_keys};
    return content_store(ctx, conn, sets, ARRAY_LEN(sets), &t->storage.format, 1, err);
}

typedef struct Creating {
    Ctx *ctx;
    const Table *table;
    const Constraints *constraints;
    Table *ret;
} Creating;

static bool add_constraints(PgConn *conn, Creating *c, Err *err) {
    Constraints ignored;
    return c->constraints->count == 0 || constraint_add_to(c->ctx, conn, c->ret, c->constraints, &ignored, err);
}

static bool create_body(PgConn *conn, void *arg, Err *err) {
    Creating *c = arg;
    Database database;
    if (!database_lock_share(c->ctx, conn, c->table->catalog, c->table->database, &database, err)) {
        return false;
    }
    TableWrite write = {.table = c->table, .database_id = database.id, .action = "create", .hms_event = "CREATE_TABLE"};
    /* The name first: while a table of that name is being dropped, this waits for the end of it. */
    return table_row_insert(c->ctx, conn, &write, c->ret, NULL, err) &&
           discard_hold(c->ctx, conn, c->table->storage.location, err) && add_constraints(conn, c, err) &&
           search_update(c->ctx, conn, c->ret, err);
}

static bool read_database(Ctx *ctx, const Table *t, Database *ret, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    return pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) &&
           databases_sql_get(ctx, conn, t->catalog, t->database, ROW_READ, ret, err);
}

static bool store_content_alone(Ctx *ctx, const Table *t, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    return pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) && store_content(ctx, conn, t, err);
}

/* Everything that is to be known of a new table before it is written. */
static bool prepare(Ctx *ctx, const Database *database, Table *table, Err *err) {
    bool hive = ctx_door_is(ctx, "hive"), counted = false;
    if (hive) {
        hive_table_settle(ctx, table, &counted);
    }
    if (hive && !str_is_null(table->storage.location) && location_is_root(table->storage.location)) {
        return err_set(err, ERR_INVALID_INPUT, "%" STR_FMT ": the location must not be root path",
                       STR_ARG(table->storage.location));
    }
    add_defaults(ctx, database, table);
    if (!table_check(ctx, table, NULL, err)) {
        return false;
    }
    if (counted) { /* a directory that is only made now has nothing to count */
        hive_table_count(ctx, table);
    }
    return true;
}

bool table_create(Ctx *ctx, const TableCreate *create, Table *ret, Err *err) {
    TableRef ref = scope_table(ctx, (TableRef){create->table.catalog, create->table.database, create->table.name});
    Table table = create->table;
    table.catalog = ref.catalog;
    table.database = ref.database;
    table.name = ref.name;
    table.created_at = create->keep_created_at ? table.created_at : MICROS_NONE;
    if (str_is_empty(table.storage.location)) {
        table.storage.location = STR_NULL;
    }
    Database database;
    if (!authorize(ctx, ACTION_CREATE, ref, err) || !read_database(ctx, &table, &database, err)) {
        return false;
    }
    if (!prepare(ctx, &database, &table, err)) {
        return false;
    }
    if (!table_is_view(&table)) {
        place_make(ctx, table.storage.location);
    }
    Creating creating = {ctx, &table, &create->constraints, ret};
    if (store_content_alone(ctx, &table, err) &&
        pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, create_body, &creating, err)) {
        if (!table_is_view(&table)) {
            place_make(ctx, table.storage.location); /* that of a dropped table there may just have been set aside */
        }
        return true;
    }
    return create->if_not_exists && err->code == ERR_ALREADY_EXISTS && table_get(ctx, ref, ret, err);
}

/* --- altering ------------------------------------------------------------------------------------------------- */

typedef struct Altering {
    Ctx *ctx;
    TableRef ref;
    const TableAlter *how;
    Table before, after;
    Database target; /* the database the table is in afterwards */
    TableDiff diff;
    Move move;
    bool content_stored, won;
    Table *ret;
} Altering;

/* Clients look for this text, letter by letter. */
#define MODIFIED_TEXT \
    "The table has been modified. The parameter value for key '%" STR_FMT "' is '%" STR_FMT \
    "'. The expected was value was '%" STR_FMT "'"
static Str or_null(Str text) { return str_is_null(text) ? STR("null") : text; }

static bool check_expected(const TableAlter *how, const Table *t, Err *err) {
    if (!expect_id(how->expect_id, t->id, "Table", t->name, err)) {
        return false;
    }
    if (how->expect_version >= 0 && how->expect_version != t->version) {
        return err_set(err, ERR_VERSION_CONFLICT,
                       "Table %" STR_FMT ".%" STR_FMT " has version %" PRId64 " by now, not %" PRId64
                       ". Read it again and repeat the change.",
                       STR_ARG(t->database), STR_ARG(t->name), t->version, how->expect_version);
    }
    if (str_is_null(how->expect_param) || str_is_null(how->expect_value)) {
        return true;
    }
    Str current = params_get(&t->params, how->expect_param);
    return str_eq(current, how->expect_value) || err_set(err, ERR_CONFLICT, MODIFIED_TEXT, STR_ARG(how->expect_param),
                                                         STR_ARG(or_null(current)), STR_ARG(how->expect_value));
}

/* A commit to an Iceberg table names the state it was built on. A writer that moves the pointer without that would undo
 * somebody's commit, through whatever door it comes. */
static bool check_pointer(Ctx *ctx, const Table *before, const Table *after, Err *err) {
    Str current = params_get(&before->params, STR("metadata_location")),
        next = params_get(&after->params, STR("metadata_location"));
    if (!ctx->catalog->config->iceberg.pointer_check || !table_is_iceberg(before) || str_is_null(current) ||
        str_eq(current, next) || str_eq(params_get(&after->params, STR("previous_metadata_location")), current)) {
        return true;
    }
    if (ctx_door_is(ctx, "hive")) { /* the words by which Iceberg knows that a commit came too late */
        return err_set(err, ERR_POINTER_CONFLICT, MODIFIED_TEXT, STR_ARG(STR("metadata_location")), STR_ARG(current),
                       STR_ARG(or_null(params_get(&after->params, STR("previous_metadata_location")))));
    }
    return err_set(err, ERR_POINTER_CONFLICT,
                   "Table %" STR_FMT ".%" STR_FMT " is an Iceberg table at %" STR_FMT ". A change of"
                   " metadata_location must give that as previous_metadata_location. Refresh the table and commit again.",
                   STR_ARG(before->database), STR_ARG(before->name), STR_ARG(current));
}

static bool same_keys(const ColumnSet *a, const ColumnSet *b) {
    for (size_t i = 0; i < a->count && a->count == b->count; i++) {
        if (!str_eq(a->items[i].name, b->items[i].name)) {
            return false;
        }
    }
    return a->count == b->count;
}

static bool check_keys(PgConn *conn, Altering *a, Err *err) {
    if (same_keys(a->before.partition_keys, a->after.partition_keys)) {
        return true;
    }
    bool any = true;
    if (a->how->allow_key_change && !partition_rows_any(a->ctx, conn, a->before.id, &any, err)) {
        return false;
    }
    return !any || err_set(err, ERR_INVALID_OPERATION,
                           "partition keys can not be changed. Their names and number are part of every"
                           " partition of %" STR_FMT ".%" STR_FMT "; make a new table instead.",
                           STR_ARG(a->before.database), STR_ARG(a->before.name));
}

static bool is_renamed(const Altering *a) {
    return !str_eq(a->before.name, a->after.name) || !str_eq(a->before.database, a->after.database);
}

/* What the caller wants, worked out on a state that may be outdated by the time it is written. */
static bool work_out(PgConn *conn, Altering *a, Err *err) {
    Ctx *ctx = a->ctx;
    if (!check_expected(a->how, &a->before, err)) {
        return false;
    }
    a->after = a->before;
    a->after.params = params_copy(&a->before.params, ctx->arena);
    a->after.storage.params = params_copy(&a->before.storage.params, ctx->arena);
    if (!a->how->edit(ctx, &a->after, a->how->arg, err)) {
        return false;
    }
    a->after.name = scope_name(ctx, a->after.name);
    a->after.database = scope_name(ctx, a->after.database);
    if (!str_eq(scope_catalog(ctx, a->after.catalog), a->before.catalog)) {
        return err_set(err, ERR_INVALID_OPERATION, "A table cannot move to another catalog.");
    }
    a->after.catalog = a->before.catalog;
    if (!table_check(ctx, &a->after, &a->before, err) || !check_pointer(ctx, &a->before, &a->after, err) ||
        !check_keys(conn, a, err)) {
        return false;
    }
    if (is_renamed(a) && !databases_sql_get(ctx, conn, a->after.catalog, a->after.database, ROW_READ, &a->target, err)) {
        return false;
    }
    table_diff(ctx->arena, &a->before, &a->after, &a->diff);
    return arena_check(ctx->arena, err);
}

/* A managed table at its default place moves its directory along with its name. Iceberg and its like never move: their
 * files name one another by full path. */
static bool wants_move(Ctx *ctx, const Altering *a, const Database *source, Str *ret_to) {
    Str from = a->before.storage.location;
    if (!is_renamed(a) || !table_is_managed(&a->before) || table_is_log_format(&a->before) || table_is_view(&a->before) ||
        str_is_null(from) || !str_eq(from, a->after.storage.location) || !str_eq(from, default_location(ctx, source, &a->before))) {
        return false;
    }
    *ret_to = default_location(ctx, &a->target, &a->after);
    return !str_is_null(*ret_to) && !str_eq(from, *ret_to);
}

static bool same_content(const Table *a, const Table *b) {
    return uuid_eq(a->storage.columns->id, b->storage.columns->id) && uuid_eq(a->storage.format->id, b->storage.format->id) &&
           uuid_eq(a->partition_keys->id, b->partition_keys->id);
}

/* The location bases follow a move; a location that was merely set starts a new base, so that partitions stay put. */
static bool write_location(PgConn *conn, Altering *a, Err *err) {
    Ctx *ctx = a->ctx;
    if (a->move.intent) {
        return location_bases_move(ctx, conn, a->before.id, a->move.from, a->move.to, err) && move_commit(ctx, conn, &a->move, err);
    }
    if (str_eq(a->before.storage.location, a->after.storage.location) || str_is_null(a->after.storage.location)) {
        return true;
    }
    int32_t no;
    return location_base_add(ctx, conn, a->before.id, a->after.storage.location, &no, err) &&
           table_set_base(ctx, conn, a->before.id, no, err);
}

static bool cascade(PgConn *conn, Altering *a, int64_t seq, Err *err) {
    if (!uuid_eq(a->before.partition_keys->id, a->after.partition_keys->id) && a->after.partition_keys->count &&
        !partition_rows_rekey(a->ctx, conn, &a->after, err)) {
        return false;
    }
    return !a->how->cascade_columns || !a->diff.columns_changed || partition_rows_set_columns(a->ctx, conn, &a->after, seq, err);
}

static StrList columns_gone(Arena *arena, const ColumnSet *from, const ColumnSet *to, bool or_retyped) {
    StrList gone = {ARENA_ARRAY(arena, Str, from->count), 0};
    for (size_t i = 0; i < from->count; i++) {
        const Column *kept = column_find(to, from->items[i].name);
        if (!kept || (or_retyped && !str_eq(kept->type, from->items[i].type))) {
            gone.items[gone.count++] = from->items[i].name;
        }
    }
    return gone;
}

/* Statistics and constraints speak of columns; what is gone takes them along, a new type makes statistics wrong. */
static bool forget_columns(PgConn *conn, Altering *a, Err *err) {
    if (!a->diff.columns_changed) {
        return true;
    }
    StrList gone = columns_gone(a->ctx->arena, a->before.storage.columns, a->after.storage.columns, false);
    StrList stale = columns_gone(a->ctx->arena, a->before.storage.columns, a->after.storage.columns, true);
    return (stale.count == 0 || statistics_forget_columns(a->ctx, conn, a->before.id, stale, err)) &&
           (gone.count == 0 || constraints_forget_columns(a->ctx, conn, a->before.id, gone, err));
}

static bool rename_acid(PgConn *conn, const Altering *a, Err *err) {
    TableRef from = {a->before.catalog, a->before.database, a->before.name};
    TableRef to = {a->after.catalog, a->after.database, a->after.name};
    return !is_renamed(a) || acid_sql_rename(a->ctx, conn, from, to, err);
}

static bool write_alter(PgConn *conn, Altering *a, Err *err) {
    bool renamed = is_renamed(a);
    Database target;
    if (renamed && !database_lock_share(a->ctx, conn, a->after.catalog, a->after.database, &target, err)) {
        return false;
    }
    TableWrite write = {
        .table = &a->after,
        .before = &a->before,
        .database_id = renamed ? target.id : a->before.database_id,
        .diff = &a->diff,
        .action = a->how->action ? a->how->action
                  : renamed      ? "rename"
                                 : "alter",
        .hms_event = "ALTER_TABLE",
        .skip_archive = a->how->skip_archive,
    };
    int64_t seq = 0;
    if (!table_row_update(a->ctx, conn, &write, &a->won, a->ret, &seq, err)) {
        return false;
    }
    /* A partition may have come after the keys were checked, but none comes while this row is locked. */
    return !a->won || (check_keys(conn, a, err) && write_location(conn, a, err) && cascade(conn, a, seq, err) &&
                       forget_columns(conn, a, err) && rename_acid(conn, a, err) &&
                       (a->diff.pointer_move || a->diff.noop || search_update(a->ctx, conn, a->ret, err)));
}

/* First try: on what was read without a lock. Nearly always nobody came in between. */
static bool write_body(PgConn *conn, void *arg, Err *err) { return write_alter(conn, arg, err); }

/* Second try: read again under the lock, so it cannot be lost. */
static bool locked_body(PgConn *conn, void *arg, Err *err) {
    Altering *a = arg;
    if (!table_row_get(a->ctx, conn, a->ref, true, &a->before, err) || !work_out(conn, a, err)) {
        return false;
    }
    if (a->diff.identical && !a->how->write_noop) {
        *a->ret = a->before;
        a->won = true;
        return true;
    }
    if (!same_content(&a->before, &a->after) && !store_content(a->ctx, conn, &a->after, err)) {
        return false;
    }
    return write_alter(conn, a, err);
}

/* The write decides; looked at first, so that no directory is moved (or said to stay) for a rename that cannot be. */
static bool expect_name_free(Altering *a, PgConn *conn, Err *err) {
    Table taken;
    TableRef to = {a->after.catalog, a->after.database, a->after.name};
    if (table_row_get(a->ctx, conn, to, false, &taken, err)) {
        return err_set(err, ERR_ALREADY_EXISTS, "new table %" STR_FMT ".%" STR_FMT " already exists", STR_ARG(to.database),
                       STR_ARG(to.name));
    }
    return err->code == ERR_TABLE_NOT_FOUND;
}

static bool read_and_work_out(Altering *a, Str *ret_move_to, bool *ret_moves, Err *err) {
    Ctx *ctx = a->ctx;
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    if (!pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) ||
        !table_row_get(ctx, conn, a->ref, false, &a->before, err) || !work_out(conn, a, err)) {
        return false;
    }
    *ret_moves = false;
    if (is_renamed(a)) {
        Database source;
        if (!authorize(ctx, ACTION_CREATE, (TableRef){a->after.catalog, a->after.database, a->after.name}, err) ||
            !expect_name_free(a, conn, err) ||
            !databases_sql_get(ctx, conn, a->before.catalog, a->before.database, ROW_READ, &source, err)) {
            return false;
        }
        *ret_moves = wants_move(ctx, a, &source, ret_move_to);
    }
    return (a->diff.identical && !a->how->write_noop) || same_content(&a->before, &a->after) ||
           store_content(ctx, conn, &a->after, err);
}

/* A rename that moves a directory cannot be replayed under the lock: when somebody came in between, it is taken back and
 * started over. */
static bool alter_with_move(Altering *a, Str to, Err *err) {
    Ctx *ctx = a->ctx;
    if (!move_begin(ctx, a->before.id, STR_NULL, a->before.storage.location, to, &a->move, err)) {
        return false;
    }
    if (a->move.intent) {
        a->after.storage.location = to;
        table_diff(ctx->arena, &a->before, &a->after, &a->diff);
    }
    bool done = pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, write_body, a, err);
    if ((!done && err->code != ERR_STATE_UNKNOWN) || (done && !a->won)) {
        move_reverse(ctx, &a->move);
    } else if (done && a->move.intent && !a->move.moved) {
        place_make(ctx, to); /* there was nothing to move, perhaps because its maker had not come to it yet */
    }
    a->move = (Move){0};
    return done;
}

enum { RENAME_TRIES = 5 };

bool table_alter(Ctx *ctx, TableRef ref, const TableAlter *how, Table *ret, Err *err) {
    Altering a = {.ctx = ctx, .ref = scope_table(ctx, ref), .how = how, .ret = ret};
    if (!authorize(ctx, ACTION_ALTER, a.ref, err)) {
        return false;
    }
    for (int tries = 0; tries < RENAME_TRIES; tries++) {
        Str to = STR_NULL;
        bool moves;
        if (!read_and_work_out(&a, &to, &moves, err)) {
            return false;
        }
        if (a.diff.identical && !how->write_noop) {
            *ret = a.before;
            return true;
        }
        if (!moves) {
            return pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, write_body, &a, err) &&
                   (a.won || pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, locked_body, &a, err));
        }
        if (!alter_with_move(&a, to, err)) {
            return false;
        }
        if (a.won) {
            return true;
        }
    }
    return err_set(err, ERR_CONFLICT,
                   "Table %" STR_FMT ".%" STR_FMT " was changed by others each time it was to be renamed. Try again.",
                   STR_ARG(a.ref.database), STR_ARG(a.ref.name));
}

typedef struct NewName {
    Str database, name;
} NewName;

static bool edit_name(Ctx *ctx, Table *table, void *arg, Err *err) {
    (void)ctx;
    (void)err;
    const NewName *to = arg;
    table->database = str_is_null(to->database) ? table->database : to->database;
    table->name = str_is_null(to->name) ? table->name : to->name;
    return true;
}

bool table_rename(Ctx *ctx, TableRef ref, Str new_database, Str new_name, Expect expect, Table *ret, Err *err) {
    NewName to = {new_database, new_name};
    TableRef folded = scope_table(ctx, ref);
    Str database = str_is_null(new_database) ? folded.database : scope_name(ctx, new_database);
    Str name = str_is_null(new_name) ? folded.name : scope_name(ctx, new_name);
    if (!authorize(ctx, ACTION_CREATE, (TableRef){folded.catalog, database, name}, err)) {
        return false;
    }
    TableAlter how = {.edit = edit_name, .arg = &to, .expect_version = expect.version, .expect_id = expect.id};
    return table_alter(ctx, ref, &how, ret, err);
}

/* --- dropping and bringing back ------------------------------------------------------------------------------- */

typedef struct Dropping {
    Ctx *ctx;
    TableRef ref;
    const TableDrop *how;
    Table table;    /* as it was read first */
    StrList places; /* of its data, as they were then */
    Discards data;  /* what of it was set aside */
    bool same;
} Dropping;

/* Said in the log of changes. */
static Str drop_detail(Ctx *ctx, const Table *t) {
    CLEANUP(buf_free) Buf text = BUF_INIT(1 << 20);
    JsonWriter w = jw_new(&text);
    jw_object_begin(&w);
    jw_put_i64(&w, "table_id", t->id);
    jw_put_str(&w, "location", t->storage.location);
    jw_object_end(&w);
    return arena_str(ctx->arena, buf_str(&text));
}

static bool deletes_data(const TableDrop *how, const Table *t) {
    return how->delete_data && !table_is_view(t) &&
           (table_is_managed(t) || params_is_true(&t->params, STR("external.table.purge")));
}

/* What was added meanwhile must have been set aside too, and nothing that is not to go. */
static bool all_foreseen(PgConn *conn, Dropping *d, const Table *now, Err *err) {
    Discards places;
    bool deletes = deletes_data(d->how, now);
    d->same = now->id == d->table.id && str_eq(now->storage.location, d->table.storage.location) &&
              deletes == deletes_data(d->how, &d->table);
    if (!d->same || !deletes) {
        return true;
    }
    if (!doomed_places(d->ctx, conn, 0, now->id, &places, err)) {
        return false;
    }
    d->same = discard_foresaw(d->ctx, d->places, &places);
    return true;
}

static bool drop_body(PgConn *conn, void *arg, Err *err) {
    Dropping *d = arg;
    Table now;
    bool won;
    TableAlter expected = {.expect_version = d->how->expect_version, .expect_id = d->how->expect_id};
    if (!table_row_get(d->ctx, conn, d->ref, true, &now, err) || !check_expected(&expected, &now, err) ||
        !all_foreseen(conn, d, &now, err)) {
        return false;
    }
    Str detail = deletes_data(d->how, &now) ? drop_detail(d->ctx, &now) : STR_NULL;
    return !d->same || (table_row_drop(d->ctx, conn, &now, detail, &won, err) && discard_commit(d->ctx, conn, &d->data, 0, err));
}

static bool read_for_drop(Dropping *d, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    TableAlter expected = {.expect_version = d->how->expect_version, .expect_id = d->how->expect_id};
    d->data = (Discards){0};
    return pg_acquire(d->ctx->catalog->pg, d->ctx->pool, d->ctx->deadline, &conn, err) &&
           table_row_get(d->ctx, conn, d->ref, false, &d->table, err) && check_expected(&expected, &d->table, err) &&
           (!deletes_data(d->how, &d->table) || doomed_places(d->ctx, conn, 0, d->table.id, &d->data, err));
}

/* Its data leaves its place first; see discard.h. */
static bool drop_once(Dropping *d, Err *err) {
    Ctx *ctx = d->ctx;
    if (!read_for_drop(d, err)) {
        return false;
    }
    d->places = discard_places(ctx, &d->data);
    DiscardWhat what = {.tables = &d->table.id, .table_count = 1, .version = d->table.version};
    return discard_around(ctx, &what, &d->data, &d->same, drop_body, d, err);
}

bool table_drop(Ctx *ctx, TableRef ref, const TableDrop *how, Err *err) {
    Dropping d = {.ctx = ctx, .ref = scope_table(ctx, ref), .how = how};
    if (!authorize(ctx, ACTION_DROP, d.ref, err)) {
        return false;
    }
    for (int tries = 0; tries < RENAME_TRIES; tries++) {
        if (!drop_once(&d, err)) {
            return false;
        }
        if (d.same) {
            return true;
        }
    }
    return err_set(err, ERR_CONFLICT,
                   "Table %" STR_FMT ".%" STR_FMT " was changed by others each time it was to be dropped. Try again.",
                   STR_ARG(d.ref.database), STR_ARG(d.ref.name));
}

bool table_dropped_list(Ctx *ctx, Str catalog, Str database, Str name, const Page *page, Tables *ret, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    Database found;
    return ctx_authorize(ctx, ACTION_LIST, "table", catalog, database, name, err) &&
           pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) &&
           databases_sql_get(ctx, conn, scope_catalog(ctx, catalog), scope_name(ctx, database), ROW_READ, &found, err) &&
           table_rows_dropped(ctx, conn, found.id, str_is_null(name) ? name : scope_name(ctx, name), page, ret, err);
}

typedef struct Undropping {
    Ctx *ctx;
    TableRef ref;
    const TableUndrop *how;
    Table *ret;
    Discards data; /* to be moved back */
} Undropping;

static bool not_restorable(const Undropping *u, Err *err) {
    return err_set(err, ERR_TABLE_NOT_FOUND, "No dropped table %" STR_FMT ".%" STR_FMT " can be restored (any more).",
                   STR_ARG(u->ref.database), STR_ARG(u->ref.name));
}

static bool find_dropped(PgConn *conn, Undropping *u, const Database *database, Table *ret, Err *err) {
    const Page all = {.limit = -1};
    const Table *best = NULL;
    Tables found;
    if (!table_rows_dropped(u->ctx, conn, database->id, u->ref.name, &all, &found, err)) {
        return false;
    }
    for (size_t i = 0; i < found.count; i++) {
        const Table *t = &found.items[i];
        bool wanted = u->how->incarnation == 0 || t->id == u->how->incarnation;
        best = wanted && (!best || t->dropped_at > best->dropped_at) ? t : best;
    }
    if (best) {
        *ret = *best;
        return true;
    }
    return not_restorable(u, err);
}

/* Under the lock that the purge takes too. Its first step removes the versions: without them it has begun. */
static bool hold_dropped(PgConn *conn, Undropping *u, const Database *database, Table *ret, Err *err) {
    Table found;
    TableVersion version;
    if (!find_dropped(conn, u, database, &found, err)) {
        return false;
    }
    bool ok = table_row_by_id(u->ctx, conn, found.id, true, ret, err);
    if (ok && ret->dropped_at == MICROS_NONE) {
        return err_set(err, ERR_RETRY, "Somebody else restored it at the same time.");
    }
    ok = ok && version_row_get(u->ctx, conn, ret, ret->version, &version, err);
    return ok || (err->code != ERR_TABLE_NOT_FOUND && err->code != ERR_VERSION_NOT_FOUND ? false : not_restorable(u, err));
}

/* Where another table lives by now, the data that was set aside cannot go back: it goes where a table of the new name would. */
static bool find_place(PgConn *conn, Undropping *u, const Database *database, const Table *before, Table *after, Err *err) {
    Ctx *ctx = u->ctx;
    bool aside;
    Str user = STR_NULL, from = before->storage.location;
    if (!doomed_has_table(ctx, conn, before->id, &aside, err) ||
        (aside && !location_other_user(ctx, conn, from, before->id, &user, err))) {
        return false;
    }
    if (str_is_null(user)) {
        return true;
    }
    Str to = default_location(ctx, database, after), taken = STR_NULL;
    if (!str_is_null(to) && (!discard_hold(ctx, conn, to, err) || !location_other_user(ctx, conn, to, before->id, &taken, err))) {
        return false;
    }
    if (str_is_null(to) || !str_is_null(taken)) {
        return err_set(err, ERR_INVALID_OPERATION,
                       "The place %" STR_FMT " of the dropped table is used by %" STR_FMT
                       " by now. Restore it under a name whose own place is free (new_name).",
                       STR_ARG(from), STR_ARG(user));
    }
    after->storage.location = to;
    return location_bases_move(ctx, conn, before->id, from, to, err);
}

static bool undrop_body(PgConn *conn, void *arg, Err *err) {
    Undropping *u = arg;
    Database database;
    Table before;
    if (!database_lock_share(u->ctx, conn, u->ref.catalog, u->ref.database, &database, err) ||
        !hold_dropped(conn, u, &database, &before, err)) {
        return false;
    }
    if (table_is_log_format(&before) && !u->how->move_pointer) {
        return err_set(err, ERR_INVALID_OPERATION,
                       "%" STR_FMT " is an Iceberg, Delta or Hudi table: bringing it back also brings back"
                       " an old state of its data. Ask for that by name (move_pointer) if it is meant.",
                       STR_ARG(before.name));
    }
    if (!discard_hold(u->ctx, conn, before.storage.location, err)) {
        return false;
    }
    Table after = before;
    after.name = str_is_null(u->how->new_name) ? before.name : scope_name(u->ctx, u->how->new_name);
    if (!find_place(conn, u, &database, &before, &after, err)) {
        return false;
    }
    TableDiff diff;
    table_diff(u->ctx->arena, &before, &after, &diff);
    diff.noop = diff.pointer_move = false; /* a version of its own, even when nothing but the mark changes */
    bool won;
    TableWrite write = {.table = &after,
                        .before = &before,
                        .database_id = database.id,
                        .diff = &diff,
                        .action = "undrop",
                        .hms_event = "CREATE_TABLE",
                        .revive = true};
    after.dropped_at = MICROS_NONE;
    if (!name_check(ctx_name_rule(u->ctx), "table", after.name, err) ||
        !table_row_update(u->ctx, conn, &write, &won, u->ret, NULL, err)) {
        return false;
    }
    return won ? discard_take_back(u->ctx, conn, before.id, STR_NULL, 0, &u->data, err) && search_update(u->ctx, conn, u->ret, err)
               : err_set(err, ERR_RETRY, "Somebody else restored it at the same time.");
}

bool table_undrop(Ctx *ctx, TableRef ref, const TableUndrop *how, Table *ret, StrList *ret_gone, Err *err) {
    Undropping u = {.ctx = ctx, .ref = scope_table(ctx, ref), .how = how, .ret = ret};
    if (!authorize(ctx, ACTION_CREATE, u.ref, err) ||
        !pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, undrop_body, &u, err)) {
        return false;
    }
    discard_reverse(ctx, &u.data);
    return table_locations_gone(ctx, ret, ret_gone, err);
}
