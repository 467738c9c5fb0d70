"""The AgentTypes every installation has. Later changes an operator made to them stay."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

# The Runner's shell: bash where the machine has it, else what every machine has.
SHELL = ["sh", "-c", "command -v bash >/dev/null && exec bash -l; exec sh -l"]

BUILT_IN = {
    "shell": {
        "name": "Shell",
        "description": "A login shell: for trying things out, and for agents you start by hand.",
        "argv": SHELL,
    },
    "custom": {
        "name": "Custom command",
        "description": "Any terminal program: give its command line with the Pod.",
        "argv": [],
    },
    "demo": {
        "name": "Demo agent",
        "description": "Behaves like a coding agent, and really edits and commits. Needs no API key.",
        "argv": ["mesh-demo"],
    },
}


def add(apps: Apps, _schema: BaseDatabaseSchemaEditor) -> None:
    AgentType = apps.get_model("pods", "AgentType")  # noqa: N806 - a class
    for slug, fields in BUILT_IN.items():
        AgentType.objects.get_or_create(organization=None, slug=slug, defaults=fields)


class Migration(migrations.Migration):
    dependencies = [("pods", "0001_initial")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
