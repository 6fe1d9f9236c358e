#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "catalog/doctor.h"
#include "catalog/sealing.h"
#include "config/config.h"
#include "pg/migrate.h"
#include "server/rest/rest.h"
#include "server/server.h"
#include "storage/roots.h"

/* What only the server itself can see. A check that fails is an answer, not an error: when the database is away the others
 * are still told. */

typedef enum Status { OK, WARN, FAIL } Status;

typedef struct Doctor {
    Request *r;
    const Config *config;
    JsonWriter w;
    bool store; /* the database answers */
} Doctor;

/* ADVICE may be NULL. */
static void add(Doctor *d, const char *name, Status status, Str detail, const char *advice) {
    static const char *const NAMES[] = {"ok", "warn", "fail"};
    jw_object_begin(&d->w);
    jw_put_str(&d->w, "name", str_from(name));
    jw_put_str(&d->w, "status", str_from(NAMES[status]));
    jw_put_str(&d->w, "detail", detail);
    jw_put_str(&d->w, "advice", status == OK ? STR_NULL : str_from(advice));
    jw_object_end(&d->w);
}

#define SAY(d, ...) arena_printf((d)->r->arena, __VA_ARGS__)

/* --- the database ------------------------------------------------------------------------------------------------ */

enum {
    OLDEST_POSTGRES = 150000,
    SLOW_US = 20 * 1000,
    SKEW_WARN_US = 1000 * 1000,
    SKEW_FAIL_US = 60 * 1000 * 1000,
    UNNUMBERED_WARN = 100 * 1000,
    SPARE_CONNECTIONS = 4, /* for tickers, jobs and people */
};

static void check_database(Doctor *d, const StoreHealth *s) {
    bool old = s->server_version<OLDEST_POSTGRES, slow = s->latency_us> SLOW_US;
    Str detail = SAY(d, "PostgreSQL %d.%d answers in %.1f ms", s->server_version / 10000, s->server_version % 10000,
                     (double)s->latency_us / 1000);
    add(d, "database",
        old    ? FAIL
        : slow ? WARN
               : OK,
        detail, old ? "upgrade to PostgreSQL 15 or newer" : "every request waits for the database: bring it nearer to the server");
    add(d, "durability", s->durable ? OK : FAIL,
        s->durable ? STR("acknowledged writes survive a crash") : STR("fsync, full_page_writes or synchronous_commit is off"),
        "switch them on: a crash of the machine loses changes otherwise");
}

static void check_clock(Doctor *d, const StoreHealth *s) {
    int64_t skew = s->clock - s->clock_here;
    int64_t size = skew < 0 ? -skew : skew;
    add(d, "database_clock",
        size > SKEW_FAIL_US   ? FAIL
        : size > SKEW_WARN_US ? WARN
                              : OK,
        SAY(d, "the clock of the database is %.3f s %s that of the server", (double)size / 1e6, skew < 0 ? "behind" : "ahead of"),
        "switch on time synchronisation (NTP) on both machines");
}

static void check_history(Doctor *d, const StoreHealth *s) {
    const char *more = s->unnumbered >= UNNUMBERED_COUNTED ? "or more " : "";
    add(d, "history", s->unnumbered > UNNUMBERED_WARN ? WARN : OK,
        SAY(d, "%" PRId64 " %scommitted changes wait for their number", s->unnumbered, more),
        "read /api/v1/changes once: that numbers them; if it does not, look at the log of the server");
}

static void check_connections(Doctor *d, const StoreHealth *s) {
    int64_t wanted = SPARE_CONNECTIONS, room = s->max_connections - s->reserved_connections;
    for (int class = 0; class < PG_CLASS_COUNT; class ++) {
        PgPoolStats pool;
        pg_pool_stats(d->r->server->catalog.pg, (PgClass) class, &pool);
        wanted += pool.limit;
    }
    add(d, "max_connections", wanted > room ? WARN : OK,
        SAY(d, "this server may want %" PRId64 " connections, the database has %" PRId64 " for all its clients", wanted, room),
        "raise max_connections of PostgreSQL, or lower database.pool_read and database.pool_bulk");
}

static void check_schema(Doctor *d) {
    MigrateStatus status;
    Err err;
    if (!migrate_status(d->r->server->catalog.pg, migrations_built_in(), &status, &err)) {
        add(d, "schema_version", FAIL, str_from(err.message), "run \"propolis migrate --check\"");
        return;
    }
    bool newer = status.newest_applied > status.applied;
    add(d, "schema_version",
        status.pending ? FAIL
        : newer        ? WARN
                       : OK,
        SAY(d, "%d migrations applied, %d pending, the newest is number %d", status.applied, status.pending, status.newest_applied),
        status.pending ? "run \"propolis migrate\""
                       : "the schema is newer than this server, which may still use it: upgrade the server");
}

static void check_store(Doctor *d) {
    StoreHealth health;
    Err err;
    if (!doctor_look(&d->r->ctx, &health, &err)) {
        add(d, "database", FAIL, str_from(err.message), "look whether PostgreSQL runs, and at the log of the server");
        return;
    }
    d->store = true;
    check_database(d, &health);
    check_clock(d, &health);
    check_schema(d);
    check_history(d, &health);
    check_connections(d, &health);
}

/* --- directories ------------------------------------------------------------------------------------------------- */

static const int64_t MB = 1024 * 1024, SPACE_FAIL = 64 * 1024 * 1024, SPACE_WARN = 1024 * 1024 * 1024;

static Status space_status(int64_t free_bytes) {
    return free_bytes < 0 ? OK : free_bytes < SPACE_FAIL ? FAIL : free_bytes < SPACE_WARN ? WARN : OK;
}

static Str space_text(Doctor *d, int64_t free_bytes, int64_t total_bytes) {
    return free_bytes < 0 ? STR("") : SAY(d, ", %" PRId64 " MB of %" PRId64 " MB free", free_bytes / MB, total_bytes / MB);
}

static void check_root(Doctor *d, const RootHealth *root) {
    const char *name = root->writable ? "storage_writable" : "storage_readable";
    Str space = space_text(d, root->now.free_bytes, root->now.total_bytes);
    if (!root->has_driver) {
        add(d, name, OK, SAY(d, "%s: of a kind this server does not touch, only metadata changes there", root->location), NULL);
    } else if (!root->now.found) {
        add(d, name, FAIL, SAY(d, "%s is not there, or not what it was at the start", root->location),
            "make the directory, or mount what belongs there");
    } else if (!root->now.may_read || (root->writable && !root->now.may_write)) {
        add(d, name, FAIL,
            SAY(d, "%s may not be %s by the user the server runs as (number %u)", root->location,
                root->now.may_read ? "written" : "read", (unsigned)geteuid()),
            "give that user the right, or take the directory out of storage.writable_roots");
    } else {
        Status status = root->writable ? space_status(root->now.free_bytes) : OK;
        add(d, name, status, SAY(d, "%s%" STR_FMT, root->location, STR_ARG(space)), "make room: new tables need it");
    }
}

static void check_roots(Doctor *d) {
    const Roots *roots = d->r->server->catalog.roots;
    for (size_t i = 0; i < roots_count(roots); i++) {
        RootHealth health;
        roots_health(roots, i, &health);
        check_root(d, &health);
    }
}

static void check_data_directory(Doctor *d) {
    const char *path = arena_cstr(d->r->arena, d->config->data_dir);
    struct stat st;
    struct statvfs fs;
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
        add(d, "data_directory", FAIL, SAY(d, "%s is no directory any more", path), "restore it from a backup");
    } else if (access(path, W_OK | X_OK) != 0) {
        add(d, "data_directory", FAIL, SAY(d, "%s may not be written by the user the server runs as", path),
            "give that user the right");
    } else if (st.st_mode & 022) {
        add(d, "data_directory", WARN, SAY(d, "%s can be written by other users (mode %04o)", path, (unsigned)st.st_mode & 07777u),
            "run chmod go-w on it");
    } else {
        int64_t left = statvfs(path, &fs) == 0 ? (int64_t)(fs.f_bavail * fs.f_frsize) : -1;
        Str space = left < 0 ? STR("") : space_text(d, left, (int64_t)(fs.f_blocks * fs.f_frsize));
        add(d, "data_directory", space_status(left), SAY(d, "%s%" STR_FMT, path, STR_ARG(space)),
            "make room: without it the embedded database stops");
    }
}

/* --- who can get in ---------------------------------------------------------------------------------------------- */

static void check_listen(Doctor *d) {
    AuthMode mode = auth_mode(d->r->server->auth);
    Str listen = d->config->listen;
    bool local = str_eq(listen, STR("localhost")) || str_eq(listen, STR("::1")) || str_starts(listen, STR("127."));
    Str detail = SAY(d, "listening on %" STR_FMT ", auth mode %s", STR_ARG(listen), auth_mode_name(mode));
    if (local || mode == AUTH_REQUIRED) {
        add(d, "listen", OK, detail, NULL);
    } else {
        add(d, "listen", WARN, detail,
            "whoever reaches this address may change everything: set auth.mode to required, or listen on 127.0.0.1");
    }
}

/* With the keys of the file, because those are what the next start has. */
static void check_seals(Doctor *d, const char *path, const SecretKeys *keys) {
    SealHealth seals = {0};
    Err err;
    if (d->store && !sealing_try(&d->r->ctx, keys, &seals, &err)) {
        add(d, "secret_key", WARN,
            SAY(d, "%s is intact, but whether it opens what is stored cannot be tried: %s", path, err.message),
            "look whether PostgreSQL runs, and at the log of the server");
    } else if (!str_is_null(seals.missing)) {
        add(d, "secret_key", FAIL,
            SAY(d, "the secrets of %" PRId64 " connections cannot be read: %s lacks the key %" STR_FMT " they are sealed under",
                seals.closed, path, STR_ARG(seals.missing)),
            "put back the key file that belongs to this catalog; if secrets were entered since, add its \"key\" lines above those "
            "of the present file instead. Without it, enter those secrets again");
    } else if (seals.closed) {
        add(d, "secret_key", FAIL, str_from(seals.why.message), "look at each connection with its secrets");
    } else {
        add(d, "secret_key", OK,
            SAY(d, "%s is intact and nobody else can read it%s", path, d->store ? "; it opens what is stored" : ""), NULL);
    }
}

static void check_secret_key(Doctor *d) {
    const char *path = arena_cstr(d->r->arena, d->config->secret_key_file);
    SecretKeys *keys = NULL;
    Err err;
    if (!secret_keys_load(path, false, &keys, &err)) {
        add(d, "secret_key", FAIL, str_from(err.message),
            "the running server still has its keys; put the file in order before it is started again");
        return;
    }
    check_seals(d, path, keys);
    secret_keys_free(keys);
}

bool rest_admin_doctor(Request *r, Err *err) {
    if (!ctx_authorize(&r->ctx, ACTION_ADMIN, "server", STR_NULL, STR_NULL, STR_NULL, err)) {
        return false;
    }
    Doctor d = {.r = r, .config = r->server->catalog.config, .w = request_json(r)};
    jw_object_begin(&d.w);
    jw_key(&d.w, STR("checks"));
    jw_array_begin(&d.w);
    check_store(&d);
    check_roots(&d);
    check_data_directory(&d);
    check_listen(&d);
    check_secret_key(&d);
    jw_array_end(&d.w);
    jw_object_end(&d.w);
    return true;
}
