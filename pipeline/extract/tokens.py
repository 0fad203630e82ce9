"""How many tokens a text takes, about, without any model's vocabulary: those are files that would have to be fetched.

Fitted on the sample calls and chats as a prompt shows them, the taxonomies, the knowledge base and the prompts against
five vocabularies (o200k and cl100k of OpenAI, Qwen's, Claude 2's, Llama 2's): the estimate is 1.03 to 1.4 times what
they count in English, and 0.91 to 2 times in Chinese, where they differ most among themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from math import ceil
from typing import Final

from pipeline.ports import ChatMessage

SHORTFALL: Final = 0.1
"""By how much of itself the estimate may be too low, for talk and prompts; a string of random letters takes more."""

_HAN: Final = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
# Up to six Latin letters of a word are a token; so is a digit, and what stands before a number; a mark; a line's end.
_ONE: Final = re.compile(r"[A-Za-z]{1,6}|[0-9]| (?=[0-9])|\n|[^\w\s]|_| {2,}")
_HAN_LETTER: Final = re.compile(rf"[{_HAN}]")
_OTHER_LETTER: Final = re.compile(rf"[^\W0-9_A-Za-z{_HAN}]")
_ASTRAL: Final = re.compile(r"[\U00010000-\U0010ffff]")
# Tokens a letter: Llama 2 takes 1.5 for Chinese, the newer ones 0.8; for Thai and Hindi they take 0.4 to 2.
_LETTER: Final = 1.4
# An emoji is up to four bytes, each a token where the vocabulary does not have it; one of them is counted as a mark.
_ASTRAL_MORE: Final = 2
# What a chat format puts around a message: who speaks, and the marks where it begins and ends.
_MESSAGE: Final = 5


def estimated_tokens(text: str) -> int:
    """Tokens of a text; of two texts, one after the other on lines of their own, the sum or one less."""
    letters = len(_HAN_LETTER.findall(text)) + len(_OTHER_LETTER.findall(text))
    return len(_ONE.findall(text)) + ceil(_LETTER * letters) + _ASTRAL_MORE * len(_ASTRAL.findall(text))


def prompt_tokens(messages: Iterable[ChatMessage]) -> int:
    """Tokens of a whole prompt; its instructions, the same for every call, are counted once."""
    return sum(
        _MESSAGE + (_instructed if message.role == "system" else _asked)(message.content) for message in messages
    )


_instructed: Final = lru_cache(maxsize=64)(estimated_tokens)
# Counted to see whether it fits, and at once again for the budget.
_asked: Final = lru_cache(maxsize=64)(estimated_tokens)
