"""Who takes part in a vCon, as its parties and its dialog say it, and what that tells of the call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pipeline.ids import stable_id
from pipeline.transcripts.vcon_document import Json, instant, objects
from schemas.wire import CallFacts, Direction, Role

_ROLES: Final[Mapping[str, Role]] = {
    **dict.fromkeys(("agent", "representative", "rep", "operator", "advisor", "seller", "employee"), Role.AGENT),
    **dict.fromkeys(("customer", "client", "caller", "consumer", "contact", "buyer"), Role.CUSTOMER),
    **dict.fromkeys(("supervisor", "manager"), Role.SUPERVISOR),
}
"""What others call a party in ``role`` or ``type``, in lower case."""
_REACHED_BY: Final = ("uuid", "tel", "mailto", "sip", "did")


@dataclass(frozen=True, slots=True)
class Told:
    """What whoever imports says of a call: who its parties are by number, and what goes before the document's words."""

    roles: Mapping[int, Role] = field(default_factory=dict)
    call_id: str | None = None
    scenario: str | None = None
    language: str | None = None
    revision: int | None = None


class Parties:
    """The parties of a document, by their numbers; ``told`` goes before what they are called there."""

    def __init__(self, document: Json, tenant_id: str, told: Told) -> None:
        self._tenant_id = tenant_id
        self._told = told
        self._parties = objects(document, "parties")
        self._dialogs = objects(document, "dialog")

    def facts(self) -> CallFacts:
        """What is known of the call; a customer by a pseudonym made of the uuid, number or address, never by a name."""
        starts = [instant(one.get("start"), f"dialog {n}") for n, one in enumerate(self._dialogs) if "start" in one]
        agent = self._of(Role.AGENT)
        return CallFacts(
            scenario=self._told.scenario,
            language=self._told.language,
            direction=self._direction(),
            agent=None if agent is None else _first(agent, ("uuid", "name")),
            queue=self._of_dialogs("skill"),
            campaign=self._of_dialogs("campaign"),
            customer_id=self._customer(),
            started_at=min(starts, default=None),
        )

    def role(self, number: int | None) -> Role:
        """Who a party is; unknown where there is none of this number."""
        if number is None or not 0 <= number < len(self._parties):
            return Role.UNKNOWN
        names = (str(self._parties[number].get(name, "")).lower() for name in ("role", "type"))
        known = next((_ROLES[name] for name in names if name in _ROLES), Role.UNKNOWN)
        return self._told.roles.get(number, known)

    def named(self, name: str) -> int | None:
        """The number of the party of this name."""
        names = [str(party.get("name", "")).lower() for party in self._parties]
        return names.index(name.lower()) if name.lower() in names else None

    def numbered(self, speaker: int) -> int | None:
        """The party that a recogniser's speaker is: known only where whoever imports has said who has this number."""
        return speaker if speaker in self._told.roles else None

    def channels(self, dialog: int) -> list[int | None]:
        """The party on each channel of a dialog; None where there are several or none."""
        parties = self._dialogs[dialog].get("parties")
        listed = parties if isinstance(parties, list) else [] if parties is None else [parties]
        return [one if isinstance(one, int) and not isinstance(one, bool) else None for one in listed]

    def _customer(self) -> str | None:
        party = self._of(Role.CUSTOMER)
        reached = None if party is None else _first(party, _REACHED_BY)
        return None if reached is None else stable_id("customer", self._tenant_id, reached)

    def _of(self, role: Role) -> Json | None:
        return next((one for number, one in enumerate(self._parties) if self.role(number) is role), None)

    def _direction(self) -> Direction | None:
        """Who called, where the document says who that was."""
        callers = [one.get("originator") for one in self._dialogs if isinstance(one.get("originator"), int)]
        by = {Role.CUSTOMER: Direction.INBOUND, Role.AGENT: Direction.OUTBOUND}
        return by.get(self.role(callers[0])) if callers else None

    def _of_dialogs(self, name: str) -> str | None:
        values = [one[name] for one in self._dialogs if one.get(name)]
        first = values[0] if values else None
        first = first[0] if isinstance(first, list) else first
        return first if isinstance(first, str) else None


def _first(party: Json, names: Sequence[str]) -> str | None:
    return next((party[name] for name in names if isinstance(party.get(name), str) and party[name]), None)
