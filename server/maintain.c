/* Commands on the store itself, beside or without a running server: migrate, backup, restore, verify, rotate-key. */
#include "server/maintain.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "catalog/sealing.h"
#include "catalog/secret.h"
#include "catalog/verify.h"
#include "config/config.h"
#include "pg/backup.h"
#include "pg/migrate.h"
#include "server/store.h"

enum { MEMORY = 256 * 1024 * 1024, VERIFY_MS = 24 * 3600 * 1000 };

typedef bool (*StoreOpen)(const Config *config, Arena *arena, Store *ret, Err *err);
typedef bool (*StoreWork)(const Config *config, Arena *arena, Store *store, const void *arg, Err *err);

/* What every command does around its work; the exit code of the program. */
static int on_store(const Config *config, StoreOpen open, StoreWork work, const void *arg) {
    CLEANUP(arena_cleanup) Arena *arena = arena_new(MEMORY);
    Store store = {0};
    Err err;
    log_setup(LOG_WARN, false);
    bool ok = open(config, arena, &store, &err) && work(config, arena, &store, arg, &err);
    if (!ok) {
        const char *why = err.detail;
        fprintf(stderr, "propolis: %s%s%s%s\n", err.message, *why ? " (" : "", why, *why ? ")" : "");
    }
    store_close(&store);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* --- migrate -------------------------------------------------------------------------------------------------- */

static bool migrate(const Config *config, Arena *arena, Store *store, const void *arg, Err *err) {
    const char *how = arg;
    (void)config;
    (void)arena;
    MigrationSet set = migrations_built_in();
    int applied = 0;
    if (how && strcmp(how, "--check") == 0) {
        return migrate_check(store->pg, set, err) && puts("The schema is up to date.") >= 0;
    }
    if (how && strcmp(how, "--print") == 0) {
        CLEANUP(buf_free) Buf sql = BUF_INIT(MEMORY);
        return migrate_print(store->pg, set, &sql, err) && fwrite(sql.ptr ? sql.ptr : "", 1, sql.len, stdout) == sql.len;
    }
    return migrate_apply(store->pg, set, &applied, err) && printf("%d migrations applied.\n", applied) > 0;
}

int server_migrate(const Config *config, const char *how) {
    return on_store(config, how ? store_attach : store_attach_or_make, migrate, how);
}

/* --- backup and restore --------------------------------------------------------------------------------------- */

static BackupOptions backup_options(const Config *config, const Store *store) {
    return (BackupOptions){
        .url = store->url,
        .schema = config->database.schema,
        .bindir = str_is_empty(config->database.embedded.bin_dir) ? STR_NULL : config->database.embedded.bin_dir,
    };
}

static bool backup(const Config *config, Arena *arena, Store *store, const void *file, Err *err) {
    (void)arena;
    BackupOptions options = backup_options(config, store);
    return backup_dump(&options, ((const BackupFile *)file)->fd, err);
}

/* The store may have to be opened as the service user, who may do nothing in the directory of the file: a process of its own
 * does that, and this one gives the file its name. */
static bool backup_apart(const Config *config, const BackupFile *file) {
    int status;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        exit(on_store(config, store_attach, backup, file));
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
}

int server_backup(const Config *config, const char *path) {
    BackupFile file;
    Err err;
    if (!backup_file_create(path, &file, &err)) {
        fprintf(stderr, "propolis: %s\n", err.message);
        return EXIT_FAILURE;
    }
    if (!backup_apart(config, &file)) { /* it has said why */
        backup_file_discard(&file);
        return EXIT_FAILURE;
    }
    if (!backup_file_keep(&file, &err)) {
        fprintf(stderr, "propolis: %s\n", err.message);
        return EXIT_FAILURE;
    }
    printf("The catalog is saved in %s. Keep %" STR_FMT " with it, at another place: secrets of connections cannot be read without"
           " that key.\nThe data of tables is not part of it.\n",
           path, STR_ARG(config->secret_key_file));
    return EXIT_SUCCESS;
}

static bool print_report(const VerifyReport *report, Err *err) {
    for (size_t i = 0; i < report->count; i++) {
        const VerifyCheck *c = &report->items[i];
        printf("%-6s %-24s %10" PRId64 "  %s\n", c->broken ? "BROKEN" : "ok", c->name, c->looked_at, c->promise);
        if (c->broken) {
            printf("       %" PRId64 " times, first: %" STR_FMT "\n", c->broken, STR_ARG(c->example));
        }
    }
    return report->broken == 0 ||
           err_set(err, ERR_INTERNAL, "The store breaks %" PRId64 " of its promises, see above.", report->broken);
}

static bool verify(const Config *config, Arena *arena, Store *store, const void *arg, Err *err) {
    (void)arg;
    Caller caller = {.protocol = STR("server"), .operation = STR("verify"), .admin = true};
    Catalog catalog = {.pg = store->pg, .config = config, .server_id = uuid_random()};
    Ctx ctx = {.catalog = &catalog, .arena = arena, .caller = &caller, .deadline = deadline_in_ms(VERIFY_MS), .pool = PG_BULK};
    VerifyReport report;
    return migrate_check(store->pg, migrations_built_in(), err) && verify_store(&ctx, &report, err) && print_report(&report, err);
}

typedef struct RestoreFrom {
    const char *path;
    int fd;
} RestoreFrom;

static bool expect_empty(Store *store, Err *err) {
    MigrateStatus status;
    if (!migrate_status(store->pg, migrations_built_in(), &status, err)) {
        return err_prefix(err, "Nothing was restored");
    }
    return !status.schema_exists ||
           err_set(err, ERR_INVALID_OPERATION,
                   "The store is not empty: its schema \"%s\" holds a catalog already, so nothing was restored. Restore into a new "
                   "--data-dir or an empty database (--database-url); what is there stays as it is.",
                   pg_schema(store->pg));
}

static bool restore(const Config *config, Arena *arena, Store *store, const void *arg, Err *err) {
    const RestoreFrom *from = arg;
    BackupOptions options = backup_options(config, store);
    int applied;
    return expect_empty(store, err) && backup_restore(&options, from->fd, err) &&
           migrate_apply(store->pg, migrations_built_in(), &applied, err) && verify(config, arena, store, NULL, err) &&
           printf("The catalog of %s is restored.\n", from->path) > 0;
}

/* The file is opened first: what root may read, the service user may not. A store that a server works on is looked at, too,
 * since "it is not empty" is what matters of it. */
int server_restore(const Config *config, const char *path) {
    CLEANUP(cleanup_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        fprintf(stderr, "propolis: The backup %s cannot be read: %s.\n", path, strerror(errno));
        return EXIT_FAILURE;
    }
    const RestoreFrom from = {path, fd};
    return on_store(config, store_attach_or_make, restore, &from);
}

int server_verify(const Config *config) { return on_store(config, store_attach, verify, NULL); }

/* --- the key ---------------------------------------------------------------------------------------------------- */

static bool rotate(const Config *config, Arena *arena, Store *store, const void *arg, Err *err) {
    const char *path = arg;
    SecretKeys *keys;
    int64_t count;
    if (!migrate_check(store->pg, migrations_built_in(), err) || !secret_keys_rotate(path, err) ||
        !secret_keys_load(path, false, &keys, err)) {
        return false;
    }
    Caller caller = {.protocol = STR("server"), .operation = STR("rotate-key"), .admin = true};
    Catalog catalog = {.pg = store->pg, .config = config, .keys = keys, .server_id = uuid_random()};
    Ctx ctx = {.catalog = &catalog, .arena = arena, .caller = &caller, .deadline = deadline_in_ms(VERIFY_MS), .pool = PG_BULK};
    Str id = secret_key_id(keys, arena);
    bool ok = sealing_renew(&ctx, &count, err);
    secret_keys_free(catalog.keys);
    if (ok) {
        printf("Secrets are sealed under the key %" STR_FMT " from now on, and those of %" PRId64
               " connections were sealed again.\n"
               "Running servers notice by themselves. Back up %s again; backups of the catalog from before need the former keys,"
               " which are in it.\n",
               STR_ARG(id), count, path);
    }
    return ok;
}

/* The file must stay the service user's. */
static bool attach_as_service(const Config *config, Arena *arena, Store *ret, Err *err) {
    return store_is_there(config, arena, err) && store_become_service_user(config, err) && store_attach(config, arena, ret, err);
}

static int prepare_key(const Config *config, const char *path) {
    Err err;
    log_setup(LOG_WARN, false);
    if (!store_become_service_user(config, &err) || !secret_keys_prepare(path, &err)) {
        fprintf(stderr, "propolis: %s\n", err.message);
        return EXIT_FAILURE;
    }
    printf("%s holds a new key, which is not used yet. Copy the file to all servers, then run \"propolis rotate-key\".\n", path);
    return EXIT_SUCCESS;
}

int server_rotate_key(const Config *config, const char *how) {
    enum { PATH_MEMORY = 64 * 1024 };
    CLEANUP(arena_cleanup) Arena *arena = arena_new(PATH_MEMORY);
    const char *path = arena_cstr(arena, config->secret_key_file);
    return how ? prepare_key(config, path) : on_store(config, attach_as_service, rotate, path);
}
