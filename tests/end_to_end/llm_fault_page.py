"""The page docs/llm-faults.md: what came of each fault, in words that are read from what was asked and published."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from llm_faults import ATTEMPTS, TIMEOUT_S, Ended, Fault

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "llm-faults.md"
UPDATE: Final = "scripts/llm-faults > docs/llm-faults.md"
HEADER: Final = ("The model's server", "The worker", "It ends with", "Requests")

_LONGEST_REASON: Final = 230


def row(fault: Fault, ended: Ended) -> str:
    """The line of the page."""
    cells = (fault.name, _did(ended.requests), _end(ended), str(len(ended.requests)))
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def page(rows: Sequence[str]) -> str:
    """The whole page."""
    return f"""# Faults of a model's server

<!-- made by scripts/llm-faults; do not edit -->

What the `extract` worker makes of them: each is scripted (`convmine fake-llm`, [fake-llm.md](fake-llm.md)) and goes
through the real handler, client and runtime. All settings are as by default, but for {ATTEMPTS} attempts at an event
and, where it is about time, a time-out of {TIMEOUT_S:.0f} s.

The server does it to one call: "once" and "twice" at first and then no more, "always" for as long as that call is
tried, while others get their answers. That tells a call that always fails from an outage, in which events wait and
never become dead letters. The requests are those of that call, and what the worker does is read from them.

| {" | ".join(HEADER)} |
| --- | --- | --- | --- |
{"".join(rows)}"""


def _did(requests: Sequence[Mapping[str, Any]]) -> str:
    """What the sequence of requests says."""
    steps: Counter[str] = Counter()
    for before, after in pairwise(requests):
        steps[_step(before, after)] += 1
    more = [name if count == 1 else f"{name} ({count})" for name, count in steps.items()]
    return "; ".join(["asks", *more])


def _step(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    if after.get("response_format") != before.get("response_format"):
        kind = (after.get("response_format") or {}).get("type", "plain text")
        return f"asks for {kind}"
    if after["messages"] == before["messages"]:
        return "asks for a longer answer" if after.get("max_tokens") != before.get("max_tokens") else "tries again"
    if len(after["messages"]) > len(before["messages"]):
        return "asks again with what was wrong"
    return "tries again" if after["messages"] == before["messages"][:2] else "asks about a part"


def _end(ended: Ended) -> str:
    if ended.stopped_by is not None:
        return f"the worker stops: {ended.stopped_by.message}; set right and started again: {_insight(ended)}"
    if ended.failures:
        reason = str(ended.failures[0]["reason"])
        return f"`call.failed`: {reason if len(reason) <= _LONGEST_REASON else reason[:_LONGEST_REASON] + '…'}"
    return _insight(ended)


def _insight(ended: Ended) -> str:
    if not ended.insights:
        return "nothing"
    made_with = ended.insights[0]["provenance"]
    parts = ["insight"]
    if dropped := made_with["dropped_ungrounded"]:
        parts.append(f"{dropped} claims without evidence dropped")
    if because := made_with.get("fallback_because"):
        parts.append(f"lexical, as {because}")
    return ", ".join(parts)
