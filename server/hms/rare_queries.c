/* Queries that engines run by a schedule: they ask what is due, and tell how it goes. */
#include "base/cron.h"
#include "server/hms/rare.h"

/* A run nobody has told of for so long is given up. */
enum { SILENCE_SECONDS = 120 };

static bool query_key(Rare *r, const HmsScheduledQueryKey *key, Str *ret, Err *err) {
    if (!rare_given(r->call, key, "scheduleKey", err)) {
        return false;
    }
    Str names[] = {key->clusterNamespace, key->scheduleName};
    *ret = thing_key(r->call->arena, ARRAY_LEN(names), names);
    return true;
}

/* ---- make, change, drop ----------------------------------------------------------------------------------------- */

/* Sets when it comes next; never is no error. */
static bool plan_next(Rare *r, HmsScheduledQuery *query, Err *err) {
    Cron cron;
    Micros next;
    Err why;
    if (!cron_parse(query->schedule, &cron, &why)) {
        return hms_throw(r->call, HMS_INVALID_INPUT, err, "Invalid schedule: %" STR_FMT ". %s", STR_ARG(query->schedule),
                         why.message);
    }
    query->has_nextExecution = cron_next(&cron, clock_now(), &next) && next / 1000000 <= INT32_MAX;
    query->nextExecution = query->has_nextExecution ? (int32_t)(next / 1000000) : 0;
    return true;
}

static bool create_query(Rare *r, Str key, const HmsScheduledQuery *given, Err *err) {
    HmsScheduledQuery query = *given;
    bool at_once = query.has_nextExecution;
    int32_t first = query.nextExecution;
    if (!hms_given(r->call, query.query, "query", err) || !plan_next(r, &query, err)) {
        return false;
    }
    if (at_once) {
        THRIFT_SET(&query, nextExecution, first);
    }
    return rare_add(r, &rare_query, key, &query, err);
}

static bool alter_query(Rare *r, Str key, const HmsScheduledQuery *given, Err *err) {
    void *found;
    if (!rare_need(r, &rare_query, key, &found, err)) {
        return false;
    }
    HmsScheduledQuery *query = found;
    query->query = str_is_null(given->query) ? query->query : given->query;
    query->user = str_is_null(given->user) ? query->user : given->user;
    if (given->has_enabled) {
        THRIFT_SET(query, enabled, given->enabled);
    }
    if (!str_is_null(given->schedule)) {
        query->schedule = given->schedule;
        if (!plan_next(r, query, err)) {
            return false;
        }
    }
    if (given->has_nextExecution) {
        THRIFT_SET(query, nextExecution, given->nextExecution);
    }
    return rare_put(r, &rare_query, key, query, err);
}

static bool maintenance_body(Rare *r, Err *err) {
    const HmsScheduledQueryMaintenanceRequest *q = ((const HmsScheduledQueryMaintenanceArgs *)r->args)->request;
    Str key;
    if (!rare_given(r->call, q, "request", err) || !rare_given(r->call, q->scheduledQuery, "scheduledQuery", err) ||
        !query_key(r, q->scheduledQuery->scheduleKey, &key, err)) {
        return false;
    }
    switch (q->type) {
        case HMS_SCHEDULED_QUERY_MAINTENANCE_REQUEST_TYPE_CREATE: return create_query(r, key, q->scheduledQuery, err);
        case HMS_SCHEDULED_QUERY_MAINTENANCE_REQUEST_TYPE_ALTER: return alter_query(r, key, q->scheduledQuery, err);
        case HMS_SCHEDULED_QUERY_MAINTENANCE_REQUEST_TYPE_DROP: return rare_drop(r, &rare_query, key, err);
        default: return hms_throw(r->call, HMS_META, err, "invalid request type %d", (int)q->type);
    }
}

bool scheduled_query_maintenance(HmsCall *call, const void *args, void *reply, Err *err) {
    return rare_change(call, &rare_query, maintenance_body, args, reply, err);
}

/* ---- what is due ------------------------------------------------------------------------------------------------ */

static bool is_running(Rare *r, Str key, bool *ret, Err *err) {
    Thing run;
    bool found;
    if (!thing_find(r->things, &rare_execution.thing, key, &found, &run, err)) {
        return false;
    }
    *ret = found && run.updated_at > clock_now() - (Micros)SILENCE_SECONDS * 1000000;
    return true;
}

/* NULL: none. */
static bool find_due(Rare *r, HmsScheduledQuery **ret, Str *ret_key, Err *err) {
    Str ns = ((const HmsScheduledQueryPollArgs *)r->args)->request->clusterNamespace;
    ThriftItems queries;
    int64_t now = clock_now() / 1000000;
    *ret = NULL;
    if (!rare_list(r, &rare_query, thing_key(r->call->arena, 1, &ns), &queries, err)) {
        return false;
    }
    for (size_t i = 0; i < queries.count; i++) {
        HmsScheduledQuery *query = (HmsScheduledQuery *)queries.items + i;
        bool due = query->has_enabled && query->enabled && query->has_nextExecution && query->nextExecution <= now;
        bool running;
        if (!due || (*ret && (*ret)->nextExecution <= query->nextExecution)) {
            continue;
        }
        Str key;
        if (!query_key(r, query->scheduleKey, &key, err) || !is_running(r, key, &running, err)) {
            return false;
        }
        if (!running) {
            *ret = query;
            *ret_key = key;
        }
    }
    return true;
}

static bool look_body(Rare *r, Err *err) {
    HmsScheduledQuery *due;
    Str key;
    if (!find_due(r, &due, &key, err)) {
        return false;
    }
    if (due) { /* said to poll, which has to write then */
        ((HmsScheduledQueryPollReply *)r->reply)->success = HMS_NEW(r->call->arena, HmsScheduledQueryPollResponse,
                                                                    HMS_STRUCT_SCHEDULED_QUERY_POLL_RESPONSE);
        ((HmsScheduledQueryPollReply *)r->reply)->success->query = due->query;
    }
    return true;
}

static bool take_body(Rare *r, Err *err) {
    HmsScheduledQueryPollReply *reply = r->reply;
    HmsScheduledQuery *due;
    int64_t number;
    Str key;
    reply->success = HMS_NEW(r->call->arena, HmsScheduledQueryPollResponse, HMS_STRUCT_SCHEDULED_QUERY_POLL_RESPONSE);
    if (!find_due(r, &due, &key, err)) {
        return false;
    }
    if (!due) {
        return true; /* somebody was faster */
    }
    if (!thing_number(r->things, &number, err)) {
        return false;
    }
    reply->success->scheduleKey = due->scheduleKey;
    THRIFT_SET(reply->success, executionId, number);
    reply->success->query = due->query;
    reply->success->user = due->user;
    return plan_next(r, due, err) && rare_put(r, &rare_query, key, due, err) &&
           rare_put(r, &rare_execution, key, reply->success, err);
}

/* Asked every minute by everybody, and mostly there is nothing: that takes no lock. */
bool scheduled_query_poll(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsScheduledQueryPollRequest *q = ((const HmsScheduledQueryPollArgs *)args)->request;
    if (!rare_given(call, q, "request", err) || !rare_read(call, &rare_query, look_body, args, reply, err)) {
        return false;
    }
    return str_is_null(((HmsScheduledQueryPollReply *)reply)->success->query) ||
           rare_change(call, &rare_execution, take_body, args, reply, err);
}

/* ---- how it goes ------------------------------------------------------------------------------------------------ */

static bool progress_body(Rare *r, Err *err) {
    const HmsScheduledQueryProgressInfo *info = ((const HmsScheduledQueryProgressArgs *)r->args)->info;
    ThriftItems runs;
    if (!rare_given(r->call, info, "info", err) || !rare_list(r, &rare_execution, STR(""), &runs, err)) {
        return false;
    }
    for (size_t i = 0; i < runs.count; i++) {
        const HmsScheduledQueryPollResponse *run = (const HmsScheduledQueryPollResponse *)runs.items + i;
        Str key;
        if (run->executionId != info->scheduledExecutionId) {
            continue;
        }
        bool goes_on = info->state == HMS_QUERY_STATE_INITED || info->state == HMS_QUERY_STATE_EXECUTING;
        return query_key(r, run->scheduleKey, &key, err) &&
               (goes_on ? rare_put(r, &rare_execution, key, run, err) : rare_drop(r, &rare_execution, key, err));
    }
    return hms_throw(r->call, HMS_INVALID_OPERATION, err, "There is no scheduled execution %lld that runs.",
                     (long long)info->scheduledExecutionId);
}

bool scheduled_query_progress(HmsCall *call, const void *args, void *reply, Err *err) {
    return rare_change(call, &rare_execution, progress_body, args, reply, err);
}
