"""Another certificate authority in place of this one, while Runners work: both are trusted until all have changed over.

`begin` makes the next one, `switch` lets it sign, `finish` forgets the previous one, `roll_back` goes a step back. Each
Session tells its Runner whom to trust now; a Runner that trusts others renews its certificate on its live connection.
"""

import shutil
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from cryptography import x509
from django.db.models import OuterRef, Subquery

from pods.errors import ConflictError
from pods.models import Certificate, Runner
from pods.services.authority import Authority, authority
from pods.services.certificates import made_at

Phase = Literal["standing", "begun", "switched"]


@dataclass(frozen=True, slots=True)
class Rotation:
    """`waits_for` are Runners that do not trust both yet, or have no certificate of the one that signs."""

    phase: Phase
    since: datetime | None = None
    waits_for: tuple[str, ...] = ()


def state() -> Rotation:
    ours = authority()
    (_, upcoming), (_, previous) = ours.pair("next"), ours.pair("previous")
    if upcoming.exists():
        return _waiting("begun")
    return _waiting("switched") if previous.exists() else Rotation("standing")


def begin() -> None:
    """Raises ConflictError."""
    _expect("standing")
    ours = authority()
    ours.ensure()
    with ours.alone():
        ours.make("next")


def switch(*, force: bool = False) -> None:
    """Raises ConflictError: also while Runners do not trust the next one yet, unless that is forced."""
    _expect("begun", force=force)
    _exchange(authority(), "next", "previous")


def finish(*, force: bool = False) -> None:
    """Raises ConflictError: also while Runners have certificates of the previous one, unless that is forced."""
    _expect("switched", force=force)
    _forget(authority(), "previous")


def roll_back(*, force: bool = False) -> None:
    """From `switched` to `begun`, and from there to how it was. Raises ConflictError, as `finish` does."""
    now = state()
    if now.phase == "switched":
        _exchange(authority(), "previous", "next")
        return
    _expect("begun", force=force)
    _forget(authority(), "next")


def _expect(phase: Phase, *, force: bool = True) -> None:
    now = state()
    if now.phase != phase:
        raise ConflictError("other_phase", f"The authority is {now.phase}, not {phase}.")
    if now.waits_for and not force:
        raise ConflictError(
            "runners_wait",
            f"Not renewed yet: {', '.join(now.waits_for)}. Those would be cut off; --force does it all the same.",
        )


def _waiting(phase: Phase) -> Rotation:
    both = x509.load_pem_x509_certificates(authority().trusted_pem)
    since = max(map(made_at, both))
    renewed = Certificate.objects.filter(
        runner=OuterRef("pk"),
        revoked_at=None,
        created_at__gte=since,
        created_at__lt=OuterRef("attached_at"),  # and it is in use
    )
    issuer = renewed.order_by("-created_at").values("issuer")[:1]
    runners = Runner.objects.usable().annotate(issuer=Subquery(issuer)).order_by("name")
    signs = both[0].subject.rfc4514_string()
    late = tuple(name for name, its in runners.values_list("name", "issuer") if its != signs)
    return Rotation(phase, since, late)


def _exchange(ours: Authority, entering: str, leaving: str) -> None:
    """Done again after a crash in its middle, it is done whole."""
    with ours.alone():
        pairs = zip(ours.pair(entering), ours.pair("ca"), ours.pair(leaving), strict=True)
        for new, signing, old in tuple(pairs):
            if new.exists():
                if not old.exists():
                    shutil.copy(signing, old)
                new.replace(signing)


def _forget(ours: Authority, name: str) -> None:
    with ours.alone():
        for path in reversed(ours.pair(name)):
            path.unlink(missing_ok=True)
