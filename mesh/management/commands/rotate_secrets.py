"""Change the key that protects credential sets."""

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from pods.envelope import EnvelopeError
from pods.services import vault


class Command(BaseCommand):
    help = "Put every secret under the current key; with --new-key, under a new one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        parser.epilog = (
            "example:\n"
            "  manage.py rotate_secrets --new-key --forget\n\n"
            "With the key in MESH_SECRETS_KEY: put a new one before the old one there, with a comma between,\n"
            "restart, rotate, and take the old one away. Back up the key file with the database: without it the\n"
            "secrets cannot be read."
        )
        parser.add_argument("--new-key", action="store_true", help="make a new key in the file")
        parser.add_argument(
            "--forget", action="store_true", help="afterwards take the old keys out of the file"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            done = vault.rotate(new=options["new_key"])
            gone = vault.forget_old_keys() if options["forget"] else 0
        except EnvelopeError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{done} secrets are under the key {vault.keys().current} now.")
        if gone:
            self.stdout.write(f"{gone} old keys are forgotten: backups from before need them.")
