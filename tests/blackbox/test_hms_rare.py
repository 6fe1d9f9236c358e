"""What few clients ask for: kept as it is given, made, altered, listed and dropped with the exceptions of each."""

import os
import time

import hms
import pytest
from hms import t
from thrift.Thrift import TApplicationException

NO_EXCEPTION = {"add_token": False, "remove_token": False, "get_token": "", "remove_master_key": False}
NO_ARGUMENT = ["get_dataconnectors", "get_all_token_identifiers", "get_master_keys"]
METHODS = """create_ischema alter_ischema get_ischema drop_ischema add_schema_version get_schema_version get_schema_latest_version
get_schema_all_versions drop_schema_version get_schemas_by_cols map_schema_version_to_serde set_schema_version_state add_serde get_serde
create_dataconnector create_dataconnector_req alter_dataconnector alter_dataconnector_req get_dataconnector_req drop_dataconnector
drop_dataconnector_req create_stored_procedure get_stored_procedure drop_stored_procedure get_all_stored_procedures add_package
find_package drop_package get_all_packages create_resource_plan get_resource_plan get_active_resource_plan get_all_resource_plans
alter_resource_plan validate_resource_plan drop_resource_plan create_wm_trigger alter_wm_trigger drop_wm_trigger
get_triggers_for_resourceplan create_wm_pool alter_wm_pool drop_wm_pool create_or_update_wm_mapping drop_wm_mapping
create_or_drop_wm_trigger_to_pool_mapping scheduled_query_poll scheduled_query_maintenance scheduled_query_progress get_scheduled_query
add_runtime_stats get_runtime_stats add_replication_metrics get_replication_metrics add_master_key update_master_key
get_delegation_token renew_delegation_token cancel_delegation_token get_index_by_name drop_index_by_name add_index alter_index get_type
get_type_all create_type drop_type""".split()


@pytest.fixture
def client(shared):
    with hms.connected(shared) as client:
        yield client


@pytest.fixture
def name(request):
    return request.node.name[5:].lower().replace("[", "_").replace("]", "") + "_" + os.urandom(3).hex()


@pytest.fixture
def db(database):
    return database.rsplit("/", 1)[1]


@pytest.mark.parametrize("method", METHODS)
def test_without_arguments(client, method):
    with pytest.raises((t.MetaException, t.InvalidOperationException, t.NoSuchObjectException)):
        hms.call_empty(client, method)


def test_without_arguments_where_nothing_can_be_thrown(client):
    assert {method: hms.call_empty(client, method) for method in NO_EXCEPTION} == NO_EXCEPTION
    assert all(isinstance(hms.call_empty(client, method), list) for method in NO_ARGUMENT)
    for method in ("get_indexes", "get_index_names"):
        assert hms.call_empty(client, method) == []
    assert hms.call_empty(client, "get_file_metadata") == t.GetFileMetadataResult(metadata={}, isSupported=False)
    assert hms.call_empty(client, "get_file_metadata_by_expr") == t.GetFileMetadataByExprResult(metadata={}, isSupported=False)
    assert hms.call_empty(client, "cache_file_metadata").isSupported is False
    assert hms.call_empty(client, "put_file_metadata") == t.PutFileMetadataResult()
    assert hms.call_empty(client, "clear_file_metadata") == t.ClearFileMetadataResult()


# ---- schemas ---------------------------------------------------------------------------------------------------------


def ischema(db, name, **more):
    return t.ISchema(schemaType=t.SchemaType.AVRO, name=name, catName="hive", dbName=db, compatibility=t.SchemaCompatibility.BACKWARD,
                     validationLevel=t.SchemaValidation.LATEST, canEvolve=True, **more)


def version(db, schema, number, *columns, **more):
    return t.SchemaVersion(schema=t.ISchemaName("hive", db, schema), version=number, createdAt=7,
                           cols=[hms.column(*c) for c in columns], **more)


def test_schemas(client, api, db, name):
    ref = t.ISchemaName("hive", db.upper(), name.upper())
    client.create_ischema(ischema(db, name.upper(), description="first", schemaGroup="g"))
    assert client.get_ischema(ref) == ischema(db, name, description="first", schemaGroup="g")
    assert client.get_ischema(t.ISchemaName(None, db, name)).description == "first"
    with pytest.raises(t.AlreadyExistsException, match=f"Schema hive.{db}.{name} already exists"):
        client.create_ischema(ischema(db, name))
    with pytest.raises(t.NoSuchObjectException, match="no_such_db"):
        client.create_ischema(ischema("no_such_db", name))
    client.alter_ischema(t.AlterISchemaRequest(ref, ischema("x", "y", description="second")))
    assert client.get_ischema(ref) == ischema(db, name, description="second")
    none = t.ISchemaName("hive", db, "none")
    for call in (lambda: client.get_ischema(none), lambda: client.drop_ischema(none),
                 lambda: client.alter_ischema(t.AlterISchemaRequest(none, ischema(db, "none")))):
        with pytest.raises(t.NoSuchObjectException, match=f"Schema hive.{db}.none does not exist"):
            call()
    with pytest.raises(t.MetaException, match="newSchema cannot be null"):
        client.alter_ischema(t.AlterISchemaRequest(ref, None))
    client.drop_ischema(ref)
    with pytest.raises(t.NoSuchObjectException):
        client.get_ischema(ref)
    changes = api.ok("GET", f"/changes?kind=thing&name=schema/hive/{db}/{name}&after=0&limit=100")["items"]
    assert [(c["action"], c["operation"]) for c in changes] == [
        ("create", "create_ischema"), ("alter", "alter_ischema"), ("drop", "drop_ischema")]


def test_schema_versions(client, db, name):
    ref = t.ISchemaName("hive", db, name)

    def at(number):
        return t.SchemaVersionDescriptor(ref, number)

    with pytest.raises(t.NoSuchObjectException):
        client.add_schema_version(version(db, name, 1))
    client.create_ischema(ischema(db, name))
    for call in (lambda: client.get_schema_latest_version(ref), lambda: client.get_schema_all_versions(ref)):
        with pytest.raises(t.NoSuchObjectException, match=f"No versions of schema hive.{db}.{name} exist"):
            call()
    column = "c_" + name
    for number in (2, 1, 10, -3):
        client.add_schema_version(version(db, name, number, (column, "int", f"ns{number}"), state=t.SchemaVersionState.INITIATED))
    with pytest.raises(t.AlreadyExistsException):
        client.add_schema_version(version(db, name, 2))
    assert client.get_schema_version(at(2)) == version(db, name, 2, (column, "int", "ns2"), state=t.SchemaVersionState.INITIATED)
    assert client.get_schema_latest_version(ref).version == 10
    assert [v.version for v in client.get_schema_all_versions(ref)] == [10, 2, 1, -3]
    with pytest.raises(t.NoSuchObjectException):
        client.get_schema_version(at(3))

    def found(**by):
        return [d.version for d in client.get_schemas_by_cols(t.FindSchemasByColsRqst(**by)).schemaVersions]

    assert sorted(found(colName=column.upper())) == [-3, 1, 2, 10]
    assert found(colName=column, colNamespace="ns2") == [2] and found(colName=column, type="string") == []
    with pytest.raises(t.MetaException, match="You must specify column name or column namespace"):
        found(type="int")

    client.set_schema_version_state(t.SetSchemaVersionStateRequest(at(2), t.SchemaVersionState.ENABLED))
    client.add_serde(t.SerDeInfo(name=name, serializationLib="lib", parameters={"a": "b"}))
    with pytest.raises(t.AlreadyExistsException):
        client.add_serde(t.SerDeInfo(name=name, serializationLib="lib"))
    assert client.get_serde(t.GetSerdeRequest(name)).parameters == {"a": "b"}
    with pytest.raises(t.NoSuchObjectException, match="Serde none does not exist"):
        client.get_serde(t.GetSerdeRequest("none"))
    client.map_schema_version_to_serde(t.MapSchemaVersionToSerdeRequest(at(2), name))
    altered = client.get_schema_version(at(2))
    assert (altered.state, altered.serDe.serializationLib, altered.cols[0].name) == (t.SchemaVersionState.ENABLED, "lib", column)
    for call in (lambda: client.map_schema_version_to_serde(t.MapSchemaVersionToSerdeRequest(at(3), name)),
                 lambda: client.map_schema_version_to_serde(t.MapSchemaVersionToSerdeRequest(at(2), "none")),
                 lambda: client.set_schema_version_state(t.SetSchemaVersionStateRequest(at(3), t.SchemaVersionState.ENABLED)),
                 lambda: client.drop_schema_version(at(3))):
        with pytest.raises(t.NoSuchObjectException):
            call()
    with pytest.raises(t.InvalidOperationException, match="cannot be dropped, it has at least one valid version"):
        client.drop_ischema(ref)
    for number in (2, 1, 10, -3):
        client.drop_schema_version(at(number))
    client.drop_ischema(ref)


# ---- data connectors, procedures, packages ---------------------------------------------------------------------------


def connector(name, **more):
    return t.DataConnector(name=name, type="mysql", url="jdbc:mysql://nowhere:3306", **more)


def test_connectors(client, api, shared, database, name):
    client.create_dataconnector_req(t.CreateDataConnectorRequest(connector(name.upper(), parameters={"password": "s3cret"})))
    made = client.get_dataconnector_req(t.GetDataConnectorRequest(name.upper()))
    assert (made.name, made.type, made.parameters, made.ownerType) == (name, "mysql", {"password": "s3cret"}, t.PrincipalType.USER)
    assert abs(made.createTime - time.time()) < 60
    with pytest.raises(t.AlreadyExistsException, match=f"Data connector {name} already exists"):
        client.create_dataconnector(connector(name))
    with pytest.raises(t.InvalidObjectException):
        client.create_dataconnector(connector("wr\\ong"))
    with pytest.raises(t.InvalidObjectException, match="name cannot be empty"):
        client.create_dataconnector(connector(""))
    client.create_dataconnector(connector(name + "2"))
    listed = client.get_dataconnectors()
    assert {name, name + "2"} <= set(listed) and listed == sorted(listed)
    client.alter_dataconnector_req(t.AlterDataConnectorRequest(name, connector("other", description="new")))
    altered = client.get_dataconnector_req(t.GetDataConnectorRequest(name))
    assert (altered.name, altered.description, altered.createTime) == (name, "new", made.createTime)
    client.alter_dataconnector(name, connector(name, ownerName="ann"))
    assert client.get_dataconnector_req(t.GetDataConnectorRequest(name)).ownerName == "ann"
    none = name + "none"
    for call in (lambda: client.get_dataconnector_req(t.GetDataConnectorRequest(none)),
                 lambda: client.alter_dataconnector(none, connector(none)),
                 lambda: client.alter_dataconnector_req(t.AlterDataConnectorRequest(none, connector(none))),
                 lambda: client.drop_dataconnector(none, False, False),
                 lambda: client.drop_dataconnector_req(t.DropDataConnectorRequest(none))):
        with pytest.raises(t.NoSuchObjectException, match=f"Data connector {none} does not exist"):
            call()
    client.drop_dataconnector(none, True, False)
    client.drop_dataconnector_req(t.DropDataConnectorRequest(none, ifNotExists=True))

    # privileges on it go with it
    on_it = t.HiveObjectRef(objectType=t.HiveObjectType.DATACONNECTOR, objectName=name)
    info = t.PrivilegeGrantInfo("ALL", 0, "root", t.PrincipalType.USER, False)
    client.grant_privileges(t.PrivilegeBag([t.HiveObjectPrivilege(on_it, "zoe" + name, t.PrincipalType.USER, info, "SQL")]))
    assert [p.hiveObject.objectName for p in client.list_privileges("zoe" + name, t.PrincipalType.USER, None)] == [name]

    api.ok("PATCH", database, json={"connector": name}, headers={"Content-Type": "application/merge-patch+json"})
    with pytest.raises(t.InvalidOperationException, match=f"Data connector {name} cannot be dropped: database"):
        client.drop_dataconnector_req(t.DropDataConnectorRequest(name, checkReferences=True))
    client.drop_dataconnector(name, False, False)
    client.drop_dataconnector(name + "2", False, True)
    client.create_dataconnector(connector(name))
    assert client.list_privileges("zoe" + name, t.PrincipalType.USER, None) == []
    client.drop_dataconnector(name, False, False)
    assert "s3cret" not in shared.log()
    assert "s3cret" not in str(api.ok("GET", "/changes?kind=thing&after=0&limit=1000"))


def test_procedures(client, db, name):
    def procedure(source, of=name):
        return t.StoredProcedure(name=of, dbName=db, catName="hive", ownerName="ann", source=source)

    ref = t.StoredProcedureRequest("hive", db, name.upper())
    client.create_stored_procedure(procedure("one"))
    client.create_stored_procedure(procedure("two"))  # replaces it
    assert client.get_stored_procedure(ref) == procedure("two")
    client.create_stored_procedure(procedure("x", name + "2"))
    assert client.get_all_stored_procedures(t.ListStoredProcedureRequest("hive", db)) == [name, name + "2"]
    assert {name, name + "2"} <= set(client.get_all_stored_procedures(t.ListStoredProcedureRequest("hive")))
    assert client.get_all_stored_procedures(t.ListStoredProcedureRequest("hive", "no_such_db")) == []
    with pytest.raises(t.NoSuchObjectException, match="no_such_db"):
        client.create_stored_procedure(t.StoredProcedure(name="p", dbName="no_such_db", catName="hive"))
    client.drop_stored_procedure(ref)
    client.drop_stored_procedure(ref)  # nothing to say
    with pytest.raises(t.NoSuchObjectException, match=f"HPL/SQL StoredProcedure hive.{db}.{name} does not exist"):
        client.get_stored_procedure(ref)


def test_packages(client, db, name):
    ref = t.GetPackageRequest("hive", db, name)
    client.add_package(t.AddPackageRequest("hive", db, name.upper(), "ann", "header", "body"))
    assert client.find_package(ref) == t.Package("hive", db, name, "ann", "header", "body")
    client.add_package(t.AddPackageRequest(None, db, name, "ann", "header", "other"))
    assert client.find_package(ref).body == "other"
    assert client.get_all_packages(t.ListPackageRequest("hive", db)) == [name]
    with pytest.raises(t.MetaException, match="no_such_db"):
        client.add_package(t.AddPackageRequest("hive", "no_such_db", name, "ann", "header", "body"))
    client.drop_package(t.DropPackageRequest("hive", db, name))
    client.drop_package(t.DropPackageRequest("hive", db, name))
    with pytest.raises(t.NoSuchObjectException, match="HPL/SQL package"):
        client.find_package(ref)


def test_what_is_in_a_database_goes_along_with_it(client, api, database, db, name):
    for of in (db, "default"):
        client.add_package(t.AddPackageRequest("hive", of, name, "ann", "header", of))
    client.create_ischema(ischema(db, name))
    client.add_schema_version(version(db, name, 1))
    api.ok("POST", f"{database}:rename", json={"name": db + "_new"})
    assert client.get_all_packages(t.ListPackageRequest("hive", db)) == []
    found = client.find_package(t.GetPackageRequest("hive", db + "_new", name))
    assert (found.dbName, found.body) == (db + "_new", db)
    assert client.get_schema_version(t.SchemaVersionDescriptor(t.ISchemaName("hive", db + "_new", name), 1)).version == 1
    for _ in range(2):  # one made again under the name has none
        api.ok("DELETE", f"{database}_new?cascade=true")
        assert client.get_all_packages(t.ListPackageRequest("hive", db + "_new")) == []
        api.ok("POST", "/catalogs/hive/databases", 201, json={"name": db + "_new"})
        with pytest.raises(t.NoSuchObjectException):
            client.get_ischema(t.ISchemaName("hive", db + "_new", name))
        assert client.get_all_packages(t.ListPackageRequest("hive", db + "_new")) == []
    api.ok("DELETE", f"{database}_new")
    assert client.find_package(t.GetPackageRequest("hive", "default", name)).body == "default"
    client.drop_package(t.DropPackageRequest("hive", "default", name))


# ---- resource plans --------------------------------------------------------------------------------------------------


def full(client, plan, ns):
    return client.get_resource_plan(t.WMGetResourcePlanRequest(plan, ns)).resourcePlan


def alter(client, plan, ns, activate=None, deactivate=None, replace=None, **changes):
    return client.alter_resource_plan(t.WMAlterResourcePlanRequest(
        plan, t.WMNullableResourcePlan(ns=ns, **changes), activate, deactivate, replace, ns)).fullResourcePlan


ACTIVE, ENABLED, DISABLED = t.WMResourcePlanStatus.ACTIVE, t.WMResourcePlanStatus.ENABLED, t.WMResourcePlanStatus.DISABLED


def test_resource_plans(client, name):
    ns = name
    create = lambda plan, copy=None, **more: client.create_resource_plan(  # noqa: E731
        t.WMCreateResourcePlanRequest(t.WMResourcePlan(name=plan, ns=ns, **more), copy))
    assert client.get_active_resource_plan(t.WMGetActiveResourcePlanRequest(ns)).resourcePlan is None
    assert client.get_all_resource_plans(t.WMGetAllResourcePlanRequest(ns)).resourcePlans == []
    assert create("Day", queryParallelism=4) == t.WMCreateResourcePlanResponse()
    made = full(client, "day", ns)
    assert made.plan == t.WMResourcePlan("day", DISABLED, 4, "default", ns)
    assert [(p.poolPath, p.allocFraction, p.queryParallelism) for p in made.pools] == [("default", 1.0, 4)]
    assert (made.mappings, made.triggers, made.poolTriggers) == ([], [], [])
    with pytest.raises(t.AlreadyExistsException):
        create("day")
    with pytest.raises(t.InvalidObjectException, match="Resource name cannot be empty"):
        create("")
    with pytest.raises(t.InvalidObjectException, match="queryParallelism should be positive"):
        create("zero", queryParallelism=0)
    with pytest.raises(t.MetaException, match="Resource plan none does not exist"):
        create("copy", "none")
    create("night", "day")
    assert full(client, "night", ns).plan.queryParallelism == 4 and len(full(client, "night", ns).pools) == 1

    with pytest.raises(t.InvalidOperationException, match="should be enabled before activation"):
        alter(client, "day", ns, status=ACTIVE)
    assert alter(client, "day", ns, status=ENABLED) is None
    with pytest.raises(t.InvalidOperationException, match="must be disabled to edit"):
        alter(client, "day", ns, isSetQueryParallelism=True, queryParallelism=3)
    assert alter(client, "day", ns, status=ACTIVE).plan.status == ACTIVE
    assert client.get_active_resource_plan(t.WMGetActiveResourcePlanRequest(ns)).resourcePlan.plan.name == "day"
    with pytest.raises(t.InvalidOperationException, match="is active"):
        alter(client, "day", ns, status=DISABLED)
    with pytest.raises(t.InvalidOperationException, match="Cannot drop an active resource plan"):
        client.drop_resource_plan(t.WMDropResourcePlanRequest("day", ns))
    assert alter(client, "night", ns, activate=True, status=ACTIVE).plan.name == "night"  # and day no longer
    statuses = {p.name: p.status for p in client.get_all_resource_plans(t.WMGetAllResourcePlanRequest(ns)).resourcePlans}
    assert statuses == {"day": ENABLED, "night": ACTIVE}
    alter(client, None, ns, deactivate=True, status=DISABLED)
    with pytest.raises(t.InvalidOperationException, match="no active resource plan"):
        alter(client, None, ns, deactivate=True, status=DISABLED)
    with pytest.raises(t.InvalidOperationException, match="Cannot change values during status switch"):
        alter(client, "night", ns, status=ENABLED, name="evening")
    alter(client, "night", ns, name="Evening", isSetQueryParallelism=True)
    assert full(client, "evening", ns).plan == t.WMResourcePlan("evening", DISABLED, None, "default", ns)
    assert [p.resourcePlanName for p in full(client, "evening", ns).pools] == ["evening"]
    with pytest.raises(t.NoSuchObjectException, match="Resource plan night does not exist"):
        full(client, "night", ns)
    with pytest.raises(t.InvalidOperationException, match="already exists"):
        alter(client, "evening", ns, name="day")
    with pytest.raises(t.NoSuchObjectException):
        alter(client, "evening", ns, isSetDefaultPoolPath=True, defaultPoolPath="none")

    alter(client, "evening", ns, replace=True, name="day")  # takes its name and status
    assert full(client, "day", ns).plan.status == ENABLED and full(client, "day_old_0", ns).plan.queryParallelism == 4
    for plan in ("day", "day_old_0"):
        assert client.drop_resource_plan(t.WMDropResourcePlanRequest(plan, ns)) == t.WMDropResourcePlanResponse()
    with pytest.raises(t.NoSuchObjectException):
        client.drop_resource_plan(t.WMDropResourcePlanRequest("day", ns))
    with pytest.raises(t.NoSuchObjectException):
        client.validate_resource_plan(t.WMValidateResourcePlanRequest("day", ns))
    create("day")
    assert len(full(client, "day", ns).pools) == 1  # nothing of the former one


def test_pools_triggers_and_mappings(client, name):
    ns = name
    client.create_resource_plan(t.WMCreateResourcePlanRequest(t.WMResourcePlan(name="p", ns=ns)))

    def pool(path, fraction=0.5, **more):
        return client.create_wm_pool(t.WMCreatePoolRequest(t.WMPool("p", path, fraction, 2, ns=ns, **more)))

    def trigger(call, name="slow", action="KILL", plan="p"):
        request = t.WMCreateTriggerRequest if call == client.create_wm_trigger else t.WMAlterTriggerRequest
        return call(request(t.WMTrigger(plan, name, "ELAPSED_TIME > 10", action, ns=ns)))

    def mapping(who, path, update=False, kind="user"):
        return client.create_or_update_wm_mapping(t.WMCreateOrUpdateMappingRequest(t.WMMapping("p", kind, who, path, 1, ns), update))

    def link(trigger, path, drop=False):
        return client.create_or_drop_wm_trigger_to_pool_mapping(t.WMCreateOrDropTriggerToPoolMappingRequest("p", trigger, path, drop, ns))

    assert pool("etl") == t.WMCreatePoolResponse()
    pool("ETL.big", schedulingPolicy="FAIR")
    with pytest.raises(t.AlreadyExistsException, match="Pool p.etl already exists"):
        pool("etl")
    with pytest.raises(t.NoSuchObjectException, match="the parent does not exist"):
        pool("none.big")
    with pytest.raises(t.InvalidObjectException, match="Invalid scheduling policy"):
        pool("bad", schedulingPolicy="LIFO")
    with pytest.raises(t.NoSuchObjectException, match="Resource plan none does not exist"):
        client.create_wm_pool(t.WMCreatePoolRequest(t.WMPool("none", "x", ns=ns)))
    found = client.validate_resource_plan(t.WMValidateResourcePlanRequest("p", ns))
    assert len(found.errors) == 1 and "topmost pools" in found.errors[0] and found.warnings == []
    with pytest.raises(t.InvalidOperationException, match="ResourcePlan: p is invalid"):
        alter(client, "p", ns, status=ENABLED)
    assert client.alter_wm_pool(t.WMAlterPoolRequest(t.WMNullablePool("p", "default", 0.5, ns=ns), "default")) == t.WMAlterPoolResponse()
    assert client.validate_resource_plan(t.WMValidateResourcePlanRequest("p", ns)).errors == []

    assert trigger(client.create_wm_trigger) == t.WMCreateTriggerResponse()
    with pytest.raises(t.AlreadyExistsException):
        trigger(client.create_wm_trigger)
    with pytest.raises(t.NoSuchObjectException):
        trigger(client.create_wm_trigger, plan="none")
    trigger(client.alter_wm_trigger, action="MOVE TO etl")
    with pytest.raises(t.NoSuchObjectException, match="Trigger p.none does not exist"):
        trigger(client.alter_wm_trigger, name="none")
    listed = client.get_triggers_for_resourceplan(t.WMGetTriggersForResourePlanRequest("p", ns)).triggers
    assert [(x.triggerName, x.actionExpression) for x in listed] == [("slow", "MOVE TO etl")]
    with pytest.raises(t.NoSuchObjectException):
        client.get_triggers_for_resourceplan(t.WMGetTriggersForResourePlanRequest("none", ns))

    link("slow", "etl.big")
    with pytest.raises(t.AlreadyExistsException):
        link("slow", "etl.big")
    for wrong in (("none", "etl"), ("slow", "none")):
        with pytest.raises(t.NoSuchObjectException):
            link(*wrong)
    mapping("Ann", "etl.big")
    with pytest.raises(t.AlreadyExistsException):
        mapping("Ann", "etl")
    with pytest.raises(t.NoSuchObjectException):
        mapping("ann", "etl", update=True)  # another one
    with pytest.raises(t.NoSuchObjectException):
        mapping("bob", "none")
    with pytest.raises(t.InvalidObjectException, match="Invalid entity type"):
        mapping("bob", "etl", kind="planet")
    with pytest.raises(t.InvalidOperationException, match="child pools"):
        client.drop_wm_pool(t.WMDropPoolRequest("p", "etl", ns))
    with pytest.raises(t.InvalidOperationException, match="remove all mappings"):
        client.drop_wm_pool(t.WMDropPoolRequest("p", "etl.big", ns))
    with pytest.raises(t.InvalidOperationException, match="default pool"):
        client.drop_wm_pool(t.WMDropPoolRequest("p", "default", ns))
    with pytest.raises(t.NoSuchObjectException, match="Pool p.none does not exist"):
        client.drop_wm_pool(t.WMDropPoolRequest("p", "none", ns))

    client.alter_wm_pool(t.WMAlterPoolRequest(t.WMNullablePool("p", "load", ns=ns), "etl"))  # with all below it
    now = full(client, "p", ns)
    assert sorted(p.poolPath for p in now.pools) == ["default", "load", "load.big"]
    assert [(m.entityType, m.entityName, m.poolPath) for m in now.mappings] == [("USER", "Ann", "load.big")]
    assert [(x.pool, x.trigger) for x in now.poolTriggers] == [("load.big", "slow")]
    for path, why in (("default", t.AlreadyExistsException), ("load.inner", t.InvalidObjectException), ("x.y", t.NoSuchObjectException)):
        with pytest.raises(why):
            client.alter_wm_pool(t.WMAlterPoolRequest(t.WMNullablePool("p", path, ns=ns), "load"))
    client.create_resource_plan(t.WMCreateResourcePlanRequest(t.WMResourcePlan(name="copy", ns=ns), "p"))
    copy = full(client, "copy", ns)
    assert [len(part) for part in (copy.pools, copy.mappings, copy.triggers, copy.poolTriggers)] == [3, 1, 1, 1]
    assert {x.resourcePlanName for x in copy.pools + copy.mappings + copy.triggers} == {"copy"}

    mapping("Ann", "load", update=True)
    client.drop_wm_mapping(t.WMDropMappingRequest(t.WMMapping("p", "USER", "Ann", ns=ns)))
    with pytest.raises(t.NoSuchObjectException):
        client.drop_wm_mapping(t.WMDropMappingRequest(t.WMMapping("p", "USER", "Ann", ns=ns)))
    client.drop_wm_trigger(t.WMDropTriggerRequest("p", "slow", ns))
    assert full(client, "p", ns).poolTriggers == [] and full(client, "p", ns).triggers == []
    with pytest.raises(t.NoSuchObjectException):
        client.drop_wm_trigger(t.WMDropTriggerRequest("p", "slow", ns))
    client.drop_wm_pool(t.WMDropPoolRequest("p", "load.big", ns))
    alter(client, "p", ns, status=ENABLED)
    with pytest.raises(t.MetaException, match="must be disabled to edit"):
        pool("late")
    with pytest.raises(t.InvalidOperationException, match="must be disabled to edit"):
        client.drop_wm_pool(t.WMDropPoolRequest("p", "load", ns))


# ---- scheduled queries -----------------------------------------------------------------------------------------------

CREATE, ALTER, DROP = (getattr(t.ScheduledQueryMaintenanceRequestType, n) for n in ("CREATE", "ALTER", "DROP"))


def maintain(client, how, name, ns, **more):
    query = t.ScheduledQuery(scheduleKey=t.ScheduledQueryKey(name, ns), **more)
    client.scheduled_query_maintenance(t.ScheduledQueryMaintenanceRequest(how, query))


def test_scheduled_queries(client, name):
    ns, key = name, t.ScheduledQueryKey("q", name)
    assert client.scheduled_query_poll(t.ScheduledQueryPollRequest(ns)) == t.ScheduledQueryPollResponse()
    maintain(client, CREATE, "q", ns, enabled=True, schedule="0 0 3 * * ? *", user="ann", query="select 1")
    made = client.get_scheduled_query(key)
    assert (made.query, made.user, made.enabled, made.schedule) == ("select 1", "ann", True, "0 0 3 * * ? *")
    assert 0 < made.nextExecution - time.time() <= 86400 and made.nextExecution % 86400 == 3 * 3600
    with pytest.raises(t.AlreadyExistsException):
        maintain(client, CREATE, "q", ns, enabled=True, schedule="0 0 3 * * ? *", query="select 1")
    for schedule in ("every day", "0 0 25 * * ?", "0 0", "* * * ? * MOM", None):
        with pytest.raises(t.InvalidInputException, match="Invalid schedule"):
            maintain(client, CREATE, "bad", ns, enabled=True, schedule=schedule, query="select 1")
    assert client.scheduled_query_poll(t.ScheduledQueryPollRequest(ns)) == t.ScheduledQueryPollResponse()  # not yet
    maintain(client, ALTER, "q", ns, query="select 2", nextExecution=int(time.time()) - 5)
    got = client.scheduled_query_poll(t.ScheduledQueryPollRequest(ns))
    assert (got.scheduleKey, got.query, got.user) == (key, "select 2", "ann") and got.executionId > 0
    assert client.get_scheduled_query(key).nextExecution > time.time()
    maintain(client, ALTER, "q", ns, nextExecution=int(time.time()) - 5)
    assert client.scheduled_query_poll(t.ScheduledQueryPollRequest(ns)).executionId is None  # it runs already

    def progress(state):
        client.scheduled_query_progress(t.ScheduledQueryProgressInfo(got.executionId, state, "hive_query_1"))

    progress(t.QueryState.EXECUTING)
    assert client.scheduled_query_poll(t.ScheduledQueryPollRequest(ns)).executionId is None
    progress(t.QueryState.FINISHED)
    with pytest.raises(t.InvalidOperationException, match="There is no scheduled execution"):
        progress(t.QueryState.FINISHED)
    again = client.scheduled_query_poll(t.ScheduledQueryPollRequest(ns))
    assert again.executionId > got.executionId
    maintain(client, ALTER, "q", ns, enabled=False)
    assert client.get_scheduled_query(key).enabled is False
    maintain(client, DROP, "q", ns)
    for call in (lambda: client.get_scheduled_query(key), lambda: maintain(client, DROP, "q", ns), lambda: maintain(client, ALTER, "q", ns)):
        with pytest.raises(t.NoSuchObjectException):
            call()


# ---- measurements ----------------------------------------------------------------------------------------------------


def test_runtime_stats(client):
    for i in range(3):
        client.add_runtime_stats(t.RuntimeStat(weight=10 + i, payload=bytes([0, 255, i])))
    newest = client.get_runtime_stats(t.GetRuntimeStatsRequest(-1, -1))
    assert [(s.weight, s.payload) for s in newest[:3]] == [(12, b"\x00\xff\x02"), (11, b"\x00\xff\x01"), (10, b"\x00\xff\x00")]
    assert abs(newest[0].createTime - time.time()) < 60
    assert [s.weight for s in client.get_runtime_stats(t.GetRuntimeStatsRequest(13, -1))] == [12, 11]
    assert client.get_runtime_stats(t.GetRuntimeStatsRequest(-1, newest[0].createTime - 1000)) == []


def test_replication_metrics(client, name):
    def add(*metrics):
        client.add_replication_metrics(t.ReplicationMetricList(list(metrics)))

    def get(**by):
        return client.get_replication_metrics(t.GetReplicationMetricsRequest(**by)).replicationMetricList

    base = int.from_bytes(os.urandom(5), "big") * 10
    add(t.ReplicationMetrics(base + 1, name, 7, "m", "p1", "gzip"), t.ReplicationMetrics(base + 2, name, 8, "m", "p", None))
    add(t.ReplicationMetrics(base + 1, name, 7, None, "p2", None))
    assert get(scheduledExecutionId=base + 1) == [t.ReplicationMetrics(base + 1, name, 7, "m", "p2", "gzip")]
    assert [m.scheduledExecutionId for m in get(policy=name)] == [base + 2, base + 1]
    assert [m.scheduledExecutionId for m in get(policy=name, dumpExecutionId=8)] == [base + 2]
    assert get(policy="none") == []


# ---- tokens and keys -------------------------------------------------------------------------------------------------


def test_tokens(client, api, name, shared):
    secret = "t0ken/of%" + name
    assert client.add_token(name + "/%1", secret) is True
    assert client.add_token(name + "/%1", "other") is False
    assert client.get_token(name + "/%1") == secret
    assert name + "/%1" in client.get_all_token_identifiers()
    assert client.remove_token(name + "/%1") is True
    assert client.remove_token(name + "/%1") is False
    assert client.get_token(name + "/%1") == ""
    number = client.add_master_key("first" + name)
    assert client.add_master_key("second" + name) > number
    assert {"first" + name, "second" + name} <= set(client.get_master_keys())
    client.update_master_key(number, "changed" + name)
    assert "changed" + name in client.get_master_keys() and "first" + name not in client.get_master_keys()
    with pytest.raises(t.NoSuchObjectException, match="No key found with keyId: -1"):
        client.update_master_key(-1, "x")
    assert client.remove_master_key(number) is True
    assert client.remove_master_key(number) is False
    logged = str(api.ok("GET", "/changes?kind=thing&after=0&limit=1000"))
    assert "delegation_token" in logged and "master_key" in logged and name not in logged.replace("test_", "")
    assert secret not in shared.log()
    for call in (lambda: client.get_delegation_token("ann", "hive"), lambda: client.renew_delegation_token("x"),
                 lambda: client.cancel_delegation_token("x")):
        with pytest.raises(t.MetaException, match="kerberos"):
            call()


# ---- what there is nothing of ----------------------------------------------------------------------------------------


def test_indexes_and_types(client):
    assert client.get_indexes("default", "x", -1) == [] and client.get_index_names("default", "x", -1) == []
    for call in (lambda: client.get_index_by_name("default", "x", "i"), lambda: client.drop_index_by_name("default", "x", "i", True),
                 lambda: client.get_type("x"), lambda: client.drop_type("x")):
        with pytest.raises(t.NoSuchObjectException):
            call()
    with pytest.raises(t.InvalidOperationException):
        client.alter_index("default", "x", "i", t.Index())
    with pytest.raises(t.MetaException):
        client.add_index(t.Index(), None)
    with pytest.raises(t.MetaException, match="Not yet implemented"):
        client.get_type_all("")


def test_names_that_are_too_long_and_bytes_that_are_no_text(client, db):
    with pytest.raises(t.MetaException):
        client.create_stored_procedure(t.StoredProcedure(name=os.urandom(4000).hex(), dbName=db, catName="hive"))
    with pytest.raises(t.MetaException):
        client.create_stored_procedure(t.StoredProcedure(name="nu\0l", dbName=db, catName="hive"))
    with pytest.raises((t.NoSuchObjectException, t.MetaException)):
        client.get_stored_procedure(t.StoredProcedureRequest("hive", db, "nu\0l"))
    assert not isinstance(client.get_dataconnectors(), TApplicationException)
