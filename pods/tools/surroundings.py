"""Tools on what Pods need: where they run, what can be launched, and on which code."""

from typing import Any

from accounts.actor import Actor
from pods.access import agent_types_for, repositories_for, runners_for
from pods.declarations import permission_modes
from pods.models import AgentType, Repository, Runner
from pods.services.availability import has_agent, is_agent
from pods.services.placing import taken_places
from pods.toolbox import Arguments, Outcome, tool


class Nothing(Arguments):
    pass


@tool(Nothing, read_only=True)
def list_runners(actor: Actor, _asked: Nothing) -> Outcome:
    """The machines Pods run on, with how many places are free."""
    found = list(taken_places(runners_for(actor)).order_by("name"))
    return Outcome({"runners": [_runner(each) for each in found]}, _lines(map(_runner_line, found)))


@tool(Nothing, read_only=True)
def list_agent_types(actor: Actor, _asked: Nothing) -> Outcome:
    """What can be launched with create_pod, and whether a Runner that is online has it."""
    online = list(runners_for(actor).online().usable())
    found = [_agent_type(each, online) for each in agent_types_for(actor).order_by("slug")]
    lines = (
        f"{each['slug']}: {each['name']}" + ("" if each["available"] else " (no Runner has it)")
        for each in found
    )
    return Outcome({"agent_types": found}, _lines(lines))


@tool(Nothing, read_only=True)
def list_repositories(actor: Actor, _asked: Nothing) -> Outcome:
    """The repositories Pods can work on, by slug."""
    found = [_repository(each) for each in repositories_for(actor).order_by("slug")]
    lines = (f"{each['slug']}: {each['url']} ({each['default_branch']})" for each in found)
    return Outcome({"repositories": found}, _lines(lines))


def _runner(runner: Runner) -> dict[str, Any]:
    return {
        "name": runner.name,
        "online": runner.is_online,
        "draining": runner.draining_since is not None,
        "labels": runner.labels,
        "capacity": runner.capacity,
        "taken": vars(runner)["taken"],
        "agents": [each["slug"] for each in runner.agents if is_agent(each)],
    }


def _runner_line(runner: Runner) -> str:
    state = "online" if runner.is_online else "offline"
    return f"{runner.name}: {state}, {vars(runner)['taken']} of {runner.capacity} places taken"


def _agent_type(agent_type: AgentType, online: list[Runner]) -> dict[str, Any]:
    declared = agent_type.declared
    return {
        "slug": agent_type.slug,
        "name": agent_type.name,
        "description": agent_type.description,
        "available": any(has_agent(runner, declared) for runner in online),
        "needs_argv": agent_type.takes_argv,
        "permissions": permission_modes(declared),
    }


def _repository(repository: Repository) -> dict[str, Any]:
    return {
        "slug": repository.slug,
        "name": repository.name,
        "url": repository.url,
        "default_branch": repository.default_branch,
    }


def _lines(lines: Any) -> str:
    return "\n".join(lines) or "None."
