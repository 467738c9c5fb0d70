"""PostgreSQL runs as nobody where the tests run as root, also from a directory that only root may enter."""

import subprocess

from tests.postgres import _binaries, _copied


def test_a_copy_of_its_programs_finds_its_libraries(tmp_path):
    programs = _copied(_binaries(), tmp_path)
    said = subprocess.run(
        [programs / "initdb", "--version"], check=False, capture_output=True, text=True
    )
    assert said.stdout.startswith("initdb (PostgreSQL)"), said.stderr
