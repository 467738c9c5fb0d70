"""What holds in a Channel: names, mentions, sizes, and when Pods talk in circles. Pure: no Django here."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime, timedelta

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,48}[a-z0-9]|[a-z0-9]")
MAX_BODY = 16_000  # characters of a message
MAX_DOCUMENT = 200_000  # characters of a Channel's document
MAX_MENTIONS = 20

MENTION = re.compile(r"(?<![\w@/.])@([A-Za-z0-9][\w.-]{0,60}\w|[A-Za-z0-9])")
_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)

PING_PONG = 10  # typed mentions between two Pods …
PING_PONG_WINDOW = timedelta(minutes=10)  # … in this time, with no word from a person


def mentioned(body: str) -> list[str]:
    """Names after an @, in order, each once; those inside code are only talked about."""
    found = MENTION.findall(_CODE.sub(" ", body))
    return list(dict.fromkeys(found))[:MAX_MENTIONS]


def cleaned(text: str) -> str:
    """The text in NFC, without control characters but line breaks and tabs, and without bidi overrides."""
    normal = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    return "".join(c for c in normal if c in "\n\t" or not _is_hidden(c))


def _is_hidden(character: str) -> bool:
    return (
        unicodedata.category(character) == "Cc"
        or character in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    )


def goes_in_circles(typed_at: Iterable[datetime], at: datetime) -> bool:
    """Whether one more mention between these two Pods would be ping-pong.

    `typed_at`: when mentions between them were typed since a person last spoke in the Channel.
    """
    return sum(1 for each in typed_at if each > at - PING_PONG_WINDOW) >= PING_PONG
