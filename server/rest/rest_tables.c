#include "catalog/json.h"
#include "server/rest/rest_noun.h"

static void json(JsonWriter *w, const void *table) { table_json(w, table); }

static bool from_json(const JsonAt *at, Arena *arena, void *ret, Err *err) { return table_from_json(at, arena, ret, err); }

static void keep(void *after, const void *before) {
    Table *a = after;
    const Table *b = before;
    a->id = b->id;
    a->version = b->version;
    a->catalog = b->catalog;
    a->database = b->database;
    a->name = b->name;
    a->created_by = b->created_by;
    a->created_at = b->created_at;
    a->updated_at = b->updated_at;
}

/* The same document put twice is the same table: without these two a table would lose its place and stop being managed. */
static void chosen(void *after, const void *before) {
    Table *a = after;
    const Table *b = before;
    a->type = str_is_null(a->type) ? b->type : a->type;
    if (a->storage.given && str_is_null(a->storage.location) && !str_eq(a->type, STR("VIRTUAL_VIEW"))) {
        a->storage.location = b->storage.location;
    }
}

static bool get(Request *r, void *ret, Err *err) { return table_get(&r->ctx, rest_table_ref(r), ret, err); }

static bool create(Request *r, void *table, Err *err) {
    TableCreate how = {.table = *(const Table *)table};
    how.table.catalog = r->path[0];
    how.table.database = r->path[1];
    return table_create(&r->ctx, &how, table, err);
}

static bool edit_table(Ctx *ctx, Table *table, void *edit, Err *err) {
    (void)ctx;
    return rest_edit(edit, table, err);
}

static bool alter(Request *r, RestEdit *edit, void *ret, Err *err) {
    TableAlter how = {.edit = edit_table,
                      .arg = edit,
                      .expect_version = edit->expect.version,
                      .expect_id = edit->expect.id,
                      .allow_key_change = true};
    return table_alter(&r->ctx, rest_table_ref(r), &how, ret, err);
}

static bool rename_table(Request *r, RestRename *to, void *ret, Err *err) {
    return table_rename(&r->ctx, rest_table_ref(r), to->database, to->name, to->expect, ret, err);
}

static bool drop(Request *r, Expect expect, Err *err) {
    TableDrop how = {.expect_version = expect.version, .expect_id = expect.id, .delete_data = true};
    return request_query_bool(r, "delete_data", &how.delete_data, err) && table_drop(&r->ctx, rest_table_ref(r), &how, err);
}

static const RestNoun TABLE = {"table",
                               REST_NOUN_OF(Table),
                               .path_name = 2,
                               .missing = ERR_TABLE_NOT_FOUND,
                               .moves = true,
                               .json = json,
                               .read = from_json,
                               .keep = keep,
                               .chosen = chosen,
                               .get = get,
                               .create = create,
                               .alter = alter,
                               .rename = rename_table,
                               .drop = drop};

/* --- reading ----------------------------------------------------------------------------------------------------- */

static bool list_full(Request *r, const Page *page, Err *err) {
    Tables found;
    return table_list_full(&r->ctx, r->path[0], r->path[1], request_query(r, "type"), page, &found, err) &&
           rest_noun_items(r, &TABLE, found.items, found.count, found.more);
}

static void summary_json(JsonWriter *w, const void *item) {
    const TableSummary *summary = item;
    jw_object_begin(w);
    jw_put_str(w, "name", summary->name);
    jw_put_str(w, "type", summary->type);
    jw_object_end(w);
}

static bool list_names(Request *r, const Page *page, Err *err) {
    TableSummaries found;
    return table_list(&r->ctx, r->path[0], r->path[1], request_query(r, "type"), page, &found, err) &&
           rest_items(r, &REST_ITEMS(found, summary_json, found.items[found.count - 1].name));
}

bool rest_table_list(Request *r, Err *err) {
    Page page;
    Str detail = request_query(r, "detail");
    bool full = str_eq(detail, STR("full"));
    if (!full && !str_is_null(detail) && !str_eq(detail, STR("name"))) {
        return err_set(err, ERR_INVALID_INPUT, "detail must be name or full, but it is \"%" STR_FMT "\".", STR_ARG(detail));
    }
    if (!rest_page(r, !full, &page, err)) {
        return false;
    }
    return full ? list_full(r, &page, err) : list_names(r, &page, err);
}

bool rest_table_get(Request *r, Err *err) {
    return r->query_count > 0 ? rest_table_get_version(r, err) : rest_noun_get(r, &TABLE, err);
}

void rest_table_get_each(Request *const *requests, size_t count, bool *ret_ok, Err *errs) {
    Table tables[METHOD_EACH_MOST];
    TableGet reads[METHOD_EACH_MOST] = {0};
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        Request *r = requests[i];
        if (r->query_count > 0) {
            ret_ok[i] = rest_table_get_version(r, &errs[i]);
        } else {
            reads[n] = (TableGet){.ctx = &r->ctx, .ref = rest_table_ref(r), .ret = &tables[n], .err = &errs[i]};
            n++;
        }
    }
    if (n > 0) {
        table_get_each(reads, n);
    }
    n = 0;
    for (size_t i = 0; i < count; i++) {
        if (requests[i]->query_count == 0) {
            ret_ok[i] = reads[n].ok && rest_noun_show(requests[i], &TABLE, reads[n].ret);
            n++;
        }
    }
}

bool rest_dropped_table_list(Request *r, Err *err) {
    Page page;
    Tables found;
    if (!rest_page(r, false, &page, err) ||
        !table_dropped_list(&r->ctx, r->path[0], r->path[1], request_query(r, "name"), &page, &found, err)) {
        return false;
    }
    Str last = found.count ? arena_printf(r->arena, "%" PRId64, found.items[found.count - 1].id) : STR_NULL;
    return rest_items(r, &REST_ITEMS(found, json, last));
}

/* --- writing ----------------------------------------------------------------------------------------------------- */

bool rest_table_create(Request *r, Err *err) { return rest_noun_create(r, &TABLE, err); }
bool rest_table_put(Request *r, Err *err) { return rest_noun_put(r, &TABLE, err); }
bool rest_table_patch(Request *r, Err *err) { return rest_noun_patch(r, &TABLE, err); }
bool rest_table_rename(Request *r, Err *err) { return rest_noun_rename(r, &TABLE, err); }
bool rest_table_drop(Request *r, Err *err) { return rest_noun_drop(r, &TABLE, err); }

bool rest_table_undrop(Request *r, Err *err) {
    static const char *const KNOWN[] = {"incarnation", "name", "move_pointer", NULL};
    JsonAt body;
    TableUndrop how = {0};
    Table table;
    StrList gone = {0};
    if (!rest_body(r, true, &body, err) || !jr_only_members(&body, r->arena, KNOWN, err)) {
        return false;
    }
    JsonAt incarnation = jr_member(&body, "incarnation");
    return jr_i64(&incarnation, r->arena, 1, INT64_MAX, &how.incarnation, err) &&
           rest_member_str(r, &body, "name", &how.new_name, err) &&
           rest_member_bool(r, &body, "move_pointer", &how.move_pointer, err) &&
           table_undrop(&r->ctx, rest_table_ref(r), &how, &table, &gone, err) && rest_restored(r, &table, gone);
}
