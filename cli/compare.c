#include "cli/compare.h"

static bool is_nothing(const json_t *v) {
    return !v || json_is_null(v) || json_is_false(v) || (json_is_array(v) && json_array_size(v) == 0) ||
           (json_is_integer(v) && json_integer_value(v) == 0);
}

static bool same_members(const json_t *a, const json_t *b) {
    json_t *members = (json_t *)(uintptr_t)a;
    for (void *i = json_object_iter(members); i; i = json_object_iter_next(members, i)) {
        if (!compare_same(json_object_iter_value(i), json_object_get(b, json_object_iter_key(i)))) {
            return false;
        }
    }
    return true;
}

bool compare_same(const json_t *a, const json_t *b) {
    if (is_nothing(a) && is_nothing(b)) {
        return true;
    }
    if ((!a || json_is_object(a)) && (!b || json_is_object(b))) { /* {"parameters": {}} is no parameters */
        return (!a || same_members(a, b)) && (!b || same_members(b, a));
    }
    if (!json_is_array(a) || !json_is_array(b) || json_array_size(a) != json_array_size(b)) {
        return a && b && json_equal(a, b);
    }
    for (size_t i = 0; i < json_array_size(a); i++) {
        if (!compare_same(json_array_get(a, i), json_array_get(b, i))) {
            return false;
        }
    }
    return true;
}

static Str brief(const json_t *v, Arena *arena) {
    if (is_nothing(v)) {
        return STR("(none)");
    }
    char *text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
    Str copy = arena_str(arena, str_from(text));
    free(text);
    return copy;
}

static void add_difference(const Out *out, Buf *buf, Str path, const json_t *a, const json_t *b, Arena *arena) {
    Str line;
    OutColor color = is_nothing(a) ? COLOR_GREEN : is_nothing(b) ? COLOR_RED : COLOR_YELLOW;
    if (is_nothing(a) || is_nothing(b)) {
        line = arena_printf(arena, "%c %" STR_FMT ": %" STR_FMT, is_nothing(a) ? '+' : '-', STR_ARG(path),
                            STR_ARG(brief(is_nothing(a) ? b : a, arena)));
    } else {
        line = arena_printf(arena, "~ %" STR_FMT ": %" STR_FMT " -> %" STR_FMT, STR_ARG(path), STR_ARG(brief(a, arena)),
                            STR_ARG(brief(b, arena)));
    }
    out_colored(out, buf, color, line);
    buf_add_char(buf, '\n');
}

static void compare_at(const Out *out, Buf *buf, Str path, const json_t *a, const json_t *b, Arena *arena);

/* Members of A beside B's. SWAP: A is the later side, and only what B lacks is looked at. */
static void compare_members(const Out *out, Buf *buf, Str path, const json_t *a, const json_t *b, bool swap, Arena *arena) {
    json_t *members = (json_t *)(uintptr_t)a;
    for (void *i = json_object_iter(members); i; i = json_object_iter_next(members, i)) {
        const char *key = json_object_iter_key(i);
        const json_t *mine = json_object_iter_value(i), *theirs = json_object_get(b, key);
        if (swap && theirs) {
            continue; /* seen from the other side already */
        }
        Str inner = ARENA_CONCAT(arena, path, path.len ? STR(".") : STR(""), str_from(key));
        compare_at(out, buf, inner, swap ? theirs : mine, swap ? mine : theirs, arena);
    }
}

static void compare_at(const Out *out, Buf *buf, Str path, const json_t *a, const json_t *b, Arena *arena) {
    if (compare_same(a, b)) {
        return;
    }
    if (json_is_object(a) && json_is_object(b)) {
        compare_members(out, buf, path, a, b, false, arena);
        compare_members(out, buf, path, b, a, true, arena);
        return;
    }
    if (!json_is_array(a) || !json_is_array(b)) {
        add_difference(out, buf, path, a, b, arena);
        return;
    }
    for (size_t i = 0; i < MAX(json_array_size(a), json_array_size(b)); i++) {
        Str inner = arena_printf(arena, "%" STR_FMT "[%zu]", STR_ARG(path), i);
        compare_at(out, buf, inner, json_array_get(a, i), json_array_get(b, i), arena);
    }
}

void compare_add(const Out *out, Buf *buf, const json_t *before, const json_t *after, Arena *arena) {
    compare_at(out, buf, STR(""), before, after, arena);
}
