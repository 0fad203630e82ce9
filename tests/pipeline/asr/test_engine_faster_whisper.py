from pathlib import Path

import faster_whisper  # noqa: F401 - a plain import: without the package this part must fail, not be skipped
import pytest
from speech import greeting, noise
from tiny_whisper import ctranslate2_model

from pipeline.asr.engine_faster_whisper import build
from pipeline.errors import Config, Poison
from pipeline.ports import Speech
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


async def test_a_language_that_the_model_does_not_know_is_poison(model: Path) -> None:
    engine = build(settings(model))
    with pytest.raises(Poison, match="does not know the language 'zh'"):
        await engine.recognise([Speech(noise(1, -30), 16_000, "zh-CN")])
    await engine.close()


def test_a_folder_without_a_model_is_a_config_error_naming_the_setting(tmp_path: Path) -> None:
    with pytest.raises(Config, match="CONVMINE_ASR_MODEL: the faster-whisper model"):
        build(settings(tmp_path))
