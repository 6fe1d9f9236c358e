/* Projections: which members of a struct an answer shows, as dotted names ("sd.cols.name"), for any struct of the IDL. */
#ifndef PROPOLIS_SERVER_HMS_PROJECTION_H
#define PROPOLIS_SERVER_HMS_PROJECTION_H

#include "server/hms/hms.h"

typedef struct HmsProjection HmsProjection;

/* *ret is NULL when FIELDS is empty: then everything is shown. MetaException for a name that OF has not. */
bool hms_projection_read(HmsCall *call, const ThriftStruct *of, StrList fields, const HmsProjection **ret, Err *err) WARN_UNUSED;
/* Whether the member NAME (undotted) is shown, whole or in part; *ret_part (may be NULL) is what of it, NULL: everything. */
bool hms_projection_has(const HmsProjection *projection, const char *name, const HmsProjection **ret_part);
/* Clears every member of VALUE, and of the structs in it, that is not shown. */
void hms_project(const HmsProjection *projection, void *value);

#endif
