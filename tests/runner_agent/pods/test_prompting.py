"""The first prompt of a Pod, typed as a person would."""

import pytest

from runner_agent.messages import Command, CommandError
from runner_agent.pods.prompting import as_typed
from tests.runner_agent.pods.rig import daemon, supervised, until

# Shows each read it got, as an agent's input would see it.
READER = """
import os, sys, termios, time, tty
tty.setraw(0)
{before}
sys.stdout.write({mode!r} + "ready")
sys.stdout.flush()
while True:
    sys.stdout.write(repr(os.read(0, 65536)) + "\\r\\n")
    sys.stdout.flush()
"""


def reader(*, mode: str = "", before: str = "") -> list[str]:
    return ["python3", "-I", "-S", "-c", READER.format(mode=mode, before=before)]


def prompt(pod: str, text: str, id_: str, **payload: object) -> Command:
    return Command(id_, 1, "prompt", pod, {"pod": pod, "text": text, "when": "now", **payload})


async def test_a_prompt_is_pasted_and_enter_comes_by_itself(config):
    async with supervised(config) as rig:
        host = await rig.start(reader(mode="\x1b[?2004h"), prompt="one\ntwo ünï")
        shown = await rig.shows(host, r"b'\r'")
        assert repr("\x1b[200~one\ntwo ünï\x1b[201~".encode()) in shown
        await until(lambda: not list(config.pods.glob("*/prompt")))


async def test_a_program_without_bracketed_paste_gets_plain_text(config):
    async with supervised(config) as rig:
        host = await rig.start(reader(), prompt="do it")
        shown = await rig.shows(host, r"b'\r'")
        assert "b'do it'" in shown


async def test_nothing_is_typed_before_the_program_is_ready(config):
    async with supervised(config) as rig:
        slow = "for n in range(8): sys.stdout.write('.'); sys.stdout.flush(); time.sleep(0.1)"
        host = await rig.start(reader(before=slow), prompt="do it")
        shown = await rig.shows(host, r"b'\r'")
        assert shown.index("ready") < shown.index("do it")


async def test_a_shell_runs_its_prompt(config):
    async with supervised(config) as rig:
        host = await rig.start(["bash", "--norc", "--noprofile", "-i"], prompt="echo got-$((1+1))")
        await rig.shows(host, "got-2")


async def test_a_prompt_not_typed_yet_is_typed_after_a_restart_and_once(config):
    async with daemon(config) as rig:
        host = await rig.start(reader(before="time.sleep(1)"), prompt="do it")
    assert (config.pods / host.pod / "prompt").exists()
    async with supervised(config) as rig:
        shown = await rig.shows(rig.hosts.get(host.pod), r"b'\r'")
        await until(lambda: not list(config.pods.glob("*/prompt")))
        assert shown.count("do it") == 1


async def test_a_program_that_ends_first_gets_no_prompt(config):
    async with supervised(config) as rig:
        host = await rig.start(["true"], prompt="do it")
        await host.ended()
        await until(lambda: [r for r in rig.outbox.reports if r.state == "ended"])


async def test_several_lines_are_not_typed_where_each_would_be_sent_by_itself(config):
    async with supervised(config) as rig:
        host = await rig.start(reader())
        await rig.shows(host, "ready")
        with pytest.raises(CommandError) as refused:
            await rig.supervisor.do(prompt(host.pod, "one\r\ntwo", "c1"))
        assert (refused.value.code, "one line" in refused.value.message) == ("one_line", True)
        await rig.supervisor.do(prompt(host.pod, "three\n", "c2"))
        await rig.supervisor.do(prompt(host.pod, "called\nby a mention", "c3", may_join=True))
        assert "one" not in await rig.shows(host, "b'called by a mention'")


@pytest.mark.parametrize("bracketed", [True, False])
def test_a_prompt_cannot_end_its_own_paste_or_press_keys(bracketed):
    evil = "a\x1b[201~\x03b\x00\x9b201~\r\nc\td\n\n"
    typed = as_typed(evil, bracketed=bracketed)
    assert (
        typed.removeprefix(b"\x1b[200~").removesuffix(b"\x1b[201~")
        == b"a[201~b201~" + (b"\n" if bracketed else b" ") + b"c\td"
    )
