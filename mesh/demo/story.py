"""A planner, two workers, a Channel: begun, followed to its end, and summed up."""

import time
from dataclasses import dataclass, field
from typing import Any

from mesh.demo.api import Api
from mesh.demo.told import Teller
from mesh.up.trouble import TroubleError

NAME = "Demo: planner"
PARTS = ("Count the vowels of a text", "Reverse the words of a text")
PROMPT = "Plan: {parts}\nTell @{person} when all is merged."
ENDED = {"completed", "failed", "terminated", "lost"}
WITHIN_S = 600.0
LOOK_EVERY_S = 0.4
WAIT_S = 2  # of a long poll, once there is a Channel to wait for

Row = dict[str, Any]


@dataclass
class Story:
    api: Api
    tell: Teller
    planner: str = ""
    channel: str = ""
    said: list[Row] = field(default_factory=list)
    _known: dict[str, tuple[str, str, str]] = field(default_factory=dict)

    def run(self) -> None:
        """Raises TroubleError when the story does not come to its end."""
        self._end_earlier()
        self._begin()
        until = time.monotonic() + WITHIN_S
        while not self._is_over():
            if time.monotonic() > until:
                raise TroubleError(f"Not done after {WITHIN_S:.0f} s: {self._page(self.planner)}")
            self._listen()
        self._listen()
        self._sum_up()

    def _end_earlier(self) -> None:
        living = self._pods()
        planners = {pod["key"] for pod in living if pod["name"] == NAME}
        for pod in living:
            if pod["key"] in planners or pod["parent"] in planners:
                self.api.post(f"pods/{pod['key']}/terminate/", {})
                self.tell.step(f"Ended {pod['key']} of the demo before")

    def _begin(self) -> None:
        person = self.api.get("me/")["user"]
        prompt = PROMPT.format(parts="; ".join(PARTS), person=person)
        wanted = {"agent_type": "demo", "repository": "sample", "name": NAME, "prompt": prompt}
        self.planner = self.api.post("pods/", wanted)["key"]
        self.tell.step(f"Created the planner, {self.planner}")
        self.tell.note(f"Watch it: {self._page(self.planner)}")
        self.tell.note(f"All of them: {self.api.url}/map/")

    def _is_over(self) -> bool:
        pods = {pod["key"]: pod for pod in self._family()}
        for key, pod in pods.items():
            self._tell_of(key, pod)
        planner = pods[self.planner]
        if planner["status"] == "done":
            return True
        if planner["state"] in ENDED or planner["status"] == "waiting":
            said = planner["status_text"] or planner["reason"] or planner["state"]
            raise TroubleError(f"The planner could not finish: {said} {self._page(self.planner)}")
        return False

    def _tell_of(self, key: str, pod: Row) -> None:
        now = pod["state"], pod["status"], pod["status_text"]
        before = self._known.get(key, ("", "", ""))
        if now == before:
            return
        self._known[key] = now
        who = self._name(pod)
        if now[0] != before[0]:
            where = f" on {pod['runner']['name']}" if pod["runner"] else ""
            self.tell.step(f"{who} is {pod['state']}{where}")
        if now[1:] != before[1:] and pod["status"]:
            self.tell.step(f"{who} says {pod['status']}: {pod['status_text']}")

    def _listen(self) -> None:
        """What is new in the Channel, and a pause."""
        if not self.channel:
            self._find_channel()
        if not self.channel:
            time.sleep(LOOK_EVERY_S)
            return
        after = self.said[-1]["number"] if self.said else 0
        path = f"channels/{self.channel}/messages/"
        for message in self.api.get(path, after=after, wait=WAIT_S)["results"]:
            self.said.append(message)
            first, *more = message["body"].split("\n")
            cut = f" (+{len(more)} lines)" if more else ""
            self.tell.said(message["author"]["name"], f"{first}{cut}")

    def _find_channel(self) -> None:
        name = f"plan-{self.planner.removeprefix('pod-')}"
        found = [each["slug"] for each in self.api.get("channels/")["results"]]
        self.channel = next((slug for slug in found if slug.startswith(name)), "")
        if self.channel:
            self.tell.step(f"They talk in {self.api.url}/channels/{self.channel}/")

    # ---- the end

    def _sum_up(self) -> None:
        family = {pod["key"]: pod for pod in self._family()}
        log = self.api.get(f"pods/{self.planner}/workspace/log/")["commits"]
        bound = self.api.get("bindings/")["results"]
        watched = [b["target"] for b in bound if b["holder"] == self.planner]
        self.tell.line("")
        self.tell.line("What happened")
        for key, pod in family.items():
            messages = sum(1 for each in self.said if each["author"]["pod"] == key)
            word = "1 message" if messages == 1 else f"{messages} messages"
            self.tell.row(self._name(pod), f"{pod['status_text']} ({word})")
        self.tell.row("Watched by the planner", ", ".join(sorted(watched)))
        self.tell.line("")
        self.tell.line(f"Commits on {family[self.planner]['workspace']['branch']}, newest first")
        for commit in log:
            self.tell.row(commit["hash"][:10], commit["subject"])
        self.tell.line("")
        self.tell.line(f"Channel  {self.api.url}/channels/{self.channel}/")
        self.tell.line(f"Planner  {self._page(self.planner)}")
        self.tell.line(f"Map      {self.api.url}/map/")
        self.tell.line("The three Pods stay open; the next `make demo` ends them, `make stop` too.")

    # ---- asking

    def _pods(self) -> list[Row]:
        found = self.api.get("pods/")["results"]
        return [pod for pod in found if pod["state"] not in ENDED]

    def _family(self) -> list[Row]:
        """The planner first, then its workers in the order of their creation."""
        found = self.api.get("pods/")["results"]
        ours = [p for p in found if self.planner in (p["key"], p["parent"])]
        return sorted(ours, key=lambda pod: pod["created_at"])

    def _name(self, pod: Row) -> str:
        return "Planner" if pod["key"] == self.planner else f"{pod['key']} ({pod['name']})"

    def _page(self, key: str) -> str:
        return f"{self.api.url}/pods/{key}/"
