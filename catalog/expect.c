#include "catalog/expect.h"

bool expect_id(int64_t expected, int64_t id, const char *kind, Str name, Err *err) {
    if (expected == 0 || expected == id) {
        return true;
    }
    return err_set(err, ERR_VERSION_CONFLICT,
                   "%s %" STR_FMT " was dropped and made again since its ETag was given out. Read it again.", kind, STR_ARG(name));
}

bool expect_state(Expect expected, int64_t id, int64_t version, const char *kind, Str name, Err *err) {
    if (!expect_id(expected.id, id, kind, name, err)) {
        return false;
    }
    if (expected.version < 0 || expected.version == version) {
        return true;
    }
    return err_set(err, ERR_VERSION_CONFLICT,
                   "%s %" STR_FMT " is at version %" PRId64 ", not at %" PRId64 " as expected: read it again.", kind, STR_ARG(name),
                   version, expected.version);
}
