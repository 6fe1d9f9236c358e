#include "server/rest/rest_partitions.h"
#include "catalog/json.h"
#include "catalog/partitions.h"
#include "catalog/partname.h"
#include "server/rest/rest.h"

/* --- which one --------------------------------------------------------------------------------------------------- */

static bool rest_partition_values(const Request *r, StrList *ret, Err *err) {
    if (!partname_to_values(r->arena, r->path[3], ret, err)) {
        return err_prefix(err, "The partition in the path is not one (write k1=v1/k2=v2 with the slash as %%2F)");
    }
    return true;
}

/* Values are looked up by position: keys in another order, or of another table, must not find or make anything. */
static bool names_keys(const Request *r, Str name, const Table *table, bool *ret_same, Err *err) {
    Param *parts = NULL;
    size_t count = 0;
    if (!partname_to_spec(r->arena, name, &parts, &count, err)) {
        return false;
    }
    bool same = count == table->partition_keys->count;
    for (size_t i = 0; same && i < count; i++) {
        same = str_eq_nocase(parts[i].key, table->partition_keys->items[i].name);
    }
    *ret_same = same;
    return true;
}

static bool rest_partition_keys_match(const Request *r, const Table *table, Err *err) {
    bool same;
    return names_keys(r, r->path[3], table, &same, err) &&
           (same || err_set(err, ERR_PARTITION_NOT_FOUND,
                            "Partition %" STR_FMT " not found: the table is partitioned by other keys.", STR_ARG(r->path[3])));
}

static Str key_pattern(Request *r, const Table *table) {
    Str pattern = STR("");
    for (size_t i = 0; i < table->partition_keys->count; i++) {
        pattern = ARENA_CONCAT(r->arena, pattern, i ? STR("/") : STR(""), table->partition_keys->items[i].name, STR("=VALUE"));
    }
    return pattern;
}

bool rest_partition_named(Request *r, const Table *table, Str name, StrList *ret, Err *err) {
    bool same;
    if (!names_keys(r, name, table, &same, err)) {
        return false;
    }
    if (!same) {
        Str pattern = key_pattern(r, table);
        return err_set(err, ERR_INVALID_PARTITION,
                       "%" STR_FMT " cannot be a partition of %" STR_FMT ".%" STR_FMT ", whose partitions are named %" STR_FMT ".",
                       STR_ARG(name), STR_ARG(table->database), STR_ARG(table->name), STR_ARG(pattern));
    }
    return partname_to_values(r->arena, name, ret, err);
}

static bool write_partition(Request *r, const Partition *partition, bool with_columns) {
    PartitionJson last = {0};
    JsonWriter w = request_json(r);
    partition_json(&w, partition, &last, with_columns);
    return true;
}

static bool answer_partition(Request *r, int64_t table_id, const Partition *partition) {
    rest_etag(r, table_id, partition_version(partition));
    return write_partition(r, partition, true);
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

bool rest_partition_grammar(Str text, FilterGrammar *ret, Err *err) {
    if (str_is_null(text) || str_eq(text, STR("hive"))) {
        *ret = FILTER_HIVE;
        return true;
    }
    if (str_eq(text, STR("glue"))) {
        *ret = FILTER_GLUE;
        return true;
    }
    return err_set(err, ERR_INVALID_INPUT, "grammar must be hive or glue, but it is \"%" STR_FMT "\".", STR_ARG(text));
}

static bool read_query(Request *r, PartitionQuery *ret, Err *err) {
    PartitionQuery query = {.filter = request_query(r, "filter"), .limit = -1};
    bool columns = true;
    if (!rest_partition_grammar(request_query(r, "grammar"), &query.grammar, err) ||
        !request_query_list(r, "names", &query.names, err) || !request_query_list(r, "prefix", &query.prefix, err) ||
        !request_query_bool(r, "columns", &columns, err)) {
        return false;
    }
    query.with_names = !str_is_null(request_query(r, "names"));
    query.without_columns = !columns;
    *ret = query;
    return true;
}

static bool list_names(Request *r, const PartitionQuery *query, Err *err) {
    StrList names;
    bool more;
    if (!partition_names(&r->ctx, rest_table_ref(r), query, &names, &more, err)) {
        return false;
    }
    JsonWriter w = request_json(r);
    jw_object_begin(&w);
    jw_key(&w, STR("items"));
    jw_array_begin(&w);
    for (size_t i = 0; i < names.count; i++) {
        jw_object_begin(&w);
        jw_put_str(&w, "name", names.items[i]);
        jw_object_end(&w);
    }
    jw_array_end(&w);
    rest_next_page(r, &w, more, names.count ? names.items[names.count - 1] : STR_NULL);
    jw_object_end(&w);
    return true;
}

static bool list_full(Request *r, const PartitionQuery *query, Err *err) {
    Partitions found;
    bool more;
    if (!partition_list(&r->ctx, rest_table_ref(r), query, &found, &more, NULL, err)) {
        return false;
    }
    PartitionJson last = {0};
    JsonWriter w = request_json(r);
    jw_object_begin(&w);
    jw_key(&w, STR("items"));
    jw_array_begin(&w);
    for (size_t i = 0; i < found.count; i++) {
        partition_json(&w, &found.items[i], &last, !query->without_columns);
    }
    jw_array_end(&w);
    rest_next_page(r, &w, more, found.count ? found.items[found.count - 1].name : STR_NULL);
    jw_object_end(&w);
    return true;
}

bool rest_partition_list(Request *r, Err *err) {
    Page page;
    PartitionQuery query;
    Str detail = request_query(r, "detail");
    bool names = str_eq(detail, STR("name"));
    if (!names && !str_is_null(detail) && !str_eq(detail, STR("full"))) {
        return err_set(err, ERR_INVALID_INPUT, "detail must be name or full, but it is \"%" STR_FMT "\".", STR_ARG(detail));
    }
    if (!rest_page(r, names, &page, err) || !read_query(r, &query, err)) {
        return false;
    }
    query.after = page.after;
    query.limit = page.limit;
    return names ? list_names(r, &query, err) : list_full(r, &query, err);
}

bool rest_partition_count(Request *r, Err *err) {
    PartitionQuery query;
    int64_t count;
    if (!read_query(r, &query, err) || !partition_count(&r->ctx, rest_table_ref(r), &query, &count, err)) {
        return false;
    }
    JsonWriter w = request_json(r);
    jw_object_begin(&w);
    jw_put_i64(&w, "count", count);
    jw_object_end(&w);
    return true;
}

bool rest_partition_get(Request *r, Err *err) {
    StrList values;
    Partition partition;
    Table table;
    bool columns = true;
    return request_query_bool(r, "columns", &columns, err) && rest_partition_values(r, &values, err) &&
           partition_get(&r->ctx, rest_table_ref(r), values, &partition, &table, err) &&
           rest_partition_keys_match(r, &table, err) &&
           (rest_not_modified(r, table.id, partition_version(&partition)) || write_partition(r, &partition, columns));
}

bool rest_partition_history(Request *r, Err *err) {
    StrList values;
    PartitionEvent *events;
    size_t count;
    Table table;
    if (!rest_partition_values(r, &values, err) ||
        !partition_history(&r->ctx, rest_table_ref(r), values, &events, &count, &table, err) ||
        !rest_partition_keys_match(r, &table, err)) {
        return false;
    }
    JsonWriter w = request_json(r);
    jw_object_begin(&w);
    jw_key(&w, STR("items"));
    jw_array_begin(&w);
    for (size_t i = 0; i < count; i++) {
        PartitionJson last = {0};
        jw_object_begin(&w);
        jw_put_str(&w, "action", events[i].action);
        jw_put_i64(&w, "seq", events[i].change.seq);
        jw_key(&w, STR("change"));
        change_json(&w, &events[i].change);
        if (events[i].has_image) {
            jw_key(&w, STR("before"));
            partition_json(&w, &events[i].image, &last, true);
        }
        jw_object_end(&w);
    }
    jw_array_end(&w);
    jw_object_end(&w);
    return true;
}

/* --- writing one ------------------------------------------------------------------------------------------------- */

typedef struct Edit {
    Request *r;
    JsonAt body;
    bool merge;
    const StrList *new_values; /* rename: nothing else changes */
    Expect expect;
    int64_t table_id; /* of what was edited */
} Edit;

static bool merge_partition(Edit *edit, const Partition *before, JsonAt *ret, Err *err) {
    PartitionJson last = {0};
    CLEANUP(buf_free) Buf text = BUF_INIT(SIZE_MAX);
    JsonWriter w = jw_new(&text);
    partition_json(&w, before, &last, true);
    return rest_merge(edit->r, buf_str(&text), &edit->body, ret, err);
}

static bool same_values(StrList a, StrList b) {
    bool same = a.count == b.count;
    for (size_t i = 0; same && i < a.count; i++) {
        same = str_eq(a.items[i], b.items[i]);
    }
    return same;
}

bool rest_partition_replace(Ctx *ctx, const JsonAt *document, Partition *partition, Err *err) {
    Partition before = *partition;
    if (!partition_from_json(document, ctx->arena, partition, err)) {
        return false;
    }
    if (partition->values.items && !same_values(partition->values, before.values)) {
        return err_set(err, ERR_INVALID_INPUT,
                       "values differ from those of the partition %" STR_FMT ". To rename it, POST to its path with \":rename\".",
                       STR_ARG(before.name));
    }
    partition->name = before.name;
    partition->values = before.values;
    partition->created_at = before.created_at;
    partition->added_seq = before.added_seq;
    partition->altered_seq = before.altered_seq;
    return true;
}

static bool edit_partition(Ctx *ctx, const Table *table, Partition *partition, size_t index, void *arg, Err *err) {
    (void)index;
    Edit *edit = arg;
    JsonAt document = edit->body;
    edit->table_id = table->id;
    if (!rest_partition_keys_match(edit->r, table, err)) {
        return false;
    }
    if (edit->new_values) {
        partition->values = *edit->new_values;
        return true;
    }
    return (!edit->merge || merge_partition(edit, partition, &document, err)) &&
           rest_partition_replace(ctx, &document, partition, err);
}

static bool alter(Edit *edit, Partition *ret, Err *err) {
    Request *r = edit->r;
    StrList values;
    Partitions after = {0};
    if (!rest_partition_values(r, &values, err) || !rest_if_match(r, &edit->expect, err)) {
        return false;
    }
    PartitionAlter how = {.values = &values,
                          .count = 1,
                          .edit = edit_partition,
                          .arg = edit,
                          .renames = edit->new_values != NULL,
                          .expect = &edit->expect};
    ItemResult *results;
    if (!partition_alter(&r->ctx, rest_table_ref(r), &how, &after, &results, err)) {
        return false;
    }
    *ret = after.items[0];
    return true;
}

static bool add_in_place(Request *r, const JsonAt *body, Err *err) {
    Partition wanted;
    Partitions made = {0};
    Table table;
    if (!partition_from_json(body, r->arena, &wanted, err) || !rest_partition_values(r, &wanted.values, err) ||
        !table_get(&r->ctx, rest_table_ref(r), &table, err) || !rest_partition_keys_match(r, &table, err)) {
        return false;
    }
    PartitionAdd add = {.items = {&wanted, 1}};
    ItemResult *results;
    if (!partition_add(&r->ctx, rest_table_ref(r), &add, &made, &results, err)) {
        return false;
    }
    rest_created(r);
    return answer_partition(r, table.id, &made.items[0]);
}

bool rest_partition_put(Request *r, Err *err) {
    Edit edit = {.r = r};
    Partition after;
    if (!rest_body(r, false, &edit.body, err)) {
        return false;
    }
    if (!rest_create_only(r)) {
        if (alter(&edit, &after, err)) {
            return answer_partition(r, edit.table_id, &after);
        }
        if (err->code != ERR_PARTITION_NOT_FOUND || !str_is_null(r->http->headers[HTTP_IF_MATCH])) {
            return false;
        }
    }
    return add_in_place(r, &edit.body, err);
}

bool rest_partition_patch(Request *r, Err *err) {
    Edit edit = {.r = r, .merge = true};
    Partition after;
    return rest_body(r, false, &edit.body, err) && alter(&edit, &after, err) && answer_partition(r, edit.table_id, &after);
}

bool rest_partition_rename(Request *r, Err *err) {
    static const char *const KNOWN[] = {"values", "name", NULL};
    Edit edit = {.r = r};
    StrList values = {0};
    Str name = STR_NULL;
    Table table;
    Partition after;
    if (!rest_body(r, false, &edit.body, err) || !jr_only_members(&edit.body, r->arena, KNOWN, err)) {
        return false;
    }
    JsonAt at = jr_member(&edit.body, "values");
    edit.new_values = &values;
    if (!rest_member_str(r, &edit.body, "name", &name, err)) {
        return false;
    }
    if (!at.value && !str_is_null(name)) {
        return table_get(&r->ctx, rest_table_ref(r), &table, err) && rest_partition_named(r, &table, name, &values, err) &&
               alter(&edit, &after, err) && answer_partition(r, edit.table_id, &after);
    }
    return jr_required(&at, r->arena, err) && jr_strs(&at, r->arena, &values, err) && alter(&edit, &after, err) &&
           answer_partition(r, edit.table_id, &after);
}

bool rest_partition_drop(Request *r, Err *err) {
    PartitionDrop how = {.which = {.names = {&r->path[3], 1}, .with_names = true, .limit = -1}, .delete_data = true};
    Partitions dropped;
    ItemResult *results;
    int64_t count;
    Expect expect;
    how.expect = &expect;
    return request_query_bool(r, "delete_data", &how.delete_data, err) && rest_if_match(r, &expect, err) &&
           partition_drop(&r->ctx, rest_table_ref(r), &how, &dropped, &count, &results, err) && rest_no_content(r);
}

bool rest_partition_restore(Request *r, Err *err) {
    static const char *const KNOWN[] = {"seq", NULL};
    JsonAt body;
    StrList values;
    int64_t seq = 0;
    Table table;
    Partition after;
    if (!rest_body(r, true, &body, err) || !jr_only_members(&body, r->arena, KNOWN, err)) {
        return false;
    }
    JsonAt at = jr_member(&body, "seq");
    return jr_i64(&at, r->arena, 1, INT64_MAX, &seq, err) && rest_partition_values(r, &values, err) &&
           table_get(&r->ctx, rest_table_ref(r), &table, err) && rest_partition_keys_match(r, &table, err) &&
           partition_restore(&r->ctx, rest_table_ref(r), values, seq, &after, err) && answer_partition(r, table.id, &after);
}
