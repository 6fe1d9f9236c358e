#include "catalog/quickstats.h"

#include "base/log.h"
#include "catalog/statistics.h"
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

static Str with_basic_stats(Ctx *ctx, Str before) {
    StatAccurate accurate = stat_accurate_read(ctx->arena, before);
    accurate.basic = true;
    return stat_accurate_text(ctx->arena, &accurate);
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
