"""The Gateway's own rounds: sweep, placing, its row, the rows of dead ones, its health."""

import asyncio
from functools import partial

from grpc_health.v1 import health_pb2
from grpc_health.v1._async import HealthServicer

from pods.gateway.measures import measured
from pods.gateway.periods import Periods
from pods.gateway.pool import Pool
from pods.gateway.sweep import Placer, Sweep, every
from pods.services import gateways
from pods.services.authority import Authority
from pods.services.prompt_release import release_waiting

READY, BROKER = "", "broker"
"""What the health service knows: whether this Gateway serves; whether wake-ups reach it at once."""

HEALTH_S = 1

_Status = health_pb2.HealthCheckResponse


class Upkeep:
    def __init__(self, sweep: Sweep, placer: Placer, pool: Pool, authority: Authority) -> None:
        self._sweep, self._placer, self._pool = sweep, placer, pool
        self._authority = authority
        self.trusted = ""  # what Runners compare with what they trust
        self.health = HealthServicer()
        self.has_broker = False  # set from the consumer's thread

    async def run(self, gateway_id: str, address: str, periods: Periods) -> None:
        """Until cancelled."""
        bury = partial(self._pool.run, gateways.bury_dead, periods.gateway_dead)
        prompts = partial(self._pool.run, release_waiting, gateway_id)
        async with asyncio.TaskGroup() as group:
            group.create_task(every(periods.sweep, self._look, "sweep"))
            group.create_task(every(0, self._placer.once, "placing"))
            group.create_task(every(periods.sweep, prompts, "prompts"))
            group.create_task(
                every(periods.row, partial(self._keep_row, gateway_id, address), "row")
            )
            group.create_task(every(periods.row, bury, "sweep of dead gateways"))
            group.create_task(every(periods.sweep, self._look_at_authority, "authority"))
            group.create_task(every(HEALTH_S, partial(self._tell, periods), "health"))

    async def _look(self) -> None:
        await self._sweep.once()
        self._placer.want()

    async def _look_at_authority(self) -> None:
        now = await self._pool.run(lambda: self._authority.trusted_hash)
        if now != self.trusted:
            self.trusted = now
            self._sweep.have_all_told()

    async def _keep_row(self, gateway_id: str, address: str) -> None:
        await self._pool.run(gateways.refresh, gateway_id, address, measured())

    async def _tell(self, periods: Periods) -> None:
        """A lost broker is a degraded Gateway, not one that is not ready: the sweep finds what wake-ups would."""
        age = asyncio.get_running_loop().time() - self._sweep.ended_at
        await self.health.set(READY, _serving(age < periods.healthy))
        await self.health.set(BROKER, _serving(self.has_broker))


def _serving(good: bool) -> health_pb2.HealthCheckResponse.ServingStatus:  # noqa: FBT001 - a status is a yes or no
    return _Status.SERVING if good else _Status.NOT_SERVING
