#include "cli/describe.h"

#include "cli/text.h"

enum { MAX_TEXT = 256 * 1024 * 1024, STEP = 2, COLUMNS_MAX = 12 };

typedef struct Describer {
    const Out *out;
    Arena *arena;
    Buf *buf;
} Describer;

static void indent(Describer *d, size_t by) {
    for (size_t i = 0; i < by; i++) {
        buf_add_char(d->buf, ' ');
    }
}

/* Fills up from USED to WIDTH columns. */
static void pad(Describer *d, size_t used, size_t width) { indent(d, width > used ? width - used : 0); }

static bool is_empty(const json_t *v) {
    return !v || json_is_null(v) || (json_is_array(v) && json_array_size(v) == 0) ||
           (json_is_object(v) && json_object_size(v) == 0);
}

static bool is_list_of_scalars(const json_t *v) {
    for (size_t i = 0; i < json_array_size(v); i++) {
        const json_t *item = json_array_get(v, i);
        if (json_is_object(item) || json_is_array(item)) {
            return false;
        }
    }
    return true;
}

static bool is_line(const json_t *v) { return !json_is_object(v) && (!json_is_array(v) || is_list_of_scalars(v)); }

static void add_line_value(Describer *d, const json_t *v) {
    if (!json_is_array(v)) {
        cli_text_add_safe(d->buf, json_text(v, d->arena));
        return;
    }
    for (size_t i = 0; i < json_array_size(v); i++) {
        buf_add_cstr(d->buf, i ? ", " : "");
        cli_text_add_safe(d->buf, json_text(json_array_get(v, i), d->arena));
    }
}

/* The members that any of the items has with a value, in order of first appearance. */
static size_t columns_of(const json_t *list, const char *columns[COLUMNS_MAX]) {
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *item = json_array_get(list, i);
        for (void *it = json_object_iter(item); it; it = json_object_iter_next(item, it)) {
            bool known = is_empty(json_object_iter_value(it));
            for (size_t c = 0; c < count && !known; c++) {
                known = strcmp(columns[c], json_object_iter_key(it)) == 0;
            }
            if (!known && count < COLUMNS_MAX) {
                columns[count++] = json_object_iter_key(it);
            }
        }
    }
    return count;
}

static Str cell(Describer *d, const json_t *item, const char *column) {
    const json_t *v = json_object_get(item, column);
    if (is_empty(v)) {
        return STR("");
    }
    if (is_line(v) && !json_is_array(v)) {
        return json_text(v, d->arena);
    }
    char *text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
    Str copy = arena_str(d->arena, str_from(text));
    free(text);
    return copy;
}

static void describe_rows(Describer *d, const json_t *list, size_t depth) {
    const char *columns[COLUMNS_MAX];
    size_t count = columns_of(list, columns), widths[COLUMNS_MAX] = {0};
    for (size_t i = 0; i < json_array_size(list); i++) {
        for (size_t c = 0; c < count; c++) {
            widths[c] = MAX(widths[c], cli_text_width(cell(d, json_array_get(list, i), columns[c])));
        }
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        indent(d, depth);
        for (size_t c = 0; c < count; c++) {
            Str text = cell(d, json_array_get(list, i), columns[c]);
            cli_text_add_safe(d->buf, text);
            pad(d, cli_text_width(text), c + 1 < count ? widths[c] + 2 : 0);
        }
        while (d->buf->len && d->buf->ptr[d->buf->len - 1] == ' ') {
            d->buf->len--;
        }
        buf_add_char(d->buf, '\n');
    }
}

static void describe_members(Describer *d, const json_t *object, size_t depth);

static void describe_block(Describer *d, const json_t *v, size_t depth) {
    if (json_is_object(v)) {
        describe_members(d, v, depth);
    } else if (json_is_object(json_array_get(v, 0))) {
        describe_rows(d, v, depth);
    } else {
        for (size_t i = 0; i < json_array_size(v); i++) {
            indent(d, depth);
            add_line_value(d, json_array_get(v, i));
            buf_add_char(d->buf, '\n');
        }
    }
}

static void describe_members(Describer *d, const json_t *object, size_t depth) {
    json_t *members = (json_t *)(uintptr_t)object;
    size_t width = 0;
    for (void *i = json_object_iter(members); i; i = json_object_iter_next(members, i)) {
        width = MAX(width, cli_text_width(str_from(json_object_iter_key(i))));
    }
    for (void *i = json_object_iter(members); i; i = json_object_iter_next(members, i)) {
        const json_t *v = json_object_iter_value(i);
        Str key = str_from(json_object_iter_key(i));
        if (is_empty(v)) {
            continue;
        }
        indent(d, depth);
        out_colored(d->out, d->buf, COLOR_BOLD, key);
        if (is_line(v)) {
            pad(d, cli_text_width(key), width + 2);
            add_line_value(d, v);
            buf_add_char(d->buf, '\n');
        } else {
            buf_add_char(d->buf, '\n');
            describe_block(d, v, depth + STEP);
        }
    }
}

bool describe_object(Out *out, const json_t *object, Arena *arena, Err *err) {
    CLEANUP(buf_free) Buf buf = BUF_INIT(MAX_TEXT);
    Describer d = {out, arena, &buf};
    describe_members(&d, object, 0);
    return buf_check(&buf, "The description", err) && out_text(out, buf_str(&buf), err);
}
