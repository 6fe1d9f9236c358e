"""A Metastore client of Thrift's own making, generated from our IDL."""

import contextlib
import struct

from hive_metastore import ThriftHiveMetastore
from hive_metastore import ttypes as t  # noqa: F401  for the tests
from thrift.protocol import TBinaryProtocol, TCompactProtocol
from thrift.transport import THttpClient, TSocket, TTransport


class LoginFailed(Exception):
    pass


def log_in(socket, user, password, acting_for=""):
    """Thrift's SASL negotiation with PLAIN."""
    def say(status, text):
        socket.write(struct.pack(">BI", status, len(text)) + text)

    say(1, b"PLAIN")
    say(5, b"\0".join(part.encode() for part in (acting_for, user, password)))
    status, length = struct.unpack(">BI", read(socket, 5))
    text = read(socket, length)
    if status != 5:
        raise LoginFailed(text.decode())


def read(socket, length):
    data = b""
    while len(data) < length:
        data += socket.read(length - len(data))
    return data


class Client(ThriftHiveMetastore.Client):
    """One connection. LOGIN: (user, password)."""

    def __init__(self, address, framed=False, compact=False, timeout=60, login=None, socket=None):
        host, port = address.rsplit(":", 1)
        self.socket = socket or TSocket.TSocket(host, int(port))
        self.socket.setTimeout(timeout * 1000)
        self.transport = (TTransport.TFramedTransport if framed or login else TTransport.TBufferedTransport)(self.socket)
        protocol = TCompactProtocol.TCompactProtocol if compact else TBinaryProtocol.TBinaryProtocol
        super().__init__(protocol(self.transport))
        self.transport.open()
        if login:
            log_in(self.socket, *login)

    def close(self):
        self.transport.close()


@contextlib.contextmanager
def connected(server, **how):
    client = Client(server.thrift, **how)
    try:
        yield client
    finally:
        client.close()


def call_empty(client, method):
    """The method with an arguments struct that has no field."""
    client._oprot.writeMessageBegin(method, 1, 1)
    client._oprot.writeStructBegin("args")
    client._oprot.writeFieldStop()
    client._oprot.writeStructEnd()
    client._oprot.writeMessageEnd()
    client._oprot.trans.flush()
    return getattr(client, "recv_" + method)()


class HttpClient(ThriftHiveMetastore.Client):
    """Thrift over HTTP."""

    def __init__(self, base, path="/metastore", headers=None):
        self.transport = THttpClient.THttpClient(base + path)
        self.transport.setCustomHeaders({"Content-Type": "application/x-thrift", **(headers or {})})
        super().__init__(TBinaryProtocol.TBinaryProtocol(self.transport))


def column(name, kind="string", comment=None):
    return t.FieldSchema(name=name, type=kind, comment=comment)


def storage(columns, location=None, **more):
    """As Hive makes one for a text table."""
    return t.StorageDescriptor(
        cols=[column(*c) if isinstance(c, tuple) else column(c) for c in columns], location=location,
        inputFormat="org.apache.hadoop.mapred.TextInputFormat",
        outputFormat="org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat", compressed=False, numBuckets=-1,
        serdeInfo=t.SerDeInfo(name=None, serializationLib="org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
                              parameters={"serialization.format": "1"}),
        bucketCols=[], sortCols=[], parameters={}, **more)


def table(database, name, columns=(("id", "bigint"), ("note", "string")), keys=(), location=None, kind="MANAGED_TABLE", **more):
    parameters = more.pop("parameters", {})
    if kind == "EXTERNAL_TABLE":
        parameters = {"EXTERNAL": "TRUE", **parameters}
    return t.Table(tableName=name, dbName=database, owner="tester", createTime=0, lastAccessTime=0, retention=0,
                   sd=storage(columns, location), partitionKeys=[column(*k) for k in keys], parameters=parameters,
                   tableType=kind, **more)
