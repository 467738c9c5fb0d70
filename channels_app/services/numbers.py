"""The next number of a Channel, and lines of Mesh itself."""

from django.db import transaction
from django.db.models import F
from django.utils.timezone import now

from channels_app.models import Channel, Message
from pods.errors import ConflictError
from pods.news import Content, announce


def next_number(channel: Channel) -> int:
    """Taken in the message's own transaction: what is rolled back leaves no gap, and whoever sees N sees N-1.

    Raises ConflictError for an archived Channel.
    """
    taken = Channel.objects.filter(pk=channel.pk, archived_at=None).update(
        last_number=F("last_number") + 1, last_at=now()
    )
    if not taken:
        raise ConflictError("archived", f"#{channel.slug} is archived: nothing more can be posted.")
    return Channel.objects.values_list("last_number", flat=True).get(pk=channel.pk)


def notice(channel: Channel, body: str) -> Message:
    """A line of Mesh itself."""
    with transaction.atomic():
        number = next_number(channel)
        message = Message.objects.create(
            channel=channel, number=number, author_name="Mesh", is_notice=True, body=body
        )
        tell(channel, number)
    return message


def tell(channel: Channel, number: int, content: Content | None = None) -> None:
    announce(channel.organization_id, "message", channel.slug, str(number), content)
