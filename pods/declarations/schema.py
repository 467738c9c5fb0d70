"""The sections of a declaration and their keys, in the order of the documentation."""

from typing import Any

from pods.declarations import reading
from pods.declarations.reading import Key, sub

PRIVATE = "0600"

_words = reading.list_of(reading.text)
_environment = reading.table_of(reading.text)
_extra = {"argv": Key(_words, list), "env": Key(_environment, dict)}
SECTIONS: dict[str, Key] = {
    "slug": Key(reading.text),
    "name": Key(reading.text),
    "description": Key(reading.text),
    "install": sub(
        {
            "kind": Key(reading.choice("npm", "pip", "command", "none"), "none"),
            "package": Key(reading.text),
            "version": Key(reading.text),
            "tested": Key(reading.text),
            "program": Key(reading.text),
            "node": Key(reading.text),
            "checksum": Key(reading.text),
            "mirror": Key(reading.text),
            "command": Key(_words, list),
        }
    ),
    "launch": sub(
        {
            "argv": Key(_words, list),
            "resume": Key(_words, list),
            "fork": Key(_words, list),
            "before_fork": Key(_words, list),
            "env": Key(_environment, dict),
            "permissions": Key(
                reading.table_of(reading.section(_extra), reading.PERMISSIONS), dict
            ),
            "model": sub(_extra),
        }
    ),
    "files": Key(
        reading.list_of(
            reading.section(
                {
                    "path": Key(reading.text),
                    "content": Key(reading.text),
                    "mode": Key(reading.mode, PRIVATE),
                }
            )
        ),
        list,
    ),
    "credentials": sub(
        {
            "api_key": Key(reading.variables),
            "base_url": Key(reading.variables),
            "providers": Key(reading.list_of(reading.choice(*reading.PROVIDERS)), list),
            "login": Key(_words, list),
        }
    ),
    "tools": sub(
        {
            "kind": Key(reading.choice("mcp", "command", "none"), "command"),
            "ready": Key(reading.choice("listed", "none"), "none"),
        }
    ),
    "ready": sub(
        {
            "paste": Key(reading.yes_or_no, default=False),
            "hook": Key(reading.text),
            "title": Key(reading.pattern),
            "screen": Key(reading.pattern),
        }
    ),
    "prompt": sub(
        {
            "pause_ms": Key(reading.milliseconds, 200),
            "submit": Key(reading.text, "\r"),
            "verify": Key(reading.list_of(reading.choice("hook", "title", "screen")), list),
            "resend_ms": Key(reading.milliseconds, 1500),
        }
    ),
    "status": Key(
        reading.list_of(
            reading.section(
                {
                    "source": Key(reading.choice(*reading.SOURCES)),
                    "event": Key(reading.text),
                    "match": Key(reading.pattern),
                    "state": Key(reading.choice("working", "waiting", "idle")),
                    "text": Key(reading.text),
                    "session": Key(reading.text),
                    "options": Key(reading.pattern),
                    "always": Key(reading.pattern),
                }
            )
        ),
        list,
    ),
    "answers": sub(
        {
            "allow": Key(reading.text),
            "allow_always": Key(reading.text),
            "deny": Key(reading.text),
            "option": Key(reading.text, "{option}"),
            "words": Key(reading.text),
            "next": Key(reading.text),
        }
    ),
    "interrupt": sub({"keys": Key(reading.text, "\x1b")}),
    "usage": sub(
        {"kind": Key(reading.choice(*reading.USAGE_KINDS), "none"), "path": Key(reading.text)}
    ),
    "exit": sub({"keys": Key(reading.text)}),
}

DEFAULTS: dict[str, Any] = {name: reading.default_of(key) for name, key in SECTIONS.items()}
