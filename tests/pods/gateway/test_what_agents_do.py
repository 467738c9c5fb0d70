"""What a Runner says of the agents in its Pods: judged, written down, and handed on."""

import json
import uuid
from datetime import timedelta

import pytest
from django.utils.timezone import now

from pods import listeners
from pods.gateway.cleaning import MalformedError
from pods.gateway.wire import decode
from pods.lifecycle import AgentState, PodState
from pods.messages import AgentsFound, AgentStatus, AgentUsage, PodReport, PromptStep, RunnerHello
from pods.models import Pod, Runner
from pods.services.dispatch import take
from pods.services.reports import settle
from pods.services.sessions import Attachment, attach
from proto.mesh.v1 import runner_pb2 as pb
from tests.builders import make_pod, make_runner
from tests.pods.gateway.rig import queue

pytestmark = pytest.mark.django_db

NOW_MS = int(now().timestamp() * 1000)
QUESTION = {"id": "q1", "text": "May it run rm -rf build?", "choices": ["allow", "deny"]}


@pytest.fixture
def runner() -> Runner:
    return make_runner(online=False)


@pytest.fixture
def session(runner: Runner) -> Attachment:
    return attach(runner.pk, gateway_id="here", hello=RunnerHello(speaks=(1, 2)))


@pytest.fixture
def pod(runner: Runner) -> Pod:
    return make_pod(runner=runner, state=PodState.RUNNING)


def look(pod: Pod) -> Pod:
    pod.refresh_from_db()
    return pod


def said(**fields: object) -> pb.FromRunner:
    return pb.FromRunner(agent_status=pb.AgentStatus(**{"pod": "pod-a", "state": "idle", **fields}))


def test_a_question_is_kept_with_its_evidence_until_it_is_over(
    session: Attachment, pod: Pod
) -> None:
    asks = AgentStatus(
        pod.key, "waiting", "hook", QUESTION["text"], "hook PermissionRequest", NOW_MS, QUESTION
    )
    settle(session, [asks])
    assert (look(pod).agent_state, pod.agent_source) == ("waiting", "hook")
    assert pod.agent_evidence == "hook PermissionRequest"
    assert pod.question == QUESTION
    assert abs(pod.agent_since.timestamp() * 1000 - NOW_MS) < 1
    settle(session, [AgentStatus(pod.key, "working", "title", since_ms=NOW_MS)])
    assert (look(pod).agent_state, pod.question) == ("working", None)


def test_the_latest_of_a_batch_holds_and_is_one_line_of_history(
    session: Attachment, pod: Pod
) -> None:
    settle(session, [AgentStatus(pod.key, s, "title") for s in ("idle", "working", "idle")])
    assert look(pod).agent_state == "idle"
    assert list(pod.events.filter(kind="agent").values_list("was", "state")) == [
        ("unknown", "idle")
    ]


def test_the_same_state_again_is_no_step(session: Attachment, pod: Pod) -> None:
    settle(session, [AgentStatus(pod.key, "idle", "hook", "first")])
    settle(session, [AgentStatus(pod.key, "idle", "hook", "second")])
    assert look(pod).agent_text == "second"
    assert pod.events.filter(kind="agent").count() == 1


def test_others_hear_of_a_change_and_of_a_prompts_steps(
    session: Attachment, runner: Runner, pod: Pod, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed: list[str] = []
    steps: list[tuple[str, str]] = []
    monkeypatch.setattr(listeners, "agent_changed", [lambda p: changed.append(p.agent_state)])
    monkeypatch.setattr(
        listeners, "prompt_went_on", [lambda c, s: steps.append((str(c.pk), s.step))]
    )
    settle(session, [AgentStatus(pod.key, "idle"), AgentStatus(pod.key, "idle")])
    assert changed == [AgentState.IDLE]
    prompt = queue(runner, "prompt", pod)
    take(session, 10)
    settle(session, [PromptStep(prompt, "typed")])
    assert steps == [(prompt, "typed")]


def test_a_conversation_once_named_is_not_forgotten(session: Attachment, pod: Pod) -> None:
    settle(session, [AgentStatus(pod.key, "idle", session="thread-1"), AgentStatus(pod.key)])
    assert look(pod).conversation == "thread-1"


def test_usage_is_kept_also_when_the_pod_has_ended(session: Attachment, pod: Pod) -> None:
    settle(session, [PodReport(pod.key, "ended")])
    settle(session, [AgentUsage(pod.key, {"input": 10, "output": 2})])
    assert look(pod).usage == {"input": 10, "output": 2}


def test_an_ended_pod_asks_nothing_and_does_nothing(session: Attachment, pod: Pod) -> None:
    settle(session, [AgentStatus(pod.key, "waiting", "hook", "May it?", question=QUESTION)])
    settle(session, [PodReport(pod.key, "ended")])
    settle(session, [AgentStatus(pod.key, "working", "title")])
    assert (look(pod).agent_state, pod.question) == ("unknown", None)


def test_it_cannot_speak_of_another_runners_agents(session: Attachment) -> None:
    other = make_pod(runner=make_runner(online=False), state=PodState.RUNNING)
    foreign = queue(other.runner, "prompt", other)
    claims = [
        AgentStatus(other.key, "working"),
        AgentUsage(other.key, {"input": 1}),
        PromptStep(foreign, "started"),
        PromptStep(str(uuid.uuid4()), "started"),
    ]
    assert len(settle(session, claims).refused) == len(claims)
    assert (look(other).agent_state, other.usage) == ("unknown", {})


def test_nothing_began_in_the_future(session: Attachment, pod: Pod) -> None:
    settle(session, [AgentStatus(pod.key, "idle", since_ms=2**62)])
    assert look(pod).agent_since < now() + timedelta(seconds=1)


def test_what_is_said_is_cut_and_cleaned() -> None:
    question = {
        "id": "x" * 100,
        "text": "a\0\x1b[31m" + "b" * 9000,
        "choices": ["allow", "rm -rf", "2", "77"],
        "options": [
            {"choice": "2", "label": "b\x1b[31m" + "c" * 900},
            {"choice": "2", "label": "again"},
            {"choice": "77", "label": "no number"},
            {"choice": ["1"]},
            "3",
        ],
    }
    decoded = decode(
        said(state="waiting", source="guess", question_json=json.dumps(question).encode())
    )
    assert decoded.source == ""
    assert decoded.question["choices"] == ["2", "allow"]
    (option,) = decoded.question["options"]
    assert (option["choice"], len(option["label"]), "\x1b" in option["label"]) == ("2", 120, False)
    assert len(decoded.question["id"]) == 64
    assert len(decoded.question["text"]) == 2000
    assert not {"\0", "\x1b"} & set(decoded.question["text"])


def test_only_who_waits_has_a_question() -> None:
    assert decode(said(question_json=json.dumps(QUESTION).encode())).question is None


@pytest.mark.parametrize(
    "message",
    [
        said(state="asleep"),
        said(pod="../x"),
        said(state="waiting", question_json=b"[1]"),
        pb.FromRunner(prompt_step=pb.PromptStep(command_id="1", step="typed")),
        pb.FromRunner(prompt_step=pb.PromptStep(command_id=str(uuid.uuid4()), step="done")),
        pb.FromRunner(agent_usage=pb.AgentUsage(pod="pod-a", usage_json=b"{" * 20000)),
    ],
)
def test_what_cannot_be_is_refused(message: pb.FromRunner) -> None:
    with pytest.raises(MalformedError):
        decode(message)


def test_usage_has_numbers_and_nothing_else() -> None:
    held = {"input": 5, "output": -1, "cached": True, "cost_usd": 0.5, "model": "m\n", "evil": "x"}
    message = pb.AgentUsage(pod="pod-a", usage_json=json.dumps(held).encode())
    decoded = decode(pb.FromRunner(agent_usage=message))
    assert decoded.usage == {"input": 5, "cost_usd": 0.5, "model": "m"}


def test_what_a_runner_has_installed_since_its_hello_is_known(
    session: Attachment, runner: Runner
) -> None:
    found = pb.AgentsFound(agents=[pb.InstalledAgent(slug="claude", version="2.1.330")])
    claim = decode(pb.FromRunner(agents_found=found))
    assert isinstance(claim, AgentsFound)
    settled = settle(session, [claim])
    runner.refresh_from_db()
    assert [(one["slug"], one["version"]) for one in runner.agents] == [("claude", "2.1.330")]
    assert settled.has_freed
