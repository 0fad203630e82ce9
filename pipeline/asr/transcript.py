"""From what was heard to the transcript: segments with role, time and words, and what became of the audio."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from pipeline.asr.channels import ChannelState
from pipeline.asr.transcribe import Heard
from pipeline.ids import stable_id
from pipeline.intervals import joined
from pipeline.ports import TimedWord
from schemas.transcript import ChannelHealth, Hearing, MaskedSpan, Segment, Word
from schemas.wire import Role


def segments_of(heard: Iterable[Heard], roles: Mapping[int, Role], call: Sequence[str | int]) -> tuple[Segment, ...]:
    """The segments of what has words, in order of start and then channel.

    Args:
        heard: in any order.
        roles: by channel; unknown where there is none.
        call: what tells the call, and its revision, from others: the ids of the segments are made of it.
    """
    return tuple(
        Segment(
            segment_id=stable_id("segment", *call, it.channel, it.start_ms, it.end_ms),
            channel=it.channel,
            role=roles.get(it.channel, Role.UNKNOWN),
            start_ms=it.start_ms,
            end_ms=it.end_ms,
            text=it.recognition.text,
            confidence=it.recognition.confidence,
            words=words_of(it.recognition.words, it.start_ms, it.end_ms),
        )
        for it in sorted(heard, key=lambda it: (it.start_ms, it.channel))
        if it.recognition.text
    )


def words_of(words: Iterable[TimedWord], start_ms: int, end_ms: int) -> tuple[Word, ...]:
    """The words of a stretch from ``start_ms`` to ``end_ms`` of the call, with their times in it."""
    return tuple(_word(word, start_ms, end_ms) for word in words)


def _word(word: TimedWord, start_ms: int, end_ms: int) -> Word:
    first_ms, last_ms = (min(start_ms + ms, end_ms) for ms in (word.start_ms, word.end_ms))
    return Word(text=word.text, start_ms=first_ms, end_ms=max(first_ms, last_ms))


def roles_heard(roles: Mapping[int, Role], states: Sequence[ChannelState]) -> dict[int, Role]:
    """Who is heard on which channel: nobody can tell on one that another, of somebody else, repeats."""
    mixed = {it.same_as for it in states if it.same_as is not None and roles.get(it.index) != roles.get(it.same_as)}
    return {channel: Role.UNKNOWN if channel in mixed else role for channel, role in roles.items()}


def health_of(states: Iterable[ChannelState], heard: Sequence[Heard]) -> tuple[ChannelHealth, ...]:
    """How the channels of a recording are, and how long somebody spoke on each."""
    spoken: Counter[int] = Counter()
    for it in heard:
        spoken[it.channel] += it.end_ms - it.start_ms
    return tuple(
        ChannelHealth(channel=it.index, state=it.state, same_as=it.same_as, spoken_ms=spoken[it.index]) for it in states
    )


def hearing_of(heard_ms: int, heard: Sequence[Heard], segments: Iterable[Segment]) -> Hearing:
    """What became of so much audio: how much of it was speech, phantoms, and masked."""
    cuts: Counter[str] = Counter()
    for it in heard:
        if it.recognition.cut is not None:
            cuts[it.recognition.cut] += it.end_ms - it.start_ms
    return Hearing(
        heard_ms=heard_ms,
        spoken_ms=sum(it.end_ms - it.start_ms for it in heard),
        cut_ms=cuts.total(),
        masked_ms=_masked_ms(segments),
        cuts=dict(cuts),
    )


def spoken_language(heard: Iterable[Heard]) -> str | None:
    """The language that most of the recognised speech is in, by length; None where no engine said."""
    lengths: Counter[str] = Counter()
    for it in heard:
        if it.recognition.language is not None and it.recognition.text:
            lengths[it.recognition.language] += it.span.end - it.span.start
    return max(lengths, key=lambda language: lengths[language], default=None)


def _masked_ms(segments: Iterable[Segment]) -> int:
    by_channel = groupby(sorted(segments, key=lambda it: it.channel), key=lambda it: it.channel)
    return sum(_covered_ms([span for segment in group for span in segment.masked]) for _, group in by_channel)


def _covered_ms(spans: Iterable[MaskedSpan]) -> int:
    """How long the spans are together, what several cover counted once."""
    return sum(end_ms - start_ms for start_ms, end_ms in joined((span.start_ms, span.end_ms) for span in spans))
