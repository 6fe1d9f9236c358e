#include "catalog/sql/verify_sql.h"

#include "catalog/content.h"
#include "catalog/sql/content_sql.h"

/* Each statement answers one row: how many were looked at, how many break the promise, the first of those. */
typedef struct Rule {
    const char *name, *promise, *sql;
} Rule;

static const Rule RULES[] = {
    {"versions_linear", "The newest version of a table is its current one, and none is missing where nothing was removed.",
     "SELECT count(*), count(*) FILTER (WHERE bad), min(who) FILTER (WHERE bad) FROM (SELECT t.id || ' ' || t.name AS who,"
     " coalesce(v.newest, -1) <> t.version OR (v.oldest = 0 AND NOT v.pointers AND v.kept <> v.newest + 1) AS bad FROM tables t LEFT JOIN"
     " (SELECT table_id, max(version) AS newest, min(version) AS oldest, count(*) AS kept, bool_or(pointer IS NOT NULL) AS pointers"
     "   FROM table_versions GROUP BY table_id) v ON v.table_id = t.id) x"},
    {"versions_in_time", "A later version of a table has a later time.",
     "SELECT count(*), count(*) FILTER (WHERE bad), min(who) FILTER (WHERE bad) FROM (SELECT table_id || ' version ' || version AS who,"
     " at <= lag(at) OVER (PARTITION BY table_id ORDER BY version) AS bad FROM table_versions) x"},
    {"versions_whole", "A version has a body, or points at a version that has one.",
     "SELECT count(*), count(*) FILTER (WHERE bad), min(who) FILTER (WHERE bad) FROM (SELECT v.table_id || ' version ' || v.version AS who,"
     " coalesce(v.body, f.body) IS NULL AS bad FROM table_versions v LEFT JOIN table_versions f ON f.table_id = v.table_id"
     " AND f.version = v.full_version) x"},
    {"versions_have_authors", "Who made a version stands in the change log.",
     "SELECT count(*), count(*) FILTER (WHERE bad), min(who) FILTER (WHERE bad) FROM (SELECT v.table_id || ' version ' || v.version AS who,"
     " c.seq IS NULL AS bad FROM table_versions v LEFT JOIN changes c ON c.seq = v.seq) x"},
    {"changes_dense", "Change ids run without gap or repeat up to the newest; retention may have taken old ones away.",
     "SELECT count(*), count(*) FILTER (WHERE bad), min(who) FILTER (WHERE bad) FROM (SELECT o.change_id::text AS who,"
     " o.change_id - 1 <> lag(o.change_id) OVER w AND lag(c.at) OVER w > clock_timestamp() - interval '1 hour' AS bad"
     " FROM change_order o JOIN changes c USING (seq) WINDOW w AS (ORDER BY o.change_id)"
     " UNION ALL SELECT 'counter', change_id <> coalesce((SELECT max(change_id) FROM change_order), change_id) FROM change_counter) x"},
    {"events_dense", "Hive event ids run without gap or repeat; retention may have taken old ones away.",
     "SELECT count(*), count(*) FILTER (WHERE bad), min(who) FILTER (WHERE bad) FROM (SELECT o.hms_event_id::text AS who,"
     " o.hms_event_id - 1 <> lag(o.hms_event_id) OVER w AND lag(c.at) OVER w > clock_timestamp() - interval '1 hour' AS bad"
     " FROM change_order o JOIN changes c USING (seq) WHERE o.hms_event_id IS NOT NULL WINDOW w AS (ORDER BY o.hms_event_id)) x"},
    {"order_is_of_changes", "Every number belongs to a change.",
     "SELECT count(*), count(*) FILTER (WHERE c.seq IS NULL), (min(o.change_id) FILTER (WHERE c.seq IS NULL))::text FROM change_order o"
     " LEFT JOIN changes c USING (seq)"},
    {"columns_stored", "The columns a table, version or partition refers to are stored.",
     "SELECT count(*), count(*) FILTER (WHERE s.id IS NULL), (min(u.id::text) FILTER (WHERE s.id IS NULL)) FROM ("
     " SELECT columns AS id FROM tables WHERE columns IS NOT NULL UNION SELECT partition_keys FROM tables WHERE partition_keys IS NOT NULL"
     " UNION SELECT columns FROM table_versions WHERE columns IS NOT NULL UNION SELECT partition_keys FROM table_versions"
     " WHERE partition_keys IS NOT NULL UNION SELECT columns FROM partitions WHERE columns IS NOT NULL"
     " UNION SELECT columns FROM partition_images WHERE columns IS NOT NULL) u LEFT JOIN column_sets s USING (id)"},
    {"formats_stored", "The storage format a table, version or partition refers to is stored.",
     "SELECT count(*), count(*) FILTER (WHERE s.id IS NULL), (min(u.id::text) FILTER (WHERE s.id IS NULL)) FROM ("
     " SELECT format AS id FROM tables WHERE format IS NOT NULL UNION SELECT format FROM table_versions WHERE format IS NOT NULL"
     " UNION SELECT format FROM partitions WHERE format IS NOT NULL UNION SELECT format FROM partition_images WHERE format IS NOT NULL) u"
     " LEFT JOIN storage_formats s USING (id)"},
    {"partitions_have_tables", "A partition hangs on a table.",
     "SELECT count(*), count(*) FILTER (WHERE t.id IS NULL), (min(p.table_id) FILTER (WHERE t.id IS NULL))::text FROM"
     " (SELECT table_id FROM partitions GROUP BY table_id) p LEFT JOIN tables t ON t.id = p.table_id"},
    {"partitions_have_bases", "A partition's location base exists.",
     "SELECT count(*), count(*) FILTER (WHERE b.no IS NULL), min(p.table_id || ' base ' || p.base) FILTER (WHERE b.no IS NULL) FROM"
     " (SELECT table_id, base FROM partitions WHERE base > 0 GROUP BY table_id, base) p LEFT JOIN location_bases b"
     " ON b.table_id = p.table_id AND b.no = p.base"},
    {"partitions_fit_keys", "A partition has a value for each of its table's keys.",
     "SELECT count(*), count(*) FILTER (WHERE bad), min(who) FILTER (WHERE bad) FROM (SELECT p.table_id || ' ' || p.name AS who,"
     " cardinality(p.vals) IS DISTINCT FROM cardinality(k.names) AS bad FROM partitions p JOIN tables t ON t.id = p.table_id"
     " LEFT JOIN column_sets k ON k.id = t.partition_keys) x"},
    {"tables_have_databases", "A table belongs to a database, a live one to a live one.",
     "SELECT count(*), count(*) FILTER (WHERE bad), min(who) FILTER (WHERE bad) FROM (SELECT t.id || ' ' || t.name AS who,"
     " d.id IS NULL OR (t.dropped_at IS NULL AND d.dropped_at IS NOT NULL) AS bad FROM tables t LEFT JOIN databases d"
     " ON d.id = t.database_id) x"},
};

size_t verify_rule_count(void) { return ARRAY_LEN(RULES); }

bool verify_rule(Ctx *ctx, PgConn *conn, size_t number, VerifyCheck *ret, Err *err) {
    const Rule *rule = &RULES[number];
    const PgStmt stmt = {NULL, rule->sql};
    PgRows rows;
    if (!pg_exec(conn, &stmt, NULL, ctx->arena, &rows, err)) {
        return false;
    }
    *ret = (VerifyCheck){rule->name, rule->promise, pg_i64(&rows, 0, 0, 0), pg_i64(&rows, 0, 1, 0), pg_text(&rows, 0, 2)};
    return true;
}

/* --- ids ------------------------------------------------------------------------------------------------------ */

/* Read in steps by id; each step has an arena of its own, because a large store has many definitions. */
enum { STEP_ROWS = 1000, STEP_MEMORY = 1 << 30 };

typedef bool (*IdCheck)(const PgRows *rows, size_t row, Arena *arena, bool *ret_right, Err *err);

static bool columns_right(const PgRows *rows, size_t row, Arena *arena, bool *ret_right, Err *err) {
    const ColumnSet *set;
    if (!column_set_from_row(rows, row, 0, arena, &set, err)) {
        return false;
    }
    *ret_right = uuid_eq(set->id, content_columns_id(set->items, set->count));
    return true;
}

static bool format_right(const PgRows *rows, size_t row, Arena *arena, bool *ret_right, Err *err) {
    const StorageFormat *format;
    if (!storage_format_from_row(rows, row, 0, arena, &format, err)) {
        return false;
    }
    *ret_right = uuid_eq(format->id, content_format_id(format));
    return true;
}

static bool check_step(Ctx *ctx, PgConn *conn, const PgStmt *stmt, IdCheck check, Uuid *after, size_t *ret_rows, VerifyCheck *ret,
                       Err *err) {
    CLEANUP(arena_cleanup) Arena *arena = arena_new(STEP_MEMORY);
    PgArgs args = pg_args(arena);
    PgRows rows;
    pg_arg_uuid(&args, *after);
    pg_arg_i64(&args, STEP_ROWS);
    if (!pg_exec(conn, stmt, &args, arena, &rows, err)) {
        return false;
    }
    for (size_t i = 0; i < rows.count; i++) {
        bool right;
        if (!check(&rows, i, arena, &right, err)) {
            return false;
        }
        *after = pg_uuid(&rows, i, 0);
        ret->looked_at++;
        if (!right && ret->broken++ == 0) {
            char text[37];
            uuid_text(*after, text);
            ret->example = arena_str(ctx->arena, str_from(text));
        }
    }
    *ret_rows = rows.count;
    return true;
}

static bool check_ids(Ctx *ctx, PgConn *conn, const PgStmt *stmt, IdCheck check, VerifyCheck *ret, Err *err) {
    Uuid after = {{0}};
    size_t rows = STEP_ROWS;
    while (rows == STEP_ROWS) {
        if (!check_step(ctx, conn, stmt, check, &after, &rows, ret, err)) {
            return false;
        }
    }
    return true;
}

bool verify_column_ids(Ctx *ctx, PgConn *conn, VerifyCheck *ret, Err *err) {
    static const PgStmt stmt = {"verify_columns",
                                "SELECT " COLUMN_SET_COLUMNS("s") " FROM column_sets s"
                                                                  " WHERE $1::uuid IS NULL OR s.id > $1 ORDER BY s.id LIMIT $2"};
    *ret = (VerifyCheck){.name = "column_ids", .promise = "A set of columns is what its id says."};
    return check_ids(ctx, conn, &stmt, columns_right, ret, err);
}

bool verify_format_ids(Ctx *ctx, PgConn *conn, VerifyCheck *ret, Err *err) {
    static const PgStmt stmt = {"verify_formats",
                                "SELECT " FORMAT_COLUMNS("f") " FROM storage_formats f"
                                                              " WHERE $1::uuid IS NULL OR f.id > $1 ORDER BY f.id LIMIT $2"};
    *ret = (VerifyCheck){.name = "format_ids", .promise = "A storage format is what its id says."};
    return check_ids(ctx, conn, &stmt, format_right, ret, err);
}
