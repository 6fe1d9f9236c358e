/* Commands on the store itself, beside or without a running server. Each returns the program's exit code. */
#ifndef PROPOLIS_SERVER_MAINTAIN_H
#define PROPOLIS_SERVER_MAINTAIN_H

#include "config/config.h"

/* HOW: "--check", "--print", or NULL to apply. */
int server_migrate(const Config *config, const char *how);
/* Consistent while a server goes on serving. An existing FILE is replaced once the backup is whole. */
int server_backup(const Config *config, const char *file);
/* Into a store that has no catalog yet, then verifies it. */
int server_restore(const Config *config, const char *file);
int server_verify(const Config *config);
/* HOW: "--prepare", or NULL to seal with a new key from now on, also what is sealed already. */
int server_rotate_key(const Config *config, const char *how);

#endif
