/* All groups of methods. What stands in none is answered with UNKNOWN_METHOD. */
#include "server/hms/groups.h"

const HmsGroup *const hms_groups[] = {
    &hms_group_service,      &hms_group_databases,  &hms_group_functions,   &hms_group_tables,     &hms_group_partitions_write,
    &hms_group_tables_write, &hms_group_statistics, &hms_group_constraints, &hms_group_partitions, &hms_group_locks,
    &hms_group_transactions, &hms_group_roles,      &hms_group_rare,
};
const size_t hms_group_count = ARRAY_LEN(hms_groups);
