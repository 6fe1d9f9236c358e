"""What is measured. Each case takes the Bench, makes what it needs, and reports lines with the target of the project."""

import datetime
import json
import os
import re
import threading
import time

from rig import Failed, Rest, median, path, pgbench_rate, pss_mb, wrk_rate

DATABASE = ("catalogs", "hive", "databases", "bench")
BATCH = 10000
POINTER_MOVES = 10000


def table_path(*names, **query):
    return path(*DATABASE, "tables", *names, **query)


def columns(count):
    kinds = ["bigint", "string", "double", "decimal(18,2)", "timestamp"]
    return [{"name": f"column_{i:02}", "type": kinds[i % len(kinds)], "comment": f"what column {i} is for"} for i in range(count)]


def table_body(name, keys=(), **more):
    """The fixture: 20 columns and 10 parameters, Parquet."""
    body = {
        "name": name, "type": "EXTERNAL_TABLE", "owner": "bench", "columns": columns(20),
        "partition_keys": [{"name": n, "type": t} for n, t in keys],
        "storage": {"location": f"s3://lake/bench/{name}",
                    "input_format": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
                    "output_format": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
                    "serde": {"library": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
                              "parameters": {"serialization.format": "1"}}},
        "parameters": {f"parameter.{i}": f"value {i} of {name}" for i in range(10)},
    }
    body.update(more)
    return body


MANAGED = {"type": "MANAGED_TABLE", "storage": {"input_format": "i", "output_format": "o", "serde": {"library": "l"}}}


def day(number):
    return (datetime.date(1998, 1, 1) + datetime.timedelta(days=number)).isoformat()


def batches(values, size=BATCH):
    """Request bodies that add partitions with these values."""
    for at in range(0, len(values), size):
        yield json.dumps({"items": [{"values": v} for v in values[at:at + size]]}).encode()


def add(rest, table, values, size=BATCH):
    """Seconds of the requests alone."""
    return sum(rest.raw("POST", table_path(table, "partitions"), body)[0] for body in batches(values, size))


# ---- reading a table ------------------------------------------------------------------------------------------------

def get_table(bench):
    """Beside pgbench, taking turns, so that whatever else the machine does hits both."""
    where = table_path("fixture")
    for clients in (1, 32):
        threads = min(clients, 2)
        ours, theirs = [], []
        for measured in range(-1, bench.rounds):
            seconds = bench.seconds if measured >= 0 else 1
            a = pgbench_rate(bench.postgres, clients, threads, seconds)
            b = wrk_rate(bench.server, where, clients, threads, seconds)
            if measured >= 0:
                theirs.append(a)
                ours.append(b)
        ratio = median(o / t for o, t in zip(ours, theirs))
        bench.say(f"    get table {ours_text(ours)}; pgbench {ours_text(theirs)}")
        bench.at_least(f"get table, {clients} client{'s' * (clients > 1)}, share of pgbench -S", 100 * ratio, 50, "%")


def ours_text(rates):
    return f"{median(rates):,.0f}/s ({min(rates):,.0f} to {max(rates):,.0f})"


def list_names(bench):
    """The rows are copies, made in the database, of one made over REST: 100,000 requests would only cost time."""
    count = bench.scaled(100000, 10000)
    bench.rest.call("POST", path("catalogs", "hive", "databases"), {"name": "many"})
    bench.rest.call("POST", path("catalogs", "hive", "databases", "many", "tables"), table_body("seed"))
    names = [r[0] for r in bench.postgres.sql(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'propolis.tables'::regclass AND attnum > 0 AND NOT attisdropped"
        " AND attname NOT IN ('id', 'name')")]
    listed = ", ".join(names)
    bench.postgres.sql(f"INSERT INTO propolis.tables (name, {listed}) SELECT 'table_' || lpad(n::text, 6, '0'), "
                       f"{', '.join('t.' + n for n in names)} FROM propolis.tables t, generate_series(1, {count - 1}) n"
                       " WHERE t.name = 'seed'")
    where = path("catalogs", "hive", "databases", "many", "tables", limit="all")
    bench.written()
    took, _ = bench.rest.times(bench.repeats, "GET", where)
    bench.say(f"    before the vacuum that PostgreSQL does by itself: {median(took):.1f} ms ({min(took):.1f} to {max(took):.1f})")
    bench.postgres.sql("VACUUM propolis.tables")
    bench.written()
    took, answer = bench.rest.times(3 * bench.repeats, "GET", where)
    bench.expect(len(answer["items"]) == count, f"{count} names, got {len(answer['items'])}")
    bench.at_most(f"list {count:,} table names in one reply", median(took), 60, "ms", took)


# ---- partitions -----------------------------------------------------------------------------------------------------

def add_thousand(bench):
    keys = [("dt", "date"), ("shop", "int")]
    for name, more, what in (("adding", {}, ""), ("adding_managed", MANAGED, " and their directories")):
        bench.rest.call("POST", table_path(), table_body(name, keys, **more))
        took = []
        for i in range(bench.repeats + 1):
            values = [[day(i), str(shop)] for shop in range(1000)]
            seconds = add(bench.rest, name, values)
            took += [seconds * 1000] if i else []
        bench.at_most(f"add 1,000 partitions{what}", median(took), 80, "ms", took)


def list_thousand(bench):
    took, answer = bench.rest.times(bench.repeats, "GET", table_path("adding", "partitions", limit=1000))
    bench.expect(len(answer["items"]) == 1000 and len(answer["items"][0]["columns"]) == 20, "1,000 partitions of 20 columns")
    bench.at_most("list 1,000 partitions of 20 columns", median(took), 15, "ms", took)


def filters_small(bench):
    bench.rest.call("POST", table_path(), table_body("days", [("dt", "date")]))
    add(bench.rest, "days", [[day(n)] for n in range(10000)])
    bench.filters["365 of 10,000 partitions"] = ("days", 'dt >= "2001-01-01" and dt < "2002-01-01"', 365, 10)


def filters_large(bench):
    """A table whose first key is a date and whose second is a number, both loaded in no order of the index."""
    shops = bench.million // 365
    count = shops * 365
    keys = [("dt", "date"), ("shop", "int")]
    bench.rest.call("POST", table_path(), table_body("large", keys))
    before = bench.postgres.size()
    values = [[day(d), str(s)] for d in range(365) for s in range(shops)]
    bodies = list(batches(values))
    seconds = load(bench, "large", bodies)
    size = bench.postgres.size() - before
    bench.at_least(f"load of {count:,} partitions into one table", count / seconds, 20000, "/s")
    bench.at_most("database growth for each, indexes and change log included", size / count, 500, "bytes")
    some = min(365, shops)
    bench.filters[f"{some} of {count:,}, first key bounded"] = ("large", f'dt = "{day(180)}" and shop < {some}', some, 20)
    two = min(2 * shops, 1000)
    bench.filters[f"{two} of {count:,}, first key in a range"] = (
        "large", f'dt >= "{day(180)}" and dt < "{day(182)}"', two, 20)
    bench.filters[f"365 of {count:,}, another key"] = ("large", f"shop = {shops // 2}", 365, 500)
    bench.filters[f"none of {count:,}, another key"] = ("large", "shop > 99999999", 0, 500)


def load(bench, table, bodies):
    """Two connections, as a loader with some sense would have; the bodies exist already."""
    lock = threading.Lock()
    waiting = iter(bodies)
    failures = []

    def work():
        rest = Rest(bench.server)
        while not failures:
            with lock:
                body = next(waiting, None)
            if body is None:
                return
            try:
                rest.raw("POST", table_path(table, "partitions"), body)
            except (Failed, OSError) as why:
                failures.append(why)

    began = time.monotonic()
    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return time.monotonic() - began


def run_filters(bench, when):
    for what, (table, text, expected, target) in bench.filters.items():
        took, answer = bench.rest.times(bench.repeats, "GET", table_path(table, "partitions", limit=1000, filter=text))
        bench.expect(len(answer["items"]) == expected, f"{expected} partitions for {text}, got {len(answer['items'])}")
        bench.at_most(f"filter: {what}{when}", median(took), target, "ms", took)


def large_table_moves(bench):
    """Rename with its directory, SET LOCATION, drop: none may depend on how many partitions hang on the table."""
    count = bench.scaled(100000, 10000)
    bench.rest.call("POST", table_path(), table_body("moving", [("dt", "date"), ("shop", "int")], **MANAGED))
    per_day = count // 100
    add(bench.rest, "moving", [[day(d), str(s)] for d in range(100) for s in range(per_day)])
    name, renames = "moving", []
    for i in range(bench.repeats):
        renames.append(bench.rest.raw("POST", table_path(name, ":rename"), b'{"name": "moved_%d"}' % i)[0] * 1000)
        name = f"moved_{i}"
    table = bench.rest.call("GET", table_path(name))
    place = table["storage"]["location"].split(":", 1)[1].replace("//", "", 1)
    bench.expect(os.path.isdir(os.path.join(place, f"dt={day(0)}", "shop=0")) and place.endswith(name),
                 f"the directory of {name} with those of its partitions at {place}")
    bench.at_most(f"rename of a table with {count:,} partitions and its directory", median(renames), 50, "ms", renames)
    moves = []
    for i in range(bench.repeats):
        body = json.dumps({"storage": {"location": f"{table['storage']['location']}_{i}"}}).encode()
        moves.append(bench.rest.raw("PATCH", table_path(name), body, kind="application/merge-patch+json")[0] * 1000)
    bench.at_most(f"SET LOCATION of a table with {count:,} partitions", median(moves), 50, "ms", moves)
    drops = []
    for i in range(3):
        if i:
            bench.rest.call("POST", table_path(name, ":undrop"), {})
        drops.append(bench.rest.raw("DELETE", table_path(name))[0] * 1000)
    bench.at_most(f"drop of a table with {count:,} partitions", median(drops), 50, "ms", drops)


# ---- other growth and other reads -----------------------------------------------------------------------------------

def pointer_moves(bench):
    count = bench.scaled(POINTER_MOVES, 1000)
    pointer = "s3://lake/bench/iceberg/metadata/%05d-3f2a1c7e-9b0d-4c55-8a11-0f4e5d6c7b8a.metadata.json"
    body = table_body("iceberg")
    body["parameters"].update(table_type="ICEBERG", metadata_location=pointer % 0)
    bench.rest.call("POST", table_path(), body)
    before = bench.postgres.size()
    began = time.monotonic()
    for i in range(count):
        patch = {"parameters": {"metadata_location": pointer % (i + 1), "previous_metadata_location": pointer % i}}
        bench.rest.raw("PATCH", table_path("iceberg"), json.dumps(patch).encode(), kind="application/merge-patch+json")
    seconds = time.monotonic() - began
    bench.say(f"    {count / seconds:,.0f} pointer moves a second, one after the other")
    growth = (bench.postgres.size() - before) / 1e6
    bench.at_most(f"database growth of {count:,} Iceberg pointer moves", growth, 20 * count / POINTER_MOVES, "MB")


def statistics(bench):
    names = [f"dt={day(0)}/shop={shop}" for shop in range(1000)]
    values = [{"column": c["name"], "type": "bigint", "kind": "long", "nulls": 3, "distinct": 1000 + i, "low": i, "high": 10 ** 9 + i}
              for i, c in enumerate(columns(20))]
    body = {"items": [{"partition": n, "columns": values} for n in names]}
    try:
        bench.rest.call("PUT", table_path("adding", "partition-statistics"), body)
    except Failed as why:
        if "route_not_found" not in str(why):
            raise
        bench.skip("statistics of 1,000 partitions of 20 columns", "this server has no statistics over REST")
        return
    first = f'dt = "{day(0)}"'
    bench.written()
    took, answer = bench.rest.times(3 * bench.repeats, "GET", table_path("adding", "partition-statistics", filter=first, limit=1000))
    bench.expect(len(answer["items"]) == 1000 and len(answer["items"][0]["columns"]) == 20, "statistics of 1,000 partitions")
    bench.at_most("statistics of 1,000 partitions of 20 columns", median(took), 30, "ms", took)


# ---- the process ----------------------------------------------------------------------------------------------------

def memory(bench, when):
    bench.settle()
    ours, postgres = bench.server.processes()
    bench.say(f"    PostgreSQL beside it: {pss_mb(postgres):.1f} MB in {len(postgres)} processes")
    bench.at_most(f"memory (PSS) of the server, idle {when}", pss_mb(ours), 40, "MB")


def restart(bench):
    took = []
    for _ in range(3):
        bench.server.stop()
        took.append(bench.server.start())
    bench.rest = Rest(bench.server)
    bench.at_most("start on this data directory, PostgreSQL included", median(took), 1, "s", took)


# ---- plans ----------------------------------------------------------------------------------------------------------

def plans_of(bench):
    """How each read finds its tables and partitions, by auto_explain: the names of the indexes, or "Seq Scan on ..."."""
    plans = {}
    reads = {what: table_path(table, "partitions", limit=1000, filter=text) for what, (table, text, _, _) in bench.filters.items()}
    reads.update({
        "get table": table_path("fixture"),
        "list tables": table_path(limit="all"),
        "list partitions": table_path("large", "partitions", limit=1000),
        "get partition": table_path("large", "partitions", f"dt={day(7)}/shop=7"),
        "partition names": table_path("large", "partitions", limit="all", detail="name"),
    })
    for what, where in reads.items():
        at = os.path.getsize(bench.postgres.log)
        bench.rest.raw("GET", where)
        time.sleep(0.05)
        with open(bench.postgres.log, encoding="utf-8", errors="replace") as file:
            file.seek(at)
            text = file.read()
        used = re.findall(r"(Seq Scan on (?:tables|partitions)\b|\b(?:tables|partitions)_\w+)", " ".join(
            line for line in text.splitlines() if "(cost=" in line))
        plans[what] = sorted(set(used))
    return plans


def same_plans(bench):
    """First on statistics that were never gathered, then behind ANALYZE."""
    bench.postgres.sql("ALTER SYSTEM SET session_preload_libraries = 'auto_explain'")
    for name, value in (("log_min_duration", "0"), ("log_level", "'warning'"), ("log_nested_statements", "on")):
        bench.postgres.sql("LOAD 'auto_explain'", f"ALTER SYSTEM SET auto_explain.{name} = {value}")
    bench.server.stop()
    bench.server.start()
    bench.rest = Rest(bench.server)
    before = plans_of(bench)
    bench.postgres.sql("ANALYZE")
    after = plans_of(bench)
    bench.expect(all(before.values()), "a plan of every read in PostgreSQL's log")
    different = [what for what in before if before[what] != after[what]]
    for what in different:
        bench.say(f"    {what}: never analysed {before[what]}, analysed {after[what]}")
    bench.truth(f"the same indexes for {len(before)} reads on a database never analysed and on an analysed one", not different)
    bench.truth("none of them reads a whole table", not any("Seq Scan" in " ".join(p) for p in [*before.values(), *after.values()]))
    bench.postgres.sql("ALTER SYSTEM RESET session_preload_libraries")
    bench.server.stop()
    bench.server.start()
    bench.rest = Rest(bench.server)
