/* Constraints: what a table's author promises about its rows. Kept and told, never enforced.
 *
 * A constraint hangs on the incarnation of its table, a foreign key on both: a table that is dropped takes its constraints
 * out of sight, one that is restored brings them back, and a new table of an old name inherits nothing. */
#ifndef PROPOLIS_CATALOG_CONSTRAINTS_H
#define PROPOLIS_CATALOG_CONSTRAINTS_H

#include "base/json_reader.h"
#include "base/json_writer.h"
#include "catalog/ctx.h"
#include "catalog/model.h"

typedef enum ConstraintKind {
    CONSTRAINT_PRIMARY_KEY,
    CONSTRAINT_FOREIGN_KEY,
    CONSTRAINT_UNIQUE,
    CONSTRAINT_NOT_NULL,
    CONSTRAINT_DEFAULT,
    CONSTRAINT_CHECK,
    CONSTRAINT_KIND_COUNT,
} ConstraintKind;

typedef struct Constraint {
    int64_t id;
    ConstraintKind kind;
    Str name; /* null when made: one is given */
    TableRef table;
    StrList columns; /* one for not_null, default and check (there also none: a check of the whole row) */
    TableRef parent; /* foreign key only */
    StrList parent_columns;
    Str parent_name; /* foreign key: the primary or unique key it refers to; null when made: found by its columns */
    int32_t update_rule, delete_rule; /* foreign key: numbers of JDBC */
    Str expression;                   /* default value or check */
    bool enable, validate, rely;
    Micros created_at;
} Constraint;
typedef struct Constraints {
    Constraint *items;
    size_t count;
} Constraints;

typedef struct ConstraintQuery {
    TableRef table;  /* constraints of this table; with a null name: any (then PARENT is given) */
    TableRef parent; /* foreign keys that refer to this one; with a null name: any */
    unsigned kinds;  /* bits 1 << ConstraintKind; 0: all */
} ConstraintQuery;
/* By kind and name. A table that is missing has none: no error. */
bool constraint_list(Ctx *ctx, const ConstraintQuery *query, Constraints *ret, Err *err) WARN_UNUSED;
/* All of one call or none. ERR_ALREADY_EXISTS: the name, or a second primary key. ERR_INVALID_INPUT: columns that the table
 * has not, a foreign key to columns that are no primary or unique key. */
bool constraint_add(Ctx *ctx, TableRef ref, const Constraints *add, Constraints *ret, Err *err) WARN_UNUSED;
/* The same inside the transaction that made the table. */
bool constraint_add_to(Ctx *ctx, PgConn *conn, const Table *table, const Constraints *add, Constraints *ret, Err *err) WARN_UNUSED;
bool constraint_drop(Ctx *ctx, TableRef ref, Str name, Err *err) WARN_UNUSED;

/* "primary_key" ... */
const char *constraint_kind_name(ConstraintKind kind);
bool constraint_kind_by_name(Str name, ConstraintKind *ret);
void constraint_json(JsonWriter *w, const Constraint *constraint);
bool constraint_from_json(const JsonAt *at, Arena *arena, Constraint *ret, Err *err) WARN_UNUSED;

#endif
