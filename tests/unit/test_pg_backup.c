#include "tests/unit/pg_fixture.h"

#include <fcntl.h>
#include <setjmp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "pg/backup.h"
#include "pg/migrate.h"

static void must(bool ok, const Err *err) {
    if (!ok) {
        fail_msg("%s | %s", err->message, err->detail);
    }
}

static bool dump_to(const BackupOptions *options, const char *path, Err *err) {
    BackupFile file;
    if (!backup_file_create(path, &file, err)) {
        return false;
    }
    if (!backup_dump(options, file.fd, err)) {
        backup_file_discard(&file);
        return false;
    }
    return backup_file_keep(&file, err);
}

static bool restore_from(const BackupOptions *options, const char *path, Err *err) {
    CLEANUP(cleanup_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    return backup_restore(options, fd, err);
}

static void test_dump_and_restore(void **state) {
    (void)state;
    Err err;
    char file[] = "/tmp/propolis-test-XXXXXX";
    close(mkstemp(file));
    char *from = pg_fixture_database(), *to = pg_fixture_database();
    Pg *pg = pg_fixture_open(from);
    must(migrate_apply(pg, migrations_built_in(), NULL, &err), &err);
    pg_close(pg);
    pg_fixture_sql(
        from,
        "CREATE TABLE public.other (x int); INSERT INTO propolis.catalogs (name, created_at, updated_at) VALUES ('a', now(), now())");
    BackupOptions source = {.url = str_from(from)}, target = {.url = str_from(to)};
    must(dump_to(&source, file, &err), &err);
    struct stat st;
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    must(restore_from(&target, file, &err), &err);
    char *n = pg_fixture_value(
        to, "SELECT count(*) || ' ' || (to_regclass('public.other') IS NULL) FROM propolis.catalogs WHERE name = 'a'");
    assert_string_equal(n, "1 true");
    free(n);
    pg = pg_fixture_open(to);
    must(migrate_check(pg, migrations_built_in(), &err), &err);
    pg_close(pg);
    assert_false(restore_from(&target, file, &err));
    assert_non_null(strstr(err.message, "Nothing was restored"));
    unlink(file);
    free(from);
    free(to);
}

static void test_failures(void **state) {
    (void)state;
    Err err;
    BackupOptions away = {.url = STR("host=/nonexistent user=x password=hunter2 dbname=y")};
    assert_false(dump_to(&away, "/tmp/propolis-test-no-such-dir/file", &err));
    assert_int_equal(err.code, ERR_STORAGE);
    char file[] = "/tmp/propolis-test-XXXXXX", part[64];
    close(mkstemp(file));
    assert_false(dump_to(&away, file, &err));
    assert_null(strstr(err.message, "hunter2"));
    snprintf(part, sizeof part, "%s.part", file);
    assert_int_equal(access(part, F_OK), -1);
    unlink(file);
}

static void test_listen(void **state) {
    (void)state;
    Err err;
    char *url = pg_fixture_database();
    Pg *pg = pg_fixture_open(url);
    PgListener *listener;
    bool notified;
    must(pg_listen(pg, "propolis_changes", &listener, &err), &err);
    must(pg_listen_wait(listener, deadline_in_ms(20), &notified, &err), &err);
    assert_false(notified);
    pg_fixture_sql(url, "NOTIFY propolis_changes");
    must(pg_listen_wait(listener, deadline_in_ms(2000), &notified, &err), &err);
    assert_true(notified);
    pg_fixture_sql(
        url,
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()");
    bool ok = true;
    for (int i = 0; i < 3 && ok; i++) {
        ok = pg_listen_wait(listener, deadline_in_ms(2000), &notified, &err);
    }
    assert_false(ok);
    assert_int_equal(err.code, ERR_DATABASE_UNAVAILABLE);
    pg_listen_close(listener);
    pg_close(pg);
    free(url);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_dump_and_restore), cmocka_unit_test(test_failures),
                                       cmocka_unit_test(test_listen)};
    return cmocka_run_group_tests(tests, pg_fixture_start, pg_fixture_stop);
}
