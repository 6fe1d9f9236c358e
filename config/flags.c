/* The command line and the environment. */
#include "base/json_reader.h"
#include "config/load.h"

static Origin flag_origin(Str name) { return (Origin){.kind = FROM_FLAG, .name = name}; }

static const ConfigOption *option_by_flag(Str name) {
    for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++) {
        if (config_options[i].flag && str_eq(name, str_from(config_options[i].flag))) {
            return &config_options[i];
        }
    }
    return NULL;
}

/* "http-workers" and "http.workers" both mean the option http.workers. */
static const ConfigOption *option_by_flat_name(Str name) {
    for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++) {
        const char *key = config_options[i].key;
        size_t at = 0;
        while (at < name.len && key[at] && (key[at] == name.ptr[at] || (strchr("._-", key[at]) && strchr("._-", name.ptr[at])))) {
            at++;
        }
        if (at == name.len && !key[at]) {
            return &config_options[i];
        }
    }
    return NULL;
}

static void unknown_flag(Loader *loader, Str name) {
    const ConfigOption *meant = option_by_flat_name(name);
    if (meant) {
        config_loader_problem(loader, flag_origin(name), STR_NULL, "there is no such flag; write --set %s=VALUE", meant->key);
        return;
    }
    const char *names[CONFIG_OPTION_COUNT + 3] = {"config", "set"};
    size_t count = 2;
    for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++) {
        if (config_options[i].flag) {
            names[count++] = config_options[i].flag;
        }
    }
    const char *near = nearest_word(name, names);
    config_loader_problem(loader, flag_origin(name), STR_NULL, "there is no such flag%s%s%s", near ? " (did you mean --" : "",
                          near ? near : "", near ? "?)" : "; see --help");
}

static void add_flag(Loader *loader, Str flag, const ConfigOption *option, Str value) {
    if (option->secret == CONFIG_SECRET) {
        config_loader_problem(
            loader, flag_origin(flag), str_from(option->key),
            "is a secret, and the command line is visible to every user of this machine; give it in the file or as %s",
            option->env);
        return;
    }
    if (option->secret == CONFIG_HAS_PASSWORD && config_url_has_password(value, loader->arena)) {
        config_loader_note(loader,
                           "The password in --%" STR_FMT
                           " is visible to every user of this machine in the list of processes. Put it into "
                           "database.password, %s or a password file.",
                           STR_ARG(flag), option->env);
    }
    config_loader_add(loader, (Setting){.option = option, .origin = flag_origin(flag), .text = value});
}

static void add_set(Loader *loader, Str value) {
    size_t equals = str_find_char(value, '=');
    Str key = str_slice(value, 0, equals);
    const ConfigOption *option = config_option_find(key);
    if (equals == SIZE_MAX) {
        config_loader_problem(loader, flag_origin(STR("set")), STR_NULL, "takes KEY=VALUE, such as --set log.level=debug");
    } else if (!option) {
        Str hint = config_loader_hint(loader, key);
        config_loader_problem(loader, flag_origin(STR("set")), key, "there is no such option%" STR_FMT, STR_ARG(hint));
    } else {
        add_flag(loader, STR("set"), option, str_skip(value, equals + 1));
    }
}

static void take_flag(Loader *loader, Str name, Str value) {
    const ConfigOption *option = option_by_flag(name);
    if (str_eq(name, STR("config"))) {
        loader->file = value;
    } else if (str_eq(name, STR("set"))) {
        add_set(loader, value);
    } else if (option) {
        add_flag(loader, name, option, value);
    }
}

void config_flags_scan(Loader *loader, int argc, char *const *argv) {
    for (int i = 0; i < argc; i++) {
        Str arg = str_from(argv[i]);
        if (!str_starts(arg, STR("--")) || arg.len == 2) {
            config_loader_problem(loader, (Origin){.kind = FROM_FLAG}, STR_NULL,
                                  "\"%" STR_FMT "\" is not a flag; flags begin with --", STR_ARG(arg));
            continue;
        }
        size_t equals = str_find_char(arg, '=');
        Str name = str_slice(arg, 2, equals);
        bool known = str_eq(name, STR("config")) || str_eq(name, STR("set")) || option_by_flag(name);
        bool value_follows = equals == SIZE_MAX && i + 1 < argc && strncmp(argv[i + 1], "--", 2) != 0;
        Str value = equals != SIZE_MAX ? str_skip(arg, equals + 1) : value_follows ? str_from(argv[++i]) : STR_NULL;
        if (!known) {
            unknown_flag(loader, name);
        } else if (str_is_null(value)) {
            config_loader_problem(loader, flag_origin(name), STR_NULL, "needs a value");
        } else {
            take_flag(loader, name, value);
        }
    }
}

void config_flags_help(Buf *out) {
    buf_printf(out, "  --%-22s %s\n", "config FILE", "Read options from this YAML file (also PROPOLIS_CONFIG).");
    for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++) {
        const ConfigOption *o = &config_options[i];
        if (o->flag) {
            const char *end = strstr(o->doc, ". ");
            int first_sentence = end ? (int)(end - o->doc + 1) : (int)strlen(o->doc);
            Buf name CLEANUP(buf_free) = BUF_INIT(100);
            buf_printf(&name, "%s %s", o->flag,
                       o->type == CONFIG_PORT   ? "N"
                       : o->type == CONFIG_PATH ? "D"
                       : o->type == CONFIG_URI  ? "URI"
                                                : "TEXT");
            Str shown = buf_str(&name);
            buf_printf(out, "  --%-22.*s %.*s\n", (int)shown.len, shown.ptr, first_sentence, o->doc);
        }
    }
    buf_printf(out, "  --%-22s %s\n", "set KEY=VALUE", "Set any other option; may be repeated.");
}

/* Only a near miss is worth a word: command-line clients and container platforms set names of their own. */
static void unknown_variable(Loader *loader, Str name) {
    const char *names[CONFIG_OPTION_COUNT + 1];
    for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++) {
        names[i] = config_options[i].env + strlen("PROPOLIS_");
    }
    names[CONFIG_OPTION_COUNT] = NULL;
    Str tail = str_skip(name, strlen("PROPOLIS_"));
    const char *near = nearest_word(tail, names);
    if (near && tail.len > 3) {
        config_loader_note(loader,
                           "The environment variable %" STR_FMT " is not an option and is not used; did you mean PROPOLIS_%s?",
                           STR_ARG(name), near);
    }
}

void config_environment_scan(Loader *loader, char *const *environment) {
    for (; environment && *environment; environment++) {
        Str entry = str_from(*environment);
        size_t equals = str_find_char(entry, '=');
        Str name = str_slice(entry, 0, equals), value = str_skip(entry, equals == SIZE_MAX ? entry.len : equals + 1);
        if (!str_starts(name, STR("PROPOLIS_")) || !value.len) {
            continue; /* an empty variable counts as not set */
        }
        if (str_eq(name, STR("PROPOLIS_CONFIG"))) {
            loader->file = value;
            continue;
        }
        const ConfigOption *option = NULL;
        for (size_t i = 0; i < CONFIG_OPTION_COUNT && !option; i++) {
            option = str_eq(name, str_from(config_options[i].env)) ? &config_options[i] : NULL;
        }
        if (option) {
            config_loader_add(loader,
                              (Setting){.option = option, .origin = {.kind = FROM_ENVIRONMENT, .name = name}, .text = value});
        } else {
            unknown_variable(loader, name);
        }
    }
}
