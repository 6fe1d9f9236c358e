"""A Metastore client of Thrift's own making, generated from our IDL."""

import contextlib

from hive_metastore import ThriftHiveMetastore
from hive_metastore import ttypes as t  # noqa: F401  for the tests
from thrift.protocol import TBinaryProtocol, TCompactProtocol
from thrift.transport import TSocket, TTransport


class Client(ThriftHiveMetastore.Client):
    """One connection."""

    def __init__(self, address, framed=False, compact=False, timeout=60):
        host, port = address.rsplit(":", 1)
        self.socket = TSocket.TSocket(host, int(port))
        self.socket.setTimeout(timeout * 1000)
        self.transport = (TTransport.TFramedTransport if framed else TTransport.TBufferedTransport)(self.socket)
        protocol = TCompactProtocol.TCompactProtocol if compact else TBinaryProtocol.TBinaryProtocol
        super().__init__(protocol(self.transport))
        self.transport.open()

    def close(self):
        self.transport.close()


@contextlib.contextmanager
def connected(server, **how):
    client = Client(server.thrift, **how)
    try:
        yield client
    finally:
        client.close()


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
