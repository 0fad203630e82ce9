"""What a re-extraction is of, as any process can read it back from the generations that it makes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.ports import Where

MARK: Final = "reextraction"
"""Field of a call's point that was mined anew: by which run. It is written last, and so shows that the call is done."""


Which = Literal["old", "new"]


class Scope(BaseModel):
    """Which calls: those of a tenant that began ``since`` then and before ``until``, and match the rest where given."""

    model_config = ConfigDict(frozen=True)

    tenant_id: str
    since: datetime | None = None
    until: datetime | None = None
    scenario: str | None = None
    language: str | None = None
    calls: tuple[str, ...] = ()

    def where(self) -> Where:
        """The points of these calls in ``calls``."""
        asked = {"scenario": self.scenario, "language": self.language, "call_id": list(self.calls) or None}
        return Where(
            equal={"tenant_id": self.tenant_id, **{name: value for name, value in asked.items() if value}},
            at_least={} if self.since is None else {"started_ts": self.since.timestamp()},
            below={} if self.until is None else {"started_ts": self.until.timestamp()},
        )


class Run(BaseModel):
    """One re-extraction.

    ``asked`` is what was asked for, in the words of the command; the same words go on with a run that was broken off,
    though ``7d`` means other days by then. ``digests`` are those of the prompt (``scenario/language``). ``built`` says
    whether every call was looked at, ``failed`` how many of them gave no valid answer and stay as they were.

    ``turning`` and ``turning_to`` are when (in seconds since 1970) and to which version the aliases were last about to
    be turned; where they were not, after a kill, ``turned`` is when they had been before. 0 is never.
    """

    model_config = ConfigDict(frozen=True)

    run_id: str
    scope: Scope
    asked: str
    prompt: str | None
    extractor: str
    digests: Mapping[str, str]
    began_at: datetime
    built: bool = False
    failed: int = 0
    turned: int = 0
    turning: int = 0
    turning_to: Which = "old"

    @classmethod
    def read(cls, written: str) -> Self | None:
        """From its text; None of one that another release wrote in another form."""
        try:
            return cls.model_validate_json(written)
        except ValidationError:
            return None

    def text(self) -> str:
        """As it is kept."""
        return self.model_dump_json()

    @property
    def title(self) -> str:
        """What people call it."""
        with_what = self.prompt or f"the {self.extractor} extractor"
        return f"the re-extraction with {with_what} of {self.began_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
