from dataclasses import replace

from runner_agent.pods import agents


def install(directory, name: str, script: str) -> None:
    program = directory / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


async def test_what_is_installed_with_its_version(config, tmp_path):
    install(tmp_path, "claude", "echo '2.1.5 (Claude Code)'")
    install(tmp_path, "codex", "echo codex-cli 0.42.0-alpha.1")
    install(tmp_path, "aider", "echo no idea; exit 0")
    found = {one.slug: one for one in await agents.find(replace(config, path=str(tmp_path)))}
    assert (found["claude"].version, found["claude"].path) == ("2.1.5", str(tmp_path / "claude"))
    assert found["codex"].version == "0.42.0-alpha.1"
    assert (found["aider"].version, found["aider"].problem) == ("", "")
    assert set(found) == {"claude", "codex", "aider"}


async def test_one_that_cannot_say_its_version_has_a_problem(config, tmp_path, monkeypatch):
    monkeypatch.setattr(agents, "VERSION_TIMEOUT_S", 0.5)
    install(tmp_path, "gemini", "echo node: not found >&2; exit 127")
    install(tmp_path, "opencode", "exec /bin/sleep 30")
    (tmp_path / "aider").write_text("no program\n")
    (tmp_path / "aider").chmod(0o755)
    found = {one.slug: one for one in await agents.find(replace(config, path=str(tmp_path)))}
    assert "node: not found" in found["gemini"].problem
    assert "took more than" in found["opencode"].problem
    assert "cannot be run" in found["aider"].problem


async def test_a_machine_without_any(config, tmp_path):
    assert await agents.find(replace(config, path=str(tmp_path))) == []
