"""What a start Command says: all that a Runner needs to know of a Pod."""

from pods.models import Pod, Repository, Runner, Workspace

_OF_THE_AGENT = ("agent", "session", "conversation", "resume", "fork", "permissions", "model")


def start_payload(pod: Pod, workspace: Workspace, runner: Runner) -> dict[str, object]:
    """What the Runner gets; `runner_agent.pods.payloads.StartPod` is its other side."""
    repository = workspace.repository
    return {
        **_agent(pod, runner),
        "pod": pod.key,
        "argv": pod.spec["argv"],
        "env": pod.spec["env"],
        "cols": pod.cols,
        "rows": pod.rows,
        **_gone_on_from(pod),
        "workspace": {
            "id": workspace.pk,
            "repository_url": repository.url if repository else "",
            "base": workspace.base,
            "branch": workspace.branch,
            **({"fork_of": pod.forked_from.key} if pod.forked_from else {}),
            **_preparations(repository),
        },
    }


def _agent(pod: Pod, runner: Runner) -> dict[str, object]:
    """Secrets are references: the gateway puts in what they stand for."""
    spec = pod.spec
    if "agent" not in spec:  # made before there were declarations
        return {}
    return {
        **{name: spec[name] for name in _OF_THE_AGENT},
        "secrets": spec["secrets"],
        "use_login": bool(spec["login"]) and runner.lends_login,
    }


def _gone_on_from(pod: Pod) -> dict[str, str]:
    """The Pod whose Workspace and HOME it goes on in, or a copy of whose HOME its conversation goes on in."""
    if pod.resumed_from:
        return {"resumes": pod.resumed_from.key}
    if pod.forked_from and pod.spec.get("fork"):
        return {"resumes": pod.forked_from.key}
    return {}


def _preparations(repository: Repository | None) -> dict[str, object]:
    """What a new Workspace gets before its agent, left out where there is nothing."""
    made: dict[str, object] = {}
    if repository and repository.copy_from and repository.copy_globs:
        made["copy"] = {"from": repository.copy_from, "globs": repository.copy_globs}
    if repository and repository.setup_script.strip():
        made["setup"] = {
            "script": repository.setup_script,
            "timeout_s": repository.setup_timeout_s,
        }
    return made
