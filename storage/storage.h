/* storage: where the data of tables lives.
 *
 * Purpose:   directories are looked at, made, moved and removed here and nowhere else. Callers use roots.h, which asks
 *            first whether a place may be touched; a driver per scheme does the work. No driver for a scheme means that
 *            only metadata changes there, and that is never an error.
 * Ownership: results live in the arena passed in; a Roots belongs to the server and never changes after start.
 * Threads:   everything may be called from any thread at once.
 *
 * Two ways of not doing something: a function returns false + Err when it was allowed and did not work (disk full, no
 * permission, target exists); it returns true with a verdict of "not done" when it was not its business. */
#ifndef PROPOLIS_STORAGE_STORAGE_H
#define PROPOLIS_STORAGE_STORAGE_H

#include "base/arena.h"
#include "base/clock.h"

typedef enum StorageReason {
    STORAGE_OK,            /* done */
    STORAGE_NO_DRIVER,     /* nobody here handles this scheme: metadata only */
    STORAGE_ABSENT,        /* nothing is there */
    STORAGE_NOT_EMPTY,     /* rmdir only: something is in it */
    STORAGE_UNFINISHED,    /* the deadline passed; call again to go on */
    STORAGE_OUTSIDE_ROOTS, /* from here on: a rule forbids it, say so at WARN */
    STORAGE_IS_ROOT,       /* the place is a root, or a root lies below it */
    STORAGE_PROTECTED,     /* overlaps a directory the server needs for itself */
    STORAGE_SYMLINK,       /* a symbolic link on the way or at the end */
    STORAGE_MOUNT_POINT,   /* another file system is mounted there */
    STORAGE_NOT_DIRECTORY, /* a file is there */
} StorageReason;

typedef struct StorageVerdict {
    StorageReason reason;
    unsigned made;  /* mkdir, rename: how many directories were new, the deepest one included */
    char text[400]; /* a sentence for the log; "" when done */
} StorageVerdict;

static inline bool storage_done(const StorageVerdict *v) { return v->reason == STORAGE_OK; }
static inline bool storage_warns(const StorageVerdict *v) { return v->reason >= STORAGE_OUTSIDE_ROOTS; }

typedef enum StorageKind { STORAGE_KIND_FILE, STORAGE_KIND_DIRECTORY, STORAGE_KIND_LINK, STORAGE_KIND_OTHER } StorageKind;

typedef struct StorageInfo {
    Str name; /* last segment as raw bytes, perhaps not UTF-8; null from stat */
    StorageKind kind;
    int64_t size;
    Micros modified;
} StorageInfo;

typedef struct StorageList {
    StorageInfo *items; /* by bytes of the name */
    size_t count;
    bool more; /* go on with after = name of the last */
} StorageList;

/* Hive's quick statistics: files anywhere below, leaving out what starts with "_" or "." on any level. */
typedef struct StorageUsage {
    int64_t files, bytes;
} StorageUsage;

/* How a storage root is doing right now. */
typedef struct StorageHealth {
    bool found, may_read, may_write; /* by the user this process runs as */
    int64_t free_bytes, total_bytes; /* for that user; < 0: not known */
} StorageHealth;

/* A place: PATH below the directory ROOT (no slash at either end, "" = the root itself). LOCATION is for messages. */
typedef struct StoragePlace {
    const char *root;
    Str path;
    Str location;
} StoragePlace;

enum {
    STORAGE_FEATURE_DIRECTORIES = 1, /* has mkdir and rmdir */
    STORAGE_FEATURE_RENAME = 2,      /* has rename, sync and reach */
    STORAGE_FEATURE_DELETE = 4,
};

/* What a scheme can do. Required: root_resolve, root_health, stat, list, usage. The rest as the feature bits say. */
typedef struct StorageDriver {
    const char *scheme;
    unsigned features;
    /* Makes ROOT_PATH canonical (malloc), creating it first when asked. */
    bool (*root_resolve)(Str root_path, bool create, char **ret, Err *err);
    void (*root_health)(const char *root, StorageHealth *ret);
    bool (*stat)(const StoragePlace *at, StorageInfo *ret, StorageVerdict *verdict, Err *err);
    bool (*list)(const StoragePlace *at, Arena *arena, Str after, size_t limit, StorageList *ret, StorageVerdict *verdict,
                 Err *err);
    bool (*usage)(const StoragePlace *at, Deadline deadline, StorageUsage *ret, StorageVerdict *verdict, Err *err);
    bool (*mkdir)(const StoragePlace *at, unsigned mode, StorageVerdict *verdict, Err *err);
    bool (*rmdir)(const StoragePlace *at, StorageVerdict *verdict, Err *err); /* only an empty one */
    /* Never replaces. Durable at once, or (LATER) after sync() of both directories above. */
    bool (*rename)(const StoragePlace *from, const StoragePlace *to, bool later, StorageVerdict *verdict, Err *err);
    void (*sync)(const StoragePlace *directory);
    /* How much of the path leads to the highest directory that a rename from this place can reach; 0 = the root. */
    bool (*reach)(const StoragePlace *at, size_t *ret_len, StorageVerdict *verdict, Err *err);
    bool (*delete_tree)(const StoragePlace *at, Deadline deadline, StorageVerdict *verdict, Err *err);
} StorageDriver;

extern const StorageDriver storage_file;         /* file.c */
const StorageDriver *storage_driver(Str scheme); /* NULL: metadata only */

/* Fills the verdict and returns true. */
bool storage_verdict(StorageVerdict *verdict, StorageReason reason, const char *fmt, ...) PRINTF_LIKE(3, 4);
const char *storage_reason_name(StorageReason reason);

#endif
