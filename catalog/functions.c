#include "catalog/functions.h"

#include "catalog/changes_write.h"
#include "catalog/detail.h"
#include "catalog/json.h"
#include "catalog/scope.h"
#include "catalog/sql/databases_sql.h"
#include "catalog/sql/functions_sql.h"
#include "catalog/table_check.h"
#include "config/config.h"

static FunctionRef fold(Ctx *ctx, FunctionRef ref) {
    return (FunctionRef){scope_catalog(ctx, ref.catalog), scope_name(ctx, ref.database), scope_name(ctx, ref.name)};
}

/* --- reading --------------------------------------------------------------------------------------------------- */

bool function_list(Ctx *ctx, const FunctionQuery *query, Functions *ret, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    FunctionQuery q = *query;
    q.catalog = scope_catalog(ctx, q.catalog);
    q.database = scope_name(ctx, q.database);
    return ctx_authorize(ctx, ACTION_LIST, "function", q.catalog, q.database, STR_NULL, err) &&
           pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) && functions_sql_list(ctx, conn, &q, ret, err);
}

bool function_get(Ctx *ctx, FunctionRef ref, Function *ret, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    ref = fold(ctx, ref);
    return ctx_authorize(ctx, ACTION_READ, "function", ref.catalog, ref.database, ref.name, err) &&
           pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) && functions_sql_get(ctx, conn, ref, false, ret, err);
}

/* --- the change log -------------------------------------------------------------------------------------------- */

static void function_detail(JsonWriter *w, const void *object) { function_json(w, object); }

static bool log_function(Ctx *ctx, PgConn *conn, const char *action, const char *event, const Function *before,
                         const Function *after, Err *err) {
    const Function *named = before ? before : after;
    ChangeRecord record = {.kind = "function",
                           .action = action,
                           .catalog = named->catalog,
                           .database = named->database,
                           .name = named->name,
                           .object_id = named->id,
                           .version = after ? after->version : before->version,
                           .hms_event = event,
                           .at = after ? after->updated_at : MICROS_NONE};
    return detail_before_after(ctx, function_detail, before, after, &record.detail, err) &&
           change_write(ctx, conn, &record, NULL, err);
}

/* --- create ---------------------------------------------------------------------------------------------------- */

static bool same_name(const Function *a, const Function *b) { return str_eq(a->database, b->database) && str_eq(a->name, b->name); }

/* BEFORE: what it was, NULL for a new one; a name that stays is not checked again. */
static bool check_function(const Ctx *ctx, const Function *f, const Function *before, Err *err) {
    if (f->resource_types.count != f->resource_uris.count) {
        return err_set(err, ERR_INVALID_INPUT, "Function %" STR_FMT " has %zu resource types for %zu resources: give one each.",
                       STR_ARG(f->name), f->resource_types.count, f->resource_uris.count);
    }
    int64_t most = ctx->catalog->config->limits.comment;
    NameRule rule = ctx_door_is(ctx, "hive") ? NAME_HIVE_STRICT : ctx_name_rule(ctx);
    return ((before && str_eq(before->name, f->name)) || name_check(rule, "function", f->name, err)) &&
           text_check("class_name", f->class_name, most, "limits.comment", err) &&
           text_check("the owner", f->owner, most, "limits.comment", err);
}

typedef struct FunctionCreate {
    Ctx *ctx;
    const Function *wanted;
    Function made;
} FunctionCreate;

static bool create_body(PgConn *conn, void *arg, Err *err) {
    FunctionCreate *create = arg;
    Database database;
    create->made = *create->wanted;
    return database_lock_share(create->ctx, conn, create->made.catalog, create->made.database, &database, err) &&
           functions_sql_insert(create->ctx, conn, database.id, &create->made, err) &&
           log_function(create->ctx, conn, "create", "CREATE_FUNCTION", NULL, &create->made, err);
}

bool function_create(Ctx *ctx, const Function *function, Function *ret, Err *err) {
    Function wanted = *function;
    wanted.catalog = scope_catalog(ctx, function->catalog);
    wanted.database = scope_name(ctx, function->database);
    wanted.name = scope_name(ctx, function->name);
    FunctionCreate create = {.ctx = ctx, .wanted = &wanted};
    if (!ctx_authorize(ctx, ACTION_CREATE, "function", wanted.catalog, wanted.database, wanted.name, err) ||
        !check_function(ctx, &wanted, NULL, err) ||
        !pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, create_body, &create, err)) {
        return false;
    }
    *ret = create.made;
    return true;
}

/* --- alter and rename ------------------------------------------------------------------------------------------ */

typedef struct FunctionAlter {
    Ctx *ctx;
    FunctionRef ref;
    Expect expect;
    FunctionEdit edit;
    void *arg;
    Function result;
} FunctionAlter;

static bool lists_equal(StrList a, StrList b) {
    for (size_t i = 0; a.count == b.count && i < a.count; i++) {
        if (!str_eq(a.items[i], b.items[i])) {
            return false;
        }
    }
    return a.count == b.count;
}

static bool functions_equal(const Function *a, const Function *b) {
    return same_name(a, b) && str_eq(a->class_name, b->class_name) && str_eq(a->owner, b->owner) &&
           str_eq(a->owner_type, b->owner_type) && str_eq(a->type, b->type) && lists_equal(a->resource_types, b->resource_types) &&
           lists_equal(a->resource_uris, b->resource_uris) && str_eq(a->extra, b->extra);
}

static bool expect_function(Ctx *ctx, const Function *f, Expect expect, Err *err) {
    return expect_state(expect, f->id, f->version, "Function", ARENA_CONCAT(ctx->arena, f->database, STR("."), f->name), err);
}

static bool edit_function(FunctionAlter *how, const Function *before, Function *after, Err *err) {
    *after = *before;
    if (!how->edit(how->ctx, after, how->arg, err)) {
        return false;
    }
    after->id = before->id;
    after->version = before->version;
    after->catalog = before->catalog;
    after->database = scope_name(how->ctx, after->database);
    after->name = scope_name(how->ctx, after->name);
    after->created_at = before->created_at;
    after->updated_at = before->updated_at;
    return functions_equal(before, after) ||
           ((same_name(before, after) ||
             ctx_authorize(how->ctx, ACTION_CREATE, "function", after->catalog, after->database, after->name, err)) &&
            check_function(how->ctx, after, before, err));
}

/* The database first, then the function: the order in which a drop of the database locks them. */
static bool alter_body(PgConn *conn, void *arg, Err *err) {
    FunctionAlter *how = arg;
    Ctx *ctx = how->ctx;
    Function before;
    Database database;
    if (!database_lock_share(ctx, conn, how->ref.catalog, how->ref.database, &database, err) ||
        !functions_sql_get(ctx, conn, how->ref, true, &before, err) || !expect_function(how->ctx, &before, how->expect, err) ||
        !edit_function(how, &before, &how->result, err)) {
        return false;
    }
    if (functions_equal(&before, &how->result)) {
        return true;
    }
    bool moved = !str_eq(before.database, how->result.database);
    return (!moved || database_lock_share(ctx, conn, how->result.catalog, how->result.database, &database, err)) &&
           functions_sql_update(ctx, conn, database.id, &how->result, err) &&
           log_function(ctx, conn, same_name(&before, &how->result) ? "alter" : "rename", NULL, &before, &how->result, err);
}

bool function_alter(Ctx *ctx, FunctionRef ref, Expect expect, FunctionEdit edit, void *arg, Function *ret, Err *err) {
    FunctionAlter how = {ctx, fold(ctx, ref), expect, edit, arg, {0}};
    if (!ctx_authorize(ctx, ACTION_ALTER, "function", how.ref.catalog, how.ref.database, how.ref.name, err) ||
        !pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, alter_body, &how, err)) {
        return false;
    }
    *ret = how.result;
    return true;
}

typedef struct NewName {
    Str database, name;
} NewName;

static bool rename_edit(Ctx *ctx, Function *function, void *arg, Err *err) {
    const NewName *to = arg;
    (void)ctx;
    (void)err;
    function->database = str_is_null(to->database) ? function->database : to->database;
    function->name = str_is_null(to->name) ? function->name : to->name;
    return true;
}

bool function_rename(Ctx *ctx, FunctionRef ref, Str new_database, Str new_name, Expect expect, Function *ret, Err *err) {
    NewName to = {new_database, new_name};
    return function_alter(ctx, ref, expect, rename_edit, &to, ret, err);
}

/* --- drop ------------------------------------------------------------------------------------------------------ */

typedef struct FunctionDrop {
    Ctx *ctx;
    FunctionRef ref;
    Expect expect;
} FunctionDrop;

static bool drop_body(PgConn *conn, void *arg, Err *err) {
    FunctionDrop *how = arg;
    Function f;
    return functions_sql_get(how->ctx, conn, how->ref, true, &f, err) && expect_function(how->ctx, &f, how->expect, err) &&
           functions_sql_delete(how->ctx, conn, f.id, err) && log_function(how->ctx, conn, "drop", "DROP_FUNCTION", &f, NULL, err);
}

bool function_drop(Ctx *ctx, FunctionRef ref, Expect expect, Err *err) {
    FunctionDrop how = {ctx, fold(ctx, ref), expect};
    return ctx_authorize(ctx, ACTION_DROP, "function", how.ref.catalog, how.ref.database, how.ref.name, err) &&
           pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, drop_body, &how, err);
}
