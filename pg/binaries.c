#include "pg/binaries.h"

#include <glob.h>
#include <unistd.h>

#include "pg/process.h"

void binaries_path(const Binaries *b, const char *program, char out[BINARIES_PATH + 32]) {
    snprintf(out, BINARIES_PATH + 32, "%s/%s", b->dir, program);
}

/* "postgres (PostgreSQL) 15.4 (Debian 15.4-1)" */
static int version_in(const char *line) {
    const char *word = strstr(line, "(PostgreSQL) ");
    int64_t major = 0;
    if (word) {
        Str number = str_from(word + strlen("(PostgreSQL) "));
        str_to_i64(str_slice(number, 0, strspn(number.ptr, "0123456789")), &major);
    }
    return (int)major;
}

static bool probe(Str dir, Binaries *ret) {
    char path[BINARIES_PATH + 32], line[256];
    Err ignored;
    Binaries b = {.major = 0};
    snprintf(b.dir, sizeof b.dir, "%" STR_FMT, STR_ARG(dir));
    binaries_path(&b, "initdb", path);
    if (access(path, X_OK)) {
        return false;
    }
    binaries_path(&b, "postgres", path);
    if (access(path, X_OK) || !process_line((const char *const[]){path, "--version", NULL}, line, sizeof line, &ignored)) {
        return false;
    }
    b.major = version_in(line);
    *ret = b;
    return b.major > 0;
}

static void consider(Str dir, int major, Binaries *best, char *seen, size_t seen_bytes) {
    Binaries b;
    if (best->major && major && best->major == major) {
        return;
    }
    if (!probe(dir, &b)) {
        return;
    }
    size_t len = strlen(seen);
    snprintf(seen + len, seen_bytes - len, "%s%d in %s", len ? ", " : "", b.major, b.dir);
    if (major ? b.major == major : b.major >= OLDEST_MAJOR && b.major > best->major) {
        *best = b;
    }
}

static void consider_glob(const char *pattern, int major, Binaries *best, char *seen, size_t seen_bytes) {
    glob_t found;
    if (glob(pattern, 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++) {
            consider(str_from(found.gl_pathv[i]), major, best, seen, seen_bytes);
        }
        globfree(&found);
    }
}

static void consider_path(int major, Binaries *best, char *seen, size_t seen_bytes) {
    Str rest = str_from(getenv("PATH")), dir;
    while (str_split(&rest, ':', &dir)) {
        if (dir.len) {
            consider(dir, major, best, seen, seen_bytes);
        }
    }
}

static bool not_found(int major, const char *seen, Err *err) {
    const char *found = *seen ? seen : "none";
    if (major) {
        return err_set(err, ERR_INVALID_CONFIG,
                       "The data directory holds a PostgreSQL %d cluster, but no PostgreSQL %d is installed (found: %s). Either "
                       "install it (apt install postgresql-%d), or move up: with version %d still installed run \"propolis "
                       "backup\", then \"propolis restore\" into a fresh data directory; pg_upgrade works too.",
                       major, major, found, major, major);
    }
    return err_set(err, ERR_INVALID_CONFIG,
                   "No PostgreSQL %d or newer is installed (found: %s). Run \"make deps\" or \"apt install postgresql\", or point "
                   "database.url at a PostgreSQL elsewhere.",
                   OLDEST_MAJOR, found);
}

bool binaries_find(Str bindir, int major, Binaries *ret, Err *err) {
    Binaries best = {.major = 0};
    char seen[400] = "";
    if (!str_is_empty(bindir)) {
        consider(bindir, major, &best, seen, sizeof seen);
    } else {
        consider_glob("/usr/lib/postgresql/*/bin", major, &best, seen, sizeof seen);
        consider_glob("/usr/pgsql-*/bin", major, &best, seen, sizeof seen);
        if (!best.major) {
            consider_path(major, &best, seen, sizeof seen);
        }
    }
    if (!best.major) {
        return not_found(major, seen, err);
    }
    *ret = best;
    return true;
}
