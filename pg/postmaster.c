#include "pg/postmaster.h"

#include <dirent.h>
#include <signal.h>
#include <unistd.h>

#include "base/str.h"

/* Every process of a cluster has the cluster's directory as its working directory, and nothing else of ours does. A pid alone
 * proves nothing: it may have been given to another process since. */
static bool works_in(pid_t pid, const char *cluster) {
    char link[64], target[POSTMASTER_PATH];
    snprintf(link, sizeof link, "/proc/%d/cwd", (int)pid);
    ssize_t n = readlink(link, target, sizeof target);
    return n > 0 && (size_t)n == strlen(cluster) && memcmp(target, cluster, (size_t)n) == 0;
}

static bool is_postgres(pid_t pid) {
    char link[64], target[POSTMASTER_PATH];
    snprintf(link, sizeof link, "/proc/%d/exe", (int)pid);
    ssize_t n = readlink(link, target, sizeof target);
    Str path = {target, (size_t)MAX(n, (ssize_t)0)};
    return str_ends(path, STR("/postgres")) || str_ends(path, STR("/postgres (deleted)"));
}

static void take_line(const char *line, int number, Postmaster *p) {
    Str s = str_trim(str_from(line));
    int64_t pid;
    if (number == 1 && str_to_i64(s, &pid) && pid > 1 && pid < INT_MAX) {
        p->pid = (pid_t)pid;
    } else if (number == 5) {
        snprintf(p->socket_dir, sizeof p->socket_dir, "%" STR_FMT, STR_ARG(s));
    } else if (number == 8) {
        p->ready = str_eq(s, STR("ready"));
        p->stopping = str_eq(s, STR("stopping"));
    }
}

Postmaster postmaster_look(const char *cluster) {
    Postmaster p = {.pid = 0};
    char path[POSTMASTER_PATH + 32], line[POSTMASTER_PATH];
    snprintf(path, sizeof path, "%s/postmaster.pid", cluster);
    CLEANUP(cleanup_fclose) FILE *file = fopen(path, "re");
    for (int number = 1; file && fgets(line, sizeof line, file); number++) {
        take_line(line, number, &p);
    }
    if (p.pid && !(works_in(p.pid, cluster) && is_postgres(p.pid))) {
        p.pid = 0;
    }
    return p;
}

int postmaster_processes(const char *cluster, int signal) {
    int found = 0;
    DIR *proc = opendir("/proc");
    for (struct dirent *e; proc && (e = readdir(proc));) {
        int64_t pid;
        if (str_to_i64(str_from(e->d_name), &pid) && works_in((pid_t)pid, cluster) && is_postgres((pid_t)pid)) {
            found++;
            if (signal) {
                kill((pid_t)pid, signal);
            }
        }
    }
    if (proc) {
        closedir(proc);
    }
    return found;
}
