#include "storage/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "storage/beneath.h"

enum {
    KEEP_OPEN = 32,          /* descriptors of so many upper levels stay open; deeper ones are reopened by ".." */
    PASSES = 10,             /* how often a directory that others keep filling is emptied before giving up */
    NAMES_MAX = 256 << 20,   /* bytes of names of one directory's subdirectories */
    ENTRIES_PER_CLOCK = 256, /* entries between two looks at the deadline */
};

/* A directory being worked on. */
typedef struct Level {
    int fd; /* -1: closed for now */
    dev_t dev;
    ino_t ino;
    Buf names; /* its subdirectories, each ended by NUL */
    size_t at; /* the one that is being worked on */
    unsigned passes;
} Level;

typedef struct Walk {
    Level *levels;
    size_t depth, capacity;
    Str location;
    Deadline deadline;
    bool deleting;
    StorageUsage usage;
    StorageVerdict *verdict;
    Err *err;
} Walk;

typedef enum Step { STEP_ON, STEP_STOP, STEP_FAILED } Step;

static const char *hint(int error) {
    switch (error) {
        case EACCES:
        case EPERM: return "; give the server's user the right to change it";
        case EROFS: return "; the file system is mounted read-only";
        case ENOSPC:
        case EDQUOT: return "; free some space";
        case EXDEV: return "; both places must be on one file system, so copy the data and then set the location";
        case EBUSY: return "; something is mounted or running there";
        case ENAMETOOLONG: return "; a single name may have 255 bytes";
        default: return "";
    }
}

bool storage_fail(Err *err, int error, const char *what, Str location) {
    char buffer[128];
    const char *text = strerror_r(error, buffer, sizeof buffer);
    return err_set(err, ERR_STORAGE, "Cannot %s %" STR_FMT ": %s%s", what, STR_ARG(location), text, hint(error));
}

/* Where the walk is, for messages; NAME may be NULL. */
static Step failed(Walk *w, int error, const char *what, const char *name) {
    Buf path = BUF_INIT(4096);
    buf_add(&path, w->location);
    for (size_t i = w->deleting ? 1 : 0; i + 1 < w->depth && path.len < 512; i++) {
        buf_printf(&path, "/%s", w->levels[i].names.ptr + w->levels[i].at);
    }
    if (name && (w->depth > 1 || !w->deleting)) {
        buf_printf(&path, "/%s", name);
    }
    storage_fail(w->err, error, what, buf_str(&path));
    buf_free(&path);
    return STEP_FAILED;
}

static void walk_close(Walk *w) {
    for (size_t i = 0; i < w->depth; i++) {
        if (w->levels[i].fd >= 0) {
            close(w->levels[i].fd);
        }
        buf_free(&w->levels[i].names);
    }
    free(w->levels);
}

static Step late(Walk *w) {
    if (deadline_left_ms(w->deadline) > 0) {
        return STEP_ON;
    }
    storage_verdict(w->verdict, STORAGE_UNFINISHED, "The time for %" STR_FMT " was up before all of it was visited",
                    STR_ARG(w->location));
    return STEP_STOP;
}

/* Takes FD over. */
static Step push(Walk *w, int fd) {
    struct stat st;
    if (fstat(fd, &st) != 0) {
        int error = errno;
        close(fd);
        return failed(w, error, "look at", NULL);
    }
    if (w->depth == w->capacity) {
        size_t capacity = MAX(w->capacity * 2, (size_t)16);
        Level *levels = realloc(w->levels, capacity * sizeof *levels);
        if (!levels) {
            close(fd);
            return failed(w, ENOMEM, "walk through", NULL);
        }
        w->levels = levels;
        w->capacity = capacity;
    }
    if (w->depth > KEEP_OPEN) {
        close(w->levels[w->depth - 1].fd);
        w->levels[w->depth - 1].fd = -1;
    }
    w->levels[w->depth++] = (Level){.fd = fd, .dev = st.st_dev, .ino = st.st_ino, .names = BUF_INIT(NAMES_MAX)};
    return STEP_ON;
}

/* Back to the level above. ".." may lead elsewhere by now if somebody moved the directory we are in: then it is not the
 * directory that was left, and the walk ends. */
static Step pop(Walk *w) {
    Level *gone = &w->levels[--w->depth];
    Level *up = w->depth ? &w->levels[w->depth - 1] : NULL;
    Step step = STEP_ON;
    if (up && up->fd < 0) {
        struct stat st;
        int fd = openat(gone->fd, "..", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) != 0) {
            step = failed(w, errno, "go back up from a directory below", NULL);
        } else if (st.st_dev != up->dev || st.st_ino != up->ino) {
            step = failed(w, ESTALE, "go on, because somebody moved a directory, below", NULL);
        }
        if (step == STEP_ON) {
            up->fd = fd;
        } else if (fd >= 0) {
            close(fd);
        }
    }
    close(gone->fd);
    buf_free(&gone->names);
    return step;
}

static bool is_hidden(const char *name) { return name[0] == '_' || name[0] == '.'; }

static Step add_subdirectory(Walk *w, Level *level, const char *name) {
    buf_add_bytes(&level->names, name, strlen(name) + 1);
    return level->names.failed ? failed(w, ENOMEM, "keep the names of all directories in", NULL) : STEP_ON;
}

static Step delete_entry(Walk *w, Level *level, const char *name, unsigned char type) {
    if (type == DT_DIR) {
        return add_subdirectory(w, level, name);
    }
    if (unlinkat(level->fd, name, 0) == 0 || errno == ENOENT) {
        return STEP_ON;
    }
    int error = errno;
    struct stat st;
    if (fstatat(level->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode)) {
        return add_subdirectory(w, level, name);
    }
    return failed(w, error, "delete", name);
}

static Step count_entry(Walk *w, Level *level, const char *name) {
    struct stat st;
    if (is_hidden(name)) {
        return STEP_ON;
    }
    if (fstatat(level->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno == ENOENT ? STEP_ON : failed(w, errno, "look at", name);
    }
    if (S_ISDIR(st.st_mode)) {
        return add_subdirectory(w, level, name);
    }
    if (S_ISREG(st.st_mode)) {
        w->usage.files++;
        w->usage.bytes += st.st_size;
    }
    return STEP_ON;
}

static void close_directory(DIR **dir) {
    if (*dir) {
        closedir(*dir);
    }
}

/* Whether the entry was made after the moment, which the first call sets to now as the file system's own clock says. A
 * file system that keeps no birth times never says so. */
static bool is_born_after(const Level *level, const char *name, struct timespec *moment) {
    struct stat dir;
    if (moment->tv_sec == 0) {
        if (fstat(level->fd, &dir) == 0) {
            *moment = dir.st_ctim; /* of the last deletion from it */
        }
        return false;
    }
    struct statx st;
    if (statx(level->fd, name, AT_SYMLINK_NOFOLLOW, STATX_BTIME, &st) != 0 || !(st.stx_mask & STATX_BTIME)) {
        return false;
    }
    return st.stx_btime.tv_sec > moment->tv_sec ||
           (st.stx_btime.tv_sec == moment->tv_sec && st.stx_btime.tv_nsec > moment->tv_nsec);
}

/* Deals with all files of the top level and notes its subdirectories. Who writes into a directory faster than it is
 * emptied would keep a pass over it going for ever: it ends at files that are younger than the pass. */
static Step scan(Walk *w) {
    Level *level = &w->levels[w->depth - 1];
    struct timespec moment = {0};
    int copy = openat(level->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* own position, unlike dup */
    CLEANUP(close_directory) DIR *dir = copy < 0 ? NULL : fdopendir(copy);
    if (!dir) {
        int error = errno;
        cleanup_close(&copy);
        return failed(w, error, "list", NULL);
    }
    for (unsigned n = 1;; n++) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (!entry) {
            return errno ? failed(w, errno, "list", NULL) : STEP_ON;
        }
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        bool look = n % ENTRIES_PER_CLOCK == 0;
        if (look && w->deleting && is_born_after(level, entry->d_name, &moment)) {
            return STEP_ON;
        }
        Step step = w->deleting ? delete_entry(w, level, entry->d_name, entry->d_type) : count_entry(w, level, entry->d_name);
        if (look && step == STEP_ON) {
            step = late(w);
        }
        if (step != STEP_ON) {
            return step;
        }
    }
}

static Step next_name(Level *level) {
    level->at += strlen(level->names.ptr + level->at) + 1;
    level->passes = 0;
    return STEP_ON;
}

/* The first directory of a deletion is the place itself: what is wrong with it is a verdict, not a failure. */
static Step not_deletable(Walk *w, int error) {
    switch (error) {
        case ENOENT: storage_verdict(w->verdict, STORAGE_ABSENT, "%" STR_FMT " is not there", STR_ARG(w->location)); break;
        case ELOOP: storage_verdict(w->verdict, STORAGE_SYMLINK, "%" STR_FMT " is a symbolic link", STR_ARG(w->location)); break;
        case EXDEV: storage_verdict(w->verdict, STORAGE_MOUNT_POINT, "%" STR_FMT " is a mount point", STR_ARG(w->location)); break;
        case ENOTDIR:
            storage_verdict(w->verdict, STORAGE_NOT_DIRECTORY, "%" STR_FMT " is not a directory", STR_ARG(w->location));
            break;
        default: return failed(w, error, "open", NULL);
    }
    return STEP_STOP;
}

/* A subdirectory that could not be entered. */
static Step not_entered(Walk *w, Level *level, const char *name, int error) {
    if (error == ENOENT && w->depth > 1) {
        return next_name(level); /* somebody else removed it */
    }
    if (!w->deleting) {
        return error == EXDEV || error == ELOOP || error == ENOTDIR ? next_name(level) : failed(w, error, "open", name);
    }
    if ((error == EACCES || error == EPERM) && unlinkat(level->fd, name, AT_REMOVEDIR) == 0) {
        return next_name(level); /* it was empty */
    }
    if (w->depth == 1) {
        return not_deletable(w, error);
    }
    if ((error == ELOOP || error == ENOTDIR) && (unlinkat(level->fd, name, 0) == 0 || errno == ENOENT)) {
        return next_name(level); /* it became a link or a file since it was listed */
    }
    return failed(w, error == EXDEV ? EBUSY : error, error == EXDEV ? "delete the mount point" : "open", name);
}

static Step enter(Walk *w) {
    Level *level = &w->levels[w->depth - 1];
    const char *name = level->names.ptr + level->at;
    int fd = beneath_enter(level->fd, name);
    if (fd < 0) {
        return not_entered(w, level, name, errno);
    }
    Step step = push(w, fd);
    return step == STEP_ON ? scan(w) : step;
}

/* The level is worked off: remove it from the one above, or visit it again when others put something in meanwhile. */
static Step leave(Walk *w) {
    Step step = pop(w);
    if (step != STEP_ON || w->depth == 0) {
        return step;
    }
    Level *level = &w->levels[w->depth - 1];
    const char *name = level->names.ptr + level->at;
    if (!w->deleting || unlinkat(level->fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT) {
        return next_name(level);
    }
    if ((errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR) && ++level->passes < PASSES) {
        return STEP_ON;
    }
    return failed(w, errno, "delete", name);
}

static Step run(Walk *w) {
    Step step = STEP_ON;
    while (step == STEP_ON && w->depth) {
        const Level *level = &w->levels[w->depth - 1];
        step = late(w);
        if (step == STEP_ON) {
            step = level->at < level->names.len ? enter(w) : leave(w);
        }
    }
    return step;
}

bool tree_delete(int parent_fd, const char *name, Str location, Deadline deadline, StorageVerdict *verdict, Err *err) {
    Walk w = {.location = location, .deadline = deadline, .deleting = true, .verdict = verdict, .err = err};
    int top = openat(parent_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (top < 0) {
        return storage_fail(err, errno, "open the directory above", location);
    }
    *verdict = (StorageVerdict){.reason = STORAGE_OK};
    Step step = push(&w, top);
    if (step == STEP_ON) {
        step = add_subdirectory(&w, &w.levels[0], name);
    }
    if (step == STEP_ON) {
        step = run(&w);
    }
    walk_close(&w);
    return step != STEP_FAILED;
}

bool tree_usage(int fd, Str location, Deadline deadline, StorageUsage *ret, StorageVerdict *verdict, Err *err) {
    Walk w = {.location = location, .deadline = deadline, .verdict = verdict, .err = err};
    int top = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (top < 0) {
        return storage_fail(err, errno, "list", location);
    }
    *verdict = (StorageVerdict){.reason = STORAGE_OK};
    Step step = push(&w, top);
    if (step == STEP_ON) {
        step = scan(&w);
    }
    if (step == STEP_ON) {
        step = run(&w);
    }
    if (step == STEP_ON) {
        *ret = w.usage;
    }
    walk_close(&w);
    return step != STEP_FAILED;
}
