#include <yaml.h>

#include "cli/yaml.h"

static int write_to_buf(void *arg, unsigned char *bytes, size_t count) {
    Buf *out = arg;
    buf_add_bytes(out, bytes, count);
    return !out->failed;
}

static bool is_word_of_yaml(Str s) {
    static const char *const words[] = {"null", "true", "false", "yes", "no", "on", "off", "y", "n", "~", "<<", "="};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (str_eq_nocase(s, str_from(words[i]))) {
            return true;
        }
    }
    return s.len == 0;
}

/* Whether a plain scalar could be read as something else than this text (by YAML 1.1 or 1.2). */
static bool is_ambiguous(Str s) {
    if (is_word_of_yaml(s) || str_has_char(s, '\n')) {
        return true;
    }
    /* Numbers, dates, times (1.1 reads 12:30 in base 60), .inf, .nan and what looks like the start of one. */
    return (s.ptr[0] >= '0' && s.ptr[0] <= '9') || s.ptr[0] == '.' || s.ptr[0] == '+' || s.ptr[0] == '-';
}

static bool emit(yaml_emitter_t *emitter, yaml_event_t *event) { return yaml_emitter_emit(emitter, event) != 0; }

static bool emit_text(yaml_emitter_t *emitter, Str s, bool plain) {
    yaml_event_t event;
    yaml_scalar_style_t style = plain ? YAML_PLAIN_SCALAR_STYLE : YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    return yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)s.ptr, (int)s.len, plain, 1, style) &&
           emit(emitter, &event);
}

static bool emit_number(yaml_emitter_t *emitter, const json_t *value) {
    char text[64];
    size_t n = json_dumpb(value, text, sizeof text, JSON_ENCODE_ANY);
    return n <= sizeof text && emit_text(emitter, (Str){text, n}, true);
}

static bool emit_value(yaml_emitter_t *emitter, const json_t *value);

static bool emit_object(yaml_emitter_t *emitter, const json_t *object) {
    yaml_event_t event;
    yaml_mapping_style_t style = json_object_size(object) ? YAML_BLOCK_MAPPING_STYLE : YAML_FLOW_MAPPING_STYLE;
    if (!yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, style) || !emit(emitter, &event)) {
        return false;
    }
    json_t *members = (json_t *)(uintptr_t)object;
    for (void *i = json_object_iter(members); i; i = json_object_iter_next(members, i)) {
        Str key = str_from(json_object_iter_key(i));
        if (!emit_text(emitter, key, !is_ambiguous(key)) || !emit_value(emitter, json_object_iter_value(i))) {
            return false;
        }
    }
    return yaml_mapping_end_event_initialize(&event) && emit(emitter, &event);
}

static bool emit_array(yaml_emitter_t *emitter, const json_t *array) {
    yaml_event_t event;
    yaml_sequence_style_t style = json_array_size(array) ? YAML_BLOCK_SEQUENCE_STYLE : YAML_FLOW_SEQUENCE_STYLE;
    if (!yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, style) || !emit(emitter, &event)) {
        return false;
    }
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (!emit_value(emitter, json_array_get(array, i))) {
            return false;
        }
    }
    return yaml_sequence_end_event_initialize(&event) && emit(emitter, &event);
}

static bool emit_value(yaml_emitter_t *emitter, const json_t *value) {
    switch (json_typeof(value)) {
        case JSON_OBJECT: return emit_object(emitter, value);
        case JSON_ARRAY: return emit_array(emitter, value);
        case JSON_STRING: {
            Str s = {json_string_value(value), json_string_length(value)};
            return emit_text(emitter, s, !is_ambiguous(s));
        }
        case JSON_INTEGER:
        case JSON_REAL: return emit_number(emitter, value);
        case JSON_TRUE: return emit_text(emitter, STR("true"), true);
        case JSON_FALSE: return emit_text(emitter, STR("false"), true);
        case JSON_NULL: break;
    }
    return emit_text(emitter, STR("null"), true);
}

static bool emit_stream(yaml_emitter_t *emitter, const json_t *value, bool start) {
    yaml_event_t event;
    return yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING) && emit(emitter, &event) &&
           yaml_document_start_event_initialize(&event, NULL, NULL, NULL, !start) && emit(emitter, &event) &&
           emit_value(emitter, value) && yaml_document_end_event_initialize(&event, 1) && emit(emitter, &event) &&
           yaml_stream_end_event_initialize(&event) && emit(emitter, &event);
}

bool cli_yaml_write(Buf *out, const json_t *value, bool start, Err *err) {
    yaml_emitter_t emitter;
    if (!yaml_emitter_initialize(&emitter)) {
        return err_set(err, ERR_INTERNAL, "There is no memory left to write YAML.");
    }
    yaml_emitter_set_output(&emitter, write_to_buf, out);
    yaml_emitter_set_unicode(&emitter, 1);
    yaml_emitter_set_width(&emitter, -1); /* folded lines would make diffs of exports jump */
    bool ok = emit_stream(&emitter, value, start);
    yaml_emitter_delete(&emitter);
    return ok || err_set(err, ERR_INTERNAL, "The YAML text could not be written.");
}
