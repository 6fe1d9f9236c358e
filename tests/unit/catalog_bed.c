#include "tests/unit/catalog_bed.h"

#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "catalog/databases.h"
#include "config/config.h"
#include "storage/roots.h"

static bool run_file(PgConn *conn, const char *path, Err *err) {
    CLEANUP(cleanup_fclose) FILE *file = fopen(path, "r");
    CLEANUP(buf_free) Buf text = BUF_INIT(1 << 20);
    char chunk[4096];
    size_t n;
    assert_non_null(file);
    while ((n = fread(chunk, 1, sizeof chunk, file)) > 0) {
        buf_add_bytes(&text, chunk, n);
    }
    buf_add_char(&text, 0);
    return pg_script(conn, text.ptr, err);
}

/* The migrations as they stand in the source tree, in order. */
static bool migrate(Pg *pg, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    glob_t files;
    if (!pg_acquire(pg, PG_READ, deadline_in_ms(30000), &conn, err) ||
        !pg_script(conn, "CREATE SCHEMA IF NOT EXISTS propolis", err)) {
        return false;
    }
    assert_int_equal(glob("migrations/*.sql", 0, NULL, &files), 0);
    bool ok = true;
    for (size_t i = 0; ok && i < files.gl_pathc; i++) {
        ok = run_file(conn, files.gl_pathv[i], err);
    }
    globfree(&files);
    return ok;
}

static void open_roots(Bed *bed) {
    Err err;
    Str root = str_from(bed->warehouse);
    const RootsOptions options = {.writable = {&root, 1}};
    assert_ok(roots_open(&options, &bed->catalog.roots, &err));
}

Ctx bed_ctx(Bed *bed) {
    return (Ctx){.catalog = &bed->catalog,
                 .arena = arena_new(512 << 20),
                 .caller = &bed->caller,
                 .deadline = deadline_in_ms(60000),
                 .pool = PG_READ};
}

int bed_setup(void **state) {
    unit_setup(NULL);
    Bed *bed = calloc(1, sizeof *bed);
    Err err;
    bed->url = pg_fixture_clone("catalog", migrate);
    bed->pg = pg_fixture_open(bed->url);
    snprintf(bed->warehouse, sizeof bed->warehouse, "/tmp/propolis-bed-XXXXXX");
    assert_non_null(mkdtemp(bed->warehouse));
    char *flags[] = {"--data-dir", bed->warehouse, "--warehouse", bed->warehouse};
    const ConfigSources sources = {.argc = ARRAY_LEN(flags), .argv = flags};
    Config *config;
    bed->config_arena = arena_new(16 << 20);
    assert_ok(config_load(&sources, bed->config_arena, &config, NULL, &err));
    bed->catalog = (Catalog){.pg = bed->pg, .config = config, .server_id = uuid_random()};
    open_roots(bed);
    bed->caller = (Caller){.principal = STR("ada"),
                           .client = STR("127.0.0.1"),
                           .agent = STR("test"),
                           .protocol = STR("rest"),
                           .operation = STR("test"),
                           .request_id = uuid_random()};
    bed->ctx = bed_ctx(bed);
    bed->arena = bed->ctx.arena;
    assert_ok(catalog_bootstrap(&bed->ctx, &err));
    *state = bed;
    return 0;
}

int bed_teardown(void **state) {
    Bed *bed = *state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf -- '%s'", bed->warehouse);
    assert_int_equal(system(command), 0);
    arena_free(bed->arena);
    roots_close(bed->catalog.roots);
    pg_close(bed->pg);
    arena_free(bed->config_arena);
    free(bed->url);
    free(bed);
    return unit_teardown(NULL);
}

Str bed_value(Bed *bed, const char *sql) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    Err err;
    PgRows rows;
    char text[16384];
    assert_true(snprintf(text, sizeof text, "SELECT (%s)::text", sql) < (int)sizeof text);
    PgStmt stmt = {NULL, text};
    assert_ok(pg_acquire(bed->pg, PG_READ, deadline_in_ms(10000), &conn, &err));
    assert_ok(pg_exec(conn, &stmt, NULL, bed->arena, &rows, &err));
    return rows.count ? pg_text(&rows, 0, 0) : STR_NULL;
}

int64_t bed_count(Bed *bed, const char *sql) {
    int64_t value = -1;
    assert_true(str_to_i64(bed_value(bed, sql), &value));
    return value;
}

void bed_sql(Bed *bed, const char *sql) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    Err err;
    assert_ok(pg_acquire(bed->pg, PG_READ, deadline_in_ms(10000), &conn, &err));
    assert_ok(pg_script(conn, sql, &err));
}

int64_t bed_table(Bed *bed, const char *database, const char *name, const char *type, const char *location) {
    Str text = arena_printf(bed->arena,
                            "INSERT INTO tables (database_id, name, type, version, location, created_at, updated_at)"
                            " SELECT id, '%s', '%s', 0, '%s', clock_timestamp(), clock_timestamp() FROM databases"
                            " WHERE name = '%s' AND dropped_at IS NULL",
                            name, type, location, database);
    bed_sql(bed, arena_cstr(bed->arena, text));
    text = arena_printf(bed->arena, "SELECT max(id) FROM tables WHERE name = '%s'", name);
    return bed_count(bed, arena_cstr(bed->arena, text));
}
