/* Any bytes as type texts: the canonical text of what parses parses to the same type; comparing two never fails. Input: two
 * texts, one per line. */
#include "catalog/types.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
    if (!holds) {
        abort();
    }
}

/* Names that need back quotes lose them in the canonical text. */
static bool has_plain_names(Str text) { return !str_has_char(text, '`'); }

static void check_type(Arena *arena, Str text) {
    Err err;
    const Type *type, *again;
    if (!type_parse(arena, text, &type, &err)) {
        require(err.code == ERR_INVALID_TYPE || err.code == ERR_REQUEST_TOO_LARGE);
        return;
    }
    require(type_equal(type, type));
    if (has_plain_names(text)) {
        require(type_parse(arena, type_text(arena, type), &again, &err));
        require(type_equal(type, again));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    CLEANUP(arena_cleanup) Arena *arena = arena_new(64 << 20);
    Str rest = {(const char *)data, size}, a = STR(""), b = STR("");
    str_split(&rest, '\n', &a);
    str_split(&rest, '\n', &b);
    check_type(arena, a);
    check_type(arena, b);
    types_check_first_token(a);
    require(type_hive_compatible(a, a));
    for (TypeFormat format = FORMAT_UNKNOWN; format <= FORMAT_JSON; format++) {
        Str reason;
        TypeChange change = type_change_class(arena, a, b, format, &reason);
        require(change <= TYPE_CHANGE_BREAKING && reason.len > 0);
        require(type_change_class(arena, a, a, format, NULL) == TYPE_CHANGE_NONE);
    }
    return 0;
}
