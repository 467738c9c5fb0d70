"""The command lines of git in a repository that an agent can write: with all switched off that could start a program."""

import shlex

Words = tuple[str, ...]
"""Of one git command, from its name on."""

FLAGS = (
    *("-c", "core.fsmonitor=false", "-c", "core.untrackedCache=true"),
    *("-c", "status.showUntrackedFiles=all", "-c", "core.splitIndex=false"),
    *("-c", "core.hooksPath=/dev/null", "-c", "core.attributesFile=/dev/null"),
    *("-c", "core.pager=cat", "-c", "core.quotePath=false", "-c", "diff.external="),
    *("-c", "log.showSignature=false", "-c", "submodule.recurse=false"),
    *("-c", "protocol.allow=never", "-c", "gc.auto=0", "-c", "credential.helper="),
)


def command_line(*commands: Words) -> Words:
    """Several are run one after the other by a shell, up to the first that fails; all get its input."""
    lines = [("git", *FLAGS, *words) for words in commands]
    if len(lines) == 1:
        return lines[0]
    return ("sh", "-c", " && ".join(map(shlex.join, lines)))
