import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from mesh.up.status import status


class Command(BaseCommand):
    help = "What runs now. Exit code 1 if nothing does. Example: manage.py status --json"
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        found = status()
        if options["json"]:
            self.stdout.write(json.dumps(found))
        else:
            for each in found["services"]:
                self.stdout.write(f"{each['name']:10} {each['state']:10} {each['pid'] or ''}")
            self.stdout.write(f"{found['pods']['running']} Pods are running.")
        if not found["services"]:
            raise SystemExit(1)
