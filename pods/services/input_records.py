"""Who typed what into a Terminal: one row for each burst of one author, written once."""

import re
from datetime import UTC, datetime
from typing import NamedTuple

from django.db.models import F, Max
from django.utils.timezone import now

from accounts.access import SYSTEM_NAME
from accounts.actor import ActorKind
from accounts.models import ApiToken, User
from pods.commands import CommandKind
from pods.messages import InputBurst
from pods.models import InputRecord, Pod, Prompt
from pods.news import announce

_IS_PK = re.compile(r"[0-9]{1,18}")
_IS_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
FIRST_PROMPT = "prompt"  # the Runner's word for itself when it types; with an id, for a Command


class Author(NamedTuple):
    kind: ActorKind
    id: str
    name: str


def keep_burst(pod: Pod, burst: InputBurst) -> None:
    """Bytes of this writer that are on record already are left out, so a burst may come again, and in other pieces."""
    mine = InputRecord.objects.filter(pod=pod, writer=burst.writer)
    known = mine.aggregate(end=Max(F("position") + F("length")))["end"] or 0
    skipped = max(0, known - burst.position)
    if skipped >= burst.length:
        return
    author = author_of(pod, burst.writer)
    InputRecord.objects.create(
        pod=pod,
        author_kind=author.kind,
        author_id=author.id,
        author_name=author.name[:150],
        writer=burst.writer,
        position=burst.position + skipped,
        offset=burst.offset,
        length=burst.length - skipped,
        text=_text(burst.data[skipped:]),
        is_hidden=burst.is_hidden,
        at=min(now(), datetime.fromtimestamp(burst.at_ms / 1000, UTC)),
    )
    announce(pod.organization_id, "input", pod.key)


def author_of(pod: Pod, writer: str) -> Author:
    """A writer is named `kind:id:…` by the Gateway; of another Organization it is nobody known."""
    kind, _, rest = writer.partition(":")
    id_ = rest.partition(":")[0]
    if kind == FIRST_PROMPT:
        return _of_a_prompt(pod, id_)
    name = _name(pod, kind, int(id_)) if _IS_PK.fullmatch(id_) else None
    if name is None:
        return Author(ActorKind.SYSTEM, "", "unknown")
    return Author(ActorKind(kind), id_, name)


def _of_a_prompt(pod: Pod, command_id: str) -> Author:
    """Whoever queued it; a mention is typed by Mesh, for whom its text names; a first one of before is its creator's."""
    if command_id:
        return _of_a_queued_prompt(pod, command_id)
    if pod.parent:
        return Author(ActorKind.POD, str(pod.parent.pk), str(pod.parent))
    if pod.owner:
        return Author(ActorKind.PERSON, str(pod.owner.pk), str(pod.owner))
    return Author(ActorKind.SYSTEM, "", SYSTEM_NAME)


def _of_a_queued_prompt(pod: Pod, command_id: str) -> Author:
    commands = pod.commands.filter(kind=CommandKind.PROMPT)
    command = commands.filter(pk=command_id).first() if _IS_UUID.fullmatch(command_id) else None
    prompt = Prompt.objects.filter(command=command).first() if command else None
    if prompt is None:
        return Author(ActorKind.SYSTEM, command_id[:40], SYSTEM_NAME)
    id_ = prompt.author_pod_id or prompt.author_user_id or ""
    return Author(ActorKind(prompt.author_kind), str(id_), prompt.author_name)


def _name(pod: Pod, kind: str, pk: int) -> str | None:
    organization = pod.organization_id
    match kind:
        case ActorKind.PERSON:
            # an operator of the installation is no member
            found = User.objects.filter(pk=pk, memberships__organization_id=organization).first()
            return str(found or User.objects.filter(pk=pk, is_superuser=True).first() or "") or None
        case ActorKind.TOKEN:
            tokens = ApiToken.objects.select_related("user")
            token = tokens.filter(pk=pk, organization_id=organization).first()
            return f"{token.user} ({token.name})" if token else None
        case ActorKind.POD:
            other = Pod.objects.filter(pk=pk, organization_id=organization).first()
            return str(other) if other else None
    return None


def _text(data: bytes) -> str:
    """PostgreSQL's text takes no NUL."""
    return data.decode("utf-8", "replace").replace("\0", "\u2400")
