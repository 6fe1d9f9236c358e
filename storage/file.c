/* The driver of file: addresses. Every operation opens its root and goes down from there (beneath.h). */
#include "storage/storage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "storage/beneath.h"
#include "storage/tree.h"

/* What stops an operation on the way to its place: a rule gives a verdict and true, anything else an Err and false. */
static bool stopped(int error, const char *what, const StoragePlace *at, StorageVerdict *verdict, Err *err) {
    switch (error) {
        case ENOENT: return storage_verdict(verdict, STORAGE_ABSENT, "%" STR_FMT " is not there", STR_ARG(at->location));
        case ELOOP:
            return storage_verdict(verdict, STORAGE_SYMLINK, "%" STR_FMT " leads through a symbolic link, which is never followed",
                                   STR_ARG(at->location));
        case ENOTDIR:
            return storage_verdict(verdict, STORAGE_NOT_DIRECTORY, "%" STR_FMT " or a part of its path is not a directory",
                                   STR_ARG(at->location));
        default: return storage_fail(err, error, what, at->location);
    }
}

static int open_root(const StoragePlace *at, Err *err) {
    int fd = beneath_open_root(at->root);
    if (fd < 0) {
        storage_fail(err, errno, "open the storage root", str_from(at->root));
    }
    return fd;
}

/* Creates PATH and what is missing above it. At start only, before anybody can ask for anything. */
static bool make_root(const char *path, Err *err) {
    char part[PATH_MAX];
    size_t len = strlen(path);
    for (size_t i = 1; i <= len; i++) {
        if (i == len || path[i] == '/') {
            memcpy(part, path, i);
            part[i] = 0;
            struct stat st;
            if (mkdir(part, 0755) != 0 && !(errno == EEXIST || stat(part, &st) == 0)) {
                return storage_fail(err, errno, "create the storage root", str_from(part));
            }
        }
    }
    return true;
}

static bool file_root_resolve(Str root_path, bool create, char **ret, Err *err) {
    char path[PATH_MAX];
    if (root_path.len >= sizeof path) {
        return storage_fail(err, ENAMETOOLONG, "open the storage root", root_path);
    }
    memcpy(path, root_path.ptr, root_path.len);
    path[root_path.len] = 0;
    if (create && !make_root(path, err)) {
        return false;
    }
    char *real = realpath(path, NULL);
    if (!real) {
        return storage_fail(err, errno, "open the storage root", root_path);
    }
    CLEANUP(cleanup_close) int fd = beneath_open_root(real);
    if (fd < 0) {
        int error = errno;
        free(real);
        return storage_fail(err, error, "open the storage root", root_path);
    }
    *ret = real;
    return true;
}

static void file_root_health(const char *root, StorageHealth *ret) {
    StorageHealth health = {.free_bytes = -1, .total_bytes = -1};
    CLEANUP(cleanup_close) int fd = beneath_open_root(root);
    struct statvfs fs;
    if (fd >= 0) {
        health.found = true;
        health.may_read = faccessat(fd, ".", R_OK | X_OK, AT_EACCESS) == 0;
        health.may_write = faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) == 0;
    }
    if (fd >= 0 && fstatvfs(fd, &fs) == 0) {
        health.free_bytes = (int64_t)(fs.f_bavail * fs.f_frsize);
        health.total_bytes = (int64_t)(fs.f_blocks * fs.f_frsize);
    }
    *ret = health;
}

static StorageInfo info_from(Str name, const struct stat *st) {
    StorageKind kind = S_ISREG(st->st_mode)   ? STORAGE_KIND_FILE
                       : S_ISDIR(st->st_mode) ? STORAGE_KIND_DIRECTORY
                       : S_ISLNK(st->st_mode) ? STORAGE_KIND_LINK
                                              : STORAGE_KIND_OTHER;
    Micros modified = (Micros)st->st_mtim.tv_sec * 1000000 + st->st_mtim.tv_nsec / 1000;
    return (StorageInfo){.name = name, .kind = kind, .size = st->st_size, .modified = modified};
}

static bool file_stat(const StoragePlace *at, StorageInfo *ret, StorageVerdict *verdict, Err *err) {
    CLEANUP(cleanup_close) int root = open_root(at, err);
    if (root < 0) {
        return false;
    }
    char name[256] = ".";
    CLEANUP(cleanup_close)
    int parent = at->path.len ? beneath_open_parent(root, at->path, name) : beneath_open_dir(root, STR(""), O_PATH);
    struct stat st;
    if (parent < 0 || fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        return stopped(errno, "look at", at, verdict, err);
    }
    if (S_ISLNK(st.st_mode)) {
        return stopped(ELOOP, "look at", at, verdict, err);
    }
    *ret = info_from(STR_NULL, &st);
    *verdict = (StorageVerdict){.reason = STORAGE_OK};
    return true;
}

static int open_place(const StoragePlace *at, int *root, Err *err) {
    *root = open_root(at, err);
    return *root < 0 ? -1 : beneath_open_dir(*root, at->path, O_RDONLY);
}

static bool file_usage(const StoragePlace *at, Deadline deadline, StorageUsage *ret, StorageVerdict *verdict, Err *err) {
    CLEANUP(cleanup_close) int root = -1;
    CLEANUP(cleanup_close) int fd = open_place(at, &root, err);
    if (fd < 0) {
        return root < 0 ? false : stopped(errno, "list", at, verdict, err);
    }
    return tree_usage(fd, at->location, deadline, ret, verdict, err);
}

/* The LIMIT smallest names behind AFTER, as a heap with the greatest on top, so a huge directory needs no memory. */
typedef struct Smallest {
    char (*names)[256];
    size_t count, limit;
    bool more;
} Smallest;

static void sift_down(Smallest *s, size_t at) {
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= s->count) {
            return;
        }
        if (child + 1 < s->count && strcmp(s->names[child + 1], s->names[child]) > 0) {
            child++;
        }
        if (strcmp(s->names[at], s->names[child]) >= 0) {
            return;
        }
        char swap[256];
        memcpy(swap, s->names[at], sizeof swap);
        memcpy(s->names[at], s->names[child], sizeof swap);
        memcpy(s->names[child], swap, sizeof swap);
        at = child;
    }
}

static void keep_smallest(Smallest *s, const char *name) {
    size_t bytes = strlen(name) + 1;
    if (s->count < s->limit) {
        memcpy(s->names[s->count++], name, bytes);
        for (size_t i = s->count == s->limit ? s->limit / 2 : 0; i-- > 0;) {
            sift_down(s, i);
        }
        return;
    }
    s->more = true;
    if (strcmp(name, s->names[0]) < 0) {
        memcpy(s->names[0], name, bytes);
        sift_down(s, 0);
    }
}

static int compare_names(const void *a, const void *b) { return strcmp(a, b); }

static int read_names(DIR *dir, Str after, Smallest *s) {
    char from[256] = "";
    memcpy(from, after.ptr ? after.ptr : "", MIN(after.len, sizeof from - 1));
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (!entry) {
            return errno;
        }
        const char *name = entry->d_name;
        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && (from[0] == 0 || strcmp(name, from) > 0)) {
            keep_smallest(s, name);
        }
    }
}

static bool fill_list(int fd, Arena *arena, Smallest *s, const StoragePlace *at, StorageList *ret, StorageVerdict *verdict,
                      Err *err) {
    qsort(s->names, s->count, sizeof s->names[0], compare_names);
    StorageList list = {.items = ARENA_ARRAY(arena, StorageInfo, s->count), .more = s->more};
    for (size_t i = 0; i < s->count; i++) {
        struct stat st;
        if (fstatat(fd, s->names[i], &st, AT_SYMLINK_NOFOLLOW) == 0) {
            list.items[list.count++] = info_from(arena_str(arena, str_from(s->names[i])), &st);
        } else if (errno != ENOENT) {
            return storage_fail(err, errno, "list", at->location);
        }
        if (!arena_check(arena, err)) {
            return false;
        }
    }
    *ret = list;
    *verdict = (StorageVerdict){.reason = STORAGE_OK};
    return true;
}

static void close_directory(DIR **dir) {
    if (*dir) {
        closedir(*dir);
    }
}

enum { LIST_LIMIT = 10000 };

static bool file_list(const StoragePlace *at, Arena *arena, Str after, size_t limit, StorageList *ret, StorageVerdict *verdict,
                      Err *err) {
    CLEANUP(cleanup_close) int root = -1;
    int fd = open_place(at, &root, err);
    if (fd < 0) {
        return root < 0 ? false : stopped(errno, "list", at, verdict, err);
    }
    CLEANUP(close_directory) DIR *dir = fdopendir(fd);
    if (!dir) {
        cleanup_close(&fd);
        return storage_fail(err, ENOMEM, "list", at->location);
    }
    Smallest s = {.limit = MIN(MAX(limit, (size_t)1), (size_t)LIST_LIMIT)};
    CLEANUP(arena_cleanup) Arena *scratch = arena_new(SIZE_MAX);
    s.names = arena_alloc(scratch, s.limit * sizeof s.names[0]);
    int error = read_names(dir, after, &s);
    if (error) {
        return storage_fail(err, error, "list", at->location);
    }
    return fill_list(fd, arena, &s, at, ret, verdict, err);
}

/* One segment further down, made when missing. Takes *FD over and replaces it. */
static int make_step(int *fd, const char *name, mode_t mode, unsigned *made) {
    int next = beneath_open_dir(*fd, str_from(name), O_PATH);
    if (next < 0 && errno == ENOENT) {
        int rc = mkdirat(*fd, name, mode);
        if (rc != 0 && errno != EEXIST) {
            return errno;
        }
        *made += rc == 0;
        next = beneath_open_dir(*fd, str_from(name), O_PATH);
    }
    if (next < 0) {
        return errno;
    }
    close(*fd);
    *fd = next;
    return 0;
}

/* Takes the LEVELS lowest directories of PATH away again, as far as they are empty. */
static int unmake_path(int root, Str path, unsigned levels) {
    for (unsigned i = 0; i < levels && path.len; i++) {
        char name[256];
        CLEANUP(cleanup_close) int parent = beneath_open_parent(root, path, name);
        if (parent < 0 || unlinkat(parent, name, AT_REMOVEDIR) != 0) {
            return errno;
        }
        size_t slash = str_rfind_char(path, '/');
        path = str_slice(path, 0, slash == SIZE_MAX ? 0 : slash);
    }
    return 0;
}

/* All of PATH, or nothing: what was made before a failing step is taken back. */
static int make_path(int root, Str path, mode_t mode, unsigned *made) {
    CLEANUP(cleanup_close) int fd = beneath_open_dir(root, STR(""), O_PATH);
    Str rest = path, segment;
    size_t done = 0;
    int error = fd < 0 ? errno : 0;
    while (!error && rest.len && str_split(&rest, '/', &segment)) {
        char name[256];
        if (segment.len > 255) {
            error = ENAMETOOLONG;
            break;
        }
        memcpy(name, segment.ptr, segment.len);
        name[segment.len] = 0;
        error = make_step(&fd, name, mode, made);
        done = error ? done : (size_t)(segment.ptr + segment.len - path.ptr);
    }
    if (error && *made) {
        unmake_path(root, str_slice(path, 0, done), *made);
        *made = 0;
    }
    return error;
}

/* The usual case in the fewest steps, because partitions come by the thousand: all but the last directory is there. */
static bool make_last(int root, Str path, mode_t mode) {
    char name[256];
    CLEANUP(cleanup_close) int parent = beneath_open_parent(root, path, name);
    return parent >= 0 && mkdirat(parent, name, mode) == 0;
}

static bool file_mkdir(const StoragePlace *at, unsigned mode, StorageVerdict *verdict, Err *err) {
    CLEANUP(cleanup_close) int root = open_root(at, err);
    if (root < 0) {
        return false;
    }
    *verdict = (StorageVerdict){.reason = STORAGE_OK};
    if (make_last(root, at->path, mode)) {
        verdict->made = 1;
        return true;
    }
    CLEANUP(cleanup_close) int there = beneath_open_dir(root, at->path, O_PATH);
    if (there >= 0) {
        return true;
    }
    enum { TRIES = 5 };
    unsigned made = 0;
    int error = ENOENT; /* later: a directory on the way was moved or deleted under our feet */
    for (int i = 0; error == ENOENT && i < TRIES; i++) {
        error = make_path(root, at->path, mode, &made);
    }
    if (error) {
        return error == ELOOP ? stopped(error, "create", at, verdict, err)
                              : storage_fail(err, error, "create the directory", at->location);
    }
    verdict->made = made;
    return true;
}

static bool file_rmdir(const StoragePlace *at, StorageVerdict *verdict, Err *err) {
    CLEANUP(cleanup_close) int root = open_root(at, err);
    if (root < 0) {
        return false;
    }
    int error = unmake_path(root, at->path, 1);
    if (error == ENOTEMPTY || error == EEXIST) {
        return storage_verdict(verdict, STORAGE_NOT_EMPTY, "%" STR_FMT " is not empty", STR_ARG(at->location));
    }
    if (error == ENOTDIR) { /* a link at the end gives ENOTDIR as well */
        StorageInfo info;
        return file_stat(at, &info, verdict, err) && (!storage_done(verdict) || stopped(ENOTDIR, "delete", at, verdict, err));
    }
    *verdict = (StorageVerdict){.reason = STORAGE_OK};
    return error ? stopped(error, "delete", at, verdict, err) : true;
}

/* A file system without RENAME_NOREPLACE: an own empty directory holds the new name, and a directory may be renamed
 * onto an empty one, but never onto one with something in it. */
static int rename_by_claim(int from_fd, const char *from, int to_fd, const char *to) {
    if (mkdirat(to_fd, to, 0700) != 0) {
        return errno;
    }
    if (renameat(from_fd, from, to_fd, to) == 0) {
        return 0;
    }
    int error = errno;
    unlinkat(to_fd, to, AT_REMOVEDIR);
    return error == ENOTEMPTY ? EEXIST : error;
}

static int rename_once(int from_fd, const char *from, int to_fd, const char *to) {
    if (renameat2(from_fd, from, to_fd, to, RENAME_NOREPLACE) == 0) {
        return 0;
    }
    if (errno != EINVAL && errno != ENOSYS) {
        return errno;
    }
    return rename_by_claim(from_fd, from, to_fd, to);
}

/* So that a power cut after the catalog's commit cannot bring the old name back. */
static void sync_directory(int dir_fd) {
    CLEANUP(cleanup_close) int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
    }
}

static bool rename_failed(int error, const StoragePlace *from, const StoragePlace *to, StorageVerdict *verdict, Err *err) {
    if (error == EEXIST || error == ENOTEMPTY) {
        return err_set(err, ERR_ALREADY_EXISTS,
                       "Cannot move %" STR_FMT " to %" STR_FMT ": something is there already; move or delete it",
                       STR_ARG(from->location), STR_ARG(to->location));
    }
    if (error == ENOENT || error == ELOOP) {
        return stopped(error, "move", from, verdict, err);
    }
    storage_fail(err, error, "move it to", to->location);
    return err_prefix(err, "%" STR_FMT, STR_ARG(from->location));
}

/* The source must be a directory itself, not a link to one. */
static int open_source(const StoragePlace *from, int root, char name[256]) {
    int parent = beneath_open_parent(root, from->path, name);
    if (parent < 0) {
        return -1;
    }
    CLEANUP(cleanup_close) int source = beneath_open_dir(parent, str_from(name), O_PATH);
    if (source < 0) {
        int error = errno;
        close(parent);
        errno = error;
        return -1;
    }
    return parent;
}

static int move_to(int from_fd, const char *from_name, int root, Str path, bool later, unsigned *made) {
    size_t slash = str_rfind_char(path, '/');
    Str above = str_slice(path, 0, slash == SIZE_MAX ? 0 : slash);
    char name[256];
    int error = make_path(root, above, 0777, made);
    if (!error) {
        CLEANUP(cleanup_close) int parent = beneath_open_parent(root, path, name);
        error = parent < 0 ? errno : rename_once(from_fd, from_name, parent, name);
        if (!error && !later) {
            sync_directory(parent);
            sync_directory(from_fd);
        }
    }
    if (error) {
        unmake_path(root, above, *made);
    }
    return error;
}

static bool file_rename(const StoragePlace *from, const StoragePlace *to, bool later, StorageVerdict *verdict, Err *err) {
    CLEANUP(cleanup_close) int from_root = open_root(from, err);
    CLEANUP(cleanup_close) int to_root = from_root < 0 ? -1 : open_root(to, err);
    if (to_root < 0) {
        return false;
    }
    char name[256];
    CLEANUP(cleanup_close) int parent = open_source(from, from_root, name);
    if (parent < 0) {
        int error = errno == ENAMETOOLONG ? ENOENT : errno; /* what cannot have that name is not there */
        return stopped(error, "move", from, verdict, err);
    }
    unsigned made = 0;
    int error = move_to(parent, name, to_root, to->path, later, &made);
    if (error == ELOOP) {
        return stopped(error, "move", to, verdict, err);
    }
    if (error) {
        return rename_failed(error, from, to, verdict, err);
    }
    *verdict = (StorageVerdict){.reason = STORAGE_OK, .made = made + 1};
    return true;
}

static void file_sync(const StoragePlace *directory) {
    Err ignored;
    CLEANUP(cleanup_close) int root = open_root(directory, &ignored);
    CLEANUP(cleanup_close) int fd = root < 0 ? -1 : beneath_open_dir(root, directory->path, O_PATH);
    if (fd >= 0) {
        sync_directory(fd);
    }
}

/* A rename leaves neither its file system nor its mount. */
static bool same_mount(int a, int b) {
    struct statx x, y;
    unsigned mask = STATX_INO | STATX_MNT_ID;
    if (statx(a, "", AT_EMPTY_PATH, mask, &x) != 0 || statx(b, "", AT_EMPTY_PATH, mask, &y) != 0) {
        return false;
    }
    return x.stx_dev_major == y.stx_dev_major && x.stx_dev_minor == y.stx_dev_minor && x.stx_mnt_id == y.stx_mnt_id;
}

static bool file_reach(const StoragePlace *at, size_t *ret_len, StorageVerdict *verdict, Err *err) {
    CLEANUP(cleanup_close) int root = open_root(at, err);
    if (root < 0) {
        return false;
    }
    char name[256];
    CLEANUP(cleanup_close) int parent = beneath_open_parent(root, at->path, name);
    if (parent < 0) {
        return stopped(errno == ENAMETOOLONG ? ENOENT : errno, "open the directory above", at, verdict, err);
    }
    *verdict = (StorageVerdict){.reason = STORAGE_OK};
    *ret_len = 0;
    bool same = same_mount(root, parent);
    for (size_t i = 1; !same && i < at->path.len; i++) {
        if (at->path.ptr[i] != '/') {
            continue;
        }
        CLEANUP(cleanup_close) int fd = beneath_open_dir(root, str_slice(at->path, 0, i), O_PATH);
        same = fd >= 0 && same_mount(fd, parent);
        *ret_len = i;
    }
    return true;
}

static bool file_delete_tree(const StoragePlace *at, Deadline deadline, StorageVerdict *verdict, Err *err) {
    CLEANUP(cleanup_close) int root = open_root(at, err);
    if (root < 0) {
        return false;
    }
    char name[256];
    CLEANUP(cleanup_close) int parent = beneath_open_parent(root, at->path, name);
    if (parent < 0) {
        return stopped(errno, "delete", at, verdict, err);
    }
    return tree_delete(parent, name, at->location, deadline, verdict, err);
}

const StorageDriver storage_file = {
    .scheme = "file",
    .features = STORAGE_FEATURE_DIRECTORIES | STORAGE_FEATURE_RENAME | STORAGE_FEATURE_DELETE,
    .root_resolve = file_root_resolve,
    .root_health = file_root_health,
    .stat = file_stat,
    .list = file_list,
    .usage = file_usage,
    .mkdir = file_mkdir,
    .rmdir = file_rmdir,
    .rename = file_rename,
    .sync = file_sync,
    .reach = file_reach,
    .delete_tree = file_delete_tree,
};
