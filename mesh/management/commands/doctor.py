import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from mesh.up.doctor import examine


class Command(BaseCommand):
    help = "Find what is wrong with this installation. Exit code 1 if something is. Example: manage.py doctor"
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        findings = list(examine())
        if options["json"]:
            self.stdout.write(json.dumps([asdict(each) for each in findings]))
        else:
            for each in findings:
                mark = self.style.ERROR("✗") if each.cure else self.style.SUCCESS("✓")
                self.stdout.write(f"{mark} {each.about}: {each.found}")
                if each.cure:
                    self.stdout.write(f"  {each.cure}")
        if any(each.cure for each in findings):
            raise SystemExit(1)
