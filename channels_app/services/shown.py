"""A message as programs and agents are told of it."""

from typing import Any

from channels_app.models import Mention, Message


def message_shape(message: Message) -> dict[str, Any]:
    """JSON. A deleted one keeps its number."""
    return {
        "number": message.number,
        "author": {
            "kind": _kind(message),
            "name": message.author_name,
            "pod": message.author_pod.key if message.author_pod else None,
            "user": message.author_user.username if message.author_user else None,
        },
        "body": message.body,
        "reply_to": message.reply_to.number if message.reply_to else None,
        "mentions": [_mention(mention) for mention in message.mentions.all()],
        "created_at": message.created_at.isoformat(),
        "edited_at": message.edited_at.isoformat() if message.edited_at else None,
        "deleted": message.deleted_at is not None,
    }


def _kind(message: Message) -> str:
    if message.is_notice:
        return "mesh"
    return "pod" if message.author_pod else "person"


def _mention(mention: Mention) -> dict[str, Any]:
    return {
        "pod": mention.pod.key if mention.pod else None,
        "user": mention.user.username if mention.user else None,
        "receipt": mention.receipt,
        "typed_at": mention.typed_at.isoformat() if mention.typed_at else None,
    }
