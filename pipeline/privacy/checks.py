"""Numbers that prove what they are: by a check digit, by their form, or by the numbering plan of a country."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_CARD_LENGTHS: Final = range(13, 20)
_ACCOUNT_CARD_LENGTHS: Final = range(16, 20)
_CHINESE_ID_LENGTH: Final = 18
_IBAN: Final = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
_INSURANCE_NUMBER: Final = re.compile(r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\d{6}[A-D]")
_REGIONS: Final = {
    "en": ("US", "GB"),
    "zh": ("CN", "HK", "TW"),
    "de": ("DE", "AT", "CH"),
    "fr": ("FR", "BE", "CH"),
    "es": ("ES", "MX"),
    "it": ("IT",),
    "nl": ("NL", "BE"),
    "pt": ("PT", "BR"),
    "ja": ("JP",),
    "ko": ("KR",),
}


def is_card(digits: str) -> bool:
    """13 to 19 digits whose last one is the check digit of the others (ISO/IEC 7812-1, annex B)."""
    if len(digits) not in _CARD_LENGTHS or not digits.isdecimal() or not digits.strip("0"):
        return False
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(value // 10 + value % 10 for value in doubled) % 10 == 0


def card_at_start(digits: str) -> int:
    """How many of the first digits are a card number that more digits follow, such as its expiry; 0 for none."""
    length = 15 if digits[:2] in {"34", "37"} else 16
    return length if len(digits) > length and is_card(digits[:length]) else 0


def is_account_card(digits: str) -> bool:
    """The length and first digits of a Chinese bank card (62, UnionPay), whose check digit was misheard."""
    return digits.startswith("62") and len(digits) in _ACCOUNT_CARD_LENGTHS


def is_chinese_id(text: str) -> bool:
    """18 characters with a date of birth and the check digit of GB 11643.

    The place is not looked up: thousands of its codes were given up, and those born there have theirs still.
    """
    if len(text) != _CHINESE_ID_LENGTH or not (text[:17].isdecimal() and text.isascii()):
        return False
    from stdnum.cn import ric
    from stdnum.exceptions import ValidationError

    try:
        ric.get_birth_date(text)
    except ValidationError:
        return False
    return ric.calc_check_digit(text) == text[-1].upper() and text[6:8] in {"18", "19", "20"}


def is_iban(text: str) -> bool:
    """An international account number by its form and check digits (ISO 13616)."""
    if not _IBAN.fullmatch(text):
        return False
    from stdnum import iban

    return bool(iban.is_valid(text))


def is_insurance_number(text: str) -> bool:
    """The form of a British National Insurance number, ``AB123456C``; it has no check digit."""
    return _INSURANCE_NUMBER.fullmatch(text) is not None


def regions_of(language: str | None) -> tuple[str, ...]:
    """Where a speaker of this language (BCP 47) may have a telephone: the region it names, then the usual ones."""
    name, *parts = (language or "").replace("_", "-").split("-")
    named = tuple(part.upper() for part in parts if re.fullmatch(r"[A-Za-z]{2}", part))
    return named + tuple(region for region in _REGIONS.get(name.lower(), ("US", "GB", "CN")) if region not in named)


def is_phone(digits: str, regions: Iterable[str], *, international: bool) -> bool:
    """Whether it can be called from one of the regions (ISO 3166), or with ``international`` after a plus sign."""
    import phonenumbers

    for region in ("ZZ",) if international else regions:
        try:
            number = phonenumbers.parse(f"+{digits}" if international else digits, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            return True
    return False
