"""One JSON value at a place of a text, with what can be mended safely: how it is written, never what it says."""

from __future__ import annotations

import json
import re
from enum import StrEnum
from typing import Any, Final

from pipeline.llm.guarded import AnswerInvalid

MOST_NESTED: Final = 64
"""Objects and lists within each other that are still read."""
# Longer numbers are nothing that was asked for, and Python refuses integers of more than 4,300 digits.
_LONGEST_NUMBER: Final = 300
_SPACE: Final = re.compile(r"\s*")
_KEY: Final = re.compile(r"[A-Za-z_]\w*")
_WORD: Final = re.compile(r"[+-]?[A-Za-z_]+")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
_PLAIN: Final = {'"': re.compile(r'[^"\\\x00-\x1f]*'), "'": re.compile(r"[^'\\\x00-\x1f]*")}
_CODE: Final = re.compile(r"[0-9a-fA-F]{4}")
_ESCAPES: Final = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_JSON_WORDS: Final = {"true": True, "false": False, "null": None}
_PYTHON_WORDS: Final = {"True": True, "False": False, "None": None}
_NOT_NUMBERS: Final = frozenset({"NaN", "nan", "Infinity", "-Infinity", "+Infinity"})


class Mend(StrEnum):
    """What was not as JSON has it."""

    BYTE_ORDER_MARK = "byte_order_mark"
    REASONING = "reasoning"
    TEXT_AROUND = "text_around"
    TRAILING_COMMA = "trailing_comma"
    SINGLE_QUOTES = "single_quotes"
    BARE_KEY = "bare_key"
    RAW_CONTROL = "raw_control"
    ESCAPED_QUOTE = "escaped_quote"
    NOT_A_NUMBER = "not_a_number"
    PYTHON_WORD = "python_word"


class MendingReader:
    """Reads values of ``text`` from ``at`` on, which only ever goes forward; ``mended`` is what it had to mend."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.mended: set[Mend] = set()

    def value(self, depth: int = 1) -> Any:  # noqa: ANN401 - JSON can be anything
        """The value that begins here; ``at`` is behind it then.

        Raises:
            AnswerInvalid: there is none; says what and where.
        """
        if depth > MOST_NESTED:
            raise self.invalid("nested too deeply")
        self._skip_space()
        match self._here():
            case "{":
                return self._object(depth)
            case "[":
                return self._list(depth)
            case '"' | "'" as quote:
                return self._string(quote)
            case _:
                return self._number_or_word()

    def _object(self, depth: int) -> dict[str, Any]:
        opened = self.at
        found: dict[str, Any] = {}
        self.at += 1
        while not self._closed("}", opened, first=not found):
            key_at = self.at
            key = self._key()
            if key in found:
                raise self.invalid(f"the key {key[:80]!r} stands twice", key_at)
            self._expect(":")
            found[key] = self.value(depth + 1)
        return found

    def _list(self, depth: int) -> list[Any]:
        opened = self.at
        found: list[Any] = []
        self.at += 1
        while not self._closed("]", opened, first=not found):
            found.append(self.value(depth + 1))
        return found

    def _closed(self, bracket: str, opened: int, *, first: bool) -> bool:
        """Goes to the next member, over its comma; True, and past the bracket, where there is none."""
        self._skip_space()
        comma = not first and self._here() == ","
        if comma:
            self.at += 1
            self._skip_space()
        here = self._here()
        if here == "":
            raise self.invalid(f"what begins here has no {bracket!r}", opened)
        if here == bracket:
            if comma:
                self.mended.add(Mend.TRAILING_COMMA)
            self.at += 1
            return True
        if not first and not comma:
            raise self.invalid(f"expected ',' or {bracket!r}")
        return False

    def _key(self) -> str:
        if (quote := self._here()) in _PLAIN:
            return self._string(quote)
        if (bare := _KEY.match(self.text, self.at)) is None:
            raise self.invalid("expected a key in double quotes")
        self.mended.add(Mend.BARE_KEY)
        self.at = bare.end()
        return bare[0]

    def _string(self, quote: str) -> str:
        opened = self.at
        self.at += 1
        pieces: list[str] = []
        while True:
            plain = _PLAIN[quote].match(self.text, self.at)
            assert plain is not None
            pieces.append(plain[0])
            self.at = plain.end()
            here = self._here()
            if here == "":
                raise self.invalid("the string that begins here does not end", opened)
            self.at += 1
            if here == quote:
                break
            if here == "\\":
                pieces.append(self._escaped())
            else:
                self.mended.add(Mend.RAW_CONTROL)
                pieces.append(here)
        if quote == "'":
            self.mended.add(Mend.SINGLE_QUOTES)
        return "".join(pieces)

    def _escaped(self) -> str:
        letter = self._here()
        self.at += 1
        if letter in _ESCAPES:
            return _ESCAPES[letter]
        if letter == "'":
            self.mended.add(Mend.ESCAPED_QUOTE)
            return letter
        if letter == "u" and (code := _CODE.match(self.text, self.at)):
            self.at = code.end()
            return self._character(int(code[0], 16))
        raise self.invalid("an escape that JSON does not have", self.at - 2)

    def _character(self, unit: int) -> str:
        r"""One character of a \u escape, or of the two that UTF-16 writes it with; a lone half is refused."""
        if not 0xD800 <= unit <= 0xDFFF:  # noqa: PLR2004 - the surrogates of UTF-16
            return chr(unit)
        low = _CODE.match(self.text, self.at + 2) if self.text.startswith("\\u", self.at) else None
        if low is not None:
            try:
                pair = (unit.to_bytes(2, "big") + bytes.fromhex(low[0])).decode("utf-16-be")
            except UnicodeDecodeError:
                raise self.invalid("half a surrogate pair") from None
            self.at = low.end()
            return pair
        raise self.invalid("half a surrogate pair")

    def _number_or_word(self) -> Any:  # noqa: ANN401 - JSON can be anything
        if number := _NUMBER.match(self.text, self.at):
            if len(number[0]) > _LONGEST_NUMBER:
                raise self.invalid("a number that is too long")
            self.at = number.end()
            self._end_of_literal()
            return json.loads(number[0])
        if (word := _WORD.match(self.text, self.at)) is None:
            raise self.invalid("expected a value")
        if word[0] in _JSON_WORDS:
            value = _JSON_WORDS[word[0]]
        elif word[0] in _PYTHON_WORDS:
            value = _PYTHON_WORDS[word[0]]
            self.mended.add(Mend.PYTHON_WORD)
        elif word[0] in _NOT_NUMBERS:
            value = None
            self.mended.add(Mend.NOT_A_NUMBER)
        else:
            raise self.invalid("expected a value")
        self.at = word.end()
        self._end_of_literal()
        return value

    def _end_of_literal(self) -> None:
        """A number or a word ends where something else begins: "5 dollars" and "00" are no numbers."""
        self._skip_space()
        if self._here() not in {",", "}", "]", ""}:
            raise self.invalid("expected ',' or a closing bracket")

    def _expect(self, mark: str) -> None:
        self._skip_space()
        if self._here() != mark:
            raise self.invalid(f"expected {mark!r}")
        self.at += 1

    def _here(self) -> str:
        return self.text[self.at : self.at + 1]

    def _skip_space(self) -> None:
        space = _SPACE.match(self.text, self.at)
        assert space is not None
        self.at = space.end()

    def invalid(self, what: str, at: int | None = None) -> AnswerInvalid:
        """What is wrong here, or there, with line and column."""
        at = min(self.at if at is None else at, len(self.text))
        line = self.text.count("\n", 0, at) + 1
        column = at - self.text.rfind("\n", 0, at)
        return AnswerInvalid(f"no JSON: {what} at line {line}, column {column}")
