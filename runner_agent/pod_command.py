"""`mesh`, in every Pod: the tools of Mesh from a shell. Standard library only; speaks MCP to the Runner's own door."""

import argparse
import json
import os
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

LONGER_THAN_ANY_CALL_S = 90
BACK_WITHIN_S = 10.0  # a Runner that is being restarted
REFUSED, TROUBLE = 1, 2  # exit codes: the tool said no; the call could not be made

_EPILOG = """\
examples:
  mesh tools
  mesh call publish_to_channel channel=general body="The tests pass."
  mesh call create_pod --json agent_type=shell labels='{"zone": "a"}'
  mesh hook Stop    what an agent's own hooks call: tells the Runner, with JSON from its input
exit codes: 0 done; 1 the tool refused; 2 the call could not be made"""


class TroubleError(Exception):
    """One sentence with cause and cure."""


def main(argv: list[str]) -> int:
    asked = _parser().parse_args(argv)
    try:
        if asked.what == "tools":
            return _tools(as_json=asked.json)
        return _call(asked.tool, asked.arguments, as_json=asked.json)
    except TroubleError as trouble:
        sys.stderr.write(f"mesh: {trouble}\n")
        return TROUBLE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mesh",
        description="Work with other agents, and start new ones, from inside a Pod.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(dest="what", required=True)
    tools = verbs.add_parser("tools", help="list the tools and what they take")
    call = verbs.add_parser("call", help="call a tool")
    call.add_argument("tool")
    call.add_argument(
        "arguments", nargs="*", metavar="key=value", help="numbers, lists and objects as JSON"
    )
    for verb in (tools, call):
        verb.add_argument("--json", action="store_true", help="print data for programs")
    return parser


def _tools(*, as_json: bool) -> int:
    found = _listed()
    if as_json:
        _say(json.dumps(found))
        return 0
    for tool in found:
        schema = tool["inputSchema"]
        needed = schema.get("required", ())
        names = [name if name in needed else f"[{name}]" for name in schema.get("properties", {})]
        _say(" ".join([tool["name"], *names]) + f"\n    {tool.get('description', '')}")
    return 0


def _call(tool: str, pairs: list[str], *, as_json: bool) -> int:
    schemas = {each["name"]: each["inputSchema"].get("properties", {}) for each in _listed()}
    arguments = dict(_argument(pair, schemas.get(tool, {})) for pair in pairs)
    answer = ask("tools/call", {"name": tool, "arguments": arguments})
    text = "\n".join(part.get("text", "") for part in answer["content"])
    if as_json:
        _say(json.dumps(answer.get("structuredContent") or {}))
    if answer.get("isError"):
        sys.stderr.write(f"mesh: {text}\n")
        return REFUSED
    if not as_json:
        _say(text)
    return 0


def _listed() -> list[dict[str, Any]]:
    return list(ask("tools/list", {})["tools"])


def _argument(pair: str, properties: dict[str, Any]) -> tuple[str, Any]:
    """JSON where the tool takes other things than text."""
    name, is_pair, value = pair.partition("=")
    if not is_pair:
        raise TroubleError(f"{pair!r} is not key=value.")
    schema = properties.get(name, {})
    kinds = [schema.get("type"), *(each.get("type") for each in schema.get("anyOf", ()))]
    if "string" in kinds:
        return name, value
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def ask(method: str, params: dict[str, Any]) -> dict[str, Any]:
    """The result of one call to the local door. Raises TroubleError."""
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
        return _result(_sent(request))
    except urllib.error.HTTPError as error:
        raise TroubleError(f"the Runner refused the call: {_reason(error)}") from error
    except OSError as error:
        raise TroubleError(
            f"the Runner of this machine does not answer ({error}). Is its daemon running?"
        ) from error


def _sent(request: urllib.request.Request) -> str:
    """Past any proxy. A connection that is refused was not heard: tried again while the Runner is restarted."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    until = time.monotonic() + BACK_WITHIN_S
    while True:
        try:
            with direct.open(request, timeout=LONGER_THAN_ANY_CALL_S) as answer:
                return str(answer.read().decode())
        except urllib.error.URLError as error:
            if not isinstance(error.reason, ConnectionRefusedError) or time.monotonic() > until:
                raise
        time.sleep(0.2)


def _result(text: str) -> dict[str, Any]:
    """The one answer in an event stream, or in plain JSON."""
    events = [
        line[5:] for line in text.splitlines() if line.startswith("data:") and line[5:].strip()
    ]
    answer = json.loads(events[-1] if events else text)
    if "error" in answer:
        raise TroubleError(str(answer["error"].get("message", "the call failed")))
    return dict(answer["result"])


def _reason(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.loads(error.read())["error"])
    except (ValueError, TypeError, KeyError):
        return f"{error.code} {error.reason}"


def _token() -> str:
    try:
        return Path(_setting("MESH_TOKEN_FILE")).read_text().strip()
    except OSError as error:
        raise TroubleError(f"this Pod's token cannot be read: {error.strerror}.") from error


def _setting(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise TroubleError(f"{name} is not set: this command works inside a Pod.")
    return value


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
