from typing import Any

from django.core.management.base import BaseCommand, CommandError

from mesh.logs import troubles_only
from mesh.up.stop import stop
from mesh.up.trouble import TroubleError


class Command(BaseCommand):
    help = "Stop what `manage.py up` started, and the Pods of this machine. Example: manage.py down"
    requires_system_checks: list[str] = []

    def handle(self, *_args: Any, **_options: Any) -> None:
        troubles_only()
        try:
            self.stdout.write(stop())
        except TroubleError as trouble:
            raise CommandError(str(trouble)) from trouble
