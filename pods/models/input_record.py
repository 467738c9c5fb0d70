from typing import ClassVar

from django.db import models

from pods.models.pod import Pod


class InputRecord(models.Model):
    """Who typed what into a Terminal: one burst of one author, of at most 1 s and 4 KiB."""

    pod = models.ForeignKey(Pod, on_delete=models.CASCADE, related_name="input_records")
    author_kind = models.CharField(max_length=10)  # an ActorKind
    author_id = models.CharField(max_length=40)
    author_name = models.CharField(max_length=150, blank=True)
    writer = models.CharField(max_length=200)  # names one sequence of typed bytes
    position = models.BigIntegerField()  # of the first byte, in what this writer typed
    offset = models.BigIntegerField()  # of the Terminal, when the PTY took it
    length = models.PositiveIntegerField()  # bytes
    text = models.TextField(blank=True)
    is_hidden = models.BooleanField(default=False)  # the Terminal hid its input: no text is kept
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["pod", "writer", "position"], name="input_recorded_once"
            )
        ]
        indexes: ClassVar = [models.Index(fields=["pod", "offset"])]

    def __str__(self) -> str:
        return f"{self.length} bytes into {self.pod_id} by {self.author_name}"
