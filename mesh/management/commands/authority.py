import json
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from pods.errors import MeshError
from pods.services import rotation

_VERBS: dict[str, Callable[..., None]] = {
    "switch": rotation.switch,
    "finish": rotation.finish,
    "roll-back": rotation.roll_back,
}


class Command(BaseCommand):
    help = (
        "Another certificate authority, while Runners work: `begin` makes one that is trusted too, `switch` lets it sign,"
        " `finish` forgets the one before, `roll-back` goes a step back, `status` says who has not renewed yet."
        " Example: manage.py authority begin"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("verb", choices=["status", "begin", *_VERBS])
        parser.add_argument("--force", action="store_true", help="do not wait for Runners")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            if options["verb"] == "begin":
                rotation.begin()
            elif options["verb"] != "status":
                _VERBS[options["verb"]](force=options["force"])
        except MeshError as error:
            raise CommandError(error.message) from error
        now = rotation.state()
        if options["json"]:
            told = {"phase": now.phase, "since": now.since, "waits_for": now.waits_for}
            self.stdout.write(json.dumps(told, default=str))
            return
        self.stdout.write(f"The authority is {now.phase}.")
        for name in now.waits_for:
            self.stdout.write(f"{name} has not renewed yet.")
