"""The port behind which labels, back-tests and what they paid for are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from pipeline.backtest.result import Backtest
from pipeline.labels.label import Label


class Workbench(Protocol):
    """Keeps what people have judged and tried out.

    Raises:
        Retryable: the place is away.
    """

    async def add_labels(self, labels: Sequence[Label]) -> int:
        """Keep them; those that are there already, to the second, are not counted."""

    async def take_back(self, labels: Sequence[Label]) -> int:
        """Forget these words, which were slips; says how many of them were there."""

    async def labels(self, tenant_id: str, *, call_id: str | None = None, by: str | None = None) -> tuple[Label, ...]:
        """In order of time; all that a person has said of an item, the last word last."""

    async def outcomes(self, keys: Sequence[str]) -> Mapping[str, str]:
        """What was kept under these keys, as text."""

    async def keep_outcome(self, key: str, outcome: str, *, subject: str) -> None:
        """Keep the result of a version on a call; ``subject`` (``tenant:call``) is whose words are in it."""

    async def add_backtest(self, tenant_id: str, backtest: Backtest) -> None:
        """Keep a back-test that has come to its end."""

    async def backtests(self, tenant_id: str, scenario: str, language: str, prompt: str) -> tuple[Backtest, ...]:
        """Those of a prompt, newest first."""

    async def erase(self, subject: str) -> int:
        """Forget the labels and results of a call (``tenant:call``); says how many there were."""

    async def close(self) -> None: ...
