"""What Whisper models take and give, whichever library runs them: spans that can go together, and words with times."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from pipeline.ports import Speech, TimedWord

_NO_SPEECH: Final = 0.6
AVERAGE_LOGPROB: Final = -1.0
"""As ``whisper.transcribe`` has it: below it, a model is not sure of its words."""


def is_silence(no_speech_prob: float, avg_logprob: float) -> bool:
    """Whether a model heard nobody, by the thresholds of ``whisper.transcribe``: sure of that, and not of its words."""
    return no_speech_prob > _NO_SPEECH and avg_logprob < AVERAGE_LOGPROB


def language_of(speech: Speech) -> str | None:
    """The language as Whisper names it: ``zh`` for ``zh-CN``."""
    return None if speech.language is None else speech.language.partition("-")[0]


def together(speeches: Sequence[Speech], languages: Sequence[str]) -> Mapping[tuple[str, tuple[str, ...]], list[int]]:
    """Which of them can be decoded in one pass, as indices: those of one language and one vocabulary."""
    groups: dict[tuple[str, tuple[str, ...]], list[int]] = {}
    for row, (speech, language) in enumerate(zip(speeches, languages, strict=True)):
        groups.setdefault((language, speech.vocabulary), []).append(row)
    return groups


def timed(words: Iterable[tuple[str, float, float]], ends_s: float) -> tuple[TimedWord, ...]:
    """Words with their times in seconds as they go into a recognition: inside the stretch, in order, none empty."""
    result: list[TimedWord] = []
    earliest = 0.0
    for text, start_s, end_s in words:
        if stripped := text.strip():
            start = min(max(earliest, start_s), ends_s)
            end = min(max(start, end_s), ends_s)
            result.append(TimedWord(stripped, round(start * 1_000), round(end * 1_000)))
            earliest = start
    return tuple(result)
