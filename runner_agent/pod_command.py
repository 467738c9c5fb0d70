"""`mesh`, in every Pod: the tools of Mesh from a shell. Standard library only; speaks MCP to the local door.

mesh tools                          what there is
mesh call publish_to_channel channel=general body="done" [--json]
"""

import argparse
import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

LONGER_THAN_ANY_CALL_S = 90


class TroubleError(Exception):
    """One sentence with cause and cure."""


def main(argv: list[str]) -> int:
    asked = _parser().parse_args(argv)
    try:
        if asked.what == "tools":
            return _tools(as_json=asked.json)
        return _call(asked.tool, asked.arguments, as_json=asked.json)
    except TroubleError as trouble:
        print(f"mesh: {trouble}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mesh", description="Talk to other agents and start new ones, from inside a Pod."
    )
    verbs = parser.add_subparsers(dest="what", required=True)
    tools = verbs.add_parser("tools", help="list the tools")
    call = verbs.add_parser(
        "call",
        help="call one",
        epilog='example: mesh call publish_to_channel channel=general body="The tests pass."',
    )
    call.add_argument("tool")
    call.add_argument(
        "arguments", nargs="*", metavar="key=value", help="a value that is JSON is taken as such"
    )
    for verb in (tools, call):
        verb.add_argument("--json", action="store_true", help="print data, not text")
    return parser


def _tools(*, as_json: bool) -> int:
    found = _ask("tools/list", {})["tools"]
    if as_json:
        print(json.dumps(found))
        return 0
    for tool in found:
        needs = tool["inputSchema"].get("properties", {})
        print(f"{tool['name']}({', '.join(needs)})\n    {tool.get('description', '')}")
    return 0


def _call(tool: str, pairs: list[str], *, as_json: bool) -> int:
    answer = _ask("tools/call", {"name": tool, "arguments": dict(map(_argument, pairs))})
    if as_json:
        print(json.dumps(answer.get("structuredContent") or {}))
    else:
        print("\n".join(part.get("text", "") for part in answer["content"]))
    return 1 if answer.get("isError") else 0


def _argument(pair: str) -> tuple[str, Any]:
    name, is_pair, value = pair.partition("=")
    if not is_pair:
        raise TroubleError(f"{pair!r} is not key=value.")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _ask(method: str, params: dict[str, Any]) -> dict[str, Any]:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    request = urllib.request.Request(  # noqa: S310 - the Runner's own door
        _setting("MESH_MCP_URL"),
        data=json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {_token()}",
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=LONGER_THAN_ANY_CALL_S) as answer:  # noqa: S310
            return _result(answer.read().decode())
    except urllib.error.HTTPError as error:
        raise TroubleError(f"the Runner refused the call ({error.code}).") from error
    except OSError as error:
        raise TroubleError(
            f"the Runner of this machine does not answer ({error}). It may be restarting: try again."
        ) from error


def _result(text: str) -> dict[str, Any]:
    """The one answer in an event stream, or in plain JSON."""
    events = [line[5:] for line in text.splitlines() if line.startswith("data:")]
    answer = json.loads(events[-1] if events else text)
    if "error" in answer:
        raise TroubleError(str(answer["error"].get("message", "the call failed")))
    return dict(answer["result"])


def _token() -> str:
    try:
        return Path(_setting("MESH_TOKEN_FILE")).read_text().strip()
    except OSError as error:
        raise TroubleError(f"this Pod's token cannot be read: {error.strerror}.") from error


def _setting(name: str) -> str:
    try:
        return os.environ[name]
    except KeyError:
        raise TroubleError(f"{name} is not set: this command works inside a Pod.") from None
