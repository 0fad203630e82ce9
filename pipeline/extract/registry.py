"""The extractors by name; a new one is a file and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from pipeline.errors import Config
from pipeline.extract.findings import IntentExtractor
from pipeline.scenarios.load import ScenarioError
from pipeline.scenarios.model import Scenario
from pipeline.settings import OPENAI_URL, Settings


def build_extractor(settings: Settings, scenarios: Callable[[str], Scenario]) -> IntentExtractor:
    """The extractor that the settings name; checks that the default scenario is there.

    Raises:
        Config: what the extractor needs is not installed or not set, or there is no such scenario.
    """
    try:
        scenarios(settings.extract.scenario)
    except ScenarioError as error:
        raise Config("CONVMINE_EXTRACT_SCENARIO", str(error)) from error
    return EXTRACTORS[settings.extract.extractor](settings)


def _lexical(settings: Settings) -> IntentExtractor:
    from pipeline.extract.classifier import check_installed
    from pipeline.extract.lexical import LexicalExtractor
    from pipeline.llm.static_embedding import StaticEmbedding, installed

    check_installed()
    encode = StaticEmbedding().encode if installed() else None
    return LexicalExtractor(threshold=settings.extract.threshold, encode=encode)


def _llm(settings: Settings) -> IntentExtractor:
    from pipeline.extract.llm import LlmExtractor
    from pipeline.llm.caches import open_cache
    from pipeline.llm.guarded import GuardedChat
    from pipeline.llm.openai_chat import OpenAIChat

    chat = GuardedChat(
        OpenAIChat.of(settings.llm),
        reasks=settings.extract.reasks,
        cache=open_cache(settings),
        server=settings.llm.base_url or OPENAI_URL,
    )
    return LlmExtractor(chat)


EXTRACTORS: Final[Mapping[str, Callable[[Settings], IntentExtractor]]] = {"lexical": _lexical, "llm": _llm}
