"""Tokens and cost from the agents' own records: as they were recorded, read in pieces, and from hostile files."""

import json
import os
import sqlite3

import pytest

from runner_agent.agents.usage import records
from runner_agent.agents.usage.readers import KINDS
from runner_agent.agents.usage.totals import Totals


def claude_line(id_, output, **fields):
    usage = {
        "input_tokens": 1000,
        "cache_creation_input_tokens": 10,
        "cache_read_input_tokens": 200,
        "output_tokens": output,
    }
    return {"type": "assistant", "message": {"id": id_, "model": "opus", "usage": usage}, **fields}


def codex_line(total, last):
    """Each: input and output."""
    names = ("input_tokens", "output_tokens")
    total, last = (
        {**dict(zip(names, each, strict=True)), "total_tokens": sum(each), "cached_input_tokens": 5}
        for each in (total, last)
    )
    info = {"total_token_usage": total, "last_token_usage": last}
    return {"type": "event_msg", "payload": {"type": "token_count", "info": info}}


def gemini_line(id_, input_=100, output=20):
    tokens = {"input": input_, "output": output, "cached": 30, "thoughts": 5, "tool": 0}
    tokens["total"] = sum(tokens.values())
    return {"id": id_, "type": "gemini", "tokens": tokens, "model": "gemini-2.5-pro"}


def add(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)


def reader(kind, home, pattern):
    return KINDS[kind](home, pattern)


def test_claude_writes_a_message_several_times_and_it_counts_once(tmp_path):
    path = tmp_path / ".claude" / "projects" / "-work" / "s-1.jsonl"
    add(path, {"type": "user"}, claude_line("m1", 5), claude_line("m1", 9), claude_line("m2", 1))
    it = reader("claude", tmp_path, ".claude/projects/*/s-1.jsonl")
    assert it.read().told() == {
        "input": 2420,
        "output": 10,
        "cached": 400,
        "model": "opus",
        "context": 1211,
    }
    add(path, claude_line("m3", 100))
    assert it.read().output == 110


def test_claude_says_what_it_cost_unless_it_has_to_guess(tmp_path):
    path = tmp_path / "p" / "s.jsonl"
    add(path, claude_line("m1", 1), {"type": "cost-state", "totalCostUSD": 0.25})
    it = reader("claude", tmp_path, "p/*.jsonl")
    assert it.read().cost_usd == 0.25
    add(path, {"type": "cost-state", "totalCostUSD": 0.5, "hasUnknownModelCost": True})
    assert it.read().cost_usd is None


def test_codex_counts_up_by_itself_in_each_thread(tmp_path):
    day = tmp_path / "sessions" / "2026" / "11" / "22"
    turn = {"type": "turn_context", "payload": {"model": "gpt-5"}}
    add(
        day / "rollout-1-a.jsonl",
        turn,
        codex_line((100, 7), (100, 7)),
        codex_line((300, 20), (200, 13)),
    )
    add(day / "rollout-2-b.jsonl", codex_line((50, 1), (50, 1)))
    used = reader("codex", tmp_path, "sessions/**/rollout-*.jsonl").read()
    assert (used.input, used.output, used.cached, used.model) == (350, 21, 10, "gpt-5")
    assert used.cost_usd is None


def test_a_fork_of_codex_counts_only_what_it_used_itself(tmp_path):
    add(tmp_path / "rollout-1-a.jsonl", codex_line((100, 7), (100, 7)))
    add(
        tmp_path / "rollout-2-b.jsonl",
        codex_line((150, 9), (50, 2)),
        codex_line((210, 12), (60, 3)),
    )
    used = reader("codex", tmp_path, "rollout-*.jsonl").read()
    assert (used.input, used.output) == (210, 12)
    assert used.context == 63


def test_gemini_writes_an_answer_again_with_its_tools(tmp_path):
    path = tmp_path / ".gemini" / "tmp" / "ws" / "chats" / "session-1.jsonl"
    add(path, {"sessionId": "x"}, {"$set": {"messages": [gemini_line("a")]}})
    add(path, gemini_line("a"), gemini_line("a"), gemini_line("b", 200, 1))
    used = reader("gemini", tmp_path, ".gemini/tmp/*/chats/session-*.jsonl").read()
    assert (used.input, used.output, used.cached) == (300, 31, 60)
    assert used.model == "gemini-2.5-pro"


def test_aider_says_it_in_words(tmp_path):
    (tmp_path / "chat.md").write_text(
        "> Tokens: 2.5k sent, 22 received.  \n"
        "#### text that says Tokens: a lot\n"
        "> Tokens: 1.2M sent, 3k cache write, 500 cache hit, 1,024 received. "
        "Cost: $0.02 message, $0.03 session.  \n"
    )
    used = reader("aider", tmp_path, "chat.md").read()
    assert (used.input, used.output, used.cached) == (1_203_000, 1046, 500)
    assert used.cost_usd == 0.02


@pytest.fixture
def opencode(tmp_path):
    db = sqlite3.connect(tmp_path / "opencode.db")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute(
        "CREATE TABLE session (id, cost real, tokens_input int, tokens_output int,"
        " tokens_reasoning int, tokens_cache_read int, tokens_cache_write int, model text)"
    )
    yield tmp_path, db
    db.close()


def test_opencode_keeps_sums_in_a_database_that_it_is_writing(opencode):
    home, db = opencode
    it = reader("opencode", home, "opencode.db")
    assert it.read().is_empty
    row = ("ses_1", 0.5, 100, 20, 3, 40, 2, '{"id": "fake-model"}')
    db.execute("INSERT INTO session VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
    db.commit()  # in its log, not yet in the file
    assert it.read() == Totals(142, 23, 40, 0.5, "fake-model")
    db.execute("INSERT INTO session SELECT 'ses_2', 0, 1, 1, 0, 0, 0, NULL")
    db.commit()
    assert it.read().input == 143


def test_what_is_in_a_database_cannot_hold_us_up_or_break_us(opencode):
    home, db = opencode
    db.execute("DROP TABLE session")
    db.execute(
        "CREATE VIEW session AS WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r)"
        " SELECT n AS cost, n AS tokens_input FROM r"
    )
    db.commit()
    assert reader("opencode", home, "opencode.db").read().is_empty
    (home / "other.db").write_bytes(b"SQLite format 3\0" + os.urandom(4096))
    assert reader("opencode", home, "other.db").read().is_empty


# ---- files that belong to an agent


def test_a_line_is_read_when_it_is_whole(tmp_path):
    path = tmp_path / "s.jsonl"
    it = reader("claude", tmp_path, "s.jsonl")
    line = json.dumps(claude_line("m1", 5))
    path.write_text(line[:50])
    assert it.read().is_empty
    path.write_text(line + "\n")
    assert it.read().output == 5


def test_a_file_written_anew_is_read_from_its_beginning(tmp_path):
    path = tmp_path / "s.jsonl"
    add(path, claude_line("m1", 5), claude_line("m2", 5))
    it = reader("claude", tmp_path, "s.jsonl")
    assert it.read().output == 10
    path.unlink()
    add(path, claude_line("m3", 1))
    assert it.read().output == 11


@pytest.mark.parametrize("link", ["file", "folder"])
def test_links_out_of_the_home_are_not_followed(tmp_path, link):
    home, secret = tmp_path / "home", tmp_path / "secret"
    home.mkdir()
    add(secret / "s.jsonl", claude_line("m1", 5))
    if link == "file":
        (home / "projects").mkdir()
        (home / "projects" / "s.jsonl").symlink_to(secret / "s.jsonl")
    else:
        (home / "projects").symlink_to(secret)
    assert reader("claude", home, "projects/*.jsonl").read().is_empty
    assert reader("claude", home, "projects/s.jsonl").read().is_empty


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "s.jsonl")
    assert reader("claude", tmp_path, "s.jsonl").read().is_empty


def test_a_line_too_long_is_passed_over(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "LINE_MAX", 1000)
    monkeypatch.setattr(records, "READ_MAX", 4000)
    path = tmp_path / "s.jsonl"
    add(path, claude_line("m1", 5), {"type": "x", "text": "x" * 9000}, claude_line("m2", 7))
    it = reader("claude", tmp_path, "s.jsonl")
    assert [it.read().output for _ in range(4)][-1] == 12


@pytest.mark.parametrize(
    "line",
    [
        b"not json",
        b"[1, 2]",
        b'{"type": "assistant", "message": 3}',
        b'{"type": "assistant", "message": {"id": "m", "usage": {"input_tokens": -5}}}',
        b'{"type": "assistant", "message": {"id": "m", "usage": {"input_tokens": 1e400}}}',
        b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_nonsense_counts_nothing(tmp_path, line):
    (tmp_path / "s.jsonl").write_bytes(line + b"\n")
    assert reader("claude", tmp_path, "s.jsonl").read().is_empty


def test_a_tree_of_folders_without_end_is_given_up(tmp_path):
    deep = tmp_path
    for _ in range(30):
        deep /= "d"
        deep.mkdir()
    add(deep / "rollout-1.jsonl", codex_line((1, 1), (1, 1)))
    assert reader("codex", tmp_path, "**/rollout-*.jsonl").read().is_empty


def test_what_was_used_before_a_pod_is_not_its_own():
    before = Totals(100, 10, 5, 0.5, "a", 50)
    assert Totals(150, 12, 5, 0.75, "b", 60).since(before) == Totals(50, 2, 0, 0.25, "b", 60)
