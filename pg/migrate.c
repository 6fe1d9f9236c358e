#include "pg/migrate.h"

#include "base/log.h"

enum { REQUEST_BYTES = 16 * 1024 * 1024, LOCK_SPACE = 0x70726f70 };

MigrationSet migrations_built_in(void) { return (MigrationSet){migration_files, migration_files_count}; }

static int own_number(MigrationSet set) { return set.count ? set.files[set.count - 1].number : 0; }

/* --- what is there ---------------------------------------------------------------------------------------------- */

static bool mismatch_foreign(const char *schema, Err *err) {
    return err_set(err, ERR_SCHEMA_MISMATCH,
                   "The schema \"%s\" of the database holds tables of another program. Set database.schema to another name, or "
                   "use another database.",
                   schema);
}

/* Whether the bookkeeping is there; a schema with other things but without it is somebody else's. */
static bool look_for_schema(PgConn *conn, const char *schema, Arena *arena, bool *ret_ours, Err *err) {
    static const PgStmt stmt = {
        "migrate_look",
        "SELECT count(*), count(*) FILTER (WHERE c.relname IN ('schema_migrations', 'schema_info') AND EXISTS ("
        "     SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname IN ('sha256', 'min_server')))"
        " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind IN ('r', 'v', 'm', 'p', 'f')"};
    PgArgs args = pg_args(arena);
    pg_arg_text(&args, str_from(schema));
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, arena, &rows, err)) {
        return false;
    }
    int64_t all = pg_i64(&rows, 0, 0, 0), ours = pg_i64(&rows, 0, 1, 0);
    if (all > 0 && ours < 2) {
        return mismatch_foreign(schema, err);
    }
    *ret_ours = ours == 2;
    return true;
}

static const MigrationFile *file_by_number(MigrationSet set, int64_t number) {
    return number >= 1 && (size_t)number <= set.count ? &set.files[number - 1] : NULL;
}

static bool check_one(MigrationSet set, const PgRows *rows, size_t row, MigrateStatus *status, Err *err) {
    int number = pg_i32(rows, row, 0, 0);
    const MigrationFile *file = file_by_number(set, number);
    status->newest_applied = MAX(status->newest_applied, number);
    if (!file) {
        return true; /* a newer server's; min_server decides */
    }
    status->applied++;
    if (!str_eq(pg_text(rows, row, 2), str_from(file->sha256))) {
        return err_set(err, ERR_SCHEMA_MISMATCH,
                       "Migration %s was applied to the schema with another content than this server carries. Run the release "
                       "that made the schema, or restore a backup into a fresh schema.",
                       file->name);
    }
    return true;
}

static bool read_applied(PgConn *conn, MigrationSet set, Arena *arena, MigrateStatus *status, Err *err) {
    static const PgStmt stmt = {"migrate_read", "SELECT number, name, sha256, (SELECT max(min_server) FROM schema_info)"
                                                " FROM schema_migrations ORDER BY number"};
    PgRows rows;
    if (!pg_exec(conn, &stmt, NULL, arena, &rows, err)) {
        return false;
    }
    status->min_server = rows.count ? pg_i32(&rows, 0, 3, 0) : 0;
    if (status->min_server > own_number(set)) {
        return err_set(err, ERR_SCHEMA_MISMATCH,
                       "The schema asks for a server of at least number %d, this one is %d: a newer release has upgraded it. "
                       "Install that release here too.",
                       status->min_server, own_number(set));
    }
    for (size_t i = 0; i < rows.count; i++) {
        if (!check_one(set, &rows, i, status, err)) {
            return false;
        }
    }
    return true;
}

static bool read_status(PgConn *conn, const char *schema, MigrationSet set, Arena *arena, MigrateStatus *ret, Err *err) {
    MigrateStatus status = {0};
    if (!look_for_schema(conn, schema, arena, &status.schema_exists, err) ||
        (status.schema_exists && !read_applied(conn, set, arena, &status, err))) {
        return false;
    }
    status.pending = (int)set.count - status.applied;
    *ret = status;
    return true;
}

bool migrate_status(Pg *pg, MigrationSet set, MigrateStatus *ret, Err *err) {
    CLEANUP(arena_cleanup) Arena *arena = arena_new(REQUEST_BYTES);
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    return pg_acquire(pg, PG_BULK, (Deadline){0}, &conn, err) && read_status(conn, pg_schema(pg), set, arena, ret, err);
}

bool migrate_check(Pg *pg, MigrationSet set, Err *err) {
    MigrateStatus status;
    if (!migrate_status(pg, set, &status, err)) {
        return false;
    }
    if (status.pending) {
        return err_set(err, ERR_SCHEMA_MISMATCH, "The schema \"%s\" lacks %d of %zu migrations. Run \"propolis migrate\".",
                       pg_schema(pg), status.pending, set.count);
    }
    return true;
}

/* --- applying --------------------------------------------------------------------------------------------------- */

static void add_quoted_name(Buf *out, const char *name) {
    buf_add_char(out, '"');
    for (; *name; name++) {
        if (*name == '"') {
            buf_add_char(out, '"');
        }
        buf_add_char(out, *name);
    }
    buf_add_char(out, '"');
}

static void add_bookkeeping(Buf *out, const char *schema) {
    buf_add_cstr(out, "CREATE SCHEMA IF NOT EXISTS ");
    add_quoted_name(out, schema);
    buf_add_cstr(out, ";\nSET LOCAL search_path = ");
    add_quoted_name(out, schema);
    buf_add_cstr(out, ";\nSET LOCAL statement_timeout = 0;\n"
                      "CREATE TABLE IF NOT EXISTS schema_migrations (\n"
                      "    number integer PRIMARY KEY,\n"
                      "    name text NOT NULL,\n"
                      "    sha256 text NOT NULL,\n"
                      "    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()\n"
                      ");\n"
                      "CREATE TABLE IF NOT EXISTS schema_info (\n"
                      "    one boolean PRIMARY KEY DEFAULT true CHECK (one),\n"
                      "    min_server integer NOT NULL\n"
                      ");\n" PG_MARKS_TABLE ";\n"
                      "INSERT INTO schema_info (min_server) VALUES (1) ON CONFLICT DO NOTHING;\n");
}

/* The record comes first: printed SQL run a second time stops here. */
static void add_migration(Buf *out, const MigrationFile *file) {
    buf_printf(out, "INSERT INTO schema_migrations (number, name, sha256) VALUES (%d, '%s', '%s');\n", file->number, file->name,
               file->sha256);
    buf_add_bytes(out, file->sql, file->sql_len);
    buf_add_char(out, '\n');
}

typedef struct Step {
    const char *schema;
    MigrationSet set;
    Arena *arena;
    const MigrationFile *file;
    bool applied;
} Step;

static bool lock(PgConn *conn, const Step *step, Err *err) {
    static const PgStmt stmt = {"migrate_lock", "SELECT pg_advisory_xact_lock($1, hashtext($2))"};
    PgArgs args = pg_args(step->arena);
    pg_arg_i32(&args, LOCK_SPACE);
    pg_arg_text(&args, str_from(step->schema));
    return pg_exec(conn, &stmt, &args, step->arena, NULL, err);
}

/* Looks again now that the lock is held: another server may have been faster. */
static bool apply_body(PgConn *conn, void *arg, Err *err) {
    Step *step = arg;
    MigrateStatus status;
    step->applied = false;
    if (!pg_script(conn, "SET LOCAL statement_timeout = 0", err) || !lock(conn, step, err) ||
        !read_status(conn, step->schema, step->set, step->arena, &status, err)) {
        return false;
    }
    if (status.newest_applied >= step->file->number) {
        return true;
    }
    CLEANUP(buf_free) Buf sql = BUF_INIT(REQUEST_BYTES);
    add_bookkeeping(&sql, step->schema);
    add_migration(&sql, step->file);
    buf_add_char(&sql, 0);
    step->applied = buf_check(&sql, "a migration", err) && pg_script(conn, sql.ptr, err);
    return step->applied;
}

bool migrate_apply(Pg *pg, MigrationSet set, int *ret_applied, Err *err) {
    MigrateStatus status;
    int applied = 0;
    if (!migrate_status(pg, set, &status, err)) {
        return false;
    }
    for (size_t i = (size_t)MIN(status.newest_applied, (int)set.count); i < set.count; i++) {
        CLEANUP(arena_cleanup) Arena *arena = arena_new(REQUEST_BYTES);
        Step step = {pg_schema(pg), set, arena, &set.files[i], false};
        if (!pg_transaction(pg, PG_BULK, (Deadline){0}, arena, apply_body, &step, err)) {
            return err_prefix(err, "Migration %s was not applied", set.files[i].name);
        }
        if (step.applied) {
            log_info("migration %s applied to schema \"%s\"", set.files[i].name, pg_schema(pg));
            applied++;
        }
    }
    if (applied) {
        pg_reconnect(pg);
    }
    if (ret_applied) {
        *ret_applied = applied;
    }
    return true;
}

bool migrate_print(Pg *pg, MigrationSet set, Buf *out, Err *err) {
    MigrateStatus status;
    if (!migrate_status(pg, set, &status, err)) {
        return false;
    }
    for (size_t i = (size_t)MIN(status.newest_applied, (int)set.count); i < set.count; i++) {
        buf_printf(out, "-- %s\nBEGIN;\n", set.files[i].name);
        add_bookkeeping(out, pg_schema(pg));
        add_migration(out, &set.files[i]);
        buf_add_cstr(out, "COMMIT;\n\n");
    }
    return buf_check(out, "the migrations", err);
}
