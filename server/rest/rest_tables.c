#include "catalog/json.h"
#include "server/rest/rest.h"

static bool answer_table(Request *r, const Table *table) {
    rest_etag(r, table->id, table->version);
    JsonWriter w = request_json(r);
    table_json(&w, table);
    return true;
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

static bool list_full(Request *r, const Page *page, Err *err) {
    Tables found;
    if (!table_list_full(&r->ctx, r->path[0], r->path[1], request_query(r, "type"), page, &found, err)) {
        return false;
    }
    JsonWriter w = request_json(r);
    jw_object_begin(&w);
    jw_key(&w, STR("items"));
    jw_array_begin(&w);
    for (size_t i = 0; i < found.count; i++) {
        table_json(&w, &found.items[i]);
    }
    jw_array_end(&w);
    rest_next_page(r, &w, found.more, found.count ? found.items[found.count - 1].name : STR_NULL);
    jw_object_end(&w);
    return true;
}

static bool list_names(Request *r, const Page *page, Err *err) {
    TableSummaries found;
    if (!table_list(&r->ctx, r->path[0], r->path[1], request_query(r, "type"), page, &found, err)) {
        return false;
    }
    JsonWriter w = request_json(r);
    jw_object_begin(&w);
    jw_key(&w, STR("items"));
    jw_array_begin(&w);
    for (size_t i = 0; i < found.count; i++) {
        jw_object_begin(&w);
        jw_put_str(&w, "name", found.items[i].name);
        jw_put_str(&w, "type", found.items[i].type);
        jw_object_end(&w);
    }
    jw_array_end(&w);
    rest_next_page(r, &w, found.more, found.count ? found.items[found.count - 1].name : STR_NULL);
    jw_object_end(&w);
    return true;
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
    if (r->query_count > 0) {
        return rest_table_get_version(r, err);
    }
    Table table;
    if (!table_get(&r->ctx, rest_table_ref(r), &table, err)) {
        return false;
    }
    if (rest_not_modified(r, table.id, table.version)) {
        return true;
    }
    JsonWriter w = request_json(r);
    table_json(&w, &table);
    return true;
}

bool rest_dropped_table_list(Request *r, Err *err) {
    Page page;
    Tables found;
    if (!rest_page(r, false, &page, err) ||
        !table_dropped_list(&r->ctx, r->path[0], r->path[1], request_query(r, "name"), &page, &found, err)) {
        return false;
    }
    JsonWriter w = request_json(r);
    jw_object_begin(&w);
    jw_key(&w, STR("items"));
    jw_array_begin(&w);
    for (size_t i = 0; i < found.count; i++) {
        table_json(&w, &found.items[i]);
    }
    jw_array_end(&w);
    Str last = found.count ? arena_printf(r->arena, "%" PRId64, found.items[found.count - 1].id) : STR_NULL;
    rest_next_page(r, &w, found.more, last);
    jw_object_end(&w);
    return true;
}

/* --- writing ----------------------------------------------------------------------------------------------------- */

static bool create(Request *r, const Table *table, Err *err) {
    Table made;
    TableCreate how = {.table = *table};
    how.table.catalog = r->path[0];
    how.table.database = r->path[1];
    how.table.created_at = MICROS_NONE;
    if (!table_create(&r->ctx, &how, &made, err)) {
        return false;
    }
    rest_created(r);
    return answer_table(r, &made);
}

bool rest_table_create(Request *r, Err *err) {
    JsonAt body;
    Table table;
    if (!rest_body(r, false, &body, err)) {
        return false;
    }
    JsonAt name = jr_member(&body, "name");
    return jr_required(&name, r->arena, err) && table_from_json(&body, r->arena, &table, err) && create(r, &table, err);
}

typedef struct Edit {
    Request *r;
    JsonAt body;
    bool merge;
    RestMatch match;
} Edit;

static bool merge_table(Edit *edit, const Table *before, JsonAt *ret, Err *err) {
    CLEANUP(buf_free) Buf text = BUF_INIT(SIZE_MAX);
    JsonWriter w = jw_new(&text);
    table_json(&w, before);
    return rest_merge(edit->r, buf_str(&text), &edit->body, ret, err);
}

static bool edit_table(Ctx *ctx, Table *table, void *arg, Err *err) {
    Edit *edit = arg;
    Table before = *table;
    JsonAt document = edit->body;
    if (!rest_match_id(&edit->match, before.id, err) || (edit->merge && !merge_table(edit, &before, &document, err)) ||
        !table_from_json(&document, ctx->arena, table, err)) {
        return false;
    }
    table->id = before.id;
    table->version = before.version;
    table->catalog = before.catalog;
    table->database = before.database;
    table->name = before.name;
    table->created_by = before.created_by;
    table->created_at = before.created_at;
    table->updated_at = before.updated_at;
    return true;
}

static bool alter(Request *r, const JsonAt *body, bool merge, Table *ret, Err *err) {
    Edit edit = {.r = r, .body = *body, .merge = merge};
    if (!rest_if_match(r, &edit.match, err)) {
        return false;
    }
    TableAlter how = {.edit = edit_table, .arg = &edit, .expect_version = edit.match.version, .allow_key_change = true};
    return table_alter(&r->ctx, rest_table_ref(r), &how, ret, err);
}

bool rest_table_put(Request *r, Err *err) {
    JsonAt body;
    Table table;
    if (!rest_body(r, false, &body, err) || !rest_same_name(r, &body, r->path[2], err) ||
        !table_from_json(&body, r->arena, &table, err)) {
        return false;
    }
    if (!rest_create_only(r)) {
        Table after;
        if (alter(r, &body, false, &after, err)) {
            return answer_table(r, &after);
        }
        if (err->code != ERR_TABLE_NOT_FOUND || !str_is_null(r->http->headers[HTTP_IF_MATCH])) {
            return false;
        }
    }
    table.name = r->path[2];
    return create(r, &table, err);
}

bool rest_table_patch(Request *r, Err *err) {
    JsonAt body;
    Table after;
    return rest_body(r, false, &body, err) && rest_same_name(r, &body, r->path[2], err) && alter(r, &body, true, &after, err) &&
           answer_table(r, &after);
}

/* The version alone does not tell a table from its successor of the same name. */
static bool expect_incarnation(Request *r, const RestMatch *match, Err *err) {
    Table table;
    return match->id < 0 || (table_get(&r->ctx, rest_table_ref(r), &table, err) && rest_match_id(match, table.id, err));
}

bool rest_table_drop(Request *r, Err *err) {
    RestMatch match;
    TableDrop how = {.delete_data = true};
    if (!rest_if_match(r, &match, err) || !request_query_bool(r, "delete_data", &how.delete_data, err) ||
        !expect_incarnation(r, &match, err)) {
        return false;
    }
    how.expect_version = match.version;
    return table_drop(&r->ctx, rest_table_ref(r), &how, err) && rest_no_content(r);
}

bool rest_table_rename(Request *r, Err *err) {
    static const char *const KNOWN[] = {"database", "name", NULL};
    JsonAt body;
    RestMatch match;
    Str database = STR_NULL, name = STR_NULL;
    Table after;
    if (!rest_body(r, false, &body, err) || !jr_only_members(&body, r->arena, KNOWN, err) || !rest_if_match(r, &match, err) ||
        !rest_member_str(r, &body, "database", &database, err) || !rest_member_str(r, &body, "name", &name, err)) {
        return false;
    }
    if (str_is_null(name) && str_is_null(database)) {
        return err_set(err, ERR_INVALID_INPUT,
                       "name is missing: the new name of the table (and database, to move it to another one).");
    }
    name = str_is_null(name) ? r->path[2] : name;
    database = str_is_null(database) ? r->path[1] : database;
    return expect_incarnation(r, &match, err) &&
           table_rename(&r->ctx, rest_table_ref(r), database, name, match.version, &after, err) && answer_table(r, &after);
}

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
