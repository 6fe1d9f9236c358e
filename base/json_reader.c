#include "base/json_reader.h"

#include <malloc.h>

#include "base/buf.h"

/* --- what a tree takes --------------------------------------------------------------------------------------------- */

/* jansson's own allocations cannot be made to fail: it asserts in places that they did not. So they are counted, and the
 * text ends early when they are too many. */
static _Thread_local size_t *counted; /* NULL: nobody counts */

static void *counting_malloc(size_t bytes) {
    void *p = malloc(bytes);
    if (counted && p) {
        *counted += malloc_usable_size(p);
    }
    return p;
}

static void counting_free(void *p) {
    if (counted && p) {
        *counted -= malloc_usable_size(p); /* of the same text: while one is read nothing else is freed here */
    }
    free(p);
}

/* Before there are threads that could be using jansson. */
static void __attribute__((constructor)) count_allocations(void) { json_set_alloc_funcs(counting_malloc, counting_free); }

typedef struct Reading {
    Str rest;
    size_t held, most;
    bool too_much; /* a tree that is not finished is freed again, so held does not tell in the end */
} Reading;

static size_t read_on(void *out, size_t room, void *arg) {
    Reading *r = arg;
    r->too_much = r->too_much || r->held > r->most;
    size_t count = r->too_much ? 0 : MIN(room, r->rest.len);
    if (count) {
        memcpy(out, r->rest.ptr, count);
        r->rest = str_skip(r->rest, count);
    }
    return count;
}

/* --- parsing ------------------------------------------------------------------------------------------------------- */

/* jansson recurses; so the depth is measured before it sees the text. */
bool jr_depth_within(Str text, unsigned max_depth) {
    unsigned depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (in_string) {
            if (c == '\\') {
                i++;
            } else if (c == '"') {
                in_string = false;
            }
        } else if (c == '"') {
            in_string = true;
        } else if ((c == '{' || c == '[') && ++depth > max_depth) {
            return false;
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return true;
}

static void decref_void(void *value) { json_decref(value); }

/* jansson quotes the place, byte by byte; broken bytes must not travel on in our answer. */
static void drop_broken_quote(char *text) {
    char *quote = strstr(text, " near '"), *nul = strstr(text, " without JSON_ALLOW_NUL"); /* a word of the library's callers */
    if (nul) {
        *nul = 0;
    }
    if (quote && !utf8_valid(str_from(text))) {
        *quote = 0;
    }
}

bool jr_parse(Arena *arena, Str text, unsigned max_depth, json_t **ret, Err *err) {
    if (!jr_depth_within(text, max_depth)) {
        return err_set(err, ERR_INVALID_JSON, "The JSON text is nested deeper than %u levels.", max_depth);
    }
    json_error_t why;
    Reading reading = {.rest = text, .most = arena_left(arena)};
    counted = &reading.held;
    json_t *value = json_load_callback(read_on, &reading, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
    counted = NULL;
    arena_charge(arena, reading.too_much ? reading.most + 1 : reading.held);
    if (!arena_check(arena, err)) {
        json_decref(value);
        return false;
    }
    if (!value) {
        drop_broken_quote(why.text);
        return err_set(err, ERR_INVALID_JSON, "The JSON text is wrong at line %d, column %d: %s.", why.line, why.column, why.text);
    }
    arena_defer(arena, decref_void, value);
    *ret = value;
    return true;
}

JsonAt jr_member(const JsonAt *object, const char *key) {
    const json_t *v = object->value ? json_object_get(object->value, key) : NULL;
    return (JsonAt){.value = json_is_null(v) ? NULL : v, .parent = object, .key = key};
}

JsonAt jr_item(const JsonAt *array, size_t index) {
    return (JsonAt){.value = json_array_get(array->value, index), .parent = array, .index = index};
}

Str jr_path(const JsonAt *at, Arena *arena) {
    if (!at->parent) {
        return at->key ? arena_str(arena, str_from(at->key)) : STR("the document");
    }
    Str before = at->parent->parent || at->parent->key ? jr_path(at->parent, arena) : STR("");
    if (at->key) {
        return arena_printf(arena, "%" STR_FMT "%s%s", STR_ARG(before), before.len ? "." : "", at->key);
    }
    return arena_printf(arena, "%" STR_FMT "[%zu]", STR_ARG(before), at->index);
}

static const char *type_name(const json_t *v) {
    switch (json_typeof(v)) {
        case JSON_OBJECT: return "an object";
        case JSON_ARRAY: return "an array";
        case JSON_STRING: return "a string";
        case JSON_INTEGER: return "an integer";
        case JSON_REAL: return "a number";
        case JSON_TRUE:
        case JSON_FALSE: return "a boolean";
        case JSON_NULL: break;
    }
    return "null";
}

static bool wrong_type(const JsonAt *at, Arena *arena, const char *wanted, Err *err) {
    Str path = jr_path(at, arena);
    return err_set(err, ERR_INVALID_INPUT, "%" STR_FMT " must be %s, but it is %s.", STR_ARG(path), wanted, type_name(at->value));
}

bool jr_str(const JsonAt *at, Arena *arena, Str *ret, Err *err) {
    if (!at->value) {
        return true;
    }
    if (!json_is_string(at->value)) {
        return wrong_type(at, arena, "a string", err);
    }
    *ret = (Str){json_string_value(at->value), json_string_length(at->value)};
    return true;
}

bool jr_i64(const JsonAt *at, Arena *arena, int64_t low, int64_t high, int64_t *ret, Err *err) {
    if (!at->value) {
        return true;
    }
    if (!json_is_integer(at->value)) {
        return wrong_type(at, arena, "an integer", err);
    }
    int64_t value = json_integer_value(at->value);
    if (value < low || value > high) {
        Str path = jr_path(at, arena);
        return err_set(err, ERR_INVALID_INPUT, "%" STR_FMT " must be from %" PRId64 " to %" PRId64 ", but it is %" PRId64 ".",
                       STR_ARG(path), low, high, value);
    }
    *ret = value;
    return true;
}

bool jr_double(const JsonAt *at, Arena *arena, double *ret, Err *err) {
    if (at->value && !json_is_number(at->value)) {
        return wrong_type(at, arena, "a number", err);
    }
    if (at->value) {
        *ret = json_number_value(at->value);
    }
    return true;
}

bool jr_bool(const JsonAt *at, Arena *arena, bool *ret, Err *err) {
    if (at->value && !json_is_boolean(at->value)) {
        return wrong_type(at, arena, "true or false", err);
    }
    if (at->value) {
        *ret = json_is_true(at->value);
    }
    return true;
}

bool jr_time(const JsonAt *at, Arena *arena, Micros *ret, Err *err) {
    Str text = STR_NULL;
    if (!jr_str(at, arena, &text, err)) {
        return false;
    }
    if (!str_is_null(text) && !time_parse(text, ret)) {
        Str path = jr_path(at, arena);
        return err_set(err, ERR_INVALID_INPUT, "%" STR_FMT " must be a time such as 2026-11-21T10:15:30Z.", STR_ARG(path));
    }
    return true;
}

bool jr_expect_object(const JsonAt *at, Arena *arena, Err *err) {
    if (at->value && json_is_object(at->value)) {
        return true;
    }
    return at->value ? wrong_type(at, arena, "an object", err) : jr_required(at, arena, err);
}

bool jr_expect_array(const JsonAt *at, Arena *arena, Err *err) {
    if (at->value && json_is_array(at->value)) {
        return true;
    }
    return at->value ? wrong_type(at, arena, "an array", err) : jr_required(at, arena, err);
}

bool jr_params(const JsonAt *at, Arena *arena, Params *ret, Err *err) {
    if (!at->value) {
        return true;
    }
    if (!jr_expect_object(at, arena, err)) {
        return false;
    }
    Params params = {0};
    const char *key;
    const json_t *value;
    void *iter = json_object_iter((json_t *)(uintptr_t)at->value); /* jansson wants it writable to iterate; we only read */
    for (; iter; iter = json_object_iter_next((json_t *)(uintptr_t)at->value, iter)) {
        key = json_object_iter_key(iter);
        value = json_object_iter_value(iter);
        JsonAt member = {.value = value, .parent = at, .key = key};
        Str text = STR_NULL;
        if (!jr_str(&member, arena, &text, err)) {
            return false;
        }
        params_append(&params, arena, str_from(key), text);
    }
    params_sort(&params);
    *ret = params;
    return true;
}

bool jr_strs(const JsonAt *at, Arena *arena, StrList *ret, Err *err) {
    if (!at->value) {
        return true;
    }
    if (!jr_expect_array(at, arena, err)) {
        return false;
    }
    size_t count = json_array_size(at->value);
    StrList list = {ARENA_ARRAY(arena, Str, count), count};
    for (size_t i = 0; i < count; i++) {
        JsonAt item = jr_item(at, i);
        if (!jr_str(&item, arena, &list.items[i], err)) {
            return false;
        }
    }
    *ret = list;
    return true;
}

bool jr_required(const JsonAt *at, Arena *arena, Err *err) {
    if (at->value) {
        return true;
    }
    Str path = jr_path(at, arena);
    return err_set(err, ERR_INVALID_INPUT, "%" STR_FMT " is missing.", STR_ARG(path));
}

/* Levenshtein distance over short words, two rows. */
static size_t distance(Str a, Str b) {
    enum { LONGEST = 64 };
    if (a.len >= LONGEST || b.len >= LONGEST) {
        return SIZE_MAX;
    }
    size_t row[LONGEST];
    for (size_t j = 0; j <= b.len; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t substitute = diagonal + (a.ptr[i - 1] != b.ptr[j - 1]);
            diagonal = row[j];
            row[j] = MIN(substitute, MIN(row[j], row[j - 1]) + 1);
        }
    }
    return row[b.len];
}

const char *nearest_word(Str word, const char *const *known) {
    const char *best = NULL;
    size_t least = MAX(word.len / 3, (size_t)1) + 1;
    for (; *known; known++) {
        size_t d = distance(word, str_from(*known));
        if (d < least) {
            least = d;
            best = *known;
        }
    }
    return best;
}

static bool is_known(const char *key, const char *const *known) {
    for (; *known; known++) {
        if (strcmp(key, *known) == 0) {
            return true;
        }
    }
    return false;
}

bool jr_only_members(const JsonAt *object, Arena *arena, const char *const *known, Err *err) {
    if (!jr_expect_object(object, arena, err)) {
        return false;
    }
    void *iter = json_object_iter((json_t *)(uintptr_t)object->value);
    for (; iter; iter = json_object_iter_next((json_t *)(uintptr_t)object->value, iter)) {
        const char *key = json_object_iter_key(iter);
        if (is_known(key, known)) {
            continue;
        }
        JsonAt member = {.value = json_object_iter_value(iter), .parent = object, .key = key};
        Str path = jr_path(&member, arena);
        const char *near = nearest_word(str_from(key), known);
        return err_set(err, ERR_INVALID_INPUT, "%" STR_FMT " is not a known field%s%s%s", STR_ARG(path),
                       near ? "; did you mean " : "", near ? near : "", near ? "?" : ".");
    }
    return true;
}
