"""What a program writes is what a viewer gets: every byte, once, in order; and the other way."""

import hashlib

import pytest

from tests.journeys.terminal import opened

MIB = 1 << 20
WINDOW = 256 * 1024
DIGEST_OF_INPUT = "stty raw -echo; printf ready; head -c %d | sha256sum"
ASKS = r"""
import os, select, sys, termios, tty
tty.setraw(0)
os.write(1, b"ready")
os.read(0, 1)  # until the viewers are there
os.write(1, b"asking\x1b[c")
answers = b""
while select.select([0], [], [], 1.5)[0]:
    answers += os.read(0, 1000)
os.write(1, b"answers:" + str(answers.count(b"\x1b[?")).encode() + b" end\r\n")
os.read(0, 1)
"""


@pytest.fixture
def pod(api):
    """Starts a program; what it started is ended."""
    keys = []

    def start(*argv):
        keys.append(api.run(*argv))
        api.becomes(keys[-1], "running", "completed")
        return keys[-1]

    yield start
    for key in keys:
        api.terminate(key)


async def test_a_viewer_that_comes_back_gets_the_rest_and_nothing_twice(api, pod):
    key = pod("sh", "-c", "seq 1 200000; sleep 1000")
    whole = "".join(f"{n}\r\n" for n in range(1, 200_001)).encode()
    got, at = b"", 0
    for goal in (100_000, 600_000, len(whole)):
        async with opened(api, key, offset=at) as terminal:
            await terminal.until(lambda t, goal=goal: t.end >= goal)
            got, at = got + bytes(terminal.data), terminal.end
    assert got == whole


async def test_a_viewer_that_acknowledges_nothing_gets_one_window(api, pod):
    key = pod("sh", "-c", "stty raw; head -c 3000000 /dev/zero; sleep 1000")
    async with opened(api, key) as terminal:
        terminal.acknowledge = _nothing
        await terminal.until(lambda t: t.end >= WINDOW - 65536)
        with pytest.raises(AssertionError, match="not within"):
            await terminal.until(lambda t: t.end > WINDOW, within=2)
        del terminal.acknowledge
        await terminal.acknowledge()
        await terminal.until(lambda t: t.end == 3_000_000)


async def _nothing():
    return None


async def test_100_mib_through_cat_arrive_exactly(api, pod):
    key = pod("bash")
    made = api.execute(key, f"head -c {100 * MIB} /dev/urandom > big; sha256sum big")["stdout"]
    async with opened(api, key) as terminal:
        # Written so that the echo of the line is not what is looked for.
        await terminal.type(b"stty raw -echo; printf 'begin''ning'; cat big\r")
        await terminal.shows(b"beginning")
        start = terminal.data.index(b"beginning") + len(b"beginning")
        await terminal.until(lambda t: len(t.data) - start >= 100 * MIB, within=110)
        got = bytes(terminal.data[start : start + 100 * MIB])
    assert hashlib.sha256(got).hexdigest() == made.split()[0]


@pytest.mark.parametrize("frame", [4096, 65536])
async def test_a_paste_of_640_kb_arrives_exactly(api, pod, frame):
    key = pod("sh", "-c", DIGEST_OF_INPUT % 640_000 + "; sleep 1000")
    paste = bytes(n * 7 % 251 for n in range(640_000))
    async with opened(api, key) as terminal:
        await terminal.shows(b"ready")
        for at in range(0, len(paste), frame):
            await terminal.type(paste[at : at + frame])
        await terminal.shows(hashlib.sha256(paste).hexdigest().encode())


async def test_two_viewers_and_a_replay_answer_a_query_once(api, pod):
    key = pod("python3", "-c", ASKS)
    async with opened(api, key) as one, opened(api, key, mode="read") as two:
        await one.shows(b"ready")
        await one.type(b"x")
        await two.shows(b"asking")
        async with opened(api, key, offset=0, mode="read") as replay:
            await replay.shows(b"answers:1 end")
        await one.shows(b"answers:1 end")
    assert b"answers:1 end" in api.output(key)


async def test_a_new_viewer_begins_with_the_screen(api, pod):
    key = pod("sh", "-c", "seq 1 5000; printf 'the last line'; sleep 1000")
    async with opened(api, key) as terminal:
        await terminal.shows(b"the last line")
    async with opened(api, key, offset=None) as terminal:
        screen = await terminal.told("screen")
    assert "the last line" in screen["data"]
    assert screen["offset"] == len(api.output(key))


async def test_typing_is_exactly_once_for_a_client_with_a_name(api, pod):
    key = pod("sh", "-c", "stty raw -echo; printf ready; cat")
    sent = b"".join(f"{n};".encode() for n in range(2000))
    async with opened(api, key, client="journey") as terminal:
        await terminal.shows(b"ready")
        await terminal.type((0).to_bytes(8, "big") + sent[:3000])
        await terminal.until(lambda t: any(n.get("position") == 3000 for n in t.news))
    async with opened(api, key, client="journey") as terminal:
        await terminal.shows(b"ready")
        for at in (0, 2000, 3000):  # as a client that is not sure what arrived
            await terminal.type(at.to_bytes(8, "big") + sent[at:])
        await terminal.shows(b"ready" + sent)
        assert bytes(terminal.data) == b"ready" + sent


async def test_a_reader_cannot_type(api, pod):
    key = pod("sh", "-c", "stty -echo; printf ready; cat")
    async with opened(api, key, mode="read") as terminal:
        await terminal.shows(b"ready")
        await terminal.type(b"typed\r")
        await terminal.told("refused")
    assert b"typed" not in api.output(key)


async def test_who_types_first_drives_and_another_may_take_over(api, pod):
    key = pod("bash")
    async with opened(api, key) as one, opened(api, key) as two:
        await one.type(b"echo one-$((1))\r")
        await one.shows(b"one-1")
        await one.told("control", you=True)
        await two.say(control="take")
        await two.told("control", you=True)
        await two.say(resize=[100, 30])
        await one.told("size", cols=100, rows=30)
        await two.type(b"stty size\r")
        await two.shows(b"30 100")


async def test_an_unknown_pod_is_closed_with_a_code_browsers_see(api):
    async with opened(api, "pod-nosuch") as terminal:
        assert await terminal.close_code() == 4404


async def test_a_wrong_token_is_closed_with_a_code_browsers_see(api, pod):
    key = pod("cat")
    stranger = type(api)(api.url, "mesh_wrong")
    async with opened(stranger, key) as terminal:
        assert await terminal.close_code() == 4401
