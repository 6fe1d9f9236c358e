#include "pg/embedded.h"

#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "pg/binaries.h"
#include "pg/datadir.h"
#include "pg/postmaster.h"
#include "pg/process.h"

#define DATABASE "propolis"
#define PORT "5432"

enum {
    SOCKET_PATH_MAX = 107, /* sun_path, without the NUL */
    READY_PAUSE_MS = 5,
    SAY_WAITING_MS = 5000,
    LEFTOVER_PATIENCE_MS = 2000,
    LEFTOVER_MOST_MS = 30000,
    STOP_PATIENCE_MS = 30000,
    LOG_MOST_BYTES = 16 * 1024 * 1024,
    RESTART_FIRST_MS = 100,
    RESTART_MOST_MS = 2000,
    SETTINGS_MAX = 64,
    MADE_SETTINGS = 4,
};

struct Embedded {
    DataDir dir;
    Binaries binaries;
    char cluster[POSTMASTER_PATH], log[POSTMASTER_PATH];
    char socket_dir[SOCKET_DIR_BYTES], url[2 * SOCKET_DIR_BYTES + 64];
    int connections;
    int64_t shared_buffers, start_timeout_ms;
    bool adopted, child; /* of the running postmaster */
    pid_t pid;
    int pidfd, wake;
    off_t log_from; /* where this postmaster's part of the log begins */
    pthread_t watchdog;
    bool watching, stopping;
};

static void pause_ms(int64_t ms) {
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

/* --- the cluster's files ---------------------------------------------------------------------------------------- */

/* 0: there is no cluster yet. */
static bool read_major(const char *cluster, int *ret, Err *err) {
    char path[POSTMASTER_PATH + 32], text[32] = "";
    int64_t major;
    struct stat st;
    snprintf(path, sizeof path, "%s/PG_VERSION", cluster);
    if (lstat(cluster, &st) && errno == ENOENT) {
        *ret = 0;
        return true;
    }
    CLEANUP(cleanup_fclose) FILE *file = fopen(path, "re");
    if (!file || !fgets(text, sizeof text, file) || !str_to_i64(str_trim(str_from(text)), &major)) {
        return err_set(
            err, ERR_INVALID_CONFIG,
            "%s is not a PostgreSQL cluster (no readable PG_VERSION in it). Restore a backup into a fresh data directory.",
            cluster);
    }
    *ret = (int)major;
    return true;
}

/* An initdb whose server was killed goes on alone. It holds this lock on the directory, so it can be waited for. */
static bool wait_other_initdb(const Embedded *e, int *ret_fd, Err *err) {
    int fd = open(e->dir.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    Deadline limit = deadline_in_ms(LEFTOVER_MOST_MS);
    while (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB)) {
        if (deadline_left_ms(limit) == 0) {
            cleanup_close(&fd);
            return err_set(err, ERR_DATABASE_UNAVAILABLE, "An initdb of an earlier start still works in %s and does not end.",
                           e->dir.path);
        }
        pause_ms(READY_PAUSE_MS);
    }
    *ret_fd = fd;
    return fd >= 0 || err_set(err, ERR_INVALID_CONFIG, "%s cannot be opened: %s", e->dir.path, strerror(errno));
}

static bool run_initdb(const Embedded *e, const char *target, int held_fd, Err *err) {
    char program[BINARIES_PATH + 32];
    binaries_path(&e->binaries, "initdb", program);
    ProcessRun run = {.argv = (const char *const[]){program, "-D", target, "-U", DATABASE, "-E", "UTF8", "--no-locale", "-A",
                                                    "trust", "--no-instructions", NULL},
                      .held_fd = held_fd};
    return process_run(&run, err);
}

/* Single-user mode: the database is there before anybody can connect. */
static bool create_database(const Embedded *e, const char *target, int held_fd, Err *err) {
    char program[BINARIES_PATH + 32];
    binaries_path(&e->binaries, "postgres", program);
    ProcessRun run = {.argv = (const char *const[]){program, "--single", "-D", target, "-c", "exit_on_error=on", "postgres", NULL},
                      .input = STR("CREATE DATABASE " DATABASE "\n"),
                      .held_fd = held_fd};
    return process_run(&run, err);
}

/* Under another name until it is complete, so that a start killed half way leaves nothing that looks like a cluster. */
static bool make_cluster(const Embedded *e, Err *err) {
    char target[POSTMASTER_PATH];
    Err ignored;
    snprintf(target, sizeof target, "%s/postgres.new", e->dir.path);
    log_info("making a PostgreSQL %d cluster in %s", e->binaries.major, e->cluster);
    CLEANUP(cleanup_close) int held = -1;
    if (!wait_other_initdb(e, &held, err) || !remove_tree(target, err)) {
        return false;
    }
    if (!run_initdb(e, target, held, err) || !create_database(e, target, held, err)) {
        err_prefix(err, "The private PostgreSQL could not be set up in %s", e->dir.path);
        if (!remove_tree(target, &ignored)) {
            log_err(&ignored, "tidying up");
        }
        return false;
    }
    if (rename(target, e->cluster)) {
        return err_set(err, ERR_INVALID_CONFIG, "%s cannot be renamed to %s: %s", target, e->cluster, strerror(errno));
    }
    return true;
}

/* --- the socket's directory ------------------------------------------------------------------------------------- */

#define SOCKET_DIR_PREFIX "/tmp/propolis-socket-"

static bool is_temporary(const char *dir) {
    Str s = str_from(dir), prefix = STR(SOCKET_DIR_PREFIX);
    return str_starts(s, prefix) && !str_has_char(str_skip(s, prefix.len), '/');
}

static bool choose_socket_dir(Embedded *e, Err *err) {
    if (strlen(e->dir.path) + strlen("/.s.PGSQL." PORT) <= SOCKET_PATH_MAX) {
        snprintf(e->socket_dir, sizeof e->socket_dir, "%.*s", SOCKET_PATH_MAX, e->dir.path);
        return true;
    }
    snprintf(e->socket_dir, sizeof e->socket_dir, SOCKET_DIR_PREFIX "XXXXXX");
    return mkdtemp(e->socket_dir) ||
           err_set(err, ERR_INVALID_CONFIG,
                   "The data directory's path is too long for a socket, and no directory can be made in /tmp: %s", strerror(errno));
}

/* By name what PostgreSQL puts there, never more: the path may come out of a file. */
static void remove_socket(const char *dir) {
    static const char *const names[] = {".s.PGSQL." PORT, ".s.PGSQL." PORT ".lock"};
    char file[SOCKET_DIR_BYTES + 32];
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        snprintf(file, sizeof file, "%s/%s", dir, names[i]);
        unlink(file);
    }
}

static void remove_socket_dir(const char *dir) {
    if (is_temporary(dir)) {
        remove_socket(dir);
        rmdir(dir);
    }
}

/* Quotes as libpq wants them in key = 'value'. */
static void make_url(const char *socket_dir, char *url, size_t url_bytes) {
    char quoted[2 * SOCKET_DIR_BYTES];
    size_t n = 0;
    for (const char *p = socket_dir; *p; p++) {
        if (*p == '\'' || *p == '\\') {
            quoted[n++] = '\\';
        }
        quoted[n++] = *p;
    }
    quoted[n] = 0;
    snprintf(url, url_bytes, "host='%s' port=" PORT " user=" DATABASE " dbname=" DATABASE, quoted);
}

static void set_url(Embedded *e) { make_url(e->socket_dir, e->url, sizeof e->url); }

bool embedded_find(Str data_dir, Arena *arena, Str *ret_url) {
    char url[2 * SOCKET_DIR_BYTES + 64];
    Str cluster = arena_printf(arena, "%" STR_FMT "/postgres", STR_ARG(data_dir));
    Postmaster found = postmaster_look(cluster.ptr);
    if (found.pid == 0 || !found.ready) {
        return false;
    }
    make_url(found.socket_dir, url, sizeof url);
    *ret_url = arena_str(arena, str_from(url));
    return true;
}

/* --- starting ---------------------------------------------------------------------------------------------------- */

/* Backends that outlived their postmaster hold its shared memory; a new one must not start beside them. */
static bool wait_leftovers(const Embedded *e, Err *err) {
    int64_t began = clock_monotonic_us() / 1000, waited;
    while (postmaster_processes(e->cluster, 0) > 0) {
        waited = clock_monotonic_us() / 1000 - began;
        if (waited > LEFTOVER_MOST_MS) {
            return err_set(err, ERR_DATABASE_UNAVAILABLE, "Processes of an earlier PostgreSQL still work in %s and do not end.",
                           e->cluster);
        }
        postmaster_processes(e->cluster, waited > LEFTOVER_PATIENCE_MS ? SIGTERM : 0);
        pause_ms(READY_PAUSE_MS);
    }
    return true;
}

/* The process they name is gone, a zombie or another program by now: PostgreSQL would believe the number and refuse to start.
 * Only after wait_leftovers(), because these files are PostgreSQL's own guard against that. */
static void remove_stale_lock_files(const Embedded *e, const char *old_socket_dir) {
    char path[POSTMASTER_PATH + 32];
    snprintf(path, sizeof path, "%s/postmaster.pid", e->cluster);
    remove_socket(e->socket_dir);
    if (unlink(path) == 0) {
        log_info("PostgreSQL in %s did not end in order; it recovers as it starts", e->cluster);
        if (strcmp(old_socket_dir, e->socket_dir) != 0) {
            remove_socket_dir(old_socket_dir);
        }
    }
}

static bool open_log(Embedded *e, int *ret_fd, Err *err) {
    struct stat st;
    bool too_long = stat(e->log, &st) == 0 && st.st_size > LOG_MOST_BYTES;
    *ret_fd = open(e->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (too_long ? O_TRUNC : 0), 0600);
    if (*ret_fd < 0 || fstat(*ret_fd, &st)) {
        return err_set(err, ERR_INVALID_CONFIG, "%s cannot be written: %s", e->log, strerror(errno));
    }
    e->log_from = st.st_size;
    return true;
}

/* Everything on the command line, so that an upgraded server brings its own settings. The file in the cluster stays as
 * initdb made it. */
static void add_settings(const Embedded *e, char texts[MADE_SETTINGS][POSTMASTER_PATH + 64], const char **argv, size_t n) {
    static const char *const fixed[] = {
        "listen_addresses=",
        "unix_socket_permissions=0700",
        "fsync=on",
        "full_page_writes=on",
        "synchronous_commit=on",
        "work_mem=8MB",
        "maintenance_work_mem=64MB",
        "max_wal_size=2GB",
        "checkpoint_timeout=15min",
        "random_page_cost=1.1",
        "jit=off",
        "autovacuum=on",
        "autovacuum_naptime=20s",
        "autovacuum_vacuum_scale_factor=0.05",
        "autovacuum_analyze_scale_factor=0.05",
        "autovacuum_max_workers=2",
        "max_logical_replication_workers=0",
        "max_wal_senders=2",
        "log_min_messages=warning",
        "log_timezone=UTC",
        "log_line_prefix=%m [%p] ",
        "log_checkpoints=off",
        "logging_collector=off",
        "log_destination=stderr",
        "log_min_error_statement=panic",
        "log_error_verbosity=terse",
    };
    snprintf(texts[0], sizeof texts[0], "unix_socket_directories=%s", e->socket_dir);
    snprintf(texts[1], sizeof texts[1], "max_connections=%d", e->connections + 10);
    snprintf(texts[2], sizeof texts[2], "port=" PORT);
    snprintf(texts[3], sizeof texts[3], "shared_buffers=%" PRId64 "kB", e->shared_buffers / 1024);
    for (size_t i = 0; i < MADE_SETTINGS - (e->shared_buffers == 0); i++) {
        argv[n++] = "-c";
        argv[n++] = texts[i];
    }
    for (size_t i = 0; i < ARRAY_LEN(fixed); i++) {
        argv[n++] = "-c";
        argv[n++] = fixed[i];
    }
    argv[n] = NULL;
}

static bool spawn_postmaster(Embedded *e, Err *err) {
    char program[BINARIES_PATH + 32], texts[MADE_SETTINGS][POSTMASTER_PATH + 64];
    const char *argv[4 + 2 * SETTINGS_MAX] = {program, "-D", e->cluster};
    CLEANUP(cleanup_close) int log = -1;
    binaries_path(&e->binaries, "postgres", program);
    add_settings(e, texts, argv, 3);
    if (!open_log(e, &log, err)) {
        return false;
    }
    ProcessRun run = {.argv = argv, .log_fd = log};
    pid_t pid;
    if (!process_start(&run, &pid, err)) {
        return false;
    }
    __atomic_store_n(&e->pid, pid, __ATOMIC_RELAXED);
    e->child = true;
    return true;
}

/* The first complaint in this start's part of the log. */
static void find_complaint(const Embedded *e, char *out, size_t capacity) {
    char line[512];
    snprintf(out, capacity, "see postgres.log in the data directory");
    CLEANUP(cleanup_fclose) FILE *file = fopen(e->log, "re");
    if (!file || fseeko(file, e->log_from, SEEK_SET)) {
        return;
    }
    while (fgets(line, sizeof line, file)) {
        const char *at = strstr(line, "FATAL:");
        at = at ? at : strstr(line, "PANIC:");
        if (at && !strstr(at, "the database system is ")) { /* what early callers were told */
            line[strcspn(line, "\n")] = 0;
            snprintf(out, capacity, "%s", at);
            return;
        }
    }
}

static bool has_ended(const Embedded *e) {
    struct pollfd p = {.fd = e->pidfd, .events = POLLIN};
    return poll(&p, 1, 0) != 0;
}

static bool say_why_not(const Embedded *e, Err *err) {
    int status = 0;
    char complaint[512], how[80] = "ended";
    if (e->child && waitpid(e->pid, &status, 0) == e->pid) {
        process_describe_end(status, how, sizeof how);
    }
    find_complaint(e, complaint, sizeof complaint);
    return err_set(err, ERR_DATABASE_UNAVAILABLE, "The private PostgreSQL in %s did not start (%s): %s", e->cluster, how,
                   complaint);
}

static bool wait_ready(const Embedded *e, Err *err) {
    int64_t began = clock_monotonic_us() / 1000, said = began;
    for (;;) {
        int64_t now = clock_monotonic_us() / 1000;
        Postmaster found = postmaster_look(e->cluster);
        if (found.pid == e->pid && found.ready) {
            return true;
        }
        if (has_ended(e)) {
            return say_why_not(e, err);
        }
        if (now - began > e->start_timeout_ms || __atomic_load_n(&e->stopping, __ATOMIC_RELAXED)) {
            return err_set(err, ERR_DATABASE_UNAVAILABLE,
                           "The private PostgreSQL in %s is not ready after %" PRId64
                           " ms (database.embedded.start_timeout); see %s.",
                           e->cluster, now - began, e->log);
        }
        if (now - said > SAY_WAITING_MS) {
            log_info("waiting for PostgreSQL, which is recovering (%d s)", (int)((now - began) / 1000));
            said = now;
        }
        pause_ms(READY_PAUSE_MS);
    }
}

static bool hold(Embedded *e, Err *err) {
    e->pidfd = pidfd_open(e->pid, 0);
    return e->pidfd >= 0 ||
           err_set(err, ERR_DATABASE_UNAVAILABLE, "PostgreSQL (process %d) cannot be watched: %s", (int)e->pid, strerror(errno));
}

static void let_go(Embedded *e) {
    cleanup_close(&e->pidfd);
    __atomic_store_n(&e->pid, 0, __ATOMIC_RELAXED);
}

/* SIGINT is PostgreSQL's "fast": open transactions are rolled back, a checkpoint is written. */
static void end_postmaster(Embedded *e) {
    struct pollfd p = {.fd = e->pidfd, .events = POLLIN};
    pidfd_send_signal(e->pidfd, SIGINT, NULL, 0);
    if (poll(&p, 1, STOP_PATIENCE_MS) == 0) {
        log_warn("PostgreSQL does not stop; ending it at once, it will recover at the next start");
        pidfd_send_signal(e->pidfd, SIGQUIT, NULL, 0);
        poll(&p, 1, STOP_PATIENCE_MS);
    }
    if (e->child) {
        waitpid(e->pid, NULL, 0);
    }
    let_go(e);
}

/* What the killed server had under way may still be committed by its sessions, for instance while they wait for a lock. Once
 * we serve, nothing of that may come any more: readers would see an unanswered change appear out of nowhere. */
static bool end_former_sessions(const Embedded *e, Err *err) {
    static const char SQL[] = "SELECT bool_and(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity"
                              " WHERE backend_type = 'client backend' AND application_name = 'propolis'";
    const char *keys[] = {"dbname", "connect_timeout", NULL}, *values[] = {e->url, "10", NULL};
    PGconn *conn = PQconnectdbParams(keys, values, 1);
    PGresult *result = PQexec(conn, SQL);
    bool ok = PQresultStatus(result) == PGRES_TUPLES_OK && PQgetvalue(result, 0, 0)[0] != 'f';
    if (!ok) {
        err_set(err, ERR_DATABASE_UNAVAILABLE, "The sessions of the earlier server do not end: %s", PQerrorMessage(conn));
    }
    PQclear(result);
    PQfinish(conn);
    return ok;
}

/* A postmaster that a killed server left behind is as good as a new one. */
static bool adopt(Embedded *e, const Postmaster *found, Err *err) {
    e->pid = found->pid;
    e->child = false;
    snprintf(e->socket_dir, sizeof e->socket_dir, "%s", found->socket_dir);
    set_url(e);
    if (!hold(e, err)) {
        return false;
    }
    if (!wait_ready(e, err) || !end_former_sessions(e, err)) {
        let_go(e);
        return false;
    }
    e->adopted = true;
    log_info("adopted the running PostgreSQL (process %d) of an earlier server", (int)e->pid);
    return true;
}

static bool start_new(Embedded *e, const char *old_socket_dir, Err *err) {
    if (!wait_leftovers(e, err)) {
        return false;
    }
    remove_stale_lock_files(e, old_socket_dir);
    if (!spawn_postmaster(e, err)) {
        return false;
    }
    if (!hold(e, err)) {
        return false;
    }
    if (!wait_ready(e, err)) {
        end_postmaster(e);
        return false;
    }
    return true;
}

static bool start_or_adopt(Embedded *e, Err *err) {
    Postmaster found = postmaster_look(e->cluster);
    if (found.pid && !found.stopping && adopt(e, &found, err)) {
        return true;
    }
    if (!choose_socket_dir(e, err)) {
        return false;
    }
    set_url(e);
    return start_new(e, found.socket_dir, err);
}

/* --- the watchdog ------------------------------------------------------------------------------------------------ */

static bool is_stopping(const Embedded *e) { return __atomic_load_n(&e->stopping, __ATOMIC_RELAXED); }

/* True when PostgreSQL ended, false when we are to stop. */
static bool wait_for_end(const Embedded *e) {
    struct pollfd p[2] = {{.fd = e->pidfd, .events = POLLIN}, {.fd = e->wake, .events = POLLIN}};
    while (!is_stopping(e)) {
        if (poll(p, 2, -1) > 0 && p[0].revents) {
            return !is_stopping(e);
        }
    }
    return false;
}

static void say_end(Embedded *e) {
    int status = 0;
    char how[80] = "unknown, it was adopted";
    if (e->child && waitpid(e->pid, &status, 0) == e->pid) {
        process_describe_end(status, how, sizeof how);
    }
    log_warn("PostgreSQL ended (%s); starting it again", how);
    let_go(e);
}

static void wait_or_stop(const Embedded *e, int64_t ms) {
    struct pollfd p = {.fd = e->wake, .events = POLLIN};
    poll(&p, 1, (int)ms);
}

static void start_again(Embedded *e) {
    Err err;
    for (int64_t pause = RESTART_FIRST_MS; !is_stopping(e); pause = MIN(pause * 2, (int64_t)RESTART_MOST_MS)) {
        /* The socket stays where it is: the pools know it. */
        if (start_new(e, e->socket_dir, &err)) {
            log_info("PostgreSQL is back (process %d)", (int)e->pid);
            return;
        }
        log_err(&err, "starting PostgreSQL again");
        wait_or_stop(e, pause);
    }
}

static void *watch(void *arg) {
    Embedded *e = arg;
    while (wait_for_end(e)) {
        say_end(e);
        start_again(e);
    }
    return NULL;
}

static bool start_watching(Embedded *e, Err *err) {
    int failed = pthread_create(&e->watchdog, NULL, watch, e);
    e->watching = !failed;
    return !failed || err_set(err, ERR_INTERNAL, "No thread to watch PostgreSQL: %s", strerror(failed));
}

/* --- the whole --------------------------------------------------------------------------------------------------- */

static bool prepare(Embedded *e, const EmbeddedOptions *options, Err *err) {
    int major;
    if (!datadir_open(options->data_dir, &e->dir, err)) {
        return false;
    }
    snprintf(e->cluster, sizeof e->cluster, "%s/postgres", e->dir.path);
    snprintf(e->log, sizeof e->log, "%s/postgres.log", e->dir.path);
    e->connections = options->connections;
    e->shared_buffers = options->shared_buffers;
    e->start_timeout_ms = options->start_timeout_ms;
    return read_major(e->cluster, &major, err) && binaries_find(options->bindir, major, &e->binaries, err) &&
           (major || make_cluster(e, err));
}

bool embedded_start(const EmbeddedOptions *options, Embedded **ret, Err *err) {
    if (geteuid() == 0) {
        return err_set(err, ERR_INVALID_CONFIG, "PostgreSQL does not run as root. Start the server as another user.");
    }
    Embedded *e = calloc(1, sizeof *e);
    if (!e) {
        return err_set(err, ERR_INTERNAL, "Out of memory.");
    }
    e->dir.lock_fd = e->pidfd = -1;
    e->wake = eventfd(0, EFD_CLOEXEC);
    if (!prepare(e, options, err) || !start_or_adopt(e, err) || !start_watching(e, err)) {
        embedded_stop(e);
        return false;
    }
    *ret = e;
    return true;
}

void embedded_stop(Embedded *e) {
    if (!e) {
        return;
    }
    __atomic_store_n(&e->stopping, true, __ATOMIC_RELAXED);
    if (e->watching) {
        eventfd_write(e->wake, 1);
        pthread_join(e->watchdog, NULL);
    }
    if (e->pidfd >= 0) {
        end_postmaster(e);
    }
    remove_socket_dir(e->socket_dir);
    cleanup_close(&e->wake);
    datadir_close(&e->dir);
    free(e);
}

const char *embedded_url(const Embedded *e) { return e->url; }
int embedded_pid(Embedded *e) { return __atomic_load_n(&e->pid, __ATOMIC_RELAXED); }
bool embedded_was_adopted(const Embedded *e) { return e->adopted; }
