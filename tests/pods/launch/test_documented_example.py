"""docs/agent-types.md: its examples are some, and each key it names is there."""

import re
from pathlib import Path

from pods import declarations
from pods.declarations.schema import DEFAULTS

TEXT = (Path(__file__).parents[3] / "docs" / "agent-types.md").read_text()
EXAMPLE, FORK = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)


def test_the_example_is_a_declaration() -> None:
    declared = declarations.from_toml(EXAMPLE)
    chosen = declarations.Choices(permissions="bypass", model="coder", provider="other")
    launch = declarations.resolve(declared, chosen)["launch"]
    assert launch["argv"] == ["qwen", "--approval-mode", "yolo", "--model", "{model}"]


def test_the_example_of_a_fork_is_a_part_of_one() -> None:
    launch = declarations.from_toml(f'slug = "a"\nname = "A"\n{FORK}')["launch"]
    assert launch["before_fork"][-2:] == ["{workspace}", "{forked_workspace}"]


def test_every_key_is_described_and_every_described_key_is_there() -> None:
    rows = re.findall(r"^\| (`.*?) \|", TEXT.split("## Every key")[1], re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([\w.]+)`", row)}
    known = {
        f"{section}.{key}" if isinstance(held, dict) else section
        for section, held in DEFAULTS.items()
        for key in (held if isinstance(held, dict) else [section])
    }
    assert named == known
