"""A Pod that goes on from another: in its Workspace and HOME (resume), or with a copy of its HOME (fork)."""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from runner_agent.agents import private_files
from runner_agent.jail import execute
from runner_agent.jail.confine import Confinement, Isolation
from runner_agent.messages import CommandError
from runner_agent.places import Places
from runner_agent.pods import whole_databases
from runner_agent.pods.payloads import StartPod
from runner_agent.pods.records import Record, Records
from runner_agent.terminals.hosts import PodHosts
from runner_agent.workspaces.workspace import Workspace

# Some agents keep the conversations of a directory in one that is named after it.
_COPY = """\
cp -a --reflink=auto "$1/." "$2" && "$5" -I -S "$6" "$1" "$2" && cd "$2" &&
find . -depth -type d -name "$3" -execdir mv -T -- {} "$4" ';'
"""
COPY_WITHIN_S = 300.0  # a HOME may hold what the agent downloaded


@dataclass(frozen=True, slots=True)
class GoingOn:
    records: Records
    hosts: PodHosts
    isolation: Isolation

    def root(self, wanted: StartPod) -> str:
        """The first Pod of the Workspace that is gone on in; empty for a Workspace of its own.

        CommandError unknown_pod, workspace_gone, workspace_busy.
        """
        if not wanted.resumes or wanted.is_fork:
            return ""
        before = self._before(wanted)
        root = before.root or before.pod
        if not Path(before.workspace.path).is_dir():
            raise CommandError(
                "workspace_gone",
                f"The Workspace of {wanted.resumes} was removed from this Runner: start a new Pod from its branch.",
            )
        for each in self.records.rooted(root):
            host = self.hosts.get(each.pod)
            if host and host.running:
                raise CommandError(
                    "workspace_busy", f"{each.pod} still works in this Workspace: end it first."
                )
        return root

    def workspace(self, wanted: StartPod) -> Workspace:
        return self._before(wanted).workspace

    def values(self, wanted: StartPod) -> dict[str, str]:
        """Of a fork: what stands for the places of the other."""
        if not _copies(wanted):
            return {}
        before = self._before(wanted)
        home = self.records.places(before.pod).home
        return {"forked_home": str(home), "forked_workspace": before.workspace.path}

    async def copy_home(self, wanted: StartPod, places: Places) -> None:
        """Of the Pod that is forked; the jail keeps what it planted there from leading anywhere else.

        Its private files are not copied: those that this Pod is to have are written anew.
        """
        if not _copies(wanted):
            return
        before = self._before(wanted)
        theirs = self.records.places(before.pod).home
        confinement = Confinement(
            cwd=places.home, writable=(places.home,), readable=(theirs,), network=False
        )
        named = [
            re.sub(r"[^A-Za-z0-9]", "-", path)
            for path in (before.workspace.path, str(places.workspace))
        ]
        databases = (sys.executable, whole_databases.__file__)
        argv = ("sh", "-c", _COPY, "sh", str(theirs), str(places.home), *named, *databases)
        copied = await execute.run(
            (*self.isolation.confine(confinement), *argv),
            cwd=places.home,
            env={"PATH": "/usr/bin:/bin"},
            timeout_s=COPY_WITHIN_S,
        )
        if copied.exit_code:
            said = copied.stderr.decode(errors="replace").strip()[-300:]
            raise CommandError(
                "fork_failed",
                f"The HOME of {wanted.resumes} cannot be copied: {said or 'it takes too long'}",
            )
        for each in self.records.rooted(before.root or before.pod):
            for word in each.private:
                if (path := Path(word)).is_relative_to(theirs):
                    private_files.remove(places.home, path.relative_to(theirs))

    def _before(self, wanted: StartPod) -> Record:
        record = self.records.get(wanted.resumes)
        if record is None:
            raise CommandError(
                "unknown_pod",
                f"Pod {wanted.resumes} is not known to this Runner: a conversation goes on where it was.",
            )
        return record


def _copies(wanted: StartPod) -> bool:
    return bool(wanted.resumes and wanted.is_fork)
