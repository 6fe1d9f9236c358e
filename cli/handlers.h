/* Every verb's handler. */
#ifndef PROPOLIS_CLI_HANDLERS_H
#define PROPOLIS_CLI_HANDLERS_H

#include "cli/run.h"

/* noun.c: what all nouns do alike */
bool do_list(Cli *cli, Err *err);
bool do_get(Cli *cli, Err *err);
bool do_create(Cli *cli, Err *err);
bool do_drop(Cli *cli, Err *err);
bool do_rename(Cli *cli, Err *err);
/* history.c */
bool do_table_history(Cli *cli, Err *err);
bool do_table_diff(Cli *cli, Err *err);
bool do_table_restore(Cli *cli, Err *err);
bool do_table_as_of(Cli *cli, Err *err);
bool do_table_undrop(Cli *cli, Err *err);
bool do_table_dropped(Cli *cli, Err *err);
/* partition.c */
bool do_partition_list(Cli *cli, Err *err);
bool do_partition_get(Cli *cli, Err *err);
bool do_partition_create(Cli *cli, Err *err);
bool do_partition_drop(Cli *cli, Err *err);
bool do_partition_rename(Cli *cli, Err *err);
bool do_partition_history(Cli *cli, Err *err);
bool do_partition_restore(Cli *cli, Err *err);
bool do_partition_count(Cli *cli, Err *err);
/* connection.c */
bool do_connection_test(Cli *cli, Err *err);
bool do_connection_types(Cli *cli, Err *err);
/* apply.c, export.c */
bool do_apply_files(Cli *cli, Err *err);
bool do_export_objects(Cli *cli, Err *err);
/* facts.c: statistics, constraints, tags */
bool do_stats_get(Cli *cli, Err *err);
bool do_constraint_list(Cli *cli, Err *err);
bool do_constraint_add(Cli *cli, Err *err);
bool do_constraint_drop(Cli *cli, Err *err);
bool do_tag_get(Cli *cli, Err *err);
bool do_tag_set(Cli *cli, Err *err);
/* changes.c, search.c */
bool do_changes_show(Cli *cli, Err *err);
bool do_search_run(Cli *cli, Err *err);
/* access.c */
bool do_user_create(Cli *cli, Err *err);
bool do_user_list(Cli *cli, Err *err);
bool do_user_revoke(Cli *cli, Err *err);
bool do_token_create(Cli *cli, Err *err);
bool do_token_list(Cli *cli, Err *err);
bool do_token_revoke(Cli *cli, Err *err);
bool do_whoami_show(Cli *cli, Err *err);
/* doctor.c */
bool do_doctor_run(Cli *cli, Err *err);
/* help.c, completion.c */
bool do_help_run(Cli *cli, Err *err);
bool do_completion_script(Cli *cli, Err *err);
bool do_completion_words(Cli *cli, Err *err);

#endif
