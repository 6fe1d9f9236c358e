#include "catalog/partname.h"

#include "base/buf.h"
#include "catalog/names.h"

static bool must_escape(unsigned char c) { return c < 0x20 || c == 0x7F || strchr("\"#%'*/:=?\\{[]^", c) != NULL; }

static void escape(Buf *buf, Str text) {
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (must_escape(c)) {
            buf_printf(buf, "%%%02X", c);
        } else {
            buf_add_char(buf, (char)c);
        }
    }
}

Str partname_escape_str(Arena *arena, Str text) {
    CLEANUP(buf_free) Buf buf = BUF_INIT(text.len * 3 + 1);
    escape(&buf, text);
    return arena_str(arena, buf_str(&buf));
}

static int hex_digit(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

Str partname_unescape(Arena *arena, Str text) {
    char *out = arena_alloc(arena, text.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        int high = text.ptr[i] == '%' && i + 2 < text.len ? hex_digit(text.ptr[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(text.ptr[i + 2]) : -1;
        if (low < 0) {
            out[len++] = text.ptr[i];
            continue;
        }
        len += utf8_encode((uint32_t)(high * 16 + low), out + len); /* at most 2 bytes for 3 */
        i += 2;
    }
    out[len] = 0;
    return (Str){out, len};
}

static bool check_values(StrList keys, StrList values, Err *err) {
    if (keys.count == 0) {
        return err_set(err, ERR_INVALID_PARTITION, "the table has no partition keys, so it cannot have partitions");
    }
    if (keys.count != values.count) {
        return err_set(err, ERR_INVALID_PARTITION,
                       "The number of partition keys do not match the number of partition values: %zu keys, %zu values", keys.count,
                       values.count);
    }
    for (size_t i = 0; i < values.count; i++) {
        if (!str_is_null(values.items[i]) && (!utf8_valid(values.items[i]) || str_has_char(values.items[i], 0))) {
            return err_set(err, ERR_INVALID_PARTITION,
                           "the value of partition key '%" STR_FMT "' is not valid UTF-8 text without NUL", STR_ARG(keys.items[i]));
        }
    }
    return true;
}

static void add_parts(Arena *arena, Buf *buf, StrList keys, StrList values, Str default_name) {
    if (str_is_null(default_name)) {
        default_name = DEFAULT_PARTITION_NAME;
    }
    for (size_t i = 0; i < values.count; i++) {
        if (i) {
            buf_add_char(buf, '/');
        }
        escape(buf, name_fold(arena, keys.items[i]));
        buf_add_char(buf, '=');
        escape(buf, partname_effective(values.items[i], default_name));
    }
}

bool partname_make(Arena *arena, StrList keys, StrList values, Str default_name, Str *ret, Err *err) {
    if (!check_values(keys, values, err)) {
        return false;
    }
    CLEANUP(buf_free) Buf buf = BUF_INIT(16u << 20);
    add_parts(arena, &buf, keys, values, default_name);
    if (buf.failed || buf.len > PARTITION_NAME_MAX_BYTES) {
        return err_set(err, ERR_INVALID_PARTITION,
                       "the partition name '%.100s...' has %zu bytes: at most %d are allowed, so use shorter values",
                       buf.len ? buf.ptr : "", buf.len, PARTITION_NAME_MAX_BYTES);
    }
    *ret = arena_str(arena, buf_str(&buf));
    return true;
}

void partname_range(Arena *arena, StrList keys, StrList values, Str default_name, Str *ret_low, Str *ret_high) {
    CLEANUP(buf_free) Buf buf = BUF_INIT(16u << 20);
    add_parts(arena, &buf, keys, values, default_name);
    if (values.count >= keys.count) {
        *ret_low = arena_str(arena, buf_str(&buf));
        *ret_high = STR_NULL;
        return;
    }
    *ret_low = ARENA_CONCAT(arena, buf_str(&buf), STR("/"));
    *ret_high = ARENA_CONCAT(arena, buf_str(&buf), STR("0")); /* '0' follows '/' */
}

static size_t count_parts(Str name) {
    size_t count = 0;
    Str part;
    while (str_split(&name, '/', &part)) {
        count += part.len > 0;
    }
    return count;
}

static bool refuse_nul(Str text, Err *err) {
    if (str_has_char(text, 0) || !utf8_valid(text)) {
        return err_set(err, ERR_INVALID_PARTITION, "a partition name holds a NUL character or invalid UTF-8");
    }
    return true;
}

/* All parts; key null where there was no '='. */
static bool parse_parts(Arena *arena, Str name, Param **ret, size_t *ret_count, Err *err) {
    size_t count = 0;
    Param *parts = ARENA_ARRAY(arena, Param, MAX(count_parts(name), (size_t)1));
    Str part;
    while (str_split(&name, '/', &part)) {
        if (part.len == 0) {
            continue;
        }
        size_t equals = str_find_char(part, '=');
        Param *p = &parts[count++];
        p->key = equals == SIZE_MAX ? STR_NULL : partname_unescape(arena, str_slice(part, 0, equals));
        p->value = equals == SIZE_MAX ? part : partname_unescape(arena, str_skip(part, equals + 1));
        if (!refuse_nul(p->value, err) || !refuse_nul(p->key, err) || !arena_check(arena, err)) {
            return false;
        }
    }
    *ret = parts;
    *ret_count = count;
    return true;
}

bool partname_to_spec(Arena *arena, Str name, Param **ret, size_t *ret_count, Err *err) {
    size_t count, kept = 0;
    Param *parts;
    if (!parse_parts(arena, name, &parts, &count, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!str_is_null(parts[i].key)) {
            parts[kept++] = parts[i];
        }
    }
    *ret = parts;
    *ret_count = kept;
    return true;
}

bool partname_to_values(Arena *arena, Str name, StrList *ret, Err *err) {
    size_t count;
    Param *parts;
    if (!parse_parts(arena, name, &parts, &count, err)) {
        return false;
    }
    StrList values = {ARENA_ARRAY(arena, Str, MAX(count, (size_t)1)), count};
    for (size_t i = 0; i < count; i++) {
        if (str_is_null(parts[i].key)) {
            return err_set(err, ERR_INVALID_PARTITION, "Unexpected component %" STR_FMT ": write key=value/key=value",
                           STR_ARG(parts[i].value));
        }
        values.items[i] = parts[i].value;
    }
    *ret = values;
    return true;
}

bool partname_to_key_values(Arena *arena, Str name, StrList keys, StrList *ret, Err *err) {
    size_t count;
    Param *parts;
    if (!partname_to_spec(arena, name, &parts, &count, err)) {
        return false;
    }
    StrList values = {ARENA_ARRAY(arena, Str, MAX(keys.count, (size_t)1)), keys.count};
    for (size_t k = 0; k < keys.count; k++) {
        for (size_t i = 0; i < count && str_is_null(values.items[k]); i++) {
            if (name_same(parts[i].key, keys.items[k])) {
                values.items[k] = parts[i].value;
            }
        }
        if (str_is_null(values.items[k])) {
            return err_set(err, ERR_PARTITION_NOT_FOUND, "incomplete partition name - missing %" STR_FMT, STR_ARG(keys.items[k]));
        }
    }
    *ret = values;
    return true;
}
