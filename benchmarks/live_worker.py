"""A worker as ``convmine worker`` runs it, of some stages of the live lane, with an engine that takes no time.

``python -m benchmarks.live_worker asr extract``
"""

from __future__ import annotations

import asyncio
import sys
from unittest.mock import patch

from pipeline.asr import registry
from pipeline.settings import load
from pipeline.stages import stages_of
from schemas.wire import Lane
from workers import logs
from workers.processes import run_stages


def main(names: list[str]) -> None:
    """Run these stages until told to stop."""
    settings = load()
    logs.configure(settings.log)
    instant = registry.Entry("benchmarks.live_engine", "numpy", None)
    chosen = [stage for stage in stages_of(Lane.LIVE) if stage.name in names]
    with patch.object(registry, "ENGINES", {settings.asr.engine: instant}):
        asyncio.run(run_stages(settings, chosen))


if __name__ == "__main__":
    main(sys.argv[1:])
