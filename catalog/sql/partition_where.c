#include "catalog/filter.h"
#include "catalog/partname.h"
#include "catalog/sql/partitions_sql.h"
#include "catalog/sql/row.h"
#include "config/config.h"

enum { WHERE_MAX_BYTES = 64 * 1024 * 1024 };

/* --- the filter ----------------------------------------------------------------------------------------------- */

static bool bound_filter(Ctx *ctx, const Table *table, const PartitionQuery *q, Filter **ret, Err *err) {
    bool glue = q->grammar == FILTER_GLUE;
    FilterPolicy policy = glue ? filter_policy_glue() : filter_policy_hive();
    policy.default_partition = ctx->catalog->config->partitions.default_name;
    size_t count = table->partition_keys->count;
    FilterKey *keys = ARENA_ARRAY(ctx->arena, FilterKey, count);
    for (size_t i = 0; i < count; i++) {
        keys[i] = (FilterKey){table->partition_keys->items[i].name, table->partition_keys->items[i].type};
    }
    return (glue ? filter_parse_glue(ctx->arena, q->filter, ret, err) : filter_parse_hive(ctx->arena, q->filter, ret, err)) &&
           filter_bind(ctx->arena, *ret, keys, count, &policy, err);
}

static bool where_filter(Ctx *ctx, const Filter *filter, Buf *sql, PgArgs *args, Err *err) {
    FilterParams params = {.first = (unsigned)args->count + 1};
    buf_add(sql, STR(" AND ("));
    if (!filter_sql(ctx->arena, filter, "p.", sql, &params, err)) {
        return false;
    }
    buf_add(sql, STR(")"));
    row_filter_args(args, &params);
    return true;
}

/* Glue answers an error, not a wrong result, when a stored value cannot be compared. */
static bool check_values(Ctx *ctx, PgConn *conn, const PartitionScope *scope, const Filter *filter, Err *err) {
    CLEANUP(buf_free) Buf sql = BUF_INIT(WHERE_MAX_BYTES);
    FilterParams params = {.first = 2};
    bool needed;
    buf_add(&sql, STR("SELECT p.vals FROM partitions p WHERE p.table_id = $1 AND ("));
    if (!filter_sql_uncastable(ctx->arena, filter, "p.", &sql, &params, &needed, err)) {
        return false;
    }
    if (!needed) {
        return true;
    }
    buf_add(&sql, STR(") LIMIT 1"));
    buf_add_char(&sql, 0);
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    pg_arg_i64(&args, scope->table.id);
    row_filter_args(&args, &params);
    PgStmt stmt = {NULL, sql.ptr};
    if (!buf_check(&sql, "The filter's statement", err) || !pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    FilterTruth ignored;
    return rows.count == 0 || filter_eval(ctx->arena, filter, pg_texts(&rows, 0, 0, ctx->arena), &ignored, err);
}

/* --- leading values, names, segments --------------------------------------------------------------------------- */

static size_t leading_count(StrList values) {
    size_t n = 0;
    while (n < values.count && !str_is_empty(values.items[n])) {
        n++;
    }
    return n;
}

static void add_text(Buf *sql, PgArgs *args, const char *before, Str value) {
    pg_arg_text(args, value);
    buf_printf(sql, "%s$%d", before, args->count);
}

/* The default partition has its name's value, "" or none at all. */
static void where_value(Ctx *ctx, size_t number, Str value, Buf *sql, PgArgs *args) {
    bool is_default = str_eq(value, ctx->catalog->config->partitions.default_name);
    buf_printf(sql, is_default ? " AND coalesce(p.vals[%zu], '') IN (''," : " AND p.vals[%zu] = ", number);
    add_text(sql, args, " ", value);
    buf_add_cstr(sql, is_default ? ")" : "");
}

static bool where_prefix(Ctx *ctx, const Table *table, StrList values, Buf *sql, PgArgs *args, Err *err) {
    if (values.count > table->partition_keys->count) {
        return err_set(err, ERR_INVALID_PARTITION, "Incorrect number of partition values. numPartKeys=%zu, part_val=%zu",
                       table->partition_keys->count, values.count);
    }
    size_t leading = leading_count(values);
    if (leading) {
        StrList keys = {ARENA_ARRAY(ctx->arena, Str, table->partition_keys->count), table->partition_keys->count};
        for (size_t i = 0; i < keys.count; i++) {
            keys.items[i] = table->partition_keys->items[i].name;
        }
        Str low, high;
        partname_range(ctx->arena, keys, (StrList){values.items, leading}, ctx->catalog->config->partitions.default_name, &low,
                       &high);
        add_text(sql, args, str_is_null(high) ? " AND p.name = " : " AND p.name >= ", low);
        if (!str_is_null(high)) {
            add_text(sql, args, " AND p.name < ", high);
        }
    }
    for (size_t i = leading; i < values.count; i++) {
        if (!str_is_empty(values.items[i])) {
            where_value(ctx, i + 1, values.items[i], sql, args);
        }
    }
    return true;
}

bool partition_where(Ctx *ctx, PgConn *conn, const PartitionScope *scope, const PartitionQuery *q, PgArgs *args, Str *ret,
                     Err *err) {
    CLEANUP(buf_free) Buf sql = BUF_INIT(WHERE_MAX_BYTES);
    if (q->with_names) {
        pg_arg_texts(args, q->names.items ? q->names : (StrList){&(Str){0}, 0});
        buf_printf(&sql, " AND p.name = ANY ($%d::text[])", args->count);
    }
    if (!where_prefix(ctx, &scope->table, q->prefix, &sql, args, err)) {
        return false;
    }
    if (q->segments > 1) {
        /* The hash needs to be the same only as long as somebody pages through the segments. */
        buf_printf(&sql, " AND (hashtextextended(p.name, 0) & 9223372036854775807) %% %u = %u", q->segments, q->segment);
    }
    if (!str_is_empty(str_trim(q->filter))) {
        Filter *filter;
        if (!bound_filter(ctx, &scope->table, q, &filter, err) || !check_values(ctx, conn, scope, filter, err) ||
            !where_filter(ctx, filter, &sql, args, err)) {
            return false;
        }
    }
    *ret = arena_str(ctx->arena, buf_str(&sql));
    return buf_check(&sql, "The filter's statement", err);
}
