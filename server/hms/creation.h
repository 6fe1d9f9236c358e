/* What a materialized view was made from. Only Hive's model has that, so it is kept among what other doors leave alone. */
#ifndef PROPOLIS_SERVER_HMS_CREATION_H
#define PROPOLIS_SERVER_HMS_CREATION_H

#include "server/hms/hms.h"

/* As Table.extra; null for NULL. */
bool hms_creation_keep(Arena *arena, const HmsTable *table, Str *ret_extra, Err *err) WARN_UNUSED;
HmsCreationMetadata *hms_creation_read(Arena *arena, const Table *table); /* NULL: none */

#endif
