#include "catalog/definitions.h"

#include <pthread.h>

#include "catalog/json.h"

/* Ids are hashes, so their first bytes choose a slot; a newcomer takes the place of whoever is there. */
enum { SLOTS = 1024, FIRST_BLOCK = 1024, LARGEST = 256 * 1024 };

typedef struct Entry {
    Arena *arena; /* holds the entry itself too */
    const void *value;
    Uuid id;
    size_t bytes;
    int references;
} Entry;

struct Definitions {
    pthread_mutex_t lock;
    Entry *columns[SLOTS], *formats[SLOTS];
    size_t bytes, most_bytes, hand;
};

Definitions *definitions_new(size_t most_bytes) {
    Definitions *d = calloc(1, sizeof *d);
    if (d) {
        pthread_mutex_init(&d->lock, NULL);
        d->most_bytes = most_bytes;
    }
    return d;
}

static void release(void *entry) {
    Entry *e = entry;
    if (__atomic_sub_fetch(&e->references, 1, __ATOMIC_ACQ_REL) == 0) {
        arena_free(e->arena);
    }
}

static void empty_slot(Definitions *d, Entry **slot) {
    if (*slot) {
        d->bytes -= (*slot)->bytes;
        release(*slot);
        *slot = NULL;
    }
}

void definitions_free(Definitions *d) {
    if (d) {
        for (size_t i = 0; i < SLOTS; i++) {
            empty_slot(d, &d->columns[i]);
            empty_slot(d, &d->formats[i]);
        }
        pthread_mutex_destroy(&d->lock);
        free(d);
    }
}

/* ---- finding ---- */

static Entry **slot_of(Entry **slots, Uuid id) { return &slots[(id.bytes[0] | id.bytes[1] << 8) % SLOTS]; }

static const void *find(Definitions *d, Entry **slots, Arena *arena, Uuid id) {
    pthread_mutex_lock(&d->lock);
    Entry *e = *slot_of(slots, id);
    bool found = e && uuid_eq(e->id, id);
    if (found) {
        __atomic_add_fetch(&e->references, 1, __ATOMIC_RELAXED);
    }
    pthread_mutex_unlock(&d->lock);
    if (!found) {
        return NULL;
    }
    arena_defer(arena, release, e);
    return e->value;
}

const ColumnSet *definitions_columns(Definitions *d, Arena *arena, Uuid id) { return d ? find(d, d->columns, arena, id) : NULL; }
const StorageFormat *definitions_format(Definitions *d, Arena *arena, Uuid id) { return d ? find(d, d->formats, arena, id) : NULL; }

/* ---- keeping ---- */

static Params copy_params(Arena *a, const Params *params) {
    Params copy = params_copy(params, a);
    for (size_t i = 0; i < copy.count; i++) {
        copy.items[i].key = arena_str(a, copy.items[i].key);
        copy.items[i].value = arena_str(a, copy.items[i].value);
    }
    return copy;
}

static StrList copy_strs(Arena *a, StrList list) {
    if (!list.items) {
        return (StrList){0};
    }
    StrList copy = {ARENA_ARRAY(a, Str, list.count + 1), list.count};
    for (size_t i = 0; i < list.count; i++) {
        copy.items[i] = arena_str(a, list.items[i]);
    }
    return copy;
}

static const void *copy_columns(Arena *a, const void *from) {
    const ColumnSet *set = from;
    ColumnSet *copy = ARENA_NEW(a, ColumnSet);
    *copy = (ColumnSet){set->id, ARENA_ARRAY(a, Column, set->count), set->count, STR_NULL};
    for (size_t i = 0; i < set->count; i++) {
        const Column *c = &set->items[i];
        copy->items[i] = (Column){arena_str(a, c->name), arena_str(a, c->type), arena_str(a, c->comment),
                                  copy_params(a, &c->params)};
    }
    CLEANUP(buf_free) Buf text = BUF_INIT(LARGEST);
    JsonWriter w = jw_new(&text);
    columns_json(&w, copy);
    copy->json = text.failed ? STR_NULL : arena_str(a, buf_str(&text));
    return copy;
}

static Serde copy_serde(Arena *a, const Serde *s) {
    return (Serde){
        .name = arena_str(a, s->name),
        .library = arena_str(a, s->library),
        .description = arena_str(a, s->description),
        .serializer = arena_str(a, s->serializer),
        .deserializer = arena_str(a, s->deserializer),
        .type = s->type,
        .params = copy_params(a, &s->params),
    };
}

static Skew copy_skew(Arena *a, const Skew *s) {
    Skew copy = {
        .columns = copy_strs(a, s->columns),
        .values = ARENA_ARRAY(a, StrList, s->value_count),
        .value_count = s->value_count,
        .locations = ARENA_ARRAY(a, SkewLocation, s->location_count),
        .location_count = s->location_count,
    };
    for (size_t i = 0; i < s->value_count; i++) {
        copy.values[i] = copy_strs(a, s->values[i]);
    }
    for (size_t i = 0; i < s->location_count; i++) {
        copy.locations[i] = (SkewLocation){copy_strs(a, s->locations[i].values), arena_str(a, s->locations[i].location)};
    }
    return copy;
}

static const void *copy_format(Arena *a, const void *from) {
    const StorageFormat *f = from;
    StorageFormat *copy = ARENA_NEW(a, StorageFormat);
    *copy = *f;
    copy->input_format = arena_str(a, f->input_format);
    copy->output_format = arena_str(a, f->output_format);
    copy->bucket_columns = copy_strs(a, f->bucket_columns);
    copy->sort_columns = ARENA_ARRAY(a, SortColumn, f->sort_column_count);
    for (size_t i = 0; i < f->sort_column_count; i++) {
        copy->sort_columns[i] = (SortColumn){arena_str(a, f->sort_columns[i].name), f->sort_columns[i].order};
    }
    copy->serde = copy_serde(a, &f->serde);
    copy->skew = copy_skew(a, &f->skew);
    return copy;
}

static void make_room(Definitions *d, size_t bytes) {
    for (size_t i = 0; i < SLOTS && d->bytes + bytes > d->most_bytes; i++) {
        d->hand = (d->hand + 1) % SLOTS;
        empty_slot(d, &d->columns[d->hand]);
        empty_slot(d, &d->formats[d->hand]);
    }
}

static void keep(Definitions *d, Entry **slots, Uuid id, const void *value, const void *(*copy)(Arena *, const void *)) {
    Arena *arena = arena_new_small(LARGEST, FIRST_BLOCK);
    Entry *e = ARENA_NEW(arena, Entry);
    *e = (Entry){.arena = arena, .value = copy(arena, value), .id = id, .references = 1};
    e->bytes = FIRST_BLOCK + 2 * arena_used(arena); /* its blocks are at most half empty */
    if (arena_exceeded(arena) || e->bytes > d->most_bytes) {
        arena_free(arena);
        return;
    }
    Entry **slot = slot_of(slots, id);
    pthread_mutex_lock(&d->lock);
    empty_slot(d, slot);
    make_room(d, e->bytes);
    *slot = e;
    d->bytes += e->bytes;
    pthread_mutex_unlock(&d->lock);
}

void definitions_keep_columns(Definitions *d, const ColumnSet *set) {
    if (d) {
        keep(d, d->columns, set->id, set, copy_columns);
    }
}

void definitions_keep_format(Definitions *d, const StorageFormat *format) {
    if (d) {
        keep(d, d->formats, format->id, format, copy_format);
    }
}
