/* Catalogs and databases: list, get, create, alter, drop. */
#ifndef PROPOLIS_CATALOG_DATABASES_H
#define PROPOLIS_CATALOG_DATABASES_H

#include "catalog/ctx.h"
#include "catalog/expect.h"
#include "catalog/model.h"

/* A page of names or objects: AFTER null starts at the beginning; LIMIT < 0 asks for all. */
typedef struct Page {
    Str after;
    int64_t limit;
    Str pattern; /* glob of catalog/glob.h, null for all */
} Page;

typedef struct CatalogInfos {
    CatalogInfo *items;
    size_t count;
    bool more;
} CatalogInfos;
bool catalog_list(Ctx *ctx, const Page *page, CatalogInfos *ret, Err *err) WARN_UNUSED;
bool catalog_get(Ctx *ctx, Str name, CatalogInfo *ret, Err *err) WARN_UNUSED;
bool catalog_create(Ctx *ctx, const CatalogInfo *info, CatalogInfo *ret, Err *err) WARN_UNUSED;
/* EDIT changes a copy of the current object; it may run more than once. */
typedef bool (*CatalogEdit)(Ctx *ctx, CatalogInfo *info, void *arg, Err *err);
bool catalog_alter(Ctx *ctx, Str name, Expect expect, CatalogEdit edit, void *arg, CatalogInfo *ret, Err *err) WARN_UNUSED;
bool catalog_drop(Ctx *ctx, Str name, Expect expect, Err *err) WARN_UNUSED;

typedef struct Databases {
    Database *items;
    size_t count;
    bool more;
} Databases;
bool database_list(Ctx *ctx, Str catalog, const Page *page, Databases *ret, Err *err) WARN_UNUSED;
bool database_get(Ctx *ctx, Str catalog, Str name, Database *ret, Err *err) WARN_UNUSED;
bool database_create(Ctx *ctx, const Database *database, Database *ret, Err *err) WARN_UNUSED;
typedef bool (*DatabaseEdit)(Ctx *ctx, Database *database, void *arg, Err *err);
bool database_alter(Ctx *ctx, Str catalog, Str name, Expect expect, DatabaseEdit edit, void *arg, Database *ret,
                    Err *err) WARN_UNUSED;
/* Tables and functions stay in it, locations stay where they are. ERR_ALREADY_EXISTS: the name is taken. */
bool database_rename(Ctx *ctx, Str catalog, Str name, Str new_name, Expect expect, Database *ret, Err *err) WARN_UNUSED;
typedef struct DatabaseDrop {
    Expect expect;
    bool cascade;                /* otherwise a database that holds anything is refused */
    bool delete_data;            /* of managed tables, by the rules for data */
    bool keep_managed_directory; /* the managed location of the database itself stays */
} DatabaseDrop;
bool database_drop(Ctx *ctx, Str catalog, Str name, const DatabaseDrop *how, Err *err) WARN_UNUSED;
/* Makes catalog "hive" and database "default" when they are missing. Called at start. */
bool catalog_bootstrap(Ctx *ctx, Err *err) WARN_UNUSED;

#endif
