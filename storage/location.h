/* Location: the address of data as text, "scheme://authority/path" or "scheme:/path".
 *
 * Purpose:   one way to write an address, so that clients can compare texts and rules about "below" cannot be fooled.
 * Ownership: results are views of the input or live in the arena that is passed in.
 * Threads:   pure functions, no state.
 *
 * file, hdfs and viewfs addresses are written as Hadoop writes them: one slash where there were several, none at the
 * end, scheme and authority taken from the default file system, "file:///x" as "file:/x". Every other scheme (object
 * stores, where "a//b" and "a/b" are two different keys) stays as it was given. Nothing is ever URL-decoded. */
#ifndef PROPOLIS_STORAGE_LOCATION_H
#define PROPOLIS_STORAGE_LOCATION_H

#include "base/arena.h"

/* Below what an index entry of PostgreSQL can hold (2,704 bytes), because locations are indexed. */
enum { LOCATION_MAX_BYTES = 2600 };

/* Views of a location; joined again they give the same text. */
typedef struct LocationParts {
    Str scheme;    /* null: none */
    Str authority; /* null: none was written; "" for "file:///x" */
    Str path;      /* "/x/y"; "" when nothing follows; without a leading slash for an opaque one such as "jdbc:..." */
} LocationParts;

/* Checks and rewrites TEXT. DEFAULT_FS is what an address without a scheme belongs to ("file:", "hdfs://nn:8020").
 * Refused with ERR_INVALID_LOCATION: empty, longer than the limit, not UTF-8, control characters, "." and ".."
 * segments, relative paths, a host in a file address. */
bool location_normalise(Arena *arena, Str text, Str default_fs, Str *ret, Err *err) WARN_UNUSED;

LocationParts location_split(Str location);
bool location_is_root(Str location); /* no path but slashes */
bool location_is_same(Str a, Str b); /* up to slashes at the end and the case of the scheme */
/* Strictly below, at a path boundary: "/wh/ab" is not below "/wh/a". */
bool location_is_below(Str parent, Str child);
bool location_overlaps(Str a, Str b); /* same, or one below the other */
Str location_parent(Str location);    /* null for a root */
Str location_name(Str location);      /* last segment, "" for a root */

/* BASE + "/" + SUFFIX, without doubling the slash; an empty suffix gives BASE. */
Str location_join(Arena *arena, Str base, Str suffix);
/* The SUFFIX for which location_join(BASE, SUFFIX) gives exactly LOCATION again; null when there is none. */
Str location_suffix(Str base, Str location);

/* The path of a file address ("/wh/t"); null for any other scheme. */
Str location_file_path(Str location);

#endif
