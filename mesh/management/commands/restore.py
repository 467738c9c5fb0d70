from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from mesh.up.backup import restore
from mesh.up.trouble import TroubleError


class Command(BaseCommand):
    help = (
        "Put a backup back, with all services stopped: what is there now is replaced."
        " Example: manage.py restore /srv/backups/monday --yes"
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("directory", type=Path)
        parser.add_argument("--yes", action="store_true", help="replace what is there")

    def handle(self, *_args: Any, **options: Any) -> None:
        if not options["yes"]:
            raise CommandError("This replaces the database and the keys. Say --yes to do it.")
        try:
            runners = restore(options["directory"])
        except (TroubleError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Restored. {runners} Runners find back by themselves once it runs.")
