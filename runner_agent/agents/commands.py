"""`mesh-runner agents`: what is installed here, install one beforehand, remove what no Pod uses."""

import asyncio
import json
import tomllib
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from runner_agent import config as configs
from runner_agent.agents import available, installing, prefixes, removing
from runner_agent.agents.prefixes import Installed
from runner_agent.agents.spec import AgentSpec
from runner_agent.config import Config
from runner_agent.errors import ToldError
from runner_agent.jail import confine
from runner_agent.messages import CommandError

app = typer.Typer(
    help="The coding agents of this machine.",
    epilog="Example: mesh-runner agents list --json",
    no_args_is_help=True,
)
Home = Annotated[
    Path | None,
    typer.Option("--home", help="Where this Runner keeps everything. Default: ~/.mesh-runner"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print data for programs.")]


@app.command("list", epilog="Example: mesh-runner agents list --json")
def list_(home: Home = None, *, as_json: AsJson = False) -> None:
    """What is on the PATH, what the Runner installed, what it can install, and why not."""
    config = configs.load(home)
    config.prepare()
    found = asyncio.run(available.look(config))
    used, sizes = prefixes.in_use(config), _sizes(config)
    rows = [
        {**asdict(one), "size": sizes.get(one.path, 0), "used": _is_used(one.path, used)}
        for one in found
    ]
    if as_json:
        typer.echo(json.dumps(rows))
        return
    for row in rows:
        typer.echo("  ".join(filter(None, _words(row))))


@app.command(epilog="Example: mesh-runner agents install agent-types/claude.toml@2.1.330")
def install(
    what: Annotated[
        str, typer.Argument(help="Declaration file, or slug of one that a Pod here had; @VERSION.")
    ],
    home: Home = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Install an agent before a Pod needs it."""
    config = configs.load(home)
    config.prepare()
    name, _, version = what.partition("@")
    spec = _declared(config, name)
    if version:
        spec = replace(spec, install=replace(spec.install, version=version))
    if spec.install.kind == "none":
        raise ToldError(f"{spec.slug} is not installed by the Runner.")
    try:
        installed = asyncio.run(_install(config, spec))
    except CommandError as error:
        raise ToldError(error.message) from error
    path = str(installed.prefix(config))
    typer.echo(json.dumps({**asdict(installed), "path": path}) if as_json else path)


@app.command(epilog="Example: mesh-runner agents remove claude@2.1.197")
def remove(
    what: Annotated[str, typer.Argument(help="SLUG or SLUG@VERSION. Default: all unused.")] = "",
    home: Home = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Remove versions that no Pod runs."""
    slug, _, version = what.partition("@")
    gone = removing.remove(configs.load(home), slug, version)
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in gone]))
        return
    for one in gone:
        typer.echo(f"{one.slug} {one.version} removed")


async def _install(config: Config, spec: AgentSpec) -> Installed:
    isolation = await confine.detect(config)
    return await installing.install(
        config, spec, isolation, lambda line: typer.echo(line, err=True)
    )


def _declared(config: Config, name: str) -> AgentSpec:
    """ToldError."""
    try:
        if name.endswith(".toml"):
            held = tomllib.loads(Path(name).read_text())
            return AgentSpec.from_payload({key: held[key] for key in ("slug", "name", "install")})
        for record in config.pods.glob("*/start.json"):
            agent = json.loads(record.read_bytes()).get("agent") or {}
            if agent.get("slug") == name:
                return AgentSpec.from_payload(agent)
    except (CommandError, KeyError, tomllib.TOMLDecodeError) as error:
        raise ToldError(f"{name} does not declare an agent type: {error}") from error
    raise ToldError(f"No Pod here had the agent {name}: name the file that declares it.")


def _sizes(config: Config) -> dict[str, int]:
    every = prefixes.everything(config)
    return {str(one.prefix(config) / "bin" / one.program): one.size for one in every}


def _is_used(path: str, used: set[str]) -> bool:
    return str(Path(path).parent.parent) in used


def _words(row: dict[str, Any]) -> list[str]:
    if row["slug"].startswith("install:"):
        return [row["slug"], row["problem"] or "can be used"]
    size = f"{row['size'] / (1 << 20):.0f} MiB" if row["size"] else ""
    used = "in use" if row["used"] else ""
    return [row["slug"], row["version"], row["path"], size, used, row["problem"]]
