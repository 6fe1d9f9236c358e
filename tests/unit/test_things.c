#include "catalog/things.h"

#include "catalog/secret.h"
#include "tests/unit/catalog_bed.h"

static const ThingKind KIND = {.name = "kind"}, OTHER = {.name = "other"}, QUIET = {.name = "quiet", .quiet = true};
static const ThingKind SEALED = {.name = "sealed", .sealed = true};

#define KEY(...) thing_key(unit_arena(), sizeof((Str[]){__VA_ARGS__}) / sizeof(Str), (const Str[]){__VA_ARGS__})

static void test_keys(void **state) {
    (void)state;
    assert_str(KEY(STR("a"), STR("b/c"), STR("100%")), "a/b%2Fc/100%25/");
    assert_str(thing_key_last(unit_arena(), KEY(STR("a"), STR("b/c%2F%"))), "b/c%2F%");
    assert_str(thing_key_last(unit_arena(), KEY(STR("%25"))), "%25");
    assert_true(str_is_null(thing_key_last(unit_arena(), STR(""))));
    assert_int_equal(thing_key(unit_arena(), 0, NULL).len, 0);
}

/* One step, done by itself. */
typedef struct Step {
    enum { ADD, PUT, FIND, LIST, REMOVE, REMOVE_BELOW, FORGET } what;
    const ThingKind *kind;
    Str key, body;
    int64_t number;
    bool done;
    Thing thing;
    ThingList list;
} Step;

static bool do_step(Things *t, void *arg, Err *err) {
    Step *s = arg;
    switch (s->what) {
        case ADD: return thing_add(t, s->kind, s->key, s->body, &s->number, err);
        case PUT: return thing_put(t, s->kind, s->key, s->body, err);
        case FIND: return thing_find(t, s->kind, s->key, &s->done, &s->thing, err);
        case LIST: return thing_list(t, s->kind, s->key, &s->list, err);
        case REMOVE: return thing_remove(t, s->kind, s->key, &s->done, err);
        case REMOVE_BELOW: return thing_remove_below(t, s->kind, s->key, err);
        default: return thing_forget(t, s->kind, 0, err);
    }
}

static Step step(Bed *bed, Step s) {
    Err err;
    assert_ok(things_change(&bed->ctx, s.kind, ACTION_ALTER, do_step, &s, &err));
    return s;
}

static size_t listed(Bed *bed, const ThingKind *kind, Str prefix) {
    return step(bed, (Step){.what = LIST, .kind = kind, .key = prefix}).list.count;
}

static void test_steps(void **state) {
    Bed *bed = *state;
    Str key = KEY(STR("a"), STR("x"));
    int64_t first = step(bed, (Step){ADD, &KIND, key, STR("one"), .number = 0}).number;
    assert_true(first > 0);
    assert_int_equal(step(bed, (Step){ADD, &KIND, key, STR("two"), .number = 7}).number, 0);
    assert_true(step(bed, (Step){ADD, &OTHER, key, STR("two"), .number = 0}).number > first);
    Step found = step(bed, (Step){.what = FIND, .kind = &KIND, .key = key});
    assert_true(found.done && found.thing.number == first);
    assert_str(found.thing.body, "one");
    step(bed, (Step){PUT, &KIND, key, STR("three"), .number = 0});
    found = step(bed, (Step){.what = FIND, .kind = &KIND, .key = key});
    assert_str(found.thing.body, "three");
    assert_true(found.thing.number == first && found.thing.updated_at > found.thing.created_at);
    assert_str(bed_value(bed, "SELECT string_agg(action || ' ' || name, ',' ORDER BY seq) FROM changes WHERE kind = 'thing'"),
               "create kind/a/x,create other/a/x,alter kind/a/x");
    assert_true(step(bed, (Step){.what = REMOVE, .kind = &KIND, .key = key}).done);
    assert_false(step(bed, (Step){.what = REMOVE, .kind = &KIND, .key = key}).done);
    assert_false(step(bed, (Step){.what = FIND, .kind = &KIND, .key = key}).done);
    assert_true(step(bed, (Step){ADD, &KIND, key, STR("one"), .number = 0}).number > first);
}

static void test_prefixes(void **state) {
    Bed *bed = *state;
    Str keys[] = {KEY(STR("a")),   KEY(STR("a"), STR("x")),  KEY(STR("a"), STR("y")),
                  KEY(STR("a/x")), KEY(STR("ab"), STR("x")), KEY(STR("a\xF4\x8F\xBF\xBF"))};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        step(bed, (Step){PUT, &QUIET, keys[i], STR("\0\xFF"), .number = 0});
    }
    assert_int_equal(listed(bed, &QUIET, STR("")), ARRAY_LEN(keys));
    assert_int_equal(listed(bed, &QUIET, KEY(STR("a"))), 3);
    assert_int_equal(listed(bed, &QUIET, KEY(STR("a"), STR("x"))), 1);
    assert_int_equal(listed(bed, &QUIET, KEY(STR("b"))), 0);
    assert_int_equal(listed(bed, &KIND, STR("")), 0);
    Step list = step(bed, (Step){.what = LIST, .kind = &QUIET, .key = KEY(STR("ab"))});
    assert_int_equal(list.list.items[0].body.len, 2);
    step(bed, (Step){.what = REMOVE_BELOW, .kind = &QUIET, .key = KEY(STR("a"))});
    assert_int_equal(listed(bed, &QUIET, STR("")), 3);
    step(bed, (Step){.what = FORGET, .kind = &QUIET});
    assert_int_equal(listed(bed, &QUIET, STR("")), 0);
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM changes WHERE kind = 'thing'"), 0);
}

static void test_sealed(void **state) {
    Bed *bed = *state;
    Err err;
    SecretKeys *keys;
    char path[128];
    Step add = {ADD, &SEALED, KEY(STR("a")), STR("hidden words"), .number = 0};
    assert_err(things_change(&bed->ctx, &SEALED, ACTION_CREATE, do_step, &add, &err), ERR_INVALID_CONFIG);
    snprintf(path, sizeof path, "%s/secret.key", bed->warehouse);
    assert_ok(secret_keys_load(path, true, &keys, &err));
    bed->catalog.keys = keys;
    step(bed, add);
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM things WHERE position('hidden'::bytea IN body) > 0"), 0);
    assert_str(step(bed, (Step){.what = FIND, .kind = &SEALED, .key = add.key}).thing.body, "hidden words");
    bed_sql(bed, "UPDATE things SET key = 'b/'");
    Step moved = {.what = FIND, .kind = &SEALED, .key = KEY(STR("b"))};
    assert_err(things_read(&bed->ctx, &SEALED, do_step, &moved, &err), ERR_INTERNAL);
    bed->catalog.keys = NULL;
    secret_keys_free(keys);
}

int main(void) {
    const struct CMUnitTest tests[] = {UNIT_TEST(test_keys), BED_TEST(test_steps), BED_TEST(test_prefixes), BED_TEST(test_sealed)};
    return BED_RUN("things", tests);
}
