"""Nothing of one Organization is visible from another, by any door."""

import pytest

from tests.journeys.system import Api
from tests.journeys.terminal import opened

MAKE_STRANGER = """
from accounts.models import User
from accounts.services import create_organization, issue_api_token
from accounts.actor import ALL_SCOPES
from datetime import timedelta
user = User.objects.create_user("stranger")
organization = create_organization(name="Elsewhere", owner=user)
token, secret = issue_api_token(
    organization=organization, user=user, name="t", scopes=ALL_SCOPES, expires_in=timedelta(days=1)
)
print(secret)
"""


@pytest.fixture(scope="module")
def stranger(system):
    made = system.manage("shell", "--verbosity=0", "-c", MAKE_STRANGER).stdout.split()[-1]
    return Api(system.api.url, made)


@pytest.fixture
def pod(api):
    key = api.create()
    api.becomes(key, "running")
    yield key
    api.terminate(key)


def test_lists_are_empty_for_a_stranger(stranger):
    for kind in ("pods", "runners", "repositories"):
        assert stranger.get(f"{kind}/")["results"] == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("GET", "events/"),
        ("GET", "screen/"),
        ("GET", "output/"),
        ("GET", "workspace/"),
        ("GET", "workspace/log/"),
        ("GET", "workspace/diff/"),
        ("POST", "terminate/"),
        ("POST", "execute/"),
        ("POST", "input/"),
        ("POST", "resize/"),
    ],
)
def test_a_foreign_pod_is_not_found(stranger, pod, method, path):
    bodies = {"execute/": {"shell": "true"}, "input/": {"text": "x"}}
    body = bodies.get(path, {"cols": 80, "rows": 24}) if method == "POST" else None
    assert stranger(method, f"pods/{pod}/{path}", body).status == 404


def test_a_foreign_runner_is_not_found(stranger, api):
    runner = api.get("runners/")["results"][0]["id"]
    assert stranger("GET", f"runners/{runner}/").status == 404
    assert stranger("POST", f"runners/{runner}/drain/", {}).status == 404


async def test_a_foreign_terminal_is_not_found(stranger, pod):
    async with opened(stranger, pod) as terminal:
        assert await terminal.close_code() == 4404
        assert terminal.data == b""


def test_a_strangers_pod_waits_for_a_runner_of_its_own(stranger):
    pod = stranger.post("pods/", {"agent_type": "shell"})
    assert (pod["state"], bool(pod["waiting_for"])) == ("pending", True)
    stranger.post(f"pods/{pod['key']}/terminate/", {})
    assert stranger.state(pod["key"]) == "terminated"
