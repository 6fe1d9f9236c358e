/* Bodies of statistics, constraints and connections: whatever is taken must be written so that it is taken again; packed
 * statistics and search texts may be refused, no more. The first byte chooses. */
#include "catalog/connections.h"
#include "catalog/constraints.h"
#include "catalog/search.h"
#include "catalog/statistics.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool parse(Arena *arena, Str text, JsonAt *ret) {
    json_t *top;
    Err err;
    if (!jr_parse(arena, text, 30, &top, &err)) {
        return false;
    }
    *ret = jr_top(top);
    return true;
}

static void expect(bool ok) {
    if (!ok) {
        abort();
    }
}

static void statistics(Arena *arena, Str text) {
    CLEANUP(buf_free) Buf buf = BUF_INIT(64 << 20);
    JsonWriter w = jw_new(&buf);
    StatisticSet set, again;
    JsonAt at;
    Err err;
    if (!parse(arena, text, &at) || !statistic_set_from_json(&at, arena, &set, &err)) {
        return;
    }
    statistic_set_json(&w, &set);
    expect(parse(arena, buf_str(&buf), &at) && statistic_set_from_json(&at, arena, &again, &err) && set.count == again.count);
    for (size_t i = 0; i < set.count; i++) {
        CLEANUP(buf_free) Buf packed = BUF_INIT(1 << 20);
        ColumnStatistic back = set.items[i];
        expect(statistics_equal(&set.items[i], &again.items[i]));
        statistic_pack(&set.items[i], &packed);
        expect(packed.failed ||
               (statistic_unpack(buf_str(&packed), back.kind, &back, &err) && statistics_equal(&set.items[i], &back)));
        if (i && set.items[i].kind == set.items[0].kind) {
            expect(statistic_merge(&again.items[0], &set.items[i], &err));
        }
    }
}

static void packed(Arena *arena, Str bytes) {
    (void)arena;
    for (int kind = 0; kind <= STAT_TIMESTAMP + 1; kind++) {
        CLEANUP(buf_free) Buf buf = BUF_INIT(64 << 20);
        JsonWriter w = jw_new(&buf);
        ColumnStatistic s = {.column = STR("c"), .analyzed_at = MICROS_NONE};
        Err err;
        if (statistic_unpack(bytes, (StatKind)kind, &s, &err)) {
            statistic_json(&w, &s);
        }
    }
}

static void constraint(Arena *arena, Str text) {
    CLEANUP(buf_free) Buf buf = BUF_INIT(64 << 20);
    JsonWriter w = jw_new(&buf);
    Constraint c;
    JsonAt at;
    Err err;
    if (parse(arena, text, &at) && constraint_from_json(&at, arena, &c, &err)) {
        constraint_json(&w, &c);
        expect(parse(arena, buf_str(&buf), &at) && constraint_from_json(&at, arena, &c, &err));
    }
}

static void connection(Arena *arena, Str text) {
    CLEANUP(buf_free) Buf buf = BUF_INIT(64 << 20);
    JsonWriter w = jw_new(&buf);
    Connection c;
    JsonAt at;
    Err err;
    if (parse(arena, text, &at) && connection_from_json(&at, arena, &c, &err)) {
        connection_json(&w, &c);
        expect(parse(arena, buf_str(&buf), &at) && connection_from_json(&at, arena, &c, &err));
    }
}

static void search(Arena *arena, Str text) {
    Str tiers[3];
    Err err;
    SearchQuery q = {.text = text};
    Table t = {.name = text, .description = text};
    params_set(&t.params, arena, text, text);
    (void)search_lexemes(arena, &t);
    if (search_conditions(arena, &q, NULL, tiers, &err)) {
        expect(tiers[2].len > 0 && utf8_valid(tiers[2]));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static void (*const targets[])(Arena *, Str) = {statistics, packed, constraint, connection, search};
    if (size == 0) {
        return 0;
    }
    Arena *arena = arena_new(256 << 20);
    targets[data[0] % ARRAY_LEN(targets)](arena, (Str){(const char *)data + 1, size - 1});
    arena_free(arena);
    return 0;
}
