/* What lists share: pages, and patterns, which are matched here and not by PostgreSQL. */
#ifndef PROPOLIS_CATALOG_SQL_ROW_H
#define PROPOLIS_CATALOG_SQL_ROW_H

#include "catalog/filter.h"
#include "catalog/glob.h"
#include "pg/pg.h"

/* Reads rows in order of a name, batch by batch, and keeps those of a page:
 *     ListScan scan = list_scan(after, limit, glob);
 *     do { …arguments: scan.after as "name > $n", list_scan_batch() as LIMIT…; pg_exec(…)
 *          for (row…; list_scan_take(&scan, arena, name of row);…) if (scan.keep) append
 *     } while (list_scan_next(&scan, rows.count));                                            */
typedef struct ListScan {
    const Glob *glob;
    Str after;     /* the last name seen */
    int64_t limit; /* < 0: all */
    int64_t kept;
    bool keep; /* the row just taken belongs to the page */
    bool more; /* the page is full and there is another match */
} ListScan;

ListScan list_scan(Str after, int64_t limit, const Glob *glob);
void list_scan_batch(PgArgs *args, const ListScan *scan);
bool list_scan_take(ListScan *scan, Arena *arena, Str name); /* false: the page is full */
bool list_scan_next(const ListScan *scan, size_t rows);

/* Room for one more item behind COUNT. */
void *list_grow(Arena *arena, void *items, size_t count, size_t *capacity, size_t item_bytes);

/* The parameters that a filter wrote into a statement, which begin behind those of ARGS. */
void row_filter_args(PgArgs *args, const FilterParams *params);

#endif
