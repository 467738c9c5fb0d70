"""A Pod's prompts on its page, and a look at it from the board."""

import pytest
from django.urls import reverse
from django.utils.timezone import now

from pods.lifecycle import PodState
from pods.models import KeptScreen
from pods.pages.board import last
from pods.services.prompts import queue_prompt
from tests import builders

HX = {"HX-Request": "true"}
QUESTION = {"id": "q1", "text": "Run <make deploy>?", "choices": ["allow", "deny", "text"]}


@pytest.fixture
def pod(cast):
    """At work: what is queued for idle waits."""
    return builders.make_pod(
        cast.organization, owner=cast.bob, agent_state="working", agent_since=now()
    )


def asks(cast, **fields):
    given = {"agent_state": "waiting", "agent_since": now(), "question": QUESTION, **fields}
    return builders.make_pod(cast.organization, owner=cast.bob, **given)


def queue(pod):
    return [each.text for each in pod.prompts.queued()]


def act(client, prompt, verb, **given):
    return client.post(reverse("act-on-prompt", args=[prompt.pk, verb]), given, headers=HX)


def test_what_is_written_is_queued_and_the_panel_says_what_it_waits_for(bob, pod):
    url = reverse("queue-prompt", args=[pod.key])
    answer = bob.post(url, {"text": "one\r\ntwo", "when": "idle"}, headers=HX)
    assert answer.status_code == 204
    assert "Queued. It goes out when the agent is idle" in answer["HX-Trigger"]
    assert queue(pod) == ["one\ntwo"]
    panel = bob.get(reverse("pod-prompts", args=[pod.key])).content.decode()
    assert "1 waiting. It goes out when the agent is idle; now it is working." in panel
    assert "one\ntwo" in panel


def test_it_is_edited_moved_hurried_and_taken_back(bob, cast, pod):
    one, two, three = (
        queue_prompt(pod, by=builders.actor_of(cast.bob), text=text)
        for text in ("one", "two", "three")
    )
    act(bob, two, "edit", text="zwei")
    act(bob, three, "move", position="0")
    assert queue(pod) == ["three", "one", "zwei"]
    act(bob, one, "send-now")
    assert queue(pod) == ["one", "three", "zwei"]
    assert pod.prompts.get(pk=one.pk).when == "now"
    assert "Taken back." in act(bob, one, "remove")["HX-Trigger"]
    bob.post(reverse("empty-queue", args=[pod.key]), headers=HX)
    assert queue(pod) == []
    assert pod.prompts.filter(state="cancelled").count() == 3


def test_one_that_failed_shows_its_text_its_evidence_and_what_to_do(bob, viewer, cast, pod):
    prompt = queue_prompt(pod, by=builders.actor_of(cast.bob), text="the text")
    pod.prompts.advance("sent")
    pod.prompts.advance("typed", evidence="seen in the box")
    pod.prompts.advance("failed", evidence="It is still there.")
    url = reverse("pod-prompts", args=[pod.key])
    mine, theirs = (client.get(url).content.decode() for client in (bob, viewer))
    for content in (mine, theirs):
        for words in ("the text", "seen in the box", "It is still there.", "Not delivered"):
            assert words in content
    assert "Try again" in mine
    assert "Try again" not in theirs
    assert "Trying again." in act(bob, prompt, "retry")["HX-Trigger"]
    assert queue(pod) == ["the text"]
    assert "Try again" not in bob.get(url).content.decode()


def test_who_may_not_type_changes_nothing(viewer, charlie, cast, pod):
    prompt = queue_prompt(pod, by=builders.actor_of(cast.bob), text="mine")
    for client, status in ((viewer, 403), (charlie, 404)):
        for name in ("queue-prompt", "empty-queue", "answer-question", "interrupt-pod"):
            url = reverse(name, args=[pod.key])
            assert client.post(url, {"text": "theirs"}).status_code == status
        url = reverse("act-on-prompt", args=[prompt.pk, "edit"])
        assert client.post(url, {"text": "theirs"}).status_code == status
    assert queue(pod) == ["mine"]
    for name in ("pod-peek", "pod-last-lines", "pod-prompts"):
        assert charlie.get(reverse(name, args=[pod.key])).status_code == 404


def test_a_peek_shows_the_exact_question_its_age_and_the_answers_it_takes(bob, viewer, cast):
    runner = builders.make_runner(cast.organization)
    pod = asks(cast, runner=runner, workspace=builders.make_workspace(runner, branch="mesh/x"))
    url = reverse("pod-peek", args=[pod.key])
    mine, theirs = (client.get(url).content.decode() for client in (bob, viewer))
    for content in (mine, theirs):
        assert "Run &lt;make deploy&gt;?" in content
        assert "waiting <time" in content
    assert mine.count('name="question" value="q1"') == 3
    for choice in ("allow", "deny", "text"):
        assert f'name="choice" value="{choice}"' in mine
    assert 'data-key="a"' in mine
    assert f'href="{reverse("review", args=[pod.key])}" data-key="r"' in theirs
    assert "Answer" not in theirs.replace("Answer in", "")


def test_the_page_of_a_pod_shows_the_question_and_why_it_is_known(bob, cast):
    pod = asks(cast, agent_source="hook", agent_evidence="hook PermissionRequest")
    content = bob.get(reverse("pod", args=[pod.key])).content.decode()
    assert "Run &lt;make deploy&gt;?" in content
    assert "a hook that the agent called" in content
    assert "hook PermissionRequest" in content
    assert "Interrupt" in content


def test_what_is_not_known_is_said_to_be_unknown(bob, cast):
    pod = builders.make_pod(cast.organization, owner=cast.bob)
    content = bob.get(reverse("pod", args=[pod.key])).content.decode()
    assert "Nothing tells what it does" in content
    assert '<dt>Used</dt><dd><span class="muted">unknown</span>' in content


def test_words_for_an_agent_that_only_waits_are_sent_as_a_prompt_for_now(bob, cast):
    pod = asks(cast, question=None)
    bob.post(reverse("answer-question", args=[pod.key]), {"text": "the second one"}, headers=HX)
    prompt = pod.prompts.get()
    assert (prompt.text, prompt.when) == ("the second one", "now")


def test_the_options_of_a_question_are_buttons_with_their_labels(bob, cast):
    options = [{"choice": "1", "label": "Red <hot>"}, {"choice": "2", "label": "[ ] Blue"}]
    question = QUESTION | {"choices": ["1", "2", "next", "deny"], "options": options}
    pod = asks(cast, question=question)
    content = bob.get(reverse("pod-peek", args=[pod.key])).content.decode()
    for choice, word in (
        ("1", "Red &lt;hot&gt;"),
        ("2", "[ ] Blue"),
        ("next", "Go on"),
        ("deny", "Deny"),
    ):
        assert f'name="choice" value="{choice}"' in content
        assert f">{word}<" in content
    assert 'value="allow"' not in content


def test_an_answer_to_what_it_asked_before_is_refused_with_a_sentence(bob, cast):
    pod = asks(cast)
    given = {"question": "q0", "choice": "allow"}
    answer = bob.post(reverse("answer-question", args=[pod.key]), given, headers=HX)
    assert answer.status_code == 409
    assert "asks something else by now" in answer["HX-Trigger"]


def test_the_last_lines_are_those_kept_while_the_runner_is_away(bob, cast):
    away = builders.make_runner(cast.organization, online=False)
    pod = builders.make_pod(runner=away, owner=cast.bob)
    url = reverse("pod-last-lines", args=[pod.key])
    assert b"Its Runner is away" in bob.get(url).content
    KeptScreen.objects.create(pod=pod, screen={"text": "\n\n> <b>ready</b>\n\n\n"})
    assert b"&gt; &lt;b&gt;ready&lt;/b&gt;</pre>" in bob.get(url).content


def test_of_a_screen_the_last_lines_that_say_something_are_shown():
    assert last("a\n\nb  \nc\n\n  \n", 3) == "\nb\nc"
    assert last("", 3) == ""


def test_an_ended_pod_takes_no_prompts(bob, cast):
    pod = builders.make_pod(cast.organization, owner=cast.bob, state=PodState.COMPLETED)
    assert b"What should it do next?" not in bob.get(reverse("pod", args=[pod.key])).content
    answer = bob.post(reverse("queue-prompt", args=[pod.key]), {"text": "x"}, headers=HX)
    assert answer.status_code == 409
