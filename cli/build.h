/* The flags of create, turned into the object that the API takes. */
#ifndef PROPOLIS_CLI_BUILD_H
#define PROPOLIS_CLI_BUILD_H

#include "cli/run.h"

json_t *build_new_object(Cli *cli); /* empty, lives as long as the run */
bool build_catalog(Cli *cli, json_t *object, Err *err) WARN_UNUSED;
bool build_database(Cli *cli, json_t *object, Err *err) WARN_UNUSED;
bool build_table(Cli *cli, json_t *object, Err *err) WARN_UNUSED;
bool build_function(Cli *cli, json_t *object, Err *err) WARN_UNUSED;
bool build_connection(Cli *cli, json_t *object, Err *err) WARN_UNUSED;

/* "id bigint a comment": the type ends at the first space outside of <> and (). */
bool cli_column_parse(Str text, Str *ret_name, Str *ret_type, Str *ret_comment);
/* Every KEY=VALUE of a flag into OBJECT.MEMBER. */
bool build_params(Cli *cli, FlagId flag, json_t *object, const char *member, Err *err) WARN_UNUSED;

#endif
