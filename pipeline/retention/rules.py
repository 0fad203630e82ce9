"""The rules: which kind of whose things is kept for how long; a file of them, checked as a whole."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Final, Self

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from pipeline.errors import Config
from pipeline.questions.refusal import refusal
from pipeline.retention.kinds import KINDS, OF_CALLS, KindName

ALL: Final = "*"
"""Stands for every tenant."""
RULES: Final = "CONVMINE_RETENTION_RULES"
_KEEP: Final = re.compile(r"([1-9][0-9]{0,4})([dwy])")
_DAYS: Final = {"d": 1, "w": 7, "y": 365}


def _for(said: object) -> object:
    """``90d``, ``4w`` or ``3y`` (years of 365 days)."""
    if isinstance(said, timedelta):
        return said
    found = _KEEP.fullmatch(said) if isinstance(said, str) else None
    if found is None:
        raise ValueError(f"{said!r} is no time to keep things for, such as 90d, 4w or 3y")
    return timedelta(days=int(found[1]) * _DAYS[found[2]])


def _tenant(name: str) -> str:
    if name != ALL and not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", name):
        raise ValueError(f"{name!r} is no tenant; '*' stands for all")
    return name


class Rule(BaseModel):
    """How long one kind is kept, of one tenant or, where no rule names them, of all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: KindName
    tenant: Annotated[str, AfterValidator(_tenant)] = ALL
    keep: Annotated[timedelta, BeforeValidator(_for)]

    @model_validator(mode="after")
    def _is_kept_apart(self) -> Self:
        if self.tenant != ALL and not KINDS[self.kind].by_tenant:
            raise ValueError(f"{self.kind} lie in one place for all tenants: leave tenant out")
        return self


class Rules(BaseModel):
    """All rules of an installation; what none is about stays."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _one_for_each(self) -> Self:
        named = [(rule.kind, rule.tenant) for rule in self.rules]
        if twice := next((one for one in named if named.count(one) > 1), None):
            raise ValueError(f"there are two rules of {twice[0]} of tenant {twice[1]!r}")
        return self

    def keep(self, kind: KindName, tenant_id: str) -> timedelta | None:
        """How long it is kept, by the rule that names the tenant, else by that of all; None where there is neither.

        What goes with a call is kept no longer than the call.
        """
        found = self._rule(kind, tenant_id)
        whole = self._rule("calls", tenant_id) if kind in OF_CALLS else None
        return min((keep for keep in (found, whole) if keep is not None), default=None)

    def expired(self, kind: KindName, tenant_id: str, at: datetime, now: datetime) -> bool:
        """Whether something of this age is due: what is read again, as by a replay, need not be stored again then."""
        keep = self.keep(kind, tenant_id)
        return keep is not None and at < now - keep

    @property
    def named(self) -> frozenset[str]:
        """The tenants that have rules of their own."""
        return frozenset(rule.tenant for rule in self.rules) - {ALL}

    def _rule(self, kind: KindName, tenant_id: str) -> timedelta | None:
        by_tenant = {rule.tenant: rule.keep for rule in self.rules if rule.kind == kind}
        return by_tenant.get(tenant_id, by_tenant.get(ALL))


def read_rules(path: Path | None) -> Rules:
    """The rules in a file of YAML.

    Raises:
        Config: there is none, it cannot be read, or what it holds is wrong; the message has the first things that are.
    """
    if path is None:
        raise Config(RULES, "is not set: there are no rules, so all is kept", hint="docs/history.md shows a file")
    try:
        return Rules.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise Config(RULES, f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Config(RULES, f"{path} is no text in UTF-8") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise Config(RULES, f"{path}{where} is no YAML: {getattr(error, 'problem', None) or error}") from None
    except ValidationError as error:
        raise Config(RULES, f"{path}: {refusal(error)}") from None


def in_days(keep: timedelta) -> str:
    """As rules have it: ``90 d``."""
    return f"{keep.days} d"
