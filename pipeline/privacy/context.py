"""What the words around a number say that it is: a code that somebody asked for, a reference, an identity, a phone."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import Enum, auto
from itertools import chain
from typing import Final

from pipeline.privacy.lexicon import words_of
from pipeline.privacy.tokens import Token, in_time
from schemas.transcript import Segment

_CONTEXT_CHARS: Final = 60
_ASKED_BEFORE: Final = 3
_REACH_SEGMENTS: Final = 3
_REACH_MS: Final = 60_000
_FEW_WORDS: Final = 3
_BEHIND_CHARS: Final = 20
_FIRST_CHARS: Final = 30
_LONGEST_SPELLED: Final = 12
# No expression matches a placeholder's name or across one, so that masking twice finds what masking once found.
_GAP: Final = r"[^.?!。？！\[\]]"  # noqa: RUF001 - Chinese marks are meant
_CODE: Final = re.compile(
    r"(?<!\[)(?:"
    r"\b(?:security|verification|authentication|access|confirmation|one[ -]time)[ -](?:pass)?(?:code|value|word|pin)\b"
    r"|\bsecurity number\b|\bc[ .]{0,2}v[ .]{0,2}(?:[cvn]2?|2|two)(?![a-z])|\bc[ .]{0,2}i[ .]{0,2}d(?![a-z])"
    r"|\bo[ .]{0,2}t[ .]{0,2}p(?![a-z])|\bpin(?: code| number)?(?![a-z])|\bpass ?(?:word|code|phrase)(?![a-z])"
    r"|(?<!first )\b(?:three|3)[ -](?:digits?|numbers?)\b|\bsignature (?:strip|panel)\b"
    r"|\b(?:code|numbers?|digits?) (?:that'?s |that is |that are |which is )?(?:on|at|from) the (?:back|front|reverse)"
    r"|\b(?:on|at) the back of (?:the|your|my) card\b"
    r"|安全[码碼]|[验驗][证證][码碼]|校[验驗][码碼]|[动動][态態][码碼口]|口令|密[码碼]|[签簽]名[栏欄条]"
    r"|背面[^。？\[\]]{0,6}(?:[三3]|码|数字)|[后後末](?:面|尾)?的?[三3](?:位|个数)"  # noqa: RUF001 - as above
    r")",
    re.IGNORECASE | re.ASCII,
)
_REFERENCE: Final = re.compile(
    r"(?<!\[)(?:"
    r"\b(?:account|acct|customer|client|contract|order|invoice|policy|reference|ref|booking|reservation|confirmation"
    r"|member|membership|serial|tracking|claim|case|ticket|registration|plate|licen[cs]e|passport|insurance)"
    r" (?:number|no|num|id|code|#)\b|\breference\b|\bsort code\b|\bpassport\b"
    r"|(?:[订訂]单|[订訂]單|合同|客[户戶]|[会會][员員]|保[单單]|工[单單]|投[诉訴]|快[递遞]|[运運][单單]|流水|受理|[报報]修"
    r"|[档檔]案|[车車]牌|[账帳帐賬]|[户戶])[^\[\]\d。]{0,2}[号號]|[编編][号號]|[账帐賬帳][号號户戶]|[单單][号號]|[车車]牌"
    r")",
    re.IGNORECASE | re.ASCII,
)
_ID_TAIL: Final = re.compile(
    r"(?<!\[)(?:"
    rf"\blast (?:four|4)(?: digits?)?{_GAP}{{0,12}}(?:social|ssn)\b"
    rf"|\b(?:social|ssn)\b{_GAP}{{0,20}}(?:last (?:four|4)|ends? (?:in|with)|ending)\b"
    rf"|身[份分][证證]{_GAP}{{0,4}}[后後末尾]"
    r")",
    re.IGNORECASE | re.ASCII,
)

# A word of each expression, looked up before it is searched for: most segments have none.
_CODE_TRIGGERS: Final = words_of(
    "code codes value word pin password passcode passphrase pass number numbers digit digits cvv cvc cvn cv c cid otp o"
    " strip panel back 码 碼 令 密 签 簽 背 三 3"
)
_REFERENCE_TRIGGERS: Final = words_of("number no num id code # reference passport 号 號 户 戶 单 單 牌")
_ID_TRIGGERS: Final = words_of("social ssn 身")


class Hint(Enum):
    """What a word before a number says that the number is."""

    PHONE = auto()
    ID = auto()
    BANK = auto()
    ACCOUNT = auto()
    """With a bank or with anyone else."""
    CARD = auto()
    DEVICE = auto()
    """A number of a telephone set, which has the check digit of a card."""
    REFERENCE = auto()


_HINTS: Final = re.compile(
    r"(?<!\[)(?:"
    r"(?P<ID>\bsocial(?: security)?|\bssn\b|\bs\.? ?s\.? ?n\b|\bnational insurance|\bni number|\bpassport"
    r"|\bdriv(?:er'?s|ing) licen[cs]e|\blicen[cs]e number|\btax(?:payer)? id|\bitin\b|\bid(?: card| number)\b|\bnhs\b"
    r"|\bmedicare|身[份分][证證](?:[号號][码碼]?)?|[护護]照|[驾駕]照|[驾駕][驶駛][证證]|社保|[医醫]保|通行[证證]|居住[证證])"
    r"|(?P<BANK>\b(?:checking|chequing|savings?|current) account|\bbank(?:ing)?(?: account)?\b|\brouting|\bsort code"
    r"|\biban\b|\bswift|[银銀]行(?:卡|[账帐賬帳])?[号號]?[码碼]?|[开開][户戶]|[对對]公|收款|打款|[转轉][账帐賬帳]"
    r"|[工农農中建交招]行|信用社)"
    r"|(?P<DEVICE>\bimei\b|\bi m e i\b)"
    r"|(?P<ACCOUNT>\baccount|\bacct\b|[账帐賬帳][号號户戶])"
    r"|(?P<REFERENCE>\bcustomer (?:number|id)|\bcontract|\border|\binvoice|\bpolicy|\breference|\bref\b|\bserial"
    r"|\btracking|\bmember|\bbooking|\bticket|\bclaim|\bcase number"
    r"|[订訂][单單](?:[号號][码碼]?)?|合同|客[户戶](?:[编編]?[号號])?|[编編][号號]|[单單][号號]|[会會][员員]|保[单單]|[车車]牌|[宽寬][带帶]|\bqq\b)"
    r"|(?P<CARD>\bcard\b|\bvisa\b|\bmastercard|\bamex\b|卡[号號][码碼]?|信用卡)"
    r"|(?P<PHONE>\bphone|\bmobile|\bcell|\bcall\b|\breach\b|\btext (?:me|him|her|us)|\btel\b|\bfax|\blandline|\bdial"
    r"|\bring\b|\bcontact number|\bwhatsapp"
    r"|[电電][话話]|手[机機]|座[机機]|固[话話]|[拨撥打]|[号號][码碼]|[联聯]系|微信)"
    r")",
    re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Context:
    """What is known of the surroundings of each segment, by its index.

    ``codes``, ``references`` and ``id_tails`` say from which character on a shorter number is one of those.
    ``answered`` has the code words that a number may stand right before, as in ``123 is the code``.
    """

    segments: Sequence[Segment]
    before: Mapping[int, tuple[int, ...]]
    codes: Mapping[int, int]
    references: Mapping[int, int]
    id_tails: Mapping[int, int]
    answered: Mapping[int, Sequence[int]]

    def is_code(self, segment: int, start: int, end: int) -> bool:
        """Whether a few digits there are a code: asked for, or named right behind."""
        if start >= self.codes.get(segment, end):
            return True
        named = self.answered.get(segment, ())
        place = bisect_left(named, end)
        if place == len(named) or named[place] - end > _BEHIND_CHARS:
            return False
        between = self.segments[segment].text[end : named[place]]
        return not re.search(r"[.?!。？！\[\]]", between)  # noqa: RUF001 - Chinese marks are meant

    def is_reference(self, segment: int, start: int) -> bool:
        return start >= self.references.get(segment, start + 1)

    def is_id_tail(self, segment: int, start: int) -> bool:
        return start >= self.id_tails.get(segment, start + 1)

    def is_in_word(self, token: Token) -> bool:
        """Whether it stands in words that speak of a code or of a kind of number, as the letters of ``c v v``."""
        text = self.segments[token.segment].text
        window = max(0, token.start - _LONGEST_SPELLED), token.end + _LONGEST_SPELLED
        found = chain.from_iterable(expression.finditer(text, *window) for expression in (_CODE, _HINTS))
        return any(match.start() <= token.start < match.end() for match in found)

    def hints(self, segment: int, start: int) -> tuple[Hint, ...]:
        """What the words before a character say, the nearest last; of earlier segments where its own say none."""
        text = self.segments[segment].text
        own = _hints_in(text[max(0, start - _CONTEXT_CHARS) : start])
        for earlier in self.before[segment] if not own else ():
            if own := _hints_in(self.segments[earlier].text[-_CONTEXT_CHARS:]):
                break
        return own


def context_of(segments: Sequence[Segment], tokens: Iterable[Token]) -> Context:
    """Read the surroundings once, in time linear in the length of the text.

    Args:
        segments: all of them.
        tokens: all of theirs.
    """
    words: dict[int, set[str]] = {}
    for token in tokens:
        words.setdefault(token.segment, set()).add(token.text)
    with_code = {index for index, texts in words.items() if texts & _CODE_TRIGGERS}
    with_reference = {index for index, texts in words.items() if texts & _REFERENCE_TRIGGERS}
    with_id = {index for index, texts in words.items() if texts & _ID_TRIGGERS}
    order = in_time(segments)
    before = {index: tuple(reversed(order[max(0, place - _ASKED_BEFORE) : place])) for place, index in enumerate(order)}
    codes, answered = _zones(segments, order, _CODE, with_code), dict[int, list[int]]()
    for place, index in enumerate(order):
        named = list(_CODE.finditer(segments[index].text)) if index in with_code else []
        if named:
            answered[index] = [match.start() for match in named]
            _reach_back(segments, order[:place][-_ASKED_BEFORE:], named[0], index, codes)
    return Context(
        segments,
        before,
        codes,
        _zones(segments, order, _REFERENCE, with_reference),
        _zones(segments, order, _ID_TAIL, with_id),
        answered,
    )


def _zones(
    segments: Sequence[Segment], order: Sequence[int], words: re.Pattern[str], where: AbstractSet[int]
) -> dict[int, int]:
    """From which character on a segment may hold what was spoken of, by the segment's index.

    The segment that speaks of it may, and those after it, whoever says them, within a minute and as long as no more
    than three of them have more than a few words.
    """
    zones: dict[int, int] = {}
    open_until, left = -1, 0
    for index in order:
        segment = segments[index]
        if left and segment.start_ms <= open_until:
            zones[index] = 0
            left -= not _is_short(segment.text)
        if index in where and (spoken_of := words.search(segment.text)) is not None:
            zones.setdefault(index, spoken_of.end())
            open_until, left = segment.end_ms + _REACH_MS, _REACH_SEGMENTS
    return zones


def _is_short(text: str) -> bool:
    """A few words, as ``okay, one moment`` or 好的, and nothing masked among them."""
    return "[" not in text and len(re.findall(r"[A-Za-zÀ-ɏ']+|[^\W\d_]", text[:100])) <= _FEW_WORDS


def _reach_back(
    segments: Sequence[Segment], earlier: Sequence[int], named: re.Match[str], index: int, codes: dict[int, int]
) -> None:
    """``737`` and then, in a segment of its own, ``that's the security code``."""
    speaker = (segments[index].channel, segments[index].role)
    same = [other for other in earlier if (segments[other].channel, segments[other].role) == speaker]
    if (
        same
        and named.start() <= _FIRST_CHARS
        and re.match(r"\W*(?:and )?(?:that|this|it|这|那|是|就是)", named.string, re.IGNORECASE)
    ):
        codes[same[-1]] = 0


def _hints_in(text: str) -> tuple[Hint, ...]:
    since = text.rfind("]") + 1
    return tuple(Hint[match.lastgroup] for match in _HINTS.finditer(text, since) if match.lastgroup is not None)
