#include "pg/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TAIL_BYTES = 4096, ENV_MAX = 256 };

extern char **environ;

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Ours without PG..., which would redirect the program, in a locale whose messages we can read. */
static void make_environment(const char *const *extra, const char **out) {
    size_t n = 0;
    for (char **e = environ; *e && n < ENV_MAX - 20; e++) {
        bool skip = strncmp(*e, "PG", 2) == 0 || strncmp(*e, "LC_", 3) == 0 || strncmp(*e, "LANG", 4) == 0 ||
                    strncmp(*e, "TZ=", 3) == 0 || strncmp(*e, "PROPOLIS_", 9) == 0;
        if (!skip) {
            out[n++] = *e;
        }
    }
    out[n++] = "LC_ALL=C";
    out[n++] = "TZ=UTC";
    for (; extra && *extra && n < ENV_MAX - 1; extra++) {
        out[n++] = *extra;
    }
    out[n] = NULL;
}

/* Our threads block and ignore signals as they like; the program starts with none of that. */
static void reset_signals(posix_spawnattr_t *attr) {
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawnattr_init(attr);
    posix_spawnattr_setsigdefault(attr, &all);
    posix_spawnattr_setsigmask(attr, &none);
    posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID);
}

static bool spawn(const ProcessRun *run, int in, int out, int log, pid_t *ret, Err *err) {
    const char *env[ENV_MAX];
    make_environment(run->extra_env, env);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, log, STDERR_FILENO);
    if (run->held_fd) {
        posix_spawn_file_actions_adddup2(&files, run->held_fd, STDERR_FILENO + 1);
    }
    posix_spawnattr_t attr;
    reset_signals(&attr);
    int failed = posix_spawnp(ret, run->argv[0], &files, &attr, (char *const *)(uintptr_t)run->argv, (char *const *)(uintptr_t)env);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attr);
    return !failed || err_set(err, ERR_INTERNAL, "%s could not be started: %s", run->argv[0], strerror(failed));
}

/* A pipe buffers what little input there is, so it can be written before anybody reads. */
static int open_input(const ProcessRun *run) {
    Str input = run->input;
    int ends[2];
    if (run->input_fd) {
        return fcntl(run->input_fd, F_DUPFD_CLOEXEC, 0);
    }
    if (input.len == 0 || pipe2(ends, O_CLOEXEC)) {
        return open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    ssize_t ignored = write(ends[1], input.ptr, input.len);
    (void)ignored;
    close(ends[1]);
    return ends[0];
}

bool process_start(const ProcessRun *run, pid_t *ret, Err *err) {
    CLEANUP(cleanup_close) int in = open_input(run);
    return spawn(run, in, run->output_fd ? run->output_fd : run->log_fd, run->log_fd, ret, err);
}

/* Keeps the end of what comes out of FD. */
static void read_tail(int fd, char *tail, size_t capacity) {
    size_t len = 0;
    for (;;) {
        if (len > capacity / 2) {
            memmove(tail, tail + len - capacity / 2, capacity / 2);
            len = capacity / 2;
        }
        ssize_t n = read(fd, tail + len, capacity - 1 - len);
        if (n <= 0 && !(n < 0 && errno == EINTR)) {
            break;
        }
        len += (size_t)MAX(n, (ssize_t)0);
    }
    tail[len] = 0;
}

static void last_line(char *text, const char **ret) {
    size_t len = strlen(text);
    while (len && (text[len - 1] == '\n' || text[len - 1] == ' ')) {
        text[--len] = 0;
    }
    const char *newline = strrchr(text, '\n');
    *ret = newline ? newline + 1 : text;
}

/* The line that says what is wrong, rather than the last one, which may only say what was done about it. */
static const char *telling_line(char *text) {
    static const char *const words[] = {"FATAL:", "PANIC:", "error:", "ERROR:"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        char *at = strstr(text, words[i]);
        if (at) {
            char *end = strchr(at, '\n');
            if (end) {
                *end = 0;
            }
            return at;
        }
    }
    const char *line;
    last_line(text, &line);
    return line;
}

void process_describe_end(int status, char *out, size_t capacity) {
    if (WIFSIGNALED(status)) {
        snprintf(out, capacity, "signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    } else {
        snprintf(out, capacity, "exit status %d", WEXITSTATUS(status));
    }
}

static bool wait_end(const ProcessRun *run, pid_t pid, char *tail, Err *err) {
    int status;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            return err_set(err, ERR_INTERNAL, "%s got lost: %s", base_name(run->argv[0]), strerror(errno));
        }
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        return true;
    }
    char how[80];
    process_describe_end(status, how, sizeof how);
    return err_set(err, ERR_INTERNAL, "%s failed with %s: %s", base_name(run->argv[0]), how, telling_line(tail));
}

bool process_run(const ProcessRun *run, Err *err) {
    char tail[TAIL_BYTES] = "";
    int ends[2];
    if (pipe2(ends, O_CLOEXEC)) {
        return err_set(err, ERR_INTERNAL, "%s could not be started: %s", run->argv[0], strerror(errno));
    }
    CLEANUP(cleanup_close) int reading = ends[0];
    CLEANUP(cleanup_close) int writing = ends[1];
    CLEANUP(cleanup_close) int in = open_input(run);
    pid_t pid;
    if (!spawn(run, in, run->output_fd ? run->output_fd : writing, run->log_fd ? run->log_fd : writing, &pid, err)) {
        return false;
    }
    cleanup_close(&writing);
    read_tail(reading, tail, sizeof tail);
    return wait_end(run, pid, tail, err);
}

bool process_line(const char *const *argv, char *line, size_t capacity, Err *err) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC)) {
        return err_set(err, ERR_INTERNAL, "%s could not be started: %s", argv[0], strerror(errno));
    }
    CLEANUP(cleanup_close) int reading = ends[0];
    ProcessRun run = {.argv = argv, .output_fd = ends[1]};
    bool ok = process_run(&run, err);
    close(ends[1]);
    if (!ok) {
        return false;
    }
    char text[TAIL_BYTES];
    read_tail(reading, text, sizeof text);
    text[strcspn(text, "\n")] = 0;
    snprintf(line, capacity, "%s", text);
    return true;
}
