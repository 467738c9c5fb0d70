from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from mesh.demo.api import Api
from mesh.demo.story import Story
from mesh.demo.told import Teller
from mesh.up.trouble import TroubleError


class Command(BaseCommand):
    help = (
        "Watch three agents work together on the running system: one plans, starts two workers, talks with them and"
        " merges what they bring. Example: manage.py demo"
    )
    requires_system_checks: list[str] = []

    def handle(self, *_args: Any, **_options: Any) -> None:
        try:
            Story(Api(settings.HOME.run_file), Teller()).run()
        except TroubleError as trouble:
            raise CommandError(str(trouble)) from trouble
        except KeyboardInterrupt:
            raise CommandError("Left. The agents go on; look at the Map page.") from None
