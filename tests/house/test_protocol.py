"""The protocol: generated code is what the .proto files say, and no number has changed its meaning."""

import subprocess
import sys
from pathlib import Path

from tests.house import protocol, tree

COMMITTED = Path(__file__).with_name("protocol.txt")
FOLDER = Path("proto/mesh/v1")


def test_no_field_has_changed_its_number_or_type():
    """A new field is added to the list: python -m tests.house.protocol > tests/house/protocol.txt"""
    assert list(protocol.lines()) == COMMITTED.read_text().splitlines()


def test_the_generated_code_is_up_to_date(tmp_path):
    """Or: make proto"""
    out = [f"--{kind}_out={tmp_path}" for kind in ("python", "pyi", "grpc_python")]
    sources = sorted(str(p.relative_to(tree.ROOT)) for p in (tree.ROOT / FOLDER).glob("*.proto"))
    subprocess.run(
        [sys.executable, "-m", "grpc_tools.protoc", "-I", ".", *out, *sources],
        cwd=tree.ROOT,
        check=True,
    )
    for made in (tmp_path / FOLDER).iterdir():
        assert made.read_text() == (tree.ROOT / FOLDER / made.name).read_text(), made.name
