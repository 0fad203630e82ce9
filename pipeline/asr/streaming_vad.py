"""Where someone speaks, told frame by frame while they do: the energy gate and the detector of ``vad``, as they come.

Everything is decided at the first frame that allows it, from the samples since the last cut alone: how they were cut
into chunks, and when this process began to listen, changes nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final, Protocol

import numpy as np

from pipeline.asr.silero import Network, Silero
from pipeline.asr.vad import (
    FRAME,
    FRAME_MS,
    LEAD_FRAMES,
    RATE_HZ,
    TRAIL_FRAMES,
    Probabilities,
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
_AHEAD_FRAMES: Final = 12  # of a chunk: 0.4 s; more at once costs hardly less
_NOISE_RISES_DB: Final = 3.0  # from cut to cut at most; someone who talks without a pause is no noise
_WHOLE_MS: Final = RATE_HZ // 1_000


class Detector(Protocol):
    """How likely it is that frames, of shape (frames, 512), are speech; remembers those that it heard before."""

    def process_frames(self, frames: Samples) -> Probabilities: ...


class Detectors:
    """Where a detector comes from for whoever is about to speak; the network is read with the first of these."""

    def __init__(self) -> None:
        self._network = Network.installed()

    def make(self) -> Detector:
        """A new one: Silero's."""
        return Silero(self._network)


@dataclass(frozen=True, slots=True)
class Cut:
    """The samples before ``at`` are done with; ``speech`` is what was said in them, and begins at ``start``.

    ``at`` is a whole number of frames, but at the end of the audio: so the frames after all cuts are those of the whole
    call, and the same speech is found in it. ``noise_db`` is what to expect of the line.
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
        self._answers: deque[float] = deque()
        self._asked_to = 0
        self._trail_to = 0
        self._speech: tuple[int, int] | None = None

    def feed(self, samples: Samples) -> Cut | None:
        """Listen on; a cut as soon as one can be made, and then what came after it must be given to another finder."""
        joined = np.concatenate((self._rest, samples))
        whole = len(joined) // FRAME * FRAME
        frames, self._rest = joined[:whole].reshape(-1, FRAME), joined[whole:]
        levels = levels_db(frames).tolist()
        for place, level in enumerate(levels):
            coming = slice(place + 1, place + 1 + _AHEAD_FRAMES)
            self._listen(frames[place], level, frames[coming], levels[coming])
            if (cut := self._decide()) is not None:
                self.close()
                return cut
        return None

    def finish(self) -> Cut:
        """There is no more audio: the cut is at its end."""
        total = len(self._frames) * FRAME + len(self._rest)
        if len(self._rest):
            last = np.pad(self._rest, (0, FRAME - len(self._rest)))
            self._listen(last, float(levels_db(last[np.newaxis])[0]), last[:0], ())
        self.close()
        return self._cut(total, self._span(total))

    @property
    def speaking(self) -> tuple[int, int] | None:
        """Somebody speaks and goes on: the sample at which it began, and how many were heard so far; else None."""
        heard = len(self._frames) * FRAME
        return None if (span := self._span(heard)) is None else (span[0], heard)

    def heard_from(self, start: int) -> Samples:
        """The samples from this one on, as far as they were heard."""
        return np.concatenate(self._frames)[start:]

    def close(self) -> None:
        """Let go of the detector."""
        self._detector = None

    def _listen(self, frame: Samples, level: float, coming: Samples, coming_levels: Sequence[float]) -> None:
        """Ask the detector where it is loud, a little before and a little after, as ``vad.gate`` does.

        About the frames that come, which are in the same chunk, it is asked in one go: that costs half. Its answers are
        the same, and none counts before its frame is heard.
        """
        self._frames.append(frame)
        self._levels.append(level)
        heard = len(self._frames)
        if level > self._loud_above:
            self._trail_to = heard + TRAIL_FRAMES
        if heard <= self._trail_to:
            first = max(self._asked_to, heard - 1 - LEAD_FRAMES)
            if not self._answers:
                self._answers.extend(self._ask([*self._frames[first:], *coming[: self._more(coming_levels)]]))
            self._count(first, heard)
        elif heard > self._asked_to + LEAD_FRAMES:
            self.close()

    def _more(self, levels: Sequence[float]) -> int:
        """How many of the frames that come, of these levels, the detector is asked about without a break."""
        trail = self._trail_to - len(self._frames)
        for count, level in enumerate(levels):
            if level > self._loud_above:
                trail = count + 1 + TRAIL_FRAMES
            if count >= trail:
                return count
        return len(levels)

    def _ask(self, frames: Sequence[Samples]) -> list[float]:
        if self._detector is None:
            self._detector = self._detectors.make()
        answers: list[float] = self._detector.process_frames(np.stack(frames)).tolist()
        return answers

    def _count(self, first: int, after: int) -> None:
        """Take in the answers about these frames."""
        for index in range(first, after):
            if self._answers.popleft() >= self._rules.threshold:
                self._speech = (self._speech[0] if self._speech else index, index + 1)
        self._asked_to = after

    def _decide(self) -> Cut | None:
        heard = len(self._frames)
        if self._speech is not None and heard - self._speech[1] >= self._hangover:
            if (span := self._span(heard * FRAME)) is not None:
                return self._cut(ceil(span[1] / FRAME) * FRAME, span)
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
        return at - at % FRAME

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
