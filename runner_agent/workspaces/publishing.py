"""Commit and push what is in a Workspace, and say in a sentence why it did not go.

Both obey the agent's own configuration and hooks, so both run in its jail. Only with a secret, or to a repository on
this machine, a push goes from a directory of our own: what the agent planted then neither runs nor sees the secret.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from runner_agent.jail import execute
from runner_agent.jail.confine import Confinement
from runner_agent.messages import CommandError
from runner_agent.workspaces.git_names import Source
from runner_agent.workspaces.git_view import GitView, ViewError
from runner_agent.workspaces.git_words import FLAGS

COMMIT_S, PUSH_S = 120.0, 300.0
_SAID = 800  # characters of what git said
_REMOTE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/-]{0,99}\Z")
_HELPER = (
    '!f() { test "$1" = get && printf "username=%s\\npassword=%s\\n" '
    '"$MESH_GIT_USER" "$MESH_GIT_TOKEN"; }; f'
)
_REASONS: tuple[tuple[str, str, str], ...] = (
    (r"Please tell me who you are|empty ident|unable to auto-detect", "no_identity",
     "git knows no name and address to commit with: set user.name and user.email in the Pod."),
    (r"index\.lock|Another git process", "git_busy",
     "Another git is at work in this Workspace: try again in a moment."),
    (r"\[(remote )?rejected\].*\((fetch first|non-fast-forward)\)", "rejected",
     "The remote branch has commits that this one lacks: bring them in first, or push to another branch."),
    (r"\[remote rejected\]|hook declined|protected branch", "rejected",
     "The remote refused this branch: {said}"),
    (r"could not read Username|Authentication failed|terminal prompts disabled|Permission denied|"
     r"HTTP Basic|error: 40[13]|Host key verification failed", "no_credentials",
     "The remote wants credentials that this Pod does not have, or did not take them: {said}"),
    (r"Could not resolve host|unable to access|Connection refused|timed out|unreachable", "unreachable",
     "The remote cannot be reached: {said}"),
    (r"does not appear to be a git repository|No such remote|No configured push", "no_remote",
     "There is no such remote repository: {said}"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bench:
    """Where git runs as the agent would: its jail and its environment."""

    prefix: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path

    async def git(self, *words: str, timeout_s: float = COMMIT_S) -> execute.Finished:
        env = {
            **self.env,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_LITERAL_PATHSPECS": "1",
            "LC_ALL": "C.UTF-8",
        }
        env.setdefault("GIT_EDITOR", "true")
        argv = (*self.prefix, "git", *words)
        try:
            return await execute.run(argv, cwd=self.cwd, env=env, timeout_s=timeout_s)
        except OSError as error:
            raise CommandError("no_git", f"git cannot be run here: {error.strerror}.") from error

    async def said(self, *words: str, code: str, timeout_s: float = COMMIT_S) -> str:
        """What it printed; CommandError, of `code` if nothing better is known."""
        finished = await self.git(*words, timeout_s=timeout_s)
        check(finished, code, timeout_s)
        return finished.stdout.decode(errors="replace").strip()


async def commit(bench: Bench, message: str, paths: Sequence[str]) -> dict[str, object]:
    """All that is not ignored, or these paths alone. CommandError nothing_to_commit, no_identity, git_busy, commit_failed."""
    only = ("--", *(paths or ["."]))
    await bench.said("add", "--all", *only, code="commit_failed")
    waiting = await bench.said("diff", "--cached", "--name-only", "-z", *only, code="commit_failed")
    if not waiting:
        raise CommandError("nothing_to_commit", "There is nothing to commit: no file has changed.")
    words = ("commit", "--quiet", "-m", message, *(("--only", *only) if paths else ()))
    await bench.said(*words, code="commit_failed")
    return {
        "commit": await bench.said("rev-parse", "HEAD", code="commit_failed"),
        "files": len(waiting.rstrip("\0").split("\0")),
    }


async def push(bench: Bench, remote: str, head: str, branch: str) -> None:
    """As the agent itself would."""
    if not _REMOTE.match(remote):
        raise CommandError("bad_remote", f"{remote[:80]!r} is not the name of a remote.")
    words = ("push", "--porcelain", remote, f"{head}:refs/heads/{branch}")
    await bench.said(*words, code="push_failed", timeout_s=PUSH_S)


async def push_from_ours(
    view: GitView, source: Source, head: str, branch: str, secrets: Mapping[str, str]
) -> None:
    """Without the agent's configuration; `secrets`: username and token for https."""
    view.refresh()
    local = (Path(source.url),) if source.is_local else ()
    confinement = Confinement(
        cwd=view.tree, writable=(view.directory, *local), readable=(view.tree, view.cache)
    )
    allowed = ("-c", f"protocol.{source.protocol}.allow=always", "-c", "http.followRedirects=false")
    helper = ("-c", f"credential.helper={_HELPER}") if secrets else ()
    words = ("push", "--porcelain", "--no-verify", "--", source.url, f"{head}:refs/heads/{branch}")
    env = view.environment() | {
        "MESH_GIT_USER": secrets.get("username") or "x-access-token",
        "MESH_GIT_TOKEN": secrets.get("token", ""),
    }
    argv = (*view.isolation.confine(confinement), "git", *FLAGS, *allowed, *helper, *words)
    try:
        finished = await execute.run(argv, cwd=view.tree, env=env, timeout_s=PUSH_S)
    except OSError as error:
        raise ViewError(f"git cannot be run: {error.strerror}") from error
    check(finished, "push_failed", PUSH_S)


def check(finished: execute.Finished, code: str, timeout_s: float) -> None:
    if finished.timed_out:
        raise CommandError("timed_out", f"git took more than {timeout_s:.0f} seconds.")
    if finished.exit_code == 0:
        return
    text = (finished.stderr + b"\n" + finished.stdout).decode(errors="replace")
    said = _telling(text)
    for pattern, known, sentence in _REASONS:
        if re.search(pattern, text):
            raise CommandError(known, sentence.format(said=said))
    raise CommandError(code, said or f"git ended with {finished.exit_code}.")


def _telling(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    kept = [line for line in lines if not line.startswith(("hint:", "To ", "Done"))]
    return " ".join(kept)[-_SAID:]
