/* Search: tables by words of whatever describes them.
 *
 * A table is found by the words of its name, columns, description, parameters, location and owner: each word of the query
 * must begin one of them. A table whose name is the query comes first, then those whose names match, then the rest; by name
 * within. What is kept for it is written with the table, so a search sees every committed change. */
#ifndef PROPOLIS_CATALOG_SEARCH_H
#define PROPOLIS_CATALOG_SEARCH_H

#include "base/json_writer.h"
#include "catalog/ctx.h"
#include "catalog/model.h"

typedef struct SearchQuery {
    Str text; /* words; in "double quotes" a whole word, not a beginning. null or "": everything the filters let through */
    Str catalog, database, type, owner; /* exact, names folded; null: any */
    Str column;                         /* has a column (or partition key) of that name */
    Params params;                      /* has all of these; an empty value: the key with any value */
    Str after;                          /* opaque: "next" of the page before */
    int64_t limit;
} SearchQuery;

typedef enum SearchMatch { SEARCH_EXACT, SEARCH_NAME, SEARCH_TEXT } SearchMatch;
typedef struct SearchHit {
    int64_t id, version;
    TableRef table;
    Str type, owner, description, location;
    Micros updated_at;
    SearchMatch match;
} SearchHit;
typedef struct SearchHits {
    SearchHit *items;
    size_t count;
    Str next; /* null: no more */
} SearchHits;

/* ERR_INVALID_TOKEN for an AFTER that is none. */
bool search_tables(Ctx *ctx, const SearchQuery *query, SearchHits *ret, Err *err) WARN_UNUSED;
void search_hit_json(JsonWriter *w, const SearchHit *hit);

/* --- what a table is found by ---------------------------------------------------------------------------------------- */

/* For the use cases that change tables, inside their transactions; nothing here waits. */
bool search_update(Ctx *ctx, PgConn *conn, const Table *table, Err *err) WARN_UNUSED; /* made, altered, renamed, restored */

/* The words of TABLE, each with its kind in front; every one once. Its database's number joins them in the statement: not its
 * name, so that a database can be renamed without touching its tables. */
StrList search_lexemes(Arena *arena, const Table *table);
/* The three conditions of a query, as PostgreSQL reads them (tsquery): exact name, words in the name, words anywhere; each
 * leaves out what the ones before it find. Null: that tier cannot match. DATABASES: numbers of those that query->database
 * means, at least one; NULL: any. */
bool search_conditions(Arena *arena, const SearchQuery *query, const StrList *databases, Str ret_tiers[3], Err *err) WARN_UNUSED;

#endif
