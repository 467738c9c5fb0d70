"""`mesh-runner update` and `mesh-runner release`: what a person types."""

import json
from pathlib import Path
from typing import Annotated

import typer

from runner_agent import config
from runner_agent.errors import ToldError

Home = Annotated[Path | None, typer.Option("--home", help="Default: ~/.mesh-runner")]
AsJson = Annotated[bool, typer.Option("--json", help="Print data for programs.")]
Mode = Annotated[str, typer.Option(help="handover: Pods live through it. drain: they end first.")]

release = typer.Typer(help="Releases of the Runner.", no_args_is_help=True)


def update(  # noqa: PLR0913 - each is an option
    home: Home = None,
    *,
    version: Annotated[str, typer.Option(help="Default: the newest that fits.")] = "",
    mode: Mode = "handover",
    wait: Annotated[int, typer.Option(help="Limit of the wait, in seconds.")] = 0,
    give_up: Annotated[
        bool, typer.Option("--give-up", help="After that wait; else go on.")
    ] = False,
    archive: Annotated[
        Path | None, typer.Option(help="Install this one; the Runner must not run.")
    ] = None,
    status: Annotated[
        bool, typer.Option("--status", help="Only how the newest update went.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Ask the server for an update of this Runner; its Pods live through it."""
    from runner_agent.update import asking

    loaded = config.load(home)
    if status:
        typer.echo(_shown(asking.newest(loaded), as_json=as_json))
        return
    if mode not in {"handover", "drain"}:
        raise ToldError("--mode is handover or drain.")
    if archive:
        came = asking.install(loaded, archive, lambda text: typer.echo(text, err=True))
        said = f"{came} is installed: it is tried at the next start of the Runner."
    else:
        after = "give_up" if give_up else "handover"
        came = asking.ask(loaded, asking.Wish(version, mode, wait, after))
        said = f"The server was asked for {came}. How far it is: mesh-runner update --status"
    typer.echo(json.dumps({"version": came}) if as_json else said)


@release.command(
    epilog="Example: mesh-runner release build --version 1.4.2 --key release.pem --out dist"
)
def build(
    *,
    version: Annotated[str, typer.Option(help="Numbers with points, such as 1.4.2.")],
    key: Annotated[Path, typer.Option(help="The operator's private key (manage.py release key).")],
    out: Annotated[Path, typer.Option(help="Where the archive goes.")] = Path("dist"),
    lock: Annotated[Path | None, typer.Option(help="Versions must be those of this lock.")] = None,
    as_json: AsJson = False,
) -> None:
    """Pack this Runner and all it needs into a signed archive for this platform and Python. Needs no network."""
    from runner_agent.update import builder

    path = builder.build(builder.Wanted(version, out, key, lock))
    typer.echo(json.dumps({"archive": str(path), "version": version}) if as_json else str(path))


def _shown(newest: dict[str, object] | None, *, as_json: bool) -> str:
    if as_json or newest is None:
        return json.dumps(newest) if as_json else "There was no update yet."
    steps = newest["steps"]
    assert isinstance(steps, list)  # noqa: S101
    lines = [
        f"{newest['version']} (from {newest['was']}): {newest['state']}",
        str(newest["reason"]),
    ]
    return "\n".join(
        line for line in [*lines, *(f"  {s['step']} {s['text']}" for s in steps)] if line.strip()
    )
