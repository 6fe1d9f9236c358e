/* Partitions: add, append, alter, rename, drop. */
#include "catalog/content.h"
#include "catalog/diff.h"
#include "catalog/exchange.h"
#include "catalog/marks.h"
#include "catalog/partitions.h"
#include "catalog/partname.h"
#include "catalog/quickstats.h"
#include "catalog/scope.h"
#include "catalog/tables.h"
#include "config/config.h"
#include "server/hms/convert.h"
#include "server/hms/groups.h"
#include "server/hms/partition_list.h"

#define DDL_TIME STR("transient_lastDdlTime")
#define NO_STATS STR("DO_NOT_UPDATE_STATS")

/* ---- what is read ----------------------------------------------------------------------------------------------- */

static Str seconds_text(Arena *arena, Micros now) { return arena_printf(arena, "%" PRId64, now / 1000000); }

static bool is_missing(const Err *err) { return err_info(err->code)->hms == HMS_NO_SUCH_OBJECT; }

/* LIST as Java prints it, for messages. */
static Str values_text(Arena *arena, StrList list) {
    Str text = STR("[");
    for (size_t i = 0; i < list.count && text.len < 500; i++) {
        text = ARENA_CONCAT(arena, text, i ? STR(", ") : STR(""), list.items[i]);
    }
    return ARENA_CONCAT(arena, text, STR("]"));
}

static bool check_columns(HmsCall *call, HmsFieldSchemaList columns, Err *err) {
    for (size_t i = 0; i < columns.count; i++) {
        if (!hms_given(call, columns.items[i].name, "Column name", err) ||
            !hms_given(call, columns.items[i].type, "Column type", err)) {
            return false;
        }
    }
    return true;
}

static bool check_values(HmsCall *call, StrList values, Err *err) {
    return values.count || hms_throw(call, HMS_META, err, "The partition values cannot be null or empty.");
}

/* Partitions that stand together mostly have equal columns: then they have the same, which are stored and encoded once. */
static void share_content(const Partition *last, Storage *s) {
    if (uuid_eq(last->storage.columns->id, s->columns->id)) {
        s->columns = last->storage.columns;
    }
    if (uuid_eq(last->storage.format->id, s->format->id)) {
        s->format = last->storage.format;
    }
}

/* COLUMNS: for those that come without. None at all: the table's. LAST: the one before, or NULL. */
static bool read_partition(HmsCall *call, const HmsPartition *p, HmsFieldSchemaList columns, const Partition *last, Partition *ret,
                           Err *err) {
    if (!p->sd) {
        return hms_throw(call, HMS_META, err, "The storage descriptor of a partition cannot be null.");
    }
    HmsStorageDescriptor sd = *p->sd;
    HmsPartition own = *p;
    own.sd = &sd;
    sd.cols = sd.cols.items ? sd.cols : columns;
    if (!check_columns(call, sd.cols, err) || !hms_read_partition(call, &own, ret, err)) {
        return false;
    }
    if (!sd.cols.items) {
        ret->storage.columns = &column_set_none;
    }
    if (last) {
        share_content(last, &ret->storage);
    }
    return true;
}

/* The statistics are the caller's own business, said for the call or with the partition. The latter is not kept. */
static bool take_no_stats(HmsCall *call, const HmsEnvironmentContext *env, Partition *p) {
    bool said = params_is_true(&p->params, NO_STATS) || hms_env_is_true(env, "DO_NOT_UPDATE_STATS");
    if (params_has(&p->params, NO_STATS)) {
        params_set(&p->params, call->arena, NO_STATS, STR_NULL);
    }
    return said;
}

/* ---- answers ---------------------------------------------------------------------------------------------------- */

/* All that an answer says about the table of its partitions. */
static Table table_named(const HmsCall *call, TableRef ref) {
    TableRef folded = scope_table(&call->ctx, ref);
    return (Table){.catalog = folded.catalog, .database = folded.database, .name = folded.name};
}

static const ThriftStream *answer_partitions(HmsCall *call, TableRef ref, Partitions items, bool without_columns) {
    Table table = table_named(call, ref);
    HmsPartitionShape shape = {.without_columns = without_columns};
    return hms_partition_stream(call, &table, items, &shape);
}

static bool answer_partition(HmsCall *call, TableRef ref, const Partition *p, HmsPartition **ret, Err *err) {
    Table table = table_named(call, ref);
    HmsShared *shared = ARENA_NEW(call->arena, HmsShared);
    *ret = HMS_NEW(call->arena, HmsPartition, HMS_STRUCT_PARTITION);
    return hms_partition_put(call, &table, p, shared, *ret, err);
}

/* ---- adding ----------------------------------------------------------------------------------------------------- */

typedef struct Add {
    TableRef ref;
    HmsPartitionList parts;
    HmsFieldSchemaList columns; /* of those that have none */
    const HmsEnvironmentContext *env;
    bool if_not_exists;
} Add;

static bool read_new(HmsCall *call, const Add *add, const HmsPartition *p, Micros now, const Partition *last, Partition *ret,
                     Err *err) {
    if (!check_values(call, p->values, err) || !read_partition(call, p, add->columns, last, ret, err)) {
        return false;
    }
    if (!p->sd->serdeInfo) {
        return hms_throw(call, HMS_META, err, "The SerDe info of a partition cannot be null.");
    }
    ret->created_at = now;
    if (!params_has(&ret->params, DDL_TIME)) {
        params_set(&ret->params, call->arena, DDL_TIME, seconds_text(call->arena, now));
    }
    return true;
}

static bool check_belongs(HmsCall *call, TableRef ref, const HmsPartition *p, Err *err) {
    TableRef own;
    Str catalog = str_is_empty(p->catName) ? ref.catalog : p->catName;
    if (!hms_table_ref(call, catalog, p->dbName, p->tableName, &own, err)) {
        return false;
    }
    return (name_same(own.catalog, ref.catalog) && name_same(own.database, ref.database) && name_same(own.name, ref.name)) ||
           hms_throw(call, HMS_META, err,
                     "Partition does not belong to target table %" STR_FMT ".%" STR_FMT ": Partition(values:%" STR_FMT
                     ", dbName:%" STR_FMT ", tableName:%" STR_FMT ")",
                     STR_ARG(ref.database), STR_ARG(ref.name), STR_ARG(values_text(call->arena, p->values)), STR_ARG(own.database),
                     STR_ARG(own.name));
}

static bool no_such_table(HmsCall *call, Err *err) {
    return is_missing(err) && !call->has_exception
               ? hms_throw(call, HMS_INVALID_OBJECT, err, "Unable to add partition because table or database do not exist")
               : false;
}

static bool add_all(HmsCall *call, const Add *add, Partitions *ret, Err *err) {
    Micros now = clock_now();
    size_t count = add->parts.count;
    PartitionAdd how = {.if_not_exists = add->if_not_exists, .quick_statistics = true};
    how.items = (Partitions){ARENA_ARRAY(call->arena, Partition, count), count};
    for (size_t i = 0; i < count; i++) {
        Partition *p = &how.items.items[i];
        if (!check_belongs(call, add->ref, &add->parts.items[i], err) ||
            !read_new(call, add, &add->parts.items[i], now, i ? p - 1 : NULL, p, err)) {
            return false;
        }
        how.quick_statistics &= !take_no_stats(call, add->env, p);
    }
    return partition_add(&call->ctx, add->ref, &how, ret, NULL, err) || no_such_table(call, err);
}

/* The first one names the table. */
static bool add_list(HmsCall *call, HmsPartitionList parts, const HmsEnvironmentContext *env, Partitions *ret, TableRef *ret_ref,
                     Err *err) {
    const HmsPartition *first = &parts.items[0];
    Add add = {.parts = parts, .env = env};
    if (!hms_table_ref(call, first->catName, first->dbName, first->tableName, &add.ref, err) || !add_all(call, &add, ret, err)) {
        return false;
    }
    *ret_ref = add.ref;
    return true;
}

static bool add_one(HmsCall *call, HmsPartition *part, const HmsEnvironmentContext *env, HmsPartition **ret, Err *err) {
    Partitions made;
    TableRef ref;
    if (!part) {
        return hms_throw(call, HMS_META, err, "Partition cannot be null.");
    }
    return add_list(call, (HmsPartitionList){.items = part, .count = 1}, env, &made, &ref, err) &&
           answer_partition(call, ref, &made.items[0], ret, err);
}

static bool add_partition(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsAddPartitionArgs *a = args;
    return add_one(call, a->new_part, NULL, &((HmsAddPartitionReply *)reply)->success, err);
}

static bool add_partition_with_environment_context(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsAddPartitionWithEnvironmentContextArgs *a = args;
    HmsAddPartitionWithEnvironmentContextReply *r = reply;
    return add_one(call, a->new_part, a->environment_context, &r->success, err);
}

static bool add_partitions(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsAddPartitionsArgs *a = args;
    HmsAddPartitionsReply *r = reply;
    Partitions made;
    TableRef ref;
    if (!a->new_parts.items) {
        return hms_throw(call, HMS_META, err, "Partition list cannot be null.");
    }
    if (a->new_parts.count && !add_list(call, a->new_parts, NULL, &made, &ref, err)) {
        return false;
    }
    THRIFT_SET(r, success, (int32_t)a->new_parts.count);
    return true;
}

static bool add_partitions_req(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsAddPartitionsRequest *q = ((const HmsAddPartitionsReqArgs *)args)->request;
    HmsAddPartitionsResult *result = HMS_NEW(call->arena, HmsAddPartitionsResult, HMS_STRUCT_ADD_PARTITIONS_RESULT);
    Partitions made;
    if (!q) {
        return hms_throw(call, HMS_META, err, "AddPartitionsRequest cannot be null.");
    }
    ((HmsAddPartitionsReqReply *)reply)->success = result;
    if (q->parts.count == 0) {
        return true;
    }
    bool skip = q->has_skipColumnSchemaForPartition && q->skipColumnSchemaForPartition;
    Add add = {.parts = q->parts, .env = q->environmentContext, .if_not_exists = q->ifNotExists};
    add.columns = q->partitionColSchema;
    if (!hms_table_ref(call, q->catName, q->dbName, q->tblName, &add.ref, err) || !add_all(call, &add, &made, err)) {
        return false;
    }
    if (!q->has_needResult || q->needResult) {
        result->partitions_stream = answer_partitions(call, add.ref, made, skip);
        result->partitionColSchema = skip ? q->partitionColSchema : (HmsFieldSchemaList){.items = NULL};
    }
    return true;
}

/* ---- adding by specification ------------------------------------------------------------------------------------ */

static void put_shared(HmsCall *call, const HmsPartitionSpec *spec, HmsPartition *out) {
    const HmsPartitionSpecWithSharedSD *from = spec->sharedSDPartitionSpec;
    Str root = from->sd && !str_is_null(from->sd->location) ? from->sd->location : spec->rootPath;
    for (size_t i = 0; i < from->partitions.count; i++) {
        const HmsPartitionWithoutSD *p = &from->partitions.items[i];
        out[i] = (HmsPartition){
            .values = p->values,
            .lastAccessTime = p->lastAccessTime,
            .has_lastAccessTime = p->has_lastAccessTime,
            .parameters = p->parameters,
        };
        if (from->sd) {
            out[i].sd = ARENA_NEW(call->arena, HmsStorageDescriptor);
            *out[i].sd = *from->sd;
            out[i].sd->location = str_is_null(p->relativePath) || str_is_null(root)
                                      ? STR_NULL
                                      : ARENA_CONCAT(call->arena, root, p->relativePath);
        }
    }
}

static size_t spec_count(const HmsPartitionSpec *spec) {
    return (spec->sharedSDPartitionSpec ? spec->sharedSDPartitionSpec->partitions.count : 0) +
           (spec->partitionList ? spec->partitionList->partitions.count : 0);
}

/* All partitions of all specifications; what one does not say about its table the specification says. */
static HmsPartitionList flatten(HmsCall *call, HmsPartitionSpecList specs) {
    size_t count = 0;
    for (size_t i = 0; i < specs.count; i++) {
        count += spec_count(&specs.items[i]);
    }
    HmsPartitionList list = {.items = ARENA_ARRAY(call->arena, HmsPartition, count), .count = 0};
    for (size_t i = 0; i < specs.count; i++) {
        const HmsPartitionSpec *spec = &specs.items[i];
        HmsPartition *out = &list.items[list.count];
        size_t shared = spec->sharedSDPartitionSpec ? spec->sharedSDPartitionSpec->partitions.count : 0, n = spec_count(spec);
        if (shared) {
            put_shared(call, spec, out);
        }
        if (n > shared) {
            memcpy(out + shared, spec->partitionList->partitions.items, (n - shared) * sizeof *out);
        }
        for (size_t k = 0; k < n; k++) {
            out[k].catName = str_is_null(out[k].catName) ? spec->catName : out[k].catName;
            out[k].dbName = str_is_null(out[k].dbName) ? spec->dbName : out[k].dbName;
            out[k].tableName = str_is_null(out[k].tableName) ? spec->tableName : out[k].tableName;
        }
        list.count += n;
    }
    return list;
}

static bool add_partitions_pspec(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsAddPartitionsPspecArgs *a = args;
    HmsAddPartitionsPspecReply *r = reply;
    if (!a->new_parts.items) {
        return hms_throw(call, HMS_META, err, "Partition specs cannot be null.");
    }
    Add add = {.parts = flatten(call, a->new_parts)};
    Partitions made;
    if (a->new_parts.count) { /* the first one names the table */
        const HmsPartitionSpec *first = &a->new_parts.items[0];
        if (!hms_table_ref(call, first->catName, first->dbName, first->tableName, &add.ref, err)) {
            return false;
        }
    }
    if (add.parts.count && !add_all(call, &add, &made, err)) {
        return false;
    }
    THRIFT_SET(r, success, (int32_t)add.parts.count);
    return true;
}

/* ---- one partition of a table, by values or by name -------------------------------------------------------------- */

typedef struct Which {
    Str catalog, database, table;
    StrList values;
    Str name;
    bool by_name;
} Which;

static StrList table_keys(HmsCall *call, const Table *table) {
    StrList keys = {ARENA_ARRAY(call->arena, Str, table->partition_keys->count), table->partition_keys->count};
    for (size_t i = 0; i < keys.count; i++) {
        keys.items[i] = table->partition_keys->items[i].name;
    }
    return keys;
}

static bool check_which(HmsCall *call, const Which *which, TableRef *ret, Err *err) {
    if (!hms_table_ref(call, which->catalog, which->database, which->table, ret, err)) {
        return false;
    }
    if (!which->by_name) {
        return check_values(call, which->values, err);
    }
    return hms_given(call, which->name, "Partition name", err) &&
           (which->name.len > 0 || hms_throw(call, HMS_META, err, "Partition name is invalid. It is empty."));
}

static bool name_of(HmsCall *call, const Table *table, StrList values, Str *ret, Err *err) {
    const Config *config = call->server->catalog.config;
    return partname_make(call->arena, table_keys(call, table), values, config->partitions.default_name, ret, err);
}

/* NAME as the table has it: keys in order, nothing else in it. */
static bool canonical(HmsCall *call, const Table *table, Str name, Str *ret, Err *err) {
    StrList values;
    return partname_to_key_values(call->arena, name, table_keys(call, table), &values, err) &&
           name_of(call, table, values, ret, err);
}

/* ---- appending -------------------------------------------------------------------------------------------------- */

/* A partition like its table, at its default place. */
static bool append(HmsCall *call, const Which *which, const HmsEnvironmentContext *env, HmsPartition **ret, Err *err) {
    TableRef ref;
    Table table;
    Partition p = {
        .values = which->values, .created_at = clock_now(), .last_access_at = MICROS_NONE, .last_analyzed_at = MICROS_NONE};
    Partitions made;
    if (!check_which(call, which, &ref, err)) {
        return false;
    }
    if (!table_get(&call->ctx, ref, &table, err)) {
        return no_such_table(call, err);
    }
    if (which->by_name && !partname_to_key_values(call->arena, which->name, table_keys(call, &table), &p.values, err)) {
        return is_missing(err) ? hms_throw(call, HMS_INVALID_OBJECT, err, "%s", arena_cstr(call->arena, str_from(err->message)))
                               : false;
    }
    if (str_is_null(table.storage.location)) {
        return hms_throw(call, HMS_META, err, "Cannot append a partition to a view");
    }
    p.storage = table.storage;
    p.storage.location = STR_NULL;
    params_set(&p.params, call->arena, DDL_TIME, seconds_text(call->arena, p.created_at));
    PartitionAdd how = {.items = {&p, 1}, .quick_statistics = !take_no_stats(call, env, &p)};
    if (!partition_add(&call->ctx, ref, &how, &made, NULL, err)) {
        return no_such_table(call, err);
    }
    return answer_partition(call, ref, &made.items[0], ret, err);
}

static bool append_partition(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsAppendPartitionArgs *a = args;
    Which which = {.database = a->db_name, .table = a->tbl_name, .values = a->part_vals};
    return append(call, &which, NULL, &((HmsAppendPartitionReply *)reply)->success, err);
}

static bool append_partition_with_environment_context(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsAppendPartitionWithEnvironmentContextArgs *a = args;
    HmsAppendPartitionWithEnvironmentContextReply *r = reply;
    Which which = {.database = a->db_name, .table = a->tbl_name, .values = a->part_vals};
    return append(call, &which, a->environment_context, &r->success, err);
}

static bool append_partition_by_name(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsAppendPartitionByNameArgs *a = args;
    Which which = {.database = a->db_name, .table = a->tbl_name, .name = a->part_name, .by_name = true};
    return append(call, &which, NULL, &((HmsAppendPartitionByNameReply *)reply)->success, err);
}

static bool append_partition_by_name_with_environment_context(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsAppendPartitionByNameWithEnvironmentContextArgs *a = args;
    HmsAppendPartitionByNameWithEnvironmentContextReply *r = reply;
    Which which = {.database = a->db_name, .table = a->tbl_name, .name = a->part_name, .by_name = true};
    return append(call, &which, a->environment_context, &r->success, err);
}

static bool append_partition_req(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsAppendPartitionsRequest *q = ((const HmsAppendPartitionReqArgs *)args)->appendPartitionsReq;
    if (!q) {
        return hms_throw(call, HMS_META, err, "AppendPartitionsRequest cannot be null.");
    }
    Which which = {q->catalogName, q->dbName, q->tableName, q->partVals, q->name, q->partVals.count == 0 && !str_is_null(q->name)};
    return append(call, &which, q->environmentContext, &((HmsAppendPartitionReqReply *)reply)->success, err);
}

/* ---- altering --------------------------------------------------------------------------------------------------- */

typedef struct Alter {
    TableRef ref;
    HmsPartitionList parts;
    HmsFieldSchemaList columns; /* of those that have none */
    const HmsEnvironmentContext *env;
    const StrList *renamed; /* the values that the only one had; NULL: nothing is renamed */
} Alter;

typedef struct AlterEdit {
    const Partition *items;
    bool renames;
} AlterEdit;

/* Parameters of columns are not in this model: a column keeps them as long as it keeps its name. */
static const ColumnSet *keep_column_params(Arena *arena, const ColumnSet *before, const ColumnSet *wanted) {
    bool any = false;
    for (size_t i = 0; i < before->count; i++) {
        any |= before->items[i].params.count > 0;
    }
    if (!any) {
        return wanted;
    }
    Column *items = ARENA_ARRAY(arena, Column, wanted->count);
    for (size_t i = 0; i < wanted->count; i++) {
        const Column *old = column_find(before, wanted->items[i].name);
        items[i] = wanted->items[i];
        items[i].params = old ? old->params : items[i].params;
    }
    return column_set_make(arena, items, wanted->count);
}

/* What this model has is replaced, what it has not stays. */
static bool edit_partition(Ctx *ctx, const Table *table, Partition *p, size_t index, void *arg, Err *err) {
    (void)table;
    const AlterEdit *edit = arg;
    const Partition *wanted = &edit->items[index];
    Str location = p->storage.location;
    const ColumnSet *before = p->storage.columns;
    p->storage = wanted->storage;
    p->params = params_copy(&wanted->params, ctx->arena);
    p->last_access_at = wanted->last_access_at;
    p->created_at = wanted->created_at == MICROS_NONE ? p->created_at : wanted->created_at;
    if (wanted->storage.columns->count) {
        p->storage.columns = keep_column_params(ctx->arena, before, wanted->storage.columns);
    }
    if (edit->renames) {
        p->values = wanted->values;
    }
    if (edit->renames || str_is_empty(wanted->storage.location)) {
        p->storage.location = location;
    }
    return arena_check(ctx->arena, err);
}

static bool check_unmoved(HmsCall *call, TableRef ref, const HmsPartition *p, Err *err) {
    TableRef own;
    Str database = str_is_null(p->dbName) ? ref.database : p->dbName, table = str_is_null(p->tableName) ? ref.name : p->tableName;
    if (!hms_table_ref(call, str_is_empty(p->catName) ? ref.catalog : p->catName, database, table, &own, err)) {
        return false;
    }
    return (name_same(own.catalog, ref.catalog) && name_same(own.database, ref.database) && name_same(own.name, ref.name)) ||
           hms_throw(call, HMS_META, err,
                     "A partition cannot move from table %" STR_FMT ".%" STR_FMT " to %" STR_FMT ".%" STR_FMT ".",
                     STR_ARG(ref.database), STR_ARG(ref.name), STR_ARG(own.database), STR_ARG(own.name));
}

/* Numbers that the caller gives are believed, unless the call says that data was written. */
static void refresh_statistics(HmsCall *call, const HmsEnvironmentContext *env, QuickStats *last, Partition *p) {
    Str generated = hms_env(env, "STATS_GENERATED");
    bool accurate = str_eq(generated, STR("TASK")) || str_eq(generated, STR("USER"));
    if (!take_no_stats(call, env, p) && (accurate || !quickstats_given(&p->params))) {
        quickstats_refresh(&call->ctx, p->storage.location, accurate, last, &p->params);
    }
}

static bool read_altered(HmsCall *call, const Alter *alter, Partition *items, Err *err) {
    QuickStats last = {.known = false};
    Str now = seconds_text(call->arena, clock_now());
    for (size_t i = 0; i < alter->parts.count; i++) {
        const HmsPartition *part = &alter->parts.items[i];
        Partition *p = &items[i];
        if (!check_unmoved(call, alter->ref, part, err) || !check_values(call, part->values, err) ||
            !read_partition(call, part, alter->columns, i ? p - 1 : NULL, p, err)) {
            return false;
        }
        if (p->storage.columns->count == 0) {
            p->storage.columns = &column_set_none; /* becomes the table's */
        }
        Str given = params_get(&p->params, DDL_TIME);
        if (str_is_null(given) || str_eq(given, STR("0"))) {
            params_set(&p->params, call->arena, DDL_TIME, now);
        }
        if (alter->renamed) {
            (void)take_no_stats(call, alter->env, p);
        } else {
            refresh_statistics(call, alter->env, &last, p);
        }
    }
    return arena_check(call->arena, err);
}

static bool alter_all(HmsCall *call, const Alter *alter, Err *err) {
    size_t count = alter->parts.count;
    if (count == 0) {
        return hms_throw(call, HMS_INVALID_OPERATION, err, "alter is not possible: no partitions are given.");
    }
    Partition *items = ARENA_ARRAY(call->arena, Partition, count);
    StrList *values = ARENA_ARRAY(call->arena, StrList, count);
    if (!read_altered(call, alter, items, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        values[i] = alter->renamed ? *alter->renamed : items[i].values;
    }
    AlterEdit edit = {items, alter->renamed != NULL};
    PartitionAlter how = {
        .values = values, .count = count, .edit = edit_partition, .arg = &edit, .write_noop = true, .renames = edit.renames};
    if (!partition_alter(&call->ctx, alter->ref, &how, NULL, NULL, err)) {
        return is_missing(err) ? err_prefix(err, "alter is not possible") : false;
    }
    return true;
}

static bool alter_list(HmsCall *call, Str database, Str table, HmsPartitionList parts, const HmsEnvironmentContext *env, Err *err) {
    Alter alter = {.parts = parts, .env = env};
    if (!parts.items) {
        return hms_throw(call, HMS_META, err, "Partition list cannot be null.");
    }
    return hms_table_ref(call, STR_NULL, database, table, &alter.ref, err) && alter_all(call, &alter, err);
}

static bool alter_one(HmsCall *call, Str database, Str table, HmsPartition *part, const HmsEnvironmentContext *env, Err *err) {
    if (!part) {
        return hms_throw(call, HMS_META, err, "Partition cannot be null.");
    }
    return alter_list(call, database, table, (HmsPartitionList){.items = part, .count = 1}, env, err);
}

static bool alter_partition(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsAlterPartitionArgs *a = args;
    return alter_one(call, a->db_name, a->tbl_name, a->new_part, NULL, err);
}

static bool alter_partition_with_environment_context(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsAlterPartitionWithEnvironmentContextArgs *a = args;
    return alter_one(call, a->db_name, a->tbl_name, a->new_part, a->environment_context, err);
}

static bool alter_partitions(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsAlterPartitionsArgs *a = args;
    return alter_list(call, a->db_name, a->tbl_name, a->new_parts, NULL, err);
}

static bool alter_partitions_with_environment_context(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsAlterPartitionsWithEnvironmentContextArgs *a = args;
    return alter_list(call, a->db_name, a->tbl_name, a->new_parts, a->environment_context, err);
}

static bool alter_partitions_req(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsAlterPartitionsRequest *q = ((const HmsAlterPartitionsReqArgs *)args)->req;
    if (!q) {
        return hms_throw(call, HMS_META, err, "AlterPartitionsRequest cannot be null.");
    }
    Alter alter = {.parts = q->partitions, .columns = q->partitionColSchema, .env = q->environmentContext};
    ((HmsAlterPartitionsReqReply *)reply)->success = HMS_NEW(call->arena, HmsAlterPartitionsResponse,
                                                             HMS_STRUCT_ALTER_PARTITIONS_RESPONSE);
    return hms_table_ref(call, q->catName, q->dbName, q->tableName, &alter.ref, err) && alter_all(call, &alter, err);
}

/* ---- renaming --------------------------------------------------------------------------------------------------- */

static bool rename_one(HmsCall *call, TableRef ref, StrList values, HmsPartition *part, Err *err) {
    if (!part) {
        return hms_throw(call, HMS_META, err, "Partition cannot be null.");
    }
    Alter alter = {.ref = ref, .parts = {.items = part, .count = 1}, .renamed = &values};
    return check_values(call, values, err) && alter_all(call, &alter, err);
}

static bool rename_partition(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsRenamePartitionArgs *a = args;
    TableRef ref;
    return hms_table_ref(call, STR_NULL, a->db_name, a->tbl_name, &ref, err) &&
           rename_one(call, ref, a->part_vals, a->new_part, err);
}

static bool rename_partition_req(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsRenamePartitionRequest *q = ((const HmsRenamePartitionReqArgs *)args)->req;
    TableRef ref;
    if (!q) {
        return hms_throw(call, HMS_META, err, "RenamePartitionRequest cannot be null.");
    }
    ((HmsRenamePartitionReqReply *)reply)->success = HMS_NEW(call->arena, HmsRenamePartitionResponse,
                                                             HMS_STRUCT_RENAME_PARTITION_RESPONSE);
    return hms_table_ref(call, q->catName, q->dbName, q->tableName, &ref, err) &&
           rename_one(call, ref, q->partVals, q->newPart, err);
}

/* ---- dropping one ----------------------------------------------------------------------------------------------- */

static bool drop(HmsCall *call, const Which *which, bool delete_data, Err *err) {
    TableRef ref;
    Table table;
    Str name;
    if (!check_which(call, which, &ref, err) || !table_get(&call->ctx, ref, &table, err) ||
        !(which->by_name ? canonical(call, &table, which->name, &name, err) : name_of(call, &table, which->values, &name, err))) {
        return false;
    }
    PartitionDrop how = {.which = {.names = {&name, 1}, .with_names = true, .limit = -1}, .delete_data = delete_data};
    return partition_drop(&call->ctx, ref, &how, NULL, NULL, NULL, err);
}

static bool drop_partition(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsDropPartitionArgs *a = args;
    Which which = {.database = a->db_name, .table = a->tbl_name, .values = a->part_vals};
    THRIFT_SET((HmsDropPartitionReply *)reply, success, true);
    return drop(call, &which, a->deleteData, err);
}

/* ifPurge in the environment asks for what is always done: there is no trash. */
static bool drop_partition_with_environment_context(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsDropPartitionWithEnvironmentContextArgs *a = args;
    Which which = {.database = a->db_name, .table = a->tbl_name, .values = a->part_vals};
    THRIFT_SET((HmsDropPartitionWithEnvironmentContextReply *)reply, success, true);
    return drop(call, &which, a->deleteData, err);
}

static bool drop_partition_by_name(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsDropPartitionByNameArgs *a = args;
    Which which = {.database = a->db_name, .table = a->tbl_name, .name = a->part_name, .by_name = true};
    THRIFT_SET((HmsDropPartitionByNameReply *)reply, success, true);
    return drop(call, &which, a->deleteData, err);
}

static bool drop_partition_by_name_with_environment_context(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsDropPartitionByNameWithEnvironmentContextArgs *a = args;
    Which which = {.database = a->db_name, .table = a->tbl_name, .name = a->part_name, .by_name = true};
    THRIFT_SET((HmsDropPartitionByNameWithEnvironmentContextReply *)reply, success, true);
    return drop(call, &which, a->deleteData, err);
}

static bool drop_partition_req(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsDropPartitionRequest *q = ((const HmsDropPartitionReqArgs *)args)->dropPartitionReq;
    if (!q) {
        return hms_throw(call, HMS_META, err, "DropPartitionRequest cannot be null.");
    }
    Which which = {q->catName,  q->dbName,   q->tblName,
                   q->partVals, q->partName, q->partVals.count == 0 && !str_is_null(q->partName)};
    THRIFT_SET((HmsDropPartitionReqReply *)reply, success, true);
    return drop(call, &which, q->deleteData, err);
}

/* ---- dropping several ------------------------------------------------------------------------------------------- */

static bool some_missing(HmsCall *call, Err *err) {
    return hms_throw(call, HMS_NO_SUCH_OBJECT, err, "Some partitions to drop are missing");
}

/* A name that cannot be one of this table is one of a partition that is not there. */
static bool names_given(HmsCall *call, const Table *table, StrList names, bool if_exists, StrList *ret, Err *err) {
    *ret = (StrList){ARENA_ARRAY(call->arena, Str, names.count), 0};
    for (size_t i = 0; i < names.count; i++) {
        Err why;
        if (canonical(call, table, names.items[i], &ret->items[ret->count], &why)) {
            ret->count++;
        } else if (!if_exists) {
            return some_missing(call, err);
        }
    }
    return arena_check(call->arena, err);
}

/* A filter comes as its text. What Hive's own planner sends is a Java object in Kryo's form. */
static bool expression_text(HmsCall *call, Str expr, Err *err) {
    bool is_text = !str_is_empty(str_trim(expr)) && utf8_valid(expr);
    for (size_t i = 0; i < expr.len && is_text; i++) {
        unsigned char c = (unsigned char)expr.ptr[i];
        is_text = c >= ' ' || c == '\t' || c == '\n' || c == '\r';
    }
    return is_text || hms_throw(call, HMS_META, err,
                                "Unexpected unknown partitions to drop: the expression is no text of a filter. This server does"
                                " not evaluate serialised Java expressions; drop by names.");
}

/* Names of what any of the expressions finds. Each has to find something, together as many as there are. */
static bool names_found(HmsCall *call, TableRef ref, HmsDropPartitionsExprList exprs, bool if_exists, StrList *ret, Err *err) {
    StrList *found = ARENA_ARRAY(call->arena, StrList, exprs.count);
    size_t count = 0;
    for (size_t i = 0; i < exprs.count; i++) {
        PartitionQuery query = {.filter = exprs.items[i].expr, .grammar = FILTER_HIVE, .limit = -1};
        bool more;
        if (!expression_text(call, query.filter, err) || !partition_names(&call->ctx, ref, &query, &found[i], &more, err)) {
            return false;
        }
        count += found[i].count;
    }
    if (count < exprs.count && !if_exists) {
        return some_missing(call, err);
    }
    StrMap *seen = strmap_new(call->arena, count);
    *ret = (StrList){ARENA_ARRAY(call->arena, Str, count), 0};
    for (size_t i = 0; i < exprs.count; i++) {
        for (size_t k = 0; k < found[i].count; k++) {
            if (!strmap_put(seen, found[i].items[k], ret)) {
                ret->items[ret->count++] = found[i].items[k];
            }
        }
    }
    return arena_check(call->arena, err);
}

/* What the expressions found may be dropped by somebody else before this does it: that is no error. */
static bool drop_found(HmsCall *call, const HmsDropPartitionsRequest *q, TableRef ref, Partitions *ret, Err *err) {
    bool if_exists = q->has_ifExists && q->ifExists;
    Table table;
    PartitionDrop how = {.which = {.with_names = true, .limit = -1}, .delete_data = q->has_deleteData && q->deleteData};
    how.want_dropped = true;
    how.if_exists = if_exists || q->parts->exprs.items != NULL;
    if (!table_get(&call->ctx, ref, &table, err) ||
        !(q->parts->exprs.items ? names_found(call, ref, q->parts->exprs, if_exists, &how.which.names, err)
                                : names_given(call, &table, q->parts->names, if_exists, &how.which.names, err))) {
        return false;
    }
    if (how.which.names.count == 0) {
        *ret = (Partitions){.count = 0};
        return true;
    }
    return partition_drop(&call->ctx, ref, &how, ret, NULL, NULL, err) ||
           (err->code == ERR_PARTITION_NOT_FOUND ? some_missing(call, err) : false);
}

static bool drop_partitions_req(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsDropPartitionsRequest *q = ((const HmsDropPartitionsReqArgs *)args)->req;
    HmsDropPartitionsResult *result = HMS_NEW(call->arena, HmsDropPartitionsResult, HMS_STRUCT_DROP_PARTITIONS_RESULT);
    TableRef ref;
    Partitions dropped;
    if (!q) {
        return hms_throw(call, HMS_META, err, "DropPartitionsRequest cannot be null.");
    }
    if (!hms_table_ref(call, q->catName, q->dbName, q->tblName, &ref, err)) {
        return false;
    }
    if (!q->parts || (!q->parts->names.items && !q->parts->exprs.items)) {
        return hms_throw(call, HMS_META, err, "Partition spec is not set");
    }
    if (!drop_found(call, q, ref, &dropped, err)) {
        return false;
    }
    ((HmsDropPartitionsReqReply *)reply)->success = result;
    if (!q->has_needResult || q->needResult) {
        bool skip = q->has_skipColumnSchemaForPartition && q->skipColumnSchemaForPartition;
        result->partitions_stream = answer_partitions(call, ref, dropped, skip);
    }
    return true;
}

/* ---- exchanging ------------------------------------------------------------------------------------------------- */

static bool exchange(HmsCall *call, const HmsExchangePartitionsArgs *a, Partitions *ret, TableRef *ret_to, Err *err) {
    TableRef from;
    if (a->partitionSpecs.count == 0) {
        return hms_throw(call, HMS_META, err, "The partition specification cannot be null or empty.");
    }
    return hms_table_ref(call, STR_NULL, a->source_db, a->source_table_name, &from, err) &&
           hms_table_ref(call, STR_NULL, a->dest_db, a->dest_table_name, ret_to, err) &&
           partition_exchange(&call->ctx, from, *ret_to, &a->partitionSpecs, ret, err);
}

/* Hive answers with a partition that says nothing. */
static bool exchange_partition(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsExchangePartitionArgs *a = args;
    const HmsExchangePartitionsArgs same = {a->partitionSpecs, a->source_db, a->source_table_name, a->dest_db, a->dest_table_name};
    TableRef to;
    ((HmsExchangePartitionReply *)reply)->success = HMS_NEW(call->arena, HmsPartition, HMS_STRUCT_PARTITION);
    return exchange(call, &same, NULL, &to, err);
}

static bool exchange_partitions(HmsCall *call, const void *args, void *reply, Err *err) {
    Partitions made;
    TableRef to;
    if (!exchange(call, args, &made, &to, err)) {
        return false;
    }
    ((HmsExchangePartitionsReply *)reply)->success_stream = answer_partitions(call, to, made, false);
    return true;
}

/* ---- marking ---------------------------------------------------------------------------------------------------- */

typedef struct Mark {
    TableRef ref;
    Str name;
} Mark;

static bool mark_values(HmsCall *call, const Table *table, const Params *given, StrList *ret, Err *err) {
    StrList keys = table_keys(call, table);
    *ret = (StrList){ARENA_ARRAY(call->arena, Str, keys.count), keys.count};
    bool all = keys.count > 0 && given->count == keys.count;
    for (size_t k = 0; k < keys.count && all; k++) {
        for (size_t i = 0; i < given->count; i++) {
            if (name_same(given->items[i].key, keys.items[k])) {
                ret->items[k] = given->items[i].value;
            }
        }
        all = !str_is_null(ret->items[k]);
    }
    return all || hms_throw(call, HMS_INVALID_PARTITION, err,
                            "The table has %zu partition keys, and a value for each of them is needed: %" STR_FMT, keys.count,
                            STR_ARG(values_text(call->arena, keys)));
}

/* Which database or table is not there has an exception of its own. */
static bool mark_table(HmsCall *call, TableRef ref, Table *ret, Err *err) {
    if (table_get(&call->ctx, ref, ret, err)) {
        return true;
    }
    if (is_missing(err)) {
        call->exception = err->code == ERR_TABLE_NOT_FOUND ? HMS_UNKNOWN_TABLE : HMS_UNKNOWN_DB;
        call->has_exception = true;
    }
    return false;
}

static bool read_mark(HmsCall *call, const HmsMarkPartitionForEventArgs *a, Mark *ret, Err *err) {
    Table table;
    StrList values;
    if (!hms_table_ref(call, STR_NULL, a->db_name, a->tbl_name, &ret->ref, err)) {
        return false;
    }
    if (!a->part_vals.items || !a->has_eventType || a->eventType != HMS_PARTITION_EVENT_TYPE_LOAD_DONE) {
        return hms_throw(call, HMS_META, err, "Partition values and the event LOAD_DONE have to be given.");
    }
    return mark_table(call, ret->ref, &table, err) && mark_values(call, &table, &a->part_vals, &values, err) &&
           name_of(call, &table, values, &ret->name, err);
}

static bool mark_partition_for_event(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    Mark mark;
    return read_mark(call, args, &mark, err) && partition_mark(&call->ctx, mark.ref, mark.name, err);
}

static bool is_partition_marked_for_event(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsIsPartitionMarkedForEventArgs *a = args;
    const HmsMarkPartitionForEventArgs same = {a->db_name, a->tbl_name, a->part_vals, a->eventType, a->has_eventType};
    Mark mark;
    bool marked;
    if (!read_mark(call, &same, &mark, err) || !partition_is_marked(&call->ctx, mark.ref, mark.name, &marked, err)) {
        return false;
    }
    THRIFT_SET((HmsIsPartitionMarkedForEventReply *)reply, success, marked);
    return true;
}

/* clang-format off */
#define NOT_THERE_IS_INVALID {{HMS_NO_SUCH_OBJECT, HMS_INVALID_OPERATION}, {HMS_ALREADY_EXISTS, HMS_INVALID_OPERATION}}
#define ALWAYS_META {{HMS_NO_SUCH_OBJECT, HMS_META}, {HMS_INVALID_OBJECT, HMS_META}, {HMS_INVALID_INPUT, HMS_META}}
/* clang-format on */

static const HmsRow ROWS[] = {
    {"add_partition", add_partition, HMS_WRITE, {{0}}},
    {"add_partition_with_environment_context", add_partition_with_environment_context, HMS_WRITE, {{0}}},
    {"add_partitions", add_partitions, HMS_WRITE | HMS_BULK, {{0}}},
    {"add_partitions_pspec", add_partitions_pspec, HMS_WRITE | HMS_BULK, {{0}}},
    {"add_partitions_req", add_partitions_req, HMS_WRITE | HMS_BULK, {{0}}},
    {"append_partition", append_partition, HMS_WRITE, {{0}}},
    {"append_partition_with_environment_context", append_partition_with_environment_context, HMS_WRITE, {{0}}},
    {"append_partition_by_name", append_partition_by_name, HMS_WRITE, {{0}}},
    {"append_partition_by_name_with_environment_context", append_partition_by_name_with_environment_context, HMS_WRITE, {{0}}},
    {"append_partition_req", append_partition_req, HMS_WRITE, {{0}}},
    {"alter_partition", alter_partition, HMS_WRITE, NOT_THERE_IS_INVALID},
    {"alter_partition_with_environment_context", alter_partition_with_environment_context, HMS_WRITE, NOT_THERE_IS_INVALID},
    {"alter_partitions", alter_partitions, HMS_WRITE | HMS_BULK, NOT_THERE_IS_INVALID},
    {"alter_partitions_with_environment_context", alter_partitions_with_environment_context, HMS_WRITE | HMS_BULK,
     NOT_THERE_IS_INVALID},
    {"alter_partitions_req", alter_partitions_req, HMS_WRITE | HMS_BULK, NOT_THERE_IS_INVALID},
    {"rename_partition", rename_partition, HMS_WRITE, NOT_THERE_IS_INVALID},
    {"rename_partition_req", rename_partition_req, HMS_WRITE, NOT_THERE_IS_INVALID},
    {"drop_partition", drop_partition, HMS_WRITE, {{0}}},
    {"drop_partition_with_environment_context", drop_partition_with_environment_context, HMS_WRITE, {{0}}},
    {"drop_partition_req", drop_partition_req, HMS_WRITE, {{0}}},
    {"drop_partition_by_name", drop_partition_by_name, HMS_WRITE, {{0}}},
    {"drop_partition_by_name_with_environment_context", drop_partition_by_name_with_environment_context, HMS_WRITE, {{0}}},
    {"drop_partitions_req", drop_partitions_req, HMS_WRITE | HMS_BULK, {{0}}},
    {"exchange_partition", exchange_partition, HMS_WRITE | HMS_BULK, ALWAYS_META},
    {"exchange_partitions", exchange_partitions, HMS_WRITE | HMS_BULK, ALWAYS_META},
    {"markPartitionForEvent", mark_partition_for_event, HMS_WRITE, {{0}}},
    {"isPartitionMarkedForEvent", is_partition_marked_for_event, HMS_READ, {{0}}},
};
const HmsGroup hms_group_partitions_write = HMS_GROUP("partitions_write", ROWS);
