#include "catalog/marks.h"

#include "catalog/changes_write.h"
#include "catalog/scope.h"
#include "catalog/sql/partitions_sql.h"

typedef struct Marking {
    Ctx *ctx;
    TableRef ref;
    Str name;
} Marking;

static bool mark_body(PgConn *conn, void *arg, Err *err) {
    Marking *m = arg;
    PartitionScope scope;
    bool same;
    if (!partition_scope_get(m->ctx, conn, m->ref, &scope, err) || !partition_scope_hold(m->ctx, conn, &scope, &same, err)) {
        return false;
    }
    if (!same) {
        return err_set(err, ERR_RETRY, "The table changed meanwhile.");
    }
    const Table *table = &scope.table;
    ChangeRecord record = {
        .kind = "partition",
        .action = "mark",
        .catalog = table->catalog,
        .database = table->database,
        .name = table->name,
        .object_id = table->id,
        .version = -1,
        .partitions = {&m->name, 1},
        .at = MICROS_NONE,
    };
    return change_write(m->ctx, conn, &record, NULL, err);
}

bool partition_mark(Ctx *ctx, TableRef ref, Str name, Err *err) {
    Marking m = {ctx, scope_table(ctx, ref), name};
    return ctx_authorize(ctx, ACTION_ALTER, "partition", m.ref.catalog, m.ref.database, m.ref.name, err) &&
           pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, mark_body, &m, err);
}

bool partition_is_marked(Ctx *ctx, TableRef ref, Str name, bool *ret, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    TableRef folded = scope_table(ctx, ref);
    PartitionScope scope;
    return ctx_authorize(ctx, ACTION_READ, "partition", folded.catalog, folded.database, folded.name, err) &&
           pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) &&
           partition_scope_get(ctx, conn, folded, &scope, err) && partition_rows_marked(ctx, conn, scope.table.id, name, ret, err);
}
