/* thrift: the wire of the Hive Metastore, as tables.
 *
 * Purpose:   finds the end of messages in a stream (scan.h), turns their bytes into plain C structs (decode.h) and back
 *            (encode.h), in the binary and the compact protocol. One set of tables, made by gen_tables from idl/, drives all
 *            of it; there is no code per struct. hms.h has the structs and tables of the Hive Metastore.
 * Ownership: what is decoded lives in the caller's arena, and its texts point into the bytes it was decoded from, which must
 *            stay as long. Encoding owns nothing.
 * Threads:   tables are constant; everything else belongs to the thread that calls.
 *
 * How IDL types look in C: bool, int8_t ... int64_t, double; Str for string and binary; a pointer for a struct; for a container
 * a struct {items, count}, with Params for map<string,string> and StrList for lists and sets of texts. Items that are
 * structs stand in the array itself.
 * Absent and empty are different: a null Str, a NULL pointer and NULL items are absent. Numbers and bools that are not
 * required have a second member has_NAME (THRIFT_SET sets both). An absent number reads as the default of the IDL, or 0; an
 * absent text is null, whatever the default. */
#ifndef PROPOLIS_THRIFT_THRIFT_H
#define PROPOLIS_THRIFT_THRIFT_H

#include "base/map.h"

/* The numbers are those of the binary protocol. Enums are I32, binary is STRING. */
typedef enum ThriftKind {
    THRIFT_STOP = 0,
    THRIFT_BOOL = 2,
    THRIFT_BYTE = 3,
    THRIFT_DOUBLE = 4,
    THRIFT_I16 = 6,
    THRIFT_I32 = 8,
    THRIFT_I64 = 10,
    THRIFT_STRING = 11,
    THRIFT_STRUCT = 12,
    THRIFT_MAP = 13,
    THRIFT_SET = 14,
    THRIFT_LIST = 15,
    THRIFT_KINDS
} ThriftKind;

/* ---- tables -------------------------------------------------------------------------------------------------------- */

typedef struct ThriftStruct ThriftStruct;
typedef struct ThriftType ThriftType;

struct ThriftType {
    uint8_t kind;           /* ThriftKind */
    uint16_t item_bytes;    /* of an item, or of a pair of a map */
    uint16_t value_at;      /* where the value stands in a pair; the key stands first */
    const ThriftType *key;  /* of a map */
    const ThriftType *item; /* of a container */
    const ThriftStruct *of; /* of a struct */
};

typedef struct ThriftField {
    int16_t id;
    uint16_t at;        /* where the member stands in the C struct */
    uint16_t has_at;    /* has_NAME; 0: there is none, as nothing of this kind stands first */
    uint16_t raw_at;    /* NAME_raw, a Str: written in place of the member when not null; or 0 */
    uint16_t stream_at; /* NAME_stream, a ThriftStream pointer: written in place of the member when not NULL; or 0 */
    uint8_t required;   /* 0, or its number among the required fields, from 1 */
    const ThriftType *type;
    const char *name;
} ThriftField;

struct ThriftStruct {
    const char *name;
    const ThriftField *fields; /* by id */
    const void *initial;       /* a C struct with the defaults; NULL: all zero */
    uint16_t field_count;
    uint16_t bytes;
    uint8_t required_count;
    bool is_union, is_exception;
};

typedef struct ThriftMethod {
    const char *name;
    const ThriftStruct *args, *reply; /* reply: success is field 0, exceptions follow */
    bool oneway;
    const char *since, *until; /* first and last release of Hive; NULL: from the start, to this day */
} ThriftMethod;

typedef struct ThriftEnumValue {
    const char *name;
    int32_t value;
} ThriftEnumValue;

typedef struct ThriftEnum {
    const char *name;
    const ThriftEnumValue *values;
    size_t count;
} ThriftEnum;

/* What every container begins with. */
typedef struct ThriftItems {
    void *items;
    size_t count;
} ThriftItems;

/* Items for a list that is too long to be held: asked COUNT times for the next one, in order. */
typedef struct ThriftStream {
    size_t count;
    bool (*next)(void *ctx, const void **ret_item, Err *err);
    void *ctx;
} ThriftStream;

#define THRIFT_SET(value, member, to) ((value)->member = (to), (value)->has_##member = true)
/* For .items of a container that is there but empty. */
extern char thrift_no_items[];
#define THRIFT_NO_ITEMS ((void *)thrift_no_items)

const ThriftField *thrift_field(const ThriftStruct *strukt, int16_t id); /* NULL: none */
/* Whether a member has a value. True for a required number or bool. */
bool thrift_is_set(const ThriftField *field, const void *value);
const char *thrift_enum_name(const ThriftEnum *table, int32_t value); /* NULL: not in the IDL */

/* ---- messages ------------------------------------------------------------------------------------------------------ */

/* OLD is the header without a version that clients from before 2008 write; the body is the same. */
typedef enum ThriftProtocol { THRIFT_BINARY, THRIFT_BINARY_OLD, THRIFT_COMPACT } ThriftProtocol;
typedef enum ThriftMessageType { THRIFT_CALL = 1, THRIFT_REPLY, THRIFT_EXCEPTION, THRIFT_ONEWAY } ThriftMessageType;

typedef struct ThriftMessage {
    ThriftProtocol protocol;
    ThriftMessageType type;
    Str name;
    int32_t seqid;
} ThriftMessage;

enum { THRIFT_DEPTH_MAX = 64, THRIFT_NAME_MAX = 256 };

typedef struct ThriftLimits {
    size_t message_bytes;
    size_t string_bytes;
    size_t container_items;
    unsigned depth; /* of nested structs and containers; at most THRIFT_DEPTH_MAX */
} ThriftLimits;

#endif
