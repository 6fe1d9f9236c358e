#include <yaml.h>

#include "cli/yaml.h"

enum { MAX_DEPTH = 100 };

typedef struct Reader {
    yaml_parser_t parser;
    const char *what;
    Arena *arena;
    unsigned depth;
} Reader;

static bool fail_at(const Reader *r, yaml_mark_t at, Err *err, const char *problem) {
    return err_set(err, ERR_INVALID_INPUT, "%s:%zu:%zu: %s.", r->what, at.line + 1, at.column + 1, problem);
}

static bool next_event(Reader *r, yaml_event_t *event, Err *err) {
    if (yaml_parser_parse(&r->parser, event)) {
        return true;
    }
    yaml_mark_t at = r->parser.problem_mark;
    if (r->parser.error == YAML_READER_ERROR) {
        return err_set(err, ERR_INVALID_INPUT, "%s: %s at byte %zu.", r->what, r->parser.problem, r->parser.problem_offset);
    }
    return fail_at(r, at, err, r->parser.problem ? r->parser.problem : "this is not YAML");
}

/* Members whose scalars are texts whatever they look like: `skip.header.line.count: 1` means "1". */
static bool holds_texts(const char *key) {
    static const char *const keys[] = {"parameters", "properties", "tags", "values", "bucket_columns"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (strcmp(key, keys[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_any(Str s, const char *const *words) {
    for (; *words; words++) {
        if (str_eq(s, str_from(*words))) {
            return true;
        }
    }
    return false;
}

static bool is_null_word(Str s) {
    static const char *const words[] = {"", "~", "null", "Null", "NULL", NULL};
    return is_any(s, words);
}

/* The core schema of YAML 1.2 (without octal and hexadecimal, which JSON's readers would not expect). */
static json_t *plain_value(Str s) {
    static const char *const yes[] = {"true", "True", "TRUE", NULL}, *const no[] = {"false", "False", "FALSE", NULL};
    int64_t number;
    double real;
    if (is_null_word(s)) {
        return json_null();
    }
    if (is_any(s, yes) || is_any(s, no)) {
        return json_boolean(is_any(s, yes));
    }
    bool starts_like_number = (s.ptr[0] >= '0' && s.ptr[0] <= '9') || ((s.ptr[0] == '-' || s.ptr[0] == '.') && s.len > 1);
    bool leading_zero = s.len > 1 && s.ptr[0] == '0' && s.ptr[1] >= '0' && s.ptr[1] <= '9';
    if (starts_like_number && !leading_zero && strspn(s.ptr, "0123456789+-.eE") == s.len) {
        if (str_to_i64(s, &number)) {
            return json_integer(number);
        }
        if (str_to_double(s, &real)) {
            return json_real(real);
        }
    }
    return json_stringn(s.ptr, s.len);
}

static bool scalar_value(Reader *r, const yaml_event_t *event, bool texts, json_t **ret, Err *err) {
    Str s = {(const char *)event->data.scalar.value, event->data.scalar.length};
    const char *tag = (const char *)event->data.scalar.tag;
    bool is_text_tag = tag && strcmp(tag, YAML_STR_TAG) == 0;
    if (tag && !is_text_tag && strcmp(tag, "!") != 0) {
        return fail_at(r, event->start_mark, err, "only the tag !!str is understood");
    }
    if (str_has_char(s, 0)) {
        return fail_at(r, event->start_mark, err, "a text has a NUL character");
    }
    bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !tag;
    json_t *value = plain && (!texts || is_null_word(s)) ? plain_value(s) : json_stringn(s.ptr, s.len);
    if (!value) {
        return fail_at(r, event->start_mark, err, "this text is not valid UTF-8");
    }
    *ret = value;
    return true;
}

static bool node_value(Reader *r, yaml_event_t *event, bool texts, json_t **ret, Err *err);

static bool read_value(Reader *r, bool texts, json_t **ret, Err *err) {
    yaml_event_t event;
    if (!next_event(r, &event, err)) {
        return false;
    }
    bool ok = node_value(r, &event, texts, ret, err);
    yaml_event_delete(&event);
    return ok;
}

static bool read_sequence(Reader *r, bool texts, json_t *list, Err *err) {
    for (;;) {
        yaml_event_t event;
        if (!next_event(r, &event, err)) {
            return false;
        }
        json_t *value = NULL;
        bool end = event.type == YAML_SEQUENCE_END_EVENT;
        bool ok = end || node_value(r, &event, texts, &value, err);
        yaml_event_delete(&event);
        if (end || !ok) {
            return ok;
        }
        json_array_append_new(list, value);
    }
}

static bool read_member(Reader *r, const yaml_event_t *key_event, bool texts, json_t *object, Err *err) {
    if (key_event->type != YAML_SCALAR_EVENT) {
        return fail_at(r, key_event->start_mark, err, "a key must be plain text");
    }
    const char *key = (const char *)key_event->data.scalar.value;
    if (strlen(key) != key_event->data.scalar.length || !utf8_valid(str_from(key))) {
        return fail_at(r, key_event->start_mark, err, "a key has a NUL character or is not valid UTF-8");
    }
    if (json_object_get(object, key)) {
        return fail_at(r, key_event->start_mark, err, "this key is there twice");
    }
    json_t *value;
    if (!read_value(r, texts || holds_texts(key), &value, err)) {
        return false;
    }
    json_object_set_new(object, key, value);
    return true;
}

static bool read_mapping(Reader *r, bool texts, json_t *object, Err *err) {
    for (;;) {
        yaml_event_t event;
        if (!next_event(r, &event, err)) {
            return false;
        }
        bool end = event.type == YAML_MAPPING_END_EVENT;
        bool ok = end || read_member(r, &event, texts, object, err);
        yaml_event_delete(&event);
        if (end || !ok) {
            return ok;
        }
    }
}

static bool read_container(Reader *r, const yaml_event_t *event, bool texts, json_t **ret, Err *err) {
    if (++r->depth > MAX_DEPTH) {
        return fail_at(r, event->start_mark, err, "this is nested too deep");
    }
    bool is_list = event->type == YAML_SEQUENCE_START_EVENT;
    json_t *value = is_list ? json_array() : json_object();
    bool ok = is_list ? read_sequence(r, texts, value, err) : read_mapping(r, texts, value, err);
    r->depth--;
    if (!ok) {
        json_decref(value);
        return false;
    }
    *ret = value;
    return true;
}

static bool node_value(Reader *r, yaml_event_t *event, bool texts, json_t **ret, Err *err) {
    if (event->type == YAML_ALIAS_EVENT) {
        return fail_at(r, event->start_mark, err, "aliases (*name) are not supported; write the value out");
    }
    if (event->type == YAML_SCALAR_EVENT) {
        return scalar_value(r, event, texts, ret, err);
    }
    return read_container(r, event, texts, ret, err);
}

static bool read_documents(Reader *r, json_t *documents, Err *err) {
    for (;;) {
        yaml_event_t event;
        if (!next_event(r, &event, err)) {
            return false;
        }
        yaml_event_type_t type = event.type;
        yaml_event_delete(&event);
        if (type == YAML_STREAM_END_EVENT) {
            return true;
        }
        if (type != YAML_DOCUMENT_START_EVENT) {
            continue;
        }
        json_t *value;
        if (!read_value(r, false, &value, err)) {
            return false;
        }
        if (json_is_null(value)) {
            json_decref(value);
        } else {
            json_array_append_new(documents, value);
        }
    }
}

static void decref_void(void *value) { json_decref(value); }

bool cli_yaml_read(Arena *arena, const char *what, Str text, json_t **ret, Err *err) {
    Reader r = {.what = what, .arena = arena};
    if (!yaml_parser_initialize(&r.parser)) {
        return err_set(err, ERR_INTERNAL, "There is no memory left to read %s.", what);
    }
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text.ptr, text.len);
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    json_t *documents = json_array();
    arena_defer(arena, decref_void, documents);
    bool ok = read_documents(&r, documents, err);
    yaml_parser_delete(&r.parser);
    if (ok) {
        *ret = documents;
    }
    return ok;
}
