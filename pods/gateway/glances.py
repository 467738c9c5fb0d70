"""Looks at a Workspace whenever its agent has come to rest: its card says how much has changed."""

import asyncio
import json
import logging
from collections.abc import Iterable

from pods.gateway.intake import Shared
from pods.gateway.questions import TooManyQuestionsError
from pods.gateway.session import Session
from pods.messages import AgentStatus, PodReport, Report
from pods.services.summaries import note_summary_of

logger = logging.getLogger(__name__)


class Glances:
    """For one Session. A glance that fails is not repeated: the next rest, or a person's look, brings what is true."""

    def __init__(self, session: Session, shared: Shared) -> None:
        self._session, self._shared = session, shared
        self._due: dict[str, None] = {}  # Pods in order, each once
        self._wanted = asyncio.Event()

    def after(self, claims: Iterable[Report]) -> None:
        """What the Runner has just said may be the end of a turn."""
        for claim in claims:
            if pod := _at_rest(claim):
                self._due[pod] = None
                self._wanted.set()

    async def run(self) -> None:
        """Until cancelled. Raises SessionClosedError."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            while self._due:
                pod = next(iter(self._due))
                del self._due[pod]
                await self._glance(pod)

    async def _glance(self, pod: str) -> None:
        try:
            answer = await self._shared.questions.ask(self._session, "workspace", pod, {})
        except (TimeoutError, TooManyQuestionsError):
            logger.debug("how the Workspace of %s stands was not answered", pod)
            return
        try:
            state = json.loads(answer.body) if not answer.error_code else {}
        except ValueError:
            return
        if isinstance(state, dict):
            await self._shared.pool.run(note_summary_of, self._session.runner_id, pod, state)


def _at_rest(claim: Report) -> str:
    """The Pod, or ""."""
    match claim:
        case AgentStatus(pod, "idle" | "waiting") | PodReport(pod, "ended"):
            return pod
    return ""
