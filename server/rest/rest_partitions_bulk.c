#include "catalog/json.h"
#include "catalog/tables.h"
#include "server/rest/rest_partitions.h"

/* {"items":[{"name":..., "status":"added"|"existed"|"altered"|"unchanged"|"dropped"|"failed", "code":..., "detail":...}]}:
 * what became of each. NAMES may hold null where there is none. */
static const char *status_of(const ItemResult *result, const char *done) {
    return !result->ok ? "failed" : result->existed ? "existed" : result->unchanged ? "unchanged" : done;
}

static bool answer_results(Request *r, const char *done, size_t count, const Str *names, const ItemResult *results) {
    JsonWriter w = request_json(r);
    size_t failed = 0;
    jw_object_begin(&w);
    jw_key(&w, STR("items"));
    jw_array_begin(&w);
    for (size_t i = 0; i < count; i++) {
        bool ok = !results || results[i].ok;
        jw_object_begin(&w);
        jw_put_str(&w, "name", names[i]);
        jw_put_str(&w, "status", str_from(results ? status_of(&results[i], done) : done));
        if (!ok) {
            failed++;
            jw_put_str(&w, "code", str_from(err_info(results[i].err.code)->name));
            jw_put_str(&w, "detail", str_from(results[i].err.message));
        }
        jw_object_end(&w);
    }
    jw_array_end(&w);
    jw_put_i64(&w, "failed", (int64_t)failed);
    jw_object_end(&w);
    return true;
}

/* One partition of a body; its values, or its name where there are none. TABLE is read when it is needed first. */
static bool read_item(Request *r, const JsonAt *at, Table *table, Partition *ret, Err *err) {
    JsonAt values = jr_member(at, "values");
    if (!partition_from_json(at, r->arena, ret, err)) {
        return false;
    }
    if (values.value || str_is_null(ret->name)) {
        return jr_required(&values, r->arena, err);
    }
    return (table->id || table_get(&r->ctx, rest_table_ref(r), table, err)) &&
           rest_partition_named(r, table, ret->name, &ret->values, err);
}

static bool read_items(Request *r, const JsonAt *body, Partitions *ret, JsonAt **ret_at, Err *err) {
    JsonAt *items = ARENA_NEW(r->arena, JsonAt);
    *items = jr_member(body, "items");
    if (!jr_required(items, r->arena, err) || !jr_expect_array(items, r->arena, err)) {
        return false;
    }
    ret->count = json_array_size(items->value);
    ret->items = ARENA_ARRAY(r->arena, Partition, ret->count);
    *ret_at = ARENA_ARRAY(r->arena, JsonAt, ret->count);
    Table table = {.id = 0};
    for (size_t i = 0; i < ret->count; i++) {
        (*ret_at)[i] = jr_item(items, i);
        if (!arena_check(r->arena, err) || !read_item(r, &(*ret_at)[i], &table, &ret->items[i], err)) {
            return false;
        }
    }
    return true;
}

/* Names of RET where something came back, else of what was asked for. */
static Str *names_of(Request *r, const Partitions *asked, const Partitions *came) {
    Str *names = ARENA_ARRAY(r->arena, Str, asked->count);
    for (size_t i = 0; i < asked->count; i++) {
        names[i] = came->count == asked->count ? came->items[i].name : asked->items[i].name;
    }
    return names;
}

/* --- add --------------------------------------------------------------------------------------------------------- */

static bool add_one(Request *r, const JsonAt *body, Err *err) {
    Partition wanted;
    Partitions made = {0};
    Table table = {.id = 0};
    if (!read_item(r, body, &table, &wanted, err)) {
        return false;
    }
    PartitionAdd add = {.items = {&wanted, 1}};
    ItemResult *results;
    if (!partition_add(&r->ctx, rest_table_ref(r), &add, &made, &results, err)) {
        return false;
    }
    PartitionJson last = {0};
    JsonWriter w = request_json(r);
    partition_json(&w, &made.items[0], &last, true);
    rest_created(r);
    return true;
}

bool rest_partition_add(Request *r, Err *err) {
    static const char *const KNOWN[] = {"items", "if_not_exists", "per_item", NULL};
    JsonAt body, *at;
    PartitionAdd add = {.if_not_exists = false};
    Partitions made = {0};
    ItemResult *results = NULL;
    if (!rest_body(r, false, &body, err)) {
        return false;
    }
    if (!json_object_get(body.value, "items")) {
        return add_one(r, &body, err);
    }
    return jr_only_members(&body, r->arena, KNOWN, err) && rest_member_bool(r, &body, "if_not_exists", &add.if_not_exists, err) &&
           rest_member_bool(r, &body, "per_item", &add.per_item, err) && read_items(r, &body, &add.items, &at, err) &&
           partition_add(&r->ctx, rest_table_ref(r), &add, &made, &results, err) &&
           answer_results(r, "added", add.items.count, names_of(r, &add.items, &made), results);
}

/* --- alter ------------------------------------------------------------------------------------------------------- */

static bool edit_item(Ctx *ctx, const Table *table, Partition *partition, size_t index, void *arg, Err *err) {
    (void)table;
    const JsonAt *documents = arg;
    return rest_partition_replace(ctx, &documents[index], partition, err);
}

bool rest_partitions_alter(Request *r, Err *err) {
    static const char *const KNOWN[] = {"items", "per_item", NULL};
    JsonAt body, *at;
    PartitionAlter how = {.edit = edit_item};
    Partitions asked, after = {0};
    ItemResult *results = NULL;
    if (!rest_body(r, false, &body, err) || !jr_only_members(&body, r->arena, KNOWN, err) ||
        !rest_member_bool(r, &body, "per_item", &how.per_item, err) || !read_items(r, &body, &asked, &at, err)) {
        return false;
    }
    how.values = ARENA_ARRAY(r->arena, StrList, asked.count);
    how.count = asked.count;
    how.arg = at;
    for (size_t i = 0; i < asked.count; i++) {
        how.values[i] = asked.items[i].values;
    }
    return partition_alter(&r->ctx, rest_table_ref(r), &how, &after, &results, err) &&
           answer_results(r, "altered", asked.count, names_of(r, &asked, &after), results);
}

/* --- drop -------------------------------------------------------------------------------------------------------- */

static bool read_drop(Request *r, const JsonAt *body, PartitionDrop *how, Err *err) {
    static const char *const KNOWN[] = {"names", "filter", "grammar", "if_exists", "delete_data", "per_item", NULL};
    Str grammar = STR_NULL;
    JsonAt names = jr_member(body, "names");
    if (!jr_only_members(body, r->arena, KNOWN, err) || !jr_strs(&names, r->arena, &how->which.names, err) ||
        !rest_member_str(r, body, "filter", &how->which.filter, err) || !rest_member_str(r, body, "grammar", &grammar, err) ||
        !rest_partition_grammar(grammar, &how->which.grammar, err) ||
        !rest_member_bool(r, body, "if_exists", &how->if_exists, err) ||
        !rest_member_bool(r, body, "delete_data", &how->delete_data, err) ||
        !rest_member_bool(r, body, "per_item", &how->per_item, err)) {
        return false;
    }
    how->which.with_names = names.value != NULL;
    if (how->which.with_names != str_is_null(how->which.filter)) {
        return err_set(err, ERR_INVALID_INPUT,
                       "Give either names or filter: a drop of everything has to be said, as a filter that is true for all.");
    }
    return true;
}

bool rest_partitions_drop(Request *r, Err *err) {
    JsonAt body;
    PartitionDrop how = {.which = {.limit = -1}, .delete_data = true};
    int64_t count;
    Partitions dropped;
    ItemResult *results = NULL;
    if (!rest_body(r, false, &body, err) || !read_drop(r, &body, &how, err) ||
        !partition_drop(&r->ctx, rest_table_ref(r), &how, &dropped, &count, &results, err)) {
        return false;
    }
    if (how.per_item && results && how.which.with_names) {
        return answer_results(r, "dropped", how.which.names.count, how.which.names.items, results);
    }
    JsonWriter w = request_json(r);
    jw_object_begin(&w);
    jw_put_i64(&w, "dropped", count);
    jw_object_end(&w);
    return true;
}
