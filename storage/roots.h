/* Roots: the rule that decides what may be touched, and the only way to a driver.
 *
 * Something is created, moved or deleted only below a writable root, read only at or below a readable or writable one.
 * Deleting or moving a root, a directory that contains one, or anything that overlaps a protected directory is refused.
 * A root may itself be reached through symbolic links: they are resolved once, at start; below it none is followed.
 * Whether another live object lies at or below a place is the catalog's question and must have been asked before. */
#ifndef PROPOLIS_STORAGE_ROOTS_H
#define PROPOLIS_STORAGE_ROOTS_H

#include "storage/storage.h"

typedef struct Roots Roots;

/* The directory that holds what was set aside, in a root or the top of a file system below one. */
#define ROOTS_ASIDE ".propolis-dropped"

typedef struct RootsOptions {
    StrList writable, readable; /* locations; of a scheme without a driver: remembered, never used */
    StrList protected_paths;    /* plain paths, such as the data directory of the database */
    bool create;                /* make missing writable roots of the file driver */
} RootsOptions;

/* ERR_INVALID_CONFIG for a root that is no address, is "/" (writable) or lies in a protected directory; ERR_STORAGE for
 * one that cannot be opened. */
bool roots_open(const RootsOptions *options, Roots **ret, Err *err) WARN_UNUSED;
void roots_close(Roots *roots);

/* For diagnosis: the roots one by one, as they are now. */
typedef struct RootHealth {
    const char *location;
    bool writable;   /* meant to be */
    bool has_driver; /* false: metadata only, and nothing below is filled */
    StorageHealth now;
} RootHealth;
size_t roots_count(const Roots *roots);
void roots_health(const Roots *roots, size_t index, RootHealth *ret);

/* The rule alone, nothing is touched: what would be done to LOCATION. */
typedef enum RootsUse { ROOTS_READ, ROOTS_CREATE, ROOTS_REMOVE } RootsUse;
void roots_check(const Roots *roots, RootsUse use, Str location, StorageVerdict *verdict);

/* Each fills the verdict when it returns true, and *ret only if storage_done(verdict). See storage.h. */

/* Makes LOCATION and what is missing above it (MODE less the umask). Done as well when it is there; verdict->made tells
 * how many levels are new, for roots_rmdir_if_empty() to take back. */
bool roots_mkdir(const Roots *roots, Str location, unsigned mode, StorageVerdict *verdict, Err *err) WARN_UNUSED;
/* Removes LOCATION and LEVELS - 1 directories above it as far as they are empty; never a root. */
bool roots_rmdir_if_empty(const Roots *roots, Str location, unsigned levels, StorageVerdict *verdict, Err *err) WARN_UNUSED;
/* One atomic step, durable when it returns. ERR_ALREADY_EXISTS when anything is at TO. Missing directories above TO are
 * made (verdict->made counts TO and them). Across file systems or stores: ERR_STORAGE and nothing happened. */
bool roots_rename(const Roots *roots, Str from, Str to, StorageVerdict *verdict, Err *err) WARN_UNUSED;
/* The same for one of many: durable only after roots_sync() of the directories above FROM and TO. */
bool roots_rename_later(const Roots *roots, Str from, Str to, StorageVerdict *verdict, Err *err) WARN_UNUSED;
void roots_sync(const Roots *roots, Str directory);
/* Where LOCATION can be set aside by one such step: NAME in a directory for that, as close to the root as the file system
 * allows, so that nothing that is moved or deleted takes it along. */
bool roots_aside(const Roots *roots, Str location, Str name, Arena *arena, Str *ret, StorageVerdict *verdict, Err *err) WARN_UNUSED;
/* Removes LOCATION with all in it; STORAGE_ABSENT when there is nothing. It may stop half-way, by an error or by DEADLINE
 * (STORAGE_UNFINISHED); calling it again goes on. */
bool roots_delete_tree(const Roots *roots, Str location, Deadline deadline, StorageVerdict *verdict, Err *err) WARN_UNUSED;

bool roots_stat(const Roots *roots, Str location, StorageInfo *ret, StorageVerdict *verdict, Err *err) WARN_UNUSED;
/* *ret: a directory (or object) is known to be there. False for what may not be looked at. */
bool roots_exists(const Roots *roots, Str location, bool *ret, StorageVerdict *verdict, Err *err) WARN_UNUSED;
/* Entries of one directory behind the name AFTER ("" or null: from the start), at most LIMIT (and 10,000). */
bool roots_list(const Roots *roots, Str location, Arena *arena, Str after, size_t limit, StorageList *ret, StorageVerdict *verdict,
                Err *err) WARN_UNUSED;
bool roots_usage(const Roots *roots, Str location, Deadline deadline, StorageUsage *ret, StorageVerdict *verdict,
                 Err *err) WARN_UNUSED;

#endif
