"""Who runs two versions of a prompt on the same calls, as workers would run them."""

from __future__ import annotations

from pipeline.backtest.run import Backtester
from pipeline.extract.registry import build_extractor
from pipeline.scenarios.model import Scenario
from pipeline.settings import Settings
from pipeline.workbench.place import Workbench
from workers.outcomes import RetryPolicy


def backtester(settings: Settings, scenario: Scenario, workbench: Workbench, at_once: int) -> Backtester:
    """A ``Backtester`` of the tenant of the settings, with so many calls at a time."""
    # Nobody answers instead of the model that is tested. A cap of a call is one for one version.
    extract = {"extractor": "llm", "scenario": scenario.id, "fall_back": (), "check_share": 0.0}
    tested = settings.model_copy(
        update={
            "extract": settings.extract.model_copy(update=extract),
            "budget": settings.budget.model_copy(update={"call_tokens": None, "call_usd": None}),
        }
    )
    return Backtester(
        tenant_id=settings.tenant,
        settings=tested,
        workbench=workbench,
        extractor=lambda meter: build_extractor(tested, lambda *_: scenario, meter),
        delay_s=RetryPolicy(settings.runtime.backoff_s, settings.runtime.backoff_max_s).delay,
        at_once=at_once,
    )
