"""Which question a person's words mean, by keywords in English and Chinese: as a small model would have it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from workers.fake_llm.asked import Asked
from workers.fake_llm.days import span_in
from workers.fake_llm.labels import stems

_Found = dict[str, Any]

_KINDS: Final = (
    (
        "none",
        r"\b(?:write|poem|delete|remove|erase|ignore|prompt|joke|weather|password)\b|写一?首|删除|忽略|提示词|天气|密码",
    ),
    ("similar", r"\bsimilar\b|\bcalls? (?:most )?like\b|\blike call\b|相似|类似"),
    ("coach", r"\bcoach|\bbest of (?:the|their) team\b|辅导|教练|最好的坐席"),
    ("compare", r"\bcompare|\bdiffer|\bversus\b|\bvs\b|对比|比较|不同|区别|差异"),
    (
        "trend",
        (
            r"\btrend|\bris(?:e|es|en|ing)\b|\brose\b|\bf[ae]ll(?:s|en|ing)?\b|\bgrow|creas(?:e|ing)"
            "|趋势|上升|下降|增长|增加|减少"
        ),
    ),
    (
        "aggregate",
        (
            r"\bhow (?:many|often|long)\b|\bcount\b|\bnumber of\b|\bshare\b|\bpercent|\bwin rate|\baverage\b"
            r"|\bhandle time|\bmost (?:common|frequent)\b|多少|几个|数量|次数|占比|比例|成交率|平均|时长|最常见"
        ),
    ),
    (
        "search",
        r"\bsearch\b|\bfind\b|\bwho (?:says?|said)\b|\bmention|\btalk(?:s|ed)? about\b|搜索|查找|找出|提到|说过|谁说",
    ),
    ("query", r"\blist\b|\bshow\b|\bwhich calls\b|\bnewest\b|\blatest\b|\blongest\b|列出|显示|哪些通话|最新|最长"),
)
_FIELDS: Final[Mapping[str, str]] = {
    "intent": r"intents?|意图",
    "topic": r"topics?|主题",
    "objection": r"objections?|异议",
    "outcome": r"outcomes?|结果",
    "agent": r"agents?|坐席|客服",
    "team": r"teams?|团队",
    "scenario": r"scenarios?|场景",
    "language": r"languages?|语言",
    "queue": r"queues?|队列",
    "campaign": r"campaigns?|活动",
    "role": r"roles?|角色",
    "day": r"days?|天",
    "week": r"weeks?|周|星期",
    "month": r"months?|月",
}
_ANY: Final = "|".join(_FIELDS.values())
_BY: Final = re.compile(
    r"(?:\b(?:by|per|each|every|which|what|common|frequent) |按每?个?|每个?|各个?|哪些|哪个|哪位|什么|常见的?)"
    rf"(?P<one>{_ANY})"
    rf"(?:(?: ?, ?| and | per | by |[和与、及]每?个?|按)(?P<two>{_ANY}))?",
    re.IGNORECASE,
)
_METRICS: Final = (
    ("win_rate", r"\bwin rate|成交率"),
    ("avg_handle_time", r"\baverage\b|\bhow long\b|\bhandle time|平均|时长"),
    ("share", r"\bshare\b|\bpercent|占比|比例"),
)
_OF: Final = (("suggestions", r"\bsuggestions?\b|建议"), ("utterances", r"\butterances?\b|话语"))
_RESULTS: Final = (
    ("lost", r"\blost\b|未成交|流失|丢单"),
    ("won", r"\bwon\b|(?<!未)成交(?!率)|赢单"),
    ("open", r"\bopen\b|未决|待定"),
)
_ROLES: Final = (
    ("customer", r"\bcustomers? (?:say|said|mention|talk|ask)|\bby customers?\b|客户(?:说|提到|问)"),
    ("agent", r"\bagents? (?:say|said|mention|talk|ask)|坐席(?:说|提到|问)"),
)
_DIRECTIONS: Final = (("inbound", r"\binbound\b|呼入"), ("outbound", r"\boutbound\b|呼出"))
_SORTS: Final = (
    ("-started", r"\bnewest\b|\blatest\b|最新"),
    ("started", r"\boldest\b|最早"),
    ("-duration", r"\blongest\b|最长"),
)
_LONGER: Final = re.compile(r"(?:longer|more) than (\d{1,4}) minutes|超过(\d{1,4})分钟", re.IGNORECASE)
_SHORTER: Final = re.compile(r"(?:shorter|less) than (\d{1,4}) minutes|(?:少于|短于)(\d{1,4})分钟", re.IGNORECASE)
_MOST: Final = re.compile(
    r"\b(?:top|newest|latest|longest|first) (\d{1,3})\b|\b(\d{1,3}) (?:newest|latest|longest)\b|前(\d{1,3})"
)
_OBSERVED: Final = r"\bobserved\b|(?<![a-z])crm(?![a-z])|\bactual|实际|观察"
_QUOTED: Final = re.compile(r"[\"“「](.+?)[\"”」]")
_ABOUT: Final = re.compile(
    r"(?:\babout\b|\bfor\b|\bmention(?:s|ed|ing)?\b|提到|说过|关于|搜索|查找)\s*(.+?)\s*(?:的(?:话|通话))?[?.!\uff1f。]*$",
    re.IGNORECASE,
)
_CALL: Final = re.compile(r"[A-Za-z0-9]+(?:[-_.][A-Za-z0-9]+)+")
_LIMITS: Final = {"query": 50, "aggregate": 50, "trend": 20, "compare": 20}
_FEW: Final = 10
_SIDES: Final = ("agent", "team", "scenario", "language", "queue", "campaign", "intent", "topic")
_EXACT: Final = frozenset({"agent", "team", "scenario", "queue", "campaign"})


def question_meant(asked: Asked) -> _Found:
    """The question as the schema has it, without the fields that have a plain value."""
    text = asked.text
    kind = _first(_KINDS, text) or "none"
    if kind == "none":
        why = "这不是关于通话的问题。" if re.search(r"[\u4e00-\u9fff]", text) else "That is not about the calls."
        return {"question": {"kind": "none", "why": why}}
    shared = {
        "kind": kind,
        "where": list(_conditions(kind, asked)),
        "outcomes": "observed" if re.search(_OBSERVED, text, re.IGNORECASE) else "inferred",
        "limit": next(
            (int(one) for found in _MOST.finditer(text) for one in found.groups() if one), _LIMITS.get(kind, _FEW)
        ),
    }
    return {"question": shared | _OWN[kind](asked)}


def _first(table: tuple[tuple[str, str], ...], text: str) -> str | None:
    return next((name for name, pattern in table if re.search(pattern, text, re.IGNORECASE)), None)


def _search(asked: Asked) -> _Found:
    said = _QUOTED.search(asked.text) or _ABOUT.search(asked.text)
    return {"text": said[1] if said else asked.text}


def _query(asked: Asked) -> _Found:
    intents = re.search(
        rf"(?:list|show|列出|显示)\S* ?(?:the |all )?(?:{_FIELDS['intent']})", asked.text, re.IGNORECASE
    )
    of = _first(_OF, asked.text) or ("intents" if intents else "calls")
    return {"of": of, "sort": _first(_SORTS, asked.text)}


def _aggregate(asked: Asked) -> _Found:
    return {
        "of": _first(_OF, asked.text) or "calls",
        "by": _by(asked.text),
        "metric": _first(_METRICS, asked.text) or "count",
    }


def _trend(asked: Asked) -> _Found:
    by = _by(asked.text)
    period = next((one for one in by if one in {"day", "week", "month"}), "week")
    return {"by": next((one for one in by if one != period), "intent"), "period": period}


def _similar(asked: Asked) -> _Found:
    found = _CALL.findall(asked.text)
    return {"call": found[-1] if found else asked.text[:200]}


def _coach(asked: Asked) -> _Found:
    agents = [name for name in asked.names.get("agent", ()) if _says(asked.text, name)]
    return {"agent": agents[0] if agents else "unknown"}


def _compare(asked: Asked) -> _Found:
    """Two names of one field, else what was won and what was lost."""
    for field in _SIDES:
        named = sorted((asked.text.find(name), name) for name in asked.names.get(field, ()) if _says(asked.text, name))
        if len(named) > 1:
            return {side: [_is(field, name)] for side, (_, name) in zip("ab", named, strict=False)}
    return {"a": [_is("outcome", "won")], "b": [_is("outcome", "lost")]}


_OWN: Final[Mapping[str, Callable[[Asked], _Found]]] = {
    "search": _search,
    "query": _query,
    "aggregate": _aggregate,
    "trend": _trend,
    "similar": _similar,
    "coach": _coach,
    "compare": _compare,
}


def _by(text: str) -> list[str]:
    found = [said for match in _BY.finditer(text) for said in (match["one"], match["two"]) if said]
    fields = [name for said in found for name, words in _FIELDS.items() if re.fullmatch(words, said, re.IGNORECASE)]
    return list(dict.fromkeys(fields))[:2]


def _conditions(kind: str, asked: Asked) -> Iterator[_Found]:
    text = asked.text
    since, until = span_in(text, asked.today)
    if since is not None:
        yield {"field": "started", "op": "at_least", "values": [since.isoformat()]}
    if until is not None:
        yield {"field": "started", "op": "below", "values": [until.isoformat()]}
    if kind != "compare":
        yield from _named(kind, asked)
        if result := _first(_RESULTS, text):
            yield _is("outcome", result)
    if direction := _first(_DIRECTIONS, text):
        yield _is("direction", direction)
    if kind in {"search", "query"} and (role := _first(_ROLES, text)):
        yield _is("role", role)
    for op, pattern in (("at_least", _LONGER), ("below", _SHORTER)):
        if said := pattern.search(text):
            yield {"field": "duration", "op": op, "values": [str(60 * int(said[1] or said[2]))]}


def _named(kind: str, asked: Asked) -> Iterator[_Found]:
    """Names that stand in the words as they are; of intents those, too, of which every word does."""
    for field in sorted(_EXACT - ({"agent"} if kind == "coach" else set())):
        if names := [name for name in asked.names.get(field, ()) if _says(asked.text, name)]:
            yield {"field": field, "op": "is", "values": names}
    if kind == "search":
        return
    said = {stem.text for stem in stems(asked.text)}
    intents = [name for name in asked.names.get("intent", ()) if _words(name) and _words(name) <= said]
    if intents:
        yield {"field": "intent", "op": "is", "values": intents}
    elif topics := [name for name in asked.names.get("topic", ()) if _words(name) and _words(name) <= said]:
        yield {"field": "topic", "op": "is", "values": topics}


def _words(name: str) -> set[str]:
    return {stem.text for stem in stems(name.replace("_", " "))}


def _says(text: str, name: str) -> bool:
    """Whether the name stands there as a word of its own; in Chinese words are not parted."""
    return re.search(rf"(?<![A-Za-z0-9_-]){re.escape(name)}(?![A-Za-z0-9_-])", text, re.IGNORECASE) is not None


def _is(field: str, value: str) -> _Found:
    return {"field": field, "op": "is", "values": [value]}
