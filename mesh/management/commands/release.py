import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from pods.errors import MeshError
from pods.models import Release
from pods.services import releases
from pods.services.releases import Signed

SUFFIX = ".release.json"  # of the signed manifest beside an archive


class Command(BaseCommand):
    help = (
        "Releases of the Runner: `key FILE` makes the key they are signed with, `publish ARCHIVE` gives one to Runners,"
        " `withdraw VERSION` takes it back, `list` shows them. Example: manage.py release publish out/mesh-runner-….tar.gz"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("verb", choices=["key", "publish", "withdraw", "list"])
        parser.add_argument("what", nargs="?", help="FILE, ARCHIVE or VERSION")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        verb, what = options["verb"], options["what"]
        if verb != "list" and not what:
            raise CommandError(f"`release {verb}` needs to be told what: see --help.")
        try:
            getattr(self, f"_{verb}")(*([what] if verb != "list" else []))
        except MeshError as error:
            raise CommandError(error.message) from error
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}") from error
        if options["json"]:
            self.stdout.write(json.dumps([_told(release) for release in _all()]))
        elif verb == "list":
            for release in _all():
                self.stdout.write(str(release))

    def _key(self, what: str) -> None:
        releases.make_key(Path(what))
        self.stderr.write(
            f"{what} is the private key: keep it off this server. Runners learn the public one."
        )

    def _publish(self, what: str) -> None:
        archive = Path(what)
        signed = Signed.read(archive.with_name(archive.name + SUFFIX).read_bytes())
        with archive.open("rb") as file:
            release = releases.publish(file, signed, by="an operator of the server")
        self.stderr.write(f"{release} is published.")

    def _withdraw(self, what: str) -> None:
        found = Release.objects.filter(version=what, withdrawn_at=None)
        if not found:
            raise CommandError(f"No release {what} is published.")
        for release in found:
            releases.withdraw(release)
            self.stderr.write(f"{release} is withdrawn.")

    def _list(self) -> None:
        """What is printed anyway."""


def _all() -> list[Release]:
    return list(Release.objects.filter(withdrawn_at=None).order_by("pk"))


def _told(release: Release) -> dict[str, object]:
    names = ("version", "platform", "python", "size", "sha256")
    return {name: getattr(release, name) for name in names}
