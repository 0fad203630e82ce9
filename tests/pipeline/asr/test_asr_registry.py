import sys
from typing import get_args

import pytest

from pipeline.asr import registry
from pipeline.asr.registry import ENGINES, build_engine
from pipeline.errors import Config
from pipeline.settings import AsrSettings


def test_every_engine_that_can_be_set_is_registered_and_no_other() -> None:
    assert set(ENGINES) == set(get_args(AsrSettings.model_fields["engine"].annotation))


@pytest.mark.parametrize("name", ["pocketsphinx", "whisper", "faster-whisper"])
def test_a_missing_package_is_a_config_error_that_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(registry, "find_spec", lambda _: None)
    with pytest.raises(Config, match="CONVMINE_ASR_ENGINE") as caught:
        build_engine(AsrSettings.model_validate({"engine": name}))
    assert f"pip install 'convmine[{ENGINES[name].extra}]'" in str(caught.value.hint)


async def test_an_engine_is_built_by_name_without_loading_the_vendor_before_it_is_used() -> None:
    sys.modules.pop("pocketsphinx", None)
    engine = build_engine(AsrSettings(engine="pocketsphinx"))
    assert engine.name == "pocketsphinx"
    assert "pocketsphinx" not in sys.modules
    await engine.close()
