/* The Hive Metastore's structs and tables, made from idl/. Structs are called Hms and the name of the IDL (HmsTable); each
 * method adds HmsGetTableArgs and HmsGetTableReply. Field names are those of the IDL. */
#ifndef PROPOLIS_THRIFT_HMS_H
#define PROPOLIS_THRIFT_HMS_H

#include "gen/hms.auto.h"

const ThriftMethod *hms_method_find(Str name); /* NULL: there is no such method */

#endif
