/* Tree: walking a directory tree by file descriptors: any depth without recursion, no symbolic link followed, no mount
 * point crossed, no name looked up twice from the top. */
#ifndef PROPOLIS_STORAGE_TREE_H
#define PROPOLIS_STORAGE_TREE_H

#include "storage/storage.h"

/* Removes the directory NAME of PARENT_FD with all in it. A link is removed, never what it points to. Stops at the first
 * thing that cannot be removed. LOCATION is for messages. */
bool tree_delete(int parent_fd, const char *name, Str location, Deadline deadline, StorageVerdict *verdict, Err *err);
/* Sums up the files below the directory FD (which stays open). Directories on another mount are left out. */
bool tree_usage(int fd, Str location, Deadline deadline, StorageUsage *ret, StorageVerdict *verdict, Err *err);

/* Fails with ERR_STORAGE: "Cannot WHAT LOCATION: <errno in words>", with a hint what to do. */
bool storage_fail(Err *err, int error, const char *what, Str location);

#endif
