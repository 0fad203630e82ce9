"""The worker of live recognition that is measured: all of it but the engine, which answers at once."""

from __future__ import annotations

import asyncio
import signal
from typing import Final

from benchmarks.instant import Instant
from pipeline.asr import live
from pipeline.ports import Meter, Speech
from pipeline.privacy.masking import mask
from pipeline.privacy.open_numbers import is_open
from pipeline.settings import Settings, load
from pipeline.stages import Stage, stage_named
from schemas.wire import Lane
from workers import logs
from workers.kafka_app import KafkaWorker
from workers.limits import limits_of
from workers.measures import Measures
from workers.processes import collect_garbage_seldom

_WORDS: Final = (
    *("i", "would", "like", "to", "keep", "my", "number", "is", "four", "one", "five"),
    *("and", "then", "i", "need", "more", "data", "for", "my", "phone"),
)


def _text(speech: Speech) -> str:
    count = max(1, round(2.5 * len(speech.samples) / speech.sample_rate_hz))
    return " ".join(_WORDS[place % len(_WORDS)] for place in range(count))


def live_stage() -> Stage:
    """Speech recognition of the live lane."""
    stage = stage_named("asr", Lane.LIVE)
    assert stage is not None
    return stage


def live_handler(settings: Settings, meter: Meter | None = None) -> live.LiveCalls:
    """The handler as it is set, with the engine that takes no time."""
    return live.build(
        engine=Instant(_text),
        settings=settings.audio,
        mask=mask,
        is_open=is_open,
        hold_ms=settings.privacy.hold_ms,
        meter=meter,
    )


async def main() -> None:
    """Run until told to stop."""
    settings, stage = load(), live_stage()
    logs.configure(settings.log)
    handler = live_handler(settings)
    worker = KafkaWorker(settings.kafka, stage, handler, limits_of(settings, stage), measures=Measures())
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await worker.start()
    collect_garbage_seldom()
    try:
        await stop.wait()
    finally:
        await worker.stop(settings.runtime.drain_s)


if __name__ == "__main__":
    asyncio.run(main())
