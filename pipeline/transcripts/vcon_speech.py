"""Transcripts that others put into a vCon: pieces of speech with their times, whoever wrote them.

Read are Whisper's JSON (segments with words), Deepgram's (utterances or words, an answer or one
alternative of it), the World Transcription Format (draft-howe-vcon-wtf-extension), and lists of pieces like these.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

_PAUSE_S: Final = 0.8
"""Of words without pieces: a silence that is longer than this ends one."""
_TEXTS: Final = ("text", "transcript", "message", "punctuated_word", "word")


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """One word, in ms from the start of its recording."""

    text: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Piece:
    """What one speaker said, in ms from the start of its recording.

    ``channel`` is that of the recording; ``speaker`` a number or a name by which the recogniser told speakers apart.
    """

    text: str
    start_ms: int
    end_ms: int
    channel: int | None = None
    speaker: str | int | None = None
    words: tuple[SpokenWord, ...] = ()


@dataclass(frozen=True, slots=True)
class Speech:
    """The pieces of a transcript in order of start, and its language where it says one."""

    pieces: tuple[Piece, ...]
    language: str | None = None


def speech_of(body: Any) -> Speech | None:  # noqa: ANN401 - whatever JSON can hold
    """The speech in the body of an analysis; None where it has none with times in a form that is known."""
    found = tuple(sorted(_pieces(body), key=lambda piece: (piece.start_ms, piece.end_ms)))
    return Speech(found, _language(body)) if found else None


def _pieces(body: Any, channel: int | None = None) -> Iterator[Piece]:  # noqa: ANN401 - likewise
    if isinstance(body, list):
        yield from _listed(body, (), channel)
        return
    if not isinstance(body, Mapping):
        return
    results = body.get("results")
    if isinstance(results, Mapping):  # Deepgram's answer
        if isinstance(results.get("utterances"), list):
            yield from _listed(results["utterances"], (), channel)
            return
        channels = _objects(results.get("channels"))
        for number, one in enumerate(channels):
            for alternative in _objects(one.get("alternatives"))[:1]:
                yield from _pieces(alternative, number if len(channels) > 1 else None)
        return
    words = _objects(body.get("words"))
    for name in ("segments", "utterances"):
        if isinstance(body.get(name), list):
            yield from _listed(body[name], words, channel)
            return
    yield from _by_pauses(words, channel)


def _listed(rows: Sequence[Any], words: Sequence[Mapping[str, Any]], channel: int | None) -> Iterator[Piece]:
    for row in _objects(rows):
        start, end, text = _ms(row.get("start")), _ms(row.get("end")), _text(row)
        if start is None or not text:
            continue
        told = _whole(row.get("channel"))
        yield Piece(
            text,
            start,
            max(start, start if end is None else end),
            channel if told is None else told,
            _speaker(row),
            tuple(_words(_of_row(row, words))),
        )


def _of_row(row: Mapping[str, Any], words: Sequence[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    """The words of a piece: its own, or those of the whole that it numbers."""
    own = row.get("words")
    if not isinstance(own, list):
        return ()
    by_number = {one.get("id", number): one for number, one in enumerate(words)}
    return [one if isinstance(one, Mapping) else by_number[one] for one in own if _is_word(one, by_number)]


def _is_word(one: Any, by_number: Mapping[Any, Any]) -> bool:  # noqa: ANN401 - likewise
    return isinstance(one, Mapping) or (isinstance(one, int) and one in by_number)


def _by_pauses(words: Sequence[Mapping[str, Any]], channel: int | None) -> Iterator[Piece]:
    """Pieces of words alone: one ends where somebody else speaks, or nobody for a while."""
    piece: list[SpokenWord] = []
    speaker: str | int | None = None
    for row in words:
        for word in _words([row]):
            pause = piece and word.start_ms - piece[-1].end_ms > _PAUSE_S * 1_000
            if piece and (pause or _speaker(row) != speaker):
                yield _piece(piece, channel, speaker)
                piece = []
            speaker = _speaker(row)
            piece.append(word)
    if piece:
        yield _piece(piece, channel, speaker)


def _piece(words: Sequence[SpokenWord], channel: int | None, speaker: str | int | None) -> Piece:
    text = " ".join(word.text for word in words)
    return Piece(text, words[0].start_ms, words[-1].end_ms, channel, speaker, tuple(words))


def _words(rows: Iterable[Mapping[str, Any]]) -> Iterator[SpokenWord]:
    for row in rows:
        text = next((row[name] for name in ("punctuated_word", "word", "text") if isinstance(row.get(name), str)), "")
        start, end = _ms(row.get("start")), _ms(row.get("end"))
        if text.strip() and start is not None and end is not None:
            yield SpokenWord(text.strip(), start, max(start, end))


def _text(row: Mapping[str, Any]) -> str:
    return next((row[name].strip() for name in _TEXTS if isinstance(row.get(name), str)), "")


def _speaker(row: Mapping[str, Any]) -> str | int | None:
    told = row.get("speaker")
    return told if isinstance(told, str | int) and not isinstance(told, bool) else None


def _language(body: Any) -> str | None:  # noqa: ANN401 - likewise
    if not isinstance(body, Mapping):
        return None
    inner = body.get("transcript")
    told = body.get("language") or (inner.get("language") if isinstance(inner, Mapping) else None)
    return told if isinstance(told, str) else None


def _objects(rows: Any) -> list[Mapping[str, Any]]:  # noqa: ANN401 - likewise
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []


def _whole(value: Any) -> int | None:  # noqa: ANN401 - likewise
    """A number of a channel; Deepgram writes which of how many, as ``[0, 2]``."""
    first = value[0] if isinstance(value, list) and value else value
    return first if isinstance(first, int) and not isinstance(first, bool) and first >= 0 else None


def _ms(seconds: Any) -> int | None:  # noqa: ANN401 - likewise
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not isfinite(seconds) or seconds < 0:
        return None
    return round(seconds * 1_000)
