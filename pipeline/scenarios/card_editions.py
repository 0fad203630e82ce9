"""Cards that were published by themselves, put into the edition of a scenario: in the place of its own, or beside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.scenarios.files import ScenarioError, validated
from pipeline.scenarios.model import Card, Edition, Playbook, Scenario
from schemas.reference import CardPublished, CardStatus

Name = tuple[str, str, str]
"""Scenario, language and id of a card or of a prompt."""


@dataclass(frozen=True, slots=True)
class PublishedCard:
    """What a record says of a card; ``card`` is None where it was withdrawn."""

    version: int
    card: Card | None


def read_card(published: CardPublished) -> PublishedCard:
    """The card in a record.

    Raises:
        ScenarioError: it is not valid, is another card, or was not approved; the message names the field.
    """
    where = f"card {published.card_id}"
    if published.status is CardStatus.WITHDRAWN:
        return PublishedCard(published.card_version, None)
    if published.status is not CardStatus.APPROVED:
        raise ScenarioError(f"{where}: status: is {published.status}; only an approved card is shown")
    card = validated(Card, published.content, where)
    if card.id != published.card_id:
        raise ScenarioError(f"{where}: id: what is in it is card {card.id}")
    if card.approved_by != published.approved_by:
        raise ScenarioError(f"{where}: approved_by: is not {published.approved_by}, who approved it")
    return PublishedCard(published.card_version, card)


def check_fits(card: Card, edition: Edition) -> None:
    """Nothing, where an edition has all that a card names.

    Raises:
        ScenarioError: it does not; the message names the field.
    """
    validated(Edition, {**dict(edition), "playbook": Playbook(cards=(card,))}, f"card {card.id}")


def with_cards(scenario: Scenario, cards: Mapping[Name, PublishedCard]) -> tuple[Scenario, Mapping[Name, str]]:
    """The scenario with those of these cards that are its own, and those that do not fit it, each with the reason.

    One that does not fit leaves the place to the scenario's card of that id, if there is one. Those that stand beside
    come after the scenario's, in order of id, so that every worker has them in the same order.
    """
    left_out: dict[Name, str] = {}
    by_language: dict[str, dict[str, PublishedCard]] = {}
    for (scenario_id, language, card_id), card in cards.items():
        if scenario_id == scenario.id:
            by_language.setdefault(language, {})[card_id] = card
    for language, of_language in by_language.items():
        if language in scenario.editions:
            edition, unfit = _with_cards(scenario.editions[language], of_language)
            scenario = with_edition(scenario, edition)
        else:
            unfit = dict.fromkeys(of_language, f"scenario {scenario.id} is not there in {language!r}")
        left_out |= {(scenario.id, language, card_id): reason for card_id, reason in unfit.items()}
    return scenario, left_out


def with_edition(scenario: Scenario, edition: Edition) -> Scenario:
    """The scenario with this edition of a language."""
    return scenario.model_copy(update={"editions": {**scenario.editions, edition.language: edition}})


def _with_cards(edition: Edition, cards: Mapping[str, PublishedCard]) -> tuple[Edition, dict[str, str]]:
    left_out = _unfit(edition, cards)
    fitting = {name: one for name, one in cards.items() if name not in left_out}
    own = {card.id: card for card in edition.playbook.cards}
    beside = sorted(fitting.keys() - own.keys())
    chosen = [fitting[name].card if name in fitting else own[name] for name in (*own, *beside)]
    playbook = Playbook(cards=tuple(card for card in chosen if card is not None))
    return edition.model_copy(update={"playbook": playbook}), left_out


def _unfit(edition: Edition, cards: Mapping[str, PublishedCard]) -> dict[str, str]:
    """All are looked at together first: most of the time all fit, and a playbook is put together at every change."""
    shown = {name: one.card for name, one in cards.items() if one.card is not None}
    together = Playbook.model_construct(cards=tuple(shown.values()))
    try:
        validated(Edition, {**dict(edition), "playbook": together}, "")
    except ScenarioError:
        return {name: reason for name, card in shown.items() if (reason := _why_unfit(card, edition)) is not None}
    return {}


def _why_unfit(card: Card, edition: Edition) -> str | None:
    try:
        check_fits(card, edition)
    except ScenarioError as error:
        return str(error)
    return None
