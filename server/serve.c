#include "server/server.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "base/log.h"
#include "catalog/definitions.h"
#include "catalog/sealing.h"
#include "catalog/secret.h"
#include "catalog/users.h"
#include "config/config.h"
#include "pg/embedded.h"
#include "pg/migrate.h"
#include "server/dispatch.h"
#include "server/hms/door.h"
#include "server/hms/tcp.h"
#include "server/housekeeper.h"
#include "server/listen.h"
#include "server/points.h"
#include "server/rest/rest.h"
#include "server/store.h"
#include "server/tls.h"
#include "storage/roots.h"

const char SERVER_VERSION[] = "0.1.0";

enum {
    HEAD_BYTES = 32 * 1024,      /* request line, headers, a piece of body; the library clears it for every request */
    FREE_BODY_BYTES = 64 * 1024, /* of a body before it is known who sends it */
    TICK_MS = 200,               /* of the feed, while somebody waits */
    WAIT_MS = 60 * 1000,         /* longest long-poll */
    STEP_END_MS = 2000,          /* for a step of housekeeping to end, at least */
    START_MS = 60 * 1000,        /* for the statements of the start */
    START_MEMORY = 16 * 1024 * 1024,
    DEFINITIONS_BYTES = 4 * 1024 * 1024, /* of column sets and formats kept in memory */
};

/* What serve holds beside the Server itself. */
typedef struct Process {
    const Config *config;
    Arena *arena; /* as long as the process */
    Server server;
    Store store;
    Housekeeper *housekeeper;
    int listen_fd, thrift_fd; /* -1: not open, or taken over */
    uint16_t port, thrift_port;
    bool made_token;
} Process;

/* ---- the store -------------------------------------------------------------------------------------------------- */

static bool open_catalog(Process *p, Arena *arena, Err *err) {
    Catalog *catalog = &p->server.catalog;
    Str cluster = ARENA_CONCAT(arena, p->config->data_dir, STR("/postgres"));
    RootsOptions roots = {
        p->config->storage.writable_roots, p->config->storage.readable_roots, {&cluster, p->store.embedded != NULL}, true};
    catalog->pg = p->store.pg;
    catalog->config = p->config;
    catalog->server_id = uuid_random();
    catalog->definitions = definitions_new(DEFINITIONS_BYTES);
    catalog->authorize = auth_authorize;
    SecretKeys *keys;
    if (!secret_keys_load(arena_cstr(arena, p->config->secret_key_file), true, &keys, err)) {
        return false;
    }
    catalog->keys = keys;
    return roots_open(&roots, &catalog->roots, err);
}

static bool prepare_catalog(Process *p, Arena *arena, Err *err) {
    Caller caller = {.protocol = STR("server"), .operation = STR("start"), .admin = true};
    Ctx ctx = {
        .catalog = &p->server.catalog, .arena = arena, .caller = &caller, .deadline = deadline_in_ms(START_MS), .pool = PG_BULK};
    if (!instance_id(&ctx, &p->server.instance, err) || !catalog_bootstrap(&ctx, err)) {
        return false;
    }
    return auth_mode(p->server.auth) != AUTH_REQUIRED ||
           auth_first_admin(&ctx, arena_cstr(arena, p->config->data_dir), &p->made_token, err);
}

/* ---- starting and stopping -------------------------------------------------------------------------------------- */

static void take_limits(Server *server, const Config *config) {
    server->limits.body = config->limits.request_body;
    server->limits.page = config->limits.page;
    server->limits.page_default = config->limits.page_default;
    server->limits.list_page = config->limits.list_page;
    server->limits.json_depth = config->limits.json_depth;
    server->limits.request_memory = config->limits.request_memory;
    server->limits.timeout_ms = config->http.request_timeout;
    server->limits.wait_ms = WAIT_MS;
}

static void set_up_log(const Config *config) {
    static const LogLevel LEVELS[] = {LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR};
    log_setup(LEVELS[config->log.level], config->log.format == CONFIG_LOG_FORMAT_JSON);
}

static AuthMode auth_mode_of(const Config *config) {
    static const AuthMode MODES[] = {AUTH_LOCAL, AUTH_OPEN, AUTH_REQUIRED};
    return MODES[config->auth.mode];
}

static bool start_threads(Process *p, Err *err) {
    Server *server = &p->server;
    const Config *config = p->config;
    WorkersOptions read = {"read", (unsigned)config->http.workers, (size_t)config->limits.queue,
                           (size_t)config->limits.request_memory};
    WorkersOptions bulk = {"bulk", (unsigned)config->http.bulk_workers, (size_t)config->limits.queue,
                           (size_t)config->limits.request_memory};
    HttpOptions http = {
        .listen_fd = p->listen_fd,
        .threads = (unsigned)config->http.threads,
        .max_connections = (unsigned)config->http.max_connections,
        .max_body = (size_t)config->limits.request_body,
        .max_bodies = (size_t)config->limits.request_bodies,
        .free_body = FREE_BODY_BYTES,
        .max_head = HEAD_BYTES,
        .tls = tls_is_on(),
        .idle_timeout_s = (unsigned)MAX(config->http.idle_timeout / 1000, (int64_t)1),
        .user_bytes = sizeof(Call),
        .on_body = dispatch_body,
        .on_request = dispatch_request,
        .arg = server,
    };
    if (!(server->read = workers_start(&read, err)) || !(server->bulk = workers_start(&bulk, err))) {
        return false;
    }
    ThriftServerOptions thrift = {
        .listen_fd = p->thrift_fd,
        .threads = (unsigned)config->thrift.threads,
        .tls = tls_is_on(),
        .max_connections = (unsigned)config->thrift.max_connections,
        .idle_timeout_ms = config->thrift.idle_timeout,
        .stall_timeout_ms = config->thrift.stall_timeout,
        .limits = thrift_limits(config),
        .max_buffered = (size_t)config->thrift.max_buffered,
        .user_bytes = hms_conn_bytes,
        .on_message = hms_on_message,
        .on_login = hms_on_login,
        .on_close = hms_on_close,
        .arg = server,
    };
    server->points = points_new(server->read, dispatch_points);
    return (server->points || err_set(err, ERR_INTERNAL, "There is no memory to start with.")) &&
           (server->feed = feed_start(server, TICK_MS, err)) && (server->http = http_start(&http, err)) &&
           (server->thrift = thrift_server_start(&thrift, err));
}

static bool make_server(Process *p, Err *err) {
    Server *server = &p->server;
    if (!hms_methods_join(rest_methods, &server->methods, err)) {
        return false;
    }
    server->router = router_new((MethodTable){server->methods.rows, rest_methods.count});
    server->metrics = metrics_new(server->methods);
    server->refusals = refusals_new();
    server->auth = auth_new(auth_mode_of(p->config), p->config->auth.token_cache);
    server->started_at = clock_now();
    take_limits(server, p->config);
    return (server->router && server->metrics && server->refusals && server->auth) ||
           err_set(err, ERR_INTERNAL, "There is no memory to start with.");
}

static bool load_certificates(const Config *config, Err *err) {
    TlsFiles files = {config->tls.certificate, config->tls.key, config->tls.client_ca};
    return tls_load(&files, err);
}

static bool start(Process *p, Arena *arena, Err *err) {
    const Config *config = p->config;
    int applied;
    return load_certificates(config, err) &&
           listen_open(arena_cstr(arena, config->listen), (uint16_t)config->http.port, "http-port", &p->listen_fd, &p->port, err) &&
           listen_open(arena_cstr(arena, config->listen), (uint16_t)config->thrift.port, "thrift-port", &p->thrift_fd,
                       &p->thrift_port, err) &&
           store_become_service_user(config, err) && store_open(config, arena, &p->store, err) &&
           migrate_apply(p->store.pg, migrations_built_in(), &applied, err) && make_server(p, err) && open_catalog(p, arena, err) &&
           prepare_catalog(p, arena, err) &&
           housekeeper_start(&p->server.catalog, p->store.embedded != NULL, &p->housekeeper, err) && start_threads(p, err);
}

/* What was started, in the other order. False: something still runs, so nothing may be freed. */
static bool stop_threads(Process *p) {
    Server *server = &p->server;
    int64_t drain_ms = p->config->shutdown.drain_timeout;
    atomic_store(&server->stopping, true);
    if (server->http) {
        http_stop_accepting(server->http);
    }
    if (server->thrift) {
        thrift_server_stop_accepting(server->thrift);
    }
    if (server->feed) {
        feed_stop(server->feed);
    }
    Deadline deadline = deadline_in_ms(drain_ms);
    bool drained = (!server->http || http_drain(server->http, drain_ms)) &&
                   (!server->thrift || thrift_server_drain(server->thrift, deadline_left_ms(deadline)));
    if (!drained) {
        log_warn("Some requests were not finished after %" PRId64 " ms (shutdown.drain_timeout) and are ended.", drain_ms);
        return false;
    }
    if (server->http) {
        http_stop(server->http);
    }
    if (server->thrift) {
        thrift_server_stop(server->thrift);
    }
    if (!housekeeper_stop(p->housekeeper, MAX(deadline_left_ms(deadline), (int64_t)STEP_END_MS))) {
        log_warn("A background job was not finished in time (shutdown.drain_timeout); the next start goes on with it.");
        return false;
    }
    return (!server->read || workers_stop(server->read, drain_ms)) && (!server->bulk || workers_stop(server->bulk, drain_ms));
}

static void stop(Process *p) {
    Server *server = &p->server;
    bool all_ended = stop_threads(p);
    if (all_ended) {
        if (server->catalog.roots) {
            roots_close(server->catalog.roots);
        }
        secret_keys_free(server->catalog.keys);
        definitions_free(server->catalog.definitions);
        feed_free(server->feed);
        points_free(server->points);
        auth_free(server->auth);
        metrics_free(server->metrics);
        refusals_free(server->refusals);
        router_free(server->router);
    }
    if (!all_ended) {
        /* Threads still use the pools; the cluster must stop all the same. */
        if (p->store.embedded) {
            embedded_stop(p->store.embedded);
        }
        _exit(0);
    }
    store_close(&p->store);
}

/* ---- signals ---------------------------------------------------------------------------------------------------- */

static void on_signal(int number, void (*handler)(int)) {
    struct sigaction action = {.sa_handler = handler};
    sigaction(number, &action, NULL);
}

/* Blocked in all threads; the main one waits for them. */
static void block_signals(sigset_t *set) {
    on_signal(SIGPIPE, SIG_IGN);
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, set, NULL);
}

static void log_texts(const char *what, StrList texts) {
    for (size_t i = 0; i < texts.count; i++) {
        log_info("%s: %" STR_FMT, what, STR_ARG(texts.items[i]));
    }
}

static void free_arena(void *arena) { arena_free(arena); }

/* Former configurations stay until the end: a request may still read one, and reloads are few. */
static void reload(Process *p) {
    Arena *arena = arena_new(START_MEMORY);
    ConfigChanges changes = {0};
    Config *fresh;
    Err err;
    if (!config_reload(p->config, arena, &fresh, &changes, NULL, &err)) {
        log_error("The configuration was not reloaded, the old one stays: %s", err.message);
        arena_free(arena);
        return;
    }
    p->config = fresh;
    arena_defer(p->arena, free_arena, arena);
    p->server.catalog.config = fresh;
    set_up_log(fresh);
    take_limits(&p->server, fresh);
    auth_set_fresh(p->server.auth, fresh->auth.token_cache);
    log_info("The configuration was reloaded.");
    log_texts("Changed", changes.changed);
    log_texts("Needs a restart", changes.restart);
    if (tls_is_on() && !load_certificates(fresh, &err)) {
        log_error("The certificate was not reloaded, the old one stays: %s", err.message);
    }
    if (!sealing_reload(&p->server.catalog, &err)) {
        log_error("The secret keys were not reloaded, the old ones stay: %s", err.message);
    }
}

static void wait_for_the_end(Process *p, sigset_t *set) {
    for (;;) {
        int got = 0;
        if (sigwait(set, &got) != 0) {
            continue;
        }
        if (got != SIGHUP) {
            break;
        }
        reload(p);
    }
    /* A second signal ends the process at once, as if nothing had been arranged. */
    on_signal(SIGTERM, SIG_DFL);
    on_signal(SIGINT, SIG_DFL);
    pthread_sigmask(SIG_UNBLOCK, set, NULL);
}

static void warn_of_open_door(const Config *config, uint16_t port) {
    if (config->auth.mode == CONFIG_AUTH_MODE_OPEN && !config_is_local(config)) {
        log_warn("Whoever reaches %" STR_FMT
                 " port %u may do everything, without a login (auth.mode: open). Set auth.mode: required "
                 "unless that is meant.",
                 STR_ARG(config->listen), (unsigned)port);
    }
}

int server_run(const Config *config) {
    Process *p = calloc(1, sizeof *p);
    CLEANUP(arena_cleanup) Arena *arena = arena_new(START_MEMORY);
    Err err;
    sigset_t signals;
    if (!p) {
        return EXIT_FAILURE;
    }
    p->config = config;
    p->arena = arena;
    p->listen_fd = p->thrift_fd = -1;
    set_up_log(config);
    block_signals(&signals);
    StrList notes = config_notes(config);
    for (size_t i = 0; i < notes.count; i++) {
        log_warn("%" STR_FMT, STR_ARG(notes.items[i]));
    }
    bool ok = start(p, arena, &err);
    if (ok) {
        warn_of_open_door(config, p->port);
        banner_print(config, auth_mode(p->server.auth), p->port, p->thrift_port, p->made_token);
        wait_for_the_end(p, &signals);
        log_info("Stopping.");
    } else {
        fprintf(stderr, "propolis: %s%s%s\n", err.message, err.detail[0] ? " | " : "", err.detail);
        if (p->listen_fd >= 0 && !p->server.http) {
            close(p->listen_fd);
        }
        if (p->thrift_fd >= 0 && !p->server.thrift) {
            close(p->thrift_fd);
        }
    }
    stop(p);
    free(p);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
