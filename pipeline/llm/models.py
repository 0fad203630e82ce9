"""The chat model that the settings name, within its budget and at its pace."""

from __future__ import annotations

from pipeline.errors import Config
from pipeline.llm.accounts import Accounts
from pipeline.llm.budget import Budget, caps_of
from pipeline.llm.ledgers import open_ledger
from pipeline.llm.metered import Estimate, Means, Metered
from pipeline.llm.pace import Pace
from pipeline.llm.prices import Prices
from pipeline.ports import ChatModel, Meter
from pipeline.settings import Settings


def open_model(settings: Settings, meter: Meter, estimate: Estimate) -> ChatModel:
    """The model; one for a process, as its budget, its pace and its accounts are of the whole process.

    Args:
        settings: the groups LLM, BUDGET and STORE.
        meter: is told what answers take.
        estimate: the tokens of messages, about.

    Raises:
        Config: neither a key nor a server is set, a cap is in money and the model has no price, or the ledger's server
            is not set.
    """
    from pipeline.llm.openai_chat import OpenAIChat

    prices, caps = Prices(settings.budget.prices), caps_of(settings.budget)
    in_money = next((cap for cap in caps if cap.usd is not None), None)
    if in_money is not None and prices.price(settings.llm.model) is None:
        raise Config(
            "CONVMINE_BUDGET_PRICES",
            f"has no price of {settings.llm.model}, which CONVMINE_BUDGET_{in_money.scope.upper()}_USD needs",
            hint=f"add {settings.llm.model}=INPUT:OUTPUT, in US dollars for a million tokens",
        )
    accounts = Accounts(open_ledger(settings))
    means = Means(
        budget=Budget(caps, accounts),
        accounts=accounts,
        pace=Pace(
            requests_per_minute=settings.llm.requests_per_minute, tokens_per_minute=settings.llm.tokens_per_minute
        ),
        prices=prices,
        meter=meter,
        estimate=estimate,
    )
    return Metered(OpenAIChat.of(settings.llm), means)
