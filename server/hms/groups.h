/* The groups of methods, one a file. */
#ifndef PROPOLIS_SERVER_HMS_GROUPS_H
#define PROPOLIS_SERVER_HMS_GROUPS_H

#include "server/hms/hms.h"

extern const HmsGroup hms_group_databases;        /* hms_databases.c: catalogs, too */
extern const HmsGroup hms_group_functions;        /* hms_functions.c */
extern const HmsGroup hms_group_service;          /* hms_service.c: the server itself, its configuration, who calls */
extern const HmsGroup hms_group_tables;           /* hms_tables.c */
extern const HmsGroup hms_group_partitions_write; /* hms_partitions_write.c: add, append, alter, rename, drop */
extern const HmsGroup hms_group_tables_write;     /* hms_tables_write.c */
extern const HmsGroup hms_group_statistics;       /* hms_statistics.c */
extern const HmsGroup hms_group_constraints;      /* hms_constraints.c */
extern const HmsGroup hms_group_partitions;       /* hms_partitions.c: reading them */
extern const HmsGroup hms_group_locks;            /* hms_locks.c */
extern const HmsGroup hms_group_transactions;     /* hms_transactions.c */
extern const HmsGroup hms_group_roles;            /* hms_roles.c: roles and privileges */
extern const HmsGroup hms_group_rare;             /* hms_rare.c, rare.def: what few clients ask for */

#define HMS_GROUP(of_name, of_rows) \
    { .name = (of_name), .rows = (of_rows), .count = ARRAY_LEN(of_rows) }

#endif
