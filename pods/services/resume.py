"""A new Pod that goes on from one before: in its Workspace and conversation (resume), or with copies of them (fork)."""

from django.db import transaction

from accounts.actor import Actor
from pods.access import check_may_create
from pods.errors import ConflictError
from pods.lifecycle import ENDED
from pods.models import Pod, Workspace
from pods.services import inputs
from pods.services.launching import respec
from pods.services.pods import begin, free_key
from pods.services.quotas import check_room
from pods.services.workspaces import check_there, check_unused, hold


def resume_pod(pod: Pod, *, by: Actor, prompt: str = "") -> Pod:
    """The same launch on the same Runner. An agent that cannot resume begins a new conversation there.

    Raises ConflictError: pod_not_ended, workspace_in_use, workspace_removed, no_workspace; NotAllowedError.
    """
    check_may_create(by)
    inputs.check_prompt(prompt)
    workspace = _its(pod)
    if pod.state not in ENDED:
        raise ConflictError("pod_not_ended", f"{pod.key} is {pod.state}: it goes on by itself.")
    with transaction.atomic():
        hold(workspace)
        check_unused(workspace)
        check_there(workspace)
        return _made(pod, by, prompt, workspace, resumed_from=pod)


def fork_pod(pod: Pod, *, by: Actor, prompt: str = "", branch: str = "", name: str = "") -> Pod:
    """A Workspace of its own that begins where the other stands now, uncommitted work included.

    Raises RefusedError, ConflictError: no_workspace, no_git; NotAllowedError.
    """
    check_may_create(by)
    inputs.check_prompt(prompt)
    inputs.check_name(name)
    if branch:
        inputs.check_ref(branch, field="branch")
    old = _its(pod)
    if old.repository is None:
        raise ConflictError("no_git", f"{pod.key} works in a directory without git.")
    with transaction.atomic():
        key = free_key()
        workspace = Workspace.objects.create(
            organization_id=pod.organization_id,
            repository=old.repository,
            base=old.base,
            branch=branch or f"mesh/{key}",
        )
        return _made(pod, by, prompt, workspace, key=key, forked_from=pod, name=name or pod.name)


def _made(pod: Pod, by: Actor, prompt: str, workspace: Workspace, **columns: object) -> Pod:
    check_room(by)
    new = Pod.objects.create(
        **{
            "key": free_key(),
            "organization_id": by.organization_id,
            "owner_id": by.user_id,
            "parent_id": by.pod_id,
            "agent_type": pod.agent_type,
            "credentials": pod.credentials,
            "workspace": workspace,
            "name": pod.name,
            "prompt": prompt,
            "wanted": {"runner": pod.runner_id, "labels": {}},
            "spec": respec(pod, by=by, fork="forked_from" in columns),
            "cols": pod.cols,
            "rows": pod.rows,
            **columns,
        }
    )
    begin(new, by=by)
    return new


def _its(pod: Pod) -> Workspace:
    """Raises ConflictError for a Pod that never began, or whose Runner is gone for good."""
    if pod.workspace is None or not pod.started_at:
        raise ConflictError("no_workspace", f"{pod.key} never began: start a new Pod instead.")
    if pod.runner is None or pod.runner.retired_at:
        raise ConflictError("no_runner", f"The Runner that {pod.key} was on is gone for good.")
    return pod.workspace
