/* Lists of partitions in answers: made one at a time while they are written, however many there are. */
#ifndef PROPOLIS_SERVER_HMS_PARTITION_LIST_H
#define PROPOLIS_SERVER_HMS_PARTITION_LIST_H

#include "catalog/glob.h"
#include "server/hms/hms.h"

/* What a request wants left out of each partition. All zero: nothing. */
typedef struct HmsPartitionShape {
    bool without_columns, some_params;
    Wildcard include, exclude; /* of parameter keys: only those, and not those; no tokens: no such condition */
} HmsPartitionShape;

/* Patterns are SQL's (% and _); null and "" are none. */
bool hms_partition_shape(HmsCall *call, bool without_columns, Str include, Str exclude, HmsPartitionShape *ret,
                         Err *err) WARN_UNUSED;
/* The parameters that SHAPE leaves. */
Params hms_shape_params(Arena *arena, const HmsPartitionShape *shape, Params params);

const ThriftStream *hms_partition_stream(HmsCall *call, const Table *table, Partitions partitions, const HmsPartitionShape *shape);

#endif
