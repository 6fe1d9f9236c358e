#include "catalog/partitions.h"
#include "catalog/statistics.h"
#include "server/rest/rest.h"
#include "server/rest/rest_partitions.h"

/* --- of a table -------------------------------------------------------------------------------------------------- */

static bool read_query(Request *r, StatisticQuery *ret, Err *err) {
    StatisticQuery query = {.engine = request_query(r, "engine"), .with_columns = !str_is_null(request_query(r, "columns"))};
    bool sketches = true;
    if (!request_query_list(r, "columns", &query.columns, err) || !request_query_bool(r, "sketches", &sketches, err)) {
        return false;
    }
    query.without_sketches = !sketches;
    *ret = query;
    return true;
}

bool rest_statistics_get(Request *r, Err *err) {
    StatisticQuery query;
    StatisticSet set;
    if (!read_query(r, &query, err) || !statistics_get(&r->ctx, rest_table_ref(r), &query, &set, err)) {
        return false;
    }
    JsonWriter w = request_json(r);
    statistic_set_json(&w, &set);
    return true;
}

static bool put_sets(Request *r, StatisticSets sets, Err *err) {
    StatisticPut put = {.engine = request_query(r, "engine"), .sets = sets};
    return request_query_bool(r, "merge", &put.merge, err) && statistics_put(&r->ctx, rest_table_ref(r), &put, err) &&
           rest_no_content(r);
}

bool rest_statistics_put(Request *r, Err *err) {
    JsonAt body;
    StatisticSet set;
    if (!rest_body(r, false, &body, err) || !statistic_set_from_json(&body, r->arena, &set, err)) {
        return false;
    }
    if (!str_is_null(set.partition)) {
        return err_set(
            err, ERR_INVALID_INPUT,
            "partition does not belong to the statistics of a table. Those of partitions go to \"/partition-statistics\".");
    }
    return put_sets(r, (StatisticSets){&set, 1}, err);
}

/* Deleting what is not there is told, as everywhere. */
static bool delete_some(Request *r, StatisticDelete *which, Err *err) {
    int64_t count;
    which->engine = request_query(r, "engine");
    which->with_columns = !str_is_null(request_query(r, "columns"));
    if (!request_query_list(r, "columns", &which->columns, err) ||
        !statistics_delete(&r->ctx, rest_table_ref(r), which, &count, err)) {
        return false;
    }
    return count ? rest_no_content(r)
                 : err_set(err, ERR_STATISTICS_NOT_FOUND, "There are no such statistics of table %" STR_FMT ".%" STR_FMT ".",
                           STR_ARG(r->path[1]), STR_ARG(r->path[2]));
}

bool rest_statistics_delete(Request *r, Err *err) {
    StatisticDelete which = {.with_partitions = false};
    return delete_some(r, &which, err);
}

/* --- of partitions ----------------------------------------------------------------------------------------------- */

static bool answer_sets(Request *r, StrList names, const StatisticQuery *query, bool more, Err *err) {
    StatisticSets sets;
    if (!statistics_get_partitions(&r->ctx, rest_table_ref(r), names, query, &sets, err)) {
        return false;
    }
    JsonWriter w = request_json(r);
    jw_object_begin(&w);
    jw_key(&w, STR("items"));
    jw_array_begin(&w);
    for (size_t i = 0; i < sets.count; i++) {
        statistic_set_json(&w, &sets.items[i]);
    }
    jw_array_end(&w);
    rest_next_page(r, &w, more, names.count ? names.items[names.count - 1] : STR_NULL);
    jw_object_end(&w);
    return true;
}

/* A page of the table's partitions, as they are listed; those without statistics are left out of it. */
static bool list_pages(Request *r, const StatisticQuery *query, Err *err) {
    PartitionQuery which = {.filter = request_query(r, "filter")};
    Page page;
    StrList names;
    bool more;
    if (!rest_page(r, false, &page, err) || !rest_partition_grammar(request_query(r, "grammar"), &which.grammar, err)) {
        return false;
    }
    which.after = page.after;
    which.limit = page.limit;
    return partition_names(&r->ctx, rest_table_ref(r), &which, &names, &more, err) && answer_sets(r, names, query, more, err);
}

bool rest_partition_statistics_list(Request *r, Err *err) {
    StatisticQuery query;
    StrList names;
    if (!read_query(r, &query, err) || !request_query_list(r, "names", &names, err)) {
        return false;
    }
    if (str_is_null(request_query(r, "names"))) {
        return list_pages(r, &query, err);
    }
    static const char *const LISTING[] = {"filter", "grammar", "limit", "page_token"};
    for (size_t i = 0; i < ARRAY_LEN(LISTING); i++) {
        if (!str_is_null(request_query(r, LISTING[i]))) {
            return err_set(err, ERR_INVALID_INPUT, "names and %s do not go together: names already say which partitions.",
                           LISTING[i]);
        }
    }
    return answer_sets(r, names, &query, false, err);
}

/* For more names than fit into a URL. */
bool rest_partition_statistics_get_many(Request *r, Err *err) {
    static const char *const KNOWN[] = {"names", "columns", "engine", "sketches", NULL};
    JsonAt body;
    StatisticQuery query = {.engine = STR_NULL};
    StrList names = {0};
    bool sketches = true;
    if (!rest_body(r, false, &body, err) || !jr_only_members(&body, r->arena, KNOWN, err)) {
        return false;
    }
    JsonAt at = jr_member(&body, "names"), columns = jr_member(&body, "columns");
    if (!jr_required(&at, r->arena, err) || !jr_strs(&at, r->arena, &names, err) ||
        !jr_strs(&columns, r->arena, &query.columns, err) || !rest_member_str(r, &body, "engine", &query.engine, err) ||
        !rest_member_bool(r, &body, "sketches", &sketches, err)) {
        return false;
    }
    query.with_columns = columns.value != NULL;
    query.without_sketches = !sketches;
    return answer_sets(r, names, &query, false, err);
}

bool rest_partition_statistics_put(Request *r, Err *err) {
    static const char *const KNOWN[] = {"items", NULL};
    JsonAt body;
    if (!rest_body(r, false, &body, err) || !jr_only_members(&body, r->arena, KNOWN, err)) {
        return false;
    }
    JsonAt items = jr_member(&body, "items");
    if (!jr_required(&items, r->arena, err) || !jr_expect_array(&items, r->arena, err)) {
        return false;
    }
    StatisticSets sets = {.count = json_array_size(items.value)};
    sets.items = ARENA_ARRAY(r->arena, StatisticSet, sets.count);
    for (size_t i = 0; i < sets.count; i++) {
        JsonAt item = jr_item(&items, i), partition = jr_member(&item, "partition");
        if (!arena_check(r->arena, err) || !jr_expect_object(&item, r->arena, err) || !jr_required(&partition, r->arena, err) ||
            !statistic_set_from_json(&item, r->arena, &sets.items[i], err)) {
            return false;
        }
    }
    return put_sets(r, sets, err);
}

bool rest_partition_statistics_delete(Request *r, Err *err) {
    StatisticDelete which = {.with_partitions = true};
    if (str_is_null(request_query(r, "names"))) {
        return err_set(err, ERR_INVALID_INPUT, "Say with names= which partitions' statistics are to be deleted.");
    }
    return request_query_list(r, "names", &which.partitions, err) && delete_some(r, &which, err);
}
