"""What an agent asked, whichever protocol it speaks: the texts of the person, the tools offered, the last result."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

# What agents put among the person's texts by themselves.
_REMINDER = re.compile(r"\s*<system-reminder>.*?</system-reminder>\s*", re.S)
_NOT_A_PERSONS = re.compile(
    r"\s*(<system-reminder>|\[Request interrupted|Tool loaded\.|<environment_context>|<user_instructions>|<permissions"
    r"|# AGENTS\.md|<session_context>|This is the Gemini CLI\.|<INSTRUCTIONS>|<plugins|<skills|<apps_|<turn_aborted>)",
    re.I,
)


@dataclass
class Asked:
    """`said`: every text of the person in this conversation, oldest first. `rounds`: tool results since the last one."""

    said: list[str] = field(default_factory=list)
    rounds: int = 0
    result: str = ""
    tools: dict[str, str | None] = field(default_factory=dict)
    """Full name → namespace, where the protocol has them."""
    model: str = ""
    size: int = 0  # bytes of the request

    @property
    def last(self) -> str:
        return self.said[-1] if self.said else ""

    def heard(self, parts: Iterable[str]) -> None:
        own = [part for part in parts if not _NOT_A_PERSONS.match(part)]
        text = _REMINDER.sub("", "\n".join(own))
        if text.strip():
            self.said.append(text)
            self.rounds = 0

    def returned(self, result: str, *, another: bool = True) -> None:
        """Results of one round of calls may come as several messages: only the first is `another`."""
        self.rounds += another
        self.result = result


def text_of(content: Any) -> str:
    if isinstance(content, list):
        return "\n".join(text_of(part) for part in content)
    if isinstance(content, dict):
        return text_of(content.get("text") or content.get("content") or content.get("output") or "")
    return "" if content is None else str(content)


def of_anthropic(body: Mapping[str, Any]) -> Asked:
    asked = Asked()
    for message in body.get("messages", ()):
        if message["role"] != "user":
            continue
        content = message["content"]
        parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
        results = [part for part in parts if part.get("type") == "tool_result"]
        if results:
            asked.returned("\n".join(text_of(part.get("content")) for part in results))
        asked.heard(part["text"] for part in parts if part.get("type") == "text")
    asked.tools = {tool["name"]: None for tool in body.get("tools") or () if "name" in tool}
    return asked


def of_responses(body: Mapping[str, Any]) -> Asked:
    asked = Asked()
    given = body.get("input", ())
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given
    was_result = False
    for item in items:
        kind = item.get("type", "message")
        if kind == "message" and item.get("role") == "user":
            content = item["content"]
            parts = content if isinstance(content, list) else [{"text": content}]
            asked.heard(part.get("text", "") for part in parts)
        elif kind.endswith("_output"):
            asked.returned(text_of(item.get("output")), another=not was_result)
        was_result = kind.endswith("_output")
    for tool in body.get("tools") or ():
        if tool.get("type") == "namespace":
            asked.tools |= {each["name"]: tool["name"] for each in tool.get("tools", ())}
        elif tool.get("name"):
            asked.tools[tool["name"]] = None
    return asked


def of_chat(body: Mapping[str, Any]) -> Asked:
    asked = Asked()
    was_result = False
    for message in body.get("messages", ()):
        if message["role"] == "user":
            content = message.get("content")
            asked.heard(
                [text_of(part) for part in content] if isinstance(content, list) else [content]
            )
        elif message["role"] == "tool":
            asked.returned(text_of(message.get("content")), another=not was_result)
        was_result = message["role"] == "tool"
    tools = body.get("tools") or ()
    asked.tools = {tool["function"]["name"]: None for tool in tools if "function" in tool}
    return asked


def of_gemini(body: Mapping[str, Any]) -> Asked:
    asked = Asked()
    for message in body.get("contents", ()):
        parts = message.get("parts", ())
        results = [part["functionResponse"] for part in parts if "functionResponse" in part]
        if results:
            asked.returned(json.dumps([result.get("response") for result in results]))
        elif message.get("role") == "user":
            asked.heard(part["text"] for part in parts if "text" in part)
    for tool in body.get("tools") or ():
        asked.tools |= {each["name"]: None for each in tool.get("functionDeclarations", ())}
    return asked
