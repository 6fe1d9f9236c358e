/* Answers on standard output: a table, a description, or a machine's format. */
#ifndef PROPOLIS_CLI_OUTPUT_H
#define PROPOLIS_CLI_OUTPUT_H

#include <jansson.h>

#include "base/arena.h"
#include "base/buf.h"

typedef enum OutFormat { OUT_TABLE, OUT_WIDE, OUT_JSON, OUT_YAML, OUT_NDJSON, OUT_CSV, OUT_NAME } OutFormat;

/* One column of a listing. */
typedef struct Field {
    const char *title;
    const char *path;                              /* member, dots go down: "storage.location" */
    bool wide;                                     /* shown with -o wide and csv only */
    bool right;                                    /* aligned to the right */
    Str (*text)(const json_t *item, Arena *arena); /* instead of PATH */
} Field;

typedef struct View {
    const Field *fields;  /* ends with a NULL title */
    const char *names[4]; /* members that make its full name */
} View;

typedef struct Out {
    OutFormat format;
    bool color, headers, terminal;
    size_t terminal_width; /* 0: unknown, nothing is cut */
    FILE *file;
    /* the listing under way */
    const View *view;
    Arena *rows_arena;
    Str(*rows); /* cells of the buffered rows, in order */
    size_t row_count, shown, field_count;
    size_t *widths;
    const Field **fields;
} Out;

bool out_setup(Out *out, Str format, bool no_color, bool no_headers, Err *err) WARN_UNUSED;
const char *const *out_formats(void); /* NULL-ended */

/* A listing: begin, items, end. Tables are aligned in blocks, so that a million rows need no memory for all. */
void out_begin(Out *out, const View *view, Arena *arena);
bool out_item(Out *out, const json_t *item, Err *err) WARN_UNUSED;
bool out_show(Out *out, Err *err) WARN_UNUSED; /* prints the rows held back for alignment */
bool out_end(Out *out, Err *err) WARN_UNUSED;

/* One object: described for people, or as it is. */
bool out_object(Out *out, const View *view, const json_t *object, Arena *arena, Err *err) WARN_UNUSED;
bool out_document(Out *out, const json_t *value, bool start, Err *err) WARN_UNUSED; /* JSON, YAML (default) or ndjson */
bool out_text(Out *out, Str text, Err *err) WARN_UNUSED;                            /* trusted text as it is */
bool out_flush(Out *out, Err *err) WARN_UNUSED;
bool out_is_for_people(const Out *out); /* table or wide */

/* Member of OBJECT by dotted PATH; NULL when absent or null. */
const json_t *json_at(const json_t *object, const char *path);
Str json_text(const json_t *value, Arena *arena); /* any scalar as text; null Str for NULL and containers */
Str json_member_text(const json_t *object, const char *path, Arena *arena);

/* Colours, empty when off. */
typedef enum OutColor { COLOR_NONE, COLOR_BOLD, COLOR_DIM, COLOR_RED, COLOR_GREEN, COLOR_YELLOW } OutColor;
void out_colored(const Out *out, Buf *buf, OutColor color, Str text);

#endif
