"""The five real programs, as far as they differ to those who drive them."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

SHELL_LINE = "touch made-by-the-agent"
AGAIN_LINE = "python3 -c 1"
COPY_LINE = "touch made-by-the-copy"
UNASKED_LINE = "touch made-unasked"
HELLO, TOOL, SHELL, AGAIN, COPY, UNASKED, SLOW, ASK, RECALL = (
    "MESH-HELLO",
    "MESH-TOOL",
    "MESH-SHELL",
    "MESH-AGAIN",
    "MESH-COPY",
    "MESH-UNASKED",
    "MESH-SLOW",
    "MESH-ASK",
    "MESH-RECALL",
)
HELLO_OUT = 4000  # tokens that the answer to the first prompt is said to have
WORKS_S = 3.0  # the model takes so long over the first prompt, in which the agent is seen at work
_PASTED = re.compile(r"\s*<pasted_content[^>]*>\n(.*)\n</pasted_content[^>]*>\s*", re.S)
_LONG = " ".join(f"word{number}" for number in range(600))


def _same(text: str) -> str:
    return text


@dataclass(frozen=True)
class Login:
    """What it writes when a person logs in, with `{token}`; `env` or `words` lead it to the model server at `{url}`."""

    file: str
    content: dict[str, Any]
    env: dict[str, str] = field(default_factory=dict)
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Program:
    """`shell` and `question`: what its model asks for to run a line, which is its `cmd`, and to ask a person. `own_words` takes off what it
    wraps around a person's text."""

    slug: str
    provider: str
    model: str = "fake-model"
    url: str = "{url}/v1"
    shell: dict[str, Any] | None = None
    question: dict[str, Any] | None = None
    login: Login | None = None
    own_words: Callable[[str], str] = _same
    sums_up: bool = False  # a long conversation that goes on, by a request of its own
    has_tools: bool = True  # of MCP; without: by the command `mesh` in a shell block

    def rules(self) -> list[dict[str, Any]]:
        """The script of its model."""
        hello = {"text": "Hello.", "delay": WORKS_S, "usage": {"out": HELLO_OUT}}
        slow = {"text": _LONG, "chunk": 12, "chunk_delay": 0.15}
        offered = {"offered": "."} if self.has_tools else {}
        return [
            {"match": HELLO, **offered, "steps": [hello]},
            {"match": SLOW, **offered, "steps": [slow]},
            {"match": RECALL, "steps": [{"text": "I recall it."}]},
            *(self._with_tools() if self.has_tools else self._with_blocks()),
        ]

    def _with_tools(self) -> list[dict[str, Any]]:
        call = {"tool": "create_channel", "args": {"name": self.room}}
        shell, again, copy = map(self._runs, (SHELL_LINE, AGAIN_LINE, COPY_LINE))
        ask = [self.question or {}, {"text": "You chose: {{result}}"}]
        return [
            {"match": ASK, "offered": ".", "steps": ask},
            {"match": TOOL, "offered": ".", "steps": [call, {"text": "It said: {{result}}"}]},
            {"match": SHELL, "offered": ".", "steps": [shell, {"text": "Done: {{result}}"}]},
            {"match": AGAIN, "offered": ".", "steps": [again, {"text": "Done: {{result}}"}]},
            {
                "match": UNASKED,
                "offered": ".",
                "steps": [{"shell": UNASKED_LINE}, {"text": "Done."}],
            },
            {"match": COPY, "offered": ".", "steps": [copy, {"text": "Done: {{result}}"}]},
        ]

    def _runs(self, line: str) -> dict[str, Any]:
        if self.shell is None:
            return {"shell": line}
        return {**self.shell, "args": {**self.shell["args"], "cmd": line}}

    def _with_blocks(self) -> list[dict[str, Any]]:
        call = f"mesh call create_channel name={self.room}"
        blocks = {TOOL: call, SHELL: SHELL_LINE, COPY: COPY_LINE}
        return [
            {"match": match, "steps": [{"text": f"I run it:\n\n```bash\n{line}\n```\n"}]}
            for match, line in blocks.items()
        ]

    @property
    def room(self) -> str:
        return f"room-of-{self.slug}"


def _without_paste_marks(text: str) -> str:
    """Claude Code marks what was pasted in several lines."""
    return _PASTED.sub(r"\1", text)


def _without_rules(text: str) -> str:
    """Aider ends each text with its rules."""
    return text.partition("\n\n# *SEARCH/REPLACE block* Rules:")[0]


COLOR = {
    "question": "Which color do you prefer?",
    "header": "Color",
    "multiSelect": False,
    "options": [
        {"label": "Red", "description": "A warm one"},
        {"label": "Blue", "description": "A cool one"},
    ],
}
CLAUDE_LOGIN = Login(
    file=".claude/.credentials.json",
    content={
        "claudeAiOauth": {
            "accessToken": "{token}",
            "refreshToken": "{token}",
            "expiresAt": 4102444800000,
            "scopes": ["user:inference", "user:profile"],
            "subscriptionType": "max",
        }
    },
    env={"ANTHROPIC_BASE_URL": "{url}"},
)
CODEX_LOGIN = Login(
    file=".codex/auth.json",
    content={"OPENAI_API_KEY": "{token}", "tokens": None, "last_refresh": None},
    words=("-c", 'openai_base_url="{url}/v1"'),
)
PROGRAMS = {
    program.slug: program
    for program in (
        Program(
            "claude",
            "anthropic",
            url="{url}",
            question={"tool": "AskUserQuestion", "args": {"questions": [COLOR]}},
            own_words=_without_paste_marks,
            login=CLAUDE_LOGIN,
        ),
        Program(
            "codex",
            "openai",
            login=CODEX_LOGIN,
            shell={
                "tool": "exec_command",
                "args": {
                    "sandbox_permissions": "require_escalated",
                    "justification": "To see whether it may.",
                },
            },
        ),
        Program("gemini", "google", model="gemini-2.5-pro", url="{url}"),
        Program(  # it puts a space behind a long paste
            "opencode", "other", own_words=str.rstrip
        ),
        Program(
            "aider",
            "other",
            model="openai/fake-model",
            own_words=_without_rules,
            sums_up=True,
            has_tools=False,
        ),
    )
}
