"""Questions that wait for a Runner's answer."""

import asyncio
import secrets
from typing import Any

from pods.gateway.session import Session, SessionClosedError
from pods.messages import Answer, Question

ANSWER_S = 15.0  # a Runner that has not answered by then will not be waited for
WAITING = 256  # questions one Runner may owe


class TooManyQuestionsError(Exception):
    """The Runner owes too many answers already."""


class Questions:
    def __init__(self) -> None:
        self._waiting: dict[tuple[int, str], asyncio.Future[Answer]] = {}

    async def ask(self, session: Session, kind: str, pod: str, args: dict[str, Any]) -> Answer:
        """Raises TimeoutError, SessionClosedError when the Session ends first, TooManyQuestionsError."""
        if sum(runner_id == session.runner_id for runner_id, _ in self._waiting) >= WAITING:
            raise TooManyQuestionsError
        question = Question(secrets.token_hex(8), kind, pod, args)
        key = (session.runner_id, question.id)
        self._waiting[key] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(ANSWER_S):
                await session.send(question)
                return await self._waiting[key]
        finally:
            del self._waiting[key]

    def answered(self, runner_id: int, answer: Answer) -> None:
        """Only the Runner that was asked can answer; a late answer is dropped."""
        waiting = self._waiting.get((runner_id, answer.question_id))
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    def close_of(self, runner_id: int) -> None:
        """A Session of this Runner ended: who waits for an answer need not wait longer."""
        for (asked, _), waiting in tuple(self._waiting.items()):
            if asked == runner_id and not waiting.done():
                waiting.set_exception(SessionClosedError())
