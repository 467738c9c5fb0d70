"""What a Runner says of its agents is what the server reads, and a Command's secrets are written down nowhere."""

import uuid

from pods import messages
from pods.gateway.wire import decode as read_by_server
from pods.gateway.wire import encode as said_by_server
from runner_agent import agent_messages as a
from runner_agent.ledger import Ledger
from runner_agent.link.wire import decode, encode

SECRET = "sk-very-secret"


def test_a_status_with_its_question():
    options = (a.Option("1", "Red"), a.Option("2", "Blue"))
    question = a.AskedQuestion("q1", "Which color\ndo you want?", ("1", "2", "deny"), options)
    said = a.AgentStatus(
        "pod-a", "waiting", "hook", question.text, "hook PermissionRequest", 5, question, "s-1"
    )
    assert read_by_server(encode(said)) == messages.AgentStatus(
        pod="pod-a",
        state="waiting",
        source="hook",
        text=question.text,
        evidence="hook PermissionRequest",
        since_ms=5,
        question={
            "id": "q1",
            "text": question.text,
            "choices": ["1", "2", "deny"],
            "options": [{"choice": "1", "label": "Red"}, {"choice": "2", "label": "Blue"}],
        },
        session="s-1",
    )


def test_usage_and_steps():
    used = {"input": 5, "output": 1, "cached": 0, "cost_usd": 0.5, "model": "m"}
    assert read_by_server(encode(a.AgentUsage("pod-a", used))) == messages.AgentUsage("pod-a", used)
    command = str(uuid.uuid4())
    step = a.PromptStep(command, "typed", 7, "seen")
    assert read_by_server(encode(step)) == messages.PromptStep(command, "typed", "seen", 7)


async def test_secrets_reach_the_runner_and_no_ledger_or_log(tmp_path):
    sent = messages.SendCommand("c1", 1, "start", "pod-a", {"argv": []}, secrets={"key": SECRET})
    command = decode(said_by_server(sent))
    assert command.secrets == {"key": SECRET}
    assert SECRET not in repr(command) + repr(sent)
    ledger = Ledger(tmp_path / "ledger.sqlite3")
    await ledger.open()
    await ledger.take([command])
    (kept,) = await ledger.unfinished()
    await ledger.close()
    assert kept.secrets == {}
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert SECRET.encode() not in written
