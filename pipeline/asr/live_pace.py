"""When the words so far are told while somebody speaks, and which revision of the segment they are."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.settings import AudioSettings


@dataclass(frozen=True, slots=True)
class Pace:
    """Every so many milliseconds of a speech, which is cut ``longest_ms`` after it began at the latest; 0 for never.

    The revision of a partial segment is how often its time has come, so that it follows from the audio alone. The final
    one has a number that no partial one can have. ``hangover_ms`` is how long after its end a speech is still heard.
    """

    every_ms: int = 0
    longest_ms: int = 0
    hangover_ms: int = 0

    @classmethod
    def of(cls, audio: AudioSettings) -> Pace:
        """As it is set."""
        longest_ms = int(audio.max_span_s * 1_000) + audio.vad_hangover_ms
        return cls(audio.partial_ms, longest_ms, audio.vad_hangover_ms)

    @property
    def final(self) -> int:
        """The revision of a final segment."""
        return self._last + 1

    def revision(self, elapsed_ms: int) -> int:
        """The revision of a partial segment after so much of its speech; 0 where it is too soon for any."""
        return min(elapsed_ms // self.every_ms, self._last) if self.every_ms else 0

    def may_have_told(self, length_ms: int) -> bool:
        """Whether there may be a partial segment of a speech that was so long in the end."""
        return self.revision(length_ms + self.hangover_ms) > 0

    @property
    def _last(self) -> int:
        return self.longest_ms // self.every_ms if self.every_ms else 0
