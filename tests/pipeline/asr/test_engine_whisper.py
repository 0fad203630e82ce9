from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import whisper  # a plain import: without the package this part must fail, not be skipped
from speech import greeting, noise, sample_call
from tiny_whisper import openai_checkpoint

from pipeline.asr.engine_whisper import TEMPERATURES, WhisperEngine, _recognition, build
from pipeline.errors import Config, Poison
from pipeline.ports import Recognition, Speech
from pipeline.settings import AsrSettings


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return openai_checkpoint(tmp_path_factory.mktemp("whisper") / "random.pt")


def settings(model: Path | str, **others: object) -> AsrSettings:
    return AsrSettings.model_validate({"engine": "whisper", "model": str(model), "device": "cpu", **others})


def engine_of(checkpoint: Path, *, temperatures: tuple[float, ...] = (), longest: int = 12) -> WhisperEngine:
    """One that is quick with random weights, which never end an answer by themselves and fail every threshold."""
    model = whisper.load_model(str(checkpoint), device="cpu")
    return WhisperEngine(model, name="whisper-random", batch=8, temperatures=temperatures, longest=longest)


@dataclass
class Decoder:
    """In place of ``whisper.decode``: remembers what it was asked for, and fails below the temperatures it is told."""

    passes_at: dict[int, float] = field(default_factory=dict)
    asked: list[tuple[int, float, list[int] | None, str]] = field(default_factory=list)

    def __call__(self, _: object, features: Any, options: Any) -> Any:
        rows = features[None] if features.ndim == 2 else features
        self.asked.append((len(rows), options.temperature, options.prompt, options.language))
        made = [self._result(row, options) for row in rows]
        return made[0] if features.ndim == 2 else made

    def _result(self, row: Any, options: Any) -> SimpleNamespace:
        width = round(float(row[0, 0]))
        fails = options.temperature < self.passes_at.get(width, 0.0)
        return SimpleNamespace(
            text=f" at {options.temperature} ",
            tokens=[],
            language=options.language,
            avg_logprob=-1.5 - options.temperature if fails else -0.1,
            no_speech_prob=0.1,
            compression_ratio=1.0,
            temperature=options.temperature,
        )


@pytest.fixture
def decoder(monkeypatch: pytest.MonkeyPatch) -> Decoder:
    """The rows of a batch are told apart by the level of their first sample."""
    import torch

    fake = Decoder()
    monkeypatch.setattr(whisper, "decode", fake)

    def features(_: WhisperEngine, speeches: list[Speech]) -> object:
        return torch.tensor([[[float(it.samples[0])]] for it in speeches])

    monkeypatch.setattr(WhisperEngine, "_features", features)
    return fake


def marked(mark: int, language: str = "en", vocabulary: tuple[str, ...] = ()) -> Speech:
    return Speech(np.full(16_000, mark, dtype=np.float32), 16_000, language, vocabulary)


async def test_an_engine_is_called_after_its_checkpoint(checkpoint: Path) -> None:
    engine = build(settings(checkpoint))
    assert engine.name == "whisper-random"
    await engine.close()


async def test_spans_in_one_batch_come_out_as_one_by_one_and_in_their_order(checkpoint: Path) -> None:
    engine = engine_of(checkpoint, temperatures=(0.6,))
    sounds = (sample_call()[0, :480_000], noise(30, -10), noise(3, -50), sample_call()[1, :480_000])
    spans = [
        Speech(samples, 16_000, language, vocabulary)
        for samples, language, vocabulary in zip(
            sounds, ("en", "en", "zh", "en"), ((), ("blue sky",), (), ()), strict=True
        )
    ]

    together = await engine.recognise(spans)
    alone = [(await engine.recognise([span]))[0] for span in spans]
    backwards = (await engine.recognise(spans[::-1]))[::-1]
    await engine.close()

    assert [it.text for it in together] == [it.text for it in alone] == [it.text for it in backwards]
    assert [it.words for it in together] == [it.words for it in alone]
    assert len({it.text for it in together}) > 1


async def test_the_words_have_their_times_in_order_and_inside_the_span(checkpoint: Path) -> None:
    engine = engine_of(checkpoint)
    (result,) = await engine.recognise([Speech(noise(2.5, -10), 16_000, "en")])
    await engine.close()

    assert "".join(word.text for word in result.words) == result.text.replace(" ", "")
    starts = [word.start_ms for word in result.words]
    assert starts == sorted(starts)
    assert all(0 <= word.start_ms <= word.end_ms <= 2_500 for word in result.words)


async def test_a_span_that_is_too_short_for_word_times_has_none(checkpoint: Path) -> None:
    engine = engine_of(checkpoint, longest=2)
    (result,) = await engine.recognise([Speech(noise(0.015, -10), 16_000, "en")])
    await engine.close()
    assert result.words == ()


async def test_only_a_span_that_fails_is_decoded_again_and_only_until_it_passes(
    checkpoint: Path, decoder: Decoder
) -> None:
    decoder.passes_at = {2: 0.4}
    engine = engine_of(checkpoint, temperatures=TEMPERATURES)
    results = await engine.recognise([marked(1), marked(2), marked(3)])
    await engine.close()

    assert [it.text for it in results] == ["at 0.0", "at 0.4", "at 0.0"]
    assert [(rows, temperature) for rows, temperature, *_ in decoder.asked] == [(3, 0.0), (1, 0.2), (1, 0.4)]


async def test_of_answers_that_all_fail_the_likeliest_is_taken(checkpoint: Path, decoder: Decoder) -> None:
    decoder.passes_at = {1: 9.9}
    engine = engine_of(checkpoint, temperatures=TEMPERATURES)
    (result,) = await engine.recognise([marked(1)])
    await engine.close()
    assert result.text == "at 0.0"
    assert len(decoder.asked) == 1 + len(TEMPERATURES)


async def test_what_is_drawn_hangs_on_the_span_alone_and_torchs_generator_is_left_as_it_was(checkpoint: Path) -> None:
    import torch

    engine = engine_of(checkpoint, temperatures=(1.0,))
    span, other = Speech(noise(2, -20), 16_000, "en"), Speech(noise(2, -20, seed=1), 16_000, "en")
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    (first,) = await engine.recognise([span])
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(2)
    second = await engine.recognise([other, span])
    await engine.close()
    assert second[1].text == first.text


async def test_spans_of_one_vocabulary_are_decoded_together_with_it_as_their_prompt(
    checkpoint: Path, decoder: Decoder
) -> None:
    engine = engine_of(checkpoint)
    plans, many = ("smart plan", "blue sky"), tuple(f"term number {number}" for number in range(400))
    await engine.recognise([marked(1, "en", plans), marked(2), marked(3, "en-GB", plans), marked(4, "en", many)])
    await engine.close()

    encode = whisper.tokenizer.get_tokenizer(multilingual=True).encode
    by_prompt = {tuple(prompt or ()): rows for rows, _, prompt, _ in decoder.asked}
    assert by_prompt[tuple(encode(" smart plan, blue sky."))] == 2
    assert by_prompt[()] == 1
    longest = max(by_prompt, key=len)
    assert len(longest) <= 223
    assert (
        whisper.tokenizer.get_tokenizer(multilingual=True)
        .decode(list(longest))
        .startswith(" term number 0, term number 1,")
    )


async def test_a_language_that_is_not_given_is_detected_and_one_that_is_stays(checkpoint: Path) -> None:
    engine = engine_of(checkpoint, longest=2)
    speech = greeting()

    chinese, detected = await engine.recognise(
        [Speech(speech.samples, 16_000, "zh-CN"), Speech(speech.samples, 16_000)]
    )
    await engine.close()

    assert chinese.language == "zh"
    assert detected.language in whisper.tokenizer.LANGUAGES


async def test_a_language_that_the_model_does_not_know_is_poison(checkpoint: Path) -> None:
    engine = build(settings(checkpoint))
    with pytest.raises(Poison, match="does not know the language 'xx'"):
        await engine.recognise([Speech(noise(1, -30), 16_000, "xx")])
    await engine.close()


@pytest.mark.parametrize("content", [None, b"", b"no checkpoint at all"])
def test_a_model_that_cannot_be_loaded_is_a_config_error_naming_the_setting(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "model.pt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Config, match=r"CONVMINE_ASR_MODEL: the whisper model .* cannot be loaded"):
        build(settings(path))


@pytest.mark.parametrize("device", ["cuda:9", "abacus"])
def test_a_device_that_is_not_there_is_a_config_error(checkpoint: Path, device: str) -> None:
    with pytest.raises(Config, match="CONVMINE_ASR_DEVICE"):
        build(settings(checkpoint, device=device))


@pytest.mark.parametrize(
    ("no_speech", "logprob", "text"), [(0.9, -1.5, ""), (0.9, -0.3, "hello"), (0.2, -1.5, "hello")]
)
def test_words_are_dropped_only_where_silence_is_likely_and_they_are_not(
    no_speech: float, logprob: float, text: str
) -> None:
    result = SimpleNamespace(no_speech_prob=no_speech, avg_logprob=logprob, text=" hello ", language="en")
    recognition = _recognition(result, ())
    assert (recognition.text, recognition.cut) == (text, None if text else "no_speech")


async def test_no_spans_give_no_recognitions(checkpoint: Path) -> None:
    engine = build(settings(checkpoint))
    assert isinstance(engine, WhisperEngine)
    answers: list[Recognition] = await engine.recognise([])
    await engine.close()
    assert answers == []
