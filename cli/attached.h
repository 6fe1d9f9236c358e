/* What hangs on an object and has calls of its own: tags, and the constraints of a table. In files both stand in the
 * object's definition; a definition that does not name them leaves them alone. */
#ifndef PROPOLIS_CLI_ATTACHED_H
#define PROPOLIS_CLI_ATTACHED_H

#include "cli/noun.h"

bool attached_has_tags(const Noun *noun);
/* The members that are not empty, into OBJECT, as they are now. */
bool attached_read(Cli *cli, const Noun *noun, const Ref *ref, json_t *object, Err *err) WARN_UNUSED;

/* NULL: the object is not there. */
bool attached_tags(Cli *cli, const Noun *noun, const Ref *ref, json_t **ret, Err *err) WARN_UNUSED;
/* WANTED instead of what there is. RET_CHANGED: it was something else. */
bool attached_put_tags(Cli *cli, const Noun *noun, const Ref *ref, const json_t *wanted, bool *ret_changed, Err *err) WARN_UNUSED;

typedef struct AttachedCount {
    size_t created, dropped, unchanged;
} AttachedCount;
/* WANTED instead of the constraints there are; of foreign keys or of all others, since keys must stand before what refers to
 * them. DRY only counts. */
bool attached_put_constraints(Cli *cli, const Ref *table, const json_t *wanted, bool foreign, bool dry, AttachedCount *count,
                              Err *err) WARN_UNUSED;

#endif
