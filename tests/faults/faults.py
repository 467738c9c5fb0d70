"""What the long mix chooses from: faults of the network, of processes, of Valkey and of the database."""

import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.databases import Database
from tests.faults.system import Rig


@dataclass(frozen=True)
class Fault:
    name: str
    happen: Callable[[Rig, random.Random], None]


def _for(seconds: tuple[float, float], begin: Callable[[Rig], None]) -> Callable[..., None]:
    def happen(rig: Rig, chance: random.Random) -> None:
        begin(rig)
        time.sleep(chance.uniform(*seconds))
        rig.proxy.restore()

    return happen


def _late(rig: Rig, chance: random.Random) -> None:
    """The old connection's last bytes come after the new one's first."""
    rig.proxy.abandon()
    time.sleep(chance.uniform(1, 3))
    rig.proxy.arrive_late()


def _confirmations_lost(rig: Rig, chance: random.Random) -> None:
    """What the Runner says is held up, then the connection breaks."""
    rig.proxy.hold(down=False)
    time.sleep(chance.uniform(0.5, 1.5))
    rig.proxy.cut()
    rig.proxy.restore()


def _clients_know_not(rig: Rig, chance: random.Random) -> None:
    """What the PTY took is not told, and browsers come back: they send it again together with what is new."""
    rig.proxy.hold(down=False)
    time.sleep(chance.uniform(0.5, 1))
    rig.browsers.cut()
    time.sleep(chance.uniform(0.5, 1))
    rig.proxy.restore()


def _far_behind(rig: Rig, chance: random.Random) -> None:
    """Whoever looks gets a screen instead of all that was written meanwhile; more is under way when it comes."""
    rig.proxy.hold()
    time.sleep(chance.uniform(4, 5))
    rig.proxy.slow(delay=0.1)
    rig.proxy.release()
    time.sleep(1.5)
    rig.proxy.restore()


def _frozen(service: str) -> Callable[..., None]:
    def happen(rig: Rig, chance: random.Random) -> None:
        rig.freeze(service)
        time.sleep(chance.uniform(0.5, 2))
        rig.thaw(service)

    return happen


def _hosts_freeze_and_runner_dies(rig: Rig, chance: random.Random) -> None:
    """What a Runner that cannot reach its Pod hosts has taken is gone with it."""
    hosts = rig.hosts()
    try:
        for host in hosts:
            os.kill(host, signal.SIGSTOP)
        epoch = rig.epoch()
        rig.crash("runner")
        rig.attached_after(epoch)
        time.sleep(chance.uniform(1.5, 2.5))
        rig.crash("runner")
    finally:
        for host in hosts:
            os.kill(host, signal.SIGCONT)


CUT = Fault("connections cut", lambda rig, _: rig.proxy.cut())
AWAY = Fault("network away", _for((1, 3), lambda rig: rig.proxy.cut(refuse=True)))
HELD = Fault("both ways held", _for((1, 4), lambda rig: rig.proxy.hold()))
HELD_LONG = Fault("both ways held until Pods run ahead, then far away", _far_behind)
HELD_UP = Fault("the way up held", _for((1, 3), lambda rig: rig.proxy.hold(down=False)))
HELD_DOWN = Fault("the way down held", _for((1, 4), lambda rig: rig.proxy.hold(up=False)))
SLOW = Fault("slow link", _for((2, 4), lambda rig: rig.proxy.slow(delay=0.1, rate=200_000)))
LATE = Fault("an old connection delivers late", _late)
UNCONFIRMED = Fault("confirmations lost", _confirmations_lost)
BROWSERS = Fault("browsers cut", lambda rig, _: rig.browsers.cut())
UNTOLD = Fault("browsers cut with confirmations under way", _clients_know_not)
RUNNER = Fault("Runner killed", lambda rig, _: _ignore(rig.crash("runner")))
GATEWAY = Fault("gateway killed", lambda rig, _: _ignore(rig.crash("gateway")))
WEB = Fault("web killed", lambda rig, _: _ignore(rig.crash("web")))
WORKER = Fault("worker killed", lambda rig, _: _ignore(rig.crash("worker")))
TEMPLATE = Fault("template killed", lambda rig, _: _ignore(rig.crash("pods")))
GATEWAY_FROZEN = Fault("gateway frozen", _frozen("gateway"))
RUNNER_FROZEN = Fault("Runner frozen", _frozen("runner"))
HOSTS_FROZEN = Fault("hosts frozen, Runner killed twice", _hosts_freeze_and_runner_dies)
VALKEY = Fault("Valkey killed", lambda rig, _: _ignore(rig.crash("redis")))
FLUSHED = Fault("Valkey flushed", lambda rig, _: _ignore(rig.redis("FLUSHALL")))
ASLEEP = Fault("Valkey slow", lambda rig, _: _ignore(rig.redis("DEBUG", "SLEEP", "2")))

NETWORK = (
    CUT,
    AWAY,
    HELD,
    HELD_LONG,
    HELD_UP,
    HELD_DOWN,
    SLOW,
    LATE,
    UNCONFIRMED,
    BROWSERS,
    UNTOLD,
)
PROCESSES = (
    RUNNER,
    GATEWAY,
    WEB,
    WORKER,
    TEMPLATE,
    GATEWAY_FROZEN,
    RUNNER_FROZEN,
    HOSTS_FROZEN,
)
BROKER = (VALKEY, FLUSHED, ASLEEP)


def of_database(database: Database) -> tuple[Fault, ...]:
    def locked(_: Rig, chance: random.Random) -> None:
        with database.locked():
            time.sleep(chance.uniform(1, 3))

    def killed(_: Rig, chance: random.Random) -> None:
        with database.away():
            time.sleep(chance.uniform(0.2, 2))

    return Fault("database locked", locked), Fault("database killed", killed)


def _ignore(_answer: object) -> None:
    """A fault answers nothing."""
