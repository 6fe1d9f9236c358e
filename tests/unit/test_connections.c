#include "catalog/connections.h"

#include <unistd.h>

#include "catalog/housekeeping.h"
#include "catalog/sealing.h"
#include "catalog/secret.h"
#include "catalog/tags.h"
#include "config/config.h"
#include "tests/unit/catalog_bed.h"

/* The bed has no key of its own. */
static int setup(void **state) {
    Err err;
    bed_setup(state);
    Bed *bed = *state;
    SecretKeys *keys;
    assert_ok(secret_keys_load(arena_cstr(bed->arena, bed->catalog.config->secret_key_file), true, &keys, &err));
    bed->catalog.keys = keys;
    return 0;
}

static int teardown(void **state) {
    Bed *bed = *state;
    secret_keys_free(bed->catalog.keys);
    return bed_teardown(state);
}

static const char FULL[] =
    "{\"name\":\"Pg\",\"type\":\"JDBC\",\"description\":\"d\",\"properties\":{\"JDBC_CONNECTION_URL\":"
    "\"jdbc:postgresql://127.0.0.1:1/x\",\"USERNAME\":\"u\",\"PASSWORD\":\"hunter2\",\"ENCRYPTED_PASSWORD\":\"hunter3\"},"
    "\"match_criteria\":[\"a\"],\"spark_properties\":{\"k\":\"v\"},\"physical_connection_requirements\":{\"subnet_id\":\"s\","
    "\"security_group_id_list\":[\"g\"]},\"authentication_configuration\":{\"authentication_type\":\"OAUTH2\",\"oauth2_properties\":"
    "{\"token_url\":\"https://x/y\",\"oauth2_credentials\":{\"access_token\":\"hunter4\"}},\"basic_authentication_credentials\":"
    "{\"username\":\"bob\",\"password\":\"hunter5\"},\"custom_authentication_credentials\":{\"token\":\"hunter6\"}}}";

static bool parse(const char *text, Connection *ret, Err *err) {
    json_t *top;
    if (!jr_parse(unit_arena(), str_from(text), 20, &top, err)) {
        return false;
    }
    JsonAt at = jr_top(top);
    return connection_from_json(&at, unit_arena(), ret, err);
}

static Str shown(const Connection *c) {
    CLEANUP(buf_free) Buf buf = BUF_INIT(1 << 20);
    JsonWriter w = jw_new(&buf);
    connection_json(&w, c);
    return arena_str(unit_arena(), buf_str(&buf));
}

static void create(Bed *bed, Connection *ret) {
    Err err;
    Connection c;
    assert_ok(parse(FULL, &c, &err));
    assert_ok(connection_create(&bed->ctx, &c, ret, &err));
}

static bool deny_secrets(const Ctx *ctx, Action action, const Resource *resource, Err *err) {
    (void)ctx;
    (void)resource;
    return action != ACTION_READ_SECRET || err_set(err, ERR_FORBIDDEN, "no");
}

static void test_secrets_stay_inside(void **state) {
    Bed *bed = *state;
    Err err;
    Connection made, got;
    create(bed, &made);
    assert_true(made.has_secrets && str_find(shown(&made), STR("hunter")) == SIZE_MAX);
    assert_ok(connection_get(&bed->ctx, STR_NULL, STR("Pg"), false, &got, &err));
    assert_true(str_find(shown(&got), STR("hunter")) == SIZE_MAX && str_find(shown(&got), STR("bob")) == SIZE_MAX);
    assert_str_contains(shown(&got), "\"subnet_id\":\"s\"");
    assert_str_contains(shown(&got), "\"token_url\":\"https://x/y\"");
    assert_str(got.status, "READY");
    assert_ok(connection_get(&bed->ctx, STR_NULL, STR("Pg"), true, &got, &err));
    const char *const secrets[] = {"hunter2", "hunter3", "hunter4", "hunter5", "hunter6", "bob"};
    for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
        assert_str_contains(shown(&got), secrets[i]);
    }
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM changes WHERE detail LIKE '%hunter%'"), 0);
    assert_int_equal(bed_count(bed,
                               "SELECT count(*) FROM connections n WHERE n::text LIKE '%hunter%' OR encode(secrets, 'escape') LIKE"
                               " '%hunter%'"),
                     0);
    bed->catalog.authorize = deny_secrets;
    assert_err(connection_get(&bed->ctx, STR_NULL, STR("Pg"), true, &got, &err), ERR_FORBIDDEN);
    assert_ok(connection_get(&bed->ctx, STR_NULL, STR("Pg"), false, &got, &err));
    bed->catalog.authorize = NULL;
    /* put where it does not belong, it cannot be opened */
    bed_sql(
        bed,
        "INSERT INTO connections (catalog_id, name, type, secrets, created_at, updated_at) SELECT catalog_id, 'thief', type, secrets,"
        " now(), now() FROM connections");
    assert_false(connection_get(&bed->ctx, STR_NULL, STR("thief"), true, &got, &err));
}

static void test_seals_are_tried(void **state) {
    Bed *bed = *state;
    Err err;
    Connection c, made;
    SealHealth health;
    assert_ok(parse(FULL, &c, &err));
    assert_ok(connection_create(&bed->ctx, &c, &made, &err));
    assert_ok(sealing_try(&bed->ctx, bed->catalog.keys, &health, &err));
    assert_true(health.opened == 1 && health.closed == 0 && str_is_null(health.missing));
    char path[256];
    SecretKeys *others;
    snprintf(path, sizeof path, "%s/other.key", bed->warehouse);
    assert_ok(secret_keys_load(path, true, &others, &err));
    assert_ok(sealing_try(&bed->ctx, others, &health, &err));
    assert_true(health.opened == 0 && health.closed == 1 && health.why.code == ERR_SECRET_KEY_MISSING);
    assert_true(str_eq(health.missing, secret_key_id(bed->catalog.keys, bed->arena)));
    secret_keys_free(others);
    bed_sql(bed, "UPDATE connections SET secrets = set_byte(secrets, 20, get_byte(secrets, 20) # 1)");
    assert_ok(sealing_try(&bed->ctx, bed->catalog.keys, &health, &err));
    assert_true(health.closed == 1 && health.why.code == ERR_INTERNAL && str_is_null(health.missing));
}

static bool edit_description(Ctx *ctx, Connection *c, void *arg, Err *err) {
    (void)ctx;
    (void)err;
    c->description = str_from(arg);
    return true;
}

static bool edit_password(Ctx *ctx, Connection *c, void *arg, Err *err) {
    (void)err;
    params_set(&c->properties, ctx->arena, STR("PASSWORD"), str_from(arg));
    return true;
}

static bool edit_name(Ctx *ctx, Connection *c, void *arg, Err *err) {
    (void)ctx;
    (void)err;
    c->name = str_from(arg);
    return true;
}

static void test_alter(void **state) {
    Bed *bed = *state;
    Err err;
    Connection c;
    char text[] = "other", empty[] = "", fresh[] = "hunter9";
    create(bed, &c);
    ConnectionAlter how = {.edit = edit_description, .arg = text, .expect = (Expect){0, 0}};
    assert_ok(connection_alter(&bed->ctx, STR_NULL, STR("Pg"), &how, &c, &err));
    assert_true(c.version == 1 && c.has_secrets);
    assert_err(connection_alter(&bed->ctx, STR_NULL, STR("Pg"), &how, &c, &err), ERR_VERSION_CONFLICT);
    how.expect = (Expect){0, 1};
    assert_ok(connection_alter(&bed->ctx, STR_NULL, STR("Pg"), &how, &c, &err));
    assert_int_equal(c.version, 1);
    how = (ConnectionAlter){.edit = edit_password, .arg = fresh, .expect = EXPECT_ANY};
    assert_ok(connection_alter(&bed->ctx, STR_NULL, STR("Pg"), &how, &c, &err));
    assert_true(c.version == 2 && str_find(shown(&c), STR("hunter")) == SIZE_MAX);
    assert_ok(connection_get(&bed->ctx, STR_NULL, STR("Pg"), true, &c, &err));
    assert_str(params_get(&c.properties, STR("PASSWORD")), "hunter9");
    assert_str(params_get(&c.properties, STR("ENCRYPTED_PASSWORD")), "hunter3");
    how.arg = empty;
    assert_ok(connection_alter(&bed->ctx, STR_NULL, STR("Pg"), &how, &c, &err));
    assert_ok(connection_get(&bed->ctx, STR_NULL, STR("Pg"), true, &c, &err));
    assert_false(params_has(&c.properties, STR("PASSWORD")));
    how = (ConnectionAlter){.edit = edit_description, .arg = text, .expect = EXPECT_ANY, .replace_secrets = true};
    assert_ok(connection_alter(&bed->ctx, STR_NULL, STR("Pg"), &how, &c, &err));
    assert_false(c.has_secrets);
    how = (ConnectionAlter){.edit = edit_name, .arg = text, .expect = EXPECT_ANY};
    assert_ok(connection_alter(&bed->ctx, STR_NULL, STR("Pg"), &how, &c, &err));
    assert_err(connection_get(&bed->ctx, STR_NULL, STR("Pg"), false, &c, &err), ERR_CONNECTION_NOT_FOUND);
    assert_err(connection_drop(&bed->ctx, STR_NULL, STR("other"), (Expect){1 << 30, -1}, &err), ERR_VERSION_CONFLICT);
    assert_ok(connection_drop(&bed->ctx, STR_NULL, STR("other"), EXPECT_ANY, &err));
    assert_err(connection_drop(&bed->ctx, STR_NULL, STR("other"), EXPECT_ANY, &err), ERR_CONNECTION_NOT_FOUND);
    assert_str(bed_value(bed, "SELECT string_agg(action, ' ' ORDER BY seq) FROM changes WHERE kind = 'connection'"),
               "create alter alter alter alter rename drop");
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM changes WHERE detail LIKE '%hunter%'"), 0);
}

static void test_list(void **state) {
    Bed *bed = *state;
    Err err;
    Connection c;
    Connections list;
    create(bed, &c);
    assert_err(connection_create(&bed->ctx, &c, &c, &err), ERR_ALREADY_EXISTS);
    c = (Connection){.name = STR("net"), .type = STR("NETWORK")};
    assert_ok(connection_create(&bed->ctx, &c, &c, &err));
    ConnectionQuery q = {.page = {.limit = 1}};
    assert_ok(connection_list(&bed->ctx, STR_NULL, &q, &list, &err));
    assert_true(list.count == 1 && list.more && str_eq(list.items[0].name, STR("Pg")));
    q = (ConnectionQuery){.page = {.limit = -1}, .type = STR("NETWORK")};
    assert_ok(connection_list(&bed->ctx, STR_NULL, &q, &list, &err));
    assert_true(list.count == 1 && !list.items[0].has_secrets);
}

static void test_rules(void **state) {
    Bed *bed = *state;
    static const struct {
        const char *json, *says;
    } cases[] = {
        {"{\"name\":\"x\",\"type\":\"KAFK\"}", "Did you mean KAFKA?"},
        {"{\"name\":\"\",\"type\":\"JDBC\"}", "connection"},
        {"{\"name\":\"x\",\"type\":\"JDBC\",\"properties\":{\"PASWORD\":\"hunter2\"}}", "PASSWORD"},
        {"{\"name\":\"x\",\"type\":\"JDBC\",\"properties\":{\"HOST\":\"\"}}", "HOST"},
        {"{\"name\":\"x\",\"type\":\"JDBC\",\"properties\":{\"JDBC_CONNECTION_URL\":\"jdbc:postgresql://h/d?user=a&password=hunter2\"}}",
         "carries a password"},
        {"{\"name\":\"x\",\"type\":\"JDBC\",\"properties\":{\"CONNECTION_URL\":\"mongodb://u:hunter2@h/d\"}}",
         "carries a password"},
        {"{\"name\":\"x\",\"type\":\"JDBC\",\"sparkproperties\":{}}", "spark_properties"},
        {"{\"name\":\"x\",\"type\":\"JDBC\",\"spark_properties\":{\"k\":1}}", "spark_properties.k"},
        {"{\"name\":\"x\",\"type\":\"JDBC\",\"match_criteria\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\",\"11\"]}",
         "at most 10"},
        {"{\"name\":\"x\",\"type\":\"JDBC\",\"authentication_configuration\":{\"authentication_type\":\"NONE\"}}", "BASIC, OAUTH2"},
        {"{\"name\":\"x\",\"type\":\"JDBC\",\"authentication_configuration\":{\"oauth2_properties\":{\"token_url\":\"ftp://x\"}}}",
         "http"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        Err err;
        Connection c;
        bool ok = parse(cases[i].json, &c, &err) && connection_create(&bed->ctx, &c, &c, &err);
        assert_false(ok);
        assert_str_contains(str_from(err.message), cases[i].says);
        assert_true(str_find(str_from(err.message), STR("hunter")) == SIZE_MAX);
    }
}

static void test_test(void **state) {
    Bed *bed = *state;
    Err err;
    Connection c;
    ConnectionTest test;
    create(bed, &c);
    unit_ignore_log();
    assert_ok(connection_test(&bed->ctx, STR_NULL, STR("Pg"), &test, &err)); /* nobody listens on port 1 */
    assert_false(test.ok);
    assert_true(str_find(test.message, STR("hunter")) == SIZE_MAX);
    assert_ok(connection_get(&bed->ctx, STR_NULL, STR("Pg"), false, &c, &err));
    assert_str(c.status, "FAILED");
    assert_true(c.version == 0 && c.validated_at != MICROS_NONE);
    c = (Connection){.name = STR("n"), .type = STR("NETWORK")};
    assert_err(connection_test_inline(&bed->ctx, &c, &test, &err), ERR_NOT_SUPPORTED);
    c = (Connection){.type = STR("POSTGRESQL")};
    Str host = bed_value(bed, "SELECT split_part(current_setting('unix_socket_directories'), ',', 1)");
    params_set(&c.properties, bed->arena, STR("HOST"), host);
    params_set(&c.properties, bed->arena, STR("PORT"), bed_value(bed, "SELECT current_setting('port')"));
    params_set(&c.properties, bed->arena, STR("DATABASE"), bed_value(bed, "SELECT current_database()"));
    params_set(&c.properties, bed->arena, STR("USERNAME"), bed_value(bed, "SELECT current_user"));
    assert_err(connection_test_inline(&bed->ctx, &c, &test, &err), ERR_FORBIDDEN); /* "*" is no socket */
    Config config = *bed->catalog.config;
    const Config *before = bed->catalog.config;
    config.connections.test_hosts = (StrList){&host, 1};
    bed->catalog.config = &config;
    assert_ok(connection_test_inline(&bed->ctx, &c, &test, &err));
    if (!test.ok) {
        fail_msg("%" STR_FMT, STR_ARG(test.message));
    }
    bed->catalog.config = before;
}

/* What the list says about a host; connecting fails in any case. */
static ErrCode try_host(Bed *bed, const char *listed, const char *host) {
    Err err = {0};
    ConnectionTest test;
    Str item = str_from(listed);
    const Config *before = bed->catalog.config;
    Config config = *before;
    Connection c = {.type = STR("POSTGRESQL")};
    config.connections.test_hosts = (StrList){&item, listed[0] != 0};
    bed->catalog.config = &config;
    params_set(&c.properties, bed->arena, STR("HOST"), str_from(host));
    params_set(&c.properties, bed->arena, STR("PORT"), STR("1"));
    bool ok = connection_test_inline(&bed->ctx, &c, &test, &err);
    assert_true(!ok || !test.ok);
    bed->catalog.config = before;
    return ok ? ERR_NONE : err.code;
}

static void test_hosts(void **state) {
    Bed *bed = *state;
    unit_ignore_log();
    assert_int_equal(try_host(bed, "*", "127.0.0.1"), ERR_NONE);
    assert_int_equal(try_host(bed, "LOCALHOST", "localhost"), ERR_NONE);
    assert_int_equal(try_host(bed, "*.localhost", "db.localhost"), ERR_NONE);
    assert_int_equal(try_host(bed, "", "127.0.0.1"), ERR_FORBIDDEN);
    assert_int_equal(try_host(bed, "127.0.0.1", "localhost"), ERR_FORBIDDEN);
    assert_int_equal(try_host(bed, "*.localhost", "localhost"), ERR_FORBIDDEN);
    assert_int_equal(try_host(bed, "*.localhost", "notlocalhost"), ERR_FORBIDDEN);
    assert_int_equal(try_host(bed, "*.localhost", "/tmp/x.localhost"), ERR_FORBIDDEN);
    assert_int_equal(try_host(bed, "*", "@abstract"), ERR_FORBIDDEN);
    assert_int_equal(try_host(bed, "*", "127.0.0.1,/tmp"), ERR_INVALID_INPUT);
}

static void test_facts(void **state) {
    (void)state;
    size_t types = 0;
    while (connection_types[types]) {
        types++;
    }
    assert_int_equal(types, 92);
    assert_int_equal(connection_key_count, 49);
    assert_true(connection_key_find(STR("ENCRYPTED_KAFKA_SASL_SCRAM_PASSWORD"))->secret &&
                !connection_key_find(STR("SECRET_ID"))->secret);
}

/* --- tags ------------------------------------------------------------------------------------------------------ */

static void test_tags(void **state) {
    Bed *bed = *state;
    Err err;
    Connection c;
    Params tags = {0}, got;
    create(bed, &c);
    bed_table(bed, "default", "t", "MANAGED_TABLE", "file:/x");
    const TagTarget targets[] = {{.kind = TAG_CATALOG},
                                 {.kind = TAG_DATABASE, .database = STR("DEFAULT")},
                                 {.kind = TAG_TABLE, .database = STR("default"), .name = STR("T")},
                                 {.kind = TAG_CONNECTION, .name = STR("Pg")}};
    params_set(&tags, bed->arena, STR("a"), STR("1"));
    params_set(&tags, bed->arena, STR("b"), STR(""));
    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        Str gone = STR("a");
        assert_ok(tags_put(&bed->ctx, &targets[i], &tags, &got, &err));
        assert_ok(tags_get(&bed->ctx, &targets[i], &got, &err));
        assert_true(params_equal(&got, &tags));
        assert_ok(tags_change(&bed->ctx, &targets[i], &(Params){0}, (StrList){&gone, 1}, &got, &err));
        assert_true(got.count == 1 && params_has(&got, STR("b")));
        assert_ok(tags_put(&bed->ctx, &targets[i], &(Params){0}, &got, &err));
        assert_ok(tags_get(&bed->ctx, &targets[i], &got, &err));
        assert_int_equal(got.count, 0);
    }
    TagTarget missing = {.kind = TAG_FUNCTION, .database = STR("default"), .name = STR("f")};
    assert_err(tags_get(&bed->ctx, &missing, &got, &err), ERR_FUNCTION_NOT_FOUND);
    for (int i = 0; i < 50; i++) {
        params_set(&tags, bed->arena, arena_printf(bed->arena, "k%d", i), STR("v"));
    }
    assert_err(tags_put(&bed->ctx, &targets[0], &tags, &got, &err), ERR_LIMIT_EXCEEDED);
    params_remove(&tags, STR("a"));
    params_remove(&tags, STR("b"));
    assert_ok(tags_put(&bed->ctx, &targets[0], &tags, &got, &err));
    tags = (Params){0};
    params_set(&tags, bed->arena, STR("z"), STR("v"));
    assert_err(tags_change(&bed->ctx, &targets[0], &tags, (StrList){0}, &got, &err), ERR_LIMIT_EXCEEDED);
    tags = (Params){0};
    params_set(&tags, bed->arena, STR(""), STR("v"));
    assert_err(tags_put(&bed->ctx, &targets[0], &tags, &got, &err), ERR_INVALID_INPUT);
}

static Str password_of(Ctx *ctx, const char *name) {
    Err err;
    Connection c;
    assert_ok(connection_get(ctx, STR_NULL, str_from(name), true, &c, &err));
    return params_get(&c.properties, STR("PASSWORD"));
}

static Str mark_of(Bed *bed, const char *name) {
    return bed_value(
        bed,
        arena_cstr(bed->arena, arena_printf(bed->arena, "SELECT substr(secrets, 1, 9) FROM connections WHERE name = '%s'", name)));
}

/* After a rotation everything comes under the new key, without a version; a server that has not noticed can read it. */
static void test_new_key(void **state) {
    Bed *bed = *state;
    Err err;
    Connection made;
    const char *path = arena_cstr(bed->arena, bed->catalog.config->secret_key_file);
    create(bed, &made);
    bed_sql(bed, "INSERT INTO connections (catalog_id, name, type, secrets, created_at, updated_at)"
                 " SELECT catalog_id, 'moved', type, secrets, created_at, updated_at FROM connections WHERE name = 'Pg'");
    Str before = mark_of(bed, "Pg");
    assert_ok(secret_keys_rotate(path, &err));
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM changes WHERE kind = 'connection'"), 1);

    SecretKeys *unaware = bed->catalog.keys, *keys;
    int64_t count;
    assert_ok(secret_keys_load(path, false, &keys, &err));
    bed->catalog.keys = keys;
    unit_expect_log("The secrets of 1 connections stay under an older key"); /* one cannot be opened, and holds up none */
    assert_ok(housekeeping_sweep(&bed->ctx, &err));
    assert_false(str_eq(mark_of(bed, "Pg"), before));
    assert_true(str_eq(mark_of(bed, "moved"), before));
    bed_sql(bed, "DELETE FROM connections WHERE name = 'moved'");
    assert_ok(sealing_renew(&bed->ctx, &count, &err));
    assert_int_equal(count, 0);
    secret_keys_free(keys);

    bed->catalog.keys = unaware;
    assert_str(password_of(&bed->ctx, "Pg"), "hunter2");
    assert_true(bed->catalog.keys != unaware);
    assert_int_equal(bed_count(bed, "SELECT version FROM connections"), 0);
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM changes WHERE kind = 'connection'"), 1);
}

int main(void) {
#define KEYED(fn) UNIT_TEST_WITH(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        UNIT_TEST(test_facts),
        KEYED(test_secrets_stay_inside),
        KEYED(test_seals_are_tried),
        KEYED(test_alter),
        KEYED(test_list),
        KEYED(test_rules),
        KEYED(test_test),
        KEYED(test_hosts),
        KEYED(test_tags),
        KEYED(test_new_key),
    };
    return BED_RUN("connections", tests);
}
