#include "storage/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { RACE_RETRIES = 16 };

/* errno ENOSYS: old kernel. EPERM: a sandbox that does not know the call; seen for reading a directory, which itself
 * never gives EPERM. */
static bool lacks_openat2(int error) { return error == ENOSYS || error == EPERM; }

static int try_openat2(int dir_fd, const char *path, int flags, uint64_t resolve) {
    struct open_how how = {.flags = (uint64_t)(flags | O_CLOEXEC), .resolve = resolve};
    long fd = -1;
    for (int i = 0; i < RACE_RETRIES; i++) {
        fd = syscall(SYS_openat2, dir_fd, path, &how, sizeof how);
        if (fd >= 0 || (errno != EAGAIN && errno != EINTR)) {
            break;
        }
    }
    return (int)fd;
}

/* The mount a descriptor is on, -1 when /proc does not tell. */
static long mount_of(int fd) {
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
    CLEANUP(cleanup_close) int info = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = info < 0 ? -1 : read(info, text, sizeof text - 1);
    if (got <= 0) {
        return -1;
    }
    text[got] = 0;
    const char *at = strstr(text, "mnt_id:");
    return at ? strtol(at + strlen("mnt_id:"), NULL, 10) : -1;
}

static int with_errno(int fd, int error) {
    if (fd >= 0) {
        close(fd);
    }
    errno = error;
    return -1;
}

/* openat says ENOTDIR for links too (O_DIRECTORY | O_NOFOLLOW); callers must know which it was. */
static int open_step(int dir_fd, const char *name, int flags) {
    int fd = openat(dir_fd, name, flags | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && (errno == ENOTDIR || errno == ELOOP)) {
        struct stat st;
        bool link = fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode);
        errno = link ? ELOOP : ENOTDIR;
    }
    return fd;
}

static bool copy_segment(Str segment, char out[256]) {
    if (segment.len == 0 || segment.len > 255) {
        errno = segment.len ? ENAMETOOLONG : EINVAL;
        return false;
    }
    if (str_eq(segment, STR(".")) || str_eq(segment, STR("..")) || memchr(segment.ptr, 0, segment.len)) {
        errno = EINVAL;
        return false;
    }
    memcpy(out, segment.ptr, segment.len);
    out[segment.len] = 0;
    return true;
}

/* Every segment is opened from the directory before it, so each is looked at exactly once. */
static int walk_down(int dir_fd, Str path, int flags) {
    int at = openat(dir_fd, ".", (path.len ? O_PATH : flags) | O_DIRECTORY | O_CLOEXEC);
    Str rest = path, segment;
    while (at >= 0 && rest.len && str_split(&rest, '/', &segment)) {
        char name[256];
        if (!copy_segment(segment, name)) {
            return with_errno(at, errno);
        }
        int next = open_step(at, name, rest.len ? O_PATH : flags);
        int error = errno;
        close(at);
        at = next;
        errno = error;
    }
    return at;
}

int beneath_open_dir(int dir_fd, Str path, int flags) {
    char text[PATH_MAX];
    if (path.len == 0) {
        return walk_down(dir_fd, path, flags);
    }
    if (path.len >= sizeof text) {
        return with_errno(-1, ENAMETOOLONG);
    }
    memcpy(text, path.ptr, path.len);
    text[path.len] = 0;
    int fd = try_openat2(dir_fd, text, flags | O_DIRECTORY | O_NOFOLLOW, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
    /* Also when a link or file is in the way: the walk tells which, and follows it as little. */
    return fd < 0 && (lacks_openat2(errno) || errno == ENOTDIR || errno == ELOOP) ? walk_down(dir_fd, path, flags) : fd;
}

int beneath_open_root(const char *path) {
    CLEANUP(cleanup_close) int top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (top < 0) {
        return -1;
    }
    int fd = beneath_open_dir(top, str_skip(str_from(path), 1), O_PATH);
    return fd;
}

int beneath_open_parent(int dir_fd, Str path, char name[256]) {
    size_t slash = str_rfind_char(path, '/');
    Str last = slash == SIZE_MAX ? path : str_skip(path, slash + 1);
    if (!copy_segment(last, name)) {
        return -1;
    }
    return beneath_open_dir(dir_fd, slash == SIZE_MAX ? STR("") : str_slice(path, 0, slash), O_PATH);
}

int beneath_enter(int dir_fd, const char *name) {
    int fd = try_openat2(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
                         RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
    if (fd >= 0 || !(lacks_openat2(errno) || errno == ENOTDIR || errno == ELOOP)) {
        return fd;
    }
    fd = open_step(dir_fd, name, O_RDONLY);
    struct stat here, there;
    if (fd >= 0 && (fstat(dir_fd, &here) != 0 || fstat(fd, &there) != 0)) {
        return with_errno(fd, errno);
    }
    if (fd >= 0 && (here.st_dev != there.st_dev || mount_of(dir_fd) != mount_of(fd))) {
        return with_errno(fd, EXDEV);
    }
    return fd;
}
