#include "pg/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <unistd.h>

#include "base/arena.h"
#include "pg/binaries.h"
#include "pg/process.h"

enum { ENV_MAX = 64, ARENA_BYTES = 1024 * 1024 };

typedef struct Job {
    Arena *arena;
    const char *env[ENV_MAX];
    const char *database, *schema;
    char program[BINARIES_PATH + 32];
} Job;

/* Every option of an address has a variable of its own. */
static bool address_to_env(Job *job, Str url, Err *err) {
    char *why = NULL;
    PQconninfoOption *options = PQconninfoParse(arena_cstr(job->arena, url), &why);
    PQfreemem(why); /* may quote the password */
    if (!options) {
        return err_set(err, ERR_INVALID_CONFIG, "database.url is not a PostgreSQL address.");
    }
    size_t n = 0;
    for (PQconninfoOption *o = options; o->keyword; o++) {
        if (o->val && o->envvar && n < ENV_MAX - 1) {
            job->env[n++] = arena_printf(job->arena, "%s=%s", o->envvar, o->val).ptr;
        }
        if (o->val && strcmp(o->keyword, "dbname") == 0) {
            job->database = arena_printf(job->arena, "%s", o->val).ptr;
        }
    }
    job->env[n] = NULL;
    PQconninfoFree(options);
    return true;
}

/* A machine that only talks to a PostgreSQL elsewhere may have the client programs alone, in PATH. */
static void find_program(Job *job, Str bindir, const char *name) {
    Binaries binaries;
    Err ignored;
    if (binaries_find(bindir, 0, &binaries, &ignored)) {
        binaries_path(&binaries, name, job->program);
    } else {
        snprintf(job->program, sizeof job->program, "%s", name);
    }
}

static bool prepare(Job *job, const BackupOptions *options, const char *program, Err *err) {
    job->schema = str_is_null(options->schema) ? "propolis" : arena_cstr(job->arena, options->schema);
    find_program(job, options->bindir, program);
    return address_to_env(job, options->url, err);
}

/* pg_dump takes a pattern: quoted, it is a plain name. */
static const char *schema_pattern(const Job *job) { return arena_printf(job->arena, "\"%s\"", job->schema).ptr; }

bool backup_dump(const BackupOptions *options, int fd, Err *err) {
    CLEANUP(arena_cleanup) Arena *arena = arena_new(ARENA_BYTES);
    Job job = {.arena = arena};
    if (!prepare(&job, options, "pg_dump", err)) {
        return false;
    }
    ProcessRun run = {.argv = (const char *const[]){job.program, "--format=custom", "--no-owner", "--no-privileges",
                                                    "--no-password", "--schema", schema_pattern(&job), NULL},
                      .extra_env = job.env,
                      .output_fd = fd};
    return process_run(&run, err) || err_prefix(err, "No backup was made");
}

bool backup_restore(const BackupOptions *options, int fd, Err *err) {
    CLEANUP(arena_cleanup) Arena *arena = arena_new(ARENA_BYTES);
    Job job = {.arena = arena};
    if (!prepare(&job, options, "pg_restore", err)) {
        return false;
    }
    ProcessRun run = {.argv = (const char *const[]){job.program, "--exit-on-error", "--single-transaction", "--no-owner",
                                                    "--no-privileges", "--no-password", "--dbname",
                                                    job.database ? job.database : "postgres", NULL},
                      .extra_env = job.env,
                      .input_fd = fd};
    return process_run(&run, err) ||
           err_prefix(err, "Nothing was restored (the database must not have the schema \"%s\" yet)", job.schema);
}

/* --- the file ------------------------------------------------------------------------------------------------- */

static bool cannot_write(const char *path, Err *err) {
    return err_set(err, ERR_STORAGE, "The backup cannot be written to %s: %s.", path, strerror(errno));
}

bool backup_file_create(const char *path, BackupFile *ret, Err *err) {
    ret->path = path;
    if (snprintf(ret->part, sizeof ret->part, "%s.part", path) >= (int)sizeof ret->part) {
        errno = ENAMETOOLONG;
        return cannot_write(path, err);
    }
    ret->fd = open(ret->part, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    return ret->fd >= 0 || cannot_write(ret->part, err);
}

bool backup_file_keep(BackupFile *file, Err *err) {
    bool ok = fsync(file->fd) == 0 && rename(file->part, file->path) == 0;
    if (!ok) {
        cannot_write(file->path, err);
        backup_file_discard(file);
        return false;
    }
    cleanup_close(&file->fd);
    return true;
}

void backup_file_discard(BackupFile *file) {
    unlink(file->part);
    cleanup_close(&file->fd);
}
