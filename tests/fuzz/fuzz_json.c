/* Whatever parses must be written so that it parses to the same again. */
#include "base/json_reader.h"
#include "base/json_writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_value(JsonWriter *w, json_t *value) {
    switch (json_typeof(value)) {
        case JSON_OBJECT: {
            jw_object_begin(w);
            for (void *i = json_object_iter(value); i; i = json_object_iter_next(value, i)) {
                jw_key(w, str_from(json_object_iter_key(i)));
                write_value(w, json_object_iter_value(i));
            }
            jw_object_end(w);
            break;
        }
        case JSON_ARRAY:
            jw_array_begin(w);
            for (size_t i = 0; i < json_array_size(value); i++) {
                write_value(w, json_array_get(value, i));
            }
            jw_array_end(w);
            break;
        case JSON_STRING: jw_str(w, (Str){json_string_value(value), json_string_length(value)}); break;
        case JSON_INTEGER: jw_i64(w, json_integer_value(value)); break;
        case JSON_REAL: jw_double(w, json_real_value(value)); break;
        case JSON_TRUE:
        case JSON_FALSE: jw_bool(w, json_is_true(value)); break;
        case JSON_NULL: jw_null(w); break;
    }
}

/* The typed readers, on every value: none may do more than refuse. */
static void read_value(const JsonAt *at, Arena *arena) {
    static const char *const known[] = {"name", "type", "parameters", NULL};
    Err err;
    Str text = STR_NULL;
    int64_t number = 0;
    double real = 0;
    bool flag = false;
    Micros time = 0;
    Params params = {0};
    StrList list = {0};
    const bool results[] = {
        jr_str(at, arena, &text, &err),    jr_i64(at, arena, -5, 1000, &number, &err),
        jr_double(at, arena, &real, &err), jr_bool(at, arena, &flag, &err),
        jr_time(at, arena, &time, &err),   jr_params(at, arena, &params, &err),
        jr_strs(at, arena, &list, &err),   jr_only_members(at, arena, known, &err),
    };
    bool ok = true;
    for (size_t i = 0; i < ARRAY_LEN(results); i++) {
        ok = ok && results[i];
    }
    if (!ok && !utf8_valid(str_from(err.message))) {
        abort();
    }
    for (size_t i = 0; json_is_array(at->value) && i < json_array_size(at->value); i++) {
        JsonAt item = jr_item(at, i);
        read_value(&item, arena);
    }
    JsonAt member = jr_member(at, "name");
    if (member.value) {
        read_value(&member, arena);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    CLEANUP(arena_cleanup) Arena *arena = arena_new(SIZE_MAX);
    CLEANUP(buf_free) Buf out = BUF_INIT(SIZE_MAX);
    Err err;
    json_t *value = NULL, *again = NULL;
    if (!jr_parse(arena, (Str){(const char *)data, size}, 64, &value, &err)) {
        if (err.code != ERR_INVALID_JSON || !utf8_valid(str_from(err.message))) {
            abort();
        }
        return 0;
    }
    JsonAt top = jr_top(value);
    read_value(&top, arena);
    JsonWriter w = jw_new(&out);
    write_value(&w, value);
    if (!jr_parse(arena, buf_str(&out), 64, &again, &err) || !json_equal(value, again)) {
        abort();
    }
    return 0;
}
