"""What somebody said, as a prompt may show it: as data that can neither begin a line nor end the transcript."""

from __future__ import annotations


def data_line(text: str) -> str:
    """The text on one line, whatever breaks it (CR, U+2028, U+0085 …), and without the brackets that marks are made of.

    Only what is no part of a word changes, so that quotes of it are found again.
    """
    return " ".join(text.split()).replace("<", "(").replace(">", ")")
