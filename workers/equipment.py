"""What the worker of a stage works with, whichever transport it is on."""

from __future__ import annotations

from dataclasses import dataclass, field

from pipeline.erasure.erased import Erased
from pipeline.ports import CallState
from pipeline.privacy.sealing import UNSEALED, Seal
from workers.claims import Claims
from workers.health import StageHealth
from workers.limits import Limits
from workers.measures import StageMeasures
from workers.records import Publisher
from workers.tracing.hops import Hops


@dataclass(frozen=True, slots=True)
class Equipment:
    """``states`` for a stage that remembers calls; ``claims`` where large values do not fit into records.

    ``seal`` encrypts dead letters. Of calls that are ``erased`` nothing is handled. ``hops`` where traces are made.
    """

    publisher: Publisher
    measures: StageMeasures
    health: StageHealth
    limits: Limits = field(default_factory=Limits)
    states: CallState | None = None
    claims: Claims | None = None
    seal: Seal = UNSEALED
    erased: Erased = field(default_factory=Erased)
    hops: Hops | None = None
