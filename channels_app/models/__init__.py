"""The rows of the Channels: a room, who is in it, what was said, and who was called."""

from channels_app.models.channel import Channel, DocumentVersion, Member
from channels_app.models.message import Mention, Message

__all__ = ["Channel", "DocumentVersion", "Member", "Mention", "Message"]
