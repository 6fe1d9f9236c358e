/* Beneath: opening what lies below a directory in such a way that no symbolic link is ever followed, whoever renames
 * what at the same moment. openat2(2) where the kernel has it and lets us, a walk with O_NOFOLLOW where not.
 *
 * All functions return a file descriptor, or -1 with errno: ELOOP for a symbolic link (on the way or at the end),
 * ENOTDIR for anything else that is no directory, EXDEV for a mount point that must not be crossed. */
#ifndef PROPOLIS_STORAGE_BENEATH_H
#define PROPOLIS_STORAGE_BENEATH_H

#include "base/str.h"

/* The canonical absolute directory PATH, as it was resolved once: a link that appeared since is not followed. */
int beneath_open_root(const char *path);
/* The directory PATH ("a/b", "" = DIR_FD itself) below DIR_FD. FLAGS: O_RDONLY or O_PATH. */
int beneath_open_dir(int dir_fd, Str path, int flags);
/* One step down to the directory NAME, for reading, on the same mount only. */
int beneath_enter(int dir_fd, const char *name);
/* The directory that holds the last segment of PATH; the segment itself goes to NAME, ended by NUL. */
int beneath_open_parent(int dir_fd, Str path, char name[256]);
/* Whatever NAME is, even a link, without opening it (O_PATH). */

#endif
