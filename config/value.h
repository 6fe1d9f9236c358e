/* Values of options: from text, checked, into the struct, and back. */
#ifndef PROPOLIS_CONFIG_VALUE_H
#define PROPOLIS_CONFIG_VALUE_H

#include "config/config.h"
#include "config/option.h"

/* Each says in err what is wrong with the text and what would be right, without naming the option, and never repeats a
 * secret. CONFIG holds the options further up already, for <key> in a path. */
bool config_value_set_text(const ConfigOption *option, Str text, Arena *arena, Config *config, Err *err) WARN_UNUSED;
bool config_value_set_list(const ConfigOption *option, StrList items, Arena *arena, Config *config, Err *err) WARN_UNUSED;

Str config_value_text(const ConfigOption *option, const Config *config, Arena *arena);  /* in clear */
Str config_value_shown(const ConfigOption *option, const Config *config, Arena *arena); /* without secrets */
void config_value_copy(const ConfigOption *option, const Config *from, Config *to, Arena *arena);

/* The plain units, also for other texts than options. */
bool config_duration_parse(Str text, int64_t *ret_ms, Err *err) WARN_UNUSED;
bool config_size_parse(Str text, int64_t *ret_bytes, Err *err) WARN_UNUSED;

#endif
