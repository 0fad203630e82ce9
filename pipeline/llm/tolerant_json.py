"""Reading the one JSON object that a model's answer holds: strict JSON first, and else what can be mended safely.

Where two readings are possible there is none, and the model is asked again.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from pipeline.llm.guarded import AnswerInvalid
from pipeline.llm.mended_json import Mend, MendingReader

_STARTS: Final = re.compile(r"<think>|</think>|\{")
_END_OF_REASONING: Final = "</think>"
# Pieces of JSON beside the object: it was a part of something that is broken, and is not the answer.
_BROKEN: Final = re.compile(r'[{}]|"\s*:')
_BROKEN_BEFORE: Final = re.compile(r"[\[,]\s*\Z|\A\W*:\s*\Z")
_BROKEN_AFTER: Final = re.compile(r"\s*[\],]")
_BYTE_ORDER_MARK: Final = "\ufeff"


@dataclass(frozen=True, slots=True)
class ReadJson:
    """The value, and what had to be mended; nothing where the answer was strict JSON."""

    value: Any
    mended: frozenset[Mend] = frozenset()


@dataclass(frozen=True, slots=True)
class _Placed:
    """An object and where it stands: ``text[start:end]``."""

    start: int
    end: int
    value: dict[str, Any]


def read_json(text: str) -> Any:  # noqa: ANN401 - JSON can be anything
    """The value that ``read_answered_json`` reads.

    Raises:
        AnswerInvalid: there is none, or more than one reading.
    """
    return read_answered_json(text).value


def read_answered_json(text: str) -> ReadJson:
    """Strict JSON (RFC 8259) of any kind, or else the one object that stands in the text; in linear time.

    Mended are a byte order mark, reasoning before ``</think>``, text and code fences around the object, and within it
    trailing commas, single quotes, keys without quotes, control characters in strings, Python's constants, and ``NaN``
    and the infinities, which become null. A key that stands twice is refused then.

    Raises:
        AnswerInvalid: there is none, or more than one reading; says what and where.
    """
    try:
        return ReadJson(json.loads(text, parse_constant=_refuse))
    except RecursionError:
        raise AnswerInvalid("no JSON: nested too deeply") from None
    except ValueError:  # no JSON, or an integer of thousands of digits
        return _mended(text)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _mended(text: str) -> ReadJson:
    reader = MendingReader(text)
    marked = text.startswith(_BYTE_ORDER_MARK)
    reader.at = begin = len(_BYTE_ORDER_MARK) if marked else 0
    found: list[_Placed] = []
    while start := _STARTS.search(text, reader.at):
        reader.at = start.start()
        if start[0] == "{":
            value = reader.value()
            found.append(_Placed(start.start(), reader.at, value))
        else:
            # What was thought aloud is not the answer, even where only its end is marked.
            found.clear()
            reader.mended = {Mend.REASONING}
            reader.at = begin = _end_of_reasoning(reader, start)
    value, alone = _only(reader, found, begin)
    around = set() if alone else {Mend.TEXT_AROUND}
    mark = {Mend.BYTE_ORDER_MARK} if marked else set()
    return ReadJson(value, frozenset(reader.mended | around | mark))


def _end_of_reasoning(reader: MendingReader, start: re.Match[str]) -> int:
    end = reader.text.find(_END_OF_REASONING, start.start())
    if end < 0:
        raise reader.invalid("the reasoning does not end", start.start())
    return end + len(_END_OF_REASONING)


def _only(reader: MendingReader, found: list[_Placed], begin: int) -> tuple[dict[str, Any], bool]:
    """The one object, which may stand there several times, and whether there is nothing around it."""
    if not found:
        raise AnswerInvalid("no JSON: there is no object in the answer")
    # Compared as text, as True equals 1 in Python.
    if len({json.dumps(one.value, sort_keys=True) for one in found}) > 1:
        raise reader.invalid("there is more than one object, and they differ", found[1].start)
    ends = [begin, *(one.end for one in found)]
    starts = [*(one.start for one in found), len(reader.text)]
    around = [reader.text[end:start] for end, start in zip(ends, starts, strict=True)]
    if (
        any(_BROKEN.search(text) for text in around)
        or _BROKEN_BEFORE.search(around[0])
        or any(_BROKEN_AFTER.match(text) for text in around[1:])
    ):
        raise reader.invalid("there are pieces of JSON outside of the object", found[0].start)
    return found[0].value, not any(text.strip() for text in around)
