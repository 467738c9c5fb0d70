"""The agent types of the installation: files that come with Mesh, and the operator's own in MESH_HOME."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import transaction

from pods import declarations
from pods.declarations import Declaration, DeclarationError, Problem
from pods.models import AgentType, Pod
from pods.services.agent_types import columns

logger = logging.getLogger(__name__)

BUILT_IN = Path(__file__).resolve().parent.parent / "agent_types"
Origin = AgentType.Origin


@dataclass(frozen=True, slots=True)
class _File:
    origin: str
    text: str
    declared: Declaration


def load_built_in() -> list[str]:
    """Make the rows what the files say, and answer what is wrong with the operator's, a sentence for each problem.

    Idempotent. An upgrade changes built-in ones; whether one is enabled stays as the operator chose. A file of the
    operator's with a built-in's slug takes its place, and one that cannot be read changes nothing.
    """
    files = {each.declared["slug"]: each for each in _read(BUILT_IN, Origin.BUILT_IN)}
    problems: list[str] = []
    unread = set()
    for path in sorted(settings.AGENT_TYPES_DIR.glob("*.toml")):
        try:
            own = _file(path, Origin.FILE)
        except (DeclarationError, OSError, UnicodeDecodeError) as error:
            problems.append(f"{path}: {error}")
            unread.add(path.stem)
        else:
            files[own.declared["slug"]] = own
    with transaction.atomic():
        for slug, held in files.items():
            _store(slug, held)
        _drop_all_but({*files, *unread})
    for problem in problems:
        logger.warning("agent type not loaded: %s", problem)
    return problems


def _read(directory: Path, origin: str) -> Iterator[_File]:
    for path in sorted(directory.glob("*.toml")):
        yield _file(path, origin)


def _file(path: Path, origin: str) -> _File:
    text = path.read_text()
    declared = declarations.from_toml(text)
    if declared["slug"] != path.stem:
        name = f"{declared['slug']}.toml"
        raise DeclarationError([Problem("slug", f"The file is named as its slug: call it {name}.")])
    return _File(origin, text, declared)


def _store(slug: str, held: _File) -> None:
    fields = {**columns(held.declared, held.text), "origin": held.origin}
    row = AgentType.objects.filter(organization=None, slug=slug).first()
    if row is None:
        AgentType.objects.create(slug=slug, **fields)
        return
    if row.origin == Origin.MADE:
        if row.declaration:
            return  # an operator made one of this name in the admin
        fields["enabled"] = True  # its file is back
    if any(getattr(row, name) != value for name, value in fields.items()):
        AgentType.objects.filter(pk=row.pk).update(**fields)


def _drop_all_but(slugs: set[str]) -> None:
    """A type whose file is gone is not there for new Pods; those that were made of it keep its name."""
    gone = AgentType.objects.filter(organization=None).exclude(origin=Origin.MADE)
    gone = gone.exclude(slug__in=slugs)
    gone.exclude(pk__in=Pod.objects.values("agent_type")).delete()
    gone.update(enabled=False, origin=Origin.MADE, declaration={}, argv=[])
