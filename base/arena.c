#include "base/arena.h"

typedef struct Block {
    struct Block *next;
    size_t size, used;
    _Alignas(max_align_t) char bytes[];
} Block;

typedef struct Deferred {
    struct Deferred *next;
    void (*fn)(void *);
    void *arg;
} Deferred;

struct Arena {
    Block *blocks; /* the one being filled comes first */
    Deferred *deferred;
    size_t used, limit;
    uint64_t fail_countdown;
    bool exceeded;
};

enum { FIRST_BLOCK = 16 * 1024, LARGEST_STEP = 1024 * 1024 };

static NORETURN void out_of_memory(size_t bytes) {
    fprintf(stderr, "propolis: out of memory (asked for %zu bytes)\n", bytes);
    abort();
}

static void *must_malloc(size_t bytes) {
    void *p = malloc(bytes);
    if (!p) {
        out_of_memory(bytes);
    }
    return p;
}

static Block *block_new(size_t size) {
    Block *b = must_malloc(sizeof(Block) + size);
    b->next = NULL;
    b->size = size;
    b->used = 0;
    return b;
}

Arena *arena_new_small(size_t limit_bytes, size_t first_block) {
    Arena *a = must_malloc(sizeof *a);
    *a = (Arena){.limit = limit_bytes, .blocks = block_new(first_block)};
    return a;
}

Arena *arena_new(size_t limit_bytes) { return arena_new_small(limit_bytes, FIRST_BLOCK); }

static void run_deferred(Arena *a) {
    while (a->deferred) {
        Deferred *d = a->deferred;
        a->deferred = d->next;
        d->fn(d->arg);
    }
}

void arena_reset(Arena *a) {
    run_deferred(a);
    Block *kept = NULL;
    for (Block *b = a->blocks, *next; b; b = next) {
        next = b->next;
        if (!kept && b->size <= LARGEST_STEP) {
            kept = b;
        } else {
            free(b);
        }
    }
    kept = kept ? kept : block_new(FIRST_BLOCK);
    kept->next = NULL;
    kept->used = 0;
    *a = (Arena){.limit = a->limit, .blocks = kept};
}

void arena_free(Arena *a) {
    if (!a) {
        return;
    }
    run_deferred(a);
    for (Block *b = a->blocks, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    free(a);
}

void arena_cleanup(Arena **arena) {
    arena_free(*arena);
    *arena = NULL;
}

/* A big piece gets a block of its own behind the current one, so the current one keeps filling. */
static void *alloc_slow(Arena *a, size_t bytes) {
    Block *current = a->blocks;
    size_t step = MIN(current->size * 2, (size_t)LARGEST_STEP);
    if (bytes > step / 2) {
        Block *own = block_new(bytes);
        own->used = bytes;
        own->next = current->next;
        current->next = own;
        return own->bytes;
    }
    Block *fresh = block_new(step);
    fresh->next = current;
    fresh->used = bytes;
    a->blocks = fresh;
    return fresh->bytes;
}

void *arena_alloc(Arena *a, size_t bytes) {
    const size_t align = _Alignof(max_align_t);
    if (bytes > SIZE_MAX - 2 * align - sizeof(Block)) {
        out_of_memory(bytes);
    }
    bytes = (bytes + align - 1) & ~(align - 1);
    a->used += bytes;
    if (a->used > a->limit || (a->fail_countdown && --a->fail_countdown == 0)) {
        a->exceeded = true;
    }
    Block *b = a->blocks;
    if (b->size - b->used >= bytes) {
        void *p = b->bytes + b->used;
        b->used += bytes;
        return p;
    }
    return alloc_slow(a, bytes);
}

void *arena_zalloc(Arena *a, size_t bytes) { return memset(arena_alloc(a, bytes), 0, bytes); }

void *arena_array(Arena *a, size_t item_bytes, size_t count) {
    size_t bytes;
    if (__builtin_mul_overflow(item_bytes, count, &bytes)) {
        out_of_memory(SIZE_MAX);
    }
    return arena_zalloc(a, bytes);
}

Str arena_str(Arena *a, Str s) {
    if (str_is_null(s)) {
        return s;
    }
    char *p = arena_alloc(a, s.len + 1);
    memcpy(p, s.ptr, s.len);
    p[s.len] = 0;
    return (Str){p, s.len};
}

Str arena_str_lower(Arena *a, Str s) {
    Str copy = arena_str(a, s);
    char *p = (char *)(uintptr_t)copy.ptr; /* our own fresh copy */
    for (size_t i = 0; i < copy.len; i++) {
        if (p[i] >= 'A' && p[i] <= 'Z') {
            p[i] = (char)(p[i] + 32);
        }
    }
    return copy;
}

Str arena_printf(Arena *a, const char *fmt, ...) {
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    size_t len = n < 0 ? 0 : (size_t)n;
    char *p = arena_alloc(a, len + 1);
    p[0] = 0;
    vsnprintf(p, len + 1, fmt, again);
    va_end(again);
    return (Str){p, len};
}

Str arena_concat(Arena *a, size_t count, const Str *parts) {
    size_t len = 0;
    for (size_t i = 0; i < count; i++) {
        len += parts[i].len;
    }
    char *p = arena_alloc(a, len + 1);
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].len) {
            memcpy(p + at, parts[i].ptr, parts[i].len);
        }
        at += parts[i].len;
    }
    p[at] = 0;
    return (Str){p, len};
}

const char *arena_cstr(Arena *a, Str s) { return arena_str(a, s).ptr; }

void arena_defer(Arena *a, void (*fn)(void *), void *arg) {
    Deferred *d = ARENA_NEW(a, Deferred);
    *d = (Deferred){a->deferred, fn, arg};
    a->deferred = d;
}

void arena_charge(Arena *a, size_t bytes) {
    a->used += bytes;
    a->exceeded = a->exceeded || a->used > a->limit;
}

size_t arena_used(const Arena *a) { return a->used; }
size_t arena_left(const Arena *a) { return a->limit - MIN(a->used, a->limit); }
bool arena_exceeded(const Arena *a) { return a->exceeded; }

bool arena_check(const Arena *a, Err *err) {
    if (!a->exceeded) {
        return true;
    }
    return err_set(err, ERR_REQUEST_TOO_LARGE,
                   "This request needs more than %zu bytes of memory (limits.request_memory). Ask for less in one "
                   "request, for example a smaller page, or raise the limit.",
                   a->limit);
}

void arena_fail_at(Arena *a, uint64_t nth) { a->fail_countdown = nth; }
