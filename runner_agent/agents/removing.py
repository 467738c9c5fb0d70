"""Remove what the Runner installed and no Pod runs from. Only when a person asks."""

from runner_agent.agents import prefixes
from runner_agent.agents.prefixes import Installed
from runner_agent.config import Config
from runner_agent.errors import ToldError
from runner_agent.workspaces import removal


def remove(config: Config, slug: str = "", version: str = "") -> list[Installed]:
    """Without a slug: all that are not in use, and tools and caches that nothing needs any more.

    ToldError for one that is in use, or is not there.
    """
    used = prefixes.in_use(config)
    chosen = [
        one
        for one in prefixes.everything(config)
        if slug in ("", one.slug) and version in ("", one.version)
    ]
    if slug and not chosen:
        raise ToldError(
            f"{_name(slug, version)} is not installed: `mesh-runner agents list` shows what is."
        )
    busy = [one for one in chosen if str(one.prefix(config)) in used]
    if slug and busy:
        raise ToldError(f"A Pod runs {_name(slug, busy[0].version)}: end it first.")
    gone = [one for one in chosen if one not in busy]
    for one in gone:
        prefixes.remove(config, one)
    if not slug:
        _remove_tools(config, used)
    return gone


def _remove_tools(config: Config, used: set[str]) -> None:
    needed = {need for one in prefixes.everything(config) for need in one.needs}
    for tool in (*(config.agents / ".node").glob("*"), *(config.agents / ".npm").glob("*")):
        if str(tool.relative_to(config.agents)) not in needed and str(tool) not in used:
            removal.remove(tool, config.trash)
    for cache in (config.agents / ".cache").glob("*"):
        removal.remove(cache, config.trash)


def _name(slug: str, version: str) -> str:
    return f"{slug} {version}".strip()
