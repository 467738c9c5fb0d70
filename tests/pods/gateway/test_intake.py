"""How what a Runner says is put together before it is written."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from pods.gateway.calls import EOF
from pods.gateway.hub import Hub
from pods.gateway.identity import RunnerIdentity, Standing
from pods.gateway.intake import Intake, Shared
from pods.gateway.pool import Pool
from pods.gateway.questions import Questions
from pods.gateway.session import Session
from pods.messages import Report, RunnerHello
from pods.services.dispatch import take
from pods.services.sessions import Attachment, attach
from pods.together import until_one_ends
from proto.mesh.v1 import runner_pb2 as pb
from tests.builders import make_pod, make_runner
from tests.pods.gateway.rig import Rows, command_is, queue

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def rows() -> AsyncIterator[Rows]:
    made = Rows()
    yield made
    await made.close()


def _told_to_start() -> tuple[Attachment, str, str]:
    """Attached, and sent the start of a Pod: its key and the Command."""
    runner = make_runner(online=False)
    pod = make_pod(runner=runner, organization=runner.organization, state="pending")
    attached = attach(runner.pk, gateway_id="here", hello=RunnerHello(speaks=(1, 1)))
    id_ = queue(runner, "start", pod)
    take(attached, 1)
    return attached, pod.key, id_


async def _written(attached: Attachment, said: Sequence[pb.FromRunner]) -> list[list[Report]]:
    """The batches in which it was written."""
    batches: list[list[Report]] = []
    pool, who = Pool(), RunnerIdentity(attached.runner_id, "")
    standing = Standing(pool, 60)
    standing.confirm(who)
    shared = Shared(pool, standing, Hub(), Questions(), lambda: None)
    session = Session(attached.runner_id, attached.epoch)
    intake = Intake(session, attached, who, shared, lambda claims: batches.append(list(claims)))
    words = iter([*said, EOF])

    async def read() -> Any:
        await asyncio.sleep(0)
        return next(words)

    await until_one_ends(intake.read(read), intake.settle())
    await pool.close()
    return batches


async def test_a_start_that_takes_no_time_is_written_in_one_transaction(rows: Rows) -> None:
    attached, pod, id_ = await rows(_told_to_start)
    batches = await _written(
        attached,
        [
            pb.FromRunner(command_ack=pb.CommandAck(id=id_)),
            pb.FromRunner(pod_progress=pb.PodProgress(pod=pod, step="workspace")),
            pb.FromRunner(pod_progress=pb.PodProgress(pod=pod, step="ready")),
            pb.FromRunner(command_result=pb.CommandResult(id=id_, state="done")),
        ],
    )
    assert [len(batch) for batch in batches] == [4]
    assert await rows(command_is, id_, "done")


async def test_an_ack_that_nothing_follows_is_written_all_the_same(rows: Rows) -> None:
    attached, _, id_ = await rows(_told_to_start)
    batches = await _written(attached, [pb.FromRunner(command_ack=pb.CommandAck(id=id_))])
    assert [len(batch) for batch in batches] == [1]
    assert await rows(command_is, id_, "acked")
