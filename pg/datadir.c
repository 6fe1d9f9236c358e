#include "pg/datadir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARKER "PROPOLIS_DATA"
static const char MARKER_TEXT[] =
    "This directory belongs to a Propolis server (propolis serve --data-dir). Do not change anything in it by hand.\n";

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at) {
    (void)st, (void)type, (void)at;
    return remove(path);
}

bool remove_tree(const char *path, Err *err) {
    if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) && errno != ENOENT) {
        return err_set(err, ERR_INVALID_CONFIG, "%s cannot be removed: %s", path, strerror(errno));
    }
    return true;
}

static bool path_exists(const char *dir, const char *name) {
    char path[DATADIR_PATH + 64];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return lstat(path, &st) == 0;
}

bool datadir_is_ours(const char *path) { return path_exists(path, MARKER); }

static bool is_empty_dir(const char *path) {
    DIR *dir = opendir(path);
    if (!dir) {
        return false;
    }
    bool empty = true;
    for (struct dirent *e; empty && (e = readdir(dir));) {
        /* A marker that was being written when the power went does not count either. */
        empty = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 || strcmp(e->d_name, "lost+found") == 0 ||
                strcmp(e->d_name, MARKER ".new") == 0;
    }
    closedir(dir);
    return empty;
}

static bool cannot(const char *path, const char *what, Err *err) {
    int reason = errno;
    const char *hint = reason == EROFS                        ? "the file system is read-only"
                       : reason == EACCES || reason == EPERM  ? "the user running the server may not"
                       : reason == ENOSPC || reason == EDQUOT ? "the disk is full"
                                                              : "see the reason";
    return err_set(err, ERR_INVALID_CONFIG, "The data directory %s cannot be %s: %s (%s). Choose another with --data-dir.", path,
                   what, strerror(reason), hint);
}

/* mkdir -p: the directory itself is ours alone, what had to be made above it may be passed through. */
static bool make_dirs(const char *path, Err *err) {
    char partial[DATADIR_PATH];
    for (const char *at = path;; at++) {
        if ((*at == '/' && at != path) || *at == 0) {
            snprintf(partial, sizeof partial, "%.*s", (int)(at - path), path);
            if (mkdir(partial, *at ? 0755 : 0700) && errno != EEXIST) {
                /* A parent on a read-only file system says EROFS though it exists. */
                struct stat st;
                int reason = errno;
                if (stat(partial, &st) || !S_ISDIR(st.st_mode)) {
                    errno = reason;
                    return cannot(path, "created", err);
                }
            }
            if (*at == 0) {
                return true;
            }
        }
    }
}

static bool refuse_foreign(const char *path, Err *err) {
    if (path_exists(path, "PG_VERSION")) {
        return err_set(err, ERR_INVALID_CONFIG,
                       "%s is the data directory of a PostgreSQL that is not ours, so it is left alone. Give --data-dir a new or "
                       "empty directory; to use that PostgreSQL, start it and set database.url.",
                       path);
    }
    return err_set(err, ERR_INVALID_CONFIG,
                   "%s is not empty and was not made by propolis, so it is left alone. Give --data-dir a new or empty directory.",
                   path);
}

static bool write_marker(const char *path, Err *err) {
    char file[DATADIR_PATH + 64], temporary[DATADIR_PATH + 64];
    snprintf(file, sizeof file, "%s/" MARKER, path);
    snprintf(temporary, sizeof temporary, "%s/" MARKER ".new", path);
    CLEANUP(cleanup_close) int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t len = (ssize_t)strlen(MARKER_TEXT);
    if (fd < 0 || write(fd, MARKER_TEXT, (size_t)len) != len || fsync(fd) || rename(temporary, file)) {
        int reason = errno;
        unlink(temporary);
        errno = reason;
        return cannot(path, "written", err);
    }
    return true;
}

static bool claim(const char *path, Err *err) {
    struct stat st;
    if (stat(path, &st)) {
        return cannot(path, "opened", err);
    }
    if (!S_ISDIR(st.st_mode)) {
        return err_set(err, ERR_INVALID_CONFIG, "%s is not a directory. Give --data-dir a new or empty directory.", path);
    }
    if (access(path, R_OK | W_OK | X_OK)) {
        return cannot(path, "written", err);
    }
    if (datadir_is_ours(path)) {
        return true;
    }
    return is_empty_dir(path) ? write_marker(path, err) : refuse_foreign(path, err);
}

static void read_holder(int fd, char *out, size_t capacity) {
    ssize_t n = pread(fd, out, capacity - 1, 0);
    out[MAX(n, (ssize_t)0)] = 0;
    out[strcspn(out, "\n")] = 0;
}

/* Not inherited by PostgreSQL, or an orphan of it would keep the lock. */
static bool lock(DataDir *dir, Err *err) {
    char file[DATADIR_PATH + 64], holder[32];
    snprintf(file, sizeof file, "%s/lock", dir->path);
    dir->lock_fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (dir->lock_fd < 0) {
        return cannot(dir->path, "written", err);
    }
    if (flock(dir->lock_fd, LOCK_EX | LOCK_NB)) {
        read_holder(dir->lock_fd, holder, sizeof holder);
        cleanup_close(&dir->lock_fd);
        return err_set(err, ERR_INVALID_CONFIG,
                       "Another propolis server (process %s) uses the data directory %s. Stop it, or choose another --data-dir.",
                       holder, dir->path);
    }
    int n = snprintf(holder, sizeof holder, "%d\n", (int)getpid());
    if (ftruncate(dir->lock_fd, 0) || pwrite(dir->lock_fd, holder, (size_t)n, 0) != n) {
        return cannot(dir->path, "written", err);
    }
    return true;
}

bool datadir_open(Str path, DataDir *ret, Err *err) {
    DataDir dir = {.lock_fd = -1};
    char given[DATADIR_PATH];
    if (str_is_empty(path) || path.len >= sizeof given - 64) {
        return err_set(err, ERR_INVALID_CONFIG, "The path of the data directory is empty or too long.");
    }
    snprintf(given, sizeof given, "%" STR_FMT, STR_ARG(path));
    if (!make_dirs(given, err)) {
        return false;
    }
    char *real = realpath(given, NULL);
    if (!real) {
        return cannot(given, "opened", err);
    }
    snprintf(dir.path, sizeof dir.path, "%s", real);
    free(real);
    if (!claim(dir.path, err) || !lock(&dir, err)) {
        datadir_close(&dir);
        return false;
    }
    *ret = dir;
    return true;
}

void datadir_close(DataDir *dir) { cleanup_close(&dir->lock_fd); }
