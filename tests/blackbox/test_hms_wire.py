"""The Thrift door itself: protocols, connections, calls that are no calls."""

import socket
import struct
import time

import hms
import pytest
import requests
from conftest import running
from hms import t
from thrift.Thrift import TApplicationException

pytestmark = pytest.mark.concurrency
WIRES = [{"framed": f, "compact": c} for f in (False, True) for c in (False, True)]


@pytest.fixture
def make_table(api, database):
    api.ok("POST", f"{database}/tables", 201, json={"name": "orders", "columns": [{"name": "id", "type": "bigint"}]})
    return database.rsplit("/", 1)[1]


@pytest.mark.parametrize("wire", WIRES, ids=lambda w: f"{'framed' if w['framed'] else 'plain'}-{'compact' if w['compact'] else 'binary'}")
def test_every_wire(shared, make_table, wire):
    with hms.connected(shared, **wire) as client:
        assert client.getStatus() == 2
        table = client.get_table(make_table.upper(), " Orders ")
        assert (table.dbName, table.tableName, table.catName, table.sd.cols[0].name) == (make_table, "orders", "hive", "id")
        with pytest.raises(t.NoSuchObjectException, match=f"hive.{make_table}.none table not found"):
            client.get_table(make_table, "none")
        with pytest.raises(t.MetaException, match="Table name cannot be null"):
            client.get_table(make_table, None)
        client.shutdown()  # ends nothing, and has no answer
        assert client.getName() == "hivemetastore"


def call(name, seqid, body=b"\x00", kind=1):
    return struct.pack(">II", 0x80010000 | kind, len(name)) + name + struct.pack(">i", seqid) + body


def read_reply(sock):
    head = b""
    while len(head) < 8:
        head += sock.recv(8 - len(head))
    version, length = struct.unpack(">II", head)
    rest = b""
    while len(rest) < length + 4:
        rest += sock.recv(length + 4 - len(rest))
    return version & 0xFF, rest[:length], struct.unpack(">i", rest[length:])[0]


def address(server):
    host, port = server.thrift.rsplit(":", 1)
    return host, int(port)


def test_unknown_methods_leave_the_connection_alive(shared):
    with hms.connected(shared) as client:
        for _ in range(3):
            client._oprot.writeMessageBegin("no_such_method", 1, 7)
            hms.ThriftHiveMetastore.get_all_databases_args().write(client._oprot)
            client._oprot.writeMessageEnd()
            client._oprot.trans.flush()
            name, kind, seqid = client._iprot.readMessageBegin()
            why = TApplicationException()
            why.read(client._iprot)
            client._iprot.readMessageEnd()
            assert (name, kind, seqid, why.type, why.message) == (
                "no_such_method", 3, 7, TApplicationException.UNKNOWN_METHOD, "Invalid method name: 'no_such_method'")
        assert client.getStatus() == 2


def test_pipelined_calls_are_answered_in_order(shared):
    with socket.create_connection(address(shared), 30) as sock:
        many = b"".join(call(b"nothing_%d" % i, i) if i % 3 else call(b"getName", i) for i in range(3000))
        sock.sendall(many)
        sock.shutdown(socket.SHUT_WR)
        data = b""
        while piece := sock.recv(1 << 16):
            data += piece
    at, seen = 0, []
    while at < len(data):
        length = struct.unpack(">I", data[at + 4:at + 8])[0]
        seen.append(struct.unpack(">i", data[at + 8 + length:at + 12 + length])[0])
        at = data.index(b"\x80\x01\x00", at + 1) if b"\x80\x01\x00" in data[at + 1:] else len(data)
    assert seen == list(range(3000))


def test_bytes_that_are_no_thrift(shared):
    with socket.create_connection(address(shared), 10) as sock:
        sock.sendall(b"\xFF" * 100)
        assert sock.recv(100) == b""
    with socket.create_connection(address(shared), 10) as sock:
        sock.sendall(struct.pack(">II", 0x80010001, 0x7FFFFFFF))
        assert sock.recv(100) == b""
    answer = requests.get(f"http://{shared.thrift}/api/v1/catalogs", timeout=10)
    assert answer.status_code == 400 and "speaks Thrift" in answer.text


def test_a_call_that_comes_byte_by_byte(shared):
    with socket.create_connection(address(shared), 10) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in call(b"getName", 5):
            sock.sendall(bytes([byte]))
        assert read_reply(sock)[1:] == (b"getName", 5)


def test_arguments_that_cannot_be_read(shared):
    """The message is whole, but a list in it says it has more than the whole has bytes."""
    names = b"\x0f\x00\x02\x0b" + struct.pack(">i", 1 << 20)
    with socket.create_connection(address(shared), 10) as sock:
        sock.sendall(call(b"set_ugi", 1, names + b"\x00"))
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(100) == b""


def test_connections_beyond_the_limit():
    with running("--set", "thrift.max_connections=4") as server:
        kept = [hms.Client(server.thrift) for _ in range(4)]
        assert all(client.getStatus() == 2 for client in kept)
        for _ in range(50):
            with socket.create_connection(address(server), 10) as sock:
                assert sock.recv(10) == b""
        assert all(client.getStatus() == 2 for client in kept)
        kept.pop().close()
        for _ in range(100):
            try:
                with hms.connected(server) as client:
                    assert client.getStatus() == 2
                    break
            except Exception:  # noqa: B902  closed until the server has noticed
                continue
        else:
            pytest.fail("no connection came free")
        for client in kept:
            client.close()


def who_altered(api, database):
    """Of the newest version: user, door, method."""
    change = api.ok("GET", f"/catalogs/hive/databases/{database}/tables/orders/versions")["items"][0]["change"]
    return change.get("principal"), change["protocol"], change["operation"]


def alter(client, database, value):
    table = client.get_table(database, "orders")
    table.parameters = {**table.parameters, "said": value}
    client.alter_table(database, "orders", table)


def test_who_calls_is_in_the_history(shared, api, make_table):
    with hms.connected(shared) as client:
        client.set_ugi("ann", [])
        alter(client, make_table, "one")
        assert who_altered(api, make_table) == ("ann", "hive", "alter_table")
    alter(hms.HttpClient(shared.base, headers={"X-Actor-Username": "ben"}), make_table, "two")
    assert who_altered(api, make_table) == ("ben", "hive", "alter_table")


def test_settings_are_those_of_a_connection(shared):
    with hms.connected(shared) as client:
        client.setOption("color", "yellow")
        assert client.getOption("color") == "yellow" and client.getOptions() == {"color": "yellow"}
        assert client.set_ugi("ann", ["staff"]) == ["staff", "ann"]
        client.setMetaConf("hive.metastore.client.capability.check", "false")
        assert client.getMetaConf("metastore.client.capability.check") == "false"
        with pytest.raises(t.MetaException, match="Invalid configuration key"):
            client.getMetaConf("hive.metastore.uris")
    with hms.connected(shared) as client:
        assert client.getMetaConf("hive.metastore.client.capability.check") == "true"
        assert client.getOptions() == {} and client.getOption("color") == ""
        with pytest.raises(t.ConfigValSecurityException):
            client.get_config_value("javax.jdo.option.ConnectionPassword", "")


def test_login():
    with running("--set", "auth.mode=required") as server:
        token = (server.directory / "admin.token").read_text().strip()
        with server.client(token=token) as api:
            api.ok("POST", "/users", 201, json={"name": "ann", "password": "correct horse"})
            api.ok("POST", "/catalogs/hive/databases", 201, json={"name": "sales"})
            api.ok("POST", "/catalogs/hive/databases/sales/tables", 201, json={"name": "orders", "columns": []})
            with hms.connected(server) as client:
                assert client.getStatus() == 2  # whoever asks may know that it lives
                with pytest.raises(t.MetaException, match="wants a login"):
                    client.get_table("sales", "orders")
            for login in (("ann", "wrong horse"), ("nobody", "correct horse"), ("ann", token), ("", "x")):
                with pytest.raises(hms.LoginFailed):
                    hms.Client(server.thrift, login=login)
            with pytest.raises(hms.LoginFailed):
                hms.Client(server.thrift, login=("ann", "correct horse", "root"))
            for compact in (False, True):
                with hms.connected(server, login=("ann", "correct horse"), compact=compact) as client:
                    assert client.get_table("sales", "orders").tableName == "orders"
                    assert client.set_ugi("root", []) == ["root"]  # is not believed
                    alter(client, "sales", str(compact))
                    assert who_altered(api, "sales") == ("ann", "hive", "alter_table")
            with hms.connected(server, login=("admin", token)) as client:
                assert client.get_table("sales", "orders").tableName == "orders"


def test_a_login_that_ends_ends_its_connections():
    with running("--set", "auth.mode=required", "--set", "auth.token_cache=100ms") as server:
        token = (server.directory / "admin.token").read_text().strip()
        with server.client(token=token) as api:
            api.ok("POST", "/users", 201, json={"name": "ann", "password": "correct horse"})
            with hms.connected(server, login=("ann", "correct horse")) as client:
                assert client.get_config_value("hive.x", "y") == "y"
                api.ok("DELETE", "/users/ann")
                time.sleep(0.2)
                with pytest.raises(t.ConfigValSecurityException):
                    client.get_config_value("hive.x", "y")


def test_logins_that_are_none(shared):
    for text in (b"\x01\x00\x00\x00\x08DIGEST-M", b"\x01\xff\xff\xff\xff", b"\x01\x00\x00\x00\x05PLAIN\x05\x00\x00\x00\x01x",
                 b"\x01\x00\x00\x00\x05PLAIN\x03\x00\x00\x00\x00"):
        with socket.create_connection(address(shared), 10) as sock:
            sock.sendall(text)
            answer = b""
            while piece := sock.recv(1000):
                answer += piece
            assert answer[:1] in (b"", b"\x03")


@pytest.mark.parametrize("path", ["/metastore", "/metastore/*"])
def test_over_http(shared, make_table, path):
    client = hms.HttpClient(shared.base, path)
    assert client.getStatus() == 2 and client.get_table(make_table, "orders").tableName == "orders"
    with pytest.raises(t.NoSuchObjectException, match="none table not found"):
        client.get_table(make_table, "none")
    client.setMetaConf("metastore.client.capability.check", "false")
    assert client.getMetaConf("metastore.client.capability.check") == "true"  # each request stands alone
    for body in (b"", b"\x80\x01", b"hello", b"\x00" * 100):
        answer = requests.post(shared.base + path, data=body, timeout=10)
        assert answer.status_code == 400 and answer.json()["code"] == "invalid_message"
    answer = requests.post(shared.base + path, data=call(b"nothing", 3), timeout=10)
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "application/x-thrift" and b"Invalid method name" in answer.content
    assert requests.get(shared.base + path, timeout=10).status_code == 405


def test_over_http_with_a_login():
    with running("--set", "auth.mode=required") as server:
        token = (server.directory / "admin.token").read_text().strip()
        assert requests.post(server.base + "/metastore", data=call(b"getStatus", 1), timeout=10).status_code == 401
        client = hms.HttpClient(server.base, headers={"Authorization": "Bearer " + token})
        assert client.getStatus() == 2 and client.get_config_value("hive.a", "b") == "b"


def test_memory_for_messages_has_a_limit():
    """Nobody has logged in, and messages of 100 MB may come."""
    with running("--set", "thrift.max_buffered=4MiB") as server:
        server.expect_log("thrift.max_buffered")
        with hms.connected(server) as client, socket.create_connection(address(server), 30) as sock:
            sock.settimeout(30)
            sock.sendall(call(b"set_ugi", 1, b"\x0b\x00\x01" + struct.pack(">i", 50 << 20))[:-1] + b"xxx")
            with pytest.raises((ConnectionError, AssertionError)):
                for _ in range(50):
                    sock.sendall(b"x" * (1 << 20))
                    time.sleep(0.01)
                assert sock.recv(1) != b""
            assert client.getStatus() == 2
        with hms.connected(server) as client:
            assert client.set_ugi("x" * 1000, []) == ["x" * 1000]


def test_clients_that_stop_in_the_middle():
    with running("--set", "thrift.stall_timeout=1s") as server:
        resting = hms.Client(server.thrift)
        assert resting.getStatus() == 2
        big = call(b"set_ugi", 1, b"\x0b\x00\x01\x00\x00\x00\x01x\x0f\x00\x02\x0b" + struct.pack(">i", 1000) + (struct.pack(">i", 1000) + b"g" * 1000) * 1000 + b"\x00")
        with socket.create_connection(address(server), 10) as half, socket.create_connection(address(server), 10) as deaf:
            half.sendall(big[:100])
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.settimeout(1)
            try:
                for _ in range(200):
                    deaf.sendall(big)  # and never reads an answer
            except (TimeoutError, ConnectionError):
                pass
            half.settimeout(20)
            assert half.recv(10) == b""
            time.sleep(2)
            deaf.settimeout(10)
            with pytest.raises(ConnectionError):
                while deaf.recv(1 << 20):
                    pass
                raise ConnectionError("closed")
        assert resting.getStatus() == 2  # a pause between two calls is no stop
        resting.close()


def test_limits_of_a_message_at_their_edge():
    def message(size):
        """A call of set_ugi with exactly SIZE bytes."""
        head = b"\x0b\x00\x01\x00\x00\x00\x01x\x0f\x00\x02\x0b\x00\x00\x00\x01"
        rest = size - len(call(b"set_ugi", 1, head + b"\x00\x00\x00\x00\x00"))
        return call(b"set_ugi", 1, head + struct.pack(">i", rest) + b"g" * rest + b"\x00")

    with running("--set", "thrift.max_message=64KiB", "--set", "thrift.max_items=1000") as server:
        for size, taken in ((65536, True), (65537, False)):
            with socket.create_connection(address(server), 10) as sock:
                sock.sendall(message(size))
                assert bool(sock.recv(10)) == taken, size
        for groups, taken in ((1000, True), (1001, False)):
            with socket.create_connection(address(server), 10) as sock:
                sock.sendall(call(b"set_ugi", 1, b"\x0b\x00\x01\x00\x00\x00\x01x\x0f\x00\x02\x0b" + struct.pack(">i", groups) + b"\0\0\0\0" * groups + b"\x00"))
                assert bool(sock.recv(10)) == taken, groups


def test_limits_of_a_session_at_their_edge(shared):
    with hms.connected(shared) as client:
        assert len(client.set_ugi("u" * 1024, ["g"] * 1000)) == 1001
        for user, groups in (("u" * 1025, []), ("u", ["g"] * 1001)):
            with pytest.raises(t.MetaException, match="at most 1024 bytes"):
                client.set_ugi(user, groups)
        client.setOption("k" * 1024, "v" * 1024)
        with pytest.raises(TApplicationException, match="at most 1024 bytes"):
            client.setOption("k" * 1025, "")
        for i in range(2000):  # what one connection may keep has an end
            try:
                client.setOption(f"option {i}", "v" * 1000)
            except TApplicationException:
                break
        assert 100 < i < 1999 and client.getStatus() == 2
