/* The inside of loading: the sources hand over settings and problems, config.c puts them together. */
#ifndef PROPOLIS_CONFIG_LOAD_H
#define PROPOLIS_CONFIG_LOAD_H

#include "config/config.h"
#include "config/option.h"

enum { CONFIG_PROBLEMS_MAX = 20, CONFIG_NOTES_MAX = 20 };

/* Later ones win. */
typedef enum OriginKind { FROM_DEFAULT, FROM_FILE, FROM_ENVIRONMENT, FROM_FLAG, ORIGIN_KINDS } OriginKind;

typedef struct Origin {
    OriginKind kind;
    Str name; /* file, variable, or flag without "--" */
    size_t line, column;
} Origin;

typedef struct Setting {
    const ConfigOption *option;
    Origin origin;
    bool is_list;
    Str text;
    StrList items;
} Setting;

typedef struct Problem {
    Origin origin;
    Str text;
} Problem;

typedef struct Loader {
    Arena *arena;
    Str file;
    Setting *settings;
    size_t setting_count, setting_capacity;
    Problem problems[CONFIG_PROBLEMS_MAX];
    size_t problem_count, problem_total;
    Str notes[CONFIG_NOTES_MAX];
    size_t note_count;
} Loader;

void config_loader_add(Loader *loader, Setting setting);
/* KEY may be null. */
void config_loader_problem(Loader *loader, Origin at, Str key, const char *fmt, ...) PRINTF_LIKE(4, 5);
void config_loader_note(Loader *loader, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* " (did you mean X?)", or "" when no known key is near. */
Str config_loader_hint(const Loader *loader, Str key);

const ConfigOption *config_option_find(Str key);
bool config_is_group(Str name);

/* Sets loader->file when PROPOLIS_CONFIG or --config is there; flags are read after the environment. */
void config_environment_scan(Loader *loader, char *const *environment);
void config_flags_scan(Loader *loader, int argc, char *const *argv);
void config_file_read(Loader *loader);
void config_file_parse(Loader *loader, Str text);

bool config_url_has_password(Str url, Arena *arena);

#endif
