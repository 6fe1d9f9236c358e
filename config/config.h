/* config: what the person who runs the server has decided.
 *
 * Purpose:   options.yaml says every option once; gen_options makes the struct Config, the table of options, the example
 *            file and the reference page from it. Here values are taken from defaults < file < environment < flags,
 *            checked, and remembered with the place they came from.
 * Ownership: a Config and its texts live in the arena given to config_load() or config_reload(); argv and the environment
 *            must stay as long as it can be reloaded.
 * Threads:   a Config never changes once it is made, so any thread may read it. A reload makes another one; the server
 *            decides when to change over and keeps the former until nobody reads it any more. */
#ifndef PROPOLIS_CONFIG_CONFIG_H
#define PROPOLIS_CONFIG_CONFIG_H

#include "base/arena.h"
#include "base/buf.h"
#include "gen/options.auto.h"

/* --- loading -------------------------------------------------------------------------------------------------------- */

typedef struct ConfigSources {
    int argc; /* flags only, without the program's name and its verb */
    char *const *argv;
    char *const *environment; /* as environ; NULL: none */
    Str text;                 /* not null: instead of the bytes of a file, for tests */
} ConfigSources;

/* Loads the file named by --config or PROPOLIS_CONFIG, if any, and everything else. On failure err (ERR_INVALID_CONFIG) says
 * the first problem and how many more there are, and *ret_problems (may be NULL) lists the first 20, one line each, as
 * "file:line:column: key: ...", "environment NAME: key: ..." or "flag --name: key: ...". */
bool config_load(const ConfigSources *sources, Arena *arena, Config **ret, StrList *ret_problems, Err *err) WARN_UNUSED;

/* What no single option can tell: rules between options. Every server start calls it after config_load(). */
bool config_check(const Config *config, Err *err) WARN_UNUSED;
/* Whether only this machine reaches the address to listen on. */
bool config_is_local(const Config *config);

/* Sentences worth a line at WARN: a password on the command line, an environment name that looks misspelt. */
StrList config_notes(const Config *config);

/* What `serve --help` says about flags: one line each. */
void config_flags_help(Buf *out);

/* --- reloading ------------------------------------------------------------------------------------------------------ */

typedef struct ConfigChanges {
    StrList changed; /* "key: old -> new", in force in the new Config */
    StrList restart; /* the same, but only a restart brings them into force */
} ConfigChanges;

/* Reads the sources of OLD again. The new Config has the new values of the reloadable options and OLD's values of all
 * others; it shares nothing with OLD's arena. When anything is wrong there is no new Config and OLD simply stays. */
bool config_reload(const Config *old, Arena *arena, Config **ret, ConfigChanges *ret_changes, StrList *ret_problems,
                   Err *err) WARN_UNUSED;

/* --- showing -------------------------------------------------------------------------------------------------------- */

typedef struct ConfigEntry {
    const char *key;
    Str value;  /* as it would be written; *** for a secret */
    Str source; /* "default", "FILE:LINE", "environment NAME" or "flag --NAME" */
    bool is_default, reloadable, secret;
    const char *doc;
} ConfigEntry;

/* Every option in the order of options.yaml. The texts live in ARENA. */
void config_each(const Config *config, Arena *arena, void (*fn)(const ConfigEntry *entry, void *arg), void *arg);

/* The file that was read, null if none was. */
Str config_file(const Config *config);

/* --- the database's address ----------------------------------------------------------------------------------------- */

/* database.url with database.password put into it: a secret, for libpq only. Empty when the embedded database is wanted. */
Str config_database_url(const Config *config, Arena *arena);
/* URL or key=value text with *** in place of every password. */
Str config_url_masked(Str url, Arena *arena);

#endif
