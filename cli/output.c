#include "cli/output.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/json_reader.h"
#include "cli/describe.h"
#include "cli/names.h"
#include "cli/text.h"
#include "cli/yaml.h"

enum { BLOCK_ROWS = 1000, MAX_TEXT = 1024 * 1024 * 1024, NARROWEST = 8 };

static const char *const FORMATS[] = {[OUT_TABLE] = "table",   [OUT_WIDE] = "wide", [OUT_JSON] = "json", [OUT_YAML] = "yaml",
                                      [OUT_NDJSON] = "ndjson", [OUT_CSV] = "csv",   [OUT_NAME] = "name", NULL};

const char *const *out_formats(void) { return FORMATS; }

static size_t width_of_terminal(void) {
    struct winsize size;
    int64_t columns;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col) {
        return size.ws_col;
    }
    return str_to_i64(str_from(getenv("COLUMNS")), &columns) && columns > 0 ? (size_t)columns : 0;
}

static bool colors_wanted(void) {
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    return !(no_color && no_color[0]) && !(term && strcmp(term, "dumb") == 0);
}

bool out_setup(Out *out, Str format, bool no_color, bool no_headers, Err *err) {
    *out = (Out){.file = stdout, .headers = !no_headers, .terminal = isatty(STDOUT_FILENO)};
    out->color = out->terminal && !no_color && colors_wanted();
    out->terminal_width = out->terminal ? width_of_terminal() : 0;
    if (str_is_null(format)) {
        return true;
    }
    for (int i = 0; FORMATS[i]; i++) {
        if (str_eq(format, str_from(FORMATS[i]))) {
            out->format = (OutFormat)i;
            return true;
        }
    }
    return err_set(err, ERR_INVALID_INPUT,
                   "There is no output format '%" STR_FMT "'; there are table, wide, json, yaml, ndjson, csv and "
                   "name.",
                   STR_ARG(format));
}

bool out_is_for_people(const Out *out) { return out->format == OUT_TABLE || out->format == OUT_WIDE; }

bool out_text(Out *out, Str text, Err *err) {
    if (fwrite(text.ptr, 1, text.len, out->file) != text.len) {
        return err_set(err, ERR_INTERNAL, "The output cannot be written: %s.", strerror(errno));
    }
    return true;
}

bool out_flush(Out *out, Err *err) {
    return fflush(out->file) == 0 || err_set(err, ERR_INTERNAL, "The output cannot be written: %s.", strerror(errno));
}

void out_colored(const Out *out, Buf *buf, OutColor color, Str text) {
    static const char *const codes[] = {"", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m"};
    bool use = out->color && color != COLOR_NONE;
    buf_add_cstr(buf, use ? codes[color] : "");
    cli_text_add_safe(buf, text);
    buf_add_cstr(buf, use ? "\x1b[0m" : "");
}

const json_t *json_at(const json_t *object, const char *path) {
    Str rest = str_from(path), key;
    while (object && str_split(&rest, '.', &key)) {
        char name[128];
        snprintf(name, sizeof name, "%" STR_FMT, STR_ARG(key));
        object = json_object_get(object, name);
    }
    return json_is_null(object) ? NULL : object;
}

Str json_text(const json_t *v, Arena *arena) {
    if (json_is_string(v)) {
        return (Str){json_string_value(v), json_string_length(v)};
    }
    if (json_is_integer(v)) {
        return arena_printf(arena, "%" PRId64, (int64_t)json_integer_value(v));
    }
    if (json_is_real(v)) {
        return arena_printf(arena, "%.17g", json_real_value(v));
    }
    return json_is_boolean(v) ? str_from(json_is_true(v) ? "true" : "false") : STR_NULL;
}

Str json_member_text(const json_t *object, const char *path, Arena *arena) { return json_text(json_at(object, path), arena); }

/* A value of a cell: scalars, or a list of texts with commas. */
static Str cell_text(const Field *field, const json_t *item, Arena *arena) {
    if (field->text) {
        return field->text(item, arena);
    }
    const json_t *value = json_at(item, field->path);
    if (!json_is_array(value)) {
        return json_text(value, arena);
    }
    Str all = STR_NULL;
    for (size_t i = 0; i < json_array_size(value); i++) {
        Str one = json_text(json_array_get(value, i), arena);
        all = i ? ARENA_CONCAT(arena, all, STR(", "), one) : one;
    }
    return all;
}

void out_begin(Out *out, const View *view, Arena *arena) {
    size_t count = 0;
    while (view->fields[count].title) {
        count++;
    }
    out->view = view;
    out->rows_arena = arena_new(MAX_TEXT);
    out->fields = (const Field **)arena_array(arena, sizeof(Field *), count);
    out->field_count = out->row_count = out->shown = 0;
    for (size_t i = 0; i < count; i++) {
        if (!view->fields[i].wide || out->format == OUT_WIDE || out->format == OUT_CSV) {
            out->fields[out->field_count++] = &view->fields[i];
        }
    }
    out->widths = ARENA_ARRAY(arena, size_t, out->field_count);
    out->rows = ARENA_ARRAY(arena, Str, out->field_count * BLOCK_ROWS);
}

/* Shares what is left among the columns that are wider than their part, so that short ones stay whole. */
static void fit_widths(const Out *out, size_t *widths) {
    size_t room = out->terminal_width, gaps = 2 * (out->field_count - 1), total = 0;
    for (size_t i = 0; i < out->field_count; i++) {
        total += widths[i];
    }
    if (out->format != OUT_TABLE || room == 0 || total + gaps <= room) {
        return;
    }
    size_t excess = total + gaps - room;
    while (excess) {
        size_t widest = 0;
        for (size_t i = 1; i < out->field_count; i++) {
            widest = widths[i] > widths[widest] ? i : widest;
        }
        if (widths[widest] <= NARROWEST) {
            return;
        }
        widths[widest]--;
        excess--;
    }
}

static bool is_cut(const Out *out) { return out->format == OUT_TABLE && out->terminal_width; }

/* Where nothing is cut, one long text must not make every other row as long; rows beyond this are not aligned. */
static void cap_padding(const Out *out, size_t *widths) {
    enum { PADDING_MOST = 100 };
    for (size_t i = 0; i < out->field_count && !is_cut(out); i++) {
        widths[i] = MIN(widths[i], (size_t)PADDING_MOST);
    }
}

static void add_spaces(Buf *buf, size_t count) {
    for (size_t i = 0; i < count; i++) {
        buf_add_char(buf, ' ');
    }
}

static void add_row(const Out *out, Buf *buf, const Str *cells, const size_t *widths, bool is_header) {
    size_t owed = 0; /* spaces are written only before something, so that no line ends with them */
    for (size_t i = 0; i < out->field_count; i++) {
        CLEANUP(buf_free) Buf cell = BUF_INIT(MAX_TEXT);
        size_t used = cli_text_add_cut(&cell, cells[i], is_cut(out) ? widths[i] : 0);
        size_t pad = widths[i] > used ? widths[i] - used : 0;
        owed += out->fields[i]->right ? pad : 0;
        if (cell.len) {
            add_spaces(buf, owed);
            owed = 0;
            buf_add_cstr(buf, is_header && out->color ? "\x1b[1m" : "");
            buf_add(buf, buf_str(&cell));
            buf_add_cstr(buf, is_header && out->color ? "\x1b[0m" : "");
        }
        owed += 2 + (out->fields[i]->right ? 0 : pad);
    }
    buf_add_char(buf, '\n');
}

static void add_header(const Out *out, Buf *buf, const size_t *widths) {
    Str *titles = arena_array(out->rows_arena, sizeof(Str), out->field_count);
    for (size_t i = 0; i < out->field_count; i++) {
        titles[i] = str_from(out->fields[i]->title);
    }
    add_row(out, buf, titles, widths, true);
}

static bool print_block(Out *out, Err *err) {
    size_t *widths = out->widths;
    for (size_t i = 0; i < out->field_count; i++) {
        widths[i] = MAX(widths[i], out->headers ? strlen(out->fields[i]->title) : (size_t)0);
        for (size_t row = 0; row < out->row_count; row++) {
            widths[i] = MAX(widths[i], cli_text_width(out->rows[row * out->field_count + i]));
        }
    }
    CLEANUP(buf_free) Buf buf = BUF_INIT(MAX_TEXT);
    cap_padding(out, widths);
    fit_widths(out, widths);
    if (out->shown == 0 && out->row_count && out->headers) {
        add_header(out, &buf, widths);
    }
    for (size_t row = 0; row < out->row_count; row++) {
        add_row(out, &buf, &out->rows[row * out->field_count], widths, false);
    }
    out->shown += out->row_count;
    out->row_count = 0;
    arena_reset(out->rows_arena);
    return out_text(out, buf_str(&buf), err);
}

static bool table_item(Out *out, const json_t *item, Err *err) {
    for (size_t i = 0; i < out->field_count; i++) {
        Str text = cell_text(out->fields[i], item, out->rows_arena);
        out->rows[out->row_count * out->field_count + i] = arena_str(out->rows_arena, text);
    }
    return ++out->row_count < BLOCK_ROWS || print_block(out, err);
}

static void add_csv_cell(Buf *buf, Str s) {
    bool plain = true;
    for (size_t i = 0; i < s.len && plain; i++) {
        plain = !strchr(",\"\r\n", s.ptr[i]);
    }
    if (plain) {
        buf_add(buf, s);
        return;
    }
    buf_add_char(buf, '"');
    for (size_t i = 0; i < s.len; i++) {
        buf_add_cstr(buf, s.ptr[i] == '"' ? "\"" : "");
        buf_add_char(buf, s.ptr[i]);
    }
    buf_add_char(buf, '"');
}

static bool csv_row(Out *out, const json_t *item, Err *err) {
    CLEANUP(buf_free) Buf buf = BUF_INIT(MAX_TEXT), safe = BUF_INIT(MAX_TEXT);
    for (size_t i = 0; i < out->field_count; i++) {
        Str text = item ? cell_text(out->fields[i], item, out->rows_arena) : str_from(out->fields[i]->title);
        buf_add_cstr(&buf, i ? "," : "");
        if (out->terminal) {
            buf_clear(&safe);
            cli_text_add_safe(&safe, text);
            text = buf_str(&safe);
        }
        add_csv_cell(&buf, text);
    }
    buf_add_char(&buf, '\n');
    arena_reset(out->rows_arena);
    return out_text(out, buf_str(&buf), err);
}

static bool name_row(Out *out, const json_t *item, Err *err) {
    CLEANUP(buf_free) Buf name = BUF_INIT(MAX_TEXT), line = BUF_INIT(MAX_TEXT);
    for (size_t i = 0; i < ARRAY_LEN(out->view->names) && out->view->names[i]; i++) {
        Str part = json_member_text(item, out->view->names[i], out->rows_arena);
        if (!str_is_null(part)) {
            cli_name_add_part(&name, part);
        }
    }
    cli_text_add_safe(&line, buf_str(&name));
    buf_add_char(&line, '\n');
    arena_reset(out->rows_arena);
    return out_text(out, buf_str(&line), err);
}

static bool dump_json(Out *out, const json_t *value, size_t flags, Err *err) {
    char *text = json_dumps(value, flags | JSON_ENCODE_ANY);
    if (!text) {
        return err_set(err, ERR_INTERNAL, "The answer could not be written as JSON.");
    }
    CLEANUP(buf_free) Buf safe = BUF_INIT(MAX_TEXT);
    cli_text_add_safe_json(&safe, str_from(text));
    free(text);
    return out_text(out, buf_str(&safe), err);
}

static bool dump_yaml(Out *out, const json_t *value, bool start, Err *err) {
    CLEANUP(buf_free) Buf text = BUF_INIT(MAX_TEXT), safe = BUF_INIT(MAX_TEXT);
    if (!cli_yaml_write(&text, value, start, err)) {
        return false;
    }
    if (!out->terminal) {
        return out_text(out, buf_str(&text), err);
    }
    cli_text_add_safe_json(&safe, buf_str(&text)); /* \uXXXX is an escape of YAML's quoted texts, too */
    return out_text(out, buf_str(&safe), err);
}

bool out_document(Out *out, const json_t *value, bool start, Err *err) {
    if (out->format == OUT_JSON) {
        return dump_json(out, value, JSON_INDENT(2), err) && out_text(out, STR("\n"), err);
    }
    if (out->format == OUT_NDJSON) {
        return dump_json(out, value, JSON_COMPACT, err) && out_text(out, STR("\n"), err);
    }
    return dump_yaml(out, value, start, err);
}

static bool json_item(Out *out, const json_t *item, Err *err) {
    return out_text(out, out->shown++ ? STR(",\n") : STR("[\n"), err) && dump_json(out, item, JSON_INDENT(2), err);
}

static bool yaml_item(Out *out, const json_t *item, Err *err) {
    json_t *list = json_pack("[O]", item);
    bool ok = dump_yaml(out, list, false, err);
    json_decref(list);
    out->shown++;
    return ok;
}

bool out_item(Out *out, const json_t *item, Err *err) {
    switch (out->format) {
        case OUT_TABLE:
        case OUT_WIDE: return table_item(out, item, err);
        case OUT_JSON: return json_item(out, item, err);
        case OUT_YAML: return yaml_item(out, item, err);
        case OUT_NDJSON: return out_document(out, item, false, err);
        case OUT_NAME: return name_row(out, item, err);
        case OUT_CSV: break;
    }
    bool header = out->shown++ == 0 && out->headers;
    return (!header || csv_row(out, NULL, err)) && csv_row(out, item, err);
}

bool out_show(Out *out, Err *err) { return !out_is_for_people(out) || print_block(out, err); }

bool out_end(Out *out, Err *err) {
    bool ok = true;
    if (out_is_for_people(out)) {
        ok = print_block(out, err);
    } else if (out->format == OUT_JSON) {
        ok = out_text(out, out->shown ? STR("\n]\n") : STR("[]\n"), err);
    } else if (out->format == OUT_YAML && out->shown == 0) {
        ok = out_text(out, STR("[]\n"), err);
    } else if (out->format == OUT_CSV && out->shown == 0 && out->headers) {
        ok = csv_row(out, NULL, err);
    }
    arena_free(out->rows_arena);
    out->rows_arena = NULL;
    return ok;
}

bool out_object(Out *out, const View *view, const json_t *object, Arena *arena, Err *err) {
    if (out_is_for_people(out)) {
        return describe_object(out, object, arena, err);
    }
    if (out->format == OUT_CSV || out->format == OUT_NAME) {
        out_begin(out, view, arena);
        return out_item(out, object, err) && out_end(out, err);
    }
    return out_document(out, object, false, err);
}
