#include "config/value.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json_reader.h"

enum { SHOWN_MAX = 80, SECRET_FILE_MAX = 64 * 1024 };

typedef struct Unit {
    const char *name;
    int64_t factor;
} Unit;

/* The largest comes first, because printing takes the first that divides. */
static const Unit DURATIONS[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}, {NULL, 0}};
static const Unit SIZES[] = {
    {"TiB", 1LL << 40},   {"GiB", 1LL << 30}, {"MiB", 1LL << 20}, {"KiB", 1LL << 10}, {"TB", 1000000000000LL},
    {"GB", 1000000000LL}, {"MB", 1000000},    {"KB", 1000},       {"B", 1},           {NULL, 0},
};
static const char DURATION_HINT[] = "write a number and a unit, such as 250ms, 30s, 5m, 12h or 7d";
static const char SIZE_HINT[] = "write a number and a unit, such as 512B, 64KiB, 32MiB or 10MB";

/* ---- numbers ------------------------------------------------------------------------------------------------------- */

static Str short_of(Str text) { return text.len <= SHOWN_MAX ? text : STR("the value"); }

static bool all_digits(Str s) {
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9') {
            return false;
        }
    }
    return s.len > 0;
}

static bool number_wrong(Str text, const char *what, const char *hint, Err *err) {
    Str shown = short_of(text);
    if (text.len > 1 && text.ptr[0] == '-' && text.ptr[1] >= '0' && text.ptr[1] <= '9') {
        return err_set(err, ERR_INVALID_CONFIG, "%" STR_FMT " is negative; %s", STR_ARG(shown), hint);
    }
    return err_set(err, ERR_INVALID_CONFIG, "\"%" STR_FMT "\" is not %s; %s", STR_ARG(shown), what, hint);
}

static bool too_large(Str text, Err *err) {
    Str shown = short_of(text);
    return err_set(err, ERR_INVALID_CONFIG, "%" STR_FMT " is larger than any number this server counts with", STR_ARG(shown));
}

static bool integer_parse(Str text, int64_t *ret, Err *err) {
    if (!all_digits(text)) {
        return number_wrong(text, "a whole number", "give one in plain digits", err);
    }
    return str_to_i64(text, ret) || too_large(text, err);
}

static const Unit *unit_find(const Unit *units, Str name) {
    for (; units->name; units++) {
        if (str_eq_nocase(name, str_from(units->name))) {
            return units;
        }
    }
    return NULL;
}

static bool measure_parse(Str text, const Unit *units, int64_t plain, const char *what, const char *hint, int64_t *ret, Err *err) {
    size_t digits = 0;
    while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9') {
        digits++;
    }
    Str name = str_skip(text, digits);
    const Unit *unit = unit_find(units, name);
    if (!digits || (name.len && !unit)) {
        return number_wrong(text, what, hint, err);
    }
    int64_t count, result;
    if (!str_to_i64(str_slice(text, 0, digits), &count) || __builtin_mul_overflow(count, unit ? unit->factor : plain, &result)) {
        return too_large(text, err);
    }
    *ret = result;
    return true;
}

bool config_duration_parse(Str text, int64_t *ret_ms, Err *err) {
    return measure_parse(text, DURATIONS, 1000, "a duration", DURATION_HINT, ret_ms, err);
}

bool config_size_parse(Str text, int64_t *ret_bytes, Err *err) {
    return measure_parse(text, SIZES, 1, "a size", SIZE_HINT, ret_bytes, err);
}

static Str measure_text(int64_t value, const Unit *units, const char *zero, Arena *arena) {
    if (value == 0) {
        return str_from(zero);
    }
    while (value % units->factor) {
        units++;
    }
    return arena_printf(arena, "%" PRId64 "%s", value / units->factor, units->name);
}

static bool number_parse(ConfigType type, Str text, int64_t *ret, Err *err) {
    switch (type) {
        case CONFIG_DURATION: return config_duration_parse(text, ret, err);
        case CONFIG_SIZE: return config_size_parse(text, ret, err);
        default: return integer_parse(text, ret, err);
    }
}

static bool range_check(const ConfigOption *option, int64_t value, Str text, Err *err) {
    int64_t low = 0, high = 0;
    const char *least = option->type == CONFIG_PORT ? "0" : option->low;
    const char *most = option->type == CONFIG_PORT ? "65535" : option->high;
    if (!least || (number_parse(option->type, str_from(least), &low, err) &&
                   number_parse(option->type, str_from(most), &high, err) && value >= low && value <= high)) {
        return true;
    }
    return err_set(err, ERR_INVALID_CONFIG, "%" STR_FMT " is out of range; give %s to %s%s%s", STR_ARG(text), least, most,
                   option->unit ? " " : "", option->unit ? option->unit : "");
}

static bool set_number(const ConfigOption *option, Str text, int64_t *target, Err *err) {
    int64_t value = 0;
    if (option->forever && str_eq(text, STR("forever"))) {
        *target = CONFIG_FOREVER;
        return true;
    }
    if (!number_parse(option->type, text, &value, err) || !range_check(option, value, text, err)) {
        size_t used = strlen(err->message);
        snprintf(err->message + used, sizeof err->message - used, "%s", option->forever ? ", or forever" : "");
        return false;
    }
    *target = value;
    return true;
}

static bool set_bool(Str text, bool *target, Err *err) {
    static const char *const words[] = {"true", "yes", "on", "false", "no", "off"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (str_eq_nocase(text, str_from(words[i]))) {
            *target = i < 3;
            return true;
        }
    }
    Str shown = short_of(text);
    return err_set(err, ERR_INVALID_CONFIG, "\"%" STR_FMT "\" is neither true nor false", STR_ARG(shown));
}

static bool set_enum(const ConfigOption *option, Str text, unsigned *target, Err *err) {
    Buf choice CLEANUP(buf_free) = BUF_INIT(1000);
    for (unsigned i = 0; option->values[i]; i++) {
        if (str_eq(text, str_from(option->values[i]))) {
            *target = i;
            return true;
        }
        buf_printf(&choice, "%s%s", i ? ", " : "", option->values[i]);
    }
    const char *near = nearest_word(text, option->values);
    Str shown = short_of(text), choices = buf_str(&choice);
    return err_set(err, ERR_INVALID_CONFIG, "\"%" STR_FMT "\" is none of %" STR_FMT "%s%s%s", STR_ARG(shown), STR_ARG(choices),
                   near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
}

/* ---- texts --------------------------------------------------------------------------------------------------------- */

static bool text_check(Str text, Err *err) {
    if (!utf8_valid(text)) {
        return err_set(err, ERR_INVALID_CONFIG, "is not valid UTF-8");
    }
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f) {
            return err_set(err, ERR_INVALID_CONFIG, "has a control character (code %d) as character %zu; leave it out", text.ptr[i],
                           i + 1);
        }
    }
    return true;
}

static bool length_check(const ConfigOption *option, Str text, Err *err) {
    int64_t low = 0, high = INT64_MAX;
    if (option->low && (!str_to_i64(str_from(option->low), &low) || !str_to_i64(str_from(option->high), &high))) {
        return err_set(err, ERR_INTERNAL, "the range in options.yaml is no number");
    }
    if ((int64_t)text.len < low) {
        return text.len ? err_set(err, ERR_INVALID_CONFIG, "is too short; give at least %s bytes", option->low)
                        : err_set(err, ERR_INVALID_CONFIG, "may not be empty");
    }
    if ((int64_t)text.len > high) {
        return err_set(err, ERR_INVALID_CONFIG, "is %zu bytes long; give at most %s", text.len, option->high);
    }
    return true;
}

/* Puts in the values of earlier paths for <key>; anything else between < and > stays as it is. */
static Str expand(const ConfigOption *option, Str text, const Config *config, Arena *arena) {
    for (const ConfigOption *earlier = config_options; earlier < option; earlier++) {
        if (earlier->type != CONFIG_PATH && earlier->type != CONFIG_URI) {
            continue;
        }
        Str mark = arena_printf(arena, "<%s>", earlier->key);
        size_t at = str_find(text, mark);
        if (at != SIZE_MAX) {
            text = ARENA_CONCAT(arena, str_slice(text, 0, at), config_value_text(earlier, config, arena),
                                str_skip(text, at + mark.len));
        }
    }
    return text;
}

static bool absolute(Str path, Arena *arena, Str *ret, Err *err) {
    while (str_starts(path, STR("./"))) {
        path = str_skip(path, 2);
    }
    if (str_eq(path, STR("."))) {
        path = STR("");
    }
    while (path.len > 1 && path.ptr[path.len - 1] == '/') {
        path.len--;
    }
    if (str_starts(path, STR("/"))) {
        *ret = arena_str(arena, path);
        return true;
    }
    char *here CLEANUP(cleanup_free) = getcwd(NULL, 0);
    if (!here) {
        return err_set(err, ERR_INVALID_CONFIG,
                       "is a relative path, but the current directory cannot be told; give an absolute one");
    }
    Str base = strcmp(here, "/") == 0 ? STR("") : str_from(here);
    *ret = path.len ? ARENA_CONCAT(arena, base, STR("/"), path) : arena_str(arena, base.len ? base : STR("/"));
    return true;
}

static size_t scheme_length(Str text) {
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (c == ':') {
            return i;
        }
        if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.'))) {
            break;
        }
    }
    return 0;
}

static bool set_uri(Str text, Arena *arena, Str *target, Err *err) {
    size_t scheme = scheme_length(text);
    Str rest = str_skip(text, scheme + 1);
    if (!scheme) {
        Str path;
        if (!absolute(text, arena, &path, err)) {
            return false;
        }
        *target = ARENA_CONCAT(arena, STR("file:"), path);
        return true;
    }
    bool is_file = str_eq_nocase(str_slice(text, 0, scheme), STR("file"));
    if (!rest.len || (is_file && rest.ptr[0] != '/')) {
        return err_set(err, ERR_INVALID_CONFIG,
                       "\"%" STR_FMT "\" is no location; write file:/absolute/path, s3://bucket/path or a plain path",
                       STR_ARG(text));
    }
    *target = arena_str(arena, text);
    return true;
}

/* "file:PATH" of a secret: its first line. A regular file only, so that nothing can block or never end. */
static bool secret_read(Str text, Arena *arena, Str *ret, Err *err) {
    const char *path = arena_cstr(arena, str_skip(text, strlen("file:")));
    int fd CLEANUP(cleanup_close) = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        return err_set(err, ERR_INVALID_CONFIG, "the secret's file %s cannot be read: %m", path);
    }
    if (!S_ISREG(st.st_mode) || st.st_size > SECRET_FILE_MAX) {
        return err_set(err, ERR_INVALID_CONFIG, "the secret's file %s is not a plain file of at most 64KiB", path);
    }
    char *bytes = arena_alloc(arena, SECRET_FILE_MAX);
    ssize_t count = read(fd, bytes, SECRET_FILE_MAX);
    if (count < 0) {
        return err_set(err, ERR_INVALID_CONFIG, "the secret's file %s cannot be read: %m", path);
    }
    Str line = {bytes, (size_t)count};
    line = str_slice(line, 0, str_find_char(line, '\n'));
    *ret = str_ends(line, STR("\r")) ? str_slice(line, 0, line.len - 1) : line;
    return true;
}

static bool set_string(const ConfigOption *option, ConfigType type, Str text, Arena *arena, const Config *config, Str *target,
                       Err *err) {
    if (option->secret == CONFIG_SECRET && str_starts(text, STR("file:")) && !secret_read(text, arena, &text, err)) {
        return false;
    }
    bool is_place = type == CONFIG_PATH || type == CONFIG_URI;
    text = is_place ? expand(option, text, config, arena) : text;
    if (!text_check(text, err) || !length_check(option, text, err)) {
        return false;
    }
    if (is_place && text.len) {
        return type == CONFIG_PATH ? absolute(text, arena, target, err) : set_uri(text, arena, target, err);
    }
    *target = arena_str(arena, text);
    return true;
}

/* ---- the struct ---------------------------------------------------------------------------------------------------- */

static void *place(const ConfigOption *option, Config *config) { return (char *)config + option->offset; }
static const void *place_read(const ConfigOption *option, const Config *config) { return (const char *)config + option->offset; }

/* The environment and flags give a list as one text. */
static bool set_list_text(const ConfigOption *option, Str text, Arena *arena, Config *config, Err *err) {
    size_t most = 1;
    for (size_t i = 0; i < text.len; i++) {
        most += text.ptr[i] == ',';
    }
    StrList list = {ARENA_ARRAY(arena, Str, most), 0};
    Str rest = text, part;
    while (text.len && str_split(&rest, ',', &part)) {
        list.items[list.count++] = str_trim(part);
    }
    return config_value_set_list(option, list, arena, config, err);
}

bool config_value_set_list(const ConfigOption *option, StrList items, Arena *arena, Config *config, Err *err) {
    StrList list = {ARENA_ARRAY(arena, Str, items.count + 1), 0};
    for (size_t i = 0; i < items.count; i++) {
        if (!items.items[i].len) {
            return err_set(err, ERR_INVALID_CONFIG, "item %zu is empty; leave it out", i + 1);
        }
        if (!set_string(option, option->items, items.items[i], arena, config, &list.items[list.count++], err)) {
            return err_prefix(err, "item %zu", i + 1);
        }
    }
    *(StrList *)place(option, config) = list;
    return true;
}

bool config_value_set_text(const ConfigOption *option, Str text, Arena *arena, Config *config, Err *err) {
    void *target = place(option, config);
    if (option->type != CONFIG_STRING && option->type != CONFIG_LIST && !text_check(text, err)) {
        return false;
    }
    switch (option->type) {
        case CONFIG_INT:
        case CONFIG_PORT:
        case CONFIG_SIZE:
        case CONFIG_DURATION: return set_number(option, text, target, err);
        case CONFIG_BOOL: return set_bool(text, target, err);
        case CONFIG_ENUM: return set_enum(option, text, target, err);
        case CONFIG_LIST: return set_list_text(option, text, arena, config, err);
        case CONFIG_STRING:
        case CONFIG_PATH:
        case CONFIG_URI: break;
    }
    return set_string(option, option->type, text, arena, config, target, err);
}

static Str list_text(const StrList *list, Arena *arena) {
    Str text = STR("");
    for (size_t i = 0; i < list->count; i++) {
        text = ARENA_CONCAT(arena, text, i ? STR(",") : STR(""), list->items[i]);
    }
    return text;
}

Str config_value_text(const ConfigOption *option, const Config *config, Arena *arena) {
    const void *source = place_read(option, config);
    switch (option->type) {
        case CONFIG_INT:
        case CONFIG_PORT: return arena_printf(arena, "%" PRId64, *(const int64_t *)source);
        case CONFIG_SIZE: return measure_text(*(const int64_t *)source, SIZES, "0B", arena);
        case CONFIG_DURATION:
            return *(const int64_t *)source == CONFIG_FOREVER ? STR("forever")
                                                              : measure_text(*(const int64_t *)source, DURATIONS, "0s", arena);
        case CONFIG_BOOL: return *(const bool *)source ? STR("true") : STR("false");
        case CONFIG_ENUM: return str_from(option->values[*(const unsigned *)source]);
        case CONFIG_LIST: return list_text(source, arena);
        case CONFIG_STRING:
        case CONFIG_PATH:
        case CONFIG_URI: break;
    }
    return *(const Str *)source;
}

Str config_value_shown(const ConfigOption *option, const Config *config, Arena *arena) {
    Str text = config_value_text(option, config, arena);
    if (option->secret == CONFIG_SECRET && text.len) {
        return STR("***");
    }
    return option->secret == CONFIG_HAS_PASSWORD ? config_url_masked(text, arena) : text;
}

static StrList list_copy(const StrList *list, Arena *arena) {
    StrList copy = {ARENA_ARRAY(arena, Str, list->count + 1), list->count};
    for (size_t i = 0; i < list->count; i++) {
        copy.items[i] = arena_str(arena, list->items[i]);
    }
    return copy;
}

void config_value_copy(const ConfigOption *option, const Config *from, Config *to, Arena *arena) {
    const void *source = place_read(option, from);
    void *target = place(option, to);
    switch (option->type) {
        case CONFIG_INT:
        case CONFIG_PORT:
        case CONFIG_SIZE:
        case CONFIG_DURATION: *(int64_t *)target = *(const int64_t *)source; break;
        case CONFIG_BOOL: *(bool *)target = *(const bool *)source; break;
        case CONFIG_ENUM: *(unsigned *)target = *(const unsigned *)source; break;
        case CONFIG_LIST: *(StrList *)target = list_copy(source, arena); break;
        case CONFIG_STRING:
        case CONFIG_PATH:
        case CONFIG_URI: *(Str *)target = arena_str(arena, *(const Str *)source); break;
    }
}
