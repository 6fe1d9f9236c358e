#include "config/config.h"

#include <arpa/inet.h>

#include "base/json_reader.h"
#include "config/load.h"
#include "config/value.h"

struct ConfigState {
    ConfigSources sources;
    Str file;
    StrList notes;
    Origin origins[CONFIG_OPTION_COUNT];
};

/* ---- options ------------------------------------------------------------------------------------------------------- */

const ConfigOption *config_option_find(Str key) {
    for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++) {
        if (str_eq(key, str_from(config_options[i].key))) {
            return &config_options[i];
        }
    }
    return NULL;
}

bool config_is_group(Str name) {
    for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++) {
        Str key = str_from(config_options[i].key);
        if (name.len && name.len < key.len && str_starts(key, name) && key.ptr[name.len] == '.') {
            return true;
        }
    }
    return false;
}

/* ---- what the sources hand over ------------------------------------------------------------------------------------ */

void config_loader_add(Loader *loader, Setting setting) {
    if (loader->setting_count == loader->setting_capacity) {
        loader->setting_capacity = loader->setting_capacity * 2 + 32;
        Setting *more = ARENA_ARRAY(loader->arena, Setting, loader->setting_capacity);
        if (loader->setting_count) {
            memcpy(more, loader->settings, loader->setting_count * sizeof *more);
        }
        loader->settings = more;
    }
    loader->settings[loader->setting_count++] = setting;
}

static Str origin_text(const Origin *o, bool with_column, Arena *arena) {
    switch (o->kind) {
        case FROM_FILE:
            if (!o->line) {
                return o->name;
            }
            return with_column ? arena_printf(arena, "%" STR_FMT ":%zu:%zu", STR_ARG(o->name), o->line, o->column)
                               : arena_printf(arena, "%" STR_FMT ":%zu", STR_ARG(o->name), o->line);
        case FROM_ENVIRONMENT: return arena_printf(arena, "environment %" STR_FMT, STR_ARG(o->name));
        case FROM_FLAG: return o->name.len ? arena_printf(arena, "flag --%" STR_FMT, STR_ARG(o->name)) : STR("command line");
        default: return STR("default");
    }
}

/* A text from outside may hold anything; one problem is one line of printable UTF-8. */
static Str printable(Str text, Arena *arena) {
    char *copy = arena_alloc(arena, text.len + 1);
    bool valid = utf8_valid(text);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        copy[i] = c < 0x20 || c == 0x7f || (!valid && c >= 0x80) ? '?' : (char)c;
    }
    copy[text.len] = 0;
    return (Str){copy, text.len};
}

void config_loader_problem(Loader *loader, Origin at, Str key, const char *fmt, ...) {
    loader->problem_total++;
    if (loader->problem_count == CONFIG_PROBLEMS_MAX) {
        return;
    }
    char what[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    Arena *arena = loader->arena;
    Str text = ARENA_CONCAT(arena, origin_text(&at, true, arena), STR(": "), str_slice(key, 0, 200), key.len ? STR(": ") : STR(""),
                            str_from(what));
    loader->problems[loader->problem_count++] = (Problem){at, printable(text, arena)};
}

void config_loader_note(Loader *loader, const char *fmt, ...) {
    if (loader->note_count == CONFIG_NOTES_MAX) {
        return;
    }
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    loader->notes[loader->note_count++] = printable(str_from(text), loader->arena);
}

/* The option with the same last word, when there is only one: "port_x" no, "token_cache" yes. */
static const char *same_last_word(Str key) {
    const char *found = NULL;
    for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++) {
        Str option = str_from(config_options[i].key);
        bool same = option.len > key.len && str_ends(option, key) && option.ptr[option.len - key.len - 1] == '.';
        if (same && found) {
            return NULL;
        }
        found = same ? config_options[i].key : found;
    }
    return found;
}

Str config_loader_hint(const Loader *loader, Str key) {
    if (key.len > 100 || loader->problem_count == CONFIG_PROBLEMS_MAX) {
        return STR("");
    }
    const char *near = same_last_word(str_skip(key, str_rfind_char(key, '.') + 1)); /* SIZE_MAX + 1 is 0 */
    near = near ? near : nearest_word(key, config_names);
    return near ? arena_printf(loader->arena, " (did you mean %s?)", near) : STR("");
}

/* ---- putting it together ------------------------------------------------------------------------------------------- */

static void apply_default(Loader *loader, const ConfigOption *option, Config *config) {
    Err err;
    if (!config_value_set_text(option, str_from(option->default_text), loader->arena, config, &err)) {
        config_loader_problem(loader, (Origin){.kind = FROM_DEFAULT}, str_from(option->key), "%s", err.message);
    }
}

static void apply(Loader *loader, const Setting *setting, Config *config) {
    Err err;
    const ConfigOption *option = setting->option;
    bool good = setting->is_list ? config_value_set_list(option, setting->items, loader->arena, config, &err)
                                 : config_value_set_text(option, setting->text, loader->arena, config, &err);
    if (good) {
        config->state->origins[option - config_options] = setting->origin;
    } else {
        config_loader_problem(loader, setting->origin, str_from(option->key), "%s", err.message);
    }
}

/* In the order of options.yaml, because <key> stands for an option further up. All sources are tried, so that a mistake in
 * one does not hide behind another; the last wins. */
static void apply_all(Loader *loader, Config *config) {
    for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++) {
        apply_default(loader, &config_options[i], config);
        for (OriginKind kind = FROM_FILE; kind < ORIGIN_KINDS; kind++) {
            for (size_t j = 0; j < loader->setting_count; j++) {
                if (loader->settings[j].option == &config_options[i] && loader->settings[j].origin.kind == kind) {
                    apply(loader, &loader->settings[j], config);
                }
            }
        }
    }
}

/* By source, then by place; what a source told without a place stays in its order. */
static void sort_problems(Loader *loader) {
    for (size_t i = 1; i < loader->problem_count; i++) {
        Problem moved = loader->problems[i];
        size_t at = i;
        for (; at > 0; at--) {
            const Origin *before = &loader->problems[at - 1].origin;
            bool later = before->kind != moved.origin.kind   ? before->kind > moved.origin.kind
                         : before->line != moved.origin.line ? before->line > moved.origin.line
                                                             : before->column > moved.origin.column;
            if (!later) {
                break;
            }
            loader->problems[at] = loader->problems[at - 1];
        }
        loader->problems[at] = moved;
    }
}

static void report(Loader *loader, StrList *ret_problems, Err *err) {
    sort_problems(loader);
    if (ret_problems) {
        *ret_problems = (StrList){ARENA_ARRAY(loader->arena, Str, loader->problem_count), loader->problem_count};
        for (size_t i = 0; i < loader->problem_count; i++) {
            ret_problems->items[i] = loader->problems[i].text;
        }
    }
    Str first = str_slice(loader->problems[0].text, 0, sizeof err->message - 100);
    err_set(err, ERR_INVALID_CONFIG, "%" STR_FMT, STR_ARG(first));
    if (loader->problem_total > 1) {
        err_set(err, ERR_INVALID_CONFIG, "%" STR_FMT " (and %zu more)", STR_ARG(first), loader->problem_total - 1);
    }
}

static void read_sources(Loader *loader, const ConfigSources *sources) {
    config_environment_scan(loader, sources->environment);
    config_flags_scan(loader, sources->argc, sources->argv);
    if (!str_is_null(sources->text)) {
        loader->file = str_is_null(loader->file) ? STR("propolis.yaml") : loader->file;
        config_file_parse(loader, sources->text);
    } else if (!str_is_null(loader->file)) {
        config_file_read(loader);
    }
}

bool config_load(const ConfigSources *sources, Arena *arena, Config **ret, StrList *ret_problems, Err *err) {
    Loader loader = {.arena = arena};
    Config *config = ARENA_NEW(arena, Config);
    config->state = ARENA_NEW(arena, struct ConfigState);
    read_sources(&loader, sources);
    apply_all(&loader, config);
    if (!arena_check(arena, err)) {
        return false;
    }
    if (loader.problem_count) {
        report(&loader, ret_problems, err);
        return false;
    }
    config->state->sources = *sources;
    config->state->file = loader.file;
    config->state->notes = (StrList){ARENA_ARRAY(arena, Str, loader.note_count + 1), loader.note_count};
    memcpy(config->state->notes.items, loader.notes, loader.note_count * sizeof(Str));
    *ret = config;
    return true;
}

StrList config_notes(const Config *config) { return config->state->notes; }
Str config_file(const Config *config) { return config->state->file; }

/* ---- rules between options ----------------------------------------------------------------------------------------- */

static bool is_loopback(Str address, Arena *arena) {
    if (str_starts(address, STR("[")) && str_ends(address, STR("]"))) {
        address = str_slice(address, 1, address.len - 1);
    }
    if (str_eq_nocase(address, STR("localhost"))) {
        return true;
    }
    const char *text = arena_cstr(arena, address);
    struct in_addr four;
    struct in6_addr six;
    if (inet_pton(AF_INET, text, &four) == 1) {
        return ntohl(four.s_addr) >> 24 == 127;
    }
    return inet_pton(AF_INET6, text, &six) == 1 &&
           (IN6_IS_ADDR_LOOPBACK(&six) || (IN6_IS_ADDR_V4MAPPED(&six) && six.s6_addr[12] == 127));
}

bool config_is_local(const Config *config) {
    Arena *arena CLEANUP(arena_cleanup) = arena_new(64 * 1024);
    return is_loopback(config->listen, arena);
}

static bool check_access(const Config *config, Err *err) {
    if (config->auth.mode != CONFIG_AUTH_MODE_LOCAL || config_is_local(config)) {
        return true;
    }
    return err_set(
        err, ERR_INVALID_CONFIG,
        "listen: %" STR_FMT " can be reached from other machines, but auth.mode is local, which asks nobody who they are. Set "
        "auth.mode: required (users and tokens), or auth.mode: open if everybody who reaches the port may do everything, or "
        "listen on 127.0.0.1.",
        STR_ARG(config->listen));
}

static bool check_database(const Config *config, Err *err) {
    if (config->database.password.len && !config->database.url.len) {
        return err_set(
            err, ERR_INVALID_CONFIG,
            "database.password is given without database.url. The embedded database needs no password: give the address of a "
            "PostgreSQL or remove the password.");
    }
    return true;
}

static bool check_ports(const Config *config, Err *err) {
    const struct {
        const char *key;
        int64_t port;
    } ports[] = {{"http.port", config->http.port}, {"thrift.port", config->thrift.port}};
    for (size_t i = 0; i < ARRAY_LEN(ports); i++) {
        for (size_t j = 0; j < i && ports[i].port; j++) {
            if (ports[i].port == ports[j].port) {
                return err_set(err, ERR_INVALID_CONFIG, "%s and %s are both %" PRId64 "; give each a port of its own.",
                               ports[j].key, ports[i].key, ports[i].port);
            }
        }
    }
    return true;
}

static bool check_limits(const Config *config, Err *err) {
    if (config->limits.page_default > config->limits.page) {
        return err_set(err, ERR_INVALID_CONFIG,
                       "limits.page_default is %" PRId64 ", more than limits.page, which is %" PRId64
                       "; lower the first or raise the second.",
                       config->limits.page_default, config->limits.page);
    }
    if (config->limits.request_body > config->limits.request_memory / 2) {
        return err_set(err, ERR_INVALID_CONFIG,
                       "limits.request_body is %" PRId64 " bytes, more than half of limits.request_memory, which is %" PRId64
                       "; a body that large could never be worked on. Lower the first or raise the second.",
                       config->limits.request_body, config->limits.request_memory);
    }
    if (config->limits.request_body > config->limits.request_bodies) {
        return err_set(err, ERR_INVALID_CONFIG,
                       "limits.request_body is %" PRId64 " bytes, more than limits.request_bodies, which is %" PRId64
                       "; such a body would never be taken. Lower the first or raise the second.",
                       config->limits.request_body, config->limits.request_bodies);
    }
    return true;
}

/* Addresses of other schemes are fine: the catalog keeps them, and engines know what they are. */
static bool check_place(const char *key, Str uri, Err *err) {
    static const char *const TRANSFER_ONLY[] = {"ftp", "ftps", "sftp", "http", "https"};
    Str scheme = str_slice(uri, 0, MIN(str_find_char(uri, ':'), uri.len));
    for (size_t i = 0; i < ARRAY_LEN(TRANSFER_ONLY); i++) {
        if (str_eq_nocase(scheme, str_from(TRANSFER_ONLY[i]))) {
            return err_set(err, ERR_INVALID_CONFIG,
                           "%s: %" STR_FMT " has the scheme %" STR_FMT ", which is for fetching files; no table can be kept there. "
                           "Name a directory of this machine, such as /srv/warehouse, or an address such as s3://bucket/dir or "
                           "hdfs://host:8020/dir.",
                           key, STR_ARG(uri), STR_ARG(scheme));
        }
    }
    return true;
}

static bool check_places(const Config *config, Err *err) {
    const struct {
        const char *key;
        StrList uris;
    } lists[] = {{"storage.writable_roots", config->storage.writable_roots},
                 {"storage.readable_roots", config->storage.readable_roots}};
    if (!check_place("warehouse", config->warehouse, err)) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        for (size_t j = 0; j < lists[i].uris.count; j++) {
            if (!check_place(lists[i].key, lists[i].uris.items[j], err)) {
                return false;
            }
        }
    }
    return true;
}

bool config_check(const Config *config, Err *err) {
    return check_access(config, err) && check_places(config, err) && check_database(config, err) && check_ports(config, err) &&
           check_limits(config, err);
}

/* ---- showing ------------------------------------------------------------------------------------------------------- */

void config_each(const Config *config, Arena *arena, void (*fn)(const ConfigEntry *entry, void *arg), void *arg) {
    for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++) {
        const ConfigOption *option = &config_options[i];
        const Origin *origin = &config->state->origins[i];
        ConfigEntry entry = {
            .key = option->key,
            .value = config_value_shown(option, config, arena),
            .source = origin_text(origin, false, arena),
            .is_default = origin->kind == FROM_DEFAULT,
            .reloadable = option->reload,
            .secret = option->secret != CONFIG_SHOWN,
            .doc = option->doc,
        };
        fn(&entry, arg);
    }
}

/* ---- reloading ----------------------------------------------------------------------------------------------------- */

static void note_change(StrList *list, const ConfigOption *option, const Config *old, const Config *fresh, Arena *arena) {
    Str before = config_value_shown(option, old, arena), after = config_value_shown(option, fresh, arena);
    list->items[list->count++] = arena_printf(arena, "%s: %" STR_FMT " -> %" STR_FMT, option->key, STR_ARG(before), STR_ARG(after));
}

static void keep_old(const ConfigOption *option, const Config *old, Config *fresh, Arena *arena) {
    size_t i = (size_t)(option - config_options);
    config_value_copy(option, old, fresh, arena);
    fresh->state->origins[i] = old->state->origins[i];
    fresh->state->origins[i].name = arena_str(arena, old->state->origins[i].name);
}

bool config_reload(const Config *old, Arena *arena, Config **ret, ConfigChanges *ret_changes, StrList *ret_problems, Err *err) {
    Config *fresh;
    if (!config_load(&old->state->sources, arena, &fresh, ret_problems, err)) {
        return false;
    }
    ConfigChanges changes = {{ARENA_ARRAY(arena, Str, CONFIG_OPTION_COUNT), 0}, {ARENA_ARRAY(arena, Str, CONFIG_OPTION_COUNT), 0}};
    for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++) {
        const ConfigOption *option = &config_options[i];
        bool same = str_eq(config_value_text(option, old, arena), config_value_text(option, fresh, arena));
        if (!same) {
            note_change(option->reload ? &changes.changed : &changes.restart, option, old, fresh, arena);
        }
        if (!same && !option->reload) {
            keep_old(option, old, fresh, arena);
        }
    }
    if (!config_check(fresh, err)) {
        return false;
    }
    *ret = fresh;
    *ret_changes = changes;
    return true;
}
