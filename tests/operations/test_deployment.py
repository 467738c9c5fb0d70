"""What is in deploy/: units that start what the Procfile starts, and an environment that the settings read."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mesh.up.supervisor import services
from runner_agent import config, service
from tests.journeys.prepared import ROOT

UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
LINES = services(ROOT / "Procfile")
ALIKE = {
    "env MESH_GATEWAY_NAME=local ": "",
    "local": "%H",
    "--proxy-headers ": "",
    "@%%h": "@%h",
    '"$MESH_HOME/': "${MESH_HOME}/",
    '"$MESH_LISTEN"': "${MESH_LISTEN}",
    '"$MESH_PORT"': "${MESH_PORT}",
    '"': "",
}


def alike(line: str) -> str:
    line = line.partition("python ")[2]
    for here, there in ALIKE.items():
        line = line.replace(here, there)
    return line


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_starts_what_the_procfile_starts(unit: Path) -> None:
    started = re.search(r"^ExecStart=(.*)$", unit.read_text(), re.MULTILINE)
    assert started
    assert alike(started[1]) == alike(LINES[unit.stem.removeprefix("mesh-")])


def test_every_server_process_but_redis_has_a_unit() -> None:
    names = {unit.stem.removeprefix("mesh-") for unit in UNITS}
    assert names == LINES.keys() - {"redis", "pods", "runner"}


def test_the_environment_names_only_what_the_settings_read() -> None:
    text = (ROOT / "deploy" / "mesh.env").read_text()
    names = re.findall(r"^([A-Z_]+)=", text, re.MULTILINE)
    known = (ROOT / "mesh" / "settings.py").read_text()
    assert names
    assert [n for n in names if f'"{n}"' not in known and f'"{n[:-5]}"' not in known] == []


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not on this machine")
def test_systemd_understands_all_units(tmp_path: Path) -> None:
    """The Runner's two as well, which its own program prints."""
    for unit in UNITS:
        text = unit.read_text().replace("/opt/mesh/.venv/bin/python", sys.executable)
        text = re.sub(
            r"^(User|EnvironmentFile|WorkingDirectory)=.*\n", "", text, flags=re.MULTILINE
        )
        (tmp_path / unit.name).write_text(text)
    printed = service.units(config.load(tmp_path / "home", {}), system=True)
    for name, text in re.findall(r"# ---- (\S+\.service):.*\n((?:(?!# ----).*\n?)*)", printed):
        (tmp_path / name).write_text(text)
    names = sorted(path.name for path in tmp_path.glob("*.service"))
    assert len(names) == len(UNITS) + 2
    judged = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / name) for name in names)],
        capture_output=True,
        text=True,
        check=False,
    )
    ours = [line for line in judged.stderr.splitlines() if "mesh-" in line]
    assert not ours
