/* Counters and histograms, shown as Prometheus text. Recording takes no lock. */
#ifndef PROPOLIS_SERVER_METRICS_H
#define PROPOLIS_SERVER_METRICS_H

#include "base/buf.h"
#include "server/method.h"

typedef struct Metrics Metrics;

Metrics *metrics_new(MethodTable methods);
void metrics_free(Metrics *metrics);
/* One call of METHOD (NULL: no method matched) ended with CODE (ERR_NONE: well) after US microseconds. */
void metrics_record(Metrics *metrics, const Method *method, ErrCode code, int64_t us);

typedef struct MethodStats {
    uint64_t calls, errors, sum_us;
} MethodStats;
MethodStats metrics_method(const Metrics *metrics, const Method *method);

/* Blocks of the text form. */
void metrics_write_methods(const Metrics *metrics, Buf *out);
void metrics_write_process(Buf *out);
void metrics_head(Buf *out, const char *name, const char *type, const char *help);
void metrics_value(Buf *out, const char *name, const char *label, const char *label_value, double value);

#endif
