"""Figures of a run and how they are printed: an aim is met, missed, or not asked for."""

import statistics
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """`aim` is such as "<= 3" or ">= 0.6"; empty: no aim."""

    name: str
    value: float
    unit: str = ""
    aim: str = ""

    @property
    def met(self) -> bool | None:
        if not self.aim:
            return None
        sign, bound = self.aim.split()
        return self.value <= float(bound) if sign == "<=" else self.value >= float(bound)

    def line(self) -> str:
        verdict = {None: "", True: "met", False: "MISSED"}[self.met]
        aim = f"aim {self.aim}" if self.aim else ""
        return f"  {self.name:<46} {self.value:>9.2f} {self.unit:<6} {aim:<12} {verdict}".rstrip()


def percentile(values: list[float], share: float) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[round(share * 100) - 1]
