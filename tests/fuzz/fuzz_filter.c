/* Any bytes as a filter, in both grammars: whatever parses and binds can be evaluated and written as SQL with as many
 * parameters as it names. Input: values of four keys, then the filter, one per line. */
#include "catalog/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
    if (!holds) {
        abort();
    }
}

static const FilterKey keys[] = {
    {STR_INIT("s"), STR_INIT("string")},
    {STR_INIT("n"), STR_INIT("int")},
    {STR_INIT("t"), STR_INIT("timestamp")},
    {STR_INIT("d"), STR_INIT("decimal(38,10)")},
};

static void use_partition_filter(Arena *arena, Filter *filter, FilterPolicy policy, size_t first, StrList values) {
    Err err;
    FilterTruth truth = FILTER_UNKNOWN;
    FilterKey turned[4];
    for (size_t i = 0; i < 4; i++) {
        turned[i] = keys[(i + first) % 4];
    }
    if (!filter_bind(arena, filter, turned, 4, &policy, &err)) {
        require(err.code == ERR_INVALID_FILTER || err.code == ERR_REQUEST_TOO_LARGE);
        return;
    }
    bool ok = filter_eval(arena, filter, values, &truth, &err);
    require(!ok || truth != FILTER_UNKNOWN || !policy.uncastable_is_error);
    CLEANUP(buf_free) Buf sql = BUF_INIT(16 << 20);
    FilterParams params = {.first = 1};
    bool needed;
    if (filter_sql(arena, filter, "p.", &sql, &params, &err) &&
        filter_sql_uncastable(arena, filter, "p.", &sql, &params, &needed, &err)) {
        char last[32];
        snprintf(last, sizeof last, "$%zu::", params.count);
        require(params.count == 0 || str_find(buf_str(&sql), str_from(last)) != SIZE_MAX);
    }
}

static void use_table_filter(Arena *arena, Str text) {
    Err err;
    Filter *filter;
    FilterTruth truth;
    Params none = {0};
    FilterTableRow row = {.name = text, .params = &none};
    CLEANUP(buf_free) Buf sql = BUF_INIT(16 << 20);
    FilterParams params = {.first = 7};
    if (filter_parse_hive(arena, text, &filter, &err) && filter_bind_table_fields(arena, filter, &err)) {
        require(filter_eval_table(arena, filter, &row, &truth, &err) || err.code == ERR_REQUEST_TOO_LARGE);
        (void)!filter_sql_table(arena, filter, "", &sql, &params, &err);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    CLEANUP(arena_cleanup) Arena *arena = arena_new(32 << 20);
    Str rest = {(const char *)data, size}, values[4] = {STR_NULL, STR_NULL, STR_NULL, STR_NULL};
    for (size_t i = 0; i < 4; i++) {
        str_split(&rest, '\n', &values[i]);
    }
    if (str_is_null(rest)) {
        return 0;
    }
    for (size_t first = 0; first < 4; first++) {
        Err err;
        Filter *filter;
        if (filter_parse_hive(arena, rest, &filter, &err)) {
            use_partition_filter(arena, filter, filter_policy_hive(), first, (StrList){values, 4});
        }
        if (filter_parse_glue(arena, rest, &filter, &err)) {
            use_partition_filter(arena, filter, filter_policy_glue(), first, (StrList){values, 4});
        }
    }
    use_table_filter(arena, rest);
    return 0;
}
