"""The first screen of the README does what it says: its commands are run, in order, and must print what stands there."""
import os
import pathlib
import re
import subprocess

import conftest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEFAULT = "http://127.0.0.1:8181"


def commands():
    for block in re.findall(r"```console\n(.*?)```", (ROOT / "README.md").read_text(), re.S):
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, _, wanted = part.partition("\n")
            yield command, wanted


def comparable(text):
    """Times differ each time, and with them the width of columns."""
    return re.sub(r" +", " ", re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME", text)).strip()


def test_readme(tmp_path):
    (tmp_path / "propolis").symlink_to(pathlib.Path(conftest.BINARY).resolve())
    with conftest.running() as server:
        clean = {k: v for k, v in os.environ.items() if not k.startswith("PROPOLIS_")}
        env = {**clean, "PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(tmp_path), "PROPOLIS_SERVER": server.base}
        ran = 0
        for command, wanted in commands():
            if command.startswith("export "):
                continue
            command = command.replace(DEFAULT, server.base).replace("curl ", "curl -sS ")
            done = subprocess.run(command, shell=True, text=True, env=env, cwd=tmp_path, timeout=30,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            assert done.returncode == 0, f"{command}\n{done.stdout}"
            assert comparable(done.stdout) == comparable(wanted), command
            ran += 1
        assert ran > 10
