"""What a benchmark prints: one JSON object that programs read, or the same for people."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Final, Literal

NOT_RUN: Final = "not run"
"""Stands where a figure could not be taken here; it is never left out."""
_PACKAGES: Final = ("faust-streaming", "aiokafka", "pydantic", "quixstreams", "confluent-kafka")

Figure = float | str
Figures = Mapping[str, "Figure | Figures"]


@dataclass(frozen=True, slots=True)
class Report:
    """The result of one benchmark: ``ratio`` is what its ``goal`` is about."""

    name: str
    ratio: float | Literal["not run"]
    goal: float
    figures: Figures
    machine: Mapping[str, Figure]

    def show(self, *, as_json: bool) -> None:
        """Print it, as the last line or as a list."""
        if as_json:
            print(json.dumps(asdict(self)))
            return
        print(f"{self.name}: ratio {self.ratio}, goal {self.goal}")
        for line in _lines({"figures": self.figures, "machine": self.machine}):
            print(line)


def machine() -> dict[str, Figure]:
    """Where this ran, how busy it was (processes that wanted a CPU, over the last minute), and on which versions."""
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cpus": os.cpu_count() or 0,
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "load_1m": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        **{package: _version(package) for package in _PACKAGES},
    }


def percentiles(values: Sequence[float]) -> dict[str, Figure]:
    """p50, p95 and p99 of at least two values, rounded to two places."""
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return {f"p{percent}": round(cuts[percent - 1], 2) for percent in (50, 95, 99)}


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    names = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = (line.partition(":")[2].strip() for line in names if line.startswith("model name"))
    return next(models, platform.processor() or platform.machine())


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _lines(figures: Figures, indent: str = "  ") -> list[str]:
    lines: list[str] = []
    for name, value in figures.items():
        if isinstance(value, Mapping):
            lines += [f"{indent}{name}", *_lines(value, indent + "  ")]
        else:
            lines.append(f"{indent}{name}: {value}")
    return lines
