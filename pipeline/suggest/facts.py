"""Whether words that a language model put together say nothing but what their sources say.

Every check errs on the side of refusing: who refuses shows the words that a person approved, which are always right.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Final

from pipeline.extract.words import is_han
from pipeline.suggest.already_said import words_of
from pipeline.suggest.amounts import amounts, are_misplaced, in_digits, is_measure
from pipeline.suggest.negations import flips

LONGEST: Final = 500
"""Characters: more than the longest card that ships, and as much as is read while somebody talks."""
GROUNDED: Final = 0.5
"""Share of the content words that stand in the sources: what paraphrases keeps that, what is about something else does
not.
"""


class Refused(StrEnum):
    """Why a wording is not shown."""

    LENGTH = "length"
    LANGUAGE = "language"
    MARKUP = "markup"
    NUMBER = "number"
    MISPLACED = "misplaced_number"
    DATE = "date"
    LINK = "link"
    NAME = "name"
    PROMISE = "promise"
    NEGATION = "negation"
    SECRET = "secret"  # nosec B105  # noqa: S105 - the name of a reason
    UNFOUNDED = "unfounded"


_ADDRESS: Final = re.compile(
    r"https?:|www\.|@|\bdot (?:com|net|org)\b|[a-z0-9-]{2,}\.(?:[a-z]{2,}\b|xn--)|\b\d{1,3}(?:\.\d{1,3}){3}\b"
    r"|点(?:com|cn)",
    re.IGNORECASE,
)
_ADDRESSES: Final = re.compile(r"\S*(?:https?:|www\.|@|[A-Za-z0-9-]{2,}\.[A-Za-z]{2,})\S*")
_LONG_NUMBER: Final = re.compile(r"\+?\d(?:[\s()./-]{0,2}\d){4,}")
_MARKS: Final = re.compile(r"[<>`{}\[\]|\\*#_~]|\]\(")
# Months and weekdays with a capital, as "may" and "march" are verbs besides.
_DATES: Final = re.compile(
    r"\b(?:January|February|March|April|June|July|August|September|October|November|December|Jan|Feb|Mar|Apr|Jun|Jul"
    r"|Aug|Sept?|Oct|Nov|Dec)\b|\bMay(?= \d)|(?<=\d )May\b|\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b"
    r"|\b(?i:today|tonight|tomorrow|yesterday|weekend|(?:next|this|last) (?:week|month|year|quarter))\b"
    r"|今天|今晚|明天|后天|昨天|周末|(?:下|本|这|上)个?(?:周|星期|月|季度)|今年|明年|年底|月底|(?:周|星期|礼拜)[一二三四五六日天]"
)
# Words that promise without a number. Each stands for its family, so that "discounted" is a "discount".
_PROMISES: Final = re.compile(
    r"\b(?:free|gratis|unlimited|guarantee\w*|warrant\w*|lowest|cheapest|cheaper|best|half|double|twice|triple|dozen"
    r"|refund\w*|discount\w*|bonus\w*|gift\w*|voucher\w*|credit\w*|reward\w*|compensat\w*|lifetime|forever|always"
    r"|permanent\w*|waiv\w*|promis\w*|certain(?:ly)?|legal\w*|illegal|sue|lawsuit|cancel\w*|transfer\w*|bank\w*|pay"
    r"|payment\w*|upgrade\w*)\b"
    r"|免费|无限|不限|保证|承诺|最低|最便宜|更便宜|最好|半价|一半|双倍|翻倍|两倍|退款|退钱|折扣|打折|优惠|赠|礼品|礼物|奖"
    r"|返现|补偿|赔|终身|永久|永远|免除|减免|合法|违法|起诉|转账|汇款|付款|银行|升级|取消",
    re.IGNORECASE,
)
_SECRETS: Final = re.compile(
    r"\b(?:passwords?|passcodes?|passphrase|pin(?: code| number)?|cvv|cvc|security code|one[- ]time (?:code|password)"
    r"|otp|verification code|card number|account number|social security|ssn|iban|mother'?s maiden|log-?in|credentials?"
    r"|date of birth|passport)\b"
    r"|密码|口令|验证码|安全码|卡号|账号|帐号|身份证|护照|出生日期|支付码",
    re.IGNORECASE,
)
# Words with a capital that begin no sentence, words with digits in them, and what stands in Chinese quotation marks.
_CAPITAL: Final = re.compile(r"(?<![.!?:;\u2026\n\"'\u201c\u2018(])(?<=\S)\s+([A-Z][\w'\u2019-]*)")
_MIXED: Final = re.compile(r"\b(?=\w*[A-Za-z])(?=\w*\d)\w+\b|\b[A-Z]{2,}\b", re.ASCII)
_QUOTED: Final = re.compile("[\u300a\u300c\u300e\u201c]([^\u300b\u300d\u300f\u201d]{1,60})[\u300b\u300d\u300f\u201d]")
_LATIN: Final = re.compile(r"[A-Za-z][A-Za-z'-]+")
_PRONOUNS: Final = frozenset({"I", "I'm", "I'd", "I'll", "I've", "OK"})
_MOST_OF: Final = 0.5


def refused(text: str, approved: str, passages: Sequence[str] = ()) -> Refused | None:
    """Why this wording must not be shown in the place of the approved one; None where nothing speaks against it.

    Numbers with their units, dates, names and words that promise something must stand in the approved text or in a
    passage, and an amount must be said of the same thing;
    addresses, telephone numbers and what asks for secrets in the approved text, as passages may come from anywhere. A
    "not" may neither come nor go, the language stays, and half of what is said must be in the sources.

    Args:
        text: as the model put it.
        approved: the card's text with its slots filled and its title, or the knowledge that is shown itself.
        passages: of the knowledge base, that back it.
    """
    said, own = _plain(text), _plain(approved)
    sources = "\n".join((own, *map(_plain, passages)))
    checks: tuple[tuple[Refused, Callable[[], bool]], ...] = (
        (Refused.LENGTH, lambda: not 0 < len(said) <= LONGEST),
        (Refused.LANGUAGE, lambda: _is_chinese(said) != _is_chinese(own)),
        (Refused.LINK, lambda: _adds_address(said, own)),
        (Refused.MARKUP, lambda: _adds(_MARKS, said, sources) or _has_hidden(text)),
        (Refused.SECRET, lambda: _adds(_SECRETS, said, own)),
        (Refused.NUMBER, lambda: not amounts(said) <= amounts(sources)),
        (Refused.MISPLACED, lambda: are_misplaced(said, sources)),
        (Refused.DATE, lambda: _adds(_DATES, said, sources)),
        (Refused.PROMISE, lambda: _adds(_PROMISES, said, sources)),
        (Refused.NAME, lambda: not _stand_in(_names(said), sources)),
        (Refused.NEGATION, lambda: flips(said, sources)),
        (Refused.UNFOUNDED, lambda: not _is_grounded(said, sources)),
    )
    return next((why for why, speaks_against in checks if speaks_against()), None)


def _plain(text: str) -> str:
    """In one form: full-width letters and digits as plain ones, and every gap one space; lines stay lines."""
    lines = (" ".join(line.split()) for line in unicodedata.normalize("NFKC", text).splitlines())
    return "\n".join(filter(None, lines))


def _adds(pattern: re.Pattern[str], said: str, sources: str) -> bool:
    known = {_family(one[0]) for one in pattern.finditer(sources)}
    return any(_family(one[0]) not in known for one in pattern.finditer(said))


def _family(word: str) -> str:
    """Its first six letters, small: "discounts" and "discounted" are of one family."""
    return word.casefold()[:6]


def _adds_address(said: str, own: str) -> bool:
    known = own.casefold()
    if any(one[0].casefold().rstrip(".,;!?") not in known for one in _ADDRESSES.finditer(said)):
        return True
    if _ADDRESS.search(said) is not None and _ADDRESS.search(own) is None:
        return True
    numbers = {_digits(one[0]) for one in _LONG_NUMBER.finditer(own)}
    return any(_digits(one[0]) not in numbers for one in _LONG_NUMBER.finditer(said))


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _has_hidden(text: str) -> bool:
    """Characters that nobody sees, or that turn the direction of what is seen."""
    return any(unicodedata.category(letter) in {"Cc", "Cf", "Co", "Cs"} and letter not in "\n\t" for letter in text)


def _is_chinese(text: str) -> bool:
    letters = [letter for letter in text if letter.isalpha()]
    return bool(letters) and sum(map(is_han, letters)) >= _MOST_OF * len(letters)


def _names(said: str) -> set[str]:
    """What is named: words that look like names in English; in Chinese what stands in Latin letters or is quoted."""
    found = {one[0] for one in _MIXED.finditer(said)} | {one[1] for one in _QUOTED.finditer(said)}
    if _is_chinese(said):
        found |= {one[0] for one in _LATIN.finditer(said)}
    else:
        found |= {one[1] for one in _CAPITAL.finditer(said)}
    return {one.casefold() for one in found - _PRONOUNS if not is_measure(one)}


def _stand_in(names: set[str], sources: str) -> bool:
    """Whether each of them stands there by itself, and not within a longer word."""
    known = sources.casefold()
    return all(
        name in known
        if not name.isascii()
        else re.search(rf"(?<![a-z0-9]){re.escape(name)}(?![a-z0-9])", known) is not None
        for name in names
    )


def _is_grounded(said: str, sources: str) -> bool:
    words = words_of(in_digits(said))
    return not words or len(words & words_of(in_digits(sources))) >= GROUNDED * len(words)
