/* Measurements that engines leave here: of operators at run time, and of replication. */
#include "server/hms/rare.h"

enum { DAY = 86400, RUNTIME_STATS_DAYS = 3, REPLICATION_DAYS = 7 };

/* Sorts as the number does. */
static Str number_key(Rare *r, int64_t number) {
    Str name = arena_printf(r->call->arena, "%020llu", (unsigned long long)((uint64_t)number ^ (UINT64_C(1) << 63)));
    return thing_key(r->call->arena, 1, &name);
}

/* ---- runtime statistics ----------------------------------------------------------------------------------------- */

static bool add_stats_body(Rare *r, Err *err) {
    const HmsRuntimeStat *given = ((const HmsAddRuntimeStatsArgs *)r->args)->stat;
    int64_t number;
    if (!rare_given(r->call, given, "stat", err) || !thing_number(r->things, &number, err)) {
        return false;
    }
    HmsRuntimeStat stat = *given;
    THRIFT_SET(&stat, createTime, (int32_t)(clock_now() / 1000000));
    return thing_forget(r->things, &rare_runtime_stat.thing, (int64_t)RUNTIME_STATS_DAYS * DAY, err) &&
           rare_add(r, &rare_runtime_stat, number_key(r, number), &stat, err);
}

bool add_runtime_stats(HmsCall *call, const void *args, void *reply, Err *err) {
    return rare_change(call, &rare_runtime_stat, add_stats_body, args, reply, err);
}

/* The newest first, until they weigh enough. */
static bool get_stats_body(Rare *r, Err *err) {
    const HmsGetRuntimeStatsRequest *q = ((const HmsGetRuntimeStatsArgs *)r->args)->rqst;
    ThriftItems all;
    if (!rare_given(r->call, q, "rqst", err) || !rare_list(r, &rare_runtime_stat, STR(""), &all, err)) {
        return false;
    }
    HmsRuntimeStatList *list = &((HmsGetRuntimeStatsReply *)r->reply)->success;
    list->items = ARENA_ARRAY(r->call->arena, HmsRuntimeStat, all.count);
    list->count = 0;
    int64_t weight = 0, most = q->maxWeight < 0 ? INT64_MAX : q->maxWeight;
    for (size_t i = all.count; i-- > 0 && weight < most;) {
        const HmsRuntimeStat *stat = (const HmsRuntimeStat *)all.items + i;
        if (q->maxCreateTime <= 0 || stat->createTime <= q->maxCreateTime) {
            list->items[list->count++] = *stat;
            weight += stat->weight;
        }
    }
    return true;
}

bool get_runtime_stats(HmsCall *call, const void *args, void *reply, Err *err) {
    return rare_read(call, &rare_runtime_stat, get_stats_body, args, reply, err);
}

/* ---- replication ------------------------------------------------------------------------------------------------ */

/* What is told again about an execution adds to what is known. */
static bool put_metrics(Rare *r, const HmsReplicationMetrics *given, Err *err) {
    Str key = number_key(r, given->scheduledExecutionId);
    void *found;
    if (!rare_find(r, &rare_replication, key, &found, err)) {
        return false;
    }
    HmsReplicationMetrics metrics = *given;
    if (found) {
        const HmsReplicationMetrics *old = found;
        metrics.policy = old->policy;
        metrics.dumpExecutionId = old->dumpExecutionId;
        metrics.metadata = str_is_null(given->metadata) ? old->metadata : given->metadata;
        metrics.progress = str_is_null(given->progress) ? old->progress : given->progress;
        metrics.messageFormat = str_is_null(given->messageFormat) ? old->messageFormat : given->messageFormat;
    }
    return rare_put(r, &rare_replication, key, &metrics, err);
}

static bool add_metrics_body(Rare *r, Err *err) {
    const HmsReplicationMetricList *given = ((const HmsAddReplicationMetricsArgs *)r->args)->replicationMetricList;
    if (!rare_given(r->call, given, "replicationMetricList", err)) {
        return false;
    }
    for (size_t i = 0; i < given->replicationMetricList.count; i++) {
        if (!put_metrics(r, &given->replicationMetricList.items[i], err)) {
            return false;
        }
    }
    return thing_forget(r->things, &rare_replication.thing, (int64_t)REPLICATION_DAYS * DAY, err);
}

bool add_replication_metrics(HmsCall *call, const void *args, void *reply, Err *err) {
    return rare_change(call, &rare_replication, add_metrics_body, args, reply, err);
}

static bool get_metrics_body(Rare *r, Err *err) {
    const HmsGetReplicationMetricsRequest *q = ((const HmsGetReplicationMetricsArgs *)r->args)->rqst;
    ThriftItems all;
    if (!rare_given(r->call, q, "rqst", err) || !rare_list(r, &rare_replication, STR(""), &all, err)) {
        return false;
    }
    HmsReplicationMetricList *found = HMS_NEW(r->call->arena, HmsReplicationMetricList, HMS_STRUCT_REPLICATION_METRIC_LIST);
    HmsReplicationMetricsList *list = &found->replicationMetricList;
    list->items = ARENA_ARRAY(r->call->arena, HmsReplicationMetrics, all.count);
    for (size_t i = all.count; i-- > 0;) {
        const HmsReplicationMetrics *m = (const HmsReplicationMetrics *)all.items + i;
        if ((!q->has_scheduledExecutionId || m->scheduledExecutionId == q->scheduledExecutionId) &&
            (str_is_null(q->policy) || str_eq(m->policy, q->policy)) &&
            (!q->has_dumpExecutionId || m->dumpExecutionId == q->dumpExecutionId)) {
            list->items[list->count++] = *m;
        }
    }
    ((HmsGetReplicationMetricsReply *)r->reply)->success = found;
    return true;
}

bool get_replication_metrics(HmsCall *call, const void *args, void *reply, Err *err) {
    return rare_read(call, &rare_replication, get_metrics_body, args, reply, err);
}
