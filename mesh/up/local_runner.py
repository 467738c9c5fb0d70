"""The Runner of this machine: enrolled by the very steps of a remote one, by its own program."""

import json
import subprocess
import sys
from pathlib import Path

from django.conf import settings

from mesh.up.seed import Owner
from mesh.up.trouble import TroubleError
from pods.models import Runner
from pods.services.runners import create_enrollment_token

ENROLLS_WITHIN = 60  # seconds


def enrolled(home: Path) -> Runner | None:
    """The Runner that this home belongs to, if the server still knows it."""
    file = home / "enrolled.json"
    if not file.exists():
        return None
    return Runner.objects.usable().filter(pk=json.loads(file.read_text())["runner_id"]).first()


def enroll(owner: Owner, home: Path, environment: dict[str, str]) -> Runner:
    _write_config(home)
    _, secret = create_enrollment_token(organization=owner.organization, by=owner.actor)
    url = f"http://{settings.LISTEN}:{settings.PORT}"
    runner_agent(
        ["enroll", "--server", url, "--force", "--home", str(home)],
        {**environment, "MESH_ENROLLMENT_TOKEN": secret},
    )
    runner = enrolled(home)
    if runner is None:
        raise TroubleError(
            f"The Runner of this machine was enrolled, but is not there: remove {home}"
        )
    return runner


def _write_config(home: Path) -> None:
    """Only at first: the file belongs to the person who runs the machine."""
    home.mkdir(mode=0o700, exist_ok=True)
    file = home / "config.toml"
    if not file.exists():
        roots = [str(settings.HOME.repositories.resolve()), str(settings.BASE_DIR)]
        file.write_text(
            "# Settings of this Runner. Local repositories are taken only from below these roots.\n"
            f"repository_roots = {json.dumps(roots)}\n"
        )


def runner_agent(arguments: list[str], environment: dict[str, str]) -> str:
    """What the Runner's own program prints; its last line is the trouble if it fails."""
    done = subprocess.run(  # noqa: S603 - our own command line
        [sys.executable, "-m", "runner_agent", *arguments],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        timeout=ENROLLS_WITHIN,
        check=False,
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["it said nothing"]
        raise TroubleError(f"The Runner of this machine failed at `{arguments[0]}`: {said[-1]}")
    return done.stdout
