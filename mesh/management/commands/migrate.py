"""Django's own, and then the agent types that come with this version."""

from typing import Any

from django.core.management.commands import migrate
from django.db import DEFAULT_DB_ALIAS

from pods.services.built_in import load_built_in


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        if options["app_label"] or options["plan"] or options["database"] != DEFAULT_DB_ALIAS:
            return  # the tables may not be as the models say
        for problem in load_built_in():
            self.stderr.write(f"An agent type was not loaded. {problem}")
