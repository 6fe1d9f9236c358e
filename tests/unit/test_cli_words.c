/* The command line's words: names, columns, flags, and that the verb table keeps its own promises. */
#include "cli/args.h"
#include "cli/build.h"
#include "cli/names.h"
#include "cli/verbs.h"
#include "tests/unit/unit.h"

static void check_name(const char *text, size_t count, const char *first, const char *last) {
    Err err;
    Name name;
    assert_ok(cli_name_parse(str_from(text), unit_arena(), &name, &err));
    assert_int_equal(name.count, count);
    assert_str(name.parts[0], first);
    assert_str(name.parts[count - 1], last);
}

static void test_names(void **state) {
    (void)state;
    check_name("db", 1, "db", "db");
    check_name("db.t", 2, "db", "t");
    check_name("c.db.t", 3, "c", "t");
    check_name("\"my.db\".t", 2, "my.db", "t");
    check_name("`a``b`.`c.d`", 2, "a`b", "c.d");
    check_name("\"say \"\"hi\"\"\"", 1, "say \"hi\"", "say \"hi\"");
    check_name("\xC3\xA9t\xC3\xA9.\xE6\x97\xA5", 2, "\xC3\xA9t\xC3\xA9", "\xE6\x97\xA5");
}

static void test_wrong_names(void **state) {
    (void)state;
    static const char *const wrong[] = {"", ".", "a.", ".a", "a..b", "a.b.c.d", "\"a", "\"a\"b", "\"\".b", "`a`x.b"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        Err err;
        Name name;
        assert_err(cli_name_parse(str_from(wrong[i]), unit_arena(), &name, &err), ERR_INVALID_NAME);
    }
}

/* Any three parts, written and read, are the same three parts. */
static void test_names_round_trip(void **state) {
    (void)state;
    static const char letters[] = "ab.\"` \t/%";
    for (int round = 0; round < 2000; round++) {
        CLEANUP(buf_free) Buf text = BUF_INIT(1000);
        Str parts[NAME_PARTS_MAX];
        char bytes[NAME_PARTS_MAX][8];
        Name name;
        Err err;
        for (size_t i = 0; i < NAME_PARTS_MAX; i++) {
            parts[i] = (Str){bytes[i], 1 + unit_random_below(sizeof bytes[i] - 1)};
            for (size_t k = 0; k < parts[i].len; k++) {
                bytes[i][k] = letters[unit_random_below(sizeof letters - 1)];
            }
            cli_name_add_part(&text, parts[i]);
        }
        assert_ok(cli_name_parse(buf_str(&text), unit_arena(), &name, &err));
        for (size_t i = 0; i < NAME_PARTS_MAX; i++) {
            assert_str_eq(name.parts[i], parts[i]);
        }
    }
}

static void test_paths(void **state) {
    (void)state;
    Arena *a = unit_arena();
    assert_str(PATH(a, STR("catalogs"), STR("a/b c"), STR("..")), "/api/v1/catalogs/a%2Fb%20c/%2E%2E");
    assert_str(PATH(a, STR("\xC3\xA9:?#&")), "/api/v1/%C3%A9%3A%3F%23%26");
    Str path = cli_path_query(a, STR("/x"), "a", STR("1&2"));
    assert_str(path, "/x?a=1%262");
    assert_str(cli_path_query(a, path, "b", STR("")), "/x?a=1%262&b=");
    assert_str(cli_path_query(a, path, "b", STR_NULL), "/x?a=1%262");
}

static void test_partition_values(void **state) {
    (void)state;
    StrList values;
    assert_true(cli_partition_values(STR("y=2026/city=a%2Fb%zz%"), unit_arena(), &values));
    assert_int_equal(values.count, 2);
    assert_str(values.items[0], "2026");
    assert_str(values.items[1], "a/b%zz%");
    assert_true(cli_partition_values(STR("e="), unit_arena(), &values));
    assert_str(values.items[0], "");
    assert_false(cli_partition_values(STR("2026"), unit_arena(), &values));
    assert_false(cli_partition_values(STR("a=1/"), unit_arena(), &values));
    assert_false(cli_partition_values(STR("=1"), unit_arena(), &values));
}

static void check_column(const char *text, const char *name, const char *type, const char *comment) {
    Str n, t, c;
    assert_true(cli_column_parse(str_from(text), &n, &t, &c));
    assert_str(n, name);
    assert_str(t, type);
    assert_str_eq(c, str_from(comment));
}

static void test_columns(void **state) {
    (void)state;
    Str n, t, c;
    check_column("id bigint", "id", "bigint", NULL);
    check_column("  id   bigint  the key of it ", "id", "bigint", "the key of it");
    check_column("m map<string, array<int>> a map", "m", "map<string, array<int>>", "a map");
    check_column("d decimal(10, 2) money", "d", "decimal(10, 2)", "money");
    assert_false(cli_column_parse(STR("id"), &n, &t, &c));
    assert_false(cli_column_parse(STR(""), &n, &t, &c));
}

static bool parse(Args *args, Err *err, int count, char **words) { return args_parse(count, words, unit_arena(), args, err); }
#define PARSE(args, err, ...) parse((args), (err), (int)(sizeof((char *[]){__VA_ARGS__}) / sizeof(char *)), (char *[]){__VA_ARGS__})

static void test_flags(void **state) {
    (void)state;
    Args args;
    Err err;
    assert_ok(PARSE(&args, &err, "-ojson", "table", "--limit=5", "list", "-qv", "--", "-x"));
    assert_int_equal(args.words.count, 3);
    assert_str(args.words.items[2], "-x");
    assert_str(args.values[FLAG_OUTPUT].items[0], "json");
    assert_str(args.values[FLAG_LIMIT].items[0], "5");
    assert_true(args.given & FLAG_BIT(FLAG_QUIET) && args.given & FLAG_BIT(FLAG_VERBOSE));
    assert_ok(PARSE(&args, &err, "-c", "a int", "-c", "b int", "--column=c int", "-"));
    assert_int_equal(args.values[FLAG_COLUMN].count, 3);
    assert_str(args.values[FLAG_COLUMN].items[2], "c int");
    assert_str(args.words.items[0], "-");
}

static void test_wrong_flags(void **state) {
    (void)state;
    Args args;
    Err err;
    assert_err_says(PARSE(&args, &err, "--limt", "5"), ERR_INVALID_INPUT, "did you mean --limit?");
    assert_err_says(PARSE(&args, &err, "--limit"), ERR_INVALID_INPUT, "needs a value");
    assert_err_says(PARSE(&args, &err, "--all=yes"), ERR_INVALID_INPUT, "takes no value");
    assert_err_says(PARSE(&args, &err, "--limit", "1", "-n2"), ERR_INVALID_INPUT, "twice");
    assert_err_says(PARSE(&args, &err, "-Z"), ERR_INVALID_INPUT, "no flag -Z");
    assert_err_says(PARSE(&args, &err, "\xFF"), ERR_INVALID_INPUT, "UTF-8");
    assert_ok(PARSE(&args, &err, "--to", "1"));
    assert_err_says(args_allow(&args, 0, "propolis db list", &err), ERR_INVALID_INPUT, "does not take --to");
}

static void test_finding_verbs(void **state) {
    (void)state;
    assert_string_equal(verb_find(STR("tables"), STR("ls"))->name, "list");
    assert_string_equal(verb_find(STR("database"), STR("drop"))->noun, "db");
    assert_string_equal(verb_find(STR_NULL, STR("search"))->name, "search");
    assert_null(verb_find(STR("table"), STR("search")));
    assert_null(verb_find(STR_NULL, STR("list")));
    assert_string_equal(verb_near("table", STR("gte")), "get");
    assert_string_equal(verb_near(NULL, STR("tabel")), "table");
    assert_null(verb_near(NULL, STR("xxxxxxxx")));
}

/* An example line as a shell would split it, up to a pipe or a redirection. */
static int shell_words(Str line, char **words, int most) {
    int count = 0;
    char *out = (char *)arena_alloc(unit_arena(), line.len + 1), quote = 0;
    bool inside = false;
    for (size_t i = 0; i < line.len; i++) {
        char c = line.ptr[i];
        if (!quote && strchr("|><", c)) {
            break;
        }
        if (!inside && c != ' ' && c != '\\' && c != '\n') {
            assert_true(count < most);
            words[count++] = out;
            inside = true;
        }
        if (quote ? c == quote : c == '\'' || c == '"') {
            quote = quote ? 0 : c;
        } else if (!quote && (c == ' ' || c == '\n' || (c == '\\' && !inside))) {
            *out = 0;
            out += inside;
            inside = false;
        } else {
            *out++ = c;
        }
    }
    *out = 0;
    return count;
}

static void check_example(const Verb *v, Str line) {
    char *words[40];
    Args args;
    Err err;
    int count = shell_words(line, words, ARRAY_LEN(words)), skip = v->noun ? 2 : 1;
    assert_ok(args_parse(count, words, unit_arena(), &args, &err));
    if (args.words.count && !v->noun && !str_eq(args.words.items[0], str_from(v->name))) {
        return; /* shown in the help of one verb, belongs to another */
    }
    const Verb *found = v->noun ? verb_find(args.words.items[0], args.words.items[1]) : verb_find(STR_NULL, args.words.items[0]);
    assert_non_null(found);
    assert_ok(args_allow(&args, found->flags, found->name, &err));
    assert_in_range(args.words.count - (size_t)skip, found->min_args, found->max_args);
}

static void test_every_verb_has_working_examples(void **state) {
    (void)state;
    for (const Verb *v = VERBS; v->name; v++) {
        if (!v->summary) {
            continue;
        }
        assert_non_null(v->run);
        assert_true(!v->noun || noun_find(str_from(v->noun)));
        CLEANUP(buf_free) Buf joined = BUF_INIT(10000);
        for (const char *p = v->examples; *p; p++) { /* lines that go on are one */
            bool goes_on = p[0] == '\\' && p[1] == '\n';
            buf_add_char(&joined, goes_on ? ' ' : *p);
            p += goes_on;
        }
        Str rest = buf_str(&joined), line;
        while (str_split(&rest, '\n', &line)) {
            check_example(v, line);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        UNIT_TEST(test_names),
        UNIT_TEST(test_wrong_names),
        UNIT_TEST(test_names_round_trip),
        UNIT_TEST(test_paths),
        UNIT_TEST(test_partition_values),
        UNIT_TEST(test_columns),
        UNIT_TEST(test_flags),
        UNIT_TEST(test_wrong_flags),
        UNIT_TEST(test_finding_verbs),
        UNIT_TEST(test_every_verb_has_working_examples),
    };
    return UNIT_RUN("cli_words", tests);
}
