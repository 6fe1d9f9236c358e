/* Orders of partitions by the values of their keys, each as its type compares. */
#ifndef PROPOLIS_SERVER_HMS_PARTITION_ORDER_H
#define PROPOLIS_SERVER_HMS_PARTITION_ORDER_H

#include "server/hms/hms.h"

typedef struct HmsOrderBy {
    size_t key; /* number of the partition key */
    bool descending;
} HmsOrderBy;
typedef struct HmsPartitionOrder {
    HmsOrderBy *items;
    size_t count; /* 0: by name */
} HmsPartitionOrder;

/* Hive's text for an order: numbers of keys and a sign each, "0,2:+-". Null and "" are none. */
bool hms_partition_order_read(HmsCall *call, const Table *table, Str text, HmsPartitionOrder *ret, Err *err) WARN_UNUSED;
/* VALUES: one list a partition, a value a key. *ret: the numbers of the partitions in that order; equals stay as they are. */
bool hms_partition_order(HmsCall *call, const Table *table, const HmsPartitionOrder *order, const StrList *values, size_t count,
                         size_t **ret, Err *err) WARN_UNUSED;

#endif
