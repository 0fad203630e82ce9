"""The few sentences that convmine writes itself, by language; English where a language is not known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from schemas.wire import Role


@dataclass(frozen=True, slots=True)
class Wording:
    """Templates for ``str.format``."""

    empty: str
    nothing_found: str
    topics: str
    side: str
    outcome: str
    reason: str
    model_reason: str
    comma: str
    joint: str
    roles: Mapping[Role, str]

    def listed(self, names: Sequence[str]) -> str:
        """The names, each once, in order."""
        return self.comma.join(dict.fromkeys(names))


_ENGLISH: Final = Wording(
    empty="No words were heard: {reason}.",
    nothing_found="Nothing was said that this scenario has a name for.",
    topics="The conversation was about: {topics}.",
    side="{role}: {intents}.",
    outcome="Outcome: {outcome}.",
    reason="The last thing said that decides an outcome was “{intent}” ({role}).",
    model_reason="The model judges by these words ({role}): “{quote}”.",
    comma=", ",
    joint=" ",
    roles={Role.AGENT: "Agent", Role.CUSTOMER: "Customer", Role.SUPERVISOR: "Supervisor", Role.UNKNOWN: "Speaker"},
)
_CHINESE: Final = Wording(
    empty="没有听到任何话：{reason}。",  # noqa: RUF001 - Chinese punctuation
    nothing_found="没有说到本场景中有名称的内容。",
    topics="通话涉及：{topics}。",  # noqa: RUF001 - Chinese punctuation
    side="{role}：{intents}。",  # noqa: RUF001 - Chinese punctuation
    outcome="结果：{outcome}。",  # noqa: RUF001 - Chinese punctuation
    reason="最后一句决定结果的话是“{intent}”（{role}）。",  # noqa: RUF001 - Chinese punctuation
    model_reason="模型依据这句话判断（{role}）：“{quote}”。",  # noqa: RUF001 - Chinese punctuation
    comma="、",
    joint="",
    roles={Role.AGENT: "坐席", Role.CUSTOMER: "客户", Role.SUPERVISOR: "主管", Role.UNKNOWN: "说话人"},
)
_BY_LANGUAGE: Final = MappingProxyType({"en": _ENGLISH, "zh": _CHINESE})


def wording(language: str) -> Wording:
    """The sentences for a language; a region does not matter."""
    return _BY_LANGUAGE.get(language.partition("-")[0], _ENGLISH)
