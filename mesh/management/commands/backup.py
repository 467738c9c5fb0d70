from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from mesh.up.backup import back_up
from mesh.up.trouble import TroubleError


class Command(BaseCommand):
    help = "Copy all that must not be lost to a directory. Example: manage.py backup /srv/backups/monday"
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("directory", type=Path, help="new or empty; it will hold secrets")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            back_up(options["directory"])
        except (TroubleError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{options['directory']} holds a backup, and keys: keep it closed.")
