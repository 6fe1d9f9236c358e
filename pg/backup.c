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

static bool finish_file(const char *part, const char *file, Err *err) {
    CLEANUP(cleanup_close) int fd = open(part, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) || rename(part, file)) {
        return err_set(err, ERR_STORAGE, "The backup cannot be written to %s: %s.", file, strerror(errno));
    }
    return true;
}

/* pg_dump takes a pattern: quoted, it is a plain name. */
static const char *schema_pattern(const Job *job) { return arena_printf(job->arena, "\"%s\"", job->schema).ptr; }

bool backup_dump(const BackupOptions *options, const char *file, Err *err) {
    CLEANUP(arena_cleanup) Arena *arena = arena_new(ARENA_BYTES);
    Job job = {.arena = arena};
    if (!prepare(&job, options, "pg_dump", err)) {
        return false;
    }
    const char *part = arena_printf(arena, "%s.part", file).ptr;
    ProcessRun run = {.argv = (const char *const[]){job.program, "--format=custom", "--no-owner", "--no-privileges",
                                                    "--no-password", "--schema", schema_pattern(&job), "--file", part, NULL},
                      .extra_env = job.env};
    int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600); /* nobody else may read it, from the first byte on */
    if (fd < 0) {
        return err_set(err, ERR_STORAGE, "The backup cannot be written to %s: %s.", part, strerror(errno));
    }
    close(fd);
    if (!process_run(&run, err) || !finish_file(part, file, err)) {
        unlink(part);
        return err_prefix(err, "No backup was made");
    }
    return true;
}

bool backup_restore(const BackupOptions *options, const char *file, Err *err) {
    CLEANUP(arena_cleanup) Arena *arena = arena_new(ARENA_BYTES);
    Job job = {.arena = arena};
    if (access(file, R_OK)) {
        return err_set(err, ERR_STORAGE, "The backup %s cannot be read: %s.", file, strerror(errno));
    }
    if (!prepare(&job, options, "pg_restore", err)) {
        return false;
    }
    ProcessRun run = {.argv = (const char *const[]){job.program, "--exit-on-error", "--single-transaction", "--no-owner",
                                                    "--no-privileges", "--no-password", "--dbname",
                                                    job.database ? job.database : "postgres", file, NULL},
                      .extra_env = job.env};
    return process_run(&run, err) ||
           err_prefix(err, "Nothing was restored (the database must not have the schema \"%s\" yet)", job.schema);
}
