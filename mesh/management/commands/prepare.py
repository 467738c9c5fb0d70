from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from mesh.up import schema, seed
from mesh.up.trouble import TroubleError


class Command(BaseCommand):
    help = (
        "Make or bring up to date the tables, the certificate authority, the static files and the first owner,"
        " where services are started by something else than `up`. Example: manage.py prepare"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--token", action="store_true", help="print an API token of the owner")

    def handle(self, *_args: Any, **options: Any) -> None:
        settings.HOME.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            schema.prepare()
        except TroubleError as error:
            raise CommandError(str(error)) from error
        owner = seed.owner()
        if options["token"]:
            self.stdout.write(seed.new_token(owner))
        else:
            self.stdout.write(settings.PUBLIC_URL + seed.login_path(owner))
