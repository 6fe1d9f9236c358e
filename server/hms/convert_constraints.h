/* Constraints of Hive's lists, which have a row a column, as the model has them. */
#ifndef PROPOLIS_SERVER_HMS_CONVERT_CONSTRAINTS_H
#define PROPOLIS_SERVER_HMS_CONVERT_CONSTRAINTS_H

#include "catalog/constraints.h"
#include "server/hms/hms.h"

typedef struct HmsConstraintRows {
    HmsSQLPrimaryKeyList primary;
    HmsSQLForeignKeyList foreign;
    HmsSQLUniqueConstraintList unique;
    HmsSQLNotNullConstraintList not_null;
    HmsSQLDefaultConstraintList defaults;
    HmsSQLCheckConstraintList checks;
} HmsConstraintRows;

/* Rows of one name are one key, wherever they stand; rows without a name are one key until one counts from 1 again (a primary key: all of them).
 * The tables are as given, each with its catalog or none. */
bool hms_read_constraints(HmsCall *call, const HmsConstraintRows *rows, Constraints *ret, Err *err) WARN_UNUSED;

#endif
