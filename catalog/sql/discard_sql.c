#include "catalog/sql/discard_sql.h"

#include "base/log.h"
#include "catalog/sql/moves_sql.h"
#include "storage/location.h"

StrList discard_places(Ctx *ctx, const Discards *items) {
    StrList places = {ARENA_ARRAY(ctx->arena, Str, items->count), items->count};
    for (size_t i = 0; i < items->count; i++) {
        places.items[i] = items->items[i].from;
    }
    return places;
}

/* Each has to be moved by itself before the drop is answered, so there is a limit to how many. */
enum { OUTSIDE_MOST = 1000 };

/* --- what goes ------------------------------------------------------------------------------------------------ */

#define PARAM_IS_TRUE(key) "coalesce(lower(t.params[array_position(t.params, '" key "') + 1]) = 'true', false)"
/* Whose data goes is the rule of table_drop(). Partitions with a whole address are found by an index of their own and those
 * on other bases only when there are such, so that this does not walk through a million others. */
/* clang-format off */
#define DOOMED_PLACES(which) \
    "WITH t AS MATERIALIZED (SELECT t.id, t.location FROM tables t WHERE " which " AND t.dropped_at IS NULL" \
    "     AND t.type IS DISTINCT FROM 'VIRTUAL_VIEW' AND t.type IS DISTINCT FROM 'MATERIALIZED_VIEW'" \
    "     AND (" PARAM_IS_TRUE("external.table.purge") \
    "         OR (t.type = 'MANAGED_TABLE' AND NOT " PARAM_IS_TRUE("EXTERNAL") ")))" \
    " SELECT DISTINCT ON (uri) id, uri, outside FROM (" \
    "     SELECT id, location, false FROM t WHERE location IS NOT NULL" \
    "     UNION ALL (SELECT t.id, p.suffix, true FROM t JOIN partitions p ON p.table_id = t.id AND p.base = 0" \
    "         WHERE starts_with(p.suffix, t.location || '/') IS NOT TRUE AND p.suffix IS NOT NULL LIMIT $2)" \
    "     UNION ALL (SELECT t.id, b.uri || '/' || coalesce(p.suffix, p.name), true FROM t" \
    "         JOIN location_bases b ON b.table_id = t.id AND starts_with(b.uri || '/', t.location || '/') IS NOT TRUE" \
    "         JOIN partitions p ON p.table_id = t.id AND p.base = b.no LIMIT $2)) AS places (id, uri, outside) ORDER BY uri, outside, id"
/* clang-format on */

bool doomed_places(Ctx *ctx, PgConn *conn, int64_t database_id, int64_t table_id, Discards *ret, Err *err) {
    static const PgStmt one = {"doomed_places_table", DOOMED_PLACES("t.id = $1")};
    static const PgStmt all = {"doomed_places_database", DOOMED_PLACES("t.database_id = $1")};
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    pg_arg_i64(&args, table_id ? table_id : database_id);
    pg_arg_i64(&args, OUTSIDE_MOST + 1);
    if (!pg_exec(conn, table_id ? &one : &all, &args, ctx->arena, &rows, err)) {
        return false;
    }
    size_t outside = 0;
    for (size_t i = 0; i < rows.count; i++) {
        outside += pg_bool(&rows, i, 2);
    }
    if (outside > OUTSIDE_MOST) {
        log_warn(
            "More than %d partitions lie outside the directories of the tables that are dropped: their data stays where it is.",
            OUTSIDE_MOST);
    }
    *ret = (Discards){ARENA_ARRAY(ctx->arena, Discard, rows.count), 0};
    for (size_t i = 0; i < rows.count && !arena_exceeded(ctx->arena); i++) {
        if (outside <= OUTSIDE_MOST || !pg_bool(&rows, i, 2)) {
            ret->items[ret->count++] = (Discard){.table_id = pg_i64(&rows, i, 0, 0), .from = pg_text(&rows, i, 1)};
        }
    }
    return arena_check(ctx->arena, err);
}

bool doomed_count(Ctx *ctx, PgConn *conn, const DiscardWhat *what, int64_t *ret_count, Err *err) {
    static const PgStmt stmt = {NULL, "SELECT count(*) FROM partitions WHERE table_id = $1 AND name = ANY ($2::text[])"};
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    pg_arg_i64(&args, what->tables[0]);
    pg_arg_texts(&args, what->partitions);
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret_count = pg_i64(&rows, 0, 0, 0);
    return true;
}

/* --- who else uses it ----------------------------------------------------------------------------------------- */

/* $1 the places, $2 they and all above them, $3 the tables that go or whose partitions go, $4 the names of those partitions
 * (NULL: all go), $5 the database that goes. "at" is where the user's own place is: it concerns the places at and below that
 * ("down"), or just that place, which lies above it. Without a name, so that it is planned for what is there now; each place is
 * looked up in the index of places first (OFFSET 0), whatever the planner thinks of the sizes. */
/* clang-format off */
#define STAYS(t) "(" t ".id <> ALL ($3::bigint[]))"
#define STAYS_OR_PARTITIONS(t) "(" STAYS(t) " OR $4 IS NOT NULL)"
#define PARTITION_STAYS "(p.table_id <> ALL ($3) OR NOT p.name = ANY ($4::text[]))"
#define PLACES " FROM unnest($1::text[]) i (uri) "
#define PLACES_AND_ABOVE " FROM unnest($2::text[]) i (uri) "
#define FOR_EACH " CROSS JOIN LATERAL "
#define BELOW(column) column " > i.uri || '/' AND " column " < i.uri || '0'"
#define AT_OR_BELOW(column) "(" column " = i.uri OR (" BELOW(column) "))"
#define TABLES "SELECT t.* FROM tables t WHERE t.dropped_at IS NULL AND t.location IS NOT NULL AND "
#define TABLE_NAME "'table ' || (SELECT d.name FROM databases d WHERE d.id = t.database_id) || '.' || t.name"
#define LIVE_TABLE_OF(x, which) \
    FOR_EACH "(SELECT t.id, t.name FROM tables t WHERE t.id = " x ".table_id AND t.dropped_at IS NULL AND " which " OFFSET 0) t "
#define KEEPS_PARTITIONS \
    "(SELECT true FROM partitions p WHERE p.table_id = t.id AND p.base = b.no AND " PARTITION_STAYS " LIMIT 1)"
/* What is left of a path behind the bases of the one table, where its other partitions may be. */
#define OWN_REST \
    "JOIN location_bases b ON $4 IS NOT NULL AND b.table_id = ANY ($3) AND starts_with(i.uri, b.uri || '/')" \
    FOR_EACH "(SELECT substr(i.uri, length(b.uri) + 2) AS path) r"

/* At a place or above it. */
#define TABLES_ABOVE \
    "SELECT i.uri, " TABLE_NAME ", true, NULL" PLACES_AND_ABOVE \
    FOR_EACH "(" TABLES "t.location = i.uri AND " STAYS("t") " OFFSET 0) t"
#define BASES_ABOVE \
    "SELECT i.uri, 'partitions of table ' || t.name, true, NULL" PLACES_AND_ABOVE \
    FOR_EACH "(SELECT * FROM location_bases b WHERE b.uri = i.uri OFFSET 0) b" \
    LIVE_TABLE_OF("b", STAYS("t")) "WHERE " KEEPS_PARTITIONS
#define PARTITIONS_ABOVE \
    "SELECT i.uri, 'partition ' || p.name || ' of table ' || t.name, true, NULL" PLACES_AND_ABOVE \
    FOR_EACH "(SELECT p.table_id, p.name FROM partitions p WHERE p.base = 0 AND p.suffix = i.uri OFFSET 0) p" \
    LIVE_TABLE_OF("p", STAYS_OR_PARTITIONS("t")) "WHERE " PARTITION_STAYS
#define OWN_NAMED_ABOVE \
    "SELECT i.uri, 'partition ' || p.name, true, p.name" PLACES_AND_ABOVE OWN_REST \
    FOR_EACH "(SELECT p.name FROM partitions p WHERE p.table_id = b.table_id AND p.name = r.path" \
    "     AND p.base = b.no AND p.suffix IS NULL OFFSET 0) p"
#define OWN_PLACED_ABOVE \
    "SELECT i.uri, 'partition ' || p.name, true, p.name" PLACES_AND_ABOVE OWN_REST \
    FOR_EACH "(SELECT p.name FROM partitions p WHERE p.table_id = b.table_id AND p.suffix = r.path" \
    "     AND p.base > 0 AND p.base = b.no OFFSET 0) p"

/* At a place or below it. */
#define TABLES_BELOW \
    "SELECT i.uri, t.who, false, NULL" PLACES \
    FOR_EACH "(SELECT " TABLE_NAME " AS who FROM (" TABLES BELOW("t.location") " OFFSET 0) t" \
    "     WHERE " STAYS_OR_PARTITIONS("t") " LIMIT 1) t"
#define OWN_TABLE_AT \
    "SELECT i.uri, 'its table ' || t.name, false, NULL" PLACES \
    "JOIN tables t ON t.id = ANY ($3) AND $4 IS NOT NULL AND t.location = i.uri"
#define DATABASES_BELOW \
    "SELECT i.uri, 'database ' || d.name, false, NULL" PLACES \
    FOR_EACH "(SELECT d.name FROM databases d WHERE d.dropped_at IS NULL AND d.id <> $5::bigint" \
    "     AND " AT_OR_BELOW("d.location") " LIMIT 1) d"
#define MANAGED_BELOW \
    "SELECT i.uri, 'database ' || d.name || ' (managed tables)', false, NULL" PLACES \
    FOR_EACH "(SELECT d.name FROM databases d WHERE d.dropped_at IS NULL AND d.managed_location IS NOT NULL" \
    "     AND d.id <> $5 AND " AT_OR_BELOW("d.managed_location") " LIMIT 1) d"
#define CATALOGS_BELOW \
    "SELECT i.uri, 'catalog ' || c.name, false, NULL" PLACES \
    FOR_EACH "(SELECT c.name FROM catalogs c WHERE " AT_OR_BELOW("c.location") " LIMIT 1) c"
#define BASES_BELOW \
    "SELECT i.uri, b.who, false, NULL" PLACES \
    FOR_EACH "(SELECT 'partitions of table ' || t.name AS who" \
    "     FROM (SELECT * FROM location_bases b WHERE b.uri >= i.uri AND b.uri < i.uri || '0' OFFSET 0) b" \
    LIVE_TABLE_OF("b", STAYS_OR_PARTITIONS("t")) \
    "     WHERE (b.uri = i.uri OR b.uri > i.uri || '/') AND " KEEPS_PARTITIONS " LIMIT 1) b"
#define PARTITIONS_BELOW \
    "SELECT i.uri, p.who, false, NULL" PLACES \
    FOR_EACH "(SELECT 'partition ' || p.name || ' of table ' || t.name AS who" \
    "     FROM (SELECT p.table_id, p.name FROM partitions p WHERE p.base = 0 AND " BELOW("p.suffix") " OFFSET 0) p" \
    LIVE_TABLE_OF("p", STAYS_OR_PARTITIONS("t")) "WHERE " PARTITION_STAYS " LIMIT 1) p"
#define OWN_PLACED_BELOW \
    "SELECT i.uri, 'partition ' || p.name, false, NULL" PLACES OWN_REST \
    FOR_EACH "(SELECT p.name FROM (SELECT p.table_id, p.name FROM partitions p WHERE p.table_id = b.table_id AND p.base > 0" \
    "     AND p.suffix > r.path || '/' AND p.suffix < r.path || '0' AND p.base = b.no OFFSET 0) p" \
    "     WHERE " PARTITION_STAYS " LIMIT 1) p"

#define AND_ALSO " UNION ALL "
static const PgStmt USERS = {
    NULL,
    TABLES_ABOVE AND_ALSO BASES_ABOVE AND_ALSO PARTITIONS_ABOVE AND_ALSO OWN_NAMED_ABOVE AND_ALSO OWN_PLACED_ABOVE AND_ALSO
    TABLES_BELOW AND_ALSO OWN_TABLE_AT AND_ALSO DATABASES_BELOW AND_ALSO MANAGED_BELOW AND_ALSO CATALOGS_BELOW AND_ALSO
    BASES_BELOW AND_ALSO PARTITIONS_BELOW AND_ALSO OWN_PLACED_BELOW};
/* clang-format on */

static size_t depth_of(Str at) {
    size_t depth = 0;
    for (; !str_is_empty(at); at = location_parent(at)) {
        depth++;
    }
    return depth;
}

/* Each once: thousands of partitions have all but the last directory in common. */
static StrList with_ancestors(Ctx *ctx, const Discards *places) {
    size_t most = 0;
    for (size_t i = 0; i < places->count; i++) {
        most += depth_of(places->items[i].from);
    }
    StrMap *seen = strmap_new(ctx->arena, places->count);
    StrList list = {ARENA_ARRAY(ctx->arena, Str, most), 0};
    for (size_t i = 0; i < places->count && !arena_exceeded(ctx->arena); i++) {
        /* Those above one that was seen were seen as well. */
        for (Str at = places->items[i].from; !str_is_empty(at) && !strmap_put(seen, at, seen); at = location_parent(at)) {
            list.items[list.count++] = at;
        }
    }
    return list;
}

static void note_user(const Discards *places, Str at, bool down, Str who, Str *users) {
    for (size_t i = 0; i < places->count; i++) {
        Str place = places->items[i].from;
        if (str_is_null(users[i]) && (str_eq(place, at) || (down && location_is_below(at, place)))) {
            users[i] = who;
        }
    }
}

bool doomed_users(Ctx *ctx, PgConn *conn, const DiscardWhat *what, const Discards *places, Str **ret, Err *err) {
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    pg_arg_texts(&args, discard_places(ctx, places));
    pg_arg_texts(&args, with_ancestors(ctx, places));
    pg_arg_i64s(&args, what->tables, what->table_count);
    pg_arg_texts(&args, what->partitions.count ? what->partitions : (StrList){0});
    pg_arg_i64(&args, what->database_id);
    if (!arena_check(ctx->arena, err) || !pg_exec(conn, &USERS, &args, ctx->arena, &rows, err)) {
        return false;
    }
    StrMap *going = strmap_new(ctx->arena, what->partitions.count);
    for (size_t i = 0; i < what->partitions.count; i++) {
        strmap_put(going, what->partitions.items[i], going);
    }
    Str *users = ARENA_ARRAY(ctx->arena, Str, places->count);
    for (size_t i = 0; i < rows.count && !arena_exceeded(ctx->arena); i++) {
        Str own = pg_text(&rows, i, 3);
        if (str_is_null(own) || !strmap_get(going, own)) {
            note_user(places, pg_text(&rows, i, 0), pg_bool(&rows, i, 2), pg_text(&rows, i, 1), users);
        }
    }
    *ret = users;
    return arena_check(ctx->arena, err);
}

/* --- intents -------------------------------------------------------------------------------------------------- */

static void ids_arg(Ctx *ctx, PgArgs *args, const Discards *items) {
    int64_t *ids = ARENA_ARRAY(ctx->arena, int64_t, items->count);
    for (size_t i = 0; i < items->count; i++) {
        ids[i] = items->items[i].id;
    }
    pg_arg_i64s(args, ids, items->count);
}

bool asides_insert(Ctx *ctx, PgConn *conn, Discards *items, bool *ret_busy, Err *err) {
    static const PgStmt stmt = {
        "asides_insert",
        "INSERT INTO directory_intents (table_id, partition, from_uri, to_uri, aside, leased_until, leased_by)"
        " SELECT n.table_id, n.partition, n.from_uri, n.to_uri, true, clock_timestamp() + " INTENT_LEASE ", $5::uuid"
        " FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) WITH ORDINALITY n (table_id, partition, from_uri, to_uri, no)"
        " WHERE NOT EXISTS (SELECT FROM directory_intents i WHERE i.table_id = n.table_id AND (i.partition IS NULL OR n.partition IS NULL))"
        " ORDER BY n.no ON CONFLICT DO NOTHING RETURNING id, from_uri"};
    size_t n = items->count;
    int64_t *tables = ARENA_ARRAY(ctx->arena, int64_t, n);
    StrList partitions = {ARENA_ARRAY(ctx->arena, Str, n), n}, from = discard_places(ctx, items);
    StrList to = {ARENA_ARRAY(ctx->arena, Str, n), n};
    for (size_t i = 0; i < n; i++) {
        tables[i] = items->items[i].table_id;
        partitions.items[i] = items->items[i].partition;
        to.items[i] = items->items[i].to;
    }
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    pg_arg_i64s(&args, tables, n);
    pg_arg_texts(&args, partitions);
    pg_arg_texts(&args, from);
    pg_arg_texts(&args, to);
    pg_arg_uuid(&args, ctx->catalog->server_id);
    if (!arena_check(ctx->arena, err) || !pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret_busy = rows.count < n;
    for (size_t i = 0; i < n && !*ret_busy; i++) {
        items->items[i].id = pg_i64(&rows, i, 0, 0);
    }
    return true;
}

bool asides_delete(Ctx *ctx, PgConn *conn, const Discards *items, Err *err) {
    static const PgStmt stmt = {"asides_delete", "DELETE FROM directory_intents WHERE id = ANY ($1) AND leased_by = $2"};
    PgArgs args = pg_args(ctx->arena);
    ids_arg(ctx, &args, items);
    pg_arg_uuid(&args, ctx->catalog->server_id);
    return pg_exec(conn, &stmt, &args, ctx->arena, NULL, err);
}

bool asides_doom(Ctx *ctx, PgConn *conn, const Discards *items, int64_t seq, bool for_good, Err *err) {
    static const PgStmt stmt = {
        "asides_doom",
        "WITH gone AS (DELETE FROM directory_intents WHERE id = ANY ($1) AND leased_by = $2 RETURNING *),"
        " moved AS MATERIALIZED (SELECT * FROM gone WHERE id = ANY ($3)),"
        " job AS (INSERT INTO jobs (kind, payload) SELECT 'delete_data', '{}' WHERE EXISTS (SELECT FROM moved) RETURNING id),"
        " d AS (INSERT INTO dropped_data (job_id, table_id, partition, seq, from_uri, aside_uri, begun)"
        "     SELECT job.id, moved.table_id, moved.partition, nullif($4, 0), moved.from_uri, moved.to_uri, $5::bool FROM moved, job)"
        " SELECT count(*) FROM gone"};
    Discards moved = {ARENA_ARRAY(ctx->arena, Discard, items->count), 0};
    for (size_t i = 0; i < items->count; i++) {
        if (items->items[i].moved) {
            moved.items[moved.count++] = items->items[i];
        }
    }
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    ids_arg(ctx, &args, items);
    pg_arg_uuid(&args, ctx->catalog->server_id);
    ids_arg(ctx, &args, &moved);
    pg_arg_i64(&args, seq);
    pg_arg_bool(&args, for_good);
    if (!arena_check(ctx->arena, err) || !pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    return pg_i64(&rows, 0, 0, 0) == (int64_t)items->count ||
           err_set(err, ERR_CONFLICT, "Moving the data took too long and was reversed by another server. Try again.");
}

/* --- what was set aside --------------------------------------------------------------------------------------- */

static bool read_items(Ctx *ctx, const PgRows *rows, Discards *ret, Err *err) {
    *ret = (Discards){ARENA_ARRAY(ctx->arena, Discard, rows->count), rows->count};
    for (size_t i = 0; i < rows->count && !arena_exceeded(ctx->arena); i++) {
        ret->items[i] = (Discard){.id = pg_i64(rows, i, 0, 0),
                                  .table_id = pg_i64(rows, i, 1, 0),
                                  .partition = pg_text(rows, i, 2),
                                  .from = pg_text(rows, i, 3),
                                  .to = pg_text(rows, i, 4),
                                  .moved = true};
    }
    return arena_check(ctx->arena, err);
}

#define UNDOOM(which) \
    "WITH back AS (DELETE FROM dropped_data WHERE id IN (SELECT id FROM dropped_data WHERE table_id = $1 AND NOT begun" \
    "     AND " which " FOR UPDATE) RETURNING *)" \
    " INSERT INTO directory_intents (table_id, partition, from_uri, to_uri, aside, leased_until, leased_by)" \
    " SELECT table_id, partition, from_uri, aside_uri, true, clock_timestamp() + " INTENT_LEASE ", $2::uuid FROM back" \
    " ORDER BY from_uri RETURNING id, table_id, partition, from_uri, to_uri"

bool asides_undoom(Ctx *ctx, PgConn *conn, int64_t table_id, Str from, int64_t seq, Discards *ret, bool *ret_busy, Err *err) {
    static const PgStmt busy = {
        "asides_busy", "SELECT EXISTS (SELECT FROM directory_intents WHERE table_id = $1 AND (partition IS NULL OR $2::text IS NULL"
                       " OR from_uri = $2))"};
    static const PgStmt table = {"asides_undoom_table", UNDOOM("partition IS NULL")};
    static const PgStmt one = {
        "asides_undoom_partition",
        UNDOOM("partition IS NOT NULL AND from_uri = $3 ORDER BY (seq = $4) DESC NULLS LAST, id DESC LIMIT 1")};
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    pg_arg_i64(&args, table_id);
    pg_arg_text(&args, from);
    if (!pg_exec(conn, &busy, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret_busy = pg_bool(&rows, 0, 0);
    args = pg_args(ctx->arena);
    pg_arg_i64(&args, table_id);
    pg_arg_uuid(&args, ctx->catalog->server_id);
    if (!str_is_null(from)) {
        pg_arg_text(&args, from);
        pg_arg_i64(&args, seq);
    }
    *ret = (Discards){0};
    return *ret_busy ||
           (pg_exec(conn, str_is_null(from) ? &table : &one, &args, ctx->arena, &rows, err) && read_items(ctx, &rows, ret, err));
}

bool doomed_has_table(Ctx *ctx, PgConn *conn, int64_t table_id, bool *ret, Err *err) {
    static const PgStmt stmt = {"doomed_has_table",
                                "SELECT EXISTS (SELECT FROM dropped_data d JOIN tables t ON t.id = d.table_id"
                                " WHERE t.id = $1 AND d.partition IS NULL AND NOT d.begun AND d.from_uri = t.location)"};
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    pg_arg_i64(&args, table_id);
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret = pg_bool(&rows, 0, 0);
    return true;
}

bool doomed_move(Ctx *ctx, PgConn *conn, int64_t table_id, Str from, Str to, Err *err) {
    static const PgStmt stmt = {"doomed_move",
                                "UPDATE dropped_data SET from_uri = $3::text || substr(from_uri, length($2::text) + 1)"
                                " WHERE table_id = $1 AND (from_uri = $2 OR starts_with(from_uri, $2 || '/'))"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, table_id);
    pg_arg_text(&args, from);
    pg_arg_text(&args, to);
    return pg_exec_later(conn, &stmt, &args, err);
}

bool doomed_begin(Ctx *ctx, PgConn *conn, int64_t job_id, int64_t after, Discards *ret, Err *err) {
    static const PgStmt stmt = {
        "doomed_begin",
        "UPDATE dropped_data SET begun = true WHERE id IN (SELECT id FROM dropped_data WHERE job_id = $1 AND id > $2"
        " ORDER BY id LIMIT 100 FOR UPDATE) RETURNING id, table_id, partition, from_uri, aside_uri"};
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    pg_arg_i64(&args, job_id);
    pg_arg_i64(&args, after);
    return pg_exec(conn, &stmt, &args, ctx->arena, &rows, err) && read_items(ctx, &rows, ret, err);
}

bool doomed_delete(Ctx *ctx, PgConn *conn, const Discards *items, Err *err) {
    static const PgStmt stmt = {"doomed_delete", "DELETE FROM dropped_data WHERE id = ANY ($1)"};
    PgArgs args = pg_args(ctx->arena);
    ids_arg(ctx, &args, items);
    return pg_exec(conn, &stmt, &args, ctx->arena, NULL, err);
}
