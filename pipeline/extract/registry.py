"""The extractors by name; a new one is a file and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from pipeline.errors import Config
from pipeline.extract.findings import IntentExtractor
from pipeline.figures import NoMeter
from pipeline.ports import Meter
from pipeline.scenarios.load import ScenarioError
from pipeline.scenarios.model import Scenarios
from pipeline.settings import OPENAI_URL, Settings

if TYPE_CHECKING:
    from pipeline.extract.llm import LlmExtractor
    from pipeline.llm.guarded import GuardedChat


def build_extractor(settings: Settings, scenarios: Scenarios, meter: Meter | None = None) -> IntentExtractor:
    """The extractor that the settings name; checks that the default scenario is there.

    Args:
        settings: which extractor, and what it works with.
        scenarios: what there is to be found in calls.
        meter: is told what the language model takes.

    Raises:
        Config: what the extractor needs is not installed or not set, or there is no such scenario.
    """
    try:
        scenarios(settings.extract.scenario, settings.tenant)
    except ScenarioError as error:
        raise Config("CONVMINE_EXTRACT_SCENARIO", str(error)) from error
    return EXTRACTORS[settings.extract.extractor](settings, meter or NoMeter())


def _lexical(settings: Settings, meter: Meter) -> IntentExtractor:
    from pipeline.extract.classifier import check_installed
    from pipeline.extract.lexical import LexicalExtractor
    from pipeline.llm.static_embedding import StaticEmbedding, installed

    del meter
    check_installed()
    encode = StaticEmbedding().sums if installed() else None
    return LexicalExtractor(threshold=settings.extract.threshold, encode=encode)


def open_chat(settings: Settings, meter: Meter) -> GuardedChat:
    """The model that the settings name, asked within its budget and at its pace, and with the answers that are kept.

    Raises:
        Config: what it needs is not set.
    """
    from pipeline.extract.tokens import prompt_tokens
    from pipeline.llm.caches import open_cache
    from pipeline.llm.guarded import GuardedChat
    from pipeline.llm.models import open_model

    return GuardedChat(
        open_model(settings, meter, prompt_tokens),
        reasks=settings.extract.reasks,
        most_tokens=settings.extract.most_tokens,
        vote_temperature=settings.extract.vote_temperature,
        cache=open_cache(settings, meter, "answers"),
        server=settings.llm.base_url or OPENAI_URL,
    )


def llm_extractor(settings: Settings, chat: GuardedChat) -> LlmExtractor:
    """The extractor that asks this model, with nothing behind it.

    Args:
        settings: the groups EXTRACT and BUDGET.
        chat: who is asked.
    """
    from pipeline.extract.llm import LlmExtractor
    from pipeline.llm.prices import Prices

    prices = Prices(settings.budget.prices)

    def price(model: str, sent: int, received: int, asked_as: str | None) -> float | None:
        return prices.cost_usd(model, sent, received, asked_as=asked_as or settings.llm.model)

    return LlmExtractor(
        chat,
        price=price,
        chunk_tokens=settings.extract.chunk_tokens,
        overlap_turns=settings.extract.overlap_turns,
        at_once=settings.extract.chunks_at_once,
        votes=settings.extract.votes,
    )


def _llm(settings: Settings, meter: Meter) -> IntentExtractor:
    from pipeline.extract.counted import Counted

    return _backed(Counted(llm_extractor(settings, open_chat(settings, meter)), meter), settings, meter)


def _backed(model: IntentExtractor, settings: Settings, meter: Meter) -> IntentExtractor:
    """With the lexical extractor behind the model, where it is to answer instead of it or to check it."""
    from pipeline.extract.disagreement import Checked
    from pipeline.extract.fallback import FallingBack
    from pipeline.llm.budget import caps_of

    causes = set(settings.extract.fall_back)
    if not caps_of(settings.budget):
        causes.discard("spent")
    share = settings.extract.check_share
    if not causes and not share:
        return model
    lexical = _lexical(settings, meter)
    checked = Checked(model, lexical, share, meter) if share else model
    return FallingBack(checked, lexical, causes, meter) if causes else checked


EXTRACTORS: Final[Mapping[str, Callable[[Settings, Meter], IntentExtractor]]] = {"lexical": _lexical, "llm": _llm}
