from pathlib import Path
from types import SimpleNamespace

import pytest
import whisper  # a plain import: without the package this part must fail, not be skipped
from speech import greeting, noise, sample_call
from tiny_whisper import openai_checkpoint

from pipeline.asr.engine_whisper import WhisperEngine, _recognition, build
from pipeline.errors import Config, Poison
from pipeline.ports import Recognition, Speech
from pipeline.settings import AsrSettings


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return openai_checkpoint(tmp_path_factory.mktemp("whisper") / "random.pt")


def settings(model: Path | str, **others: object) -> AsrSettings:
    return AsrSettings.model_validate({"engine": "whisper", "model": str(model), "device": "cpu", **others})


async def test_spans_in_one_batch_come_out_as_one_by_one_and_in_their_order(checkpoint: Path) -> None:
    engine = build(settings(checkpoint, batch=3))
    sounds = (sample_call()[0, :480_000], noise(30, -10), noise(30, -50), sample_call()[1, :480_000])
    spans = [Speech(samples, 16_000, "en") for samples in sounds]

    together = await engine.recognise(spans)
    alone = [(await engine.recognise([span]))[0] for span in spans]
    await engine.close()

    assert [it.text for it in together] == [it.text for it in alone]
    assert len({it.text for it in together}) > 1
    assert engine.name == "whisper-random"


async def test_a_language_that_is_not_given_is_detected_and_one_that_is_stays(checkpoint: Path) -> None:
    engine = build(settings(checkpoint))
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
    assert _recognition(result).text == text


async def test_no_spans_give_no_recognitions(checkpoint: Path) -> None:
    engine = build(settings(checkpoint))
    assert isinstance(engine, WhisperEngine)
    answers: list[Recognition] = await engine.recognise([])
    await engine.close()
    assert answers == []
