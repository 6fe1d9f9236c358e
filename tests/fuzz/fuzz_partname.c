/* Any bytes as partition names and values: what a name is taken apart to makes a name that gives the same values; values make
 * a name that gives them back; range keys order as their canonical texts say. Input: lines, the first as a name. */
#include "catalog/partname.h"
#include "catalog/rangekey.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
    if (!holds) {
        abort();
    }
}

static void check_values(Arena *arena, StrList values) {
    Err err;
    Str name, keys[8];
    StrList back;
    for (size_t i = 0; i < values.count; i++) {
        keys[i] = arena_printf(arena, "k%zu", i);
    }
    StrList key_list = {keys, values.count};
    if (!partname_make(arena, key_list, values, STR_NULL, &name, &err)) {
        return;
    }
    require(partname_to_values(arena, name, &back, &err) && back.count == values.count);
    for (size_t i = 0; i < values.count; i++) {
        require(str_eq(back.items[i], partname_effective(values.items[i], DEFAULT_PARTITION_NAME)));
    }
    Str low, high;
    partname_range(arena, key_list, (StrList){values.items, (values.count + 1) / 2}, STR_NULL, &low, &high);
    require(str_is_null(high) ? str_eq(low, name) : str_cmp(low, name) <= 0 && str_cmp(name, high) < 0);
}

static bool long_exponent(Str text) {
    Str digits = str_skip(text, MIN(str_find_char(text, 'e'), text.len));
    return digits.len > sizeof "e999" - 1 + (digits.len > 1 && digits.ptr[1] == '-');
}

static void check_key(Arena *arena, Str value) {
    for (RangeKind kind = RANGE_STRING; kind <= RANGE_TIMESTAMP; kind++) {
        Str key, text, again;
        bool ok = rangekey_encode(arena, kind, value, STR_NULL, &key);
        require(ok == rangekey_canonical(arena, kind, value, &text));
        /* The canonical text of a long number can be too long, and the exponent of 1.1E999 has four digits in it: it is for
         * PostgreSQL, which reads both. */
        bool readable = kind != RANGE_DECIMAL || (text.len <= RANGEKEY_NUMBER_MAX && !long_exponent(text));
        if (ok && readable) {
            require(rangekey_encode(arena, kind, text, STR_NULL, &again) && str_eq(key, again));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    CLEANUP(arena_cleanup) Arena *arena = arena_new(16 << 20);
    Str rest = {(const char *)data, size}, name = STR(""), values[8];
    StrList parsed, list = {values, 0};
    Err err;
    str_split(&rest, '\n', &name);
    if (partname_to_values(arena, name, &parsed, &err) && parsed.count > 0 && parsed.count <= 8) {
        check_values(arena, parsed);
    }
    while (list.count < 8 && str_split(&rest, '\n', &values[list.count])) {
        check_key(arena, values[list.count++]);
    }
    if (list.count) {
        check_values(arena, list);
    }
    return 0;
}
