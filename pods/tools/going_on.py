"""Tools that take up a Pod again: resume, fork, archive."""

from pydantic import Field

from accounts.actor import Actor
from pods.access import Need, pod_for
from pods.services.archive import archive_pod as archive
from pods.services.resume import fork_pod as fork
from pods.services.resume import resume_pod as resume
from pods.toolbox import Outcome, tool
from pods.tools.pods import OnePod, line, shown


class ResumePod(OnePod):
    prompt: str = Field("", description="What it should do next.")


class ForkPod(ResumePod):
    branch: str = Field("", description="Name of the new branch. Default: mesh/<its key>.")
    name: str = Field("", max_length=100, description="A few words that say what it is for.")


@tool(ResumePod)
def resume_pod(actor: Actor, asked: ResumePod) -> Outcome:
    """Go on with a Pod that has ended: a new Pod in its Workspace, with its conversation if its agent can."""
    old = pod_for(actor, asked.pod, Need.MANAGE)
    pod = resume(old, by=actor, prompt=asked.prompt)
    return Outcome(shown(pod), f"Resumed as {line(pod)}.")


@tool(ForkPod)
def fork_pod(actor: Actor, asked: ForkPod) -> Outcome:
    """A new Pod in a Workspace of its own that begins where another stands, uncommitted work included."""
    old = pod_for(actor, asked.pod, Need.MANAGE)
    pod = fork(old, by=actor, prompt=asked.prompt, branch=asked.branch, name=asked.name)
    return Outcome(shown(pod), f"Forked as {line(pod)}.")


@tool(OnePod)
def archive_pod(actor: Actor, asked: OnePod) -> Outcome:
    """Put a Pod that has ended out of sight. Its Workspace is kept for 14 days, unmerged work for good."""
    pod = archive(pod_for(actor, asked.pod, Need.MANAGE), by=actor)
    return Outcome(shown(pod), f"{pod.key} is archived.")
