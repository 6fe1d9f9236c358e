#include "catalog/hive_table.h"

#include "base/json_reader.h"
#include "catalog/content.h"
#include "catalog/diff.h"
#include "catalog/places.h"
#include "catalog/quickstats.h"
#include "catalog/scope.h"
#include "catalog/table_check.h"
#include "catalog/types.h"

#define EXTERNAL_KEY STR("EXTERNAL")
#define COMMENT_KEY STR("comment")
#define DDL_TIME_KEY STR("transient_lastDdlTime")
#define NO_STATS_KEY STR("DO_NOT_UPDATE_STATS")
#define MANAGED STR("MANAGED_TABLE")
#define EXTERNAL STR("EXTERNAL_TABLE")

Str hive_table_type(const Table *t) {
    if (!str_is_null(t->type)) {
        return t->type;
    }
    return !str_is_null(t->view_original) ? STR("VIRTUAL_VIEW") : params_is_true(&t->params, EXTERNAL_KEY) ? EXTERNAL : MANAGED;
}

/* --- what both have in common ---------------------------------------------------------------------------------- */

static void set_ddl_time(Ctx *ctx, Params *params) {
    if (!params_has(params, DDL_TIME_KEY)) {
        params_set(params, ctx->arena, DDL_TIME_KEY, arena_printf(ctx->arena, "%" PRId64, clock_now() / 1000000));
    }
}

/* Those of views say nothing, those of partitioned tables stand at the partitions, and an Iceberg table's directory also holds
 * what no query sees. */
static bool countable(const Table *t) { return !table_is_view(t) && t->partition_keys->count == 0 && !table_is_log_format(t); }

/* Says something about one call, so it is not kept. */
static bool take_no_stats(Params *params) {
    bool no_stats = params_is_true(params, NO_STATS_KEY);
    params_remove(params, NO_STATS_KEY);
    return no_stats;
}

/* A directory with very many files is not worth the wait. */
static void count(const Ctx *ctx, Str location, QuickStats *ret, Params *params) {
    enum { PATIENCE_MS = 2000 };
    Ctx brief = *ctx;
    brief.deadline = deadline_in_ms(MIN((int64_t)PATIENCE_MS, deadline_left_ms(ctx->deadline)));
    quickstats_refresh(&brief, location, false, ret, params);
}

/* --- making one ------------------------------------------------------------------------------------------------ */

void hive_table_settle(Ctx *ctx, Table *t, bool *ret_count) {
    t->params = params_copy(&t->params, ctx->arena);
    t->type = hive_table_type(t);
    bool external = params_is_true(&t->params, EXTERNAL_KEY);
    if (external && str_eq(t->type, MANAGED)) {
        t->type = EXTERNAL;
    } else if (!external && str_eq(t->type, EXTERNAL)) {
        t->type = MANAGED;
    }
    Str comment = params_get(&t->params, COMMENT_KEY);
    if (!str_is_null(comment)) {
        t->description = comment;
        params_remove(&t->params, COMMENT_KEY);
    }
    params_remove(&t->params, STR("created_with_ctas"));
    params_remove(&t->params, STR("created_with_ctlt"));
    *ret_count = !take_no_stats(&t->params) && countable(t);
    set_ddl_time(ctx, &t->params);
}

void hive_table_count(const Ctx *ctx, Table *table) {
    QuickStats look = {0};
    count(ctx, table->storage.location, &look, &table->params);
}

/* --- replacing one --------------------------------------------------------------------------------------------- */

/* Data hangs on this: a table whose data is not ours stays so until somebody says otherwise in so many words. */
static Str settled_type(const Table *before, const Table *sent) {
    bool external = params_is_true(&sent->params, EXTERNAL_KEY), said = params_has(&sent->params, EXTERNAL_KEY);
    if (str_is_null(sent->type) || (str_is_null(before->type) && str_eq(sent->type, hive_table_type(before)))) {
        return before->type;
    }
    if (str_eq(sent->type, MANAGED) && external) {
        return EXTERNAL;
    }
    bool unmarked = str_eq(sent->type, EXTERNAL) && !external && (said || str_eq(before->type, MANAGED));
    return unmarked ? MANAGED : sent->type;
}

/* Clients are shown the description as a parameter "comment" (unless there is one of that name anyway) and send it back. */
static void settle_comment(const Table *before, Table *after) {
    Str was = params_get(&before->params, COMMENT_KEY), now = params_get(&after->params, COMMENT_KEY);
    Str shown = str_is_null(was) ? before->description : was;
    if (!str_eq(now, shown)) {
        after->description = now;
    }
    if (str_is_null(was)) {
        params_remove(&after->params, COMMENT_KEY);
    }
}

/* The Metastore's columns have no parameters, so those that stay keep theirs. */
static const ColumnSet *keep_column_params(Ctx *ctx, const ColumnSet *before, const ColumnSet *sent) {
    bool any = false;
    for (size_t i = 0; i < before->count; i++) {
        any |= before->items[i].params.count > 0;
    }
    if (!any) {
        return sent;
    }
    Column *items = ARENA_ARRAY(ctx->arena, Column, sent->count);
    for (size_t i = 0; i < sent->count; i++) {
        const Column *was = column_find(before, sent->items[i].name);
        items[i] = sent->items[i];
        items[i].params = was ? was->params : items[i].params;
    }
    return column_set_make(ctx->arena, items, sent->count);
}

/* Members that are sent replace those of the same name, the others are none of Hive's business. */
static Str merge_extra(Ctx *ctx, Str before, Str sent) {
    enum { DEPTH = 64 };
    json_t *old, *new;
    Err ignored;
    if (str_is_null(before) || str_is_null(sent)) {
        return str_is_null(sent) ? before : sent;
    }
    if (!jr_parse(ctx->arena, before, DEPTH, &old, &ignored) || !jr_parse(ctx->arena, sent, DEPTH, &new, &ignored)) {
        return before;
    }
    json_object_update(old, new);
    char *text = json_dumps(old, JSON_COMPACT | JSON_SORT_KEYS);
    Str merged = text ? arena_str(ctx->arena, str_from(text)) : before;
    free(text);
    return merged;
}

static bool incompatible(Ctx *ctx, const ColumnSet *before, const ColumnSet *after, Err *err) {
    Str names = STR("");
    for (size_t i = 0; i < MIN(before->count, after->count); i++) {
        if (!type_hive_compatible(before->items[i].type, after->items[i].type)) {
            names = ARENA_CONCAT(ctx->arena, names, names.len ? STR(",") : STR(""), after->items[i].name);
        }
    }
    return names.len > 0 && !err_set(err, ERR_INVALID_OPERATION,
                                     "The following columns have types incompatible with the existing columns in their respective"
                                     " positions :\n%" STR_FMT,
                                     STR_ARG(names));
}

typedef struct Replacing {
    const HiveAlter *alter;
    QuickStats counted; /* looked at before, as a transaction must not wait for a disk */
} Replacing;

static bool check_sent(const Table *before, const Table *sent, Err *err) {
    if (!sent->storage.given || str_is_null(sent->storage.location)) {
        const char *what = sent->storage.given ? "location" : "storage descriptor";
        bool may = sent->storage.given && (table_is_view(sent) || str_is_null(before->storage.location));
        return may || err_set(err, ERR_INVALID_ARGUMENT,
                              "The new definition of table %" STR_FMT ".%" STR_FMT " has no %s; give all of the table.",
                              STR_ARG(before->database), STR_ARG(before->name), what);
    }
    return true;
}

/* TABLE comes as it is and leaves as it is to be. */
static void replace(Ctx *ctx, const Table *sent, Table *table) {
    const Table before = *table;
    table->catalog = str_is_null(sent->catalog) ? before.catalog : sent->catalog;
    table->database = sent->database;
    table->name = sent->name;
    table->type = settled_type(&before, sent);
    table->owner = sent->owner;
    table->owner_type = str_is_null(sent->owner_type) ? before.owner_type : sent->owner_type;
    table->storage = sent->storage;
    table->storage.columns = keep_column_params(ctx, before.storage.columns, sent->storage.columns);
    table->partition_keys = sent->partition_keys;
    table->params = params_copy(&sent->params, ctx->arena);
    table->retention = sent->retention;
    table->view_original = sent->view_original;
    table->view_expanded = sent->view_expanded;
    table->rewrite_enabled = sent->rewrite_enabled;
    table->last_access_at = sent->last_access_at;
    table->extra = merge_extra(ctx, before.extra, sent->extra);
    settle_comment(&before, table);
    set_ddl_time(ctx, &table->params);
}

static bool edit(Ctx *ctx, Table *table, void *arg, Err *err) {
    Replacing *r = arg;
    const HiveAlter *alter = r->alter;
    const Table before = *table;
    if (!check_sent(&before, &alter->sent, err)) {
        return false;
    }
    replace(ctx, &alter->sent, table);
    bool renamed = !name_same(before.name, table->name) || !name_same(before.database, table->database);
    bool no_stats = take_no_stats(&table->params) || alter->keep_stats;
    if (!renamed && !no_stats && r->counted.known && countable(table)) {
        quickstats_refresh(ctx, r->counted.location, alter->accurate, &r->counted, &table->params);
    }
    return !alter->same_types || !incompatible(ctx, before.storage.columns, table->storage.columns, err);
}

bool hive_table_alter(Ctx *ctx, TableRef ref, const HiveAlter *alter, Table *ret, Err *err) {
    HiveAlter a = *alter;
    Replacing r = {.alter = &a};
    TableAlter how = a.how;
    if (str_is_empty(a.sent.storage.location)) {
        a.sent.storage.location = STR_NULL;
    }
    if (!place_normalise(ctx, a.sent.storage.location, &a.sent.storage.location, err)) {
        return false;
    }
    if (!str_is_null(how.expect_param) && !str_is_null(how.expect_value) && !params_has(&a.sent.params, how.expect_param)) {
        return err_set(err, ERR_INVALID_ARGUMENT, "New value for expected key %" STR_FMT " is not set", STR_ARG(how.expect_param));
    }
    if (!a.keep_stats && !params_is_true(&a.sent.params, NO_STATS_KEY) && countable(&a.sent)) {
        Params ignored = {0};
        count(ctx, a.sent.storage.location, &r.counted, &ignored);
    }
    how.edit = edit;
    how.arg = &r;
    how.allow_key_change |= table_is_view(&a.sent);
    how.write_noop = true; /* Hive has an event for each */
    return table_alter(ctx, ref, &how, ret, err);
}
