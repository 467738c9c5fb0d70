from django.db import models
from django.utils.timezone import now


class Gateway(models.Model):
    """A live gateway process: where web finds it. Refreshed every 5 s, swept at 20 s."""

    id = models.CharField(primary_key=True, max_length=60)
    address = models.CharField(max_length=200)  # "unix:/path" or "host:port", the private listener
    started_at = models.DateTimeField(default=now)
    seen_at = models.DateTimeField(default=now)
    measured = models.JSONField(default=list, editable=False)  # as pods/gateway/measures.py says it

    def __str__(self) -> str:
        return self.id
