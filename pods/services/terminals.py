"""A Pod's Terminal and Workspace for those without a websocket. What the Runner knows, it is asked for."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import grpc
from django.conf import settings

from accounts.actor import Actor
from pods.errors import ConflictError, RefusedError, RunnerOfflineError
from pods.lease import Writer
from pods.models import KeptScreen, Pod
from pods.services.authority import authority
from pods.services.summaries import note_summary
from pods.terminals import keyboard
from pods.terminals.asking import AwayError, Relay, SilentError
from pods.terminals.whereabouts import Whereabouts

SUBMIT_PAUSE_S = 0.15  # agents take an Enter that comes with a paste as part of it

_REFUSALS = {
    "control": "Somebody else has control of this Terminal. A person may take it over on its page.",
    "ended": "This Pod has ended.",
    "unknown": "The Runner has no such Pod (any more).",
    "starting": "This Pod is still starting.",
    "reconnecting": "The Runner's terminals are just being reconnected. Try again.",
    "busy": "This Pod's program does not read what is typed.",
    "unconfirmed": "The program has not read all of it yet: it may still, so look before you try again.",
}


@dataclass(frozen=True, slots=True)
class Output:
    """`start` is the offset of the first byte of `data`; `end` that of the next byte ever."""

    data: bytes
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Taken:
    bytes: int


def credentials() -> grpc.ChannelCredentials:
    """Web's own, to dial a Gateway's private listener over TCP."""
    issuer = authority()
    own = issuer.server_credentials("web", [settings.PUBLIC_HOST])
    return grpc.ssl_channel_credentials(issuer.trusted_pem, own.key_pem, own.certificate_pem)


_relay = Relay(credentials)


def screen(pod: Pod) -> dict[str, Any]:
    """As it is; while the Runner is away, the last one known. `as_of` says when. Raises RunnerOfflineError."""
    try:
        return _json(_ask(pod, "screen", {}))
    except (RunnerOfflineError, ConflictError):
        kept = KeptScreen.objects.filter(pod=pod).first()
        if kept is None:
            raise
        return {**kept.screen, "as_of": kept.as_of.isoformat()}


def output(pod: Pod, offset: int, limit: int) -> Output:
    """Kept bytes from `offset` on; the first kept ones if those are gone. Raises RunnerOfflineError."""
    answer = _ask(pod, "output", {"offset": offset, "limit": limit})
    return Output(answer.body, int(answer.headers["offset"]), int(answer.headers["end"]))


def type_into(
    pod: Pod,
    *,
    by: Actor,
    text: str | None = None,
    keys: Sequence[str] = (),
    submit: bool = False,
) -> Taken:
    """Text, then keys, then Enter if `submit`. Returns when the program's PTY has all of it.

    Raises RefusedError, ConflictError when somebody else has control or the Pod has ended, RunnerOfflineError.
    """
    try:
        pressed = keyboard.keys(keys)
    except keyboard.UnknownKeyError as unknown:
        raise RefusedError(
            "unknown_key",
            f"There is no key “{unknown}”. Such as: enter, ctrl+c, esc, up.",
            field="keys",
        ) from None
    steps = [(0.0, _typed(pod, text or "")), (0.0, pressed)]
    if submit:
        steps.append((SUBMIT_PAUSE_S, b"\r"))
    steps = [(pause, data) for pause, data in steps if data]
    if not steps:
        raise RefusedError("nothing_typed", "Give text, keys or submit.")
    try:
        _check(_relay.type(pod.key, _writer(by), steps))
    except AwayError as away:
        _raise_away(pod, away.place)
    except SilentError:
        _check("unconfirmed")
    return Taken(sum(len(data) for _, data in steps))


def resize(pod: Pod, *, by: Actor, cols: int, rows: int) -> None:
    """Raises ConflictError when somebody else has control, RunnerOfflineError."""
    try:
        _check(_relay.resize(pod.key, _writer(by), cols, rows))
    except AwayError as away:
        _raise_away(pod, away.place)
    except SilentError:
        _check("reconnecting")


def workspace(pod: Pod, refresh: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002 - as agreed
    state = _json(_ask(pod, "workspace", {"refresh": refresh}))
    note_summary(pod, state)
    return state


def workspace_log(pod: Pod, **args: Any) -> dict[str, Any]:
    return _json(_ask(pod, "log", args))


def workspace_diff(pod: Pod, **args: Any) -> dict[str, Any]:
    """One page: `files` with their patches, `diff` all of these as one text, `next` the cursor of the following page."""
    found = _json(_ask(pod, "diff", args))
    return {**found, "diff": "".join(file.get("patch", "") for file in found.get("files", ()))}


# ----


def _typed(pod: Pod, text: str) -> bytes:
    if "\n" not in text and "\r" not in text:
        return keyboard.text(text, paste=False)
    return keyboard.text(text, paste=bool(_json(_ask(pod, "screen", {})).get("bracketed_paste")))


def _ask(pod: Pod, kind: str, args: dict[str, Any]) -> Any:
    """Raises RunnerOfflineError, and what the Runner says is wrong."""
    try:
        return _answered(pod, _relay.ask(pod.key, kind, args))
    except AwayError as away:
        _raise_away(pod, away.place)
    except SilentError:
        raise RunnerOfflineError(
            "runner_silent",
            f"The Runner of {pod.key} did not answer in time. Try again.",
        ) from None


def _answered(pod: Pod, answer: Any) -> Any:
    if not answer.error_code:
        return answer
    if answer.error_code.startswith("bad_"):
        raise RefusedError(answer.error_code, answer.error)
    raise ConflictError(answer.error_code, answer.error or f"{pod.key} cannot be asked for this.")


def _json(answer: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(answer.body)
    return body


def _check(refused: str) -> None:
    if refused:
        raise ConflictError(refused, _REFUSALS.get(refused, f"Not typed: {refused}."))


def _writer(actor: Actor) -> Writer:
    return Writer(actor.kind, str(actor.id), actor.name)


def _raise_away(pod: Pod, place: Whereabouts) -> NoReturn:
    if place.runner_id is None:
        raise ConflictError("no_runner", f"{pod.key} has no Runner (yet).")
    since = place.since.isoformat() if place.since else None
    raise RunnerOfflineError(
        "runner_offline",
        f"The Runner of {pod.key} is away{f' since {since}' if since else ''}.",
        since=since,
    )
