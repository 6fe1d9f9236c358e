/* Roles and privileges. All of these methods declare MetaException alone, so Hive puts other exceptions into its text. */
#include "catalog/privileges.h"
#include "server/hms/convert.h"
#include "server/hms/groups.h"

/* False, with err as Hive says it: "NoSuchObjectException(message:…)". */
static bool say(HmsCall *call, Err *err) {
    static const char *const NAMES[] = {
        [HMS_NO_SUCH_OBJECT] = "NoSuchObjectException",
        [HMS_ALREADY_EXISTS] = "InvalidObjectException",
        [HMS_INVALID_OBJECT] = "InvalidObjectException",
        [HMS_INVALID_OPERATION] = "InvalidOperationException",
    };
    HmsException exception = err_info(err->code)->hms;
    const char *name = (size_t)exception < ARRAY_LEN(NAMES) ? NAMES[exception] : NULL;
    if (name && !call->has_exception) {
        Str text = arena_printf(call->arena, "%s(message:%s)", name, err->message);
        snprintf(err->message, sizeof err->message, "%" STR_FMT, STR_ARG(text));
    }
    return false;
}

static bool given(HmsCall *call, bool there, const char *what, Err *err) {
    return there || hms_throw(call, HMS_META, err, "%s cannot be null.", what);
}

static Principal principal(Str name, int32_t type) { return (Principal){hms_principal_name(type), name}; }

/* ---- roles ------------------------------------------------------------------------------------------------------ */

static bool create_role(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsRole *role = ((const HmsCreateRoleArgs *)args)->role;
    if (!given(call, role && !str_is_null(role->roleName), "Role name", err)) {
        return false;
    }
    if (!role_create(&call->ctx, role->roleName, role->ownerName, err)) {
        return say(call, err);
    }
    THRIFT_SET((HmsCreateRoleReply *)reply, success, true);
    return true;
}

static bool drop_role(HmsCall *call, const void *args, void *reply, Err *err) {
    Str name = ((const HmsDropRoleArgs *)args)->role_name;
    if (!hms_given(call, name, "Role name", err)) {
        return false;
    }
    if (!role_drop(&call->ctx, name, err)) {
        return say(call, err);
    }
    THRIFT_SET((HmsDropRoleReply *)reply, success, true);
    return true;
}

static bool get_role_names(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)args;
    Roles roles;
    if (!role_list(&call->ctx, &roles, err)) {
        return say(call, err);
    }
    StrList *names = &((HmsGetRoleNamesReply *)reply)->success;
    *names = (StrList){ARENA_ARRAY(call->arena, Str, roles.count), roles.count};
    for (size_t i = 0; i < roles.count; i++) {
        names->items[i] = roles.items[i].name;
    }
    return true;
}

static bool grant(HmsCall *call, const HmsGrantRevokeRoleRequest *r, Err *err) {
    RoleGrant wanted = {
        .role.name = r->roleName,
        .to = principal(r->principalName, r->principalType),
        .grant_option = r->has_grantOption && r->grantOption,
        .grantor = r->grantor,
        .grantor_type = hms_principal_name(r->grantorType),
    };
    return hms_given(call, r->roleName, "Role name", err) && (role_grant(&call->ctx, &wanted, err) || say(call, err));
}

static bool revoke(HmsCall *call, const HmsGrantRevokeRoleRequest *r, Err *err) {
    bool option_only = r->has_grantOption && r->grantOption;
    return hms_given(call, r->roleName, "Role name", err) &&
           (role_revoke(&call->ctx, r->roleName, principal(r->principalName, r->principalType), option_only, err) ||
            say(call, err));
}

static bool grant_role(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGrantRoleArgs *a = args;
    HmsGrantRevokeRoleRequest request = {
        .roleName = a->role_name,
        .principalName = a->principal_name,
        .principalType = a->principal_type,
        .grantor = a->grantor,
        .grantorType = a->grantorType,
        .grantOption = a->grant_option,
        .has_grantOption = a->has_grant_option,
    };
    THRIFT_SET((HmsGrantRoleReply *)reply, success, true);
    return grant(call, &request, err);
}

static bool revoke_role(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsRevokeRoleArgs *a = args;
    HmsGrantRevokeRoleRequest request = {
        .roleName = a->role_name, .principalName = a->principal_name, .principalType = a->principal_type};
    THRIFT_SET((HmsRevokeRoleReply *)reply, success, true);
    return revoke(call, &request, err);
}

static bool is_request(HmsCall *call, bool there, int32_t type, Err *err) {
    if (!given(call, there, "The request", err)) {
        return false;
    }
    return type == HMS_GRANT_REVOKE_TYPE_GRANT || type == HMS_GRANT_REVOKE_TYPE_REVOKE ||
           hms_throw(call, HMS_META, err, "Unknown request type %d", (int)type);
}

static bool grant_revoke_role(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGrantRevokeRoleRequest *r = ((const HmsGrantRevokeRoleArgs *)args)->request;
    if (!is_request(call, r != NULL, r ? r->requestType : 0, err) ||
        !(r->requestType == HMS_GRANT_REVOKE_TYPE_GRANT ? grant(call, r, err) : revoke(call, r, err))) {
        return false;
    }
    HmsGrantRevokeRoleResponse *done = HMS_NEW(call->arena, HmsGrantRevokeRoleResponse, HMS_STRUCT_GRANT_REVOKE_ROLE_RESPONSE);
    THRIFT_SET(done, success, true);
    ((HmsGrantRevokeRoleReply *)reply)->success = done;
    return true;
}

static bool list_roles(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsListRolesArgs *a = args;
    RoleGrants grants;
    if (!hms_given(call, a->principal_name, "Principal name", err)) {
        return false;
    }
    if (!role_grant_list(&call->ctx, STR_NULL, principal(a->principal_name, a->principal_type), &grants, err)) {
        return say(call, err);
    }
    HmsRoleList *list = &((HmsListRolesReply *)reply)->success;
    list->items = ARENA_ARRAY(call->arena, HmsRole, grants.count);
    list->count = grants.count;
    for (size_t i = 0; i < grants.count; i++) {
        const Role *role = &grants.items[i].role;
        list->items[i].roleName = role->name;
        list->items[i].ownerName = role->owner;
        THRIFT_SET(&list->items[i], createTime, hms_seconds(role->created_at));
    }
    return true;
}

static HmsRolePrincipalGrantList grant_list(HmsCall *call, const RoleGrants *grants) {
    HmsRolePrincipalGrantList list = {ARENA_ARRAY(call->arena, HmsRolePrincipalGrant, grants->count), grants->count};
    for (size_t i = 0; i < grants->count; i++) {
        const RoleGrant *g = &grants->items[i];
        HmsRolePrincipalGrant *out = &list.items[i];
        int32_t type;
        out->roleName = g->role.name;
        out->principalName = g->to.name;
        if (hms_principal_type(g->to.type, &type)) {
            THRIFT_SET(out, principalType, type);
        }
        THRIFT_SET(out, grantOption, g->grant_option);
        THRIFT_SET(out, grantTime, hms_seconds(g->at));
        out->grantorName = g->grantor;
        if (hms_principal_type(g->grantor_type, &type)) {
            THRIFT_SET(out, grantorPrincipalType, type);
        }
    }
    return list;
}

static bool get_principals_in_role(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGetPrincipalsInRoleRequest *r = ((const HmsGetPrincipalsInRoleArgs *)args)->request;
    RoleGrants grants;
    if (!given(call, r != NULL, "The request", err)) {
        return false;
    }
    if (!role_grant_list(&call->ctx, r->roleName, (Principal){0}, &grants, err)) {
        return say(call, err);
    }
    HmsGetPrincipalsInRoleResponse *answer = HMS_NEW(call->arena, HmsGetPrincipalsInRoleResponse,
                                                     HMS_STRUCT_GET_PRINCIPALS_IN_ROLE_RESPONSE);
    answer->principalGrants = grant_list(call, &grants);
    ((HmsGetPrincipalsInRoleReply *)reply)->success = answer;
    return true;
}

static bool get_role_grants_for_principal(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGetRoleGrantsForPrincipalRequest *r = ((const HmsGetRoleGrantsForPrincipalArgs *)args)->request;
    RoleGrants grants;
    if (!given(call, r != NULL, "The request", err)) {
        return false;
    }
    if (!role_grant_list(&call->ctx, STR_NULL, principal(r->principal_name, r->principal_type), &grants, err)) {
        return say(call, err);
    }
    HmsGetRoleGrantsForPrincipalResponse *answer = HMS_NEW(call->arena, HmsGetRoleGrantsForPrincipalResponse,
                                                           HMS_STRUCT_GET_ROLE_GRANTS_FOR_PRINCIPAL_RESPONSE);
    answer->principalGrants = grant_list(call, &grants);
    ((HmsGetRoleGrantsForPrincipalReply *)reply)->success = answer;
    return true;
}

/* ---- what privileges are on ------------------------------------------------------------------------------------- */

/* The numbers of the kinds are the same. */
_Static_assert((int)PRIVILEGE_ALL == (int)HMS_HIVE_OBJECT_TYPE_GLOBAL &&
                   (int)PRIVILEGE_CONNECTOR == (int)HMS_HIVE_OBJECT_TYPE_DATACONNECTOR,
               "kinds of privileges are those of HiveObjectType");

static bool read_target(HmsCall *call, const HmsHiveObjectRef *ref, PrivilegeTarget *ret, Err *err) {
    if (!given(call, ref && ref->has_objectType, "What a privilege is on", err)) {
        return false;
    }
    *ret = (PrivilegeTarget){
        .kind = (PrivilegeKind)ref->objectType, .name = ref->objectName, .values = ref->partValues, .column = ref->columnName};
    return hms_database_name(call, ref->catName, ref->dbName, &ret->catalog, &ret->database, err);
}

static bool read_privileges(HmsCall *call, const HmsPrivilegeBag *bag, Privileges *ret, Err *err) {
    if (!given(call, bag != NULL, "The privileges", err)) {
        return false;
    }
    *ret = (Privileges){ARENA_ARRAY(call->arena, Privilege, bag->privileges.count), bag->privileges.count};
    for (size_t i = 0; i < ret->count; i++) {
        const HmsHiveObjectPrivilege *p = &bag->privileges.items[i];
        Privilege *out = &ret->items[i];
        if (!read_target(call, p->hiveObject, &out->on, err) || !given(call, p->grantInfo != NULL, "What is granted", err)) {
            return false;
        }
        out->to = principal(p->principalName, p->principalType);
        out->privilege = p->grantInfo->privilege;
        out->grantor = p->grantInfo->grantor;
        out->grantor_type = hms_principal_name(p->grantInfo->grantorType);
        out->grant_option = p->grantInfo->has_grantOption && p->grantInfo->grantOption;
        out->authorizer = p->authorizer;
        out->at = MICROS_NONE;
    }
    return true;
}

static void put_grant_info(const Privilege *p, HmsPrivilegeGrantInfo *out) {
    int32_t type;
    out->privilege = p->privilege;
    out->grantor = p->grantor;
    THRIFT_SET(out, createTime, hms_seconds(p->at));
    THRIFT_SET(out, grantOption, p->grant_option);
    if (hms_principal_type(p->grantor_type, &type)) {
        THRIFT_SET(out, grantorType, type);
    }
}

static HmsHiveObjectRef *object_ref(HmsCall *call, const PrivilegeTarget *on) {
    HmsHiveObjectRef *ref = HMS_NEW(call->arena, HmsHiveObjectRef, HMS_STRUCT_HIVE_OBJECT_REF);
    THRIFT_SET(ref, objectType, (int32_t)on->kind);
    ref->catName = on->catalog;
    ref->dbName = on->database;
    ref->objectName = on->name;
    ref->partValues = on->values;
    ref->columnName = on->column;
    return ref;
}

/* ---- privileges ------------------------------------------------------------------------------------------------- */

static bool list_privileges(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsListPrivilegesArgs *a = args;
    bool anything = !a->hiveObject || !a->hiveObject->has_objectType;
    PrivilegeTarget on;
    Privileges found;
    if ((anything && !hms_given(call, a->principal_name, "Principal name", err)) ||
        (!anything && !read_target(call, a->hiveObject, &on, err))) {
        return false;
    }
    if (!privileges_list(&call->ctx, anything ? NULL : &on, principal(a->principal_name, a->principal_type), &found, err)) {
        return say(call, err);
    }
    HmsHiveObjectPrivilegeList *list = &((HmsListPrivilegesReply *)reply)->success;
    list->items = ARENA_ARRAY(call->arena, HmsHiveObjectPrivilege, found.count);
    list->count = found.count;
    for (size_t i = 0; i < found.count; i++) {
        const Privilege *p = &found.items[i];
        HmsHiveObjectPrivilege *out = &list->items[i];
        int32_t type;
        out->hiveObject = object_ref(call, &p->on);
        out->principalName = p->to.name;
        if (hms_principal_type(p->to.type, &type)) {
            THRIFT_SET(out, principalType, type);
        }
        out->grantInfo = HMS_NEW(call->arena, HmsPrivilegeGrantInfo, HMS_STRUCT_PRIVILEGE_GRANT_INFO);
        put_grant_info(p, out->grantInfo);
        out->authorizer = p->authorizer;
    }
    return true;
}

/* For each of NAMES what it was granted, also when that is nothing. */
static HmsStrToPrivilegeGrantInfoListMap grants_by_name(HmsCall *call, const Privileges *found, const char *type, StrList names) {
    HmsStrToPrivilegeGrantInfoListMap map = {ARENA_ARRAY(call->arena, HmsStrToPrivilegeGrantInfoListMapPair, names.count),
                                             names.count};
    for (size_t i = 0; i < names.count; i++) {
        HmsPrivilegeGrantInfoList list = {ARENA_ARRAY(call->arena, HmsPrivilegeGrantInfo, found->count), 0};
        for (size_t j = 0; j < found->count; j++) {
            const Privilege *p = &found->items[j];
            if (str_eq(p->to.name, names.items[i]) && str_eq(p->to.type, str_from(type))) {
                put_grant_info(p, &list.items[list.count++]);
            }
        }
        map.items[i] = (HmsStrToPrivilegeGrantInfoListMapPair){names.items[i], list};
    }
    return map;
}

static bool get_privilege_set(HmsCall *call, const void *args, void *reply, Err *err) {
    enum { GROUPS_MOST = 1000 };
    const HmsGetPrivilegeSetArgs *a = args;
    PrivilegeTarget on;
    Privileges found;
    Str user = a->user_name;
    StrList roles, users = {&user, str_is_null(user) ? 0 : 1};
    if (!read_target(call, a->hiveObject, &on, err)) {
        return false;
    }
    if (a->group_names.count > GROUPS_MOST) {
        return hms_throw(call, HMS_META, err, "A user has at most %d groups, not %zu.", GROUPS_MOST, a->group_names.count);
    }
    if (!privileges_of_user(&call->ctx, &on, user, hms_strs(a->group_names), &found, &roles, err)) {
        return say(call, err);
    }
    roles.count = on.kind == PRIVILEGE_ALL ? 0 : roles.count; /* Hive does not look at roles there */
    HmsPrincipalPrivilegeSet *set = HMS_NEW(call->arena, HmsPrincipalPrivilegeSet, HMS_STRUCT_PRINCIPAL_PRIVILEGE_SET);
    set->userPrivileges = grants_by_name(call, &found, "USER", users);
    set->groupPrivileges = grants_by_name(call, &found, "GROUP", a->group_names);
    set->rolePrivileges = grants_by_name(call, &found, "ROLE", roles);
    ((HmsGetPrivilegeSetReply *)reply)->success = set;
    return arena_check(call->arena, err);
}

static bool grant_privileges(HmsCall *call, const void *args, void *reply, Err *err) {
    Privileges grants;
    THRIFT_SET((HmsGrantPrivilegesReply *)reply, success, true);
    return read_privileges(call, ((const HmsGrantPrivilegesArgs *)args)->privileges, &grants, err) &&
           (privileges_grant(&call->ctx, &grants, err) || say(call, err));
}

static bool revoke_privileges(HmsCall *call, const void *args, void *reply, Err *err) {
    Privileges grants;
    THRIFT_SET((HmsRevokePrivilegesReply *)reply, success, true);
    return read_privileges(call, ((const HmsRevokePrivilegesArgs *)args)->privileges, &grants, err) &&
           (privileges_revoke(&call->ctx, &grants, false, err) || say(call, err));
}

static HmsGrantRevokePrivilegeResponse *done(HmsCall *call) {
    HmsGrantRevokePrivilegeResponse *answer = HMS_NEW(call->arena, HmsGrantRevokePrivilegeResponse,
                                                      HMS_STRUCT_GRANT_REVOKE_PRIVILEGE_RESPONSE);
    THRIFT_SET(answer, success, true);
    return answer;
}

static bool grant_revoke_privileges(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGrantRevokePrivilegeRequest *r = ((const HmsGrantRevokePrivilegesArgs *)args)->request;
    Privileges grants;
    ((HmsGrantRevokePrivilegesReply *)reply)->success = done(call);
    if (!is_request(call, r != NULL, r ? r->requestType : 0, err) || !read_privileges(call, r->privileges, &grants, err)) {
        return false;
    }
    bool option_only = r->has_revokeGrantOption && r->revokeGrantOption;
    bool ok = r->requestType == HMS_GRANT_REVOKE_TYPE_GRANT ? privileges_grant(&call->ctx, &grants, err)
                                                            : privileges_revoke(&call->ctx, &grants, option_only, err);
    return ok || say(call, err);
}

static bool refresh_privileges(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsRefreshPrivilegesArgs *a = args;
    PrivilegeTarget on;
    Privileges grants;
    ((HmsRefreshPrivilegesReply *)reply)->success = done(call);
    return read_target(call, a->objToRefresh, &on, err) && given(call, a->grantRequest != NULL, "The request", err) &&
           read_privileges(call, a->grantRequest->privileges, &grants, err) &&
           (privileges_refresh(&call->ctx, &on, a->authorizer, &grants, err) || say(call, err));
}

static const HmsRow ROWS[] = {
    {"create_role", create_role, HMS_WRITE, {{0}}},
    {"drop_role", drop_role, HMS_WRITE, {{0}}},
    {"get_role_names", get_role_names, HMS_READ, {{0}}},
    {"grant_role", grant_role, HMS_WRITE, {{0}}},
    {"revoke_role", revoke_role, HMS_WRITE, {{0}}},
    {"grant_revoke_role", grant_revoke_role, HMS_WRITE, {{0}}},
    {"list_roles", list_roles, HMS_READ, {{0}}},
    {"get_principals_in_role", get_principals_in_role, HMS_READ, {{0}}},
    {"get_role_grants_for_principal", get_role_grants_for_principal, HMS_READ, {{0}}},
    {"get_privilege_set", get_privilege_set, HMS_READ, {{0}}},
    {"list_privileges", list_privileges, HMS_READ, {{0}}},
    {"grant_privileges", grant_privileges, HMS_WRITE, {{0}}},
    {"revoke_privileges", revoke_privileges, HMS_WRITE, {{0}}},
    {"grant_revoke_privileges", grant_revoke_privileges, HMS_WRITE, {{0}}},
    {"refresh_privileges", refresh_privileges, HMS_WRITE, {{0}}},
};
const HmsGroup hms_group_roles = HMS_GROUP("roles", ROWS);
