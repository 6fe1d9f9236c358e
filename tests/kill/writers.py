"""Writers: what they do, and the model of what must be there afterwards.

Each writer has databases of its own, so its model is exact: after an answered request the model is what the catalog must
show. A request without an answer is left to the change log: when its request id is there, all of it must be there, and when
not, nothing."""

import os
import pathlib
import re
import threading
import time
import uuid

from harness import Http, Unanswered, segment

HIVE = "/api/v1/catalogs/hive/databases"


class Table:
    def __init__(self, database, name, location, kind):
        self.database, self.name, self.location, self.kind = database, name, location, kind
        self.incarnation = None  # learned
        self.version = 0
        self.params = {}
        self.columns = ["id"]
        self.partitions = {}  # name -> parameter "n"
        self.pointer = None
        self.marker = None    # text of the file that a client put into the directory

    def path(self):
        return f"{HIVE}/{self.database}/tables/{self.name}"


class Request:
    """One write: what is sent, and what it does to the model once it is known to be done."""

    def __init__(self, what, method, path, body, apply, headers=None, version=None):
        self.what, self.method, self.path, self.body, self.apply, self.headers = what, method, path, body, apply, headers
        self.version = version  # the table version the answer must show
        self.id = str(uuid.uuid4())


def directory(location):
    assert location.startswith("file:/"), location
    return pathlib.Path(location[len("file:"):])


class Writer:
    def __init__(self, number, server, rng, report, warehouse):
        self.number, self.server, self.rng, self.report, self.warehouse = number, server, rng, report, warehouse
        self.http = Http(server)
        self.databases = {}      # name -> {table name -> Table}
        self.gone = set()        # locations whose data must vanish
        self.acknowledged = {}   # request id -> what, this round
        self.refused = {}        # request id -> what: answered 503, so nothing of it may be there
        self.doubtful = None     # Request without an answer
        self.unsettled = None    # the same once the change log has decided about it
        self.touched = set()     # tables, this round
        self.counter = 0
        self.total = self.refusals = 0
        self.thread = None

    # ---- one round ----

    def start(self, stop, killed):
        self.acknowledged, self.refused, self.doubtful, self.unsettled, self.touched = {}, {}, None, None, set()
        self.stop, self.killed = stop, killed
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.stop.is_set() and self._step():
            pass

    def _step(self):
        request = self._choose()
        try:
            answer = self.http.call(request.method, request.path, request.body, request.headers, request.id)
        except Unanswered as e:
            self.doubtful = request
            self.report.check(self.killed.is_set(), f"{request.what}: no answer although nothing was killed yet: {e}")
            return False
        if 200 <= answer.status < 300:
            return self._acknowledge(request, answer)
        return self._decline(request, answer)

    def _acknowledge(self, request, answer):
        self.acknowledged[request.id] = request.what
        self.total += 1
        if request.version is not None:
            got = answer.json.get("version")
            self.report.check(got == request.version, f"{request.what}: version {got}, not {request.version}")
        request.apply(answer.json)
        return True

    def _decline(self, request, answer):
        if answer.status == 503:
            good = self.killed.is_set() and answer.headers.get("Retry-After")
            self.report.check(good, f"{request.what}: 503 {answer.code()}, Retry-After {answer.headers.get('Retry-After')}"
                              f"{'' if self.killed.is_set() else ' although nothing was killed yet'}")
            self.refused[request.id] = request.what
            self.refusals += 1
            time.sleep(0.05)
            return True
        if answer.code() == "state_unknown":
            self.doubtful = request
            self.report.check(self.killed.is_set(), f"{request.what}: state_unknown although nothing was killed yet")
            return False
        # A move that a crash of PostgreSQL cut off blocks others of its table, and who wants its places, until its lease is over,
        # a minute at most.
        if answer.code() == "conflict" and re.search("being moved|is moving a directory", answer.json["detail"]):
            self.refused[request.id] = request.what
            return True
        self.report.check(False, f"{request.what}: {answer.status} {answer.json}")
        self.refused[request.id] = request.what
        return True

    # ---- what to do ----

    def _choose(self):
        home = f"w{self.number}"
        if home not in self.databases:
            return self._create_database(home)
        tables = [t for d in self.databases.values() for t in d.values()]
        kinds = [(3, self._create_table)]
        if tables:
            kinds += [(3, self._set_parameter), (2, self._add_column), (3, self._rename), (2, self._drop), (3, self._add_partitions)]
        if any(t.partitions for t in tables):
            kinds += [(2, self._alter_partition), (2, self._drop_partitions)]
        if any(t.pointer for t in tables):
            kinds.append((4, self._move_pointer))
        kinds.append((1, self._create_or_drop_database))
        if len(tables) > 12:
            kinds = [(1, self._drop), (1, self._drop)]
        return self.rng.choices([k for _, k in kinds], [w for w, _ in kinds])[0]()

    def _pick(self, wanted=lambda t: True):
        found = [t for d in self.databases.values() for t in d.values() if wanted(t)]
        return self.rng.choice(found)

    def _touch(self, table):
        self.touched.add(table)
        return table

    def _create_database(self, name):
        def done(_):
            self.databases[name] = {}

        return Request(f"create database {name}", "POST", HIVE, {"name": name}, done)

    def _create_or_drop_database(self):
        extra = [d for d in self.databases if d != f"w{self.number}"]
        if len(extra) < 2:
            self.counter += 1
            return self._create_database(f"w{self.number}x{self.counter}")
        name = self.rng.choice(extra)

        def done(_):
            for table in self.databases.pop(name).values():
                self._lose(table)
            self.gone.add(f"{self.warehouse}/{name}.db")

        return Request(f"drop database {name} cascade", "DELETE", f"{HIVE}/{name}?cascade=true", None, done)

    def _lose(self, table):
        self.touched.discard(table)
        if table.kind != "external":
            self.gone.add(table.location)

    def _new_name(self, database, kind):
        """Mostly new, sometimes one that was there before. (An Iceberg table keeps its place when it is renamed.)"""
        if kind == "managed" and self.counter and self.rng.random() < 0.2:
            name = f"t{self.rng.randint(max(1, self.counter - 10), self.counter)}"
            if name not in self.databases[database]:
                return name
        self.counter += 1
        return f"{'t' if kind == 'managed' else 'i'}{self.counter}"

    def _create_table(self):
        database = self.rng.choice(sorted(self.databases))
        kind = self.rng.choice(["managed", "managed", "iceberg"])
        name = self._new_name(database, kind)
        table = Table(database, name, f"{self.warehouse}/{database}.db/{name}", kind)
        body = {"name": name, "type": "MANAGED_TABLE", "columns": [{"name": "id", "type": "bigint"}], "storage": {}, "parameters": {}}
        if kind == "iceberg":
            table.pointer = f"{table.location}/metadata/0.json"
            table.params = {"table_type": "ICEBERG", "metadata_location": table.pointer}
        else:
            body["partition_keys"] = [{"name": "p", "type": "int"}]
        body["parameters"] = dict(table.params)

        def done(answer):
            self.databases[database][name] = table
            self.gone.discard(table.location)
            self._touch(table)
            if answer:
                table.incarnation = answer["incarnation"]
                self.report.check(answer["storage"]["location"] == table.location, f"{table.path()} is at {answer['storage']['location']}")
                self._put_marker(table)

        return Request(f"create {database}.{name}", "POST", f"{HIVE}/{database}/tables", body, done, version=0)

    def _put_marker(self, table):
        """What a client would do next: write data."""
        try:
            (directory(table.location) / "part-0").write_text(f"{table.incarnation}")
            table.marker = str(table.incarnation)
        except OSError as e:
            self.report.check(False, f"{table.path()} was created, but its directory cannot be written: {e}")

    def _alter(self, table, what, change, done):
        def altered(_):
            table.version += 1
            done()
            self._touch(table)

        headers = {"Content-Type": "application/merge-patch+json"}
        if table.incarnation is not None and self.rng.random() < 0.7:
            headers["If-Match"] = f'"{table.incarnation}-{table.version}"'
        return Request(f"{what} {table.database}.{table.name}", "PATCH", table.path(), change, altered, headers, table.version + 1)

    def _set_parameter(self):
        table = self._pick()
        self.counter += 1
        key, value = f"k{self.rng.randint(0, 3)}", str(self.counter)
        return self._alter(table, "set parameter of", {"parameters": {key: value}}, lambda: table.params.update({key: value}))

    def _add_column(self):
        table = self._pick()
        self.counter += 1
        columns = (table.columns if len(table.columns) < 20 else ["id"]) + [f"c{self.counter}"]
        change = {"columns": [{"name": c, "type": "bigint"} for c in columns]}

        def done():
            table.columns = columns

        return self._alter(table, "add column to", change, done)

    def _move_pointer(self):
        table = self._pick(lambda t: t.pointer)
        pointer = f"{table.location}/metadata/{table.version + 1}.json"
        params = {"metadata_location": pointer, "previous_metadata_location": table.pointer}

        def done():
            table.params.update(params)
            table.pointer = pointer

        return self._alter(table, "move pointer of", {"parameters": params}, done)

    def _rename(self):
        table = self._pick()
        database = self.rng.choice(sorted(self.databases))
        self.counter += 1
        name = f"{table.name[0]}{self.counter}"
        old = (table.database, table.name)

        def done(_):
            del self.databases[old[0]][old[1]]
            self.databases[database][name] = table
            table.database, table.name = database, name
            table.version += 1
            if table.kind == "managed":  # an Iceberg table stays where its files say it is
                self.gone.add(table.location)
                table.location = f"{self.warehouse}/{database}.db/{name}"
                self.gone.discard(table.location)
            self._touch(table)

        return Request(f"rename {old[0]}.{old[1]} to {database}.{name}", "POST", table.path() + ":rename",
                       {"database": database, "name": name}, done, version=table.version + 1)

    def _drop(self):
        table = self._pick()

        def done(_):
            del self.databases[table.database][table.name]
            self._lose(table)

        return Request(f"drop {table.database}.{table.name}", "DELETE", table.path(), None, done)

    # ---- partitions ----

    def _add_partitions(self):
        managed = [t for d in self.databases.values() for t in d.values() if t.kind == "managed"]
        if not managed:
            return self._create_table()
        table = self.rng.choice(managed)
        count = self.rng.choice([1, 1, 5, 30])
        values = []
        for _ in range(count):
            self.counter += 1
            values.append(str(self.counter))
        items = [{"values": [v], "parameters": {"n": "0"}} for v in values]

        def done(_):
            table.partitions.update({f"p={v}": "0" for v in values})
            self._touch(table)

        return Request(f"add {count} partitions to {table.database}.{table.name}", "POST", table.path() + "/partitions",
                       items[0] if count == 1 else {"items": items}, done)

    def _alter_partition(self):
        table = self._pick(lambda t: t.partitions)
        name = self.rng.choice(sorted(table.partitions))
        self.counter += 1
        value = str(self.counter)

        def done(_):
            table.partitions[name] = value
            self._touch(table)

        return Request(f"alter partition {name} of {table.database}.{table.name}", "PATCH", f"{table.path()}/partitions/{segment(name)}",
                       {"parameters": {"n": value}}, done, {"Content-Type": "application/merge-patch+json"})

    def _drop_partitions(self):
        table = self._pick(lambda t: t.partitions)
        names = self.rng.sample(sorted(table.partitions), min(len(table.partitions), self.rng.choice([1, 4])))

        def done(_):
            for name in names:
                del table.partitions[name]
                self.gone.add(f"{table.location}/{name}")
            self._touch(table)

        return Request(f"drop {len(names)} partitions of {table.database}.{table.name}", "POST", table.path() + "/partitions:drop",
                       {"names": names}, done)
