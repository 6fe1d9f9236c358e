/* Content ids: the first 128 bits of SHA-256 over a canonical form, so that equal definitions are stored once and a writer
 * knows the id without asking the database. Null and "" differ in it. Never change the form: stored ids depend on it. */
#ifndef PROPOLIS_CATALOG_CONTENT_H
#define PROPOLIS_CATALOG_CONTENT_H

#include "base/arena.h"
#include "catalog/model.h"

Uuid content_columns_id(const Column *items, size_t count);
Uuid content_format_id(const StorageFormat *format);

/* Sets the id; an empty list of columns has an id too (a descriptor without columns is not "no descriptor"). */
const ColumnSet *column_set_make(Arena *arena, Column *items, size_t count);
const StorageFormat *storage_format_make(Arena *arena, const StorageFormat *format);

extern const ColumnSet column_set_none; /* id zero, no columns: what partition_keys points at when there are none */
extern const StorageFormat storage_format_none;

#endif
