"""The amounts that a text names, however they are written: "$30", "thirty dollars" and "30 dollars" are one."""

from __future__ import annotations

import re
import unicodedata
from typing import Final, NamedTuple

from pipeline.extract.numbers import digits
from pipeline.extract.spoken import Kind, Token, tokens
from pipeline.suggest.already_said import words_of
from pipeline.suggest.negations import CLAUSES
from pipeline.suggest.text import sentences

_BEFORE: Final = {"$": "dollar", "€": "euro", "£": "pound", "¥": "yuan", "#": "no"}
_AFTER: Final = re.compile(
    r"\s*-?\s*个?(?P<unit>[%‰$€£¥]|(?:percent|per cent|dollars?|bucks|usd|cents?|euros?|eur|pounds?|gbp|yuan|rmb|cny"
    r"|seconds?|secs?|minutes?|mins?|hours?|hrs?|(?:working |business |calendar )?days?|weeks?|months?|years?"
    r"|gigabytes?|gigs?|gb|g|megabytes?|mbps|mbit|mb)(?![a-z])|元|块|美元|欧元|英镑|折|秒|分钟|小时|工作日|天|日"
    r"|周|星期|月|年|号|点|倍|兆)",
    re.IGNORECASE,
)
_SAME: Final = {
    **dict.fromkeys(("$", "bucks", "buck", "usd", "美元"), "dollar"),
    **dict.fromkeys(("€", "eur", "欧元"), "euro"),
    **dict.fromkeys(("£", "gbp", "英镑"), "pound"),
    **dict.fromkeys(("¥", "rmb", "cny", "元", "块"), "yuan"),
    **dict.fromkeys(("percent", "per cent"), "%"),
    **dict.fromkeys(("sec", "秒"), "second"),
    **dict.fromkeys(("min", "分钟"), "minute"),
    **dict.fromkeys(("hr", "小时"), "hour"),
    **dict.fromkeys(("business day", "工作日"), "working day"),
    **dict.fromkeys(("calendar day", "天", "日", "号"), "day"),
    **dict.fromkeys(("周", "星期"), "week"),
    **dict.fromkeys(("月",), "month"),
    **dict.fromkeys(("年",), "year"),
    **dict.fromkeys(("gigabyte", "gig", "g"), "gb"),
    **dict.fromkeys(("megabyte", "兆"), "mb"),
}
_ORDINALS: Final = {
    word: number
    for number, word in enumerate("third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split(), 3)  # noqa: SIM905 - a list of ten
}
_ONE: Final = "1"


class Amount(NamedTuple):
    """A number as digits, and its unit; none where no unit that is known stands beside it."""

    number: str
    unit: str = ""


def amounts(text: str) -> frozenset[Amount]:
    """Every number with its unit. A bare "one" is a pronoun as often as a number, and left out.

    Digits are read however they are written: spoken, full-width, of another script, with marks for thousands.
    """
    plain = in_digits(text)
    found = {_amount(token, plain) for token in tokens(plain) if _is_number(token)}
    words = re.findall(r"[a-z]+", plain.casefold())
    found |= {Amount(str(_ORDINALS[word]), "th") for word in words if word in _ORDINALS}
    return frozenset(one for one in found if one != Amount(_ONE))


def is_measure(word: str) -> bool:
    """Whether a word is a unit, or a number together with one: GB, 20GB."""
    return _AFTER.fullmatch(re.sub(r"^[\d.,]+", "", word)) is not None


def are_misplaced(text: str, sources: str) -> bool:
    """Whether an amount is said of something else than in the sources: one plan's price beside the name of another.

    Of each amount in a clause, a sentence of the sources that has it must share a word with that clause, or where the
    clause has no other words with its sentence.
    """
    known = [
        (amounts(sentence), _around(sentence)) for line in sources.splitlines() for sentence in sentences(line) if line
    ]
    for sentence in sentences(text):
        for clause in filter(None, CLAUSES.split(sentence)):
            about = _around(clause) or _around(sentence)
            for amount in amounts(clause):
                if about and not any(amount in there and about & words for there, words in known):
                    return True
    return False


def _around(text: str) -> frozenset[str]:
    """The content words beside the amounts."""
    return frozenset(word for word in words_of(in_digits(text)) if not word[0].isdigit() and not is_measure(word))


def in_digits(text: str) -> str:
    """The text with every number in plain digits."""
    folded = unicodedata.normalize("NFKC", text)
    return digits("".join(_ascii_digit(letter) for letter in folded))


def _ascii_digit(letter: str) -> str:
    value = None if letter.isascii() else unicodedata.decimal(letter, None)
    return letter if value is None else str(value)


def _is_number(token: Token) -> bool:
    return token.kind is Kind.NUMBER or any(letter.isdigit() for letter in token.text)


def _amount(token: Token, text: str) -> Amount:
    number = token.text
    if (joined := re.fullmatch(r"(\d+(?:\.\d+)?)([a-z]+)", number)) is not None:  # 20gb, 5g, 10th
        return Amount(joined[1], _unit(joined[2]))
    after = _AFTER.match(text, token.end)
    if after is not None:
        return Amount(number, _unit(after["unit"]))
    sign = text[: token.start].rstrip()[-1:]
    return Amount(number, _BEFORE.get(sign, ""))


def _unit(said: str) -> str:
    unit = " ".join(said.casefold().split())
    if unit not in _SAME and len(unit) > 1:
        unit = unit.removesuffix("s")
    return _SAME.get(unit, unit)
