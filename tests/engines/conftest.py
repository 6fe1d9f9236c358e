"""Real engines against the real server: one Propolis for the whole run, with a warehouse of its own that the engines share."""

import glob
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

import pytest
import requests

ROOT = pathlib.Path(__file__).parents[2]
BINARY = os.environ.get("PROPOLIS_BIN") or str(ROOT / "build" / "propolis")
CACHE = ROOT / ".cache" / "engines"


class Server:
    def __init__(self, home):
        self.home = pathlib.Path(home)
        self.warehouse = self.home / "warehouse"
        self.outside = self.home / "outside"  # for external tables
        self.warehouse.mkdir()
        self.outside.mkdir()
        self.log = open(self.home / "log", "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [BINARY, "serve", "--data-dir", str(self.home / "data"), "--http-port", "0", "--thrift-port", "0",
             "--warehouse", f"file:{self.warehouse}", "--set",
             f"storage.writable_roots=file:{self.warehouse},file:{self.outside}"],
            stdout=subprocess.PIPE, stderr=self.log, text=True)
        for line in self.process.stdout:
            if found := re.match(r"propolis: ready http=(\S+) thrift=(\S+)", line):
                self.base, self.thrift = "http://" + found[1], "thrift://" + found[2]
                return
        raise AssertionError("the server did not start:\n" + (self.home / "log").read_text())

    def get(self, path):
        answer = requests.get(f"{self.base}/api/v1{path}", timeout=30)
        answer.raise_for_status()
        return answer.json()

    def table(self, database, name):
        return self.get(f"/catalogs/hive/databases/{database}/tables/{name}")

    def history(self, database, name):
        return self.get(f"/catalogs/hive/databases/{database}/tables/{name}/versions")["items"]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        self.log.close()


@pytest.fixture(scope="session")
def server():
    home = tempfile.mkdtemp(prefix="pe")
    os.chmod(home, 0o777)
    server = Server(home)
    yield server
    server.stop()
    if os.environ.get("ENGINES_KEEP"):
        print("left in", home)
    else:
        shutil.rmtree(home, ignore_errors=True)


def jar(pattern):
    found = sorted(glob.glob(str(CACHE / "jars" / pattern)))
    return found[-1] if found else None


def spark_session(server, name, iceberg=False, **more):
    from pyspark.sql import SparkSession

    builder = (SparkSession.builder.appName(name).master("local[2]")
               .config("spark.sql.catalogImplementation", "hive")
               .config("spark.hadoop.hive.metastore.uris", server.thrift)
               .config("spark.sql.warehouse.dir", f"file:{server.warehouse}")
               .config("spark.hadoop.fs.defaultFS", "file:///")
               .config("spark.hadoop.fs.permissions.umask-mode", "000")
               .config("spark.sql.shuffle.partitions", "2")
               .config("spark.ui.enabled", "false")
               .config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
               .config("spark.driver.memory", "1500m")
               .config("spark.hadoop.hive.exec.dynamic.partition.mode", "nonstrict")
               .config("spark.hadoop.hive.exec.scratchdir", str(server.home / "scratch"))
               .config("spark.driver.extraJavaOptions", f"-Dderby.system.home={server.home}/derby"))
    if iceberg:
        builder = (builder.config("spark.jars", jar("iceberg-spark-runtime-3.5*.jar"))
                   .config("spark.sql.extensions", "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions")
                   .config("spark.sql.catalog.ice", "org.apache.iceberg.spark.SparkCatalog")
                   .config("spark.sql.catalog.ice.type", "hive")
                   .config("spark.sql.catalog.ice.uri", server.thrift)
                   .config("spark.sql.catalog.ice.warehouse", f"file:{server.warehouse}/ice"))
    for key, value in more.items():
        builder = builder.config(key, value)
    return builder.enableHiveSupport().getOrCreate()


@pytest.fixture(scope="session")
def spark(server):
    session = spark_session(server, "propolis", iceberg=bool(jar("iceberg-spark-runtime-3.5*.jar")))
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


def rows(frame):
    return [tuple(r) for r in frame.collect()]


@pytest.fixture
def sql(spark):
    return lambda text: rows(spark.sql(text))


def wait_for(what, seconds=30):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if what():
            return True
        time.sleep(0.2)
    return False
