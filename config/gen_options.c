/* gen_options OPTIONS.yaml --header H --source C --example Y --reference M
 *
 * Reads config/options.yaml and writes what follows from it: the struct Config, the table of options that the loader works
 * by, an annotated example file and the reference page. A file that would not change is left alone. */
#include <ctype.h>
#include <yaml.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json_reader.h"

enum { MOST_OPTIONS = 500, MOST_SECTIONS = 100, MOST_DEPTH = 4, OUTPUT_MAX = 4 << 20, WRAP = 100 };

typedef struct Section {
    const char *name, *doc;
} Section;

typedef struct Row {
    const char *key, *type, *items, *text, *unit, *env, *flag, *secret, *doc;
    const char *low, *high;
    const char **values; /* NULL-ended */
    bool forever, reload;
    size_t line;
} Row;

typedef struct Model {
    const char *path;
    Arena *arena;
    yaml_document_t document;
    Section sections[MOST_SECTIONS];
    Row rows[MOST_OPTIONS];
    size_t section_count, row_count;
} Model;

static Model model;

/* ---- reading ------------------------------------------------------------------------------------------------------- */

static NORETURN void fail(size_t line, const char *what, const char *name) {
    fprintf(stderr, "%s:%zu: %s: %s\n", model.path, line, name, what);
    exit(1);
}

static size_t line_of(const yaml_node_t *node) { return node->start_mark.line + 1; }

static const char *scalar(const yaml_node_t *node, const char *what) {
    if (node->type != YAML_SCALAR_NODE) {
        fail(line_of(node), "takes a single value", what);
    }
    return arena_cstr(model.arena, (Str){(const char *)node->data.scalar.value, node->data.scalar.length});
}

static bool yes_no(const yaml_node_t *node, const char *what) {
    const char *text = scalar(node, what);
    if (strcmp(text, "yes") != 0 && strcmp(text, "no") != 0) {
        fail(line_of(node), "is yes or no", what);
    }
    return text[0] == 'y';
}

static const char **list(const yaml_node_t *node, const char *what) {
    if (node->type != YAML_SEQUENCE_NODE) {
        fail(line_of(node), "takes a list", what);
    }
    size_t count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    const char **items = ARENA_ARRAY(model.arena, const char *, count + 1);
    for (size_t i = 0; i < count; i++) {
        items[i] = scalar(yaml_document_get_node(&model.document, node->data.sequence.items.start[i]), what);
    }
    return items;
}

static void read_range(Row *row, const yaml_node_t *node) {
    const char **range = list(node, "range");
    if (!range[0] || !range[1] || range[2]) {
        fail(line_of(node), "takes two values, [least, most]", "range");
    }
    row->low = range[0];
    row->high = range[1];
}

static void read_member(Row *row, const char *name, const yaml_node_t *value) {
    const struct {
        const char *name;
        const char **target;
    } texts[] = {{"type", &row->type}, {"items", &row->items}, {"default", &row->text}, {"unit", &row->unit},
                 {"env", &row->env},   {"flag", &row->flag},   {"doc", &row->doc},      {"secret", &row->secret}};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (strcmp(name, texts[i].name) == 0) {
            *texts[i].target = scalar(value, name);
            return;
        }
    }
    if (strcmp(name, "range") == 0) {
        read_range(row, value);
    } else if (strcmp(name, "values") == 0) {
        row->values = list(value, name);
    } else if (strcmp(name, "forever") == 0) {
        row->forever = yes_no(value, name);
    } else if (strcmp(name, "reload") == 0) {
        row->reload = yes_no(value, name);
    } else {
        fail(line_of(value), "no such member", name);
    }
}

static const char *default_env(const char *key) {
    Str text = arena_printf(model.arena, "PROPOLIS_%s", key);
    char *p = (char *)(uintptr_t)text.ptr; /* our own fresh copy */
    for (; *p; p++) {
        *p = *p == '.' ? '_' : (char)toupper((unsigned char)*p);
    }
    return text.ptr;
}

static bool one_of(const char *text, const char *const *known) {
    for (; *known; known++) {
        if (strcmp(text, *known) == 0) {
            return true;
        }
    }
    return false;
}

static void check_row(const Row *row) {
    static const char *const types[] = {"string", "int", "bool", "duration", "size", "enum", "list", "port", "path", "uri", NULL};
    static const char *const items[] = {"string", "path", "uri", NULL};
    static const char *const secrets[] = {"no", "yes", "password", NULL};
    if (!row->type || !one_of(row->type, types)) {
        fail(row->line, "needs a type out of the list at the top", row->key);
    }
    bool is_enum = strcmp(row->type, "enum") == 0, is_list = strcmp(row->type, "list") == 0;
    if (is_enum != (row->values != NULL) || is_list != (row->items != NULL)) {
        fail(row->line, "an enum, and nothing else, has values; a list, and nothing else, has items", row->key);
    }
    if (is_enum && row->text && !one_of(row->text, row->values)) {
        fail(row->line, "its default is none of its values", row->key);
    }
    if (is_list && !one_of(row->items, items)) {
        fail(row->line, "items are string, path or uri", row->key);
    }
    if (!one_of(row->secret, secrets)) {
        fail(row->line, "secret is yes, no or password", row->key);
    }
    if (row->forever && strcmp(row->type, "duration") != 0) {
        fail(row->line, "only a duration can be forever", row->key);
    }
    if (!row->text || !row->doc) {
        fail(row->line, "needs a default and a doc", row->key);
    }
}

static void check_placeholders(const Row *row) {
    Str rest = str_from(row->text);
    for (size_t open; (open = str_find_char(rest, '<')) != SIZE_MAX;) {
        rest = str_skip(rest, open + 1);
        Str name = str_slice(rest, 0, str_find_char(rest, '>'));
        bool found = false;
        for (const Row *earlier = model.rows; earlier < row; earlier++) {
            found |= str_eq(name, str_from(earlier->key));
        }
        if (!found) {
            fail(row->line, "the default names an option that does not stand further up", row->key);
        }
    }
}

static void check_unique(const Row *row) {
    for (const Row *other = model.rows; other < row; other++) {
        bool same_flag = other->flag && row->flag && strcmp(other->flag, row->flag) == 0;
        if (strcmp(other->key, row->key) == 0 || strcmp(other->env, row->env) == 0 || same_flag) {
            fail(row->line, "the key, its name in the environment or its flag is there already", row->key);
        }
    }
}

static void read_row(const char *key, const yaml_node_t *node) {
    if (model.row_count == MOST_OPTIONS || node->type != YAML_MAPPING_NODE) {
        fail(line_of(node), "one option too many, or not a mapping", key);
    }
    Row *row = &model.rows[model.row_count];
    *row = (Row){.key = key, .secret = "no", .env = default_env(key), .line = line_of(node)};
    for (const yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top; p++) {
        read_member(row, scalar(yaml_document_get_node(&model.document, p->key), key),
                    yaml_document_get_node(&model.document, p->value));
    }
    check_row(row);
    check_placeholders(row);
    check_unique(row);
    model.row_count++;
}

static void read_section(const char *name, const yaml_node_t *node) {
    if (model.section_count == MOST_SECTIONS) {
        fail(line_of(node), "one section too many", name);
    }
    model.sections[model.section_count++] = (Section){name, scalar(node, name)};
}

static void read_part(const char *name, void (*read)(const char *, const yaml_node_t *)) {
    const yaml_node_t *top = yaml_document_get_root_node(&model.document);
    for (const yaml_node_pair_t *p = top->data.mapping.pairs.start; p < top->data.mapping.pairs.top; p++) {
        const yaml_node_t *part = yaml_document_get_node(&model.document, p->value);
        if (strcmp(scalar(yaml_document_get_node(&model.document, p->key), name), name) != 0) {
            continue;
        }
        if (part->type != YAML_MAPPING_NODE) {
            fail(line_of(part), "is a mapping", name);
        }
        for (const yaml_node_pair_t *q = part->data.mapping.pairs.start; q < part->data.mapping.pairs.top; q++) {
            read(scalar(yaml_document_get_node(&model.document, q->key), name), yaml_document_get_node(&model.document, q->value));
        }
        return;
    }
    fail(1, "is missing", name);
}

static void read_model(void) {
    FILE *file CLEANUP(cleanup_fclose) = fopen(model.path, "rb");
    yaml_parser_t parser;
    if (!file || !yaml_parser_initialize(&parser)) {
        fail(0, "cannot be read", model.path);
    }
    yaml_parser_set_input_file(&parser, file);
    if (!yaml_parser_load(&parser, &model.document)) {
        fail(parser.problem_mark.line + 1, parser.problem ? parser.problem : "is not YAML", model.path);
    }
    const yaml_node_t *top = yaml_document_get_root_node(&model.document);
    if (!top || top->type != YAML_MAPPING_NODE) {
        fail(1, "is a mapping", "the file");
    }
    read_part("sections", read_section);
    read_part("options", read_row);
    yaml_document_delete(&model.document);
    yaml_parser_delete(&parser);
}

/* ---- sections ------------------------------------------------------------------------------------------------------ */

static Str section_of(const char *key) {
    size_t dot = str_rfind_char(str_from(key), '.');
    return dot == SIZE_MAX ? STR("") : (Str){key, dot};
}

static const char *last_part(const char *key) { return key + (section_of(key).len ? section_of(key).len + 1 : 0); }

static const Section *section_find(Str name) {
    for (size_t i = 0; i < model.section_count; i++) {
        if (str_eq(name, str_from(model.sections[i].name))) {
            return &model.sections[i];
        }
    }
    fprintf(stderr, "%s: the section \"%" STR_FMT "\" has no text under \"sections\"\n", model.path, STR_ARG(name));
    exit(1);
}

static size_t parts_of(Str name, Str parts[MOST_DEPTH]) {
    size_t count = 0;
    Str rest = name, part;
    while (name.len && count < MOST_DEPTH && str_split(&rest, '.', &part)) {
        parts[count++] = part;
    }
    return count;
}

/* Calls CLOSE and OPEN for the sections that end and begin between two neighbours. */
static void walk_sections(Str from, Str to, Buf *out, void (*open)(Buf *, size_t, Str, Str), void (*close)(Buf *, size_t, Str)) {
    Str before[MOST_DEPTH], after[MOST_DEPTH];
    size_t had = parts_of(from, before), has = parts_of(to, after), same = 0;
    while (same < had && same < has && str_eq(before[same], after[same])) {
        same++;
    }
    for (size_t i = had; i > same && close; i--) {
        close(out, i - 1, before[i - 1]);
    }
    for (size_t i = same; i < has; i++) {
        open(out, i, after[i], (Str){to.ptr, (size_t)(after[i].ptr + after[i].len - to.ptr)});
    }
}

/* A section that is left and entered again would become two members of one name. */
static void check_sections(void) {
    for (size_t i = 0; i < model.row_count; i++) {
        Str mine = section_of(model.rows[i].key), parts[MOST_DEPTH];
        if (parts_of(mine, parts) == MOST_DEPTH) {
            fail(model.rows[i].line, "is nested too deep", model.rows[i].key);
        }
        for (size_t j = 0; j + 1 < i && mine.len; j++) {
            if (str_eq(section_of(model.rows[j].key), mine) && !str_starts(section_of(model.rows[i - 1].key), mine)) {
                fail(model.rows[i].line, "stands apart from the rest of its section", model.rows[i].key);
            }
        }
    }
}

/* ---- text helpers -------------------------------------------------------------------------------------------------- */

static void indent(Buf *out, size_t levels, const char *more) {
    for (size_t i = 0; i < levels; i++) {
        buf_add_cstr(out, more);
    }
}

static void c_string(Buf *out, const char *text) {
    if (!text) {
        buf_add_cstr(out, "NULL");
        return;
    }
    buf_add_char(out, '"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') {
            buf_add_char(out, '\\');
        }
        if (*text == '\n') {
            buf_add_cstr(out, "\\n");
        } else {
            buf_add_char(out, *text);
        }
    }
    buf_add_char(out, '"');
}

/* "http.port" as HTTP_PORT (upper) or HttpPort. */
static void identifier(Buf *out, const char *key, bool upper) {
    bool start = true;
    for (; *key; key++) {
        if (*key == '.' || *key == '_' || *key == '-') {
            start = true;
            if (upper) {
                buf_add_char(out, '_');
            }
        } else {
            buf_add_char(out, upper || start ? (char)toupper((unsigned char)*key) : *key);
            start = false;
        }
    }
}

/* The default as it stands in a YAML file. */
static void yaml_default(Buf *out, const Row *row) {
    bool is_list = strcmp(row->type, "list") == 0;
    if (is_list) {
        buf_printf(out, "[%s%s%s]", row->text[0] ? "\"" : "", row->text, row->text[0] ? "\"" : "");
    } else if (!row->text[0] || strpbrk(row->text, "<>#: ")) {
        buf_printf(out, "\"%s\"", row->text);
    } else {
        buf_add_cstr(out, row->text);
    }
}

static void type_text(Buf *out, const Row *row) {
    if (row->values) {
        for (size_t i = 0; row->values[i]; i++) {
            buf_printf(out, "%s%s", i ? " | " : "", row->values[i]);
        }
        return;
    }
    const bool is_text = strcmp(row->type, "string") == 0 || strcmp(row->type, "path") == 0 || strcmp(row->type, "uri") == 0;
    if (row->items) {
        buf_printf(out, "list of %s", row->items);
    } else {
        buf_add_cstr(out, row->type);
    }
    if (row->low && is_text && strcmp(row->low, "0") == 0) {
        buf_printf(out, ", at most %s bytes", row->high);
    } else if (row->low) {
        buf_printf(out, ", %s to %s%s", row->low, row->high, is_text ? " bytes" : "");
    } else if (strcmp(row->type, "port") == 0) {
        buf_add_cstr(out, ", 0 to 65535");
    }
    if (row->unit) {
        buf_printf(out, " %s", row->unit);
    }
    if (row->forever) {
        buf_add_cstr(out, ", or forever");
    }
}

/* ---- the header ---------------------------------------------------------------------------------------------------- */

static const char NOTICE[] = "Made by gen_options from config/options.yaml: do not edit.";

static void header_enum(Buf *out, const Row *row) {
    buf_add_cstr(out, "typedef enum Config");
    identifier(out, row->key, false);
    buf_add_cstr(out, " {\n");
    for (size_t i = 0; row->values[i]; i++) {
        buf_add_cstr(out, "    CONFIG_");
        identifier(out, row->key, true);
        buf_add_char(out, '_');
        identifier(out, row->values[i], true);
        buf_add_cstr(out, ",\n");
    }
    buf_add_cstr(out, "} Config");
    identifier(out, row->key, false);
    buf_add_cstr(out, ";\n\n");
}

static void header_open(Buf *out, size_t depth, Str name, Str full) {
    (void)name;
    (void)full;
    indent(out, depth + 1, "    ");
    buf_add_cstr(out, "struct {\n");
}

static void header_close(Buf *out, size_t depth, Str name) {
    indent(out, depth + 1, "    ");
    buf_printf(out, "} %" STR_FMT ";\n", STR_ARG(name));
}

static void header_member(Buf *out, const Row *row) {
    static const struct {
        const char *type, *c, *comment;
    } C_TYPES[] = {
        {"string", "Str", NULL},      {"path", "Str", "absolute"}, {"uri", "Str", NULL},
        {"bool", "bool", NULL},       {"int", "int64_t", NULL},    {"port", "int64_t", NULL},
        {"size", "int64_t", "bytes"}, {"list", "StrList", NULL},   {"duration", "int64_t", "milliseconds"},
    };
    Str parts[MOST_DEPTH];
    indent(out, parts_of(section_of(row->key), parts) + 1, "    ");
    const char *comment = row->forever ? "milliseconds, or CONFIG_FOREVER" : row->unit;
    if (row->values) {
        buf_add_cstr(out, "Config");
        identifier(out, row->key, false);
    }
    for (size_t i = 0; i < ARRAY_LEN(C_TYPES); i++) {
        if (strcmp(C_TYPES[i].type, row->type) == 0) {
            buf_add_cstr(out, C_TYPES[i].c);
            comment = comment ? comment : C_TYPES[i].comment;
        }
    }
    buf_printf(out, " %s;", last_part(row->key));
    if (comment) {
        buf_printf(out, " /* %s */", comment);
    }
    buf_add_char(out, '\n');
}

static void write_header(Buf *out) {
    buf_printf(out, "/* %s */\n#ifndef PROPOLIS_OPTIONS_AUTO_H\n#define PROPOLIS_OPTIONS_AUTO_H\n\n#include \"base/str.h\"\n\n",
               NOTICE);
    buf_printf(out, "#define CONFIG_FOREVER (-1)\n\nenum { CONFIG_OPTION_COUNT = %zu };\n\n", model.row_count);
    for (size_t i = 0; i < model.row_count; i++) {
        if (model.rows[i].values) {
            header_enum(out, &model.rows[i]);
        }
    }
    buf_add_cstr(out, "typedef struct Config {\n    struct ConfigState *state; /* where each value came from; config.c only */\n");
    Str section = STR("");
    for (size_t i = 0; i < model.row_count; i++) {
        walk_sections(section, section_of(model.rows[i].key), out, header_open, header_close);
        section = section_of(model.rows[i].key);
        header_member(out, &model.rows[i]);
    }
    walk_sections(section, STR(""), out, header_open, header_close);
    buf_add_cstr(out, "} Config;\n\n#endif\n");
}

/* ---- the table ----------------------------------------------------------------------------------------------------- */

static void source_text(Buf *out, const char *member, const char *text) {
    if (text) {
        buf_printf(out, "     .%s = ", member);
        c_string(out, text);
        buf_add_cstr(out, ",\n");
    }
}

static void type_name(Buf *out, const char *member, const char *type) {
    if (type) {
        buf_printf(out, "     .%s = CONFIG_", member);
        identifier(out, type, true);
        buf_add_cstr(out, ",\n");
    }
}

static void source_row(Buf *out, const Row *row) {
    buf_add_cstr(out, "    {.key = ");
    c_string(out, row->key);
    buf_add_cstr(out, ",\n");
    type_name(out, "type", row->type);
    type_name(out, "items", row->items);
    source_text(out, "default_text", row->text);
    source_text(out, "low", row->low);
    source_text(out, "high", row->high);
    source_text(out, "unit", row->unit);
    if (row->values) {
        buf_add_cstr(out, "     .values = (const char *const[]){");
        for (size_t i = 0; row->values[i]; i++) {
            c_string(out, row->values[i]);
            buf_add_cstr(out, ", ");
        }
        buf_add_cstr(out, "NULL},\n");
    }
    source_text(out, "env", row->env);
    source_text(out, "flag", row->flag);
    const char *secret = strcmp(row->secret, "no") == 0 ? "SHOWN" : strcmp(row->secret, "yes") == 0 ? "SECRET" : "HAS_PASSWORD";
    buf_printf(out, "     .forever = %s,\n     .reload = %s,\n     .secret = CONFIG_%s,\n", row->forever ? "true" : "false",
               row->reload ? "true" : "false", secret);
    source_text(out, "doc", row->doc);
    buf_printf(out, "     .offset = offsetof(Config, %s)},\n", row->key);
}

static void write_source(Buf *out) {
    buf_printf(out, "/* %s */\n#include \"base/base.h\"\n\n#include \"config/option.h\"\n\n", NOTICE);
    buf_add_cstr(out, "const ConfigOption config_options[CONFIG_OPTION_COUNT] = {\n");
    for (size_t i = 0; i < model.row_count; i++) {
        source_row(out, &model.rows[i]);
    }
    buf_add_cstr(out, "};\n\nconst char *const config_names[] = {\n");
    for (size_t i = 0; i < model.row_count; i++) {
        buf_printf(out, "    \"%s\",\n", model.rows[i].key);
    }
    for (size_t i = 0; i < model.section_count; i++) {
        buf_printf(out, "    \"%s\",\n", model.sections[i].name);
    }
    buf_add_cstr(out, "    NULL,\n};\n");
}

/* ---- the example --------------------------------------------------------------------------------------------------- */

static void example_comment(Buf *out, size_t depth, const char *text) {
    Str rest = str_from(text), word;
    size_t column = 0;
    while (str_split(&rest, ' ', &word)) {
        if (column && column + 1 + word.len > WRAP) {
            buf_add_char(out, '\n');
            column = 0;
        }
        indent(out, column ? 0 : depth, "  ");
        buf_add_cstr(out, column ? " " : "# ");
        buf_add(out, word);
        column += word.len + 1;
    }
    buf_add_char(out, '\n');
}

static void example_open(Buf *out, size_t depth, Str name, Str full) {
    buf_add_char(out, '\n');
    example_comment(out, depth, section_find(full)->doc);
    indent(out, depth, "  ");
    buf_printf(out, "%" STR_FMT ":\n", STR_ARG(name));
}

static void example_row(Buf *out, const Row *row) {
    Str parts[MOST_DEPTH];
    size_t depth = parts_of(section_of(row->key), parts);
    buf_add_char(out, '\n');
    example_comment(out, depth, row->doc);
    indent(out, depth, "  ");
    buf_add_cstr(out, "# (");
    type_text(out, row);
    buf_printf(out, "%s)\n", row->reload ? "; SIGHUP brings a new value into force" : "");
    indent(out, depth, "  ");
    buf_printf(out, "#%s: ", last_part(row->key));
    yaml_default(out, row);
    buf_add_char(out, '\n');
}

static void write_example(Buf *out) {
    buf_add_cstr(
        out, "# Propolis: every option, commented out at its default. Made by gen_options from config/options.yaml.\n"
             "#\n"
             "# propolis serve --config FILE reads such a file. What stands in the environment goes before the file, and a flag\n"
             "# on the command line before both. Durations: 250ms 30s 5m 12h 7d; sizes: 512B 64KiB 32MiB 10MB. <data_dir> and\n"
             "# <warehouse> in a path stand for the value of that option.\n");
    Str section = STR("");
    for (size_t i = 0; i < model.row_count; i++) {
        walk_sections(section, section_of(model.rows[i].key), out, example_open, NULL);
        section = section_of(model.rows[i].key);
        example_row(out, &model.rows[i]);
    }
}

/* ---- the reference page -------------------------------------------------------------------------------------------- */

static void reference_open(Buf *out, size_t depth, Str name, Str full) {
    (void)depth;
    (void)name;
    buf_printf(out, "## %" STR_FMT "\n\n%s\n\n", STR_ARG(full), section_find(full)->doc);
}

static void reference_row(Buf *out, const Row *row) {
    buf_printf(out, "### `%s`\n\n%s\n\n- Type: ", row->key, row->doc);
    type_text(out, row);
    buf_add_cstr(out, "\n- Default: `");
    yaml_default(out, row);
    buf_printf(out, "`\n- Environment: `%s`\n", row->env);
    if (row->flag) {
        buf_printf(out, "- Flag: `--%s`\n", row->flag);
    }
    buf_printf(out, "- Reload: %s\n", row->reload ? "yes, on SIGHUP" : "no, needs a restart");
    if (strcmp(row->secret, "yes") == 0) {
        buf_add_cstr(
            out, "- Secret: never shown and refused on the command line. `file:PATH` reads it from the first line of a file.\n");
    } else if (strcmp(row->secret, "password") == 0) {
        buf_add_cstr(out, "- Secret: shown without its password.\n");
    }
    buf_add_char(out, '\n');
}

static const char REFERENCE_INTRO[] =
    "# Configuration\n\n"
    "<!-- Made by gen_options from config/options.yaml: do not edit. -->\n\n"
    "Every option has a default, so `propolis serve` needs no configuration. A value is taken from the last of these that\n"
    "gives one:\n\n"
    "1. the default,\n"
    "2. the file named by `--config FILE` or, without that, by the environment variable `PROPOLIS_CONFIG`,\n"
    "3. the environment: `PROPOLIS_` and the key in capitals, dots as underscores (`http.port` is `PROPOLIS_HTTP_PORT`);\n"
    "   an empty variable counts as not set,\n"
    "4. the command line: `--http-port 8181` or `--http-port=8181` for the few options that have a flag, and\n"
    "   `--set http.workers=16` for all of them. Of a flag given twice the last counts.\n\n"
    "An unknown key, a wrong type or a value out of range stops the start. The message names the file, line and column (or the\n"
    "variable or flag), says what is wrong and what would be right, and all mistakes are told at once. `config/propolis.yaml` is\n"
    "an example file with every option at its default.\n\n"
    "## How values are written\n\n"
    "| type | examples | notes |\n|---|---|---|\n"
    "| duration | `250ms` `30s` `5m` `12h` `7d` | a plain number means seconds; some options know `forever` |\n"
    "| size | `512B` `64KiB` `32MiB` `1GiB` `10MB` | KiB is 1024 bytes, KB is 1000; a plain number means bytes |\n"
    "| bool | `true` `false` | also yes, no, on, off |\n"
    "| port | `8181` `0` | 0 means a free one or none, as the option says |\n"
    "| path | `/srv/propolis` `data` | a relative path counts from the directory the server is started in |\n"
    "| uri | `s3://bucket/dir` `/srv/warehouse` | a plain path means a local directory |\n"
    "| list | `[a, b]` | in the environment and on the command line: `a,b` |\n\n"
    "In paths and uris `<data_dir>` and `<warehouse>` stand for the value of that option.\n\n"
    "YAML anchors, aliases, tags and several documents in one file are refused. A key may be written nested or with dots.\n\n"
    "On SIGHUP the server reads its sources again, takes over the options marked \"Reload: yes\" and logs which others have\n"
    "changed and need a restart. If anything is wrong, nothing changes.\n\n";

static void reference_overview(Buf *out) {
    buf_add_cstr(out, "## All options\n\n| key | type | default | flag | reload |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < model.row_count; i++) {
        const Row *row = &model.rows[i];
        Str anchor_dots = str_from(row->key);
        buf_printf(out, "| [%s](#", row->key);
        for (size_t j = 0; j < anchor_dots.len; j++) {
            if (anchor_dots.ptr[j] != '.') {
                buf_add_char(out, anchor_dots.ptr[j]);
            }
        }
        buf_printf(out, ") | %s | `", row->type);
        yaml_default(out, row);
        buf_printf(out, "` | %s%s | %s |\n", row->flag ? "--" : "", row->flag ? row->flag : "", row->reload ? "yes" : "no");
    }
    buf_add_char(out, '\n');
}

static void write_reference(Buf *out) {
    buf_add_cstr(out, REFERENCE_INTRO);
    reference_overview(out);
    buf_add_cstr(out, "## General\n\n");
    Str section = STR("");
    for (size_t i = 0; i < model.row_count; i++) {
        walk_sections(section, section_of(model.rows[i].key), out, reference_open, NULL);
        section = section_of(model.rows[i].key);
        reference_row(out, &model.rows[i]);
    }
    out->len -= out->len > 1; /* no empty line at the end */
}

/* ---- files --------------------------------------------------------------------------------------------------------- */

static bool file_equals(const char *path, Str content) {
    FILE *file CLEANUP(cleanup_fclose) = fopen(path, "rb");
    if (!file) {
        return false;
    }
    Buf old CLEANUP(buf_free) = BUF_INIT(OUTPUT_MAX);
    char *room = buf_reserve(&old, content.len + 1);
    size_t count = room ? fread(room, 1, content.len + 1, file) : 0;
    return room && count == content.len && memcmp(room, content.ptr, count) == 0;
}

static void write_file(const char *path, void (*write)(Buf *)) {
    Buf out CLEANUP(buf_free) = BUF_INIT(OUTPUT_MAX);
    write(&out);
    Err err;
    if (!buf_check(&out, path, &err)) {
        fail(0, err.message, path);
    }
    if (file_equals(path, buf_str(&out))) {
        return;
    }
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(out.ptr, 1, out.len, file) != out.len || fclose(file) != 0) {
        fail(0, "cannot be written", path);
    }
}

int main(int argc, char **argv) {
    static const struct {
        const char *flag;
        void (*write)(Buf *);
    } OUTPUTS[] = {
        {"--header", write_header}, {"--source", write_source}, {"--example", write_example}, {"--reference", write_reference}};
    if (argc < 2 || argc % 2) {
        fprintf(stderr, "usage: gen_options OPTIONS.yaml [--header F] [--source F] [--example F] [--reference F]\n");
        return 2;
    }
    model.path = argv[1];
    model.arena = arena_new(16 << 20);
    read_model();
    check_sections();
    for (int i = 2; i < argc; i += 2) {
        for (size_t j = 0; j < ARRAY_LEN(OUTPUTS); j++) {
            if (strcmp(argv[i], OUTPUTS[j].flag) == 0) {
                write_file(argv[i + 1], OUTPUTS[j].write);
            }
        }
    }
    arena_free(model.arena);
    return 0;
}
