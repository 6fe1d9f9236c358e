#include "server/store.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "pg/datadir.h"

enum { SPARE_CONNECTIONS = 4 }; /* for the ticker, jobs and psql beside the pools */

bool store_become_service_user(const Config *config, Err *err) {
    const char *user = NULL;
    if (!service_user_become(config->data_dir, &user, err)) {
        return false;
    }
    if (user) {
        log_info("Started as root; from here on the server runs as the user %s.", user);
    }
    return true;
}

static bool make_data_dir(Str path, Arena *arena, Err *err) {
    for (size_t i = 1; i <= path.len; i++) {
        if (i == path.len || path.ptr[i] == '/') {
            const char *part = arena_cstr(arena, str_slice(path, 0, i));
            if (mkdir(part, i == path.len ? 0700 : 0755) < 0 && errno != EEXIST) {
                return err_set(err, ERR_STORAGE, "The data directory %s cannot be made: %s. Choose another one with --data-dir.",
                               part, strerror(errno));
            }
        }
    }
    return true;
}

static bool start_cluster(const Config *config, Embedded **ret, Err *err) {
    EmbeddedOptions cluster = {
        .data_dir = config->data_dir,
        .bindir = str_is_empty(config->database.embedded.bin_dir) ? STR_NULL : config->database.embedded.bin_dir,
        .connections = (int)(config->database.pool_read + config->database.pool_bulk) + SPARE_CONNECTIONS,
        .shared_buffers = config->database.embedded.shared_buffers,
        .start_timeout_ms = config->database.embedded.start_timeout,
    };
    return embedded_start(&cluster, ret, err);
}

static bool open_pools(const Config *config, Str url, Pg **ret, Err *err) {
    PgOptions options = {
        .url = url,
        .schema = config->database.schema,
        .pool = {[PG_READ] = (int)config->database.pool_read, [PG_BULK] = (int)config->database.pool_bulk},
        .statement_timeout_ms = config->database.statement_timeout,
        .connect_timeout_ms = config->database.connect_timeout,
    };
    return pg_open(&options, ret, err);
}

static bool store_is_embedded(const Config *config) { return str_is_empty(config->database.url); }

bool store_open(const Config *config, Arena *arena, Store *ret, Err *err) {
    Store store = {0};
    if (!make_data_dir(config->data_dir, arena, err) ||
        (store_is_embedded(config) && !start_cluster(config, &store.embedded, err))) {
        return false;
    }
    store.url = store.embedded ? str_from(embedded_url(store.embedded)) : config_database_url(config, arena);
    if (!open_pools(config, store.url, &store.pg, err)) {
        store_close(&store);
        return false;
    }
    *ret = store;
    return true;
}

static bool attach_running(const Config *config, Arena *arena, Store *ret, bool *ret_runs, Err *err) {
    Store store = {0};
    *ret_runs = store_is_embedded(config) && embedded_find(config->data_dir, arena, &store.url);
    if (*ret_runs && !open_pools(config, store.url, &store.pg, err)) {
        return false;
    }
    *ret = store;
    return true;
}

bool store_is_there(const Config *config, Arena *arena, Err *err) {
    const char *sign = arena_cstr(arena, ARENA_CONCAT(arena, config->data_dir, STR("/postgres/PG_VERSION")));
    return !store_is_embedded(config) || access(sign, F_OK) == 0 ||
           err_set(err, ERR_INVALID_CONFIG,
                   "There is no catalog in the data directory %" STR_FMT
                   ". Name another one with --data-dir, or a database with --database-url.",
                   STR_ARG(config->data_dir));
}

bool store_attach(const Config *config, Arena *arena, Store *ret, Err *err) {
    bool runs;
    return attach_running(config, arena, ret, &runs, err) &&
           (runs ||
            (store_is_there(config, arena, err) && store_become_service_user(config, err) && store_open(config, arena, ret, err)));
}

bool store_attach_or_make(const Config *config, Arena *arena, Store *ret, Err *err) {
    bool runs;
    return attach_running(config, arena, ret, &runs, err) &&
           (runs || (store_become_service_user(config, err) && store_open(config, arena, ret, err)));
}

void store_close(Store *store) {
    if (store->pg) {
        pg_close(store->pg);
    }
    if (store->embedded) {
        embedded_stop(store->embedded);
    }
    *store = (Store){0};
}
