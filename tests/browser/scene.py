"""Something of everything that pages show: what waits, what failed, what was said and changed."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from tests.journeys.system import System

CHANGE = "seq 1 60 > numbers.txt; echo changed > README.md; mkdir -p a; echo 1 > a/new.txt"
SAID = """**Done**, with `code`, a [link](https://example.com) and

> a quotation

| what | how many |
|---|---|
| tests | 12 |

```diff
+added
-removed
```
"""
READ, WRITE = '["terminal:read"]', '["terminal:read", "terminal:write"]'
POLICY = "from accounts.models import Organization as O; O.objects.update(binding_policy='{}')"


class Scene:
    def __init__(self, system: System) -> None:
        self.system, self.api = system, system.api
        self.names: dict[str, str] = {}

    def path(self, template: str) -> str:
        """Such as `/pods/{asks}/`."""
        return template.format(**self.names)

    def begin(self) -> None:
        self._start()
        self._change()
        self._ask()
        self._talk()
        key = {"name": "Scene", "provider": "anthropic", "api_key": "sk-scene-1234"}
        self.names["set"] = str(self.api.post("credentials/", key)["id"])
        url = self.api.post("invitations/", {"role": "member"})["url"]
        self.names["invitation"] = url.rstrip("/").rpartition("/")[2]

    def end(self) -> None:
        """Other tests count what waits."""
        self.system.manage("shell", "-c", POLICY.format("same_owner"))
        for name in ("asks", "drives", "changed"):
            self.api.terminate(self.names[name])
        self._do("POST", f"pods/{self.names['failed']}/archive/")
        last = self.api.get("channels/hall/")["last_number"]
        self._do("POST", "channels/hall/read/", {"read": last})
        self._do("POST", "channels/hall/archive/")
        self._do("DELETE", f"credentials/{self.names['set']}/")

    def _do(self, method: str, path: str, body: Any = None) -> None:
        answer = self.api(method, path, body)
        assert answer.status < HTTPStatus.MULTIPLE_CHOICES, (path, answer.body)

    def _start(self) -> None:
        """All at once: each takes a moment."""
        last_words = ("sh", "-c", "echo last words; exit 3")
        names = self.names
        for name in ("failed", "archived"):
            names[name] = self.api.run(*last_words, name=f"it {name}")
        names["asks"] = self.api.run("cat", name="it asks")
        names["drives"] = self.api.run("cat", name="it wants to drive")
        names["changed"] = self.api.run("cat", name="it changes files", repository="sample")
        for name in ("asks", "drives", "changed"):
            self.api.becomes(names[name], "running")
        for name in ("failed", "archived"):
            self.api.becomes(names[name], "failed")
        self._do("POST", f"pods/{names['archived']}/archive/")

    def _tool(self, pod: str, name: str, *arguments: str) -> None:
        argv = ["mesh", "call", name, *arguments]
        answer = self.api.post(f"pods/{pod}/execute/", {"argv": argv, "timeout_s": 60})
        assert answer["exit_code"] == 0, answer

    def _ask(self) -> None:
        """A Pod that asks its person something; one watches it, another asks to drive it."""
        asks, script = self.names["asks"], {"text": "typed by a script", "submit": True}
        self._tool(self.names["changed"], "create_binding", f"target={asks}", f"scopes={READ}")
        self.system.manage("shell", "-c", POLICY.format("target"))
        want = (f"target={asks}", f"scopes={WRITE}", "reason=To help it along")
        self._tool(self.names["drives"], "create_binding", *want)
        self.api.post(f"pods/{asks}/input/", script)
        self.api.post(f"pods/{asks}/prompts/", {"text": "and then"})
        self._tool(asks, "report_status", "status=waiting", "text=Which of the two shall I take?")

    def _change(self) -> None:
        key = self.names["changed"]
        self.api.execute(key, CHANGE)
        remark = {"path": "numbers.txt", "line": 3, "text": "Why 3?"}
        self.api.post(f"pods/{key}/review/comments/", remark)

    def _talk(self) -> None:
        self.api.post("channels/", {"name": "hall", "topic": "where all talk"})
        me, pod = self.api.get("me/")["user"], self.names["asks"]
        self._tool(pod, "join_channel", "channel=hall")
        self._tool(pod, "publish_to_channel", "channel=hall", f"body=@{me} look:\n\n{SAID}")
        mine = {"body": f"I look, @{pod}.", "reply_to": 1}
        self.api.post("channels/hall/messages/", mine)
        document = {"text": "# The plan\n\n1. look\n2. mend", "version": 0}
        self._do("PUT", "channels/hall/document/", document)
        self._tool(pod, "publish_to_channel", "channel=hall", f"body=Well, @{me}?")


@contextmanager
def scene_in(system: System) -> Iterator[Scene]:
    scene = Scene(system)
    scene.begin()
    yield scene
    scene.end()
