/* Refusals: requests that fail for a reason that is not theirs, such as a database that is away or a queue that is full. The
 * first one of a kind is logged as it is; the others are counted until there was none for a while, and then told in one
 * line. So an outage costs two lines, however many ask meanwhile. Any thread may call. */
#ifndef PROPOLIS_SERVER_REFUSALS_H
#define PROPOLIS_SERVER_REFUSALS_H

#include "base/err.h"

typedef struct Refusals Refusals;

Refusals *refusals_new(void);
void refusals_free(Refusals *refusals);
/* Whether ERR is to be logged; otherwise it was counted. NOW is monotonic. */
bool refusals_note(Refusals *refusals, const Err *err, int64_t now_us);
/* Says what is over. DATABASE_ANSWERS: it did just now; without that an outage goes on. */
void refusals_settle(Refusals *refusals, bool database_answers, int64_t now_us);

#endif
