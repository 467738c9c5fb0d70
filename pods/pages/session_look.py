"""How the Session of a Runner is put into words: what is notable in view, the rest one click away."""

from dataclasses import dataclass

from django.template.defaultfilters import filesizeformat

from pods.services.session_health import SessionHealth

FAR_MS = 1000  # a round trip that people feel
FEW = 3  # commands that are on their way at any moment
MUCH = 1 << 20  # bytes that nobody acknowledged
SECOND_MS, MINUTE_MS, HOUR_MS = 1000, 60_000, 3_600_000


@dataclass(frozen=True)
class SessionLook:
    health: SessionHealth

    @property
    def short(self) -> str:
        """Such as `4 ms`."""
        trip = self.health.round_trip_ms
        return "not measured yet" if trip is None else _duration(trip)

    @property
    def notable(self) -> list[str]:
        """What an operator should look at; most often nothing."""
        health = self.health
        found = []
        if health.round_trip_ms and health.round_trip_ms >= FAR_MS:
            found.append(f"{_duration(health.round_trip_ms)} away")
        if health.clock_is_off:
            found.append(f"clock {self.clock}")
        if health.unacknowledged_bytes >= MUCH:
            found.append(f"{filesizeformat(health.unacknowledged_bytes)} unacknowledged")
        if health.unacknowledged_commands > FEW:
            found.append(f"{health.unacknowledged_commands} commands unacknowledged")
        if health.waiting_commands > FEW:
            found.append(f"{health.waiting_commands} commands waiting")
        return found

    @property
    def clock(self) -> str:
        offset = self.health.clock_offset_ms
        if offset is None:
            return "not measured yet"
        if abs(offset) < SECOND_MS:
            return "as ours"
        return f"{_duration(abs(offset))} {'ahead' if offset > 0 else 'behind'}"


def _duration(ms: float) -> str:
    if ms < SECOND_MS:
        return f"{max(1, round(ms))} ms"
    if ms < MINUTE_MS:
        return f"{ms / SECOND_MS:.1f} s" if ms < 10 * SECOND_MS else f"{round(ms / SECOND_MS)} s"
    return f"{round(ms / MINUTE_MS)} min" if ms < HOUR_MS else f"{round(ms / HOUR_MS)} h"
