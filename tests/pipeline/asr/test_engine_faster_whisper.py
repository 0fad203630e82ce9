from pathlib import Path
from types import SimpleNamespace

import faster_whisper  # noqa: F401 - a plain import: without the package this part must fail, not be skipped
import pytest
from speech import greeting, noise
from tiny_whisper import ctranslate2_model

from pipeline.asr.engine_faster_whisper import _recognition, build
from pipeline.errors import Config, Poison
from pipeline.ports import Recognition, Speech, TimedWord
from pipeline.settings import AsrSettings


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ctranslate2_model(tmp_path_factory.mktemp("ctranslate2") / "random")


def settings(model: Path | str) -> AsrSettings:
    return AsrSettings(engine="faster-whisper", model=str(model), device="cpu")


async def test_spans_are_recognised_in_their_order(model: Path) -> None:
    engine = build(settings(model))
    spans = [Speech(greeting().samples, 16_000, "en-US"), Speech(noise(25, -10), 16_000)]

    forward = await engine.recognise(spans)
    backward = await engine.recognise(spans[::-1])
    await engine.close()

    assert forward == backward[::-1]
    assert forward[0].text.startswith("word")
    assert forward[0].text != forward[1].text
    assert [it.language for it in forward] == ["en", "en"]
    assert engine.name == "faster-whisper-random"


async def test_spans_of_one_batch_come_out_as_one_by_one_words_and_times_too(model: Path) -> None:
    engine = build(settings(model))
    spans = [
        Speech(noise(seconds, -20, seed), 16_000, "en", vocabulary)
        for seed, (seconds, vocabulary) in enumerate([(2.5, ()), (0.4, ("word1",)), (30, ()), (1.23456, ()), (7, ())])
    ]

    together = await engine.recognise(spans)
    alone = [(await engine.recognise([span]))[0] for span in spans]
    await engine.close()

    assert [(it.text, it.words) for it in together] == [(it.text, it.words) for it in alone]
    assert [it.confidence for it in together] == pytest.approx([it.confidence for it in alone], rel=1e-3)
    assert len({it.text for it in together}) > 1


async def test_the_words_have_their_times_in_order_and_inside_the_span(model: Path) -> None:
    engine = build(settings(model))
    _, result = await engine.recognise([Speech(noise(9, -20), 16_000, "en"), Speech(noise(2.5, -20), 16_000, "en")])
    await engine.close()

    starts = [word.start_ms for word in result.words]
    assert starts
    assert starts == sorted(starts)
    assert all(0 <= word.start_ms <= word.end_ms <= 2_500 for word in result.words)


@pytest.mark.parametrize(
    ("no_speech", "logprob", "text", "cut"),
    [(0.9, -1.5, "", "no_speech"), (0.9, -0.3, "hello", None), (0.2, -1.5, "hello", None)],
)
def test_words_are_dropped_only_where_silence_is_likely_and_they_are_not(
    no_speech: float, logprob: float, text: str, cut: str | None
) -> None:
    word = SimpleNamespace(word=" hello", start=4.5, end=4.9)
    segment = SimpleNamespace(no_speech_prob=no_speech, avg_logprob=logprob, text=" hello ", words=[word])
    result = _recognition([segment], "en", 4, 16_000)
    assert (result.text, result.cut) == (text, cut)
    assert result.words == (() if cut else (TimedWord("hello", 500, 900),))


def test_a_span_in_which_nothing_was_found_has_no_words() -> None:
    assert _recognition([], "en", 4, 16_000) == Recognition("", language="en")


async def test_a_language_that_the_model_does_not_know_is_poison(model: Path) -> None:
    engine = build(settings(model))
    with pytest.raises(Poison, match="does not know the language 'zh'"):
        await engine.recognise([Speech(noise(1, -30), 16_000, "zh-CN")])
    await engine.close()


def test_a_folder_without_a_model_is_a_config_error_naming_the_setting(tmp_path: Path) -> None:
    with pytest.raises(Config, match="CONVMINE_ASR_MODEL: the faster-whisper model"):
        build(settings(tmp_path))
