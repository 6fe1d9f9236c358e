#include "catalog/quickstats.h"

#include "base/buf.h"
#include "base/json_reader.h"
#include "base/json_writer.h"
#include "base/log.h"
#include "storage/roots.h"

#define NUM_FILES STR("numFiles")
#define TOTAL_SIZE STR("totalSize")
#define ACCURATE_KEY STR("COLUMN_STATS_ACCURATE")

bool quickstats_given(const Params *params) { return params_has(params, NUM_FILES) && params_has(params, TOTAL_SIZE); }

static void look(Ctx *ctx, Str location, QuickStats *last) {
    StorageVerdict verdict;
    Err err;
    *last = (QuickStats){.location = location};
    if (!roots_usage(ctx->catalog->roots, location, ctx->deadline, &last->usage, &verdict, &err)) {
        log_debug("The files in %" STR_FMT " cannot be counted: %s", STR_ARG(location), err.message);
        return;
    }
    last->known = storage_done(&verdict);
}

static void copy_column_stats(JsonWriter *w, json_t *columns) {
    const char *column;
    json_t *value;
    jw_key(w, STR("COLUMN_STATS"));
    jw_object_begin(w);
    json_object_foreach(columns, column, value) {
        jw_key(w, str_from(column));
        jw_str(w, str_from(json_string_value(value)));
    }
    jw_object_end(w);
}

/* {"BASIC_STATS":"true","COLUMN_STATS":{...}}, the second as it was. */
static Str with_basic_stats(Ctx *ctx, Str before) {
    enum { DEPTH = 8, MOST = 1 << 20 };
    CLEANUP(buf_free) Buf text = BUF_INIT(MOST);
    json_t *tree = NULL;
    Err ignored;
    JsonWriter w = jw_new(&text);
    jw_object_begin(&w);
    jw_put_str(&w, "BASIC_STATS", STR("true"));
    if (!str_is_empty(before) && jr_parse(ctx->arena, before, DEPTH, &tree, &ignored) &&
        json_is_object(json_object_get(tree, "COLUMN_STATS"))) {
        copy_column_stats(&w, json_object_get(tree, "COLUMN_STATS"));
    }
    jw_object_end(&w);
    return text.failed ? STR_NULL : arena_str(ctx->arena, buf_str(&text));
}

void quickstats_refresh(Ctx *ctx, Str location, bool accurate, QuickStats *last, Params *params) {
    if (str_is_null(location)) {
        return;
    }
    if (!str_eq(last->location, location)) {
        look(ctx, location, last);
    }
    if (!last->known) {
        return;
    }
    params_set(params, ctx->arena, NUM_FILES, arena_printf(ctx->arena, "%" PRId64, last->usage.files));
    params_set(params, ctx->arena, TOTAL_SIZE, arena_printf(ctx->arena, "%" PRId64, last->usage.bytes));
    params_set(params, ctx->arena, ACCURATE_KEY, accurate ? with_basic_stats(ctx, params_get(params, ACCURATE_KEY)) : STR_NULL);
}
