"""Cards as tenants publish them, and as records that carry them."""

from __future__ import annotations

from typing import Any

from published_config import AT

from schemas.reference import CardPublished, CardStatistics, CardStatus
from workers.published import card_record, key_of
from workers.records import NewRecord, write_event


def content(card: str = "offer", **changes: Any) -> dict[str, Any]:
    """The content of a card that fits the scenario of ``published_config``."""
    return {
        "id": card,
        "title": "Offer an exchange",
        "text": "Offer to exchange it.",
        "trigger": {"intent": "return_it"},
        "lanes": ["live", "batch"],
        "priority": 60,
        "approved_by": "bob",
        "valid_from": "2026-01-01",
        **changes,
    }


def card_published(
    version: int = 1, *, card: str = "offer", status: str = "approved", language: str = "en", **changes: Any
) -> CardPublished:
    """A version of a card; ``changes`` are of its content."""
    approved = status == "approved"
    body = content(card, **changes)
    if not approved:
        body = {name: value for name, value in body.items() if name != "approved_by"}
    return CardPublished(
        scenario="retail",
        language=language,
        card_id=card,
        card_version=version,
        status=CardStatus(status),
        published_by="bob" if approved else "ann",
        published_at=AT,
        written_by="ann",
        approved_by="bob" if approved else None,
        content=body,
    )


def new_card(published: CardPublished, tenant: str = "acme") -> NewRecord:
    """The record with which it is published."""
    return card_record(tenant, published)


def statistics(card: str = "offer", *, shown: int = 0, accepted: int = 0) -> CardStatistics:
    """What became of a card, as it was counted."""
    return CardStatistics(
        scenario="retail",
        language="en",
        card_id=card,
        shown=shown,
        accepted=accepted,
        edited=0,
        dismissed=shown - accepted,
        counted_at=AT,
    )


def new_statistics(counted: CardStatistics, tenant: str = "acme") -> NewRecord:
    """The record with which they are published."""
    from pipeline.handling import Outbound
    from pipeline.stages import CARDS
    from schemas.envelope import message

    told = message(
        counted,
        id=f"{counted.card_id}-{counted.shown}-{counted.accepted}",
        source="/test",
        time=AT,
        subject=counted.card_id,
        tenant_id=tenant,
        key=key_of(tenant, counted).decode(),
    )
    return write_event(Outbound(CARDS, told))
