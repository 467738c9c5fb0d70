"""The form for a new Pod."""

import pytest
from django.urls import reverse

from pods.lifecycle import PodState
from pods.models import Pod
from tests import builders

URL = "/pods/new/"


@pytest.fixture(autouse=True)
def _agents(cast):
    builders.built_in("shell")
    if not builders.AgentType.objects.filter(slug="custom").exists():
        builders.make_agent_type("custom", argv=[])


def test_submitting_makes_a_pod_and_goes_to_its_page_without_waiting(bob, cast):
    repository = builders.make_repository(cast.organization)
    answer = bob.post(
        URL,
        {"agent_type": "shell", "prompt": "Do it\r\nwell", "repository": repository.slug,
         "base": "main", "labels": "os=linux, gpu=yes", "cols": "120", "rows": "40"},
    )  # fmt: skip
    pod = Pod.objects.get()
    assert answer["Location"] == reverse("pod", args=[pod.key])
    assert (pod.state, pod.prompt, pod.owner) == (PodState.PENDING, "Do it\nwell", cast.bob)
    assert pod.workspace is not None
    assert (pod.workspace.repository, pod.workspace.base) == (repository, "main")
    assert pod.wanted["labels"] == {"os": "linux", "gpu": "yes"}
    assert (pod.cols, pod.rows) == (120, 40)


def test_from_the_dialog_the_browser_is_told_where_to_go(bob):
    answer = bob.post(URL, {"agent_type": "shell"}, headers={"HX-Request": "true"})
    assert answer["HX-Redirect"] == reverse("pod", args=[Pod.objects.get().key])


@pytest.mark.parametrize(
    ("given", "field", "said"),
    [
        ({"agent_type": "custom", "command": ""}, "command", "which program"),
        ({"agent_type": "custom", "command": "echo 'open"}, "command", "not a command line"),
        ({"labels": "linux"}, "labels", "name=value"),
        ({"base": "no..good", "repository": "ours"}, "base", "no..good"),
        ({"agent_type": "unheard-of"}, "agent_type", "not one of the available"),
        ({"repository": "theirs"}, "repository", "not one of the available"),
        ({"name": "a\tb"}, "name", "one line"),
    ],
)
def test_what_cannot_be_is_said_beside_its_field_and_nothing_is_made(bob, cast, given, field, said):
    builders.make_repository(cast.organization, slug="ours", name="ours")
    builders.make_repository(cast.stranger, slug="theirs", name="theirs")
    answer = bob.post(URL, {"agent_type": "shell", "prompt": "keep me", **given})
    assert answer.status_code == 422
    assert said in str(answer.context["form"].errors[field])
    assert b"keep me" in answer.content
    assert not Pod.objects.exists()


def test_a_command_line_is_split_as_a_shell_would_and_only_for_custom(bob):
    bob.post(URL, {"agent_type": "custom", "command": "grep -r 'two words' ."})
    bob.post(URL, {"agent_type": "shell", "command": "left over"})
    custom, shell = Pod.objects.order_by("pk")
    assert custom.spec["argv"] == ["grep", "-r", "two words", "."]
    assert "left" not in shell.spec["argv"]


def test_what_was_used_last_is_chosen_the_next_time(bob, alice, cast):
    repository = builders.make_repository(cast.organization)
    runner = builders.make_runner(cast.organization)
    bob.post(
        URL,
        {"agent_type": "custom", "command": "make 'all of it'", "repository": repository.slug,
         "base": "dev", "runner": runner.pk, "labels": "os=linux"},
    )  # fmt: skip
    initial = bob.get(URL).context["form"].initial
    assert initial == {
        "agent_type": "custom",
        "command": "make 'all of it'",
        "repository": repository.slug,
        "base": "dev",
        "runner": str(runner.pk),
        "labels": "os=linux",
    }
    assert alice.get(URL).context["form"].initial == {"agent_type": "demo"}


def test_a_viewer_gets_no_form(viewer):
    assert viewer.get(URL).status_code == 403
    assert viewer.post(URL, {"agent_type": "shell"}).status_code == 403
    assert not Pod.objects.exists()
