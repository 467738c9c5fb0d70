"""The Gateway as a part of a Celery worker: whose queues are the Runners it holds."""

import asyncio
import logging
import os
import signal
import threading
from typing import TYPE_CHECKING, Any

from celery import Celery, bootsteps

if TYPE_CHECKING:
    from pods.gateway.server import Gateway

logger = logging.getLogger(__name__)

START_S = 20
STOP_S = 10
QUEUE = "runner."


def install(app: Celery) -> None:
    app.steps["worker"].add(GatewayStep)
    app.steps["consumer"].add(QueuesStep)


class GatewayStep(bootsteps.StartStopStep):
    """Runs the Gateway in a thread with a loop of its own, before there is any broker."""

    requires = frozenset({"celery.worker.components:Pool"})
    label = "gateway"

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        worker.gateway_step = self
        self._worker = worker
        self._wanted: frozenset[str] = frozenset()
        self._gateway: Gateway | None = None
        self._ready = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="gateway", daemon=True)

    def start(self, worker: Any) -> None:  # noqa: ARG002
        self._thread.start()
        if not self._ready.wait(START_S) or self._gateway is None:
            raise RuntimeError("The gateway did not start.")

    def stop(self, worker: Any) -> None:  # noqa: ARG002
        self._stopping = True
        if self._gateway:
            self._gateway.stop()
        self._thread.join(STOP_S)

    terminate = stop

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception:
            logger.exception("the gateway ended")
        self._ready.set()
        if self._gateway and not self._stopping:
            os.kill(os.getpid(), signal.SIGTERM)  # a worker without its gateway is of no use

    async def _serve(self) -> None:
        from pods.gateway.server import Gateway, configured

        self._gateway = Gateway(configured(), wish=self._wish)
        await self._gateway.serve(self._ready.set)

    # ---- queues: wished for in the gateway's thread, changed in the consumer's

    def _wish(self, runners: frozenset[int]) -> None:
        self._wanted = frozenset(f"{QUEUE}{runner_id}" for runner_id in runners)
        if consumer := getattr(self._worker, "consumer", None):
            consumer.call_soon(self.reconcile)

    def reconcile(self) -> None:
        """In the consumer's thread: consume what is wished for, and nothing else."""
        consumer, wanted = self._worker.consumer, self._wanted
        held = {name for name in consumer.app.amqp.queues.consume_from if name.startswith(QUEUE)}
        try:
            for name in wanted - held:
                consumer.add_task_queue(name)
            for name in held - wanted:
                consumer.cancel_task_queue(name)
        except Exception:
            logger.exception("queues could not be changed; the next connection does it")

    def broker(self, *, is_there: bool) -> None:
        if self._gateway:
            self._gateway.upkeep.has_broker = is_there


class QueuesStep(bootsteps.StartStopStep):
    """At each connection to the broker: what was wished for while there was none."""

    requires = frozenset({"celery.worker.consumer.tasks:Tasks"})
    label = "gateway queues"

    def start(self, consumer: Any) -> None:
        step: GatewayStep = consumer.controller.gateway_step
        step.broker(is_there=True)
        step.reconcile()

    def stop(self, consumer: Any) -> None:
        consumer.controller.gateway_step.broker(is_there=False)
