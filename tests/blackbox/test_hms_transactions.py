"""ACID transactions over Thrift."""

import os

import hms
import pytest
from conftest import running
from hms import t
from thrift.Thrift import TApplicationException


@pytest.fixture(scope="module")
def server():
    """Transactions are counted for the whole store, so these tests have one of their own."""
    with running() as own:
        yield own


@pytest.fixture
def client(server):
    with hms.connected(server) as connected:
        yield connected


@pytest.fixture
def name():
    return "acid_" + os.urandom(4).hex()


def begin(client, count=1, **more):
    ids = client.open_txns(t.OpenTxnRequest(num_txns=count, user="ann", hostname="there", **more)).txn_ids
    assert ids == list(range(ids[0], ids[0] + count))
    return ids if count > 1 else ids[0]


def bits(data):
    data = data.encode("latin-1") if isinstance(data, str) else data
    return [i for i in range(len(data) * 8) if data[i // 8] >> i % 8 & 1]


def test_life_of_transactions(client):
    a, b, c = begin(client, 3)
    d = begin(client, txn_type=t.TxnType.READ_ONLY)
    client.commit_txn(t.CommitTxnRequest(txnid=a))
    client.commit_txn(t.CommitTxnRequest(txnid=a))
    client.abort_txn(t.AbortTxnRequest(txnid=b))
    client.abort_txn(t.AbortTxnRequest(txnid=b))
    seen = client.get_open_txns()
    seen.validate()
    assert (seen.txn_high_water_mark, seen.min_open_txn, seen.open_txns[-3:]) == (d, c, [b, c, d])
    assert bits(seen.abortedBits) == [i for i, id in enumerate(seen.open_txns) if id == b]
    fewer = client.get_open_txns_req(t.GetOpenTxnsRequest(excludeTxnTypes=[t.TxnType.READ_ONLY]))
    assert (fewer.txn_high_water_mark, fewer.open_txns[-2:]) == (d, [b, c])
    assert client.get_open_txns_req(None).open_txns == seen.open_txns
    infos = {i.id: i for i in client.get_open_txns_info().open_txns}
    assert (infos[b].state, infos[c].state) == (t.TxnState.ABORTED, t.TxnState.OPEN)
    assert (infos[c].user, infos[c].hostname, infos[c].agentInfo, infos[c].heartbeatCount) == ("ann", "there", "Unknown", 0)
    assert infos[c].startedTime == infos[c].lastHeartbeatTime > 0
    with pytest.raises(t.TxnAbortedException, match=f"Transaction txnid:{b} already aborted"):
        client.commit_txn(t.CommitTxnRequest(txnid=b))
    with pytest.raises(t.NoSuchTxnException, match="No such transaction txnid:987654"):
        client.commit_txn(t.CommitTxnRequest(txnid=987654))
    with pytest.raises(t.NoSuchTxnException, match="No such transaction txnid:987654"):
        client.abort_txn(t.AbortTxnRequest(txnid=987654))
    beats = client.heartbeat_txn_range(t.HeartbeatTxnRangeRequest(min=a, max=d + 1))
    assert (set(beats.aborted), set(beats.nosuch)) == ({b}, {a, d + 1})
    client.heartbeat(t.HeartbeatRequest(txnid=c))
    with pytest.raises(t.NoSuchTxnException):
        client.heartbeat(t.HeartbeatRequest(txnid=987654))
    client.abort_txns(t.AbortTxnsRequest(txn_ids=[c, d, 987654]))
    assert client.get_open_txns().min_open_txn is None


def test_write_ids(client, name):
    a, b, c, d = begin(client, 4)
    full = f"{name}.t"
    got = client.allocate_table_write_ids(t.AllocateTableWriteIdsRequest(dbName=name.upper(), tableName="T", txnIds=[b, a, c]))
    assert [(w.txnId, w.writeId) for w in got.txnToWriteIds] == [(a, 1), (b, 2), (c, 3)]
    got = client.allocate_table_write_ids(t.AllocateTableWriteIdsRequest(dbName=name, tableName="t", txnIds=[c, d]))
    assert [(w.txnId, w.writeId) for w in got.txnToWriteIds] == [(c, 3), (d, 4)]
    client.commit_txn(t.CommitTxnRequest(txnid=a))
    client.abort_txn(t.AbortTxnRequest(txnid=c))
    view = f"{d}:{b}:{b},{d}:{c}"
    one, none = client.get_valid_write_ids(t.GetValidWriteIdsRequest(fullTableNames=[full, "no.table"], validTxnList=view)).tblValidWriteIds
    one.validate()
    assert (one.fullTableName, one.writeIdHighWaterMark, one.invalidWriteIds, one.minOpenWriteId) == (full, 4, [2, 3, 4], 2)
    assert bits(one.abortedBits) == [1]
    assert (none.fullTableName, none.writeIdHighWaterMark, none.invalidWriteIds, none.minOpenWriteId) == ("no.table", 0, [], None)
    earlier = client.get_valid_write_ids(t.GetValidWriteIdsRequest(fullTableNames=[full], validTxnList=f"{b}:{b}:{b}:")).tblValidWriteIds[0]
    assert (earlier.writeIdHighWaterMark, earlier.invalidWriteIds) == (2, [2])
    now = client.get_valid_write_ids(t.GetValidWriteIdsRequest(fullTableNames=[full])).tblValidWriteIds[0]
    assert (now.writeIdHighWaterMark, now.invalidWriteIds) == (4, [2, 3, 4])
    newest = client.get_max_allocated_table_write_id(t.MaxAllocatedTableWriteIdRequest(dbName=name, tableName="t"))
    assert newest.maxWriteId == 4
    client.seed_write_id(t.SeedTableWriteIdsRequest(dbName=name, tableName="seeded", seedWriteId=7))
    assert client.get_max_allocated_table_write_id(t.MaxAllocatedTableWriteIdRequest(dbName=name, tableName="seeded")).maxWriteId == 7
    with pytest.raises(t.TxnAbortedException):
        client.allocate_table_write_ids(t.AllocateTableWriteIdsRequest(dbName=name, tableName="t", txnIds=[c]))
    with pytest.raises(t.NoSuchTxnException):
        client.allocate_table_write_ids(t.AllocateTableWriteIdsRequest(dbName=name, tableName="t", txnIds=[a]))
    with pytest.raises(t.MetaException, match="no list of transactions"):
        client.get_valid_write_ids(t.GetValidWriteIdsRequest(fullTableNames=[full], validTxnList="nonsense"))
    with pytest.raises(t.MetaException, match="no full name"):
        client.get_valid_write_ids(t.GetValidWriteIdsRequest(fullTableNames=["table"]))
    client.abort_txns(t.AbortTxnsRequest(txn_ids=[b, d]))


def test_write_conflicts(client, name):
    a, b = begin(client, 2)
    for txn in (a, b):
        client.add_dynamic_partitions(t.AddDynamicPartitions(
            txnid=txn, writeid=1, dbname=name, tablename="t", partitionnames=["p=1", f"p=x{txn}"], operationType=t.DataOperationType.UPDATE))
    client.commit_txn(t.CommitTxnRequest(txnid=b))
    assert client.get_latest_txnid_in_conflict(a) == b
    with pytest.raises(t.TxnAbortedException, match=f"due to a write conflict on {name}.t/p=1 committed by .txnid:{b}"):
        client.commit_txn(t.CommitTxnRequest(txnid=a))
    with pytest.raises(t.TxnAbortedException):
        client.add_dynamic_partitions(t.AddDynamicPartitions(txnid=a, writeid=1, dbname=name, tablename="t", partitionnames=["p=1"]))
    with pytest.raises(t.NoSuchTxnException):
        client.add_dynamic_partitions(t.AddDynamicPartitions(txnid=987654, writeid=1, dbname=name, tablename="t", partitionnames=[]))


@pytest.mark.parametrize("acid, collide", [(True, True), (False, False)])
def test_conflicts_of_locks(client, name, acid, collide):
    """What a lock is for counts as written, in tables that are transactional."""
    a, b = begin(client, 2)
    for txn in (a, b):
        client.lock(t.LockRequest(component=[t.LockComponent(
            type=t.LockType.SHARED_READ, level=t.LockLevel.TABLE, dbname=name, tablename="t", isTransactional=acid,
            operationType=t.DataOperationType.DELETE)], txnid=txn, user="ann", hostname="there"))
    client.commit_txn(t.CommitTxnRequest(txnid=a))
    if collide:
        with pytest.raises(t.TxnAbortedException, match=f"write conflict on {name}.t committed by .txnid:{a}"):
            client.commit_txn(t.CommitTxnRequest(txnid=b))
    else:
        client.commit_txn(t.CommitTxnRequest(txnid=b))


def test_requests_that_say_nothing(client):
    for call, exception in [(client.abort_txn, t.NoSuchTxnException), (client.abort_txns, t.NoSuchTxnException),
                            (client.commit_txn, t.NoSuchTxnException), (client.add_dynamic_partitions, t.NoSuchTxnException),
                            (client.get_valid_write_ids, t.MetaException), (client.allocate_table_write_ids, t.MetaException),
                            (client.get_max_allocated_table_write_id, t.MetaException), (client.seed_write_id, t.MetaException),
                            (client.seed_txn_id, t.MetaException)]:
        with pytest.raises(exception, match="request"):
            call(None)
    empty = client.heartbeat_txn_range(None)
    assert (empty.aborted, empty.nosuch) == (set(), set())
    assert client.get_latest_txnid_in_conflict(None) == 0
    with pytest.raises(TApplicationException, match="how many"):  # declares no exception
        client.open_txns(None)
    with pytest.raises(TApplicationException, match="1 to 1000 transactions"):
        client.open_txns(t.OpenTxnRequest(num_txns=0, user="ann", hostname="there"))
    assert client.getStatus() == 2


def test_what_is_not_kept(client):
    txn = begin(client)
    with pytest.raises(TApplicationException, match="replication policy"):
        client.open_txns(t.OpenTxnRequest(num_txns=1, user="ann", hostname="there", replPolicy="p", replSrcTxnIds=[5]))
    with pytest.raises(t.NoSuchTxnException, match="changes no table"):
        client.commit_txn(t.CommitTxnRequest(txnid=txn, keyValue=t.CommitTxnKeyValue(tableId=1, key="_meta", value="v")))
    with pytest.raises(t.MetaException, match="transactions of this server only"):
        client.allocate_table_write_ids(t.AllocateTableWriteIdsRequest(
            dbName="d", tableName="t", replPolicy="p", srcTxnToWriteIdList=[t.TxnToWriteId(txnId=1, writeId=1)]))
    client.abort_txn(t.AbortTxnRequest(txnid=txn))


def test_write_ids_follow_a_rename(server, client, name):
    with server.client() as api:
        api.ok("POST", "/catalogs/hive/databases", 201, json={"name": name})
        for table in ("a", "b"):
            api.ok("POST", f"/catalogs/hive/databases/{name}/tables", 201, json={"name": table, "columns": [{"name": "id", "type": "int"}]})
        newest = lambda database, table: client.get_max_allocated_table_write_id(  # noqa: E731
            t.MaxAllocatedTableWriteIdRequest(dbName=database, tableName=table)).maxWriteId
        client.seed_write_id(t.SeedTableWriteIdsRequest(dbName=name, tableName="a", seedWriteId=7))
        client.seed_write_id(t.SeedTableWriteIdsRequest(dbName=name, tableName="b", seedWriteId=9))
        api.ok("DELETE", f"/catalogs/hive/databases/{name}/tables/b")
        api.ok("POST", f"/catalogs/hive/databases/{name}/tables/a:rename", json={"name": "B"})
        assert (newest(name, "a"), newest(name, "b")) == (0, 7)
        api.ok("POST", f"/catalogs/hive/databases/{name}:rename", json={"name": name + "x"})
        assert (newest(name, "b"), newest(name + "x", "b")) == (0, 7)


def test_seeded_ids(client):
    last = begin(client)
    with pytest.raises(t.MetaException, match=f"Invalid txnId seed {last}, the highWaterMark is {last}"):
        client.seed_txn_id(t.SeedTxnIdRequest(seedTxnId=last))
    client.seed_txn_id(t.SeedTxnIdRequest(seedTxnId=last + 50))
    assert begin(client) == last + 50
    assert client.get_open_txns().txn_high_water_mark == last + 50
    client.abort_txns(t.AbortTxnsRequest(txn_ids=[last, last + 50]))
