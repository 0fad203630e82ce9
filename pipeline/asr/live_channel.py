"""One channel of a live call from its last cut on: its audio, and what listens to it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace

from pipeline.asr.live_audio import Resampler
from pipeline.asr.live_state import ChannelCut, Mark
from pipeline.asr.streaming_vad import Cut, Detectors, SpeechFinder
from pipeline.asr.vad import RATE_HZ, Rules
from pipeline.ports import Samples


@dataclass(frozen=True, slots=True, eq=False)
class Spoken:
    """Something that was said, to be recognised: mono samples at 16 kHz; times are of the call.

    It follows the cut ``before`` and the chunks from the offset ``held_from`` on. ``copies`` are the same samples on
    other channels.
    """

    channel: int
    start_ms: int
    end_ms: int
    samples: Samples
    before: ChannelCut
    held_from: int
    copies: tuple[Spoken, ...] = ()

    @property
    def is_out(self) -> bool:
        """Whether its words are out already, and it is only heard again."""
        return self.before.out_ms is not None and self.start_ms < self.before.out_ms


@dataclass(frozen=True, slots=True)
class Piece:
    """Audio of one channel from one chunk: samples at the chunk's rate from the frame ``skipped`` of the chunk on."""

    sequence: int
    offset: int
    start_ms: int
    skipped: int
    samples: Samples


class LiveChannel:
    """One channel since its last cut."""

    def __init__(self, index: int, cut: ChannelCut, rate_hz: int, rules: Rules, detectors: Detectors) -> None:
        self.index = index
        self.cut = cut
        self._rate_hz = rate_hz
        self._rules = rules
        self._detectors = detectors
        self._start_afresh()

    @property
    def held_from(self) -> int | None:
        """The oldest offset of a chunk that has audio after the cut; a late chunk has a higher one than the next."""
        return min((piece.offset for piece in self._pieces), default=None)

    def holds(self, sequence: int) -> bool:
        """Whether audio of the chunk of this number comes after the cut."""
        return any(piece.sequence == sequence for piece in self._pieces)

    @property
    def speaking_ms(self) -> tuple[int, int] | None:
        """Somebody speaks and goes on: when that began in the call, and how long it is heard; else None."""
        if (speaking := self._finder.speaking) is None:
            return None
        start, heard = speaking
        return self._mark(self._frame(start)).ms, (heard - start) * 1_000 // RATE_HZ

    def so_far(self) -> Spoken | None:
        """What was said so far by whoever speaks and goes on."""
        if (speaking := self._finder.speaking) is None:
            return None
        start, heard = speaking
        return self._spoken(start, heard, self._finder.heard_from(start))

    def feed(self, piece: Piece) -> list[Spoken]:
        """What is said up to the cuts that this piece brings about."""
        mark = self.cut.mark
        if piece.sequence < mark.sequence:
            return []
        if piece.sequence == mark.sequence and mark.frames:
            piece = replace(piece, skipped=mark.frames, samples=piece.samples[mark.frames :])
        return self._listen(deque([piece] if len(piece.samples) else []))

    def finish(self) -> list[Spoken]:
        """What is said up to the end of the audio, where the cut is then."""
        if not self._pieces:
            return []
        cut = self._finder.feed(self._resampler.finish())
        if cut is not None:
            spoken, waiting = self._cut_at(cut, self._frame(cut.at))
            return [*spoken, *self._listen(waiting), *self.finish()]
        cut = self._finder.finish()
        spoken, _ = self._cut_at(cut, sum(len(piece.samples) for piece in self._pieces))
        return spoken

    def move(self, mark: Mark) -> None:
        """Put the cut elsewhere; nothing may be held."""
        self.cut = self.cut.model_copy(update={"mark": mark})

    def _start_afresh(self) -> None:
        self._pieces: list[Piece] = []
        self._resampler = Resampler(self._rate_hz)
        self._finder = SpeechFinder(self._rules, self._detectors, self.cut.noise_db)

    def _listen(self, waiting: deque[Piece]) -> list[Spoken]:
        found: list[Spoken] = []
        while waiting:
            piece = waiting.popleft()
            self._pieces.append(piece)
            cut = self._finder.feed(self._resampler.feed(piece.samples))
            if cut is not None:
                spoken, rest = self._cut_at(cut, self._frame(cut.at))
                found += spoken
                waiting.extendleft(reversed(rest))
        return found

    def _cut_at(self, cut: Cut, frame: int) -> tuple[list[Spoken], deque[Piece]]:
        """What was said before the cut, and the pieces after it, for a listener that starts afresh."""
        spoken: list[Spoken] = []
        if cut.speech is not None:
            spoken.append(self._spoken(cut.start, cut.start + len(cut.speech), cut.speech))
        rest = deque(_after(self._pieces, frame))
        # What was said before this time is out still, when the next is heard; a cut in silence must not forget that.
        self.cut = ChannelCut(mark=self._mark(frame), noise_db=cut.noise_db, out_ms=self.cut.out_ms)
        self._start_afresh()
        return spoken, rest

    def _spoken(self, start: int, end: int, samples: Samples) -> Spoken:
        """From one sample at 16 kHz, counted from the cut, to another."""
        start_ms, end_ms = (self._mark(self._frame(sample)).ms for sample in (start, end))
        held_from = self.held_from
        assert held_from is not None
        return Spoken(self.index, start_ms, max(start_ms, end_ms), samples, self.cut, held_from)

    def _frame(self, sample: int) -> int:
        """The frame, counted from the cut, in which a sample at 16 kHz lies."""
        return sample * self._rate_hz // RATE_HZ

    def _mark(self, frame: int) -> Mark:
        """Where a frame, counted from the cut, lies in the call."""
        for piece in self._pieces:
            if frame < len(piece.samples):
                frames = piece.skipped + frame
                return Mark(sequence=piece.sequence, frames=frames, ms=piece.start_ms + ms_of(frames, self._rate_hz))
            frame -= len(piece.samples)
        last = self._pieces[-1]
        end = last.start_ms + ms_of(last.skipped + len(last.samples), self._rate_hz)
        return Mark(sequence=last.sequence + 1, ms=end)


def ms_of(frames: int, rate_hz: int) -> int:
    """So many frames in milliseconds, rounded."""
    return (frames * 1_000 + rate_hz // 2) // rate_hz


def _after(pieces: Iterable[Piece], frame: int) -> list[Piece]:
    """What of the pieces lies after so many frames."""
    found: list[Piece] = []
    for piece in pieces:
        drop = min(frame, len(piece.samples))
        frame -= drop
        if drop < len(piece.samples):
            found.append(replace(piece, skipped=piece.skipped + drop, samples=piece.samples[drop:]))
    return found
