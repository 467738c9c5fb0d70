"""Agents that make each other, talk, call and watch each other, through `mesh` in their own Pods."""

import pytest

from tests.journeys.system import wait


@pytest.fixture
def agent(api):
    """A shell that acts as an agent would."""
    key = api.create(name="planner")
    api.becomes(key, "running")
    yield key
    api.terminate(key)


def type_line(api, key, line):
    api.post(f"pods/{key}/input/", {"text": line, "submit": True})


def messages(api, channel):
    return api.get(f"channels/{channel}/messages/")["results"]


def test_a_child_is_made_called_and_ended_with_its_binding(api, agent):
    type_line(
        api, agent, "mesh call create_channel name=talk && mesh call create_pod agent_type=demo"
    )
    (child,) = wait(lambda: api.get(f"pods/?parent={agent}")["results"])
    api.becomes(child["key"], "running")
    (binding,) = api.get(f"bindings/?pod={child['key']}")["results"]
    assert (binding["holder"], binding["state"]) == (agent, "active")

    type_line(api, agent, f"mesh call publish_to_channel channel=talk body='@{child['key']} hello'")
    wait(lambda: [m["mentions"][0]["receipt"] for m in messages(api, "talk")] == ["typed"])
    wait(lambda: "> @" in api.get(f"pods/{child['key']}/screen/")["text"])
    screen = api.get(f"pods/{child['key']}/screen/")["text"]
    assert "[Mesh] Message 1 in #talk from planner" in screen

    type_line(api, agent, f"mesh call terminate_pod pod={child['key']}")
    api.becomes(child["key"], "terminated")
    wait(lambda: api.get(f"bindings/{binding['id']}/")["state"] == "released")


def test_what_is_typed_into_a_shell_by_a_mention_is_not_run(api, agent, system):
    mark = system.home / "run-by-a-mention"
    api.post("channels/", {"name": "careful"})
    api.post("channels/careful/messages/", {"body": f"@{agent} $(touch {mark}); touch {mark}"})
    wait(lambda: messages(api, "careful")[0]["mentions"][0]["receipt"] == "typed")
    type_line(api, agent, "echo after-$((1 + 1))")
    wait(lambda: b"after-2" in api.output(agent))
    assert not mark.exists()
