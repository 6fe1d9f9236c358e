/* Started as root: the whole server, not PostgreSQL alone, goes on as an ordinary user. */
#include "pg/datadir.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pg/process.h"

#define SERVICE_USER "propolis"

static const struct passwd *make_user(Err *err) {
    const struct passwd *user = getpwnam(SERVICE_USER);
    if (user) {
        return user;
    }
    ProcessRun run = {.argv = (const char *const[]){"/usr/sbin/useradd", "--system", "--user-group", "--no-create-home",
                                                    "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", SERVICE_USER,
                                                    NULL}};
    if (!process_run(&run, err)) {
        err_prefix(err, "The server does not run as root, and its system user \"" SERVICE_USER "\" could not be made");
        return NULL;
    }
    user = getpwnam(SERVICE_USER);
    if (!user) {
        err_set(err, ERR_INVALID_CONFIG,
                "The system user \"" SERVICE_USER "\" was made but cannot be found. Run the server as another user.");
    }
    return user;
}

/* One of ours keeps its owner: whoever made it can go on using it. */
static const struct passwd *choose_user(const char *data_dir, Err *err) {
    struct stat st;
    if (datadir_is_ours(data_dir) && stat(data_dir, &st) == 0 && st.st_uid != 0) {
        const struct passwd *owner = getpwuid(st.st_uid);
        if (owner) {
            return owner;
        }
    }
    return make_user(err);
}

static bool give_directory(const char *data_dir, const struct passwd *user, Err *err) {
    struct stat st;
    if (datadir_is_ours(data_dir) && stat(data_dir, &st) == 0 && st.st_uid == user->pw_uid) {
        return true;
    }
    DataDir dir; /* makes it, or refuses one that is not ours to give away */
    if (!datadir_open(str_from(data_dir), &dir, err)) {
        return false;
    }
    char file[DATADIR_PATH + 64];
    static const char *const files[] = {"PROPOLIS_DATA", "lock"};
    bool ok = chown(dir.path, user->pw_uid, user->pw_gid) == 0;
    for (size_t i = 0; i < ARRAY_LEN(files) && ok; i++) {
        snprintf(file, sizeof file, "%s/%s", dir.path, files[i]);
        ok = lchown(file, user->pw_uid, user->pw_gid) == 0;
    }
    if (!ok) {
        err_set(err, ERR_INVALID_CONFIG, "The data directory %s cannot be given to the user %s: %s.", dir.path, user->pw_name,
                strerror(errno));
    }
    datadir_close(&dir);
    return ok;
}

/* Names the first directory on the way that this user cannot pass. */
static bool check_reach(const char *data_dir, const char *user, Err *err) {
    char *real = realpath(data_dir, NULL);
    if (real && access(real, R_OK | W_OK | X_OK) == 0) {
        free(real);
        return true;
    }
    free(real);
    char part[DATADIR_PATH];
    for (const char *at = data_dir + 1;; at++) {
        if (*at == '/' || *at == 0) {
            snprintf(part, sizeof part, "%.*s", (int)(at - data_dir), data_dir);
            if (access(part, X_OK) || *at == 0) {
                break;
            }
        }
    }
    return err_set(
        err, ERR_INVALID_CONFIG,
        "Started as root, the server goes on as the user %s, and that user cannot reach the data directory %s: %s does not "
        "let it in. Choose a directory such as /var/lib/propolis with --data-dir, or start the server as another user.",
        user, data_dir, part);
}

static bool become(const struct passwd *user, Err *err) {
    if (initgroups(user->pw_name, user->pw_gid) || setgid(user->pw_gid) || setuid(user->pw_uid) || setuid(0) == 0) {
        return err_set(err, ERR_INVALID_CONFIG, "The server cannot become the user %s: %s.", user->pw_name, strerror(errno));
    }
    setenv("HOME", user->pw_dir, 1);
    setenv("USER", user->pw_name, 1);
    setenv("LOGNAME", user->pw_name, 1);
    return true;
}

static bool absolute(Str path, char *out, size_t capacity, Err *err) {
    char cwd[DATADIR_PATH / 2] = "";
    bool relative = path.len && path.ptr[0] != '/';
    if (relative && !getcwd(cwd, sizeof cwd)) {
        return err_set(err, ERR_INVALID_CONFIG, "The current directory cannot be found: %s.", strerror(errno));
    }
    int n = snprintf(out, capacity, "%s%s%" STR_FMT, cwd, relative ? "/" : "", STR_ARG(path));
    return (n > 0 && (size_t)n < capacity) || err_set(err, ERR_INVALID_CONFIG, "The path of the data directory is too long.");
}

bool service_user_become(Str data_dir, const char **ret_user, Err *err) {
    *ret_user = NULL;
    if (geteuid() != 0) {
        return true;
    }
    char path[DATADIR_PATH];
    if (!absolute(data_dir, path, sizeof path, err)) {
        return false;
    }
    const struct passwd *user = choose_user(path, err);
    if (!user || !give_directory(path, user, err) || !become(user, err) || !check_reach(path, user->pw_name, err)) {
        return false;
    }
    *ret_user = user->pw_name; /* getpwnam's own memory; nobody asks it again */
    return true;
}
