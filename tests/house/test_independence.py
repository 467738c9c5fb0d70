"""What must not be named or needed: registries in the tree, Django on a Runner, the stack in a Pod's host."""

import json
import re
import subprocess
import sys

import pytest

from tests.house import tree
from tests.journeys.prepared import inherited

# Written in parts, so that this file does not name them either.
REGISTRIES = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("yarnpkg", "com"),
    )
]
LOCKS = sorted(tree.ROOT.glob("requirements*.txt"))


def test_no_file_names_a_package_registry():
    named = re.compile("|".join(map(re.escape, REGISTRIES)).encode())
    texts = (path for path in tree.files() if path.suffix not in {".png", ".jpg", ".ico"})
    assert [tree.name(path) for path in texts if named.search(path.read_bytes())] == []


@pytest.mark.parametrize("lock", LOCKS, ids=tree.name)
def test_a_python_lock_has_hashes_and_no_addresses(lock):
    text = lock.read_text()
    pinned = re.findall(r"^[a-z0-9].*==", text, re.MULTILINE)
    assert pinned
    assert len(re.findall(r"==[^\n]*\\\n    --hash=sha256:", text)) == len(pinned)
    assert "://" not in text


def test_the_browser_lock_has_hashes_and_no_addresses():
    packages = json.loads((tree.ROOT / "package-lock.json").read_text())["packages"]
    for name, package in packages.items():
        assert "resolved" not in package
        assert "integrity" in package or not name


def _modules(code: str, **environment: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; {code}; print(*sys.modules)"],
        cwd=tree.ROOT,
        env={**inherited(), **environment},
        capture_output=True,
        check=True,
        text=True,
    )
    return set(done.stdout.split())


def _imported(program: str) -> set[str]:
    return {name.partition(".")[0] for name in _modules(f"import {program}")}


def test_the_runner_needs_no_django():
    assert not _imported("runner_agent.cli") & {"django", "celery", "channels", "redis", "pods"}


def test_a_process_that_serves_no_pages_does_not_load_those_of_the_admin(tmp_path):
    """They are a fifth of its start and of its memory."""
    loaded = _modules("import mesh.celery, django; django.setup()", MESH_HOME=str(tmp_path))
    assert "pods.models" in loaded
    assert not loaded & {"pods.admin", "mesh.urls"}


def test_the_runner_is_packaged_with_what_it_imports():
    """The locks of server and Runner name the same packages for the Runner."""
    import tomllib

    project = tomllib.loads((tree.ROOT / "pyproject.toml").read_text())["project"]
    names = {re.split(r"[^a-z0-9-]", each)[0] for each in project["dependencies"]}
    wanted = (tree.ROOT / "requirements.in").read_text()
    assert {each for each in names if not re.search(rf"^{each}\b", wanted, re.MULTILINE)} == set()
