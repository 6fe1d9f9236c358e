/* Thrift's own C GLib library, behind a door of bytes: its type names are partly ours, so the two never meet in one file. */
#ifndef PROPOLIS_TESTS_ORACLE_PEER_H
#define PROPOLIS_TESTS_ORACLE_PEER_H

#include <stdbool.h>
#include <stddef.h>

/* Made by make_idl.py, in the order of hms_structs. */
typedef struct PeerType {
    const char *name;
    unsigned long (*get_type)(void);
} PeerType;

extern const PeerType peer_types[];

/* Reads the struct with this index out of BYTES and writes what was read to OUT, perhaps in the other protocol. NULL, or what
 * went wrong. */
const char *peer_rewrite(size_t index, bool compact, bool to_compact, const void *bytes, size_t count, void *out, size_t most,
                         size_t *ret_count);

#endif
