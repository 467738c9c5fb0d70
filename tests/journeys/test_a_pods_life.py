"""From creation to termination, by REST and the terminal's websocket."""

import subprocess

import pytest

from tests.journeys.prepared import ROOT
from tests.journeys.system import wait
from tests.journeys.terminal import opened


async def test_a_shell_is_created_typed_into_read_and_terminated(api):
    key = api.create(name="shell")
    api.becomes(key, "running")
    async with opened(api, key) as terminal:
        await terminal.type(b"echo mark-$((20 + 1))\r")
        await terminal.shows(b"mark-21")
        assert api.get(f"pods/{key}/screen/")["text"].count("mark-21") == 1
        done = api.execute(key, "pwd; echo to-stderr >&2; exit 3")
        assert (done["exit_code"], done["stderr"]) == (3, "to-stderr\n")
        api.terminate(key)
        await terminal.told("state", state="terminated")
    assert api.output(key)[: len(terminal.data)] == terminal.data
    steps = [each["state"] for each in api.get(f"pods/{key}/events/")["results"] if each["state"]]
    assert steps == ["pending", "starting", "running", "stopping", "terminated"]


def test_a_pod_works_on_a_branch_of_a_real_repository(api, real_repository):
    key = api.create(repository=real_repository)
    api.becomes(key, "running")
    head = subprocess.check_output(["git", "-C", ROOT, "rev-parse", "HEAD"], text=True)
    done = api.execute(
        key, "git rev-parse HEAD; git branch --show-current; touch new; ls manage.py"
    )
    assert done["stdout"] == f"{head}mesh/{key}\nmanage.py\n"
    workspace = api.get(f"pods/{key}/workspace/")
    assert (workspace["branch"], workspace["head"]) == (f"mesh/{key}", head.strip())
    assert wait(lambda: api.get(f"pods/{key}/workspace/")["dirty"])
    assert api.get(f"pods/{key}/workspace/log/")
    assert "diff" in api.get(f"pods/{key}/workspace/diff/")
    api.terminate(key)


def test_input_by_rest_reaches_the_program(api):
    key = api.create()
    api.becomes(key, "running")
    api.post(f"pods/{key}/input/", {"text": "echo typed-$((40 + 2))", "submit": True})
    wait(lambda: b"typed-42" in api.output(key))
    api.post(f"pods/{key}/input/", {"keys": ["ctrl+d"]})
    assert api.becomes(key, "completed", "failed") == "completed"


def test_the_exit_code_decides_between_completed_and_failed(api):
    good, bad = api.run("true"), api.run("sh", "-c", "exit 7")
    assert api.becomes(good, "completed", "failed") == "completed"
    assert api.becomes(bad, "completed", "failed") == "failed"
    assert api.get(f"pods/{bad}/")["exit_code"] == 7


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"agent_type": "no-such"}, 400),
        ({"agent_type": "shell", "repository": "no-such"}, 400),
        ({"agent_type": "shell", "runner": "no-such"}, 400),
        ({"agent_type": "shell", "cols": 0}, 400),
        ({"agent_type": "shell", "repository": "sample", "branch": "-x"}, 400),
        ({"agent_type": "custom"}, 400),
        ({"agent_type": "shell", "prompt": "x" * (3 << 20)}, 413),
        ([], 400),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_whole(api, request_, status):
    before = len(api.get("pods/")["results"])
    answer = api("POST", "pods/", request_)
    assert answer.status == status, answer.body
    assert set(answer.json["error"]) == {"code", "message", "detail"}
    assert len(api.get("pods/")["results"]) == before


def test_a_branch_that_is_not_there_fails_the_pod_with_its_name(api):
    key = api.create(repository="sample", base="no-such-branch")
    assert api.becomes(key, "failed", "running") == "failed"
    assert "no-such-branch" in api.get(f"pods/{key}/")["reason"]


def test_a_repository_out_of_reach_fails_the_pod_with_the_reason(api):
    slug = api.post("repositories/", {"name": "gone", "url": "https://127.0.0.1:1/gone.git"})[
        "slug"
    ]
    key = api.create(repository=slug)
    assert api.becomes(key, "failed", "running") == "failed"
    assert api.get(f"pods/{key}/")["reason"]


def test_a_local_path_outside_the_roots_is_refused(api, system):
    slug = api.post("repositories/", {"name": "outside", "url": "/etc"})["slug"]
    key = api.create(repository=slug)
    assert api.becomes(key, "failed", "running") == "failed"


def test_a_program_that_is_not_there_leaves_a_sentence(api):
    key = api.run("no-such-program")
    assert api.becomes(key, "failed", "running") == "failed"
    assert "no-such-program" in api.get(f"pods/{key}/")["reason"]


def test_the_first_pod_shows_the_demo_agent(api):
    pods = [pod for pod in api.get("pods/")["results"] if pod["name"] == "Hello"]
    assert len(pods) == 1
    key = pods[0]["key"]
    assert wait(lambda: "✻" in api.get(f"pods/{key}/screen/")["text"])


def test_without_a_token_nothing_is_told(system):
    api = type(system.api)(system.api.url, "mesh_wrong")
    assert api("GET", "pods/").status == 401
