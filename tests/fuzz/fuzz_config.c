/* The bytes are a configuration file. Whatever they are: a Config or at least one problem, all of them printable text, and a
 * Config can be shown, checked and loaded again with the same result. */
#include "config/config.h"

static void touch(const ConfigEntry *entry, void *arg) {
    Buf *shown = arg;
    buf_add(shown, entry->value);
    buf_add(shown, entry->source);
    if (!utf8_valid(entry->value)) {
        abort();
    }
}

static void check_config(const ConfigSources *sources, Arena *arena, const Config *config) {
    Buf shown CLEANUP(buf_free) = BUF_INIT(64 << 20);
    Config *again;
    ConfigChanges changes;
    Err err;
    config_each(config, arena, touch, &shown);
    config_database_url(config, arena);
    if (config_check(config, &err) != config_reload(config, arena, &again, &changes, NULL, &err)) {
        abort();
    }
    if (!config_load(sources, arena, &again, NULL, &err) && err.code != ERR_REQUEST_TOO_LARGE) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Arena *arena CLEANUP(arena_cleanup) = arena_new(64 << 20);
    ConfigSources sources = {.text = {size ? (const char *)data : "", size}};
    Config *config;
    StrList problems = {0};
    Err err;
    if (config_load(&sources, arena, &config, &problems, &err)) {
        check_config(&sources, arena, config);
        return 0;
    }
    if (err.code == ERR_REQUEST_TOO_LARGE) {
        return 0;
    }
    if (!problems.count || err.code != ERR_INVALID_CONFIG) {
        abort();
    }
    for (size_t i = 0; i < problems.count; i++) {
        if (!utf8_valid(problems.items[i])) {
            abort();
        }
    }
    return 0;
}
