#include "catalog/constraints.h"
#include "server/rest/rest.h"

static bool read_kinds(Request *r, unsigned *ret, Err *err) {
    StrList names;
    unsigned kinds = 0;
    if (!request_query_list(r, "kind", &names, err)) {
        return false;
    }
    for (size_t i = 0; i < names.count; i++) {
        ConstraintKind kind;
        if (!constraint_kind_by_name(names.items[i], &kind)) {
            return err_set(err, ERR_INVALID_INPUT,
                           "kind must be primary_key, foreign_key, unique, not_null, default or check, but it is \"%" STR_FMT "\".",
                           STR_ARG(names.items[i]));
        }
        kinds |= 1u << kind;
    }
    *ret = kinds;
    return true;
}

static void write_list(Request *r, const Constraints *list) {
    JsonWriter w = request_json(r);
    jw_object_begin(&w);
    jw_key(&w, STR("items"));
    jw_array_begin(&w);
    for (size_t i = 0; i < list->count; i++) {
        constraint_json(&w, &list->items[i]);
    }
    jw_array_end(&w);
    jw_object_end(&w);
}

bool rest_constraint_list(Request *r, Err *err) {
    ConstraintQuery query = {.table = rest_table_ref(r)};
    Constraints found;
    Table table; /* one without constraints is fine, a missing one is not */
    if (!read_kinds(r, &query.kinds, err) || !constraint_list(&r->ctx, &query, &found, err) ||
        (found.count == 0 && !table_get(&r->ctx, query.table, &table, err))) {
        return false;
    }
    write_list(r, &found);
    return true;
}

static bool read_many(Request *r, const JsonAt *items, Constraints *ret, Err *err) {
    if (!jr_expect_array(items, r->arena, err)) {
        return false;
    }
    Constraints list = {.count = json_array_size(items->value)};
    list.items = ARENA_ARRAY(r->arena, Constraint, list.count);
    for (size_t i = 0; i < list.count; i++) {
        JsonAt item = jr_item(items, i);
        if (!arena_check(r->arena, err) || !jr_expect_object(&item, r->arena, err) ||
            !constraint_from_json(&item, r->arena, &list.items[i], err)) {
            return false;
        }
    }
    *ret = list;
    return true;
}

/* One object, or {"items":[...]}: all or none. */
bool rest_constraint_add(Request *r, Err *err) {
    static const char *const KNOWN[] = {"items", NULL};
    JsonAt body;
    Constraint one;
    Constraints add = {&one, 1}, made;
    if (!rest_body(r, false, &body, err)) {
        return false;
    }
    JsonAt items = jr_member(&body, "items");
    if (items.value ? !jr_only_members(&body, r->arena, KNOWN, err) || !read_many(r, &items, &add, err)
                    : !constraint_from_json(&body, r->arena, &one, err)) {
        return false;
    }
    if (!constraint_add(&r->ctx, rest_table_ref(r), &add, &made, err)) {
        return false;
    }
    rest_created(r);
    if (items.value) {
        write_list(r, &made);
    } else {
        JsonWriter w = request_json(r);
        constraint_json(&w, &made.items[0]);
    }
    return true;
}

bool rest_constraint_drop(Request *r, Err *err) {
    return constraint_drop(&r->ctx, rest_table_ref(r), r->path[3], err) && rest_no_content(r);
}
