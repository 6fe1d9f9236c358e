/* The YAML file: events from libyaml, so that every mistake has its line and column. Only what a configuration needs is
 * let in: one document of nested keys, single values and lists of them. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

#include "base/map.h"
#include "config/load.h"

/* The YAML library needs time that grows with the square of the nesting. */
enum { FILE_MAX = 1 << 20, NESTING_MAX = 100 };

typedef struct Reader {
    Loader *loader;
    yaml_parser_t parser;
    yaml_event_t event; /* the current one; YAML_NO_EVENT once parsing has failed or was given up */
    bool given_up;
    StrMap *seen; /* full key -> where it was given */
    Str text;
} Reader;

static Origin origin_at(const Reader *r, yaml_mark_t mark) {
    return (Origin){FROM_FILE, r->loader->file, mark.line + 1, mark.column + 1};
}

static Origin here(const Reader *r) { return origin_at(r, r->event.start_mark); }

static yaml_mark_t mark_of_offset(Str text, size_t offset) {
    yaml_mark_t mark = {0};
    for (size_t i = 0; i < MIN(offset, text.len); i++) {
        bool newline = text.ptr[i] == '\n';
        mark.line += newline;
        mark.column = newline ? 0 : mark.column + 1;
    }
    return mark;
}

static void syntax_problem(Reader *r) {
    const yaml_parser_t *p = &r->parser;
    yaml_mark_t mark = p->error == YAML_READER_ERROR ? mark_of_offset(r->text, p->problem_offset) : p->problem_mark;
    config_loader_problem(r->loader, origin_at(r, mark), STR_NULL, "this is not YAML: %s%s%s",
                          p->problem ? p->problem : "no memory", p->context ? ", " : "", p->context ? p->context : "");
}

static void next(Reader *r) {
    if (r->event.type == YAML_STREAM_END_EVENT) {
        return;
    }
    yaml_event_delete(&r->event);
    if (!r->given_up && !yaml_parser_parse(&r->parser, &r->event)) {
        syntax_problem(r);
        r->event = (yaml_event_t){.type = YAML_NO_EVENT};
    }
}

static bool failed(const Reader *r) { return r->event.type == YAML_NO_EVENT; }

/* Leaves the last event of the node that begins with the current one as the current one. */
static void skip_node(Reader *r) {
    size_t depth = 0;
    do {
        yaml_event_type_t type = r->event.type;
        depth += type == YAML_MAPPING_START_EVENT || type == YAML_SEQUENCE_START_EVENT;
        depth -= type == YAML_MAPPING_END_EVENT || type == YAML_SEQUENCE_END_EVENT;
        if (depth > NESTING_MAX) {
            config_loader_problem(r->loader, here(r), STR_NULL, "this is nested more than %d levels deep; the rest is not read",
                                  NESTING_MAX);
            r->given_up = true;
        }
        if (depth) {
            next(r);
        }
    } while (depth && !failed(r));
}

static Str scalar(Reader *r) {
    return arena_str(r->loader->arena, (Str){(const char *)r->event.data.scalar.value, r->event.data.scalar.length});
}

static bool is_null(const Reader *r) {
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    if (r->event.type != YAML_SCALAR_EVENT || r->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE) {
        return false;
    }
    Str text = {(const char *)r->event.data.scalar.value, r->event.data.scalar.length};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (str_eq(text, str_from(words[i]))) {
            return true;
        }
    }
    return false;
}

/* What YAML can do and a configuration should not. */
static bool is_simple(Reader *r, Str key) {
    const yaml_char_t *anchor = NULL, *tag = NULL;
    switch (r->event.type) {
        case YAML_ALIAS_EVENT:
            config_loader_problem(r->loader, here(r), key, "aliases (*name) are not used here; write the value itself");
            return false;
        case YAML_SCALAR_EVENT:
            anchor = r->event.data.scalar.anchor;
            tag = r->event.data.scalar.tag;
            break;
        case YAML_SEQUENCE_START_EVENT:
            anchor = r->event.data.sequence_start.anchor;
            tag = r->event.data.sequence_start.tag;
            break;
        case YAML_MAPPING_START_EVENT:
            anchor = r->event.data.mapping_start.anchor;
            tag = r->event.data.mapping_start.tag;
            break;
        default: break;
    }
    if (anchor) {
        config_loader_problem(r->loader, here(r), key, "anchors (&name) are not used here; write the value without one");
    } else if (tag) {
        config_loader_problem(r->loader, here(r), key, "tags (!name) are not used here; write the value without one");
    }
    return !anchor && !tag;
}

static const char *form_of(const ConfigOption *option) {
    static const char *const forms[] = {
        [CONFIG_STRING] = "a text",
        [CONFIG_INT] = "a whole number",
        [CONFIG_BOOL] = "true or false",
        [CONFIG_DURATION] = "a duration such as 30s",
        [CONFIG_SIZE] = "a size such as 32MiB",
        [CONFIG_ENUM] = "one of the words it knows",
        [CONFIG_LIST] = "a list such as [a, b]",
        [CONFIG_PORT] = "a port number",
        [CONFIG_PATH] = "a path",
        [CONFIG_URI] = "a location",
    };
    return forms[option->type];
}

static void read_list(Reader *r, const ConfigOption *option) {
    Setting setting = {.option = option, .origin = here(r), .is_list = true};
    size_t capacity = 0;
    bool good = true;
    for (next(r); r->event.type != YAML_SEQUENCE_END_EVENT && !failed(r); next(r)) {
        Str key = str_from(option->key);
        if (!is_simple(r, key)) {
            good = false;
        } else if (r->event.type != YAML_SCALAR_EVENT || is_null(r)) {
            config_loader_problem(r->loader, here(r), key, "an item of this list must be a single value");
            good = false;
        } else {
            if (setting.items.count == capacity) {
                Str *more = ARENA_ARRAY(r->loader->arena, Str, capacity = capacity * 2 + 8);
                memcpy(more, setting.items.items ? setting.items.items : more, setting.items.count * sizeof *more);
                setting.items.items = more;
            }
            setting.items.items[setting.items.count++] = scalar(r);
            continue;
        }
        skip_node(r);
    }
    if (good && !failed(r)) {
        config_loader_add(r->loader, setting);
    }
}

static void read_option(Reader *r, const ConfigOption *option) {
    Str key = str_from(option->key);
    bool simple = is_simple(r, key);
    if (simple && option->type == CONFIG_LIST && r->event.type == YAML_SEQUENCE_START_EVENT) {
        read_list(r, option);
        return;
    }
    if (!simple) {
        /* said already */
    } else if (r->event.type != YAML_SCALAR_EVENT || (option->type == CONFIG_LIST && !is_null(r))) {
        config_loader_problem(r->loader, here(r), key, "takes %s, not a %s", form_of(option),
                              r->event.type == YAML_SCALAR_EVENT          ? "single value"
                              : r->event.type == YAML_MAPPING_START_EVENT ? "group of keys"
                                                                          : "list");
    } else if (is_null(r)) {
        config_loader_problem(r->loader, here(r), key, "has no value; give %s or remove the line%s", form_of(option),
                              option->type == CONFIG_STRING ? " (\"\" is the empty text)" : "");
    } else {
        config_loader_add(r->loader, (Setting){.option = option, .origin = here(r), .text = scalar(r)});
    }
    skip_node(r);
}

/* True when KEY is there for the first time. */
static bool first_time(Reader *r, Str key) {
    Origin *now = ARENA_NEW(r->loader->arena, Origin);
    *now = here(r);
    const Origin *former = strmap_get(r->seen, key);
    if (former) {
        config_loader_problem(r->loader, *now, key, "is given a second time; the first is in line %zu. Keep one of them",
                              former->line);
        return false;
    }
    strmap_put(r->seen, key, now);
    return true;
}

static void read_group(Reader *r, Str prefix);

static void read_value(Reader *r, Str key, bool wanted) {
    const ConfigOption *option = config_option_find(key);
    next(r);
    if (failed(r)) {
        return;
    }
    if (!wanted) {
        skip_node(r);
    } else if (option) {
        read_option(r, option);
    } else if (!is_simple(r, key)) {
        skip_node(r);
    } else if (r->event.type == YAML_MAPPING_START_EVENT) {
        read_group(r, key);
    } else if (!is_null(r)) { /* null: a group whose keys are all commented out */
        config_loader_problem(r->loader, here(r), key, "is a group of options; write them as keys below it, indented");
        skip_node(r);
    }
}

/* Groups nest as deep as the names of options do: unknown ones are skipped, not entered. */
static void read_group(Reader *r, Str prefix) {
    Arena *arena = r->loader->arena;
    for (next(r); r->event.type != YAML_MAPPING_END_EVENT && !failed(r); next(r)) {
        if (!is_simple(r, prefix) || r->event.type != YAML_SCALAR_EVENT) {
            if (r->event.type != YAML_SCALAR_EVENT && r->event.type != YAML_ALIAS_EVENT) {
                config_loader_problem(r->loader, here(r), prefix, "a key must be the plain name of an option");
            }
            skip_node(r);
            read_value(r, STR(""), false);
            continue;
        }
        Str key = prefix.len ? ARENA_CONCAT(arena, prefix, STR("."), scalar(r)) : scalar(r);
        bool known = config_option_find(key) || config_is_group(key);
        if (!known) {
            Str hint = config_loader_hint(r->loader, key);
            config_loader_problem(r->loader, here(r), key, "there is no such option%" STR_FMT, STR_ARG(hint));
        }
        bool wanted = known && first_time(r, key);
        read_value(r, key, wanted);
    }
}

static void read_document(Reader *r) {
    next(r);
    if (!failed(r) && is_simple(r, STR_NULL) && r->event.type == YAML_MAPPING_START_EVENT) {
        read_group(r, STR(""));
    } else if (!failed(r) && r->event.type != YAML_ALIAS_EVENT && !is_null(r)) {
        config_loader_problem(r->loader, here(r), STR_NULL,
                              "the file must consist of keys and values, such as \"listen: 127.0.0.1\"");
        skip_node(r);
    }
    next(r); /* the document's end */
    next(r);
    if (r->event.type == YAML_DOCUMENT_START_EVENT) {
        config_loader_problem(r->loader, here(r), STR_NULL, "a second document begins here; a configuration is a single one");
    }
}

void config_file_parse(Loader *loader, Str text) {
    Reader r = {.loader = loader, .text = text, .seen = strmap_new(loader->arena, CONFIG_OPTION_COUNT)};
    if (!yaml_parser_initialize(&r.parser)) {
        config_loader_problem(loader, (Origin){.kind = FROM_FILE, .name = loader->file}, STR_NULL, "there is no memory to read it");
        return;
    }
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text.ptr, text.len);
    next(&r); /* the stream's start, which tells nothing */
    if (!failed(&r)) {
        next(&r);
    }
    if (r.event.type == YAML_DOCUMENT_START_EVENT) {
        read_document(&r);
    }
    yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
}

void config_file_read(Loader *loader) {
    Origin at = {.kind = FROM_FILE, .name = loader->file};
    int fd CLEANUP(cleanup_close) = open(arena_cstr(loader->arena, loader->file), O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        config_loader_problem(loader, at, STR_NULL, "the file cannot be read: %m");
        return;
    }
    if (S_ISDIR(st.st_mode)) {
        config_loader_problem(loader, at, STR_NULL, "is a directory; --config takes a file");
        return;
    }
    Buf bytes CLEANUP(buf_free) = BUF_INIT(FILE_MAX + 4096);
    ssize_t count = 1;
    while (count > 0 && bytes.len <= FILE_MAX) {
        char *room = buf_reserve(&bytes, 4096);
        count = room ? read(fd, room, 4096) : -1;
        bytes.len += count > 0 ? (size_t)count : 0;
    }
    if (count < 0) {
        config_loader_problem(loader, at, STR_NULL, "the file cannot be read: %m");
    } else if (bytes.len > FILE_MAX) {
        config_loader_problem(loader, at, STR_NULL, "the file is larger than 1MiB, so it is hardly a configuration");
    } else {
        config_file_parse(loader, buf_str(&bytes));
    }
}
