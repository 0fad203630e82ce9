"""In which of a scenario's languages a document is written."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from pipeline.errors import Poison

_HAN: Final = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_LATIN: Final = re.compile(r"[A-Za-z\u00c0-\u024f]")
_LETTERS_A_WORD: Final = 3
"""Latin letters that say as much as one Chinese character: a Chinese page full of product names is a Chinese page."""


def language_of(text: str, languages: Iterable[str]) -> str:
    """The one of these languages that it is written in, told by its script.

    Raises:
        Poison: none of them has this script, or more than one has.
    """
    han, latin = len(_HAN.findall(text)), len(_LATIN.findall(text))
    is_chinese = han * _LETTERS_A_WORD > latin
    fitting = sorted(one for one in languages if (one.split("-")[0] == "zh") == is_chinese)
    if len(fitting) != 1:
        which = " or ".join(fitting) if fitting else "none of the scenario's"
        raise Poison(f"its language cannot be told ({which})", hint="--language says it")
    return fitting[0]
