/* Any bytes as a location: what is accepted must be stable, inside the limits and free of ways up; the relations between
 * two locations must agree with each other. Input: default file system, location, second location, one per line. */
#include "storage/location.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
    if (!holds) {
        abort();
    }
}

static void check_accepted(Arena *arena, Str fs, Str location) {
    Str again, segment;
    Err err;
    require(location_normalise(arena, location, fs, &again, &err));
    require(str_eq(location, again));
    require(location.len <= LOCATION_MAX_BYTES && utf8_valid(location));
    Str rest = location_split(location).path;
    while (str_split(&rest, '/', &segment)) {
        require(!str_eq(segment, STR("..")) && !str_eq(segment, STR(".")));
    }
    Str parent = location_parent(location);
    require(str_is_null(parent) || location_is_below(parent, location));
    require(location_is_same(location, location) && !location_is_below(location, location));
}

static void check_pair(Arena *arena, Str a, Str b) {
    require(!(location_is_below(a, b) && location_is_below(b, a)));
    require(location_is_same(a, b) == location_is_same(b, a));
    Str suffix = location_suffix(a, b);
    if (!str_is_null(suffix)) {
        require(str_eq(location_join(arena, a, suffix), b));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static Arena *arena;
    if (!arena) {
        arena = arena_new(64 << 20);
    }
    Str rest = {(const char *)data, size}, fs = STR(""), first = STR(""), second = STR(""), got;
    Err err;
    (void)(str_split(&rest, '\n', &fs) && str_split(&rest, '\n', &first) && str_split(&rest, '\n', &second));
    check_pair(arena, first, second);
    if (location_normalise(arena, fs, STR("file:"), &fs, &err) && location_is_root(fs)) {
        Str other;
        if (location_normalise(arena, first, fs, &got, &err)) {
            check_accepted(arena, fs, got);
            if (location_normalise(arena, second, fs, &other, &err)) {
                check_pair(arena, got, other);
            }
        }
    }
    arena_reset(arena);
    return 0;
}
