"""What the demo does with others: work carried as text between clones that cannot reach each other, and its skills."""

import json
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from runner_agent.demo import branches
from runner_agent.demo.folder import AUTHOR, Folder, WorkError
from runner_agent.demo.step import Doing
from runner_agent.demo.team import Team
from runner_agent.demo.tools import call


def git(directory: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", directory, *words], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def clones(tmp_path: Path) -> tuple[Folder, Folder]:
    """Of one repository: a worker's and the planner's, each on a branch of its own."""
    origin = tmp_path / "origin"
    git(tmp_path, "init", "--quiet", "--initial-branch=main", str(origin))
    (origin / "README.md").write_text("Hello\n")
    git(origin, "add", "README.md")
    git(origin, *AUTHOR, "commit", "--quiet", "-m", "First")
    made = []
    for name in ("worker", "planner"):
        git(tmp_path, "clone", "--quiet", str(origin), name)
        git(tmp_path / name, "switch", "--quiet", "--create", f"mesh/{name}")
        made.append(Folder(tmp_path / name))
    return made[0], made[1]


def work(folder: Folder, wish: str) -> str:
    """Its commit."""
    folder.commit(folder.write(wish), wish)
    return folder.git("rev-parse", "HEAD")


def test_a_published_commit_arrives_with_its_own_id_and_is_merged(clones):
    worker, planner = clones
    commit = work(worker, "Grüße auf 日本語 zählen ````")
    found = branches.published(f"It is done.\n\n{branches.publish(worker)}")
    assert found is not None
    assert (found.commit, found.branch) == (commit, "mesh/worker")
    merged = branches.merge(planner, found)
    assert planner.branch() == "mesh/planner"
    assert planner.git("rev-parse", "--short", "HEAD") == merged
    assert planner.git("rev-parse", "HEAD^2") == commit


def test_both_of_two_works_from_one_base_are_merged(clones):
    worker, planner = clones
    base = worker.git("rev-parse", "HEAD")
    published = []
    for part in ("count the vowels", "reverse the words"):
        worker.git("switch", "--quiet", "--create", f"mesh/{part.split()[0]}", base)
        work(worker, part)
        published.append(branches.published(branches.publish(worker)))
    for each in published:
        branches.merge(planner, each)
    assert planner.git("log", "--format=%s", "--merges").splitlines() == [
        "Merge mesh/reverse",
        "Merge mesh/count",
    ]


def test_work_that_was_changed_on_its_way_is_not_merged(clones):
    worker, planner = clones
    work(worker, "count the vowels")
    found = branches.published(branches.publish(worker))
    forged = replace(found, patch=found.patch.replace("return", "return 1 +"))
    with pytest.raises(WorkError, match="arrived as"):
        branches.merge(planner, forged)
    assert planner.branch() == "mesh/planner"
    assert planner.git("log", "--format=%s") == "First"


def test_a_patch_that_does_not_apply_leaves_no_half_work(clones):
    worker, planner = clones
    work(worker, "count the vowels")
    found = branches.published(branches.publish(worker))
    with pytest.raises(WorkError):
        branches.merge(planner, replace(found, patch="nonsense"))
    assert planner.branch() == "mesh/planner"
    assert planner.git("status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("wish", "parts"),
    [
        ("Plan: count; reverse.\nTell @root.", ["count", "reverse"]),
        ("plan:one", ["one"]),
        ("Plan: ; ;", []),
        ("Make a plan: a; b", []),
        ("Plan: 1; 2; 3; 4; 5", ["1", "2", "3", "4"]),
    ],
)
def test_only_a_prompt_that_begins_with_plan_is_one(wish, parts):
    assert Team.parts_of(wish) == parts


def test_a_typed_call_is_told_from_a_wish():
    call_ = "[Mesh] Message 7 in #plan-x from Planner (pod-a), another agent:\n> how?\nThis is …"
    assert Team.is_call(call_)
    assert not Team.is_call("Write about [Mesh] Message 7 in #plan-x from me")


# ---- through the Pod's door


class Door:
    """Answers as the Runner's door does, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.refuses = ""
        door = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = door.answer(json.loads(body), self.headers["Authorization"])
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.end_headers()
                self.wfile.write(f"event: message\ndata: {json.dumps(answer)}\n\n".encode())

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)

    def answer(self, request: dict[str, Any], authorization: str) -> dict[str, Any]:
        assert authorization == "Bearer mesh_pod_secret"
        self.asked.append(request["params"])
        text = [{"type": "text", "text": self.refuses or "Posted."}]
        result = {"content": text, "structuredContent": {"number": 8}}
        return {"jsonrpc": "2.0", "id": 1, "result": result | {"isError": bool(self.refuses)}}


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    door = Door()
    token = tmp_path / "token"
    token.write_text("mesh_pod_secret")
    monkeypatch.setenv("MESH_TOKEN_FILE", str(token))
    monkeypatch.setenv("MESH_MCP_URL", f"http://127.0.0.1:{door.server.server_port}/mcp")
    door.thread.start()
    yield door
    door.server.shutdown()
    door.thread.join()
    door.server.server_close()


def ends(doing: "Doing[Any]") -> Any:
    """What comes of it."""
    while True:
        try:
            next(doing)
        except StopIteration as end:
            return end.value


def test_a_tool_is_called_while_the_screen_goes_on(door):
    asked = {"channel": "plan", "body": "Hello"}
    assert ends(call("publish_to_channel", **asked)) == {"number": 8}
    assert door.asked == [{"name": "publish_to_channel", "arguments": asked}]


def test_a_refusal_is_what_did_not_work(door):
    door.refuses = "There is no Channel #plan."
    with pytest.raises(WorkError, match="There is no Channel #plan"):
        ends(call("join_channel", channel="plan"))


@pytest.mark.parametrize(("said", "answers"), [("how did it go?", 1), ("thank you", 0)])
def test_only_a_question_is_answered_so_that_two_demos_do_not_talk_in_circles(
    door, tmp_path, said, answers
):
    team = Team(Folder(tmp_path), "pod-b")
    team.last_test = "Ran 1 test"
    ends(team.hear(f"[Mesh] Message 7 in #plan-x from Planner (pod-a), another agent:\n> {said}\n"))
    assert len(door.asked) == answers
    for each in door.asked:
        assert each["arguments"] == {
            "channel": "plan-x",
            "body": "Ran 1 test: passed.",
            "reply_to": 7,
        }
