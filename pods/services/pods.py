"""The life of a Pod as people and programs ask for it."""

import re
from dataclasses import dataclass, field, fields

from django.db import transaction
from django.utils.timezone import now

from accounts.actor import Actor
from accounts.audit import record
from pods.access import check_may_create, repository_for, runners_for
from pods.commands import CommandKind
from pods.errors import NotVisibleError, RefusedError
from pods.lifecycle import PodState
from pods.models import Pod, PodEvent, Repository, Runner, Workspace
from pods.names import PodKey, new_pod_key
from pods.news import announce
from pods.services import inputs
from pods.services.bindings import bind_parent
from pods.services.commands import cancel_queued, queue_command
from pods.services.launching import Wish, chosen, plan
from pods.services.milestones import reached
from pods.services.placing import place, place_pending
from pods.services.prompts import first_prompt
from pods.services.quotas import check_room

GRACE_DEFAULT_S = 5.0
GRACE_MAX_S = 300.0

_ID = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class PodRequest:
    """What somebody asks for, in their own words.

    `agent_type` and `repository` are slugs, `runner` a name or an id; empty means: no wish. `argv` is for
    AgentTypes without a command line of their own. `credentials` is the slug of a set, "runner" or "none".
    """

    agent_type: str
    repository: str = ""
    base: str = ""
    branch: str = ""
    prompt: str = ""
    runner: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    name: str = ""
    env: dict[str, str] = field(default_factory=dict)
    argv: tuple[str, ...] = ()
    permissions: str = ""
    model: str = ""
    version: str = ""
    credentials: str = ""
    cols: int = 80
    rows: int = 24

    @property
    def launch(self) -> Wish:
        return Wish(**{each.name: getattr(self, each.name) for each in fields(Wish)})


def create_pod(*, by: Actor, request: PodRequest) -> Pod:
    """The Pod, already on its way to a Runner or waiting for one and saying why.

    Raises RefusedError for what cannot be, NotAllowedError for viewers. Nothing is left of a refused request.
    """
    check_may_create(by)
    _check(request)
    launch = plan(by, request.launch)
    repository = _repository(by, request)
    runner = _runner(by, request)
    with transaction.atomic():
        check_room(by)
        key = free_key()
        pod = Pod.objects.create(
            key=key,
            organization_id=by.organization_id,
            owner_id=by.user_id,
            parent_id=by.pod_id,
            agent_type=launch.agent_type,
            credentials=launch.credentials,
            workspace=_workspace(by, request, repository, key),
            name=request.name,
            prompt=request.prompt,
            wanted={"runner": runner.pk if runner else None, "labels": request.labels},
            spec=launch.spec,
            cols=request.cols,
            rows=request.rows,
        )
        begin(pod, by=by)
    return pod


def begin(pod: Pod, *, by: Actor) -> None:
    """What follows for every Pod that was just made, in the transaction that made it."""
    PodEvent.objects.create(
        pod=pod, kind=PodEvent.Kind.STATE, state=PodState.PENDING, step="queued"
    )
    record(by, "pod.create", pod.key, agent_type=pod.agent_type.slug, **chosen(pod))
    if pod.parent:
        bind_parent(pod.parent, pod, by=by)
    first_prompt(pod, by=by)
    place(pod)
    announce(pod.organization_id, "pod", pod.key, PodState.PENDING)


def terminate_pod(pod: Pod, *, by: Actor, grace_s: float | None = None) -> Pod:
    """End it: at once if no Runner was told of it, else by its Runner, which takes up to `grace_s` seconds.

    One that has ended, or is ending, stays as it is.
    """
    grace = GRACE_DEFAULT_S if grace_s is None else grace_s
    if not 0 <= grace <= GRACE_MAX_S:
        raise RefusedError(
            "bad_grace", f"grace_s is between 0 and {GRACE_MAX_S:.0f} seconds.", field="grace_s"
        )
    with transaction.atomic():
        if _end_unstarted(pod, by) or _end_lost(pod, by, grace) or _stop(pod, by, grace):
            record(by, "pod.terminate", pod.key)
            pod.refresh_from_db()
            reached(pod, PodState(pod.state))
    pod.refresh_from_db()
    announce(pod.organization_id, "pod", pod.key, pod.state)
    if pod.state == PodState.TERMINATED:
        place_pending(organization_id=pod.organization_id)
    return pod


def _end_unstarted(pod: Pod, by: Actor) -> bool:
    """Taking the state first decides against a Gateway that takes the start Command now."""
    pending = Pod.objects.filter(pk=pod.pk, state=PodState.PENDING)
    reason = f"Terminated by {by.name} before it started."
    if not pending.advance(PodState.TERMINATED, reason=reason, ended_at=now(), waiting_for=""):
        return False
    cancel_queued(pod, CommandKind.START)
    return True


def _end_lost(pod: Pod, by: Actor, grace: float) -> bool:
    lost = Pod.objects.filter(pk=pod.pk, state=PodState.LOST)
    reason = f"Terminated by {by.name} while it was lost."
    if not lost.advance(PodState.TERMINATED, reason=reason, ended_at=now()):
        return False
    _queue_terminate(pod, grace)  # should its host be alive after all, no process stays behind
    return True


def _stop(pod: Pod, by: Actor, grace: float) -> bool:
    running = Pod.objects.filter(pk=pod.pk, state__in=[PodState.STARTING, PodState.RUNNING])
    if not running.advance(PodState.STOPPING, reason=f"Asked by {by.name}."):
        return False
    if not _queue_terminate(pod, grace):
        stopping = Pod.objects.filter(pk=pod.pk, state=PodState.STOPPING)
        stopping.advance(PodState.TERMINATED, reason="Its Runner is gone for good.", ended_at=now())
    return True


def _queue_terminate(pod: Pod, grace: float) -> bool:
    """False if the Pod's Runner was retired: nobody is there to be told."""
    runner = Runner.objects.filter(pods=pod, retired_at=None).first()
    if runner is None:
        return False
    queue_command(
        runner=runner,
        kind=CommandKind.TERMINATE,
        payload={"pod": pod.key, "grace_s": grace},
        pod=pod,
    )
    return True


# ---- Understanding a request


def _check(request: PodRequest) -> None:
    inputs.check_name(request.name)
    inputs.check_prompt(request.prompt)
    inputs.check_env(request.env)
    inputs.check_labels(request.labels)
    inputs.check_size(request.cols, request.rows)
    if request.branch:
        inputs.check_ref(request.branch, field="branch")
    if request.base:
        inputs.check_ref(request.base, field="base")
    if not request.repository and (request.base or request.branch):
        raise RefusedError(
            "no_repository", "A branch needs a repository: name one.", field="repository"
        )


def _repository(by: Actor, request: PodRequest) -> Repository | None:
    if not request.repository:
        return None
    try:
        return repository_for(by, request.repository)
    except NotVisibleError as error:
        raise RefusedError(
            "unknown_repository",
            f"There is no repository “{request.repository[:80]}”: add its address to the "
            "repositories first, then name it by its slug.",
            field="repository",
        ) from error


def _runner(by: Actor, request: PodRequest) -> Runner | None:
    if not request.runner:
        return None
    runners = runners_for(by).filter(disabled_at=None)
    found = runners.filter(name=request.runner).first()
    if found is None and _ID.fullmatch(request.runner):
        found = runners.filter(pk=int(request.runner)).first()
    if found is None:
        raise RefusedError(
            "unknown_runner", f"There is no Runner “{request.runner[:80]}”.", field="runner"
        )
    return found


def _workspace(
    by: Actor, request: PodRequest, repository: Repository | None, key: PodKey
) -> Workspace:
    return Workspace.objects.create(
        organization_id=by.organization_id,
        repository=repository,
        base=request.base or (repository.default_branch if repository else ""),
        branch=(request.branch or f"mesh/{key}") if repository else "",
    )


def free_key() -> PodKey:
    while Pod.objects.filter(key=(key := new_pod_key())).exists():
        pass
    return key
