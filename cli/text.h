/* Text for people: how wide it is on a terminal, and made harmless before it gets there. */
#ifndef PROPOLIS_CLI_TEXT_H
#define PROPOLIS_CLI_TEXT_H

#include "base/buf.h"

/* Columns that S takes on a terminal (wide characters two, combining ones none). */
size_t cli_text_width(Str s);
/* S with control, bidirectional and broken characters written as \n, \x1b, \u202e: no name or comment that a server
 * sends may move the cursor or hide a part of itself. */
void cli_text_add_safe(Buf *out, Str s);
/* Safe text, cut with an ellipsis to at most WIDTH columns (0: not cut); returns the columns used. */
size_t cli_text_add_cut(Buf *out, Str s, size_t width);
/* A finished JSON document for a terminal: the same, but as JSON's own escapes, so that it stays the same document. */
void cli_text_add_safe_json(Buf *out, Str s);

#endif
