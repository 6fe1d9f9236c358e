/* What changed between two versions of a table, each change classified for those who read the table. */
#ifndef PROPOLIS_CATALOG_DIFF_H
#define PROPOLIS_CATALOG_DIFF_H

#include "base/arena.h"
#include "catalog/model.h"

/* Ordered: the class of a whole diff is the highest of its changes. */
typedef enum ChangeClass {
    CHANGE_COSMETIC, /* nobody's query notices: comments, parameters */
    CHANGE_SAFE,     /* old files under the new definition and old readers both work */
    CHANGE_DEPENDS,  /* works in some engines only; the reason says which */
    CHANGE_BREAKING,
} ChangeClass;

typedef struct TableDiff {
    size_t count;
    ChangeClass worst;
    bool identical;    /* nothing differs at all */
    bool noop;         /* nothing but server-kept facts (statistics, transient_lastDdlTime) differs */
    bool pointer_move; /* an Iceberg table's metadata moved on and nothing else that a person would call a change */
    bool columns_changed;
    Str json; /* {"class": ..., "changes": [{"op","path","old","new","class","why"}]}; null when empty */
} TableDiff;

void table_diff(Arena *arena, const Table *from, const Table *to, TableDiff *ret);

const Column *column_find(const ColumnSet *set, Str name); /* NULL: not there */
/* Parameters the server keeps itself; a difference in them alone is no change. */
bool param_is_server_kept(Str key);
/* What every Iceberg commit writes beside metadata_location. */
bool param_moves_with_pointer(Str key);
bool table_is_iceberg(const Table *table);
/* Tables whose state is in a log of their own, so that moving the pointer back loses commits: Iceberg, Delta, Hudi. */
bool table_is_log_format(const Table *table);

#endif
