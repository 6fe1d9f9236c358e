#include "tests/unit/pg_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <grp.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_DATABASES = 256, LOCK_KEY = 4711 };

static struct {
    char bindir[256], dir[256], server[512];
    pid_t pid;
    char *databases[MAX_DATABASES];
    size_t database_count;
} fixture;

static NORETURN PRINTF_LIKE(1, 2) void die(const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

const char *pg_fixture_bindir(void) {
    glob_t found;
    if (!fixture.bindir[0]) {
        if (glob("/usr/lib/postgresql/*/bin/initdb", 0, NULL, &found) != 0) {
            die("no PostgreSQL found in /usr/lib/postgresql");
        }
        const char *last = found.gl_pathv[found.gl_pathc - 1];
        snprintf(fixture.bindir, sizeof fixture.bindir, "%.*s", (int)(strlen(last) - strlen("/initdb")), last);
        globfree(&found);
    }
    return fixture.bindir;
}

static const struct passwd *server_user(void) {
    const struct passwd *user = getpwnam("postgres");
    user = user ? user : getpwnam("nobody");
    if (!user) {
        die("running as root needs a user postgres or nobody");
    }
    return user;
}

/* Runs a program of PostgreSQL in the fixture's directory; output goes to its log file. */
static pid_t spawn(const char *program, const char *const *arguments) {
    char path[512], log[512];
    snprintf(path, sizeof path, "%s/%s", pg_fixture_bindir(), program);
    snprintf(log, sizeof log, "%s/log", fixture.dir);
    pid_t pid = fork();
    if (pid != 0) {
        return pid;
    }
    if (getuid() == 0) {
        const struct passwd *user = server_user();
        if (initgroups(user->pw_name, user->pw_gid) || setgid(user->pw_gid) || setuid(user->pw_uid)) {
            _exit(126);
        }
    }
    prctl(PR_SET_PDEATHSIG, SIGQUIT);
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    setsid();
    char *argv[16] = {path};
    for (size_t i = 0; arguments[i] && i < ARRAY_LEN(argv) - 2; i++) {
        argv[i + 1] = (char *)(uintptr_t)arguments[i];
    }
    execv(path, argv);
    _exit(127);
}

static void run(const char *program, const char *const *arguments) {
    int status = 0;
    pid_t pid = spawn(program, arguments);
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
        die("%s failed; see %s/log", program, fixture.dir);
    }
}

static void wait_ready(void) {
    for (int i = 0; i < 300; i++) {
        char url[600];
        snprintf(url, sizeof url, "%s dbname=postgres", fixture.server);
        if (PQping(url) == PQPING_OK) {
            return;
        }
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    }
    die("the test cluster does not start; see %s/log", fixture.dir);
}

int pg_fixture_start(void **state) {
    (void)state;
    const char *shared = getenv("PROPOLIS_TEST_PG");
    if (shared && *shared) {
        snprintf(fixture.server, sizeof fixture.server, "%s", shared);
        return 0;
    }
    snprintf(fixture.dir, sizeof fixture.dir, "/tmp/propolis-test-XXXXXX");
    if (!mkdtemp(fixture.dir) || (getuid() == 0 && chown(fixture.dir, server_user()->pw_uid, server_user()->pw_gid))) {
        die("no directory for a test cluster: %s", strerror(errno));
    }
    char data[300];
    snprintf(data, sizeof data, "%s/data", fixture.dir);
    run("initdb", (const char *const[]){"-D", data, "-U", "postgres", "-E", "UTF8", "--no-locale", "-A", "trust", NULL});
    fixture.pid = spawn("postgres", (const char *const[]){"-D", data, "-k", fixture.dir, "-c", "listen_addresses=", "-c",
                                                          "max_connections=60", "-c", "shared_buffers=32MB", NULL});
    snprintf(fixture.server, sizeof fixture.server, "host=%s user=postgres", fixture.dir);
    wait_ready();
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at) {
    (void)st, (void)type, (void)at;
    return remove(path);
}

int pg_fixture_stop(void **state) {
    (void)state;
    for (size_t i = 0; i < fixture.database_count; i++) {
        if (!fixture.pid) {
            char sql[200];
            snprintf(sql, sizeof sql, "DROP DATABASE IF EXISTS %s WITH (FORCE)", fixture.databases[i]);
            pg_fixture_sql("", sql);
        }
        free(fixture.databases[i]);
    }
    fixture.database_count = 0;
    if (fixture.pid) {
        kill(fixture.pid, SIGQUIT); /* nothing worth a checkpoint */
        waitpid(fixture.pid, NULL, 0);
        fixture.pid = 0;
        nftw(fixture.dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    }
    return 0;
}

static PGconn *connect_to(const char *url) {
    char administration[600];
    snprintf(administration, sizeof administration, "%s dbname=postgres", fixture.server);
    PGconn *pq = PQconnectdb(*url ? url : administration);
    if (PQstatus(pq) != CONNECTION_OK) {
        die("test database: %s", PQerrorMessage(pq));
    }
    return pq;
}

static PGresult *run_sql(PGconn *pq, const char *sql) {
    PGresult *r = PQexec(pq, sql);
    if (PQresultStatus(r) != PGRES_COMMAND_OK && PQresultStatus(r) != PGRES_TUPLES_OK) {
        die("%s: %s", sql, PQerrorMessage(pq));
    }
    return r;
}

void pg_fixture_sql(const char *url, const char *sql) {
    PGconn *pq = connect_to(url);
    PQclear(run_sql(pq, sql));
    PQfinish(pq);
}

char *pg_fixture_value(const char *url, const char *sql) {
    PGconn *pq = connect_to(url);
    PGresult *r = run_sql(pq, sql);
    char *value = strdup(PQntuples(r) ? PQgetvalue(r, 0, 0) : "");
    PQclear(r);
    PQfinish(pq);
    return value;
}

static char *url_of(const char *database) {
    char url[700];
    snprintf(url, sizeof url, "%s dbname=%s", fixture.server, database);
    return strdup(url);
}

static char *create_database(const char *template) {
    if (fixture.database_count == MAX_DATABASES) {
        die("too many test databases");
    }
    char name[64], sql[300];
    snprintf(name, sizeof name, "t_%d_%zu", (int)getpid(), fixture.database_count);
    snprintf(sql, sizeof sql, "CREATE DATABASE %s TEMPLATE %s", name, template);
    pg_fixture_sql("", sql);
    fixture.databases[fixture.database_count++] = strdup(name);
    return url_of(name);
}

char *pg_fixture_database(void) { return create_database("template0"); }

static void fill_template(const char *name, bool (*fill)(Pg *, Err *)) {
    char *url = url_of(name);
    Pg *pg = pg_fixture_open(url);
    Err err;
    if (!fill(pg, &err)) {
        die("filling the template %s: %s (%s)", name, err.message, err.detail);
    }
    pg_close(pg);
    free(url);
}

char *pg_fixture_clone(const char *template, bool (*fill)(Pg *, Err *)) {
    PGconn *pq = connect_to("");
    char sql[300];
    snprintf(sql, sizeof sql, "SELECT pg_advisory_lock(%d)", LOCK_KEY);
    PQclear(run_sql(pq, sql));
    snprintf(sql, sizeof sql, "SELECT FROM pg_database WHERE datname = '%s'", template);
    PGresult *found = run_sql(pq, sql);
    if (PQntuples(found) == 0) {
        snprintf(sql, sizeof sql, "CREATE DATABASE %s TEMPLATE template0", template);
        PQclear(run_sql(pq, sql));
        fill_template(template, fill);
    }
    PQclear(found);
    char *url = create_database(template);
    PQfinish(pq);
    return url;
}

Pg *pg_fixture_open(const char *url) {
    Err err;
    Pg *pg = NULL;
    PgOptions options = {.url = str_from(url), .pool = {4, 2}, .schema = STR("propolis")};
    if (!pg_open(&options, &pg, &err)) {
        die("test database: %s (%s)", err.message, err.detail);
    }
    return pg;
}
