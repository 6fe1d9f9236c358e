/* Resource plans of workload management, with their pools, triggers and mappings. A plan is edited while it is disabled, checked
 * when it is enabled, and one of a namespace may be active. */
#include "server/hms/rare.h"

#define NAMESPACE STR("default")
#define DEFAULT_POOL STR("default")
enum { DEFAULT_POOL_QUERIES = 4 };

static Str namespace_of(Str ns) { return str_is_empty(ns) ? NAMESPACE : ns; }

static Str plan_key(Rare *r, Str ns, Str plan) {
    Str names[] = {namespace_of(ns), plan};
    return rare_key_of(r, ARRAY_LEN(names), names);
}

static Str part_key(Rare *r, Str ns, Str plan, Str part) {
    Str names[] = {namespace_of(ns), plan, part};
    return rare_key_of(r, ARRAY_LEN(names), names);
}

static bool find_editable(Rare *r, Str key, HmsWMResourcePlan **ret, Err *err) {
    void *found;
    if (!rare_need(r, &rare_plan, key, &found, err)) {
        return false;
    }
    *ret = found;
    return (*ret)->status == HMS_WM_RESOURCE_PLAN_STATUS_DISABLED ||
           hms_throw(r->call, HMS_INVALID_OPERATION, err, "Resource plan must be disabled to edit it.");
}

/* ---- the whole plan --------------------------------------------------------------------------------------------- */

static bool read_plan(Rare *r, Str key, HmsWMFullResourcePlan **ret, Err *err) {
    HmsWMFullResourcePlan *full = HMS_NEW(r->call->arena, HmsWMFullResourcePlan, HMS_STRUCT_WM_FULL_RESOURCE_PLAN);
    void *plan;
    ThriftItems pools, mappings, triggers, links;
    if (!rare_need(r, &rare_plan, key, &plan, err) || !rare_list(r, &rare_pool, key, &pools, err) ||
        !rare_list(r, &rare_mapping, key, &mappings, err) || !rare_list(r, &rare_trigger, key, &triggers, err) ||
        !rare_list(r, &rare_pool_trigger, key, &links, err)) {
        return false;
    }
    full->plan = plan;
    full->pools = (HmsWMPoolList){pools.items, pools.count};
    full->mappings = (HmsWMMappingList){mappings.items, mappings.count};
    full->triggers = (HmsWMTriggerList){triggers.items, triggers.count};
    full->poolTriggers = (HmsWMPoolTriggerList){links.items, links.count};
    *ret = full;
    return true;
}

static bool find_active(Rare *r, Str ns, HmsWMResourcePlan **ret, Err *err) {
    ThriftItems plans;
    ns = namespace_of(ns);
    if (!rare_list(r, &rare_plan, rare_key_of(r, 1, &ns), &plans, err)) {
        return false;
    }
    *ret = NULL;
    for (size_t i = 0; i < plans.count; i++) {
        HmsWMResourcePlan *plan = (HmsWMResourcePlan *)plans.items + i;
        *ret = plan->status == HMS_WM_RESOURCE_PLAN_STATUS_ACTIVE ? plan : *ret;
    }
    return true;
}

static bool get_body(Rare *r, Err *err) {
    const HmsWMGetResourcePlanRequest *q = ((const HmsGetResourcePlanArgs *)r->args)->request;
    if (!rare_given(r->call, q, "request", err) || !hms_given(r->call, q->resourcePlanName, "resourcePlanName", err)) {
        return false;
    }
    HmsWMGetResourcePlanResponse *answer = HMS_NEW(r->call->arena, HmsWMGetResourcePlanResponse,
                                                   HMS_STRUCT_WM_GET_RESOURCE_PLAN_RESPONSE);
    ((HmsGetResourcePlanReply *)r->reply)->success = answer;
    return read_plan(r, plan_key(r, q->ns, q->resourcePlanName), &answer->resourcePlan, err);
}

bool get_resource_plan(HmsCall *call, const void *args, void *reply, Err *err) {
    return rare_read(call, &rare_plan, get_body, args, reply, err);
}

static bool get_active_body(Rare *r, Err *err) {
    const HmsWMGetActiveResourcePlanRequest *q = ((const HmsGetActiveResourcePlanArgs *)r->args)->request;
    HmsWMResourcePlan *active;
    if (!rare_given(r->call, q, "request", err) || !find_active(r, q->ns, &active, err)) {
        return false;
    }
    HmsWMGetActiveResourcePlanResponse *answer = HMS_NEW(r->call->arena, HmsWMGetActiveResourcePlanResponse,
                                                         HMS_STRUCT_WM_GET_ACTIVE_RESOURCE_PLAN_RESPONSE);
    ((HmsGetActiveResourcePlanReply *)r->reply)->success = answer;
    return !active || read_plan(r, plan_key(r, active->ns, active->name), &answer->resourcePlan, err);
}

bool get_active_resource_plan(HmsCall *call, const void *args, void *reply, Err *err) {
    return rare_read(call, &rare_plan, get_active_body, args, reply, err);
}

/* ---- copies and new names --------------------------------------------------------------------------------------- */

/* KEY of something in the plan FROM, for the same in the plan TO. */
static Str moved_key(Rare *r, Str key, Str from, Str to) { return ARENA_CONCAT(r->call->arena, to, str_skip(key, from.len)); }

/* All that plan FROM has becomes TO's, too. */
static bool copy_parts(Rare *r, Str from, Str to, Str to_name, Err *err) {
    HmsWMFullResourcePlan *full;
    if (!read_plan(r, from, &full, err)) {
        return false;
    }
    bool ok = true;
    for (size_t i = 0; ok && i < full->pools.count; i++) {
        HmsWMPool *pool = &full->pools.items[i];
        Str key = part_key(r, pool->ns, pool->resourcePlanName, pool->poolPath);
        pool->resourcePlanName = to_name;
        ok = rare_put(r, &rare_pool, moved_key(r, key, from, to), pool, err);
    }
    for (size_t i = 0; ok && i < full->triggers.count; i++) {
        HmsWMTrigger *trigger = &full->triggers.items[i];
        Str key = part_key(r, trigger->ns, trigger->resourcePlanName, trigger->triggerName);
        trigger->resourcePlanName = to_name;
        ok = rare_put(r, &rare_trigger, moved_key(r, key, from, to), trigger, err);
    }
    for (size_t i = 0; ok && i < full->mappings.count; i++) {
        HmsWMMapping *mapping = &full->mappings.items[i];
        Str names[] = {name_fold(r->call->arena, mapping->entityType), mapping->entityName};
        mapping->resourcePlanName = to_name;
        ok = rare_put(r, &rare_mapping, ARENA_CONCAT(r->call->arena, to, thing_key(r->call->arena, 2, names)), mapping, err);
    }
    for (size_t i = 0; ok && i < full->poolTriggers.count; i++) {
        const HmsWMPoolTrigger *link = &full->poolTriggers.items[i];
        Str names[] = {link->pool, link->trigger};
        ok = rare_put(r, &rare_pool_trigger, ARENA_CONCAT(r->call->arena, to, rare_key_of(r, 2, names)), link, err);
    }
    return ok;
}

static bool rename_plan(Rare *r, HmsWMResourcePlan *plan, Str name, Err *err) {
    Str from = plan_key(r, plan->ns, plan->name), to = plan_key(r, plan->ns, name);
    void *taken;
    if (!rare_find(r, &rare_plan, to, &taken, err)) {
        return false;
    }
    if (taken) {
        return hms_throw(r->call, HMS_INVALID_OPERATION, err, "Resource plan name %" STR_FMT " already exists", STR_ARG(name));
    }
    plan->name = name_fold(r->call->arena, name);
    return rare_add(r, &rare_plan, to, plan, err) && copy_parts(r, from, to, plan->name, err) &&
           rare_drop(r, &rare_plan, from, err);
}

static bool store_plan(Rare *r, const HmsWMResourcePlan *plan, Err *err) {
    return rare_put(r, &rare_plan, plan_key(r, plan->ns, plan->name), plan, err);
}

/* ---- create ----------------------------------------------------------------------------------------------------- */

static bool add_default_pool(Rare *r, const HmsWMResourcePlan *plan, Err *err) {
    HmsWMPool pool = {.resourcePlanName = plan->name, .poolPath = DEFAULT_POOL, .ns = plan->ns};
    THRIFT_SET(&pool, allocFraction, 1.0);
    THRIFT_SET(&pool, queryParallelism, DEFAULT_POOL_QUERIES);
    return rare_add(r, &rare_pool, part_key(r, plan->ns, plan->name, DEFAULT_POOL), &pool, err);
}

static bool check_queries(Rare *r, bool given, int32_t queries, HmsException exception, Err *err) {
    return !given || queries > 0 || hms_throw(r->call, exception, err, "queryParallelism should be positive.");
}

static bool create_body(Rare *r, Err *err) {
    const HmsWMCreateResourcePlanRequest *q = ((const HmsCreateResourcePlanArgs *)r->args)->request;
    if (!rare_given(r->call, q, "request", err) || !rare_given(r->call, q->resourcePlan, "resourcePlan", err)) {
        return false;
    }
    HmsWMResourcePlan plan = *q->resourcePlan;
    plan.name = name_fold(r->call->arena, plan.name);
    plan.ns = namespace_of(name_fold(r->call->arena, plan.ns));
    THRIFT_SET(&plan, status, HMS_WM_RESOURCE_PLAN_STATUS_DISABLED);
    if (str_is_empty(plan.name)) {
        return hms_throw(r->call, HMS_INVALID_OBJECT, err, "Resource name cannot be empty.");
    }
    Str key = plan_key(r, plan.ns, plan.name);
    if (str_is_null(q->copyFrom)) {
        plan.defaultPoolPath = DEFAULT_POOL;
        return check_queries(r, plan.has_queryParallelism, plan.queryParallelism, HMS_INVALID_OBJECT, err) &&
               rare_add(r, &rare_plan, key, &plan, err) && add_default_pool(r, &plan, err);
    }
    Str from = plan_key(r, plan.ns, q->copyFrom);
    void *source;
    if (!rare_need(r, &rare_plan, from, &source, err)) {
        return false;
    }
    HmsWMResourcePlan copy = *(HmsWMResourcePlan *)source;
    copy.name = plan.name;
    copy.status = plan.status;
    return rare_add(r, &rare_plan, key, &copy, err) && copy_parts(r, from, key, plan.name, err);
}

bool create_resource_plan(HmsCall *call, const void *args, void *reply, Err *err) {
    return rare_change(call, &rare_plan, create_body, args, reply, err);
}

bool check_drop_plan(Rare *r, Err *err) {
    const HmsWMResourcePlan *plan = r->old;
    return plan->status != HMS_WM_RESOURCE_PLAN_STATUS_ACTIVE ||
           hms_throw(r->call, HMS_INVALID_OPERATION, err, "Cannot drop an active resource plan");
}

/* ---- validate --------------------------------------------------------------------------------------------------- */

/* "a.b" of "a.b.c"; null: it stands at the top. */
static Str parent_path(Str path) {
    size_t dot = str_rfind_char(path, '.');
    return dot == SIZE_MAX ? STR_NULL : str_slice(path, 0, dot);
}

static bool has_pool(const HmsWMFullResourcePlan *full, Str path) {
    for (size_t i = 0; i < full->pools.count; i++) {
        if (name_same(full->pools.items[i].poolPath, path)) {
            return true;
        }
    }
    return false;
}

static double fractions_below(const HmsWMFullResourcePlan *full, Str parent) {
    double sum = 0;
    for (size_t i = 0; i < full->pools.count; i++) {
        const HmsWMPool *pool = &full->pools.items[i];
        Str above = parent_path(pool->poolPath);
        if (str_is_null(parent) ? str_is_null(above) : (!str_is_null(above) && name_same(above, parent))) {
            sum += pool->allocFraction;
        }
    }
    return sum;
}

static void add_error(Rare *r, StrList *errors, const char *what, Str name) {
    errors->items[errors->count++] = arena_printf(r->call->arena, "%s: %" STR_FMT, what, STR_ARG(name));
}

static StrList plan_errors(Rare *r, const HmsWMFullResourcePlan *full) {
    enum { MOST_PER_POOL = 4, MOST_OF_PLAN = 4 };
    const double almost = 1e-5;
    size_t most = full->pools.count * MOST_PER_POOL + full->mappings.count + MOST_OF_PLAN;
    StrList errors = {ARENA_ARRAY(r->call->arena, Str, most), 0};
    const HmsWMResourcePlan *plan = full->plan;
    if (plan->has_queryParallelism && plan->queryParallelism < 1) {
        add_error(r, &errors, "Query parallelism for the resource plan should be positive", plan->name);
    }
    if (!str_is_empty(plan->defaultPoolPath) && !has_pool(full, plan->defaultPoolPath)) {
        add_error(r, &errors, "The default pool does not exist", plan->defaultPoolPath);
    }
    if (fractions_below(full, STR_NULL) > 1 + almost) {
        add_error(r, &errors, "The alloc fractions of the topmost pools are more than 1 in sum", plan->name);
    }
    for (size_t i = 0; i < full->pools.count; i++) {
        const HmsWMPool *pool = &full->pools.items[i];
        Str above = parent_path(pool->poolPath);
        if (!str_is_null(above) && !has_pool(full, above)) {
            add_error(r, &errors, "The parent of this pool does not exist", pool->poolPath);
        }
        if (!(pool->allocFraction >= 0 && pool->allocFraction <= 1)) {
            add_error(r, &errors, "The alloc fraction of this pool should be between 0 and 1", pool->poolPath);
        }
        if (pool->has_queryParallelism && pool->queryParallelism < 1) {
            add_error(r, &errors, "The query parallelism of this pool should be positive", pool->poolPath);
        }
        if (fractions_below(full, pool->poolPath) > 1 + almost) {
            add_error(r, &errors, "The alloc fractions of the pools below this one are more than 1 in sum", pool->poolPath);
        }
    }
    for (size_t i = 0; i < full->mappings.count; i++) {
        const HmsWMMapping *mapping = &full->mappings.items[i];
        if (!str_is_empty(mapping->poolPath) && !has_pool(full, mapping->poolPath)) {
            add_error(r, &errors, "The pool of this mapping does not exist", mapping->entityName);
        }
    }
    return errors;
}

static bool validate_body(Rare *r, Err *err) {
    const HmsWMValidateResourcePlanRequest *q = ((const HmsValidateResourcePlanArgs *)r->args)->request;
    HmsWMFullResourcePlan *full;
    if (!rare_given(r->call, q, "request", err) || !hms_given(r->call, q->resourcePlanName, "resourcePlanName", err) ||
        !read_plan(r, plan_key(r, q->ns, q->resourcePlanName), &full, err)) {
        return false;
    }
    HmsWMValidateResourcePlanResponse *answer = HMS_NEW(r->call->arena, HmsWMValidateResourcePlanResponse,
                                                        HMS_STRUCT_WM_VALIDATE_RESOURCE_PLAN_RESPONSE);
    answer->errors = plan_errors(r, full);
    answer->warnings.items = THRIFT_NO_ITEMS;
    ((HmsValidateResourcePlanReply *)r->reply)->success = answer;
    return true;
}

bool validate_resource_plan(HmsCall *call, const void *args, void *reply, Err *err) {
    return rare_read(call, &rare_plan, validate_body, args, reply, err);
}

static bool need_valid(Rare *r, const HmsWMResourcePlan *plan, Err *err) {
    HmsWMFullResourcePlan *full;
    if (!read_plan(r, plan_key(r, plan->ns, plan->name), &full, err)) {
        return false;
    }
    StrList errors = plan_errors(r, full);
    return errors.count == 0 || hms_throw(r->call, HMS_INVALID_OPERATION, err, "ResourcePlan: %" STR_FMT " is invalid: %" STR_FMT,
                                          STR_ARG(plan->name), STR_ARG(errors.items[0]));
}

/* ---- alter ------------------------------------------------------------------------------------------------------ */

static bool switch_status(Rare *r, const HmsWMAlterResourcePlanRequest *q, HmsWMResourcePlan *plan, Err *err) {
    int32_t was = plan->status, status = q->resourcePlan->status;
    bool activates = status == HMS_WM_RESOURCE_PLAN_STATUS_ACTIVE;
    HmsWMResourcePlan *active;
    if (was == status) {
        return true;
    }
    if (was == HMS_WM_RESOURCE_PLAN_STATUS_ACTIVE && !(q->has_isForceDeactivate && q->isForceDeactivate)) {
        return hms_throw(r->call, HMS_INVALID_OPERATION, err,
                         "Resource plan %" STR_FMT " is active; activate another plan first, or disable workload management.",
                         STR_ARG(plan->name));
    }
    if (was == HMS_WM_RESOURCE_PLAN_STATUS_DISABLED) {
        if (activates && !(q->has_isEnableAndActivate && q->isEnableAndActivate)) {
            return hms_throw(r->call, HMS_INVALID_OPERATION, err,
                             "Resource plan %" STR_FMT
                             " is disabled and should be enabled before activation (or in the same command)",
                             STR_ARG(plan->name));
        }
        if (!need_valid(r, plan, err)) {
            return false;
        }
    }
    if (activates) {
        if (!find_active(r, plan->ns, &active, err)) {
            return false;
        }
        if (active) {
            active->status = HMS_WM_RESOURCE_PLAN_STATUS_ENABLED;
            if (!store_plan(r, active, err)) {
                return false;
            }
        }
    }
    THRIFT_SET(plan, status, status);
    return store_plan(r, plan, err);
}

static bool change_values(Rare *r, const HmsWMNullableResourcePlan *changes, HmsWMResourcePlan *plan, Err *err) {
    void *pool;
    if (plan->status != HMS_WM_RESOURCE_PLAN_STATUS_DISABLED) {
        return hms_throw(r->call, HMS_INVALID_OPERATION, err, "Resource plan must be disabled to edit it.");
    }
    if (changes->has_isSetQueryParallelism && changes->isSetQueryParallelism) {
        if (!check_queries(r, changes->has_queryParallelism, changes->queryParallelism, HMS_INVALID_OPERATION, err)) {
            return false;
        }
        plan->queryParallelism = changes->queryParallelism;
        plan->has_queryParallelism = changes->has_queryParallelism;
    }
    if (changes->has_isSetDefaultPoolPath && changes->isSetDefaultPoolPath) {
        plan->defaultPoolPath = name_fold(r->call->arena, changes->defaultPoolPath);
        if (!str_is_empty(plan->defaultPoolPath) &&
            !rare_need(r, &rare_pool, part_key(r, plan->ns, plan->name, plan->defaultPoolPath), &pool, err)) {
            return false;
        }
    }
    bool renames = !str_is_empty(changes->name) && !name_same(changes->name, plan->name);
    return renames ? rename_plan(r, plan, changes->name, err) : store_plan(r, plan, err);
}

/* The plan takes the name and status of another, which stays as NAME_old_N. */
static bool replace_plan(Rare *r, const HmsWMAlterResourcePlanRequest *q, HmsWMResourcePlan *plan, Err *err) {
    const HmsWMNullableResourcePlan *changes = q->resourcePlan;
    bool specific = !str_is_null(changes->name);
    bool of_active = changes->has_status && changes->status == HMS_WM_RESOURCE_PLAN_STATUS_ACTIVE;
    void *replaced = NULL, *taken = NULL;
    HmsWMResourcePlan *active;
    if (specific == of_active) {
        return hms_throw(r->call, HMS_INVALID_OPERATION, err, "Must specify a name, or the active plan, to be replaced.");
    }
    if (specific ? !rare_need(r, &rare_plan, plan_key(r, q->ns, changes->name), &replaced, err)
                 : !find_active(r, q->ns, &active, err)) {
        return false;
    }
    HmsWMResourcePlan *other = specific ? replaced : active;
    if (!other || str_eq(other->name, plan->name)) {
        return hms_throw(r->call, HMS_INVALID_OPERATION, err,
                         other ? "A plan cannot replace itself" : "There is no active resource plan.");
    }
    Str name = other->name, aside = STR_NULL;
    int32_t status = other->status;
    if (status != HMS_WM_RESOURCE_PLAN_STATUS_DISABLED && !need_valid(r, plan, err)) {
        return false;
    }
    for (int i = 0; i == 0 || taken; i++) {
        aside = arena_printf(r->call->arena, "%" STR_FMT "_old_%d", STR_ARG(name), i);
        if (!rare_find(r, &rare_plan, plan_key(r, plan->ns, aside), &taken, err)) {
            return false;
        }
    }
    THRIFT_SET(other, status, HMS_WM_RESOURCE_PLAN_STATUS_DISABLED);
    THRIFT_SET(plan, status, status);
    return rename_plan(r, other, aside, err) && rename_plan(r, plan, name, err);
}

static bool plan_to_alter(Rare *r, const HmsWMAlterResourcePlanRequest *q, HmsWMResourcePlan **ret, Err *err) {
    void *found = NULL;
    if (!str_is_null(q->resourcePlanName)) {
        bool ok = rare_need(r, &rare_plan, plan_key(r, q->ns, q->resourcePlanName), &found, err);
        *ret = found;
        return ok;
    }
    if (q->has_isReplace && q->isReplace) {
        return hms_throw(r->call, HMS_INVALID_OPERATION, err, "Cannot replace without specifying the source plan");
    }
    return find_active(r, q->ns, ret, err) &&
           (*ret || hms_throw(r->call, HMS_INVALID_OPERATION, err, "There is no active resource plan."));
}

static bool alter_body(Rare *r, Err *err) {
    const HmsWMAlterResourcePlanRequest *q = ((const HmsAlterResourcePlanArgs *)r->args)->request;
    HmsWMResourcePlan *plan;
    if (!rare_given(r->call, q, "request", err) || !rare_given(r->call, q->resourcePlan, "resourcePlan", err) ||
        !plan_to_alter(r, q, &plan, err)) {
        return false;
    }
    const HmsWMNullableResourcePlan *changes = q->resourcePlan;
    bool values = changes->isSetQueryParallelism || changes->isSetDefaultPoolPath ||
                  (!str_is_empty(changes->name) && !name_same(changes->name, plan->name));
    if (q->has_isReplace && q->isReplace) {
        if (!replace_plan(r, q, plan, err)) {
            return false;
        }
    } else if (changes->has_status && values) {
        return hms_throw(r->call, HMS_INVALID_OPERATION, err, "Cannot change values during status switch.");
    } else if (!(changes->has_status ? switch_status(r, q, plan, err) : change_values(r, changes, plan, err))) {
        return false;
    }
    HmsWMAlterResourcePlanResponse *answer = HMS_NEW(r->call->arena, HmsWMAlterResourcePlanResponse,
                                                     HMS_STRUCT_WM_ALTER_RESOURCE_PLAN_RESPONSE);
    ((HmsAlterResourcePlanReply *)r->reply)->success = answer;
    return plan->status != HMS_WM_RESOURCE_PLAN_STATUS_ACTIVE ||
           read_plan(r, plan_key(r, plan->ns, plan->name), &answer->fullResourcePlan, err);
}

bool alter_resource_plan(HmsCall *call, const void *args, void *reply, Err *err) {
    return rare_change(call, &rare_plan, alter_body, args, reply, err);
}

/* ---- triggers --------------------------------------------------------------------------------------------------- */

bool check_plan_editable(Rare *r, Err *err) {
    HmsWMResourcePlan *plan;
    return find_editable(r, thing_key(r->call->arena, 2, r->names), &plan, err);
}

bool check_list_triggers(Rare *r, Err *err) {
    void *plan;
    return rare_need(r, &rare_plan, r->key, &plan, err);
}

/* Of the plan PLAN those links that are POOL's or TRIGGER's; null is any. */
static bool drop_links(Rare *r, Str plan, Str pool, Str trigger, Err *err) {
    ThriftItems links;
    if (!rare_list(r, &rare_pool_trigger, plan, &links, err)) {
        return false;
    }
    for (size_t i = 0; i < links.count; i++) {
        const HmsWMPoolTrigger *link = (const HmsWMPoolTrigger *)links.items + i;
        Str names[] = {link->pool, link->trigger};
        bool goes = (str_is_null(pool) || name_same(link->pool, pool)) &&
                    (str_is_null(trigger) || name_same(link->trigger, trigger));
        if (goes && !rare_drop(r, &rare_pool_trigger, ARENA_CONCAT(r->call->arena, plan, rare_key_of(r, 2, names)), err)) {
            return false;
        }
    }
    return true;
}

bool check_drop_trigger(Rare *r, Err *err) {
    return check_plan_editable(r, err) && drop_links(r, thing_key(r->call->arena, 2, r->names), STR_NULL, r->names[2], err);
}

static bool link_body(Rare *r, Err *err) {
    const HmsWMCreateOrDropTriggerToPoolMappingRequest *q = ((const HmsCreateOrDropWmTriggerToPoolMappingArgs *)r->args)->request;
    HmsCall *call = r->call;
    HmsWMResourcePlan *plan;
    void *pool, *trigger;
    if (!rare_given(call, q, "request", err) || !hms_given(call, q->resourcePlanName, "resourcePlanName", err) ||
        !hms_given(call, q->poolPath, "poolPath", err) || !hms_given(call, q->triggerName, "triggerName", err)) {
        return false;
    }
    Str key = plan_key(r, q->ns, q->resourcePlanName);
    if (!find_editable(r, key, &plan, err) ||
        !rare_need(r, &rare_pool, part_key(r, q->ns, q->resourcePlanName, q->poolPath), &pool, err) ||
        !rare_need(r, &rare_trigger, part_key(r, q->ns, q->resourcePlanName, q->triggerName), &trigger, err)) {
        return false;
    }
    HmsWMPoolTrigger link = {((HmsWMPool *)pool)->poolPath, ((HmsWMTrigger *)trigger)->triggerName, plan->ns};
    Str names[] = {link.pool, link.trigger};
    key = ARENA_CONCAT(call->arena, key, rare_key_of(r, 2, names));
    return q->has_drop && q->drop ? rare_drop(r, &rare_pool_trigger, key, err) : rare_add(r, &rare_pool_trigger, key, &link, err);
}

bool create_or_drop_wm_trigger_to_pool_mapping(HmsCall *call, const void *args, void *reply, Err *err) {
    return rare_change(call, &rare_pool_trigger, link_body, args, reply, err);
}

/* ---- pools ------------------------------------------------------------------------------------------------------ */

static bool check_pool(Rare *r, Str plan, const HmsWMPool *pool, Err *err) {
    Str above = parent_path(pool->poolPath);
    void *parent;
    if (!str_is_empty(pool->schedulingPolicy) && !str_eq_nocase(pool->schedulingPolicy, STR("fair")) &&
        !str_eq_nocase(pool->schedulingPolicy, STR("fifo"))) {
        return hms_throw(r->call, HMS_INVALID_OBJECT, err, "Invalid scheduling policy %" STR_FMT, STR_ARG(pool->schedulingPolicy));
    }
    if (!check_queries(r, pool->has_queryParallelism, pool->queryParallelism, HMS_INVALID_OBJECT, err)) {
        return false;
    }
    if (str_is_null(above)) {
        return true;
    }
    return rare_find(r, &rare_pool, ARENA_CONCAT(r->call->arena, plan, rare_key_of(r, 1, &above)), &parent, err) &&
           (parent || hms_throw(r->call, HMS_NO_SUCH_OBJECT, err, "Pool path is invalid, the parent does not exist"));
}

bool check_new_pool(Rare *r, Err *err) {
    return check_plan_editable(r, err) && check_pool(r, thing_key(r->call->arena, 2, r->names), r->value, err);
}

static bool is_below(Str path, Str pool) {
    return path.len > pool.len && path.ptr[pool.len] == '.' && name_same(str_slice(path, 0, pool.len), pool);
}

bool check_drop_pool(Rare *r, Err *err) {
    HmsCall *call = r->call;
    Str key = thing_key(call->arena, 2, r->names), path = r->names[2];
    HmsWMFullResourcePlan *full;
    if (!check_plan_editable(r, err) || !read_plan(r, key, &full, err)) {
        return false;
    }
    if (name_same(full->plan->defaultPoolPath, path)) {
        return hms_throw(call, HMS_INVALID_OPERATION, err, "Cannot drop the default pool of a resource plan.");
    }
    for (size_t i = 0; i < full->pools.count; i++) {
        if (is_below(full->pools.items[i].poolPath, path)) {
            return hms_throw(call, HMS_INVALID_OPERATION, err, "Cannot drop a pool that has child pools");
        }
    }
    for (size_t i = 0; i < full->mappings.count; i++) {
        if (!str_is_null(full->mappings.items[i].poolPath) && name_same(full->mappings.items[i].poolPath, path)) {
            return hms_throw(call, HMS_INVALID_OPERATION, err, "Please remove all mappings for this pool.");
        }
    }
    return drop_links(r, key, path, STR_NULL, err);
}

static Str moved_path(Rare *r, Str path, Str from, Str to) {
    return name_same(path, from) ? to : is_below(path, from) ? ARENA_CONCAT(r->call->arena, to, str_skip(path, from.len)) : path;
}

/* Pools below go along, and whatever names one of them. */
static bool move_pools(Rare *r, Str plan, Str from, Str to, Err *err) {
    HmsWMFullResourcePlan *full;
    Arena *arena = r->call->arena;
    if (!read_plan(r, plan, &full, err)) {
        return false;
    }
    bool ok = true;
    for (size_t i = 0; ok && i < full->pools.count; i++) {
        HmsWMPool *pool = &full->pools.items[i];
        Str was = pool->poolPath;
        pool->poolPath = moved_path(r, was, from, to);
        ok = str_eq(was, pool->poolPath) ||
             (rare_drop(r, &rare_pool, ARENA_CONCAT(arena, plan, rare_key_of(r, 1, &was)), err) &&
              rare_add(r, &rare_pool, ARENA_CONCAT(arena, plan, rare_key_of(r, 1, &pool->poolPath)), pool, err));
    }
    for (size_t i = 0; ok && i < full->mappings.count; i++) {
        HmsWMMapping *mapping = &full->mappings.items[i];
        Str was = mapping->poolPath, names[] = {name_fold(arena, mapping->entityType), mapping->entityName};
        mapping->poolPath = str_is_null(was) ? was : moved_path(r, was, from, to);
        ok = str_eq(was, mapping->poolPath) ||
             rare_put(r, &rare_mapping, ARENA_CONCAT(arena, plan, thing_key(arena, 2, names)), mapping, err);
    }
    for (size_t i = 0; ok && i < full->poolTriggers.count; i++) {
        HmsWMPoolTrigger *link = &full->poolTriggers.items[i];
        Str was[] = {link->pool, link->trigger}, now[] = {moved_path(r, link->pool, from, to), link->trigger};
        link->pool = now[0];
        ok = str_eq(was[0], now[0]) ||
             (rare_drop(r, &rare_pool_trigger, ARENA_CONCAT(arena, plan, rare_key_of(r, 2, was)), err) &&
              rare_add(r, &rare_pool_trigger, ARENA_CONCAT(arena, plan, rare_key_of(r, 2, now)), link, err));
    }
    Str pool = full->plan->defaultPoolPath;
    full->plan->defaultPoolPath = str_is_null(pool) ? pool : moved_path(r, pool, from, to);
    return ok && (str_eq(pool, full->plan->defaultPoolPath) || store_plan(r, full->plan, err));
}

static void change_pool(HmsWMPool *pool, const HmsWMNullablePool *changes) {
    if (changes->has_allocFraction) {
        THRIFT_SET(pool, allocFraction, changes->allocFraction);
    }
    if (changes->has_queryParallelism) {
        THRIFT_SET(pool, queryParallelism, changes->queryParallelism);
    }
    if ((changes->has_isSetSchedulingPolicy && changes->isSetSchedulingPolicy) || !str_is_null(changes->schedulingPolicy)) {
        pool->schedulingPolicy = changes->schedulingPolicy;
    }
}

static bool alter_pool_body(Rare *r, Err *err) {
    const HmsWMAlterPoolRequest *q = ((const HmsAlterWmPoolArgs *)r->args)->request;
    HmsCall *call = r->call;
    HmsWMResourcePlan *plan;
    void *found;
    if (!rare_given(call, q, "request", err) || !rare_given(call, q->pool, "pool", err) ||
        !hms_given(call, q->poolPath, "poolPath", err)) {
        return false;
    }
    Str key = plan_key(r, q->pool->ns, q->pool->resourcePlanName), from = name_fold(call->arena, q->poolPath);
    Str from_key = ARENA_CONCAT(call->arena, key, rare_key_of(r, 1, &from));
    if (!find_editable(r, key, &plan, err) || !rare_need(r, &rare_pool, from_key, &found, err)) {
        return false;
    }
    Str to = str_is_empty(q->pool->poolPath) ? from : name_fold(call->arena, q->pool->poolPath);
    HmsWMPool *pool = found, checked;
    change_pool(pool, q->pool);
    checked = *pool;
    checked.poolPath = to;
    if (is_below(to, from)) {
        return hms_throw(call, HMS_INVALID_OBJECT, err, "A pool cannot move below itself.");
    }
    return check_pool(r, key, &checked, err) && rare_put(r, &rare_pool, from_key, pool, err) &&
           (str_eq(from, to) || move_pools(r, key, from, to, err));
}

bool alter_wm_pool(HmsCall *call, const void *args, void *reply, Err *err) {
    return rare_change(call, &rare_pool, alter_pool_body, args, reply, err);
}

/* ---- mappings --------------------------------------------------------------------------------------------------- */

static bool read_mapping(Rare *r, const HmsWMMapping *given, HmsWMMapping *ret, Err *err) {
    static const char *const TYPES[] = {"USER", "GROUP", "APPLICATION"};
    *ret = *given;
    ret->entityType = STR_NULL;
    for (size_t i = 0; i < ARRAY_LEN(TYPES); i++) {
        ret->entityType = str_eq_nocase(str_trim(given->entityType), str_from(TYPES[i])) ? str_from(TYPES[i]) : ret->entityType;
    }
    if (str_is_null(ret->entityType)) {
        return hms_throw(r->call, HMS_INVALID_OBJECT, err, "Invalid entity type %" STR_FMT ": it is USER, GROUP or APPLICATION.",
                         STR_ARG(given->entityType));
    }
    ret->resourcePlanName = name_fold(r->call->arena, given->resourcePlanName);
    ret->ns = namespace_of(name_fold(r->call->arena, given->ns));
    ret->poolPath = str_is_empty(given->poolPath) ? STR_NULL : name_fold(r->call->arena, given->poolPath);
    return true;
}

static bool mapping_body(Rare *r, Err *err) {
    const HmsWMCreateOrUpdateMappingRequest *q = ((const HmsCreateOrUpdateWmMappingArgs *)r->args)->request;
    HmsCall *call = r->call;
    HmsWMMapping mapping;
    HmsWMResourcePlan *plan;
    void *found;
    if (!rare_given(call, q, "request", err) || !rare_given(call, q->mapping, "mapping", err) ||
        !read_mapping(r, q->mapping, &mapping, err)) {
        return false;
    }
    Str key = plan_key(r, mapping.ns, mapping.resourcePlanName);
    Str names[] = {name_fold(call->arena, mapping.entityType), mapping.entityName};
    Str own = ARENA_CONCAT(call->arena, key, thing_key(call->arena, 2, names));
    if (!find_editable(r, key, &plan, err) ||
        (!str_is_null(mapping.poolPath) &&
         !rare_need(r, &rare_pool, part_key(r, mapping.ns, mapping.resourcePlanName, mapping.poolPath), &found, err))) {
        return false;
    }
    if (q->has_update && q->update) {
        return rare_need(r, &rare_mapping, own, &found, err) && rare_put(r, &rare_mapping, own, &mapping, err);
    }
    return rare_add(r, &rare_mapping, own, &mapping, err);
}

bool create_or_update_wm_mapping(HmsCall *call, const void *args, void *reply, Err *err) {
    return rare_change(call, &rare_mapping, mapping_body, args, reply, err);
}
