"""Reading what a Pod changed: each person's ticks on files, and comments on lines gathered into one prompt."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet
from django.utils.timezone import now

from accounts.actor import Actor
from pods.errors import ConflictError, NotAllowedError, NotVisibleError, RefusedError
from pods.models import Pod, Prompt, ReviewComment, ReviewedFile, Workspace
from pods.services import inputs
from pods.services.prompts import queue_prompt

TEXT_MAX = 4000  # characters of one comment
QUOTED_MAX = 300
COMMENTS_MAX = 200  # not sent yet
BLOB_MAX = 64

# ---- Ticks


def tick(pod: Pod, *, by: Actor, path: str, blob: str) -> None:
    """This person has reviewed the file as it is now. `blob` names its content, as the diff gave it."""
    inputs.check_path(path)
    if len(blob) > BLOB_MAX:
        raise RefusedError("bad_blob", "That names no content of a file.", field="blob")
    ReviewedFile.objects.update_or_create(
        user_id=_person(by),
        workspace=_its(pod),
        path_digest=_digest(path),
        defaults={"path": path, "blob": blob, "at": now()},
    )


def untick(pod: Pod, *, by: Actor, path: str) -> None:
    mine = ReviewedFile.objects.filter(user_id=_person(by), workspace=_its(pod))
    mine.filter(path_digest=_digest(path)).delete()


def ticks(pod: Pod, *, by: Actor) -> dict[str, str]:
    """What this person has ticked: the content's name by path. It is stale when the file's is another by now."""
    if pod.workspace is None or by.user_id is None:
        return {}
    mine = ReviewedFile.objects.filter(user_id=by.user_id, workspace=pod.workspace)
    return dict(mine.values_list("path", "blob"))


# ---- Comments


@dataclass(frozen=True, slots=True)
class Remark:
    """What is said about one line. `quoted`: the line as it was then."""

    path: str
    line: int
    text: str
    side: str = "new"
    quoted: str = ""


def comment(pod: Pod, remark: Remark, *, by: Actor) -> ReviewComment:
    """Kept until all of this person's are sent. Raises RefusedError, ConflictError when there are too many."""
    inputs.check_path(remark.path)
    if not remark.path or remark.line < 1 or remark.side not in ReviewComment.Side.values:
        raise RefusedError("bad_line", "A comment is on a line of a file.", field="line")
    user, workspace = _person(by), _its(pod)
    if waiting(pod, by=by).count() >= COMMENTS_MAX:
        raise ConflictError("too_many_comments", f"Send the {COMMENTS_MAX} you have first.")
    return ReviewComment.objects.create(
        user_id=user,
        workspace=workspace,
        path=remark.path,
        line=remark.line,
        side=remark.side,
        quoted=remark.quoted[:QUOTED_MAX],
        text=_text(remark.text),
    )


def take_back(pod: Pod, comment_id: int, *, by: Actor) -> None:
    """Raises NotVisibleError for one that is not theirs, or was sent."""
    if not waiting(pod, by=by).filter(pk=comment_id).delete()[0]:
        raise NotVisibleError("no_such_comment", f"There is no comment {comment_id}.")


def waiting(pod: Pod, *, by: Actor) -> QuerySet[ReviewComment]:
    """This person's comments that were not sent, by file and line."""
    mine = ReviewComment.objects.filter(user_id=_person(by), workspace=_its(pod), sent_at=None)
    return mine.order_by("path", "line", "pk")


def as_prompt(comments: Iterable[ReviewComment]) -> str:
    """One text for the agent: each file once, each line quoted."""
    lines = ["I have reviewed your changes. Please look at these comments:"]
    path = ""
    for each in comments:
        if each.path != path:
            path = each.path
            lines += ["", f"{path}:"]
        where = f"line {each.line}" + (" (before the change)" if each.side == "old" else "")
        quoted = f" `{each.quoted.strip()}`" if each.quoted.strip() else ""
        first, *more = each.text.strip().split("\n")
        lines += [f"- {where}{quoted}: {first}", *(f"  {line}" for line in more)]
    return "\n".join(lines)


def send(pod: Pod, *, by: Actor, text: str = "") -> Prompt:
    """All of this person's comments as one prompt, as previewed; `text` instead, if they changed it.

    Raises ConflictError when there are none, or the Pod has ended.
    """
    with transaction.atomic():
        mine = waiting(pod, by=by)
        comments = list(mine)
        if not comments:
            raise ConflictError("no_comments", "There are no comments to send.")
        prompt = queue_prompt(pod, by=by, text=text.strip() or as_prompt(comments))
        ReviewComment.objects.filter(pk__in=[each.pk for each in comments]).update(sent_at=now())
    return prompt


# ----


def by_line(
    comments: Iterable[ReviewComment],
) -> Mapping[tuple[str, str, int], list[ReviewComment]]:
    """Comments by path, side and line."""
    found: dict[tuple[str, str, int], list[ReviewComment]] = {}
    for each in comments:
        found.setdefault((each.path, each.side, each.line), []).append(each)
    return found


def _person(by: Actor) -> int:
    if by.user_id is None or by.pod_id is not None:
        raise NotAllowedError("not_a_person", "Reviews are people's.")
    return by.user_id


def _its(pod: Pod) -> Workspace:
    if pod.workspace is None:
        raise ConflictError("no_workspace", f"{pod.key} has no Workspace yet.")
    return pod.workspace


def _text(text: str) -> str:
    if not text.strip() or len(text) > TEXT_MAX or "\0" in text:
        raise RefusedError("bad_text", f"A comment has 1 to {TEXT_MAX} characters.", field="text")
    return text.strip()


def _digest(path: str) -> str:
    return hashlib.sha256(path.encode(errors="surrogatepass")).hexdigest()
