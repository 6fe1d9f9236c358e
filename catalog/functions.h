/* Functions: what engines register under a name in a database. */
#ifndef PROPOLIS_CATALOG_FUNCTIONS_H
#define PROPOLIS_CATALOG_FUNCTIONS_H

#include "catalog/ctx.h"
#include "catalog/databases.h"
#include "catalog/glob.h"
#include "catalog/model.h"

typedef struct FunctionRef {
    Str catalog, database, name; /* null catalog: the default one */
} FunctionRef;

typedef struct FunctionQuery {
    Str catalog;
    Str database;       /* null: those of all databases */
    const Glob *glob;   /* parsed by the door's grammar; NULL: all */
    Str type;           /* REGULAR_FUNCTION, ...; null: all */
    Str after_database; /* page: behind this function; null: from the start. Without DATABASE both are needed. */
    Str after;
    int64_t limit; /* < 0: all */
} FunctionQuery;
typedef struct Functions {
    Function *items;
    size_t count;
    bool more;
} Functions;

/* By database and name. ERR_CATALOG_NOT_FOUND, ERR_DATABASE_NOT_FOUND; a door that answers an empty list maps them. */
bool function_list(Ctx *ctx, const FunctionQuery *query, Functions *ret, Err *err) WARN_UNUSED;
bool function_get(Ctx *ctx, FunctionRef ref, Function *ret, Err *err) WARN_UNUSED;
bool function_create(Ctx *ctx, const Function *function, Function *ret, Err *err) WARN_UNUSED;
/* EDIT changes a copy of the current function; it may run more than once. Changing name or database renames. An edit that
 * changes nothing writes nothing. */
typedef bool (*FunctionEdit)(Ctx *ctx, Function *function, void *arg, Err *err);
bool function_alter(Ctx *ctx, FunctionRef ref, Expect expect, FunctionEdit edit, void *arg, Function *ret, Err *err) WARN_UNUSED;
bool function_rename(Ctx *ctx, FunctionRef ref, Str new_database, Str new_name, Expect expect, Function *ret,
                     Err *err) WARN_UNUSED; /* null: as it is */
bool function_drop(Ctx *ctx, FunctionRef ref, Expect expect, Err *err) WARN_UNUSED;

#endif
