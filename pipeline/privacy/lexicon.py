"""The words that digits are said with, in English and Mandarin, and the words around them that tell what they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final


def words_of(text: str) -> frozenset[str]:
    """The words of a list, parted by spaces."""
    return frozenset(text.split())


def _numbered(text: str, first: int = 0) -> dict[str, str]:
    return {word: str(value) for value, word in enumerate(text.split(), first)}


def _each(text: str) -> dict[str, str]:
    return dict(entry.split("=") for entry in text.split())


UNITS: Final[Mapping[str, str]] = (
    _numbered("zero one two three four five six seven eight nine")
    | _numbered("零 一 二 三 四 五 六 七 八 九")
    | _numbered("〇 壹 贰 叁 肆 伍 陆 柒 捌 玖")  # noqa: RUF001 - the ideographic zero is meant
    | _each("nought=0 naught=0 niner=9 幺=1 貳=2 參=3 陸=6")
)
TEENS: Final[Mapping[str, str]] = _numbered(
    "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen", 10
)
TENS: Final[Mapping[str, str]] = _numbered("twenty thirty forty fifty sixty seventy eighty ninety", 2) | {"fourty": "4"}
SCALES: Final[Mapping[str, int]] = {
    word: int(zeros)
    for word, zeros in _each(
        "hundred=2 thousand=3 million=6 billion=9 十=1 拾=1 百=2 佰=2 千=3 仟=3 万=4 萬=4 亿=8 億=8"
    ).items()
}
"""Words that make an amount of the digits before them, with the zeros that they add."""
REPEATS: Final[Mapping[str, int]] = {"double": 2, "triple": 3, "treble": 3, "quadruple": 4, "双": 2, "雙": 2}
COUNTED: Final[Mapping[str, int]] = {"两": 2, "兩": 2, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6} | {
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
}
"""How often a digit is said in 三个八, where 个 stands between, and in ``three sevens``."""
PLURALS: Final[Mapping[str, str]] = _numbered("zeros ones twos threes fours fives sixes sevens eights nines") | _each(
    "zeroes=0 ohs=0"
)

WEAK: Final[Mapping[str, str]] = _each("oh=0 o=0 两=2 兩=2 洞=0 拐=7 勾=9")
"""Digits only beside a sure one: letters, and words of everyday speech."""

MISHEARD: Final[Mapping[str, Mapping[str, str]]] = {
    "en": _each(
        "to=2 too=2 for=4 fore=4 won=1 wan=1 tree=3 free=3 ate=8 sex=6 sicks=6 sics=6 nein=9 fife=5 hero=0 heaven=7"
    ),
    "zh": _each("要=1 腰=1 妖=1 吧=8 就=9 气=7 领=0"),
}
"""What recognition makes of a digit, by language; believed only between sure ones."""

FILLERS: Final = words_of(
    "uh um er erm ah eh hm hmm mm mhm and then dash hyphen space ok okay yes yeah right plus comma dot point"
    " 嗯 呃 啊 哦 对 是 好 然 后 杠 横"
)
"""What may stand between the digits of one number, a few at a time."""

UNITS_OF_AMOUNTS: Final = words_of(
    "dollar dollars buck bucks cent cents euro euros pound pounds yuan rmb usd eur gbp cny percent gb mb tb kb g k m"
    " gig gigs gigabyte gigabytes megabyte megabytes megabit megabits mbps gbps minute minutes hour hours day days"
    " week weeks month months year years second seconds people customers lines users times miles km kilometers"
    " digit digits megs texts messages"
    " % ‰ ° ℃ 元 块 塊 美 欧 角 分 年 月 日 天 秒 小 钟 岁 兆 倍 人 折 次 位 米 斤"
)
"""A number right before one of these is an amount."""
CURRENCIES: Final = words_of("$ € £ ¥ ₩ ₹ usd eur gbp rmb cny")

BEFORE_ADDRESSES: Final = words_of(
    "is are was my your his her our their me us it this that the a an to at on in of for from mail email e"
    " address write send reach contact him them under as so well yes no okay ok and or visit see look find"
    " online website site page it's i'm that's shop store order available sign log go more here today just via"
    " through by with can you i we"
)
"""Words before an e-mail address that are no part of it; right before ``at`` they show that none was meant."""

CODE_ALPHABET: Final[Mapping[str, str]] = {
    word: word[0]
    for word in words_of(
        "alpha alfa bravo charlie delta echo foxtrot golf hotel india juliet juliett kilo lima mike november oscar papa"
        " quebec romeo sierra tango uniform victor whiskey whisky xray yankee zulu"
    )
}
"""The words of the radio alphabet (ICAO), which count as letters beside another letter or a digit."""
NO_LETTERS: Final = words_of(
    "iban ssn sin imei pin otp cvv cvc cvn cid nino ni vin exp dob zip tel fax usa us uk po ext no nr tv pc sim esim"
    " qq vip app sms apn dns ip isp usb hd lte am pm id hi ok so or if my is it at on in of to we me he be by do go up"
    " an as gb mb tb kb cn hk"
)
"""Words of a few letters that are written as capitals and yet are no part of the number behind them."""
