"""Locks over Thrift, as Hive, Iceberg and PyIceberg take them."""

import os
import threading
import time

import hms
import pytest
from conftest import running, temporary_directory
from hms import t
from thrift.Thrift import TApplicationException, TException

ACQUIRED, WAITING = t.LockState.ACQUIRED, t.LockState.WAITING
READ, WRITE, EXCLUSIVE, EXCL_WRITE = (t.LockType.SHARED_READ, t.LockType.SHARED_WRITE, t.LockType.EXCLUSIVE, t.LockType.EXCL_WRITE)


@pytest.fixture
def client(shared):
    with hms.connected(shared) as connected:
        yield connected


@pytest.fixture
def name():
    """Of a database that need not exist."""
    return "locks_" + os.urandom(4).hex()


def component(database, table=None, kind=EXCLUSIVE, partition=None, **more):
    level = t.LockLevel.PARTITION if partition else t.LockLevel.TABLE if table else t.LockLevel.DB
    return t.LockComponent(type=kind, level=level, dbname=database, tablename=table, partitionname=partition, **more)


def ask(*components, agent=None, **more):
    return t.LockRequest(component=list(components), user="ann", hostname="there", agentInfo=agent, **more)


def test_as_iceberg_does(client, name):
    mine = client.lock(ask(component(name, "T1"), agent="Iceberg-1"))
    assert mine.state == ACQUIRED and mine.errorMessage is None
    theirs = client.lock(ask(component(name.upper(), "t1"), agent="Iceberg-2"))
    assert theirs.state == WAITING and theirs.lockid > mine.lockid
    # when lock() failed on the way, it looks for its own agentInfo
    shown = client.show_locks(t.ShowLocksRequest(dbname=name, tablename="t1")).locks
    assert [(e.lockid, e.agentInfo, e.state) for e in shown] == [(mine.lockid, "Iceberg-1", ACQUIRED), (theirs.lockid, "Iceberg-2", WAITING)]
    client.heartbeat(t.HeartbeatRequest(lockid=mine.lockid, txnid=0))
    assert client.check_lock(t.CheckLockRequest(lockid=theirs.lockid)).state == WAITING
    client.unlock(t.UnlockRequest(lockid=mine.lockid))
    assert client.check_lock(t.CheckLockRequest(lockid=theirs.lockid)).state == ACQUIRED
    client.unlock(t.UnlockRequest(lockid=theirs.lockid))
    assert client.show_locks(t.ShowLocksRequest(dbname=name)).locks == []


def test_as_pyiceberg_does(client, name):
    """Says that it is transactional, but names no transaction."""
    lock = client.lock(ask(component(name, "t1", isTransactional=True)))
    assert lock.state == ACQUIRED
    client.unlock(t.UnlockRequest(lockid=lock.lockid))


def test_what_is_shown(client, name):
    began = time.time() * 1000
    first = client.lock(ask(component(name, kind=READ), component(name, "T", EXCLUSIVE, "K=V")))
    second = client.lock(ask(component(f"@hive#{name}", "t", READ)))
    assert (first.state, second.state) == (ACQUIRED, WAITING)
    a, b, c = client.show_locks(t.ShowLocksRequest(dbname=name)).locks
    assert [e.heartbeatCount for e in (a, b, c)] == [0, 0, 0]
    for e in (a, b, c):
        e.validate()  # every required member is there
        assert (e.dbname, e.catname, e.user, e.hostname, e.agentInfo, e.txnid) == (name, "hive", "ann", "there", "Unknown", 0)
        assert abs(e.lastheartbeat - began) < 60000
    assert (a.lockid, a.lockIdInternal, a.tablename, a.partname, a.type, a.state) == (first.lockid, 1, None, None, READ, ACQUIRED)
    assert (b.lockid, b.lockIdInternal, b.tablename, b.partname, b.type) == (first.lockid, 2, "t", "k=V", EXCLUSIVE)
    assert abs(b.acquiredat - began) < 60000 and b.blockedByExtId is None
    assert (c.state, c.acquiredat, c.blockedByExtId, c.blockedByIntId) == (WAITING, None, first.lockid, 2)
    assert [e.lockIdInternal for e in client.show_locks(t.ShowLocksRequest(dbname=f"@hive#{name}", tablename="T", partname="k=V")).locks] == [2]
    assert client.show_locks(t.ShowLocksRequest(dbname=f"@other#{name}")).locks == []
    assert client.show_locks(t.ShowLocksRequest(dbname=name, txnid=1)).locks == []
    assert {e.lockid for e in client.show_locks(t.ShowLocksRequest()).locks} >= {first.lockid, second.lockid}
    client.unlock(t.UnlockRequest(lockid=first.lockid))
    client.unlock(t.UnlockRequest(lockid=second.lockid))


@pytest.mark.parametrize("later, waits_for", [(READ, {EXCLUSIVE}), (WRITE, {EXCL_WRITE, EXCLUSIVE}),
                                              (EXCL_WRITE, {WRITE, EXCL_WRITE, EXCLUSIVE}),
                                              (EXCLUSIVE, {READ, WRITE, EXCL_WRITE, EXCLUSIVE})])
def test_who_waits_for_whom(client, name, later, waits_for):
    for earlier in (READ, WRITE, EXCL_WRITE, EXCLUSIVE):
        first = client.lock(ask(component(name, "t", earlier)))
        second = client.lock(ask(component(name, "t", later)))
        assert (first.state, second.state) == (ACQUIRED, WAITING if earlier in waits_for else ACQUIRED), earlier
        client.unlock(t.UnlockRequest(lockid=first.lockid))
        client.unlock(t.UnlockRequest(lockid=second.lockid))


def test_what_does_not_exist(client):
    with pytest.raises(t.NoSuchLockException, match="^.*No such lock lockid:987654321"):
        client.check_lock(t.CheckLockRequest(lockid=987654321))
    with pytest.raises(t.NoSuchLockException, match="No such lock lockid:987654321"):
        client.heartbeat(t.HeartbeatRequest(lockid=987654321))
    client.unlock(t.UnlockRequest(lockid=987654321))
    client.heartbeat(t.HeartbeatRequest())
    client.heartbeat(t.HeartbeatRequest(lockid=0, txnid=0))


def test_requests_that_say_nothing(client, name):
    with pytest.raises(t.NoSuchTxnException, match="needs a request"):
        client.lock(None)
    with pytest.raises(t.NoSuchLockException, match="needs a request"):
        client.check_lock(None)
    with pytest.raises(t.NoSuchLockException, match="needs a request"):
        client.unlock(None)
    with pytest.raises(t.NoSuchLockException, match="needs a request"):
        client.heartbeat(None)
    assert isinstance(client.show_locks(None).locks, list)
    with pytest.raises(t.NoSuchTxnException, match="1 to 100000 components"):
        client.lock(ask())
    with pytest.raises(t.NoSuchTxnException, match="no type of a lock"):
        client.lock(ask(component(name, "t", 77)))
    with pytest.raises(t.NoSuchTxnException, match="name of a database"):
        client.lock(ask(component("", "t")))
    with pytest.raises(t.NoSuchTxnException, match="longer than 255"):
        client.lock(ask(component("n" * 256, "t")))
    with pytest.raises(t.NoSuchTxnException):
        client.lock(ask(component("@broken", "t")))
    with pytest.raises(t.NoSuchTxnException, match="No such transaction txnid:123456789"):
        client.lock(ask(component(name, "t"), txnid=123456789))


def test_locks_of_a_transaction(client, name):
    txn = client.open_txns(t.OpenTxnRequest(num_txns=1, user="ann", hostname="there")).txn_ids[0]
    lock = client.lock(ask(component(name, "t", WRITE), txnid=txn))
    assert client.show_locks(t.ShowLocksRequest(txnid=txn)).locks[0].txnid == txn
    with pytest.raises(t.TxnOpenException, match="Unlocking locks associated with transaction not permitted"):
        client.unlock(t.UnlockRequest(lockid=lock.lockid))
    reader = client.lock(ask(component(name, "t", EXCLUSIVE)))
    assert reader.state == WAITING
    assert client.check_lock(t.CheckLockRequest(lockid=lock.lockid, txnid=txn)).state == ACQUIRED
    client.heartbeat(t.HeartbeatRequest(lockid=lock.lockid, txnid=txn))
    client.commit_txn(t.CommitTxnRequest(txnid=txn))
    assert client.check_lock(t.CheckLockRequest(lockid=reader.lockid)).state == ACQUIRED
    with pytest.raises(t.NoSuchLockException):
        client.check_lock(t.CheckLockRequest(lockid=lock.lockid, txnid=txn))
    client.unlock(t.UnlockRequest(lockid=reader.lockid))


def test_no_versions_and_no_changes(client, api, name):
    before = api.ok("GET", "/changes?limit=1")
    lock = client.lock(ask(component(name, "t")))
    client.unlock(t.UnlockRequest(lockid=lock.lockid))
    after = api.ok("GET", "/changes?limit=1")
    assert before == after


def test_only_one_at_a_time(shared, name):
    """Many clients take turns, as Iceberg's commits do; some lock two tables at once, in either order."""
    inside, most, turns, failures = {"a": 0, "b": 0}, 0, [], []
    guard = threading.Lock()

    def work(no):
        nonlocal most
        tables = [["a"], ["a", "b"], ["b", "a"], ["b"]][no % 4]
        try:
            with hms.connected(shared) as client:
                for _ in range(5):
                    lock = client.lock(ask(*[component(name, table) for table in tables], agent=f"worker-{no}"))
                    while lock.state == WAITING:
                        time.sleep(0.005)
                        lock = client.check_lock(t.CheckLockRequest(lockid=lock.lockid))
                    assert lock.state == ACQUIRED
                    with guard:
                        for table in tables:
                            inside[table] += 1
                            most = max(most, inside[table])
                        turns.append(no)
                    time.sleep(0.002)
                    with guard:
                        for table in tables:
                            inside[table] -= 1
                    client.unlock(t.UnlockRequest(lockid=lock.lockid))
        except (TException, AssertionError) as failure:
            failures.append(failure)

    threads = [threading.Thread(target=work, args=(no,)) for no in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert (most, len(turns)) == (1, 80)


def test_time_out_and_heartbeats():
    with running("--set", "locks.timeout=2s") as server, hms.connected(server) as client:
        with_heartbeats = client.lock(ask(component("d", "kept")))
        silent = client.lock(ask(component("d", "lost")))
        waiting = client.lock(ask(component("d", "lost", READ)))
        txn = client.open_txns(t.OpenTxnRequest(num_txns=1, user="ann", hostname="there")).txn_ids[0]
        client.lock(ask(component("d", "of_txn"), txnid=txn))
        deadline = time.monotonic() + 30
        while client.check_lock(t.CheckLockRequest(lockid=waiting.lockid)).state == WAITING:
            assert time.monotonic() < deadline
            client.heartbeat(t.HeartbeatRequest(lockid=with_heartbeats.lockid))
            time.sleep(0.1)
        with pytest.raises(t.NoSuchLockException):
            client.heartbeat(t.HeartbeatRequest(lockid=silent.lockid))
        while client.get_open_txns().min_open_txn:
            assert time.monotonic() < deadline
            client.heartbeat(t.HeartbeatRequest(lockid=with_heartbeats.lockid))
            time.sleep(0.1)
        with pytest.raises(t.TxnAbortedException, match=f"Transaction txnid:{txn} already aborted"):
            client.heartbeat(t.HeartbeatRequest(txnid=txn))
        client.heartbeat(t.HeartbeatRequest(lockid=with_heartbeats.lockid))
        assert "of_txn" not in {e.tablename for e in client.show_locks(t.ShowLocksRequest()).locks}


def test_locks_survive_a_crash_and_a_pause():
    """Killed and started again after more than the timeout: nobody could send heartbeats, so nothing has timed out."""
    with temporary_directory() as where:
        with running("--set", "locks.timeout=4s", directory=where / "data") as server:
            with hms.connected(server) as client:
                lock = client.lock(ask(component("d", "t")))
                waiting = client.lock(ask(component("d", "t")))
            server.process.kill()
            server.process.wait()
            time.sleep(5)
            server.expect_log(".")
            server.start()
            with hms.connected(server) as client:
                client.heartbeat(t.HeartbeatRequest(lockid=lock.lockid))
                assert client.check_lock(t.CheckLockRequest(lockid=waiting.lockid)).state == WAITING
                newest = client.lock(ask(component("d", "t")))
                assert newest.lockid > waiting.lockid and newest.state == WAITING
                deadline = time.monotonic() + 40
                while time.monotonic() < deadline:
                    try:
                        client.heartbeat(t.HeartbeatRequest(lockid=newest.lockid))
                        if client.check_lock(t.CheckLockRequest(lockid=newest.lockid)).state == ACQUIRED:
                            break
                    except TApplicationException:
                        pass
                    time.sleep(0.2)
                else:
                    pytest.fail("the locks of the clients that are gone never timed out")
