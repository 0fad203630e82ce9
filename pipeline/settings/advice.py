"""The flow of calls, suggestions, what others know of a customer, and who is told."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from pipeline.settings.values import Group, Positive, Seconds


class FlowSettings(Group):
    """What earlier calls did, as it is counted and shown to live ones."""

    half_life_days: Annotated[float, Field(gt=0)] = 90.0
    """Days after which a call counts half in what live calls are guided by."""
    version_every_s: Annotated[int, Field(ge=0)] = 86_400
    """Seconds of one version of the graph: live calls are guided by the newest that has been closed for as long again,
    so that a replay guides as the first run did. With 0, and as long as there is none, by the newest counts.
    """
    guidance: bool = True
    """Whether live calls are guided at all."""


class SuggestSettings(Group):
    """Which advice a live call gets, and how much of it."""

    apart_s: Annotated[float, Field(ge=0)] = 20.0
    """Seconds between two suggestions of a live call; urgent cards do not wait."""
    most: Positive = 5
    """The most suggestions of one call; urgent cards are not counted out."""
    explore: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Share of the choices between several cards that goes to one of which little is known yet."""
    knowledge: bool = True
    """Whether a question that the knowledge base answers becomes a suggestion without a card."""
    phrasing: Literal["off", "llm"] = "off"
    """Whether a language model (the group LLM) ranks what fits and words it for the moment; what it says is checked
    against card and passages, and where that fails the card's own words stay.
    """
    phrasing_timeout_s: Seconds = 3.0
    """Seconds that the language model may take for it; then the card's own words go out."""


class CustomersSettings(Group):
    """What a CRM says of a customer, for the recap at the start of a call."""

    url: Annotated[str, Field(pattern=r"^https?://[^\s]+$")] | None = None
    """Address that is asked (GET), with `{tenant}` and `{customer}` in it; without it, nobody is asked."""
    key: SecretStr | None = None
    """Sent with it as a bearer token."""
    timeout_s: Seconds = 2.0
    """Seconds that it may take; then the recap goes without."""


class WebhooksSettings(Group):
    """Where suggestions and insights are sent besides."""

    file: Path | None = None
    """File (YAML) of the receivers: a list `webhooks:` of `{name, url, tenant, events, secret}`. It is read again when
    it changes.
    """
    timeout_s: Seconds = 15.0
    """Seconds that a receiver may take for one event."""
    give_up_s: Seconds = 600.0
    """Seconds for which an event that a receiver does not take is sent again; then it is a dead letter."""
    allow_private: bool = False
    """Whether receivers may have addresses of this machine or of private networks; those may do without https."""
