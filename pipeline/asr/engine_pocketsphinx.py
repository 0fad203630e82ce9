"""Offline English recognition with pocketsphinx in processes of its own: it holds the GIL, so threads gain nothing."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection, get_context, parent_process
from typing import Any, Final

from pipeline.asr.pcm import pcm16
from pipeline.dependencies import answered
from pipeline.errors import Poison, Retryable
from pipeline.ports import AsrEngine, Recognition, Speech, TimedWord
from pipeline.settings import AsrSettings

_RATE_HZ: Final = 16_000
# Tried on synthetic speech: a third off the time of the defaults (30000 and none) at the same word error rate;
# 2000 and 10 made a fifth more errors. Two Gaussians of a codebook instead of four take another sixth off.
_LIMITS: Final = {"maxhmmpf": 3_000, "maxwpf": 20, "topn": 2}
# <s>, <sil>, [SPEECH], [NOISE], ++UM++: the decoder's words for what is none.
_FILLER: Final = re.compile(r"^(<.*>|\[.*\]|\+\+.*\+\+)$")
_VARIANT: Final = re.compile(r"\(\d+\)$")
_FRAME_MS: Final = 10

_Word = tuple[str, int, int]  # as the decoder has it, its first and its last frame


def build(settings: AsrSettings) -> AsrEngine:
    """The engine with ``settings.workers`` processes, started as they are needed."""
    return PocketsphinxEngine(workers=settings.workers)


class PocketsphinxEngine:
    """Recognises 16 kHz English; each process has one decoder with the model that ships with pocketsphinx.

    It knows its own words only, so that a vocabulary is of no use to it. Stretches are taken as they come, one by each
    process, but hurried ones go before all others that no process has begun. A process that dies breaks the pool: the
    next call gets a new one.
    """

    name: Final = "pocketsphinx"
    sample_rate_hz: Final = _RATE_HZ

    def __init__(self, *, workers: int) -> None:
        self._workers = workers
        self._pool: ProcessPoolExecutor | None = None
        self._unhurried = asyncio.Semaphore(workers)
        """Of what is not hurried so much is with the pool at once, whose queue knows no order but that of arrival."""

    async def recognise(self, speeches: Sequence[Speech]) -> list[Recognition]:
        """Recognise all stretches side by side.

        Raises:
            Retryable: a process died; worth another try with a new one.
            Poison: the language is not English.
        """
        for speech in speeches:
            if speech.language is not None and speech.language.partition("-")[0] != "en":
                raise Poison(
                    f"pocketsphinx reads English, the call's language is {speech.language}",
                    hint="set CONVMINE_ASR_ENGINE to an engine that reads it, such as whisper",
                )
        pool = self._running_pool()
        try:
            heard = await asyncio.gather(*(self._heard(pool, speech) for speech in speeches))
        except BrokenProcessPool as error:
            if self._pool is pool:
                self._pool = None
            raise Retryable("a process of pocketsphinx died while it decoded", dependency="pocketsphinx") from error
        answered("pocketsphinx")
        return [_recognition(words, len(speech.samples)) for words, speech in zip(heard, speeches, strict=True)]

    async def close(self) -> None:
        """Stop the processes; what waits is dropped, what runs is finished."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await asyncio.to_thread(pool.shutdown, wait=True, cancel_futures=True)

    async def _heard(self, pool: ProcessPoolExecutor, speech: Speech) -> list[_Word]:
        if speech.hurried:
            return await asyncio.wrap_future(pool.submit(_decode, pcm16(speech.samples)))
        await self._unhurried.acquire()
        try:
            work = pool.submit(_decode, pcm16(speech.samples))
        except BaseException:
            self._unhurried.release()
            raise
        loop = asyncio.get_running_loop()
        # Not when whoever waits for it gives it up: a process that has begun it goes on.
        work.add_done_callback(lambda _: loop.call_soon_threadsafe(self._unhurried.release))
        return await asyncio.wrap_future(work)

    def _running_pool(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(self._workers, mp_context=get_context("spawn"), initializer=_start_decoder)
        return self._pool


def _recognition(words: Sequence[_Word], samples: int) -> Recognition:
    """What was said, without fillers and without the marks of pronunciation variants, as in ``read(2)``."""
    ends_ms = samples * 1_000 // _RATE_HZ
    kept = tuple(
        TimedWord(_VARIANT.sub("", text), min(start * _FRAME_MS, ends_ms), min((last + 1) * _FRAME_MS, ends_ms))
        for text, start, last in words
        if not _FILLER.match(text)
    )
    return Recognition(" ".join(word.text for word in kept), language="en", words=kept)


_process: dict[str, Any] = {}  # of a child: its one decoder


def _start_decoder() -> None:
    from pocketsphinx import Decoder

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides when to stop
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _process["decoder"] = Decoder(samprate=_RATE_HZ, loglevel="ERROR", **_LIMITS)


def _end_with_parent() -> None:
    # A pool's child waits for work for ever when its parent is killed, and keeps the model's memory.
    if (parent := parent_process()) is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _decode(pcm: bytes) -> list[_Word]:
    decoder = _process["decoder"]
    decoder.reinit_feat()  # else the words of a span hang on what this process heard before it
    decoder.start_utt()
    decoder.process_raw(pcm, no_search=False, full_utt=True)
    decoder.end_utt()
    return [(str(it.word), int(it.start_frame), int(it.end_frame)) for it in decoder.seg() or ()]
