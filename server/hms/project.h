/* Projections: answers that hold only the fields a client asked for. */
#ifndef PROPOLIS_SERVER_HMS_PROJECT_H
#define PROPOLIS_SERVER_HMS_PROJECT_H

#include "base/arena.h"
#include "thrift/thrift.h"

/* Clears the fields of VALUE that no path of FIELDS leads to ("owner", "sd.location", "sd.cols.name", named as in the IDL; what
 * is not in there leads nowhere). Required numbers stay. VALUE and all below it must be the caller's own. */
void hms_project(Arena *arena, const ThriftStruct *strukt, void *value, StrList fields);

#endif
