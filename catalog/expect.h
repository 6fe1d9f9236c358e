/* Expect: the state of an object that a caller builds on. A use case looks at it under the lock of what it changes, so
 * nobody can come in between; another state is ERR_VERSION_CONFLICT. */
#ifndef PROPOLIS_CATALOG_EXPECT_H
#define PROPOLIS_CATALOG_EXPECT_H

#include "base/err.h"

typedef struct Expect {
    int64_t id;      /* this very object, not a successor of its name; 0: any */
    int64_t version; /* < 0: any */
} Expect;
#define EXPECT_ANY ((Expect){0, -1})

bool expect_id(int64_t expected, int64_t id, const char *kind, Str name, Err *err) WARN_UNUSED;
/* KIND with a capital, NAME as a person would say it. */
bool expect_state(Expect expected, int64_t id, int64_t version, const char *kind, Str name, Err *err) WARN_UNUSED;

#endif
