"""The command line against the real server: what it prints, its exit codes, and that export and apply are exact."""
import json
import os
import pathlib
import pty
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import pytest
import yaml

BIN = os.environ.get("PROPOLIS_BIN", "build/propolis")
ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def url():
    """A server of this module's own, on a free port."""
    folder = tempfile.mkdtemp(prefix="propolis-cli-")
    os.chmod(folder, 0o755)  # started as root, the server drops to a user of its own
    log = open(os.path.join(folder, "log"), "w+")
    server = subprocess.Popen([BIN, "serve", "--data-dir", os.path.join(folder, "data"), "--http-port", "0", "--thrift-port", "0"], stdout=log,
                              stderr=subprocess.STDOUT)
    try:
        yield "http://" + wait_until_ready(server, log)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)
        log.close()
        shutil.rmtree(folder, ignore_errors=True)


def wait_until_ready(server, log):
    for _ in range(600):
        log.flush()
        found = re.search(r"ready .*?http=(\S+)", pathlib.Path(log.name).read_text())
        if found:
            return found.group(1)
        assert server.poll() is None, pathlib.Path(log.name).read_text()
        time.sleep(0.1)
    raise AssertionError("the server does not become ready:\n" + pathlib.Path(log.name).read_text())


class Result:
    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    @property
    def lines(self):
        return self.out.splitlines()


@pytest.fixture
def cli(url, tmp_path):
    def run(*words, code=0, stdin=None, **env):
        clean = {k: v for k, v in os.environ.items() if not k.startswith("PROPOLIS_")}
        env = {**clean, "PROPOLIS_SERVER": url, "HOME": str(tmp_path), "XDG_CONFIG_HOME": "", **env}
        result = Result(subprocess.run([BIN, *words], input=stdin, capture_output=True, text=True, env=env, timeout=60))
        if code is not None:
            assert result.code == code, f"{words}: exit code {result.code}\n{result.out}\n{result.err}"
        return result

    return run


@pytest.fixture
def db(cli, request):
    name = re.sub(r"\W", "_", request.node.name.lower())
    cli("db", "create", name)
    yield name
    cli("db", "drop", name, "--cascade", "--if-exists", "--delete-data")


def test_help_everywhere(cli):
    assert "Try:" in cli("--help").out
    assert cli(code=2).out == cli("--help").out
    nouns = re.findall(r"^  (\w+) ", cli("--help").out.split("Objects")[1].split("Commands:")[0], re.M)
    assert {"catalog", "db", "table", "partition", "function", "connection", "user", "token"} <= set(nouns)
    for noun in nouns:
        verbs = re.findall(r"^  ([\w-]+) ", cli(noun, "--help").out.split("Commands:")[1].split("Examples:")[0], re.M)
        assert verbs
        for verb in verbs:
            assert "Examples:\n  propolis" in cli(noun, verb, "--help").out


def test_the_reference_is_current(cli):
    assert cli("help", "--markdown").out == (ROOT / "docs/cli.md").read_text()


def test_version_and_the_commands_of_the_store(cli):
    assert cli("--version").out == cli("version").out and cli("version").out.startswith("propolis ")
    for word in ("serve", "migrate", "backup", "restore", "verify", "rotate-key", "config"):
        assert re.search(rf"^  {word} ", cli("--help").out, re.M)
        assert f"  propolis {word} " in cli(word, "--help").out
        assert f"propolis {word} --help" in cli("help", word, code=2).err


def test_tags(cli, db):
    assert cli("tag", "set", db, "a=1", "b=2").err == "set 2 tags\n"
    assert cli("tag", "get", db, "-o", "name").lines == ["a", "b"]
    assert cli("tag", "set", db, "a=", "c=3").err == "set 1 tag\nremoved 1 tag\n"
    assert json.loads(cli("tag", "get", db, "-o", "json").out) == {"b": "2", "c": "3"}


def test_a_long_call_says_that_it_waits():
    """On a terminal only, and nothing of it stays."""
    def answer_late():
        connection, _ = listener.accept()
        with connection:
            connection.recv(10000)
            time.sleep(2.2)
            connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{"items":[]}')

    with socket.create_server(("127.0.0.1", 0)) as listener:
        for quiet in ([], ["-q"]):
            late = threading.Thread(target=answer_late)
            late.start()
            ours, theirs = pty.openpty()
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            done = subprocess.run([BIN, "--server", url, *quiet, "db", "list"], stdout=subprocess.PIPE, stderr=theirs, timeout=30)
            late.join()
            os.write(theirs, b"end")
            shown = b""
            while not shown.endswith(b"end"):
                shown += os.read(ours, 10000)
            os.close(ours)
            os.close(theirs)
            assert done.returncode == 0 and (b"Waiting for the server: 1 s" in shown) == (not quiet)
            assert shown == b"end" or shown.endswith(b"\r\x1b[Kend")


def test_did_you_mean(cli):
    assert "did you mean 'propolis table'?" in cli("tabel", "list", code=2).err
    assert "did you mean 'propolis table get'?" in cli("table", "gte", "x.y", code=2).err
    assert "did you mean --limit?" in cli("table", "list", "x", "--limt", "4", code=2).err


def test_completion(cli, db):
    for shell in ("bash", "zsh", "fish"):
        assert "__complete" in cli("completion", shell).out
    assert cli("__complete", "table", "re").lines == ["rename", "restore"]
    assert "--format" in cli("__complete", "table", "create", "--").lines
    cli("table", "create", f"{db}.abc", "-c", "id int")
    assert cli("__complete", "table", "get", f"{db}.a").lines == [f"{db}.abc"]
    assert cli("__complete", "--catalog", "hive", "table", "-o", "json", "get", f"{db}.a").lines == [f"{db}.abc"]
    assert cli("__complete", "completion", "").lines == ["bash", "zsh", "fish"]
    assert cli("__complete", "help", "table", "d").lines == ["drop", "diff", "dropped"]
    assert cli("__complete", "ser").lines == ["serve"]
    assert "--http-port" in cli("__complete", "serve", "--").lines and "--catalog" not in cli("__complete", "serve", "--").lines
    assert cli("__complete", "config", "").lines == ["show", "check"]


def test_completion_in_bash(url, db):
    """The script itself, sourced as a shell would."""
    words = f"propolis --server {url} db get {db[:-1]}"
    script = f"""source <("$1" completion bash); PATH="$(dirname "$1"):$PATH"
        COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _propolis; printf '%s\\n' "${{COMPREPLY[@]}}" """
    done = subprocess.run(["bash", "-c", script, "bash", os.path.abspath(BIN)], capture_output=True, text=True, timeout=60)
    assert db in done.stdout.splitlines(), done.stderr


def test_exit_codes(cli, db):
    cli("table", "get", f"{db}.nope", code=3)
    cli("table", "get", "nope", code=2)
    cli("db", "create", db, code=4)
    cli("db", "create", db, "--if-not-exists")
    cli("table", "drop", f"{db}.nope", "--if-exists")
    cli("db", "list", "--server", "http://127.0.0.1:1", code=6)
    cli("doctor", "--server", "http://127.0.0.1:1", code=7)
    cli("table", "create", f"{db}.t", "-c", "id int")
    cli("table", "drop", f"{db}.t", "--if-match", '"1-99"', code=4)
    cli("db", "drop", db, code=4)


def test_formats(cli, db):
    cli("table", "create", f"{db}.one", "-c", "id bigint", "-c", "m map<string, int> a map", "-k", "day date", "--format", "orc")
    cli("table", "create", f"{db}.two", "--type", "EXTERNAL_TABLE", "-c", "id int")
    assert [line.split()[0] for line in cli("table", "list", db).lines] == ["NAME", "one", "two"]
    assert cli("table", "list", db, "-o", "name").lines == [f"hive.{db}.one", f"hive.{db}.two"]
    assert cli("table", "list", db, "t*", "-o", "name").lines == [f"hive.{db}.two"]
    assert cli("table", "list", db, "-n", "1", "-o", "name").lines == [f"hive.{db}.one"]
    listed = json.loads(cli("table", "list", db, "-o", "json").out)
    assert listed == [json.loads(line) for line in cli("table", "list", db, "-o", "ndjson").lines]
    assert listed == yaml.safe_load(cli("table", "list", db, "-o", "yaml").out) or listed[0]["columns"][1]["comment"] == "a map"
    assert cli("table", "list", db, "-o", "csv").lines[0].startswith("NAME,TYPE,")
    assert json.loads(cli("table", "list", db, "x*", "-o", "json").out) == []
    assert "\x1b" not in cli("table", "get", f"{db}.one").out
    cli("table", "list", db, "-o", "xml", code=2)


def test_pages_are_walked(cli, db):
    text = "\n---\n".join(f"kind: table\ndatabase: {db}\nname: t{n:04}\ntype: EXTERNAL_TABLE\ncolumns: [{{name: id, type: int}}]" for n in range(1100))
    assert cli("apply", "-f", "-", "-o", "name", stdin=text).lines[-1].endswith("t1099" + '"')
    assert len(cli("table", "list", db, "-o", "name").lines) == 1100
    assert len(cli("table", "list", db, "-o", "name", "--limit", "1001").lines) == 1001


def test_one_long_text_does_not_widen_all_rows(cli):
    names = [f"wide_{number}" for number in range(20)]
    for name in names:
        cli("db", "create", name, "-d", "x" * (20000 if name == "wide_7" else 3))
    for form in ("table", "wide"):
        lines = [line for line in cli("db", "list", "-o", form).lines if line.startswith("wide_")]
        assert len(lines) == 20 and sum(len(line) > 400 for line in lines) == 1
        assert not any(line.endswith(" ") for line in lines)
    for name in names:
        cli("db", "drop", name)


def test_control_characters_stay_harmless(cli, db):
    cli("table", "create", f"{db}.evil", "-c", "id int", "-d", "a\x1b[2Jb\u202ec\nd")
    out = cli("table", "get", f"{db}.evil").out
    assert "a\\x1b[2Jb\\u202ec\\nd" in out and "\x1b" not in out
    assert json.loads(cli("table", "get", f"{db}.evil", "-o", "json").out)["description"] == "a\x1b[2Jb\u202ec\nd"


def test_history_diff_restore(cli, db):
    name = f"{db}.t"
    cli("table", "create", name, "-c", "id bigint", "-c", "note string", "-p", "a=1")
    changed = yaml.safe_load(cli("table", "get", name, "-o", "yaml").out)
    changed["columns"][0]["type"] = "int"
    changed["parameters"] = {"b": "2"}
    assert "would change" in cli("table", "apply", "-f", "-", "--dry-run", stdin=yaml.safe_dump(changed), code=7).out
    assert " changed" in cli("table", "apply", "-f", "-", stdin=yaml.safe_dump(changed)).out
    assert "unchanged" in cli("table", "apply", "-f", "-", stdin=yaml.safe_dump(changed)).out
    diff = cli("table", "diff", name).out
    assert re.search(r"^~ .*columns\.id: bigint -> int  BREAKING", diff, re.M)
    assert "- parameters.a: 1\n" in diff and "+ parameters.b: 2\n" in diff
    assert [line.split()[0] for line in cli("table", "history", name).lines] == ["VERSION", "1", "0"]
    cli("table", "restore", name, code=2)
    cli("table", "restore", name, "--to", "0")
    now = json.loads(cli("table", "get", name, "-o", "json").out)
    assert now["version"] == 2 and now["columns"][0]["type"] == "bigint" and now["parameters"] == {"a": "1"}
    assert json.loads(cli("table", "get", name, "--version", "1", "-o", "json").out)["parameters"] == {"b": "2"}
    assert json.loads(cli("table", "as-of", name, now["updated_at"], "-o", "json").out)["version"] == 2
    cli("table", "as-of", name, "2020-01-01", code=3)
    cli("table", "as-of", name, "yesterday-ish", code=2)


def test_drop_and_undrop(cli, db):
    cli("table", "create", f"{db}.t", "-c", "id int", "-k", "d string")
    cli("partition", "create", f"{db}.t", "d=1", "d=a%2Fb")
    cli("table", "drop", f"{db}.t", "--keep-data")
    assert cli("table", "dropped", db).lines[1].split()[0] == "t"
    cli("table", "undrop", f"{db}.t")
    assert cli("partition", "list", f"{db}.t", "-o", "name").lines == ["d=1", "d=a%2Fb"]


def test_partitions(cli, db):
    name = f"{db}.t"
    cli("table", "create", name, "-c", "id int", "-k", "d string")
    cli("partition", "create", name, "d=1", "d=2", "d=3")
    cli("partition", "create", name, "d=1", code=4)
    cli("partition", "create", name, "d=1", "--if-not-exists")
    cli("partition", "create", name, "1", code=2)
    assert cli("partition", "count", name).out == "3\n"
    assert cli("partition", "list", name, "--filter", "d >= '2'", "-o", "name").lines == ["d=2", "d=3"]
    cli("partition", "drop", name, code=2)
    cli("partition", "drop", name, "d=2", "--keep-data")
    cli("partition", "get", name, "d=2", code=3)
    assert "drop" in cli("partition", "history", name, "d=2").out
    cli("partition", "restore", name, "d=2")
    assert json.loads(cli("partition", "get", name, "d=2", "-o", "json").out)["values"] == ["2"]


AWKWARD = {"yes": "no", "n": "12", "empty": "", "lines": "a\nb\n", "quote": "'\"", "date": "2026-11-21", "kanji": "\u65e5\u672c", "colon": "a: b # c",
           "null": "null", "rtl": "\u202e", "space": " x "}


def test_export_and_apply_are_exact(cli, db, tmp_path):
    table = {"kind": "table", "database": db, "name": "t", "type": "EXTERNAL_TABLE", "parameters": AWKWARD,
             "columns": [{"name": "id", "type": "bigint", "comment": "yes"}, {"name": "s", "type": "struct<a:int,b:array<string>>"}],
             "partition_keys": [{"name": "d", "type": "string", "comment": "~"}],
             "storage": {"serde": {"library": "x.Y", "parameters": {"field.delim": "\t"}}, "buckets": 4, "bucket_columns": ["id"]}}
    cli("apply", "-f", "-", stdin=json.dumps(table))
    cli("partition", "create", f"{db}.t", "d=1", "d=x%3Dy")
    alone = cli("export", f"{db}.t", "--partitions").out
    cli("table", "drop", f"{db}.t", "--keep-data")
    cli("apply", "-f", "-", stdin=alone)
    assert cli("export", f"{db}.t", "--partitions").out == alone
    first = cli("export", db, "--partitions").out
    assert json.loads(cli("table", "get", f"{db}.t", "-o", "json").out)["parameters"] == AWKWARD
    assert [d["kind"] for d in yaml.safe_load_all(first)] == ["database", "table", "partitions"]
    cli("db", "drop", db, "--cascade")
    cli("apply", "-f", "-", stdin=first)
    assert cli("export", db, "--partitions").out == first
    assert "would" not in cli("apply", "-f", "-", "--dry-run", stdin=cli("export", f"{db}.t").out).out
    for form in ("json", "ndjson"):
        (tmp_path / form).write_text(cli("export", db, "-o", form).out)
        assert "changed\n" not in cli("apply", "-f", str(tmp_path / form)).out.replace("unchanged", "")


def test_export_has_tags_and_constraints(cli, db):
    """The child comes before its parent, so its foreign key has to wait for the parent's primary key."""
    for table in ("child", "parent"):
        cli("table", "create", f"{db}.{table}", "-c", "id int", "-c", "other int")

    def add(table, **constraint):
        cli("constraint", "add", f"{db}.{table}", "-f", "-", stdin=json.dumps(constraint))

    add("parent", kind="primary_key", columns=["id"], name="pk_parent", rely=True)
    add("parent", kind="check", expression="id > 0")
    add("child", kind="foreign_key", columns=["other"], references={"table": "parent"}, delete_rule="set_null")
    add("child", kind="default", columns=["id"], expression="7", enable=True)
    cli("tag", "set", f"{db}.child", "pii=yes", "owner=null")
    cli("tag", "set", db, "stage=0")
    text = cli("export", db).out
    documents = {d["name"]: d for d in yaml.safe_load_all(text)}
    assert documents[db]["tags"] == {"stage": "0"} and documents["child"]["tags"] == {"pii": "yes", "owner": "null"}
    assert "tags" not in documents["parent"] and list(documents)[1:] == ["child", "parent"]
    assert [c["kind"] for c in documents["parent"]["constraints"]] == ["primary_key", "check"]
    assert not {"catalog", "database", "table", "created_at"} & set(documents["parent"]["constraints"][0])

    changes = cli("changes", "--database", db, "-o", "name").out
    results = [line.split()[2:] for line in cli("apply", "-f", "-", stdin=text).lines[1:]]
    assert results == [["unchanged"]] * 5
    assert "would" not in cli("apply", "-f", "-", "--dry-run", stdin=text).out
    assert cli("changes", "--database", db, "-o", "name").out == changes

    cli("db", "drop", db, "--cascade")
    dry = cli("apply", "-f", "-", "--dry-run", stdin=text, code=7).out
    assert dry.count("2 would be created, 0 would be dropped, 0 unchanged") == 2
    assert cli("apply", "-f", "-", stdin=text).out.count("2 created, 0 dropped, 0 unchanged") == 2
    assert cli("export", db).out == text

    for left_out in ("tags", "constraints"):  # what is not said stays
        short = [{k: v for k, v in d.items() if k != left_out} for d in documents.values()]
        cli("apply", "-f", "-", stdin=json.dumps(short))
    assert cli("export", db).out == text

    documents["parent"]["constraints"] = [{"kind": "unique", "columns": ["Other"], "name": "U_Parent"}] + documents["parent"]["constraints"][:1]
    documents["child"] |= {"tags": {"pii": "no"}, "constraints": []}
    other = json.dumps(list(documents.values()))
    dry = cli("apply", "-f", "-", "--dry-run", stdin=other, code=7).out
    assert '~ tags.pii: "yes" -> "no"' in dry and "0 would be created, 2 would be dropped, 0 unchanged" in dry
    assert cli("export", db).out == text
    done = cli("apply", "-f", "-", stdin=other).out
    assert "1 created, 1 dropped, 1 unchanged" in done and re.search(r"child +changed$", done, re.M)
    after = {d["name"]: d for d in yaml.safe_load_all(cli("export", db).out)}
    assert after["child"]["tags"] == {"pii": "no"} and "constraints" not in after["child"]
    assert "created" not in cli("apply", "-f", "-", stdin=other).out.replace("0 created", "")

    documents["child"]["constraints"] = [{"kind": "foreign_key", "columns": ["nothing"], "references": {"table": "parent"}}]
    failed = cli("apply", "-f", "-", "--keep-going", stdin=json.dumps(list(documents.values())), code=None)
    assert failed.code != 0 and "1 of 3 definitions failed" in failed.err and f"constraints of table" in failed.err


def test_export_of_a_connection_has_its_tags(cli):
    made = {"kind": "connection", "name": "tagged", "type": "JDBC", "tags": {"team": "a"},
            "properties": {"JDBC_CONNECTION_URL": "jdbc:postgresql://db.example/x", "USERNAME": "u"}}
    assert "created" in cli("apply", "-f", "-", stdin=json.dumps(made)).out
    text = cli("export", "tagged", "--kind", "connection").out
    assert yaml.safe_load(text)["tags"] == {"team": "a"}
    assert cli("apply", "-f", "-", stdin=text).lines[1].split()[2] == "unchanged"
    cli("connection", "drop", "tagged")


def test_a_short_definition_can_be_applied_again(cli, db):
    """What a file leaves out to be chosen by the server is not taken away when it is applied a second time."""
    text = f"""
kind: table
database: {db}
name: t
columns: [{{name: id, type: int}}]
partition_keys: [{{name: d, type: date}}]
---
kind: partitions
database: {db}
table: t
items: [{{values: ["2026-01-01"]}}, {{name: d=2026-01-02}}]
"""
    dry = cli("apply", "-f", "-", "--dry-run", stdin=text, code=7).out
    assert "2 would be created, 0 would be set, 0 unchanged" in dry and "table " in dry
    assert "2 created, 0 set, 0 unchanged" in cli("apply", "-f", "-", stdin=text).out
    before = cli("export", db, "--partitions").out
    changes = cli("changes", "--database", db, "-o", "name").out
    assert "0 created, 0 set, 2 unchanged" in cli("apply", "-f", "-", stdin=text).out
    cli("apply", "-f", "-", "--dry-run", stdin=text)
    assert cli("export", db, "--partitions").out == before and "MANAGED_TABLE" in before
    assert cli("changes", "--database", db, "-o", "name").out == changes, "what is the same is left alone"
    other = text.replace("{name: d=2026-01-02}", "{name: d=2026-01-02, parameters: {a: b}}")
    assert "0 created, 1 set, 1 unchanged" in cli("apply", "-f", "-", stdin=other).out
    assert json.loads(cli("partition", "get", f"{db}.t", "d=2026-01-02", "-o", "json").out)["parameters"] == {"a": "b"}


def test_partition_keys_have_their_order(cli, db):
    name = f"{db}.t"
    cli("table", "create", name, "-c", "a int", "-k", "d date", "-k", "h int")
    assert "d=VALUE/h=VALUE" in cli("partition", "create", name, "h=1/d=2026-01-01", code=1).err
    cli("partition", "create", name, "d=2026-01-01/h=1")
    assert "created 1 partition\nkept 1 existing" in cli("partition", "create", name, "d=2026-01-01/h=1", "d=2026-01-01/h=2",
                                                          "--if-not-exists").err
    assert "d=VALUE/h=VALUE" in cli("partition", "rename", name, "d=2026-01-01/h=1", "h=3/d=2026-01-01", code=1).err
    assert cli("partition", "list", name, "-o", "name").lines == ["d=2026-01-01/h=1", "d=2026-01-01/h=2"]


def test_apply_says_what_is_wrong(cli, db):
    assert "standard input:3:6:" in cli("apply", "-f", "-", stdin="kind: table\nname: x\nbad: *alias\n", code=1).err
    assert "line 2, column" in cli("apply", "-f", "-", stdin='{"kind":"table",\n"x":}', code=1).err
    assert '"kind"' in cli("apply", "-f", "-", stdin="name: x", code=1).err
    assert "defines nothing" in cli("apply", "-f", "-", stdin="", code=1).err
    both = f"kind: table\nname: x\n---\nkind: table\ndatabase: {db}\nname: good\n"
    assert "created" in cli("apply", "-f", "-", "--keep-going", stdin=both, code=1).out


def test_changes(cli, db):
    cli("table", "create", f"{db}.t", "-c", "id int")
    last = [json.loads(line) for line in cli("changes", "--database", db, "-n", "1", "-o", "ndjson").lines]
    assert [(c["kind"], c["action"], c["name"]) for c in last] == [("table", "create", "t")]
    assert cli("changes", "--after", str(last[0]["change_id"]), "-o", "json").out == "[]\n"
    assert cli("changes", "--database", db, "--kind", "db", "-o", "ndjson").out.count('"database"') > 0
    assert "kind must be" in cli("changes", "--kind", "nonsense", code=1).err


def test_changes_are_followed(url, cli, db):
    with subprocess.Popen([BIN, "changes", "--follow", "--database", db, "-o", "json", "--server", url], stdout=subprocess.PIPE, text=True) as follow:
        try:
            time.sleep(1)
            cli("table", "create", f"{db}.seen", "-c", "id int")
            assert json.loads(follow.stdout.readline())["name"] == "seen"
        finally:
            follow.terminate()


def test_users_and_tokens(cli):
    cli("user", "create", "robot", "--no-password")
    cli("user", "create", "anna", "--password-stdin", stdin="correct horse\n")
    try:
        made = cli("token", "create", "robot", "--name", "nightly", "--expires", "30d")
        token = made.out.strip()
        assert len(made.lines) == 1 and token not in made.err
        assert cli("whoami", "-o", "json", PROPOLIS_TOKEN=token).out.count("robot") == 1
        listed = cli("token", "list", "robot")
        assert "nightly" in listed.out and token not in listed.out
        cli("token", "revoke", "robot", cli("token", "list", "robot", "-o", "name").out.strip())
        deadline = time.time() + 10  # a server may remember a good token for a moment
        while cli("whoami", PROPOLIS_TOKEN=token, code=None).code != 5:
            assert time.time() < deadline, "a revoked token still works"
            time.sleep(0.2)
        cli("whoami", "--login", "anna", stdin="correct horse\n")
        cli("whoami", "--login", "anna", stdin="wrong\n", code=5)
    finally:
        cli("user", "revoke", "robot", "anna")


def test_secrets_do_not_belong_on_the_command_line(cli):
    refused = cli("connection", "create", "c", "--type", "JDBC", "--property", "PASSWORD=hunter2", code=2)
    assert "hunter2" not in refused.err and "@FILE" in refused.err


def test_profiles(cli, url, tmp_path):
    folder = tmp_path / ".config/propolis"
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(f"profile: lab\nprofiles:\n  lab: {{server: '{url}'}}\n")
    assert "default" in cli("db", "list", PROPOLIS_SERVER="").out
    assert "no profile 'zz'" in cli("db", "list", "--profile", "zz", code=1).err
    (folder / "config.yaml").write_text("profils: {}\n")
    assert "did you mean profile" in cli("db", "list", code=1).err


def test_doctor(cli):
    columns = {re.match(r"\w+ +\w+ +", line).end() for line in cli("doctor").lines if not line.startswith(" ")}
    assert len(columns) == 1, "the details stand below each other"
    report = json.loads(cli("doctor", "-o", "json").out)
    assert {"server", "ready", "version", "clock", "login"} <= {check["name"] for check in report}
    assert all(check["status"] in ("ok", "warn") for check in report)


def test_the_doctor_tells_what_the_server_sees(cli):
    checks = {c["name"]: c["status"] for c in json.loads(cli("doctor", "-o", "json").out)}
    assert {"server", "login", "database", "schema_version", "storage_writable", "secret_key", "listen"} <= set(checks)
    assert "inside" not in checks and checks["secret_key"] == "ok"


def test_rename_databases_and_connections(cli, db, tmp_path):
    cli("table", "create", f"{db}.t", "-c", "id int")
    cli("db", "rename", db, db + "_old")
    assert cli("table", "list", db + "_old", "-o", "name").lines == [f"hive.{db}_old.t"]
    cli("db", "get", db, code=3)
    cli("db", "rename", db + "_old", "default", code=4)
    cli("db", "rename", db + "_old", db)
    password = tmp_path / "password"
    password.write_text("hunter2\n")
    cli("connection", "create", "c1", "--type", "JDBC", "--property", "JDBC_CONNECTION_URL=jdbc:postgresql://127.0.0.1:1/x",
        "--property", "USERNAME=u", "--property", f"PASSWORD=@{password}")
    cli("connection", "rename", "c1", "c2")
    assert "hunter2" not in cli("connection", "get", "c2", "-o", "json").out
    assert json.loads(cli("connection", "get", "c2", "--with-secrets", "-o", "json").out)["properties"]["PASSWORD"] == "hunter2"
    cli("connection", "test", "c2", code=7)
    assert "JDBC" in cli("connection", "types", "-o", "name").lines
    assert {"name": "PASSWORD", "secret": True} in json.loads(cli("connection", "types", "-o", "json").out)["properties"]
    cli("tag", "set", "c2", "a=b", "--kind", "connection")
    assert json.loads(cli("tag", "get", "c2", "--kind", "connection", "-o", "json").out) == {"a": "b"}
    cli("connection", "drop", "c2")


def test_facts_about_a_table(cli, db, tmp_path):
    cli("table", "create", f"{db}.facts", "-c", "id int", "-c", "note string")
    key = tmp_path / "key.yaml"
    key.write_text("kind: primary_key\nname: pk\ncolumns: [id]\n")
    cli("constraint", "add", f"{db}.facts", "-f", str(key))
    assert re.search(r"^pk +primary_key +.*id", cli("constraint", "list", f"{db}.facts").out, re.M)
    cli("constraint", "drop", f"{db}.facts", "pk")
    cli("tag", "set", f"{db}.facts", "pii=no", "team=a")
    cli("tag", "set", f"{db}.facts", "team=")
    assert json.loads(cli("tag", "get", f"{db}.facts", "-o", "json").out) == {"pii": "no"}
    assert json.loads(cli("stats", "get", f"{db}.facts", "-c", "id", "-o", "json").out) == {"columns": []}
    assert cli("search", "facts", "--has-column", "note", "--database", db, "-o", "name").lines == [f"hive.{db}.facts"]


def test_a_full_disk_is_no_success(url):
    with open("/dev/full", "w") as full:
        assert subprocess.run([BIN, "db", "list", "--server", url], stdout=full, stderr=subprocess.PIPE).returncode == 1
