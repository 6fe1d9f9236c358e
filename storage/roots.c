#include "storage/roots.h"

#include "storage/location.h"

typedef struct Root {
    char *location; /* as configured, normalised */
    char *real;     /* what the driver made of it; NULL without a driver */
    const StorageDriver *driver;
    bool writable;
} Root;

struct Roots {
    Root *items;
    size_t count;
    char **protected_paths; /* canonical */
    size_t protected_count;
};

static char *copy(Str s) {
    char *out = malloc(s.len + 1);
    if (!out) {
        abort(); /* at start only; arena.c ends the same way */
    }
    memcpy(out, s.ptr ? s.ptr : "", s.len);
    out[s.len] = 0;
    return out;
}

/* Plain absolute paths without a slash at the end (but "/"): same, or one below the other at a segment boundary. */
static bool path_is_at_or_below(Str parent, Str path) {
    if (str_eq(parent, STR("/"))) {
        return true;
    }
    return str_starts(path, parent) && (path.len == parent.len || path.ptr[parent.len] == '/');
}

static bool add_protected(Roots *roots, Str path, Err *err) {
    char *text = copy(path);
    char *real = realpath(text, NULL);
    free(text);
    if (!real) {
        return err_set(err, ERR_INVALID_CONFIG, "The protected directory %" STR_FMT " cannot be opened", STR_ARG(path));
    }
    roots->protected_paths[roots->protected_count++] = real;
    return true;
}

static bool check_writable_root(const Roots *roots, const Root *root, Err *err) {
    if (location_is_root(str_from(root->location)) || (root->real && strcmp(root->real, "/") == 0)) {
        return err_set(err, ERR_INVALID_CONFIG, "The writable root %s is the root of its file system; name a directory in it",
                       root->location);
    }
    for (size_t i = 0; root->real && i < roots->protected_count; i++) {
        if (path_is_at_or_below(str_from(roots->protected_paths[i]), str_from(root->real))) {
            return err_set(err, ERR_INVALID_CONFIG,
                           "The writable root %s lies in %s, which the server needs for itself; choose another", root->location,
                           roots->protected_paths[i]);
        }
    }
    return true;
}

static bool add_root(Roots *roots, Arena *arena, Str text, bool writable, bool create, Err *err) {
    Str location;
    if (!location_normalise(arena, text, STR("file:"), &location, err)) {
        err->code = ERR_INVALID_CONFIG;
        return err_prefix(err, "Storage root");
    }
    Root *root = &roots->items[roots->count++];
    *root = (Root){.location = copy(location), .writable = writable, .driver = storage_driver(location_split(location).scheme)};
    if (root->driver && !root->driver->root_resolve(location_split(location).path, create && writable, &root->real, err)) {
        return false;
    }
    return !writable || check_writable_root(roots, root, err);
}

static bool add_all(Roots *roots, const RootsOptions *options, Arena *arena, Err *err) {
    for (size_t i = 0; i < options->protected_paths.count; i++) {
        if (!add_protected(roots, options->protected_paths.items[i], err)) {
            return false;
        }
    }
    for (size_t i = 0; i < options->writable.count; i++) {
        if (!add_root(roots, arena, options->writable.items[i], true, options->create, err)) {
            return false;
        }
    }
    for (size_t i = 0; i < options->readable.count; i++) {
        if (!add_root(roots, arena, options->readable.items[i], false, false, err)) {
            return false;
        }
    }
    return true;
}

bool roots_open(const RootsOptions *options, Roots **ret, Err *err) {
    CLEANUP(arena_cleanup) Arena *arena = arena_new(16 << 20);
    Roots *roots = calloc(1, sizeof *roots);
    size_t count = options->writable.count + options->readable.count;
    if (!roots || !(roots->items = calloc(count + 1, sizeof(Root))) ||
        !(roots->protected_paths = calloc(options->protected_paths.count + 1, sizeof(char *)))) {
        abort();
    }
    if (!add_all(roots, options, arena, err)) {
        roots_close(roots);
        return false;
    }
    *ret = roots;
    return true;
}

void roots_close(Roots *roots) {
    if (!roots) {
        return;
    }
    for (size_t i = 0; i < roots->count; i++) {
        free(roots->items[i].location);
        free(roots->items[i].real);
    }
    for (size_t i = 0; i < roots->protected_count; i++) {
        free(roots->protected_paths[i]);
    }
    free(roots->items);
    free(roots->protected_paths);
    free(roots);
}

size_t roots_count(const Roots *roots) { return roots->count; }

void roots_health(const Roots *roots, size_t index, RootHealth *ret) {
    const Root *root = &roots->items[index];
    *ret = (RootHealth){.location = root->location, .writable = root->writable, .has_driver = root->driver != NULL};
    if (root->driver) {
        root->driver->root_health(root->real, &ret->now);
    }
}

/* Locations come normalised; this holds the rule even if one did not. */
static bool is_clean_path(Str path) {
    Str rest = path, segment;
    while (rest.len && str_split(&rest, '/', &segment)) {
        if (segment.len == 0 || str_eq(segment, STR(".")) || str_eq(segment, STR("..")) || str_has_char(segment, 0)) {
            return false;
        }
    }
    return !str_ends(path, STR("/"));
}

/* The closest root that LOCATION lies at or below and that allows USE. */
static const Root *find_root(const Roots *roots, RootsUse use, Str location) {
    const Root *best = NULL;
    for (size_t i = 0; i < roots->count; i++) {
        const Root *root = &roots->items[i];
        Str text = str_from(root->location);
        bool fits = location_is_same(text, location) || location_is_below(text, location);
        if (fits && root->driver && (root->writable || use == ROOTS_READ) && (!best || text.len > strlen(best->location))) {
            best = root;
        }
    }
    return best;
}

static Str path_below(const Root *root, Str location) {
    Str path = str_skip(location_split(location).path, location_split(str_from(root->location)).path.len);
    return str_starts(path, STR("/")) ? str_skip(path, 1) : path;
}

/* Canonical paths are compared, so that two names of one directory do not get around the rule. */
static bool check_neighbours(const Roots *roots, RootsUse use, const StoragePlace *at, StorageVerdict *verdict) {
    CLEANUP(arena_cleanup) Arena *arena = arena_new(1 << 20);
    Str real = location_join(arena, str_from(at->root), at->path);
    for (size_t i = 0; use != ROOTS_READ && i < roots->protected_count; i++) {
        Str needed = str_from(roots->protected_paths[i]);
        if (path_is_at_or_below(needed, real) || (use == ROOTS_REMOVE && path_is_at_or_below(real, needed))) {
            storage_verdict(verdict, STORAGE_PROTECTED, "%" STR_FMT " overlaps a directory of the server itself",
                            STR_ARG(at->location));
            return false;
        }
    }
    for (size_t i = 0; use == ROOTS_REMOVE && i < roots->count; i++) {
        const char *other = roots->items[i].real;
        if (other && path_is_at_or_below(real, str_from(other))) {
            storage_verdict(verdict, STORAGE_IS_ROOT, "%" STR_FMT " is or contains the storage root %s", STR_ARG(at->location),
                            roots->items[i].location);
            return false;
        }
    }
    return true;
}

/* From a location to a driver and a place; NULL and a verdict when the rule says no. */
static const StorageDriver *find_place(const Roots *roots, RootsUse use, Str location, StoragePlace *ret, StorageVerdict *verdict) {
    const StorageDriver *driver = storage_driver(location_split(location).scheme);
    if (!driver) {
        storage_verdict(verdict, STORAGE_NO_DRIVER, "Data at %" STR_FMT " is not looked after by this server", STR_ARG(location));
        return NULL;
    }
    const Root *root = find_root(roots, use, location);
    if (!root || !is_clean_path(path_below(root, location))) {
        storage_verdict(verdict, STORAGE_OUTSIDE_ROOTS,
                        "%" STR_FMT " is not below any of the %s roots, so data there is left alone", STR_ARG(location),
                        use == ROOTS_READ ? "readable" : "writable");
        return NULL;
    }
    *ret = (StoragePlace){.root = root->real, .path = path_below(root, location), .location = location};
    *verdict = (StorageVerdict){.reason = STORAGE_OK};
    return check_neighbours(roots, use, ret, verdict) ? driver : NULL;
}

void roots_check(const Roots *roots, RootsUse use, Str location, StorageVerdict *verdict) {
    StoragePlace at;
    (void)find_place(roots, use, location, &at, verdict);
}

static bool lacks(const StorageDriver *driver, unsigned feature, Str location, StorageVerdict *verdict) {
    if (driver->features & feature) {
        return false;
    }
    return storage_verdict(verdict, STORAGE_NO_DRIVER, "%s: storage has no such operation, %" STR_FMT " stays as it is",
                           driver->scheme, STR_ARG(location));
}

bool roots_mkdir(const Roots *roots, Str location, unsigned mode, StorageVerdict *verdict, Err *err) {
    StoragePlace at;
    const StorageDriver *driver = find_place(roots, ROOTS_CREATE, location, &at, verdict);
    return !driver || lacks(driver, STORAGE_FEATURE_DIRECTORIES, location, verdict) || driver->mkdir(&at, mode, verdict, err);
}

bool roots_rmdir_if_empty(const Roots *roots, Str location, unsigned levels, StorageVerdict *verdict, Err *err) {
    StoragePlace at;
    const StorageDriver *driver = find_place(roots, ROOTS_REMOVE, location, &at, verdict);
    if (!driver || lacks(driver, STORAGE_FEATURE_DIRECTORIES, location, verdict)) {
        return true;
    }
    if (!driver->rmdir(&at, verdict, err)) {
        return false;
    }
    /* The directories above are a courtesy: what happens to them does not change the verdict. */
    for (unsigned i = 1; i < levels && storage_done(verdict); i++) {
        StorageVerdict above;
        location = location_parent(location);
        driver = find_place(roots, ROOTS_REMOVE, location, &at, &above);
        Err ignored;
        if (!driver || !driver->rmdir(&at, &above, &ignored) || !storage_done(&above)) {
            break;
        }
    }
    return true;
}

static bool rename_place(const Roots *roots, Str from, Str to, bool later, StorageVerdict *verdict, Err *err) {
    StoragePlace source, target;
    const StorageDriver *driver = find_place(roots, ROOTS_REMOVE, from, &source, verdict);
    const StorageDriver *other = driver ? find_place(roots, ROOTS_CREATE, to, &target, verdict) : NULL;
    if (!other || lacks(driver, STORAGE_FEATURE_RENAME, from, verdict)) {
        return true;
    }
    if (target.path.len == 0) {
        return storage_verdict(verdict, STORAGE_IS_ROOT, "%" STR_FMT " is a storage root", STR_ARG(to));
    }
    if (driver != other) {
        return err_set(err, ERR_STORAGE,
                       "Cannot move %" STR_FMT " to %" STR_FMT ": they are different stores, so copy the data and then "
                       "set the location",
                       STR_ARG(from), STR_ARG(to));
    }
    if (location_overlaps(from, to)) {
        return err_set(err, ERR_STORAGE, "Cannot move %" STR_FMT " to %" STR_FMT ": one contains the other", STR_ARG(from),
                       STR_ARG(to));
    }
    return driver->rename(&source, &target, later, verdict, err);
}

bool roots_rename(const Roots *roots, Str from, Str to, StorageVerdict *verdict, Err *err) {
    return rename_place(roots, from, to, false, verdict, err);
}

bool roots_rename_later(const Roots *roots, Str from, Str to, StorageVerdict *verdict, Err *err) {
    return rename_place(roots, from, to, true, verdict, err);
}

void roots_sync(const Roots *roots, Str directory) {
    StoragePlace at;
    StorageVerdict verdict;
    const StorageDriver *driver = find_place(roots, ROOTS_READ, directory, &at, &verdict);
    if (driver && !lacks(driver, STORAGE_FEATURE_RENAME, directory, &verdict)) {
        driver->sync(&at);
    }
}

bool roots_aside(const Roots *roots, Str location, Str name, Arena *arena, Str *ret, StorageVerdict *verdict, Err *err) {
    StoragePlace at;
    size_t len;
    const StorageDriver *driver = find_place(roots, ROOTS_REMOVE, location, &at, verdict);
    if (!driver || lacks(driver, STORAGE_FEATURE_RENAME, location, verdict)) {
        return true;
    }
    if (!driver->reach(&at, &len, verdict, err)) {
        return false;
    }
    if (storage_done(verdict)) {
        Str top = str_slice(location, 0, (size_t)(at.path.ptr - location.ptr) + len);
        while (str_ends(top, STR("/")) && !location_is_root(top)) {
            top = str_slice(top, 0, top.len - 1);
        }
        *ret = location_join(arena, location_join(arena, top, STR(ROOTS_ASIDE)), name);
    }
    return true;
}

bool roots_delete_tree(const Roots *roots, Str location, Deadline deadline, StorageVerdict *verdict, Err *err) {
    StoragePlace at;
    const StorageDriver *driver = find_place(roots, ROOTS_REMOVE, location, &at, verdict);
    return !driver || lacks(driver, STORAGE_FEATURE_DELETE, location, verdict) || driver->delete_tree(&at, deadline, verdict, err);
}

bool roots_stat(const Roots *roots, Str location, StorageInfo *ret, StorageVerdict *verdict, Err *err) {
    StoragePlace at;
    const StorageDriver *driver = find_place(roots, ROOTS_READ, location, &at, verdict);
    return !driver || driver->stat(&at, ret, verdict, err);
}

bool roots_exists(const Roots *roots, Str location, bool *ret, StorageVerdict *verdict, Err *err) {
    StorageInfo info;
    if (!roots_stat(roots, location, &info, verdict, err)) {
        return false;
    }
    *ret = storage_done(verdict);
    return true;
}

bool roots_list(const Roots *roots, Str location, Arena *arena, Str after, size_t limit, StorageList *ret, StorageVerdict *verdict,
                Err *err) {
    StoragePlace at;
    const StorageDriver *driver = find_place(roots, ROOTS_READ, location, &at, verdict);
    return !driver || driver->list(&at, arena, after, limit, ret, verdict, err);
}

bool roots_usage(const Roots *roots, Str location, Deadline deadline, StorageUsage *ret, StorageVerdict *verdict, Err *err) {
    StoragePlace at;
    const StorageDriver *driver = find_place(roots, ROOTS_READ, location, &at, verdict);
    return !driver || driver->usage(&at, deadline, ret, verdict, err);
}
