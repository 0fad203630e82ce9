"""The same call through both lanes: the same words, up to where segments are cut."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from live_calls import chunks, whole_call
from live_playing import L16, delivered
from speech import RATE_HZ, find_speech, sample_call, turns

from pipeline.asr.live import LiveCalls, build
from pipeline.asr.vad import rules_of
from pipeline.ports import Recognition, Samples, Speech
from pipeline.settings import AudioSettings
from schemas.transcript import Segment

LENGTH_S = 60


class Oracle:
    """Knows who says which word when, and finds in the call what it is given: it hears what is all in there."""

    name = "oracle"
    sample_rate_hz = RATE_HZ

    def __init__(self, call: Samples) -> None:
        self._call = call
        self._words = [
            (turn["channel"], (turn["start_ms"] + (place + 0.5) * length / len(words)) * RATE_HZ / 1_000, word)
            for turn in turns()
            for words, length in [(turn["text"].split(), turn["end_ms"] - turn["start_ms"])]
            for place, word in enumerate(words)
        ]

    async def recognise(self, speeches: Sequence[Speech]) -> list[Recognition]:
        return [self.hear(it.samples) for it in speeches]

    async def close(self) -> None:
        """Nothing is held open."""

    def hear(self, samples: Samples) -> Recognition:
        channel, start = min(self._match(index, samples) for index in range(len(self._call)))[1:]
        said = [word for index, at, word in self._words if index == channel and start <= at < start + len(samples)]
        return Recognition(" ".join(said), 1.0, "en")

    def _match(self, channel: int, samples: Samples) -> tuple[float, int, int]:
        """How far from the samples the nearest place of a channel is, the channel, and the place."""
        call, size = self._call[channel].astype(np.float64), 1 << (self._call.shape[1] + len(samples)).bit_length()
        product = np.fft.irfft(np.fft.rfft(call, size) * np.conj(np.fft.rfft(samples.astype(np.float64), size)), size)
        start = int(np.argmax(product[: len(call)]))
        piece = call[start : start + len(samples)]
        return float(np.abs(piece - samples[: len(piece)]).mean()), channel, start


def test_both_lanes_give_the_same_words() -> None:
    audio = AudioSettings()
    call = sample_call()[:, : LENGTH_S * RATE_HZ]
    oracle = Oracle(call)

    def make() -> LiveCalls:
        return build(engine=oracle, settings=audio, mask=_as_it_is)

    live = delivered(whole_call(chunks(call, L16, [200])), make=make).segments
    for channel in (0, 1):
        spans = find_speech(call[channel], rules_of(audio))
        batch = " ".join(oracle.hear(call[channel, span.start : span.end]).text for span in spans)
        heard = sorted((it for it in live if it.channel == channel), key=lambda it: it.start_ms)
        assert " ".join(it.text for it in heard) == " ".join(batch.split())
        assert len(batch.split()) > 50


def _as_it_is(segments: Sequence[Segment], _: str | None) -> tuple[Segment, ...]:
    return tuple(segments)
