"""What the documents name exists."""

import re
from pathlib import Path

import pytest

from tests.house import tree

DOCUMENTS = [path for path in tree.files() if path.suffix == ".md"]
TOP = {path.relative_to(tree.ROOT).parts[0] for path in tree.files()}
CODE = re.compile(r"`([\w./*-]+)`")
LINK = re.compile(r"\]\((?!\w+:|#)([^)#]+)")


def _exists(base: Path, name: str) -> bool:
    return any(base.glob(name.rstrip("/"))) if "*" in name else (base / name).exists()


@pytest.mark.parametrize("document", DOCUMENTS, ids=tree.name)
def test_a_document_names_only_files_that_exist(document):
    text = document.read_text()
    named = [name for name in CODE.findall(text) if "/" in name and name.split("/")[0] in TOP]
    assert [name for name in named if not _exists(tree.ROOT, name)] == []
    assert [name for name in LINK.findall(text) if not _exists(document.parent, name)] == []


def test_the_targets_that_documents_name_are_in_the_makefile():
    targets = set(re.findall(r"^([a-z-]+):", (tree.ROOT / "Makefile").read_text(), re.MULTILINE))
    for document in DOCUMENTS:
        assert set(re.findall(r"`make ([a-z-]+)", document.read_text())) <= targets
