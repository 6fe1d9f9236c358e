#include "storage/storage.h"

const StorageDriver *storage_driver(Str scheme) {
    static const StorageDriver *const drivers[] = {&storage_file};
    for (size_t i = 0; i < ARRAY_LEN(drivers); i++) {
        if (str_eq_nocase(scheme, str_from(drivers[i]->scheme))) {
            return drivers[i];
        }
    }
    return NULL;
}

bool storage_verdict(StorageVerdict *verdict, StorageReason reason, const char *fmt, ...) {
    *verdict = (StorageVerdict){.reason = reason};
    va_list args;
    va_start(args, fmt);
    vsnprintf(verdict->text, sizeof verdict->text, fmt, args);
    va_end(args);
    return true;
}

const char *storage_reason_name(StorageReason reason) {
    static const char *const names[] = {
        [STORAGE_OK] = "done",
        [STORAGE_NO_DRIVER] = "no_driver",
        [STORAGE_ABSENT] = "absent",
        [STORAGE_NOT_EMPTY] = "not_empty",
        [STORAGE_UNFINISHED] = "unfinished",
        [STORAGE_OUTSIDE_ROOTS] = "outside_roots",
        [STORAGE_IS_ROOT] = "is_root",
        [STORAGE_PROTECTED] = "protected",
        [STORAGE_SYMLINK] = "symlink",
        [STORAGE_MOUNT_POINT] = "mount_point",
        [STORAGE_NOT_DIRECTORY] = "not_directory",
    };
    return (unsigned)reason < ARRAY_LEN(names) ? names[reason] : "unknown";
}
