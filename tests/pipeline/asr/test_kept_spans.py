from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.asr.kept_spans import Asked, KeptSpans
from pipeline.errors import Config
from pipeline.ports import KeptAnswer, Recognition, TimedWord
from pipeline.privacy.sealing import Seal
from pipeline.testing import InMemoryResponseCache

SPAN = Asked(channel=1, start=16_000, end=48_000, language="en", vocabulary=("Family Plan",))
HEARD = Recognition("it is 4-1-1-1", 0.5, "en", (TimedWord("it", 0, 80), TimedWord("is", 80, 200)))


class Reversing(Seal):
    """A seal that anybody can break, with or without its key."""

    def __init__(self, *, has_key: bool = True) -> None:
        super().__init__(())
        self.has_key = has_key

    def seal(self, data: bytes) -> bytes:
        return b"\xff" + data[::-1]

    def open(self, data: bytes) -> bytes:
        if not self.has_key:
            raise Config("CONVMINE_PRIVACY_STORAGE_KEYS", "the key is not there")
        return data[:0:-1]


def kept(cache: InMemoryResponseCache, **changes: str) -> KeptSpans:
    return KeptSpans(**{"cache": cache, "subject": "acme:call-1", "recording": "a" * 64, "engine": "e", **changes})  # type: ignore[arg-type]  # the cache is the first of them


@given(
    text=st.text(),
    confidence=st.none() | st.floats(0, 1),
    cut=st.none() | st.sampled_from(["repetition", "no_speech"]),
    word=st.text(),
)
async def test_what_is_kept_comes_back_as_it_was(
    text: str, confidence: float | None, cut: str | None, word: str
) -> None:
    heard = Recognition(text, confidence, None, (TimedWord(word, 0, 1),), cut)
    spans = kept(InMemoryResponseCache())
    assert await spans.get(SPAN) is None
    assert await spans.put(SPAN, heard) == heard
    assert await spans.get(SPAN) == heard


async def test_of_two_who_heard_the_same_span_both_go_on_with_what_the_first_one_heard() -> None:
    cache = InMemoryResponseCache()
    await kept(cache).put(SPAN, HEARD)
    assert await kept(cache).put(SPAN, Recognition("it is for")) == HEARD


@pytest.mark.parametrize(
    "other",
    [
        replace(SPAN, channel=0),
        replace(SPAN, start=15_999),
        replace(SPAN, end=47_999),
        replace(SPAN, language=None),
        replace(SPAN, vocabulary=()),
    ],
)
async def test_another_span_language_or_vocabulary_finds_nothing(other: Asked) -> None:
    spans = kept(InMemoryResponseCache())
    await spans.put(SPAN, HEARD)
    assert await spans.get(other) is None


@pytest.mark.parametrize("change", [{"subject": "acme:call-2"}, {"recording": "b" * 64}, {"engine": "f"}])
async def test_another_call_recording_or_engine_finds_nothing(change: dict[str, str]) -> None:
    cache = InMemoryResponseCache()
    await kept(cache).put(SPAN, HEARD)
    assert await kept(cache, **change).get(SPAN) is None


async def test_the_erasure_of_a_call_takes_its_spans_along() -> None:
    cache = InMemoryResponseCache()
    await kept(cache).put(SPAN, HEARD)
    await cache.remove("acme:call-1")
    assert await kept(cache).get(SPAN) is None


async def test_sealed_words_stand_nowhere_and_are_not_there_without_the_key() -> None:
    cache = InMemoryResponseCache()
    sealed = replace(kept(cache), seal=Reversing())
    await sealed.put(SPAN, HEARD)
    ((answer, _, _),) = cache.kept.values()
    assert "4-1-1-1" not in answer.text
    assert await sealed.get(SPAN) == HEARD
    assert await replace(kept(cache), seal=Reversing(has_key=False)).get(SPAN) is None
    assert await kept(cache).get(SPAN) is None


async def test_what_is_no_recognition_is_not_there() -> None:
    cache = InMemoryResponseCache()
    await kept(cache).put(SPAN, HEARD)
    for key in cache.kept:
        for text in ("", "{}", "\u4e00"):
            cache.kept[key] = (KeptAnswer(text, "e", "stop"), "acme:call-1", cache.kept[key][2])
            assert await kept(cache).get(SPAN) is None
            assert await kept(cache).put(SPAN, HEARD) == HEARD
