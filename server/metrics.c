#include "server/metrics.h"

#include <stdatomic.h>
#include <unistd.h>

/* Upper bounds in microseconds. */
static const int64_t BOUNDS[] = {100,   250,    500,    1000,   2500,    5000,    10000,   25000,
                                 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000};
enum { BUCKETS = ARRAY_LEN(BOUNDS) };

typedef struct MethodCounts {
    atomic_ullong buckets[BUCKETS + 1], sum_us, errors;
} MethodCounts;

struct Metrics {
    MethodTable methods;
    atomic_ullong errors[ERR_COUNT];
    MethodCounts counts[]; /* one more than methods: requests no method matched */
};

Metrics *metrics_new(MethodTable methods) {
    Metrics *m = calloc(1, sizeof *m + (methods.count + 1) * sizeof(MethodCounts));
    if (m) {
        m->methods = methods;
    }
    return m;
}

void metrics_free(Metrics *metrics) { free(metrics); }

static size_t method_index(const Metrics *m, const Method *method) {
    return method ? (size_t)(method - m->methods.rows) : m->methods.count;
}

static void add(atomic_ullong *counter, uint64_t n) { atomic_fetch_add_explicit(counter, n, memory_order_relaxed); }
static uint64_t get(const atomic_ullong *counter) { return atomic_load_explicit(counter, memory_order_relaxed); }

void metrics_record(Metrics *m, const Method *method, ErrCode code, int64_t us) {
    MethodCounts *c = &m->counts[method_index(m, method)];
    size_t bucket = 0;
    while (bucket < BUCKETS && us > BOUNDS[bucket]) {
        bucket++;
    }
    add(&c->buckets[bucket], 1);
    add(&c->sum_us, (uint64_t)MAX(us, (int64_t)0));
    if (code != ERR_NONE) {
        add(&c->errors, 1);
        add(&m->errors[code], 1);
    }
}

static uint64_t calls_of(const MethodCounts *c) {
    uint64_t calls = 0;
    for (size_t i = 0; i <= BUCKETS; i++) {
        calls += get(&c->buckets[i]);
    }
    return calls;
}

MethodStats metrics_method(const Metrics *m, const Method *method) {
    const MethodCounts *c = &m->counts[method_index(m, method)];
    return (MethodStats){.calls = calls_of(c), .errors = get(&c->errors), .sum_us = get(&c->sum_us)};
}

void metrics_head(Buf *out, const char *name, const char *type, const char *help) {
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void metrics_value(Buf *out, const char *name, const char *label, const char *label_value, double value) {
    if (label) {
        buf_printf(out, "%s{%s=\"%s\"} %.17g\n", name, label, label_value, value);
    } else {
        buf_printf(out, "%s %.17g\n", name, value);
    }
}

static const char *method_name(const Metrics *m, size_t i) { return i < m->methods.count ? m->methods.rows[i].name : "unmatched"; }

static void write_histogram(Buf *out, const char *method, const MethodCounts *c) {
    uint64_t below = 0;
    for (size_t i = 0; i < BUCKETS; i++) {
        below += get(&c->buckets[i]);
        buf_printf(out, "propolis_request_duration_seconds_bucket{method=\"%s\",le=\"%g\"} %" PRIu64 "\n", method,
                   (double)BOUNDS[i] / 1e6, below);
    }
    below += get(&c->buckets[BUCKETS]);
    buf_printf(out, "propolis_request_duration_seconds_bucket{method=\"%s\",le=\"+Inf\"} %" PRIu64 "\n", method, below);
    buf_printf(out, "propolis_request_duration_seconds_sum{method=\"%s\"} %.17g\n", method, (double)get(&c->sum_us) / 1e6);
    buf_printf(out, "propolis_request_duration_seconds_count{method=\"%s\"} %" PRIu64 "\n", method, below);
}

void metrics_write_methods(const Metrics *m, Buf *out) {
    metrics_head(out, "propolis_requests_total", "counter", "Requests answered, by method.");
    for (size_t i = 0; i <= m->methods.count; i++) {
        metrics_value(out, "propolis_requests_total", "method", method_name(m, i), (double)calls_of(&m->counts[i]));
    }
    metrics_head(out, "propolis_request_errors_total", "counter", "Requests answered with an error, by method.");
    for (size_t i = 0; i <= m->methods.count; i++) {
        metrics_value(out, "propolis_request_errors_total", "method", method_name(m, i), (double)get(&m->counts[i].errors));
    }
    metrics_head(out, "propolis_errors_total", "counter", "Errors answered, by code.");
    for (int code = ERR_NONE + 1; code < ERR_COUNT; code++) {
        metrics_value(out, "propolis_errors_total", "code", err_info((ErrCode)code)->name, (double)get(&m->errors[code]));
    }
    metrics_head(out, "propolis_request_duration_seconds", "histogram", "Time from the whole request to its answer, by method.");
    for (size_t i = 0; i <= m->methods.count; i++) {
        if (calls_of(&m->counts[i]) > 0) {
            write_histogram(out, method_name(m, i), &m->counts[i]);
        }
    }
}

void metrics_write_process(Buf *out) {
    char text[128];
    uint64_t pages, resident;
    Str first, second;
    CLEANUP(cleanup_fclose) FILE *f = fopen("/proc/self/statm", "re");
    Str rest = f && fgets(text, sizeof text, f) ? str_from(text) : STR_NULL;
    if (str_split(&rest, ' ', &first) && str_split(&rest, ' ', &second) && str_to_u64(first, &pages) &&
        str_to_u64(second, &resident)) {
        metrics_head(out, "process_resident_memory_bytes", "gauge", "Memory of this process that is in RAM.");
        metrics_value(out, "process_resident_memory_bytes", NULL, NULL, (double)resident * (double)sysconf(_SC_PAGESIZE));
        metrics_head(out, "process_virtual_memory_bytes", "gauge", "Address space of this process.");
        metrics_value(out, "process_virtual_memory_bytes", NULL, NULL, (double)pages * (double)sysconf(_SC_PAGESIZE));
    }
}
