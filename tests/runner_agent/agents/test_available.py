"""What a Runner says it has, and what it could install."""

from dataclasses import replace

from runner_agent.agents import available, on_path
from runner_agent.config import Config


def install(directory, name: str, script: str) -> None:
    program = directory / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def config_with(path, tmp_path) -> Config:
    config = Config(home=tmp_path / "runner", sockets=tmp_path / "s", path=str(path))
    config.prepare()
    return config


async def found(config):
    return {one.slug: one for one in await available.look(config)}


async def test_what_is_installed_with_its_version(tmp_path):
    install(tmp_path, "claude", "echo '2.1.5 (Claude Code)'")
    install(tmp_path, "codex", "echo codex-cli 0.42.0-alpha.1")
    install(tmp_path, "aider", "echo no idea; exit 0")
    told = await found(config_with(tmp_path, tmp_path))
    assert (told["claude"].version, told["claude"].path) == ("2.1.5", str(tmp_path / "claude"))
    assert told["codex"].version == "0.42.0-alpha.1"
    assert (told["aider"].version, told["aider"].problem) == ("", "")
    assert {slug for slug in told if not slug.startswith("install:")} == {
        "claude",
        "codex",
        "aider",
    }


async def test_one_that_cannot_say_its_version_has_a_problem(tmp_path, monkeypatch):
    monkeypatch.setattr(on_path, "VERSION_TIMEOUT_S", 0.5)
    install(tmp_path, "gemini", "echo node: not found >&2; exit 127")
    install(tmp_path, "opencode", "exec /bin/sleep 30")
    (tmp_path / "aider").write_text("no program\n")
    (tmp_path / "aider").chmod(0o755)
    told = await found(config_with(tmp_path, tmp_path))
    assert "node: not found" in told["gemini"].problem
    assert "took more than" in told["opencode"].problem
    assert "cannot be run" in told["aider"].problem


async def test_a_machine_without_any_says_what_it_can_install(tmp_path, monkeypatch):
    told = await found(config_with(tmp_path, tmp_path))
    assert set(told) == {"install:npm", "install:pip", "install:command"}
    assert not any(one.problem for one in told.values())
    monkeypatch.setattr(available, "HAS_VENV", False)
    told = await found(config_with(tmp_path, tmp_path))
    assert "apt install python3-venv" in told["install:pip"].problem
    assert "install Node.js" in told["install:npm"].problem
    install(tmp_path, "node", "echo v22.0.0")
    install(tmp_path, "npm", "echo 11.0.0")
    assert (await found(config_with(tmp_path, tmp_path)))["install:npm"].problem == ""


async def test_a_program_is_asked_again_only_when_it_has_changed(tmp_path):
    install(tmp_path, "claude", f"echo x >> {tmp_path}/asked; echo 1.0.0")
    config = config_with(tmp_path, tmp_path)
    programs = on_path.OnPath(config)
    await available.look(config, programs)
    await available.look(config, programs)
    assert (tmp_path / "asked").read_text() == "x\n"
    install(tmp_path, "claude", "echo 1.10.0")
    told = await available.look(config, programs)
    assert told[0].version == "1.10.0"
    assert available.remembered(replace(config)) == told
