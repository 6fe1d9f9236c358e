"""What must hold after every crash: the catalog, the change log and the directories say what the writers were told."""

import os
import time

from harness import Http, segment
from writers import HIVE, directory


class ChangeLog:
    """Read once from beginning to end while it grows."""

    def __init__(self, report):
        self.report = report
        self.last = self.last_event = 0
        self.seqs = set()
        self.by_request = {}   # request id -> number of its changes
        self.versions = {}     # table id -> last version logged

    def read(self, http):
        while True:
            page = http.get("/api/v1/changes", after=self.last, limit=1000)
            for change in page["items"]:
                self._take(change)
            if len(page["items"]) < 1000:
                return self.report.check(self.last == page["last_change_id"], f"the change log ends at {self.last}, not at {page['last_change_id']}")

    def _take(self, change):
        check = self.report.check
        check(change["change_id"] == self.last + 1, f"change {self.last} is followed by {change['change_id']}")
        self.last = change["change_id"]
        event = change.get("hms_event_id")
        if event is not None:
            check(event == self.last_event + 1, f"event {self.last_event} is followed by {event} (change {self.last})")
            self.last_event = event
        request = change.get("request_id")
        self.by_request[request] = self.by_request.get(request, 0) + 1
        if change["kind"] == "table" and change.get("version") is not None and change["action"] != "drop":
            before = self.versions.get(change["incarnation"], -1)
            check(change["version"] == before + 1, f"change {self.last}: version {before} of table {change['incarnation']} is followed by {change['version']}")
            self.versions[change["incarnation"]] = change["version"]


def settle_requests(writer, log, report):
    """What was answered is in the log, what was refused is not, and the log decides about what was not answered."""
    for request, what in writer.acknowledged.items():
        report.check(request in log.by_request, f"{what} was acknowledged, but the change log does not have it")
    for request, what in writer.refused.items():
        report.check(request not in log.by_request, f"{what} was refused with an error, but it is in the change log")
    request = writer.doubtful
    if request is None:
        return None
    writer.unsettled, writer.doubtful = request, None
    done = request.id in log.by_request
    if done:
        request.apply(None)
    return done


def check_tables(writer, http, log, report, every):
    """Names of all, and everything about those that this round touched."""
    for name, tables in writer.databases.items():
        found = http.items(f"{HIVE}/{name}/tables", limit="1000")
        names = {item["name"] if isinstance(item, dict) else item for item in found}
        report.check(names == set(tables), lambda: f"database {name}: missing {set(tables) - names}, too many {names - set(tables)}")
        for table in tables.values():
            if table.name in names and (every or table in writer.touched or (writer.unsettled and writer.unsettled.path.startswith(table.path()))):
                check_table(writer, table, http, log, report)


def check_table(writer, table, http, log, report):
    check, path = report.check, table.path()
    got = http.get(path)
    table.incarnation = table.incarnation or got["incarnation"]
    columns = [c["name"] for c in got["columns"]]
    params = {k: v for k, v in got["parameters"].items() if k in table.params or k[0] == "k"}
    check(got["incarnation"] == table.incarnation, f"{path}: incarnation {got['incarnation']}, not {table.incarnation}")
    check(got["version"] == table.version, f"{path}: version {got['version']}, not {table.version}")
    check(columns == table.columns, f"{path}: columns {columns}, not {table.columns}")
    check(params == table.params, f"{path}: parameters {params}, not {table.params}")
    check(got["storage"]["location"] == table.location, f"{path}: location {got['storage']['location']}, not {table.location}")
    versions = [v["version"] for v in http.items(path + "/versions", noops="true", pointer_moves="true", limit="1000")]
    check(versions == list(range(table.version, -1, -1)), f"{path}: versions {versions} of a table at {table.version}")
    check(log.versions.get(table.incarnation) == table.version, f"{path}: the change log ends at version {log.versions.get(table.incarnation)}, not {table.version}")
    if table.kind == "managed":
        found = {p["name"]: p["parameters"].get("n") for p in http.items(path + "/partitions", columns="false", limit="1000")}
        check(found == table.partitions, lambda: f"{path}: partitions {sorted(found.items() ^ table.partitions.items())} differ")


def check_directories(writer, report):
    for name, tables in writer.databases.items():
        where = directory(f"{writer.warehouse}/{name}.db")
        report.check(where.is_dir(), f"database {name} has no directory {where}")
        for table in tables.values():
            where = directory(table.location)
            if not report.check(where.is_dir(), f"{table.path()} has no directory {where}"):
                continue
            for name_ in table.partitions:
                report.check((where / name_).is_dir(), f"{table.path()}: partition {name_} has no directory")
            if table.marker is not None:
                text = (where / "part-0").read_text() if (where / "part-0").exists() else None
                report.check(text == table.marker, f"{table.path()}: the data in {where} is {text!r}, not {table.marker!r}")


def has_data(where):
    """A database's directory may stay while it is not empty: a create that was cut off leaves an empty directory in it, and
    an Iceberg table that went to another database left its files."""
    try:
        # os.walk passes over what vanishes while it looks: deleting goes on meanwhile.
        return any(files for _, _, files in os.walk(where)) if where.name.endswith(".db") else where.exists()
    except FileNotFoundError:
        return True  # it is going away just now


def check_gone(writers, report, seconds=30):
    """Data of what was dropped or moved away vanishes in the end, unless something live has its place now."""
    live = {t.location for w in writers for d in w.databases.values() for t in d.values()}
    live |= {f"{w.warehouse}/{d}.db" for w in writers for d in w.databases}
    wanted = {g for w in writers for g in w.gone if not any(at == g or at.startswith(g + "/") for at in live)}
    deadline = time.monotonic() + seconds
    left = aside = wanted
    while (left or aside) and time.monotonic() < deadline:
        left = {g for g in left if has_data(directory(g))}
        aside = sorted(str(path) for path in directory(writers[0].warehouse).glob(".propolis-dropped/*"))
        time.sleep(0.2)
    report.check(not aside, f"dropped data that was set aside is still there: {aside[:8]}")
    report.check(not left, lambda: f"{len(left)} of {len(wanted)} dropped or moved directories are still there: {sorted(left)[:8]}")
    return len(wanted)
