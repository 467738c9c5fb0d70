"""What the server may ask about a Pod: screen, output, workspace, log, diff."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from runner_agent.messages import Answer, CommandError, Question
from runner_agent.pods.records import Record
from runner_agent.pods.supervisor import Supervisor
from runner_agent.pods.workspace_state import Found, diff_of, log_of, state_of
from runner_agent.terminals.terminals import Terminals, UnknownPodError
from runner_agent.workspaces.git_view import GitView, ViewError

CACHED_S = 2.0  # several pages ask for the same within a moment
OUTPUT_MAX = 1 << 20  # bytes
REMEMBERED = 64  # Pods whose last diff is

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Known:
    state: dict[str, Any]
    at: float  # by the loop's clock


class Questions:
    def __init__(self, supervisor: Supervisor, terminals: Terminals) -> None:
        self._supervisor, self._terminals = supervisor, terminals
        self._known: dict[str, _Known] = {}
        self._found: dict[str, Found] = {}

    async def answer(self, question: Question) -> Answer:
        """Never raises: what is wrong is in the Answer."""
        try:
            return await self._answer(question)
        except UnknownPodError:
            code, why = "unknown_pod", f"There is no Pod {question.pod} on this Runner."
        except CommandError as error:
            code, why = error.code, error.message
        except ViewError as error:
            code, why = "not_readable", f"The Workspace of {question.pod} cannot be read: {error}."
        except (TypeError, ValueError) as error:
            code, why = "bad_question", f"This question cannot be understood: {error}."
        except Exception:
            logger.exception("question %s about pod %s broke", question.kind, question.pod)
            code, why = "internal", "The Runner made a mistake; its log has the details."
        return Answer(question.id, error_code=code, error=why)

    async def _answer(self, question: Question) -> Answer:
        match question.kind:
            case "screen":
                return _json(question, await self._terminals.screen(question.pod))
            case "output":
                return await self._output(question)
            case "workspace":
                return _json(question, await self._workspace(question))
            case "log":
                async with self._repository(question.pod) as (record, view):
                    return _json(question, await log_of(record, view, question.args))
            case "diff":
                async with self._repository(question.pod) as (record, view):
                    found = self._found_of(question.pod)
                    return _json(question, await diff_of(record, view, question.args, found))
        raise CommandError(
            "unknown_question", f"This Runner does not know {question.kind!r}. Update it."
        )

    async def _output(self, question: Question) -> Answer:
        offset = max(int(question.args.get("offset") or 0), 0)
        limit = min(max(int(question.args.get("limit") or OUTPUT_MAX), 1), OUTPUT_MAX)
        data, start, end = await self._terminals.output(question.pod, offset, limit)
        headers = {"offset": str(start), "end": str(end)}
        return Answer(question.id, body=data, headers=headers)

    async def _workspace(self, question: Question) -> dict[str, Any]:
        """From what was found within the last moments, unless asked to look again."""
        pod, clock = question.pod, asyncio.get_running_loop().time
        asked_at = clock()
        async with self._repository(pod) as (record, view):
            known = self._known.get(pod)
            fresh_since = asked_at if question.args.get("refresh") else asked_at - CACHED_S
            if known and known.at >= fresh_since:
                return {**known.state, "cached": True}
            at = clock()
            state = await state_of(record, view, self._found_of(pod))
            state["as_of"] = datetime.now(UTC).isoformat(timespec="milliseconds")
            self._known = {p: k for p, k in self._known.items() if k.at >= at - CACHED_S}
            self._known[pod] = _Known(state, at)
        return {**state, "cached": False}

    def _found_of(self, pod: str) -> Found:
        """Those looked at last are remembered."""
        found = self._found.pop(pod, None) or Found()
        self._found[pod] = found
        while len(self._found) > REMEMBERED:
            del self._found[next(iter(self._found))]
        return found

    @asynccontextmanager
    async def _repository(self, pod: str) -> AsyncIterator[tuple[Record, GitView]]:
        """One question at a time: they share one view of the Pod's repository."""
        record = self._supervisor.record(pod)
        if record is None:
            raise UnknownPodError(pod)
        async with self._supervisor.views.of(record) as view:
            yield record, view


def _json(question: Question, body: dict[str, Any]) -> Answer:
    return Answer(question.id, body=json.dumps(body).encode())
