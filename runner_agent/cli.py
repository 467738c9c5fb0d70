"""`mesh-runner`: what a person types on a machine that runs Pods. Data on stdout, progress and errors on stderr."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from runner_agent import __version__, config, logs
from runner_agent.agents import commands as agents
from runner_agent.errors import ToldError
from runner_agent.update import words

# gRPC reads these when it is imported, which therefore happens inside the commands.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"  # its threads and the forks of git do not mix
os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # what fails we say ourselves

NOT_ATTACHED = 3

app = typer.Typer(
    help="Runs Pods of Mesh on this machine.",
    epilog="Exit codes: 0 done; 1 failed; 2 wrong usage; 3 not attached (status); 78 trying again does not help.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
Home = Annotated[
    Path | None,
    typer.Option("--home", help="Where this Runner keeps everything. Default: ~/.mesh-runner"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print data for programs.")]

app.add_typer(agents.app, name="agents")


def main() -> None:
    """What can be cured ends in one sentence and an exit code, not in a traceback."""
    try:
        app(prog_name="mesh-runner")
    except ToldError as error:
        _fail(str(error), error.exit_code)
    except OSError as error:
        _fail(f"{error.filename}: {error.strerror}" if error.filename else str(error), 1)


def _fail(sentence: str, code: int) -> None:
    typer.echo(f"mesh-runner: {sentence}", err=True)
    sys.exit(code)


@app.command(epilog="Example: mesh-runner enroll --server https://mesh.example.org --token TOKEN")
def enroll(  # noqa: PLR0913 - each is an option
    *,
    server: Annotated[str, typer.Option(help="URL of the Mesh server's pages.")],
    token: Annotated[
        str,
        typer.Option(envvar="MESH_ENROLLMENT_TOKEN", help="From the Runners page; used once."),
    ] = "",
    token_file: Annotated[
        Path | None, typer.Option(help="A file that holds the token; - is stdin.")
    ] = None,
    name: Annotated[str, typer.Option(help="Name of this Runner. Default: the host's.")] = "",
    label: Annotated[list[str] | None, typer.Option(help="name=value; may be repeated.")] = None,
    capacity: Annotated[
        int | None, typer.Option(help="Pods at once. Default: by cores and memory.")
    ] = None,
    home: Home = None,
    force: Annotated[bool, typer.Option("--force", help="Again, as a new Runner.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make this machine a Runner, with a single-use token."""
    from runner_agent.link import joining

    wanted = joining.Wanted(
        server=server,
        token=joining.read_token(token_file) if token_file else token,
        name=name,
        labels=tuple(label or ()),
        capacity=capacity,
        force=force,
    )
    joined = joining.join(config.load(home), wanted, say=_progress)
    typer.echo(json.dumps(joined.data()) if as_json else joined.text())


@app.command(epilog="Example: mesh-runner run --home /srv/mesh-runner")
def run(home: Home = None) -> None:
    """Keep the link to the server and do its Commands, until stopped. Pods outlive it, and updates of it."""
    from runner_agent.update import launcher

    raise typer.Exit(launcher.main([str(home)] if home else []))


@app.command(hidden=True)
def daemon(home: Home = None) -> None:
    """What `run` starts: this release itself."""
    from runner_agent.update.guard import Guard

    guard = Guard.from_environment()
    loaded = config.load(home)
    logs.configure(loaded.log_format)
    from runner_agent import daemon as daemons
    from runner_agent import lock

    if lock.holder(loaded):
        daemons.load_all()  # an update: the one that serves does so meanwhile
    guard.wait_for_turn()
    asyncio.run(daemons.run(loaded, guard))


@app.command(hidden=True)
def selftest(home: Home = None) -> None:
    """Whether this release works here. The last line says its version."""
    from runner_agent.update import selftest as tests

    typer.echo(tests.report(config.load(home)))


@app.command(epilog="Example: mesh-runner pods --home /srv/mesh-runner")
def pods(home: Home = None) -> None:
    """Own the Pods: a small program that `run` asks for each new one."""
    from runner_agent.terminals import hosts
    from runner_agent.update.releases import Releases

    loaded = config.load(home)
    releases = Releases(loaded.home)
    if (
        releases.current
    ):  # this release is older: the service names the one that was installed first
        argv = releases.command(releases.current, "pods", "--home", str(loaded.home))
        os.execv(argv[0], argv)  # noqa: S606 - no shell is meant
    loaded.prepare()
    argv = hosts.template_argv(loaded)
    os.execve(argv[0], argv, {"PATH": loaded.path, "LANG": loaded.language})  # noqa: S606 - no shell is meant


@app.command("stop-pods", epilog="Example: mesh-runner stop-pods --grace 10")
def stop_pods(
    home: Home = None,
    grace: Annotated[float, typer.Option(help="Seconds an agent may take to end.")] = 5.0,
) -> None:
    """End all Pods of this machine, also without a server."""
    from runner_agent.terminals import hosts

    ended = asyncio.run(hosts.end_all(config.load(home), grace))
    typer.echo(f"{ended} Pods ended")


@app.command(epilog="Example: mesh-runner status --json")
def status(home: Home = None, *, as_json: AsJson = False) -> None:
    """How this Runner stands. Exit code 3 when it is not attached to its server."""
    from runner_agent import overview

    seen = overview.look(config.load(home))
    if as_json:
        typer.echo(json.dumps(seen.data()))
    else:
        _print_rows(seen.rows())
    raise typer.Exit(0 if seen.attached else NOT_ATTACHED)


@app.command(epilog="Example: mesh-runner doctor")
def doctor(home: Home = None, *, as_json: AsJson = False) -> None:
    """Look for what is wrong, and say the cure. Exit code 1 when something is."""
    from runner_agent import doctor as examiner

    findings = asyncio.run(examiner.examine(config.load(home)))
    if as_json:
        typer.echo(json.dumps([finding.data() for finding in findings]))
    else:
        _print_rows([finding.row() for finding in findings])
    raise typer.Exit(0 if all(finding.ok for finding in findings) else 1)


@app.command(epilog="Example: mesh-runner service")
def service(
    home: Home = None,
    *,
    system: Annotated[
        bool, typer.Option("--system", help="For the machine's systemd, not this user's own.")
    ] = False,
) -> None:
    """Print systemd units that start this Runner with the machine."""
    from runner_agent import service as services

    typer.echo(services.units(config.load(home), system=system))
    _progress(services.hint(system=system))


app.command("update", epilog="Example: mesh-runner update --mode drain --wait 3600")(words.update)
app.add_typer(words.release, name="release")


@app.command(epilog="Example: mesh-runner version")
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


def _progress(text: str) -> None:
    typer.echo(text, err=True)


def _print_rows(rows: list[tuple[Any, ...]]) -> None:
    table = Table.grid(padding=(0, 2))
    for row in rows:
        table.add_row(*row)
    Console(highlight=False, soft_wrap=True, markup=False).print(table)
