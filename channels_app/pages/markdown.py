"""Messages and documents as HTML: Markdown made by the server, cleaned, with mentions as links. Pure."""

import re
from collections.abc import Iterable
from functools import lru_cache
from html import unescape

import nh3
from django.utils.safestring import SafeString
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from channels_app.rules import MENTION

KEPT = 1024  # rendered texts; a page shows some hundred

_DIFF_KINDS = {"+": "added", "-": "removed", "@": "hunk"}
_TAGS = {
    *("p", "br", "hr", "em", "strong", "s", "code", "pre", "blockquote", "a", "span"),
    *("ul", "ol", "li", "h1", "h2", "h3", "h4", "h5", "h6"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
_ADDRESS = r"(?P<address>https?://[^\s<>\"'`]*[^\s<>\"'`.,;:!?)\]])"
_CALLED = re.compile(f"{MENTION.pattern}|{_ADDRESS}")
_CLEANER = nh3.Cleaner(
    tags=_TAGS,
    attributes={"a": {"href"}, "span": set(), "ol": {"start"}},
    allowed_classes={
        "a": {"mention", "me"},
        "span": {"mention", "me", "added", "removed", "hunk"},
    },
    url_schemes={"http", "https", "mailto"},
    link_rel="noopener noreferrer nofollow",
)

Known = tuple[tuple[str, str], ...]
"""Names that are mentions here, each with where it leads: a path, "me", or nothing."""


def html(text: str, known: Iterable[tuple[str, str]] = ()) -> SafeString:
    """`known`: pairs of a name after an @ and its page; "me" marks the reader's own."""
    return _html(text, tuple(sorted(known)))


@lru_cache(maxsize=KEPT)
def _html(text: str, known: Known) -> SafeString:
    rendered = _PARSER.render(text, {"known": dict(known)})
    return SafeString(_CLEANER.clean(rendered))  # cleaned: no script, no style, no foreign frame


def _mentions(state: StateCore) -> None:
    known: dict[str, str] = state.env.get("known", {})
    for block in state.tokens:
        if block.type == "inline":
            block.children = _marked(block.children or [], known)


def _marked(tokens: list[Token], known: dict[str, str]) -> list[Token]:
    """The names inside a link stay text: links do not nest."""
    marked: list[Token] = []
    depth = 0
    for token in tokens:
        depth += {"link_open": 1, "link_close": -1}.get(token.type, 0)
        split = token.type == "text" and not depth
        marked += _split(token.content, known) if split else [token]
    return marked


def _split(text: str, known: dict[str, str]) -> list[Token]:
    parts: list[Token] = []
    end = 0
    for found in _CALLED.finditer(text):
        if found["address"]:
            made = _link(found[0])
        elif found[1] in known:
            made = _mention(found[0], known[found[1]])
        else:
            continue
        parts += [_text(text[end : found.start()]), *made]
        end = found.end()
    return [*parts, _text(text[end:])]


def _link(address: str) -> list[Token]:
    attributes: dict[str, str | int | float] = {"href": address}
    return [
        Token("link_open", "a", 1, attrs=attributes),
        _text(address),
        Token("link_close", "a", -1),
    ]


def _mention(said: str, leads_to: str) -> list[Token]:
    is_link = leads_to.startswith("/")
    tag = "a" if is_link else "span"
    attributes: dict[str, str | int | float] = {
        "class": "mention me" if leads_to == "me" else "mention"
    }
    if is_link:
        attributes["href"] = leads_to
    return [
        Token("mention_open", tag, 1, attrs=attributes),
        _text(said),
        Token("mention_close", tag, -1),
    ]


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)


def _colored(code: str, language: str, _attributes: str) -> str:
    """A diff with a class for each line that is added or removed; anything else as it is (empty: escape it)."""
    if language not in {"diff", "patch"}:
        return ""
    return "\n".join(_diff_line(line) for line in code.split("\n"))


def _diff_line(line: str) -> str:
    kind = _DIFF_KINDS.get(line[:1], "") if not line.startswith(("+++", "---")) else "hunk"
    text = escapeHtml(line)
    return f'<span class="{kind}">{text}</span>' if kind else text


def plain(text: str) -> str:
    """The words alone, in one line."""
    return " ".join(unescape(nh3.clean(_html(text, ()), tags=set())).split())


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True, "highlight": _colored})
    parser.enable(["table", "strikethrough"]).disable("image")
    parser.core.ruler.push("mentions", _mentions)
    return parser


_PARSER = _parser()
