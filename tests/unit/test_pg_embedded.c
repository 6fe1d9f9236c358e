#include "tests/unit/pg_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "pg/datadir.h"
#include "pg/embedded.h"
#include "pg/postmaster.h"

typedef struct Bed {
    char base[64], data[200], cluster[250];
    Embedded *e;
} Bed;

static int setup(void **state) {
    Bed *bed = calloc(1, sizeof *bed);
    snprintf(bed->base, sizeof bed->base, "/tmp/propolis-test-XXXXXX");
    assert_non_null(mkdtemp(bed->base));
    snprintf(bed->data, sizeof bed->data, "%s/data", bed->base);
    snprintf(bed->cluster, sizeof bed->cluster, "%s/postgres", bed->data);
    *state = bed;
    return 0;
}

static int teardown(void **state) {
    Bed *bed = *state;
    Err err;
    embedded_stop(bed->e);
    postmaster_processes(bed->cluster, SIGKILL);
    assert_true(remove_tree(bed->base, &err));
    free(bed);
    return 0;
}

static void must(bool ok, const Err *err) {
    if (!ok) {
        fail_msg("%s | %s", err->message, err->detail);
    }
}

enum { START_MS = 300 * 1000 };

static bool start(Bed *bed, Err *err) {
    EmbeddedOptions options = {
        .data_dir = str_from(bed->data), .connections = 12, .shared_buffers = 16 << 20, .start_timeout_ms = START_MS};
    return embedded_start(&options, &bed->e, err);
}

static void must_start(Bed *bed) {
    Err err;
    int64_t began = clock_monotonic_us();
    must(start(bed, &err), &err);
    print_message("  started in %d ms%s\n", (int)((clock_monotonic_us() - began) / 1000),
                  embedded_was_adopted(bed->e) ? ", adopted" : "");
}

static void stop(Bed *bed) {
    embedded_stop(bed->e);
    bed->e = NULL;
}

static void refused(Bed *bed, const char *word) {
    Err err;
    assert_false(start(bed, &err));
    if (!strstr(err.message, word)) {
        fail_msg("\"%s\" not in: %s", word, err.message);
    }
}

static void put_row(Bed *bed) {
    pg_fixture_sql(embedded_url(bed->e), "CREATE TABLE IF NOT EXISTS t (x int); INSERT INTO t VALUES (1)");
}

static void expect_rows(Bed *bed, const char *count) {
    char *n = pg_fixture_value(embedded_url(bed->e), "SELECT count(*) FROM t");
    assert_string_equal(n, count);
    free(n);
}

/* A server in a process of its own that does nothing but hold the cluster. Returns once it is up. */
static pid_t server_process(Bed *bed) {
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        Err err;
        bool ok = start(bed, &err);
        if (ok) {
            put_row(bed);
        }
        ssize_t ignored = write(ends[1], ok ? "y" : "n", 1);
        (void)ignored;
        for (;;) {
            pause();
        }
    }
    char answer = 'n';
    assert_int_equal(read(ends[0], &answer, 1), 1);
    assert_int_equal(answer, 'y');
    close(ends[0]);
    close(ends[1]);
    return pid;
}

static void kill_process(pid_t pid) {
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void test_start_stop_start(void **state) {
    Bed *bed = *state;
    must_start(bed);
    put_row(bed);
    char *settings = pg_fixture_value(embedded_url(bed->e),
                                      "SELECT current_setting('fsync') || current_setting('full_page_writes') ||"
                                      " current_setting('synchronous_commit') || current_setting('server_encoding') ||"
                                      " current_setting('lc_collate') || current_setting('listen_addresses') ||"
                                      " current_setting('shared_buffers')");
    assert_string_equal(settings, "onononUTF8C16MB");
    free(settings);
    stop(bed);
    assert_int_equal(postmaster_processes(bed->cluster, 0), 0);
    must_start(bed);
    expect_rows(bed, "1");
}

static void test_server_killed_cluster_adopted(void **state) {
    Bed *bed = *state;
    pid_t server = server_process(bed);
    kill_process(server);
    must_start(bed);
    assert_true(embedded_was_adopted(bed->e));
    expect_rows(bed, "1");
    stop(bed);
    assert_int_equal(postmaster_processes(bed->cluster, 0), 0);
    must_start(bed);
    assert_false(embedded_was_adopted(bed->e));
    expect_rows(bed, "1");
}

static void test_both_killed(void **state) {
    Bed *bed = *state;
    pid_t server = server_process(bed);
    Postmaster p = postmaster_look(bed->cluster);
    kill_process(server);
    kill(p.pid, SIGKILL);
    must_start(bed);
    assert_false(embedded_was_adopted(bed->e));
    expect_rows(bed, "1");
}

static void test_postgres_killed_comes_back(void **state) {
    Bed *bed = *state;
    Err err;
    must_start(bed);
    put_row(bed);
    Pg *pg = pg_fixture_open(embedded_url(bed->e));
    must(pg_ping(pg, deadline_in_ms(5000), &err), &err);
    int first = embedded_pid(bed->e);
    kill(first, SIGKILL);
    Deadline limit = deadline_in_ms(20000);
    bool back = false;
    while (!back && deadline_left_ms(limit) > 0) {
        int now = embedded_pid(bed->e);
        bool answers = pg_ping(pg, deadline_in_ms(5000), &err);
        assert_true(answers || err.code == ERR_DATABASE_UNAVAILABLE);
        back = answers && now && now != first;
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
    assert_true(back);
    expect_rows(bed, "1");
    pg_close(pg);
}

static void test_stopping_cluster_is_waited_for(void **state) {
    Bed *bed = *state;
    pid_t server = server_process(bed);
    Postmaster p = postmaster_look(bed->cluster);
    kill_process(server);
    kill(p.pid, SIGINT);
    must_start(bed);
    expect_rows(bed, "1");
}

static void test_two_servers_one_directory(void **state) {
    Bed *bed = *state;
    pid_t server = server_process(bed);
    char number[32];
    snprintf(number, sizeof number, "process %d", (int)server);
    refused(bed, "Another propolis server");
    refused(bed, number);
    kill_process(server);
    must_start(bed);
}

static void test_killed_while_making_the_cluster(void **state) {
    Bed *bed = *state;
    for (int ms = 20; ms <= 900; ms += 220) {
        pid_t pid = fork();
        if (pid == 0) {
            Err err;
            _exit(!start(bed, &err));
        }
        nanosleep(&(struct timespec){.tv_nsec = ms * 1000000L}, NULL);
        kill_process(pid);
    }
    must_start(bed);
    put_row(bed);
    expect_rows(bed, "1");
    char leftover[250];
    snprintf(leftover, sizeof leftover, "%s/postgres.new", bed->data);
    assert_int_equal(access(leftover, F_OK), -1);
}

static void write_file(const char *dir, const char *name, const char *text) {
    char path[400];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void test_leaves_foreign_directories_alone(void **state) {
    Bed *bed = *state;
    mkdir(bed->data, 0700);
    write_file(bed->data, "letters.txt", "dear");
    refused(bed, "was not made by propolis");
    write_file(bed->data, "PG_VERSION", "15\n");
    refused(bed, "PostgreSQL that is not ours");
    char path[300];
    snprintf(path, sizeof path, "%s/PROPOLIS_DATA", bed->data);
    assert_int_equal(access(path, F_OK), -1);
    snprintf(bed->data + strlen(bed->data), 20, "/letters.txt");
    refused(bed, "letters.txt");
}

static void test_unwritable(void **state) {
    Bed *bed = *state;
    mkdir(bed->data, 0500);
    refused(bed, "may not");
    chmod(bed->data, 0700);
    snprintf(bed->data, sizeof bed->data, "/proc/propolis");
    refused(bed, "/proc/propolis cannot be created");
}

static void test_other_major_version(void **state) {
    Bed *bed = *state;
    must_start(bed);
    stop(bed);
    write_file(bed->cluster, "PG_VERSION", "14\n");
    refused(bed, "propolis restore");
    refused(bed, "pg_upgrade");
}

static void test_no_binaries(void **state) {
    Bed *bed = *state;
    Err err;
    EmbeddedOptions options = {
        .data_dir = str_from(bed->data), .bindir = STR("/nonexistent"), .connections = 5, .start_timeout_ms = START_MS};
    assert_false(embedded_start(&options, &bed->e, &err));
    assert_non_null(strstr(err.message, "database.url"));
}

static void test_too_slow(void **state) {
    Bed *bed = *state;
    Err err;
    must_start(bed);
    stop(bed);
    EmbeddedOptions options = {.data_dir = str_from(bed->data), .connections = 5, .start_timeout_ms = 0};
    assert_false(embedded_start(&options, &bed->e, &err));
    assert_non_null(strstr(err.message, "database.embedded.start_timeout"));
    assert_int_equal(postmaster_processes(bed->cluster, 0), 0);
    must_start(bed);
    stop(bed);
}

/* The pid in a stale file belongs to somebody else by now. */
static void test_pid_given_to_another(void **state) {
    Bed *bed = *state;
    must_start(bed);
    put_row(bed);
    stop(bed);
    char text[500];
    snprintf(text, sizeof text, "%d\n%s\n1700000000\n5432\n%s\n\n  5432001         0\nready   \n", (int)getpid(), bed->cluster,
             bed->data);
    write_file(bed->cluster, "postmaster.pid", text);
    must_start(bed);
    expect_rows(bed, "1");
}

static void test_long_path(void **state) {
    Bed *bed = *state;
    size_t len = strlen(bed->data);
    memset(bed->data + len, 'x', 100);
    bed->data[len] = '/';
    bed->data[len + 100] = 0;
    snprintf(bed->cluster, sizeof bed->cluster, "%s/postgres", bed->data);
    must_start(bed);
    put_row(bed);
    assert_non_null(strstr(embedded_url(bed->e), "/tmp/propolis-socket-"));
    char host[128];
    assert_int_equal(sscanf(embedded_url(bed->e), "host='%127[^']'", host), 1);
    stop(bed);
    assert_int_equal(access(host, F_OK), -1);
    pid_t server = server_process(bed);
    kill_process(server);
    must_start(bed);
    assert_true(embedded_was_adopted(bed->e));
    expect_rows(bed, "2");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

/* --- as root only: each in a process of its own, which gives up being root ---------------------------------------- */

static int in_child(int (*body)(const char *dir), const char *dir) {
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        _exit(body(dir));
    }
    int status;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 99;
}

static int become_and_start(const char *dir) {
    Err err;
    const char *user = NULL;
    if (!service_user_become(str_from(dir), &user, &err)) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    Embedded *e;
    EmbeddedOptions options = {.data_dir = str_from(dir), .connections = 5, .start_timeout_ms = START_MS};
    if (!user || geteuid() == 0 || !embedded_start(&options, &e, &err)) {
        fprintf(stderr, "%s\n", err.message);
        return 2;
    }
    embedded_stop(e);
    return 0;
}

static int become_refused(const char *dir) {
    Err err = {.message = ""};
    const char *user;
    bool ok = service_user_become(str_from(dir), &user, &err);
    fprintf(stderr, "  (%s)\n", err.message);
    return !ok && strstr(err.message, strstr(dir, "closed") ? "cannot reach" : "was not made by propolis") ? 0 : 1;
}

static void test_root_becomes_the_service_user(void **state) {
    (void)state;
    char base[] = "/tmp/propolis-test-XXXXXX", dir[64], foreign[64], closed[64], inside[80];
    Err err;
    struct stat st;
    assert_non_null(mkdtemp(base));
    assert_int_equal(chmod(base, 0755), 0);
    snprintf(dir, sizeof dir, "%s/new", base);
    snprintf(foreign, sizeof foreign, "%s/foreign", base);
    snprintf(closed, sizeof closed, "%s/closed", base);
    snprintf(inside, sizeof inside, "%s/data", closed);
    assert_int_equal(in_child(become_and_start, dir), 0);
    assert_int_equal(stat(dir, &st), 0);
    assert_int_equal(st.st_uid, getpwnam("propolis")->pw_uid);
    assert_int_equal(in_child(become_and_start, dir), 0); /* again: it is ours now */
    mkdir(foreign, 0755);
    write_file(foreign, "file", "");
    assert_int_equal(in_child(become_refused, foreign), 0);
    assert_int_equal(stat(foreign, &st), 0);
    assert_int_equal(st.st_uid, 0);
    mkdir(closed, 0700);
    assert_int_equal(in_child(become_refused, inside), 0);
    must(remove_tree(base, &err), &err);
}

static void give_up_root(void) {
    const struct passwd *user = getpwnam("postgres");
    user = user ? user : getpwnam("nobody");
    if (!user || initgroups(user->pw_name, user->pw_gid) || setgid(user->pw_gid) || setuid(user->pw_uid)) {
        fprintf(stderr, "cannot become postgres or nobody\n");
        exit(1);
    }
}

int main(void) {
    const struct CMUnitTest as_root[] = {cmocka_unit_test(test_root_becomes_the_service_user)};
    const struct CMUnitTest tests[] = {
        TEST(test_start_stop_start),
        TEST(test_server_killed_cluster_adopted),
        TEST(test_both_killed),
        TEST(test_postgres_killed_comes_back),
        TEST(test_stopping_cluster_is_waited_for),
        TEST(test_two_servers_one_directory),
        TEST(test_killed_while_making_the_cluster),
        TEST(test_leaves_foreign_directories_alone),
        TEST(test_unwritable),
        TEST(test_other_major_version),
        TEST(test_no_binaries),
        TEST(test_too_slow),
        TEST(test_pid_given_to_another),
        TEST(test_long_path),
    };
    int failed = 0;
    if (getuid() == 0) {
        failed = cmocka_run_group_tests(as_root, NULL, NULL);
        give_up_root();
    }
    return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
