"""Data is safe: whatever location an object is given, nothing outside the rules is created, moved, deleted or written.

Each test takes a fingerprint of what must not change, does its worst through the API, lets the housekeeping run, and compares."""

import hashlib
import os
import pathlib
import stat
import time

import pytest

from conftest import running, temporary_directory


def content_of(path):
    """Some files in /etc are for root alone; what we cannot read the server, which is the same user, cannot either."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except PermissionError:
        return "unreadable"


def fingerprint(root):
    """Path -> (kind, mode, size, mtime, hash or link target) of everything at and below ROOT."""
    found = {}
    for path in [root, *sorted(root.rglob("*"))]:
        about = path.lstat()
        if stat.S_ISLNK(about.st_mode):
            content = os.readlink(path)
        elif stat.S_ISREG(about.st_mode):
            content = content_of(path)
        else:
            content = ""
        found[str(path)] = (about.st_mode, about.st_uid, about.st_size if content else 0, about.st_mtime_ns, content)
    return found


def shallow(root):
    """Too much to read: names and times one level down."""
    return {str(p): (p.lstat().st_mode, p.lstat().st_ino) for p in [root, *root.iterdir()]}


class Place:
    """A server, its warehouse, and a directory beside it that belongs to somebody else."""

    def __init__(self, server, name, outside):
        self.server, self.warehouse, self.outside, self.name = server, server.directory / "warehouse", outside, name
        self.home = self.warehouse / f"{name}.db"
        self.api = server.client()
        self.count = 0
        self.logged = len(server.lines)

    def path(self, name=None):
        return f"/catalogs/hive/databases/{name or self.name}"

    def log(self):
        return "\n".join(self.server.lines[self.logged :])

    def settle(self):
        """Until jobs have looked at everything: one that was queued later has been done."""
        self.count += 1
        name = f"last{self.count}"
        made = self.table(name)
        self.api.ok("DELETE", f"{self.path()}/tables/{name}", 204)
        deadline = time.monotonic() + 20
        while local(made).exists() or list(self.warehouse.glob(".propolis-dropped/*")):
            assert time.monotonic() < deadline, "the housekeeping does not work:\n" + self.log()
            time.sleep(0.05)

    def table(self, name, location=None, keys=False, **more):
        body = {"name": name, "type": "MANAGED_TABLE", "columns": [{"name": "x", "type": "int"}], "storage": {}} | more
        if location is not None:
            body["storage"] = {"location": location}
        if keys:
            body["partition_keys"] = [{"name": "p", "type": "int"}]
        return self.api.ok("POST", f"{self.path()}/tables", 201, json=body)


def local(table):
    return pathlib.Path(table["storage"]["location"].removeprefix("file:"))


@pytest.fixture(scope="module")
def server():
    with running("--set", "jobs.delete_interval=100ms") as server:
        server.expect_log(r"\bWARN\b")
        yield server


@pytest.fixture
def place(server):
    with temporary_directory() as home:
        outside = home / "outside"
        (outside / "deep" / "er").mkdir(parents=True)
        (outside / "keep").write_text("precious")
        (outside / "deep" / "er" / "data").write_bytes(os.urandom(100))
        for path in [outside, *outside.rglob("*")]:
            path.chmod(0o777)  # only the rules may stand between the server and this
        place = Place(server, "w" + os.urandom(4).hex(), outside)
        place.api.ok("POST", "/catalogs/hive/databases", 201, json={"name": place.name})
        yield place
        place.api.request("DELETE", f"{place.path()}?cascade=true&delete_data=false")


EVIL = [
    "/",
    "/etc",
    "/etc/",
    "file:/etc/propolis-was-here",
    "{outside}",
    "{outside}/deep",
    "{outside}/new",
    "{warehouse}/../../../{other}/outside",
    "{warehouse}/../../../{other}/outside/deep",
    "{warehouse}/w.db/../../../../{other}/outside/new",
    "{warehouse}",
    "{warehouse}/..",
    "{data}",
    "{data}/postgres",
    "{data}/postgres/base",
    "file://{outside}",
    "file:///{outside}/deep",
]


def evil_locations(place):
    return [e.format(outside=place.outside, other=place.outside.parent.name, warehouse=place.warehouse, data=place.server.directory) for e in EVIL]


def outside_world(place):
    return fingerprint(place.outside), fingerprint(pathlib.Path("/etc")), shallow(pathlib.Path("/")), place.server.directory.joinpath(
        "postgres", "PG_VERSION"
    ).read_text(), sorted(p.name for p in place.server.directory.iterdir())


def allowed(answer):
    """Refusing the location is as good as leaving its data alone; failing over it is not."""
    assert answer.status_code < 500, answer.text
    return answer.status_code < 300


def test_tables_at_evil_locations(place):
    before, made = outside_world(place), 0
    for n, location in enumerate(evil_locations(place)):
        body = {"name": f"t{n}", "type": "MANAGED_TABLE", "columns": [{"name": "x", "type": "int"}], "storage": {"location": location}}
        if not allowed(place.api.request("POST", f"{place.path()}/tables", json=body)):
            continue
        made += 1
        assert allowed(place.api.request("POST", f"{place.path()}/tables/t{n}:rename", json={"name": f"r{n}"}))
        assert allowed(place.api.request("DELETE", f"{place.path()}/tables/r{n}"))
    place.settle()
    assert outside_world(place) == before
    assert made >= 8 and place.log().count("WARN") >= made


def test_a_table_set_to_an_evil_location(place):
    before = outside_world(place)
    for n, location in enumerate(evil_locations(place)):
        place.table(f"t{n}")
        answer = place.api.request("PATCH", f"{place.path()}/tables/t{n}", json={"storage": {"location": location}})
        allowed(answer)
        assert allowed(place.api.request("POST", f"{place.path()}/tables/t{n}:rename", json={"name": f"r{n}"}))
        assert allowed(place.api.request("DELETE", f"{place.path()}/tables/r{n}"))
    place.settle()
    assert outside_world(place) == before


def test_databases_at_evil_locations(place):
    before, made = outside_world(place), 0
    for n, location in enumerate(evil_locations(place)):
        for member in ("location", "managed_location"):
            name = f"{place.name}d{n}{member[0]}"
            if not allowed(place.api.request("POST", "/catalogs/hive/databases", json={"name": name, member: location})):
                continue
            made += 1
            body = {"name": "t", "type": "MANAGED_TABLE", "columns": [{"name": "x", "type": "int"}], "storage": {}}
            if not str(location).rstrip("/").endswith(("/warehouse", "/warehouse/..")):  # its tables would be within the rules
                allowed(place.api.request("POST", f"{place.path(name)}/tables", json=body))
                allowed(place.api.request("POST", f"{place.path(name)}/tables/t:rename", json={"name": "u"}))
            assert allowed(place.api.request("DELETE", f"{place.path(name)}?cascade=true&delete_data=true"))
    place.settle()
    assert outside_world(place) == before
    assert made >= 16


def test_partitions_at_evil_locations(place):
    before, made = outside_world(place), 0
    place.table("t", keys=True)
    for n, location in enumerate(evil_locations(place)):
        body = {"values": [str(n)], "storage": {"location": location}}
        if not allowed(place.api.request("POST", f"{place.path()}/tables/t/partitions", json=body)):
            continue
        made += 1
        assert allowed(place.api.request("POST", f"{place.path()}/tables/t/partitions/p={n}:rename", json={"values": [str(n + 1000)]}))
        if n % 2:
            assert allowed(place.api.request("DELETE", f"{place.path()}/tables/t/partitions/p={n + 1000}"))
    place.api.ok("DELETE", f"{place.path()}/tables/t", 204)
    place.settle()
    assert outside_world(place) == before
    assert made >= 8 and place.log().count("WARN") >= 8


def test_symbolic_links_out_of_the_warehouse(place):
    home = place.home
    (home / "link").symlink_to(place.outside)
    (home / "file_link").symlink_to(place.outside / "keep")
    before = outside_world(place)
    for n, location in enumerate([home / "link", home / "link" / "deep", home / "link" / "new", home / "file_link", home / "link" / "deep" / ".." / "deep"]):
        body = {"name": f"t{n}", "type": "MANAGED_TABLE", "columns": [{"name": "x", "type": "int"}], "storage": {"location": str(location)}}
        if allowed(place.api.request("POST", f"{place.path()}/tables", json=body)):
            assert allowed(place.api.request("POST", f"{place.path()}/tables/t{n}:rename", json={"name": f"r{n}"}))
            assert allowed(place.api.request("DELETE", f"{place.path()}/tables/r{n}"))
    place.settle()
    assert outside_world(place) == before
    assert os.readlink(home / "link") == str(place.outside)
    assert "symbolic link" in place.log()


@pytest.mark.parametrize("what", ["table", "parent", "inside"])
def test_a_directory_swapped_for_a_link_later(place, what):
    made = place.table("t", keys=True)
    place.api.ok("POST", f"{place.path()}/tables/t/partitions", 201, json={"values": ["1"]})
    where = local(made)
    if what == "table":
        where.rename(where.with_name("aside"))
        where.symlink_to(place.outside)
    elif what == "parent":
        where.parent.rename(where.parent.with_name("aside"))
        (place.outside / "t").mkdir()
        (place.outside / "t" / "data").write_text("precious")
        where.parent.symlink_to(place.outside)
    else:
        (where / "p=1").rmdir()
        (where / "p=1").symlink_to(place.outside)
        (where / "deep").symlink_to(place.outside / "deep")
    before = outside_world(place)
    allowed(place.api.request("POST", f"{place.path()}/tables/t/partitions/p=1:rename", json={"values": ["2"]}))
    allowed(place.api.request("POST", f"{place.path()}/tables/t:rename", json={"name": "u"}))
    allowed(place.api.request("POST", f"{place.path()}/tables/u/partitions", json={"values": ["3"]}))
    for name in ("t", "u"):
        allowed(place.api.request("DELETE", f"{place.path()}/tables/{name}"))
    if what == "parent":
        time.sleep(1)
    else:
        place.settle()
    assert outside_world(place) == before


def test_locations_shared_with_another_table(place):
    first = place.table("first")
    data = local(first) / "data"
    data.write_text("precious")
    place.table("second", str(local(first)))
    before = fingerprint(local(first))
    renamed = place.api.ok("POST", f"{place.path()}/tables/second:rename", json={"name": "third"})
    assert local(renamed) == local(first)
    moved = place.api.ok("POST", f"{place.path()}/tables/first:rename", json={"name": "fourth"})
    assert local(moved) == local(first), "the directory that another table uses was moved"
    place.api.ok("DELETE", f"{place.path()}/tables/third", 204)
    place.settle()
    assert fingerprint(local(first)) == before
    assert "stays where it is" in place.log() and "is kept" in place.log()
    place.api.ok("DELETE", f"{place.path()}/tables/fourth", 204)
    place.settle()
    assert not local(first).exists()


def test_locations_nested_in_another_object(place):
    outer = place.table("outer", keys=True)
    (local(outer) / "data").write_text("precious")
    inner = place.table("inner", f"{local(outer)}/deep/inner")
    (local(inner) / "data").write_text("precious")
    before = fingerprint(local(outer))
    place.api.ok("DELETE", f"{place.path()}/tables/inner", 204)
    place.settle()
    assert fingerprint(local(outer)) == before, "data inside a live table's directory was touched"
    inner = place.table("inner", f"{local(outer)}/deep/inner")
    renamed = place.api.ok("POST", f"{place.path()}/tables/outer:rename", json={"name": "renamed"})
    assert local(renamed) == local(outer)
    place.api.ok("DELETE", f"{place.path()}/tables/renamed", 204)
    place.settle()
    assert fingerprint(local(outer)) == before, "the directory around a live table was touched"
    assert place.log().count("uses it too") >= 2


def test_partition_locations_shared_and_nested(place):
    made = place.table("t", keys=True)
    other = place.table("other")
    (local(other) / "data").write_text("precious")
    root, add = local(made), f"{place.path()}/tables/t/partitions"
    for n, location in enumerate([root / "p=0", root / "p=0", root / "p=0" / "sub", root, root.parent, local(other), local(other) / "sub"]):
        place.api.ok("POST", add, 201, json={"values": [str(n)], "storage": {"location": str(location)}})
    (root / "p=0" / "sub" / "data").write_text("precious")
    before = fingerprint(root), fingerprint(local(other))
    for n in (1, 3, 4, 5, 6):
        place.api.ok("DELETE", f"{add}/p={n}", 204)
    place.settle()
    assert (fingerprint(root), fingerprint(local(other))) == before
    place.api.ok("DELETE", f"{add}/p=0", 204)
    place.settle()
    assert (root / "p=0" / "sub" / "data").read_text() == "precious", "p=2 lives there"
    place.api.ok("DELETE", f"{add}/p=2", 204)
    place.settle()
    assert not (root / "p=0" / "sub").exists() and (local(other) / "data").exists()


def test_a_dropped_partition_takes_its_data_along(place):
    made = place.table("t", keys=True)
    add = f"{place.path()}/tables/t/partitions"
    for n in range(3):
        place.api.ok("POST", add, 201, json={"values": [str(n)]})
        (local(made) / f"p={n}" / "data").write_text("x")
    place.api.ok("DELETE", f"{add}/p=1", 204)
    place.api.ok("DELETE", f"{add}/p=2?delete_data=false", 204)
    place.settle()
    assert sorted(p.name for p in local(made).iterdir()) == ["p=0", "p=2"]


def test_a_renamed_partition_takes_its_directory_along(place):
    made = place.table("t", keys=True)
    add = f"{place.path()}/tables/t/partitions"
    place.api.ok("POST", add, 201, json={"values": ["1"]})
    (local(made) / "p=1" / "data").write_text("x")
    place.api.ok("POST", f"{add}/p=1:rename", json={"values": ["2"]})
    assert (local(made) / "p=2" / "data").read_text() == "x" and not (local(made) / "p=1").exists()


def test_external_and_kept_data_stays(place):
    kept = place.table("kept")
    (local(kept) / "data").write_text("x")
    external = place.api.ok(
        "POST",
        f"{place.path()}/tables",
        201,
        json={"name": "e", "type": "EXTERNAL_TABLE", "columns": [], "storage": {"location": str(place.home / "ext")}},
    )
    place.home.joinpath("ext").mkdir(exist_ok=True)
    (place.home / "ext" / "data").write_text("x")
    place.api.ok("DELETE", f"{place.path()}/tables/kept?delete_data=false", 204)
    place.api.ok("DELETE", f"{place.path()}/tables/e", 204)
    place.settle()
    assert (local(kept) / "data").exists() and (local(external) / "data").exists()
