/* Between the model and the Metastore's structs. What Hive clients expect to be there always is: lists and maps are empty
 * rather than absent, a table without a storage descriptor gets an empty one. */
#ifndef PROPOLIS_SERVER_HMS_CONVERT_H
#define PROPOLIS_SERVER_HMS_CONVERT_H

#include "server/hms/hms.h"

/* ---- for answers ---- */
int32_t hms_seconds(Micros t); /* 0 for MICROS_NONE */
HmsFieldSchemaList hms_columns(Arena *arena, const ColumnSet *columns);
/* A map or list that must not be absent. */
static inline Params hms_params(Params params) { return params.items ? params : (Params){.items = THRIFT_NO_ITEMS}; }
static inline StrList hms_strs(StrList list) { return list.items ? list : (StrList){.items = THRIFT_NO_ITEMS}; }
HmsStorageDescriptor *hms_storage(Arena *arena, const Storage *storage);
HmsTable *hms_table(Arena *arena, const Table *table);
void hms_table_put(Arena *arena, const Table *table, HmsTable *ret);
/* Partitions of one answer that share columns or a format share their bytes, too, whatever order they come in: those seen
 * last are kept, by pointer. All zero before the first. */
enum { HMS_SHARED_SLOTS = 16 };
typedef struct HmsShared {
    struct {
        const ColumnSet *of;
        Str raw;
    } columns[HMS_SHARED_SLOTS];
    struct {
        const StorageFormat *of;
        HmsStorageDescriptor sd; /* with all that the format says */
    } formats[HMS_SHARED_SLOTS];
} HmsShared;
bool hms_partition_put(HmsCall *call, const Table *table, const Partition *partition, HmsShared *shared, HmsPartition *ret,
                       Err *err) WARN_UNUSED;
HmsDatabase *hms_database(Arena *arena, const Database *database);
HmsCatalog *hms_catalog(Arena *arena, const CatalogInfo *catalog);
/* "USER", "ROLE", "GROUP" and Hive's numbers. */
bool hms_principal_type(Str name, int32_t *ret);
Str hms_principal_name(int32_t type); /* null when it is none */

/* ---- of requests ---- */
Params hms_read_params(Arena *arena, const Params *params);
/* Everything that the Metastore's model has; catalog and database are taken apart. The comment is a parameter as yet:
 * catalog/hive_table.h knows what to do with it. */
bool hms_read_table(HmsCall *call, const HmsTable *table, Table *ret, Err *err) WARN_UNUSED;
bool hms_read_partition(HmsCall *call, const HmsPartition *partition, Partition *ret, Err *err) WARN_UNUSED;

#endif
