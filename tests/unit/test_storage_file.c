/* Directories of the file driver through roots, attacked in every way we know. Around the roots lies a fence of files
 * whose fingerprint must be the same after every test. */
#include "storage/roots.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/hash.h"

#ifdef STORAGE_TEST_WITHOUT_OPENAT2
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* A kernel without openat2(2), as far as this process can see. */
static void forget_openat2(void) {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {ARRAY_LEN(code), code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        perror("seccomp");
        exit(1);
    }
}
#else
static void forget_openat2(void) {}
#endif

static Arena *arena;
static char *box; /* everything of one test: box/wh (writable), box/ro (readable), box/data (protected), box/out */
static Roots *roots;
static char fence[65];
static StorageVerdict verdict;
static Err err;

static const char *path_of(const char *fmt, ...) PRINTF_LIKE(1, 2);
static const char *path_of(const char *fmt, ...) {
    char text[4096];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return arena_cstr(arena, arena_printf(arena, "%s/%s", box, text));
}

static Str at(const char *below) { return arena_printf(arena, "file:%s/%s", box, below); }

static void must(int rc) {
    if (rc < 0) {
        fail_msg("test set-up: %s", strerror(errno));
    }
}

static void make_dir(const char *below) { must(mkdir(path_of("%s", below), 0755)); }

static void make_file(const char *below, const char *text) {
    FILE *f = fopen(path_of("%s", below), "we");
    must(f ? 0 : -1);
    fputs(text, f);
    fclose(f);
}

static void make_link(const char *target, const char *below) { must(symlink(target, path_of("%s", below))); }

static bool is_there(const char *below) {
    struct stat st;
    return lstat(path_of("%s", below), &st) == 0;
}

/* Names, kinds, rights, owners, sizes, times of change and contents of all outside the roots. */
static Buf print;

static int print_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw) {
    (void)ftw;
    buf_printf(&print, "%s|%d|%o|%u|%lld|%lld.%ld|", path, kind, st->st_mode, st->st_uid, (long long)st->st_size,
               (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
    if (kind == FTW_F) {
        char text[256];
        CLEANUP(cleanup_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t got = read(fd, text, sizeof text);
        buf_add_bytes(&print, text, (size_t)MAX(got, 0));
    }
    return 0;
}

static void fingerprint(char out[65]) {
    unsigned char hash[32];
    print = BUF_INIT(1 << 20);
    nftw(path_of("out"), print_entry, 16, FTW_PHYS);
    nftw(path_of("data"), print_entry, 16, FTW_PHYS);
    nftw(path_of("ro"), print_entry, 16, FTW_PHYS);
    nftw(path_of("whx"), print_entry, 16, FTW_PHYS);
    sha256(buf_str(&print), hash);
    buf_clear(&print);
    buf_add_hex(&print, hash, 32);
    memcpy(out, print.ptr, 64);
    out[64] = 0;
    buf_free(&print);
}

static bool open_roots(const char *writable, Roots **ret) {
    Str w[2] = {at(writable), STR("s3://bucket/wh")}, r = at("ro"), p = str_from(path_of("data"));
    RootsOptions options = {.writable = {w, 2}, .readable = {&r, 1}, .protected_paths = {&p, 1}};
    return roots_open(&options, ret, &err);
}

static int setup(void **state) {
    (void)state;
    arena = arena_new(256 << 20);
    const char *tmp = getenv("TMPDIR");
    box = strdup(arena_cstr(arena, arena_printf(arena, "%s/propolis-storage-XXXXXX", tmp ? tmp : "/tmp")));
    must(mkdtemp(box) ? 0 : -1);
    char *real = realpath(box, NULL);
    free(box);
    box = real;
    const char *const dirs[] = {"wh", "whx", "ro", "data", "out", "out/deep", "out/deep/er", "ro/t"};
    for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
        make_dir(dirs[i]);
    }
    make_file("out/treasure", "gold");
    make_file("out/deep/er/treasure", "silver");
    make_file("whx/treasure", "copper");
    make_file("data/pg", "tables");
    make_file("ro/t/f", "12345");
    if (!open_roots("wh", &roots)) {
        fail_msg("%s", err.message);
    }
    fingerprint(fence);
    return 0;
}

/* Own remover, because trees here may be too deep for a path. */
static void remove_box(void) {
    pid_t pid = fork();
    if (pid == 0) {
        execlp("rm", "rm", "-rf", "--", box, (char *)NULL);
        _exit(127);
    }
    waitpid(pid, NULL, 0);
}

static int teardown(void **state) {
    (void)state;
    char now[65];
    fingerprint(now);
    bool same = strcmp(now, fence) == 0;
    roots_close(roots);
    remove_box();
    free(box);
    arena_free(arena);
    if (!same) {
        fprintf(stderr, "something outside the root was touched\n");
    }
    return same ? 0 : -1;
}

static void check_ok(bool rc) {
    if (!rc) {
        fail_msg("%s", err.message);
    }
}

static void expect_verdict(bool rc, StorageReason wanted) {
    check_ok(rc);
    if (verdict.reason != wanted) {
        fail_msg("%s instead of %s: %s", storage_reason_name(verdict.reason), storage_reason_name(wanted), verdict.text);
    }
    assert_true(wanted == STORAGE_OK || verdict.text[0]);
}

static void expect_error(bool rc, ErrCode code, const char *part) {
    assert_false(rc);
    assert_int_equal(err.code, code);
    if (!strstr(err.message, part)) {
        fail_msg("'%s' is not in: %s", part, err.message);
    }
}

static const Deadline FOREVER = {0};

static bool do_mkdir(Str l) { return roots_mkdir(roots, l, 0755, &verdict, &err); }
static bool do_delete(Str l) { return roots_delete_tree(roots, l, FOREVER, &verdict, &err); }
static bool do_rmdir(Str l, unsigned levels) { return roots_rmdir_if_empty(roots, l, levels, &verdict, &err); }
static bool do_rename(Str a, Str b) { return roots_rename(roots, a, b, &verdict, &err); }

static void expect_nothing_done(Str l, StorageReason reason) {
    expect_verdict(do_mkdir(l), reason);
    expect_verdict(do_delete(l), reason);
    expect_verdict(do_rmdir(l, 9), reason);
    expect_verdict(do_rename(l, at("wh/elsewhere")), reason);
    make_dir("wh/source");
    if (do_rename(at("wh/source"), l) || err.code != ERR_ALREADY_EXISTS) { /* a link at the end is something, too */
        expect_verdict(do_rename(at("wh/source"), l), reason);
    }
    assert_true(is_there("wh/source"));
    assert_false(is_there("wh/elsewhere"));
    must(rmdir(path_of("wh/source")));
}

static void test_life_of_a_directory(void **state) {
    (void)state;
    expect_verdict(do_mkdir(at("wh/db.db/t/p=1")), STORAGE_OK);
    assert_int_equal(verdict.made, 3);
    expect_verdict(do_mkdir(at("wh/db.db/t/p=1")), STORAGE_OK);
    assert_int_equal(verdict.made, 0);
    make_file("wh/db.db/t/p=1/f", "123");
    make_file("wh/db.db/t/p=1/_hidden", "1");
    make_dir("wh/db.db/t/.staging");
    make_file("wh/db.db/t/.staging/f", "1");
    make_link("../../../out", "wh/db.db/t/link");
    StorageUsage usage;
    expect_verdict(roots_usage(roots, at("wh/db.db/t"), FOREVER, &usage, &verdict, &err), STORAGE_OK);
    assert_int_equal(usage.files, 1);
    assert_int_equal(usage.bytes, 3);
    expect_verdict(do_rename(at("wh/db.db/t"), at("wh/new.db/deep/t2")), STORAGE_OK);
    assert_int_equal(verdict.made, 3);
    assert_true(is_there("wh/new.db/deep/t2/p=1/f"));
    assert_false(is_there("wh/db.db/t"));
    expect_verdict(do_rmdir(at("wh/new.db/deep/t2"), 3), STORAGE_NOT_EMPTY);
    expect_verdict(do_delete(at("wh/new.db/deep/t2")), STORAGE_OK);
    expect_verdict(do_delete(at("wh/new.db/deep/t2")), STORAGE_ABSENT);
    assert_false(storage_warns(&verdict));
    expect_verdict(do_rmdir(at("wh/new.db/deep"), 99), STORAGE_OK);
    assert_false(is_there("wh/new.db"));
    assert_true(is_there("wh"));
    expect_verdict(do_rmdir(at("wh/new.db"), 1), STORAGE_ABSENT);
    expect_verdict(do_mkdir(at("wh")), STORAGE_OK);
    assert_int_equal(verdict.made, 0);
}

static void test_reading(void **state) {
    (void)state;
    StorageInfo info;
    bool there = false;
    StorageUsage usage = {-1, -1};
    expect_verdict(roots_stat(roots, at("ro/t/f"), &info, &verdict, &err), STORAGE_OK);
    assert_int_equal(info.size, 5);
    assert_int_equal(info.kind, STORAGE_KIND_FILE);
    assert_true(llabs(clock_now() - info.modified) < 600000000);
    expect_verdict(roots_stat(roots, at("ro"), &info, &verdict, &err), STORAGE_OK);
    assert_int_equal(info.kind, STORAGE_KIND_DIRECTORY);
    expect_verdict(roots_usage(roots, at("ro"), FOREVER, &usage, &verdict, &err), STORAGE_OK);
    assert_int_equal(usage.files, 1);
    check_ok(roots_exists(roots, at("ro/nothing/there"), &there, &verdict, &err));
    assert_false(there);
    check_ok(roots_exists(roots, at("out"), &there, &verdict, &err));
    assert_false(there);
    assert_int_equal(verdict.reason, STORAGE_OUTSIDE_ROOTS);
    check_ok(roots_exists(roots, at("ro/t"), &there, &verdict, &err));
    assert_true(there);
    make_link(path_of("out"), "wh/l");
    expect_verdict(roots_stat(roots, at("wh/l"), &info, &verdict, &err), STORAGE_SYMLINK);
    expect_verdict(roots_stat(roots, at("wh/l/treasure"), &info, &verdict, &err), STORAGE_SYMLINK);
    expect_verdict(roots_usage(roots, at("wh/l"), FOREVER, &usage, &verdict, &err), STORAGE_SYMLINK);
    expect_verdict(roots_usage(roots, at("ro/t/f"), FOREVER, &usage, &verdict, &err), STORAGE_NOT_DIRECTORY);
    expect_verdict(roots_usage(roots, at("out"), FOREVER, &usage, &verdict, &err), STORAGE_OUTSIDE_ROOTS);
}

static void test_no_driver(void **state) {
    (void)state;
    StorageUsage usage;
    expect_nothing_done(STR("s3://bucket/wh/t"), STORAGE_NO_DRIVER);
    expect_nothing_done(STR("hdfs://nn/wh/t"), STORAGE_NO_DRIVER);
    expect_nothing_done(STR("jdbc:x"), STORAGE_NO_DRIVER);
    expect_nothing_done(STR(""), STORAGE_NO_DRIVER);
    expect_nothing_done(STR_NULL, STORAGE_NO_DRIVER);
    expect_verdict(roots_usage(roots, STR("s3://bucket/wh/t"), FOREVER, &usage, &verdict, &err), STORAGE_NO_DRIVER);
    assert_false(storage_warns(&verdict));
}

static void test_outside(void **state) {
    (void)state;
    const char *const below[] = {"out",       "out/deep", "whx",   "whx/t", "ro/t",    "ro",
                                 "wh/../out", "wh/./x",   "wh//x", "wh/x/", "wh/x/..", ""};
    for (size_t i = 0; i < ARRAY_LEN(below); i++) {
        expect_nothing_done(at(below[i]), STORAGE_OUTSIDE_ROOTS);
    }
    const char *const others[] = {"file:/", "file:/etc", "file:/tmp", "file:", "file://wh/x", "file:///", "file:/../etc"};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        expect_nothing_done(str_from(others[i]), STORAGE_OUTSIDE_ROOTS);
        assert_true(storage_warns(&verdict));
    }
    Str nul = ARENA_CONCAT(arena, at("wh/a"), STR("\0b"));
    expect_nothing_done(nul, STORAGE_OUTSIDE_ROOTS);
}

static void test_root_itself(void **state) {
    (void)state;
    expect_verdict(do_delete(at("wh")), STORAGE_IS_ROOT);
    expect_verdict(do_rmdir(at("wh"), 1), STORAGE_IS_ROOT);
    expect_verdict(do_rename(at("wh"), at("wh/x")), STORAGE_IS_ROOT);
    make_dir("wh/t");
    expect_verdict(do_rename(at("wh/t"), at("wh")), STORAGE_IS_ROOT);
    assert_true(storage_warns(&verdict));
}

/* A root within a root, reached by a link with another name: the outer one must not take it along. */
static void test_nested_roots_and_protected(void **state) {
    (void)state;
    make_dir("wh/big");
    make_dir("wh/big/inner");
    make_dir("wh/server");
    make_dir("wh/server/pg");
    make_link("wh/big/inner", "alias");
    Str w[2] = {at("wh"), at("alias")}, p = str_from(path_of("wh/server/pg"));
    RootsOptions options = {.writable = {w, 2}, .protected_paths = {&p, 1}};
    Roots *usual = roots;
    check_ok(roots_open(&options, &roots, &err));
    expect_verdict(do_delete(at("wh/big")), STORAGE_IS_ROOT);
    expect_verdict(do_delete(at("wh/big/inner")), STORAGE_IS_ROOT);
    expect_verdict(do_rename(at("wh/big"), at("wh/b")), STORAGE_IS_ROOT);
    expect_verdict(do_mkdir(at("alias/t")), STORAGE_OK);
    assert_true(is_there("wh/big/inner/t"));
    expect_verdict(do_delete(at("wh/big/inner/t")), STORAGE_OK);
    expect_verdict(do_delete(at("wh/server")), STORAGE_PROTECTED);
    expect_verdict(do_delete(at("wh/server/pg")), STORAGE_PROTECTED);
    expect_verdict(do_delete(at("wh/server/pg/base")), STORAGE_PROTECTED);
    expect_verdict(do_mkdir(at("wh/server/pg/t")), STORAGE_PROTECTED);
    expect_verdict(do_rename(at("wh/server"), at("wh/b")), STORAGE_PROTECTED);
    expect_verdict(do_rename(at("wh/big2"), at("wh/server/pg/b")), STORAGE_PROTECTED);
    expect_verdict(do_mkdir(at("wh/server/pgx")), STORAGE_OK);
    roots_close(roots);
    roots = usual;
}

static void test_links_on_every_level(void **state) {
    (void)state;
    expect_verdict(do_mkdir(at("wh/a/b/c/d")), STORAGE_OK);
    const char *const levels[] = {"wh/a", "wh/a/b", "wh/a/b/c", "wh/a/b/c/d"};
    const char *const targets[] = {"out", "out/deep", "wh/a.away"};
    for (size_t t = 0; t < ARRAY_LEN(targets); t++) {
        for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
            char away[64];
            snprintf(away, sizeof away, "%s.away", levels[i]);
            must(rename(path_of("%s", levels[i]), path_of("%s", away)));
            make_link(path_of("%s", targets[t]), levels[i]);
            expect_nothing_done(at("wh/a/b/c/d"), STORAGE_SYMLINK);
            if (i < 3) {
                expect_nothing_done(at("wh/a/b/c/d/deep"), STORAGE_SYMLINK);
            }
            must(unlink(path_of("%s", levels[i])));
            must(rename(path_of("%s", away), path_of("%s", levels[i])));
        }
    }
    make_link("nowhere", "wh/dangling");
    expect_nothing_done(at("wh/dangling"), STORAGE_SYMLINK);
    expect_nothing_done(at("wh/dangling/x"), STORAGE_SYMLINK);
    assert_true(is_there("wh/dangling"));
    make_link("loop", "wh/loop");
    expect_nothing_done(at("wh/loop/x"), STORAGE_SYMLINK);
}

static void test_links_inside_a_deleted_tree(void **state) {
    (void)state;
    expect_verdict(do_mkdir(at("wh/t/sub")), STORAGE_OK);
    make_link(path_of("out"), "wh/t/abs");
    make_link("../../out", "wh/t/rel");
    make_link("../../../out/treasure", "wh/t/sub/file");
    make_link("/", "wh/t/sub/top");
    make_link("..", "wh/t/sub/up");
    must(link(path_of("out/treasure"), path_of("wh/t/hard")));
    must(mkfifo(path_of("wh/t/fifo"), 0600));
    fingerprint(fence); /* the hard link does not change anything that is printed, but be exact */
    expect_verdict(do_delete(at("wh/t")), STORAGE_OK);
    assert_false(is_there("wh/t"));
    assert_true(is_there("out/treasure"));
}

static void test_names(void **state) {
    (void)state;
    const char *const names[] = {"wh/a b", "wh/p=10%3A00", "wh/%2e%2e", "wh/\xC3\xBC\xE2\x82\xAC\xF0\x9F\x90\x9D",
                                 "wh/a+b", "wh/..x",       "wh/...",    "wh/-rf",
                                 "wh/*",   "wh/$(x)",      "wh/a\\b",   "wh/'\"",
                                 "wh/_x",  "wh/.x",        "wh/a?b#c",  "wh/~",
                                 "wh/a:b"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        expect_verdict(do_mkdir(at(names[i])), STORAGE_OK);
        assert_int_equal(verdict.made, 1);
        assert_true(is_there(names[i]));
    }
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        Str new_name = ARENA_CONCAT(arena, at(names[i]), STR(".new"));
        expect_verdict(do_rename(at(names[i]), new_name), STORAGE_OK);
        expect_verdict(do_delete(new_name), STORAGE_OK);
    }
    char name[300] = "wh/";
    memset(name + 3, 'n', 255);
    expect_verdict(do_mkdir(at(name)), STORAGE_OK);
    memset(name + 3, 'n', 256);
    expect_error(do_mkdir(at(name)), ERR_STORAGE, "255 bytes");
    char deep[300] = "wh/x/y/";
    memset(deep + 7, 'n', 256);
    expect_error(do_mkdir(at(deep)), ERR_STORAGE, "255 bytes");
    assert_false(is_there("wh/x"));
}

static void test_files_in_the_way(void **state) {
    (void)state;
    make_file("wh/f", "data");
    expect_error(do_mkdir(at("wh/f")), ERR_STORAGE, "Not a directory");
    expect_error(do_mkdir(at("wh/f/x")), ERR_STORAGE, "Not a directory");
    expect_verdict(do_delete(at("wh/f")), STORAGE_NOT_DIRECTORY);
    expect_verdict(do_delete(at("wh/f/x")), STORAGE_NOT_DIRECTORY);
    expect_verdict(do_rmdir(at("wh/f"), 1), STORAGE_NOT_DIRECTORY);
    expect_verdict(do_rename(at("wh/f"), at("wh/g")), STORAGE_NOT_DIRECTORY);
    assert_true(is_there("wh/f"));
}

static void test_rename_never_replaces(void **state) {
    (void)state;
    expect_verdict(do_mkdir(at("wh/a")), STORAGE_OK);
    expect_verdict(do_mkdir(at("wh/empty")), STORAGE_OK);
    make_file("wh/file", "x");
    make_link("nowhere", "wh/link");
    const char *const targets[] = {"wh/empty", "wh/file"};
    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        expect_error(do_rename(at("wh/a"), at(targets[i])), ERR_ALREADY_EXISTS, "something is there already");
    }
    expect_error(do_rename(at("wh/a"), at("wh/link")), ERR_ALREADY_EXISTS, "something is there already");
    expect_error(do_rename(at("wh/a"), at("wh/a")), ERR_STORAGE, "contains the other");
    expect_error(do_rename(at("wh/a"), at("wh/a/b")), ERR_STORAGE, "contains the other");
    expect_verdict(do_rename(at("wh/missing"), at("wh/new/b")), STORAGE_ABSENT);
    assert_false(is_there("wh/new"));
    expect_error(do_rename(at("wh/a"), at("wh/file/b")), ERR_STORAGE, "Not a directory");
    assert_true(is_there("wh/a"));
}

static void test_rename_across_devices(void **state) {
    (void)state;
    char other[] = "/dev/shm/propolis-storage-XXXXXX";
    struct stat here, there;
    if (!mkdtemp(other)) {
        skip();
    }
    must(stat(box, &here));
    must(stat(other, &there));
    Str w[2] = {at("wh"), arena_printf(arena, "file:%s", other)};
    RootsOptions options = {.writable = {w, 2}};
    Roots *usual = roots;
    check_ok(roots_open(&options, &roots, &err));
    expect_verdict(do_mkdir(at("wh/t")), STORAGE_OK);
    make_file("wh/t/f", "data");
    Str target = arena_printf(arena, "file:%s/x/y/t", other);
    if (here.st_dev != there.st_dev) {
        expect_error(do_rename(at("wh/t"), target), ERR_STORAGE, "one file system");
        assert_true(is_there("wh/t/f"));
    }
    roots_close(roots);
    roots = usual;
    assert_int_equal(rmdir(other), 0); /* the parents made for it are gone again */
}

/* 10,000 directories in one another: far beyond what a path or a stack can hold. */
static void make_deep(const char *below, int depth) {
    CLEANUP(cleanup_close) int fd = open(path_of("%s", below), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < depth; i++) {
        must(mkdirat(fd, "dir", 0755));
        int next = openat(fd, "dir", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        must(next);
        close(fd);
        fd = next;
    }
    int file = openat(fd, "f", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    must(file);
    must((int)write(file, "12", 2));
    close(file);
}

static void test_deep_tree(void **state) {
    (void)state;
    make_dir("wh/deep");
    make_deep("wh/deep", 10000);
    make_deep("wh/deep/dir/dir", 0);
    StorageUsage usage;
    expect_verdict(roots_usage(roots, at("wh/deep"), FOREVER, &usage, &verdict, &err), STORAGE_OK);
    assert_int_equal(usage.files, 2);
    assert_int_equal(usage.bytes, 4);
    expect_verdict(do_delete(at("wh/deep")), STORAGE_OK);
    assert_false(is_there("wh/deep"));
}

static void test_wide_tree(void **state) {
    (void)state;
    make_dir("wh/wide");
    CLEANUP(cleanup_close) int dir = open(path_of("wh/wide"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < 20000; i++) {
        char name[32];
        snprintf(name, sizeof name, "n%05d", i);
        if (i % 4 == 0) {
            must(mkdirat(dir, name, 0755));
        } else {
            int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
            must(fd);
            close(fd);
        }
    }
    StorageUsage usage;
    expect_verdict(roots_usage(roots, at("wh/wide"), FOREVER, &usage, &verdict, &err), STORAGE_OK);
    assert_int_equal(usage.files, 15000);
    StorageList list;
    Str after = STR_NULL;
    int seen = 0;
    do {
        expect_verdict(roots_list(roots, at("wh/wide"), arena, after, 777, &list, &verdict, &err), STORAGE_OK);
        for (size_t i = 0; i < list.count; i++, seen++) {
            assert_true(str_eq(list.items[i].name, arena_printf(arena, "n%05d", seen)));
            assert_int_equal(list.items[i].kind, seen % 4 == 0 ? STORAGE_KIND_DIRECTORY : STORAGE_KIND_FILE);
        }
        after = list.items[list.count - 1].name;
    } while (list.more);
    assert_int_equal(seen, 20000);
    Deadline over = {1};
    expect_verdict(roots_usage(roots, at("wh/wide"), over, &usage, &verdict, &err), STORAGE_UNFINISHED);
    expect_verdict(roots_delete_tree(roots, at("wh/wide"), over, &verdict, &err), STORAGE_UNFINISHED);
    expect_verdict(do_delete(at("wh/wide")), STORAGE_OK);
    assert_false(is_there("wh/wide"));
}

static void test_list_edges(void **state) {
    (void)state;
    StorageList list;
    make_dir("wh/l");
    expect_verdict(roots_list(roots, at("wh/l"), arena, STR_NULL, 10, &list, &verdict, &err), STORAGE_OK);
    assert_int_equal(list.count, 0);
    make_file("wh/l/b", "");
    make_file("wh/l/a", "");
    make_file("wh/l/\xFF", "");
    make_link("x", "wh/l/c");
    expect_verdict(roots_list(roots, at("wh/l"), arena, STR(""), 3, &list, &verdict, &err), STORAGE_OK);
    assert_int_equal(list.count, 3);
    assert_true(list.more);
    assert_int_equal(list.items[2].kind, STORAGE_KIND_LINK);
    expect_verdict(roots_list(roots, at("wh/l"), arena, STR("c"), 1, &list, &verdict, &err), STORAGE_OK);
    assert_int_equal(list.count, 1);
    assert_false(list.more);
    assert_true(str_eq(list.items[0].name, STR("\xFF")));
    expect_verdict(roots_list(roots, at("wh/none"), arena, STR_NULL, 1, &list, &verdict, &err), STORAGE_ABSENT);
    expect_verdict(roots_list(roots, at("out"), arena, STR_NULL, 1, &list, &verdict, &err), STORAGE_OUTSIDE_ROOTS);
}

/* Runs FN in a child process that may change its rights or its mounts; exit status 0 = fine, 77 = not possible here. */
static void in_child(void (*fn)(void)) {
    fflush(NULL);
    pid_t pid = fork();
    must(pid);
    if (pid == 0) {
        fn();
        _exit(0);
    }
    int status;
    waitpid(pid, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        skip();
    }
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

#define CHILD_CHECK(holds) \
    do { \
        if (!(holds)) { \
            fprintf(stderr, "%s:%d: not so: %s (%s)\n", __FILE__, __LINE__, #holds, err.message); \
            _exit(1); \
        } \
    } while (0)

static void as_nobody(void) {
    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) {
        _exit(77);
    }
    CHILD_CHECK(!do_mkdir(at("wh/closed/x")) && strstr(err.message, "Permission denied; give the server's user"));
    CHILD_CHECK(!do_delete(at("wh/closed")) && err.code == ERR_STORAGE && strstr(err.message, "wh/closed/sub/f"));
    CHILD_CHECK(!do_rename(at("wh/closed"), at("wh/moved")) && strstr(err.message, "Permission denied"));
    CHILD_CHECK(!do_mkdir(at("wh/dark/x")) && strstr(err.message, "Permission denied"));
    StorageUsage usage;
    CHILD_CHECK(!roots_usage(roots, at("wh/dark"), FOREVER, &usage, &verdict, &err) && err.code == ERR_STORAGE);
    /* An unreadable but empty directory in a tree of ours goes away with it. */
    CHILD_CHECK(do_mkdir(at("wh/open/t/shut")) && chmod(path_of("wh/open/t/shut"), 0) == 0);
    CHILD_CHECK(do_delete(at("wh/open/t")) && storage_done(&verdict));
}

static void test_permission_denied(void **state) {
    (void)state;
    make_dir("wh/closed");
    make_dir("wh/closed/sub");
    make_file("wh/closed/sub/f", "x");
    make_dir("wh/dark");
    make_dir("wh/open");
    must(chmod(path_of("wh/open"), 0777));
    must(chmod(path_of("wh/closed/sub"), 0555));
    must(chmod(path_of("wh/closed"), 0555));
    must(chmod(path_of("wh/dark"), 0));
    must(chmod(path_of("wh"), 0555));
    must(chmod(box, 0755));
    in_child(as_nobody);
    assert_true(is_there("wh/closed/sub/f"));
    must(chmod(path_of("wh/dark"), 0755));
    must(chmod(path_of("wh/closed"), 0755));
    must(chmod(path_of("wh/closed/sub"), 0755));
    must(chmod(path_of("wh"), 0755));
}

static void with_mounts(void) {
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount(path_of("out"), path_of("wh/t/bind"), NULL, MS_BIND, NULL) != 0 ||
        mount("none", path_of("wh/tmpfs"), "tmpfs", 0, NULL) != 0) {
        _exit(77);
    }
    StorageUsage usage;
    /* A bind mount of a directory on the same device, in the middle of the tree. */
    CHILD_CHECK(!do_delete(at("wh/t")) && strstr(err.message, "mount point") && strstr(err.message, "wh/t/bind"));
    CHILD_CHECK(is_there("wh/t/bind/treasure") && is_there("out/deep/er/treasure"));
    CHILD_CHECK(roots_usage(roots, at("wh/t"), FOREVER, &usage, &verdict, &err) && usage.files <= 1);
    CHILD_CHECK(do_delete(at("wh/t/bind")) && verdict.reason == STORAGE_MOUNT_POINT);
    CHILD_CHECK(!do_rename(at("wh/t/bind"), at("wh/moved")) && err.code == ERR_STORAGE);
    CHILD_CHECK(do_delete(at("wh/tmpfs")) && verdict.reason == STORAGE_MOUNT_POINT);
    CHILD_CHECK(do_mkdir(at("wh/tmpfs/a/b")) && verdict.made == 2); /* working below one is fine */
    CHILD_CHECK(!do_rename(at("wh/tmpfs/a"), at("wh/new/a")) && strstr(err.message, "one file system"));
    CHILD_CHECK(!is_there("wh/new") && is_there("wh/tmpfs/a/b"));
    CHILD_CHECK(do_delete(at("wh/tmpfs/a")) && storage_done(&verdict));
    CHILD_CHECK(mount("none", path_of("wh/tmpfs"), NULL, MS_REMOUNT | MS_RDONLY, NULL) == 0);
    CHILD_CHECK(!do_mkdir(at("wh/tmpfs/a")) && strstr(err.message, "mounted read-only"));
    CHILD_CHECK(mount("none", path_of("wh/full"), "tmpfs", 0, "nr_inodes=3") == 0);
    CHILD_CHECK(!do_mkdir(at("wh/full/a/b/c/d")) && strstr(err.message, "free some space") && !is_there("wh/full/a"));
}

static void test_mounts_and_read_only(void **state) {
    (void)state;
    expect_verdict(do_mkdir(at("wh/t/bind")), STORAGE_OK);
    expect_verdict(do_mkdir(at("wh/tmpfs")), STORAGE_OK);
    expect_verdict(do_mkdir(at("wh/full")), STORAGE_OK);
    make_file("wh/t/f", "x");
    in_child(with_mounts);
}

/* An enemy swaps a directory of ours against a link to the treasure while we work. */
static atomic_bool stop_swapping;

static void *swap(void *arg) {
    const char *const *pair = arg;
    while (!atomic_load(&stop_swapping)) {
        if (renameat2(AT_FDCWD, pair[0], AT_FDCWD, pair[1], RENAME_EXCHANGE) != 0) {
            sched_yield();
        }
    }
    return NULL;
}

static void fight(const char *ours, const char *link, const char *work, unsigned rounds) {
    const char *pair[2] = {path_of("%s", ours), path_of("%s", link)};
    pthread_t thread;
    atomic_store(&stop_swapping, false);
    assert_int_equal(pthread_create(&thread, NULL, swap, pair), 0);
    StorageUsage usage;
    StorageInfo info;
    unsigned done = 0;
    for (unsigned i = 0; i < rounds; i++) {
        (void)!(do_mkdir(at(work)) && storage_done(&verdict) && ++done);
        (void)!do_mkdir(arena_concat(arena, 2, (Str[]){at(work), STR("/x/y/z")}));
        (void)!roots_usage(roots, at(work), FOREVER, &usage, &verdict, &err);
        assert_false(roots_stat(roots, arena_concat(arena, 2, (Str[]){at(work), STR("/treasure")}), &info, &verdict, &err) &&
                     storage_done(&verdict));
        (void)!do_rename(at(work), at("wh/aside"));
        (void)!do_delete(at("wh/aside"));
        (void)!do_delete(at(work));
    }
    atomic_store(&stop_swapping, true);
    pthread_join(thread, NULL);
    assert_true(done > 0);
}

static void test_swapped_during_operation(void **state) {
    (void)state;
    const struct {
        const char *ours, *target, *work;
    } cases[] = {{"wh/a", "out", "wh/a/deep"}, {"wh/a/b", "out/deep", "wh/a/b/er"}, {"wh/a/b", "out", "wh/a/b/deep/er"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        expect_verdict(do_mkdir(at("wh/a/b")), STORAGE_OK);
        make_link(path_of("%s", cases[i].target), "wh/link");
        fight(cases[i].ours, "wh/link", cases[i].work, 400);
        unlink(path_of("wh/link"));
        unlink(path_of("%s", cases[i].ours));
        (void)!do_delete(at("wh/link"));
        (void)!do_delete(at("wh/a"));
    }
}

/* Inside a tree that is being deleted a directory turns into a link and back. */
static void test_swapped_inside_deleted_tree(void **state) {
    (void)state;
    make_link(path_of("out"), "wh/link");
    for (int i = 0; i < 60; i++) {
        expect_verdict(do_mkdir(at("wh/t/s/a/b/c")), STORAGE_OK);
        make_file("wh/t/s/a/treasure", "ours");
        const char *pair[2] = {path_of("wh/t/s"), path_of("wh/link")};
        pthread_t thread;
        atomic_store(&stop_swapping, false);
        assert_int_equal(pthread_create(&thread, NULL, swap, pair), 0);
        bool ok = do_delete(at("wh/t"));
        atomic_store(&stop_swapping, true);
        pthread_join(thread, NULL);
        assert_true(ok || err.code == ERR_STORAGE);
        check_ok(do_delete(at("wh/t")));
        (void)!do_delete(at("wh/link"));
        unlink(path_of("wh/link"));
        make_link(path_of("out"), "wh/link");
    }
    assert_true(is_there("out/deep/er/treasure"));
}

/* Somebody keeps writing into what is being dropped. */
static void *fill(void *arg) {
    for (unsigned i = 0; !atomic_load(&stop_swapping); i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/f%u", (const char *)arg, i);
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        if (fd < 0) {
            break; /* the directory is gone: the deletion won */
        }
        close(fd);
    }
    return NULL;
}

static void test_delete_while_written(void **state) {
    (void)state;
    expect_verdict(do_mkdir(at("wh/t/p")), STORAGE_OK);
    char *path = strdup(path_of("wh/t/p"));
    pthread_t thread;
    atomic_store(&stop_swapping, false);
    assert_int_equal(pthread_create(&thread, NULL, fill, path), 0);
    bool ok = do_delete(at("wh/t"));
    atomic_store(&stop_swapping, true);
    pthread_join(thread, NULL);
    free(path);
    assert_true(ok || strstr(err.message, "not empty"));
    expect_verdict(do_delete(at("wh/t")), ok ? STORAGE_ABSENT : STORAGE_OK);
}

static void test_roots_refused(void **state) {
    (void)state;
    const struct {
        Str writable;
        ErrCode code;
        const char *part;
    } cases[] = {
        {STR("file:/"), ERR_INVALID_CONFIG, "root of its file system"},
        {STR("s3://bucket"), ERR_INVALID_CONFIG, "root of its file system"},
        {STR("relative"), ERR_INVALID_CONFIG, "relative path"},
        {at("wh/../out"), ERR_INVALID_CONFIG, "'..'"},
        {at("missing"), ERR_STORAGE, "No such file"},
        {at("out/treasure"), ERR_STORAGE, "Not a directory"},
        {at("data"), ERR_INVALID_CONFIG, "which the server needs"},
        {at("data/pg"), ERR_STORAGE, "Not a directory"},
        {at("to_top"), ERR_INVALID_CONFIG, "root of its file system"},
    };
    make_link("/", "to_top");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        Str w = cases[i].writable, p = str_from(path_of("data"));
        RootsOptions options = {.writable = {&w, 1}, .protected_paths = {&p, 1}};
        Roots *got = NULL;
        expect_error(roots_open(&options, &got, &err), cases[i].code, cases[i].part);
        assert_null(got);
    }
}

/* A root is resolved at start; whoever turns it into a link later gains nothing. */
static void test_root_by_link_and_replaced(void **state) {
    (void)state;
    make_dir("real");
    make_link("real", "by_link");
    Roots *usual = roots;
    assert_true(open_roots("by_link", &roots));
    expect_verdict(do_mkdir(at("by_link/t")), STORAGE_OK);
    assert_true(is_there("real/t"));
    expect_verdict(do_mkdir(at("real/t2")), STORAGE_OUTSIDE_ROOTS);
    must(unlink(path_of("by_link")));
    make_link("out", "by_link");
    expect_verdict(do_mkdir(at("by_link/deep2")), STORAGE_OK);
    assert_true(is_there("real/deep2"));
    must(rename(path_of("real"), path_of("real2")));
    make_link("out", "real");
    expect_error(do_mkdir(at("by_link/deep3")), ERR_STORAGE, "storage root");
    expect_error(do_delete(at("by_link/deep")), ERR_STORAGE, "storage root");
    roots_close(roots);
    roots = usual;
}

static void test_root_made_at_start(void **state) {
    (void)state;
    Str w = at("new/warehouse");
    RootsOptions options = {.writable = {&w, 1}, .create = true};
    Roots *made;
    check_ok(roots_open(&options, &made, &err));
    assert_true(is_there("new/warehouse"));
    roots_close(made);
    w = at("out/treasure/x");
    expect_error(roots_open(&options, &made, &err), ERR_STORAGE, "create the storage root");
}

static void test_no_descriptor_is_left_open(void **state) {
    (void)state;
    int before = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(before);
    for (int i = 0; i < 3; i++) {
        StorageUsage usage;
        StorageList list;
        check_ok(do_mkdir(at("wh/a/b/c")) && do_rename(at("wh/a/b"), at("wh/x/y")) && do_delete(at("wh/a")) &&
                 do_rmdir(at("wh/x/y/c"), 9));
        check_ok(roots_usage(roots, at("ro"), FOREVER, &usage, &verdict, &err));
        check_ok(roots_list(roots, at("ro"), arena, STR_NULL, 5, &list, &verdict, &err));
        make_link(path_of("out"), "wh/l");
        make_file("wh/f", "");
        expect_nothing_done(at("wh/l/t"), STORAGE_SYMLINK);
        (void)!do_mkdir(at("wh/f/x"));
        (void)!do_rename(at("wh/l"), at("wh/f/y"));
        must(unlink(path_of("wh/l")));
    }
    int after = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(after);
    assert_int_equal(before, after);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(life_of_a_directory),
        TEST(reading),
        TEST(no_driver),
        TEST(outside),
        TEST(root_itself),
        TEST(nested_roots_and_protected),
        TEST(links_on_every_level),
        TEST(links_inside_a_deleted_tree),
        TEST(names),
        TEST(files_in_the_way),
        TEST(rename_never_replaces),
        TEST(rename_across_devices),
        TEST(deep_tree),
        TEST(wide_tree),
        TEST(list_edges),
        TEST(permission_denied),
        TEST(mounts_and_read_only),
        TEST(swapped_during_operation),
        TEST(swapped_inside_deleted_tree),
        TEST(delete_while_written),
        TEST(roots_refused),
        TEST(root_by_link_and_replaced),
        TEST(root_made_at_start),
        TEST(no_descriptor_is_left_open),
    };
    forget_openat2();
    return cmocka_run_group_tests_name("storage file driver", tests, NULL, NULL);
}
