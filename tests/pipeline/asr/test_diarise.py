from __future__ import annotations

from importlib.metadata import EntryPoint, EntryPoints

import pytest

from pipeline.asr import diarise
from pipeline.errors import Config
from pipeline.ports import Diariser, Samples, SpeakerTurn
from pipeline.settings import AsrSettings


class TwoInTurn:
    """One speaker for each half."""

    name = "two-in-turn"

    async def turns(self, samples: Samples, sample_rate_hz: int) -> list[SpeakerTurn]:
        end_ms = len(samples) * 1_000 // sample_rate_hz
        return [SpeakerTurn(0, 0, end_ms // 2), SpeakerTurn(1, end_ms // 2, end_ms)]

    async def close(self) -> None: ...


def build(settings: AsrSettings) -> Diariser:
    assert settings.diariser == "two-in-turn"
    return TwoInTurn()


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = EntryPoint(name="two-in-turn", value=f"{__name__}:build", group=diarise.GROUP)
    monkeypatch.setattr(diarise, "entry_points", lambda *, group: EntryPoints([entry]).select(group=group))


def test_there_is_none_by_default() -> None:
    assert diarise.build_diariser(AsrSettings()) is None


@pytest.mark.usefixtures("offered")
def test_an_installed_package_offers_one_by_its_name() -> None:
    diariser = diarise.build_diariser(AsrSettings(diariser="two-in-turn"))
    assert diariser is not None
    assert diariser.name == "two-in-turn"


@pytest.mark.usefixtures("offered")
def test_a_name_that_nobody_offers_is_refused_with_those_that_are() -> None:
    with pytest.raises(Config, match="no installed package offers the diariser 'other'") as refused:
        diarise.build_diariser(AsrSettings(diariser="other"))
    assert refused.value.hint == "set it to one of: none, two-in-turn"
