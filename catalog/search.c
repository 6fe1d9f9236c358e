#include "catalog/search.h"

#include "catalog/scope.h"
#include "catalog/sql/search_sql.h"
#include "config/config.h"

/* --- the page token: tier, id, name ---------------------------------------------------------------------------- */

typedef struct Place {
    int64_t tier, id;
    Str name;
} Place;

static Str place_text(Ctx *ctx, const Place *p) {
    return arena_printf(ctx->arena, "%d,%lld,%" STR_FMT, (int)p->tier, (long long)p->id, STR_ARG(p->name));
}

static bool place_parse(Str text, Place *ret, Err *err) {
    Str rest = text, tier, id;
    if (str_is_null(text)) {
        *ret = (Place){0, 0, STR("")};
        return true;
    }
    if (str_split(&rest, ',', &tier) && str_split(&rest, ',', &id) && !str_is_null(rest) && str_to_i64(tier, &ret->tier) &&
        str_to_i64(id, &ret->id) && ret->tier >= 0 && ret->tier <= SEARCH_TEXT) {
        ret->name = rest;
        return true;
    }
    return err_set(err, ERR_INVALID_TOKEN, "The place to go on searching from is none of ours. Start again without it.");
}

/* --- searching ------------------------------------------------------------------------------------------------- */

/* Tier by tier until the page is full and one more is known to be there. */
static bool search_pages(Ctx *ctx, PgConn *conn, const Str tiers[3], Place at, size_t want, SearchHit *items, size_t *ret_count,
                         Err *err) {
    size_t count = 0;
    for (; at.tier <= SEARCH_TEXT && count < want; at = (Place){at.tier + 1, 0, STR("")}) {
        size_t found = 0;
        if (!str_is_null(tiers[at.tier]) &&
            !search_sql_page(ctx, conn, tiers[at.tier], at.name, at.id, (int64_t)(want - count), items + count, &found, err)) {
            return false;
        }
        for (size_t i = 0; i < found; i++) {
            items[count + i].match = (SearchMatch)at.tier;
        }
        count += found;
    }
    *ret_count = count;
    return true;
}

/* *ret_none: the query names a database that is not there, so nothing can be found. */
static bool make_conditions(Ctx *ctx, PgConn *conn, const SearchQuery *query, Str ret_tiers[3], bool *ret_none, Err *err) {
    StrList databases = {0};
    bool named = !str_is_null(query->database);
    if (named && !search_sql_databases(ctx, conn, name_fold(ctx->arena, query->catalog), scope_name(ctx, query->database),
                                       &databases, err)) {
        return false;
    }
    *ret_none = named && databases.count == 0;
    return *ret_none || search_conditions(ctx->arena, query, named ? &databases : NULL, ret_tiers, err);
}

bool search_tables(Ctx *ctx, const SearchQuery *query, SearchHits *ret, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    Str tiers[3];
    Place at;
    size_t limit = (size_t)MAX(MIN(query->limit, ctx->catalog->config->limits.search_page), 1), count = 0;
    bool none = false;
    if (!ctx_authorize(ctx, ACTION_LIST, "table", query->catalog, query->database, STR_NULL, err) ||
        !place_parse(query->after, &at, err)) {
        return false;
    }
    SearchHit *items = ARENA_ARRAY(ctx->arena, SearchHit, limit + 1);
    if (!arena_check(ctx->arena, err) || !pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) ||
        !make_conditions(ctx, conn, query, tiers, &none, err) ||
        (!none && !search_pages(ctx, conn, tiers, at, limit + 1, items, &count, err))) {
        return false;
    }
    SearchHits hits = {.items = items};
    if (count > limit) {
        const SearchHit *last = &items[limit - 1];
        hits.next = place_text(ctx, &(Place){last->match, last->id, last->table.name});
    }
    for (size_t i = 0; i < MIN(count, limit); i++) {
        if (items[i].version >= 0) { /* not dropped while we looked */
            items[hits.count++] = items[i];
        }
    }
    *ret = hits;
    return arena_check(ctx->arena, err);
}

void search_hit_json(JsonWriter *w, const SearchHit *hit) {
    static const char *const matches[] = {"exact", "name", "text"};
    jw_object_begin(w);
    jw_put_str(w, "kind", STR("table"));
    jw_put_str(w, "catalog", hit->table.catalog);
    jw_put_str(w, "database", hit->table.database);
    jw_put_str(w, "name", hit->table.name);
    jw_put_str(w, "type", hit->type);
    jw_put_str(w, "owner", hit->owner);
    jw_put_str(w, "description", hit->description);
    jw_put_str(w, "location", hit->location);
    jw_put_i64(w, "incarnation", hit->id);
    jw_put_i64(w, "version", hit->version);
    jw_put_time(w, "updated_at", hit->updated_at);
    jw_put_str(w, "match", str_from(matches[hit->match]));
    jw_object_end(w);
}
