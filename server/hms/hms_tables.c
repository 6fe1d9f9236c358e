/* Tables: get, list, create, alter, drop. */
#include "catalog/tables.h"
#include "server/hms/convert.h"
#include "server/hms/groups.h"

/* ---- one table -------------------------------------------------------------------------------------------------- */

static bool get_table(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGetTableArgs *a = args;
    TableRef ref;
    Table table;
    if (!hms_table_ref(call, STR_NULL, a->dbname, a->tbl_name, &ref, err) || !table_get(&call->ctx, ref, &table, err)) {
        return false;
    }
    ((HmsGetTableReply *)reply)->success = hms_table(call->arena, &table);
    return true;
}

static const HmsRow ROWS[] = {
    {"get_table", get_table, HMS_READ, {{0}}},
};
const HmsGroup hms_group_tables = HMS_GROUP("tables", ROWS);
