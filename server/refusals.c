#include "server/refusals.h"

#include <pthread.h>

#include "base/log.h"

enum { QUIET_US = 2 * 1000 * 1000 }; /* without a further one, it is over */

typedef struct Spell {
    int64_t began_us, last_us; /* 0: none */
    uint64_t further;          /* not logged */
} Spell;

struct Refusals {
    pthread_mutex_t lock;
    Spell spells[ERR_COUNT];
};

Refusals *refusals_new(void) {
    Refusals *refusals = calloc(1, sizeof *refusals);
    if (refusals) {
        pthread_mutex_init(&refusals->lock, NULL);
    }
    return refusals;
}

void refusals_free(Refusals *refusals) {
    if (refusals) {
        pthread_mutex_destroy(&refusals->lock);
        free(refusals);
    }
}

bool refusals_note(Refusals *refusals, const Err *err, int64_t now_us) {
    if (!err_info(err->code)->retryable) {
        return true;
    }
    pthread_mutex_lock(&refusals->lock);
    Spell *spell = &refusals->spells[err->code];
    bool first = spell->began_us == 0;
    spell->began_us = first ? now_us : spell->began_us;
    spell->last_us = now_us;
    spell->further += !first;
    pthread_mutex_unlock(&refusals->lock);
    return first;
}

/* Takes the spell of CODE away when it is over. */
static bool take_over(Refusals *refusals, ErrCode code, bool database_answers, int64_t now_us, Spell *ret) {
    Spell *spell = &refusals->spells[code];
    pthread_mutex_lock(&refusals->lock);
    *ret = *spell;
    bool over = spell->began_us && now_us - spell->last_us >= QUIET_US && (database_answers || code != ERR_DATABASE_UNAVAILABLE);
    if (over) {
        *spell = (Spell){0};
    }
    pthread_mutex_unlock(&refusals->lock);
    return over;
}

void refusals_settle(Refusals *refusals, bool database_answers, int64_t now_us) {
    for (int code = 1; code < ERR_COUNT; code++) {
        Spell spell;
        if (take_over(refusals, (ErrCode)code, database_answers, now_us, &spell)) {
            log_info("No more requests are refused with %s; %" PRIu64 " were in %.1f s.", err_info((ErrCode)code)->name,
                     spell.further + 1, (double)(spell.last_us - spell.began_us) / 1e6);
        }
    }
}
