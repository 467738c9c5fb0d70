from typing import Any

from django.core.management.base import BaseCommand, CommandError

from mesh.logs import troubles_only
from mesh.up.run import run
from mesh.up.trouble import TroubleError


class Command(BaseCommand):
    help = (
        "Start the whole system on this machine and stay until Ctrl-C. Progress on stderr; on stdout one line, with"
        " a link to sign in. Example: MESH_HOME=/tmp/mesh MESH_PORT=9000 manage.py up"
    )
    requires_system_checks: list[str] = []

    def handle(self, *_args: Any, **_options: Any) -> None:
        troubles_only()
        try:
            run()
        except TroubleError as trouble:
            raise CommandError(str(trouble)) from trouble
