#include "tests/unit/unit.h"

#include <unistd.h>

#include "config/config.h"
#include "config/option.h"
#include "config/value.h"

enum { MOST_ARGS = 40 };

/* ---- helpers ------------------------------------------------------------------------------------------------------- */

typedef struct Given {
    const char *text; /* of the file, NULL: none */
    char *argv[MOST_ARGS];
    char *environment[MOST_ARGS];
} Given;

static bool load(const Given *given, Config **ret, StrList *problems, Err *err) {
    ConfigSources sources = {.argv = given->argv, .environment = given->environment, .text = str_from(given->text)};
    while (given->argv[sources.argc]) {
        sources.argc++;
    }
    return config_load(&sources, unit_arena(), ret, problems, err);
}

static Config *load_ok(const Given *given) {
    Err err;
    Config *config = NULL;
    assert_ok(load(given, &config, NULL, &err));
    return config;
}

/* EXPECTED: every problem, one line each. */
static void assert_problems(const Given *given, const char *expected) {
    Err err;
    Config *config = NULL;
    StrList problems = {0};
    assert_err(load(given, &config, &problems, &err), ERR_INVALID_CONFIG);
    assert_null(config);
    Buf all CLEANUP(buf_free) = BUF_INIT(1 << 20);
    for (size_t i = 0; i < problems.count; i++) {
        buf_add(&all, problems.items[i]);
        buf_add_char(&all, '\n');
    }
    assert_str(buf_str(&all), expected);
}

#define FILE_PROBLEMS(text_, expected_) assert_problems(&(Given){.text = (text_)}, expected_)
#define FLAG_PROBLEMS(expected_, ...) assert_problems(&(Given){.argv = {__VA_ARGS__}}, expected_)
#define FLAGS(...) load_ok(&(Given){.argv = {__VA_ARGS__}})

typedef struct Wanted {
    const char *key;
    ConfigEntry entry;
    size_t count;
} Wanted;

static void pick(const ConfigEntry *entry, void *arg) {
    Wanted *wanted = arg;
    wanted->count++;
    if (strcmp(entry->key, wanted->key) == 0) {
        wanted->entry = *entry;
    }
}

static ConfigEntry entry_of(const Config *config, const char *key) {
    Wanted wanted = {.key = key};
    config_each(config, unit_arena(), pick, &wanted);
    assert_int_equal(wanted.count, CONFIG_OPTION_COUNT);
    assert_non_null(wanted.entry.key);
    return wanted.entry;
}

static Str here(const char *rest) {
    char *cwd CLEANUP(cleanup_free) = getcwd(NULL, 0);
    return arena_printf(unit_arena(), "%s%s", cwd, rest);
}

static const char *write_temp(const char *text) {
    char name[] = "/tmp/propolis-config-XXXXXX";
    int fd CLEANUP(cleanup_close) = mkstemp(name);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    return arena_cstr(unit_arena(), str_from(name));
}

static void rewrite(const char *path, const char *text) {
    FILE *file CLEANUP(cleanup_fclose) = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
}

/* ---- defaults and precedence --------------------------------------------------------------------------------------- */

static void test_defaults(void **state) {
    (void)state;
    Config *c = load_ok(&(Given){0});
    Err err;
    assert_str(c->listen, "127.0.0.1");
    assert_int_equal(c->http.port, 8181);
    assert_int_equal(c->thrift.port, 9083);
    assert_str_eq(c->data_dir, here("/propolis-data"));
    assert_str_eq(c->secret_key_file, here("/propolis-data/secret.key"));
    assert_str_eq(c->warehouse, ARENA_CONCAT(unit_arena(), STR("file:"), here("/propolis-data/warehouse")));
    assert_int_equal(c->storage.writable_roots.count, 1);
    assert_str_eq(c->storage.writable_roots.items[0], c->warehouse);
    assert_int_equal(c->storage.readable_roots.count, 0);
    assert_str(c->database.url, "");
    assert_str(c->database.embedded.bin_dir, "");
    assert_int_equal(c->auth.mode, CONFIG_AUTH_MODE_LOCAL);
    assert_int_equal(c->auth.token_cache, 2000);
    assert_int_equal(c->limits.request_body, 32 << 20);
    assert_int_equal(c->limits.columns, 5000);
    assert_int_equal(c->history.versions, CONFIG_FOREVER);
    assert_int_equal(c->history.dropped, 7 * 86400000LL);
    assert_true(c->iceberg.pointer_check);
    assert_str(c->partitions.default_name, "__HIVE_DEFAULT_PARTITION__");
    assert_int_equal(c->log.level, (int)LOG_INFO);
    assert_true(str_is_null(config_file(c)));
    assert_int_equal(config_notes(c).count, 0);
    assert_ok(config_check(c, &err));
}

static void test_default_follows_data_dir(void **state) {
    (void)state;
    Config *c = FLAGS("--data-dir", "/d/");
    assert_str(c->data_dir, "/d");
    assert_str(c->warehouse, "file:/d/warehouse");
    assert_str(c->secret_key_file, "/d/secret.key");
    c = FLAGS("--data-dir=/d", "--warehouse=s3://bucket/w");
    assert_str(c->storage.writable_roots.items[0], "s3://bucket/w");
    c = load_ok(&(Given){.text = "secret_key_file: <data_dir>/k\nstorage:\n  readable_roots: ['<warehouse>/x', <nothing>]\n",
                         .argv = {"--data-dir=/e"}});
    assert_str(c->secret_key_file, "/e/k");
    assert_str(c->storage.readable_roots.items[0], "file:/e/warehouse/x");
    assert_str_contains(c->storage.readable_roots.items[1], "/<nothing>");
}

static void test_precedence_and_sources(void **state) {
    (void)state;
    Given given = {
        .text = "http:\n  port: 1001\n  threads: 3\n  workers: 4\nlog.level: debug\n",
        .environment = {"HOME=/x", "PROPOLIS_HTTP_PORT=1002", "PROPOLIS_HTTP_WORKERS=5", "PROPOLIS_HTTP_IDLE_TIMEOUT="},
        .argv = {"--http-port", "1003", "--config=my.yaml", "--set", "http.bulk_workers=6"},
    };
    Config *c = load_ok(&given);
    assert_int_equal(c->http.port, 1003);
    assert_int_equal(c->http.workers, 5);
    assert_int_equal(c->http.threads, 3);
    assert_int_equal(c->http.bulk_workers, 6);
    assert_int_equal(c->http.idle_timeout, 60000);
    assert_int_equal(c->log.level, CONFIG_LOG_LEVEL_DEBUG);
    assert_str(entry_of(c, "http.port").source, "flag --http-port");
    assert_str(entry_of(c, "http.bulk_workers").source, "flag --set");
    assert_str(entry_of(c, "http.workers").source, "environment PROPOLIS_HTTP_WORKERS");
    assert_str(entry_of(c, "http.threads").source, "my.yaml:3");
    assert_str(entry_of(c, "log.level").source, "my.yaml:5");
    assert_str(entry_of(c, "http.idle_timeout").source, "default");
    assert_true(entry_of(c, "http.idle_timeout").is_default);
    assert_false(entry_of(c, "http.threads").is_default);
    assert_true(entry_of(c, "log.level").reloadable);
    assert_false(entry_of(c, "http.port").reloadable);
    assert_str(entry_of(c, "http.idle_timeout").value, "1m");
}

static void test_last_flag_wins(void **state) {
    (void)state;
    Config *c = FLAGS("--http-port=1", "--set=http.port=2", "--http-port", "3", "--listen", "::1", "--thrift-port", "0");
    assert_int_equal(c->http.port, 3);
    assert_int_equal(c->thrift.port, 0);
    assert_str(c->listen, "::1");
}

static void test_file_by_name(void **state) {
    (void)state;
    const char *path = write_temp("http.port: 4321\n");
    char *named = (char *)(uintptr_t)arena_printf(unit_arena(), "PROPOLIS_CONFIG=%s", path).ptr;
    Config *c = load_ok(&(Given){.environment = {named}});
    assert_int_equal(c->http.port, 4321);
    assert_str(config_file(c), path);
    unlink(path);
    char *flag = (char *)(uintptr_t)arena_printf(unit_arena(), "--config=%s", path).ptr;
    FLAG_PROBLEMS(arena_printf(unit_arena(), "%s: the file cannot be read: No such file or directory\n", path).ptr, flag);
    FLAG_PROBLEMS("/tmp: is a directory; --config takes a file\n", "--config", "/tmp");
}

/* ---- the file's mistakes, each with its place ---------------------------------------------------------------------- */

static void test_file_accepts(void **state) {
    (void)state;
    assert_int_equal(load_ok(&(Given){.text = ""})->http.port, 8181);
    assert_int_equal(load_ok(&(Given){.text = "# nothing\n---\n...\n"})->http.port, 8181);
    assert_int_equal(load_ok(&(Given){.text = "http:\nlog: ~\n"})->http.port, 8181);
    assert_int_equal(load_ok(&(Given){.text = "database: {embedded.start_timeout: 7s}\n"})->database.embedded.start_timeout, 7000);
    assert_int_equal(
        load_ok(&(Given){.text = "database:\n  embedded:\n    start_timeout: \"8s\"\n"})->database.embedded.start_timeout, 8000);
    assert_false(load_ok(&(Given){.text = "iceberg: {pointer_check: No}\n"})->iceberg.pointer_check);
    assert_str(load_ok(&(Given){.text = "partitions: {default_name: 123}\n"})->partitions.default_name, "123");
    assert_int_equal(load_ok(&(Given){.text = "storage:\n  writable_roots: []\n"})->storage.writable_roots.count, 0);
    assert_int_equal(
        load_ok(&(Given){.text = "storage.writable_roots:\n- /a\n- file:/b\n- s3://c/d\n"})->storage.writable_roots.count, 3);
}

static void test_unknown_keys(void **state) {
    (void)state;
    FILE_PROBLEMS("http:\n  prot: 1\n", "propolis.yaml:2:3: http.prot: there is no such option (did you mean http.port?)\n");
    FILE_PROBLEMS("htp:\n  port: 1\nlisten: x y\nauth: {}\n",
                  "propolis.yaml:1:1: htp: there is no such option (did you mean http?)\n");
    FILE_PROBLEMS("token_cache: 1s\n",
                  "propolis.yaml:1:1: token_cache: there is no such option (did you mean auth.token_cache?)\n");
    FILE_PROBLEMS("zzzzzzzzz: [1, {a: b}]\n", "propolis.yaml:1:1: zzzzzzzzz: there is no such option\n");
    FILE_PROBLEMS("http:\n  port:\n    x: 1\n", "propolis.yaml:3:5: http.port: takes a port number, not a group of keys\n");
    FILE_PROBLEMS("\"a\\nb\\0\": 1\n", "propolis.yaml:1:1: a?b?: there is no such option\n");
}

static void test_wrong_types(void **state) {
    (void)state;
    FILE_PROBLEMS("http: 5\n", "propolis.yaml:1:7: http: is a group of options; write them as keys below it, indented\n");
    FILE_PROBLEMS("http:\n  port: [1]\n", "propolis.yaml:2:9: http.port: takes a port number, not a list\n");
    FILE_PROBLEMS("http:\n  port: yes\n",
                  "propolis.yaml:2:9: http.port: \"yes\" is not a whole number; give one in plain digits\n");
    FILE_PROBLEMS("http:\n  port:\n", "propolis.yaml:2:8: http.port: has no value; give a port number or remove the line\n");
    FILE_PROBLEMS("listen: null\n",
                  "propolis.yaml:1:9: listen: has no value; give a text or remove the line (\"\" is the empty text)\n");
    FILE_PROBLEMS("listen: ''\n", "propolis.yaml:1:9: listen: may not be empty\n");
    FILE_PROBLEMS("storage:\n  writable_roots: /a\n",
                  "propolis.yaml:2:19: storage.writable_roots: takes a list such as [a, b], not a single value\n");
    FILE_PROBLEMS("storage:\n  writable_roots: [/a, [/b], {c: d}, ~]\n",
                  "propolis.yaml:2:24: storage.writable_roots: an item of this list must be a single value\n"
                  "propolis.yaml:2:30: storage.writable_roots: an item of this list must be a single value\n"
                  "propolis.yaml:2:38: storage.writable_roots: an item of this list must be a single value\n");
    FILE_PROBLEMS("storage:\n  writable_roots: [/a, 'file:b']\n",
                  "propolis.yaml:2:19: storage.writable_roots: item 2: \"file:b\" is no location; write file:/absolute/path, "
                  "s3://bucket/path or a plain path\n");
    FILE_PROBLEMS("auth:\n  mode: lokal\n",
                  "propolis.yaml:2:9: auth.mode: \"lokal\" is none of local, open, required (did you mean local?)\n");
    FILE_PROBLEMS("iceberg.pointer_check: maybe\n",
                  "propolis.yaml:1:24: iceberg.pointer_check: \"maybe\" is neither true nor false\n");
    FILE_PROBLEMS("listen: \"a\\tb\"\n",
                  "propolis.yaml:1:9: listen: has a control character (code 9) as character 2; leave it out\n");
    FILE_PROBLEMS("- a\n", "propolis.yaml:1:1: the file must consist of keys and values, such as \"listen: 127.0.0.1\"\n");
    FILE_PROBLEMS("hello\n", "propolis.yaml:1:1: the file must consist of keys and values, such as \"listen: 127.0.0.1\"\n");
    FILE_PROBLEMS("? [a]\n: 1\nhttp.port: 99999\n", "propolis.yaml:1:3: a key must be the plain name of an option\n"
                                                    "propolis.yaml:3:12: http.port: 99999 is out of range; give 0 to 65535\n");
}

static void test_out_of_range(void **state) {
    (void)state;
    FILE_PROBLEMS("http.port: 65536\n", "propolis.yaml:1:12: http.port: 65536 is out of range; give 0 to 65535\n");
    FILE_PROBLEMS("http.port: -1\n", "propolis.yaml:1:12: http.port: -1 is negative; give one in plain digits\n");
    FILE_PROBLEMS("http.threads: 65\n", "propolis.yaml:1:15: http.threads: 65 is out of range; give 1 to 64 threads\n");
    FILE_PROBLEMS("http.threads: 99999999999999999999\n",
                  "propolis.yaml:1:15: http.threads: 99999999999999999999 is larger than any number this server counts with\n");
    FILE_PROBLEMS("limits.request_body: 2GiB\n",
                  "propolis.yaml:1:22: limits.request_body: 2GiB is out of range; give 1KiB to 1GiB\n");
    FILE_PROBLEMS("http.idle_timeout: 999ms\n", "propolis.yaml:1:20: http.idle_timeout: 999ms is out of range; give 1s to 1d\n");
    FILE_PROBLEMS("http.idle_timeout: forever\n",
                  "propolis.yaml:1:20: http.idle_timeout: \"forever\" is not a duration; write a number and a "
                  "unit, such as 250ms, 30s, 5m, 12h or 7d\n");
    FILE_PROBLEMS("history.versions: never\n",
                  "propolis.yaml:1:19: history.versions: \"never\" is not a duration; write a number and a "
                  "unit, such as 250ms, 30s, 5m, 12h or 7d, or forever\n");
}

static void test_duplicates(void **state) {
    (void)state;
    FILE_PROBLEMS("listen: ::1\n\nlisten: ::1\n",
                  "propolis.yaml:3:1: listen: is given a second time; the first is in line 1. Keep one of them\n");
    FILE_PROBLEMS("http:\n  port: 1\nhttp.port: 1\n",
                  "propolis.yaml:3:1: http.port: is given a second time; the first is in line 2. Keep one of them\n");
    FILE_PROBLEMS("http:\n  port: 1\nhttp:\n  threads: 900\n",
                  "propolis.yaml:3:1: http: is given a second time; the first is in line 1. Keep one of them\n");
}

static void test_yaml_features_refused(void **state) {
    (void)state;
    FILE_PROBLEMS("listen: &a ::1\nwarehouse: *a\n",
                  "propolis.yaml:1:9: listen: anchors (&name) are not used here; write the value without one\n"
                  "propolis.yaml:2:12: warehouse: aliases (*name) are not used here; write the value itself\n");
    FILE_PROBLEMS("http: &h\n  port: 1\nlog: *h\n",
                  "propolis.yaml:1:7: http: anchors (&name) are not used here; write the value without one\n"
                  "propolis.yaml:3:6: log: aliases (*name) are not used here; write the value itself\n");
    FILE_PROBLEMS("http:\n  port: !!int 1\n",
                  "propolis.yaml:2:9: http.port: tags (!name) are not used here; write the value without one\n");
    FILE_PROBLEMS("&k listen: ::1\n", "propolis.yaml:1:1: anchors (&name) are not used here; write the value without one\n");
    FILE_PROBLEMS("storage.readable_roots: [&x /a, *x]\n",
                  "propolis.yaml:1:26: storage.readable_roots: anchors (&name) are not used here; write the value without one\n"
                  "propolis.yaml:1:33: storage.readable_roots: aliases (*name) are not used here; write the value itself\n");
    FILE_PROBLEMS("listen: ::1\n---\nlisten: ::1\n",
                  "propolis.yaml:2:1: a second document begins here; a configuration is a single one\n");
    FILE_PROBLEMS("http:\n  <<: {port: 1}\n", "propolis.yaml:2:3: http.<<: there is no such option\n");
}

static void test_no_yaml(void **state) {
    (void)state;
    FILE_PROBLEMS("listen: ::1\nhttp: {port: 1\n",
                  "propolis.yaml:3:1: this is not YAML: did not find expected ',' or '}', while parsing a flow mapping\n");
    FILE_PROBLEMS("listen: \"abc\n",
                  "propolis.yaml:2:1: this is not YAML: found unexpected end of stream, while scanning a quoted scalar\n");
    FILE_PROBLEMS(
        "http:\n\tport: 1\n",
        "propolis.yaml:2:1: this is not YAML: found character that cannot start any token, while scanning for the next token\n");
    FILE_PROBLEMS("listen: a\nhttp:\n  x\xff: 1\n", "propolis.yaml:3:4: this is not YAML: invalid leading UTF-8 octet\n");
    /* What was said before stays said, and flags are looked at all the same. */
    assert_problems(&(Given){.text = "prot: 1\nhttp: [\n", .argv = {"--http-port=x"}},
                    "propolis.yaml:1:1: prot: there is no such option\n"
                    "propolis.yaml:2:7: http: is a group of options; write them as keys below it, indented\n"
                    "propolis.yaml:3:1: this is not YAML: did not find expected node content, while parsing a flow node\n"
                    "flag --http-port: http.port: \"x\" is not a whole number; give one in plain digits\n");
}

static void test_nesting(void **state) {
    (void)state;
    Buf deep CLEANUP(buf_free) = BUF_INIT(1 << 20);
    buf_add_cstr(&deep, "x: ");
    for (int i = 0; i < 100000; i++) {
        buf_add_char(&deep, '[');
    }
    buf_add_char(&deep, 0);
    Err err;
    Config *config;
    StrList problems;
    Given given = {.text = deep.ptr};
    assert_err(load(&given, &config, &problems, &err), ERR_INVALID_CONFIG);
    assert_int_equal(problems.count, 2);
    assert_str(problems.items[1], "propolis.yaml:1:104: this is nested more than 100 levels deep; the rest is not read");
}

static void test_many_problems(void **state) {
    (void)state;
    Buf text CLEANUP(buf_free) = BUF_INIT(1 << 16);
    for (int i = 0; i < 30; i++) {
        buf_printf(&text, "nonsense%d: 1\n", i);
    }
    buf_add_char(&text, 0);
    Err err;
    Config *config;
    StrList problems;
    Given given = {.text = text.ptr};
    assert_err_says(load(&given, &config, &problems, &err), ERR_INVALID_CONFIG,
                    "propolis.yaml:1:1: nonsense0: there is no such option (and 29 more)");
    assert_int_equal(problems.count, 20);
    assert_str(problems.items[19], "propolis.yaml:20:1: nonsense19: there is no such option");
}

/* ---- flags and environment ----------------------------------------------------------------------------------------- */

static void test_flag_mistakes(void **state) {
    (void)state;
    FLAG_PROBLEMS("flag --htp-port: there is no such flag (did you mean --http-port?)\n", "--htp-port", "80", "--listen=::1");
    FLAG_PROBLEMS("flag --http-workers: there is no such flag; write --set http.workers=VALUE\n", "--http-workers=3");
    FLAG_PROBLEMS("flag --zzzzzzzz: there is no such flag; see --help\n", "--zzzzzzzz");
    FLAG_PROBLEMS("flag --http-port: needs a value\n", "--http-port");
    FLAG_PROBLEMS("flag --http-port: needs a value\n", "--http-port", "--listen", "::1");
    FLAG_PROBLEMS("command line: \"serve\" is not a flag; flags begin with --\n", "serve");
    FLAG_PROBLEMS("command line: \"-p\" is not a flag; flags begin with --\n", "-p");
    FLAG_PROBLEMS("flag --http-port: http.port: 70000 is out of range; give 0 to 65535\n", "--http-port", "70000");
    FLAG_PROBLEMS("flag --http-port: http.port: -1 is negative; give one in plain digits\n", "--http-port", "-1");
    FLAG_PROBLEMS("flag --set: takes KEY=VALUE, such as --set log.level=debug\n", "--set", "log.level");
    FLAG_PROBLEMS("flag --set: log.levl: there is no such option (did you mean log.level?)\n", "--set", "log.levl=debug");
    FLAG_PROBLEMS("flag --set: http.workers: \"\" is not a whole number; give one in plain digits\n", "--set", "http.workers=");
    FLAG_PROBLEMS("flag --data-dir: data_dir: may not be empty\n", "--data-dir=");
    FLAG_PROBLEMS("flag --warehouse: warehouse: is not valid UTF-8\n", "--warehouse=\xff");
    FLAG_PROBLEMS(
        "flag --set: database.password: is a secret, and the command line is visible to every user of this machine; give it in "
        "the file or as PROPOLIS_DATABASE_PASSWORD\n",
        "--set=database.password=hunter2");
}

static void test_environment_mistakes(void **state) {
    (void)state;
    assert_problems(
        &(Given){.environment = {"PROPOLIS_HTTP_PORT=tcp://10.0.0.1:80", "PROPOLIS_LOG_LEVEL=loud"}},
        "environment PROPOLIS_HTTP_PORT: http.port: \"tcp://10.0.0.1:80\" is not a whole number; give one in plain digits\n"
        "environment PROPOLIS_LOG_LEVEL: log.level: \"loud\" is none of debug, info, warn, error\n");
    Config *c = load_ok(&(Given){.environment = {"PROPOLIS_HTP_PORT=1", "PROPOLIS_TOKEN=x", "PROPOLIS_URL=http://x",
                                                 "PROPOLIS_PORT=tcp://1", "PROPOLIS_STORAGE_READABLE_ROOTS=/a, s3://b/c"}});
    assert_int_equal(config_notes(c).count, 1);
    assert_str_contains(config_notes(c).items[0],
                        "PROPOLIS_HTP_PORT is not an option and is not used; did you mean PROPOLIS_HTTP_PORT?");
    assert_int_equal(c->storage.readable_roots.count, 2);
    assert_str(c->storage.readable_roots.items[0], "file:/a");
    assert_str(c->storage.readable_roots.items[1], "s3://b/c");
    assert_problems(&(Given){.environment = {"PROPOLIS_STORAGE_READABLE_ROOTS=/a,,b"}},
                    "environment PROPOLIS_STORAGE_READABLE_ROOTS: storage.readable_roots: item 2 is empty; leave it out\n");
}

static void test_mistake_hidden_by_later_source(void **state) {
    (void)state;
    assert_problems(&(Given){.text = "http.port: x\n", .argv = {"--http-port=1"}},
                    "propolis.yaml:1:12: http.port: \"x\" is not a whole number; give one in plain digits\n");
}

static void test_flags_help(void **state) {
    (void)state;
    Buf out CLEANUP(buf_free) = BUF_INIT(1 << 16);
    config_flags_help(&out);
    static const char *const flags[] = {"--config FILE", "--data-dir D", "--database-url",  "--thrift-port N",
                                        "--http-port N", "--listen",     "--warehouse URI", "--set KEY=VALUE"};
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        assert_str_contains(buf_str(&out), flags[i]);
    }
}

/* ---- units --------------------------------------------------------------------------------------------------------- */

static void check_duration(const char *text, int64_t expected) {
    Err err;
    int64_t value = -7;
    bool ok = config_duration_parse(str_from(text), &value, &err);
    assert_int_equal(ok, expected >= 0);
    assert_int_equal(value, expected >= 0 ? expected : -7);
}

static void check_size(const char *text, int64_t expected) {
    Err err;
    int64_t value = -7;
    bool ok = config_size_parse(str_from(text), &value, &err);
    assert_int_equal(ok, expected >= 0);
    assert_int_equal(value, expected >= 0 ? expected : -7);
}

static void test_units(void **state) {
    (void)state;
    check_duration("250ms", 250);
    check_duration("30s", 30000);
    check_duration("30", 30000);
    check_duration("5m", 300000);
    check_duration("2h", 7200000);
    check_duration("7d", 604800000);
    check_duration("0", 0);
    check_duration("106751991167d", 106751991167LL * 86400000);
    static const char *const bad[] = {"",
                                      "s",
                                      "-1s",
                                      "+1s",
                                      "1.5s",
                                      "1 s",
                                      " 1s",
                                      "1x",
                                      "1ss",
                                      "0x10s",
                                      "106751991168d",
                                      "9223372036854775808ms",
                                      "99999999999999999999s"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        check_duration(bad[i], -1);
    }
    check_size("0", 0);
    check_size("512", 512);
    check_size("512B", 512);
    check_size("64KiB", 65536);
    check_size("64kib", 65536);
    check_size("10MB", 10000000);
    check_size("1GiB", 1 << 30);
    check_size("2TB", 2000000000000);
    check_size("8388607TiB", 8388607LL << 40);
    static const char *const bad_sizes[] = {"", "MB", "-1B", "1M", "1.5GB", "8388608TiB", "1 MB", "1EB"};
    for (size_t i = 0; i < ARRAY_LEN(bad_sizes); i++) {
        check_size(bad_sizes[i], -1);
    }
}

static void test_values_print_as_written(void **state) {
    (void)state;
    Config *c = load_ok(
        &(Given){.text = "http:\n  idle_timeout: 90\n  request_timeout: 1500ms\nlimits:\n  request_body: 10MB\n  comment: 65536\n"
                         "history.dropped: 48h\nhistory.versions: forever\ndatabase.statement_timeout: 0\n"
                         "iceberg.pointer_check: off\nlog.format: json\nstorage.readable_roots: [/a, /b]\n"});
    assert_str(entry_of(c, "http.idle_timeout").value, "90s");
    assert_str(entry_of(c, "http.request_timeout").value, "1500ms");
    assert_str(entry_of(c, "limits.request_body").value, "10MB");
    assert_str(entry_of(c, "limits.comment").value, "64KiB");
    assert_str(entry_of(c, "history.dropped").value, "2d");
    assert_str(entry_of(c, "history.versions").value, "forever");
    assert_str(entry_of(c, "database.statement_timeout").value, "0s");
    assert_str(entry_of(c, "iceberg.pointer_check").value, "false");
    assert_str(entry_of(c, "log.format").value, "json");
    assert_str(entry_of(c, "storage.readable_roots").value, "file:/a,file:/b");
    /* What is printed reads back as the same. */
    for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++) {
        Err err;
        Str text = config_value_text(&config_options[i], c, unit_arena());
        Config again = *c;
        assert_ok(config_value_set_text(&config_options[i], text, unit_arena(), &again, &err));
        assert_str_eq(config_value_text(&config_options[i], &again, unit_arena()), text);
    }
}

static void test_paths(void **state) {
    (void)state;
    assert_str_eq(FLAGS("--data-dir=.")->data_dir, here(""));
    assert_str_eq(FLAGS("--data-dir=./a/")->data_dir, here("/a"));
    assert_str_eq(FLAGS("--data-dir=a")->data_dir, here("/a"));
    assert_str(FLAGS("--data-dir=/")->data_dir, "/");
    assert_str(FLAGS("--warehouse=/w/")->warehouse, "file:/w");
    assert_str(FLAGS("--warehouse=file:///w")->warehouse, "file:///w");
    assert_str(FLAGS("--warehouse=hdfs://n:8020/w")->warehouse, "hdfs://n:8020/w");
    assert_str_eq(FLAGS("--warehouse=w")->warehouse, ARENA_CONCAT(unit_arena(), STR("file:"), here("/w")));
    FLAG_PROBLEMS(
        "flag --warehouse: warehouse: \"s3:\" is no location; write file:/absolute/path, s3://bucket/path or a plain path\n",
        "--warehouse=s3:");
}

/* ---- secrets ------------------------------------------------------------------------------------------------------- */

static void test_masks(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"", ""},
        {"postgresql://host/db", "postgresql://host/db"},
        {"postgresql://host:5432/db", "postgresql://host:5432/db"},
        {"postgresql://u@host:5432/db", "postgresql://u@host:5432/db"},
        {"postgresql://u:pw@host:5432/db", "postgresql://u:***@host:5432/db"},
        {"postgres://u:p@w@host/db?sslmode=require", "postgres://u:***@host/db?sslmode=require"},
        {"postgresql://u:p/w@host/db", "postgresql://u:***@host/db"},
        {"postgresql://u:p?w@host/db", "postgresql://u:***@host/db"},
        {"postgresql://host/db?user=a@b", "postgresql://host/db?user=a@b"},
        {"postgresql:///db?host=/s&password=pw&user=u", "postgresql:///db?host=/s&password=***&user=u"},
        {"postgresql:///db?PASSWORD=pw", "postgresql:///db?PASSWORD=***"},
        {"postgresql:///db?p%61ssword=pw", "postgresql:///db?p%61ssword=***"},
        {"host=h password=pw user=u", "host=h password=*** user=u"},
        {"host=h password = 'p w\\' x' user=u", "host=h password = *** user=u"},
        {"password=p\\ w dbname=d", "password=*** dbname=d"},
        {"password='never ends dbname=d", "password=***"},
        {"sslpassword=pw passfile=/f", "sslpassword=*** passfile=/f"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_str(config_url_masked(str_from(cases[i][0]), unit_arena()), cases[i][1]);
    }
}

static void test_password_on_command_line(void **state) {
    (void)state;
    Config *c = FLAGS("--database-url", "postgresql://u:hunter2@h/d");
    assert_str(c->database.url, "postgresql://u:hunter2@h/d");
    assert_int_equal(config_notes(c).count, 1);
    assert_str_contains(config_notes(c).items[0], "The password in --database-url is visible to every user of this machine");
    assert_int_equal(str_find(config_notes(c).items[0], STR("hunter2")), SIZE_MAX);
    assert_str(entry_of(c, "database.url").value, "postgresql://u:***@h/d");
    assert_true(entry_of(c, "database.url").secret);
    assert_int_equal(config_notes(FLAGS("--database-url", "postgresql://u@h/d")).count, 0);
    assert_int_equal(config_notes(load_ok(&(Given){.environment = {"PROPOLIS_DATABASE_URL=postgresql://u:hunter2@h/d"}})).count, 0);
}

static void test_secrets(void **state) {
    (void)state;
    Config *c = load_ok(&(Given){.text = "database:\n  url: postgresql://u@h/d\n  password: hunter2\n"});
    assert_str(c->database.password, "hunter2");
    assert_str(entry_of(c, "database.password").value, "***");
    assert_str(entry_of(load_ok(&(Given){0}), "database.password").value, "");
    const char *path = write_temp("s3 cret\r\nsecond line\n");
    char *named = (char *)(uintptr_t)arena_printf(unit_arena(), "PROPOLIS_DATABASE_PASSWORD=file:%s", path).ptr;
    c = load_ok(&(Given){.environment = {named}});
    assert_str(c->database.password, "s3 cret");
    unlink(path);
    assert_problems(
        &(Given){.text = "database.password: file:/nowhere/x\n"},
        "propolis.yaml:1:20: database.password: the secret's file /nowhere/x cannot be read: No such file or directory\n");
    assert_problems(&(Given){.text = "database.password: file:/dev/zero\n"},
                    "propolis.yaml:1:20: database.password: the secret's file /dev/zero is not a plain file of at most 64KiB\n");
    assert_problems(&(Given){.text = "database.password: \"hun\\tter2\"\n"},
                    "propolis.yaml:1:20: database.password: has a control character (code 9) as character 4; leave it out\n");
}

static void test_database_url(void **state) {
    (void)state;
    static const char *const cases[][3] = {
        {"", "", ""},
        {"postgresql://u@h/d", "", "postgresql://u@h/d"},
        {"postgresql://u@h/d", "a&b/'\xc3\xa9", "postgresql://u@h/d?password=a%26b%2F%27%C3%A9"},
        {"postgresql://u@h/d?sslmode=require", "p", "postgresql://u@h/d?sslmode=require&password=p"},
        {"host=h user=u", "it's \\", "host=h user=u password='it\\'s \\\\'"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        Config c = {.database = {.url = str_from(cases[i][0]), .password = str_from(cases[i][1])}};
        assert_str(config_database_url(&c, unit_arena()), cases[i][2]);
    }
}

/* ---- rules between options ----------------------------------------------------------------------------------------- */

static void test_check_access(void **state) {
    (void)state;
    Err err;
    static const char *const loopback[] = {"127.0.0.1", "127.3.2.1", "::1", "[::1]", "localhost", "::ffff:127.0.0.1"};
    for (size_t i = 0; i < ARRAY_LEN(loopback); i++) {
        Config c = *load_ok(&(Given){0});
        c.listen = str_from(loopback[i]);
        assert_ok(config_check(&c, &err));
    }
    static const char *const open[] = {
        "0.0.0.0", "::", "10.0.0.1", "myhost", "128.0.0.1", "::ffff:10.0.0.1", "localhost.example.org", "127.0.0.1.example.org"};
    for (size_t i = 0; i < ARRAY_LEN(open); i++) {
        Config c = *load_ok(&(Given){0});
        c.listen = str_from(open[i]);
        assert_err_says(config_check(&c, &err), ERR_INVALID_CONFIG, "auth.mode: required");
        assert_str_contains(str_from(err.message), "auth.mode: open");
        c.auth.mode = CONFIG_AUTH_MODE_OPEN;
        assert_ok(config_check(&c, &err));
        c.auth.mode = CONFIG_AUTH_MODE_REQUIRED;
        assert_ok(config_check(&c, &err));
    }
}

static void test_check_others(void **state) {
    (void)state;
    Err err;
    assert_err_says(config_check(FLAGS("--http-port=9083"), &err), ERR_INVALID_CONFIG, "http.port and thrift.port are both 9083");
    assert_ok(config_check(FLAGS("--http-port=0", "--thrift-port=0"), &err));
    assert_err_says(config_check(FLAGS("--set=limits.page=50"), &err), ERR_INVALID_CONFIG,
                    "limits.page_default is 100, more than limits.page");
    assert_err_says(config_check(FLAGS("--set=limits.request_memory=32MiB"), &err), ERR_INVALID_CONFIG, "limits.request_body");
    assert_err_says(config_check(FLAGS("--set=limits.request_bodies=31MiB"), &err), ERR_INVALID_CONFIG, "limits.request_bodies");
    assert_ok(config_check(FLAGS("--set=limits.request_bodies=32MiB"), &err));
    Config *c = load_ok(&(Given){.environment = {"PROPOLIS_DATABASE_PASSWORD=hunter2"}});
    assert_err_says(config_check(c, &err), ERR_INVALID_CONFIG, "database.password is given without database.url");
}

/* ---- reload -------------------------------------------------------------------------------------------------------- */

static void test_reload(void **state) {
    (void)state;
    Err err;
    const char *path = write_temp("http.workers: 4\nlog.level: info\nlimits.columns: 10\n");
    char *flag = (char *)(uintptr_t)arena_printf(unit_arena(), "--config=%s", path).ptr;
    char *const argv[] = {flag, NULL};
    ConfigSources sources = {.argc = 1, .argv = argv};
    Config *old, *fresh = NULL;
    ConfigChanges changes;
    Arena *first CLEANUP(arena_cleanup) = arena_new(1 << 20);
    assert_ok(config_load(&sources, first, &old, NULL, &err));

    rewrite(path, "log.level: debug\n\nhttp.workers: 5\nlimits.columns: 10\ndatabase.url: postgresql://u:hunter2@h/d\n");
    assert_ok(config_reload(old, unit_arena(), &fresh, &changes, NULL, &err));
    arena_cleanup(&first);
    assert_int_equal(fresh->http.workers, 4);
    assert_str(fresh->database.url, "");
    assert_int_equal(fresh->log.level, CONFIG_LOG_LEVEL_DEBUG);
    assert_int_equal(changes.changed.count, 1);
    assert_str(changes.changed.items[0], "log.level: info -> debug");
    assert_int_equal(changes.restart.count, 2);
    assert_str(changes.restart.items[0], "http.workers: 4 -> 5");
    assert_str(changes.restart.items[1], "database.url:  -> postgresql://u:***@h/d");
    assert_str_contains(entry_of(fresh, "http.workers").source, ":1");
    assert_str_contains(entry_of(fresh, "limits.columns").source, ":4");

    Config *third = NULL;
    rewrite(path, "log.level: loud\n");
    assert_err_says(config_reload(fresh, unit_arena(), &third, &changes, NULL, &err), ERR_INVALID_CONFIG, ":1:12: log.level:");
    rewrite(path, "limits.page: 1\n");
    assert_err_says(config_reload(fresh, unit_arena(), &third, &changes, NULL, &err), ERR_INVALID_CONFIG, "limits.page_default");
    assert_null(third);
    rewrite(path, "http.workers: 4\nlog.level: debug\nlimits.columns: 10\n");
    assert_ok(config_reload(fresh, unit_arena(), &third, &changes, NULL, &err));
    assert_int_equal(changes.changed.count + changes.restart.count, 0);
    unlink(path);
}

static void test_small_arena(void **state) {
    (void)state;
    Arena *arena CLEANUP(arena_cleanup) = arena_new(100);
    ConfigSources sources = {0};
    Config *config = NULL;
    Err err;
    assert_err(config_load(&sources, arena, &config, NULL, &err), ERR_REQUEST_TOO_LARGE);
    assert_null(config);
}

/* ---- the generated files ------------------------------------------------------------------------------------------- */

/* The example with every "#key:" line uncommented is a valid file that says the defaults. Run from the top of the tree. */
static void test_example_says_the_defaults(void **state) {
    (void)state;
    FILE *file CLEANUP(cleanup_fclose) = fopen("config/propolis.yaml", "r");
    if (!file) {
        skip();
    }
    Buf text CLEANUP(buf_free) = BUF_INIT(1 << 20);
    char line[4096];
    size_t options = 0;
    while (fgets(line, sizeof line, file)) {
        char *hash = strchr(line, '#');
        bool option = hash && hash[1] != ' ' && hash[1] != '\n';
        options += option;
        if (option) {
            memmove(hash, hash + 1, strlen(hash));
        }
        buf_add_cstr(&text, line);
    }
    buf_add_char(&text, 0);
    assert_int_equal(options, CONFIG_OPTION_COUNT);
    Config *example = load_ok(&(Given){.text = text.ptr}), *defaults = load_ok(&(Given){0});
    for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++) {
        assert_str_contains(entry_of(example, config_options[i].key).source, "propolis.yaml:");
        assert_str_eq(config_value_text(&config_options[i], example, unit_arena()),
                      config_value_text(&config_options[i], defaults, unit_arena()));
    }
}

/* Every range holds its default, and both ends of it are numbers of its type. */
static void test_rows(void **state) {
    (void)state;
    Config *c = load_ok(&(Given){0});
    for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++) {
        const ConfigOption *o = &config_options[i];
        Err err;
        assert_true(strlen(o->doc) > 20 && strstr(o->doc, "  ") == NULL);
        assert_true(str_starts(str_from(o->env), STR("PROPOLIS_")));
        if (o->low && (o->type == CONFIG_INT || o->type == CONFIG_SIZE || o->type == CONFIG_DURATION)) {
            assert_ok(config_value_set_text(o, str_from(o->low), unit_arena(), c, &err));
            assert_ok(config_value_set_text(o, str_from(o->high), unit_arena(), c, &err));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        UNIT_TEST(test_defaults),
        UNIT_TEST(test_default_follows_data_dir),
        UNIT_TEST(test_precedence_and_sources),
        UNIT_TEST(test_last_flag_wins),
        UNIT_TEST(test_file_by_name),
        UNIT_TEST(test_file_accepts),
        UNIT_TEST(test_unknown_keys),
        UNIT_TEST(test_wrong_types),
        UNIT_TEST(test_out_of_range),
        UNIT_TEST(test_duplicates),
        UNIT_TEST(test_yaml_features_refused),
        UNIT_TEST(test_no_yaml),
        UNIT_TEST(test_nesting),
        UNIT_TEST(test_many_problems),
        UNIT_TEST(test_flag_mistakes),
        UNIT_TEST(test_environment_mistakes),
        UNIT_TEST(test_mistake_hidden_by_later_source),
        UNIT_TEST(test_flags_help),
        UNIT_TEST(test_units),
        UNIT_TEST(test_values_print_as_written),
        UNIT_TEST(test_paths),
        UNIT_TEST(test_masks),
        UNIT_TEST(test_password_on_command_line),
        UNIT_TEST(test_secrets),
        UNIT_TEST(test_database_url),
        UNIT_TEST(test_check_access),
        UNIT_TEST(test_check_others),
        UNIT_TEST(test_reload),
        UNIT_TEST(test_small_arena),
        UNIT_TEST(test_example_says_the_defaults),
        UNIT_TEST(test_rows),
    };
    return UNIT_RUN("config", tests);
}
