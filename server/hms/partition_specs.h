/* Partition specs: partitions that lie below their table with equal descriptors, told with one descriptor and relative paths. */
#ifndef PROPOLIS_SERVER_HMS_PARTITION_SPECS_H
#define PROPOLIS_SERVER_HMS_PARTITION_SPECS_H

#include "server/hms/partition_list.h"
#include "server/hms/projection.h"

typedef struct HmsSpecsHow {
    bool grouped;                    /* false: one spec with all partitions as they are */
    HmsPartitionShape shape;         /* what is left out of each */
    const HmsProjection *projection; /* of HmsPartition; NULL: everything. Grouped only */
} HmsSpecsHow;

bool hms_partition_specs(HmsCall *call, const Table *table, Partitions partitions, const HmsSpecsHow *how,
                         HmsPartitionSpecList *ret, Err *err) WARN_UNUSED;

#endif
