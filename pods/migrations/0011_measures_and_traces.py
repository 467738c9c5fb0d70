from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("pods", "0010_session_health")]

    operations = [
        migrations.AddField("gateway", "measured", models.JSONField(default=list, editable=False)),
        migrations.AddField(
            "command", "trace", models.CharField(blank=True, editable=False, max_length=64)
        ),
    ]
