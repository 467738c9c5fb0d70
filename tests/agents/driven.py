"""One real program in a Pod, driven by REST alone, with the model server that it talks to."""

import json
import secrets
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.agents.programs import Program
from tests.fake_models import FakeModels, Recorded
from tests.journeys.system import Api, System, wait

INSTALLED_WITHIN = 420.0  # Aider alone brings half a gigabyte of wheels
STARTS_WITHIN = 120.0
SEEN_WITHIN = 60.0


DECLARED = Path(__file__).parents[2] / "pods" / "agent_types"


def _with_words(slug: str, words: list[str]) -> dict[str, Any]:
    """Its declaration, with these at the end of the command line."""
    declared = tomllib.loads((DECLARED / f"{slug}.toml").read_text())
    declared["launch"]["argv"] += words
    return declared


@dataclass
class Driven:
    system: System
    program: Program
    models: FakeModels
    api_key: str = field(
        default_factory=lambda: f"sk-mesh-test-{secrets.token_hex(16)}", repr=False
    )
    key: str = ""  # of its Pod
    first: str = ""  # what it was told first
    lost: str = ""  # the step without which all others would only wait
    _is_settled: bool = False

    @property
    def api(self) -> Api:
        return self.system.api

    # ---- its life

    def create(self, prompt: str) -> None:
        slug = self.program.slug
        made = self.api.post(
            "credentials/",
            {
                "name": f"Key of {slug}",
                "slug": f"key-of-{slug}",
                "provider": self.program.provider,
                "api_key": self.api_key,
                "base_url": self.program.url.format(url=self.models.url),
                "model": self.program.model,
            },
        )
        assert self.api_key not in json.dumps(made)
        self.first = prompt
        self.key = self.api.create(
            agent_type=slug,
            name=slug,
            repository="sample",
            credentials=f"key-of-{slug}",
            permissions="ask",
            prompt=prompt,
            cols=120,
            rows=40,
        )

    def create_with_login(self, prompt: str, token: str, user_home: Path) -> None:
        """Its Runner's user is logged in with this token, and lends that."""
        login = self.program.login
        assert login
        path = user_home / login.file
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(login.content).replace("{token}", token))
        runner = self.pod["runner"]["id"]
        self.api.post(f"runners/{runner}/login/", {"lent": True})
        words = [word.format(url=self.models.url) for word in login.words]
        if words:
            self.api.post("agent-types/", {"declaration": _with_words(self.program.slug, words)})
        self.key = self.api.create(
            agent_type=self.program.slug,
            repository="sample",
            credentials="runner",
            model=self.program.model,
            env={name: value.format(url=self.models.url) for name, value in login.env.items()},
            prompt=prompt,
        )

    def create_with_bypass(self, prompt: str) -> None:
        slug = self.program.slug
        self.key = self.api.create(
            agent_type=slug,
            repository="sample",
            credentials=f"key-of-{slug}",
            permissions="bypass",
            prompt=prompt,
        )

    def settle(self) -> None:
        """Wait until it has begun and done its first work: each step can be run by itself."""
        assert not self.lost, f"{self.lost} failed"
        if not self._is_settled:
            self.becomes("running", within=INSTALLED_WITHIN)
            self.is_seen("idle", within=STARTS_WITHIN)
            self._is_settled = True

    def end(self) -> None:
        if self.pod["state"] == "running":
            self.api.terminate(self.key)

    def resume(self, prompt: str) -> str:
        """The key of the Pod that went on."""
        return self._goes_on("resume", prompt)

    @contextmanager
    def forked(self, prompt: str) -> Iterator[None]:
        """A copy of it is driven meanwhile."""
        original = self._goes_on("fork", prompt)
        try:
            yield
        finally:
            self.end()
            self.key = original

    def _goes_on(self, verb: str, prompt: str) -> str:
        before = self.key
        self.key = str(self.api.post(f"pods/{before}/{verb}/", {"prompt": prompt})["key"])
        return before

    def becomes(self, *states: str, within: float = STARTS_WITHIN) -> str:
        ended = ("failed", "completed", "terminated")
        wait(lambda: self.pod["state"] in (*states, *ended), self.told, within)
        state = str(self.pod["state"])
        assert state in states, self.told()
        return state

    # ---- what is known of it

    @property
    def pod(self) -> dict[str, Any]:
        return dict(self.api.get(f"pods/{self.key}/"))

    def is_seen(self, state: str, within: float = SEEN_WITHIN) -> dict[str, Any]:
        """Wait until the agent is seen in this state; the Pod as it was then."""

        def look() -> dict[str, Any] | None:
            pod = self.pod
            assert pod["state"] in {"pending", "starting", "running"}, self.told()
            return pod if pod["agent_state"] == state else None

        pod = wait(look, self.told, within)
        assert pod["agent_source"], pod
        assert pod["agent_evidence"], pod
        return dict(pod)

    def told(self) -> str:
        """For a failure: the Pod, its prompts and its screen."""
        pod = self.pod
        prompts = self.api.get(f"pods/{self.key}/prompts/")["results"]
        screen = self.api("GET", f"pods/{self.key}/screen/").body.decode(errors="replace")
        asked = [each.asked.last[-200:] for each in self.models.requests[-5:]]
        return "\n".join([str(pod), str(prompts), screen.replace("\\n", "\n"), str(asked)])

    # ---- prompts

    def prompt(self, text: str, when: str = "idle") -> int:
        return int(self.api.post(f"pods/{self.key}/prompts/", {"text": text, "when": when})["id"])

    def prompt_is(self, prompt: int, *states: str, within: float = SEEN_WITHIN) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            found = self.api.get(f"prompts/{prompt}/")
            assert found["state"] != "failed" or "failed" in states, (found, self.told())
            return dict(found) if found["state"] in states else None

        return dict(wait(look, self.told, within))

    def asked(self, happened: Callable[[str], bool], within: float = SEEN_WITHIN) -> Recorded:
        """The request of this agent whose last text of a person is such a one; with tools, if it offers any."""

        def is_it(request: Recorded) -> bool:
            has_tools = bool(request.asked.tools) or not self.program.has_tools
            return request.key == self.api_key and has_tools and happened(self.words(request))

        try:
            return self.models.wait_for(is_it, within)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.told()}") from error

    def words(self, request: Recorded) -> str:
        return self.program.own_words(request.asked.last)

    def answer(self, choice: str) -> dict[str, Any]:
        question = self.pod["question"]
        return dict(
            self.api.post(
                f"pods/{self.key}/answer/", {"question": question["id"], "choice": choice}
            )
        )

    def git_status(self) -> str:
        done = self.api.execute(self.key, "git status --porcelain --ignored")
        assert done["exit_code"] == 0, done
        return str(done["stdout"])
