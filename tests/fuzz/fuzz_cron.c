/* Any bytes as a schedule: what parses comes next in the future, or never. */
#include "base/cron.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const Micros now = 1800000000000000;
    Cron cron;
    Err err;
    Micros next;
    if (cron_parse((Str){(const char *)data, size}, &cron, &err) && cron_next(&cron, now, &next) && next <= now) {
        abort();
    }
    return 0;
}
