#include "base/map.h"

#include "base/hash.h"

static size_t lower_bound(const Params *p, Str key) {
    size_t low = 0, high = p->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (str_cmp(p->items[middle].key, key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static Param *find(const Params *p, Str key) {
    size_t at = lower_bound(p, key);
    return at < p->count && str_eq(p->items[at].key, key) ? &p->items[at] : NULL;
}

Str params_get(const Params *p, Str key) {
    const Param *found = find(p, key);
    return found ? found->value : STR_NULL;
}

bool params_has(const Params *p, Str key) { return find(p, key) != NULL; }
bool params_is_true(const Params *p, Str key) { return str_eq_nocase(params_get(p, key), STR("true")); }

static void grow(Params *p, Arena *arena) {
    if (p->count < p->capacity) {
        return;
    }
    size_t capacity = MAX(p->capacity * 2, (size_t)8);
    Param *items = ARENA_ARRAY(arena, Param, capacity);
    if (p->count) {
        memcpy(items, p->items, p->count * sizeof *items);
    }
    p->items = items;
    p->capacity = capacity;
}

void params_set(Params *p, Arena *arena, Str key, Str value) {
    if (str_is_null(value)) {
        params_remove(p, key);
        return;
    }
    size_t at = lower_bound(p, key);
    if (at < p->count && str_eq(p->items[at].key, key)) {
        p->items[at].value = value;
        return;
    }
    grow(p, arena);
    memmove(p->items + at + 1, p->items + at, (p->count - at) * sizeof *p->items);
    p->items[at] = (Param){key, value};
    p->count++;
}

void params_remove(Params *p, Str key) {
    Param *found = find(p, key);
    if (found) {
        size_t at = (size_t)(found - p->items);
        memmove(found, found + 1, (p->count - at - 1) * sizeof *found);
        p->count--;
    }
}

Params params_copy(const Params *p, Arena *arena) {
    Params copy = {.items = p->count ? ARENA_ARRAY(arena, Param, p->count) : NULL, .count = p->count, .capacity = p->count};
    if (p->count) {
        memcpy(copy.items, p->items, p->count * sizeof *copy.items);
    }
    return copy;
}

bool params_equal(const Params *a, const Params *b) {
    if (a->count != b->count) {
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        if (!str_eq(a->items[i].key, b->items[i].key) || !str_eq(a->items[i].value, b->items[i].value)) {
            return false;
        }
    }
    return true;
}

void params_append(Params *p, Arena *arena, Str key, Str value) {
    if (!str_is_null(value)) {
        grow(p, arena);
        p->items[p->count++] = (Param){key, value};
    }
}

/* Equal keys are told apart by address order of insertion only through a stable merge sort, so: insertion sort for the
 * usual handful, bottom-up merge otherwise would be the textbook; a stable qsort is had by tagging positions. */
typedef struct Tagged {
    Param param;
    size_t position;
} Tagged;

static int tagged_cmp(const void *a, const void *b) {
    const Tagged *x = a, *y = b;
    int c = str_cmp(x->param.key, y->param.key);
    return c ? c : (x->position > y->position) - (x->position < y->position);
}

void params_sort(Params *p) {
    bool sorted = true;
    for (size_t i = 1; i < p->count && sorted; i++) {
        sorted = str_cmp(p->items[i - 1].key, p->items[i].key) < 0;
    }
    if (sorted) {
        return;
    }
    Tagged *tagged = calloc(p->count, sizeof *tagged);
    if (!tagged) {
        abort();
    }
    for (size_t i = 0; i < p->count; i++) {
        tagged[i] = (Tagged){p->items[i], i};
    }
    qsort(tagged, p->count, sizeof *tagged, tagged_cmp);
    size_t kept = 0;
    for (size_t i = 0; i < p->count; i++) {
        if (i + 1 < p->count && str_eq(tagged[i].param.key, tagged[i + 1].param.key)) {
            continue;
        }
        p->items[kept++] = tagged[i].param;
    }
    p->count = kept;
    free(tagged);
}

typedef struct Slot {
    Str key;
    void *value;
} Slot;

struct StrMap {
    Arena *arena;
    Slot *slots;
    size_t capacity, count; /* capacity is a power of two, at most half full */
};

StrMap *strmap_new(Arena *arena, size_t expected) {
    StrMap *m = ARENA_NEW(arena, StrMap);
    m->arena = arena;
    m->capacity = 16;
    while (m->capacity < expected * 2) {
        m->capacity *= 2;
    }
    m->slots = ARENA_ARRAY(arena, Slot, m->capacity);
    return m;
}

static Slot *slot_for(const StrMap *m, Str key) {
    size_t at = (size_t)hash64(key) & (m->capacity - 1);
    while (m->slots[at].value && !str_eq(m->slots[at].key, key)) {
        at = (at + 1) & (m->capacity - 1);
    }
    return &m->slots[at];
}

void *strmap_get(const StrMap *m, Str key) { return slot_for(m, key)->value; }
size_t strmap_count(const StrMap *m) { return m->count; }

static void rehash(StrMap *m) {
    Slot *old = m->slots;
    size_t old_capacity = m->capacity;
    m->capacity *= 2;
    m->slots = ARENA_ARRAY(m->arena, Slot, m->capacity);
    for (size_t i = 0; i < old_capacity; i++) {
        if (old[i].value) {
            *slot_for(m, old[i].key) = old[i];
        }
    }
}

void *strmap_put(StrMap *m, Str key, void *value) {
    if ((m->count + 1) * 2 > m->capacity) {
        rehash(m);
    }
    Slot *s = slot_for(m, key);
    void *former = s->value;
    m->count += former == NULL;
    *s = (Slot){former ? s->key : key, value};
    return former;
}
