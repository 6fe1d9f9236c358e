/* Types: Hive type texts, read into a tree and compared.
 *
 * The catalog stores every type text as it was given; a text that does not parse is stored all the same, so parsing is
 * asked for only where a rule needs the tree (partition keys, differences, classification of a change). */
#ifndef PROPOLIS_CATALOG_TYPES_H
#define PROPOLIS_CATALOG_TYPES_H

#include "base/arena.h"

enum {
    TYPE_MAX_DEPTH = 128,      /* of array/map/struct/uniontype in one another */
    TYPE_MAX_BYTES = 1u << 20, /* of one type text */
    DECIMAL_MAX_PRECISION = 38,
};

typedef enum TypeKind {
    TYPE_UNKNOWN, /* does not parse */
    TYPE_VOID,
    TYPE_BOOLEAN,
    TYPE_TINYINT,
    TYPE_SMALLINT,
    TYPE_INT,
    TYPE_BIGINT,
    TYPE_FLOAT,
    TYPE_DOUBLE,
    TYPE_DECIMAL,
    TYPE_STRING,
    TYPE_VARCHAR,
    TYPE_CHAR,
    TYPE_BINARY,
    TYPE_DATE,
    TYPE_TIMESTAMP,
    TYPE_TIMESTAMP_LOCAL, /* with local time zone */
    TYPE_TIMESTAMP_ZONE,  /* with time zone */
    TYPE_INTERVAL_YEAR_MONTH,
    TYPE_INTERVAL_DAY_TIME,
    TYPE_ARRAY,
    TYPE_MAP,
    TYPE_STRUCT,
    TYPE_UNION,
} TypeKind;

typedef struct Type Type;

typedef struct TypeField {
    Str name;    /* struct fields only; without back quotes */
    Str comment; /* null: none */
    const Type *type;
} TypeField;

struct Type {
    TypeKind kind;
    int32_t precision, scale; /* decimal; precision also the length of char and varchar (0: none given) */
    TypeField *fields;        /* array: item; map: key, value; struct and union: all */
    size_t field_count;
};

/* Reads TEXT, keywords in any case. Names of struct fields may hold any characters but `: , < > ( )` or stand in back
 * quotes. ERR_INVALID_TYPE says what is wrong and where. */
bool type_parse(Arena *arena, Str text, const Type **ret, Err *err) WARN_UNUSED;
/* The kind of a type text by its outermost word and parameters; TYPE_UNKNOWN when it does not parse. */
TypeKind type_kind(Str text);
/* The canonical text: lower case, no spaces, aliases replaced, comments left out. */
Str type_text(Arena *arena, const Type *type);
bool type_equal(const Type *a, const Type *b); /* but for comments and the case of field names */

/* What the Hive Metastore checks on create and alter, and no more: the first word of the text, case-sensitively, against its
 * list of type names. */
bool types_check_first_token(Str text);

/* How the files of a table are laid out, as far as reading old files under a new type goes. */
typedef enum TypeFormat { FORMAT_UNKNOWN, FORMAT_PARQUET, FORMAT_ORC, FORMAT_AVRO, FORMAT_TEXT, FORMAT_JSON } TypeFormat;
/* From the input format and SerDe class of a storage descriptor; either may be null. */
TypeFormat type_format_of(Str input_format, Str serde);
/* Do readers of that format find columns by position rather than by name? */
bool type_format_by_position(TypeFormat format);

typedef enum TypeChange {
    TYPE_CHANGE_NONE,     /* the same text */
    TYPE_CHANGE_COSMETIC, /* another spelling of the same type, or other comments */
    TYPE_CHANGE_SAFE,     /* every engine reads old files under the new type */
    TYPE_CHANGE_ENGINE,   /* some engines do, see the reason */
    TYPE_CHANGE_BREAKING,
} TypeChange;
const char *type_change_name(TypeChange change); /* "none", "cosmetic", "safe", "engine_dependent", "breaking" */

/* What happens to readers of existing files when a column goes from OLD to NEW. RET_REASON (may be NULL): one sentence, with
 * the path of the nested field that decides. The worst nested change counts. */
TypeChange type_change_class(Arena *arena, Str old, Str new, TypeFormat format, Str *ret_reason);

/* The Hive Metastore's "incompatible column type change" of one position: true when OLD may become NEW. Unparsable types are
 * compared as text. */
bool type_hive_compatible(Str old, Str new);

#endif
