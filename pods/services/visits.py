"""Who looks at a Terminal, and whether they still may."""

from dataclasses import dataclass
from importlib import import_module

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest

from accounts.access import ORGANIZATION, actor_for_token, actor_for_user
from accounts.actor import Actor
from accounts.errors import NotSignedInError
from accounts.models import User
from pods.access import may_type, terminal_for
from pods.lease import Writer
from pods.lifecycle import PodState
from pods.models import KeptScreen
from pods.terminals.messages import Screen
from pods.terminals.sight import Sight
from pods.terminals.whereabouts import whereabouts_of


@dataclass(frozen=True, slots=True)
class Visitor:
    """Known by a token's secret, or else by the cookie of a login. One of them is set."""

    secret: str | None = None
    session_key: str = ""


def look(visitor: Visitor, key: str) -> Sight:
    """The Pod as it is now. Raises NotSignedInError, NotAMemberError, NotVisibleError, NotAllowedError."""
    actor = actor_of(visitor)
    pod = terminal_for(actor, key)
    return Sight(
        state=PodState(pod.state),
        reason=pod.reason or pod.waiting_for,
        exit_code=pod.exit_code,
        place=whereabouts_of(pod),
        writer=Writer(actor.kind, str(actor.id), actor.name),
        may_type=may_type(actor, pod),
    )


def last_screen(key: str) -> Screen | None:
    """The screen that was kept when the Runner went away or the Pod ended."""
    kept = KeptScreen.objects.filter(pod__key=key).first()
    if kept is None:
        return None
    screen = kept.screen
    column, row = screen.get("cursor") or (0, 0)
    text = screen.get("text", "").replace("\n", "\r\n")
    replay = f"\x1b[H\x1b[2J{text}\x1b[{row + 1};{column + 1}H"
    size = (screen.get("cols") or 80, screen.get("rows") or 24)
    return Screen(screen.get("offset") or 0, *size, replay.encode())


def actor_of(visitor: Visitor) -> Actor:
    """Raises NotSignedInError, NotAMemberError."""
    if visitor.secret is not None:
        return actor_for_token(visitor.secret)
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(visitor.session_key)
    user = get_user(request)
    if not isinstance(user, User):
        raise NotSignedInError("not_signed_in", "Sign in, or send an API token.")
    return actor_for_user(user, request.session.get(ORGANIZATION))
