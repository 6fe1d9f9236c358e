/* One row of the table that is generated from options.yaml, and the table itself. */
#ifndef PROPOLIS_CONFIG_OPTION_H
#define PROPOLIS_CONFIG_OPTION_H

#include "gen/options.auto.h"

typedef enum ConfigType {
    CONFIG_STRING,
    CONFIG_INT,
    CONFIG_BOOL,
    CONFIG_DURATION, /* int64_t milliseconds */
    CONFIG_SIZE,     /* int64_t bytes */
    CONFIG_ENUM,
    CONFIG_LIST,
    CONFIG_PORT,
    CONFIG_PATH, /* made absolute */
    CONFIG_URI,  /* a plain path becomes file:/... */
} ConfigType;

typedef enum ConfigSecret { CONFIG_SHOWN, CONFIG_SECRET, CONFIG_HAS_PASSWORD } ConfigSecret;

typedef struct ConfigOption {
    const char *key; /* "http.port" */
    ConfigType type;
    ConfigType items;          /* of a list */
    const char *default_text;  /* <key> stands for an earlier option's value */
    const char *low, *high;    /* range as text; NULL: none */
    const char *unit;          /* of an int, or NULL */
    const char *const *values; /* of an enum, NULL-ended, in the order of the enum's numbers */
    const char *env;
    const char *flag; /* without "--", or NULL */
    bool forever, reload;
    ConfigSecret secret;
    const char *doc;
    size_t offset; /* in struct Config */
} ConfigOption;

extern const ConfigOption config_options[CONFIG_OPTION_COUNT];
extern const char *const config_names[]; /* keys and groups of keys, NULL-ended */

#endif
