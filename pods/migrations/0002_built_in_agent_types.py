"""Had rows for the built-in AgentTypes. They come from pods/agent_types now: `agent_types.load_built_in`."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("pods", "0001_initial")]
    operations = []
