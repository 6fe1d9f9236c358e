/* base: what every other folder stands on and what stands on nothing of ours.
 *
 * Purpose:   memory, strings, errors, logging, clocks, hashes, JSON in and out.
 * Ownership: Str never owns; Buf owns its bytes; everything else lives in an Arena that the caller passes in.
 * Threads:   nothing here keeps global state except the log (one lock) and the thread-local log context; an Arena
 *            or a Buf belongs to one thread at a time.
 *
 * This file comes first in every source file. */
#ifndef PROPOLIS_BASE_H
#define PROPOLIS_BASE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PRINTF_LIKE(fmt_at, args_at) __attribute__((format(printf, fmt_at, args_at)))
#define WARN_UNUSED __attribute__((warn_unused_result))
#define NORETURN __attribute__((noreturn))
#define UNUSED __attribute__((unused))
/* Runs FN(&variable) when the variable leaves its scope. */
#define CLEANUP(fn) __attribute__((cleanup(fn)))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

/* Unbounded or surprising functions of the C library; Buf, Str and the parsers of str.h take their place. */
#undef sprintf /* clang sees glibc's checked sprintf as a macro, and a macro cannot be poisoned */
#undef vsprintf
#pragma GCC poison strcpy strcat sprintf vsprintf strncpy strncat gets atoi atol atoll atof strtok

/* Cleanup helpers for what is not arena memory. */
void cleanup_free(void *pointer_to_pointer);
void cleanup_close(int *fd);
void cleanup_fclose(FILE **file);

#endif
