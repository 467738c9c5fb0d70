"""What the demo does about one prompt, step by step."""

from collections.abc import Iterator

from runner_agent.demo.folder import Folder, Survey, WorkError, Written
from runner_agent.demo.step import Step
from runner_agent.demo.team import Team

HELP = """\
I am the demo that comes with Mesh. Nothing thinks in here, but what I do is real: \
tell me something, and I write a function named after it with its test, run the test and commit both. \
Name a file such as HELLO.md, and I write into that. End with a question mark, and I only look around.
Begin with “Plan:” and parts with ; between, and I start a worker for each, talk with them in a Channel and merge.

/help  this text
/exit  leave (Ctrl-C twice does it too)
Esc or Ctrl-C  interrupt what I am doing
Alt+Enter  a new line in the prompt"""


def turn(wish: str, folder: Folder, team: Team) -> Iterator[Step]:
    """Closing it between two steps interrupts the turn."""
    try:
        if team.is_call(wish):
            yield from team.hear(wish)
        elif team.parts_of(wish):
            yield from team.lead(wish)
        elif wish.rstrip().endswith("?"):
            yield from _look(folder)
        else:
            yield from _work(wish, folder, team)
    except WorkError as error:
        yield Step("bad", f"That did not work: {error}")


def _look(folder: Folder) -> Iterator[Step]:
    yield Step("busy", "Looking around", 1.2)
    found = folder.survey()
    yield Step("did", f"Read {_files(found)}")
    yield Step("say", _described(found, folder))
    yield Step("say", "Tell me what to write, and I will.")


def _work(wish: str, folder: Folder, team: Team) -> Iterator[Step]:
    with_git = folder.has_git()
    channel = team.channel_of(wish)
    if channel:
        yield from team.begin(channel, wish)
    yield Step("busy", "Thinking", 1.0)
    yield Step("say", _plan(folder.names_note(wish), with_git=with_git))
    yield Step("busy", "Reading", 0.9)
    yield Step("did", f"Read {_files(folder.survey())}")
    yield Step("busy", "Writing", 1.2)
    written = folder.write(wish)
    yield from _shown(written, folder)
    if written.function:
        yield Step("busy", "Running the test", 0.6)
        team.last_test = folder.test(written)
        yield Step("did", f"{team.last_test}: passed")
    if with_git:
        yield Step("busy", "Committing", 0.5)
        yield Step("did", f"Committed {folder.commit(written, wish)} on {folder.branch()}")
    if channel and with_git:
        yield from team.hand_over(channel, wish)
    yield Step("say", _summary(written, folder))


def _plan(note: str, *, with_git: bool) -> str:
    what = f"write into {note}" if note else "write a function and its test, run it"
    last = "commit" if with_git else "leave it here: there is no git in this directory"
    return f"My plan: read what is here, {what}, {last}."


def _shown(written: Written, folder: Folder) -> Iterator[Step]:
    for path, lines in folder.counts(written):
        yield Step("did", f"Wrote {path} (+{lines})")
    for line in written.text.splitlines():
        yield Step("plus", line, 0.12)


def _summary(written: Written, folder: Folder) -> str:
    added = sum(lines for _, lines in folder.counts(written))
    files = "1 file" if len(written.paths) == 1 else f"{len(written.paths)} files"
    return f"Done: {files}, {added} lines added, none removed. What next?"


def _files(found: Survey) -> str:
    return "1 file" if found.files == 1 else f"{found.files} files"


def _described(found: Survey, folder: Folder) -> str:
    if not found.files:
        return "This directory is empty."
    kinds = (
        ", ".join(f"{kind} ({count})" for kind, count in found.kinds) or "nothing I know by name"
    )
    said = f"There are {_files(found)} here, mostly {kinds}."
    if not folder.has_git():
        return f"{said} There is no git here."
    last = f" The last commit says: “{found.last_commit}”." if found.last_commit else ""
    return f"{said} We are on {folder.branch() or 'no branch'}.{last}"
