"""Tools on Pods: make, look, end, and say what one is doing."""

from typing import Annotated, Any, Literal

from pydantic import Field

from accounts.actor import Actor
from pods.access import Need, pod_for, pods_for
from pods.errors import RefusedError
from pods.lifecycle import ENDED, PodState
from pods.models import Pod
from pods.services.pods import PodRequest
from pods.services.pods import create_pod as create
from pods.services.pods import terminate_pod as terminate
from pods.services.status import report
from pods.toolbox import Arguments, Outcome, tool

Key = Annotated[str, Field(description="A Pod's key, such as pod-7f3k2q.", max_length=32)]


class CreatePod(Arguments):
    agent_type: str = Field(description="Slug of an agent type; see list_agent_types.")
    prompt: str = Field("", description="What it should do. Typed into it once it is ready.")
    repository: str = Field("", description="Slug; see list_repositories. Default: none.")
    base: str = Field("", description="Branch, tag or commit to start from.")
    branch: str = Field("", description="Name of its new branch. Default: mesh/<its key>.")
    name: str = Field("", max_length=100, description="A few words that say what it is for.")
    runner: str = Field("", description="Name of a Runner. Default: any that fits.")
    labels: dict[str, str] = Field(default_factory=dict, description="A Runner must have these.")
    env: dict[str, str] = Field(default_factory=dict, description="Environment variables.")
    argv: tuple[str, ...] = Field((), description="Command line, for agent type custom.")
    permissions: Literal["", "ask", "edit", "auto", "bypass"] = Field(
        "", description="What it may do without asking a person. Default: as you may."
    )
    model: str = Field("", description="Default: the agent's own.")
    version: str = Field("", description="Of the agent. Default: the one that is known to work.")
    credentials: str = Field("", description="Slug of a credential set. Default: the usual one.")


class OnePod(Arguments):
    pod: Key


class GetPod(Arguments):
    pod: str = Field("", max_length=32, description="A Pod's key. Default: your own.")


class TerminatePod(OnePod):
    grace_s: float | None = Field(None, ge=0, le=60, description="Seconds before it is forced.")


class ListPods(Arguments):
    live: bool = Field(default=True, description="Only those that have not ended.")
    limit: int = Field(50, ge=1, le=200)


class ReportStatus(Arguments):
    status: Literal["working", "waiting", "done"] = Field(
        description="waiting: a person must answer; done: with a result."
    )
    text: str = Field(
        "", max_length=500, description="What you do, need, or found; one or two lines."
    )


def shown(pod: Pod) -> dict[str, Any]:
    """A Pod as tools tell of it."""
    return {
        "key": pod.key,
        "name": pod.name,
        "state": pod.state,
        "reason": pod.reason or (pod.waiting_for if pod.state == PodState.PENDING else ""),
        "agent_type": pod.agent_type.slug,
        "runner": pod.runner.name if pod.runner else None,
        "branch": pod.workspace.branch if pod.workspace else "",
        "parent": pod.parent.key if pod.parent else None,
        "status": pod.status,
        "status_text": pod.status_text,
        "agent_state": pod.agent_state,
        "question": pod.question,
        "exit_code": pod.exit_code,
        "prompt": pod.prompt,
    }


def own_key(actor: Actor) -> str:
    """The key of the Pod that calls. Raises RefusedError for people, who have none."""
    if actor.pod_id is None:
        raise RefusedError("no_pod", "You are not a Pod: say which one with “pod”.", field="pod")
    return Pod.objects.values_list("key", flat=True).get(pk=actor.pod_id)


def line(pod: Pod) -> str:
    words = [pod.key, pod.state, pod.agent_type.slug]
    if pod.status:
        words.append(f"says {pod.status}: {pod.status_text}" if pod.status_text else pod.status)
    if pod.question:
        words.append(f"asks: {pod.question['text']} (question {pod.question['id']})")
    return " · ".join([*words, pod.name] if pod.name else words)


@tool(CreatePod)
def create_pod(actor: Actor, asked: CreatePod) -> Outcome:
    """Start another agent in a Pod of its own. You may read and type into its terminal, and end it."""
    pod = create(by=actor, request=PodRequest(**asked.model_dump()))
    return Outcome(shown(pod), f"Created {line(pod)}. read_terminal shows what it does.")


@tool(ListPods, read_only=True)
def list_pods(actor: Actor, asked: ListPods) -> Outcome:
    """The Pods you may see, newest first."""
    pods = pods_for(actor).order_by("-pk")
    if asked.live:
        pods = pods.exclude(state__in=ENDED)
    found = list(pods[: asked.limit])
    return Outcome({"pods": [shown(p) for p in found]}, "\n".join(map(line, found)) or "No Pods.")


@tool(GetPod, read_only=True)
def get_pod(actor: Actor, asked: GetPod) -> Outcome:
    """One Pod: its state, what it says it is doing, where it runs. Without a key: yourself."""
    pod = pod_for(actor, asked.pod or own_key(actor), Need.READ)
    return Outcome(shown(pod), line(pod))


@tool(TerminatePod, destructive=True)
def terminate_pod(actor: Actor, asked: TerminatePod) -> Outcome:
    """End a Pod you created, or may type into. Its Workspace is kept."""
    pod = terminate(pod_for(actor, asked.pod, Need.MANAGE), by=actor, grace_s=asked.grace_s)
    return Outcome(shown(pod), f"{pod.key} is {pod.state}.")


@tool(ReportStatus, acts_as_pod=True)
def report_status(actor: Actor, asked: ReportStatus) -> Outcome:
    """Say what you are doing, that you wait for a person, or that you are done and with what result."""
    pod = report(by=actor, status=asked.status, text=asked.text)
    return Outcome({"status": pod.status, "text": pod.status_text}, f"Noted: {pod.status}.")
