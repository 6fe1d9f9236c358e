/* Definitions: column sets and storage formats that were read lately, shared by all requests of the process. An id is the
 * hash of the content, so what is kept here can never be out of date and nobody has to be told of changes.
 *
 * Ownership: entries are counted; who takes one holds it until its arena is reset or freed.
 * Threads:   any number. */
#ifndef PROPOLIS_CATALOG_DEFINITIONS_H
#define PROPOLIS_CATALOG_DEFINITIONS_H

#include "catalog/ctx.h"
#include "catalog/model.h"

Definitions *definitions_new(size_t most_bytes);
void definitions_free(Definitions *d); /* NULL is fine, here and below */

/* NULL when it is not there. */
const ColumnSet *definitions_columns(Definitions *d, Arena *arena, Uuid id);
const StorageFormat *definitions_format(Definitions *d, Arena *arena, Uuid id);
/* Keeps a copy, in place of what is used least if need be. */
void definitions_keep_columns(Definitions *d, const ColumnSet *set);
void definitions_keep_format(Definitions *d, const StorageFormat *format);

#endif
